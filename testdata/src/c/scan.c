/* A scanner: deep inlining from token.h, gcc clones, and a cold path. */
#include "token.h"

long fail_count;
static const char *fail_reason;
static u64 scan_stats[4];

__attribute__((cold, noreturn)) void fail(const char *what, long value)
{
    fail_reason = what;
    fail_count += value;
    __builtin_trap();
}

struct span {
    const char *from;
    const char *to;
    u64 unused[4];
};

/* Only two of the fields are read: gcc passes them by value (.isra). */
static __attribute__((noinline)) long span_number(const struct span *s, int unused_flag)
{
    long value = 0;
    (void)unused_flag;
    for (const char *p = s->from; p != s->to; p++) {
        if (__builtin_expect(!is_digit(*p), 0))
            fail("digit", *p);
        value = checked_add(value * 10, *p - '0');
    }
    return value;
}

/* Every caller passes the same table size: gcc makes a copy (.constprop). */
static __attribute__((noinline)) u32 bump(u64 *stats, u32 size, u32 kind)
{
    u32 slot = mix(kind, size) % size;
    stats[slot] += kind;
    for (u32 i = 0; i < size; i++)
        stats[i] ^= rotate_left((u32)stats[slot], i + 1);
    return slot;
}

/* A quick exit and a long tail: the exit is inlined, the tail split off (.part). */
static const char *skip_comment(const char *p)
{
    if (__builtin_expect(*p != '#', 1))
        return p;
    const char *start = p;
    while (*p && *p != '\n') {
        if (p[0] == '\\' && p[1])
            p++;
        scan_stats[3] += hash_step((u32)scan_stats[2], *p);
        p++;
    }
    scan_stats[2] = hash_text(start, (u32)(p - start));
    bump(scan_stats, 4, 7);
    return p;
}

int scan_next(const char **cursor, struct token *out)
{
    *cursor = skip_comment(*cursor);
    while (**cursor == ' ' || **cursor == '\n')
        *cursor = skip_comment(*cursor + 1);
    const char *start = *cursor;
    out->text = start;
    out->value = 0;
    if (!*start) {
        out->kind = KIND_END;
        out->length = 0;
        return 0;
    }
    if (is_digit(*start)) {
        struct span digits = { start, start, { 0 } };
        while (is_digit(*digits.to))
            digits.to++;
        out->value = span_number(&digits, 1);
        out->kind = KIND_NUMBER;
        *cursor = digits.to;
    } else if (is_name(*start)) {
        const char *p = start;
        while (is_name(*p) || is_digit(*p))
            p++;
        out->kind = KIND_NAME;
        *cursor = p;
    } else {
        out->kind = KIND_PUNCT;
        (*cursor)++;
    }
    out->length = (u32)(*cursor - start);
    { /* lexical block with inlined calls */
        u32 h = hash_text(out->text, out->length);
        {
            u32 twice = mix(h, out->length);
            out->hash = twice ? twice : 1;
        }
    }
    bump(scan_stats, 4, (u32)out->kind);
    return out->kind;
}
