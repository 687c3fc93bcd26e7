//! Numbers the sites and calls of each function, in the order in which the code meets them.
//!
//! Functions are independent of each other, so they are counted in parts, in parallel: each walks
//! over all ranges, which is cheap, and looks up only what is its own. There are so many parts that
//! the tables of those at hand are small beside the module.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU32, Ordering};

use hashbrown::{DefaultHashBuilder, HashTable};
use rayon::prelude::*;
use symtool_debug::{ModuleSymbols, SourceLocation};
use symtool_module::number_of;

use super::Functions;
use crate::block::functions::{Call, Site};

/// Ranges for each part of the functions: counting takes some 50 bytes for each.
const RANGES_PER_SHARD: usize = 4 << 20;

/// The numbers of a module.
pub struct Numbers {
    /// By range: its site in the innermost function.
    pub site_of_range: Vec<u32>,
    /// By chain with a caller: its number among the caller's calls.
    pub call_of_chain: Vec<u32>,
    /// By chain with a caller: the site of that call.
    pub site_of_chain: Vec<u32>,
    /// All sites, in order of function and number.
    pub sites: Grouped<Site>,
    /// All calls, likewise.
    pub calls: Grouped<Call>,
}

/// What belongs to functions. Of `n` parts, the first has the functions 0, `n`, 2 `n` and so on.
pub struct Grouped<T>(Vec<Part<T>>);

/// What belongs to the functions of a part, one function after the other.
struct Part<T> {
    items: Vec<T>,
    /// By function: where its items end.
    ends: Vec<usize>,
}

impl<T> Grouped<T> {
    /// The items of `function`, in order of their numbers.
    pub fn of(&self, function: usize) -> &[T] {
        let Part { items, ends } = &self.0[function % self.0.len()];
        let at = function / self.0.len();
        let start = at.checked_sub(1).map_or(0, |before| ends[before]);
        &items[start..ends[at]]
    }
}

impl Numbers {
    /// Counts in parallel; the numbers do not depend on how many threads there are.
    pub fn of(symbols: &ModuleSymbols, functions: &Functions) -> Self {
        let site_of_range = unset(symbols.ranges.len());
        let (call_of_chain, site_of_chain) =
            (unset(symbols.chains.len()), unset(symbols.chains.len()));
        let shards = rayon::current_num_threads().max(symbols.ranges.len() / RANGES_PER_SHARD);
        let shards = u32::try_from(shards).unwrap_or(1);
        let counted: Vec<(Part<Site>, Part<Call>)> = (0..shards)
            .into_par_iter()
            .with_max_len(1)
            .map(|shard| {
                let mut counting =
                    Shard::new(shards, functions.count(), symbols.ranges.len() / shards as usize);
                let is_own = |function: u32| function % shards == shard;
                let mut is_met = vec![false; symbols.chains.len()];
                for (range, site) in symbols.ranges.iter().zip(&site_of_range) {
                    let mut chain = range.chain.index() as usize;
                    // The callers of a chain that has been met have been met.
                    while !std::mem::replace(&mut is_met[chain], true) {
                        let Some((caller, place)) = symbols.chains[chain].caller else { break };
                        let function = functions.of_chain(caller);
                        if is_own(function) {
                            let site = counting.site(function, place);
                            let inlined = functions.of_chains[chain];
                            site_of_chain[chain].store(site, Ordering::Relaxed);
                            call_of_chain[chain].store(
                                counting.call(function, Call { site, callee: inlined }),
                                Ordering::Relaxed,
                            );
                        }
                        chain = caller.index() as usize;
                    }
                    let function = functions.of_chain(range.chain);
                    if is_own(function) {
                        site.store(counting.site(function, range.location), Ordering::Relaxed);
                    }
                }
                (counting.sites.grouped(), counting.calls.grouped())
            })
            .collect();
        let (sites, calls) = counted.into_iter().unzip();
        Self {
            site_of_range: settled(site_of_range),
            call_of_chain: settled(call_of_chain),
            site_of_chain: settled(site_of_chain),
            sites: Grouped(sites),
            calls: Grouped(calls),
        }
    }
}

fn unset(count: usize) -> Vec<AtomicU32> {
    (0..count).map(|_| AtomicU32::new(0)).collect()
}

fn settled(numbers: Vec<AtomicU32>) -> Vec<u32> {
    numbers.into_iter().map(AtomicU32::into_inner).collect()
}

/// What is counted for some of the functions.
struct Shard {
    sites: Counted<Site>,
    calls: Counted<Call>,
}

struct Counted<T> {
    /// Hashes of items, and where they are in `met`. Most items are met once: the table is small
    /// beside them.
    places: HashTable<(u32, u32)>,
    hasher: DefaultHashBuilder,
    shards: u32,
    /// By function, of those that are its own: how many it has.
    counts: Vec<u32>,
    met: Vec<Met<T>>,
}

#[derive(Clone, Copy)]
struct Met<T> {
    function: u32,
    number: u32,
    item: T,
}

impl<T: Copy + Default + PartialEq> Counted<T> {
    fn new(capacity: usize, shards: u32, functions: usize) -> Self {
        Self {
            places: HashTable::with_capacity(capacity),
            hasher: DefaultHashBuilder::default(),
            shards,
            counts: vec![0; functions.div_ceil(shards as usize)],
            met: Vec::with_capacity(capacity),
        }
    }

    /// The number of `item`, all of which is in `key`.
    fn number(&mut self, function: u32, key: (u128, u32), item: T) -> u32 {
        let hash = folded(self.hasher.hash_one(key));
        let is_it = |&(other, place): &(u32, u32)| {
            let met = &self.met[place as usize];
            other == hash && met.function == function && met.item == item
        };
        if let Some((_, place)) = self.places.find(spread(hash), is_it) {
            return self.met[*place as usize].number;
        }
        let count = &mut self.counts[(function / self.shards) as usize];
        let number = *count;
        *count += 1;
        let place = number_of(self.met.len());
        self.met.push(Met { function, number, item });
        self.places.insert_unique(spread(hash), (hash, place), |(hash, _)| spread(*hash));
        number
    }

    /// Puts together what belongs to one function.
    fn grouped(self) -> Part<T> {
        let Self { places, shards, counts, met, .. } = self;
        drop(places);
        let mut total = 0;
        let until = |count: &u32| {
            total += *count as usize;
            total
        };
        let ends: Vec<usize> = counts.iter().map(until).collect();
        let mut items = vec![T::default(); met.len()];
        for Met { function, number, item } in met {
            let at = (function / shards) as usize;
            items[ends[at] - (counts[at] - number) as usize] = item;
        }
        Part { items, ends }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "both halves are in the lower one")]
fn folded(hash: u64) -> u32 {
    (hash ^ hash >> 32) as u32
}

/// Tables want hashes whose upper bits differ.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Shard {
    /// For one of `shards` parts of `functions` functions, whose sites are met in about `visits`
    /// ranges.
    fn new(shards: u32, functions: usize, visits: usize) -> Self {
        // Most sites are met several times; growing the table step by step costs more than a table
        // too large.
        Self {
            sites: Counted::new(visits / 4, shards, functions),
            calls: Counted::new(visits / 8, shards, functions),
        }
    }

    fn site(&mut self, function: u32, location: SourceLocation) -> u32 {
        let SourceLocation { file, line, column, discriminator } = location;
        let site =
            Site { file: file.map_or(0, |file| file.index() + 1), line, column, discriminator };
        self.sites.number(
            function,
            (as_one([function, site.file, line, column]), discriminator),
            site,
        )
    }

    fn call(&mut self, function: u32, call: Call) -> u32 {
        self.calls.number(function, (as_one([function, call.site, call.callee, 0]), 0), call)
    }
}

/// Four numbers as one, which hashes in one step.
fn as_one(parts: [u32; 4]) -> u128 {
    parts.into_iter().fold(0, |key, part| key << 32 | u128::from(part))
}
