//! Repairing the database of crashes: everything that can be read stays, and what cannot is named.
//!
//! ```text
//! crashes/            as it is: checked row by row (verify.rs); damaged, it is read file by file (salvage.rs)
//! crashes.salvaged/   what was read, sorted
//! crashes.repaired/   a new database of all that belongs together; it is read back before anything else changes
//! crashes.damaged/    the old one, until the new one has taken its place
//! ```
//!
//! The new one is made by rebuild.rs. Only what was read and failed its check is damage: every
//! other error ends the repair before anything is changed.

use std::fs;
use std::path::Path;

use crate::ids::CrashId;
use crate::stored::database::Database;
use crate::stored::open::{ack_of, create, seal_of};
use crate::stored::salvage::Salvaged;
use crate::stored::{CrashWriter, ReadDumps};
use crate::upkeep::rebuild::Rebuild;
use symtool_store::database::ack::Database as Which;
use symtool_store::database::{Access, Lock, durable};
use symtool_store::{Error, Store};

/// What a repair found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrashRepair {
    /// What was wrong; absent if nothing was.
    pub found: Option<String>,
    /// Crashes that are there now.
    pub crashes: u64,
    /// Crashes that were read again from their reports. The next run looks at all crashes.
    pub read_again: u64,
    /// Crashes and reports that are lost.
    pub lost: Vec<LostCrash>,
    /// Crashes of which nothing is left that tells their ids.
    pub lost_without_id: u64,
    /// Changes that were acknowledged and of which nothing is left at all.
    pub lost_changes: u64,
    /// Runs that can no longer be undone, as a part of what undoes them is lost.
    pub lost_runs: Vec<u64>,
}

/// A crash of which something is lost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LostCrash {
    /// All of it, or its report: that is to be added again.
    Crash(CrashId),
    /// A report that could not be read.
    Failed(CrashId),
}

/// Saves what can be read and says what cannot. Waits until nobody reads or writes. What of
/// minidumps is lost and can be read again is read by `dumps`.
///
/// # Errors
/// Any [`Error`]; the database is as it was then.
pub fn repair(store: &Store, dumps: &dyn ReadDumps) -> Result<CrashRepair, Error> {
    let _lock = Lock::exclusive(&store.crashes_lock(), store.wait())?;
    finish(store)?;
    durable::check_readable(&store.crashes())?;
    let found = match Database::read_locked(store).and_then(|database| database.verify()) {
        Ok(verified) => {
            return Ok(CrashRepair { crashes: verified.crashes, ..CrashRepair::default() });
        }
        Err(error) if is_damage(&error) => error.to_string(),
        Err(error) => return Err(error),
    };
    let folder = store.crashes();
    let repaired = folder.with_extension("repaired");
    let access = Access::read(store)?;
    let seal = seal_of(store, access.ring.as_ref())?;
    let mut done = CrashRepair { found: Some(found), ..CrashRepair::default() };
    {
        let salvaged = Salvaged::of(store, &folder, folder.with_extension("salvaged"), &seal)?;
        remove(&repaired)?;
        create(store, &repaired, access.ring.as_ref())?;
        let new = CrashWriter::of(Database::alone_at(store, &repaired)?);
        Rebuild { store, old: &salvaged, new: &new, dumps, done: &mut done }.run()?;
        new.database.flush_all()?;
    }
    let again = Database::alone_at(store, &repaired)?;
    done.crashes = again.verify()?.crashes;
    let head = again.head();
    drop(again);
    let io = |cause| Error::io(&folder, cause);
    let damaged = folder.with_extension("damaged");
    if folder.exists() {
        fs::rename(&folder, &damaged).map_err(io)?;
    }
    fs::rename(&repaired, &folder).and_then(|()| durable::sync_folder(&folder)).map_err(io)?;
    ack_of(&head).write(store, Which::Crashes)?;
    remove(&damaged)?;
    done.lost.sort_unstable();
    done.lost.dedup();
    Ok(done)
}

/// Takes back what a repair that was killed had not finished.
fn finish(store: &Store) -> Result<(), Error> {
    let folder = store.crashes();
    let damaged = folder.with_extension("damaged");
    if damaged.exists() {
        if folder.exists() {
            remove(&damaged)?;
        } else {
            fs::rename(&damaged, &folder).map_err(|cause| Error::io(&damaged, cause))?;
        }
    }
    ["repaired", "salvaged", "draft"]
        .into_iter()
        .try_for_each(|name| remove(&folder.with_extension(name)))
}

fn remove(folder: &Path) -> Result<(), Error> {
    durable::remove_folder(folder).map_err(|cause| Error::io(folder, cause))
}

/// Whether something was read that is not as it was written, or is missing. What RocksDB says may
/// also be an error of the disk: reading file by file tells.
fn is_damage(error: &Error) -> bool {
    matches!(
        error,
        Error::CrashRow(_)
            | Error::CrashesDamaged { .. }
            | Error::CrashDatabase { .. }
            | Error::Unacknowledged { .. }
            | Error::AckDamaged(_)
            | Error::DatabaseLost(_)
    )
}
