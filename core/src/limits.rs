//! Every bound on what stored data and requests may cost: in, nothing; out, named numbers with their reasons.

/// Bytes of one block before compression. Blocks of real files have some 20 KB; a block of functions grows with
/// their names, of which the reader of debug files allows 64 KiB each.
pub const MAX_BLOCK_BYTES: usize = 1 << 30;

/// Ranges in one block: what one cold address has to decode, with the functions that are called there. Blocks of
/// 4,096 ranges and 1,024 functions take 16 % less disk and a quarter more time for one cold address.
pub const RANGES_PER_BLOCK: usize = 1024;

/// Functions in one block; see [`RANGES_PER_BLOCK`].
pub const FUNCTIONS_PER_BLOCK: usize = 128;

/// Files in one block.
pub const FILES_PER_BLOCK: usize = 1024;

/// Memory for opened blocks while resolving. All of librgw, a library of 463 MB, takes 50 MB.
pub const CACHE_BYTES: usize = 192 << 20;
