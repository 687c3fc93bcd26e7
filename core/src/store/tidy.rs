//! Giving back what nobody sees: in, a store open for writing; out, the same modules in fewer bytes and files.
//!
//! Blocks without a footer belong to no module. They are deleted as soon as nobody reads: a reader may have opened the database
//! when their footer was still there.

use std::fs;
use std::path::Path;

use rocksdb::{BottommostLevelCompaction, CompactOptions};

use super::key::AFTER_FOOTERS;
use super::lock::Lock;
use super::reader::{self, iterator, read_options};
use super::writer::{Staged, Writer};
use super::{Error, FAMILY, Generation, Store};

/// Files of footers that may lie side by side: each change makes one.
const MAX_FOOTER_FILES: usize = 8;

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
        let writer = Writer::open(self)?;
        let _alone = Lock::exclusive(&self.read_lock(), self.wait)?;
        writer.delete_blocks_without_footer()?;
        let family = writer.db.cf_handle(FAMILY).ok_or_else(|| Error::NotAStore(self.path.clone()))?;
        writer.db.compact_range_cf_opt(family, None::<&[u8]>, None::<&[u8]>, &all_levels());
        drop(fs::remove_file(self.untidy()));
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
    /// Deletes what nobody sees, and puts footers together; `has_gone` says whether something has just been replaced or removed.
    /// While somebody reads, that is left to a later change; so is what fails, as the change itself has been made.
    pub(super) fn tidy(self, has_gone: bool) {
        let mark = self.store.untidy();
        let Some(_alone) = Lock::alone(&self.store.read_lock()) else {
            if has_gone {
                drop(fs::File::create(mark));
            }
            return;
        };
        if has_gone || mark.exists() {
            // If the mark cannot be made, `modules compact` finds what is left all the same.
            drop(match self.delete_blocks_without_footer() {
                Ok(()) => fs::remove_file(mark),
                Err(_) => fs::File::create(mark).map(drop),
            });
        }
        let live = self.db.live_files().unwrap_or_default();
        let of_footers = live.iter().filter(|file| file.start_key.as_ref().is_some_and(|key| key[..] < AFTER_FOOTERS[..])).count();
        if let Some(family) = self.db.cf_handle(FAMILY).filter(|_| of_footers > MAX_FOOTER_FILES) {
            self.db.compact_range_cf_opt(family, Some([0]), Some(AFTER_FOOTERS), &all_levels());
        }
        // Files go when the database is closed, which is before the locks.
        drop(self.db);
    }

    /// Nobody reads.
    pub(super) fn delete_blocks_without_footer(&self) -> Result<(), Error> {
        let database = |source| self.store.database_error(source);
        let Some(family) = self.db.cf_handle(FAMILY) else { return Ok(()) };
        let known = self.known()?;
        // A footer that cannot be read may be that of any blocks: what it was is for a repair to say.
        if known.iter().any(|(_, module)| module.is_none()) {
            return Ok(());
        }
        for generation in reader::blocks_without_footer(&self.db, self.store, &known)? {
            let (first, after) = generation.extent();
            // Whole files first: nothing has to be read for that.
            self.db.delete_file_in_range_cf(family, first, after).map_err(database)?;
            if self.has_blocks(generation).map_err(database)? {
                let mut staged = Staged::new(self.store);
                staged.write("gone.sst", |segment| Ok(segment.delete_range(first, after)?))?;
                staged.ingest(&self.db)?;
                self.db.compact_range_cf(family, Some(first), Some(after));
            }
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
}
