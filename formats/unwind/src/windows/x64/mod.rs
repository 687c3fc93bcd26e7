//! Function tables of 64-bit x86 (`.pdata`, `.xdata`).
//!
//! ```text
//! info.rs    what is written about a function: the steps of its prolog
//! epilog.rs  its epilogs, which are recognised in the code
//! ```
//!
//! Format: Microsoft, "x64 exception handling"; version 2 as in dotnet's `unwinder_amd64.cpp`.

mod epilog;
mod info;

use gimli::X86_64;

use super::frame::{Frame, Position};
use super::image::{PeImage, u32_at};
use super::pieces::{Gaps, Piece, push_layers};
use crate::budget::Budget;
use crate::drops::UnwindDropReason;
use crate::rule::{Register, Rule, RuleFlags};
use crate::table::UnwindTableBuilder;
use epilog::Epilogs;
use info::{Action, UnwindInfo};

/// Registers by the numbers that unwind codes and instructions have for them.
const REGISTERS: [gimli::Register; 16] = [
    X86_64::RAX,
    X86_64::RCX,
    X86_64::RDX,
    X86_64::RBX,
    X86_64::RSP,
    X86_64::RBP,
    X86_64::RSI,
    X86_64::RDI,
    X86_64::R8,
    X86_64::R9,
    X86_64::R10,
    X86_64::R11,
    X86_64::R12,
    X86_64::R13,
    X86_64::R14,
    X86_64::R15,
];
const RSP: Register = Register(X86_64::RSP.0);
/// Bytes of an entry of the table.
const ENTRY_BYTES: usize = 12;

/// The register that has the number `number` in unwind codes.
fn register(number: u8) -> Register {
    Register(REGISTERS[usize::from(number & 15)].0)
}

/// An entry of the table (`RUNTIME_FUNCTION`).
#[derive(Clone, Copy, Debug)]
pub struct Function {
    pub start: u32,
    pub end: u32,
    /// Where the unwind data is.
    pub info: u32,
}

impl Function {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (start, end) = (u32_at(bytes, 0)?, u32_at(bytes, 4)?);
        Some(Self { start, end, info: u32_at(bytes, 8)? })
    }
}

/// The rule of a function that has not changed its stack pointer.
fn entry() -> Rule {
    Frame::new(RSP).rule(Position::at(RSP).plus(8), Ok(Position::at(RSP)))
}

/// Adds the rows for the functions in `table`, which is `.pdata`.
pub fn read(image: &PeImage<'_>, table: &[u8], builder: &mut UnwindTableBuilder) {
    let mut functions: Vec<Function> = Vec::with_capacity(table.len() / ENTRY_BYTES);
    for entry in table.chunks_exact(ENTRY_BYTES) {
        match Function::parse(entry) {
            // Left by linkers at the end of the table.
            Some(Function { start: 0, end: 0, .. }) | None => {}
            Some(function) if function.start < function.end => functions.push(function),
            Some(_) => builder.count(UnwindDropReason::BadEntry),
        }
    }
    functions.sort_by_key(|function| function.start);
    let mut end = 0;
    functions.retain(|function| {
        let is_behind = function.start >= end;
        if is_behind {
            end = function.end;
        } else {
            builder.count(UnwindDropReason::Overlap);
        }
        is_behind
    });
    let mut leaf = entry();
    leaf.flags.set(RuleFlags::LEAF);
    let mut gaps = Gaps::new(image.code(), &leaf);
    let mut budget = Budget::for_bytes(image.len());
    for function in &functions {
        gaps.function(function.start.into(), function.end.into(), builder);
        if let Err(reason) = read_function(image, &functions, *function, &mut budget, builder) {
            builder.count(reason);
            if reason == UnwindDropReason::TooMuchWork {
                return;
            }
        }
    }
    gaps.finish(builder);
}

/// Adds the rows of `function`, one of `functions`.
fn read_function(
    image: &PeImage<'_>,
    functions: &[Function],
    function: Function,
    budget: &mut Budget,
    builder: &mut UnwindTableBuilder,
) -> Result<(), UnwindDropReason> {
    let infos = info::read_chain(image, function.info, budget)?;
    let Some((own, _)) = infos.split_first() else { return Err(UnwindDropReason::BadEntry) };
    let (start, end) = (u64::from(function.start), u64::from(function.end));
    let mut pieces = Vec::with_capacity(own.codes.len() + 1);
    let mut steps = own.steps();
    steps.dedup();
    let mut from = start;
    for until in steps.iter().map(|step| start + u64::from(*step)).chain([end]) {
        // Codes that have run by then: those of instructions that end at `from` or before.
        let run = from - start;
        let until = until.min(end);
        if from < until || until == end {
            let codes = infos.iter().map(|info| info.codes.len()).sum::<usize>() + 1;
            budget.spend(codes)?;
            pieces.push(Piece { start: from, end: until, rule: Some(unwind(&infos, run)) });
        }
        from = until;
    }
    let body = steps.last().map_or(start, |step| (start + u64::from(*step)).min(end));
    let is_trivial = pieces.last().is_none_or(|piece| piece.rule.as_ref() == Some(&entry()));
    let epilogs = if is_trivial {
        Vec::new()
    } else {
        let epilogs = Epilogs { image, functions, function };
        epilogs.find(body, &own.epilogs, budget)?
    };
    push_layers(builder, epilogs, &pieces);
    Ok(())
}

/// The rule once the prolog of the first of `infos` has run up to `offset`. The others are those of
/// functions whose prologs ran before.
fn unwind(infos: &[UnwindInfo], offset: u64) -> Rule {
    let mut frame = Frame::new(RSP);
    for (number, info) in infos.iter().enumerate() {
        let has_run = |code: &&info::Code| number > 0 || u64::from(code.end) <= offset;
        let codes = || info.codes.iter().filter(has_run);
        // What a frame pointer points into, as long as it does, else the top of the stack.
        let sets_frame = |code: &info::Code| matches!(code.action, Action::SetFrame);
        let base = match info.frame_pointer {
            Some(position) if codes().any(sets_frame) || is_inherited(info) => position,
            _ => frame.top,
        };
        for code in codes() {
            match code.action {
                Action::Push(register) => frame.pop(register),
                Action::Allocate(bytes) => frame.top = frame.top.plus(bytes.into()),
                Action::SetFrame => frame.top = base,
                Action::Save(register, offset) => frame.restore(register, base.plus(offset.into())),
                Action::MachineFrame { has_error_code } => {
                    let top = frame.top.plus(if has_error_code { 8 } else { 0 });
                    // rip, cs, eflags, rsp, ss.
                    return frame.interrupted(top.plus(24), top);
                }
            }
        }
    }
    frame.rule(frame.top.plus(8), Ok(frame.top))
}

/// Whether the frame pointer was set up by a function that `info` is chained to.
fn is_inherited(info: &UnwindInfo) -> bool {
    info.is_chained && !info.codes.iter().any(|code| matches!(code.action, Action::SetFrame))
}

#[cfg(test)]
mod tests;
