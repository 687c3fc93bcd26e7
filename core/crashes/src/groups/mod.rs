//! Groups of signatures: what people call one bug.
//!
//! A crash has one signature, a signature belongs to one group, a group has any number of
//! signatures. A group's id stays for ever: one that is merged into another becomes an alias of it.
//! `plan.rs` decides, [`crate::reprocess`] carries out.

mod facets;
mod history;
mod marks;
mod news;
pub(crate) mod plan;
mod read;
mod release;
mod sort;
mod state;

pub use facets::{Counts, DAY_MS, Facets, Platform};
pub use history::{Difference, NoSuchRun, Streams};
pub use marks::{CannotMark, GroupMarks, Mark, MarkKind};
pub use news::{Days, NewsMark};
pub use read::{Group, GroupFingerprint};
pub use release::LatestReleases;
pub use sort::GroupSort;
pub use state::{CountedCrashes, CrashSums, GroupState, LineError, NotMadeOf, Planned};
