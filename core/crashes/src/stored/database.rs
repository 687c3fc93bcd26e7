//! The database of crashes and groups: what stands at a key, and what stands in a range of keys.
//!
//! Beside the symbols, so that imports and crashes never wait for each other. Whoever changes it is
//! alone with it (`crashes.lock`); readers share it. Every change is one batch, written ahead to
//! RocksDB's log: a killed process leaves all of it or nothing (changes.rs). How it is opened, and
//! how lost work is noticed, is in open.rs.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use rocksdb::{DB, DBRawIterator, FlushOptions, ReadOptions, WriteBatch, WriteOptions};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ids::GroupId;
use crate::stored::pack;
use crate::stored::state::Head;
use crate::stored::sum::SumKey;
use symtool_store::database::Lock;
use symtool_store::seal::RowSeal;
use symtool_store::{Error, Store};

/// Rows that one thread looks up in a row.
const KEYS_AT_ONCE: usize = 512;

/// Rows that are stepped over before the next one is sought.
const STEPS_BEFORE_SEEK: usize = 8;

/// What is written to the log only is read back from there, one row after the other, by whoever
/// opens the database next. From so many bytes on it is written where it belongs before the
/// database is closed.
const MAX_LOG_LEFT: u64 = 1 << 20;

/// Keys and values.
pub type KeysAndValues = Vec<(Vec<u8>, Vec<u8>)>;

/// An open database.
#[derive(Debug)]
pub struct Database {
    pub(crate) store: Store,
    /// `None` where there are no crashes yet.
    pub(crate) db: Option<DB>,
    pub(crate) seal: RowSeal,
    pub(crate) sum_key: SumKey,
    pub(crate) head: Mutex<Head>,
    pub(crate) is_writer: bool,
    /// Whether it is the store's. One that is being made beside it acknowledges nothing.
    pub(crate) is_in_place: bool,
    /// Held for its drop.
    pub(crate) lock: Option<Lock>,
    /// Rows that were read, for tests of what work depends on.
    pub(crate) rows_read: AtomicU64,
    /// Bytes of rows that were written, likewise.
    pub(crate) bytes_written: AtomicU64,
    /// Those of them that stand in the log alone.
    pub(crate) log_bytes: AtomicU64,
}

impl Database {
    /// The last commit.
    pub fn head(&self) -> Head {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_head(&self, head: Head) {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner) = head;
    }

    /// How many rows were read, or looked for, since it was opened.
    pub fn rows_read(&self) -> u64 {
        self.rows_read.load(Ordering::Relaxed)
    }

    /// How many bytes of rows were written since it was opened.
    pub fn bytes_written(&self) -> u64 {
        self.bytes_written.load(Ordering::Relaxed)
    }

    fn count_read(&self, rows: usize) {
        self.rows_read.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// Whose database it is.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The value at `key`.
    pub fn get<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, Error> {
        self.bytes(key)?.map(|bytes| self.decode(&bytes)).transpose()
    }

    /// The value at `key`, as [`crate::stored::changes::Changes::put_packed`] took it.
    pub fn get_packed<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, Error> {
        self.unpacked(key)?.map(|bytes| self.decode(&bytes)).transpose()
    }

    /// The bytes at `key`, as [`crate::stored::changes::Changes::put_bytes`] took them.
    pub fn unpacked(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.bytes(key)?.map(|bytes| self.expand(&bytes)).transpose()
    }

    /// Bytes of a packed row, expanded.
    pub fn expand(&self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        pack::expand(bytes).map_err(|_| self.damaged())
    }

    /// The bytes at `key`.
    pub fn bytes(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.raw(key)?.map(|bytes| self.open_row(key, &bytes)).transpose()
    }

    /// The bytes at each of `keys`.
    pub fn bytes_of(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let Some(db) = &self.db else { return Ok(vec![None; keys.len()]) };
        self.count_read(keys.len());
        let open = |(key, found): (&Vec<u8>, Result<Option<Vec<u8>>, rocksdb::Error>)| {
            let found = found.map_err(|cause| self.store.crashes_error(cause))?;
            found.map(|bytes| self.open_row(key, &bytes)).transpose()
        };
        let some =
            |keys: &[Vec<u8>]| keys.iter().zip(db.multi_get(keys)).map(open).collect::<Vec<_>>();
        keys.par_chunks(KEYS_AT_ONCE).flat_map_iter(some).collect()
    }

    /// The value at each of `keys`.
    pub fn get_all<T: DeserializeOwned + Send>(
        &self,
        keys: impl Iterator<Item = Vec<u8>>,
    ) -> Result<Vec<Option<T>>, Error> {
        let keys: Vec<Vec<u8>> = keys.collect();
        let decode = |bytes: Option<Vec<u8>>| bytes.map(|bytes| self.decode(&bytes)).transpose();
        self.bytes_of(&keys)?.into_par_iter().with_min_len(KEYS_AT_ONCE).map(decode).collect()
    }

    /// Calls `each` with every row whose key begins with `prefix`, in the order of keys, from the
    /// key `from` on, until it says no.
    pub fn each(
        &self,
        prefix: &[u8],
        from: &[u8],
        mut each: impl FnMut(&[u8], Vec<u8>) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let Some(db) = &self.db else { return Ok(()) };
        let mut rows = db.raw_iterator_opt(read_below(prefix));
        rows.seek(from);
        while let Some((key, value)) = rows.item() {
            if !key.starts_with(prefix) {
                break;
            }
            self.count_read(1);
            let value = self.open_row(key, value)?;
            if !each(key, value)? {
                break;
            }
            rows.next();
        }
        rows.status().map_err(|cause| self.store.crashes_error(cause))
    }

    /// All rows of `area`, whose keys go on with the id of a group, of any of `groups`.
    pub fn rows_of_groups(
        &self,
        area: &[u8],
        groups: &BTreeSet<GroupId>,
    ) -> Result<KeysAndValues, Error> {
        let groups: Vec<GroupId> = groups.iter().copied().collect();
        let found = groups.par_chunks(KEYS_AT_ONCE).map(|groups| self.rows_in_order(area, groups));
        Ok(found.collect::<Result<Vec<_>, Error>>()?.concat())
    }

    /// The same of groups that are sorted, by one iterator. Between groups that lie close to each
    /// other it steps, which costs a small part of a seek.
    fn rows_in_order(&self, area: &[u8], groups: &[GroupId]) -> Result<KeysAndValues, Error> {
        let Some(db) = &self.db else { return Ok(Vec::new()) };
        let mut rows = db.raw_iterator_opt(read_below(area));
        let mut found = Vec::new();
        let mut prefix = area.to_vec();
        for (number, group) in groups.iter().enumerate() {
            prefix.truncate(area.len());
            prefix.extend_from_slice(&group.0);
            let is_before = |rows: &DBRawIterator<'_>| rows.key().is_some_and(|key| key < &*prefix);
            let steps = if number == 0 { 0 } else { STEPS_BEFORE_SEEK };
            for _ in 0..steps {
                if !is_before(&rows) {
                    break;
                }
                rows.next();
            }
            if number == 0 || is_before(&rows) {
                rows.seek(&prefix);
            }
            while let Some((key, value)) = rows.item().filter(|(key, _)| key.starts_with(&prefix)) {
                self.count_read(1);
                found.push((key.to_vec(), self.open_row(key, value)?));
                rows.next();
            }
            rows.status().map_err(|cause| self.store.crashes_error(cause))?;
        }
        Ok(found)
    }

    /// The numbers that the keys of an area end with. No row is opened.
    pub fn numbers(&self, area: &[u8]) -> Result<Vec<u64>, Error> {
        let Some(db) = &self.db else { return Ok(Vec::new()) };
        let mut rows = db.raw_iterator_opt(read_below(area));
        let mut numbers = Vec::new();
        rows.seek(area);
        while let Some(key) = rows.key().filter(|key| key.starts_with(area)) {
            self.count_read(1);
            numbers.push(crate::stored::rows::last_number(key).ok_or_else(|| self.damaged())?);
            rows.next();
        }
        rows.status().map_err(|cause| self.store.crashes_error(cause))?;
        Ok(numbers)
    }

    /// Up to `count` keys that begin with `prefix`, in their order or in `reverse`, behind the key
    /// `after`. No row is opened.
    pub fn keys(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        reverse: bool,
        count: usize,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let Some(db) = &self.db else { return Ok(Vec::new()) };
        let mut rows = db.raw_iterator_opt(read_below(prefix));
        match (after, reverse) {
            (Some(after), false) => rows.seek(after),
            (Some(after), true) => rows.seek_for_prev(after),
            (None, false) => rows.seek(prefix),
            (None, true) => rows.seek_to_last(),
        }
        let mut keys = Vec::new();
        while let Some(key) = rows.key().filter(|key| key.starts_with(prefix)) {
            if Some(key) != after {
                self.count_read(1);
                keys.push(key.to_vec());
            }
            if keys.len() == count {
                break;
            }
            if reverse { rows.prev() } else { rows.next() }
        }
        rows.status().map_err(|cause| self.store.crashes_error(cause))?;
        Ok(keys)
    }

    /// Whether there is a row whose key begins with `prefix`.
    pub fn has_any(&self, prefix: &[u8]) -> Result<bool, Error> {
        let Some(db) = &self.db else { return Ok(false) };
        let mut rows = db.raw_iterator_opt(read_below(prefix));
        rows.seek(prefix);
        let found = rows.key().is_some_and(|key| key.starts_with(prefix));
        rows.status().map_err(|cause| self.store.crashes_error(cause))?;
        Ok(found)
    }

    /// All rows of an area, decoded.
    pub fn all<T: DeserializeOwned>(&self, prefix: &[u8]) -> Result<Vec<(Vec<u8>, T)>, Error> {
        let mut rows = Vec::new();
        self.each(prefix, prefix, |key, value| {
            rows.push((key.to_vec(), self.decode(&value)?));
            Ok(true)
        })?;
        Ok(rows)
    }

    /// What `bytes` say.
    pub fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error> {
        postcard::from_bytes(bytes).map_err(|_| self.damaged())
    }

    /// The error of a row that is not as it was written.
    pub fn damaged(&self) -> Error {
        Error::CrashRow(self.store.path().to_owned())
    }

    fn open_row(&self, key: &[u8], bytes: &[u8]) -> Result<Vec<u8>, Error> {
        self.seal.open(key, bytes).map_err(|_| self.damaged())
    }

    pub(crate) fn raw(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let Some(db) = &self.db else { return Ok(None) };
        self.count_read(1);
        db.get(key).map_err(|cause| self.store.crashes_error(cause))
    }

    pub(crate) fn write_batch(&self, batch: WriteBatch) -> Result<(), Error> {
        let Some(db) = &self.db else { return Ok(()) };
        let mut write = WriteOptions::default();
        write.set_sync(true);
        let bytes = batch.size_in_bytes() as u64;
        self.bytes_written.fetch_add(bytes, Ordering::Relaxed);
        self.log_bytes.fetch_add(bytes, Ordering::Relaxed);
        db.write_opt(batch, &write).map_err(|cause| self.store.crashes_error(cause))
    }
}

/// How rows whose keys begin with `prefix` are read: the one behind them, which may be large, is
/// not looked at.
fn read_below(prefix: &[u8]) -> ReadOptions {
    let mut read = ReadOptions::default();
    read.set_verify_checksums(true);
    let end = prefix.iter().rposition(|byte| *byte < u8::MAX);
    if let Some(end) = end {
        let mut after = prefix[..=end].to_vec();
        after[end] += 1;
        read.set_iterate_upper_bound(after);
    }
    read
}

impl Database {
    /// Begins to write what is in the log only where it belongs, if it is much. Goes on in the
    /// background, and fails without harm.
    pub fn settle(&self) {
        self.flush(false);
    }

    /// Writes all of it where it belongs.
    pub fn flush_all(&self) -> Result<(), Error> {
        self.db
            .as_ref()
            .map_or(Ok(()), |db| db.flush().map_err(|cause| self.store.crashes_error(cause)))
    }

    fn flush(&self, wait: bool) {
        let Some(db) = &self.db else { return };
        // What RocksDB says of its memory counts whole blocks of it, from a few small rows on.
        if self.is_writer && self.log_bytes.load(Ordering::Relaxed) > MAX_LOG_LEFT {
            self.log_bytes.store(0, Ordering::Relaxed);
            let mut options = FlushOptions::default();
            options.set_wait(wait);
            // The log has all of it.
            let _ = db.flush_opt(&options);
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.flush(true);
    }
}

impl Database {
    /// The bytes that [`crate::stored::changes::Changes::put`] would put.
    pub fn encode<T: Serialize>(&self, value: &T) -> Result<Vec<u8>, Error> {
        pack::encode(value).map_err(|cause| self.io_error(cause))
    }

    /// The bytes that [`crate::stored::changes::Changes::put_packed`] would put.
    pub fn encode_packed<T: Serialize>(&self, value: &T) -> Result<Vec<u8>, Error> {
        pack::encode_packed(value).map_err(|cause| self.io_error(cause))
    }

    /// `bytes`, compressed for a row.
    pub fn pack(&self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        pack::pack(bytes).map_err(|cause| self.io_error(cause))
    }

    /// The error of something that went wrong before it came to the database.
    pub fn io_error(&self, cause: std::io::Error) -> Error {
        Error::io(self.store.path(), cause)
    }
}
