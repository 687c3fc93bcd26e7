#![doc = include_str!("../README.md")]
//!
//! # Layers
//!
//! Each uses those before it:
//!
//! ```text
//! ids, limits
//! stored/       reports, frames, groups and runs as rows of a database
//! fingerprint/  what a crash is grouped by, under the symbols and rules of today
//! add/          reports -> crashes with a group
//! groups/       groups as people see them; plan.rs decides which crashes are together
//! reprocess/    moves crashes when symbols or rules have changed; undo
//! upkeep/       retention, removal, repair, migration
//! ```

#![deny(missing_docs, clippy::print_stdout, clippy::print_stderr)]

mod add;
pub mod fingerprint;
pub mod groups;
mod ids;
pub mod limits;
mod missing;
pub mod reprocess;
mod stored;
mod upkeep;

pub use add::{Added, Incoming, Prepared};
pub use ids::{CrashId, FingerprintId, GroupId};
pub use missing::{Missing, SeenImage, has_names};
pub use stored::{
    Cause, Chunk, CrashCounts, CrashWriter, Crashes, DumpFacts, Failed, FingerprintKind, Found,
    Gain, Listed, Merge, ModuleChange, Part, Place, ReadDump, ReadDumps, Reading, Rename, Report,
    ReportBytes, Run, RunKind, Slot, Split, Standing, State, StoredCrash, StoredDump, StoredDumps,
    StoredFrame, StoredImage, Tally, Verified, WalkedDump, Weight, crash_stack, dump_and_event,
    dump_tail, ends_like_tail, labelled_mapping, mapping_of,
};
pub use upkeep::{
    CrashRepair, Going, KeptDump, LostCrash, Retention, RetentionPlan, migrate, repair,
};
