//! Every bound on what a crash report may cost, with its reason.

/// Bytes of one report. The largest that people have are events of 50 MB with hundreds of threads;
/// a report is held in memory whole.
pub const MAX_REPORT_BYTES: usize = 64 << 20;

/// Frames of one event, all stacks together. A stack that overflowed has 100,000 of them; a made-up
/// report of `{},{},…` has one each three bytes, and a frame takes a hundred times that.
pub const MAX_FRAMES: usize = 1 << 18;

/// Images of one event. Processes load up to some thousands; lookups are by binary search.
pub const MAX_IMAGES: usize = 1 << 16;

/// Threads of one event, and exceptions of its chain. Processes have up to some ten thousand
/// threads.
pub const MAX_STACKS: usize = 1 << 16;

/// Containers within each other in JSON. Reports have about ten; the kind of each is one bit of a
/// `u128`.
pub const MAX_JSON_DEPTH: u32 = 128;

/// Bytes of one name, path or message that is kept; the rest is in the raw report. C++ names reach
/// 15 kB.
pub const MAX_TEXT_BYTES: usize = 64 << 10;

/// Bytes of one id in a report, once decoded. Build-ids have 20 bytes, and up to 64 when people
/// make their own.
pub const MAX_ID_BYTES: usize = 64;

/// Lines of one message (an exception's, an abort's) that are put together.
pub const MAX_MESSAGE_LINES: usize = 256;

/// Bytes of a log between the beginnings of two crashes that may still be logged at once. A
/// tombstone in the log has some 20 kB.
pub const MAX_APART_BYTES: u64 = 64 << 10;

/// Bytes that a packed file of reports may unpack to in any case. Logs of a day have some hundred
/// megabytes; they are read as they are unpacked.
pub const MIN_UNPACKED_BYTES: u64 = 1 << 30;

/// Bytes of reports for each packed byte, where that is more. gzip makes up to 1,032, of logs 10 to
/// 50.
pub const MAX_PACKED_EXPANSION: u64 = 1024;

/// Bytes of a zip file of reports: it is held in memory. Android's bug reports have some 50 MB.
pub const MAX_ZIP_BYTES: u64 = 512 << 20;

/// Names of an archive's members that are kept, to see second copies. Android keeps up to 64
/// tombstones.
pub const MAX_PACKED_NAMES: usize = 1 << 16;

/// Processes and tags in one log whose lines are read apart. A phone's log of a day has some
/// thousand; those who told of no crash are let go of first.
pub const MAX_LOG_WRITERS: usize = 4096;

/// Bytes that are kept of a line by a reader that is fed one at a time. Logcat cuts lines at 4 kB.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// KiB of memory that unpacking an `.xz` file may take. xz's strongest preset needs 65 MiB.
pub const MAX_XZ_KIB: u32 = 128 << 10;

/// Archives within archives. Files exist that contain themselves.
pub const MAX_NESTED_ARCHIVES: usize = 4;
