//! Blocks: in, the numbers of one stretch of a module; out, the bytes that the store keeps, and back.
//!
//! [`seal`] is the one place that turns a block into stored bytes, [`open`] the one place that turns them back:
//!
//! ```text
//! offset size  stored block, format 1
//! 0      1     suite: 0 = compressed, not encrypted (1 is kept for AES-256-GCM-SIV)
//! 1      8     first address or number covered, little-endian (the last is in the key)
//! 9      4     bytes of the block once expanded, little-endian
//! 13     …     zstd frame with checksum
//! ```

pub mod bytes;
pub mod functions;
pub mod ranges;
pub mod strings;

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
    /// What the module is. A module exists only if its footer does.
    Footer = 255,
}

/// Suite of a block that is compressed and nothing more.
const SUITE_OPEN: u8 = 0;
const HEADER_BYTES: usize = 13;

/// Compression level. From 3 to 5 librgw's store shrinks by 2 %, for 1.6 times the compression time.
const ZSTD_LEVEL: i32 = 3;

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
    /// The compressed data fails its checksum or its length.
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
    let mut compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
    compressor.include_checksum(true)?;
    compressor.include_contentsize(false)?;
    let compressed = compressor.compress(raw)?;
    bytes.extend_from_slice(&compressed);
    bytes.shrink_to_fit();
    Ok(Sealed { kind, last, bytes })
}

/// An expanded block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The first address or number that it covers.
    pub first: u64,
    /// Its contents.
    pub raw: Vec<u8>,
}

/// Expands what [`seal`] made.
///
/// # Errors
/// [`Damage`] if `bytes` are not such a block.
pub fn open(bytes: &[u8]) -> Result<Opened, Damage> {
    let (header, data) = bytes.split_at_checked(HEADER_BYTES).ok_or(Damage::Header)?;
    if header[0] != SUITE_OPEN {
        return Err(Damage::Suite(header[0]));
    }
    let first = u64::from_le_bytes(header[1..9].try_into().map_err(|_| Damage::Header)?);
    let raw_bytes = u32::from_le_bytes(header[9..13].try_into().map_err(|_| Damage::Header)?) as usize;
    if raw_bytes > MAX_BLOCK_BYTES {
        return Err(Damage::Header);
    }
    let raw = zstd::bulk::decompress(data, raw_bytes).map_err(|_| Damage::Data)?;
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
        for raw in [&b""[..], b"x", &[7; 100_000]] {
            let sealed = seal(Kind::Ranges, 3, 9, raw).unwrap();
            assert_eq!((sealed.kind, sealed.last), (Kind::Ranges, 9));
            assert_eq!(open(&sealed.bytes).unwrap(), Opened { first: 3, raw: raw.to_vec() });
        }
    }

    /// No flipped bit goes unnoticed, except in the first address, which the reader compares with the key.
    #[test]
    fn flipped_bits_are_noticed() {
        let raw: Vec<u8> = (0..2000u32).map(|i| (i * i % 251) as u8).collect();
        let sealed = seal(Kind::Functions, 0, 1, &raw).unwrap().bytes;
        for bit in (0..8).chain(9 * 8..sealed.len() * 8) {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(open(&damaged).map(|block| block.raw), Ok(raw.clone()), "bit {bit}");
        }
        (0..sealed.len()).for_each(|end| assert!(open(&sealed[..end]).is_err(), "{end}"));
    }
}
