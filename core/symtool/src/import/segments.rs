//! Reads modules that another store exported: segments, as files or members of archives.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use symtool_debug::Mapped;
use symtool_store::pack::Packed;
use symtool_store::{Error as StoreError, Store};

use super::event::Failure;
use super::expect;
use super::read::{Outcome, Reader, Segment};

/// What comes of the segment `mapped`, known as `path`.
pub fn outcome<'a>(reader: &Reader<'a>, path: &Path, mapped: &Mapped) -> Outcome<'a> {
    let (start, path) = (Instant::now(), path.to_owned());
    let read = read(reader.order.store(), &path, mapped);
    let outcome = read.and_then(|modules| {
        if reader.expected.is_some() {
            return expect::segment(&path, modules, reader.order);
        }
        let bytes = modules.iter().map(|module| module.record.bytes_stored).sum();
        let (took, memory) = (start.elapsed(), reader.budget.add(bytes));
        Ok(Outcome::Segment(Box::new(Segment { path: path.clone(), modules, took, memory })))
    });
    outcome.unwrap_or_else(|error| Outcome::Failed { path, failure: Failure::Store(error) })
}

/// The modules of the segment `mapped`, known as `path`, as `store` would take them.
///
/// # Errors
/// If it cannot be read, is damaged, needs another key, or is sealed while the store is not.
pub fn read(store: &Store, path: &Path, mapped: &Mapped) -> Result<Vec<Packed>, StoreError> {
    if mapped.is_whole_file() {
        return store.read_segment(path);
    }
    // RocksDB reads files only.
    let io = |cause| StoreError::Io { path: path.to_owned(), cause };
    let mut file = tempfile::NamedTempFile::new().map_err(io)?;
    file.write_all(mapped.bytes()).map_err(io)?;
    store.read_segment(file.path()).map_err(|error| match error {
        StoreError::Segment { fact, .. } => StoreError::Segment { path: path.to_owned(), fact },
        StoreError::Io { cause, .. } => io(cause),
        StoreError::NoKey { wanted, .. } => StoreError::NoKey { store: path.to_owned(), wanted },
        StoreError::WrongKey { wanted, given, .. } => {
            StoreError::WrongKey { store: path.to_owned(), wanted, given }
        }
        other => other,
    })
}
