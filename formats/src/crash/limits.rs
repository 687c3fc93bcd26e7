//! Every bound on what a crash report may cost: in, nothing; out, named numbers with their reasons.

/// Bytes of one report. The largest that people have are events of 50 MB with hundreds of threads; a report is held in memory whole.
pub const MAX_REPORT_BYTES: usize = 64 << 20;

/// Frames of one event, all stacks together. A stack that overflowed has 100,000 of them; a made-up report of `{},{},…` has one each three
/// bytes, and a frame takes a hundred times that.
pub const MAX_FRAMES: usize = 1 << 18;

/// Images of one event. Processes load up to some thousands; lookups are by binary search.
pub const MAX_IMAGES: usize = 1 << 16;

/// Threads of one event, and exceptions of its chain. Processes have up to some ten thousand threads.
pub const MAX_STACKS: usize = 1 << 16;

/// Containers within each other in JSON. Reports have about ten; the kind of each is one bit of a `u128`.
pub const MAX_JSON_DEPTH: u32 = 128;

/// Bytes of one name, path or message that is kept; the rest is in the raw report. C++ names reach 15 kB.
pub const MAX_TEXT_BYTES: usize = 64 << 10;

/// Bytes of one id in a report, once decoded. Build-ids have 20 bytes, and up to 64 when people make their own.
pub const MAX_ID_BYTES: usize = 64;

/// Lines of one message (an exception's, an abort's) that are put together.
pub const MAX_MESSAGE_LINES: usize = 256;

/// Bytes that are kept of a line by a reader that is fed one at a time. Logcat cuts lines at 4 kB.
pub const MAX_LINE_BYTES: usize = 1 << 20;
