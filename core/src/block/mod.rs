//! Blocks: in, the numbers of one stretch of a module; out, the bytes that the store keeps, and back.
//!
//! [`seal`] is the one place that turns a block into stored bytes, [`open`] the one place that turns them back:
//!
//! ```text
//! offset size  stored block, format 1, little-endian
//! 0      1     suite: 0 = compressed, not encrypted (1 is kept for AES-256-GCM-SIV)
//! 1      8     first address or number covered (the last is in the key)
//! 9      4     bytes of the block once expanded
//! 13     8     XXH3-64 of everything before and after this field
//! 21     …     zstd frame
//! ```

pub mod bytes;
pub mod files;
pub mod functions;
pub mod ranges;
pub mod strings;

use std::cell::RefCell;

use xxhash_rust::xxh3::Xxh3;

use crate::limits::MAX_BLOCK_BYTES;

/// What a block holds. The number is part of the key: blocks of one kind stand together, the footer last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// Address ranges, keyed by the last address covered.
    Ranges = 1,
    /// Functions with their sites and calls, keyed by the last function's number.
    Functions = 2,
    /// Source paths, keyed by the last file's number.
    Files = 3,
    /// Which addresses which source answers for, of a module made from several files.
    Layers = 4,
    /// What the module is. A module exists only if its footer does.
    Footer = 255,
}

impl Kind {
    /// What messages and `--json` call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ranges => "ranges",
            Self::Functions => "functions",
            Self::Files => "files",
            Self::Layers => "layers",
            Self::Footer => "footer",
        }
    }
}

/// Suite of a block that is compressed and nothing more.
const SUITE_OPEN: u8 = 0;
const CHECKSUM_AT: usize = 13;
const HEADER_BYTES: usize = 21;

/// Compression level.
const ZSTD_LEVEL: i32 = 4;

/// One block ready for the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// What it holds.
    pub kind: Kind,
    /// The last address or number that it covers.
    pub last: u64,
    /// Header and contents.
    pub bytes: Vec<u8>,
}

/// Why stored bytes are not a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The header is cut off or its numbers are impossible.
    #[error("its header is damaged")]
    Header,
    /// Written with a suite that this version does not know.
    #[error("it was sealed by a newer version (suite {0})")]
    Suite(u8),
    /// Its bytes are not those that were written.
    #[error("its checksum is wrong")]
    Checksum,
    /// The compressed data cannot be expanded, or has another length.
    #[error("its compressed data is damaged")]
    Data,
    /// The expanded block contradicts itself.
    #[error("its contents are damaged")]
    Contents,
}

/// Compresses `raw`, which covers `first..=last`.
///
/// # Errors
/// If it is larger than [`MAX_BLOCK_BYTES`], or zstd fails.
pub fn seal(kind: Kind, first: u64, last: u64, raw: &[u8]) -> std::io::Result<Sealed> {
    let raw_bytes = u32::try_from(raw.len()).ok().filter(|_| raw.len() <= MAX_BLOCK_BYTES);
    let raw_bytes =
        raw_bytes.ok_or_else(|| std::io::Error::other(format!("a block of {} bytes is over the limit of {MAX_BLOCK_BYTES}", raw.len())))?;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + zstd::zstd_safe::compress_bound(raw.len()));
    bytes.push(SUITE_OPEN);
    bytes.extend_from_slice(&first.to_le_bytes());
    bytes.extend_from_slice(&raw_bytes.to_le_bytes());
    bytes.extend_from_slice(&[0; HEADER_BYTES - CHECKSUM_AT]);
    let mut compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
    compressor.include_contentsize(false)?;
    bytes.extend_from_slice(&compressor.compress(raw)?);
    let sum = checksum(&bytes).to_le_bytes();
    bytes[CHECKSUM_AT..HEADER_BYTES].copy_from_slice(&sum);
    bytes.shrink_to_fit();
    Ok(Sealed { kind, last, bytes })
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&bytes[..CHECKSUM_AT]);
    hash.update(&bytes[HEADER_BYTES..]);
    hash.digest()
}

thread_local! {
    /// A new one for each block would cost more than most blocks.
    static EXPANDER: RefCell<zstd::bulk::Decompressor<'static>> = RefCell::default();
}

/// An expanded block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The first address or number that it covers.
    pub first: u64,
    /// Its contents.
    pub raw: Vec<u8>,
}

/// Bytes of a stored block once expanded, as its header has them; `None` if it has none.
pub fn expanded_bytes(bytes: &[u8]) -> Option<u64> {
    let raw_bytes = bytes.get(..HEADER_BYTES)?.get(9..CHECKSUM_AT)?;
    Some(u32::from_le_bytes(raw_bytes.try_into().ok()?).into())
}

/// Expands what [`seal`] made.
///
/// # Errors
/// [`Damage`] if `bytes` are not such a block.
pub fn open(bytes: &[u8]) -> Result<Opened, Damage> {
    let (header, data) = bytes.split_at_checked(HEADER_BYTES).ok_or(Damage::Header)?;
    let number = |at: std::ops::Range<usize>| header[at].iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
    if header[0] != SUITE_OPEN {
        return Err(Damage::Suite(header[0]));
    }
    if number(CHECKSUM_AT..HEADER_BYTES) != checksum(bytes) {
        return Err(Damage::Checksum);
    }
    let first = number(1..9);
    let raw_bytes = usize::try_from(number(9..CHECKSUM_AT)).ok().filter(|bytes| *bytes <= MAX_BLOCK_BYTES).ok_or(Damage::Header)?;
    let raw = EXPANDER.with_borrow_mut(|expander| expander.decompress(data, raw_bytes)).map_err(|_| Damage::Data)?;
    if raw.len() != raw_bytes {
        return Err(Damage::Data);
    }
    Ok(Opened { first, raw })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_blocks_open_again() {
        for raw in [Vec::new(), b"x".to_vec(), vec![7; 100_000]] {
            let raw = raw.as_slice();
            let sealed = seal(Kind::Ranges, 3, 9, raw).unwrap();
            assert_eq!((sealed.kind, sealed.last), (Kind::Ranges, 9));
            assert_eq!(open(&sealed.bytes).unwrap(), Opened { first: 3, raw: raw.to_vec() });
            assert_eq!(expanded_bytes(&sealed.bytes), Some(raw.len() as u64));
        }
    }

    /// No flipped bit and no cut goes unnoticed.
    #[test]
    fn flipped_bits_are_noticed() {
        let raw: Vec<u8> = (0..2000u32).flat_map(|i| (i * i % 251).to_le_bytes()).collect();
        let sealed = seal(Kind::Functions, 0, 1, &raw).unwrap().bytes;
        for bit in 0..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&damaged).is_err(), "bit {bit}");
        }
        (0..sealed.len()).for_each(|end| assert!(open(&sealed[..end]).is_err(), "{end}"));
    }
}
