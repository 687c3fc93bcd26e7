//! What a fetch tells: what came of each module, and of all together.

use super::budget::Bound;
use crate::import::Failure;
use crate::layout::FileKind;

/// What came of one module.
#[derive(Debug)]
pub struct Fetched {
    /// In a word.
    pub status: FetchStatus,
    /// The files that are in the store now.
    pub files: Vec<FetchedFile>,
    /// What went wrong on the way.
    pub problems: Vec<Problem>,
}

/// What came of one module, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchStatus {
    /// At least one file is in the store.
    Fetched,
    /// No source has it.
    Absent,
    /// No source had it lately, and none was asked again.
    Remembered,
    /// A source could not be asked, or what came is not its file.
    Failed,
    /// The bytes or the time were used up.
    Bounded(Bound),
    /// No source has files like it.
    Unserved,
}

/// A file that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedFile {
    /// What kind of file it is.
    pub kind: FileKind,
    /// Where it comes from, without secrets.
    pub from: String,
    /// How many bytes of it came now: none if it was on this machine.
    pub bytes: u64,
}

/// Something that went wrong. Its text names the file or the source, and the fact.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A source could not be asked, or stopped to answer.
    #[error("{0}")]
    Unreachable(String),
    /// A source did not hand the file out.
    #[error("{file}: the server answered with status {status}")]
    Refused {
        /// Which file.
        file: String,
        /// What it answered.
        status: u16,
    },
    /// What came is not the file that was asked for.
    #[error("{file}: refused, as it is {what} and not of {id}")]
    Wrong {
        /// Which file.
        file: String,
        /// What it is.
        what: String,
        /// The id that was asked for.
        id: String,
    },
    /// It is packed in a way that is not read.
    #[error("{file}: a cabinet, which is not read")]
    Cabinet {
        /// Which file.
        file: String,
    },
    /// The folder of a source is not there.
    #[error("{0}: no such folder")]
    NoFolder(String),
    /// It is the right file, but nothing in it helps.
    #[error("{file}: has neither names nor unwind data, so it was not imported")]
    Useless {
        /// Which file.
        file: String,
    },
    /// The file cannot be imported.
    #[error(transparent)]
    Import(Failure),
    /// What comes cannot be kept on this machine.
    #[error("{0}")]
    Kept(String),
}

/// What came of all modules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchSummary {
    /// Modules of which a file came.
    pub fetched: u64,
    /// Those that no source has.
    pub absent: u64,
    /// Those that no source had lately.
    pub remembered: u64,
    /// Those that something went wrong with, so that nothing came.
    pub failed: u64,
    /// Those for which bytes or time were not enough.
    pub bounded: u64,
    /// Those that no source has files like.
    pub unserved: u64,
    /// Problems of those of which a file came all the same.
    pub problems: u64,
    /// Bytes that came from servers.
    pub bytes: u64,
    /// Sources that could not be reached so often that they were not asked any more.
    pub given_up: Vec<String>,
}

impl FetchSummary {
    pub(super) fn count(&mut self, fetched: &Fetched) {
        let counter = match fetched.status {
            FetchStatus::Fetched => &mut self.fetched,
            FetchStatus::Absent => &mut self.absent,
            FetchStatus::Remembered => &mut self.remembered,
            FetchStatus::Failed => &mut self.failed,
            FetchStatus::Bounded(_) => &mut self.bounded,
            FetchStatus::Unserved => &mut self.unserved,
        };
        *counter += 1;
        if fetched.status == FetchStatus::Fetched {
            self.problems += fetched.problems.len() as u64;
        }
    }
}
