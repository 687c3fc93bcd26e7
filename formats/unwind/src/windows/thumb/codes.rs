//! Unwind codes of 32-bit ARM, and what they undo.

use super::{LR, SP};
use crate::rule::{Register, Rule};
use crate::windows::frame::{Frame, Position};

/// What an instruction of a prolog did, and one of an epilog undoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    pub undo: Undo,
    /// Bytes of the instruction.
    bytes: u64,
}

/// How an instruction is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undo {
    /// The stack grew by this number of bytes; vector registers may lie there.
    Allocate(u32),
    /// General registers were pushed, the lowest one last: a bit for each.
    Push(u16),
    /// lr was stored on a stack that grew by this number of bytes.
    PushLink(u32),
    /// The stack pointer was moved to this register.
    CopyStack(Register),
    /// Nothing that has to be undone.
    Nothing,
    /// What follows was done by another part of the function.
    EndOfPart,
    /// Something that cannot be told.
    Unknown,
}

/// The bit of lr in [`Undo::Push`].
pub const LINK: u16 = 1 << 14;

impl Code {
    /// Of an instruction of 16 bits.
    pub fn narrow(undo: Undo) -> Self {
        Self { undo, bytes: 2 }
    }

    /// Of an instruction of 32 bits.
    pub fn wide(undo: Undo) -> Self {
        Self { undo, bytes: 4 }
    }

    /// Ends what this part of the function did.
    pub fn end_of_part() -> Self {
        Self { undo: Undo::EndOfPart, bytes: 0 }
    }

    /// Bytes of the instruction that it stands for; `None` where another part begins.
    pub fn bytes(&self) -> Option<u64> {
        (self.undo != Undo::EndOfPart).then_some(self.bytes)
    }
}

/// Reads the codes in `bytes` up to the one that ends them, or to the end of the bytes; in an epilog
/// with the instruction that leaves the function, if that has no other code. `None` if a code is cut
/// off or has no meaning.
pub fn parse(bytes: &[u8], is_epilog: bool) -> Option<Vec<Code>> {
    let (mut rest, mut codes) = (bytes, Vec::new());
    while let Some(&first) = rest.first() {
        match first {
            0xfd | 0xfe if is_epilog => {
                let code = if first == 0xfd { Code::narrow } else { Code::wide };
                codes.push(code(Undo::Nothing));
                break;
            }
            0xfd..=0xff => break,
            _ => {}
        }
        let (code, count) = parse_one(first, rest)?;
        codes.push(code);
        rest = rest.get(count..)?;
    }
    Some(codes)
}

/// The code at the start of `rest`, which begins with `first`, and its size.
fn parse_one(first: u8, rest: &[u8]) -> Option<(Code, usize)> {
    let number = u32::from(first);
    let byte = |at: usize| rest.get(at).map(|byte| u32::from(*byte));
    let words = |words: u32| Undo::Allocate(4 * words);
    let link = |is_saved: bool| if is_saved { LINK } else { 0 };
    // r4 to the register numbered `last`.
    let from_r4 = |last: u32| u16::try_from((2 << last) - 16).unwrap_or_default();
    Some(match first {
        0..=0x7f => (Code::narrow(words(number)), 1),
        0x80..=0xbf => {
            let mask = number << 8 | byte(1)?;
            let registers = u16::try_from(mask & 0x1fff).unwrap_or_default();
            (Code::wide(Undo::Push(registers | link(mask & 0x2000 != 0))), 2)
        }
        0xc0..=0xcf => (Code::narrow(Undo::CopyStack(Register(u16::from(first & 15)))), 1),
        0xd0..=0xd7 => {
            (Code::narrow(Undo::Push(from_r4(4 + (number & 3)) | link(first & 4 != 0))), 1)
        }
        0xd8..=0xdf => {
            (Code::wide(Undo::Push(from_r4(8 + (number & 3)) | link(first & 4 != 0))), 1)
        }
        0xe0..=0xe7 => (Code::wide(words(2 * (1 + (number & 7)))), 1),
        0xe8..=0xeb => (Code::wide(words((number & 3) << 8 | byte(1)?)), 2),
        0xec | 0xed => {
            let registers = u16::try_from(byte(1)?).unwrap_or_default();
            (Code::narrow(Undo::Push(registers | link(first & 1 != 0))), 2)
        }
        0xef if byte(1)? < 16 => (Code::wide(Undo::PushLink(4 * byte(1)?)), 2),
        0xf5 | 0xf6 => {
            let range = byte(1)?;
            (Code::wide(words(2 * ((range & 15).checked_sub(range >> 4)? + 1))), 2)
        }
        0xf7 | 0xf9 => {
            let code = if first == 0xf7 { Code::narrow } else { Code::wide };
            (code(words(byte(1)? << 8 | byte(2)?)), 3)
        }
        0xf8 | 0xfa => {
            let code = if first == 0xf8 { Code::narrow } else { Code::wide };
            (code(words(byte(1)? << 16 | byte(2)? << 8 | byte(3)?)), 4)
        }
        0xfb => (Code::narrow(Undo::Nothing), 1),
        0xfc => (Code::wide(Undo::Nothing), 1),
        // Frames of the kernel, in which another stack is.
        0xee if byte(1)? < 16 => (Code::narrow(Undo::Unknown), 2),
        _ => return None,
    })
}

/// The rule of a function of whose prolog `codes` are to be undone. `None` if one of them cannot be
/// told.
pub fn unwind(codes: &[Code]) -> Option<Rule> {
    let mut frame = Frame::new(SP);
    for code in codes {
        match code.undo {
            Undo::Allocate(bytes) => frame.top = frame.top.plus(bytes.into()),
            Undo::Push(registers) => {
                for number in (0..16).filter(|number| registers >> number & 1 == 1) {
                    frame.restore(Register(number), frame.top);
                    frame.top = frame.top.plus(4);
                }
            }
            Undo::PushLink(bytes) => {
                frame.restore(LR, frame.top);
                frame.top = frame.top.plus(bytes.into());
            }
            Undo::CopyStack(register) => frame.top = Position::at(register),
            Undo::Nothing | Undo::EndOfPart => {}
            Undo::Unknown => return None,
        }
    }
    Some(frame.rule(frame.top, frame.saved(LR).ok_or(LR)))
}
