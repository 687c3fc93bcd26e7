//! Modes of files: what a store holds is its owner's alone, and what a user asked to be written has the mode that the user's umask gives.
//!
//! RocksDB makes its files with the mode of the process, so the umask of the process is the only place to set it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::OnceLock;

use rustix::fs::Mode;

static USERS_UMASK: OnceLock<Mode> = OnceLock::new();

/// From now on new files are their owner's alone. Called once, before there are threads.
pub fn keep_private() {
    let _ = USERS_UMASK.set(rustix::process::umask(Mode::RWXG | Mode::RWXO));
}

/// Gives the file at `path`, which the user asked for, the mode that it would have without [`keep_private`].
///
/// # Errors
/// If the mode cannot be changed.
pub fn share(path: &Path) -> std::io::Result<()> {
    let umask = USERS_UMASK.get().map_or(0, Mode::bits);
    fs::set_permissions(path, Permissions::from_mode(0o666 & !umask))
}
