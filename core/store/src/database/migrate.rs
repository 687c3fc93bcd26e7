//! Migrating a store of format 3, which happens once, as a whole.
//!
//! ```text
//! STORE/migrating/symbols, crashes, ring, …    the store of this format, made beside the old one and read back
//! STORE/migrating/DONE                         from here on the new one counts
//! STORE/format3.symbols, format3.crashes       the old databases, until the new ones have taken their places
//! ```
//!
//! A migration that is interrupted before DONE is begun anew, one after it is finished, by whoever
//! opens the store next. What the old store had that is damaged ends it: nothing is dropped
//! unasked.

use std::fs;
use std::path::{Path, PathBuf};

use rocksdb::DB;

use super::ack::Database;
use super::format::Found;
use super::lock::Lock;
use super::reader::holds_files;
use super::writer::Writer;
use super::{Access, Error, FAMILY, Format, Store, durable, options, v3};
use crate::seal::{KeyId, MasterKey};
use crate::unpack::Contents;

/// What a migration did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The store.
    pub store: PathBuf,
    /// Modules that it has.
    pub modules: u64,
}

/// Files and folders of the new store that take their places in the old one.
const PLACES: [&str; 6] = ["symbols", "crashes", "ring", "ring.copy", "symbols.ack", "crashes.ack"];

impl Store {
    /// Migrates a store of format 3; `None` if it is none. `crashes` migrates what is beside the
    /// modules, from the old store to the new one.
    ///
    /// # Errors
    /// Any [`Error`]; then the old store is as it was. A store that is not there is none.
    pub fn migrate(
        &self,
        crashes: impl FnOnce(&Self, &Self) -> Result<(), Error>,
    ) -> Result<Option<Migrated>, Error> {
        if !matches!(Format::find(self), Ok(Found::Old)) {
            return Ok(None);
        }
        let lock = Lock::exclusive(&self.write_lock(), self.wait)?;
        let _crashes = Lock::exclusive(&self.crashes_lock(), self.wait)?;
        let _alone = Lock::exclusive(&self.read_lock(), self.wait)?;
        if !matches!(Format::find(self)?, Found::Old) {
            return Ok(None);
        }
        let new = self.migrating();
        if !new.join("DONE").exists() {
            self.begin_migration(&new, crashes)?;
        }
        let format =
            Format { key: self.key.as_ref().map(MasterKey::id).filter(|_| self.is_sealed_v3()) };
        self.finish_migration(&new, format)?;
        drop(lock);
        let modules = super::Ack::read(self, Database::Symbols)?.map_or(0, |ack| ack.rows);
        Ok(Some(Migrated { store: self.path.clone(), modules }))
    }

    fn migrating(&self) -> PathBuf {
        self.path.join("migrating")
    }

    fn is_sealed_v3(&self) -> bool {
        fs::read_to_string(self.path.join("FORMAT"))
            .is_ok_and(|text| text.lines().any(|line| line.starts_with("sealed ")))
    }

    /// Makes the store of this format in folder `path`.
    fn begin_migration(
        &self,
        path: &Path,
        crashes: impl FnOnce(&Self, &Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let io = |cause| Error::io(path, cause);
        durable::remove_folder(path).map_err(io)?;
        let is_sealed = self.is_sealed_v3();
        match &self.key {
            None if is_sealed => return Err(self.needs_key(self.key_v3())),
            Some(_) if !is_sealed => return Err(Error::Open(self.path.clone())),
            _ => {}
        }
        let new = Self { path: path.to_owned(), quota: None, ..self.clone() };
        new.create()?;
        if holds_files(&self.symbols()) {
            let old = DB::open_cf_for_read_only(&options(), self.symbols(), [FAMILY], false);
            let old = old.map_err(|cause| self.database_error(cause))?;
            let (modules, unread) = v3::modules(&old, self)?;
            if let Some(unread) = unread.first() {
                return Err(Error::Migration {
                    store: self.path.clone(),
                    module: unread.module.clone(),
                    why: unread.why.clone(),
                });
            }
            let writer = Writer::open(&new)?;
            let moments: Vec<u64> =
                modules.iter().map(|module| module.record.imported_ms).collect();
            writer.commit_migrated(&modules, &moments)?;
        }
        crashes(self, &new)?;
        let reader = new.read()?;
        for module in reader.catalog().modules()? {
            let blocks = reader.stored(module)?;
            if let Some(problem) = Contents::read(&module.record, &blocks).problems.first() {
                let module = module.record.name.clone();
                return Err(Error::Migration {
                    store: self.path.clone(),
                    module,
                    why: problem.to_string(),
                });
            }
        }
        drop(reader);
        durable::replace(&path.join("DONE"), b"").map_err(io)
    }

    /// Lets the new store take the place of the old one, from wherever that was interrupted.
    fn finish_migration(&self, new: &Path, format: Format) -> Result<(), Error> {
        let io = |cause| Error::io(&self.path, cause);
        for name in PLACES {
            let (from, to, old) =
                (new.join(name), self.path.join(name), self.path.join(format!("format3.{name}")));
            if from.exists() {
                if to.exists() {
                    fs::rename(&to, &old).map_err(io)?;
                }
                fs::rename(&from, &to).map_err(io)?;
            }
        }
        durable::sync_folder(&new.join("DONE"))
            .and_then(|()| durable::sync_folder(new))
            .map_err(io)?;
        format.replace(self)?;
        for name in ["format3.symbols", "format3.crashes", "migrating"] {
            durable::remove_folder(&self.path.join(name)).map_err(io)?;
        }
        // Of a store of format 3, and of no use any more.
        drop(fs::remove_file(self.path.join("untidy")));
        Access::read(self).map(drop)
    }

    fn key_v3(&self) -> KeyId {
        let text = fs::read_to_string(self.path.join("FORMAT")).unwrap_or_default();
        let id = text.lines().find_map(|line| {
            line.strip_prefix("sealed ")?.split(' ').next_back().and_then(KeyId::parse)
        });
        id.unwrap_or(KeyId([0; 8]))
    }
}
