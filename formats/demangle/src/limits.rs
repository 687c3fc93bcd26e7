//! Bounds on what one name may cost, with their reasons.

/// Bytes of one demangled name. Substitutions can make a name of some 100 bytes stand for
/// gigabytes; the longest of librgw has 17 kB.
pub const MAX_DEMANGLED_BYTES: usize = 64 << 10;

/// Productions of the grammar of C++ names within each other, while reading, and nodes within each
/// other, while printing. 128 are enough for every name of librgw, `NativeScript` and LLVM; this
/// many take less than 256 KiB of stack.
pub const MAX_DEMANGLE_DEPTH: usize = 256;

/// Nodes of the tree of one C++ name: 24 bytes each. A name of 2,751 bytes (librgw) has some
/// thousand.
pub const MAX_DEMANGLE_NODES: usize = 1 << 17;

/// Nodes that are looked at while one name is printed. Empty packs of packs can take for ever to
/// print nothing.
pub const MAX_DEMANGLE_STEPS: usize = 1 << 20;
