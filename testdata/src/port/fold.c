/* Functions of equal code, which a linker may fold into one: lines and inlined calls differ. */
#include "queue.h"

struct point { u32 x, y; };

static inline __attribute__((always_inline)) u32 twice(u32 number)
{
    return number * 2;
}

u32 point_width(struct point *point)
{
    return twice(point->x) + 7;
}

static inline __attribute__((always_inline)) u32 doubled(u32 number)
{
    return number + number;
}

u32 point_left(struct point *point)
{

    return doubled(point->x) + 7;
}
