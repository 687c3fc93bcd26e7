//! Function tables of 64-bit ARM (`.pdata`, `.xdata`).
//!
//! ```text
//! codes.rs   what an instruction of a prolog or epilog does
//! packed.rs  functions whose prolog follows from a few numbers
//! record.rs  all others
//! ```
//!
//! Each code stands for one instruction, of four bytes, so that prologs and epilogs are known
//! without the code. Format: Microsoft, "ARM64 exception handling".

mod codes;
mod packed;
mod record;

use super::frame::{Frame, Position};
use super::image::{PeImage, u32_at};
use super::pieces::{Gaps, Piece, push_layers};
use crate::budget::Budget;
use crate::drops::UnwindDropReason;
use crate::rule::{Register, RuleFlags};
use crate::table::UnwindTableBuilder;
use codes::{Code, unwind};

const FP: Register = Register(29);
const LR: Register = Register(30);
const SP: Register = Register(31);
/// Bytes of an entry of the table, and of an instruction.
const ENTRY_BYTES: usize = 8;
const INSTRUCTION_BYTES: u64 = 4;

/// What is known of a function.
#[derive(Clone, Debug, Default)]
pub struct Function {
    /// Bytes of code.
    pub bytes: u64,
    /// What undoes its prolog, from the last instruction to the first.
    pub prolog: Vec<Code>,
    pub epilogs: Vec<Epilog>,
}

/// An epilog of a function.
#[derive(Clone, Debug)]
pub struct Epilog {
    /// Bytes from the function's start.
    pub start: u64,
    /// What its instructions undo, in their order.
    pub codes: Vec<Code>,
}

/// Adds the rows for the functions in `table`, which is `.pdata`.
pub fn read(image: &PeImage<'_>, table: &[u8], builder: &mut UnwindTableBuilder) {
    let at = |entry: &[u8], at| u32_at(entry, at).unwrap_or_default();
    let mut entries: Vec<(u32, u32)> =
        table.chunks_exact(ENTRY_BYTES).map(|entry| (at(entry, 0), at(entry, 4))).collect();
    // Linkers fill the table up with zeros.
    entries.retain(|entry| *entry != (0, 0));
    entries.sort_by_key(|(start, _)| *start);
    let mut leaf = Frame::new(SP).rule(Position::at(SP), Err(LR));
    leaf.flags.set(RuleFlags::LEAF);
    let mut gaps = Gaps::new(image.code(), &leaf);
    let mut budget = Budget::for_bytes(image.len());
    let mut covered = 0;
    for (number, &(start, data)) in entries.iter().enumerate() {
        let first = u64::from(start);
        if first < covered {
            builder.count(UnwindDropReason::Overlap);
            continue;
        }
        let next = entries[number + 1..].first().map_or(u64::MAX, |(start, _)| u64::from(*start));
        let (function, drop) = match parse(image, data, &mut budget) {
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
        if let Err(reason) = push(first, &function, &mut budget, builder) {
            return builder.count(reason);
        }
    }
    gaps.finish(builder);
}

/// Reads what the second word of an entry says about a function. What of it was left out has a
/// reason.
fn parse(
    image: &PeImage<'_>,
    data: u32,
    budget: &mut Budget,
) -> Result<(Function, Option<UnwindDropReason>), UnwindDropReason> {
    match data & 3 {
        0 => record::parse(image, data, budget),
        1 | 2 => packed::parse(data).map(|function| (function, None)),
        _ => Err(UnwindDropReason::NotSupported),
    }
}

/// Adds the rows of `function`.
fn push(
    start: u64,
    function: &Function,
    budget: &mut Budget,
    builder: &mut UnwindTableBuilder,
) -> Result<(), UnwindDropReason> {
    let end = start + function.bytes;
    let mut is_supported = true;
    let mut piece = |at: u64, until: u64, codes: &[Code], skipped: usize, budget: &mut Budget| {
        budget.spend(codes.len() - skipped + 1)?;
        let rule = unwind(&codes[skipped..]);
        is_supported &= rule.is_some();
        Ok(Piece { start: at, end: until, rule })
    };
    // The last instruction of an epilog is the one that leaves the function.
    let mut over = Vec::new();
    for epilog in &function.epilogs {
        let mut at = start + epilog.start;
        for skipped in skips(&epilog.codes) {
            let until = at + INSTRUCTION_BYTES;
            if until <= end {
                over.push(piece(at, until, &epilog.codes, skipped, budget)?);
            }
            at = until;
        }
    }
    // Before the prolog's first instruction nothing has to be undone, behind it all of it.
    let (mut under, mut at) = (Vec::new(), start);
    for skipped in skips(&function.prolog).into_iter().rev() {
        let until = if skipped == 0 { end } else { end.min(at + INSTRUCTION_BYTES) };
        if at < until {
            under.push(piece(at, until, &function.prolog, skipped, budget)?);
        }
        at = until;
    }
    if !is_supported {
        builder.count(UnwindDropReason::NotSupported);
    }
    push_layers(builder, over, &under);
    Ok(())
}

/// How many of `codes` stand for the first instruction, for the first two and so on, of those that
/// belong to this part of the function; first of all, for none.
fn skips(codes: &[Code]) -> Vec<usize> {
    let own = codes.iter().take_while(|code| **code != Code::EndOfPart);
    let instructions = own.enumerate().filter(|(_, code)| code.is_instruction());
    std::iter::once(0).chain(instructions.map(|(at, _)| at + 1)).collect()
}

#[cfg(test)]
mod tests;
