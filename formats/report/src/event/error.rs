//! What can be wrong with a report as a whole, in one sentence with the next step.

use std::fmt;

use super::format::Format;

/// Where in the report's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A byte offset, from 0. JSON often has one line only.
    Byte(usize),
    /// A line, from 1.
    Line(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Byte(at) => write!(f, "byte {at}"),
            Self::Line(number) => write!(f, "line {number}"),
        }
    }
}

/// A report that cannot be read. The message names no file: whoever read the bytes knows it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CrashError {
    /// Neither a format that is read, nor a trace of any kind.
    #[error(
        "not a crash report ({found}); pass Sentry event JSON, an Android tombstone or logcat, an Apple .crash or .ips file, \
         KSCrash JSON, or a stack trace"
    )]
    NotACrash {
        /// What it seems to be.
        found: &'static str,
    },
    /// It ends within one of its parts.
    #[error("{format}: truncated at {place} ({fact}); fetch it again, or send it whole")]
    Truncated {
        /// What it would have been.
        format: Format,
        /// Where it ends.
        place: Place,
        /// What is missing.
        fact: &'static str,
    },
    /// It contradicts its format.
    #[error("{format}: damaged at {place} ({fact}); fetch it again, or send it as it was written")]
    Malformed {
        /// What it would have been.
        format: Format,
        /// Where it is wrong.
        place: Place,
        /// What is wrong.
        fact: &'static str,
    },
    /// It is larger than a report may be.
    #[error(
        "report of {bytes} bytes, of which {} are the most that is read; leave out attachments and memory dumps",
        crate::limits::MAX_REPORT_BYTES
    )]
    TooLarge {
        /// Its size, as far as it was seen.
        bytes: u64,
    },
}
