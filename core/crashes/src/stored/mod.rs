//! Stored crashes: their reports, unchanged, and the group that each belongs to.
//!
//! ```text
//! STORE/crashes.lock   whoever changes crashes is alone with them; readers share
//! STORE/crashes/       RocksDB; rows.rs lists its rows, open.rs opens it, database.rs reads and changes.rs changes them
//! STORE/crashes.ack    how far it has to reach ([`symtool_store::database::ack`])
//! ```
//!
//! Reports are kept as they came, and beside each what grouping needs of it (chunk.rs). All else is
//! computed from that by [`crate::fingerprint`], and can be computed again.

pub(crate) mod changes;
pub(crate) mod chunk;
pub(crate) mod counters;
pub(crate) mod database;
pub(crate) mod dump;
pub(crate) mod joined;
pub(crate) mod journal;
pub(crate) mod log;
pub(crate) mod open;
pub(crate) mod pack;
pub(crate) mod read;
pub(crate) mod report;
mod report_bytes;
pub(crate) mod reports;
pub(crate) mod rows;
pub(crate) mod salvage;
mod space;
pub(crate) mod state;
mod stored_dump;
pub(crate) mod stored_report;
pub(crate) mod sum;
pub(crate) mod tally_changes;
mod verify;

use symtool_store::{Error, Store};

pub use chunk::{
    Chunk, Place, StoredCrash, StoredFrame, StoredImage, crash_stack, labelled_mapping, mapping_of,
};
use database::Database;
pub use dump::{
    ReadDump, ReadDumps, Reading, WalkedDump, dump_and_event, dump_tail, ends_like_tail,
};
pub use journal::{Run, RunKind};
pub use read::{DumpFacts, Found, Listed};
pub use report::{Cause, CrashCounts, Gain, Merge, ModuleChange, Part, Rename, Report, Split};
pub use report_bytes::ReportBytes;
pub use state::{Failed, FingerprintKind, Slot, Standing, State, Tally};
pub use stored_dump::{StoredDump, StoredDumps};
pub use stored_report::Weight;
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
    /// Whether counters were made when it was opened.
    pub(crate) has_counted: bool,
}

impl Crashes {
    /// Opens the crashes of `store` for reading, beside other readers. Waits while they are being
    /// changed.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn open(store: &Store) -> Result<Self, Error> {
        Ok(Self { database: Database::read(store)? })
    }

    /// How many rows were read, or looked for, since this was opened: what work depends on, for
    /// tests.
    pub fn rows_read(&self) -> u64 {
        self.database.rows_read()
    }

    /// How many bytes of rows were written since this was opened, for tests.
    pub fn bytes_written(&self) -> u64 {
        self.database.bytes_written()
    }
}

impl CrashWriter {
    /// Opens the crashes of `store` for changing, alone. Imports go on meanwhile. If an earlier
    /// version wrote them, which kept no counters, these are made first.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn open(store: &Store) -> Result<Self, Error> {
        let database = Database::write(store)?;
        let has_counted = database.keep_counters()?;
        reports::sweep_ahead(&database)?;
        Ok(Self { crashes: Crashes { database }, has_counted })
    }

    /// How many crashes were counted when this was opened; `None` if counters were kept already, or
    /// there was nothing to count.
    pub fn newly_counted(&self) -> Option<u64> {
        Some(self.database.head().crashes).filter(|crashes| self.has_counted && *crashes > 0)
    }

    /// A writer of a database that has not taken its place yet.
    pub(crate) fn of(database: Database) -> Self {
        Self { crashes: Crashes { database }, has_counted: false }
    }
}

impl std::ops::Deref for CrashWriter {
    type Target = Crashes;

    fn deref(&self) -> &Crashes {
        &self.crashes
    }
}
