//! Every bound on what an import may hold in memory, with its reason.

use std::time::Duration;

/// Bytes of files that are read at the same time, their sections expanded: reading takes some two
/// thirds of that. A file above it is read alone, with all threads.
pub const MAX_WORKING_BYTES: u64 = 1 << 30;

/// Bytes of unpacked members and of packed modules that wait for their turn. A member above it is
/// unpacked alone.
pub const MAX_HELD_BYTES: u64 = 512 << 20;

/// Modules wait for others, so that small ones share the cost of opening the database; up to this
/// size of their files.
pub const MAX_WAITING_BYTES: u64 = 16 << 20;

/// The same, for this long.
pub const MAX_WAITING: Duration = Duration::from_millis(500);

/// Bytes that reading a mapping takes besides its own: a run of rows, and a class.
pub const MAPPING_WORKING_BYTES: u64 = 64 << 20;
