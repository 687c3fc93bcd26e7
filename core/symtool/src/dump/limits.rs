//! Every bound on what symbolicating a minidump may cost, with its reason.

/// Frames whose functions are looked up at once, and held until they are printed. Most dumps have
/// fewer; stacks that overflowed have hundreds of thousands.
pub const FRAMES_PER_BATCH: usize = 1 << 16;

/// Bytes of a dump. Dumps of the whole memory of a process have some gigabytes; those that are
/// uploaded, at most some hundred megabytes.
pub const MAX_DUMP_BYTES: u64 = 2 << 30;

/// Bytes of unwind rows that are kept open from one dump to the next, by each thread that reads
/// dumps. All of a library of 463 MB take 5 MB.
pub const OPENED_ROWS_BYTES: usize = 32 << 20;

/// Bytes of a dump that is held in memory. A larger one is mapped, or put into a file first if it
/// comes as a stream or is packed. Most dumps have some ten kilobytes.
pub const MAX_DUMP_BYTES_IN_MEMORY: u64 = 1 << 20;

/// Minidumps of one Sentry envelope. They wait for the event, which may come behind them; Sentry's
/// clients send one.
pub const MAX_ENVELOPE_DUMPS: usize = 16;
