//! Repairing a store: everything that can be read stays, and what cannot is named.
//!
//! ```text
//! FORMAT, ring, *.ack    written again from what the others say
//! symbols/               read table by table, block by block (salvage.rs)
//! symbols.repaired/      a new database of all modules that are intact
//! symbols.damaged/       the old one, once the new one has taken its place; it goes when that has been read back
//! ```
//!
//! Only what was read and failed its checksum or seal is damage. Every other error ends the repair
//! before anything is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use super::ack::{Ack, Database};
use super::examine::Finding;
use super::lock::Lock;
use super::reader::{self, Unreadable};
use super::record::Known;
use super::record::Module;
use super::salvage::Salvage;
use super::stored::{stored, stored_in};
use super::writer::{Part, Writer};
use super::{Access, Error, Format, Store, durable};
use crate::block::{Compressed, link};
use crate::module::ModuleKey;
use crate::module::key::{Generation, area};
use crate::seal::{MasterKey, Ring};
use crate::unpack::Contents;

/// A module that was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Its name and the first digits of its id; if they cannot be read, what its blocks are filed
    /// under.
    pub module: String,
    /// The files that it was made from, to be imported again; none if they are not known.
    pub files: Vec<String>,
    /// What is damaged.
    pub why: String,
}

/// What a repair found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// What was wrong, whether or not something was lost by it.
    pub found: Vec<Finding>,
    /// Modules that could not be saved.
    pub lost: Vec<Lost>,
    /// Modules that were acknowledged and of which nothing is left to tell their names.
    pub lost_without_name: u64,
}

/// What was read of a damaged database.
struct Sorted {
    intact: Vec<(Module, Vec<Compressed>)>,
    repaired: Repaired,
    /// The highest number of a change that anything tells of.
    sequence: u64,
}

impl Store {
    /// Saves what can be read and says what cannot. Waits until nobody reads or writes. The old
    /// database is kept until a new one with all that is intact has been read back.
    ///
    /// # Errors
    /// Any [`Error`]; nothing has been dropped then.
    pub fn repair(&self) -> Result<Repaired, Error> {
        self.repair_format()?;
        let mut access = Access::read(self)?;
        let lock = Lock::exclusive(&self.write_lock(), self.wait)?;
        let _alone = Lock::exclusive(&self.read_lock(), self.wait)?;
        self.finish_repair()?;
        durable::check_readable(&self.symbols())?;
        // What a failed change has left half done is put back first; if the database cannot say
        // what that is, it is salvaged.
        if let Err(error @ Error::Io { .. }) = self.recover() {
            return Err(error);
        }
        let mut found = self.examine_symbols(&access)?;
        if found.is_empty() && !self.modules_are_intact(&access)? {
            found.push(Finding::Rows("blocks of modules are damaged"));
        }
        if access.ring.is_some() {
            self.mend_ring()?;
            access = Access::write(self)?;
        }
        if found.is_empty() {
            return Ok(Repaired::default());
        }
        let sorted = self.sort_out(access.ring.as_ref(), found)?;
        let repaired = sorted.repaired.clone();
        self.rebuild(access.ring, lock, sorted)?;
        Ok(repaired)
    }

    /// Whether every module can be read as it was written.
    fn modules_are_intact(&self, access: &Access) -> Result<bool, Error> {
        let Some(db) = reader::open_database(self)? else { return Ok(true) };
        let unreadable = |error| match error {
            Unreadable::Damage => Ok(false),
            Unreadable::Database(cause) => Err(self.database_error(cause)),
        };
        let records = match reader::records(&db, access.ring.as_deref()) {
            Ok(records) => records,
            Err(error) => return unreadable(error),
        };
        for module in records.values().filter_map(Known::module) {
            match stored(&db, &module) {
                Ok(blocks) if Contents::read(&module.record, &blocks).problems.is_empty() => {}
                Ok(_) => return Ok(false),
                Err(error) => return unreadable(error),
            }
        }
        Ok(true)
    }

    /// Writes the format file again if it is lost or damaged: the key ring says whether the store
    /// is sealed.
    fn repair_format(&self) -> Result<(), Error> {
        match Format::read(self) {
            Err(Error::FormatLost(_)) => {}
            Err(error) => return Err(error),
            Ok(_) => return Ok(()),
        }
        let _lock = Lock::exclusive(&self.write_lock(), self.wait)?;
        let has_ring = self.ring().exists() || self.ring_copy().exists();
        if has_ring {
            self.open_ring()?;
            return Format { key: self.key.as_ref().map(MasterKey::id) }.replace(self);
        }
        let io = |cause| Error::io(&self.symbols(), cause);
        if Salvage::of(&[&self.symbols()]).and_then(|salvage| salvage.holds_sealed()).map_err(io)? {
            return Err(Error::RingLost(self.path.clone()));
        }
        if self.key.is_some() {
            return Err(Error::Open(self.path.clone()));
        }
        Format { key: None }.replace(self)
    }

    /// Replaces a damaged copy of the key ring by the other one.
    fn mend_ring(&self) -> Result<(), Error> {
        if self.open_ring()?.is_damaged { self.settle_ring() } else { Ok(()) }
    }

    /// The modules that are intact, and those that are not.
    fn sort_out(&self, ring: Option<&Arc<Ring>>, found: Vec<Finding>) -> Result<Sorted, Error> {
        let io = |cause| Error::io(&self.symbols(), cause);
        let ring = ring.map(|ring| &**ring);
        let salvage = Salvage::of(&[&self.symbols(), &self.lost()]).map_err(io)?;
        let records = salvage.records(ring).map_err(io)?;
        let mut sorted = Sorted {
            intact: Vec::new(),
            repaired: Repaired { found, ..Repaired::default() },
            sequence: 0,
        };
        for known in records.values() {
            sorted.sequence = sorted.sequence.max(known.record.sequence);
            let Some(module) = known.module() else { continue };
            let blocks = stored_in(&salvage, &module).map_err(io)?;
            match Contents::read(&module.record, &blocks).problems.first() {
                None => sorted.intact.push((module, blocks)),
                Some(problem) => sorted.repaired.lost.push(Lost {
                    module: format!("{} ({})", module.record.name, module.record.short_id()),
                    files: module.record.sources.iter().map(|source| source.name.clone()).collect(),
                    why: problem.to_string(),
                }),
            }
        }
        sorted.repaired.lost.extend(without_record(&salvage, &records));
        let acknowledged = Ack::read(self, Database::Symbols).ok().flatten().unwrap_or_default();
        let known = (sorted.intact.len() + sorted.repaired.lost.len()) as u64;
        sorted.repaired.lost_without_name = acknowledged.rows.saturating_sub(known);
        sorted.sequence = sorted.sequence.max(acknowledged.sequence);
        Ok(sorted)
    }

    /// Makes a database of what is intact, and lets it take the place of the old one.
    fn rebuild(&self, ring: Option<Arc<Ring>>, lock: Lock, sorted: Sorted) -> Result<(), Error> {
        let repaired = self.repaired();
        let io = |cause| Error::io(&repaired, cause);
        durable::remove_folder(&repaired).map_err(io)?;
        let mut writer = Writer::in_folder(self, &repaired, ring.clone(), lock)?;
        writer.head.ack.sequence = sorted.sequence;
        for (mut module, mut blocks) in sorted.intact {
            link(&mut blocks);
            module.generation.change = writer.next_change();
            writer.ingest(&[Part { module, blocks: Some(&blocks), before: None }], &[])?;
        }
        // Even without any module: the database has to say that this is so.
        if writer.head.ack.rows == 0 {
            let mut head = writer.head;
            head.ack.sequence += 1;
            writer.finish(BTreeMap::new(), super::writer::Staged::new(self), head)?;
        }
        let ack = writer.head.ack;
        let lock = writer.close();
        self.read_back(ring, &repaired, lock, ack.rows)?;
        fs::File::open(&repaired).and_then(|folder| folder.sync_all()).map_err(io)?;
        if self.symbols().exists() {
            fs::rename(self.symbols(), self.damaged()).map_err(io)?;
        }
        fs::rename(&repaired, self.symbols())
            .and_then(|()| durable::sync_folder(&repaired))
            .map_err(io)?;
        ack.write(self, Database::Symbols)?;
        durable::remove_folder(&self.lost()).map_err(io)?;
        self.finish_repair()
    }

    /// Reads every module of the new database.
    fn read_back(
        &self,
        ring: Option<Arc<Ring>>,
        folder: &std::path::Path,
        lock: Lock,
        modules: u64,
    ) -> Result<(), Error> {
        let writer = Writer::in_folder(self, folder, ring, lock)?;
        let unreadable = |_| Error::Damaged(folder.to_owned());
        let records = reader::records(&writer.db, writer.ring.as_deref()).map_err(unreadable)?;
        for module in records.values().filter_map(Known::module) {
            let blocks = stored(&writer.db, &module).map_err(unreadable)?;
            if !Contents::read(&module.record, &blocks).problems.is_empty() {
                return Err(Error::Damaged(folder.to_owned()));
            }
        }
        if records.len() as u64 == modules {
            Ok(())
        } else {
            Err(Error::Damaged(folder.to_owned()))
        }
    }

    /// Finishes a repair that was killed, or takes back what it had not finished.
    pub(super) fn finish_repair(&self) -> Result<(), Error> {
        let (symbols, repaired, damaged) = (self.symbols(), self.repaired(), self.damaged());
        let io = |cause| Error::io(&self.path, cause);
        if !symbols.exists() && damaged.exists() {
            let from = if repaired.exists() { &repaired } else { &damaged };
            fs::rename(from, &symbols).and_then(|()| durable::sync_folder(&symbols)).map_err(io)?;
        }
        if damaged.exists() {
            // The new database is in place; what it holds is what there is.
            let access = Access::read(self)?;
            self.acknowledge_what_is_there(&access)?;
        }
        durable::remove_folder(&repaired)
            .and_then(|()| durable::remove_folder(&damaged))
            .map_err(io)
    }

    fn acknowledge_what_is_there(&self, access: &Access) -> Result<(), Error> {
        let rows = super::head::RowAccess::of(self, access)?;
        let db = reader::open_database(self)?;
        match db.map(|db| rows.head(&db)) {
            Some(Ok(Some(head))) => head.ack.write(self, Database::Symbols),
            _ => Ok(()),
        }
    }
}

/// Modules of which there are blocks, but no record.
fn without_record(salvage: &Salvage, records: &BTreeMap<ModuleKey, Known>) -> Vec<Lost> {
    let keys =
        salvage.keys(&[area::BLOCKS], &[area::PLACED_BLOCKS + 1]).filter_map(Generation::from_key);
    let modules: BTreeSet<ModuleKey> = keys
        .map(|generation| generation.module)
        .filter(|module| !records.contains_key(module))
        .collect();
    let lost = |module: ModuleKey| Lost {
        module: format!("a module filed under {module}"),
        files: Vec::new(),
        why: "neither of its records can be read".to_owned(),
    };
    modules.into_iter().map(lost).collect()
}
