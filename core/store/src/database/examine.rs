//! What is wrong with a store as a whole: its small files, its tables, and whether its rows are all
//! there.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use rocksdb::DB;

use super::ack::{Ack, Database, RowSum};
use super::head::RowAccess;
use super::index::Tokens;
use super::lock::Lock;
use super::reader::{self, Unreadable, is_damage, iterator, open_database, read_options};
use super::record::Known;
use super::{Access, Error, Store, salvage, tables};
use crate::module::key::area;

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A file that says what was acknowledged.
    Acknowledgement {
        /// The file.
        path: PathBuf,
        /// Whether it is there, and damaged.
        is_damaged: bool,
    },
    /// A copy of the key ring is missing or damaged.
    KeyRing(PathBuf),
    /// The database cannot be opened, or has not all that was acknowledged.
    Database(String),
    /// A table with bytes that are not as they were written.
    Table {
        /// The file.
        path: PathBuf,
        /// Bytes that nothing accounts for.
        bytes: u64,
    },
    /// Rows that are not all there, or not all as they were written.
    Rows(&'static str),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acknowledgement { path, is_damaged: true } => {
                write!(f, "{}: damaged", path.display())
            }
            Self::Acknowledgement { path, is_damaged: false } => {
                write!(f, "{}: missing", path.display())
            }
            Self::KeyRing(path) => write!(
                f,
                "{}: one of the two copies of the key ring is missing or damaged",
                path.display()
            ),
            Self::Database(why) => f.write_str(why),
            Self::Table { path, bytes } => {
                write!(f, "{}: {bytes} bytes are damaged", path.display())
            }
            Self::Rows(what) => f.write_str(what),
        }
    }
}

impl Store {
    /// What is wrong with the store's files, and with its modules as a whole. Whether each module
    /// is intact is for [`crate::unpack`] to say.
    ///
    /// # Errors
    /// If the store cannot be opened with the key at hand, or a file cannot be read.
    pub fn examine(&self) -> Result<Vec<Finding>, Error> {
        let access = Access::read(self)?;
        let _lock = Lock::shared(&self.read_lock(), self.wait)?;
        self.examine_symbols(&access)
    }

    pub(super) fn examine_symbols(&self, access: &Access) -> Result<Vec<Finding>, Error> {
        let mut found = Vec::new();
        if access.ring.is_some() && self.open_ring()?.is_damaged {
            found.push(Finding::KeyRing(self.ring()));
        }
        let ack = match Ack::read(self, Database::Symbols) {
            Ok(ack) => ack,
            Err(Error::AckDamaged(path)) => {
                found.push(Finding::Acknowledgement { path, is_damaged: true });
                None
            }
            Err(error) => return Err(error),
        };
        let db = match open_database(self) {
            Ok(db) => db,
            Err(error @ (Error::DatabaseLost(_) | Error::Database { .. }))
                if self.is_damage(&error) =>
            {
                found.push(Finding::Database(error.to_string()));
                found.extend(self.damaged_tables(None)?);
                return Ok(found);
            }
            Err(error) => return Err(error),
        };
        let rows = RowAccess::of(self, access)?;
        if let Err(error) = reader::check(self, &rows, db.as_ref(), ack) {
            found.push(Finding::Database(error.to_string()));
        }
        if let Some(db) = &db {
            if ack.is_none() && found.is_empty() && rows.head(db).is_ok_and(|head| head.is_some()) {
                found.push(Finding::Acknowledgement {
                    path: self.path.join("symbols.ack"),
                    is_damaged: false,
                });
            }
            found.extend(self.missing_tables(db)?);
            found.extend(self.examine_rows(db, &rows, access)?);
        }
        found.extend(self.damaged_tables(db.as_ref())?);
        Ok(found)
    }

    /// Whether an error of opening the database says that it is damaged, and not that it is out of
    /// reach.
    fn is_damage(&self, error: &Error) -> bool {
        match error {
            Error::Database { cause, .. } => is_damage(cause) || self.symbols().read_dir().is_ok(),
            _ => true,
        }
    }

    fn missing_tables(&self, db: &DB) -> Result<Vec<Finding>, Error> {
        let live = db.live_files().map_err(|cause| self.database_error(cause))?;
        let paths = live.iter().map(|file| self.symbols().join(file.name.trim_start_matches('/')));
        Ok(paths
            .filter(|path| !path.exists())
            .map(|path| Finding::Database(format!("{}: missing", path.display())))
            .collect())
    }

    /// Tables that the database does not know are what killed processes have left, and no damage.
    fn damaged_tables(&self, db: Option<&DB>) -> Result<Vec<Finding>, Error> {
        let mut found =
            damaged_tables(&self.symbols()).map_err(|cause| Error::io(&self.symbols(), cause))?;
        if let Some(db) = db.filter(|_| !found.is_empty()) {
            let live = db.live_files().map_err(|cause| self.database_error(cause))?;
            let is_live = |path: &Path| {
                live.iter().any(|file| path.ends_with(file.name.trim_start_matches('/')))
            };
            found.retain(
                |finding| !matches!(finding, Finding::Table { path, .. } if !is_live(path)),
            );
        }
        Ok(found)
    }

    /// Whether the head, the records and the catalog are all there and agree.
    fn examine_rows(
        &self,
        db: &DB,
        rows: &RowAccess,
        access: &Access,
    ) -> Result<Vec<Finding>, Error> {
        let ring = access.ring.as_deref();
        let Ok(head) = rows.head(db) else {
            return Ok(vec![Finding::Rows("the row of the last change cannot be read")]);
        };
        let head = head.unwrap_or_default();
        let records = match reader::records(db, ring) {
            Ok(records) => records,
            Err(Unreadable::Damage) => {
                return Ok(vec![Finding::Rows("records of modules cannot be read")]);
            }
            Err(Unreadable::Database(cause)) => return Err(self.database_error(cause)),
        };
        let mut found = Vec::new();
        let mut sum = RowSum::default();
        records
            .iter()
            .for_each(|(module, known)| sum.add(&rows.sum_key, &module.record(), &known.raw));
        let modules: Vec<_> = records.values().filter_map(Known::module).collect();
        if sum != head.ack.sum || modules.len() as u64 != head.ack.rows {
            found.push(Finding::Rows("records of modules are missing, or are older ones"));
        }
        let tokens = Tokens::of(ring);
        let expected: BTreeSet<Vec<u8>> = modules
            .iter()
            .flat_map(|module| tokens.rows(module.generation, &module.record))
            .collect();
        match catalog_keys(db) {
            Ok(keys) if keys == expected => {}
            Ok(_) | Err(Unreadable::Damage) => {
                found.push(Finding::Rows("the catalog does not list what there is"));
            }
            Err(Unreadable::Database(cause)) => return Err(self.database_error(cause)),
        }
        Ok(found)
    }
}

fn catalog_keys(db: &DB) -> Result<BTreeSet<Vec<u8>>, Unreadable> {
    let mut keys = BTreeSet::new();
    let mut read = read_options();
    read.set_iterate_upper_bound([area::CATALOG + 1]);
    let Some(mut iterator) = iterator(db, read) else { return Ok(keys) };
    iterator.seek([area::CATALOG]);
    while let Some(key) = iterator.key() {
        keys.insert(key.to_vec());
        iterator.next();
    }
    iterator.status()?;
    Ok(keys)
}

/// The tables of a folder that are not as they were written.
///
/// # Errors
/// If one of them cannot be read.
pub(crate) fn damaged_tables(folder: &Path) -> std::io::Result<Vec<Finding>> {
    let mut found = Vec::new();
    for path in salvage::tables_in(folder)? {
        let bytes = tables::damaged_bytes(&path)?;
        if bytes > 0 {
            found.push(Finding::Table { path, bytes });
        }
    }
    Ok(found)
}
