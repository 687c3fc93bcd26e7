//! The end of a table of RocksDB, and the blocks that it names: those which are neither data nor
//! within another one.

use super::{Head, TRAILER_BYTES, blocks, checksum};
use std::fs;
use std::io;
use std::path::Path;

/// Magic number at the end of a table (`kBlockBasedTableMagicNumber`).
const MAGIC: u64 = 0x88e2_41b7_85f4_cff7;
/// Bytes of the footer: kind of checksum (1), places of the index of other blocks and of the index,
/// and zeros (40), version (4), magic (8).
const FOOTER_BYTES: usize = 53;
const FOOTER_HANDLES: std::ops::Range<usize> = 1..41;
/// The block of properties, the one that says of what type the index is, and its value for one of
/// two levels (`kTwoLevelIndexSearch` in RocksDB's table.h).
const PROPERTIES: &[u8] = b"rocksdb.properties";
const INDEX_TYPE: &[u8] = b"rocksdb.block.based.table.index.type";
const TWO_LEVELS: [u8; 4] = [2, 0, 0, 0];

/// How many bytes of the table at `path` are not as they were written, as far as its checksums
/// tell: 0 if it is intact. Of a table whose end is damaged, all that is no block of entries.
///
/// # Errors
/// If the file cannot be read.
pub fn damaged_bytes(path: &Path) -> io::Result<u64> {
    let bytes = fs::read(path)?;
    // Without its footer nothing tells where the entries end: all of it counts.
    let others = other_blocks(&bytes);
    let (entries_end, others) = others.unwrap_or((bytes.len(), 0));
    let intact = blocks(&bytes[..entries_end]).map(|(_, block)| block.bytes()).sum::<usize>();
    let damaged = (bytes.len() - intact).saturating_sub(others);
    Ok(damaged.max(usize::from(others == 0)) as u64)
}

/// Where the blocks of entries end, and bytes of the footer and of all intact blocks behind them;
/// `None` if the footer or one that it leads to is damaged.
pub(super) fn other_blocks(bytes: &[u8]) -> Option<(usize, usize)> {
    let footer_at = bytes.len().checked_sub(FOOTER_BYTES)?;
    let footer = &bytes[footer_at..];
    let (version, magic) = footer[FOOTER_HANDLES.end..].split_at(4);
    // XXH3, version 5.
    if footer[0] != 4 || version != 5u32.to_le_bytes() || magic != MAGIC.to_le_bytes() {
        return None;
    }
    let mut handles = &footer[FOOTER_HANDLES];
    let (metas, index) = (Handle::take(&mut handles)?, Handle::take(&mut handles)?);
    if handles.iter().any(|byte| *byte != 0) {
        return None;
    }
    let mut found = FOOTER_BYTES + index.intact_bytes(bytes)? + metas.intact_bytes(bytes)?;
    let mut start = index.at.min(metas.at);
    let mut is_partitioned = false;
    for (name, mut place) in named(metas.contents(bytes)?) {
        let block = Handle::take(&mut place)?;
        found += block.intact_bytes(bytes)?;
        start = start.min(block.at);
        if name == PROPERTIES {
            let mut properties = named(block.contents(bytes)?);
            is_partitioned = properties.any(|found| found == (INDEX_TYPE.to_vec(), &TWO_LEVELS));
        }
    }
    if is_partitioned {
        for part in partitions(index.contents(bytes)?) {
            found += part.intact_bytes(bytes)?;
            start = start.min(part.at);
        }
    }
    Some((start, found))
}

/// The entries of a block of names: as in a block of entries, but for keys without a number.
fn named(mut entries: &[u8]) -> impl Iterator<Item = (Vec<u8>, &[u8])> {
    let mut name = Vec::new();
    std::iter::from_fn(move || {
        let head = Head::at(entries).filter(|head| head.own > 0 && head.shared <= name.len())?;
        let end = head.entry_bytes()?;
        name.truncate(head.shared);
        name.extend_from_slice(entries.get(head.bytes..head.bytes + head.own)?);
        let value = entries.get(head.bytes + head.own..end)?;
        entries = entries.get(end..)?;
        Some((name.clone(), value))
    })
}

/// Where the parts of an index lie that `index`, its upper level, names. Each entry is a restart: it
/// shares nothing with the one before, and its value, whose length is not written, is a whole place.
fn partitions(index: &[u8]) -> impl Iterator<Item = Handle> {
    let count = index.last_chunk().map_or(0, |count| u32::from_le_bytes(*count));
    let restarts = usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(4);
    let end = index.len().saturating_sub(restarts.saturating_add(4));
    let mut entries = index.get(..end).unwrap_or_default();
    std::iter::from_fn(move || {
        let head = Handle::take(&mut entries).filter(|head| head.at == 0)?;
        entries = entries.get(head.bytes..)?;
        Handle::take(&mut entries)
    })
}

/// Where a block lies.
struct Handle {
    at: usize,
    bytes: usize,
}

impl Handle {
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let mut number = || {
            let mut value = 0u64;
            for shift in (0..63).step_by(7) {
                let (byte, rest) = bytes.split_first()?;
                *bytes = rest;
                value |= u64::from(byte & 0x7f) << shift;
                if *byte < 0x80 {
                    return usize::try_from(value).ok();
                }
            }
            None
        };
        Some(Self { at: number()?, bytes: number()? })
    }

    fn contents<'a>(&self, table: &'a [u8]) -> Option<&'a [u8]> {
        table.get(self.at..self.at.checked_add(self.bytes)?)
    }

    /// How long the block is with what stands behind it, if its checksum is right.
    fn intact_bytes(&self, table: &[u8]) -> Option<usize> {
        let contents = self.contents(table)?;
        let trailer = table.get(self.at + self.bytes..self.at + self.bytes + TRAILER_BYTES)?;
        let is_right = trailer[1..] == checksum(contents, trailer[0]).to_le_bytes();
        is_right.then_some(self.bytes + TRAILER_BYTES)
    }
}
