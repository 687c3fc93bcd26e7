//! How results are written: the version of JSON objects, and the modes of files.
//!
//! What a store holds is its owner's alone, and what a user asked to be written has the mode that
//! the user's umask gives. RocksDB makes its files with the mode of the process, so the umask of
//! the process is the only place to set it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::OnceLock;

use rustix::fs::Mode;
use serde::Serialize;

/// Version of all JSON objects: within one, keys are only added.
pub const VERSION: u32 = 1;

/// The JSON object of `value`, which is a struct, with its version. Objects that are printed by the
/// million are fixed and have none.
///
/// # Errors
/// If `value` has what JSON cannot have.
pub fn json(value: &impl Serialize) -> serde_json::Result<String> {
    let text = serde_json::to_string(value)?;
    let comma = if text == "{}" { "" } else { "," };
    Ok(format!("{{\"version\":{VERSION}{comma}{}", text.strip_prefix('{').unwrap_or(&text)))
}

static USERS_UMASK: OnceLock<Mode> = OnceLock::new();

/// From now on new files are their owner's alone. Called once, before there are threads.
pub fn keep_private() {
    let _ = USERS_UMASK.set(rustix::process::umask(Mode::RWXG | Mode::RWXO));
}

/// Gives the file at `path`, which the user asked for, the mode that it would have without
/// [`keep_private`].
///
/// # Errors
/// If the mode cannot be changed.
pub fn share(path: &Path) -> std::io::Result<()> {
    let umask = USERS_UMASK.get().map_or(0, Mode::bits);
    fs::set_permissions(path, Permissions::from_mode(0o666 & !umask))
}
