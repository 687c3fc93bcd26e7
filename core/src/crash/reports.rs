//! Reports as they came: in, bytes; out, compressed rows of some of them each, and one report from its row.
//!
//! ```text
//! count(varint) { slot(varint) length(varint) }* report*     before compression
//! ```

use std::io;

use rayon::prelude::*;

use super::database::{Changes, Database};
use super::state::Slot;
use super::{pack, rows};
use crate::limits::REPORTS_BLOCK_BYTES;
use crate::store::Error;

/// Some reports that follow each other, compressed.
#[derive(Debug)]
pub struct Packed {
    /// The slot of the last of them.
    last: u16,
    bytes: Vec<u8>,
}

/// Compresses `reports`, those of the first slots of a chunk.
pub fn pack(reports: &[&[u8]]) -> io::Result<Vec<Packed>> {
    let reports: Vec<(u16, &[u8])> = (0..=u16::MAX).zip(reports.iter().copied()).collect();
    let mut blocks: Vec<&[(u16, &[u8])]> = Vec::new();
    let mut rest = &*reports;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |(_, report): &&(u16, &[u8])| {
            let had = bytes;
            bytes += report.len();
            had == 0 || bytes <= REPORTS_BLOCK_BYTES
        };
        let (block, after) = rest.split_at(rest.iter().take_while(fits).count().max(1));
        blocks.push(block);
        rest = after;
    }
    let pack = |block: &&[(u16, &[u8])]| {
        let last = block.last().map_or(0, |(slot, _)| *slot);
        Ok(Packed { last, bytes: pack::pack(&join(block)?)? })
    };
    blocks.par_iter().map(pack).collect()
}

/// Puts `packed` into `chunk`.
pub fn put(changes: &mut Changes<'_>, chunk: u64, packed: Vec<Packed>) -> Result<(), Error> {
    packed.into_iter().try_for_each(|Packed { last, bytes }| changes.put_bytes(&rows::reports(chunk, last), &bytes))
}

/// The report of the crash at `at`.
pub fn get(database: &Database, at: Slot) -> Result<Option<Vec<u8>>, Error> {
    let mut found = None;
    database.each(&rows::all_reports(at.chunk), &rows::reports(at.chunk, at.slot), |_, value| {
        let block = database.expand(&value)?;
        found = split(database, &block)?.into_iter().find(|(slot, _)| *slot == at.slot).map(|(_, report)| report.to_vec());
        Ok(false)
    })?;
    Ok(found)
}

/// Removes the reports in `slots` of a chunk from disk.
pub fn remove(database: &Database, changes: &mut Changes<'_>, chunk: u64, slots: &[u16]) -> Result<(), Error> {
    let prefix = rows::all_reports(chunk);
    database.each(&prefix, &prefix, |key, value| {
        let block = database.expand(&value)?;
        let all = split(database, &block)?;
        let stay: Vec<(u16, &[u8])> = all.iter().filter(|(slot, _)| !slots.contains(slot)).copied().collect();
        if stay.is_empty() {
            changes.delete(key);
        } else if stay.len() < all.len() {
            let packed = join(&stay).and_then(|block| pack::pack(&block));
            changes.put_bytes(key, &packed.map_err(|cause| database.io_error(cause))?)?;
        }
        Ok(true)
    })
}

fn join(reports: &[(u16, &[u8])]) -> io::Result<Vec<u8>> {
    let head: Vec<(u16, u32)> = reports.iter().map(|(slot, report)| (*slot, u32::try_from(report.len()).unwrap_or(u32::MAX))).collect();
    let mut bytes = pack::encode(&head)?;
    reports.iter().for_each(|(_, report)| bytes.extend_from_slice(report));
    Ok(bytes)
}

fn split<'a>(database: &Database, block: &'a [u8]) -> Result<Vec<(u16, &'a [u8])>, Error> {
    let (head, mut rest): (Vec<(u16, u32)>, &[u8]) = postcard::take_from_bytes(block).map_err(|_| database.damaged())?;
    let mut reports = Vec::with_capacity(head.len());
    for (slot, length) in head {
        let length = usize::try_from(length).map_err(|_| database.damaged())?;
        let (report, after) = rest.split_at_checked(length).ok_or_else(|| database.damaged())?;
        reports.push((slot, report));
        rest = after;
    }
    Ok(reports)
}
