//! Every bound on what a minidump may cost, with its reason.

/// Entries of the directory. Writers make up to some thirty streams.
pub const MAX_STREAMS: u64 = 4096;

/// Threads of a dump. Processes have up to some ten thousand.
pub const MAX_THREADS: u64 = 1 << 16;

/// Modules of a dump, loaded and unloaded ones each. Processes load up to some thousands.
pub const MAX_MODULES: u64 = 1 << 16;

/// Ranges of memory, and regions of the address space, each. A full dump of a browser has some
/// hundred thousand; a range takes 24 bytes.
pub const MAX_MEMORY_RANGES: u64 = 1 << 20;

/// Annotations of Crashpad, of the process and of all modules together.
pub const MAX_ANNOTATIONS: u64 = 1 << 14;

/// Bytes of one name or value as the dump has it. The longest path of Windows has 65,534.
pub const MAX_TEXT_BYTES: u64 = 64 << 10;

/// Bytes of the registers of a thread that are read. The longest that are known have 1,232; states
/// of vector registers may follow.
pub const MAX_CONTEXT_BYTES: u64 = 4096;

/// Bytes of `/proc/self/maps` that are read. A line has some 80, and processes have some thousand
/// of them.
pub const MAX_MAPS_BYTES: u64 = 16 << 20;

/// Bytes of all names and values together. Many records may point at one long name.
pub const MAX_ALL_TEXT_BYTES: usize = 16 << 20;

/// Bytes of one id of a build. Build-ids have 20 bytes, and up to 64 when people make their own.
pub const MAX_ID_BYTES: usize = 64;

/// Bytes of zeros in a row that count as a hole in the file, if a structure lies in them. Pages
/// are the smallest that a file system or a queue loses.
pub const MIN_HOLE_BYTES: u64 = 4096;

/// Bytes of zeros in a row that count as a hole, if only a stack lies in them. Programs have
/// buffers of zeros on the stack, rarely larger ones; queues drop chunks of this size and more.
pub const MIN_STACK_HOLE_BYTES: u64 = 64 << 10;

/// Frames that are kept of a thread, from the innermost on. A stack of 8 MiB that overflowed has
/// some 262,000 of the smallest frames.
pub const MAX_THREAD_FRAMES: usize = 1 << 18;

/// Frames that are kept of a dump; the crashed thread has the first of them. A frame takes 16
/// bytes.
pub const MAX_FRAMES: usize = 1 << 20;

/// Steps of all walks of a dump, which also count the frames beyond the limits above, and the words
/// that scans look at. Threads may share a stack of gigabytes.
pub const MAX_WALK_STEPS: u64 = 1 << 22;

/// Words that a scan for a return address looks at. Frames are rarely larger; beyond, what is found
/// is more often something else.
pub const MAX_SCAN_WORDS: u64 = 160;

/// How often a walk may go to a stack below: handlers of signals may run on a stack of their own.
pub const MAX_STACK_CHANGES: u32 = 16;
