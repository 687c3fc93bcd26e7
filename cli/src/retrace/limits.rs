//! What retracing a stream may take: named numbers with their reasons.

use std::time::Duration;

/// Bytes that are read at a time, where there are so many.
pub const RUN_BYTES: usize = 4 << 20;

/// Bytes that one thread retraces, at least.
pub const PIECE_BYTES: usize = 64 << 10;

/// Bytes of lines that wait for a frame which names their mapping. A trace that fills a page of a
/// terminal has some 10 KB.
pub const MAX_WAITING_BYTES: usize = 256 << 10;

/// Lines before its first frame that may be what an exception says.
pub const MAX_WAITING_LINES: usize = 64;

/// How long they wait for it in a stream: a log writes a trace at once, and people see no delay of
/// a tenth of a second.
pub const PATIENCE: Duration = Duration::from_millis(100);
