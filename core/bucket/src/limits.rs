//! Every bound on what a bucket may cost, with its reason.

/// Bytes of `symtool.json`: a key ring of a thousand rotations has 32 KiB.
pub const MAX_HEAD_BYTES: u64 = 1 << 20;

/// Bytes of what a bucket has on one module; a record with thousands of sources has a few hundred KiB.
pub const MAX_ENTRY_BYTES: u64 = 16 << 20;

/// Bytes of one segment; those of the largest programs have some hundred MiB.
pub const MAX_SEGMENT_BYTES: u64 = 4 << 30;

/// Builds of one name or of one prefix of an id that are read at a time, the newest first: a request
/// each.
pub const MAX_BUILDS: usize = 20;

/// Requests of one command that are under way at a time.
pub const MAX_REQUESTS: usize = 8;

/// How often a body that is not what its hash says is read again.
pub const READ_TRIES: usize = 4;

/// How often a change of one module is tried while others change it, too. Each time somebody has
/// come further.
pub const CHANGE_ROUNDS: usize = 64;

/// Processes that a probe stands for.
pub const RACERS: usize = 32;

/// How often a probe lets them race to replace one object.
pub const PROBE_ROUNDS: usize = 4;

/// Seconds that something may be unused before it is taken for left over: no writer takes so long.
pub const ORPHAN_SECONDS: u64 = 86_400;

/// Characters of a name in a key; a longer one is a hash. Keys of S3 have 1,024 bytes.
pub const MAX_NAME_BYTES: usize = 400;
