/* Laid out like a kernel module: start and end in sections of their own. */
#include "queue.h"

#define INIT __attribute__((section(".init.text"), cold))
#define EXIT __attribute__((section(".exit.text")))

static struct queue jobs;

static INIT u32 prepare(u32 count)
{
    for (u32 at = 0; at < count; at++)
        queue_push(&jobs, at);
    return count;
}

INIT int init_module(void)
{
    return (int)tally(&jobs, "10 1") + (int)prepare(4);
}

EXIT void cleanup_module(void)
{
    if (queue_drain(&jobs))
        stop(2);
}
