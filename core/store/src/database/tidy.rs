//! Giving back what nobody sees: afterwards a store has the same modules in fewer bytes and files.
//!
//! Blocks that are replaced or removed are noted as garbage in the change that does so. They are
//! deleted as soon as nobody reads: a reader may have opened the database before that change.

use std::fs;
use std::path::Path;

use rocksdb::{BottommostLevelCompaction, CompactOptions};

use super::lock::Lock;
use super::reader::{self, Unreadable, iterator, read_options};
use super::writer::{Rows, Staged, Writer};
use super::{Error, FAMILY, Store};
use crate::module::Generation;
use crate::module::key::area;

/// Files of small rows that may lie side by side: each change makes one.
const MAX_ROW_FILES: usize = 8;

/// Rewrites files also where only one level has any.
fn all_levels() -> CompactOptions {
    let mut options = CompactOptions::default();
    options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
    options
}

impl Store {
    /// Deletes what nobody sees and puts small files together, once nobody reads.
    ///
    /// # Errors
    /// Any [`Error`]; no module changes.
    pub fn compact(&self) -> Result<(), Error> {
        let mut writer = Writer::open(self)?;
        let _alone = Lock::exclusive(&self.read_lock(), self.wait)?;
        writer.delete_garbage()?;
        writer.delete_removed()?;
        let family =
            writer.db.cf_handle(FAMILY).ok_or_else(|| Error::NotAStore(self.path.clone()))?;
        // Records and blocks stay in files of their own: no file holds both copies of a record.
        writer.db.compact_range_cf_opt(family, None::<&[u8]>, Some([area::BLOCKS]), &all_levels());
        writer.db.compact_range_cf_opt(family, Some([area::BLOCKS]), None::<&[u8]>, &all_levels());
        // What lies there belongs to no change that was ever acknowledged: that was seen to when
        // the store was opened.
        drop(fs::remove_dir_all(self.lost()));
        // Files go when the database is closed, which is before the locks.
        drop(writer.db);
        Ok(())
    }

    /// Bytes that all its files take.
    pub fn disk_bytes(&self) -> u64 {
        fn of(folder: &Path) -> u64 {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let size = |entry: fs::DirEntry| match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => of(&entry.path()),
                Ok(metadata) => metadata.len(),
                Err(_) => 0,
            };
            entries.map(size).sum()
        }
        of(&self.path)
    }
}

impl Writer<'_> {
    /// Deletes what nobody sees, and puts small rows together. While somebody reads, that is left
    /// to a later change; so is what fails, as the change itself has been made.
    pub(super) fn tidy(mut self) {
        let live = self.db.live_files().unwrap_or_default();
        let row_files = live
            .iter()
            .filter(|file| file.start_key.as_ref().is_some_and(|key| key[..] < [area::BLOCKS][..]))
            .count();
        let has_garbage = self.garbage().is_ok_and(|garbage| !garbage.is_empty());
        if !has_garbage && row_files <= MAX_ROW_FILES {
            return;
        }
        let Some(_alone) = Lock::alone(&self.store.read_lock()) else { return };
        // What it could not delete is still noted.
        let _ = self.delete_garbage();
        if let Some(family) = self.db.cf_handle(FAMILY).filter(|_| row_files > MAX_ROW_FILES) {
            self.db.compact_range_cf_opt(family, Some([0]), Some([area::BLOCKS]), &all_levels());
        }
        // Files go when the database is closed, which is before the locks.
        drop(self.db);
    }

    /// Generations whose blocks nobody needs any more.
    fn garbage(&self) -> Result<Vec<Generation>, rocksdb::Error> {
        let mut garbage = Vec::new();
        let mut read = read_options();
        read.set_iterate_upper_bound([area::GARBAGE + 1]);
        let Some(mut iterator) = iterator(&self.db, read) else { return Ok(garbage) };
        iterator.seek([area::GARBAGE]);
        while let Some(key) = iterator.key() {
            garbage.extend(Generation::from_key(key));
            iterator.next();
        }
        iterator.status().map(|()| garbage)
    }

    /// Nobody reads.
    fn delete_garbage(&mut self) -> Result<(), Error> {
        let database = |source| self.store.database_error(source);
        let mut rows = Rows::new();
        for generation in self.garbage().map_err(database)? {
            // Whatever a note says, blocks that a module has are not touched.
            let is_used = self.known(generation.module)?.is_some_and(|known| {
                known.record.module.is_some() && known.record.generation == generation.number
            });
            if !is_used {
                self.delete_blocks(generation)?;
            }
            rows.insert(generation.garbage(), None);
        }
        if rows.is_empty() {
            return Ok(());
        }
        let head = self.head;
        self.finish(rows, Staged::new(self.store), head)
    }

    fn delete_blocks(&self, generation: Generation) -> Result<(), Error> {
        let database = |source| self.store.database_error(source);
        let Some(family) = self.db.cf_handle(FAMILY) else { return Ok(()) };
        let (first, after) = generation.extent();
        // Whole files first: nothing has to be read for that.
        self.db.delete_file_in_range_cf(family, &first[..], &after[..]).map_err(database)?;
        if self.has_blocks(generation).map_err(database)? {
            let mut staged = Staged::new(self.store);
            staged
                .write("gone.sst", |segment| Ok(segment.delete_range(&first[..], &after[..])?))?;
            staged.ingest(&self.db)?;
            self.db.compact_range_cf(family, Some(first), Some(after));
        }
        Ok(())
    }

    fn has_blocks(&self, generation: Generation) -> Result<bool, rocksdb::Error> {
        let (first, after) = generation.extent();
        let mut read = read_options();
        read.set_iterate_upper_bound(after);
        let Some(mut iterator) = iterator(&self.db, read) else { return Ok(false) };
        iterator.seek(first);
        let found = iterator.valid();
        iterator.status().map(|()| found)
    }

    /// Deletes the notes that modules were removed. Nothing of these is left.
    fn delete_removed(&mut self) -> Result<(), Error> {
        let records =
            reader::records(&self.db, self.ring.as_deref()).map_err(|error| match error {
                Unreadable::Damage => Error::Damaged(self.store.path.clone()),
                Unreadable::Database(cause) => self.store.database_error(cause),
            })?;
        let (mut rows, mut head) = (Rows::new(), self.head);
        for (module, known) in records.iter().filter(|(_, known)| known.record.module.is_none()) {
            self.forget(&mut head, known);
            rows.insert(module.record().to_vec(), None);
        }
        if rows.is_empty() {
            return Ok(());
        }
        head.ack.sequence += 1;
        self.finish(rows, Staged::new(self.store), head)?;
        self.acknowledge()
    }
}
