//! A file's bytes: in, a path; out, a read-only mapping that can give pages back.
//!
//! The only `unsafe` of the workspace's libraries.

#![expect(unsafe_code, reason = "mapping a file and giving pages back are system calls")]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::{Mmap, UncheckedAdvice};

use crate::Error;

/// A mapped file.
#[derive(Debug)]
pub struct Mapped {
    path: PathBuf,
    map: Mmap,
}

impl Mapped {
    /// Maps the file at `path`.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Io`] if it cannot be opened or mapped, [`Error::Empty`] if there is nothing in it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let io = |cause: io::Error| match cause.kind() {
            io::ErrorKind::NotFound => Error::Missing { path: path.to_owned() },
            _ => Error::Io { path: path.to_owned(), cause },
        };
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if !metadata.is_file() {
            return Err(io(io::Error::other("not a regular file")));
        }
        if metadata.len() == 0 {
            return Err(Error::Empty { path: path.to_owned() });
        }
        // SAFETY: the mapping is private and read-only. A file that another process shortens meanwhile raises
        // SIGBUS, as it does in every tool that maps its input; nothing here can turn that into wrong memory.
        let map = unsafe { Mmap::map(&file) }.map_err(io)?;
        Ok(Self { path: path.to_owned(), map })
    }

    /// The path it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Lets the pages that hold `bytes` leave this process's memory; they stay readable. Does nothing for bytes
    /// that are not part of the mapping.
    ///
    /// Debug entries are read once, unit by unit, and make up two thirds of a file.
    pub fn release(&self, bytes: &[u8]) {
        let base = self.map.as_ptr().addr();
        let Some(start) = bytes.as_ptr().addr().checked_sub(base) else { return };
        let Range { start, end } = start..start.saturating_add(bytes.len()).min(self.map.len());
        if start < end {
            // SAFETY: the mapping is backed by a file and never written to, so dropping pages loses nothing:
            // the next access reads the same bytes again. Failure only means that the pages stay.
            let _ = unsafe { self.map.unchecked_advise_range(UncheckedAdvice::DontNeed, start, end - start) };
        }
    }
}
