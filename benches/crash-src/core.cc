// The part of libcore that is not generated.
#include "base.h"

namespace base {

KEEP u32 describe(u32 code) {
    keep(code);
    return mix(code, 1);
}

KEEP void check_failed(u32 code) {
    keep(describe(code));
    for (;;) __builtin_trap();
}

} // namespace base
