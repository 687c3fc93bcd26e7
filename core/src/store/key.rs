//! Keys: in, a module, a kind of block and the last address or number it covers; out, bytes that sort so that
//! one seek finds the block.
//!
//! ```text
//! offset size  key of a block, big-endian throughout
//! 0      16    module: hash of its kind and full id, and for Mach-O of its architecture
//! 16     4     generation: a re-import writes the next one
//! 20     1     kind of block; the footer is last
//! 21     8     last address or number covered
//! ```

use symtool_formats::{ModuleInfo, ModuleKind};
use xxhash_rust::xxh3::Xxh3;

use crate::block::Kind;

/// What a module's blocks are filed under. The full id stands in the footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleKey(pub [u8; 16]);

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
pub const KEY_BYTES: usize = 29;

impl Generation {
    /// The key of a block.
    pub fn key(self, kind: Kind, last: u64) -> [u8; KEY_BYTES] {
        let mut key = [0; KEY_BYTES];
        key[..16].copy_from_slice(&self.module.0);
        key[16..20].copy_from_slice(&self.number.to_be_bytes());
        key[20] = kind as u8;
        key[21..].copy_from_slice(&last.to_be_bytes());
        key
    }

    /// The key of the footer.
    pub fn footer(self) -> [u8; KEY_BYTES] {
        self.key(Kind::Footer, u64::MAX)
    }

    /// A key after all blocks of `kind` and before those of the next kind.
    pub fn after(self, kind: Kind) -> [u8; KEY_BYTES] {
        let mut key = self.key(kind, 0);
        key[20] = key[20].saturating_add(1);
        key
    }

    /// The first and the last key that this generation can have.
    pub fn extent(self) -> ([u8; KEY_BYTES], [u8; KEY_BYTES]) {
        let mut first = self.footer();
        first[20..].fill(0);
        (first, self.footer())
    }

    /// The generation that `key` belongs to; `None` if it is no key of a block.
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let key: &[u8; KEY_BYTES] = key.try_into().ok()?;
        let mut module = [0; 16];
        module.copy_from_slice(&key[..16]);
        Some(Self { module: ModuleKey(module), number: u32::from_be_bytes(key[16..20].try_into().ok()?) })
    }
}

/// The kind of block in a key; `None` for one that this version does not know.
pub fn kind(key: &[u8]) -> Option<Kind> {
    let kinds = [Kind::Ranges, Kind::Functions, Kind::Files, Kind::Layers, Kind::Footer];
    kinds.into_iter().find(|kind| key.get(20) == Some(&(*kind as u8)))
}

/// The last address or number in a key.
pub fn last(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(21..KEY_BYTES)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_by_module_generation_kind_and_address() {
        let generation = |module: u8, number| Generation { module: ModuleKey([module; 16]), number };
        let keys = [
            generation(1, 1).key(Kind::Ranges, 0),
            generation(1, 1).key(Kind::Ranges, 0xff),
            generation(1, 1).key(Kind::Ranges, 0x100),
            generation(1, 1).after(Kind::Ranges),
            generation(1, 1).key(Kind::Functions, 5),
            generation(1, 1).footer(),
            generation(1, 2).extent().0,
            generation(1, 2).key(Kind::Ranges, 0),
            generation(1, 256).key(Kind::Ranges, 0),
            generation(2, 1).key(Kind::Ranges, 0),
        ];
        assert!(keys.is_sorted_by(|a, b| a < b));
        assert_eq!(Generation::from_key(&keys[8]), Some(generation(1, 256)));
        assert_eq!(last(&keys[2]), Some(0x100));
        assert_eq!((kind(&keys[4]), kind(&keys[5]), kind(b"short")), (Some(Kind::Functions), Some(Kind::Footer), None));
        assert_eq!(Generation::from_key(b"short"), None);
    }
}
