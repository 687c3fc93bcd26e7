//! Every bound on what symbolicating a minidump may cost, with its reason.

/// Frames whose functions are looked up at once, and held until they are printed. Most dumps have
/// fewer; stacks that overflowed have hundreds of thousands.
pub const FRAMES_PER_BATCH: usize = 1 << 16;

/// Bytes of a dump that comes as a stream or is packed: it is put into a file. Dumps of the whole
/// memory of a process have some gigabytes; those that are uploaded, at most some hundred megabytes.
pub const MAX_DUMP_BYTES: u64 = 2 << 30;
