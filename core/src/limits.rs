//! Every bound on what stored data and requests may cost: in, nothing; out, named numbers with their reasons.

/// Bytes of one block before compression. Blocks aim at some 100 KB; a block of functions grows with their
/// names, of which the reader of debug files allows 1 MiB each.
pub const MAX_BLOCK_BYTES: usize = 1 << 30;

/// Ranges in one block: what one cold address has to decode. At 4,096 a block of librgw expands to 18 KB.
pub const RANGES_PER_BLOCK: usize = 1024;

/// Functions in one block. A power of two, so that a function's block is found by a shift.
pub const FUNCTIONS_PER_BLOCK: usize = 128;

/// Files in one block.
pub const FILES_PER_BLOCK: usize = 1024;

/// Memory for opened blocks while resolving. All of librgw, a library of 463 MB, takes 60 MB.
pub const CACHE_BYTES: usize = 192 << 20;
