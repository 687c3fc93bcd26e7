//! Encodings of x86, of both widths. They differ in the size of a word and in the registers.

use super::{Encoded, MODE, body_only};
use crate::architecture::Architecture;
use crate::drops::UnwindDropReason;
use crate::rule::{Cfa, Recovery, Register, Rule};

const FRAME_POINTER: u32 = 0x0100_0000;
const STACK_IMMEDIATE: u32 = 0x0200_0000;
const STACK_INDIRECT: u32 = 0x0300_0000;
const DWARF: u32 = 0x0400_0000;

const BAD_ENTRY: UnwindDropReason = UnwindDropReason::BadEntry;

/// What differs between the widths.
struct Width {
    word: i64,
    stack_pointer: Register,
    frame_pointer: Register,
    /// The registers that encodings number from 1 on.
    saved: [u16; 6],
}

/// rbx, r12, r13, r14, r15, rbp.
const X86_64: Width = Width {
    word: 8,
    stack_pointer: Register(7),
    frame_pointer: Register(6),
    saved: [3, 12, 13, 14, 15, 6],
};
/// ebx, ecx, edx, edi, esi, ebp.
const X86: Width = Width {
    word: 4,
    stack_pointer: Register(4),
    frame_pointer: Register(5),
    saved: [3, 1, 2, 7, 6, 5],
};

impl Width {
    fn register(&self, number: u32) -> Option<Register> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.saved.get(at).copied().map(Register)
    }
}

/// Whether the size of the stack is in the function's code.
pub fn reads_code(encoding: u32) -> bool {
    encoding & MODE == STACK_INDIRECT
}

/// How far into the function the operand of `sub esp, …` is.
pub fn immediate_offset(encoding: u32) -> u32 {
    encoding >> 16 & 0xff
}

/// What `encoding` says. `immediate` reads the operand of `sub esp, …`.
pub fn rule(
    architecture: Architecture,
    encoding: u32,
    immediate: impl FnOnce() -> Option<u32>,
) -> Result<Encoded, UnwindDropReason> {
    let width = if architecture == Architecture::X86 { &X86 } else { &X86_64 };
    let small = i64::from(encoding >> 16 & 0xff);
    match encoding & MODE {
        0 | DWARF => Ok(Encoded::Nothing),
        FRAME_POINTER => Ok(body_only(framed(width, encoding)?)),
        STACK_IMMEDIATE => frameless(width, encoding, small * width.word),
        STACK_INDIRECT => {
            let subtracted = i64::from(immediate().ok_or(BAD_ENTRY)?);
            let more = i64::from(encoding >> 13 & 7) * width.word;
            frameless(width, encoding, subtracted + more)
        }
        _ => Err(UnwindDropReason::NotSupported),
    }
}

/// The frame pointer is saved below the return address and points to where it is. Bits 16 to 23
/// say how many words below it the first of up to five registers is, and the low 15 which they are.
fn framed(width: &Width, encoding: u32) -> Result<Rule, UnwindDropReason> {
    let word = width.word;
    let mut rule = Rule::new(Cfa::Register(width.frame_pointer, 2 * word), Recovery::AtCfa(-word));
    let first = -2 * word - word * i64::from(encoding >> 16 & 0xff);
    for slot in 0..5_u32 {
        let number = encoding >> (3 * slot) & 7;
        if number != 0 {
            let register = width.register(number).ok_or(BAD_ENTRY)?;
            rule.save(register, Recovery::AtCfa(first + word * i64::from(slot)));
        }
    }
    rule.save(width.frame_pointer, Recovery::AtCfa(-2 * word));
    Ok(rule)
}

/// The CFA is `size` bytes above the stack pointer. Bits 10 to 12 say how many registers are saved
/// below the return address, and the low ten in which order.
fn frameless(width: &Width, encoding: u32, size: i64) -> Result<Encoded, UnwindDropReason> {
    let word = width.word;
    let mut rule = Rule::new(Cfa::Register(width.stack_pointer, size), Recovery::AtCfa(-word));
    let count = encoding >> 10 & 7;
    let order = permutation(count, encoding & 0x3ff).ok_or(BAD_ENTRY)?;
    let lowest = -word - word * i64::from(count);
    for (slot, number) in (0_i64..).zip(order) {
        let register = width.register(number).ok_or(BAD_ENTRY)?;
        rule.save(register, Recovery::AtCfa(lowest + word * slot));
    }
    if size < word * (1 + i64::from(count)) {
        return Err(BAD_ENTRY);
    }
    // Without anything on the stack there is neither prolog nor epilog.
    Ok(if size == word { Encoded::Rule(rule) } else { body_only(rule) })
}

/// The numbers of `count` registers from the lowest address on: `code` is a number in the mixed
/// base of how many registers are left to choose from. The last of six leaves no choice.
fn permutation(count: u32, code: u32) -> Option<Vec<u32>> {
    if count > 6 {
        return None;
    }
    let mut left: Vec<u32> = (1..=6).collect();
    let digits = count.min(5);
    let mut scale: u32 = (0..digits).map(|digit| 6 - digit).skip(1).product();
    // Six registers have as many orders as the first five of them.
    let mut rest = code;
    let mut order = Vec::with_capacity(6);
    for digit in 0..digits {
        let which = usize::try_from(rest / scale).ok()?;
        rest %= scale;
        if digit + 1 < digits {
            scale /= 5 - digit;
        }
        if which >= left.len() {
            return None;
        }
        order.push(left.remove(which));
    }
    if count == 6 {
        order.push(left[0]);
    }
    Some(order)
}
