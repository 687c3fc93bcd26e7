//! How results are written: the version of JSON objects, and the modes of files.
//!
//! What a store holds is its owner's alone, and what a user asked to be written has the mode that
//! the user's umask gives. RocksDB makes its files with the mode of the process, so the umask of
//! the process is the only place to set it.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context as _, Result};
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
pub fn share(path: &Path) -> io::Result<()> {
    let umask = USERS_UMASK.get().map_or(0, Mode::bits);
    fs::set_permissions(path, Permissions::from_mode(0o666 & !umask))
}

/// A file that the user asked for, on its way: a reader of the file finds the old one or the new
/// one, never half of it.
pub struct Draft<'a> {
    path: &'a Path,
    beside: PathBuf,
    file: File,
}

impl<'a> Draft<'a> {
    /// Opens it, before anything is changed. `what` is what it will be, for messages.
    ///
    /// # Errors
    /// If there can be no such file.
    pub fn open(path: &'a Path, what: &str) -> Result<Self> {
        let beside = path.with_extension(format!("{}.draft", std::process::id()));
        let opened = if path.is_dir() {
            Err(io::ErrorKind::IsADirectory.into())
        } else {
            File::create(&beside)
        };
        let file = opened.with_context(|| {
            let path = path.display();
            format!("{path}: {what} cannot be written there, and nothing was changed; name a file in a writable folder")
        })?;
        Ok(Self { path, beside, file })
    }

    /// Where it will be.
    pub fn path(&self) -> &Path {
        self.path
    }

    /// Writes `text` and puts it in its place.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, text: &str) -> io::Result<()> {
        self.save_with(|out| out.write_all(text.as_bytes()))
    }

    /// Puts in its place what `write` writes.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save_with(
        &self,
        write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut out = BufWriter::new(&self.file);
        write(&mut out)?;
        out.flush()?;
        share(&self.beside)?;
        fs::rename(&self.beside, self.path)
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        // It is not there any more if it was saved.
        let _ = fs::remove_file(&self.beside);
    }
}
