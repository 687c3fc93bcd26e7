/* Frames of each kind that Apple's compact unwind information can describe, and some that it cannot. */
long call(long, ...);
double call_double(double);

#ifdef __x86_64__
#define TWO "rbx", "r12"
#define FOUR "rbx", "r12", "r14", "r15"
#else
#define TWO "x19", "x20"
#define FOUR "x19", "x20", "x21", "x22", "d8", "d9"
#endif

int leaf(int a) { return a + 1; }
long one_call(long a) { return call(a) + 1; }

long two_calls(long a, long b) {
    long x = call(a);
    return x + call(b) + b;
}

long many_registers(long a, long b, long c, long d, long e, long f) {
    long x = call(a, b, c, d, e, f);
    x += call(b, c);
    x += call(d, e, f) * a;
    return x + call(x) * b + call(c) * d + call(e) * f + a * b * c * d * e * f;
}

double vectors(double a, double b, double c, double d) {
    double x = call_double(a) + call_double(b);
    return x + call_double(c) * d + call_double(d) * a + b * c;
}

long large_frame(long a) {
    char bytes[100000];
    call((long)bytes);
    return bytes[a];
}

long leaf_with_array(long a) {
    char bytes[300];
    bytes[a] = 1;
    bytes[a * 2] = 3;
    return bytes[a + 7] + bytes[3];
}

long leaf_that_saves_two(long a, long b) {
    volatile char bytes[64];
    bytes[a] = b;
    __asm__ volatile("" ::: TWO);
    return bytes[b];
}

long leaf_that_saves_more(long a, long b) {
    volatile char bytes[64];
    bytes[a] = b;
    __asm__ volatile("" ::: FOUR);
    return bytes[b];
}

long dynamic_frame(long n) {
    char *bytes = __builtin_alloca(n);
    call((long)bytes);
    return bytes[3];
}
