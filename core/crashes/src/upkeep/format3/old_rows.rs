//! Rows of format 3, as far as they differ from today's.
//!
//! ```text
//! m                    Meta                             r chunk(8) last slot(2)   some reports
//! c chunk(8)           Chunk                            s chunk(8)                Vec<State>
//! t signature(16)      counts, made anew                g group(8)                GroupRow
//! f crash(10)          Failed, with its report          h run(8)                  Run as JSON, with its report
//! j run(8) part 0      rows before it                   j run(8) part n           Vec<Moved>
//! ```
//!
//! `i`, `x`, `n` and `a` are as they were.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{CrashId, FingerprintId, GroupId};
use crate::stored::state::{Slot, Standing, State};

/// What came next, and what the last run knew.
#[derive(Debug, Default, Deserialize)]
pub struct Meta {
    pub next_chunk: u64,
    pub next_run: u64,
    pub crashes: u64,
    pub _rules: u128,
    pub _engine: u32,
    pub _modules: Vec<([u8; 16], u64)>,
}

/// What came of a crash.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct OldState {
    signature: FingerprintId,
    digest: u64,
    resolved: u32,
    is_gone: bool,
}

impl OldState {
    /// The same today.
    pub fn state(self) -> State {
        let standing = if self.is_gone { Standing::Removed } else { Standing::Shown };
        State { signature: self.signature, digest: self.digest, resolved: self.resolved, standing }
    }
}

/// A crash whose state changed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct OldMoved {
    pub at: Slot,
    pub old: OldState,
    pub new: OldState,
}

/// A group.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct OldGroup {
    pub signatures: BTreeSet<FingerprintId>,
    pub aliases: BTreeSet<GroupId>,
}

/// A report that cannot be read.
#[derive(Debug, Deserialize)]
pub struct OldFailed {
    pub id: CrashId,
    pub source: String,
    pub error: String,
    pub report: Vec<u8>,
}

/// A row as it was before a run.
pub type Before = (Vec<u8>, Option<Vec<u8>>);
