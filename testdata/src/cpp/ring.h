// A ring buffer shared by all C++ units: templates, members defined outside
// their class (DW_AT_specification), inlined chains, a throw path.
#pragma once

using u32 = unsigned int;
using u64 = unsigned long;

struct Overflow {
    u32 at;
};

[[gnu::cold, noreturn]] void raise_overflow(u32 at);

namespace store {

template <typename T>
inline T clamp_to(T value, T low, T high)
{
    return value < low ? low : high < value ? high : value;
}

template <typename T, u32 N>
class Ring {
public:
    inline void push(T value);
    inline T pop();
    u32 size() const { return tail_ - head_; }
    bool empty() const { return size() == 0; }

    template <typename F>
    inline void each(F &&visit) const
    {
        for (u32 i = head_; i != tail_; ++i)
            visit(at(i));
    }

private:
    static u32 wrap(u32 i) { return i & (N - 1); }
    const T &at(u32 i) const { return items_[wrap(i)]; }

    T items_[N] = {};
    u32 head_ = 0;
    u32 tail_ = 0;
};

template <typename T, u32 N>
inline void Ring<T, N>::push(T value)
{
    if (__builtin_expect(size() == N, 0))
        raise_overflow(tail_);
    items_[wrap(tail_++)] = value;
}

template <typename T, u32 N>
inline T Ring<T, N>::pop()
{
    if (__builtin_expect(empty(), 0))
        throw Overflow{head_};
    return at(head_++);
}

} // namespace store

extern store::Ring<u32, 16> jobs;
u64 route_cost(const u32 *edges, u32 count);
