//! Numbers the sites and calls of each function in the order in which one part of the ranges visits
//! them: [`Visits`].
//!
//! A pass over the ranges notes who visits which function. Functions do not depend on each other, so
//! their visits are then numbered in parallel. All visits of a function follow each other there: the
//! table of the sites that it has is a small one, and mostly not asked, as code visits the sites of
//! a body in the same order again.

use std::hash::BuildHasher;
use std::ops::Range as Indices;
use std::sync::atomic::{AtomicU32, Ordering};

use hashbrown::{DefaultHashBuilder, HashTable};
use rayon::prelude::*;
use symtool_debug::{ChainId, InlineChain, Range, SourceLocation};
use symtool_module::number_of;

use super::numbers::{Numbers, Slot};
use super::put_aside::{PutAside, write};
use crate::block::functions::{Call, Site};

/// Visits that are numbered at once, if a function has no more: their tables fit a processor's
/// cache.
const VISITS_AT_ONCE: usize = 1 << 13;

/// Who visits the functions of a part, in the order in which the code does.
pub struct Visits<'a> {
    chains: &'a [InlineChain],
    ranges: &'a [Range],
    is_met: Vec<bool>,
    /// The functions that are visited.
    functions: Vec<Function>,
    /// Which of the functions is visited, and by what: a chain that is called from it, or, numbered
    /// after the chains, a range in it.
    all: Vec<(u32, u32)>,
}

struct Function {
    slot: Slot,
    visits: usize,
}

impl<'a> Visits<'a> {
    /// Of `ranges`, none of which has been met, and their chains.
    pub fn new(chains: &'a [InlineChain], ranges: &'a [Range]) -> Self {
        Self {
            chains,
            ranges,
            is_met: vec![false; chains.len()],
            functions: Vec::new(),
            all: Vec::with_capacity(chains.len() + ranges.len()),
        }
    }

    /// Meets the ranges numbered `indices`, which follow those that have been met.
    pub fn meet(&mut self, numbers: &mut Numbers, indices: Indices<usize>) {
        let ranges = self.ranges;
        for (index, range) in indices.clone().zip(&ranges[indices]) {
            self.meet_chain(numbers, range.chain);
            let innermost = Slot::of(self.chains[range.chain.index() as usize].function);
            self.visit(numbers, innermost, self.chains.len() + index);
        }
    }

    /// Meets `chain` and its callers.
    fn meet_chain(&mut self, numbers: &mut Numbers, chain: ChainId) {
        let mut at = chain.index() as usize;
        if self.is_met[at] {
            return;
        }
        let first = numbers.inlined();
        // The callers of a chain that has been met have been met.
        while !std::mem::replace(&mut self.is_met[at], true) {
            let InlineChain { function, caller, .. } = self.chains[at];
            let Some((caller, _)) = caller else {
                numbers.meet_outermost(Slot::of(function));
                break;
            };
            numbers.meet_inlined(Slot::of(function));
            let caller = caller.index() as usize;
            self.visit(numbers, Slot::of(self.chains[caller].function), at);
            at = caller;
        }
        numbers.reverse_inlined(first);
    }

    fn visit(&mut self, numbers: &mut Numbers, slot: Slot, visitor: usize) {
        let met = numbers.function(slot);
        if met.in_part == u32::MAX {
            met.in_part = number_of(self.functions.len());
            self.functions.push(Function { slot, visits: 0 });
        }
        self.functions[met.in_part as usize].visits += 1;
        self.all.push((met.in_part, number_of(visitor)));
    }

    /// Numbers the sites and calls of all visits, on the current rayon pool; new ones are put aside.
    pub fn number(self, numbers: &mut Numbers) -> Numbered {
        let Self { chains, ranges, functions, all, .. } = self;
        let numbered = Numbered::unset(chains.len(), ranges.len());
        let (ends, visitors) = grouped(&functions, &all);
        drop(all);
        let some = jobs(&ends);
        let job = |job: &Indices<usize>| {
            let visits = ends[job.end - 1] - start(&ends, job.start);
            let mut tables = Tables::new(visits);
            let mut stretches = Stretches::default();
            for at in job.clone() {
                let before = numbers.place(functions[at].slot);
                tables.begin(&numbers.put_aside, before);
                for visitor in &visitors[start(&ends, at)..ends[at]] {
                    tables.number(chains, ranges, *visitor as usize, &numbered);
                }
                tables.put_aside(before, &mut stretches);
            }
            stretches
        };
        let stretches: Vec<Stretches> = some.par_iter().with_max_len(1).map(job).collect();
        let mut visited = functions.iter();
        for Stretches { bytes, starts } in stretches {
            let first = numbers.put_aside.next_place();
            for (start, Function { slot, .. }) in starts.into_iter().zip(visited.by_ref()) {
                let met = numbers.function(*slot);
                met.in_part = u32::MAX;
                met.place = start.map_or(met.place, |start| first + start);
            }
            numbers.put_aside.extend(&bytes);
        }
        numbered
    }
}

/// The visitors of each function, one function after the other, and where those of each end.
fn grouped(functions: &[Function], all: &[(u32, u32)]) -> (Vec<usize>, Vec<u32>) {
    // Where the next visitor of each goes: in the end, where the last one went.
    let mut ends: Vec<usize> = functions
        .iter()
        .scan(0, |total, function| Some(std::mem::replace(total, *total + function.visits)))
        .collect();
    let mut visitors = vec![0; all.len()];
    for (function, visitor) in all {
        let end = &mut ends[*function as usize];
        visitors[*end] = *visitor;
        *end += 1;
    }
    (ends, visitors)
}

/// Stretches of functions with at least [`VISITS_AT_ONCE`] visits each, but for the last.
fn jobs(ends: &[usize]) -> Vec<Indices<usize>> {
    let mut jobs = Vec::new();
    let mut first = 0;
    while first < ends.len() {
        let enough = start(ends, first) + VISITS_AT_ONCE;
        let end = (first + ends[first..].partition_point(|end| *end < enough) + 1).min(ends.len());
        jobs.push(first..end);
        first = end;
    }
    jobs
}

fn start(ends: &[usize], at: usize) -> usize {
    at.checked_sub(1).map_or(0, |before| ends[before])
}

/// Bytes to put aside, and where those of each function begin, if it has any.
#[derive(Default)]
struct Stretches {
    bytes: Vec<u8>,
    starts: Vec<Option<usize>>,
}

/// The numbers of the sites and calls of a part.
pub struct Numbered {
    chains: usize,
    /// By chain: the site that it is called from; then by range: its site.
    sites: Vec<AtomicU32>,
    /// By chain: the call.
    calls: Vec<AtomicU32>,
}

impl Numbered {
    fn unset(chains: usize, ranges: usize) -> Self {
        let unset = |count: usize| (0..count).map(|_| AtomicU32::new(0)).collect();
        Self { chains, sites: unset(chains + ranges), calls: unset(chains) }
    }

    /// The site of the range numbered `range` in its innermost function.
    pub fn site(&self, range: usize) -> u32 {
        self.sites[self.chains + range].load(Ordering::Relaxed)
    }

    /// The site that `chain` is called from, and the call, in its caller's function.
    pub fn call(&self, chain: ChainId) -> (u32, u32) {
        let of = |numbers: &[AtomicU32]| numbers[chain.index() as usize].load(Ordering::Relaxed);
        (of(&self.sites), of(&self.calls))
    }
}

/// The sites and calls of some functions, one function after the other.
struct Tables {
    sites: Seen<Site>,
    calls: Seen<Call>,
    /// How many of the function at hand were put aside before.
    known: (usize, usize),
}

impl Tables {
    /// For so many visits.
    fn new(visits: usize) -> Self {
        // Most sites are visited several times.
        let (sites, calls) = (Seen::new(visits / 2), Seen::new(visits / 4));
        Self { sites, calls, known: (0, 0) }
    }

    /// Goes on to a function of which something was put aside at `place` before.
    fn begin(&mut self, put_aside: &PutAside, place: usize) {
        let Self { sites, calls, .. } = self;
        (sites.first, calls.first) = (sites.all.len(), calls.all.len());
        put_aside.read(place, &mut sites.all, &mut calls.all);
        self.known = (sites.begin(), calls.begin());
    }

    /// Numbers what `visitor` visits in the function at hand.
    fn number(
        &mut self,
        chains: &[InlineChain],
        ranges: &[Range],
        visitor: usize,
        numbered: &Numbered,
    ) {
        let location = match chains.get(visitor) {
            Some(chain) => chain.caller.map(|(_, place)| place).unwrap_or_default(),
            None => ranges[visitor - chains.len()].location,
        };
        let site = self.sites.number(site_at(location));
        numbered.sites[visitor].store(site, Ordering::Relaxed);
        if let Some(chain) = chains.get(visitor) {
            let call = self.calls.number(Call { site, callee: Slot::of(chain.function).0 });
            numbered.calls[visitor].store(call, Ordering::Relaxed);
        }
    }

    /// Appends what is new of the function at hand, of which the rest lies at `before`.
    fn put_aside(&self, before: usize, stretches: &mut Stretches) {
        let sites = &self.sites.all[self.known.0..];
        let calls = &self.calls.all[self.known.1..];
        let is_new = !sites.is_empty() || !calls.is_empty();
        stretches.starts.push(is_new.then_some(stretches.bytes.len()));
        if is_new {
            write(&mut stretches.bytes, before, sites, calls);
        }
    }
}

fn site_at(SourceLocation { file, line, column, discriminator }: SourceLocation) -> Site {
    Site { file: file.map_or(0, |file| file.index() + 1), line, column, discriminator }
}

/// What was visited.
struct Seen<T> {
    /// All, one function after the other, in the order of their numbers.
    all: Vec<T>,
    /// Where those of the function at hand begin.
    first: usize,
    /// After what was visited last.
    next: usize,
    /// Hashes, and where they are in `all`.
    places: HashTable<(u32, u32)>,
    hasher: DefaultHashBuilder,
}

impl<T: Key> Seen<T> {
    fn new(capacity: usize) -> Self {
        Self {
            all: Vec::with_capacity(capacity),
            first: 0,
            next: 0,
            places: HashTable::with_capacity(capacity),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// Goes on to a function whose items have been appended. Returns how many there are in all.
    fn begin(&mut self) -> usize {
        self.next = self.first;
        for place in self.first..self.all.len() {
            let hash = self.hash(self.all[place]);
            self.insert(hash, place);
        }
        self.all.len()
    }

    /// The number of `item` in the function at hand.
    fn number(&mut self, item: T) -> u32 {
        if self.all.get(self.next) != Some(&item) {
            self.next = self.find_or_add(item);
        }
        self.next += 1;
        number_of(self.next - 1 - self.first)
    }

    fn find_or_add(&mut self, item: T) -> usize {
        let hash = self.hash(item);
        let is_it = |&(other, place): &(u32, u32)| {
            other == hash && place as usize >= self.first && self.all[place as usize] == item
        };
        if let Some((_, place)) = self.places.find(spread(hash), is_it) {
            return *place as usize;
        }
        let place = self.all.len();
        self.all.push(item);
        self.insert(hash, place);
        place
    }

    fn insert(&mut self, hash: u32, place: usize) {
        let entry = (hash, number_of(place));
        self.places.insert_unique(spread(hash), entry, |(hash, _)| spread(*hash));
    }

    fn hash(&self, item: T) -> u32 {
        folded(self.hasher.hash_one(item.key(number_of(self.first))))
    }
}

/// A site or a call.
trait Key: Copy + PartialEq {
    /// All that is in it, of the function whose first one is at `first`, as two numbers, which hash
    /// in two steps.
    fn key(&self, first: u32) -> (u128, u32);
}

impl Key for Site {
    fn key(&self, first: u32) -> (u128, u32) {
        (as_one([first, self.file, self.line, self.column]), self.discriminator)
    }
}

impl Key for Call {
    fn key(&self, first: u32) -> (u128, u32) {
        (as_one([first, self.site, self.callee, 0]), 0)
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

/// Four numbers as one.
fn as_one(parts: [u32; 4]) -> u128 {
    parts.into_iter().fold(0, |key, part| key << 32 | u128::from(part))
}
