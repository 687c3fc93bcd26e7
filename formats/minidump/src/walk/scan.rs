//! Looks through the stack for an address that can be returned to.

use symtool_unwind::Register;
use symtool_unwind::apply::{Memory, Registers};

use super::processor::Processor;
use super::stack::Stack;
use super::step::{Found, no_memory};
use super::thread::{Position, ThreadWalker};
use super::{FrameTrust, UnwindRows, WalkEnd};
use crate::limits;
use crate::read::system::Cpu;

impl<R: UnwindRows> ThreadWalker<'_, '_, R> {
    /// The caller whose return address is the first one on the stack.
    pub fn by_scan(
        &mut self,
        at: &Position,
        processor: Processor,
        stack: &Stack<'_>,
    ) -> Result<Found, WalkEnd> {
        let word = processor.word();
        let mut address = at.sp.checked_next_multiple_of(word).ok_or(WalkEnd::NoCaller)?;
        let mut zeros = 0;
        for looked_at in 0..limits::MAX_SCAN_WORDS {
            if !self.take_step() {
                return Err(WalkEnd::TooManySteps);
            }
            let Some(value) = stack.read(address, processor.machine.word_bytes) else {
                let has_stack = looked_at > 0 && !stack.is_cut_off(address);
                return Err(if has_stack { WalkEnd::NoCaller } else { no_memory(stack, address) });
            };
            zeros += u64::from(value == 0);
            let next = address.checked_add(word).ok_or(WalkEnd::NoCaller)?;
            let pc = processor.strip(value);
            if self.is_return_address(pc, processor) {
                let mut registers = Registers::default();
                registers.set(processor.machine.program_counter, Some(pc));
                registers.set(processor.machine.stack_pointer, Some(next));
                if let Some(register) = processor.frame_pointer {
                    let frame_pointer = frame_pointer(at, processor, register, address, stack);
                    registers.set(register, frame_pointer);
                }
                let caller =
                    Position { registers, pc, sp: next, is_exact: false, argument_bytes: 0 };
                return Ok(Found { caller, trust: FrameTrust::Scan });
            }
            address = next;
        }
        let is_hole = zeros == limits::MAX_SCAN_WORDS
            && stack.zeros_around(at.sp, limits::MIN_HOLE_BYTES) >= limits::MIN_HOLE_BYTES;
        Err(if is_hole { WalkEnd::Zeros(at.sp) } else { WalkEnd::NoCaller })
    }
}

/// The frame pointer of a caller whose return address was found at `address`: on x86 functions push
/// theirs below it. Else it has not changed, unless it points to what was passed.
fn frame_pointer(
    at: &Position,
    processor: Processor,
    register: Register,
    address: u64,
    stack: &Stack<'_>,
) -> Option<u64> {
    let word = processor.machine.word_bytes;
    let points_up = |value: &u64| *value > address && stack.read(*value, word).is_some();
    let pushed = matches!(processor.cpu, Cpu::X86 | Cpu::X64)
        .then(|| stack.read(address.checked_sub(word.into())?, word))
        .flatten()
        .filter(points_up);
    pushed.or_else(|| at.registers.get(register).filter(points_up))
}
