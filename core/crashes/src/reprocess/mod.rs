//! Moves stored crashes to the groups where they belong under the symbols and rules of today.
//!
//! ```text
//! select    crashes that may have changed: by the index of images, those of modules that came, changed or went (select.rs)
//!   -> assess    those whose digest has changed (crate::fingerprint)
//!   -> propose   which crashes move, which groups there will be (propose/; crate::groups::plan decides)
//!   -> report    what that means for people (report_builder.rs, report.rs)
//!   -> apply     all of it in one write, with what undoes it (apply.rs, journal.rs, undo.rs)
//! ```
//!
//! The crashes can be assessed in shards (shard/mod.rs); all else is done once.
//!
//! Nothing is changed before the last step, and that one is atomic: a run that is killed has
//! changed nothing, or all that it would, and the next one goes on from there. A run that finds
//! nothing to change leaves no trace.
//!
//! *Never worse*: a crash of which fewer frames are resolved than before, because a module has
//! gone, keeps what it had.

mod apply;
mod by_hand;
mod propose;
mod report_builder;
mod select;
mod shard;
mod undo;

pub use by_hand::CannotMerge;
pub use propose::Proposal;
pub use shard::{Shard, ShardAnswers, ShardWritten, ShardsMissing};
pub use undo::CannotUndo;
