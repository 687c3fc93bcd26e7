//! Every bound on what a request may cost, with its reason.

/// Bytes of an answer that are read: receivers of notices answer with a sentence.
pub const MAX_ANSWER_BYTES: u64 = 64 << 10;

/// Milliseconds before the second try. Each pause is up to twice as long as the one before.
pub const FIRST_PAUSE_MS: u64 = 500;

/// Milliseconds of the longest pause, unless the other side asks for more.
pub const LONGEST_PAUSE_MS: u64 = 30_000;

/// Bytes of an address; browsers stop at some 64 KiB, webhooks have a few hundred.
pub const MAX_URL_BYTES: usize = 4096;
