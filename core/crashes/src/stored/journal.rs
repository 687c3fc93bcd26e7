//! The journal: runs as they followed each other, and what undoes each.
//!
//! ```text
//! h run             RunRow: the run was carried out; what follows belongs to it
//! j run 0 part      its report, as JSON
//! j run 1 part      rows of signatures, groups and aliases, before and after: Vec<RowChange>
//! j run 2 part      crashes and their states before and after, those of some chunks: Vec<Moved>
//! ```
//!
//! Parts have some 1 MB before compression and are written before the run is carried out, some at a
//! time. Those of a run without a row are a killed writer's: nobody reads them, and the next run
//! sweeps them away. States and rows are there as they will be, too, so that a later version can
//! carry out a run in parts.

use rayon::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::stored::changes::{ChangedRow, Old};
use crate::stored::database::Database;
use crate::stored::joined::Joined;
use crate::stored::report::Report;
use crate::stored::state::{Slot, State};
use crate::stored::{CrashWriter, Crashes, rows};
use symtool_store::Error;

/// Bytes in one part, more or less, before compression.
const PART_BYTES: usize = 1 << 20;
/// Moves in one part, more or less.
const MOVES_PER_PART: usize = 1 << 14;
/// Parts that are written at once.
const PARTS_AT_ONCE: usize = 16;

/// What a part holds.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Report = 0,
    Rows = 1,
    Moves = 2,
}

/// A run that was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// `reprocess`.
    Reprocess,
    /// `groups merge`.
    Merge,
    /// `groups undo`, of the run with this number.
    Undo(u64),
}

/// A row that changed. Absent values stand for no row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowChange {
    /// Its key.
    pub key: Vec<u8>,
    /// Its value before.
    pub before: Option<Vec<u8>>,
    /// Its value after.
    pub after: Option<Vec<u8>>,
}

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

/// What makes a run stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRow {
    kind: RunKind,
    at_ms: u64,
    undone_by: Option<u64>,
    /// How many parts it has of each kind.
    parts: [u32; 3],
}

impl RunRow {
    /// Whether all of its parts are there; `count` says how many there are of each kind.
    pub fn is_whole(&self, count: [u32; 3]) -> bool {
        self.parts == count
    }

    /// The same, undone by run `by`.
    #[must_use]
    pub fn undone(self, by: u64) -> Self {
        Self { undone_by: Some(by), ..self }
    }
}

/// The parts of a run.
#[derive(Debug)]
pub struct Parts {
    /// Those that are written together with the run's row.
    pub rows: Vec<ChangedRow>,
    /// The run's row.
    pub run: RunRow,
}

impl CrashWriter {
    /// Writes the parts of `run`, which is to be carried out next, but for the last ones, which go
    /// along with that. Until it is, they do not count.
    pub(crate) fn write_parts(
        &self,
        run: &Run,
        of_rows: &[RowChange],
        moved: &[Moved],
    ) -> Result<Parts, Error> {
        let database = &self.database;
        self.sweep_parts(run.run)?;
        let report = report_text(run);
        let parts = cut(&report, of_rows, moved);
        let ready = |parts: &[Part<'_>]| {
            parts
                .par_iter()
                .map(|part| part.row(database, run.run))
                .collect::<Result<Vec<ChangedRow>, Error>>()
        };
        let mut rest = parts.as_slice();
        while let Some((first, after)) = rest.split_at_checked(PARTS_AT_ONCE) {
            let mut changes = database.changes();
            ready(first)?.into_iter().for_each(|row| changes.take(row));
            changes.commit()?;
            rest = after;
        }
        Ok(Parts { rows: ready(rest)?, run: row_of(run, &parts) })
    }

    /// Removes parts of runs from `next` on, which were never carried out.
    fn sweep_parts(&self, next: u64) -> Result<(), Error> {
        let mut changes = self.database.changes();
        self.database.each(rows::area::JOURNAL, &rows::journal_of_run(next), |key, value| {
            changes.delete(key.to_vec(), Old::Value(&value))?;
            Ok(true)
        })?;
        if changes.is_empty() { Ok(()) } else { changes.commit() }
    }
}

/// A part of a run.
#[derive(Clone, Copy, Debug)]
struct Part<'a> {
    kind: Kind,
    number: u32,
    content: Content<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Content<'a> {
    Report(&'a [u8]),
    Rows(&'a [RowChange]),
    Moves(&'a [Moved]),
}

impl Part<'_> {
    fn row(&self, database: &Database, run: u64) -> Result<ChangedRow, Error> {
        let packed = match self.content {
            Content::Report(text) => database.pack(text),
            Content::Rows(rows) => database.encode_packed(&rows),
            Content::Moves(moved) => database.encode_packed(&moved),
        };
        database.changed(
            rows::journal(run, self.kind as u8, self.number),
            Old::Absent,
            Some(packed?),
        )
    }
}

fn report_text(run: &Run) -> Vec<u8> {
    // What has numbers and strings can always be written as JSON.
    serde_json::to_vec(&run.report).unwrap_or_default()
}

/// All parts of a run.
fn cut<'a>(report: &'a [u8], changed: &'a [RowChange], moved: &'a [Moved]) -> Vec<Part<'a>> {
    let part = |kind| move |(number, content)| Part { kind, number, content };
    let reports = (0..).zip(report.chunks(PART_BYTES).map(Content::Report)).map(part(Kind::Report));
    let changed =
        (0..).zip(row_parts(changed).into_iter().map(Content::Rows)).map(part(Kind::Rows));
    let of_crashes =
        (0..).zip(move_parts(moved).into_iter().map(Content::Moves)).map(part(Kind::Moves));
    reports.chain(changed).chain(of_crashes).collect()
}

/// All parts of a run, as rows that are new.
pub fn parts(
    database: &Database,
    run: &Run,
    changed: &[RowChange],
    moved: &[Moved],
) -> Result<Parts, Error> {
    let report = report_text(run);
    let parts = cut(&report, changed, moved);
    let rows =
        parts.iter().map(|part| part.row(database, run.run)).collect::<Result<_, Error>>()?;
    Ok(Parts { rows, run: row_of(run, &parts) })
}

fn row_of(run: &Run, parts: &[Part<'_>]) -> RunRow {
    let mut count = [0; 3];
    parts.iter().for_each(|part| count[part.kind as usize] += 1);
    RunRow { kind: run.kind, at_ms: run.at_ms, undone_by: run.undone_by, parts: count }
}

/// Cut by size.
fn row_parts(changed: &[RowChange]) -> Vec<&[RowChange]> {
    let (mut parts, mut rest) = (Vec::new(), changed);
    while !rest.is_empty() {
        let mut bytes = 0;
        let size = |row: &RowChange| {
            row.key.len()
                + [&row.before, &row.after].into_iter().flatten().map(Vec::len).sum::<usize>()
        };
        let fits = rest.iter().take_while(|row| {
            bytes += size(row);
            bytes <= PART_BYTES
        });
        let (part, after) = rest.split_at(fits.count().max(1));
        parts.push(part);
        rest = after;
    }
    parts
}

/// Cut between chunks, so that each is in one part as a whole.
fn move_parts(moved: &[Moved]) -> Vec<&[Moved]> {
    let (mut parts, mut rest) = (Vec::new(), moved);
    while let Some(last) = rest.get(MOVES_PER_PART.min(rest.len()).saturating_sub(1)) {
        let (part, after) =
            rest.split_at(rest.partition_point(|moved| moved.at.chunk <= last.at.chunk));
        parts.push(part);
        rest = after;
    }
    parts
}

/// Calls `each` with the rows that `run` changed, some at a time.
pub fn each_row(
    database: &Database,
    run: u64,
    each: impl FnMut(Vec<RowChange>) -> Result<(), Error>,
) -> Result<(), Error> {
    each_part(database, run, Kind::Rows, each)
}

/// Calls `each` with the crashes whose state `run` changed, some at a time: where they are now.
/// Those of some chunks come together, unless chunks were joined since.
pub fn each_moved(
    database: &Database,
    run: u64,
    mut each: impl FnMut(Vec<Moved>) -> Result<(), Error>,
) -> Result<(), Error> {
    let joined = Joined::read(database)?;
    each_part(database, run, Kind::Moves, |mut moved: Vec<Moved>| {
        joined.moves(&mut moved);
        each(moved)
    })
}

fn each_part<T: DeserializeOwned>(
    database: &Database,
    run: u64,
    kind: Kind,
    mut each: impl FnMut(T) -> Result<(), Error>,
) -> Result<(), Error> {
    let prefix = rows::journal_of(run, kind as u8);
    database.each(&prefix, &prefix, |_, value| {
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
        let database = &self.database;
        let mut runs = Vec::new();
        database.each(rows::area::RUNS, rows::area::RUNS, |key, value| {
            let RunRow { kind, at_ms, undone_by, .. } = database.decode(&value)?;
            let run = rows::last_number(key).ok_or_else(|| database.damaged())?;
            let (mut text, prefix) = (Vec::new(), rows::journal_of(run, Kind::Report as u8));
            database.each(&prefix, &prefix, |_, part| {
                text.extend_from_slice(&database.expand(&part)?);
                Ok(true)
            })?;
            let report = serde_json::from_slice(&text).map_err(|_| database.damaged())?;
            runs.push(Run { run, kind, at_ms, undone_by, report });
            Ok(true)
        })?;
        Ok(runs)
    }
}
