//! Packs the ranges of a module as they come, and then its functions: [`RangePacker`].
//!
//! Only what a later range can refer to is kept: which sites and calls each function has so far.
//! Once those of a part are numbered, its blocks are filled and compressed side by side.

use std::io;
use std::ops::Range as Indices;

use rayon::prelude::*;
use symtool_debug::{ChainId, Function as Declared, FunctionList, InlineChain, Range, Source};
use symtool_module::number_of;

use super::compress_groups;
use super::numbers::{NumberedFunctions, Numbers, Slot};
use super::visits::{Numbered, Visits};
use crate::block::functions::{self, Call, Function};
use crate::block::ranges::{Encoder, NAMELESS, Root, Step};
use crate::block::{Compressed, Kind, compress};
use crate::limits::{FUNCTIONS_PER_BLOCK, RANGES_PER_BLOCK};
use crate::module::{RangeCounts, addresses};

/// Functions that are encoded before their names may leave memory.
const FUNCTIONS_AT_ONCE: usize = 64 * FUNCTIONS_PER_BLOCK;

/// Takes the ranges of a module in the order of their addresses.
#[derive(Default)]
pub struct RangePacker {
    numbers: Numbers,
    /// Chains of the parts before.
    chains: u32,
    /// The last block, which may have room.
    open: Option<Encoder>,
    blocks: Vec<Compressed>,
    /// Blocks that name the function without a name, whose number is not known yet.
    nameless: Vec<Encoder>,
    counts: RangeCounts,
}

/// Blocks of ranges and functions.
#[derive(Debug)]
pub struct PackedRanges {
    pub(super) blocks: Vec<Compressed>,
    pub(super) counts: RangeCounts,
}

impl RangePacker {
    /// Takes `ranges`, which lie after all before, and whose chains are `chains`. Works on the
    /// current rayon pool; what the blocks are does not depend on how the ranges are parted, as
    /// long as no chain is in two parts.
    ///
    /// # Errors
    /// If a block is too large or zstd fails.
    pub fn push(&mut self, chains: &[InlineChain], ranges: &[Range]) -> io::Result<()> {
        let mut visits = Visits::new(chains, ranges);
        let mut begun = Vec::new();
        let mut next = 0;
        while next < ranges.len() {
            let outermost = self.numbers.outermost();
            let block = self.open.take().unwrap_or_else(|| Encoder::new(outermost));
            let end = ranges.len().min(next + RANGES_PER_BLOCK - block.count());
            visits.meet(&mut self.numbers, next..end);
            begun.push((block, next..end));
            next = end;
        }
        let numbered = visits.number(&mut self.numbers);
        let part = Part { chains, ranges, before: self.chains, numbers: &self.numbers, numbered };
        let open = begun.pop();
        let blocks = begun.into_par_iter().map(|(block, more)| Filled::of(part.fill(block, more)));
        let blocks = blocks.collect::<io::Result<Vec<Filled>>>()?;
        if let Some((block, more)) = open {
            self.open = Some(part.fill(block, more));
        }
        for block in blocks {
            match block {
                Filled::Nameless(encoder) => self.nameless.push(*encoder),
                Filled::Compressed(block) => self.blocks.extend(block),
            }
        }
        self.chains = self.chains.saturating_add(number_of(chains.len()));
        self.counts.ranges += ranges.len() as u64;
        self.counts.addresses +=
            ranges.iter().map(|range| addresses(range.start, range.end)).sum::<u64>();
        Ok(())
    }

    /// Packs `functions`, all that the chains referred to.
    ///
    /// # Errors
    /// If a block is too large or zstd fails.
    pub fn finish(mut self, functions: FunctionList<'_>) -> io::Result<PackedRanges> {
        self.counts.functions = functions.len();
        let numbered = self.numbers.finish(functions.len());
        self.nameless.extend(self.open);
        let nameless = numbered.nameless();
        let waiting = self.nameless.into_par_iter();
        let waiting: Vec<Option<Compressed>> =
            waiting.map(|encoder| compressed(encoder, nameless)).collect::<io::Result<_>>()?;
        let mut blocks = self.blocks;
        blocks.extend(waiting.into_iter().flatten());
        blocks.sort_unstable_by_key(|block| block.last);
        blocks.extend(pack_functions(functions, &numbered)?);
        Ok(PackedRanges { blocks, counts: self.counts })
    }
}

/// A block to which nothing will be added.
enum Filled {
    Compressed(Option<Compressed>),
    /// It names the function without a name.
    Nameless(Box<Encoder>),
}

impl Filled {
    fn of(encoder: Encoder) -> io::Result<Self> {
        if encoder.has_nameless() {
            return Ok(Self::Nameless(Box::new(encoder)));
        }
        compressed(encoder, NAMELESS).map(Self::Compressed)
    }
}

fn compressed(encoder: Encoder, nameless: u32) -> io::Result<Option<Compressed>> {
    let block = encoder.finish(nameless);
    block.map(|(first, last, raw)| compress(Kind::Ranges, first, last, &raw)).transpose()
}

fn pack_functions(
    functions: FunctionList<'_>,
    numbered: &NumberedFunctions,
) -> io::Result<Vec<Compressed>> {
    let encode = |group: Indices<usize>| {
        let mut encoder = functions::Encoder::default();
        let (mut sites, mut calls) = (Vec::new(), Vec::new());
        for number in group {
            let slot = numbered.slot(number).0.checked_sub(1);
            let declared = slot.and_then(|id| functions.get(id as usize));
            let declared = declared.unwrap_or_else(|| Declared::symbol(b""));
            numbered.read(number, &mut sites, &mut calls);
            encoder.push(Function { declared, sites: &sites, calls: &calls });
        }
        encoder.finish()
    };
    let mut blocks = Vec::new();
    for first in (0..numbered.count()).step_by(FUNCTIONS_AT_ONCE) {
        let some = first..numbered.count().min(first + FUNCTIONS_AT_ONCE);
        blocks.extend(compress_groups(Kind::Functions, some, FUNCTIONS_PER_BLOCK, encode)?);
        functions.release();
    }
    Ok(blocks)
}

/// A part whose sites and calls are numbered.
struct Part<'a> {
    chains: &'a [InlineChain],
    ranges: &'a [Range],
    /// Chains of the parts before.
    before: u32,
    numbers: &'a Numbers,
    numbered: Numbered,
}

impl Part<'_> {
    /// Appends the ranges numbered `indices` to `block`.
    fn fill(&self, mut block: Encoder, indices: Indices<usize>) -> Encoder {
        let mut path = Path::default();
        for (index, range) in indices.clone().zip(&self.ranges[indices]) {
            let (root_chain, root) = path.enter(self, range.chain);
            let site = self.numbered.site(index);
            block.push((range.start, range.end), root_chain, root, &path.steps, site);
        }
        block
    }
}

/// The way from the outermost function to a chain, as steps.
#[derive(Default)]
struct Path {
    /// The outermost chain and its function.
    root: Option<(u32, Root)>,
    steps: Vec<Step>,
    /// Steps to go, the last one first.
    ahead: Vec<Step>,
}

impl Path {
    /// Makes this the calls that lead to `chain`, and returns its outermost chain and function.
    ///
    /// Goes up from `chain` only as far as the path that is already there: callers have lower
    /// numbers than their callees, so what has a higher number is not on the way.
    fn enter(&mut self, part: &Part<'_>, chain: ChainId) -> (u32, Root) {
        let mut chain = chain;
        let root = loop {
            let number = part.before + chain.index();
            while self.steps.last().is_some_and(|step| step.chain > number) {
                self.steps.pop();
            }
            let here = self.steps.last().map(|step| step.chain).or(self.root.map(|(root, _)| root));
            if let Some(root) = self.root.filter(|_| here == Some(number)) {
                break root;
            }
            let InlineChain { caller, source, start, function } =
                part.chains[chain.index() as usize];
            let function = Slot::of(function);
            let Some((caller, _)) = caller else {
                self.steps.clear();
                let function = part.numbers.as_outermost(function).unwrap_or(NAMELESS);
                break (number, Root { function, symtab: source == Source::Symtab, start });
            };
            let (site, call) = part.numbered.call(chain);
            let target = Call { site, callee: function.0 };
            self.ahead.push(Step { chain: number, call, target, start });
            chain = caller;
        };
        self.root = Some(root);
        self.steps.extend(self.ahead.drain(..).rev());
        root
    }
}
