//! Answers rising addresses of one module in one merge walk.
//!
//! The walk stands at one block of ranges. The next address is in it, or a seek finds the block
//! that holds it; a gap between blocks and a damaged block are remembered like a block.

use std::sync::Arc;

use symtool_debug::{self as formats, File, Function};

use super::answer::{Aliases, Answer, Frames};
use super::cache::{Cache, Kept};
use crate::block::aliases::AliasBlock;
use crate::block::files::FileBlock;
use crate::block::functions::{Call, FunctionBlock, Site};
use crate::block::ranges::RangeBlock;
use crate::block::{Damage, Expanded, Kind};
use crate::database::{Blocks, Error, InMemoryModule, Module, Reader};
use crate::limits::{FILES_PER_BLOCK, FUNCTIONS_PER_BLOCK, RANGES_PER_BLOCK, SPARSE_BLOCKS};

/// Where the blocks of a module are.
#[derive(Clone, Copy)]
pub enum Home<'s> {
    /// In an open store.
    Store(&'s Reader),
    /// In memory.
    Memory(&'s InMemoryModule),
}

/// A module, as a batch knows it.
#[derive(Clone, Copy)]
pub struct Target<'s> {
    /// Where its blocks are.
    pub home: Home<'s>,
    /// Blocks that are open already.
    pub cache: &'s Cache,
    /// The module.
    pub module: &'s Module,
    /// Its number in the cache.
    pub number: usize,
}

impl<'s> Target<'s> {
    /// Its blocks of one kind; `None` if there can be none.
    fn blocks(self, kind: Kind) -> Option<Blocks<'s>> {
        match self.home {
            Home::Store(reader) => reader.blocks(self.module, kind),
            Home::Memory(held) => Some(held.blocks(kind)),
        }
    }
}

/// Blocks of one kind of one module: those that are open, and those that are not.
struct Source<'s, T> {
    target: Target<'s>,
    kind: Kind,
    kept: &'s Kept<T>,
    stored: Option<Blocks<'s>>,
}

/// What is at an address or number.
enum Found<T> {
    /// A block, from the first to the last that it covers.
    Block(u64, u64, Arc<T>),
    /// Nothing before this.
    Gap(u64),
}

/// What is stored at an address or number.
enum Opened {
    /// A block, up to the last that it covers.
    Block(u64, Expanded),
    /// Nothing before this.
    Gap(u64),
}

impl<'s, T> Source<'s, T> {
    fn new(target: Target<'s>, kind: Kind, kept: &'s Kept<T>) -> Self {
        Self { target, kind, kept, stored: target.blocks(kind) }
    }

    fn find(
        &mut self,
        at: u64,
        decode: impl FnOnce(u64, &[u8]) -> Result<Option<T>, Error>,
        memory_bytes: fn(&T) -> usize,
    ) -> Result<Found<T>, Error> {
        if let Some((first, last, block)) = self.kept(at) {
            return Ok(Found::Block(first, last, block));
        }
        let (last, opened) = match self.open(at)? {
            Opened::Block(last, opened) => (last, opened),
            Opened::Gap(until) => return Ok(Found::Gap(until)),
        };
        let block = decode(opened.first, &opened.raw)?.ok_or_else(|| self.damaged(last))?;
        let bytes = memory_bytes(&block);
        let block = Arc::new(block);
        self.target.cache.keep(self.kept, self.target.number, (opened.first, last), &block, bytes);
        Ok(Found::Block(opened.first, last, block))
    }

    /// The block that covers `at`, if it is in the cache, with the first and the last that it
    /// covers.
    fn kept(&self, at: u64) -> Option<(u64, u64, Arc<T>)> {
        self.kept.get(self.target.number, at)
    }

    /// What is stored at `at`.
    fn open(&mut self, at: u64) -> Result<Opened, Error> {
        let found = self.stored.as_mut().map_or(Ok(None), |stored| stored.seek(at))?;
        Ok(match found {
            Some((_, opened)) if opened.first > at => Opened::Gap(opened.first),
            Some((last, opened)) => Opened::Block(last, opened),
            None => Opened::Gap(u64::MAX),
        })
    }

    /// The error for the block that should cover `at` and does not, or makes no sense.
    #[cold]
    fn damaged(&self, at: u64) -> Error {
        Error::corrupt(self.target.module, self.kind, at, Damage::Contents)
    }

    fn keep(
        &self,
        at_hand: &mut [Option<Arc<T>>],
        number: usize,
        found: Found<T>,
        at: u64,
    ) -> Result<(), Error> {
        match (found, at_hand.get_mut(number)) {
            (Found::Block(_, _, block), Some(slot)) => {
                *slot = Some(block);
                Ok(())
            }
            _ => Err(self.damaged(at)),
        }
    }
}

/// Names and sites of a module, with the blocks that this walk has met at hand by their number.
pub struct Names<'s> {
    stored_functions: Source<'s, FunctionBlock>,
    stored_files: Source<'s, FileBlock>,
    stored_aliases: Source<'s, AliasBlock>,
    functions: Vec<Option<Arc<FunctionBlock>>>,
    /// The function without a name.
    unnamed: u32,
    source: formats::Source,
    files: Vec<Option<Arc<FileBlock>>>,
}

impl<'s> Names<'s> {
    fn new(target: Target<'s>) -> Self {
        let record = &target.module.record;
        Self {
            stored_functions: Source::new(target, Kind::Functions, &target.cache.functions),
            stored_files: Source::new(target, Kind::Files, &target.cache.files),
            stored_aliases: Source::new(target, Kind::Aliases, &target.cache.aliases),
            // One more function than has a name: see `pack`.
            unnamed: record.functions,
            source: record.source(),
            functions: vec![None; record.functions as usize / FUNCTIONS_PER_BLOCK + 1],
            files: vec![None; record.files as usize / FILES_PER_BLOCK + 1],
        }
    }

    /// Brings the block of `function` to hand.
    ///
    /// # Errors
    /// If it is damaged or cannot be read.
    #[inline]
    pub fn load_function(&mut self, function: u32) -> Result<(), Error> {
        let number = function as usize / FUNCTIONS_PER_BLOCK;
        if matches!(self.functions.get(number), Some(Some(_))) {
            return Ok(());
        }
        let at = u64::from(function);
        let found = self.stored_functions.find(
            at,
            |_, raw| Ok(FunctionBlock::decode(raw)),
            FunctionBlock::memory_bytes,
        )?;
        self.stored_functions.keep(&mut self.functions, number, found, at)
    }

    /// Brings the block of `file` to hand.
    ///
    /// # Errors
    /// If it is damaged or cannot be read.
    #[inline]
    pub fn load_file(&mut self, file: u32) -> Result<(), Error> {
        let number = file as usize / FILES_PER_BLOCK;
        if matches!(self.files.get(number), Some(Some(_))) {
            return Ok(());
        }
        let at = u64::from(file);
        let found = self.stored_files.find(
            at,
            |_, raw| Ok(FileBlock::decode(raw)),
            FileBlock::memory_bytes,
        )?;
        self.stored_files.keep(&mut self.files, number, found, at)
    }

    fn block(&self, function: u32) -> Option<(&FunctionBlock, usize)> {
        let block = self.functions.get(function as usize / FUNCTIONS_PER_BLOCK)?.as_deref()?;
        Some((block, function as usize % FUNCTIONS_PER_BLOCK))
    }

    /// The functions that were folded into the one that begins at `address`; `None` if there are
    /// none.
    ///
    /// # Errors
    /// If the block that says it is damaged or cannot be read.
    pub fn aliases(&mut self, address: u64) -> Result<Option<Aliases>, Error> {
        // What the module has is counted, so that those without need no look into the store.
        if self.stored_aliases.target.module.record.aliases == 0 {
            return Ok(None);
        }
        match self.stored_aliases.find(
            address,
            |first, raw| Ok(AliasBlock::decode(first, raw)),
            AliasBlock::memory_bytes,
        )? {
            Found::Block(_, _, block) => {
                Ok(Some(Aliases { block, address })
                    .filter(|aliases| aliases.iter().next().is_some()))
            }
            Found::Gap(_) => Ok(None),
        }
    }

    /// Call `call` of `function`, whose block is brought to hand.
    fn call(&mut self, function: u32, call: u32) -> Result<Option<Call>, Error> {
        self.load_function(function)?;
        Ok(self.block(function).and_then(|(block, index)| block.call(index, call)))
    }

    /// All that is known of `function`, whose block has been brought to hand.
    #[inline]
    pub fn declared(&self, function: u32) -> Function<'_> {
        self.block(function)
            .and_then(|(block, index)| block.declared(index))
            .unwrap_or_else(|| Function::symbol(b""))
    }

    /// What knows the frames that are not known from symbols alone.
    pub fn source(&self) -> formats::Source {
        self.source
    }

    /// Whether `function` is the one without a name, not one whose name is empty.
    pub fn is_unnamed(&self, function: u32) -> bool {
        function == self.unnamed
    }

    /// A site of `function`, whose block has been brought to hand.
    #[inline]
    pub fn site(&self, function: u32, site: u32) -> Option<Site> {
        self.block(function).and_then(|(block, index)| block.site(index, site))
    }

    /// Source file `file`, whose block has been brought to hand.
    #[inline]
    pub fn file(&self, file: u32) -> File<'_> {
        let block = self.files.get(file as usize / FILES_PER_BLOCK).and_then(Option::as_deref);
        block.and_then(|block| block.get(file as usize % FILES_PER_BLOCK)).unwrap_or_default()
    }

    /// The error for a function's block that contradicts the block of ranges that refers to it.
    #[cold]
    pub fn damaged(&self, function: u32) -> Error {
        self.stored_functions.damaged(u64::from(function))
    }
}

/// Where a walk stands.
enum Here {
    /// In a block, from its first to its last address, at one of its ranges.
    Block { first: u64, last: u64, block: Arc<RangeBlock>, at: usize },
    /// Before the next block.
    Gap { until: u64 },
    /// At a damaged block, up to its last address.
    Damaged { last: u64, error: Error },
}

/// A walk over rising addresses of one module.
pub struct Walk<'s> {
    /// Whether so little is asked that blocks of ranges are not worth decoding as a whole.
    is_sparse: bool,
    ranges: Source<'s, RangeBlock>,
    names: Names<'s>,
    here: Here,
}

impl<'s> Walk<'s> {
    /// Before the first of `addresses` addresses.
    pub fn new(target: Target<'s>, addresses: usize) -> Self {
        let blocks = target.module.record.ranges / RANGES_PER_BLOCK as u64;
        let is_sparse = addresses as u64 * SPARSE_BLOCKS <= blocks;
        let ranges = Source::new(target, Kind::Ranges, &target.cache.ranges);
        Self { is_sparse, ranges, names: Names::new(target), here: Here::Gap { until: 0 } }
    }

    /// What is known at `address`, which is not lower than the one before; and whether that is the
    /// same range as at the address before.
    pub fn answer(&mut self, address: u64) -> (Answer<'_, 's>, bool) {
        let stays = match &self.here {
            Here::Block { first, last, .. } => (*first..=*last).contains(&address),
            Here::Gap { until } => address < *until,
            Here::Damaged { last, .. } => address <= *last,
        };
        if !stays {
            self.here = self.seek(address);
        }
        match &mut self.here {
            Here::Block { block, at, .. } => {
                let before = *at;
                *at = block.find(address, before).unwrap_or(before);
                let same = stays && *at == before;
                match block.spot(*at) {
                    Some(spot) => {
                        (Answer::Frames(Frames { block, names: &mut self.names, spot }), same)
                    }
                    None => (Answer::NoRange, same),
                }
            }
            Here::Gap { .. } => (Answer::NoRange, stays),
            Here::Damaged { error, .. } => (Answer::Corrupt(error), stays),
        }
    }

    fn seek(&mut self, address: u64) -> Here {
        let sought = if self.is_sparse && self.ranges.kept(address).is_none() {
            self.seek_part(address)
        } else {
            self.seek_block(address)
        };
        match sought {
            Ok(Found::Block(first, last, block)) => Here::Block { first, last, block, at: 0 },
            Ok(Found::Gap(until)) => Here::Gap { until },
            Err(error) => Here::Damaged { last: error.last_range().unwrap_or(address), error },
        }
    }

    fn seek_block(&mut self, address: u64) -> Result<Found<RangeBlock>, Error> {
        let names = &mut self.names;
        self.ranges.find(
            address,
            |_, raw| RangeBlock::decode(raw, |function, call| names.call(function, call)),
            RangeBlock::memory_bytes,
        )
    }

    /// As much of a block as `address` needs, as a block of its own. It is not kept.
    fn seek_part(&mut self, address: u64) -> Result<Found<RangeBlock>, Error> {
        let (last, opened) = match self.ranges.open(address)? {
            Opened::Block(last, opened) => (last, opened),
            Opened::Gap(until) => return Ok(Found::Gap(until)),
        };
        let names = &mut self.names;
        let part = RangeBlock::decode_at(&opened.raw, address, |function, call| {
            names.call(function, call)
        })?;
        let (first, part) = part.ok_or_else(|| self.ranges.damaged(last))?;
        Ok(Found::Block(first, part.end() - 1, Arc::new(part)))
    }
}
