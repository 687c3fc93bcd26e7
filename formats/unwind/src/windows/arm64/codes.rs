//! Unwind codes of 64-bit ARM, and what they undo.

use super::{FP, INSTRUCTION_BYTES, LR, SP};
use crate::rule::{Register, Rule, RuleFlags};
use crate::windows::frame::{Frame, Position};

/// What an instruction of a prolog did, and one of an epilog undoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The stack grew by this number of bytes.
    Allocate(u32),
    /// Registers were stored.
    Save(Save),
    /// The next two registers were stored behind those that the next code tells of.
    SaveNext,
    /// The frame pointer was set to this number of bytes above the stack pointer.
    SetFrame(u32),
    /// Nothing that has to be undone.
    Nothing,
    /// What follows was done by another part of the function.
    EndOfPart,
    /// The return address was signed.
    Sign,
    /// Memory holds the stack pointer and the address of what was interrupted.
    MachineFrame,
    /// Memory holds all registers of what was interrupted (`CONTEXT`).
    Context,
    /// The frame was not called.
    NotCalled,
    /// Something that cannot be told.
    Unknown {
        /// Whether it stands for an instruction.
        is_instruction: bool,
    },
}

/// Where registers were stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Save {
    /// One or two general registers; none if they are others.
    pub first: Option<Register>,
    pub second: Option<Register>,
    pub place: Place,
}

/// Where something was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// This number of bytes above the stack pointer.
    At(u32),
    /// At the stack pointer, after the stack had grown by this number of bytes.
    Grown(u32),
}

impl Code {
    /// Bytes of the instruction that it stands for, if it stands for one; `None` where another part
    /// of the function begins.
    pub fn bytes(&self) -> Option<u64> {
        match self {
            Self::EndOfPart => None,
            Self::MachineFrame
            | Self::Context
            | Self::NotCalled
            | Self::Unknown { is_instruction: false } => Some(0),
            _ => Some(INSTRUCTION_BYTES),
        }
    }

    /// `first` and `second` were stored.
    pub fn pair(first: u32, second: Register, place: Place) -> Self {
        Self::Save(Save { first: general(first), second: Some(second), place })
    }

    /// `first` was stored.
    pub fn single(first: u32, place: Place) -> Self {
        Self::Save(Save { first: general(first), second: None, place })
    }

    /// Vector registers were stored.
    pub fn vector(place: Place) -> Self {
        Self::Save(Save { first: None, second: None, place })
    }
}

/// The general register numbered `number`, which the prolog has stored.
fn general(number: u32) -> Option<Register> {
    u16::try_from(number).ok().map(Register)
}

/// Ends the codes of a prolog or an epilog.
const END: u8 = 0xe4;

/// Reads the codes in `bytes` up to the one that ends them, or to the end of the bytes: Microsoft's
/// compiler leaves that one out where the bytes are full, and Windows does not read on (`conpty.dll`
/// for ARM of npm's `node-pty` 1.1.0, 0x1f30). `None` if a code is cut off or unknown.
pub fn parse(bytes: &[u8]) -> Option<Vec<Code>> {
    let (mut rest, mut codes) = (bytes, Vec::new());
    while let Some(&first) = rest.first().filter(|first| **first != END) {
        let (code, count) = parse_one(first, rest)?;
        codes.push(code);
        rest = rest.get(count..)?;
    }
    Some(codes)
}

/// The code at the start of `rest`, which begins with `first`, and its size.
fn parse_one(first: u8, rest: &[u8]) -> Option<(Code, usize)> {
    let number = u32::from(first);
    let (low5, low6) = (number & 0x1f, number & 0x3f);
    // The first two bytes as a number.
    let wide = || rest.get(1).map(|second| number << 8 | u32::from(*second));
    let low = |wide: u32| 8 * (wide & 0x3f);
    let grown = |words: u32| Place::Grown(8 * words + 8);
    Some(match first {
        0..=0x1f => (Code::Allocate(16 * low5), 1),
        0x20..=0x3f => (Code::pair(19, Register(20), Place::Grown(8 * low5)), 1),
        0x40..=0x7f => (Code::pair(29, LR, Place::At(8 * low6)), 1),
        0x80..=0xbf => (Code::pair(29, LR, grown(low6)), 1),
        0xc0..=0xc7 => (Code::Allocate(16 * (wide()? & 0x7ff)), 2),
        0xc8..=0xde => {
            let wide = wide()?;
            // Register numbers of four bits begin in the first byte, those of three too.
            let four = 19 + (wide >> 6 & 15);
            let next = general(four + 1)?;
            let code = match first {
                0xc8..=0xcb => Code::pair(four, next, Place::At(low(wide))),
                0xcc..=0xcf => Code::pair(four, next, grown(wide & 0x3f)),
                0xd0..=0xd3 => Code::single(four, Place::At(low(wide))),
                0xd4 | 0xd5 => Code::single(19 + (wide >> 5 & 15), grown(wide & 0x1f)),
                0xd6 | 0xd7 => Code::pair(19 + 2 * (wide >> 6 & 7), LR, Place::At(low(wide))),
                0xda | 0xdb => Code::vector(grown(wide & 0x3f)),
                0xde => Code::vector(grown(wide & 0x1f)),
                _ => Code::vector(Place::At(low(wide))),
            };
            (code, 2)
        }
        // As much as a vector is long, which only the processor knows.
        0xdf => (Code::Unknown { is_instruction: true }, 2),
        0xe0 => {
            let &[_, high, middle, low, ..] = rest else { return None };
            (Code::Allocate(u32::from_be_bytes([0, high, middle, low]) << 4), 4)
        }
        0xe1 => (Code::SetFrame(0), 1),
        0xe2 => (Code::SetFrame(8 * u32::from(*rest.get(1)?)), 2),
        0xe3 => (Code::Nothing, 1),
        0xe5 => (Code::EndOfPart, 1),
        0xe6 => (Code::SaveNext, 1),
        0xe7 => (parse_any_register(*rest.get(1)?, *rest.get(2)?), 3),
        0xe9 => (Code::MachineFrame, 1),
        0xea => (Code::Context, 1),
        0xec => (Code::NotCalled, 1),
        // A trap frame, a context of x86-64, and what has no meaning.
        0xe8 | 0xeb | 0xed..=0xef => (Code::Unknown { is_instruction: false }, 1),
        0xfc => (Code::Sign, 1),
        0xf8..=0xfb => (Code::Unknown { is_instruction: true }, usize::from(first - 0xf8) + 2),
        _ => (Code::Unknown { is_instruction: true }, 1),
    })
}

/// `save_any_reg`: a bit that is 0, whether there are two, whether the stack grew, the first one's
/// number; their kind, and a number of words.
fn parse_any_register(what: u8, place: u8) -> Code {
    let (kind, words) = (place >> 6, u32::from(place & 0x3f));
    let (is_pair, is_grown) = (what & 0x40 != 0, what & 0x20 != 0);
    if what & 0x80 != 0 || kind == 3 {
        return Code::Unknown { is_instruction: true };
    }
    let place = match (is_grown, is_pair || kind == 2) {
        (true, _) => Place::Grown(16 * (words + 1)),
        (false, true) => Place::At(16 * words),
        (false, false) => Place::At(8 * words),
    };
    let number = u32::from(what & 0x1f);
    match (kind, is_pair) {
        (0, true) if number < 30 => match general(number + 1) {
            Some(second) => Code::pair(number, second, place),
            None => Code::Unknown { is_instruction: true },
        },
        (0, false) if number < 31 => Code::single(number, place),
        (1 | 2, _) => Code::vector(place),
        _ => Code::Unknown { is_instruction: true },
    }
}

/// The rule of a function of whose prolog `codes` are to be undone. `None` if one of them cannot be
/// told, or sizes are beyond all memory.
pub fn unwind(codes: &[Code]) -> Option<Rule> {
    let mut frame = Frame::new(SP);
    let (mut flags, mut next_pairs, mut is_top_known) = (RuleFlags::default(), 0, true);
    for code in codes {
        if next_pairs > 0 && !matches!(code, Code::SaveNext | Code::Save(_)) {
            return None;
        }
        let needs_top = matches!(code, Code::Save(_) | Code::MachineFrame | Code::Context);
        if needs_top && !is_top_known {
            return None;
        }
        match *code {
            Code::Allocate(bytes) => frame.top = frame.top.plus(bytes.into()),
            Code::Save(save) => {
                restore(&mut frame, save, next_pairs)?;
                next_pairs = 0;
            }
            Code::SaveNext => next_pairs += 1,
            Code::SetFrame(offset) => {
                frame.top = Position::at(FP).plus(-i64::from(offset));
                is_top_known = true;
            }
            Code::Nothing | Code::EndOfPart => {}
            Code::Sign => flags.set(RuleFlags::SIGNED_RETURN_ADDRESS),
            Code::NotCalled => flags.set(RuleFlags::SIGNAL_FRAME),
            Code::MachineFrame => return Some(frame.interrupted(frame.top, frame.top.plus(8))),
            Code::Context => return Some(interrupted(frame)),
            Code::Unknown { is_instruction: true } => is_top_known = false,
            Code::Unknown { is_instruction: false } => return None,
        }
    }
    if next_pairs > 0 || !is_top_known {
        return None;
    }
    let mut rule = frame.rule(frame.top, frame.saved(LR).ok_or(LR));
    rule.flags.set(flags);
    Some(rule)
}

/// Restores what `save` and `next_pairs` codes before it have stored.
fn restore(frame: &mut Frame, save: Save, next_pairs: u16) -> Option<()> {
    let (place, grown) = match save.place {
        Place::At(offset) => (frame.top.plus(offset.into()), 0),
        Place::Grown(bytes) => (frame.top, bytes),
    };
    if let Some(first) = save.first {
        frame.restore(first, place);
        if let Some(second) = save.second {
            frame.restore(second, place.plus(8));
        }
        for pair in 0..next_pairs {
            let number = first.0.checked_add(2 + 2 * pair).filter(|number| *number < LR.0)?;
            let place = place.plus(16 + 16 * i64::from(pair));
            frame.restore(Register(number), place);
            frame.restore(Register(number + 1), place.plus(8));
        }
    }
    frame.top = frame.top.plus(grown.into());
    Some(())
}

/// The rule of a function that was interrupted, with a `CONTEXT` on top of the stack: x0 to x30, sp
/// and pc lie 8 bytes from its start.
fn interrupted(mut frame: Frame) -> Rule {
    let registers = frame.top.plus(8);
    for number in 0..=LR.0 {
        frame.restore(Register(number), registers.plus(8 * i64::from(number)));
    }
    frame.interrupted(registers.plus(8 * 31), registers.plus(8 * 32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{Cfa, Recovery};

    fn rule(cfa: i64, saved: &[(u16, i64)]) -> Rule {
        let at = |(_, offset): &(u16, i64)| Recovery::AtCfa(*offset);
        let link = saved.iter().find(|(register, _)| *register == LR.0);
        let mut rule =
            Rule::new(Cfa::Register(SP, cfa), link.map_or(Recovery::Register(LR, 0), at));
        saved.iter().for_each(|saved| rule.save(Register(saved.0), at(saved)));
        rule
    }

    fn rule_of(bytes: &[u8]) -> Option<Rule> {
        unwind(&parse(&[bytes, &[0xe4]].concat()).unwrap())
    }

    #[test]
    fn each_code_is_undone() {
        for (bytes, cfa, saved) in [
            (&[0x1f][..], 0x1f0, &[][..]),
            (&[0xc7, 0xff], 0x7ff0, &[]),
            (&[0xe0, 0x01, 0x02, 0x03], 0x0010_2030, &[]),
            (&[0x22], 16, &[(19, -16), (20, -8)]),
            (&[0x42, 0x02], 32, &[(29, -16), (30, -8)]),
            (&[0x83], 32, &[(29, -32), (30, -24)]),
            (&[0xc8, 0x82, 0x02], 32, &[(21, -16), (22, -8)]),
            (&[0xcd, 0x83], 32, &[(25, -32), (26, -24)]),
            (&[0xd2, 0x41, 0x01], 16, &[(28, -8)]),
            (&[0xd4, 0x23], 32, &[(20, -32)]),
            (&[0xd6, 0x82, 0x02], 32, &[(23, -16), (30, -8)]),
            (&[0xd8, 0x02, 0xda, 0x03, 0xdc, 0x02, 0xde, 0x01], 48, &[]),
            (&[0xe3, 0xe5], 0, &[]),
            (
                &[0xe6, 0xe6, 0xc8, 0x01, 0x04],
                64,
                &[(19, -56), (20, -48), (21, -40), (22, -32), (23, -24), (24, -16)],
            ),
            (&[0xe6, 0x26], 48, &[(19, -48), (20, -40), (21, -32), (22, -24)]),
            (&[0xe6, 0xd8, 0x02, 0x02], 32, &[]),
            // x3 8 bytes up; x3 and x4 16; x3 with the stack, both; a vector register.
            (&[0xe7, 0x03, 0x01, 0x01], 16, &[(3, -8)]),
            (&[0xe7, 0x43, 0x01, 0x02], 32, &[(3, -16), (4, -8)]),
            (&[0xe7, 0x23, 0x01], 32, &[(3, -32)]),
            (&[0xe7, 0x63, 0x00], 16, &[(3, -16), (4, -8)]),
            (&[0xe7, 0x23, 0x81], 32, &[]),
        ] {
            assert_eq!(rule_of(bytes), Some(rule(cfa, saved)), "{bytes:x?}");
        }
    }

    #[test]
    fn frame_pointers_and_signed_addresses() {
        let rule = rule_of(&[0xc8, 0x02, 0xe2, 2, 0x83, 0xfc]).unwrap();
        assert_eq!(rule.cfa, Cfa::Register(FP, 16));
        assert_eq!(rule.return_address, Recovery::AtCfa(-24));
        assert!(rule.flags.has(RuleFlags::SIGNED_RETURN_ADDRESS));
        // Stored relative to the stack pointer.
        assert_eq!(rule.recovery(Register(19)), &Recovery::AtExpression([0x8f, 16].into()));
        // A frame pointer makes up for an unknown size.
        assert!(rule_of(&[0xdf, 1, 0xe1, 0x83]).is_some());
    }

    #[test]
    fn machine_frames_and_contexts() {
        let rule = rule_of(&[0x01, 0xe9]).unwrap();
        assert_eq!(rule.cfa, Cfa::Expression([0x8f, 16, 0x06].into()));
        assert_eq!(rule.return_address, Recovery::AtExpression([0x8f, 24].into()));
        assert!(rule.flags.has(RuleFlags::SIGNAL_FRAME));
        let rule = rule_of(&[0xea]).unwrap();
        assert_eq!(rule.cfa, Cfa::Expression([0x8f, 0x80, 0x02, 0x06].into()));
        assert_eq!(rule.return_address, Recovery::AtExpression([0x8f, 0x88, 0x02].into()));
        assert_eq!(
            (rule.saved().len(), rule.recovery(Register(1))),
            (31, &Recovery::AtExpression([0x8f, 16].into()))
        );
    }

    #[test]
    fn what_cannot_be_told_has_no_rule() {
        for bytes in [
            &[0xe8][..],
            &[0xeb],
            &[0xdf, 1],
            &[0xdf, 1, 0x83],
            &[0xf8, 1],
            &[0xfb, 1, 2, 3, 4],
            &[0xe7, 0x03, 0xc1],
            &[0xe7, 0x83, 0x01],
            &[0xe7, 0x5e, 0x01],
            &[0xe6],
            &[0xe6, 0x01],
            &[0xe6, 0xe6, 0xca, 0x00],
        ] {
            assert_eq!(rule_of(bytes), None, "{bytes:x?}");
        }
        for bytes in [&[0xc0][..], &[0xe0, 0, 0], &[0xe7, 0], &[0xfb, 0xe4]] {
            assert_eq!(parse(bytes), None, "{bytes:x?}");
        }
        assert_eq!(parse(&[]).map(|codes| codes.len()), Some(0));
        assert_eq!(parse(&[0xe3]).map(|codes| codes.len()), Some(1));
    }
}
