// A pool: virtual functions, lambdas, an anonymous namespace, a destructor
// that runs on a landing pad, templates of two types.
#include "ring.h"

store::Ring<u32, 16> jobs;

[[gnu::cold, noreturn]] void raise_overflow(u32 at)
{
    throw Overflow{at + 1};
}

namespace {

struct Guard {
    u32 &depth;
    explicit Guard(u32 &d) : depth(d) { ++depth; }
    ~Guard() { --depth; }
};

u32 nesting;

template <typename T>
T weigh(T value)
{
    return store::clamp_to<T>(value * 3 + 1, T(2), T(900));
}

u64 total(const store::Ring<u32, 16> &ring)
{
    u64 sum = 0;
    ring.each([&sum](u32 job) {
        auto scaled = [](u32 j) { return weigh<u64>(j); };
        sum += scaled(job);
    });
    return sum;
}

} // namespace

class Worker {
public:
    virtual ~Worker() {}
    virtual u64 run(u32 job) = 0;
    u32 done = 0;
};

class Adder final : public Worker {
public:
    explicit Adder(u32 bias) : bias_(bias) {}
    u64 run(u32 job) override;
    static u64 instances;

private:
    struct Step {
        u32 value;
        u64 apply(u64 x) const { return x + weigh<u32>(value); }
    };
    u32 bias_;
};

u64 Adder::instances;

u64 Adder::run(u32 job)
{
    Guard guard(nesting);
    u64 sum = Step{bias_}.apply(job);
    if (job & 1) {
        u32 next = jobs.pop(); // may throw: the guard is released on the way
        for (u32 i = 0; i < next; ++i) {
            const Step step{i};
            sum = step.apply(sum);
        }
    }
    ++done;
    return sum;
}

extern "C" u64 pool_run(u32 first, u32 count)
{
    for (u32 i = 0; i < count; ++i)
        jobs.push(first + i);
    Adder adder(count);
    ++Adder::instances;
    u64 sum = total(jobs);
    try {
        while (!jobs.empty())
            sum += adder.run(jobs.pop());
    } catch (const Overflow &o) {
        sum += o.at;
    }
    return sum;
}
