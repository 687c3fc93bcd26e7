//! Minidumps as reports: their bytes are kept as they came, and what is grouped is read from them
//! again when other modules are in the store.

use symtool_report::CrashEvent;

use crate::stored::stored_report::Weight;
use symtool_store::Error;

/// Reads minidumps, and walks the stack that says where they crashed with the unwind data at hand.
pub trait ReadDumps: Send + Sync {
    /// What the minidump `bytes` says, or why nothing of it can be read. The same bytes and modules
    /// give the same.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn read(&self, bytes: &[u8]) -> Result<ReadDump, Error>;
}

impl<R: ReadDumps + ?Sized> ReadDumps for &R {
    fn read(&self, bytes: &[u8]) -> Result<ReadDump, Error> {
        (**self).read(bytes)
    }
}

/// What came of reading a minidump.
#[derive(Clone, Debug)]
pub enum ReadDump {
    /// It was read, and its stack walked.
    Walked(Box<WalkedDump>),
    /// Nothing of it can be read, and why.
    Unreadable(String),
}

/// What a minidump says.
#[derive(Clone, Debug)]
pub struct WalkedDump {
    /// The crash. Of the stack that says where it crashed both ends are enough; there is none if
    /// the dump lacks too much to be grouped.
    pub event: CrashEvent,
    /// How many frames that stack has.
    pub depth: u32,
    /// Images, by their index in [`WalkedDump::event`], whose unwind data the walk asked for. Frames
    /// need not lie in them.
    pub asked: Vec<usize>,
    /// How much it says.
    pub weight: Weight,
    /// What of it is missing, and what to do; absent if it is whole.
    pub damage: Option<String>,
}

/// Whether `report` is a minidump.
pub fn is_dump(report: &[u8]) -> bool {
    report.starts_with(b"MDMP") || report.starts_with(b"PMDM")
}
