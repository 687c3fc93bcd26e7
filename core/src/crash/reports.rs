//! Reports as they came: in, bytes; out, compressed rows of some of them each, and one report from its row.
//!
//! ```text
//! count(varint) { slot(varint) length(varint) }* report*     before compression
//! ```

use rayon::prelude::*;

use super::database::{Changes, Database};
use super::rows;
use super::state::Slot;
use crate::limits::REPORTS_BLOCK_BYTES;
use crate::store::Error;

/// Puts `reports`, which are in the order of their slots, into `chunk`.
pub fn put(database: &Database, changes: &mut Changes<'_>, chunk: u64, reports: &[(u16, &[u8])]) -> Result<(), Error> {
    let mut blocks: Vec<&[(u16, &[u8])]> = Vec::new();
    let mut rest = reports;
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
    let packed: Vec<Result<Vec<u8>, Error>> = blocks.par_iter().map(|block| database.pack(&join(database, block)?)).collect();
    for (block, packed) in blocks.iter().zip(packed) {
        if let Some((last, _)) = block.last() {
            changes.put_bytes(&rows::reports(chunk, *last), packed?)?;
        }
    }
    Ok(())
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
            changes.put_bytes(key, database.pack(&join(database, &stay)?)?)?;
        }
        Ok(true)
    })
}

fn join(database: &Database, reports: &[(u16, &[u8])]) -> Result<Vec<u8>, Error> {
    let head: Vec<(u16, u32)> = reports.iter().map(|(slot, report)| (*slot, u32::try_from(report.len()).unwrap_or(u32::MAX))).collect();
    let mut bytes = database.encode(&head)?;
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
