/* A function of the same code as those of fold.c, in another unit. */
#include "queue.h"

struct item { u32 count; };

u32 item_total(struct item *item)
{
    u32 count = item->count;


    return count * 2 + 7;
}
