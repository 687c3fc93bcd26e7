//! Bounds on rules, in one place.

/// Bytes of all texts of rules together. The built-in ones have some 40 kB.
pub const MAX_TEXT_BYTES: usize = 4 << 20;

/// Bytes of one pattern: matching takes time in proportion to the pattern times the name.
pub const MAX_PATTERN_BYTES: usize = 1024;

/// Wildcards of one pattern. A path of 4 KiB against this many takes milliseconds at the worst.
pub const MAX_WILDCARDS: usize = 32;

/// Bytes of a path that are matched, the last ones: Linux's `PATH_MAX`.
pub const MAX_PATH_BYTES: usize = 4096;

/// Bytes of any other name that are matched, the first ones.
pub const MAX_NAME_BYTES: usize = 16 << 10;
