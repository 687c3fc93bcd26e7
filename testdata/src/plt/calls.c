/* Calls that go through a PLT: lazily bound ones, one whose address is taken as
 * well (.plt.got), one to an IFUNC of this file. No libc. */
typedef int (*step)(int);

int first_import(int);
int second_import(int);
int addressed_import(int);
int weak_import(int) __attribute__((weak));

static int chosen_fast(int x)
{
    return x * 3;
}

static int chosen_slow(int x)
{
    return x + x + x;
}

volatile int prefer_fast;

static step choose(void)
{
    return prefer_fast ? chosen_fast : chosen_slow;
}

int chosen(int) __attribute__((ifunc("choose")));

step exported_address = addressed_import;

int call_imports(int x)
{
    step take = addressed_import;
    int sum = first_import(x) + second_import(x + 1);
    __asm__ volatile("" : "+r"(take));
    sum += take(sum) + addressed_import(x);
    return weak_import ? sum + weak_import(sum) : sum;
}

int call_chosen(int x)
{
    return chosen(x) + call_imports(x);
}
