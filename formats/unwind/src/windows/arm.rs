//! Function tables of ARM of both widths, in which codes stand for the instructions of prologs and
//! epilogs: [`Machine::read`].
//!
//! ```text
//! arm/record.rs  what is known of a function beyond its table entry
//! thumb/         what a code means on 32-bit ARM, and functions that need no more than their entry
//! arm64/         … on 64-bit ARM
//! ```

mod record;

use super::image::{PeImage, u32_at};
use super::pieces::{Gaps, Piece, push_layers};
use crate::budget::Budget;
use crate::drops::UnwindDropReason;
use crate::rule::Rule;
use crate::table::UnwindTableBuilder;
pub use record::{Field, RecordLayout};

/// Bytes of an entry of the table.
const ENTRY_BYTES: usize = 8;

/// What is known of a function, and why some of it was left out.
pub type Parsed<C> = Result<(Function<C>, Option<UnwindDropReason>), UnwindDropReason>;

/// What is known of a function.
#[derive(Clone, Debug)]
pub struct Function<C> {
    /// Bytes of code.
    pub bytes: u64,
    /// What undoes its prolog, from the last instruction to the first.
    pub prolog: Vec<C>,
    pub epilogs: Vec<Epilog<C>>,
}

/// An epilog of a function.
#[derive(Clone, Debug)]
pub struct Epilog<C> {
    /// Bytes from the function's start.
    pub start: u64,
    /// What its instructions undo, in their order.
    pub codes: Vec<C>,
}

/// What differs between the widths.
pub struct Machine<C> {
    /// The rule of functions without entry.
    pub leaf: Rule,
    /// Reads the second word of an entry that tells all of a function.
    pub packed: fn(u32) -> Result<Function<C>, UnwindDropReason>,
    /// How the records are laid out that tell of the others.
    pub record: RecordLayout<C>,
    /// Bytes of the instruction that a code stands for, 0 if it stands for none; `None` if it and
    /// those behind it belong to another part of the function.
    pub bytes: fn(&C) -> Option<u64>,
    /// Bytes of the instruction that leaves a function, if no code stands for it.
    pub last_bytes: u64,
    /// The rule where codes are to be undone; `None` if one of them cannot be told.
    pub unwind: fn(&[C]) -> Option<Rule>,
}

impl<C> Machine<C> {
    /// Adds the rows for the functions in `table`, which is `.pdata`.
    pub fn read(&self, image: &PeImage<'_>, table: &[u8], builder: &mut UnwindTableBuilder) {
        let at = |entry: &[u8], at| u32_at(entry, at).unwrap_or_default();
        let mut entries: Vec<(u32, u32)> =
            table.chunks_exact(ENTRY_BYTES).map(|entry| (at(entry, 0), at(entry, 4))).collect();
        // Linkers fill the table up with zeros.
        entries.retain(|entry| *entry != (0, 0));
        entries.sort_by_key(|(start, _)| *start);
        let mut gaps = Gaps::new(image.code(), &self.leaf);
        let mut budget = Budget::for_bytes(image.len());
        let mut covered = 0;
        for (number, &(start, data)) in entries.iter().enumerate() {
            // The lowest bit of an address says that it is Thumb code.
            let first = u64::from(start & !1);
            if first < covered {
                builder.count(UnwindDropReason::Overlap);
                continue;
            }
            let next = entries.get(number + 1).map_or(u64::MAX, |(start, _)| u64::from(start & !1));
            let (function, drop) = match self.parse(image, data, &mut budget) {
                Ok(parsed) => parsed,
                Err(UnwindDropReason::TooMuchWork) => {
                    return builder.count(UnwindDropReason::TooMuchWork);
                }
                Err(reason) => {
                    // It ends before the next one at the latest.
                    builder.count(reason);
                    gaps.function(first, next, builder);
                    covered = next;
                    continue;
                }
            };
            drop.into_iter().for_each(|reason| builder.count(reason));
            let end = first + function.bytes;
            gaps.function(first, end, builder);
            covered = end;
            if let Err(reason) = self.push(first, &function, &mut budget, builder) {
                return builder.count(reason);
            }
        }
        gaps.finish(builder);
    }

    /// Reads what `data`, the second word of an entry, says about a function.
    fn parse(&self, image: &PeImage<'_>, data: u32, budget: &mut Budget) -> Parsed<C> {
        match data & 3 {
            0 => self.parse_record(image, data, budget),
            1 | 2 => (self.packed)(data).map(|function| (function, None)),
            _ => Err(UnwindDropReason::NotSupported),
        }
    }

    /// Bytes of the instructions that `codes` stand for.
    pub fn total_bytes(&self, codes: &[C]) -> u64 {
        self.instructions(codes).map(|(_, bytes)| bytes).sum()
    }

    /// Of the instructions that `codes` of this part of the function stand for: the index of the
    /// code, and bytes.
    fn instructions(&self, codes: &[C]) -> impl DoubleEndedIterator<Item = (usize, u64)> {
        let own: Vec<_> = codes.iter().map_while(self.bytes).enumerate().collect();
        own.into_iter().filter(|(_, bytes)| *bytes > 0)
    }

    /// Adds the rows of `function`.
    fn push(
        &self,
        start: u64,
        function: &Function<C>,
        budget: &mut Budget,
        builder: &mut UnwindTableBuilder,
    ) -> Result<(), UnwindDropReason> {
        let end = start + function.bytes;
        let mut is_supported = true;
        let mut piece = |at: u64, until: u64, codes: &[C], budget: &mut Budget| {
            budget.spend(codes.len() + 1)?;
            let rule = (self.unwind)(codes);
            is_supported &= rule.is_some();
            Ok(Piece { start: at, end: until, rule })
        };
        let mut over = Vec::new();
        for Epilog { start: offset, codes } in &function.epilogs {
            let mut at = start + offset;
            // Until an instruction has been executed, its code has to be undone.
            let own = self.instructions(codes).last().map_or(0, |(code, _)| code + 1);
            let steps = self.instructions(codes).chain([(own, self.last_bytes)]);
            for (skipped, bytes) in steps {
                let until = at + bytes;
                if at < until && until <= end {
                    over.push(piece(at, until, &codes[skipped..], budget)?);
                }
                at = until;
            }
        }
        // Before the prolog's first instruction nothing has to be undone, behind it all of it.
        let (mut under, mut at) = (Vec::new(), start);
        for (code, bytes) in self.instructions(&function.prolog).rev() {
            let until = end.min(at + bytes);
            if at < until {
                under.push(piece(at, until, &function.prolog[code + 1..], budget)?);
            }
            at = until;
        }
        if at < end {
            under.push(piece(at, end, &function.prolog, budget)?);
        }
        if !is_supported {
            builder.count(UnwindDropReason::NotSupported);
        }
        push_layers(builder, over, &under);
        Ok(())
    }
}
