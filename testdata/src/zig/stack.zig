//! A stack without allocation: comptime parameters, inline functions and loops,
//! error unions, optionals.

const Failure = error{ Full, Empty };

/// Without it the library would carry the formatter of panics: 1 MB.
pub const panic = @import("std").debug.no_panic;

fn Stack(comptime T: type, comptime capacity: usize) type {
    return struct {
        items: [capacity]T = undefined,
        len: usize = 0,

        const Self = @This();

        fn push(self: *Self, item: T) Failure!void {
            if (self.len == capacity) return error.Full;
            self.items[self.len] = item;
            self.len += 1;
        }

        fn pop(self: *Self) ?T {
            if (self.len == 0) return null;
            self.len -= 1;
            return self.items[self.len];
        }
    };
}

var numbers: Stack(u32, 8) = .{};

inline fn mix(a: u32, b: u32) u32 {
    return (a ^ (b << 3)) +% rotate(b);
}

fn rotate(a: u32) u32 {
    return (a << 5) | (a >> 27);
}

export fn stack_fill(count: u32) u32 {
    var at: u32 = 0;
    while (at < count) : (at += 1) {
        numbers.push(mix(at, count)) catch |failure| switch (failure) {
            error.Full => return at,
            error.Empty => unreachable,
        };
    }
    return at;
}

export fn stack_drain() u32 {
    var sum: u32 = 0;
    while (numbers.pop()) |item| sum = mix(sum, item);
    inline for (0..3) |round| sum = mix(sum, round);
    return sum;
}
