//! Changing rows: all of them at once, counted in the database's sum, acknowledged.
//!
//! ```text
//! changes -> batch   of rows, each closed by symtool_store::seal::RowSeal, which authenticates or checks its key and value
//!         -> head    the sum without what the rows held, and with what they will hold; the number of this commit
//!         -> ack     once the batch is on disk
//! ```
//!
//! A change has to know what a row held before, to take that out of the sum: who changes a row that
//! it has read says so ([`Old`]).

use rocksdb::WriteBatch;
use serde::Serialize;

use crate::stored::database::Database;
use crate::stored::open::ack_of;
use crate::stored::rows;
use crate::stored::state::Head;
use crate::stored::sum::RowSum;
use symtool_store::Error;
use symtool_store::database::ack::{AckDraft, Database as Which};

/// What a row held before it changes.
#[derive(Clone, Copy, Debug)]
pub enum Old<'a> {
    /// There is no such row.
    Absent,
    /// Its value.
    Value(&'a [u8]),
    /// That has to be looked up.
    Unknown,
}

impl<'a> Old<'a> {
    /// Of a row that was read.
    pub fn read(value: Option<&'a [u8]>) -> Self {
        value.map_or(Old::Absent, Old::Value)
    }
}

/// A row as it will be.
#[derive(Debug)]
pub struct ChangedRow {
    key: Vec<u8>,
    /// As it is stored; absent for one that goes.
    stored: Option<Vec<u8>>,
    /// What it counts before; absent if there is none.
    less: Option<RowSum>,
    /// What it will count.
    more: Option<RowSum>,
}

/// Rows that change together.
pub struct Changes<'d> {
    database: &'d Database,
    batch: WriteBatch,
    /// What comes next, from this commit on. The rest of it is filled in by [`Changes::commit`].
    pub head: Head,
}

impl Database {
    /// The row at `key`, which will be `new`. Costly work, for any thread.
    pub fn changed(
        &self,
        key: Vec<u8>,
        old: Old<'_>,
        new: Option<Vec<u8>>,
    ) -> Result<ChangedRow, Error> {
        let less = match old {
            Old::Absent => None,
            Old::Value(value) => Some(self.sum_key.row(&key, value)),
            Old::Unknown => self.bytes(&key)?.map(|value| self.sum_key.row(&key, &value)),
        };
        let more = new.as_deref().map(|value| self.sum_key.row(&key, value));
        let stored = new
            .map(|value| self.seal.close(&key, &value))
            .transpose()
            .map_err(|cause| self.io_error(cause))?;
        Ok(ChangedRow { key, stored, less, more })
    }

    /// Rows to be changed.
    pub fn changes(&self) -> Changes<'_> {
        Changes { database: self, batch: WriteBatch::default(), head: self.head() }
    }
}

impl Changes<'_> {
    /// Takes a row that was made ready. No row may be changed twice.
    pub fn take(&mut self, row: ChangedRow) {
        if let Some(less) = row.less {
            self.head.sum.subtract(less);
            self.head.rows = self.head.rows.saturating_sub(1);
        }
        if let Some(more) = row.more {
            self.head.sum.add(more);
            self.head.rows += 1;
        }
        match row.stored {
            Some(stored) => self.batch.put(row.key, stored),
            None => self.batch.delete(row.key),
        }
    }

    /// Puts `value` at `key`.
    pub fn put<T: Serialize>(
        &mut self,
        key: Vec<u8>,
        old: Old<'_>,
        value: &T,
    ) -> Result<(), Error> {
        let bytes = self.database.encode(value)?;
        self.put_bytes(key, old, bytes)
    }

    /// Puts `value` at `key`, compressed.
    pub fn put_packed<T: Serialize>(
        &mut self,
        key: Vec<u8>,
        old: Old<'_>,
        value: &T,
    ) -> Result<(), Error> {
        let bytes = self.database.encode_packed(value)?;
        self.put_bytes(key, old, bytes)
    }

    /// The bytes of `value`, compressed.
    pub fn packed<T: Serialize>(&self, value: &T) -> Result<Vec<u8>, Error> {
        self.database.encode_packed(value)
    }

    /// Puts `bytes` at `key`.
    pub fn put_bytes(&mut self, key: Vec<u8>, old: Old<'_>, bytes: Vec<u8>) -> Result<(), Error> {
        let row = self.database.changed(key, old, Some(bytes))?;
        self.take(row);
        Ok(())
    }

    /// Removes what is at `key`.
    pub fn delete(&mut self, key: Vec<u8>, old: Old<'_>) -> Result<(), Error> {
        let row = self.database.changed(key, old, None)?;
        self.take(row);
        Ok(())
    }

    /// Bytes that will be written.
    pub fn bytes(&self) -> u64 {
        self.batch.size_in_bytes() as u64
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Makes all of it true at once, and acknowledges it. It survives a crash of this process or of
    /// the machine.
    pub fn commit(mut self) -> Result<(), Error> {
        let database = self.database;
        self.head.sequence += 1;
        let bytes = database.encode(&self.head)?;
        let stored =
            database.seal.close(rows::HEAD, &bytes).map_err(|cause| database.io_error(cause))?;
        self.batch.put(rows::HEAD, stored);
        let ack = database
            .is_in_place
            .then(|| ack_of(&self.head).draft(database.store(), Which::Crashes))
            .transpose()?;
        database.write_batch(self.batch)?;
        database.set_head(self.head);
        ack.map_or(Ok(()), AckDraft::make_known)
    }
}
