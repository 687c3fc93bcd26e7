//! Packs the ranges of a module as they come, and then its functions: [`RangePacker`].
//!
//! Only what a later range can refer to is kept: which sites and calls each function has so far.

use std::io;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use symtool_debug::{ChainId, Function as Declared, FunctionList, InlineChain, Range, Source};
use symtool_module::number_of;

use super::compress_groups;
use super::numbers::{NumberedFunctions, Numbers, Slot};
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
    path: Path,
    /// Chains of the parts before.
    chains: u32,
    /// The block at hand.
    encoder: Option<Encoder>,
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
    /// Takes `ranges`, which lie after all before, and whose chains are `chains`. Blocks are
    /// compressed on the current rayon pool; what they are does not depend on how the ranges are
    /// parted.
    ///
    /// # Errors
    /// If a block is too large or zstd fails.
    pub fn push(&mut self, chains: &[InlineChain], ranges: &[Range]) -> io::Result<()> {
        let ready = Mutex::new(Vec::new());
        rayon::in_place_scope(|scope| {
            let mut part = Part::new(chains, self.chains);
            for range in ranges {
                let Some(full) = self.take(&mut part, range) else { continue };
                if full.has_nameless() {
                    self.nameless.push(full);
                    continue;
                }
                let ready = &ready;
                scope.spawn(move |_| {
                    let block = compressed(full, NAMELESS);
                    ready.lock().unwrap_or_else(PoisonError::into_inner).push(block);
                });
            }
        });
        self.chains = self.chains.saturating_add(number_of(chains.len()));
        for block in ready.into_inner().unwrap_or_else(PoisonError::into_inner) {
            self.blocks.extend(block?);
        }
        self.numbers.settle();
        Ok(())
    }

    /// Packs `functions`, all that the chains referred to.
    ///
    /// # Errors
    /// If a block is too large or zstd fails.
    pub fn finish(mut self, functions: FunctionList<'_>) -> io::Result<PackedRanges> {
        self.counts.functions = functions.len();
        let numbered = self.numbers.finish(functions.len());
        self.nameless.extend(self.encoder);
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

    /// Appends `range` to the block at hand, and gives back the one before if that is full.
    fn take(&mut self, part: &mut Part<'_>, range: &Range) -> Option<Encoder> {
        let full = self.encoder.take_if(|encoder| encoder.count() == RANGES_PER_BLOCK);
        let outermost = self.numbers.outermost();
        part.meet(&mut self.numbers, range.chain);
        let innermost = Slot::of(part.chain(range.chain).function);
        let site = self.numbers.site(innermost, range.location);
        let (root_chain, root) = self.path.enter(part, &mut self.numbers, range.chain);
        let encoder = self.encoder.get_or_insert_with(|| Encoder::new(outermost));
        encoder.push((range.start, range.end), root_chain, root, &self.path.steps, site);
        self.counts.ranges += 1;
        self.counts.addresses += addresses(range.start, range.end);
        full
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
    let encode = |group: std::ops::Range<usize>| {
        let mut encoder = functions::Encoder::default();
        for number in group {
            let slot = numbered.slot(number).0.checked_sub(1);
            let declared = slot.and_then(|id| functions.get(id as usize));
            let declared = declared.unwrap_or_else(|| Declared::symbol(b""));
            numbered.items(number, |sites, calls| {
                encoder.push(Function { declared, sites, calls });
            });
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

/// Chains of one part, and the numbers of those that have been met.
struct Part<'a> {
    chains: &'a [InlineChain],
    /// Chains of the parts before.
    before: u32,
    is_met: Vec<bool>,
    /// By chain with a caller: the call, and its number among the caller's.
    calls: Vec<(u32, u32)>,
}

impl<'a> Part<'a> {
    fn new(chains: &'a [InlineChain], before: u32) -> Self {
        Self {
            chains,
            before,
            is_met: vec![false; chains.len()],
            calls: vec![(0, 0); chains.len()],
        }
    }

    fn chain(&self, chain: ChainId) -> &'a InlineChain {
        &self.chains[chain.index() as usize]
    }

    /// Numbers what `chain` and its callers are the first to name.
    fn meet(&mut self, numbers: &mut Numbers, chain: ChainId) {
        let (mut at, mut depth) = (chain, 0);
        // The callers of a chain that has been met have been met.
        while !std::mem::replace(&mut self.is_met[at.index() as usize], true) {
            let InlineChain { function, caller, .. } = self.chain(at);
            let Some((caller, place)) = *caller else {
                numbers.meet_outermost(Slot::of(*function));
                break;
            };
            let (within, inlined) = (Slot::of(self.chain(caller).function), Slot::of(*function));
            let site = numbers.site(within, place);
            let call = numbers.call(within, Call { site, callee: inlined.0 });
            self.calls[at.index() as usize] = (site, call);
            (at, depth) = (caller, depth + 1);
        }
        if depth > 0 {
            let callers = std::iter::successors(Some(chain), |chain| {
                self.chain(*chain).caller.map(|(caller, _)| caller)
            });
            let path = callers.take(depth).map(|chain| Slot::of(self.chain(chain).function));
            numbers.meet_inlined(path);
        }
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
    fn enter(&mut self, part: &Part<'_>, numbers: &mut Numbers, chain: ChainId) -> (u32, Root) {
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
            let InlineChain { caller, source, start, function } = *part.chain(chain);
            let function = Slot::of(function);
            let Some((caller, _)) = caller else {
                self.steps.clear();
                let function = numbers.meet_outermost(function).unwrap_or(NAMELESS);
                break (number, Root { function, symtab: source == Source::Symtab, start });
            };
            let (site, call) = part.calls[chain.index() as usize];
            let target = Call { site, callee: function.0 };
            self.ahead.push(Step { chain: number, call, target, start });
            chain = caller;
        };
        self.root = Some(root);
        self.steps.extend(self.ahead.drain(..).rev());
        root
    }
}
