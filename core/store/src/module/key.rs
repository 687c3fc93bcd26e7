//! Keys of the symbol database, which sort so that one seek finds a block.
//!
//! ```text
//! area  key, numbers big-endian                                     value
//! 0     0 module(16)                                                the module's record (record.rs)
//! 1     1 index(1) token module(16)                                 nothing: the module has this name, id or label (catalog.rs)
//! 2     2 module(16) generation(8)                                  nothing: blocks that nobody needs any more (tidy.rs)
//! 3     3                                                           the last change (head.rs)
//! 4     4 module(16) generation(8) kind(1) last(8)                  a block; of kind 255, a second copy of the record
//! ```
//!
//! `module` is a hash of the module's kind and full id, and for Mach-O of its architecture; the
//! full id stands in the record. The generation is the beginning of the hash of the module's
//! contents: the same contents have the same keys in every store. Rows of the first areas are few
//! and small, and are rewritten without the blocks.

use symtool_debug::ModuleInfo;
use symtool_module::ModuleKind;
use xxhash_rust::xxh3::Xxh3;

use crate::block::Kind;

/// What a module's rows are filed under. The full id stands in its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleKey(pub [u8; 16]);

impl std::fmt::Display for ModuleKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The areas, in their order.
pub mod area {
    pub const RECORDS: u8 = 0;
    pub const CATALOG: u8 = 1;
    pub const GARBAGE: u8 = 2;
    pub const HEAD: u8 = 3;
    pub const BLOCKS: u8 = 4;
}

/// The key of the row that says which change was the last.
pub const HEAD: [u8; 1] = [area::HEAD];

impl ModuleKey {
    /// The key of the module that `info` describes. Slices of a universal file are modules of their
    /// own, even if they carry the same UUID.
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

    /// The key of its record.
    pub fn record(self) -> [u8; 17] {
        let mut key = [area::RECORDS; 17];
        key[1..].copy_from_slice(&self.0);
        key
    }

    /// The module whose record is at `key`; `None` if that is not a record's.
    pub fn of_record(key: &[u8]) -> Option<Self> {
        let module = key.strip_prefix(&[area::RECORDS])?;
        module.try_into().ok().map(Self)
    }

    /// The module that `key`, of the catalog, ends with.
    pub fn of_catalog(key: &[u8]) -> Option<Self> {
        key.last_chunk().copied().map(Self)
    }
}

/// One state of a module's blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Generation {
    /// Whose.
    pub module: ModuleKey,
    /// The beginning of the hash of its contents.
    pub number: u64,
}

/// Bytes of the key of a block.
pub const KEY_BYTES: usize = 34;
const NUMBER_AT: usize = 17;
const KIND_AT: usize = 25;
const LAST_AT: usize = 26;

impl Generation {
    /// The key of a block, or of the record's second copy.
    pub fn key(self, kind: Kind, last: u64) -> [u8; KEY_BYTES] {
        let mut key = [area::BLOCKS; KEY_BYTES];
        key[1..NUMBER_AT].copy_from_slice(&self.module.0);
        key[NUMBER_AT..KIND_AT].copy_from_slice(&self.number.to_be_bytes());
        key[KIND_AT] = kind as u8;
        key[LAST_AT..].copy_from_slice(&last.to_be_bytes());
        key
    }

    /// The key of the second copy of the record, which stands behind the blocks.
    pub fn record_copy(self) -> [u8; KEY_BYTES] {
        self.key(Kind::Record, u64::MAX)
    }

    /// A key after all blocks of `kind` and before those of the next kind.
    pub fn after(self, kind: Kind) -> [u8; KEY_BYTES] {
        let mut key = self.key(kind, 0);
        key[KIND_AT] = key[KIND_AT].saturating_add(1);
        key
    }

    /// A key before all rows of its blocks, and one after them.
    pub fn extent(self) -> ([u8; KEY_BYTES], Vec<u8>) {
        let mut first = self.key(Kind::Ranges, 0);
        first[KIND_AT] = 0;
        // Longer than the last key that there can be.
        let mut after = self.record_copy().to_vec();
        after.push(0);
        (first, after)
    }

    /// The key of the row that says that nobody needs its blocks any more.
    pub fn garbage(self) -> Vec<u8> {
        let mut key = self.key(Kind::Ranges, 0)[..KIND_AT].to_vec();
        key[0] = area::GARBAGE;
        key
    }

    /// The generation that `key` belongs to; `None` if it is no key of a block or of garbage.
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let is_one = match *key.first()? {
            area::BLOCKS => key.len() == KEY_BYTES,
            area::GARBAGE => key.len() == KIND_AT,
            _ => false,
        };
        let module = ModuleKey(key.get(1..NUMBER_AT)?.try_into().ok()?);
        let number = u64::from_be_bytes(key.get(NUMBER_AT..KIND_AT)?.try_into().ok()?);
        is_one.then_some(Self { module, number })
    }
}

/// The kind of block in a key; `None` for one that this version does not know.
pub fn kind(key: &[u8]) -> Option<Kind> {
    key.get(KIND_AT).and_then(|number| kind_of(*number))
}

/// The kind of block with this number; `None` if this version does not know it.
pub fn kind_of(number: u8) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| *kind as u8 == number)
}

/// The last address or number in a key.
pub fn last(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(LAST_AT..KEY_BYTES)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_by_area_module_generation_kind_and_address() {
        let generation =
            |module: u8, number| Generation { module: ModuleKey([module; 16]), number };
        let keys: Vec<Vec<u8>> = vec![
            ModuleKey([1; 16]).record().to_vec(),
            ModuleKey([2; 16]).record().to_vec(),
            generation(1, 1).garbage(),
            generation(2, 1).garbage(),
            HEAD.to_vec(),
            generation(1, 1).extent().0.to_vec(),
            generation(1, 1).key(Kind::Ranges, 0).to_vec(),
            generation(1, 1).key(Kind::Ranges, 0xff).to_vec(),
            generation(1, 1).key(Kind::Ranges, 0x100).to_vec(),
            generation(1, 1).after(Kind::Ranges).to_vec(),
            generation(1, 1).key(Kind::Functions, 5).to_vec(),
            generation(1, 1).key(Kind::Layers, u64::MAX).to_vec(),
            generation(1, 1).record_copy().to_vec(),
            generation(1, 1).extent().1,
            generation(1, 2).extent().0.to_vec(),
            generation(1, 256).key(Kind::Ranges, 0).to_vec(),
            generation(2, 1).key(Kind::Ranges, 0).to_vec(),
        ];
        assert!(keys.is_sorted_by(|a, b| a < b));
        assert_eq!(Generation::from_key(&keys[15]), Some(generation(1, 256)));
        assert_eq!(Generation::from_key(&keys[3]), Some(generation(2, 1)));
        assert_eq!(ModuleKey::of_record(&keys[1]), Some(ModuleKey([2; 16])));
        assert_eq!(last(&keys[8]), Some(0x100));
        assert_eq!(
            (kind(&keys[10]), kind(&keys[12]), kind(b"short")),
            (Some(Kind::Functions), Some(Kind::Record), None)
        );
        for other in [b"short".as_slice(), &keys[0], &keys[4], &keys[13]] {
            assert_eq!(Generation::from_key(other), None);
        }
        assert_eq!(ModuleKey::of_record(&keys[6]), None);
    }
}
