//! Keys: in, a module, a kind of block and the last address or number it covers; out, bytes that sort so that
//! one seek finds the block.
//!
//! ```text
//! offset size  key of a block, big-endian throughout
//! 0      1     area: 0 = footers, 1 = all other blocks
//! 1      16    module: hash of its kind and full id, and for Mach-O of its architecture
//! 17     4     generation: a re-import writes the next one
//! 21     1     kind of block
//! 22     8     last address or number covered
//! ```
//!
//! Footers have an area of their own, so that all modules can be listed in one sweep, and footers rewritten without their blocks.

use symtool_formats::{ModuleInfo, ModuleKind};
use xxhash_rust::xxh3::Xxh3;

use crate::block::Kind;

/// What a module's blocks are filed under. The full id stands in the footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleKey(pub [u8; 16]);

impl std::fmt::Display for ModuleKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl ModuleKey {
    /// The key of the module that `info` describes. Slices of a universal file are modules of their own, even if
    /// they carry the same UUID.
    pub fn of(info: &ModuleInfo) -> Self {
        let mut hash = Xxh3::new();
        hash.update(info.kind.name().as_bytes());
        hash.update(&[0]);
        hash.update(&info.id.bytes);
        if info.kind == ModuleKind::MachO {
            hash.update(info.arch.as_bytes());
        }
        Self(hash.digest128().to_be_bytes())
    }
}

/// One import of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Generation {
    /// Whose.
    pub module: ModuleKey,
    /// Counts up from 1.
    pub number: u32,
}

/// Bytes of a key.
pub const KEY_BYTES: usize = 30;

const FOOTERS: u8 = 0;
const BLOCKS: u8 = 1;

/// Where the area of footers ends, and that of all other blocks begins.
pub const AFTER_FOOTERS: [u8; 1] = [BLOCKS];

impl Generation {
    /// The key of a block.
    pub fn key(self, kind: Kind, last: u64) -> [u8; KEY_BYTES] {
        let mut key = [0; KEY_BYTES];
        key[0] = if kind == Kind::Footer { FOOTERS } else { BLOCKS };
        key[1..17].copy_from_slice(&self.module.0);
        key[17..21].copy_from_slice(&self.number.to_be_bytes());
        key[21] = kind as u8;
        key[22..].copy_from_slice(&last.to_be_bytes());
        key
    }

    /// The key of the footer.
    pub fn footer(self) -> [u8; KEY_BYTES] {
        self.key(Kind::Footer, u64::MAX)
    }

    /// A key after all blocks of `kind` and before those of the next kind.
    pub fn after(self, kind: Kind) -> [u8; KEY_BYTES] {
        let mut key = self.key(kind, 0);
        key[21] = key[21].saturating_add(1);
        key
    }

    /// A key before all blocks of this generation but its footer, and one after them.
    pub fn extent(self) -> ([u8; KEY_BYTES], [u8; KEY_BYTES]) {
        let (mut first, mut after) = (self.key(Kind::Ranges, 0), self.key(Kind::Ranges, 0));
        first[21] = 0;
        after[21..].fill(u8::MAX);
        (first, after)
    }

    /// The generation that `key` belongs to; `None` if it is no key of a block.
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let key: &[u8; KEY_BYTES] = key.try_into().ok()?;
        let mut module = [0; 16];
        module.copy_from_slice(&key[1..17]);
        Some(Self { module: ModuleKey(module), number: u32::from_be_bytes(key[17..21].try_into().ok()?) })
    }
}

/// The kind of block in a key; `None` for one that this version does not know.
pub fn kind(key: &[u8]) -> Option<Kind> {
    let kinds = [Kind::Ranges, Kind::Functions, Kind::Files, Kind::Layers, Kind::Classes, Kind::Footer];
    kinds.into_iter().find(|kind| key.get(21) == Some(&(*kind as u8)))
}

/// The last address or number in a key.
pub fn last(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(22..KEY_BYTES)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_by_module_generation_kind_and_address() {
        let generation = |module: u8, number| Generation { module: ModuleKey([module; 16]), number };
        let keys = [
            generation(1, 1).footer(),
            generation(2, 1).footer(),
            generation(1, 1).extent().0,
            generation(1, 1).key(Kind::Ranges, 0),
            generation(1, 1).key(Kind::Ranges, 0xff),
            generation(1, 1).key(Kind::Ranges, 0x100),
            generation(1, 1).after(Kind::Ranges),
            generation(1, 1).key(Kind::Functions, 5),
            generation(1, 1).key(Kind::Layers, u64::MAX),
            generation(1, 1).extent().1,
            generation(1, 2).extent().0,
            generation(1, 2).key(Kind::Ranges, 0),
            generation(1, 256).key(Kind::Ranges, 0),
            generation(2, 1).key(Kind::Ranges, 0),
        ];
        assert!(keys.is_sorted_by(|a, b| a < b));
        assert_eq!(Generation::from_key(&keys[12]), Some(generation(1, 256)));
        assert_eq!(last(&keys[5]), Some(0x100));
        assert_eq!((kind(&keys[7]), kind(&keys[0]), kind(b"short")), (Some(Kind::Functions), Some(Kind::Footer), None));
        assert_eq!(Generation::from_key(b"short"), None);
    }
}
