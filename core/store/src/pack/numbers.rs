//! Numbers functions in the order in which the code meets them: [`Numbers`]. Keeps what is known of
//! each, too: the sites and calls that the code has visited so far (`visits.rs`).

use symtool_debug::FunctionId;
use symtool_module::number_of;

use super::put_aside::PutAside;
use crate::block::functions::{Call, Site};

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
#[derive(Default)]
pub struct Numbers {
    functions: Vec<Met>,
    outermost: Vec<Slot>,
    inlined: Vec<Slot>,
    /// The sites and calls of all functions.
    pub put_aside: PutAside,
}

/// What is known of one function.
#[derive(Clone, Copy, Debug)]
pub struct Met {
    /// Its number among outermost functions; `u32::MAX` while it has not been met as one.
    outermost: u32,
    is_inlined: bool,
    /// Its number among the functions that the part at hand visits; `u32::MAX` if it does not.
    pub in_part: u32,
    /// Where its sites and calls are put aside; 0 if it has none.
    pub place: usize,
}

const UNMET: Met = Met { outermost: u32::MAX, is_inlined: false, in_part: u32::MAX, place: 0 };

impl Numbers {
    /// How many outermost functions have been met.
    pub fn outermost(&self) -> u32 {
        number_of(self.outermost.len())
    }

    /// The number of `slot` as an outermost function that has been met; `None` for the one without
    /// a name.
    pub fn as_outermost(&self, slot: Slot) -> Option<u32> {
        let met = self.functions.get(slot.0 as usize)?;
        Some(met.outermost).filter(|number| *number != u32::MAX)
    }

    /// Notes that `slot` is an outermost function.
    pub fn meet_outermost(&mut self, slot: Slot) {
        let next = self.outermost();
        let function = self.function(slot);
        if slot.0 != 0 && function.outermost == u32::MAX {
            function.outermost = next;
            self.outermost.push(slot);
        }
    }

    /// How many inlined functions have been met.
    pub fn inlined(&self) -> usize {
        self.inlined.len()
    }

    /// Notes that `slot` is inlined.
    pub fn meet_inlined(&mut self, slot: Slot) {
        if !std::mem::replace(&mut self.function(slot).is_inlined, true) {
            self.inlined.push(slot);
        }
    }

    /// The inlined functions from the one numbered `first` on were met the innermost first: they are
    /// numbered from the outermost on.
    pub fn reverse_inlined(&mut self, first: usize) {
        self.inlined[first..].reverse();
    }

    /// What is known of `slot`.
    pub fn function(&mut self, slot: Slot) -> &mut Met {
        let at = slot.0 as usize;
        if at >= self.functions.len() {
            self.functions.resize(at + 1, UNMET);
        }
        &mut self.functions[at]
    }

    /// Where sites and calls of `slot`, which has been met, are put aside; 0 if it has none.
    pub fn place(&self, slot: Slot) -> usize {
        self.functions[slot.0 as usize].place
    }

    /// The functions of a module with `names` of them, as they are numbered in the store: outermost
    /// ones first, in the order in which the code meets them, then those that are only ever
    /// inlined, likewise, then those that are not met, and the one without a name.
    pub fn finish(self, names: usize) -> NumberedFunctions {
        let Self { mut functions, outermost, inlined, put_aside } = self;
        functions.resize(names + 1, UNMET);
        let mut numbers = vec![u32::MAX; names + 1];
        let mut slots = Vec::with_capacity(names + 1);
        let all = (1..=number_of(names)).map(Slot);
        for slot in outermost.into_iter().chain(inlined).chain(all) {
            if slot.0 != 0 && numbers[slot.0 as usize] == u32::MAX {
                numbers[slot.0 as usize] = number_of(slots.len());
                slots.push(slot);
            }
        }
        numbers[0] = number_of(slots.len());
        slots.push(Slot(0));
        let places = functions.iter().map(|function| function.place).collect();
        NumberedFunctions { numbers, slots, places, put_aside }
    }
}

/// The functions of a module with their final numbers, sites and calls.
pub struct NumberedFunctions {
    /// By slot.
    numbers: Vec<u32>,
    /// By number.
    slots: Vec<Slot>,
    /// By slot.
    places: Vec<usize>,
    put_aside: PutAside,
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

    /// Makes `sites` and `calls` those of the function numbered `number`.
    pub fn read(&self, number: usize, sites: &mut Vec<Site>, calls: &mut Vec<Call>) {
        sites.clear();
        calls.clear();
        self.put_aside.read(self.places[self.slots[number].0 as usize], sites, calls);
        calls.iter_mut().for_each(|call| call.callee = self.numbers[call.callee as usize]);
    }
}
