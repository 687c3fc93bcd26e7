// What all modules of the example app share. Freestanding: there is no SDK for two of its platforms.
#pragma once

using u32 = unsigned;

#define NOINLINE __attribute__((noinline))
#define KEEP __attribute__((noinline, used))
#define INLINE inline __attribute__((always_inline))

namespace base {

// Ends the process. In libcore.
[[noreturn]] __attribute__((cold)) void check_failed(u32 code);

static volatile u32 sink;

INLINE void keep(u32 value) { sink = sink + value; }

INLINE u32 mix(u32 left, u32 right) {
    left = (left ^ right) * 0x9e3779b1u;
    return left ^ left >> 15;
}

// Its call is in the cold half of whatever function it is inlined into.
INLINE void check(bool holds, u32 code) {
    if (__builtin_expect(!holds, 0)) check_failed(code);
}

template <class T> struct Ring {
    T items[8];
    u32 head;

    INLINE T &at(u32 index) {
        check(index < 8, index);
        return items[(head + index) & 7];
    }
    INLINE void push(T item) {
        at(0) = item;
        head = mix(head, 1);
    }
};

// The one object of a type, so that a function can be called without one at hand.
template <class T> INLINE T &the() {
    alignas(16) static char room[sizeof(T)];
    return *reinterpret_cast<T *>(room);
}

template <class F> NOINLINE u32 each(F step, u32 count) {
    u32 value = count;
    for (u32 index = 0; index < (count & 15); ++index) value = mix(value, step(index));
    keep(value);
    return value;
}

} // namespace base
