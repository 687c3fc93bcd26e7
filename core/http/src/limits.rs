//! Every bound on what a request may cost, with its reason.

/// Bytes of an answer that are read: receivers of notices answer with a sentence.
pub const MAX_ANSWER_BYTES: u64 = 64 << 10;

/// Milliseconds before the second try. Each pause is up to twice as long as the one before.
pub const FIRST_PAUSE_MS: u64 = 500;

/// Milliseconds of the longest pause, unless the other side asks for more.
pub const LONGEST_PAUSE_MS: u64 = 30_000;

/// Bytes of an address; browsers stop at some 64 KiB, webhooks have a few hundred.
pub const MAX_URL_BYTES: usize = 4096;

/// Redirects that are followed for one file: load balancers and stores of objects need two.
pub const MAX_REDIRECTS: u32 = 5;

/// Bytes of a validator that is kept (`ETag`); servers write up to some hundred.
pub const MAX_VALIDATOR_BYTES: usize = 1024;

/// Bytes of a file that are read at once.
pub const READ_BYTES: usize = 64 << 10;
