//! Raw reports: those of a chunk are one stream of bytes, stored in parts of at most 1 MiB, so that
//! one of any size can be read in bounded memory.
//!
//! ```text
//! stream   report 0 | report 1 | report 2 …           stored_report.rs says where each begins
//! parts    each filed under the offset at which it ends: one seek finds the part that holds an offset
//! ```
//!
//! A part holds whole reports as far as they fit, so that most reports are read from one. What is
//! removed becomes zeros, which compress to nothing, and a part of nothing else goes: offsets stay
//! as they are.

use std::borrow::Cow;
use std::io;
use std::ops::Range;

use rayon::prelude::*;

use crate::limits::REPORT_PART_BYTES;
use crate::stored::changes::{Changes, Old};
use crate::stored::database::Database;
use crate::stored::dump::is_dump;
use crate::stored::{ReportBytes, pack, rows};
use symtool_store::Error;

/// A part of a stream, compressed.
#[derive(Debug)]
pub struct Packed {
    /// The offset behind its last byte.
    pub end: u64,
    /// As they are stored.
    pub bytes: Vec<u8>,
}

/// Whose stream it is.
#[derive(Clone, Copy, Debug)]
pub enum Stream {
    /// That of the reports of a chunk.
    Chunk(u64),
    /// That of a report that cannot be read.
    Failed(crate::ids::CrashId),
}

impl Stream {
    fn parts(self) -> Vec<u8> {
        match self {
            Self::Chunk(chunk) => rows::report_parts(chunk),
            Self::Failed(id) => rows::failed_parts(id),
        }
    }

    fn part(self, end: u64) -> Vec<u8> {
        match self {
            Self::Chunk(chunk) => rows::report_part(chunk, end),
            Self::Failed(id) => rows::failed_part(id, end),
        }
    }
}

/// Where a part ends, what it is made of, and whether minidumps are.
type Pieces<'r> = (u64, Vec<&'r [u8]>, bool);

/// Compresses `reports`, one behind the other.
pub fn pack(reports: &[&[u8]]) -> io::Result<Vec<Packed>> {
    let mut parts: Vec<Pieces<'_>> = Vec::new();
    let mut end = 0;
    let mut free = 0;
    for report in reports {
        let is_dump = is_dump(report);
        for piece in report.chunks(REPORT_PART_BYTES) {
            end += piece.len() as u64;
            match parts.last_mut().filter(|_| piece.len() <= free) {
                Some((last, pieces, has_dumps)) => {
                    *last = end;
                    pieces.push(piece);
                    *has_dumps |= is_dump;
                    free -= piece.len();
                }
                None => {
                    parts.push((end, vec![piece], is_dump));
                    free = REPORT_PART_BYTES - piece.len();
                }
            }
        }
    }
    let pack = |(end, pieces, has_dumps): &Pieces<'_>| {
        let bytes = match &pieces[..] {
            [only] => Cow::Borrowed(*only),
            pieces => Cow::Owned(pieces.concat()),
        };
        let pack = if *has_dumps { pack::pack_dumps } else { pack::pack };
        Ok(Packed { end: *end, bytes: pack(&bytes)? })
    };
    parts.par_iter().map(pack).collect()
}

/// Compresses those of the parts of `report` that have these numbers, one behind the other.
pub fn pack_some(report: &ReportBytes, parts: Range<usize>) -> io::Result<Vec<Packed>> {
    let pack = if is_dump(report) { pack::pack_dumps } else { pack::pack };
    let pack = |number: usize| {
        let start = (number * REPORT_PART_BYTES).min(report.len());
        let end = (start + REPORT_PART_BYTES).min(report.len());
        let part = &report[start..end];
        let packed = Packed { end: end as u64, bytes: pack(part)? };
        report.release(part);
        Ok(packed)
    };
    parts.into_par_iter().map(pack).collect()
}

/// Puts the parts of a new stream.
pub fn put(
    database: &Database,
    changes: &mut Changes<'_>,
    stream: Stream,
    packed: Vec<Packed>,
) -> Result<(), Error> {
    let row = |Packed { end, bytes }| database.changed(stream.part(end), Old::Absent, Some(bytes));
    let rows: Vec<_> = packed.into_par_iter().map(row).collect::<Result<_, Error>>()?;
    rows.into_iter().for_each(|row| changes.take(row));
    Ok(())
}

/// Calls `each` with the bytes of `stream` from offset `start` to before `end`, some at a time, in
/// order, until it says no.
pub fn each(
    database: &Database,
    stream: Stream,
    (start, end): (u64, u64),
    mut each: impl FnMut(&[u8]) -> Result<bool, Error>,
) -> Result<(), Error> {
    let (mut reached, mut is_wanted) = (start, true);
    if start == end {
        return Ok(());
    }
    database.each(&stream.parts(), &stream.part(start + 1), |key, value| {
        let part = database.expand(&value)?;
        let part_end = rows::last_number(key).ok_or_else(|| database.damaged())?;
        let part_start = part_end
            .checked_sub(part.len() as u64)
            .filter(|start| *start <= reached)
            .ok_or_else(|| database.damaged())?;
        let at = |offset: u64| usize::try_from(offset - part_start).unwrap_or(usize::MAX);
        let to = end.min(part_end);
        is_wanted = each(part.get(at(reached)..at(to)).ok_or_else(|| database.damaged())?)?;
        reached = to;
        Ok(is_wanted && reached < end)
    })?;
    if reached == end || !is_wanted { Ok(()) } else { Err(database.damaged()) }
}

/// The part of a chunk's stream that holds the offset `at`, and where it begins.
pub fn part(database: &Database, chunk: u64, at: u64) -> Result<Option<(u64, Vec<u8>)>, Error> {
    let mut found = None;
    database.each(
        &rows::report_parts(chunk),
        &rows::report_part(chunk, at + 1),
        |key, value| {
            let part = database.expand(&value)?;
            let end = rows::last_number(key).ok_or_else(|| database.damaged())?;
            found = end
                .checked_sub(part.len() as u64)
                .filter(|start| *start <= at)
                .map(|start| (start, part));
            Ok(false)
        },
    )?;
    Ok(found)
}

/// The bytes of `stream` from offset `start` to before `end`.
pub fn get(database: &Database, stream: Stream, extent: (u64, u64)) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    each(database, stream, extent, |part| {
        bytes.extend_from_slice(part);
        Ok(true)
    })?;
    Ok(bytes)
}

/// All of the stream of a chunk, which has so many bytes. Parts that have gone are zeros.
pub fn all(database: &Database, chunk: u64, bytes: u64) -> Result<Vec<u8>, Error> {
    let mut all = vec![0; usize::try_from(bytes).map_err(|_| database.damaged())?];
    let prefix = rows::report_parts(chunk);
    database.each(&prefix, &prefix, |key, value| {
        let part = database.expand(&value)?;
        let end = rows::last_number(key).and_then(|end| usize::try_from(end).ok());
        let into = end.and_then(|end| all.get_mut(end.checked_sub(part.len())?..end));
        into.ok_or_else(|| database.damaged())?.copy_from_slice(&part);
        Ok(true)
    })?;
    Ok(all)
}

/// Removes the reports at `extents` from the stream of a chunk. `changes` may remove nothing else
/// of it.
pub fn remove(
    database: &Database,
    changes: &mut Changes<'_>,
    chunk: u64,
    extents: &[(u64, u64)],
) -> Result<(), Error> {
    fill(database, changes, chunk, extents, true)
}

/// Makes zeros of the reports at `extents`, which stay reports. `changes` may change nothing else
/// of the stream.
pub fn clear(
    database: &Database,
    changes: &mut Changes<'_>,
    chunk: u64,
    extents: &[(u64, u64)],
) -> Result<(), Error> {
    fill(database, changes, chunk, extents, false)
}

/// Fills `extents` with zeros. Parts that have nothing else go, if they may.
fn fill(
    database: &Database,
    changes: &mut Changes<'_>,
    chunk: u64,
    extents: &[(u64, u64)],
    drops_empty: bool,
) -> Result<(), Error> {
    let prefix = rows::report_parts(chunk);
    let mut rows = Vec::new();
    database.each(&prefix, &prefix, |key, value| {
        let part_end = rows::last_number(key).ok_or_else(|| database.damaged())?;
        let mut part = database.expand(&value)?;
        let part_start = part_end.saturating_sub(part.len() as u64);
        let mut is_hit = false;
        for (start, end) in
            extents.iter().filter(|(start, end)| *start < part_end && *end > part_start)
        {
            let at = |offset: u64| {
                usize::try_from(offset.clamp(part_start, part_end) - part_start)
                    .unwrap_or(usize::MAX)
            };
            if let Some(gone) = part.get_mut(at(*start)..at(*end)) {
                gone.fill(0);
                is_hit = true;
            }
        }
        if is_hit {
            let is_empty = drops_empty && part.iter().all(|byte| *byte == 0);
            let left = (!is_empty).then(|| database.pack(&part)).transpose()?;
            rows.push(database.changed(key.to_vec(), Old::Value(&value), left)?);
        }
        Ok(true)
    })?;
    rows.into_iter().for_each(|row| changes.take(row));
    Ok(())
}

/// Removes all of a stream.
pub fn remove_all(
    database: &Database,
    changes: &mut Changes<'_>,
    stream: Stream,
) -> Result<(), Error> {
    let prefix = stream.parts();
    database.each(&prefix, &prefix, |key, value| {
        changes.delete(key.to_vec(), Old::Value(&value))?;
        Ok(true)
    })
}

/// Removes parts of reports that were written before the chunk that was to have them, which never
/// came.
pub fn sweep_ahead(database: &Database) -> Result<(), Error> {
    let area = rows::area::REPORT_PARTS;
    let next = rows::report_parts(database.head().next_chunk);
    let last = database.keys(area, None, true, 1)?;
    if last.first().is_none_or(|last| *last < next) {
        return Ok(());
    }
    let mut changes = database.changes();
    database.each(area, &next, |key, value| {
        changes.delete(key.to_vec(), Old::Value(&value))?;
        Ok(true)
    })?;
    changes.commit()
}
