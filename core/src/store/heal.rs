//! After a change that failed: in, a store whose last ingest returned an error; out, the store with all of that change, or nothing.
//!
//! A disk may fail after RocksDB has written down that files are part of the database, and before it has made sure of that. It then
//! deletes the files, but not always the note. They are still in `staging/`, and are put back where the note says that they are.

use std::fs;

use super::key::AFTER_FOOTERS;
use super::lock::Lock;
use super::reader::open_database;
use super::writer::{BLOCKS, FOOTERS, sweep};
use super::{Error, Store};

impl Store {
    /// Passes on what came of a change; if it failed, makes sure first that the store has all of it or nothing.
    pub(super) fn healed<T>(&self, changed: Result<T, Error>) -> Result<T, Error> {
        // Only the database leaves something half done. Whoever waited for a lock in vain does not wait again.
        if matches!(changed, Err(Error::Database { .. })) {
            // Should this fail too, the next change tries again.
            drop(Lock::exclusive(&self.write_lock(), self.wait).and_then(|_lock| self.heal()));
        }
        changed
    }

    /// Only called while no other process writes.
    pub(super) fn heal(&self) -> Result<(), Error> {
        let staged = [(self.staging().join(FOOTERS), true), (self.staging().join(BLOCKS), false)];
        if staged.iter().any(|(path, _)| path.exists()) {
            let live = match open_database(self, self.wait)? {
                Some(db) => db.live_files().map_err(|source| self.database_error(source))?,
                None => Vec::new(),
            };
            for file in live {
                let place = self.symbols().join(file.name.trim_start_matches('/'));
                let is_footers = file.start_key.as_ref().is_some_and(|key| key[..] < AFTER_FOOTERS[..]);
                let (path, _) = &staged[usize::from(!is_footers)];
                let is_it = !place.exists() && fs::metadata(path).is_ok_and(|metadata| metadata.len() == file.size as u64);
                if is_it {
                    fs::hard_link(path, &place).map_err(|cause| Error::io(&place, cause))?;
                }
            }
        }
        sweep(&self.staging())
    }
}
