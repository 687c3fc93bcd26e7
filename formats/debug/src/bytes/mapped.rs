//! Holds a file's bytes, mapped or unpacked; mapped pages can be given back.
//!
//! With `guard.rs` the only `unsafe` of the workspace's libraries.

#![expect(unsafe_code, reason = "mapping a file and giving memory back are calls to the system")]

use std::fs::{File, Metadata};
use std::io;
use std::ops::Range;
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use memmap2::{Mmap, UncheckedAdvice};

use super::error::Error;
#[cfg(unix)]
use super::guard::Guard;

/// The bytes of a file, or of a member of an archive. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mapped {
    path: PathBuf,
    name: String,
    memory: Arc<Memory>,
    /// Which part of the memory.
    range: Range<usize>,
}

#[derive(Debug)]
enum Memory {
    File(MappedFile),
    /// A file without a name, which goes with the memory.
    Spooled(MappedFile),
    Owned(Vec<u8>),
}

#[derive(Debug)]
struct MappedFile {
    /// Goes before the mapping does.
    #[cfg(unix)]
    guard: Option<Guard>,
    map: Mmap,
    path: PathBuf,
    stamp: Stamp,
}

/// What changes when a file is written to.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    /// Device and number: which file stands at a path.
    #[cfg(unix)]
    file: (u64, u64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            file: (metadata.dev(), metadata.ino()),
        }
    }
}

impl MappedFile {
    /// Maps `file`, which stands at `path`.
    fn new(file: &File, path: &Path) -> io::Result<Self> {
        let stamp = Stamp::of(&file.metadata()?);
        // SAFETY: the mapping is private and read-only. Of a file that another process writes to
        // meanwhile other bytes are read, and zeros where it was shortened (`guard.rs`); who reads
        // it asks for that (`Mapped::unchanged`).
        let map = unsafe { Mmap::map(file) }?;
        Ok(Self {
            #[cfg(unix)]
            guard: Guard::new(
                map.as_ptr().expose_provenance()..map.as_ptr().expose_provenance() + map.len(),
            ),
            map,
            path: path.to_owned(),
            stamp,
        })
    }

    /// Whether the file was written to since it was mapped. One that was replaced by another is
    /// still what it was.
    fn has_changed(&self) -> bool {
        #[cfg(unix)]
        if self.guard.as_ref().is_some_and(Guard::is_cut) {
            return true;
        }
        let now = std::fs::metadata(&self.path).map(|metadata| Stamp::of(&metadata));
        #[cfg(unix)]
        let now = now.ok().filter(|now| now.file == self.stamp.file);
        #[cfg(not(unix))]
        let now = now.ok();
        now.is_some_and(|now| now != self.stamp)
    }
}

impl Memory {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::File(file) | Self::Spooled(file) => &file.map,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl Mapped {
    /// Maps the file at `path`.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Io`] if it cannot be opened or mapped, [`Error::Empty`] if
    /// there is nothing in it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let io = |cause: io::Error| match cause.kind() {
            io::ErrorKind::NotFound => Error::Missing { path: path.to_owned() },
            _ => Error::Io { path: path.to_owned(), cause },
        };
        // Opening a pipe would wait for a writer.
        if !std::fs::metadata(path).map_err(io)?.is_file() {
            return Err(io(io::Error::other("not a regular file")));
        }
        Self::of_file(&File::open(path).map_err(io)?, path)
    }

    /// Maps `file`, which is to go by `path`: it may have no name any more.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be mapped, [`Error::Empty`] if there is nothing in it.
    pub fn of_file(file: &File, path: &Path) -> Result<Self, Error> {
        let io = |cause: io::Error| Error::Io { path: path.to_owned(), cause };
        if file.metadata().map_err(io)?.len() == 0 {
            return Err(Error::Empty { path: path.to_owned() });
        }
        let file = MappedFile::new(file, path).map_err(io)?;
        let name =
            path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let range = 0..file.map.len();
        Ok(Self { path: path.to_owned(), name, range, memory: Arc::new(Memory::File(file)) })
    }

    /// The bytes of `file`, which has no name of its own and is not written to any more.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be mapped.
    pub fn spooled(file: &File, path: PathBuf, name: String) -> Result<Self, Error> {
        let mapped = MappedFile::new(file, &path);
        let mapped = mapped.map_err(|cause| Error::Io { path: path.clone(), cause })?;
        let range = 0..mapped.map.len();
        Ok(Self { path, name, range, memory: Arc::new(Memory::Spooled(mapped)) })
    }

    /// That no other process has written to the file since it was opened: what was read of it is
    /// one state of it.
    ///
    /// # Errors
    /// [`Error::Changed`].
    pub fn unchanged(&self) -> Result<(), Error> {
        match &*self.memory {
            Memory::File(file) if file.has_changed() => {
                Err(Error::Changed { path: file.path.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Bytes that are in memory already.
    pub fn unpacked(bytes: Vec<u8>, path: PathBuf, name: String) -> Self {
        Self { path, name, range: 0..bytes.len(), memory: Arc::new(Memory::Owned(bytes)) }
    }

    /// The part `range` of these bytes, without copying them; `None` if it reaches beyond them.
    pub fn part(&self, range: Range<usize>, path: PathBuf, name: String) -> Option<Self> {
        self.bytes().get(range.clone())?;
        let range = self.range.start + range.start..self.range.start + range.end;
        Some(Self { path, name, memory: Arc::clone(&self.memory), range })
    }

    /// The same bytes under another path and name.
    #[must_use]
    pub fn known_as(self, path: PathBuf, name: String) -> Self {
        Self { path, name, ..self }
    }

    /// The path it was opened by; for a member, that of the archive with the member's name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last component of the file's or the member's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All of the bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.memory.bytes()[self.range.clone()]
    }

    /// Whether these are all bytes of a file that stands at [`Mapped::path`].
    pub fn is_whole_file(&self) -> bool {
        matches!(*self.memory, Memory::File(_)) && self.range.len() == self.memory.bytes().len()
    }

    /// Lets the pages that hold `bytes` leave this process's memory; they stay readable. Does
    /// nothing for bytes that are not part of a mapping.
    ///
    /// Debug entries are read once, unit by unit, and make up two thirds of a file.
    pub fn release(&self, bytes: &[u8]) {
        let (Memory::File(MappedFile { map, .. }) | Memory::Spooled(MappedFile { map, .. })) =
            &*self.memory
        else {
            return;
        };
        let base = map.as_ptr().addr();
        let Some(start) = bytes.as_ptr().addr().checked_sub(base) else { return };
        let Range { start, end } = start..start.saturating_add(bytes.len()).min(map.len());
        if start < end {
            // SAFETY: the mapping is backed by a file and never written to, so dropping pages loses
            // nothing: the next access reads the same bytes again. Failure only means that the
            // pages stay.
            let _ = unsafe {
                map.unchecked_advise_range(UncheckedAdvice::DontNeed, start, end - start)
            };
        }
    }
}

/// Gives back what the heap holds on to after a file's units are gone: packing comes next, and
/// takes memory of its own. Does nothing where the C library has no such call.
pub fn trim_heap() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the call takes no pointers, may be made from any thread, and frees nothing that is in
    // use.
    unsafe {
        libc::malloc_trim(0);
    }
}
