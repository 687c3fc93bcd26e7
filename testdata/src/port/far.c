/* Functions of one unit that lie more than 4 GiB apart: build/shape.sh places
 * the section .far. */
#include "queue.h"

#define FAR __attribute__((section(".far")))

FAR u32 far_push(struct queue *q, u32 item)
{
    queue_push(q, item + 3);
    return q->tail;
}

u32 near_push(struct queue *q, u32 item)
{
    queue_push(q, item);
    return far_push(q, item) + 1;
}

FAR u32 far_drain(struct queue *q)
{
    return queue_drain(q) - near_push(q, 1);
}
