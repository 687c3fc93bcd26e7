//! Ways to damage a file at places that matter.
//!
//! Places come from the formats of RocksDB, read here without RocksDB. A table of format 5:
//!
//! ```text
//! data blocks, metadata blocks, index   each followed by 1 byte of type and 4 of checksum
//! record, 53 bytes                      1 byte kind of checksum; offset and size of metaindex and index, varints padded to 40 bytes;
//!                                       4 bytes version; 8 bytes magic
//! ```
//!
//! Logs and manifests are blocks of 32 KiB of records: 4 bytes of checksum, 2 of length, 1 of type,
//! then that many bytes.

use std::fmt;
use std::fs;
use std::path::Path;

const TABLE_FOOTER_BYTES: usize = 53;
const TRAILER_BYTES: usize = 5;
const LOG_BLOCK_BYTES: usize = 32 << 10;
const LOG_HEADER_BYTES: usize = 7;

/// Something done to one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// The control: a store that nothing was done to.
    Nothing,
    Delete,
    Empty,
    Halve,
    /// One byte less.
    Shorten,
    Flip {
        at: usize,
        bit: u8,
    },
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("left alone"),
            Self::Delete => f.write_str("deleted"),
            Self::Empty => f.write_str("emptied"),
            Self::Halve => f.write_str("halved"),
            Self::Shorten => f.write_str("one byte short"),
            Self::Flip { at, bit } => write!(f, "flipped bit {bit} of byte {at}"),
        }
    }
}

impl Harm {
    pub fn is_flip(self) -> bool {
        matches!(self, Self::Flip { .. })
    }

    /// Does it to the file at `path`.
    pub fn on(self, path: &Path) {
        let mut bytes = fs::read(path).unwrap();
        match self {
            Self::Nothing => {}
            Self::Delete => return fs::remove_file(path).unwrap(),
            Self::Empty => bytes.clear(),
            Self::Halve => bytes.truncate(bytes.len() / 2),
            Self::Shorten => bytes.truncate(bytes.len() - 1),
            Self::Flip { at, bit } => bytes[at] ^= 1 << bit,
        }
        fs::write(path, bytes).unwrap();
    }
}

/// Deleting, emptying and cutting a file of `bytes`, as far as that changes it.
pub fn cuts(bytes: &[u8]) -> Vec<Harm> {
    match bytes.len() {
        0 => vec![Harm::Delete],
        1 => vec![Harm::Delete, Harm::Empty],
        _ => vec![Harm::Delete, Harm::Empty, Harm::Halve, Harm::Shorten],
    }
}

/// A flip at every boundary of the file's structure.
pub fn boundaries(path: &Path, bytes: &[u8]) -> Vec<Harm> {
    let is_table = path.extension().is_some_and(|extension| extension == "sst");
    let name = path.file_name().unwrap().to_string_lossy();
    let mut places = if is_table {
        table(bytes)
    } else if name.ends_with(".log") || name.starts_with("MANIFEST") {
        records(bytes)
    } else {
        Vec::new()
    };
    places.extend([0, bytes.len() / 2, bytes.len().saturating_sub(1)]);
    places.retain(|at| *at < bytes.len());
    places.sort_unstable();
    places.dedup();
    places.into_iter().map(|at| Harm::Flip { at, bit: u8::try_from(at % 8).unwrap() }).collect()
}

/// The ends of the first data block's key, of metaindex, index and record, and what lies next to
/// them.
fn table(bytes: &[u8]) -> Vec<usize> {
    let Some(record) = bytes.len().checked_sub(TABLE_FOOTER_BYTES) else { return Vec::new() };
    let mut places =
        vec![1, 4, record - 1, record, record + 1, record + 41, record + 45, bytes.len() - 1];
    let mut rest = &bytes[record + 1..];
    let handles: Vec<usize> = (0..4).map_while(|_| varint(&mut rest)).collect();
    for handle in handles.chunks_exact(2) {
        let (start, end) = (handle[0], handle[0] + handle[1]);
        places.extend([
            start.saturating_sub(TRAILER_BYTES),
            start.saturating_sub(1),
            start,
            end.saturating_sub(1),
            end,
            end + 1,
        ]);
    }
    places
}

/// Checksum, length, type and contents of the first two and the last two records.
fn records(bytes: &[u8]) -> Vec<usize> {
    let (mut headers, mut at) = (Vec::new(), 0);
    while at + LOG_HEADER_BYTES <= bytes.len() {
        let length = usize::from(u16::from_le_bytes([bytes[at + 4], bytes[at + 5]]));
        let left = LOG_BLOCK_BYTES - at % LOG_BLOCK_BYTES;
        if left < LOG_HEADER_BYTES || bytes[at + 6] == 0 {
            at += left;
            continue;
        }
        headers.push((at, length));
        at += LOG_HEADER_BYTES + length;
    }
    let count = headers.len();
    let ends =
        headers.into_iter().enumerate().filter(|(number, _)| *number < 2 || number + 2 >= count);
    ends.flat_map(|(_, (at, length))| [at, at + 4, at + 5, at + 6, at + 7, at + 6 + length])
        .collect()
}

fn varint(bytes: &mut &[u8]) -> Option<usize> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= usize::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// `count` flips at random places of a file of `length` bytes.
pub fn seeded(length: usize, count: usize, random: &mut fastrand::Rng) -> Vec<Harm> {
    if length == 0 {
        return Vec::new();
    }
    (0..count).map(|_| Harm::Flip { at: random.usize(..length), bit: random.u8(..8) }).collect()
}

/// A flip at every `step`th byte.
pub fn every(length: usize, step: usize, random: &mut fastrand::Rng) -> Vec<Harm> {
    (0..length).step_by(step).map(|at| Harm::Flip { at, bit: random.u8(..8) }).collect()
}
