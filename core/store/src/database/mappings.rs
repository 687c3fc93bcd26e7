//! Classes of mappings, of a store or in memory: by its obfuscated name, the row of one class, and
//! of no other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;
use symtool_mapping::{ClassRow, Classes};

use super::{Error, InMemoryModule, Module, Reader};
use crate::block::classes::{self, ClassBlock};
use crate::block::{Damage, Kind};
use crate::limits::{KEPT_CLASS_BYTES, KEPT_CLASSES};
use crate::module::Generation;

/// The mappings of a store, and others. What was asked for is kept, also that a class is not there.
#[derive(Debug, Default)]
pub struct Mappings<'s> {
    /// `None` if there is no store.
    reader: Option<&'s Reader>,
    kept: Mutex<HashMap<Generation, Kept>>,
}

/// What is kept of one mapping.
#[derive(Debug, Default)]
struct Kept {
    rows: HashMap<String, Option<Arc<ClassRow>>>,
    /// By the last hash that each covers; with the first.
    blocks: BTreeMap<u64, (u64, Arc<ClassBlock>)>,
    /// Bytes of the blocks.
    bytes: usize,
}

/// One mapping, for who asks for its classes by name.
#[derive(Clone, Copy, Debug)]
pub struct Mapping<'m> {
    mappings: &'m Mappings<'m>,
    blocks: Origin<'m>,
}

/// Where the blocks of a mapping are.
#[derive(Clone, Copy, Debug)]
enum Origin<'m> {
    Store(&'m Module),
    Memory(&'m InMemoryModule),
}

impl<'m> Origin<'m> {
    fn module(self) -> &'m Module {
        match self {
            Self::Store(module) => module,
            Self::Memory(held) => held.module(),
        }
    }
}

impl<'s> Mappings<'s> {
    /// Those that `reader` has.
    pub fn new(reader: &'s Reader) -> Self {
        Self { reader: Some(reader), kept: Mutex::default() }
    }

    /// The mapping that `module` is.
    pub fn of<'m>(&'m self, module: &'m Module) -> Mapping<'m>
    where
        's: 'm,
    {
        Mapping { mappings: self, blocks: Origin::Store(module) }
    }

    /// A mapping in memory.
    pub fn of_held<'m>(&'m self, held: &'m InMemoryModule) -> Mapping<'m>
    where
        's: 'm,
    {
        Mapping { mappings: self, blocks: Origin::Memory(held) }
    }

    /// The row of the class that the mapping calls `obfuscated`.
    fn class(&self, origin: Origin<'_>, obfuscated: &str) -> Result<Option<Arc<ClassRow>>, Error> {
        let module = origin.module();
        let hash = classes::hash(obfuscated);
        let lock = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = lock()
            .get(&module.generation)
            .map(|kept| (kept.rows.get(obfuscated).cloned(), kept.block(hash)));
        let known = match found {
            Some((Some(row), _)) => return Ok(row),
            Some((None, block)) => block,
            None => None,
        };
        let block = match known {
            Some(block) => Some(block),
            None => self.read(origin, hash)?,
        };
        let row = block.as_ref().and_then(|(last, _, block)| {
            let damaged = || Error::corrupt(module, Kind::Classes, *last, Damage::Contents);
            Some(block.row(block.find(obfuscated)?).map(Arc::new).ok_or_else(damaged))
        });
        let row = row.transpose()?;
        let mut all = lock();
        let kept = all.entry(module.generation).or_default();
        if kept.rows.len() >= KEPT_CLASSES {
            kept.rows.clear();
        }
        kept.rows.insert(obfuscated.to_owned(), row.clone());
        kept.keep(block);
        Ok(row)
    }

    /// The block that covers `hash`, with the first and the last hash that it covers.
    fn read(&self, origin: Origin<'_>, hash: u64) -> Result<Option<Block>, Error> {
        let module = origin.module();
        let blocks = match origin {
            Origin::Store(module) => {
                self.reader.and_then(|reader| reader.blocks(module, Kind::Classes))
            }
            Origin::Memory(held) => Some(held.blocks(Kind::Classes)),
        };
        let Some(mut blocks) = blocks else { return Ok(None) };
        let Some((last, opened)) = blocks.seek(hash)?.filter(|(_, opened)| opened.first <= hash)
        else {
            return Ok(None);
        };
        let block = ClassBlock::decode(&opened.raw)
            .ok_or_else(|| Error::corrupt(module, Kind::Classes, last, Damage::Contents))?;
        Ok(Some((last, opened.first, Arc::new(block))))
    }
}

/// The last and the first hash that a block covers, and the block.
type Block = (u64, u64, Arc<ClassBlock>);

impl Kept {
    fn block(&self, hash: u64) -> Option<Block> {
        let (last, (first, block)) = self.blocks.range(hash..).next()?;
        (*first <= hash).then(|| (*last, *first, Arc::clone(block)))
    }

    fn keep(&mut self, block: Option<Block>) {
        let Some((last, first, block)) = block.filter(|(last, ..)| !self.blocks.contains_key(last))
        else {
            return;
        };
        if self.bytes >= KEPT_CLASS_BYTES {
            self.blocks.clear();
            self.bytes = 0;
        }
        self.bytes += block.bytes();
        self.blocks.insert(last, (first, block));
    }
}

impl Classes for Mapping<'_> {
    type Error = Error;

    /// # Errors
    /// [`Error::Corrupt`] if the block with it is damaged, [`Error::Database`] if it cannot be
    /// read.
    fn class(&mut self, obfuscated: &str) -> Result<Option<Arc<ClassRow>>, Error> {
        self.mappings.class(self.blocks, obfuscated)
    }
}
