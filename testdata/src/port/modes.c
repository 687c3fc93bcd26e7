/* Functions of both instruction sets in one unit (ARM: bit 0 of a symbol says
 * Thumb; MIPS: of microMIPS). PLAIN and COMPACT are set by build/arch.sh. */
#include "queue.h"

PLAIN u32 mode_plain(struct queue *q, u32 item)
{
    queue_push(q, item);
    return queue_drain(q) + 1;
}

COMPACT u32 mode_compact(struct queue *q, u32 item)
{
    queue_push(q, item + 1);
    return queue_drain(q) + 2;
}

static PLAIN __attribute__((noinline)) u32 mode_local_plain(u32 item)
{
    return item * 5 ^ wrap(item);
}

static COMPACT __attribute__((noinline)) u32 mode_local_compact(u32 item)
{
    return item * 7 ^ wrap(item);
}

COMPACT u32 mode_both(u32 item)
{
    return mode_local_plain(item) + mode_local_compact(item + 1);
}
