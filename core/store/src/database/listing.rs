//! All modules of a store one after the other, by name and then id. An open store has rows in that
//! order, so that the first ones cost no more than they are; of a sealed one, whose rows show no
//! names, and of one that lacks such rows, all records are read and sorted first.

use rocksdb::DBRawIterator;

use super::index::Tokens;
use super::reader::{Reader, is_damage};
use super::{Catalog, Error, Module};
use crate::module::ModuleKey;

/// Modules in their order.
pub struct Listing<'c> {
    catalog: &'c Catalog<'c>,
    source: Source<'c>,
    /// The key of the last one's row.
    last: Option<Vec<u8>>,
    is_reverse: bool,
}

enum Source<'c> {
    /// From the index of all modules.
    Index(&'c Reader, DBRawIterator<'c>),
    /// From all records.
    Sorted(Box<dyn Iterator<Item = &'c Module> + 'c>),
}

impl<'c> Listing<'c> {
    /// The modules of `catalog`, those behind `after` in their order if it is given. The last ones
    /// come first if `is_reverse`.
    pub(super) fn of(
        catalog: &'c Catalog<'c>,
        after: Option<&Module>,
        is_reverse: bool,
    ) -> Result<Self, Error> {
        let last = after.map(key);
        let indexed = catalog.reader().and_then(|reader| Some((reader, reader.in_order()?)));
        let Some((reader, mut iterator)) = indexed else {
            let source = Source::Sorted(Box::new(std::iter::empty()));
            let mut listing = Self { catalog, source, last, is_reverse };
            listing.sort()?;
            return Ok(listing);
        };
        match (&last, is_reverse) {
            (Some(last), false) => iterator.seek([last, &[0][..]].concat()),
            (Some(last), true) => {
                iterator.seek_for_prev(last);
                if iterator.key().is_some_and(|key| key == last) {
                    iterator.prev();
                }
            }
            (None, false) => iterator.seek_to_first(),
            (None, true) => iterator.seek_to_last(),
        }
        Ok(Self { catalog, source: Source::Index(reader, iterator), last, is_reverse })
    }

    /// Goes on from all records.
    fn sort(&mut self) -> Result<(), Error> {
        let (last, is_reverse) = (self.last.clone(), self.is_reverse);
        let is_next = move |module: &&Module| {
            let key = key(module);
            last.as_ref().is_none_or(|last| if is_reverse { key < *last } else { key > *last })
        };
        let modules = self.catalog.modules()?.iter();
        self.source = Source::Sorted(if is_reverse {
            Box::new(modules.rev().filter(is_next))
        } else {
            Box::new(modules.filter(is_next))
        });
        Ok(())
    }

    fn next_module(&mut self) -> Result<Option<Module>, Error> {
        loop {
            let (reader, iterator) = match &mut self.source {
                Source::Sorted(modules) => return Ok(modules.next().cloned()),
                Source::Index(reader, iterator) => (*reader, iterator),
            };
            match (iterator.key(), iterator.status()) {
                (Some(key), _) => self.last = Some(key.to_vec()),
                (None, Ok(())) => return Ok(None),
                // What the index does not tell, the tables do.
                (None, Err(error)) if is_damage(&error) => {
                    self.sort()?;
                    continue;
                }
                (None, Err(cause)) => return Err(reader.database_error(cause)),
            }
            if self.is_reverse {
                iterator.prev();
            } else {
                iterator.next();
            }
            let module = self.last.as_deref().and_then(ModuleKey::of_catalog);
            let known = module.map(|module| reader.record(module)).transpose()?.flatten();
            if let Some(module) = known.and_then(|known| known.module()) {
                return Ok(Some(module));
            }
        }
    }
}

impl Iterator for Listing<'_> {
    type Item = Result<Module, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_module().transpose()
    }
}

/// The key of the row of `module` in the index of all modules, whether or not it has one.
fn key(module: &Module) -> Vec<u8> {
    Tokens::of(None).in_order(module.generation.module, &module.record)
}
