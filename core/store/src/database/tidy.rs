//! Giving back what nobody sees, and keeping tables few: afterwards a store has the same modules in
//! fewer bytes and files.
//!
//! ```text
//! garbage   blocks that nobody needs any more are deleted (garbage.rs)
//! blocks    tables that lie side by side are joined (join.rs)
//! rows      tables of small rows are sorted into each other, level by level, by RocksDB
//! ```
//!
//! All of it is left to a later change while somebody reads, as tables are deleted. A process that
//! is killed leaves the tables as they were.

use std::fs;
use std::path::Path;

use rocksdb::{BottommostLevelCompaction, CompactOptions, LiveFile, WaitForCompactOptions};

use super::garbage::Which;
use super::lock::Lock;
use super::reader::{self, Unreadable};
use super::writer::{Rows, Staged, Writer};
use super::{Error, FAMILY, Store, join};
use crate::limits::{JOINED_BYTES, ROW_TABLES};
use crate::module::key::area;

/// The level of tables that no others lie below.
const BOTTOM: i32 = 6;

/// Rewrites tables also where only one level has any.
pub(super) fn all_levels() -> CompactOptions {
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
        writer.delete_garbage(Which::All)?;
        writer.delete_removed()?;
        let family =
            writer.db.cf_handle(FAMILY).ok_or_else(|| Error::NotAStore(self.path.clone()))?;
        // Records and blocks stay in files of their own: no file holds both copies of a record.
        let (blocks, placed) = ([area::BLOCKS], [area::PLACED_BLOCKS]);
        for (from, to) in [(None, Some(blocks)), (Some(blocks), Some(placed)), (Some(placed), None)]
        {
            writer.db.compact_range_cf_opt(family, from, to, &all_levels());
        }
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
    /// Deletes what nobody sees, and joins small tables. While somebody reads, that is left to a
    /// later change; so is what fails, as the change itself has been made.
    pub(super) fn tidy(mut self) {
        let has_garbage = self.head.noted > 0;
        let has_joins = || join::next(&sizes(&self.block_tables().unwrap_or_default())).is_some();
        if !has_garbage && self.row_tables() < ROW_TABLES && !has_joins() {
            return;
        }
        let Some(_alone) = Lock::alone(&self.store.read_lock()) else { return };
        if has_garbage {
            // What it could not delete is still noted.
            let _ = self.delete_garbage(Which::Worthwhile);
        }
        self.join_blocks();
        if self.row_tables() >= ROW_TABLES {
            self.sort_rows();
        }
        // Files go when the database is closed, which is before the locks.
        drop(self.db);
    }

    /// Joins tables of blocks, no more than it takes the time of the largest.
    fn join_blocks(&self) {
        let mut left = JOINED_BYTES;
        let mut tables = self.block_tables().unwrap_or_default();
        while let Some(window) = join::next(&sizes(&tables)) {
            let bytes: u64 = sizes(&tables[window.clone()]).iter().sum();
            let Some(rest) = left.checked_sub(bytes) else { return };
            left = rest;
            self.write_anew(&tables[window]);
            let joined = self.block_tables().unwrap_or_default();
            // The disk is full, perhaps.
            if joined.len() >= tables.len() {
                return;
            }
            tables = joined;
        }
    }

    /// Tables of small rows that are not sorted into others.
    fn row_tables(&self) -> usize {
        let tables = self.db.live_files().unwrap_or_default();
        tables.iter().filter(|table| table.level == 0).count()
    }

    /// Lets RocksDB move rows down its levels, as far as those are full.
    fn sort_rows(&self) {
        let Some(family) = self.db.cf_handle(FAMILY) else { return };
        // What fails is as it was.
        let _ = self
            .db
            .set_options_cf(family, &[("disable_auto_compactions", "false")])
            .and_then(|()| self.db.wait_for_compact(&WaitForCompactOptions::default()));
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

/// The sizes of `tables`. One that lies above others cannot be joined with its neighbours alone: it
/// counts as large.
fn sizes(tables: &[LiveFile]) -> Vec<u64> {
    let size = |table: &LiveFile| if table.level == BOTTOM { table.size as u64 } else { u64::MAX };
    tables.iter().map(size).collect()
}
