// The app's outermost functions: what every crash has at its far end.
#include "base.h"

namespace shop {

using Task = u32 (*)(u32);

struct EventLoop {
    base::Ring<u32> queue;
    Task handlers[8];

    KEEP u32 dispatch(u32 event) {
        u32 value = handlers[event & 7](queue.at(event & 7));
        base::keep(value);
        return value;
    }
    KEEP u32 turn(u32 limit) {
        u32 value = 0;
        while (value < limit) value += dispatch(value) | 1;
        return value;
    }
    KEEP u32 run(u32 limit) {
        u32 turns = 0;
        while (turn(limit) != limit) base::keep(++turns);
        return turns;
    }
};

struct ThreadPool {
    Task tasks[16];
    u32 head;

    KEEP u32 run_task(u32 index) {
        u32 value = tasks[index & 15](index);
        base::keep(value);
        return value;
    }
    KEEP void work(u32 count) {
        for (u32 index = head; index < count; ++index) base::keep(run_task(index));
    }
    static KEEP void *start(void *pool) {
        static_cast<ThreadPool *>(pool)->work(16);
        base::keep(1);
        return pool;
    }
};

struct Timer {
    Task alarm;

    KEEP u32 fire(u32 now) {
        u32 value = alarm(now);
        base::keep(value);
        return value;
    }
    static KEEP void *start(void *timer) {
        base::keep(static_cast<Timer *>(timer)->fire(1));
        return timer;
    }
};

KEEP u32 run_app(u32 count) {
    u32 value = base::the<EventLoop>().run(count);
    base::keep(value);
    return value;
}

} // namespace shop

extern "C" KEEP int main(int count, char **) {
    u32 value = shop::run_app(static_cast<u32>(count));
    base::keep(value);
    return static_cast<int>(value);
}
