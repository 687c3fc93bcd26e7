//! Reading a store: modules and their blocks, as the last change left them.
//!
//! A reader needs no writer to stand still. It opens the database as some change left it, and the
//! files that it sees then stay until it is gone (lock.rs). Only the few files that say which those
//! are can be replaced while they are being read: then the database is opened anew. Where RocksDB
//! stops at damage, rows are looked for in the tables themselves (salvage.rs), so that damage costs
//! the modules whose bytes it hit.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, OnceLock};

use rocksdb::{DB, DBRawIterator, ErrorKind, ReadOptions};
use symtool_debug::ModuleInfo;

use super::ack::{self, Ack, Database};
use super::catalog::{Catalog, MIN_ID_DIGITS};
use super::head::{Damaged, Head, RowAccess};
use super::index::{Index, Tokens};
use super::lock::Lock;
use super::record::Module;
use super::record::{self, Known};
use super::salvage::Salvage;
use super::stored::{stored, stored_in};
use super::{Access, Blocks, Error, FAMILY, Store, options};
use crate::block::{Compressed, Kind};
use crate::module::ModuleKey;
use crate::module::key::area;
use crate::seal::Ring;

/// How often a database is opened that changes meanwhile.
const OPEN_TRIES: usize = 3;

/// A store open for reading.
#[derive(Debug)]
pub struct Reader {
    store: Store,
    ring: Option<Arc<Ring>>,
    /// `None` for a store into which nothing has been imported yet.
    db: Option<DB>,
    salvage: OnceLock<Salvage>,
    /// Whether the index of all modules lists each.
    is_listed: bool,
    /// Keeps files from being deleted; `None` if the database was opened while that happened, with
    /// all of its files.
    _lock: Option<Lock>,
}

impl Reader {
    pub(super) fn open(store: &Store) -> Result<Self, Error> {
        let access = Access::read(store)?;
        // Before the database, which can only be ahead of it then.
        let ack = Ack::read(store, Database::Symbols);
        let (lock, db) = open_beside(store)?;
        let rows = RowAccess::of(store, &access)?;
        let head = check(store, &rows, db.as_ref(), ack.ok().flatten())?;
        Ok(Self {
            store: store.clone(),
            is_listed: head.is_some_and(|head| head.listed == head.ack.rows),
            ring: access.ring,
            db,
            salvage: OnceLock::new(),
            _lock: lock,
        })
    }

    /// The modules of the store.
    pub fn catalog(&self) -> Catalog<'_> {
        Catalog::of(self)
    }

    /// The module that `info` describes, if there is one; see [`Catalog::by_id`].
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn module(&self, info: &ModuleInfo) -> Result<Option<Module>, Error> {
        Ok(self.catalog().by_id(info)?.cloned())
    }

    /// The module that is filed under `key`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn module_at(&self, key: ModuleKey) -> Result<Option<Module>, Error> {
        Ok(self.record(key)?.and_then(|known| known.module()))
    }

    /// What is known of a module, also that it was removed.
    pub(super) fn record(&self, module: ModuleKey) -> Result<Option<Known>, Error> {
        let Some(db) = &self.db else { return Ok(None) };
        record_of(db, self.ring.as_deref(), module).map_or_else(
            |error| match error {
                Unreadable::Damage => Ok(self.salvaged_records()?.remove(&module)),
                Unreadable::Database(cause) => Err(self.database_error(cause)),
            },
            Ok,
        )
    }

    /// The modules that an index lists for `text`; `None` if it cannot tell: of an id it needs as
    /// many digits as it is made of, and its rows may be damaged.
    pub(super) fn listed(&self, index: Index, text: &str) -> Result<Option<Vec<ModuleKey>>, Error> {
        if index == Index::Id && text.len() < MIN_ID_DIGITS {
            return Ok(None);
        }
        let Some(db) = &self.db else { return Ok(Some(Vec::new())) };
        let prefix = Tokens::of(self.ring.as_deref()).prefix(index, text);
        match listed(db, &prefix) {
            Ok(keys) => Ok(Some(keys)),
            Err(Unreadable::Damage) => Ok(None),
            Err(Unreadable::Database(cause)) => Err(self.database_error(cause)),
        }
    }

    /// The newest record of every module.
    pub(super) fn records(&self) -> Result<BTreeMap<ModuleKey, Known>, Error> {
        let Some(db) = &self.db else { return Ok(BTreeMap::new()) };
        match records(db, self.ring.as_deref()) {
            Ok(records) => Ok(records),
            Err(Unreadable::Damage) => self.salvaged_records(),
            Err(Unreadable::Database(cause)) => Err(self.database_error(cause)),
        }
    }

    fn salvaged_records(&self) -> Result<BTreeMap<ModuleKey, Known>, Error> {
        let salvage = self.salvage()?;
        let io = |cause| self.io_error(cause);
        let records = salvage.records(self.ring.as_deref()).map_err(io)?;
        // Not one record opens, and they are sealed where none should be, or the other way round.
        if records.is_empty() && salvage.holds_of_other_kind(self.ring.is_some()).map_err(io)? {
            return Err(Error::Foreign(self.store.symbols()));
        }
        Ok(records)
    }

    /// What can be read of the tables.
    pub(super) fn salvage(&self) -> Result<&Salvage, Error> {
        if let Some(salvage) = self.salvage.get() {
            return Ok(salvage);
        }
        let salvage =
            Salvage::of(&[&self.store.symbols()]).map_err(|cause| self.io_error(cause))?;
        Ok(self.salvage.get_or_init(|| salvage))
    }

    /// The blocks of `module` of one kind, from the one that covers an address or number on.
    pub fn blocks<'a>(&'a self, module: &'a Module, kind: Kind) -> Option<Blocks<'a>> {
        let mut read = read_options();
        read.set_iterate_upper_bound(module.generation.after(kind));
        Some(Blocks::in_store(self, iterator(self.db.as_ref()?, read)?, module, kind))
    }

    /// All blocks of `module`, in key order; one that cannot be had is [`Compressed::broken`].
    ///
    /// # Errors
    /// [`Error::Database`] if they cannot be read; whether they are intact is for [`crate::unpack`]
    /// to say.
    pub fn stored(&self, module: &Module) -> Result<Vec<Compressed>, Error> {
        let Some(db) = &self.db else { return Ok(Vec::new()) };
        match stored(db, module) {
            Ok(blocks) => Ok(blocks),
            Err(Unreadable::Damage) => {
                stored_in(self.salvage()?, module).map_err(|cause| self.io_error(cause))
            }
            Err(Unreadable::Database(cause)) => Err(self.database_error(cause)),
        }
    }

    /// An iterator over the index of all modules; `None` if it does not list each.
    pub(super) fn in_order(&self) -> Option<DBRawIterator<'_>> {
        let prefix = Tokens::of(None).prefix(Index::Order, "");
        let (_, index) = prefix.split_last()?;
        let mut read = read_options();
        read.set_iterate_range(rocksdb::PrefixRange(index));
        iterator(self.db.as_ref().filter(|_| self.is_listed)?, read)
    }

    pub(super) fn db(&self) -> Option<&DB> {
        self.db.as_ref()
    }

    pub(super) fn ring(&self) -> Option<&Ring> {
        self.ring.as_deref()
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn database_error(&self, source: rocksdb::Error) -> Error {
        self.store.database_error(source)
    }

    pub(super) fn io_error(&self, cause: std::io::Error) -> Error {
        Error::io(&self.store.symbols(), cause)
    }
}

/// Why rows cannot be read.
pub(super) enum Unreadable {
    /// Some of them are damaged, which says nothing of the others.
    Damage,
    /// The database cannot be used.
    Database(rocksdb::Error),
}

impl From<rocksdb::Error> for Unreadable {
    fn from(error: rocksdb::Error) -> Self {
        if is_damage(&error) { Self::Damage } else { Self::Database(error) }
    }
}

/// How RocksDB's message says that a file is missing. It has a code for that (`kPathNotFound`),
/// which the crate does not pass on.
const MISSING_FILE: &str = "No such file";

/// Whether a part of the database is damaged or missing, and not all of it out of reach.
pub(super) fn is_damage(error: &rocksdb::Error) -> bool {
    error.kind() == ErrorKind::Corruption
        || error.kind() == ErrorKind::IOError && error.as_ref().contains(MISSING_FILE)
}

/// Checks that `db` has all that was acknowledged; returns what it says of its last change, unless
/// that is damaged.
pub(super) fn check(
    store: &Store,
    rows: &RowAccess,
    db: Option<&DB>,
    ack: Option<Ack>,
) -> Result<Option<Head>, Error> {
    let head = match db.map(|db| rows.head(db)) {
        Some(Ok(head)) => head.unwrap_or_default(),
        None => Head::default(),
        // What else was hit is found where it is read.
        Some(Err(Damaged)) => return Ok(None),
    };
    match ack.and_then(|ack| ack.missing_from(&head.ack, store, Database::Symbols)) {
        Some(missing) => Err(missing),
        None => Ok(Some(head)),
    }
}

/// Opens the database beside anybody: while somebody deletes files, with all files open, so that
/// none is missed later.
fn open_beside(store: &Store) -> Result<(Option<Lock>, Option<DB>), Error> {
    if let Some(lock) = Lock::soon(&store.read_lock())? {
        return Ok((Some(lock), open_database(store)?));
    }
    let mut all_open = options();
    all_open.set_max_open_files(-1);
    // A file that has gone meanwhile is an error, and the newest state is opened.
    all_open.set_paranoid_checks(true);
    if let Ok(db) = open_with(store, &all_open) {
        return Ok((None, db));
    }
    // More files than the process may open, or damage.
    let lock = Lock::shared(&store.read_lock(), store.wait)?;
    Ok((Some(lock), open_database(store)?))
}

/// Opens the database as some change has left it; `None` if there is none yet.
pub(super) fn open_database(store: &Store) -> Result<Option<DB>, Error> {
    open_with(store, &options())
}

fn open_with(store: &Store, options: &rocksdb::Options) -> Result<Option<DB>, Error> {
    let path = store.symbols();
    let mut tries = 1..=OPEN_TRIES;
    loop {
        let is_there = match fs::metadata(path.join("CURRENT")) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            found => found.map(|_| true).map_err(|cause| Error::io(&path, cause))?,
        };
        if !is_there && !store.damaged().exists() {
            // What a killed first change has left, of which nothing was acknowledged, is no
            // database yet.
            let is_lost = holds_files(&path) && ack::path(store, Database::Symbols).exists();
            return if is_lost { Err(Error::DatabaseLost(path)) } else { Ok(None) };
        }
        tries.next();
        match DB::open_cf_for_read_only(options, &path, [FAMILY], false) {
            Ok(db) => return Ok(Some(db)),
            Err(cause) if tries.is_empty() => return Err(store.database_error(cause)),
            // It may have been replaced meanwhile.
            Err(_) => {}
        }
    }
}

/// Whether there is a file in `folder`.
pub fn holds_files(folder: &std::path::Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

pub(super) fn iterator(db: &DB, read: ReadOptions) -> Option<DBRawIterator<'_>> {
    Some(db.raw_iterator_cf_opt(db.cf_handle(FAMILY)?, read))
}

/// The record of `module`.
pub(super) fn record_of(
    db: &DB,
    ring: Option<&Ring>,
    module: ModuleKey,
) -> Result<Option<Known>, Unreadable> {
    let key = module.record();
    let Some(bytes) = db.get_opt(key, &read_options())? else { return Ok(None) };
    record::open(ring, module, &key, &bytes).map(Some).map_err(|_| Unreadable::Damage)
}

/// The modules whose rows of an index begin with `prefix`.
pub(super) fn listed(db: &DB, prefix: &[u8]) -> Result<Vec<ModuleKey>, Unreadable> {
    let mut keys = Vec::new();
    let Some(mut iterator) = iterator(db, read_options()) else { return Ok(keys) };
    iterator.seek(prefix);
    while let Some(key) = iterator.key().filter(|key| key.starts_with(prefix)) {
        keys.extend(ModuleKey::of_catalog(key));
        iterator.next();
    }
    iterator.status()?;
    Ok(keys)
}

/// All records.
pub(super) fn records(
    db: &DB,
    ring: Option<&Ring>,
) -> Result<BTreeMap<ModuleKey, Known>, Unreadable> {
    let mut records = BTreeMap::new();
    let mut read = read_options();
    read.set_iterate_upper_bound([area::RECORDS + 1]);
    let Some(mut iterator) = iterator(db, read) else { return Ok(records) };
    iterator.seek_to_first();
    while let Some((key, value)) = iterator.item() {
        let module = ModuleKey::of_record(key).ok_or(Unreadable::Damage)?;
        records.insert(
            module,
            record::open(ring, module, key, value).map_err(|_| Unreadable::Damage)?,
        );
        iterator.next();
    }
    iterator.status()?;
    Ok(records)
}

/// RocksDB checks what it reads: it may stumble over what it does not expect.
pub(super) fn read_options() -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_verify_checksums(true);
    options
}
