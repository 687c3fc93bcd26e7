//! Blocks: the numbers of one stretch of a module, compressed, and back.
//!
//! [`compress`] is the one place that compresses a block, [`Compressed::expand`] the one place that
//! expands it. How a block lies on disk, with its checksum or encrypted, is for [`crate::seal`].

pub mod aliases;
pub mod bytes;
pub mod classes;
pub mod files;
pub mod functions;
pub mod layers;
pub mod ranges;
pub mod strings;
pub mod unwind;

use std::cell::RefCell;

use zstd::bulk::Compressor;

use crate::limits::MAX_BLOCK_BYTES;

/// What a block holds. The number is part of the key: blocks of one kind stand together, the record
/// last.
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
    /// Unwind rows, keyed by the last address covered.
    UnwindRows = 6,
    /// Unwind rules, keyed by the last rule's number.
    UnwindRules = 7,
    /// Functions that were folded into others, keyed by the last one's address.
    Aliases = 8,
    // Reserved: 9 embedded source. Kinds that a program does not know are kept.
    /// What the module is. A module exists only if its record does.
    Record = 255,
}

impl Kind {
    /// All that this version knows, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Ranges,
        Self::Functions,
        Self::Files,
        Self::Layers,
        Self::Classes,
        Self::UnwindRows,
        Self::UnwindRules,
        Self::Aliases,
        Self::Record,
    ];

    /// What messages and `--json` call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ranges => "ranges",
            Self::Functions => "functions",
            Self::Files => "files",
            Self::Layers => "layers",
            Self::Classes => "classes",
            Self::UnwindRows => "unwind rows",
            Self::UnwindRules => "unwind rules",
            Self::Aliases => "aliases",
            Self::Record => "footer",
        }
    }
}

/// Bytes that stand before the data of a block that is not sealed.
pub(crate) const HEADER_BYTES: usize = 29;

/// Compression level.
const ZSTD_LEVEL: i32 = 4;

/// BLAKE3 of a block's numbers, before compression.
pub type RawHash = [u8; 32];

/// One block ready for the store.
#[derive(Clone, Debug)]
pub struct Compressed {
    /// What it holds.
    pub kind: Kind,
    /// The first address or number that it covers.
    pub first: u64,
    /// The last address or number that it covers.
    pub last: u64,
    /// The first address or number that no block before it covers: 0, or one more than the last of
    /// the block before it. Whoever looks for something from here to `last` finds it in this block
    /// or nowhere.
    pub from: u64,
    /// Bytes once expanded.
    pub raw_bytes: u32,
    /// A zstd frame.
    pub data: Vec<u8>,
    /// Known where the block was made, or expanded before.
    hash: Option<RawHash>,
    /// Why its data cannot be had, if that is so.
    damage: Option<Damage>,
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
    /// It is sealed with a key that is not on the store's key ring.
    #[error("it is sealed with a key that the store's key ring does not have")]
    Key,
    /// It is not where the block after it says that it is.
    #[error("it is missing")]
    Missing,
    /// Its seal is broken: some bit of it was changed, or it was made for another place, module or
    /// time.
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
    let raw_bytes = raw_bytes.ok_or_else(|| {
        std::io::Error::other(format!(
            "a block of {} bytes is over the limit of {MAX_BLOCK_BYTES}",
            raw.len()
        ))
    })?;
    let hash = Some(*blake3::hash(raw).as_bytes());
    Ok(Compressed { hash, ..Compressed::new((kind, first, last), 0, raw_bytes, packed(raw)?) })
}

thread_local! {
    /// Its tables are some hundred kilobytes, which a new one clears.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

/// `raw` compressed. The bytes depend on it alone: zstd compresses alike with a compressor that was
/// used before.
fn packed(raw: &[u8]) -> std::io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some(compressor) => compressor,
            None => {
                let mut compressor = Compressor::new(ZSTD_LEVEL)?;
                compressor.include_contentsize(false)?;
                kept.insert(compressor)
            }
        };
        // It has room for bytes that cannot be compressed.
        let mut packed = compressor.compress(raw)?;
        packed.shrink_to_fit();
        Ok(packed)
    })
}

/// Whether the hash is known yet makes no difference.
impl PartialEq for Compressed {
    fn eq(&self, other: &Self) -> bool {
        let head = |block: &Self| {
            (block.kind, block.first, block.last, block.from, block.raw_bytes, block.damage)
        };
        head(self) == head(other) && self.data == other.data
    }
}

impl Eq for Compressed {}

impl Compressed {
    /// A block of `raw_bytes` bytes that `data` expands to.
    pub(crate) fn new(
        (kind, first, last): (Kind, u64, u64),
        from: u64,
        raw_bytes: u32,
        data: Vec<u8>,
    ) -> Self {
        Self { kind, first, last, from, raw_bytes, data, hash: None, damage: None }
    }

    /// Bytes that it takes in the store, but for what sealing adds.
    pub fn stored_bytes(&self) -> u64 {
        (HEADER_BYTES + self.data.len()) as u64
    }

    /// Stands for a block that cannot be had.
    pub fn broken(kind: Kind, last: u64, damage: Damage) -> Self {
        Self { damage: Some(damage), ..Self::new((kind, last, last), 0, 0, Vec::new()) }
    }

    /// Why its data cannot be had; `None` if it can.
    pub fn damage(&self) -> Option<Damage> {
        self.damage
    }

    /// Its contents.
    ///
    /// # Errors
    /// [`Damage`] if there are none, or they cannot be expanded.
    pub fn expand(&self) -> Result<Expanded, Damage> {
        match self.damage {
            Some(damage) => Err(damage),
            None => {
                Ok(Expanded { first: self.first, raw: expand_data(&self.data, self.raw_bytes)? })
            }
        }
    }

    /// BLAKE3 of its contents.
    ///
    /// # Errors
    /// [`Damage`] if they cannot be expanded.
    pub fn hash(&self) -> Result<RawHash, Damage> {
        self.hash
            .map_or_else(|| self.expand().map(|opened| *blake3::hash(&opened.raw).as_bytes()), Ok)
    }
}

/// Tells each of `blocks`, which are in the order of keys, where the block before it ends.
pub fn link(blocks: &mut [Compressed]) {
    let mut before: Option<(Kind, u64)> = None;
    for block in blocks {
        block.from = before
            .filter(|(kind, _)| *kind == block.kind)
            .map_or(0, |(_, last)| last.saturating_add(1));
        before = Some((block.kind, block.last));
    }
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

/// Expands the data of a block to its `raw_bytes` bytes.
pub(crate) fn expand_data(data: &[u8], raw_bytes: u32) -> Result<Vec<u8>, Damage> {
    let raw_bytes = usize::try_from(raw_bytes)
        .ok()
        .filter(|bytes| *bytes <= MAX_BLOCK_BYTES)
        .ok_or(Damage::Header)?;
    let raw = EXPANDER
        .with_borrow_mut(|expander| expander.decompress(data, raw_bytes))
        .map_err(|_| Damage::Data)?;
    if raw.len() == raw_bytes { Ok(raw) } else { Err(Damage::Data) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back() {
        for raw in [Vec::new(), b"x".to_vec(), vec![7; 100_000]] {
            let block = compress(Kind::Ranges, 3, 9, &raw).unwrap();
            assert_eq!((block.kind, block.first, block.last), (Kind::Ranges, 3, 9));
            assert_eq!(block.hash().unwrap(), *blake3::hash(&raw).as_bytes());
            let again =
                Compressed::new((Kind::Ranges, 3, 9), 0, block.raw_bytes, block.data.clone());
            assert_eq!(again.hash(), block.hash());
            assert_eq!(block.expand().unwrap(), Expanded { first: 3, raw });
        }
        assert_eq!(Compressed::broken(Kind::Files, 1, Damage::Seal).expand(), Err(Damage::Seal));
    }

    #[test]
    fn blocks_know_where_the_one_before_ends() {
        let block = |kind, last| Compressed::new((kind, last, last), 7, 0, Vec::new());
        let mut blocks = [
            block(Kind::Ranges, 4),
            block(Kind::Ranges, 9),
            block(Kind::Functions, 2),
            block(Kind::Files, u64::MAX),
        ];
        link(&mut blocks);
        assert_eq!(blocks.map(|block| block.from), [0, 5, 0, 0]);
    }
}
