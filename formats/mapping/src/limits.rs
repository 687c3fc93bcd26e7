//! Every bound on what a mapping and a trace may cost, with its reason.

/// Bytes of one line of a mapping. Lists of arguments reach some kilobytes, positions of an outline
/// some hundred.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// Lines of one class that are kept. Compose puts the groups of a whole application under one
/// class, some hundred thousand.
pub const MAX_CLASS_LINES: usize = 1 << 20;

/// Bytes of all different names of one class. A row is held in memory whole.
pub const MAX_CLASS_NAME_BYTES: usize = 64 << 20;

/// Source files that [`super::Sources`] remembers, one a class. The largest applications have some
/// 500,000 classes.
pub const MAX_SOURCES: usize = 1 << 22;

/// Bytes of one fact of a mapping's head. A SHA-256 has 72 with its name.
pub const MAX_FACT_BYTES: usize = 256;

/// Objects and lists within each other in a note. R8 writes two.
pub const MAX_NOTE_DEPTH: usize = 8;

/// Places that one frame may stand for. R8 prints each line of `42:44` as one; a range without end
/// would fill the disk.
pub const MAX_ALTERNATIVES: usize = 256;

/// Bytes of one line of a trace that is looked at; longer ones pass through. R8 and logcat stay
/// below 4 kB.
pub const MAX_TRACE_LINE_BYTES: usize = 64 << 10;

/// Words of one line that are asked for as the name of an exception. `Caused by: a.b: text: c` has
/// three.
pub const MAX_WORDS: usize = 16;

/// Bytes at the start of a file that tell a mapping. The head that R8 writes has less than 1 kB.
pub const MAX_HEAD_BYTES: usize = 64 << 10;
