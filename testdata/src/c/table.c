/* A second unit that shares token.h: its inlined functions are the same
 * functions with other origins. */
#include "token.h"

#define SLOTS 32

static struct token slots[SLOTS];
static u32 used;

static inline struct token *slot_at(u32 hash, u32 step)
{
    return &slots[(rotate_left(hash, step) + step) % SLOTS];
}

static inline struct token *probe(u32 hash)
{
    for (u32 step = 0; step < SLOTS; step++) {
        struct token *t = slot_at(hash, step);
        if (t->hash == hash || t->hash == 0)
            return t;
    }
    fail("table full", (long)hash);
}

/* Reported on a path that is almost never taken; it is split off as .cold. */
static inline void note_collision(struct token *old, const struct token *new)
{
    if (__builtin_expect(old->length != new->length, 0)) {
        fail_count = checked_add(fail_count, old->value);
        if (old->value > new->value)
            fail("collision", old->value);
        old->length = new->length;
    }
}

struct token *table_find(u32 hash)
{
    struct token *t = probe(hash);
    return t->hash ? t : 0;
}

struct token *table_insert(const struct token *t)
{
    u32 hash = hash_text(t->text, t->length);
    struct token *slot = probe(hash);
    if (slot->hash)
        note_collision(slot, t);
    else
        used++;
    slot->text = t->text;
    slot->length = t->length;
    slot->value = t->value;
    slot->kind = t->kind;
    slot->hash = hash;
    return slot;
}

/* Two bodies that are byte for byte the same (a folding linker may merge them). */
u32 table_used(void) { return used; }
u32 table_count(void) { return used; }
