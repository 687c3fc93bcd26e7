//! Finds the caller of a function: by its row, as a leaf's, by the frame pointer.

use symtool_unwind::RuleFlags;
use symtool_unwind::apply::{ApplyError, Memory, Registers, apply};

use super::processor::Processor;
use super::stack::Stack;
use super::thread::{Position, ThreadWalker};
use super::{FoundRule, FrameTrust, UnwindRows, WalkEnd};
use crate::read::system::Cpu;

/// A caller, and how it was found.
pub struct Found {
    pub caller: Position,
    pub trust: FrameTrust,
}

/// Why rows give no caller.
enum NoCaller {
    /// The walk ends here.
    End(WalkEnd),
    /// The function has no row, though its module has rows.
    NoRow,
    /// There is no row that could be used.
    NoUse,
}

impl<R: UnwindRows> ThreadWalker<'_, '_, R> {
    /// Finds the caller of the function at `at`, in the surest way that there is.
    pub fn step(
        &mut self,
        at: &Position,
        processor: Processor,
        stack: &Stack<'_>,
    ) -> Result<Found, WalkEnd> {
        let is_leaf = match self.by_row(at, processor, stack) {
            Ok(found) => return Ok(found),
            Err(NoCaller::End(end)) => return Err(end),
            Err(NoCaller::NoRow) => processor.has_leaves || self.is_no_code(at),
            Err(NoCaller::NoUse) => self.is_no_code(at),
        };
        if is_leaf && let Some(found) = self.by_leaf(at, processor, stack) {
            return Ok(found);
        }
        if let Some(found) = self.by_frame_pointer(at, processor, stack)? {
            return Ok(found);
        }
        self.by_scan(at, processor, stack)
    }

    /// Whether the function was called by a pointer that points to no code. What it called by it
    /// is no function, so that the return address is where the call left it.
    fn is_no_code(&self, at: &Position) -> bool {
        !self.is_in_module(at.pc) && self.dump.regions.is_executable(at.pc) != Some(true)
    }

    fn by_row(
        &mut self,
        at: &Position,
        processor: Processor,
        stack: &Stack<'_>,
    ) -> Result<Found, NoCaller> {
        let (found, offset) = self.find(at.lookup()).ok_or(NoCaller::NoUse)?;
        let (rule, start) = match found {
            FoundRule::Row { rule, start } => (rule, start),
            FoundRule::NoRow => return Err(NoCaller::NoRow),
            FoundRule::NoData => return Err(NoCaller::NoUse),
        };
        let (flags, argument_bytes) = (rule.flags, rule.argument_bytes);
        if flags.has(RuleFlags::LEAF) && !at.is_exact {
            // A leaf calls nothing: the walk has gone astray before.
            return Err(NoCaller::NoUse);
        }
        let machine = processor.machine;
        let caller = apply(rule, machine, &at.registers, stack, at.argument_bytes)
            .map_err(|error| no_caller(error, at, stack))
            .and_then(|caller| {
                let pc = caller.registers.get(machine.program_counter).unwrap_or_default();
                let sp = caller.registers.get(machine.stack_pointer).unwrap_or(caller.cfa);
                let is_signal = flags.has(RuleFlags::SIGNAL_FRAME);
                // A function that has not saved its return address may have used no stack either.
                let stays = sp == at.sp && at.is_exact && processor.link.is_some();
                let (pc, is_exact) = (processor.strip(pc), is_signal);
                let registers = caller.registers;
                (sp > at.sp || stays || is_signal && sp != at.sp)
                    .then_some(Position { registers, pc, sp, is_exact, argument_bytes })
                    .ok_or(NoCaller::NoUse)
            });
        // Where prologs and epilogs are not described, the return address may still be, or again,
        // on top of the stack: at the first instruction it is.
        let is_unsure = flags.has(RuleFlags::BODY_ONLY)
            && at.is_exact
            && (offset == start && processor.cpu != Cpu::X86
                || !caller.as_ref().is_ok_and(|caller| self.can_return_to(caller.pc)));
        if is_unsure && let Some(found) = self.by_leaf(at, processor, stack) {
            return Ok(found);
        }
        let is_leaf = flags.has(RuleFlags::LEAF);
        let trust = if is_leaf { FrameTrust::Leaf } else { FrameTrust::Cfi };
        Ok(Found { caller: caller?, trust })
    }

    /// The caller of a function that has changed neither the stack nor saved registers.
    fn by_leaf(&mut self, at: &Position, processor: Processor, stack: &Stack<'_>) -> Option<Found> {
        if !at.is_exact {
            return None;
        }
        let (pc, sp) = match processor.link {
            Some(link) => (at.registers.get(link)?, at.sp),
            None => {
                let word = processor.machine.word_bytes;
                (stack.read(at.sp, word)?, at.sp.checked_add(word.into())?)
            }
        };
        let pc = processor.strip(pc);
        if !self.can_return_to(pc) {
            return None;
        }
        let mut registers = at.registers.clone();
        registers.set(processor.machine.program_counter, Some(pc));
        registers.set(processor.machine.stack_pointer, Some(sp));
        let caller = Position { registers, pc, sp, is_exact: false, argument_bytes: 0 };
        Some(Found { caller, trust: FrameTrust::Leaf })
    }

    /// The caller that the frame record says which the frame pointer points at.
    fn by_frame_pointer(
        &mut self,
        at: &Position,
        processor: Processor,
        stack: &Stack<'_>,
    ) -> Result<Option<Found>, WalkEnd> {
        let Some(register) = processor.frame_pointer else { return Ok(None) };
        let Some(record) = at.registers.get(register) else { return Ok(None) };
        if record == 0 && processor.frame_pointer_ends {
            return Err(WalkEnd::EndOfStack);
        }
        let word = processor.word();
        if record < at.sp || !record.is_multiple_of(word) {
            return Ok(None);
        }
        let load = |address: u64| stack.read(address, processor.machine.word_bytes);
        let above = record.checked_add(word).and_then(|behind| {
            Some((load(record)?, processor.strip(load(behind)?), behind.checked_add(word)?))
        });
        let Some((next, pc, sp)) = above else { return Ok(None) };
        if pc == 0 && next == 0 {
            return Err(WalkEnd::EndOfStack);
        }
        if !self.can_return_to(pc) {
            return Ok(None);
        }
        // Records are in the order of the calls; 0 stands for none.
        let next = Some(next).filter(|next| *next > record || *next == 0);
        let mut registers = Registers::default();
        registers.set(processor.machine.program_counter, Some(pc));
        registers.set(processor.machine.stack_pointer, Some(sp));
        registers.set(register, next);
        let caller = Position { registers, pc, sp, is_exact: false, argument_bytes: 0 };
        Ok(Some(Found { caller, trust: FrameTrust::FramePointer }))
    }
}

/// What a rule that cannot be applied means for a walk. Memory that it needs further up the stack
/// ends it: what is below is of this frame.
fn no_caller(error: ApplyError, at: &Position, stack: &Stack<'_>) -> NoCaller {
    match error {
        ApplyError::EndOfStack => NoCaller::End(WalkEnd::EndOfStack),
        ApplyError::UnknownMemory(address) if address >= at.sp => {
            NoCaller::End(no_memory(stack, address))
        }
        _ => NoCaller::NoUse,
    }
}

/// Why a walk ends that needs memory which is not there.
pub fn no_memory(stack: &Stack<'_>, address: u64) -> WalkEnd {
    if stack.is_cut_off(address) { WalkEnd::CutOff(address) } else { WalkEnd::NoMemory(address) }
}
