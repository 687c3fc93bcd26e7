/* Helpers shared by every C unit. Each level is inlined into the next:
 * hash_text -> hash_step -> mix -> rotate_left. */
#ifndef TOKEN_H
#define TOKEN_H

typedef unsigned int u32;
typedef unsigned long u64;

struct token {
    const char *text;
    u32 length;
    u32 hash;
    long value;
    int kind;
};

enum { KIND_END, KIND_NUMBER, KIND_NAME, KIND_PUNCT };

static inline u32 rotate_left(u32 x, u32 by)
{
    return (x << by) | (x >> (32 - by));
}

static inline u32 mix(u32 h, u32 x)
{
    h ^= rotate_left(x * 0xcc9e2d51u, 15) * 0x1b873593u;
    return rotate_left(h, 13) * 5 + 0xe6546b64u;
}

static inline u32 hash_step(u32 h, char c)
{
    return mix(h, (u32)(unsigned char)c);
}

static inline u32 hash_text(const char *text, u32 length)
{
    u32 h = 0x9747b28cu;
    for (u32 i = 0; i < length; i++)
        h = hash_step(h, text[i]);
    return h ^ length;
}

static inline int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline int is_name(char c)
{
    char lower = (char)(c | 0x20);
    return (lower >= 'a' && lower <= 'z') || c == '_';
}

/* Its unlikely half calls a cold function, so an inlined copy gets two ranges. */
__attribute__((cold, noreturn)) void fail(const char *what, long value);

static inline __attribute__((always_inline)) long checked_add(long a, long b)
{
    long sum;
    if (__builtin_expect(__builtin_add_overflow(a, b, &sum), 0))
        fail("overflow", a);
    return sum;
}

int scan_next(const char **cursor, struct token *out);
long grammar_eval(const char *text);
struct token *table_insert(const struct token *t);
struct token *table_find(u32 hash);
extern long fail_count;

#endif
