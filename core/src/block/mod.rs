//! Blocks: in, the numbers of one stretch of a module; out, the bytes that the store keeps, and back.
//!
//! [`compress`] is the one place that turns a block into bytes, [`expand`] the one place that turns them back. In a sealed store they
//! are encrypted on their way to disk: see [`crate::seal`].
//!
//! ```text
//! offset size  compressed block, little-endian
//! 0      1     suite: 0 = compressed, not encrypted
//! 1      8     first address or number covered (the last is in the key)
//! 9      4     bytes of the block once expanded
//! 13     8     XXH3-64 of everything before and after this field
//! 21     …     zstd frame
//! ```

pub mod bytes;
pub mod classes;
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
    /// Classes of a mapping, keyed by the hash of the last one's obfuscated name.
    Classes = 5,
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
            Self::Classes => "classes",
            Self::Footer => "footer",
        }
    }
}

/// Suite of a block that is compressed and nothing more.
pub(crate) const SUITE_OPEN: u8 = 0;
const SUITE_BROKEN: u8 = 255;
const SUITE_BROKEN_SEAL: u8 = 254;
/// Where the sum is; before it stand suite, first number and size, in a sealed block too.
pub(crate) const CHECKSUM_AT: usize = 13;
pub(crate) const HEADER_BYTES: usize = 21;

/// Compression level.
const ZSTD_LEVEL: i32 = 4;

/// One block ready for the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compressed {
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
    /// Written with a suite that this version does not know, or that the store does not use.
    #[error("it is of a kind that does not belong in this store (suite {0})")]
    Suite(u8),
    /// Its seal is broken: some bit of it was changed, or it was made for another place, module or time.
    #[error("its seal is broken: it was altered, or put there from elsewhere")]
    Seal,
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
pub fn compress(kind: Kind, first: u64, last: u64, raw: &[u8]) -> std::io::Result<Compressed> {
    let raw_bytes = u32::try_from(raw.len()).ok().filter(|_| raw.len() <= MAX_BLOCK_BYTES);
    let raw_bytes =
        raw_bytes.ok_or_else(|| std::io::Error::other(format!("a block of {} bytes is over the limit of {MAX_BLOCK_BYTES}", raw.len())))?;
    let mut compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
    compressor.include_contentsize(false)?;
    Ok(Compressed::new((kind, first, last), raw_bytes, &compressor.compress(raw)?))
}

impl Compressed {
    /// A block of `raw_bytes` bytes that `data` expands to.
    pub(crate) fn new((kind, first, last): (Kind, u64, u64), raw_bytes: u32, data: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + data.len());
        bytes.push(SUITE_OPEN);
        bytes.extend_from_slice(&first.to_le_bytes());
        bytes.extend_from_slice(&raw_bytes.to_le_bytes());
        bytes.extend_from_slice(&[0; HEADER_BYTES - CHECKSUM_AT]);
        bytes.extend_from_slice(data);
        let sum = checksum(&bytes).to_le_bytes();
        bytes[CHECKSUM_AT..HEADER_BYTES].copy_from_slice(&sum);
        Self { kind, last, bytes }
    }

    /// Stands for a block that cannot be had: to [`expand`] it is [`Damage::Seal`] if its seal is broken, else [`Damage::Checksum`].
    pub fn broken(kind: Kind, last: u64, is_seal: bool) -> Self {
        let mut broken = Self::new((kind, last, last), 0, &[]);
        broken.bytes[0] = if is_seal { SUITE_BROKEN_SEAL } else { SUITE_BROKEN };
        broken
    }
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
pub struct Expanded {
    /// The first address or number that it covers.
    pub first: u64,
    /// Its contents.
    pub raw: Vec<u8>,
}

/// What stands before the data of a block, sealed or not: its suite, the first number that it covers, and its size once expanded.
pub(crate) fn head(bytes: &[u8]) -> Result<(u8, u64, u32), Damage> {
    let head = bytes.get(..CHECKSUM_AT).ok_or(Damage::Header)?;
    let number = |at: std::ops::Range<usize>| head[at].iter().rev().fold(0u64, |number, &byte| number << 8 | u64::from(byte));
    let raw_bytes = u32::try_from(number(9..CHECKSUM_AT)).map_err(|_| Damage::Header)?;
    Ok((head[0], number(1..9), raw_bytes))
}

/// Bytes of a stored block once expanded, as its header has them; `None` if it has none.
pub fn expanded_bytes(bytes: &[u8]) -> Option<u64> {
    head(bytes).ok().map(|(_, _, raw_bytes)| raw_bytes.into())
}

/// Expands what [`compress`] made.
///
/// # Errors
/// [`Damage`] if `bytes` are not such a block.
pub fn expand(bytes: &[u8]) -> Result<Expanded, Damage> {
    let (suite, first, raw_bytes) = head(bytes)?;
    match suite {
        SUITE_OPEN => {}
        SUITE_BROKEN => return Err(Damage::Checksum),
        SUITE_BROKEN_SEAL => return Err(Damage::Seal),
        suite => return Err(Damage::Suite(suite)),
    }
    let (header, data) = bytes.split_at_checked(HEADER_BYTES).ok_or(Damage::Header)?;
    if header[CHECKSUM_AT..] != checksum(bytes).to_le_bytes() {
        return Err(Damage::Checksum);
    }
    Ok(Expanded { first, raw: expand_data(data, raw_bytes)? })
}

/// Expands the data of a block to its `raw_bytes` bytes.
pub(crate) fn expand_data(data: &[u8], raw_bytes: u32) -> Result<Vec<u8>, Damage> {
    let raw_bytes = usize::try_from(raw_bytes).ok().filter(|bytes| *bytes <= MAX_BLOCK_BYTES).ok_or(Damage::Header)?;
    let raw = EXPANDER.with_borrow_mut(|expander| expander.decompress(data, raw_bytes)).map_err(|_| Damage::Data)?;
    if raw.len() == raw_bytes { Ok(raw) } else { Err(Damage::Data) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back() {
        for raw in [Vec::new(), b"x".to_vec(), vec![7; 100_000]] {
            let raw = raw.as_slice();
            let block = compress(Kind::Ranges, 3, 9, raw).unwrap();
            assert_eq!((block.kind, block.last), (Kind::Ranges, 9));
            assert_eq!(expand(&block.bytes).unwrap(), Expanded { first: 3, raw: raw.to_vec() });
            assert_eq!(expanded_bytes(&block.bytes), Some(raw.len() as u64));
        }
    }

    /// No flipped bit and no cut goes unnoticed.
    #[test]
    fn flipped_bits_are_noticed() {
        let raw: Vec<u8> = (0..2000u32).flat_map(|i| (i * i % 251).to_le_bytes()).collect();
        let block = compress(Kind::Functions, 0, 1, &raw).unwrap().bytes;
        for bit in 0..block.len() * 8 {
            let mut damaged = block.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(expand(&damaged).is_err(), "bit {bit}");
        }
        (0..block.len()).for_each(|end| assert!(expand(&block[..end]).is_err(), "{end}"));
    }
}
