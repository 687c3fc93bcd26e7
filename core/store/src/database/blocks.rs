//! The blocks of one kind of one module: for an address or number, the only block that can hold it.

use rocksdb::DBRawIterator;

use super::reader::{Reader, is_damage};
use super::record::KindExtent;
use super::{Error, Module};
use crate::block::{Compressed, Damage, Expanded, Kind};
use crate::module::key;
use crate::seal::Place;

/// A place among the blocks of one kind of one module.
pub struct Blocks<'a> {
    module: &'a Module,
    kind: Kind,
    source: Source<'a>,
}

/// Where the blocks are.
enum Source<'a> {
    /// In a store, whose iterator ends with them.
    Store(&'a Reader, DBRawIterator<'a>),
    /// In memory, in key order.
    Memory(&'a [Compressed]),
}

impl<'a> Blocks<'a> {
    pub(super) fn in_store(
        reader: &'a Reader,
        iterator: DBRawIterator<'a>,
        module: &'a Module,
        kind: Kind,
    ) -> Self {
        Self { module, kind, source: Source::Store(reader, iterator) }
    }

    /// `blocks` are all of the module's, in key order.
    pub(super) fn in_memory(blocks: &'a [Compressed], module: &'a Module, kind: Kind) -> Self {
        let start = blocks.partition_point(|block| block.kind < kind);
        let end = blocks.partition_point(|block| block.kind <= kind);
        Self { module, kind, source: Source::Memory(blocks.get(start..end).unwrap_or_default()) }
    }

    /// The only block that can hold `target`, with the last address or number it covers. It may
    /// begin after `target`; `None` if all blocks end before it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the block is damaged or has gone, [`Error::Database`] if it cannot be
    /// read.
    pub fn seek(&mut self, target: u64) -> Result<Option<(u64, Expanded)>, Error> {
        let found = match &mut self.source {
            Source::Store(reader, iterator) => {
                iterator.seek(self.module.generation.key(self.kind, target));
                match (iterator.item(), iterator.status()) {
                    (Some((key, value)), _) => Some(expand(self.module, self.kind, key, value)),
                    (None, Ok(())) => None,
                    (None, Err(error)) if is_damage(&error) => {
                        salvaged(reader, self.module, self.kind, target)?
                    }
                    (None, Err(cause)) => return Err(reader.database_error(cause)),
                }
            }
            Source::Memory(blocks) => {
                let block = blocks.get(blocks.partition_point(|block| block.last < target));
                block.map(|block| (block.last, block.expand().map(|opened| (block.from, opened))))
            }
        };
        let corrupt = |last, damage| Error::corrupt(self.module, self.kind, last, damage);
        let Some((last, opened)) = found else {
            // What the module has of the kind ends before, unless the blocks behind it have gone.
            let extent = self.module.extents.get(&(self.kind as u8)).copied();
            return match extent.filter(|extent| target <= extent.last) {
                Some(KindExtent { last, .. }) => Err(corrupt(last, Damage::Missing)),
                None => Ok(None),
            };
        };
        let (from, opened) = opened.map_err(|damage| corrupt(last, damage))?;
        if opened.first > last || opened.first < from {
            return Err(corrupt(last, Damage::Header));
        }
        if target < from {
            return Err(corrupt(from - 1, Damage::Missing));
        }
        Ok(Some((last, opened)))
    }
}

/// What was found at a key: the last number that it covers, and from where on, and its contents.
type Found = (u64, Result<(u64, Expanded), Damage>);

fn expand(module: &Module, kind: Kind, key: &[u8], value: &[u8]) -> Found {
    let Some(sealed) = key::sealed(key) else { return (u64::MAX, Err(Damage::Header)) };
    let last = key::last(&sealed);
    (last, module.seal.expand(Place { key: &sealed, kind, last }, value))
}

/// The same where the database cannot be read, from its tables.
fn salvaged(
    reader: &Reader,
    module: &Module,
    kind: Kind,
    target: u64,
) -> Result<Option<Found>, Error> {
    let (first, after) = (module.generation.key(kind, target), module.generation.after(kind));
    let salvage = reader.salvage()?;
    let Some(key) = salvage.keys(&first, &after).next() else { return Ok(None) };
    let values = salvage.values(key).map_err(|cause| reader.io_error(cause))?;
    let mut found = values.iter().map(|value| expand(module, kind, key, value));
    let first = found.next();
    let intact = first.as_ref().is_none_or(|(_, opened)| opened.is_ok());
    Ok(if intact { first } else { found.find(|(_, opened)| opened.is_ok()).or(first) })
}
