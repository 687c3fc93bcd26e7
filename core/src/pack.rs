//! A module's symbols -> blocks: in, [`ModuleSymbols`]; out, [`Packed`], ready for the store.
//!
//! One walk over the ranges numbers sites and calls as they are first met and fills blocks of ranges; each full
//! block is compressed on another thread while the walk goes on. Blocks of functions and files follow.

use hashbrown::HashMap;
use rayon::prelude::*;
use std::sync::Mutex;
use symtool_formats::{Chain, ChainId, Location, ModuleSymbols, Source, Strings};

use crate::block::functions::{self, Call, Function, Site};
use crate::block::ranges::{Encoder, Root, Step};
use crate::block::{Kind, Sealed, seal, strings};
use crate::limits::{FILES_PER_BLOCK, FUNCTIONS_PER_BLOCK, RANGES_PER_BLOCK};
use crate::store::{Footer, ModuleKey};

/// A module as the store takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// What it is.
    pub footer: Footer,
    /// What it is filed under.
    pub key: ModuleKey,
    /// All blocks but the footer, in key order.
    pub blocks: Vec<Sealed>,
}

/// Packs `symbols`, read from a file of `bytes_in` bytes, on the current rayon pool. The blocks do not depend on
/// how many threads there are.
///
/// # Errors
/// If a block is too large or zstd fails.
pub fn pack(symbols: &ModuleSymbols, bytes_in: u64) -> std::io::Result<Packed> {
    let functions = Functions::of(symbols);
    let mut sites = Sites::new(functions.count(), symbols.ranges.len());
    let mut blocks = pack_ranges(symbols, &functions, &mut sites)?;
    blocks.extend(pack_functions(symbols, &functions, &sites)?);
    blocks.extend(pack_files(&symbols.files)?);
    let bytes_stored = blocks.iter().map(|block| block.bytes.len() as u64).sum();
    let key = ModuleKey::of(symbols.info.kind, &symbols.info.id);
    Ok(Packed { footer: Footer::of(symbols, bytes_in, bytes_stored), key, blocks })
}

/// The module's functions, plus one without a name for ranges of which only the line is known.
struct Functions {
    of_chains: Vec<u32>,
    names: usize,
}

impl Functions {
    fn of(symbols: &ModuleSymbols) -> Self {
        let names = symbols.functions.len();
        let unnamed = number(names);
        let of_chains = symbols.chains.iter().map(|chain| chain.function.map_or(unnamed, |function| function.0)).collect();
        Self { of_chains, names }
    }

    fn count(&self) -> usize {
        self.names + 1
    }

    fn of_chain(&self, chain: ChainId) -> u32 {
        self.of_chains[chain.0 as usize]
    }
}

/// Sites and calls of all functions, numbered within each function as they are met.
struct Sites {
    numbers: HashMap<u128, u32>,
    counts: Vec<u32>,
    met: Vec<(u32, Site)>,
    call_numbers: HashMap<u128, u32>,
    call_counts: Vec<u32>,
    calls_met: Vec<(u32, Call)>,
}

impl Sites {
    /// For `functions` functions whose sites are met in about `visits` ranges.
    fn new(functions: usize, visits: usize) -> Self {
        Self {
            // Most sites are met several times; growing the table step by step costs more than a table too large.
            numbers: HashMap::with_capacity(visits / 4),
            counts: vec![0; functions],
            met: Vec::new(),
            call_numbers: HashMap::with_capacity(visits / 8),
            call_counts: vec![0; functions],
            calls_met: Vec::new(),
        }
    }

    fn site(&mut self, function: u32, location: Location) -> u32 {
        let site = Site { file: location.file.map_or(0, |file| file.0 + 1), line: location.line, column: location.column };
        *self.numbers.entry(key([function, site.file, site.line, site.column])).or_insert_with(|| {
            self.met.push((function, site));
            next(&mut self.counts, function)
        })
    }

    fn call(&mut self, function: u32, call: Call) -> u32 {
        *self.call_numbers.entry(key([function, call.site, call.callee, 0])).or_insert_with(|| {
            self.calls_met.push((function, call));
            next(&mut self.call_counts, function)
        })
    }
}

/// Four numbers as one, which hashes in one step.
fn key(parts: [u32; 4]) -> u128 {
    parts.into_iter().fold(0, |key, part| key << 32 | u128::from(part))
}

fn next(counts: &mut [u32], function: u32) -> u32 {
    let count = &mut counts[function as usize];
    *count += 1;
    *count - 1
}

fn pack_ranges(symbols: &ModuleSymbols, functions: &Functions, sites: &mut Sites) -> std::io::Result<Vec<Sealed>> {
    let sealed: Mutex<Vec<(usize, std::io::Result<Sealed>)>> = Mutex::new(Vec::new());
    rayon::in_place_scope(|scope| {
        let mut walk = Walk::new(symbols, functions, sites);
        let mut encoder = Encoder::new(0);
        for (at, range) in symbols.ranges.iter().enumerate() {
            let (root_chain, root) = walk.enter(range.chain);
            let site = walk.sites.site(functions.of_chain(range.chain), range.location);
            encoder.push((range.start, range.end), root_chain, root, &walk.path, site);
            if encoder.count() == RANGES_PER_BLOCK || at + 1 == symbols.ranges.len() {
                let next_function = encoder.next_function();
                if let Some((first, last, raw)) = std::mem::replace(&mut encoder, Encoder::new(next_function)).finish() {
                    let sealed = &sealed;
                    scope.spawn(move |_| {
                        let block = seal(Kind::Ranges, first, last, &raw);
                        sealed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((at, block));
                    });
                }
            }
        }
    });
    let mut sealed = sealed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    sealed.sort_by_key(|(at, _)| *at);
    sealed.into_iter().map(|(_, block)| block).collect()
}

/// The way from the outermost function to a chain, as steps.
struct Walk<'a> {
    symbols: &'a ModuleSymbols,
    functions: &'a Functions,
    sites: &'a mut Sites,
    /// By chain, once it has been met.
    steps: Vec<Option<Step>>,
    /// The outermost chain and its function.
    root: Option<(u32, Root)>,
    path: Vec<Step>,
    /// Steps to go, the last one first.
    ahead: Vec<Step>,
}

impl<'a> Walk<'a> {
    fn new(symbols: &'a ModuleSymbols, functions: &'a Functions, sites: &'a mut Sites) -> Self {
        Self { symbols, functions, sites, steps: vec![None; symbols.chains.len()], root: None, path: Vec::new(), ahead: Vec::new() }
    }

    /// Makes `path` the calls that lead to `chain`, and returns its outermost chain and function.
    ///
    /// Goes up from `chain` only as far as the path that is already there: callers have lower numbers than their
    /// callees, so what has a higher number is not on the way.
    fn enter(&mut self, mut chain: ChainId) -> (u32, Root) {
        let root = loop {
            while self.path.last().is_some_and(|step| step.chain > chain.0) {
                self.path.pop();
            }
            let here = self.path.last().map(|step| step.chain).or(self.root.map(|(root, _)| root));
            if let Some(root) = self.root.filter(|_| here == Some(chain.0)) {
                break root;
            }
            let Chain { caller, source, .. } = self.symbols.chains[chain.0 as usize];
            let Some((caller, call)) = caller else {
                self.path.clear();
                break (chain.0, Root { function: self.functions.of_chain(chain), symtab: source == Source::Symtab });
            };
            let step = self.steps[chain.0 as usize].unwrap_or_else(|| self.meet(chain, caller, call));
            self.ahead.push(step);
            chain = caller;
        };
        self.root = Some(root);
        self.path.extend(self.ahead.drain(..).rev());
        root
    }

    fn meet(&mut self, chain: ChainId, caller: ChainId, call: Location) -> Step {
        let function = self.functions.of_chain(caller);
        let target = Call { site: self.sites.site(function, call), callee: self.functions.of_chain(chain) };
        let step = Step { chain: chain.0, call: self.sites.call(function, target), target };
        self.steps[chain.0 as usize] = Some(step);
        step
    }
}

fn pack_functions(symbols: &ModuleSymbols, functions: &Functions, met: &Sites) -> std::io::Result<Vec<Sealed>> {
    let (site_ends, sites) = by_function(&met.met, &met.counts);
    let (call_ends, calls) = by_function(&met.calls_met, &met.call_counts);
    seal_groups(Kind::Functions, functions.count(), FUNCTIONS_PER_BLOCK, |group| {
        functions::encode(group.map(|function| Function {
            name: symbols.functions.get(function).unwrap_or_default(),
            sites: &sites[start(&site_ends, function)..site_ends[function]],
            calls: &calls[start(&call_ends, function)..call_ends[function]],
        }))
    })
}

/// Puts what was met in one order for all functions together by function; returns where each function's ends.
fn by_function<T: Copy + Default>(met: &[(u32, T)], counts: &[u32]) -> (Vec<usize>, Vec<T>) {
    let running_total = |end: &mut usize, count: &u32| {
        *end += *count as usize;
        Some(*end)
    };
    let ends: Vec<usize> = counts.iter().scan(0, running_total).collect();
    let mut next: Vec<usize> = (0..counts.len()).map(|function| start(&ends, function)).collect();
    let mut grouped = vec![T::default(); met.len()];
    for (function, item) in met {
        let at = &mut next[*function as usize];
        grouped[*at] = *item;
        *at += 1;
    }
    (ends, grouped)
}

fn start(ends: &[usize], index: usize) -> usize {
    index.checked_sub(1).map_or(0, |before| ends[before])
}

fn pack_files(files: &Strings) -> std::io::Result<Vec<Sealed>> {
    seal_groups(Kind::Files, files.len(), FILES_PER_BLOCK, |group| strings::encode(group.filter_map(|file| files.get(file))))
}

/// Seals `count` things in groups of `size`, in parallel.
fn seal_groups(
    kind: Kind,
    count: usize,
    size: usize,
    encode: impl Fn(std::ops::Range<usize>) -> Vec<u8> + Sync,
) -> std::io::Result<Vec<Sealed>> {
    (0..count.div_ceil(size))
        .into_par_iter()
        .map(|group| {
            let group = group * size..count.min((group + 1) * size);
            let (first, last) = (group.start as u64, group.end as u64 - 1);
            seal(kind, first, last, &encode(group))
        })
        .collect()
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
