//! Stored crashes: their reports, unchanged, and the group that each belongs to.
//!
//! ```text
//! STORE/crashes.lock   whoever changes crashes is alone with them; readers share
//! STORE/crashes/       RocksDB; rows.rs lists its rows, open.rs opens it, database.rs reads and changes.rs changes them
//! STORE/crashes.ack    how far it has to reach (store/ack.rs)
//! ```
//!
//! Reports are kept as they came, and beside each what grouping needs of it (chunk.rs). All else is computed from that by
//! [`crate::assess`], and can be computed again.

pub(crate) mod add;
pub(crate) mod changes;
pub(crate) mod chunk;
mod contest;
pub(crate) mod database;
mod format3;
mod ids;
pub(crate) mod ledger;
mod log;
mod missing;
mod open;
mod pack;
mod prepare;
mod read;
mod rebuild;
mod remove;
mod repair;
pub(crate) mod reports;
mod retention;
pub(crate) mod rows;
mod salvage;
pub(crate) mod state;
mod stored_report;
pub(crate) mod sum;
mod takeover;
mod verify;

use crate::store::{Error, Store};
pub use add::Added;
pub use chunk::{Chunk, Place, StoredCrash, StoredFrame, StoredImage, crash_stack, labelled_mapping, mapping_of};
use database::Database;
pub(crate) use format3::migrate;
pub use ids::{CrashId, GroupId, SignatureId};
pub use missing::Missing;
pub use prepare::{Incoming, Prepared};
pub use read::{Found, Listed};
pub use repair::{CrashRepair, LostCrash, repair};
pub use retention::{Going, Retention, RetentionPlan};
pub use state::{Failed, SignatureKind, Slot, Standing, State, Tally};
pub use verify::Verified;

/// The crashes of a store, open for reading.
#[derive(Debug)]
pub struct Crashes {
    pub(crate) database: Database,
}

/// The crashes of a store, open for changing.
#[derive(Debug)]
pub struct CrashWriter {
    pub(crate) crashes: Crashes,
}

impl Store {
    /// Opens crashes for reading, beside other readers. Waits while they are being changed.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn read_crashes(&self) -> Result<Crashes, Error> {
        Ok(Crashes { database: Database::read(self)? })
    }

    /// Opens crashes for changing, alone. Imports go on meanwhile.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn write_crashes(&self) -> Result<CrashWriter, Error> {
        Ok(CrashWriter { crashes: Crashes { database: Database::write(self)? } })
    }
}

impl std::ops::Deref for CrashWriter {
    type Target = Crashes;

    fn deref(&self) -> &Crashes {
        &self.crashes
    }
}
