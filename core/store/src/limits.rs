//! Every bound on what stored data and requests may cost, with its reason.

/// Bytes of one block before compression. Blocks of real files have some 20 KB; a block of
/// functions grows with their names, of which the reader of debug files allows 64 KiB each.
pub const MAX_BLOCK_BYTES: usize = 1 << 30;

/// Ranges in one block. One cold address reads the columns of one such block and decodes the blocks
/// of its own functions; blocks of half the size, of 1,024 ranges and 128 functions, take 7 % more
/// disk and no less time for it.
pub const RANGES_PER_BLOCK: usize = 2048;

/// A batch that asks for less than one address in so many blocks of ranges decodes only what
/// surrounds each address.
pub const SPARSE_BLOCKS: u64 = 4;

/// Functions in one block; see [`RANGES_PER_BLOCK`].
pub const FUNCTIONS_PER_BLOCK: usize = 256;

/// Aliases in one block. All of one address are in one, however many.
pub const ALIASES_PER_BLOCK: usize = 1024;

/// Unwind rows in one block. One step of a walk reads one such block.
pub const UNWIND_ROWS_PER_BLOCK: usize = 2048;

/// Unwind rules in one block. Most modules have fewer: librgw, a library of 463 MB, has 425.
pub const UNWIND_RULES_PER_BLOCK: usize = 1024;

/// Memory for opened blocks of unwind rows of one module. All of librgw's take 5 MB.
pub const UNWIND_CACHE_BYTES: usize = 16 << 20;

/// Files in one block.
pub const FILES_PER_BLOCK: usize = 1024;

/// Bytes of rows in one block of classes, or one row that is larger. A trace opens one for each
/// class that it names.
pub const CLASSES_BLOCK_BYTES: usize = 16 << 10;

/// Bytes of rows of a mapping that are sorted at once.
pub const CLASSES_RUN_BYTES: usize = 8 << 20;

/// Classes of a mapping that are kept decoded. With 4 KB for each, 64 MB; the largest have a few
/// megabytes.
pub const KEPT_CLASSES: usize = 1 << 14;

/// Bytes of blocks of classes that are kept of a mapping. A mapping of 100 MB has some 60 MB of
/// them.
pub const KEPT_CLASS_BYTES: usize = 64 << 20;

/// Memory for opened blocks while resolving. All of librgw, a library of 463 MB, takes 50 MB.
pub const CACHE_BYTES: usize = 192 << 20;

/// Bytes of a table that smaller ones are joined to. A repair reads a table as a whole, and a
/// change waits for one to be written.
pub const JOINED_BYTES: u64 = 256 << 20;

/// Tables of blocks below a quarter of [`JOINED_BYTES`]. Were there more, they are joined even if
/// that does not pay.
pub const SMALL_TABLES: usize = 64;

/// Tables of small rows before they are sorted into larger ones: each change makes one.
pub const ROW_TABLES: usize = 8;
