//! Reads the columns of a block one body of code at a time: what each begins with, and the one
//! range that is wanted.

use std::ops::ControlFlow;

use symtool_debug::Start;

use super::{COLUMNS, ROOT, WIDE};
use crate::block::bytes::{Column, split, unzigzag};

/// The inverse of [`Encoder::begin`].
pub fn began(code: u64, here: u64) -> Start {
    match code {
        0 => Start::at(here),
        1 => Start::UNKNOWN,
        code => Start::at(here.wrapping_sub(unzigzag(code - 1).cast_unsigned())),
    }
}

/// The columns of a block, read one body at a time: the ranges under one outermost function, one
/// after the other.
pub struct Bodies<'a> {
    pub operations: Column<'a>,
    pub lengths: Column<'a>,
    pub sites: Column<'a>,
    pub calls: Column<'a>,
    roots: Column<'a>,
    functions: Column<'a>,
    wide: Column<'a>,
    pub begins: Column<'a>,
    /// The first outermost function not yet met.
    next_function: u32,
    /// Where the body before ends.
    pub at: u64,
}

/// One body, to be read before the next one.
#[derive(Clone, Copy)]
pub struct Body<'a> {
    /// One per range; the first is [`ROOT`], the others are not.
    pub operations: &'a [u8],
    /// Bytes before it.
    pub gap: u64,
    pub start: u64,
    pub function: u32,
    pub symtab: bool,
    /// Calls entered by its first range.
    pub entered: usize,
}

impl<'a> Bodies<'a> {
    pub fn of(raw: &'a [u8]) -> Option<Self> {
        let [operations, lengths, sites, calls, roots, functions, wide, mut head, begins] =
            split::<COLUMNS>(raw)?;
        let (next_function, at) = (head.number32()?, head.number()?);
        head.is_empty().then_some(Self {
            operations,
            lengths,
            sites,
            calls,
            roots,
            functions,
            wide,
            begins,
            next_function,
            at,
        })
    }

    /// Whether all bodies have been come to.
    pub fn is_done(&self) -> bool {
        self.operations.is_empty()
    }

    /// The next body; `None` if there is none, or if it is damaged.
    pub fn next(&mut self) -> Option<Body<'a>> {
        let (&first, rest) = self.operations.0.split_first()?;
        if first != ROOT {
            return None;
        }
        let others = rest.iter().position(|&operation| operation == ROOT).unwrap_or(rest.len());
        let operations = self.operations.take(1 + others)?;
        let (gap, entered, code) =
            (self.roots.number()?, self.roots.size()?, self.functions.number()?);
        let function =
            u32::try_from(i64::from(self.next_function).checked_add(unzigzag(code >> 1))?).ok()?;
        self.next_function = self.next_function.max(function.saturating_add(1));
        Some(Body {
            operations,
            gap,
            start: self.at.checked_add(gap)?,
            function,
            symtab: code & 1 == 1,
            entered,
        })
    }

    /// How many frames an operation leaves and enters.
    pub fn counts(&mut self, operation: u8) -> Option<(usize, usize)> {
        match operation {
            WIDE => Some((self.wide.size()?, self.wide.size()?)),
            counts => Some((usize::from(counts >> 4), usize::from(counts & 15))),
        }
    }

    /// Reads `body` up to the range that holds `address`: the frames there, outermost first, and
    /// the range's first address and the first after it. Goes on to the next body if all of this
    /// one lies before.
    pub fn find(
        &mut self,
        body: &Body<'_>,
        address: u64,
    ) -> Option<ControlFlow<(Vec<Passed>, u64, u64)>> {
        let mut at = body.start;
        let mut path = vec![Passed::new(0, began(self.begins.number()?, at))];
        for &operation in body.operations {
            let (left, entered) =
                if operation == ROOT { (0, body.entered) } else { self.counts(operation)? };
            let kept = path.len().checked_sub(left).filter(|kept| *kept > 0)?;
            path.truncate(kept);
            for _ in 0..entered {
                let caller = path.last_mut()?;
                let call =
                    u32::try_from(caller.next_call.checked_add(self.calls.signed()?)?).ok()?;
                caller.next_call = i64::from(call) + 1;
                (caller.after_call, caller.next_site) = (Some(call), 0);
                path.push(Passed::new(call, began(self.begins.number()?, at)));
            }
            let innermost = path.last_mut()?;
            innermost.next_site =
                innermost.next_site.checked_add(self.sites.signed()?)?.checked_add(1)?;
            let end = at.checked_add(self.lengths.number()?)?;
            if address < end {
                return Some(ControlFlow::Break((path, at, end)));
            }
            at = end;
        }
        self.at = at;
        Some(ControlFlow::Continue(()))
    }

    pub fn is_empty(&self) -> bool {
        [self.lengths, self.sites, self.calls, self.roots, self.functions, self.wide, self.begins]
            .iter()
            .all(Column::is_empty)
    }
}

/// A frame on the way to an address, of which only the columns are known: not yet its function.
pub struct Passed {
    /// Which of the caller's calls it is.
    pub call: u32,
    pub start: Start,
    next_call: i64,
    /// The site after the frame's last one: with a call, counted from the site after that call's.
    pub next_site: i64,
    pub after_call: Option<u32>,
}

impl Passed {
    fn new(call: u32, start: Start) -> Self {
        Self { call, start, next_call: 0, next_site: 0, after_call: None }
    }
}
