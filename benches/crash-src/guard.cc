// A crash handler with Breakpad's names: what lies above the crashing frame in some reports.
#include "base.h"

namespace google_breakpad {

struct ExceptionHandler {
    base::Ring<u32> stack;

    KEEP bool WriteDump(u32 thread) {
        stack.push(thread);
        base::keep(thread);
        return thread != 0;
    }
    KEEP bool GenerateDump(u32 thread) {
        bool written = WriteDump(base::mix(thread, 7));
        base::keep(written);
        return written;
    }
    KEEP bool HandleSignal(int number, void *info, void *) {
        bool written = GenerateDump(static_cast<u32>(number));
        base::keep(info != nullptr);
        return written;
    }
    static KEEP void SignalHandler(int number, void *info, void *context) {
        bool handled = base::the<ExceptionHandler>().HandleSignal(number, info, context);
        base::keep(handled);
    }
};

} // namespace google_breakpad
