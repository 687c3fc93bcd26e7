//! The journal: in, what a run changed; out, runs as they followed each other, and what undoes each.
//!
//! ```text
//! h run          Run, as JSON
//! j run part 0   rows of signatures, groups and aliases as they were before: Vec<Before>
//! j run part n   crashes and their states before and after: Vec<Moved>, those of some chunks
//! ```

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::report::Report;
use crate::crash::database::{Changes, Database};
use crate::crash::state::{Slot, State};
use crate::crash::{Crashes, rows};
use crate::store::Error;

/// Moves in one row, more or less: some 1 MB before compression.
const MOVES_PER_PART: usize = 1 << 14;

/// A run that was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its number, from 1.
    pub run: u64,
    /// What it was.
    pub kind: RunKind,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// The run that undid it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone_by: Option<u64>,
    /// What it did.
    pub report: Report,
}

/// What a run was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// `reprocess`.
    Reprocess,
    /// `groups merge`.
    Merge,
    /// `groups undo`, of the run with this number.
    Undo(u64),
}

/// A row as it was: absent if there was none.
pub type Before = (Vec<u8>, Option<Vec<u8>>);

/// A crash whose state changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Where it is.
    pub at: Slot,
    /// Before.
    pub old: State,
    /// After.
    pub new: State,
}

/// Writes `run` and what undoes it.
pub fn put(database: &Database, changes: &mut Changes<'_>, run: &Run, before: &[Before], moved: &[Moved]) -> Result<(), Error> {
    put_run(changes, run)?;
    let of_moved = || parts(moved).par_iter().map(|moved| database.encode_packed(moved)).collect::<Vec<_>>();
    let (before, parts) = rayon::join(|| database.encode_packed(&before), of_moved);
    for (part, packed) in (0..).zip(std::iter::once(before).chain(parts)) {
        changes.put_bytes(&rows::undo(run.run, part), &packed?)?;
    }
    Ok(())
}

/// Cut between chunks, so that each is in one part as a whole.
fn parts(moved: &[Moved]) -> Vec<&[Moved]> {
    let (mut parts, mut rest) = (Vec::new(), moved);
    while let Some(last) = rest.get(MOVES_PER_PART.min(rest.len()).saturating_sub(1)) {
        let (part, after) = rest.split_at(rest.partition_point(|moved| moved.at.chunk <= last.at.chunk));
        parts.push(part);
        rest = after;
    }
    parts
}

/// Writes `run` alone.
pub fn put_run(changes: &mut Changes<'_>, run: &Run) -> Result<(), Error> {
    // What has numbers and strings can always be written as JSON.
    let text = serde_json::to_vec(run).unwrap_or_default();
    changes.put_packed(&rows::run(run.run), &text)
}

/// The rows that `run` changed, as they were before it.
pub fn before(database: &Database, run: u64) -> Result<Vec<Before>, Error> {
    Ok(database.get_packed(&rows::undo(run, 0))?.unwrap_or_default())
}

/// Calls `each` with the crashes whose state `run` changed, some at a time.
pub fn each_moved(database: &Database, run: u64, mut each: impl FnMut(Vec<Moved>) -> Result<(), Error>) -> Result<(), Error> {
    database.each(&rows::all_undo(run), &rows::undo(run, 1), |_, value| {
        each(database.decode(&database.expand(&value)?)?)?;
        Ok(true)
    })
}

impl Crashes {
    /// All runs, the first first.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn runs(&self) -> Result<Vec<Run>, Error> {
        let mut runs = Vec::new();
        self.database.each(rows::area::RUNS, rows::area::RUNS, |_, value| {
            let text: Vec<u8> = self.database.decode(&self.database.expand(&value)?)?;
            runs.push(serde_json::from_slice(&text).map_err(|_| self.database.damaged())?);
            Ok(true)
        })?;
        Ok(runs)
    }
}
