//! Follows the unwinding instructions of a function (Exception Handling ABI for the Arm
//! Architecture, table 4).

use super::stack::Stack;
use crate::drops::UnwindDropReason;
use crate::rule::{Register, Rule};

/// Numbers in DWARF (DWARF for the Arm Architecture, section 3.1).
const WCGR0: u16 = 104;
const WR0: u16 = 112;
const RA_AUTH_CODE: Register = Register(143);
const D0: u16 = 256;

const BAD_ENTRY: UnwindDropReason = UnwindDropReason::BadEntry;

/// What `opcodes` say of how a function's frame is left.
pub fn rule(opcodes: &[u8]) -> Result<Rule, UnwindDropReason> {
    let mut stack = Stack::default();
    let mut at = opcodes.iter().copied();
    while let Some(opcode) = at.next() {
        let low = u16::from(opcode & 0x0f);
        match opcode {
            0x00..=0x3f => stack.skip(4 + 4 * i64::from(opcode)),
            0x40..=0x7f => stack.skip(-4 - 4 * i64::from(opcode & 0x3f)),
            0x80..=0x8f => match low << 8 | u16::from(at.next().ok_or(BAD_ENTRY)?) {
                // Refuses to unwind.
                0 => return Ok(Rule::end_of_stack()),
                mask => stack.pop_core(mask << 4)?,
            },
            // Moves between registers that no compiler makes.
            0x9d | 0x9f => return Err(UnwindDropReason::NotSupported),
            0x90..=0x9f => stack.set(Register(low))?,
            0xa0..=0xaf => {
                let from_r4 = 0xff >> (7 - (low & 7)) << 4;
                let r14 = if low & 8 == 0 { 0 } else { 1 << 14 };
                stack.pop_core(from_r4 | r14)?;
            }
            0xb0 => break,
            0xb1 => match at.next().ok_or(BAD_ENTRY)? {
                mask @ 1..=0x0f => stack.pop_core(mask.into())?,
                _ => return Err(BAD_ENTRY),
            },
            0xb2 => stack.skip(0x204 + 4 * uleb128(&mut at)?),
            0xb4 => stack.pop(RA_AUTH_CODE, 4),
            // The stack pointer is now what the return address was signed with.
            0xb5 => {}
            // As FSTMX stores them, with a word behind.
            0xb3 => pop_range(&mut stack, D0, at.next(), 4)?,
            0xb8..=0xbf => {
                pop_from(&mut stack, D0 + 8, low & 7);
                stack.skip(4);
            }
            0xc6 => pop_range(&mut stack, WR0, at.next(), 0)?,
            0xc7 => match at.next().ok_or(BAD_ENTRY)? {
                mask @ 1..=0x0f => {
                    let registers = (0..4).filter(|bit| mask >> bit & 1 != 0);
                    registers.for_each(|bit| stack.pop(Register(WCGR0 + bit), 4));
                }
                _ => return Err(BAD_ENTRY),
            },
            0xc0..=0xc5 => pop_from(&mut stack, WR0 + 10, low),
            0xc8 => pop_range(&mut stack, D0 + 16, at.next(), 0)?,
            0xc9 => pop_range(&mut stack, D0, at.next(), 0)?,
            0xd0..=0xd7 => pop_from(&mut stack, D0 + 8, low & 7),
            _ => return Err(BAD_ENTRY),
        }
    }
    stack.rule()
}

/// Pops `first` and `more` registers after it, of eight bytes each.
fn pop_from(stack: &mut Stack, first: u16, more: u16) {
    (first..=first + more).for_each(|register| stack.pop(Register(register), 8));
}

/// Pops the registers that an operand names: the first in its high bits, how many more in its low
/// ones. `behind` them are more bytes.
fn pop_range(
    stack: &mut Stack,
    base: u16,
    operand: Option<u8>,
    behind: i64,
) -> Result<(), UnwindDropReason> {
    let operand = u16::from(operand.ok_or(BAD_ENTRY)?);
    let (first, more) = (operand >> 4, operand & 0x0f);
    // There are 16 of each kind, but 32 of D0 to D31, whose halves have opcodes of their own.
    if first + more > 15 && base != D0 {
        return Err(BAD_ENTRY);
    }
    pop_from(stack, base + first, more);
    stack.skip(behind);
    Ok(())
}

fn uleb128(at: &mut impl Iterator<Item = u8>) -> Result<i64, UnwindDropReason> {
    let mut value = 0;
    // A stack has less than 4 GiB.
    for shift in [0, 7, 14, 21, 28] {
        let byte = at.next().ok_or(BAD_ENTRY)?;
        value |= i64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(BAD_ENTRY)
}
