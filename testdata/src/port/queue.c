/* A loop, a call that stays, a static function that is not inlined. */
#include "queue.h"

volatile u32 stopped;

__attribute__((cold, noreturn)) void stop(u32 why)
{
    for (;;)
        stopped = why;
}

static __attribute__((noinline)) u32 fold(const u32 *item, u32 sum)
{
    sum ^= *item << 5;
    return sum + (sum >> 7);
}

u32 queue_drain(struct queue *q)
{
    u32 sum = 0;
    while (q->head != q->tail)
        sum = fold(queue_slot(q, q->head++), sum);
    return sum;
}

u32 queue_refill(struct queue *q, u32 count)
{
    while (count--)
        queue_push(q, fold(&count, count));
    return queue_drain(q) + 1;
}
