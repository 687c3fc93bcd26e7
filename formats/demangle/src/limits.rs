//! Bounds on what one name may cost, with their reasons.

/// Bytes of one demangled name. Substitutions can make a name of some 100 bytes stand for
/// gigabytes; the longest of librgw has 17 kB.
pub const MAX_DEMANGLED_BYTES: usize = 64 << 10;

/// Bytes of a mangled name of Microsoft's compiler, which writes a hash instead of a longer one
/// (`??@…@`), as clang does. Its demangler calls itself for what is nested.
pub const MAX_MSVC_BYTES: usize = 4 << 10;

/// Bytes that such a name can stand for, were each digit in it a reference to all that stands before,
/// which doubles the text. Its demangler knows no limit of its own. The names of real programs have
/// up to 17 such digits, one in a thousand of them 16.
pub const MAX_MSVC_EXPANSION: u64 = 64 << 20;

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
