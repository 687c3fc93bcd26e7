//! Bringing a change that failed to an end: afterwards the store has all of it, or nothing.
//!
//! A disk may fail after RocksDB has written down that files are part of the database, and before
//! it has made sure of that. It then deletes the files, but not always the note. They are still in
//! `staging/`, and are put back where the note says that they are.

use std::fs;
use std::path::{Path, PathBuf};

use super::lock::Lock;
use super::reader::open_database;
use super::{Error, Store, salvage, tables};

impl Store {
    /// Passes on what came of a change; if it failed, makes sure first that the store has all of it
    /// or nothing.
    pub(super) fn recovered<T>(&self, changed: Result<T, Error>) -> Result<T, Error> {
        // Only the database leaves something half done. Whoever waited for a lock in vain does not
        // wait again.
        if matches!(changed, Err(Error::Database { .. })) {
            // Should this fail too, the next change tries again.
            drop(Lock::exclusive(&self.write_lock(), self.wait).and_then(|_lock| self.recover()));
        }
        changed
    }

    /// Only called while no other process writes.
    pub(super) fn recover(&self) -> Result<(), Error> {
        let staging = self.staging();
        let io = |cause| Error::io(&staging, cause);
        let mut staged = salvage::tables_in(&staging).map_err(io)?;
        if !staged.is_empty() {
            let live = match open_database(self)? {
                Some(db) => db.live_files().map_err(|source| self.database_error(source))?,
                None => Vec::new(),
            };
            for file in live {
                let place = self.symbols().join(file.name.trim_start_matches('/'));
                if place.exists() {
                    continue;
                }
                let is_it = |path: &PathBuf| {
                    let has_size =
                        fs::metadata(path).is_ok_and(|metadata| metadata.len() == file.size as u64);
                    has_size && first_key(path) == file.start_key
                };
                if let Some(at) = staged.iter().position(is_it) {
                    fs::hard_link(staged.remove(at), &place)
                        .map_err(|cause| Error::io(&place, cause))?;
                }
            }
        }
        sweep(&staging)
    }
}

fn first_key(path: &Path) -> Option<Vec<u8>> {
    let mut first = None;
    tables::scan(path, |entry| {
        first.get_or_insert_with(|| entry.key.to_vec());
    })
    .ok()?;
    first
}

/// Removes what a killed process left on its way in. Only called while no other process writes.
fn sweep(staging: &Path) -> Result<(), Error> {
    super::durable::create_folder(staging).map_err(|cause| Error::io(staging, cause))?;
    let Ok(entries) = fs::read_dir(staging) else { return Ok(()) };
    // A file that cannot be removed costs disk, nothing else.
    entries.flatten().for_each(|entry| drop(fs::remove_file(entry.path())));
    Ok(())
}
