//! The database of crashes and groups: in, keys and values; out, the same later, or nothing of what was not written as a whole.
//!
//! Beside the symbols, so that imports and crashes never wait for each other. Whoever changes it is alone with it (`crashes.lock`);
//! readers share it. Every change is one batch, written ahead to RocksDB's log: a killed process leaves all of it or nothing.

use std::fs;

use rayon::prelude::*;
use rocksdb::{BlockBasedOptions, DB, Direction, FlushOptions, IteratorMode, Options, ReadOptions, WriteBatch, WriteOptions};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::pack;
use crate::limits::CRASH_CACHE_BYTES;
use crate::seal::{Locked, RowSeal};
use crate::store::{Access, Error, Lock, Store, holds_files, plain_options, v3};

/// Rows that one thread looks up in a row.
const KEYS_AT_ONCE: usize = 512;

/// What is written to the log only is read back from there, one row after the other, by whoever opens the database next. From so many bytes
/// on it is written where it belongs before the database is closed.
const MAX_LOG_LEFT: u64 = 1 << 20;

/// The row that holds the wrapped data key of a database of format 3.
const V3_DATA_KEY: &[u8] = b"k";

/// Bytes of rows that are migrated together.
const MIGRATED_AT_ONCE: usize = 16 << 20;

/// An open database.
#[derive(Debug)]
pub struct Database {
    store: Store,
    /// `None` where there are no crashes yet.
    db: Option<DB>,
    seal: RowSeal,
    is_writer: bool,
    _lock: Lock,
}

/// Rows that change together.
pub struct Changes<'d> {
    database: &'d Database,
    batch: WriteBatch,
}

impl Database {
    /// Opens it for reading, beside other readers.
    pub fn read(store: &Store) -> Result<Self, Error> {
        let access = Access::read(store)?;
        let lock = Lock::shared(&store.crashes_lock(), store.wait())?;
        let path = store.crashes();
        let open = || DB::open_for_read_only(&options(), &path, false).map_err(|cause| store.crashes_error(cause));
        let db = path.join("CURRENT").exists().then(open).transpose()?;
        let seal = RowSeal::of_ring(access.ring.as_ref()).map_err(|cause| Error::io(&path, cause))?;
        Ok(Self { store: store.clone(), db, seal, is_writer: false, _lock: lock })
    }

    /// Opens it for writing, alone, and makes it if need be; the store has to be there.
    pub fn write(store: &Store) -> Result<Self, Error> {
        Access::read(store)?;
        let lock = Lock::exclusive(&store.crashes_lock(), store.wait())?;
        let access = Access::read(store)?;
        let path = store.crashes();
        fs::create_dir_all(&path).map_err(|cause| Error::io(&path, cause))?;
        let seal = RowSeal::of_ring(access.ring.as_ref()).map_err(|cause| Error::io(&path, cause))?;
        let mut options = options();
        options.create_if_missing(true);
        let db = DB::open(&options, &path).map_err(|cause| store.crashes_error(cause))?;
        Ok(Self { store: store.clone(), db: Some(db), seal, is_writer: true, _lock: lock })
    }

    /// The value at `key`.
    pub fn get<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, Error> {
        self.bytes(key)?.map(|bytes| self.decode(&bytes)).transpose()
    }

    /// The value at `key`, as [`Changes::put_packed`] took it.
    pub fn get_packed<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, Error> {
        self.unpacked(key)?.map(|bytes| self.decode(&bytes)).transpose()
    }

    /// The bytes at `key`, as [`Changes::put_packed_bytes`] took them.
    pub fn unpacked(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.bytes(key)?.map(|bytes| self.expand(&bytes)).transpose()
    }

    /// Bytes of a packed row, expanded.
    pub fn expand(&self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        pack::expand(bytes).map_err(|_| self.damaged())
    }

    /// The bytes at `key`.
    pub fn bytes(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.raw(key)?.map(|bytes| self.seal.open(key, &bytes).map_err(|_| self.damaged())).transpose()
    }

    /// The bytes at each of `keys`.
    pub fn bytes_of(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let Some(db) = &self.db else { return Ok(vec![None; keys.len()]) };
        let open = |(key, found): (&Vec<u8>, Result<Option<Vec<u8>>, rocksdb::Error>)| {
            let found = found.map_err(|cause| self.store.crashes_error(cause))?;
            found.map(|bytes| self.seal.open(key, &bytes).map_err(|_| self.damaged())).transpose()
        };
        let some = |keys: &[Vec<u8>]| keys.iter().zip(db.multi_get(keys)).map(open).collect::<Vec<_>>();
        keys.par_chunks(KEYS_AT_ONCE).flat_map_iter(some).collect()
    }

    /// The value at each of `keys`.
    pub fn get_all<T: DeserializeOwned + Send>(&self, keys: impl Iterator<Item = Vec<u8>>) -> Result<Vec<Option<T>>, Error> {
        let keys: Vec<Vec<u8>> = keys.collect();
        let decode = |bytes: Option<Vec<u8>>| bytes.map(|bytes| self.decode(&bytes)).transpose();
        self.bytes_of(&keys)?.into_par_iter().with_min_len(KEYS_AT_ONCE).map(decode).collect()
    }

    /// Calls `each` with every row whose key begins with `prefix`, in the order of keys, from the key `from` on, until it says no.
    pub fn each(&self, prefix: &[u8], from: &[u8], mut each: impl FnMut(&[u8], Vec<u8>) -> Result<bool, Error>) -> Result<(), Error> {
        let Some(db) = &self.db else { return Ok(()) };
        let mut read = ReadOptions::default();
        read.set_verify_checksums(true);
        for row in db.iterator_opt(IteratorMode::From(from, Direction::Forward), read) {
            let (key, value) = row.map_err(|cause| self.store.crashes_error(cause))?;
            if !key.starts_with(prefix) {
                break;
            }
            let value = self.seal.open(&key, &value).map_err(|_| self.damaged())?;
            if !each(&key, value)? {
                break;
            }
        }
        Ok(())
    }

    /// Whether there is a row whose key begins with `prefix`.
    pub fn has_any(&self, prefix: &[u8]) -> Result<bool, Error> {
        let mut found = false;
        self.each(prefix, prefix, |_, _| {
            found = true;
            Ok(false)
        })?;
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

    /// Rows to be changed.
    pub fn changes(&self) -> Changes<'_> {
        Changes { database: self, batch: WriteBatch::default() }
    }

    /// Leaves nothing on disk of what rows whose keys begin with `prefix` held before.
    pub fn erase(&self, prefix: &[u8]) -> Result<(), Error> {
        let Some(db) = &self.db else { return Ok(()) };
        db.flush().map_err(|cause| self.store.crashes_error(cause))?;
        let mut after = prefix.to_vec();
        after.push(u8::MAX);
        db.compact_range(Some(prefix), Some(&after));
        Ok(())
    }

    /// The error of a row that is not as it was written.
    pub fn damaged(&self) -> Error {
        Error::CrashRow(self.store.path().to_owned())
    }

    fn raw(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let Some(db) = &self.db else { return Ok(None) };
        db.get(key).map_err(|cause| self.store.crashes_error(cause))
    }

    fn write_batch(&self, batch: WriteBatch) -> Result<(), Error> {
        let Some(db) = &self.db else { return Ok(()) };
        let mut write = WriteOptions::default();
        write.set_sync(true);
        db.write_opt(batch, &write).map_err(|cause| self.store.crashes_error(cause))
    }
}

impl Database {
    /// Begins to write what is in the log only where it belongs, if it is much. Goes on in the background, and fails without harm.
    pub fn settle(&self) {
        self.flush(false);
    }

    fn flush(&self, wait: bool) {
        let Some(db) = &self.db else { return };
        let in_memory = db.property_int_value("rocksdb.cur-size-all-mem-tables").ok().flatten();
        if self.is_writer && in_memory.is_some_and(|bytes| bytes > MAX_LOG_LEFT) {
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

impl Changes<'_> {
    /// Puts `value` at `key`.
    pub fn put<T: Serialize>(&mut self, key: &[u8], value: &T) -> Result<(), Error> {
        let bytes = self.database.encode(value)?;
        self.put_bytes(key, &bytes)
    }

    /// Puts `value` at `key`, compressed.
    pub fn put_packed<T: Serialize>(&mut self, key: &[u8], value: &T) -> Result<(), Error> {
        self.put_bytes(key, &self.database.encode_packed(value)?)
    }

    /// Puts `bytes` at `key`.
    pub fn put_bytes(&mut self, key: &[u8], bytes: &[u8]) -> Result<(), Error> {
        let database = self.database;
        let sealed = database.seal.close(key, bytes).map_err(|cause| database.io_error(cause))?;
        self.batch.put(key, sealed);
        Ok(())
    }

    /// Removes what is at `key`.
    pub fn delete(&mut self, key: &[u8]) {
        self.batch.delete(key);
    }

    /// Makes all of it true at once. It survives a crash of this process or of the machine.
    pub fn commit(self) -> Result<(), Error> {
        self.database.write_batch(self.batch)
    }
}

impl Database {
    /// The bytes that [`Changes::put`] would put.
    pub fn encode<T: Serialize>(&self, value: &T) -> Result<Vec<u8>, Error> {
        pack::encode(value).map_err(|cause| self.io_error(cause))
    }

    /// The bytes that [`Changes::put_packed`] would put.
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

/// Copies all rows of a database of format 3, which have no checksum of their own, or are sealed under a key that a row wraps.
pub fn migrate(old: &Store, new: &Store) -> Result<(), Error> {
    let path = old.crashes();
    if !holds_files(&path) {
        return Ok(());
    }
    let from = DB::open_for_read_only(&options(), &path, false).map_err(|cause| old.crashes_error(cause))?;
    let wrapped = from.get(V3_DATA_KEY).map_err(|cause| old.crashes_error(cause))?;
    let key = wrapped.map(|wrapped| v3::row_key(&wrapped, old.key())).transpose().map_err(|locked| match locked {
        Locked::Needs(wanted) => old.needs_key(wanted),
        Locked::Damaged(_) => Error::CrashRow(old.path().to_owned()),
    })?;
    let into = Database::write(new)?;
    let mut changes = into.changes();
    for row in from.iterator(IteratorMode::Start) {
        let (row, value) = row.map_err(|cause| old.crashes_error(cause))?;
        if &*row == V3_DATA_KEY {
            continue;
        }
        let value = match &key {
            Some(key) => v3::open_row(key, &row, &value).ok_or_else(|| Error::CrashRow(old.path().to_owned()))?,
            None => value.into_vec(),
        };
        changes.put_bytes(&row, &value)?;
        if changes.batch.size_in_bytes() > MIGRATED_AT_ONCE {
            std::mem::replace(&mut changes, into.changes()).commit()?;
        }
    }
    changes.commit()
}

fn options() -> Options {
    let mut table = BlockBasedOptions::default();
    // Almost every crash that comes is new: a filter says so without a look at the disk.
    table.set_bloom_filter(10.0, false);
    table.set_block_cache(&rocksdb::Cache::new_lru_cache(CRASH_CACHE_BYTES));
    plain_options(&mut table)
}
