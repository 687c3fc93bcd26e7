//! Fetches the files of modules that crashes wait for: what is wanted, who is asked, and what is told.

#![expect(dead_code, reason = "who asks for files comes next")]

mod budget;
mod limits;
mod misses;
mod source;
mod told;
mod transfer;
mod wanted;

pub use budget::Bound;
pub use source::{Source, SourcePlace, Use};
pub use told::{FetchStatus, FetchSummary, Fetched, FetchedFile, Problem};
pub use wanted::{WantedModule, wanted};

pub use crate::layout::{FileKind, Layout};
