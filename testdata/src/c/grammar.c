/* Stands for generated code: most of it claims to come from grammar.y. */
#include "token.h"

struct state {
    const char *cursor;
    struct token now;
    int depth;
};

static void advance(struct state *s)
{
    scan_next(&s->cursor, &s->now);
}

#line 100 "grammar.y"
static long expression(struct state *s);

static inline int at_punct(const struct state *s, char c)
{
    return s->now.kind == KIND_PUNCT && s->now.text[0] == c;
}

static long primary(struct state *s)
{
    long value;
    if (at_punct(s, '(')) {
        if (++s->depth > 64)
            fail("depth", s->depth);
        advance(s);
        value = expression(s); /* recursion */
        if (!at_punct(s, ')'))
            fail("paren", s->depth);
        s->depth--;
    } else if (s->now.kind == KIND_NAME) {
        struct token *t = table_find(hash_text(s->now.text, s->now.length));
        value = t ? t->value : table_insert(&s->now)->value;
    } else {
        value = s->now.value;
    }
    advance(s);
    return value;
}

#line 20 "./rules/../expr.y"
static long expression(struct state *s)
{
    long sum = primary(s);
    while (at_punct(s, '+')) {
        advance(s);
        sum = checked_add(sum, primary(s));
    }
    return sum;
}

#line 200 "/generated/absolute.y"
long grammar_count(long n)
{
    return n <= 1 ? 1 : grammar_count(n - 1) + grammar_count(n - 2);
}

#line 0 "grammar.y"
long grammar_line_zero(volatile long *p) { *p += 1;
    *p ^= 3;
    return *p; }

#line 60 "grammar.c"
long grammar_eval(const char *text)
{
    struct state s = { text, { 0, 0, 0, 0, 0 }, 0 };
    advance(&s);
    return expression(&s);
}
