/* Calls through stubs: lazily bound ones, one whose address is taken as well, a weak one. */
int first_import(int);
int second_import(int);
int addressed_import(int);
int weak_import(int) __attribute__((weak_import));

typedef int (*step)(int);
step exported_address = addressed_import;

static __attribute__((noinline)) int local_sum(int x)
{
    return first_import(x) + second_import(x + 1);
}

int call_imports(int x)
{
    step take = addressed_import;
    int sum = local_sum(x);
    __asm__ volatile("" : "+r"(take));
    sum += take(sum) + addressed_import(x);
    return weak_import ? sum + weak_import(sum) : sum;
}

static __attribute__((noinline)) int local_twice(int x)
{
    return call_imports(x) * 2 + second_import(x);
}

__attribute__((visibility("hidden"))) int hidden_call(int x)
{
    return local_twice(x) - 1;
}

int main(void)
{
    return hidden_call(3) & 0x7f;
}
