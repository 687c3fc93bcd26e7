//! Reading a table of RocksDB without RocksDB: every block of entries that is intact, whatever
//! became of the rest of the file, of the other files, and of the notes of which files there are.
//!
//! ```text
//! table    block* other blocks (filter, index, properties) footer
//!          (of a large table, the index has parts, which are blocks, too)
//! block    entry* restart(4)* count of restarts(4) type(1) checksum(4)
//! entry    shared(varint) own(varint) value bytes(varint) own part of the key, value
//! ```
//!
//! Blocks follow each other from the beginning of the file, each as long as its entries say; the
//! first restart is always 0, which no entry begins with. Behind damage the next block is found by
//! its checksum. Tables are written for this: without compression, in version 5 of the format (the
//! checksums of later ones depend on the footer), with XXH3 as checksum (`table_options` in
//! mod.rs).

mod footer;

use std::fs;
use std::io;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use super::broken;
pub use footer::damaged_bytes;
use footer::other_blocks;

/// What the checksum of a block is mixed with for the byte behind it: `ModifyChecksumForLastByte`
/// in RocksDB's table/format.cc.
const LAST_BYTE_FACTOR: u32 = 0x6b90_83d9;
/// Type of block and checksum.
const TRAILER_BYTES: usize = 5;
/// Sequence number and type of entry, behind each key.
const KEY_TRAILER_BYTES: usize = 8;

/// An entry that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableEntry<'a> {
    /// The row's key.
    pub key: &'a [u8],
    /// Its value; `None` if the entry says that the row was deleted.
    pub value: Option<&'a [u8]>,
    /// RocksDB's number of the change; 0 in a table that was made to be ingested, and where all
    /// older ones are gone.
    pub sequence: u64,
    /// Where the value begins in the file.
    pub value_at: u64,
}

/// Calls `each` with every intact entry of the table at `path`, in the order of the file.
///
/// # Errors
/// If the file cannot be read. What is in it is never an error.
pub fn scan(path: &Path, mut each: impl FnMut(TableEntry<'_>)) -> io::Result<()> {
    let bytes = fs::read(path)?;
    let entries_end = other_blocks(&bytes).map_or(bytes.len(), |(end, _)| end);
    let mut key = Vec::new();
    blocks(&bytes[..entries_end])
        .for_each(|(at, block)| block.each(&mut key, at as u64, &mut each));
    Ok(())
}

/// The same, with entries of damaged blocks, too: `each` says whether it finds the entry intact.
/// What stands in a damaged block beside such an entry may be anything.
///
/// # Errors
/// If the file cannot be read. What is in it is never an error.
pub fn scan_all(path: &Path, mut each: impl FnMut(TableEntry<'_>) -> bool) -> io::Result<()> {
    let bytes = fs::read(path)?;
    let entries_end = other_blocks(&bytes).map_or(bytes.len(), |(end, _)| end);
    let (mut key, mut end) = (Vec::new(), 0);
    for (at, block) in blocks(&bytes[..entries_end]) {
        broken::each(&bytes[end..at], end as u64, &mut each);
        block.each(&mut key, at as u64, &mut |entry| {
            each(entry);
        });
        end = at + block.bytes();
    }
    broken::each(&bytes[end..entries_end], end as u64, &mut each);
    Ok(())
}

/// The intact blocks of entries in `bytes`, and where each begins. Some of the other blocks look
/// like them; their keys are none of ours.
fn blocks(bytes: &[u8]) -> impl Iterator<Item = (usize, Block<'_>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at;
            match Block::at(&bytes[at..]) {
                Some(block) => {
                    at += block.bytes();
                    return Some((start, block));
                }
                None => at += 1,
            }
        }
        None
    })
}

/// A block whose checksum is right.
struct Block<'a> {
    entries: &'a [u8],
    /// Bytes of what stands behind the entries.
    rest: usize,
}

/// What stands before an entry's bytes.
struct Head {
    shared: usize,
    own: usize,
    value: usize,
    /// Bytes of these three.
    bytes: usize,
}

impl Head {
    fn at(bytes: &[u8]) -> Option<Self> {
        let mut at = 0;
        let mut number = || {
            let mut value = 0u32;
            for shift in (0..35).step_by(7) {
                let byte = *bytes.get(at)?;
                at += 1;
                value |= u32::from(byte & 0x7f).checked_shl(shift)?;
                if byte < 0x80 {
                    return usize::try_from(value).ok();
                }
            }
            None
        };
        let (shared, own, value) = (number()?, number()?, number()?);
        Some(Self { shared, own, value, bytes: at })
    }

    /// Bytes of the entry.
    fn entry_bytes(&self) -> Option<usize> {
        self.bytes.checked_add(self.own)?.checked_add(self.value)
    }
}

impl<'a> Block<'a> {
    /// Bytes of all of it.
    fn bytes(&self) -> usize {
        self.entries.len() + self.rest
    }

    /// The block that `bytes` begin with.
    fn at(bytes: &'a [u8]) -> Option<Self> {
        let (mut end, mut key_bytes) = (0, 0);
        loop {
            if end > 0 && bytes.get(end..)?.starts_with(&[0; 4]) {
                return Self::ending(bytes, end);
            }
            let head = Head::at(bytes.get(end..)?)?;
            let is_possible = head.shared <= key_bytes && (end > 0 || head.shared == 0);
            key_bytes = head
                .shared
                .checked_add(head.own)
                .filter(|bytes| is_possible && *bytes >= KEY_TRAILER_BYTES)?;
            end = end.checked_add(head.entry_bytes()?).filter(|end| *end < bytes.len())?;
        }
    }

    /// A block whose entries end at `end`, where the restarts begin.
    fn ending(bytes: &'a [u8], end: usize) -> Option<Self> {
        let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let mut restart = 0;
        for count in 1..=u32::try_from(end).ok()? {
            let at = end + 4 * usize::try_from(count).ok()?;
            let next = word(at)?;
            let body = bytes.get(..at + 4)?;
            if next == count && word(at + 5) == Some(checksum(body, *bytes.get(at + 4)?)) {
                return Some(Self { entries: &bytes[..end], rest: at + 4 - end + TRAILER_BYTES });
            }
            // Offsets of entries, in their order.
            if next <= restart || usize::try_from(next).ok()? >= end {
                return None;
            }
            restart = next;
        }
        None
    }

    /// Calls `each` with every entry; the block begins at `start`.
    fn each(&self, key: &mut Vec<u8>, start: u64, each: &mut impl FnMut(TableEntry<'_>)) {
        let mut at = 0;
        key.clear();
        while let Some((entry, end)) = TableEntry::at(self.entries, at, key, start) {
            if let Some(entry) = entry {
                each(entry);
            }
            at = end;
        }
    }
}

impl<'a> TableEntry<'a> {
    /// The entry at `at` of `entries`, which begin at `start` in the file and of which the one
    /// before has `key`; `None` in its place if it is of another kind, which is none of ours, or no
    /// entry at all. With it comes where it ends.
    pub fn at(
        entries: &'a [u8],
        at: usize,
        key: &'a mut Vec<u8>,
        start: u64,
    ) -> Option<(Option<Self>, usize)> {
        let head = Head::at(entries.get(at..).filter(|rest| !rest.is_empty())?)?;
        let own_at = at + head.bytes;
        let value_at = own_at.checked_add(head.own)?;
        let end = value_at.checked_add(head.value)?;
        let (own, value) = (entries.get(own_at..value_at)?, entries.get(value_at..end)?);
        key.truncate(head.shared);
        key.extend_from_slice(own);
        let (row, trailer) = key.split_last_chunk::<KEY_TRAILER_BYTES>()?;
        let trailer = u64::from_le_bytes(*trailer);
        let value = match trailer & 0xff {
            0 | 7 => None,
            1 => Some(value),
            _ => return Some((None, end)),
        };
        Some((
            Some(Self {
                key: row,
                value,
                sequence: trailer >> 8,
                value_at: start + value_at as u64,
            }),
            end,
        ))
    }
}

fn checksum(block: &[u8], kind: u8) -> u32 {
    let low = u32::try_from(xxh3_64(block) & u64::from(u32::MAX)).unwrap_or_default();
    low ^ u32::from(kind).wrapping_mul(LAST_BYTE_FACTOR)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rocksdb::{DB, SstFileWriter};

    use super::*;
    use crate::database::plain_options;

    fn rows(count: u32) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let row = |number: u32| {
            (
                format!("row {number:05}").into_bytes(),
                vec![u8::try_from(number % 251).unwrap(); (number % 90) as usize],
            )
        };
        (0..count).map(row).collect()
    }

    fn found(path: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut found = BTreeMap::new();
        let bytes = fs::read(path).unwrap();
        scan(path, |entry| {
            let at = usize::try_from(entry.value_at).unwrap();
            let value = entry.value.unwrap();
            assert_eq!(&bytes[at..at + value.len()], value);
            found.insert(entry.key.to_vec(), value.to_vec());
        })
        .unwrap();
        found
    }

    fn table(path: &Path, block_bytes: usize) -> BTreeMap<Vec<u8>, Vec<u8>> {
        table_with(path, block_bytes, false)
    }

    fn table_with(
        path: &Path,
        block_bytes: usize,
        has_two_levels: bool,
    ) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let rows = rows(1000);
        let mut options = rocksdb::BlockBasedOptions::default();
        options.set_block_size(block_bytes);
        if has_two_levels {
            options.set_index_type(rocksdb::BlockBasedIndexType::TwoLevelIndexSearch);
        }
        options.set_metadata_block_size(1024);
        let options = plain_options(&mut options);
        let mut writer = SstFileWriter::create(&options);
        writer.open(path).unwrap();
        rows.iter().for_each(|(key, value)| writer.put(key, value).unwrap());
        writer.finish().unwrap();
        rows
    }

    #[test]
    fn whole_tables_are_read() {
        let folder = tempfile::tempdir().unwrap();
        for block_bytes in [1, 4096] {
            let path = folder.path().join(format!("{block_bytes}.sst"));
            assert_eq!(table(&path, block_bytes), found(&path));
        }
    }

    /// Whatever byte of a table changes, that is noticed.
    #[test]
    fn every_byte_is_accounted_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.sst");
        for (block_bytes, has_two_levels) in [(1, false), (4096, false), (1, true), (64, true)] {
            let rows = table_with(&path, block_bytes, has_two_levels);
            assert_eq!(rows, found(&path));
            assert_eq!(damaged_bytes(&path).unwrap(), 0);
            let whole = fs::read(&path).unwrap();
            let step = if block_bytes == 1 { 211 } else { 61 };
            for at in (0..whole.len()).step_by(step).chain(whole.len() - 1200..whole.len()) {
                let mut damaged = whole.clone();
                damaged[at] ^= 0x04;
                fs::write(&path, damaged).unwrap();
                assert_ne!(damaged_bytes(&path).unwrap(), 0, "{at} of {}", whole.len());
            }
            fs::write(&path, &whole[..whole.len() - 1]).unwrap();
            assert_ne!(damaged_bytes(&path).unwrap(), 0);
        }
    }

    /// A flipped byte costs the rows of its own block; a cut, what lay behind it.
    #[test]
    fn damage_costs_one_block() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.sst");
        let rows = table(&path, 1);
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(97) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            fs::write(&path, damaged).unwrap();
            let found = found(&path);
            assert!(found.len() + 1 >= rows.len(), "{at}: {}", found.len());
            assert!(found.iter().all(|(key, value)| rows.get(key) == Some(value)), "{at}");
        }
        let mut before = rows.len();
        for end in (0..whole.len()).rev().step_by(whole.len() / 50) {
            fs::write(&path, &whole[..end]).unwrap();
            let found = found(&path);
            assert!(
                found.len() <= before
                    && found.iter().all(|(key, value)| rows.get(key) == Some(value)),
                "{end}"
            );
            before = found.len();
        }
        assert!(before < 20);
    }

    #[test]
    fn rows_that_were_written_again_or_deleted_tell_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut table = rocksdb::BlockBasedOptions::default();
        let mut options = plain_options(&mut table);
        options.create_if_missing(true);
        options.set_disable_auto_compactions(true);
        let db = DB::open(&options, folder.path()).unwrap();
        db.put("a", "old").unwrap();
        db.put("b", "gone").unwrap();
        db.flush().unwrap();
        db.put("a", "new").unwrap();
        db.delete("b").unwrap();
        db.flush().unwrap();
        let mut newest: BTreeMap<Vec<u8>, (u64, Option<Vec<u8>>)> = BTreeMap::new();
        for file in db.live_files().unwrap() {
            scan(&folder.path().join(file.name.trim_start_matches('/')), |entry| {
                let known = newest.entry(entry.key.to_vec()).or_default();
                if entry.sequence > known.0 {
                    *known = (entry.sequence, entry.value.map(<[u8]>::to_vec));
                }
            })
            .unwrap();
        }
        let values: Vec<_> = newest.into_values().map(|(_, value)| value).collect();
        assert_eq!(values, [Some(b"new".to_vec()), None]);
    }
}
