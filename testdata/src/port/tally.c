/* The same header in a second unit; a switch, and calls into the first. */
#include "queue.h"

static inline u32 weight(char c)
{
    switch (c) {
    case ' ':
        return 0;
    case '0':
    case '1':
        return 3;
    default:
        return (u32)c + 1;
    }
}

u32 tally(struct queue *q, const char *text)
{
    u32 sum = 0;
    for (; *text; text++) {
        u32 w = weight(*text);
        if (w)
            queue_push(q, w);
        else
            sum += queue_drain(q);
    }
    return sum;
}

u32 tally_twice(struct queue *q, const char *text)
{
    u32 once = tally(q, text);
    queue_push(q, once);
    return once ^ tally(q, text);
}
