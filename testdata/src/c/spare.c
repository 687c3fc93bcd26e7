/* One function is exported; the linker throws the others away and leaves
 * their debug information behind (tombstones). */
#include "token.h"

static inline u32 spare_mix(u32 a)
{
    return mix(a, rotate_left(a, 3));
}

long fail_count;

__attribute__((cold, noreturn)) void fail(const char *what, long value)
{
    fail_count += value + (what != 0);
    __builtin_trap();
}

u32 spare_dead_first(u32 a)
{
    u32 h = a;
    for (u32 i = 0; i < a; i++)
        h ^= spare_mix(h + i);
    return h;
}

long spare_dead_second(long a)
{
    return checked_add(a, (long)spare_dead_first((u32)a));
}

__attribute__((visibility("default"))) long spare_kept(const char *text, u32 n)
{
    return checked_add((long)hash_text(text, n), (long)spare_mix(n));
}

u32 spare_dead_last(const char *text)
{
    return hash_text(text, 4) + spare_mix(9);
}
