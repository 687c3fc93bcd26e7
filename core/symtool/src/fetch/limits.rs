//! Every bound on what fetching may cost, with its reason.

/// Files that come at the same time: servers and lines have use for a few.
pub const MAX_TRANSFERS: usize = 8;

/// Times in a row that a source cannot be reached before it is not asked any more.
pub const MAX_UNREACHABLE: u32 = 3;

/// Files that sources did not have and that are remembered, some 150 bytes each.
pub const MAX_MISSES: usize = 100_000;

/// Bytes of the list of those, and of what is kept beside a part.
pub const MAX_LIST_BYTES: u64 = 64 << 20;

/// Days that the part of a file is kept.
pub const PART_DAYS: u64 = 7;

/// Seconds that a server may ask to be left alone for.
pub const MAX_PAUSE_SECONDS: u64 = 600;

/// Bytes of the name of a file, to which an extension is added: file systems take 255.
pub const MAX_FILE_NAME_BYTES: usize = 200;
