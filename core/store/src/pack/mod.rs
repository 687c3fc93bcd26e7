//! Packs the symbols of a module into blocks: [`Packed`], ready for the store.
//!
//! Sites and calls are numbered first (numbers.rs). Then every block can be filled and compressed
//! by itself.

mod classes;
mod numbers;
mod unwind;

use rayon::prelude::*;
use symtool_debug::{Alias, ChainId, Files, InlineChain, ModuleSymbols, Range, Source};
use symtool_module::number_of;

use crate::block::functions::{self, Call, Function};
use crate::block::layers::{self, Span};
use crate::block::ranges::{Encoder, Root, Step};
use crate::block::{Compressed, Kind, aliases, compress, files, link};
use crate::limits::{ALIASES_PER_BLOCK, FILES_PER_BLOCK, FUNCTIONS_PER_BLOCK, RANGES_PER_BLOCK};
use crate::module::{ModuleKey, ModuleRecord};
pub use classes::{mapping_info, pack_mapping};
use numbers::Numbers;

/// A module as the store takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// What it is.
    pub record: ModuleRecord,
    /// What it is filed under.
    pub key: ModuleKey,
    /// All blocks but the record, in key order.
    pub blocks: Vec<Compressed>,
}

/// Packs `symbols`, read from a file of `bytes_in` bytes, on the current rayon pool. The blocks do
/// not depend on how many threads there are.
///
/// # Errors
/// If a block is too large or zstd fails.
pub fn pack(symbols: &ModuleSymbols, bytes_in: u64) -> std::io::Result<Packed> {
    pack_layered(symbols, &Layers::default(), bytes_in)
}

/// Which source answers where, of a module made from several files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    /// For names and lines.
    pub ranges: Vec<Span>,
    /// For unwind rows.
    pub unwind: Vec<Span>,
}

/// The same for a module of several files.
///
/// # Errors
/// As [`pack`].
pub(crate) fn pack_layered(
    symbols: &ModuleSymbols,
    layers: &Layers,
    bytes_in: u64,
) -> std::io::Result<Packed> {
    let functions = Functions::of(symbols);
    let numbers = Numbers::of(symbols, &functions);
    let mut blocks = pack_ranges(symbols, &functions, &numbers)?;
    blocks.extend(pack_functions(symbols, &functions, &numbers)?);
    blocks.extend(pack_files(&symbols.files)?);
    if !layers.ranges.is_empty() {
        blocks.push(compress(Kind::Layers, 0, u64::MAX, &layers::encode(&layers.ranges))?);
    }
    let (unwind, unwind_rows) = unwind::pack_unwind(&symbols.unwind, &layers.unwind)?;
    blocks.extend(unwind);
    blocks.extend(pack_aliases(&symbols.aliases)?);
    link(&mut blocks);
    let bytes_stored = blocks.iter().map(Compressed::stored_bytes).sum();
    let key = ModuleKey::of(&symbols.info);
    let record = ModuleRecord::of(symbols, bytes_in, bytes_stored);
    Ok(Packed { record: ModuleRecord { unwind_rows, ..record }, key, blocks })
}

/// The module's functions, plus one without a name for ranges of which only the line is known, as
/// they are numbered in the store: outermost functions first, in the order in which the code meets
/// them, then those that are only ever inlined, likewise.
struct Functions {
    of_chains: Vec<u32>,
    /// By number: which of the module's it is; the one without a name is the last.
    ids: Vec<u32>,
    /// By block of ranges: the first outermost function that no range before has met.
    next_outermost: Vec<u32>,
}

impl Functions {
    fn of(symbols: &ModuleSymbols) -> Self {
        let names = symbols.functions.len();
        let id = |chain: &InlineChain| {
            chain.function.map_or(names, |function| function.index() as usize)
        };
        let mut numbers = vec![u32::MAX; names + 1];
        let mut ids = Vec::with_capacity(names + 1);
        numbers[names] = number_of(names);
        let mut meet = |id: usize, ids: &mut Vec<u32>| {
            if numbers[id] == u32::MAX {
                numbers[id] = number_of(ids.len());
                ids.push(number_of(id));
            }
        };
        let mut is_met = vec![false; symbols.chains.len()];
        let (mut is_inlined, mut inlined) = (vec![false; names + 1], Vec::new());
        let mut next_outermost = Vec::with_capacity(symbols.ranges.len() / RANGES_PER_BLOCK + 1);
        for ranges in symbols.ranges.chunks(RANGES_PER_BLOCK) {
            next_outermost.push(number_of(ids.len()));
            for range in ranges {
                let (mut at, first) = (range.chain.index() as usize, inlined.len());
                // The callers of a chain that has been met have been met.
                while !std::mem::replace(&mut is_met[at], true) {
                    let chain = &symbols.chains[at];
                    let Some((caller, _)) = chain.caller else {
                        meet(id(chain), &mut ids);
                        break;
                    };
                    if !std::mem::replace(&mut is_inlined[id(chain)], true) {
                        inlined.push(number_of(id(chain)));
                    }
                    at = caller.index() as usize;
                }
                inlined[first..].reverse();
            }
        }
        inlined.into_iter().chain(0..number_of(names)).for_each(|id| meet(id as usize, &mut ids));
        ids.push(number_of(names));
        Self {
            of_chains: symbols.chains.iter().map(|chain| numbers[id(chain)]).collect(),
            ids,
            next_outermost,
        }
    }

    fn count(&self) -> usize {
        self.ids.len()
    }

    fn of_chain(&self, chain: ChainId) -> u32 {
        self.of_chains[chain.index() as usize]
    }
}

fn pack_ranges(
    symbols: &ModuleSymbols,
    functions: &Functions,
    numbers: &Numbers,
) -> std::io::Result<Vec<Compressed>> {
    let blocks = symbols
        .ranges
        .par_chunks(RANGES_PER_BLOCK)
        .zip(numbers.site_of_range.par_chunks(RANGES_PER_BLOCK))
        .zip(&functions.next_outermost);
    let compress_block = |((ranges, sites), next_outermost): ((&[Range], &[u32]), &u32)| {
        let mut walk = Walk::new(symbols, functions, numbers);
        let mut encoder = Encoder::new(*next_outermost);
        for (range, site) in ranges.iter().zip(sites) {
            let (root_chain, root) = walk.enter(range.chain);
            encoder.push((range.start, range.end), root_chain, root, &walk.path, *site);
        }
        encoder.finish().map(|(first, last, raw)| compress(Kind::Ranges, first, last, &raw))
    };
    blocks.filter_map(compress_block).collect()
}

/// The way from the outermost function to a chain, as steps.
struct Walk<'a> {
    symbols: &'a ModuleSymbols,
    functions: &'a Functions,
    numbers: &'a Numbers,
    /// The outermost chain and its function.
    root: Option<(u32, Root)>,
    path: Vec<Step>,
    /// Steps to go, the last one first.
    ahead: Vec<Step>,
}

impl<'a> Walk<'a> {
    fn new(symbols: &'a ModuleSymbols, functions: &'a Functions, numbers: &'a Numbers) -> Self {
        Self { symbols, functions, numbers, root: None, path: Vec::new(), ahead: Vec::new() }
    }

    /// Makes `path` the calls that lead to `chain`, and returns its outermost chain and function.
    ///
    /// Goes up from `chain` only as far as the path that is already there: callers have lower
    /// numbers than their callees, so what has a higher number is not on the way.
    fn enter(&mut self, mut chain: ChainId) -> (u32, Root) {
        let root = loop {
            while self.path.last().is_some_and(|step| step.chain > chain.index()) {
                self.path.pop();
            }
            let here = self.path.last().map(|step| step.chain).or(self.root.map(|(root, _)| root));
            if let Some(root) = self.root.filter(|_| here == Some(chain.index())) {
                break root;
            }
            let InlineChain { caller, source, start, .. } =
                self.symbols.chains[chain.index() as usize];
            let Some((caller, _)) = caller else {
                self.path.clear();
                break (
                    chain.index(),
                    Root {
                        function: self.functions.of_chain(chain),
                        symtab: source == Source::Symtab,
                        start,
                    },
                );
            };
            let at = chain.index() as usize;
            let target = Call {
                site: self.numbers.site_of_chain[at],
                callee: self.functions.of_chain(chain),
            };
            let step =
                Step { chain: chain.index(), call: self.numbers.call_of_chain[at], target, start };
            self.ahead.push(step);
            chain = caller;
        };
        self.root = Some(root);
        self.path.extend(self.ahead.drain(..).rev());
        root
    }
}

fn pack_functions(
    symbols: &ModuleSymbols,
    functions: &Functions,
    numbers: &Numbers,
) -> std::io::Result<Vec<Compressed>> {
    compress_groups(Kind::Functions, functions.count(), FUNCTIONS_PER_BLOCK, |group| {
        functions::encode(group.map(|function| {
            Function {
                declared: symbols
                    .functions
                    .get(functions.ids[function] as usize)
                    .unwrap_or_else(|| symtool_debug::Function::symbol(b"")),
                sites: numbers.sites.of(function),
                calls: numbers.calls.of(function),
            }
        }))
    })
}

fn pack_files(files: &Files) -> std::io::Result<Vec<Compressed>> {
    compress_groups(Kind::Files, files.len(), FILES_PER_BLOCK, |group| {
        files::encode(group.filter_map(|file| files.get(file)))
    })
}

fn pack_aliases(mut aliases: &[Alias]) -> std::io::Result<Vec<Compressed>> {
    let mut blocks = Vec::new();
    while let Some(last) =
        aliases.get(..ALIASES_PER_BLOCK.min(aliases.len())).and_then(<[Alias]>::last)
    {
        let (block, rest) =
            aliases.split_at(aliases.partition_point(|alias| alias.address <= last.address));
        blocks.push(compress(
            Kind::Aliases,
            block[0].address,
            last.address,
            &aliases::encode(block),
        )?);
        aliases = rest;
    }
    Ok(blocks)
}

/// Seals `count` things in groups of `size`, in parallel.
fn compress_groups(
    kind: Kind,
    count: usize,
    size: usize,
    encode: impl Fn(std::ops::Range<usize>) -> Vec<u8> + Sync,
) -> std::io::Result<Vec<Compressed>> {
    (0..count.div_ceil(size))
        .into_par_iter()
        .map(|group| {
            let group = group * size..count.min((group + 1) * size);
            let (first, last) = (group.start as u64, group.end as u64 - 1);
            compress(kind, first, last, &encode(group))
        })
        .collect()
}
