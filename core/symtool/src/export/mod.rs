//! Writes what symbol servers hand out: symbol files made from the store (breakpad.rs), and original
//! files, which the store does not keep, where servers look for them (layout.rs, place.rs).

mod breakpad;
mod layout;
mod place;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub use crate::layout::{Layout, file_name};
pub use breakpad::{BreakpadError, breakpad_path, write_module};
pub use place::{Placed, PlacedFile, place};

/// Makes the file at `path` of what `write` writes, whole or not at all.
///
/// # Errors
/// Those of the file system and of `write`.
pub fn replace<T, E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, E>,
) -> Result<T, E> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let draft = draft(path);
    let written = fs::File::create(&draft).map_err(E::from).and_then(|file| {
        let mut out = io::BufWriter::new(file);
        let done = write(&mut out)?;
        out.flush()?;
        fs::rename(&draft, path)?;
        Ok(done)
    });
    if written.is_err() {
        // What is left of it says nothing.
        let _ = fs::remove_file(&draft);
    }
    written
}

/// A name beside `path` that no other process uses.
fn draft(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    path.with_file_name(name)
}
