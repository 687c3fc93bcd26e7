/* Shared by the units that are built for every architecture: no libc, no
 * division, no 64-bit arithmetic. Each level is inlined into the next:
 * queue_push -> queue_slot -> wrap. */
#ifndef QUEUE_H
#define QUEUE_H

typedef unsigned int u32;

struct queue {
    u32 items[16];
    u32 head, tail;
};

static inline u32 wrap(u32 at)
{
    return at & 15;
}

static inline u32 *queue_slot(struct queue *q, u32 at)
{
    return &q->items[wrap(at)];
}

/* Its unlikely half calls a cold function. */
__attribute__((cold, noreturn)) void stop(u32 why);

static inline void queue_push(struct queue *q, u32 item)
{
    if (__builtin_expect(q->tail - q->head == 16, 0))
        stop(q->head);
    *queue_slot(q, q->tail++) = item;
}

u32 queue_drain(struct queue *q);
u32 tally(struct queue *q, const char *text);

#endif
