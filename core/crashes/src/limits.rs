//! Every bound on what stored crashes may cost, with its reason.

/// Frames of one stack that are stored for grouping, from both of its ends. Apple cuts stacks at
/// 512; recursion without end has a few hundred thousand frames, which tell no more than these.
pub const MAX_STACK_FRAMES: usize = 4096;

/// Bytes of one name, path or message that are stored for grouping.
pub const MAX_STORED_TEXT_BYTES: usize = 4096;

/// Crashes that are stored together. Slots within a chunk have 16 bits.
pub const CHUNK_CRASHES: usize = 4096;

/// Bytes of reports that are stored together, unless one alone has more.
pub const CHUNK_BYTES: usize = 16 << 20;

/// Bytes of reports that are compressed together, and of the parts that a larger one is cut into:
/// to show one, all of a part is expanded, which takes a millisecond. In parts of a quarter, events
/// take 26 % more disk.
pub const REPORT_PART_BYTES: usize = 1 << 20;

/// Parts of a stored minidump that are kept open while it is walked again. A walk goes through a
/// stack from one end to the other, and reads little else.
pub const OPEN_DUMP_PARTS: usize = 8;

/// Bytes of a row of the crash database once expanded. The largest hold one report, of 64 MiB at
/// most.
pub const MAX_ROW_BYTES: usize = 1 << 30;

/// Memory in which RocksDB keeps rows of crashes.
pub const CRASH_CACHE_BYTES: usize = 32 << 20;

/// Frames that a signature has, unless rules say otherwise. Fewer would mix bugs that crash in a
/// shared function; more would part crashes of one bug that were come to on different ways.
pub const SIGNATURE_FRAMES: usize = 5;

/// Places in modules whose functions each thread keeps, ready for grouping. With 100 bytes for
/// each, 13 MB.
pub const KEPT_FRAMES: usize = 1 << 17;

/// Functions whose names are kept in memory, ready for grouping. With 1 KB for each, 64 MB.
pub const KEPT_FUNCTIONS: usize = 1 << 16;

/// Frames that a stack without any of the application has to have to say where it crashed. A
/// smashed stack has one or two.
pub const MIN_SYSTEM_FRAMES: usize = 3;

/// Bytes of a mark of a group: a name, a link, a note.
pub const MAX_MARK_BYTES: usize = 4096;

/// Notes of a group, before others are merged into it.
pub const MAX_GROUP_NOTES: usize = 100;
