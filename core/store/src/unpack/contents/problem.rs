//! What can be wrong with a block of a module.

use std::fmt;

use crate::block::{Damage, Kind};

/// A block that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What the block holds.
    pub kind: Kind,
    /// The last address or number that it covers, by which it is filed.
    pub last: u64,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Record => write!(f, "the record: {}", self.fault),
            kind => {
                write!(f, "the block of {} ending at {:#x}: {}", kind.name(), self.last, self.fault)
            }
        }
    }
}

/// What can be wrong with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It cannot be opened or decoded.
    #[error("{0}")]
    Damage(#[from] Damage),
    /// It does not begin where the block before it ends.
    #[error("it begins at {first:#x}, but {expected:#x} was to come")]
    Order {
        /// Where it begins.
        first: u64,
        /// Where it should begin, or may begin at the earliest.
        expected: u64,
    },
    /// It holds more or less than it is filed for.
    #[error("it ends at {found:#x}, not where it is filed")]
    Extent {
        /// Where it ends.
        found: u64,
    },
    /// A range that is empty, or that begins before the one before it ends.
    #[error("the range at {start:#x} is empty or overlaps the one before it")]
    Range {
        /// Where the range begins.
        start: u64,
    },
    /// It refers to what is not there.
    #[error("it refers to {what} {number}, which does not exist")]
    Reference {
        /// A file, function or site.
        what: &'static str,
        /// Its number.
        number: u64,
    },
    /// The record counted otherwise.
    #[error("it says {expected} {what}, but there are {found}")]
    Count {
        /// What was counted.
        what: &'static str,
        /// The record's count.
        expected: u64,
        /// The true count.
        found: u64,
    },
}
