/* The entry of the executable; the process ends in a noreturn function. */
#include "token.h"

long stub_sized(long a, long b);

/* An assembly routine inside a C unit: a symbol without a size and without DWARF. */
__asm__(".text\n"
        ".type start_pause, @function\n"
        "start_pause:\n"
        "    pause\n"
        "    ret\n");

static __attribute__((noreturn)) void leave(long status)
{
    for (;;)
        __asm__ volatile("syscall" : : "a"(60L), "D"(status) : "rcx", "r11", "memory");
}

void *memset(void *to, int value, unsigned long n)
{
    volatile char *p = to;
    while (n--)
        *p++ = (char)value;
    return to;
}

__attribute__((noreturn, force_align_arg_pointer)) void _start(void)
{
    __asm__ volatile("call start_pause");
    leave(stub_sized(grammar_eval("1 + (x + 41) # done"), fail_count) & 0x7f);
}
