//! Everything of the symbol database that can be read, whatever is damaged: found table by table,
//! block by block, without RocksDB.
//!
//! Slow, as all tables are read once, and exact: what is here was written so. Readers come here
//! where RocksDB stops at damage, and a repair makes a new database of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::ops::Bound;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::record::{self, Known};
use super::{segment, tables, v3};
use crate::block::Kind;
use crate::module::key::{Generation, ModuleKey, area, kind, sealed};
use crate::seal::{self, Ring};

/// The area of the row with the key ring, in a segment.
const RING: u8 = segment::RING[0];

/// Where a value lies.
#[derive(Clone, Copy, Debug)]
struct At {
    table: u32,
    offset: u64,
    bytes: u32,
}

/// All rows of all tables of a folder.
#[derive(Debug)]
pub struct Salvage {
    tables: Vec<PathBuf>,
    /// Every row that could be read, with each of its values: of records, the newest holds; of
    /// blocks, all are alike.
    rows: BTreeMap<Vec<u8>, Vec<At>>,
}

impl Salvage {
    /// Of the tables in `folders`; a folder that is not there has none.
    ///
    /// # Errors
    /// If a table cannot be read. What is in it is no error.
    pub fn of(folders: &[&Path]) -> io::Result<Self> {
        let mut salvage = Self { tables: Vec::new(), rows: BTreeMap::new() };
        for folder in folders {
            for path in tables_in(folder)? {
                salvage.take(path)?;
            }
        }
        Ok(salvage)
    }

    /// Of a segment.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of_segment(path: &Path) -> io::Result<Self> {
        let mut salvage = Self { tables: Vec::new(), rows: BTreeMap::new() };
        match segment::rows(&fs::read(path)?) {
            Some(rows) => {
                rows.for_each(|(key, value, value_at)| salvage.row(0, key, value, value_at));
                salvage.tables.push(path.to_owned());
            }
            // That of an earlier version.
            None => salvage.take(path.to_owned())?,
        }
        Ok(salvage)
    }

    /// Whether its rows are those of store format 3, whose keys are shorter.
    pub fn is_v3(&self) -> bool {
        self.rows.keys().any(|key| key.len() == v3::KEY_BYTES)
    }

    fn take(&mut self, path: PathBuf) -> io::Result<()> {
        let table = u32::try_from(self.tables.len()).map_err(io::Error::other)?;
        tables::scan(&path, |entry| {
            if let Some(value) = entry.value {
                self.row(table, entry.key, value, entry.value_at);
            }
        })?;
        self.tables.push(path);
        Ok(())
    }

    /// Takes the row of `key` and `value`, which lies in the file with the number `table`.
    fn row(&mut self, table: u32, key: &[u8], value: &[u8], offset: u64) {
        let is_row = matches!(
            key.first(),
            Some(&(area::RECORDS | area::BLOCKS | area::PLACED_BLOCKS | RING))
        );
        if let Ok(bytes) = u32::try_from(value.len())
            && is_row
            && !value.is_empty()
        {
            self.rows.entry(key.to_vec()).or_default().push(At { table, offset, bytes });
        }
    }

    /// All values at `key`.
    pub fn values(&self, key: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        self.rows.get(key).map_or(&[][..], Vec::as_slice).iter().map(|at| self.read(*at)).collect()
    }

    fn read(&self, at: At) -> io::Result<Vec<u8>> {
        let path = self
            .tables
            .get(at.table as usize)
            .ok_or_else(|| io::Error::other("a table without a name"))?;
        let mut value = vec![0; at.bytes as usize];
        File::open(path)?.read_exact_at(&mut value, at.offset)?;
        Ok(value)
    }

    /// The keys from `first` up to, but not at, `after`, in their order.
    pub fn keys(&self, first: &[u8], after: &[u8]) -> impl Iterator<Item = &[u8]> {
        let bounds = (Bound::Included(first), Bound::Excluded(after));
        self.rows.range::<[u8], _>(bounds).map(|(key, _)| key.as_slice())
    }

    /// Whether a block or record is sealed.
    ///
    /// # Errors
    /// If a table cannot be read any more.
    pub fn holds_sealed(&self) -> io::Result<bool> {
        self.holds_of_other_kind(false)
    }

    /// Whether there is a block or record that does not belong into a store which is sealed, or
    /// open.
    ///
    /// # Errors
    /// If a table cannot be read any more.
    pub fn holds_of_other_kind(&self, is_sealed: bool) -> io::Result<bool> {
        for (key, places) in &self.rows {
            let is_block =
                matches!(key.first(), Some(&(area::RECORDS | area::BLOCKS | area::PLACED_BLOCKS)));
            for at in places.iter().filter(|_| is_block) {
                if seal::is_of_other_kind(&self.read(*at)?, is_sealed) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Of every module the newest record, wherever it stands; also those that say that a module was
    /// removed.
    ///
    /// # Errors
    /// If a table cannot be read any more.
    pub fn records(&self, ring: Option<&Ring>) -> io::Result<BTreeMap<ModuleKey, Known>> {
        let mut records: BTreeMap<ModuleKey, Known> = BTreeMap::new();
        for (key, places) in &self.rows {
            let copy = sealed(key).filter(|key| kind(key) == Some(Kind::Record));
            let of_copy = || copy.and_then(|key| Generation::from_key(&key));
            let Some(module) =
                ModuleKey::of_record(key).or_else(|| of_copy().map(|generation| generation.module))
            else {
                continue;
            };
            let key = copy.as_ref().map_or(&key[..], |key| &key[..]);
            for at in places {
                let Ok(known) = record::open(ring, module, key, &self.read(*at)?) else { continue };
                let is_newer = records
                    .get(&module)
                    .is_none_or(|before| before.record.sequence < known.record.sequence);
                if is_newer {
                    records.insert(module, known);
                }
            }
        }
        Ok(records)
    }
}

/// The tables in `folder`, in the order of their names.
pub fn tables_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut tables = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sst") {
            tables.push(path);
        }
    }
    tables.sort();
    Ok(tables)
}
