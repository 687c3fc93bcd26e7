//! What the database of crashes takes on disk: how much it may be, and what is left of rows that
//! went.

use rocksdb::{BottommostLevelCompaction, CompactOptions};

use crate::stored::database::Database;
use symtool_store::Error;

impl Database {
    /// Leaves nothing on disk of what rows held before whose keys are from the first of `ranges` to
    /// the second, or begin with that.
    pub fn erase(&self, ranges: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<(), Error> {
        let Some(db) = &self.db else { return Ok(()) };
        // A log goes once all that it has is in tables.
        db.flush().map_err(|cause| self.store.crashes_error(cause))?;
        let mut options = CompactOptions::default();
        // Also the lowest level, where the only copy of a row may lie beside what it held before.
        options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        for (from, to) in ranges {
            let after = [&*to, &[u8::MAX; 16]].concat();
            db.compact_range_opt(Some(&from), Some(&after), &options);
        }
        Ok(())
    }

    /// Whether `more` bytes may be added.
    pub(crate) fn check_quota(&self, more: u64) -> Result<(), Error> {
        let Some(quota) = self.store.crash_quota() else { return Ok(()) };
        let files = std::fs::read_dir(self.store.crashes()).into_iter().flatten().flatten();
        let is_row = |file: &std::fs::DirEntry| {
            file.path()
                .extension()
                .is_some_and(|extension| extension == "sst" || extension == "log")
        };
        let there: u64 = files
            .filter(is_row)
            .filter_map(|file| file.metadata().ok())
            .map(|metadata| metadata.len())
            .sum();
        let needed = there + more;
        if needed > quota {
            Err(Error::CrashQuota { store: self.store.path().to_owned(), quota, needed })
        } else {
            Ok(())
        }
    }
}
