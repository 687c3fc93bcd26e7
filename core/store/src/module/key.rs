//! Keys of the symbol database, which sort so that one seek finds a block.
//!
//! ```text
//! area  key, numbers big-endian                                     value
//! 0     0 module(16)                                                the module's record (record.rs)
//! 1     1 index(1) token module(16)                                 nothing: the module has this name, id or label (catalog.rs)
//! 2     2 change(8) module(16) generation(8)                        blocks that nobody needs any more, and their bytes (tidy.rs)
//! 3     3                                                           the last change (head.rs)
//! 4     4 module(16) generation(8) kind(1) last(8)                  a block; of kind 255, a second copy of the record
//! 6     6 change(8) module(16) generation(8) kind(1) last(8)        the same
//! ```
//!
//! `module` is a hash of the module's kind and full id, and for Mach-O of its architecture; the
//! full id stands in the record. The generation is the beginning of the hash of the module's
//! contents. Rows of the first areas are few and small, and are rewritten without the blocks.
//!
//! Blocks lie in the order of the changes that wrote them: a new table comes behind all others, and
//! tables that lie side by side can be joined without touching any other (join.rs). Segments have
//! no changes, nor had the first stores of format 4: their blocks are in area 4, and rows of area 2
//! have no change. A block is sealed, and its checksum made, for its key in area 4: it is moved as it
//! is, and the same contents have the same bytes in every store.

use symtool_debug::ModuleInfo;
use symtool_module::{Arch, ModuleKind};
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
    /// Blocks without the number of a change. All areas before it have small rows.
    pub const BLOCKS: u8 = 4;
    /// Blocks behind the number of the change that wrote them.
    pub const PLACED_BLOCKS: u8 = 6;
}

/// The key of the row that says which change was the last.
pub const HEAD: [u8; 1] = [area::HEAD];

impl ModuleKey {
    /// The key of the module that `info` describes. Slices of a universal file are modules of their
    /// own, even if they carry the same UUID.
    pub fn of(info: &ModuleInfo) -> Self {
        Self::of_build(info.kind, &info.id.bytes, &info.arch)
    }

    /// The key of the ELF module whose build-id is `id`.
    pub(crate) fn of_elf(id: &[u8]) -> Self {
        Self::hashed(ModuleKind::Elf, id, "")
    }

    /// The key of the module of a file of a `kind` with an `id`, for `arch`.
    pub fn of_build(kind: ModuleKind, id: &[u8], arch: &Arch) -> Self {
        let arch = if kind == ModuleKind::MachO { arch.as_str() } else { "" };
        Self::hashed(kind, id, arch)
    }

    fn hashed(kind: ModuleKind, id: &[u8], arch: &str) -> Self {
        let mut hash = Xxh3::new();
        hash.update(kind.name().as_bytes());
        hash.update(&[0]);
        hash.update(id);
        hash.update(arch.as_bytes());
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
    /// The change that wrote the blocks, which is where they lie; 0 in area 4.
    pub change: u64,
}

/// Bytes of the key of a block without the number of a change.
pub const KEY_BYTES: usize = 34;
const CHANGE_BYTES: usize = 8;
const PLACED_KEY_BYTES: usize = KEY_BYTES + CHANGE_BYTES;
const NUMBER_AT: usize = 17;
const KIND_AT: usize = 25;
const LAST_AT: usize = 26;

impl Generation {
    /// The key of a block, or of the record's second copy, for which it is sealed.
    pub fn sealed_key(self, kind: Kind, last: u64) -> [u8; KEY_BYTES] {
        let mut key = [area::BLOCKS; KEY_BYTES];
        key[1..NUMBER_AT].copy_from_slice(&self.module.0);
        key[NUMBER_AT..KIND_AT].copy_from_slice(&self.number.to_be_bytes());
        key[KIND_AT] = kind as u8;
        key[LAST_AT..].copy_from_slice(&last.to_be_bytes());
        key
    }

    /// The key at which it lies.
    pub fn key(self, kind: Kind, last: u64) -> Vec<u8> {
        self.placed(&self.sealed_key(kind, last))
    }

    /// Where the row lies whose key would be `key`, or begins with it, if there were no changes.
    fn placed(self, key: &[u8]) -> Vec<u8> {
        if self.change == 0 {
            return key.to_vec();
        }
        let mut placed = vec![area::PLACED_BLOCKS];
        placed.extend_from_slice(&self.change.to_be_bytes());
        placed.extend_from_slice(&key[1..]);
        placed
    }

    /// The same without a change: where the blocks lie in a segment.
    #[must_use]
    pub fn in_segment(self) -> Self {
        Self { change: 0, ..self }
    }

    /// Whether both have the same contents of one module, wherever their blocks lie.
    pub fn is_same_as(self, other: Self) -> bool {
        self.in_segment() == other.in_segment()
    }

    /// A key after all blocks of `kind` and before those of the next kind.
    pub fn after(self, kind: Kind) -> Vec<u8> {
        let mut key = self.sealed_key(kind, 0);
        key[KIND_AT] = key[KIND_AT].saturating_add(1);
        self.placed(&key)
    }

    /// A key before all rows of its blocks, and one after them.
    pub fn extent(self) -> (Vec<u8>, Vec<u8>) {
        let mut first = self.sealed_key(Kind::Ranges, 0);
        first[KIND_AT] = 0;
        // Longer than the last key that there can be.
        let mut after = self.key(Kind::Record, u64::MAX);
        after.push(0);
        (self.placed(&first), after)
    }

    /// The key of the row that says that nobody needs its blocks any more.
    pub fn garbage(self) -> Vec<u8> {
        let mut key = self.placed(&self.sealed_key(Kind::Ranges, 0)[..KIND_AT]);
        key[0] = area::GARBAGE;
        key
    }

    /// The generation that `key` belongs to; `None` if it is no key of a block or of garbage.
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let (change, rest) = match (*key.first()?, key.len()) {
            (area::BLOCKS, KEY_BYTES) | (area::GARBAGE, KIND_AT) => (0, &key[1..]),
            (area::PLACED_BLOCKS, PLACED_KEY_BYTES) => change_of(key)?,
            (area::GARBAGE, length) if length == KIND_AT + CHANGE_BYTES => change_of(key)?,
            _ => return None,
        };
        let (module, rest) = rest.split_first_chunk()?;
        let number = u64::from_be_bytes(*rest.first_chunk()?);
        Some(Self { module: ModuleKey(*module), number, change })
    }
}

/// The change in a key, and what stands behind it.
fn change_of(key: &[u8]) -> Option<(u64, &[u8])> {
    let (change, rest) = key.get(1..)?.split_first_chunk()?;
    Some((u64::from_be_bytes(*change), rest))
}

/// The key that the block at `key` was sealed for; `None` if it is no key of a block.
pub fn sealed(key: &[u8]) -> Option<[u8; KEY_BYTES]> {
    let rest = match (*key.first()?, key.len()) {
        (area::BLOCKS, KEY_BYTES) => &key[1..],
        (area::PLACED_BLOCKS, PLACED_KEY_BYTES) => change_of(key)?.1,
        _ => return None,
    };
    let mut sealed = [area::BLOCKS; KEY_BYTES];
    sealed[1..].copy_from_slice(rest);
    Some(sealed)
}

/// The kind of block in a key that it was sealed for; `None` for one that this version does not
/// know.
pub fn kind(sealed: &[u8; KEY_BYTES]) -> Option<Kind> {
    kind_of(sealed[KIND_AT])
}

/// The last address or number in a key that a block was sealed for.
pub fn last(sealed: &[u8; KEY_BYTES]) -> u64 {
    sealed[LAST_AT..].iter().fold(0, |last, byte| last << 8 | u64::from(*byte))
}

/// The kind of block with this number; `None` if this version does not know it.
pub fn kind_of(number: u8) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| *kind as u8 == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(module: u8, number: u64, change: u64) -> Generation {
        Generation { module: ModuleKey([module; 16]), number, change }
    }

    #[test]
    fn keys_sort_by_area_change_module_generation_kind_and_address() {
        for change in [0, 7] {
            let generation = |module, number| placed(module, number, change);
            let keys: Vec<Vec<u8>> = vec![
                ModuleKey([1; 16]).record().to_vec(),
                ModuleKey([2; 16]).record().to_vec(),
                generation(1, 1).garbage(),
                generation(2, 1).garbage(),
                HEAD.to_vec(),
                generation(1, 1).extent().0,
                generation(1, 1).key(Kind::Ranges, 0),
                generation(1, 1).key(Kind::Ranges, 0xff),
                generation(1, 1).key(Kind::Ranges, 0x100),
                generation(1, 1).after(Kind::Ranges),
                generation(1, 1).key(Kind::Functions, 5),
                generation(1, 1).key(Kind::Layers, u64::MAX),
                generation(1, 1).key(Kind::Record, u64::MAX),
                generation(1, 1).extent().1,
                generation(1, 2).extent().0,
                generation(1, 256).key(Kind::Ranges, 0),
                generation(2, 1).key(Kind::Ranges, 0),
                placed(1, 1, 300).key(Kind::Ranges, 0),
            ];
            assert!(keys.is_sorted_by(|a, b| a < b));
            assert_eq!(Generation::from_key(&keys[15]), Some(generation(1, 256)));
            assert_eq!(Generation::from_key(&keys[3]), Some(generation(2, 1)));
            assert_eq!(ModuleKey::of_record(&keys[1]), Some(ModuleKey([2; 16])));
            for other in [b"short".as_slice(), &keys[0], &keys[4], &keys[13]] {
                assert_eq!(Generation::from_key(other), None);
            }
            assert_eq!(ModuleKey::of_record(&keys[6]), None);
        }
    }

    /// A block is sealed for the same key wherever it lies.
    #[test]
    fn sealed_keys_have_no_change() {
        for (kind, last_number) in
            [(Kind::Ranges, 0x100), (Kind::Functions, 5), (Kind::Record, u64::MAX)]
        {
            let want = placed(3, 9, 0).key(kind, last_number);
            for change in [0, 1, 256, u64::MAX] {
                let key = placed(3, 9, change).key(kind, last_number);
                let sealed = sealed(&key).unwrap();
                assert_eq!(sealed[..], want);
                assert_eq!((super::kind(&sealed), last(&sealed)), (Some(kind), last_number));
            }
        }
        for other in [b"short".as_slice(), &HEAD, &ModuleKey([1; 16]).record()] {
            assert_eq!(sealed(other), None);
        }
    }
}
