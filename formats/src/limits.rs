//! Every bound on what input may cost, in one place: in, nothing; out, named numbers with their reasons.

/// Frames in one inline chain. Real code stays below 100; a generated file can nest without end, and every
/// answer would have to print all of it.
pub const MAX_INLINE_DEPTH: u32 = 1024;

/// Hops from a function through `DW_AT_specification`, `DW_AT_abstract_origin` and `DW_AT_signature` to its
/// name. Compilers need three; a cycle would never end.
pub const MAX_NAME_HOPS: usize = 16;

/// Bytes of one function name or path. The longest C++ name seen in a real library (librgw) has 4,171 bytes.
pub const MAX_NAME_BYTES: usize = 1 << 20;

/// Bytes of one debug section once expanded. The largest seen (librgw's `.debug_info`) has 315 MB; a file may
/// declare any size before a byte of it is expanded.
pub const MAX_SECTION_BYTES: u64 = 8 << 30;
