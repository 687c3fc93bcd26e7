//! Saving what is intact: in, a store of which something is damaged; out, the same store without that, and what it was.
//!
//! ```text
//! symbols/            as it is: every module is read and checked
//! symbols.repaired/   a new database of those that are intact
//! symbols.damaged/    the old one, once the new one has taken its place; then it is deleted
//! ```

use std::fs;
use std::time::Duration;

use rocksdb::DB;

use super::lock::Lock;
use super::reader::{self, newest, open_database};
use super::writer::{Part, Writer};
use super::{Error, Format, Module, Store};
use crate::block::Compressed;
use crate::contents::Contents;

/// A module that was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Its name and the first digits of its id; if they cannot be read, what its blocks are filed under.
    pub module: String,
    /// The files that it was made from, to be imported again; none if they are not known.
    pub files: Vec<String>,
    /// What is damaged.
    pub why: String,
}

impl Store {
    /// Drops modules that are damaged, and says which. Waits until nobody reads or writes. The old database is kept until a new one
    /// with all that is intact is on disk.
    ///
    /// # Errors
    /// Any [`Error`]; nothing has been dropped then.
    pub fn repair(&self) -> Result<Vec<Lost>, Error> {
        let format = Format::read(self)?;
        format.admit_writing(self)?;
        let lock = Lock::exclusive(&self.write_lock(), self.wait)?;
        let _alone = Lock::exclusive(&self.read_lock(), self.wait)?;
        self.finish_repair()?;
        self.heal()?;
        let Some(db) = open_database(self, Duration::ZERO)? else { return Ok(Vec::new()) };
        let (intact, lost) = self.sort_out(&db, format.is_sealed())?;
        if lost.is_empty() {
            return Ok(lost);
        }
        self.rebuild(&db, format, lock, intact)?;
        Ok(lost)
    }

    /// The modules that are intact, and those that are not.
    fn sort_out(&self, db: &DB, is_sealed: bool) -> Result<(Vec<Module>, Vec<Lost>), Error> {
        let (mut intact, mut lost) = (Vec::new(), Vec::new());
        for (generation, module) in newest(reader::generations(db, self, is_sealed)?) {
            let Some(module) = module else {
                let why = "its footer cannot be read".to_owned();
                lost.push(Lost { module: format!("a module filed under {}", generation.module), files: Vec::new(), why });
                continue;
            };
            let problem = match reader::stored(db, &module) {
                Ok(blocks) => Contents::read(&module.footer, &blocks).problems.first().map(ToString::to_string),
                Err(error) => Some(error.to_string()),
            };
            match problem {
                None => intact.push(module),
                Some(why) => {
                    let files = module.footer.sources.iter().map(|source| source.name.clone()).collect();
                    lost.push(Lost { module: format!("{} ({})", module.footer.name, module.footer.short_id()), files, why });
                }
            }
        }
        Ok((intact, lost))
    }

    /// Makes a database of `modules` of `db`, and lets it take the place of that.
    fn rebuild(&self, db: &DB, format: Format, lock: Lock, modules: Vec<Module>) -> Result<(), Error> {
        let repaired = self.repaired();
        let io = |cause| Error::io(&repaired, cause);
        let _ = fs::remove_dir_all(&repaired);
        let writer = Writer::in_folder(self, &repaired, format, lock)?;
        for module in modules {
            let blocks: Vec<Compressed> = reader::stored(db, &module).map_err(|source| self.database_error(source))?;
            writer.put(&[Part { module, blocks: &blocks }], &[])?;
        }
        let lock = writer.close();
        fs::File::open(&repaired).and_then(|folder| folder.sync_all()).map_err(io)?;
        fs::rename(self.symbols(), self.damaged()).map_err(io)?;
        self.finish_repair()?;
        drop(lock);
        Ok(())
    }

    /// Finishes a repair that was killed, or takes back what it had not finished.
    pub(super) fn finish_repair(&self) -> Result<(), Error> {
        let (symbols, repaired, damaged) = (self.symbols(), self.repaired(), self.damaged());
        let io = |cause| Error::io(&self.path, cause);
        if !symbols.exists() && damaged.exists() && repaired.exists() {
            fs::rename(&repaired, &symbols).and_then(|()| fs::File::open(&self.path)?.sync_all()).map_err(io)?;
        }
        for folder in [repaired, damaged] {
            if folder.exists() {
                fs::remove_dir_all(folder).map_err(io)?;
            }
        }
        Ok(())
    }
}
