/* The entry of the executables with a debug map: calls into each of the other objects. */
#include "../port/queue.h"

u32 tally_twice(struct queue *q, const char *text);

static struct queue work;

static inline u32 head_of(struct queue *q)
{
    return *queue_slot(q, q->head);
}

static __attribute__((used)) u32 never_called(u32 x)
{
    return wrap(x) + 1;
}

__attribute__((visibility("hidden"))) u32 dead(struct queue *q)
{
    queue_push(q, 9);
    return head_of(q);
}

int main(void)
{
    queue_push(&work, 3);
    return (int)(tally_twice(&work, "10 01") + head_of(&work)) & 0x7f;
}
