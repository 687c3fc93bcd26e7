// A second C++ unit with the same header: recursion, nested lexical blocks,
// operators, a local class, a function pointer made from a lambda.
#include "ring.h"

namespace route {

struct Point {
    int x, y;
    Point operator-(Point o) const { return {x - o.x, y - o.y}; }
    friend bool operator==(Point a, Point b) { return a.x == b.x && a.y == b.y; }
};

inline int magnitude(int v) { return v < 0 ? -v : v; }
inline int distance(Point a, Point b)
{
    Point d = a - b;
    return magnitude(d.x) + magnitude(d.y);
}

static u32 climb(const u32 *edges, u32 from, u32 left)
{
    if (left == 0)
        return from;
    u32 next = edges[from % left];
    if (next & 1)
        return climb(edges, next, left - 1) + climb(edges, next >> 1, left / 2);
    return climb(edges, next >> 1, left - 1);
}

template <u32 Depth>
inline u64 fold(u64 x)
{
    return fold<Depth - 1>(x * Depth) ^ (x >> Depth);
}

template <>
inline u64 fold<0>(u64 x)
{
    return x | 1;
}

int walk(const Point *points, u32 count)
{
    int best = 0;
    for (u32 i = 0; i + 1 < count; ++i) {
        int step = distance(points[i], points[i + 1]);
        if (step > best) {
            int twice = step * 2;
            {
                struct Limit {
                    static int cut(int v) { return store::clamp_to(v, 0, 1000); }
                };
                best = Limit::cut(twice);
            }
        }
        if (points[i] == points[0])
            best += magnitude(points[i].x);
    }
    return best;
}

} // namespace route

u64 route_cost(const u32 *edges, u32 count)
{
    u64 (*finish)(u64) = [](u64 x) { return route::fold<4>(x); };
    u64 cost = 0;
    for (u32 i = 0; i < count; ++i) {
        u32 hop = route::climb(edges, i, count);
        if (__builtin_expect(hop > 1000000, 0))
            raise_overflow(hop);
        jobs.push(hop);
        cost += finish(hop);
    }
    return cost;
}
