//! Numbers functions, and the sites and calls of each, in the order in which the code meets them:
//! [`Numbers`].
//!
//! To know a site again takes a table of those that were met, ten times the size of the sites
//! themselves. Of a large module only so many functions are in it: all of them are put aside,
//! encoded, and those that are met again come back (`put_aside.rs`).

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use symtool_debug::{FunctionId, SourceLocation};
use symtool_module::number_of;

use super::put_aside::{PutAside, read, write};
use crate::block::functions::{Call, Site};
use crate::limits::NUMBERED_ITEMS;

/// The place of a function among those of a module: 0 is the one without a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(pub u32);

impl Slot {
    /// Of the function of a chain.
    pub fn of(function: Option<FunctionId>) -> Self {
        Self(function.map_or(0, |function| function.index() + 1))
    }
}

/// What is known of functions so far.
pub struct Numbers {
    functions: Vec<Numbered>,
    outermost: Vec<Slot>,
    inlined: Vec<Slot>,
    /// Functions whose sites and calls are in the tables: how many of each.
    live: Vec<Live>,
    sites: Met<Site>,
    calls: Met<Call>,
    put_aside: Vec<u8>,
    /// Sites and calls in the tables before functions are put aside.
    limit: usize,
}

#[derive(Clone, Copy, Debug)]
struct Numbered {
    /// Among outermost functions; `u32::MAX` while it has not been met as one.
    outermost: u32,
    is_inlined: bool,
    items: Items,
}

/// Where sites and calls of a function are.
#[derive(Clone, Copy, Debug)]
enum Items {
    /// It has none.
    None,
    /// In the tables, where it has this number.
    Live(u32),
    /// Encoded, from this byte on.
    PutAside(usize),
}

#[derive(Clone, Copy, Debug)]
struct Live {
    slot: Slot,
    sites: u32,
    calls: u32,
}

const UNMET: Numbered = Numbered { outermost: u32::MAX, is_inlined: false, items: Items::None };

impl Default for Numbers {
    fn default() -> Self {
        Self::with_limit(NUMBERED_ITEMS)
    }
}

impl Numbers {
    /// Puts functions aside when they have `limit` sites and calls.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            functions: Vec::new(),
            outermost: Vec::new(),
            inlined: Vec::new(),
            live: Vec::new(),
            sites: Met::default(),
            calls: Met::default(),
            put_aside: Vec::new(),
            limit,
        }
    }

    /// How many outermost functions have been met.
    pub fn outermost(&self) -> u32 {
        number_of(self.outermost.len())
    }

    /// The number of `slot` as an outermost function; `None` for the one without a name.
    pub fn meet_outermost(&mut self, slot: Slot) -> Option<u32> {
        if slot.0 == 0 {
            return None;
        }
        let next = self.outermost();
        let function = self.function(slot);
        if function.outermost == u32::MAX {
            function.outermost = next;
            self.outermost.push(slot);
            return Some(next);
        }
        Some(function.outermost)
    }

    /// Notes functions of a path that are inlined, the innermost first.
    pub fn meet_inlined(&mut self, path: impl Iterator<Item = Slot>) {
        let first = self.inlined.len();
        for slot in path {
            if !std::mem::replace(&mut self.function(slot).is_inlined, true) {
                self.inlined.push(slot);
            }
        }
        self.inlined[first..].reverse();
    }

    /// The number of the site at `location` in the function at `slot`.
    pub fn site(&mut self, slot: Slot, location: SourceLocation) -> u32 {
        let live = self.enliven(slot);
        let SourceLocation { file, line, column, discriminator } = location;
        let file = file.map_or(0, |file| file.index() + 1);
        let site = Site { file, line, column, discriminator };
        let count = &mut self.live[live as usize].sites;
        self.sites.number(live, site, count)
    }

    /// The number of `call` in the function at `slot`. Its callee is a slot.
    pub fn call(&mut self, slot: Slot, call: Call) -> u32 {
        let live = self.enliven(slot);
        let count = &mut self.live[live as usize].calls;
        self.calls.number(live, call, count)
    }

    /// Puts all functions aside if there are too many in the tables.
    pub fn settle(&mut self) {
        if self.sites.all.len() + self.calls.all.len() < self.limit {
            return;
        }
        let live = std::mem::take(&mut self.live);
        let ends = Ends::of(&live);
        let sites = self.sites.grouped(&ends.sites);
        let calls = self.calls.grouped(&ends.calls);
        for (at, Live { slot, .. }) in live.into_iter().enumerate() {
            self.functions[slot.0 as usize].items = Items::PutAside(self.put_aside.len());
            write(&mut self.put_aside, ends.sites_of(&sites, at), ends.calls_of(&calls, at));
        }
    }

    /// The functions of a module with `names` of them, as they are numbered in the store: outermost
    /// ones first, in the order in which the code meets them, then those that are only ever
    /// inlined, likewise, then those that are not met, and the one without a name.
    pub fn finish(mut self, names: usize) -> NumberedFunctions {
        self.functions.resize(names + 1, UNMET);
        let mut numbers = vec![u32::MAX; names + 1];
        let mut slots = Vec::with_capacity(names + 1);
        let all = (1..=number_of(names)).map(Slot);
        for slot in self.outermost.into_iter().chain(self.inlined).chain(all) {
            if slot.0 != 0 && numbers[slot.0 as usize] == u32::MAX {
                numbers[slot.0 as usize] = number_of(slots.len());
                slots.push(slot);
            }
        }
        numbers[0] = number_of(slots.len());
        slots.push(Slot(0));
        let ends = Ends::of(&self.live);
        let sites = self.sites.grouped(&ends.sites);
        let mut calls = self.calls.grouped(&ends.calls);
        calls.iter_mut().for_each(|call| call.callee = numbers[call.callee as usize]);
        let items = self.functions.iter().map(|function| function.items).collect();
        NumberedFunctions { numbers, slots, items, ends, sites, calls, put_aside: self.put_aside }
    }

    fn function(&mut self, slot: Slot) -> &mut Numbered {
        let at = slot.0 as usize;
        if at >= self.functions.len() {
            self.functions.resize(at + 1, UNMET);
        }
        &mut self.functions[at]
    }

    /// The number of the function at `slot` in the tables.
    fn enliven(&mut self, slot: Slot) -> u32 {
        let next = number_of(self.live.len());
        let function = self.function(slot);
        let before = match function.items {
            Items::Live(live) => return live,
            Items::None => None,
            Items::PutAside(at) => Some(at),
        };
        function.items = Items::Live(next);
        let mut live = Live { slot, sites: 0, calls: 0 };
        let PutAside { sites, calls } =
            before.map_or_else(PutAside::default, |at| read(&self.put_aside[at..]));
        for site in sites {
            self.sites.number(next, site, &mut live.sites);
        }
        for call in calls {
            self.calls.number(next, call, &mut live.calls);
        }
        self.live.push(live);
        next
    }
}

/// The functions of a module with their final numbers, sites and calls.
pub struct NumberedFunctions {
    /// By slot.
    numbers: Vec<u32>,
    /// By number.
    slots: Vec<Slot>,
    items: Vec<Items>,
    ends: Ends,
    sites: Vec<Site>,
    calls: Vec<Call>,
    put_aside: Vec<u8>,
}

impl NumberedFunctions {
    /// How many there are, the one without a name included.
    pub fn count(&self) -> usize {
        self.slots.len()
    }

    /// The number of the one without a name.
    pub fn nameless(&self) -> u32 {
        self.numbers[0]
    }

    /// The place of the function numbered `number`.
    pub fn slot(&self, number: usize) -> Slot {
        self.slots[number]
    }

    /// Calls `take` with the sites and calls of the function numbered `number`.
    pub fn items<T>(&self, number: usize, take: impl FnOnce(&[Site], &[Call]) -> T) -> T {
        match self.items[self.slots[number].0 as usize] {
            Items::None => take(&[], &[]),
            Items::Live(live) => {
                let live = live as usize;
                take(self.ends.sites_of(&self.sites, live), self.ends.calls_of(&self.calls, live))
            }
            Items::PutAside(at) => {
                let mut items = read(&self.put_aside[at..]);
                items.calls.iter_mut().for_each(|call| {
                    call.callee = self.numbers[call.callee as usize];
                });
                take(&items.sites, &items.calls)
            }
        }
    }
}

/// Where the sites and calls of each live function end.
struct Ends {
    sites: Vec<usize>,
    calls: Vec<usize>,
}

impl Ends {
    fn of(live: &[Live]) -> Self {
        let until = |total: &mut usize, count: u32| {
            *total += count as usize;
            Some(*total)
        };
        Self {
            sites: live.iter().map(|live| live.sites).scan(0, until).collect(),
            calls: live.iter().map(|live| live.calls).scan(0, until).collect(),
        }
    }

    fn sites_of<'s>(&self, sites: &'s [Site], live: usize) -> &'s [Site] {
        &sites[start(&self.sites, live)..self.sites[live]]
    }

    fn calls_of<'c>(&self, calls: &'c [Call], live: usize) -> &'c [Call] {
        &calls[start(&self.calls, live)..self.calls[live]]
    }
}

fn start(ends: &[usize], at: usize) -> usize {
    at.checked_sub(1).map_or(0, |before| ends[before])
}

/// What was met of the functions in the tables.
struct Met<T> {
    /// Hashes of items, and where they are in `all`. Most items are met several times: the table is
    /// small beside the ranges.
    places: HashTable<(u32, u32)>,
    hasher: DefaultHashBuilder,
    all: Vec<Item<T>>,
}

#[derive(Clone, Copy)]
struct Item<T> {
    live: u32,
    number: u32,
    is: T,
}

impl<T> Default for Met<T> {
    fn default() -> Self {
        Self { places: HashTable::new(), hasher: DefaultHashBuilder::default(), all: Vec::new() }
    }
}

/// A site or a call.
trait Key: Copy + Default + PartialEq {
    /// All that is in it, of the function `live`, as two numbers, which hash in two steps.
    fn key(&self, live: u32) -> (u128, u32);
}

impl Key for Site {
    fn key(&self, live: u32) -> (u128, u32) {
        (as_one([live, self.file, self.line, self.column]), self.discriminator)
    }
}

impl Key for Call {
    fn key(&self, live: u32) -> (u128, u32) {
        (as_one([live, self.site, self.callee, 0]), 0)
    }
}

impl<T: Key> Met<T> {
    /// The number of `item` in the function `live`, which has `count` so far.
    fn number(&mut self, live: u32, item: T, count: &mut u32) -> u32 {
        let hash = folded(self.hasher.hash_one(item.key(live)));
        let is_it = |&(other, place): &(u32, u32)| {
            let met = &self.all[place as usize];
            other == hash && met.live == live && met.is == item
        };
        if let Some((_, place)) = self.places.find(spread(hash), is_it) {
            return self.all[*place as usize].number;
        }
        let number = *count;
        *count += 1;
        let place = number_of(self.all.len());
        self.all.push(Item { live, number, is: item });
        self.places.insert_unique(spread(hash), (hash, place), |(hash, _)| spread(*hash));
        number
    }

    /// All items, one function after the other; none are left. `ends` says where each function's
    /// end.
    fn grouped(&mut self, ends: &[usize]) -> Vec<T> {
        self.places.clear();
        let mut items = vec![T::default(); self.all.len()];
        for Item { live, number, is: item } in self.all.drain(..) {
            items[start(ends, live as usize) + number as usize] = item;
        }
        items
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
