//! Opening the database of crashes: checked against what was acknowledged, before anything of it is
//! believed or changed.
//!
//! ```text
//! crashes/        the database; made whole beside its place (crashes.draft/), then renamed: without CURRENT it is damaged
//! crashes.ack     the last commit that was acknowledged (store/ack.rs)
//! crashes.lock    shared by readers; a writer has it alone
//! ```
//!
//! The file is read before the database, whose last commit is then the same or a later one, of a
//! writer that was killed before it could acknowledge it. An earlier one means that acknowledged
//! work is lost. A writer looks read-only first: RocksDB deletes files that its manifest does not
//! name.

use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use rocksdb::{BlockBasedOptions, DB, Options, WriteBatch, WriteOptions};

use crate::limits::CRASH_CACHE_BYTES;
use crate::stored::chunk::Chunk;
use crate::stored::database::Database;
use crate::stored::state::Head;
use crate::stored::sum::SumKey;
use crate::stored::{pack, rows};
use symtool_report::Format;
use symtool_store::database::ack::{Database as Which, RowSum};
use symtool_store::database::{
    Access, Ack, Lock, drop_option_notes, durable, holds_files, plain_options,
};
use symtool_store::seal::{Ring, RowSeal};
use symtool_store::{Error, Store};

/// The version of the rows of a store with minidumps.
pub const FORMAT: u32 = 6;
/// The version of a store without any: it has counters (counters/mod.rs), which 4 had not.
pub const WITHOUT_DUMPS: u32 = 5;
/// The version of rows without counters.
pub const WITHOUT_COUNTERS: u32 = 4;

/// The version of a store of version `format` that gets `chunk`. Without counters it stays as it is:
/// whoever adds them says then what it is.
pub fn format_with(format: u32, chunk: &Chunk) -> u32 {
    let has_dumps = chunk.crashes().iter().any(|crash| crash.format == Format::Mdmp);
    if has_dumps && format != WITHOUT_COUNTERS { FORMAT } else { format }
}

/// What is acknowledged of a commit.
pub fn ack_of(head: &Head) -> Ack {
    Ack { sequence: head.sequence, rows: head.rows, sum: RowSum(head.sum.0) }
}

impl Database {
    /// Opens it for reading, beside other readers.
    pub fn read(store: &Store) -> Result<Self, Error> {
        let access = Access::read(store)?;
        if !is_there(store, Ack::read(store, Which::Crashes)?)? {
            // Nothing to wait for, also where nobody may write.
            return Self::empty(store, access.ring.as_ref());
        }
        let lock = Lock::shared(&store.crashes_lock(), store.wait())?;
        Self::checked(store, access.ring.as_ref(), Some(lock))
    }

    /// Opens it for reading by who holds the lock already.
    pub(crate) fn read_locked(store: &Store) -> Result<Self, Error> {
        let access = Access::read(store)?;
        Self::checked(store, access.ring.as_ref(), None)
    }

    /// Opens it for writing, alone, and makes it if need be; the store has to be there.
    pub fn write(store: &Store) -> Result<Self, Error> {
        Access::read(store)?;
        let lock = Lock::exclusive(&store.crashes_lock(), store.wait())?;
        let access = Access::read(store)?;
        if !is_there(store, Ack::read(store, Which::Crashes)?)? {
            create(store, &store.crashes(), access.ring.as_ref())?;
        }
        let mut database = Self::checked(store, access.ring.as_ref(), Some(lock))?;
        // Whoever was killed before it could acknowledge its last commit has made it all the same.
        let last = ack_of(&database.head());
        if Ack::read(store, Which::Crashes)?.is_none_or(|ack| ack.sequence < last.sequence) {
            last.write(store, Which::Crashes)?;
        }
        database.db = None;
        drop_option_notes(&store.crashes());
        database.db = Some(
            DB::open(&options(), store.crashes()).map_err(|cause| store.crashes_error(cause))?,
        );
        database.is_writer = true;
        Ok(database)
    }

    /// Opens the database at `path`, which has not taken its place yet, for writing.
    pub(crate) fn alone_at(store: &Store, path: &Path) -> Result<Self, Error> {
        let access = Access::read(store)?;
        let db = DB::open(&options(), path).map_err(|cause| store.crashes_error(cause))?;
        let mut database = Self::empty(store, access.ring.as_ref())?;
        (database.db, database.is_writer, database.is_in_place) = (Some(db), true, false);
        let head = database.read_head()?;
        database.set_head(head);
        Ok(database)
    }

    fn empty(store: &Store, ring: Option<&Arc<Ring>>) -> Result<Self, Error> {
        let seal = seal_of(store, ring)?;
        let sum_key = SumKey::of(ring.map(|ring| &**ring));
        Ok(Self {
            store: store.clone(),
            db: None,
            seal,
            sum_key,
            head: Mutex::default(),
            is_writer: false,
            is_in_place: true,
            lock: None,
            rows_read: AtomicU64::new(0),
            bytes_written: AtomicU64::new(0),
            log_bytes: AtomicU64::new(0),
        })
    }

    /// Opens it read-only, and compares it with what was acknowledged.
    fn checked(store: &Store, ring: Option<&Arc<Ring>>, lock: Option<Lock>) -> Result<Self, Error> {
        let ack = Ack::read(store, Which::Crashes)?;
        let mut database = Self::empty(store, ring)?;
        if !is_there(store, ack)? {
            return Ok(database);
        }
        let db = DB::open_for_read_only(&options(), store.crashes(), false)
            .map_err(|cause| store.crashes_error(cause))?;
        (database.db, database.lock) = (Some(db), lock);
        let head = database.read_head()?;
        check(store, &head, ack)?;
        database.set_head(head);
        Ok(database)
    }

    /// Keeps no counters from now on: there are no crashes yet, and those that are put need not be
    /// whole before the last one is. `keep_counters` ends this.
    pub(crate) fn defer_counters(&self) -> Result<(), Error> {
        let mut changes = self.changes();
        changes.head.format = WITHOUT_COUNTERS;
        changes.commit()
    }

    fn read_head(&self) -> Result<Head, Error> {
        self.get(rows::HEAD)?
            .ok_or_else(|| damaged(&self.store, "the row of its last commit is missing"))
    }
}

/// How the rows of a store with `ring` are stored.
pub(crate) fn seal_of(store: &Store, ring: Option<&Arc<Ring>>) -> Result<RowSeal, Error> {
    RowSeal::of_ring(ring).map_err(|cause| Error::io(store.path(), cause))
}

/// Whether there is a database. There is none if nothing was ever stored.
fn is_there(store: &Store, ack: Option<Ack>) -> Result<bool, Error> {
    let path = store.crashes();
    if path.join("CURRENT").exists() {
        return Ok(true);
    }
    match (holds_files(&path), ack) {
        (true, _) => Err(Error::DatabaseLost(path)),
        (false, Some(_)) => Err(damaged(store, "its folder is missing or empty")),
        (false, None) => Ok(false),
    }
}

/// Whether the last commit is one that can go on, and not an earlier one than was acknowledged.
fn check(store: &Store, head: &Head, ack: Option<Ack>) -> Result<(), Error> {
    if !(WITHOUT_COUNTERS..=FORMAT).contains(&head.format) || head.unfinished.is_some() {
        return Err(damaged(store, "it was written by a later version of symtool; use that"));
    }
    match ack {
        Some(ack) => ack.missing_from(&ack_of(head), store, Which::Crashes).map_or(Ok(()), Err),
        None if head.sequence > 1 => {
            Err(damaged(store, "crashes.ack is missing, which says how far it has to reach"))
        }
        None => Ok(()),
    }
}

/// Makes an empty database at `path`, whose rows are sealed with `ring` if there is one.
pub(crate) fn create(store: &Store, path: &Path, ring: Option<&Arc<Ring>>) -> Result<(), Error> {
    let draft = path.with_extension("draft");
    let io = |cause| Error::io(&draft, cause);
    durable::remove_folder(&draft).map_err(io)?;
    durable::create_folder(&draft).map_err(io)?;
    let mut options = options();
    options.create_if_missing(true);
    let db = DB::open(&options, &draft).map_err(|cause| store.crashes_error(cause))?;
    let head = Head { format: WITHOUT_DUMPS, sequence: 1, next_run: 1, ..Head::default() };
    let seal = seal_of(store, ring)?;
    let stored =
        pack::encode(&head).and_then(|bytes| seal.close(rows::HEAD, &bytes)).map_err(io)?;
    let (mut batch, mut write) = (WriteBatch::default(), WriteOptions::default());
    batch.put(rows::HEAD, stored);
    write.set_sync(true);
    db.write_opt(batch, &write).map_err(|cause| store.crashes_error(cause))?;
    drop(db);
    if path.exists() {
        // An empty folder, as was checked.
        fs::remove_dir(path).map_err(|cause| Error::io(path, cause))?;
    }
    let sync = |path: &Path| File::open(path)?.sync_all();
    sync(&draft)
        .and_then(|()| fs::rename(&draft, path))
        .and_then(|()| durable::sync_folder(path))
        .map_err(io)
}

pub(crate) fn damaged(store: &Store, fact: &str) -> Error {
    Error::CrashesDamaged { store: store.path().to_owned(), fact: fact.to_owned() }
}

/// Options of the database, alike for readers and writers.
pub(crate) fn options() -> Options {
    let mut table = BlockBasedOptions::default();
    // Almost every crash that comes is new: a filter says so without a look at the disk.
    table.set_bloom_filter(10.0, false);
    // No key leans on another: a flipped bit costs one row (store/broken.rs). They share little
    // anyway.
    table.set_block_restart_interval(1);
    table.set_block_cache(&rocksdb::Cache::new_lru_cache(CRASH_CACHE_BYTES));
    plain_options(&mut table)
}
