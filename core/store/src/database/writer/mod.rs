//! Writing a store: packed modules become part of it as a whole, or not at all.
//!
//! ```text
//! lock         write.lock: one writer at a time
//! look         whether the database has all that was acknowledged; tables that it does not know are set aside
//! write        staging/blocks-N.sst    blocks of one module, and the second copy of its record
//!              staging/rows.sst        records, rows of the catalog, and which change this is
//! ingest       all of them in one step: this is the moment at which modules appear, change and go
//! acknowledge  symbols.ack says how far the store has come (ack.rs)
//! tidy         if nobody reads: blocks that nobody needs any more are deleted (tidy.rs)
//! ```

mod change;
mod commit;
mod partial;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use rocksdb::{ColumnFamilyDescriptor, DB};

use crate::block::Compressed;
use crate::database::ack::{Ack, AckDraft, Database};
use crate::database::head::{Head, RowAccess};
use crate::database::index::Tokens;
use crate::database::lock::Lock;
use crate::database::reader::{Unreadable, check, open_database, record_of};
use crate::database::record::Module;
use crate::database::record::{self, Known};
use crate::database::stored::{stored, stored_in};
use crate::database::{
    Access, Error, FAMILY, Store, drop_option_notes, durable, joining_options, salvage,
};
use crate::module::ModuleKey;
use crate::module::{ModuleRecord, now_ms};
use crate::pack::Packed;
use crate::seal::{Ring, Seal};
pub(crate) use change::Staged;
pub use commit::Committed;
pub use partial::Apart;

/// Modules of a migrated store that are written in one change.
const MIGRATED_AT_ONCE: usize = 256;

/// Name of a file in `staging/`.
const ROWS: &str = "rows.sst";

/// A module on its way into the store.
pub(super) struct Part<'a> {
    pub module: Module,
    /// Its blocks, unless the store has them.
    pub blocks: Option<&'a [Compressed]>,
    /// What the store knows of it so far.
    pub before: Option<Known>,
}

/// A store open for writing.
pub(super) struct Writer<'s> {
    pub store: &'s Store,
    pub ring: Option<Arc<Ring>>,
    pub db: DB,
    /// As the last change left it.
    pub head: Head,
    pub rows: RowAccess,
    tokens: Tokens,
    lock: Lock,
    /// The acknowledgement of the change that is being made.
    draft: Option<AckDraft>,
}

/// Rows that change: their new values, or none.
pub(super) type Rows = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

impl Store {
    /// Removes `modules` with all that was imported of them, all in one step. Once this returns,
    /// they stay removed after a crash of this process or of the machine. A module that is not
    /// there any more is passed over.
    ///
    /// # Errors
    /// Any [`Error`]; then all of them are still there.
    pub fn remove(&self, modules: &[ModuleKey]) -> Result<(), Error> {
        self.recovered(self.remove_all(modules))
    }

    fn remove_all(&self, modules: &[ModuleKey]) -> Result<(), Error> {
        let mut writer = Writer::open(self)?;
        let mut gone = Vec::new();
        for module in modules {
            gone.extend(writer.known(*module)?.filter(|known| known.record.module.is_some()));
        }
        if !gone.is_empty() {
            writer.put(&[], &gone)?;
        }
        writer.tidy();
        Ok(())
    }
}

impl<'s> Writer<'s> {
    /// Waits until no other process writes.
    pub(super) fn open(store: &'s Store) -> Result<Self, Error> {
        Access::read(store)?;
        let lock = Lock::exclusive(&store.write_lock(), store.wait)?;
        // The key may have been changed meanwhile.
        let access = Access::write(store)?;
        store.finish_repair()?;
        store.recover()?;
        let rows = RowAccess::of(store, &access)?;
        set_strays_aside(store, &rows)?;
        Self::in_folder(store, &store.symbols(), access.ring, lock)
    }

    /// The same, with the database in `folder`.
    pub(super) fn in_folder(
        store: &'s Store,
        folder: &Path,
        ring: Option<Arc<Ring>>,
        lock: Lock,
    ) -> Result<Self, Error> {
        durable::create_folder(folder).map_err(|cause| Error::io(folder, cause))?;
        drop_option_notes(folder);
        let tables = salvage::tables_in(folder).map_err(|cause| Error::io(folder, cause))?;
        let sizes = tables.iter().filter_map(|path| fs::metadata(path).ok());
        let mut options = joining_options(sizes.map(|metadata| metadata.len()).sum());
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        let family = ColumnFamilyDescriptor::new(FAMILY, options.clone());
        let db = DB::open_cf_descriptors(&options, folder, [family])
            .map_err(|source| store.database_error(source))?;
        let access = Access { ring };
        let rows = RowAccess::of(store, &access)?;
        let head =
            rows.head(&db).map_err(|_| Error::Damaged(store.path.clone()))?.unwrap_or_default();
        let ring = access.ring;
        Ok(Self {
            store,
            tokens: Tokens::of(ring.as_deref()),
            ring,
            db,
            head,
            rows,
            lock,
            draft: None,
        })
    }

    /// Closes the database and keeps the lock.
    pub(super) fn close(self) -> Lock {
        drop(self.db);
        self.lock
    }

    /// What the store knows of a module, also that it was removed.
    pub(super) fn known(&self, module: ModuleKey) -> Result<Option<Known>, Error> {
        record_of(&self.db, self.ring.as_deref(), module).map_err(|error| self.unreadable(error))
    }

    fn unreadable(&self, error: Unreadable) -> Error {
        match error {
            Unreadable::Damage => Error::Damaged(self.store.path.clone()),
            Unreadable::Database(cause) => self.store.database_error(cause),
        }
    }

    /// Writes the modules of a store that is migrated, each as of the moment at which it was
    /// imported there.
    pub(super) fn commit_migrated(
        mut self,
        modules: &[Packed],
        moments: &[u64],
    ) -> Result<(), Error> {
        let modules: Vec<_> = modules.iter().zip(moments).collect();
        for modules in modules.chunks(MIGRATED_AT_ONCE) {
            let mut parts = Vec::with_capacity(modules.len());
            for (packed, moment) in modules {
                let mut record = packed.record.clone();
                record.stamp(**moment);
                let module = self.module(packed.key, record, &packed.blocks)?;
                parts.push(Part { module, blocks: Some(&packed.blocks), before: None });
            }
            self.put(&parts, &[])?;
        }
        self.tidy();
        Ok(())
    }

    fn module(
        &self,
        key: ModuleKey,
        record: ModuleRecord,
        blocks: &[Compressed],
    ) -> Result<Module, Error> {
        let contents = record::contents(self.ring.as_deref(), blocks)
            .map_err(|damage| Error::damaged_input(&record, damage))?;
        let generation = record::generation(key, &contents, self.next_change());
        let seal = Seal::new(self.ring.as_deref(), generation);
        Ok(Module { generation, record, seal, extents: record::extents(blocks), contents })
    }

    /// All blocks of `module`.
    fn stored(&self, module: &Module) -> Result<Vec<Compressed>, Error> {
        match stored(&self.db, module) {
            Ok(blocks) => Ok(blocks),
            Err(Unreadable::Damage) => {
                let io = |cause| Error::io(&self.store.symbols(), cause);
                let salvage = salvage::Salvage::of(&[&self.store.symbols()]).map_err(io)?;
                stored_in(&salvage, module).map_err(io)
            }
            Err(Unreadable::Database(cause)) => Err(self.store.database_error(cause)),
        }
    }

    /// The number of the change that comes next.
    pub(super) fn next_change(&self) -> u64 {
        self.head.ack.sequence + 1
    }

    /// Now, or the first moment after all modules: a clock may stand still, or go back.
    fn next_moment(&self) -> u64 {
        now_ms().max(self.head.imported_ms.saturating_add(1))
    }

    /// Puts `parts` into the database, and takes modules out of it that are `gone`, all in one
    /// step. It is acknowledged before this returns.
    pub(super) fn put(&mut self, parts: &[Part<'_>], gone: &[Known]) -> Result<(), Error> {
        self.ingest(parts, gone)?;
        self.acknowledge()
    }

    /// Says that the last change will stay.
    pub(super) fn acknowledge(&mut self) -> Result<(), Error> {
        match self.draft.take() {
            Some(draft) => draft.make_known(),
            None => self.head.ack.write(self.store, Database::Symbols),
        }
    }
}

/// Sees to it that the database has all that was acknowledged, and moves tables that it does not
/// know out of its way: whoever opens it for writing deletes them.
fn set_strays_aside(store: &Store, rows: &RowAccess) -> Result<(), Error> {
    let ack = Ack::read(store, Database::Symbols)?;
    let db = open_database(store)?;
    check(store, rows, db.as_ref(), ack)?;
    let live = db
        .as_ref()
        .map_or(Ok(Vec::new()), DB::live_files)
        .map_err(|cause| store.database_error(cause))?;
    let live: HashSet<&str> = live.iter().map(|file| file.name.trim_start_matches('/')).collect();
    let io = |cause| Error::io(&store.symbols(), cause);
    for path in salvage::tables_in(&store.symbols()).map_err(io)? {
        let Some(name) =
            path.file_name().filter(|name| !name.to_str().is_some_and(|name| live.contains(name)))
        else {
            continue;
        };
        durable::create_folder(&store.lost()).map_err(io)?;
        fs::rename(&path, store.lost().join(name)).map_err(|cause| Error::io(&path, cause))?;
    }
    // Without a database, what is left in its folder is what a killed first change had begun.
    if db.is_none() { durable::remove_folder(&store.symbols()).map_err(io) } else { Ok(()) }
}
