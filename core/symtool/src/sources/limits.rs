//! Every bound on what showing source may cost, with its reason.

/// Bytes of source files that are kept in memory: those of a few hundred files.
pub const MAX_KEPT_TEXT_BYTES: usize = 64 << 20;

/// Bytes of a line that are shown. Lines of minified scripts have megabytes.
pub const SHOWN_LINE_BYTES: usize = 400;

/// Bytes of the list of files in a source bundle.
pub const MAX_MANIFEST_BYTES: u64 = 256 << 20;

/// Folders of a path; systems allow 2,048 of one letter each.
pub const MAX_PATH_PARTS: usize = 256;
