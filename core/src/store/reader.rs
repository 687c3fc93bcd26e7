//! Reading a store: in, keys; out, footers and blocks.
//!
//! A reader needs no writer to stand still. It opens the database as some change left it, and the files that it sees then stay
//! until it is gone (lock.rs). Only the few files that say which those are can be replaced while they are being read: then the
//! database is opened anew.

use std::fs;
use std::time::{Duration, Instant};

use rocksdb::{DB, DBRawIterator, ReadOptions};
use symtool_formats::ModuleInfo;

use super::catalog::{Catalog, FORMAT, Footer, Module};
use super::key::{AFTER_FOOTERS, KEY_BYTES};
use super::lock::Lock;
use super::sweep::{Entry, sweep};
use super::{Blocks, Error, FAMILY, Format, Generation, ModuleKey, Store, key, options};
use crate::block::{Compressed, Kind};
use crate::seal::{Locked, Place, Seal};

/// Between two tries to open a database that is being written.
const RETRY: Duration = Duration::from_millis(5);

/// A store open for reading.
#[derive(Debug)]
pub struct Reader {
    store: Store,
    is_sealed: bool,
    /// `None` for a store into which nothing has been imported yet.
    db: Option<DB>,
    _lock: Lock,
}

impl Reader {
    pub(super) fn open(store: &Store) -> Result<Self, Error> {
        let format = Format::read(store)?;
        format.admit(store)?;
        let lock = Lock::shared(&store.read_lock(), store.wait)?;
        Ok(Self { store: store.clone(), is_sealed: format.is_sealed(), db: open_database(store, store.wait)?, _lock: lock })
    }

    /// All modules.
    ///
    /// # Errors
    /// If the database cannot be read, or the key is another one. A footer that is damaged hides its module only.
    pub fn catalog(&self) -> Result<Catalog, Error> {
        let Some(db) = &self.db else { return Ok(Catalog::default()) };
        let newest = newest(generations(db, &self.store, self.is_sealed)?);
        Ok(Catalog::new(newest.into_iter().filter_map(|(_, module)| module).collect()))
    }

    /// The module that `info` describes, if there is one. Reads no other, unlike [`Reader::catalog`].
    ///
    /// # Errors
    /// If the database cannot be read, or the key is another one.
    pub fn module(&self, info: &ModuleInfo) -> Result<Option<Module>, Error> {
        let Some(db) = &self.db else { return Ok(None) };
        Ok(self.newest_of(db, ModuleKey::of(info))?.filter(|module| module.footer.is_of(info)))
    }

    /// The highest generation of one module whose footer can be read.
    fn newest_of(&self, db: &DB, module: ModuleKey) -> Result<Option<Module>, Error> {
        let Some(mut iterator) = iterator(db, read_options()) else { return Ok(None) };
        iterator.seek_for_prev(Generation { module, number: u32::MAX }.footer());
        while let Some((key, value)) = iterator.item() {
            let Some(generation) = Generation::from_key(key).filter(|generation| generation.module == module) else { break };
            if let Some(found) = parse(&self.store, self.is_sealed, generation, value)? {
                return Ok(Some(found));
            }
            iterator.prev();
        }
        iterator.status().map(|()| None).map_err(|source| self.store.database_error(source))
    }

    /// The blocks of `module` of one kind, from the one that covers an address or number on.
    pub fn blocks<'a>(&'a self, module: &'a Module, kind: Kind) -> Option<Blocks<'a>> {
        let mut read = read_options();
        read.set_iterate_upper_bound(module.generation.after(kind));
        Some(Blocks::in_store(&self.store, iterator(self.db.as_ref()?, read)?, module, kind))
    }

    pub(super) fn db(&self) -> Option<&DB> {
        self.db.as_ref()
    }

    pub(super) fn database_error(&self, source: rocksdb::Error) -> Error {
        self.store.database_error(source)
    }

    /// All blocks of `module` but its footer, in key order; of one whose seal is broken, [`Compressed::broken`].
    ///
    /// # Errors
    /// [`Error::Database`] if they cannot be read; whether they are intact is for [`crate::contents`] to say.
    pub fn stored(&self, module: &Module) -> Result<Vec<Compressed>, Error> {
        let Some(db) = &self.db else { return Ok(Vec::new()) };
        stored(db, module).map_err(|source| self.store.database_error(source))
    }

    /// Modules whose newest footer is there but cannot be read, so that the catalog does not list them as they are.
    ///
    /// # Errors
    /// If the database cannot be read, or the key is another one.
    pub fn without_footer(&self) -> Result<Vec<Generation>, Error> {
        let Some(db) = &self.db else { return Ok(Vec::new()) };
        let newest = newest(generations(db, &self.store, self.is_sealed)?);
        Ok(newest.into_iter().filter(|(_, module)| module.is_none()).map(|(generation, _)| generation).collect())
    }
}

/// Opens the database as some change has left it; `None` if there is none yet. Tries for up to `wait` while another process writes.
pub(super) fn open_database(store: &Store, wait: Duration) -> Result<Option<DB>, Error> {
    let path = store.symbols();
    let until = Instant::now() + wait;
    loop {
        let before = fs::read(path.join("CURRENT")).ok();
        if before.is_none() && !store.damaged().exists() {
            return Ok(None);
        }
        let source = match DB::open_cf_for_read_only(&options(), &path, [FAMILY], false) {
            Ok(db) => return Ok(Some(db)),
            Err(source) => source,
        };
        let is_changing = fs::read(path.join("CURRENT")).ok() != before || Lock::is_held(&store.write_lock());
        if !is_changing || Instant::now() >= until {
            return Err(store.database_error(source));
        }
        std::thread::sleep(RETRY);
    }
}

pub(super) fn iterator(db: &DB, read: ReadOptions) -> Option<DBRawIterator<'_>> {
    Some(db.raw_iterator_cf_opt(db.cf_handle(FAMILY)?, read))
}

/// All blocks of `module` but its footer, in key order. Blocks of a kind that this version does not know are left out.
pub(super) fn stored(db: &DB, module: &Module) -> Result<Vec<Compressed>, rocksdb::Error> {
    let (first, after) = module.generation.extent();
    let mut blocks = Vec::new();
    sweep(db, first, after, |entry| {
        let (key, value) = match &entry {
            Entry::Intact(key, value) => (*key, Some(*value)),
            Entry::Damaged(key) => (&key[..], None),
        };
        let (Some(kind), Some(last)) = (key::kind(key), key::last(key)) else {
            return blocks.extend(value.is_none().then(|| Compressed::broken(Kind::Layers, u64::MAX, false)));
        };
        let place = Place { generation: module.generation, kind, last };
        let block = value.and_then(|value| module.seal.unseal(place, value).ok());
        blocks.push(block.unwrap_or_else(|| Compressed::broken(kind, last, value.is_some())));
    })?;
    Ok(blocks)
}

/// The module of a footer; `None` if it is damaged.
fn parse(store: &Store, is_sealed: bool, generation: Generation, value: &[u8]) -> Result<Option<Module>, Error> {
    let place = Place { generation, kind: Kind::Footer, last: u64::MAX };
    let (seal, opened) = match Seal::footer(store.key.as_ref(), is_sealed, place, value) {
        Ok(opened) => opened,
        Err(Locked::Needs(wanted)) => return Err(store.needs_key(wanted)),
        Err(Locked::Damaged(_)) => return Ok(None),
    };
    let footer = serde_json::from_slice::<Footer>(&opened.raw).ok().filter(|footer| footer.format == FORMAT);
    Ok(footer.map(|footer| Module { generation, footer, seal }))
}

/// RocksDB checks what it reads: it may stumble over what it does not expect.
pub(super) fn read_options() -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_verify_checksums(true);
    options
}

/// Generations in key order, each with its module if its footer can be read.
pub(super) type Known = Vec<(Generation, Option<Module>)>;

/// Every generation in `db` that has a footer.
pub(super) fn generations(db: &DB, store: &Store, is_sealed: bool) -> Result<Known, Error> {
    let mut generations = Ok(Vec::new());
    let (first, mut after) = ([0; KEY_BYTES], [0; KEY_BYTES]);
    after[0] = AFTER_FOOTERS[0];
    let swept = sweep(db, first, after, |entry| {
        let Ok(known) = &mut generations else { return };
        let parsed = match entry {
            Entry::Intact(key, value) => {
                Generation::from_key(key).map(|generation| parse(store, is_sealed, generation, value).map(|module| (generation, module)))
            }
            Entry::Damaged(key) => Generation::from_key(&key).map(|generation| Ok((generation, None))),
        };
        match parsed {
            Some(Ok(generation)) => known.push(generation),
            Some(Err(error)) => generations = Err(error),
            None => {}
        }
    });
    swept.map_err(|source| store.database_error(source))?;
    generations
}

/// Of each module, the highest generation whose footer can be read, or else the highest.
pub(super) fn newest(generations: Known) -> Known {
    let mut newest: Known = Vec::new();
    for (generation, module) in generations {
        match newest.last_mut().filter(|(last, _)| last.module == generation.module) {
            Some(last) if module.is_some() || last.1.is_none() => *last = (generation, module),
            Some(_) => {}
            None => newest.push((generation, module)),
        }
    }
    newest
}

/// Generations of which there are blocks, but no footer, damaged or not, among those that are `known`.
pub(super) fn blocks_without_footer(db: &DB, store: &Store, known: &Known) -> Result<Vec<Generation>, Error> {
    let mut without = Vec::new();
    let Some(mut iterator) = iterator(db, read_options()) else { return Ok(without) };
    iterator.seek(AFTER_FOOTERS);
    while let Some(generation) = iterator.key().and_then(Generation::from_key) {
        if known.binary_search_by_key(&generation, |(generation, _)| *generation).is_err() {
            without.push(generation);
        }
        iterator.seek(generation.extent().1);
    }
    iterator.status().map(|()| without).map_err(|source| store.database_error(source))
}
