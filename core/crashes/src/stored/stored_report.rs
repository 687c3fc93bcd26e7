//! What is known of a stored report besides the crash: where it lies, when it came, and how much it
//! says.

use std::borrow::Cow;
use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use symtool_report::{CrashEvent, DropCounts};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::limits::CHUNK_BYTES;
use crate::stored::changes::{Changes, Old};
use crate::stored::chunk::crash_stack;
use crate::stored::dump::is_dump;
use crate::stored::reports::{self, Stream};
use crate::stored::state::Slot;
use crate::stored::{Crashes, ReportBytes, rows};
use symtool_store::Error;

/// A report of a chunk. They lie one behind the other in one stream of bytes, also those that were
/// removed, whose bytes are zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredReport {
    /// Its size.
    pub bytes: u64,
    /// When it came, in milliseconds since 1970.
    pub arrived_ms: u64,
    /// How much it says.
    pub weight: Weight,
}

/// How much a report says: of several reports of one crash the greatest is shown and grouped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Weight {
    /// Whether all of it could be taken in.
    pub is_whole: bool,
    /// Frames of the stack that says where it crashed that have a name, or lie in a module.
    pub frames: u32,
    /// Threads and exceptions.
    pub stacks: u32,
}

impl Weight {
    /// Of a report that was read.
    pub fn of(event: &CrashEvent) -> Self {
        let (stack, _) = crash_stack(event);
        let says = |frame: &&symtool_report::Frame| {
            frame.function.is_some()
                || frame.raw_function.is_some()
                || event.lookup(frame).is_some()
        };
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            is_whole: event.dropped == DropCounts::default(),
            frames: count(stack.iter().filter(says).count()),
            stacks: count(event.stacks().count()),
        }
    }

    /// Orders reports of one crash: the greatest says most. It does not depend on which came first.
    pub fn rank(self, contents: Contents) -> (Self, u64, Reverse<u128>) {
        (self, contents.bytes, Reverse(contents.hash))
    }

    /// The same order as a text: the greatest comes last.
    pub fn sortable(self, contents: Contents) -> String {
        let (Self { is_whole, frames, stacks }, bytes, Reverse(hash)) = self.rank(contents);
        format!("{}{frames:08x}{stacks:08x}{bytes:016x}{:032x}", u8::from(is_whole), !hash)
    }
}

/// Tells what a report holds from what others hold. White space around a text does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Contents {
    bytes: u64,
    hash: u128,
}

impl Contents {
    /// What `report` holds.
    pub fn of(report: &[u8]) -> Self {
        let held = if is_dump(report) { report } else { report.trim_ascii() };
        Self { bytes: held.len() as u64, hash: xxh3_128(held) }
    }

    /// What a report holds that is on its way in.
    pub fn of_coming(report: &ReportBytes) -> Self {
        if !is_dump(report) {
            return Self::of(report);
        }
        let mut hash = Xxh3::new();
        report.each_piece(|piece| hash.update(piece));
        Self { bytes: report.len() as u64, hash: hash.digest128() }
    }
}

/// Puts what is known of the reports of a new chunk, in two rows: if both were lost, intact reports
/// could not be told from each other.
pub fn put(changes: &mut Changes<'_>, chunk: u64, reports: &[StoredReport]) -> Result<(), Error> {
    let packed = changes.packed(&reports)?;
    changes.put_bytes(rows::stored_reports(chunk), Old::Absent, packed.clone())?;
    changes.put_bytes(rows::stored_reports_copy(chunk), Old::Absent, packed)
}

/// The size of the stream of these reports.
pub fn total(reports: &[StoredReport]) -> u64 {
    reports.iter().map(|report| report.bytes).sum()
}

/// Where the report in `slot` lies in the stream: offsets of its first byte and behind its last
/// one.
pub fn extent(reports: &[StoredReport], slot: u16) -> Option<(u64, u64)> {
    let slot = usize::from(slot);
    let start: u64 = reports.get(..slot)?.iter().map(|report| report.bytes).sum();
    Some((start, start + reports.get(slot)?.bytes))
}

/// Reads reports one after the other: those that follow each other from one part.
#[derive(Debug)]
pub struct ReportReader<'c> {
    crashes: &'c Crashes,
    /// A chunk, its reports, and where each of them begins.
    chunk: Option<(u64, Vec<StoredReport>, Vec<u64>)>,
    /// The chunk and the offset of a part, and its bytes.
    part: Option<(u64, u64, Vec<u8>)>,
}

impl<'c> ReportReader<'c> {
    /// Of the reports in `crashes`.
    pub fn new(crashes: &'c Crashes) -> Self {
        Self { crashes, chunk: None, part: None }
    }

    /// How much the report at `at` says, and what it holds: nothing, if it was dropped. A large
    /// minidump is not held in memory.
    ///
    /// # Errors
    /// Any [`Error`]; also if there is no such report.
    pub fn contents(&mut self, at: Slot) -> Result<(Weight, Contents), Error> {
        let (StoredReport { bytes, weight, .. }, start) = self.stored(at)?;
        let dropped = (Weight::default(), Contents { bytes, hash: 0 });
        // No report begins with a zero.
        let is_zero = |part: &[u8]| part.first() == Some(&0);
        if bytes > CHUNK_BYTES as u64 {
            let (mut hash, mut begins) = (Xxh3::new(), None);
            let stream = Stream::Chunk(at.chunk);
            reports::each(&self.crashes.database, stream, (start, start + bytes), |part| {
                hash.update(part);
                Ok(begins.get_or_insert((is_zero(part), is_dump(part))).1)
            })?;
            match begins {
                Some((true, _)) => return Ok(dropped),
                Some((_, true)) => {
                    return Ok((weight, Contents { bytes, hash: hash.digest128() }));
                }
                _ => {}
            }
        }
        let (weight, report) = self.get(at)?;
        Ok(if is_zero(&report) { dropped } else { (weight, Contents::of(&report)) })
    }

    /// What is known of the report at `at`, and where it begins in its stream.
    fn stored(&mut self, at: Slot) -> Result<(StoredReport, u64), Error> {
        let Self { crashes, chunk, .. } = self;
        if chunk.as_ref().is_none_or(|(number, ..)| *number != at.chunk) {
            let reports = crashes.stored_reports(at.chunk)?;
            let mut end = 0;
            let starts = reports.iter().map(|report| (end, end += report.bytes).0).collect();
            *chunk = Some((at.chunk, reports, starts));
        }
        let slot = usize::from(at.slot);
        let found = chunk
            .as_ref()
            .and_then(|(_, reports, starts)| Some((*reports.get(slot)?, *starts.get(slot)?)));
        found.ok_or_else(|| crashes.database.damaged())
    }

    /// The report at `at`, and how much it says.
    ///
    /// # Errors
    /// Any [`Error`]; also if there is no such report.
    pub fn get(&mut self, at: Slot) -> Result<(Weight, Cow<'_, [u8]>), Error> {
        let (report, start) = self.stored(at)?;
        let Self { crashes, part, .. } = self;
        let holds = |(number, first, bytes): &(u64, u64, Vec<u8>)| {
            *number == at.chunk
                && *first <= start
                && start + report.bytes <= first + bytes.len() as u64
        };
        if !part.as_ref().is_some_and(holds) {
            *part = reports::part(&crashes.database, at.chunk, start)?
                .map(|(first, bytes)| (at.chunk, first, bytes));
        }
        let of_part = part.as_ref().filter(|part| holds(part)).and_then(|(_, first, bytes)| {
            let from = usize::try_from(start - first).ok()?;
            bytes.get(from..from + usize::try_from(report.bytes).ok()?)
        });
        let bytes = match of_part {
            Some(bytes) => Cow::Borrowed(bytes),
            None => Cow::Owned(reports::get(
                &crashes.database,
                Stream::Chunk(at.chunk),
                (start, start + report.bytes),
            )?),
        };
        Ok((report.weight, bytes))
    }
}
