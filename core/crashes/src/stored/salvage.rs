//! Everything that can be read of a damaged database, by any means: all tables, block by block, and
//! all logs, change by change.
//!
//! Rows are sorted by a database of their own beside the damaged one, so that memory does not grow
//! with them. Each counts only if its checksum or seal is right; of several versions the newest
//! does.

use std::fs;
use std::path::{Path, PathBuf};

use rocksdb::{DB, Direction, IteratorMode, Options, WriteBatch};
use serde::de::DeserializeOwned;

use crate::stored::{log, pack};
use symtool_store::database::tables;
use symtool_store::seal::RowSeal;
use symtool_store::{Error, Store};

/// Bytes of rows that are sorted at once.
const BATCH_BYTES: usize = 4 << 20;
/// Bytes of the number that tells versions of a row apart: the newest first.
const VERSION_BYTES: usize = 8;

/// What was read.
pub struct Salvaged<'s> {
    store: &'s Store,
    db: DB,
    seal: &'s RowSeal,
    path: PathBuf,
}

impl<'s> Salvaged<'s> {
    /// Reads all of `folder`, whose rows are closed with `seal`. What is read lies at `path` for as
    /// long as this lives.
    ///
    /// # Errors
    /// If a file cannot be read. What is in it is never an error.
    pub fn of(
        store: &'s Store,
        folder: &Path,
        path: PathBuf,
        seal: &'s RowSeal,
    ) -> Result<Self, Error> {
        if path.exists() {
            fs::remove_dir_all(&path).map_err(|cause| Error::io(&path, cause))?;
        }
        let mut options = Options::default();
        options.create_if_missing(true);
        let db = DB::open(&options, &path).map_err(|cause| store.crashes_error(cause))?;
        let salvaged = Self { store, db, seal, path };
        for file in files(folder)? {
            salvaged.read(&file)?;
        }
        Ok(salvaged)
    }

    fn read(&self, file: &Path) -> Result<(), Error> {
        let (mut batch, mut failed) = (WriteBatch::default(), None);
        let mut take = |key: &[u8], value: Option<&[u8]>, sequence: u64| {
            if value.is_some_and(|value| self.seal.open(key, value).is_err()) {
                return false;
            }
            let versioned = [key, &(u64::MAX - sequence).to_be_bytes()].concat();
            batch
                .put(versioned, [&[u8::from(value.is_some())], value.unwrap_or_default()].concat());
            if batch.size_in_bytes() > BATCH_BYTES {
                let full = std::mem::take(&mut batch);
                failed = failed.take().or_else(|| self.db.write(full).err());
            }
            true
        };
        let read = if file.extension().is_some_and(|extension| extension == "log") {
            log::scan(file, |change| {
                take(change.key, change.value, change.sequence);
            })
        } else {
            tables::scan_all(file, |entry| take(entry.key, entry.value, entry.sequence))
        };
        read.map_err(|cause| Error::io(file, cause))?;
        failed
            .map_or_else(|| self.db.write(batch), Err)
            .map_err(|cause| self.store.crashes_error(cause))
    }

    /// Calls `each` with every row whose key begins with `prefix`, in the order of keys.
    ///
    /// # Errors
    /// Any [`Error`], also of `each`.
    pub fn each(
        &self,
        prefix: &[u8],
        mut each: impl FnMut(&[u8], Vec<u8>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut last: Vec<u8> = Vec::new();
        for row in self.db.iterator(IteratorMode::From(prefix, Direction::Forward)) {
            let (versioned, value) = row.map_err(|cause| self.store.crashes_error(cause))?;
            if !versioned.starts_with(prefix) {
                break;
            }
            let Some(key) = versioned.len().checked_sub(VERSION_BYTES).map(|end| &versioned[..end])
            else {
                continue;
            };
            if key == last {
                continue;
            }
            key.clone_into(&mut last);
            // The newest version says that the row has gone, or what it is.
            if let Some((1, stored)) = value.split_first()
                && let Ok(value) = self.seal.open(key, stored)
            {
                each(key, value)?;
            }
        }
        Ok(())
    }

    /// The row at `key`.
    ///
    /// # Errors
    /// If what was read cannot be read again.
    pub fn bytes(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let mut found = None;
        self.each(key, |other, value| {
            if other == key {
                found = Some(value);
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Whether the row at `key` was deleted, and not lost.
    ///
    /// # Errors
    /// If what was read cannot be read again.
    pub fn is_gone(&self, key: &[u8]) -> Result<bool, Error> {
        let newest = self.db.iterator(IteratorMode::From(key, Direction::Forward)).next();
        let newest = newest.transpose().map_err(|cause| self.store.crashes_error(cause))?;
        let is_of_row = |versioned: &[u8]| {
            versioned.starts_with(key) && versioned.len() == key.len() + VERSION_BYTES
        };
        Ok(newest
            .is_some_and(|(versioned, value)| is_of_row(&versioned) && value.first() == Some(&0)))
    }

    /// All versions of the row at `key`, whichever is the newest.
    ///
    /// # Errors
    /// If what was read cannot be read again.
    pub fn versions(&self, key: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let mut found = Vec::new();
        for row in self.db.iterator(IteratorMode::From(key, Direction::Forward)) {
            let (versioned, value) = row.map_err(|cause| self.store.crashes_error(cause))?;
            if !versioned.starts_with(key) || versioned.len() != key.len() + VERSION_BYTES {
                break;
            }
            found.extend(
                value.split_first().and_then(|(_, stored)| self.seal.open(key, stored).ok()),
            );
        }
        Ok(found)
    }

    /// The packed value at `key`; `None` also if it says nothing that this version reads.
    ///
    /// # Errors
    /// If what was read cannot be read again.
    pub fn packed<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, Error> {
        Ok(self
            .bytes(key)?
            .and_then(|bytes| postcard::from_bytes(&pack::expand(&bytes).ok()?).ok()))
    }
}

impl Drop for Salvaged<'_> {
    fn drop(&mut self) {
        // RocksDB does not miss its files.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The tables and logs in `folder`; none if it is missing.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let io = |cause| Error::io(folder, cause);
    let mut found = Vec::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        Err(cause) => return Err(io(cause)),
    };
    for entry in entries {
        let path = entry.map_err(io)?.path();
        if path.extension().is_some_and(|extension| extension == "sst" || extension == "log") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
