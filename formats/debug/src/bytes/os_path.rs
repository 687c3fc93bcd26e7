//! Turns a path that is written in a file into one of the system's.

use std::ffi::OsStr;

/// A path that is written in a file: bytes, on the systems that write them.
#[cfg(unix)]
pub fn os_path(bytes: &[u8]) -> &OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(bytes)
}

/// A path that is written in a file.
#[cfg(not(unix))]
pub fn os_path(bytes: &[u8]) -> &OsStr {
    std::str::from_utf8(bytes).map_or(OsStr::new(""), OsStr::new)
}
