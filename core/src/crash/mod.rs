//! Stored crashes: in, reports; out, the same reports for ever, and which group each belongs to.
//!
//! ```text
//! STORE/crashes.lock   whoever changes crashes is alone with them; readers share
//! STORE/crashes/       RocksDB; rows.rs lists its rows, database.rs opens and seals them
//! ```
//!
//! Reports are kept as they came, and beside each what grouping needs of it (chunk.rs). All else is computed from that by
//! [`crate::assess`], and can be computed again.

pub(crate) mod add;
pub(crate) mod chunk;
pub(crate) mod database;
mod ids;
pub(crate) mod ledger;
mod missing;
mod pack;
mod prepare;
mod read;
mod remove;
pub(crate) mod reports;
pub(crate) mod rows;
pub(crate) mod state;

use crate::store::{Error, Store};
pub use add::Added;
pub use chunk::{Chunk, Place, StoredCrash, StoredFrame, StoredImage, crash_stack, labelled_mapping, mapping_of};
use database::Database;
pub use ids::{CrashId, GroupId, SignatureId};
pub use missing::Missing;
pub use prepare::{Incoming, Prepared};
pub use read::{Found, Listed};
pub use state::{Failed, SignatureKind, Slot, State, Tally};

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

/// Copies the crashes of `old`, a store of format 3, into `new`. Both are locked.
///
/// # Errors
/// Any [`Error`]; `old` is not changed.
pub(crate) fn migrate(old: &Store, new: &Store) -> Result<(), Error> {
    database::migrate(old, new)
}

impl std::ops::Deref for CrashWriter {
    type Target = Crashes;

    fn deref(&self) -> &Crashes {
        &self.crashes
    }
}
