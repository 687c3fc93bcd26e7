/* A unit with several sections of code. */
#include "../port/queue.h"

#define PART(name) __attribute__((noinline, section("__TEXT," name ",regular,pure_instructions")))
#define OTHER(name) __attribute__((noinline, section("__CODE," name ",regular,pure_instructions")))

static struct queue jobs;

PART("__init") static u32 prepare(u32 count)
{
    for (u32 at = 0; at < count; at++)
        queue_push(&jobs, at);
    return count;
}

u32 parts_sum(u32 count)
{
    u32 sum = 0;
    while (count--)
        sum += *queue_slot(&jobs, count);
    return sum;
}

PART("__init") u32 parts_start(void)
{
    return parts_sum(prepare(4)) + prepare(7);
}

OTHER("__exit") u32 parts_end(void)
{
    queue_push(&jobs, parts_sum(2));
    return wrap(jobs.tail);
}
