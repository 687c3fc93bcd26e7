//! Records: the rows that make modules exist.
//!
//! A record says what its module is, which blocks it has, and in which change it was written. It
//! stands twice: in the area of records, where all of them can be listed, and behind the module's
//! blocks, so that a module needs no other file than its own. JSON, because it is small, read
//! rarely, and has to outlive many versions.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::block::{Compressed, Damage, Kind, compress};
use crate::module::{Generation, ModuleKey, ModuleRecord};
use crate::seal::{Place, Ring, Seal};

/// A hash of a module's blocks before compression, in key order: keyed in a sealed store.
pub type ContentsHash = [u8; 32];

/// What is known of the blocks of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindExtent {
    /// How many there are.
    pub count: u64,
    /// The last address or number that they cover.
    pub last: u64,
}

/// The blocks of a module, by the number of their kind.
pub type Extents = BTreeMap<u8, KindExtent>;

/// A module that is in the store.
#[derive(Clone, Debug)]
pub struct Module {
    /// Where its blocks are.
    pub generation: Generation,
    /// What it is.
    pub record: ModuleRecord,
    /// How its blocks are stored.
    pub seal: Seal,
    /// Its blocks, by kind. Empty for a module in memory, whose blocks are all there.
    pub extents: Extents,
    /// The hash of its blocks.
    pub contents: ContentsHash,
}

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The change that it was written in: of two records of a module the higher one holds.
    pub sequence: u64,
    /// The generation of its blocks.
    pub generation: u64,
    /// The change that wrote its blocks, which is where they lie; 0 in the first stores of format 4.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub change: u64,
    /// [`ContentsHash`] in hexadecimal.
    #[serde(default)]
    pub contents: String,
    /// Its blocks.
    #[serde(default)]
    pub blocks: Extents,
    /// What it is; absent if it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<ModuleRecord>,
}

/// A record that was read.
#[derive(Clone, Debug)]
pub struct Known {
    /// Whose it is.
    pub key: ModuleKey,
    /// What it says.
    pub record: Record,
    /// Its bytes before compression, of which sums are made.
    pub raw: Vec<u8>,
    /// How the blocks are stored.
    pub seal: Seal,
}

impl Record {
    /// The record of a module that has been removed.
    pub fn removed(sequence: u64) -> Self {
        Self {
            sequence,
            generation: 0,
            change: 0,
            contents: String::new(),
            blocks: Extents::new(),
            module: None,
        }
    }

    /// Of `module`, written in change `sequence`.
    pub fn of(module: &Module, sequence: u64) -> Self {
        Self {
            sequence,
            generation: module.generation.number,
            change: module.generation.change,
            contents: hex::encode(module.contents),
            blocks: module.extents.clone(),
            module: Some(module.record.clone()),
        }
    }

    /// Its bytes before compression.
    ///
    /// # Errors
    /// None that is known: it has numbers and strings only.
    pub fn raw(&self) -> std::io::Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(std::io::Error::from)
    }
}

/// The bytes of a record whose bytes are `raw` before compression, as they go to disk at `key`.
///
/// # Errors
/// If it is too large.
pub fn close(
    seal: &Seal,
    generation: Generation,
    key: &[u8],
    raw: &[u8],
) -> std::io::Result<Vec<u8>> {
    let block = compress(Kind::Record, u64::MAX, u64::MAX, raw)?;
    seal.close(place(key), &block, generation)
}

/// The record that was sealed for `key`, which is one of `module`.
///
/// # Errors
/// [`Damage`] if it cannot be opened.
pub fn open(
    ring: Option<&Ring>,
    module: ModuleKey,
    key: &[u8],
    bytes: &[u8],
) -> Result<Known, Damage> {
    let (seal, opened) = Seal::record(ring, place(key), module, bytes)?;
    let record: Record = serde_json::from_slice(&opened.raw).map_err(|_| Damage::Contents)?;
    Ok(Known { key: module, record, raw: opened.raw, seal })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn place(key: &[u8]) -> Place<'_> {
    Place { key, kind: Kind::Record, last: u64::MAX }
}

impl Known {
    /// The module; `None` if it was removed.
    pub fn module(&self) -> Option<Module> {
        let record = self.record.module.clone()?;
        let contents =
            hex::decode(&self.record.contents).unwrap_or_default().try_into().unwrap_or_default();
        let Record { generation: number, change, .. } = self.record;
        let generation = Generation { module: self.key, number, change };
        Some(Module {
            generation,
            record,
            seal: self.seal.clone(),
            extents: self.record.blocks.clone(),
            contents,
        })
    }
}

/// The hash of a module that has `blocks`, in key order.
///
/// # Errors
/// [`Damage`] if one of them cannot be expanded.
pub fn contents(ring: Option<&Ring>, blocks: &[Compressed]) -> Result<ContentsHash, Damage> {
    let hashes: Vec<_> = blocks.par_iter().map(Compressed::hash).collect::<Result<_, Damage>>()?;
    let mut hash = ring.map_or_else(blake3::Hasher::new, |ring| {
        blake3::Hasher::new_keyed(&ring.index_key("contents"))
    });
    for (block, raw) in blocks.iter().zip(hashes) {
        hash.update(&[block.kind as u8]);
        hash.update(&block.first.to_be_bytes());
        hash.update(&block.last.to_be_bytes());
        hash.update(&raw);
    }
    Ok(*hash.finalize().as_bytes())
}

/// How many blocks there are of each kind, and where they end.
pub fn extents(blocks: &[Compressed]) -> Extents {
    let mut extents = Extents::new();
    for block in blocks {
        let of_kind = extents.entry(block.kind as u8).or_default();
        of_kind.count += 1;
        of_kind.last = of_kind.last.max(block.last);
    }
    extents
}

/// The generation of contents that change number `change` writes.
pub fn generation(module: ModuleKey, contents: &ContentsHash, change: u64) -> Generation {
    let (number, _) = contents.split_first_chunk().unwrap_or((&[0; 8], &[]));
    Generation { module, number: u64::from_be_bytes(*number), change }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::compress;

    #[test]
    fn contents_tell_blocks_apart() {
        let block = |last, raw: &[u8]| compress(Kind::Ranges, 1, last, raw).unwrap();
        let of = |blocks: &[Compressed]| contents(None, blocks).unwrap();
        let (one, two) = (block(3, b"one"), block(9, b"two"));
        let both = of(&[one.clone(), two.clone()]);
        assert_eq!(both, of(&[one.clone(), two.clone()]));
        assert_ne!(both, of(std::slice::from_ref(&one)));
        assert_ne!(of(std::slice::from_ref(&one)), of(&[block(4, b"one")]));
        assert_ne!(of(std::slice::from_ref(&one)), of(&[block(3, b"two")]));
        assert_ne!(
            both,
            contents(Some(&Ring::generate().unwrap()), &[one.clone(), two.clone()]).unwrap()
        );
        let extents = extents(&[one, two]);
        assert_eq!(extents[&1], KindExtent { count: 2, last: 9 });
    }
}
