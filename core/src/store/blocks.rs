//! Blocks of one kind of one module: in, an address or number; out, the only block that can hold it, expanded.

use rocksdb::DBRawIterator;

use super::sweep::{is_damage, step_over};
use super::{Error, Module, Store, key};
use crate::block::{self, Compressed, Damage, Expanded, Kind};
use crate::seal;

/// A place among the blocks of one kind of one module.
pub struct Blocks<'a> {
    module: &'a Module,
    kind: Kind,
    place: Place<'a>,
}

/// Where the blocks are.
enum Place<'a> {
    /// In a store, whose iterator ends with them.
    Store(&'a Store, DBRawIterator<'a>),
    /// In memory, in key order.
    Memory(&'a [Compressed]),
}

impl<'a> Blocks<'a> {
    pub(super) fn in_store(store: &'a Store, iterator: DBRawIterator<'a>, module: &'a Module, kind: Kind) -> Self {
        Self { module, kind, place: Place::Store(store, iterator) }
    }

    /// `blocks` are all of the module's, in key order.
    pub(super) fn in_memory(blocks: &'a [Compressed], module: &'a Module, kind: Kind) -> Self {
        let start = blocks.partition_point(|block| block.kind < kind);
        let end = blocks.partition_point(|block| block.kind <= kind);
        Self { module, kind, place: Place::Memory(blocks.get(start..end).unwrap_or_default()) }
    }

    /// The only block that can hold `target`, with the last address or number it covers. It may begin after
    /// `target`; `None` if all blocks end before it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the block is damaged, [`Error::Database`] if it cannot be read.
    pub fn seek(&mut self, target: u64) -> Result<Option<(u64, Expanded)>, Error> {
        let (last, opened) = match &mut self.place {
            Place::Store(store, iterator) => {
                iterator.seek(self.module.generation.key(self.kind, target));
                let Some((key, value)) = iterator.item() else {
                    return match iterator.status() {
                        Ok(()) => Ok(None),
                        Err(error) if is_damage(&error) => Err(damaged(iterator, self.module, self.kind, target)),
                        Err(source) => Err(store.database_error(source)),
                    };
                };
                let last = key::last(key).ok_or_else(|| Error::corrupt(self.module, self.kind, target, Damage::Header))?;
                let place = seal::Place { generation: self.module.generation, kind: self.kind, last };
                (last, self.module.seal.expand(place, value))
            }
            Place::Memory(blocks) => {
                let Some(block) = blocks.get(blocks.partition_point(|block| block.last < target)) else { return Ok(None) };
                (block.last, block::expand(&block.bytes))
            }
        };
        let opened = opened.map_err(|damage| Error::corrupt(self.module, self.kind, last, damage))?;
        if opened.first > last {
            return Err(Error::corrupt(self.module, self.kind, last, Damage::Header));
        }
        Ok(Some((last, opened)))
    }
}

/// The error for a block that covers `target` and that the database cannot read, with the last number that it can cover.
fn damaged(iterator: &mut DBRawIterator<'_>, module: &Module, kind: Kind, target: u64) -> Error {
    let (bad, after) = (module.generation.key(kind, target), module.generation.after(kind));
    let next = step_over(iterator, bad, after).filter(|next| key::kind(next) == Some(kind)).and_then(|next| key::last(&next));
    Error::corrupt(module, kind, next.map_or(u64::MAX, |next| next.saturating_sub(1).max(target)), Damage::Checksum)
}
