//! Reading a store: in, keys; out, footers and opened blocks.

use rocksdb::{DB, ReadOptions};
use symtool_formats::ModuleInfo;

use super::catalog::{Catalog, FORMAT, Footer, Module};
use super::lock::Lock;
use super::{Blocks, Error, FAMILY, Generation, ModuleKey, Store, key, options};
use crate::block::{self, Kind, Sealed};

/// A store open for reading.
#[derive(Debug)]
pub struct Reader {
    store: Store,
    /// `None` for a store into which nothing has been imported yet.
    db: Option<DB>,
    _lock: Lock,
}

impl Reader {
    pub(super) fn open(store: &Store) -> Result<Self, Error> {
        let lock_path = store.lock_path();
        if !lock_path.exists() {
            return Err(Error::Missing(store.path.clone()));
        }
        let lock = Lock::shared(&lock_path, store.wait)?;
        let path = store.symbols();
        let db = path
            .join("CURRENT")
            .exists()
            .then(|| DB::open_cf_for_read_only(&options(), &path, [FAMILY], false))
            .transpose()
            .map_err(|source| store.database_error(source))?;
        Ok(Self { store: store.clone(), db, _lock: lock })
    }

    /// All modules.
    ///
    /// # Errors
    /// If the database cannot be read. A footer that cannot be read hides its module only.
    pub fn catalog(&self) -> Result<Catalog, Error> {
        let Some(db) = &self.db else { return Ok(Catalog::default()) };
        modules(db).map(Catalog::new).map_err(|source| self.store.database_error(source))
    }

    /// The module that `info` describes, if there is one. Reads no other, unlike [`Reader::catalog`].
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn module(&self, info: &ModuleInfo) -> Result<Option<Module>, Error> {
        let Some(db) = &self.db else { return Ok(None) };
        let found = module(db, ModuleKey::of(info)).map_err(|source| self.store.database_error(source))?;
        Ok(found.filter(|module| module.footer.is_of(info)))
    }

    /// The blocks of `module` of one kind, from the one that covers an address or number on.
    pub fn blocks<'a>(&'a self, module: &'a Module, kind: Kind) -> Option<Blocks<'a>> {
        let db = self.db.as_ref()?;
        let family = db.cf_handle(FAMILY)?;
        let mut read = read_options();
        read.set_iterate_upper_bound(module.generation.after(kind));
        Some(Blocks::in_store(&self.store, db.raw_iterator_cf_opt(family, read), module, kind))
    }
}

impl Reader {
    pub(super) fn db(&self) -> Option<&DB> {
        self.db.as_ref()
    }

    pub(super) fn database_error(&self, source: rocksdb::Error) -> Error {
        self.store.database_error(source)
    }

    /// All blocks of `module` but its footer, in key order.
    ///
    /// # Errors
    /// [`Error::Database`] if they cannot be read; whether they are intact is for [`crate::contents`] to say.
    pub fn stored(&self, module: &Module) -> Result<Vec<Sealed>, Error> {
        let Some(db) = &self.db else { return Ok(Vec::new()) };
        stored(db, module).map_err(|source| self.store.database_error(source))
    }

    /// Modules whose newest footer is there but cannot be read, so that the catalog does not list them as they
    /// are.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn without_footer(&self) -> Result<Vec<Generation>, Error> {
        let Some(db) = &self.db else { return Ok(Vec::new()) };
        let generations = generations(db).map_err(|source| self.store.database_error(source))?;
        let is_newest = |at: usize| generations.get(at + 1).is_none_or(|(next, _)| next.module != generations[at].0.module);
        Ok((0..generations.len()).filter(|at| generations[*at].1.is_none() && is_newest(*at)).map(|at| generations[at].0).collect())
    }
}

/// The modules of `db`: of each, the highest generation that has a footer.
pub(super) fn modules(db: &DB) -> Result<Vec<Module>, rocksdb::Error> {
    let mut modules: Vec<Module> = Vec::new();
    for (generation, footer) in generations(db)? {
        let Some(footer) = footer else { continue };
        let module = Module { generation, footer };
        match modules.last_mut().filter(|last| last.generation.module == generation.module) {
            Some(last) => *last = module,
            None => modules.push(module),
        }
    }
    Ok(modules)
}

/// The highest generation of one module that has a footer.
fn module(db: &DB, module: ModuleKey) -> Result<Option<Module>, rocksdb::Error> {
    let Some(family) = db.cf_handle(FAMILY) else { return Ok(None) };
    let mut iterator = db.raw_iterator_cf_opt(family, read_options());
    // Footers are the last of their generation, and generations count up.
    let mut next = Generation { module, number: u32::MAX }.footer();
    loop {
        iterator.seek_for_prev(next);
        let Some(generation) = iterator.key().and_then(Generation::from_key).filter(|generation| generation.module == module) else {
            return iterator.status().map(|()| None);
        };
        let has_footer = iterator.key() == Some(&generation.footer()[..]);
        if let Some(footer) = iterator.value().filter(|_| has_footer).and_then(parse) {
            return Ok(Some(Module { generation, footer }));
        }
        let Some(number) = generation.number.checked_sub(1) else { return Ok(None) };
        next = Generation { module, number }.footer();
    }
}

/// All blocks of `module` but its footer, in key order. Blocks of a kind that this version does not know are left out.
pub(super) fn stored(db: &DB, module: &Module) -> Result<Vec<Sealed>, rocksdb::Error> {
    let Some(family) = db.cf_handle(FAMILY) else { return Ok(Vec::new()) };
    let mut read = read_options();
    read.set_iterate_upper_bound(module.generation.footer());
    let mut iterator = db.raw_iterator_cf_opt(family, read);
    iterator.seek(module.generation.extent().0);
    let mut blocks = Vec::new();
    while let Some((key, value)) = iterator.item() {
        if let (Some(kind), Some(last)) = (key::kind(key), key::last(key)) {
            blocks.push(Sealed { kind, last, bytes: value.to_vec() });
        }
        iterator.next();
    }
    iterator.status()?;
    Ok(blocks)
}

fn parse(value: &[u8]) -> Option<Footer> {
    let opened = block::open(value).ok()?;
    serde_json::from_slice::<Footer>(&opened.raw).ok().filter(|footer| footer.format == FORMAT)
}

/// Blocks have a checksum of their own, which tells which module a damaged one belongs to; the database's would
/// stop at the first.
pub(super) fn read_options() -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_verify_checksums(false);
    options
}

/// Every generation in `db` in key order, with its footer if it has one that can be read.
pub(super) fn generations(db: &DB) -> Result<Vec<(Generation, Option<Footer>)>, rocksdb::Error> {
    let Some(family) = db.cf_handle(FAMILY) else { return Ok(Vec::new()) };
    let mut generations = Vec::new();
    let mut iterator = db.raw_iterator_cf_opt(family, read_options());
    iterator.seek_to_first();
    while let Some(generation) = iterator.key().and_then(Generation::from_key) {
        let key = generation.footer();
        iterator.seek(key);
        let has_footer = iterator.key() == Some(&key[..]);
        generations.push((generation, iterator.value().filter(|_| has_footer).and_then(parse)));
        if has_footer {
            iterator.next();
        }
    }
    iterator.status()?;
    Ok(generations)
}
