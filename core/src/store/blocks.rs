//! Blocks of one kind of one module: in, an address or number; out, the only block that can hold it, expanded.

use rocksdb::DBRawIterator;

use super::{Error, Module, Store, key};
use crate::block::{self, Damage, Kind, Opened, Sealed};

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
    Memory(&'a [Sealed]),
}

impl<'a> Blocks<'a> {
    pub(super) fn in_store(store: &'a Store, iterator: DBRawIterator<'a>, module: &'a Module, kind: Kind) -> Self {
        Self { module, kind, place: Place::Store(store, iterator) }
    }

    /// `blocks` are all of the module's, in key order.
    pub(super) fn in_memory(blocks: &'a [Sealed], module: &'a Module, kind: Kind) -> Self {
        let start = blocks.partition_point(|block| block.kind < kind);
        let end = blocks.partition_point(|block| block.kind <= kind);
        Self { module, kind, place: Place::Memory(blocks.get(start..end).unwrap_or_default()) }
    }

    /// The only block that can hold `target`, with the last address or number it covers. It may begin after
    /// `target`; `None` if all blocks end before it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the block is damaged, [`Error::Database`] if it cannot be read.
    pub fn seek(&mut self, target: u64) -> Result<Option<(u64, Opened)>, Error> {
        let (last, bytes) = match &mut self.place {
            Place::Store(store, iterator) => {
                iterator.seek(self.module.generation.key(self.kind, target));
                let Some((key, value)) = iterator.item() else {
                    return iterator.status().map(|()| None).map_err(|source| store.database_error(source));
                };
                let last = key::last(key).ok_or_else(|| Error::corrupt(self.module, self.kind, target, Damage::Header))?;
                (last, value)
            }
            Place::Memory(blocks) => {
                let Some(block) = blocks.get(blocks.partition_point(|block| block.last < target)) else { return Ok(None) };
                (block.last, &block.bytes[..])
            }
        };
        let opened = block::open(bytes).map_err(|damage| Error::corrupt(self.module, self.kind, last, damage))?;
        if opened.first > last {
            return Err(Error::corrupt(self.module, self.kind, last, Damage::Header));
        }
        Ok(Some((last, opened)))
    }
}
