//! A module in memory, whose blocks stay whatever happens to the store.
//!
//! Whoever answers from one holds no lock while it waits for requests, and needs no store at all.

use super::record::Extents;
use super::{Blocks, Error, Module, Reader};
use crate::block::{Compressed, Kind};
use crate::module::Generation;
use crate::pack::Packed;
use crate::seal::Seal;

/// A module with all its blocks.
#[derive(Clone, Debug)]
pub struct InMemoryModule {
    module: Module,
    /// In key order.
    blocks: Vec<Compressed>,
}

impl InMemoryModule {
    /// A module that is in no store.
    pub fn of(packed: Packed) -> Self {
        let generation = Generation { module: packed.key, number: 0, change: 0 };
        let module = Module {
            generation,
            record: packed.record,
            seal: Seal::Open,
            extents: Extents::new(),
            contents: [0; 32],
        };
        Self { module, blocks: packed.blocks }
    }

    /// A module as a store has it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn read(reader: &Reader, module: &Module) -> Result<Self, Error> {
        Ok(Self { module: module.clone(), blocks: reader.stored(module)? })
    }

    /// What it is.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Bytes of all blocks, compressed.
    pub fn bytes(&self) -> usize {
        self.blocks.iter().map(|block| block.data.len()).sum()
    }

    /// Its blocks of one kind, from the one that covers an address or number on.
    pub fn blocks(&self, kind: Kind) -> Blocks<'_> {
        Blocks::in_memory(&self.blocks, &self.module, kind)
    }
}
