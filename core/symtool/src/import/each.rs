//! Opens all files that an import would read, one after the other: [`each_file`].

use std::io;
use std::path::PathBuf;

use symtool_debug::Mapped;
use symtool_store::database::is_segment;

use super::budget::MemoryBudget;
use super::files::Files;
use super::walk::{Content, Walk};

/// A file that an import would read.
#[derive(Debug)]
pub enum WalkedFile {
    /// An object file, or what was named.
    Opened {
        /// Its path, with the name of its member.
        path: PathBuf,
        /// Its bytes.
        mapped: Mapped,
        /// Whether it was named itself.
        is_named: bool,
    },
    /// One that cannot be opened, and why.
    Failed {
        /// Its path, with the name of its member.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Calls `each` with all files at `paths`, in folders and archives there, as they are.
///
/// # Errors
/// Those of `each`, which end the walk.
pub fn each_file(
    paths: &[PathBuf],
    mut each: impl FnMut(WalkedFile) -> io::Result<()>,
) -> io::Result<()> {
    let budget = MemoryBudget::default();
    for item in Walk::new(Files::at(paths), &budget, &|_| Ok(())) {
        let path = item.path;
        // The memory of a member is given back once it has been looked at.
        let (opened, is_named, _memory) = match item.content {
            Content::File { is_named } => (Mapped::open(&path), is_named, None),
            Content::Member { member, memory, .. } => (member.open(), false, memory),
            Content::Failed(reason) => {
                each(WalkedFile::Failed { path, reason })?;
                continue;
            }
            Content::End { .. } => continue,
        };
        // What they hold is no file that was imported.
        if !is_named && opened.as_ref().is_ok_and(|mapped| is_segment(mapped.bytes())) {
            continue;
        }
        each(match opened {
            Ok(mapped) => WalkedFile::Opened { path, mapped, is_named },
            Err(error) => WalkedFile::Failed { path, reason: error.to_string() },
        })?;
    }
    Ok(())
}
