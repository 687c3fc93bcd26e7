// Functions whose frames differ: sizes, saved registers, vector registers, frame pointers, alignment, alloca, variable arguments, tail
// calls, several exits, and on x86 calling conventions. run_all calls all of them; every instruction of them is unwound.
typedef unsigned long long u64;
extern "C" int _fltused = 1;
extern "C" void *memset(void *p, int c, decltype(sizeof 0) n) { volatile char *q = (volatile char *)p; while (n--) *q++ = (char)c; return p; }
#define NOINLINE __declspec(noinline)
#define KEEP(x) __asm__ volatile("" : "+r"(x))
#ifdef __i386__
#define STDCALL __stdcall
#define FASTCALL __fastcall
#else
#define STDCALL
#define FASTCALL
#endif
namespace frames {
volatile int cell;

NOINLINE int leaf(int a) { cell = a; return a * 3; }
NOINLINE int small(int a) { volatile int x = a; return leaf(x) + x; }
NOINLINE int large(int a) { volatile char pad[3000]; pad[a] = 1; return leaf(a) + pad[a]; }
NOINLINE int huge(int a) { volatile char pad[200000]; pad[a] = 1; return leaf(a) + pad[a]; }
NOINLINE int medium(int a) { volatile char pad[700]; pad[a] = 1; return leaf(a) + pad[a]; }

// All registers that a function has to keep.
NOINLINE int registers(int a, int b) {
  int c = a + b, d = a - b, e = a * b, f = a ^ b, g = a | b, h = a & b, i = a + 2 * b, j = a - 3 * b;
  for (int k = 0; k < 2; k++) {
    KEEP(c); KEEP(d);
    c += leaf(d); d += leaf(e); e += leaf(f); f += leaf(g); g += leaf(h); h += leaf(i); i += leaf(j); j += leaf(c);
  }
  return c + d + e + f + g + h + i + j;
}
NOINLINE int three(int a, int b, int c) { int x = leaf(a); int y = leaf(b + x); return leaf(c + y) + x + y + a + b; }

NOINLINE double vectors(double a, double b) {
  double c = a + b, d = a - b;
  cell = leaf((int)c); c *= d; cell = leaf((int)d); d += c * a; cell = leaf((int)(a + d)); a *= b + c; cell = leaf((int)b);
  return a + b + c + d;
}

// A frame of unknown size, which needs a frame pointer.
NOINLINE int dynamic(int n) {
  volatile char *p = (volatile char *)__builtin_alloca(n * 8 + 8);
  for (int i = 0; i < n; i++) p[i] = (char)leaf(i);
  volatile char *q = (volatile char *)__builtin_alloca(n * 4 + 8);
  q[0] = p[n - 1];
  return three(p[0], q[0], n) + p[1];
}
NOINLINE int aligned(int n) {
  __attribute__((aligned(64))) volatile int block[24];
  block[n] = n;
  return leaf(block[n]) + three(n, block[n], (int)((u64)(decltype(sizeof 0))&block[0] & 63));
}
NOINLINE int aligned_dynamic(int n) {
  __attribute__((aligned(64))) volatile int block[24];
  volatile char *p = (volatile char *)__builtin_alloca(n * 8 + 8);
  block[n] = n; p[0] = 1;
  return leaf(block[n]) + three(n, block[n], p[0]) + small(n);
}

NOINLINE int variable(int n, ...) {
  __builtin_va_list list;
  __builtin_va_start(list, n);
  int sum = 0;
  for (int i = 0; i < n; i++) sum += leaf(__builtin_va_arg(list, int));
  __builtin_va_end(list);
  return sum;
}
NOINLINE int many(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j) {
  return leaf(a + b) + leaf(c + d) + leaf(e + f) + leaf(g + h) + leaf(i + j);
}

NOINLINE int tail(int a) { int x = leaf(a); __attribute__((musttail)) return small(x); }
int (*volatile target)(int) = small;
NOINLINE int tail_indirect(int a) { int x = leaf(a) + leaf(a + 1); int (*t)(int) = target; return t(x); }

NOINLINE int exits(int a) {
  if (a == 0) return leaf(a);
  volatile char pad[64];
  pad[a & 63] = 1;
  if (a == 1) return leaf(a) + 1;
  if (a == 2) return leaf(leaf(a)) + pad[0];
  switch (a) {
  case 3: return leaf(3);
  case 4: return small(4) + pad[1];
  case 5: return large(5);
  case 6: cell = 5; return three(1, 2, pad[2]);
  case 7: return leaf(4) + leaf(a);
  default: return pad[a & 63];
  }
}

NOINLINE int STDCALL callee_pops(int a, int b, int c) { return leaf(a + b) + c; }
NOINLINE int STDCALL callee_pops_one(int a) { return leaf(a) + 1; }
NOINLINE int FASTCALL in_registers(int a, int b, int c, int d) { return leaf(a + b) + leaf(c) + d; }
NOINLINE int mixed(int a, int b) {
  int x = callee_pops(a, b, a + b);
  x += callee_pops_one(x);
  x += in_registers(a, b, x, a);
  x += callee_pops(x, callee_pops_one(a), callee_pops_one(b));
  return x + many(a, b, a, b, x, a, b, a, b, x);
}
struct Shape {
  int k;
  NOINLINE virtual int area(int a, int b) { return leaf(a * b) + k; }
  NOINLINE virtual int sum(int a) { return area(a, a) + area(a, 1); }
};
struct Disc : Shape {
  NOINLINE int area(int a, int b) override { return small(a + b) + k; }
};
NOINLINE int STDCALL virtual_calls(Shape *s, Shape *t) {
  int x = s->area(1, 2);
  x += t->area(x, 3);
  x += s->sum(x) + t->sum(2);
  return x;
}
NOINLINE int recurse(int n) { volatile int x = n; return n < 2 ? leaf(x) : recurse(n - 1) + recurse(n - 2) + x; }
typedef int(STDCALL *Popping)(int, int, int);
NOINLINE int pointers(Popping p, int (*q)(int, int, int), int n) {
  int x = p(n, n, n);
  x += q(x, 2, n);
  x += p(x, q(n, x, 1), n);
  return x;
}
NOINLINE int shrink(int a, int *out) {
  if (!out) return a;
  int x = leaf(a), y = leaf(x), z = leaf(y);
  *out = x + y * z;
  return leaf(z) + x + y;
}
NOINLINE u64 wide(u64 a, u64 b) { u64 x = leaf((int)a); return (a << (b & 63)) * x + small((int)b); }
}
extern "C" __declspec(dllexport) int run_all(int *sink, int n) {
  using namespace frames;
  int x = leaf(n) + small(n) + large(n) + medium(n) + huge(n) + registers(n, 4) + three(n, 1, 2) + (int)vectors(n, 2);
  x += dynamic(n) + aligned(n) + aligned_dynamic(n) + variable(3, n, 2, 1) + many(1, 2, 3, 4, 5, 6, 7, 8, 9, n);
  x += tail(n) + tail_indirect(n);
  for (int i = 0; i < 9; i++) x += exits(i);
  Shape s; Disc d;
  s.k = n; d.k = x;
  x += mixed(n, 2) + virtual_calls(&s, &d) + recurse(4) + pointers(callee_pops, three, n) + shrink(n, 0) + shrink(n, sink) + (int)wide(n, 3);
  *sink = x;
  return x;
}
extern "C" int STDCALL entry(void *, unsigned, void *) { return 1; }
