//! What `.xdata` says about a function of 64-bit x86: [`UnwindInfo`].

use super::{Function, Position, register};
use crate::budget::Budget;
use crate::drops::UnwindDropReason;
use crate::rule::Register;
use crate::windows::image::{PeImage, u16_at, u32_at};
use crate::windows::limits::MAX_CHAINED;

/// `UNW_FLAG_CHAININFO`.
const CHAINED: u8 = 4;

/// What an instruction of a prolog did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Push(Register),
    /// It made room for this number of bytes.
    Allocate(u32),
    /// It set the frame pointer.
    SetFrame,
    /// It stored the register this number of bytes above the frame's base.
    Save(Register, u32),
    /// The processor wrote its state as it was interrupted.
    MachineFrame {
        has_error_code: bool,
    },
}

/// An instruction of a prolog.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// The offset of the instruction after it.
    pub end: u8,
    pub action: Action,
}

/// `UNWIND_INFO`.
#[derive(Clone, Debug)]
pub struct UnwindInfo {
    /// From the last to the first.
    pub codes: Vec<Code>,
    /// The base of the frame, where the frame pointer is set.
    pub frame_pointer: Option<Position>,
    /// Codes of another function follow.
    pub is_chained: bool,
    /// How many bytes before the function's end epilogs begin.
    pub epilogs: Vec<u32>,
}

impl UnwindInfo {
    /// The offsets at which something changes, rising.
    pub fn steps(&self) -> Vec<u8> {
        let mut steps: Vec<u8> = self.codes.iter().map(|code| code.end).collect();
        steps.sort_unstable();
        steps
    }
}

/// The unwind data at `info`, and of all functions that it is chained to.
pub fn read_chain(
    image: &PeImage<'_>,
    mut info: u32,
    budget: &mut Budget,
) -> Result<Vec<UnwindInfo>, UnwindDropReason> {
    let mut infos = Vec::new();
    while infos.len() < MAX_CHAINED {
        if info & 1 == 1 {
            // The entry of another function, whose data is meant.
            let bytes = image.from(info & !1).ok_or(UnwindDropReason::BadEntry)?;
            let function = Function::parse(bytes).ok_or(UnwindDropReason::BadEntry)?;
            info = function.info;
        }
        let bytes = image.from(info).ok_or(UnwindDropReason::BadEntry)?;
        let (own, chained) = parse(bytes)?;
        budget.spend(own.codes.len() + 1)?;
        infos.push(own);
        match chained {
            Some(next) => info = next,
            None => return Ok(infos),
        }
    }
    Err(UnwindDropReason::BadEntry)
}

/// The unwind data at the start of `bytes`, and where that of the function is to which it is
/// chained.
fn parse(bytes: &[u8]) -> Result<(UnwindInfo, Option<u32>), UnwindDropReason> {
    let bad = UnwindDropReason::BadEntry;
    let &[head, _prolog, count, frame, ..] = bytes else { return Err(bad) };
    let (version, flags, count) = (head & 7, head >> 3, usize::from(count));
    if !matches!(version, 1 | 2) {
        return Err(UnwindDropReason::NotSupported);
    }
    let slots = bytes.get(4..4 + 2 * count).ok_or(bad)?;
    let frame_pointer = (frame & 15 != 0).then(|| {
        let offset = -16 * i64::from(frame >> 4);
        Position::at(register(frame)).plus(offset)
    });
    let is_chained = flags & CHAINED != 0;
    let mut info = UnwindInfo {
        codes: Vec::with_capacity(count),
        frame_pointer,
        is_chained,
        epilogs: Vec::new(),
    };
    let mut at = 0;
    while at < count {
        at += read_code(&slots[2 * at..], version, &mut info)?;
    }
    let is_set = info.codes.iter().any(|code| code.action == Action::SetFrame);
    if is_set && frame_pointer.is_none() {
        return Err(bad);
    }
    if !is_chained {
        return Ok((info, None));
    }
    let entry = 4 + 2 * count.next_multiple_of(2);
    let next = u32_at(bytes, entry + 8).ok_or(bad)?;
    Ok((info, Some(next)))
}

/// Reads the code at the start of `slots`, and returns how many slots it takes.
fn read_code(slots: &[u8], version: u8, info: &mut UnwindInfo) -> Result<usize, UnwindDropReason> {
    let bad = UnwindDropReason::BadEntry;
    let &[end, code, ..] = slots else { return Err(bad) };
    let (operation, operand) = (code & 15, code >> 4);
    let u16_operand = || u16_at(slots, 2).map(u32::from).ok_or(bad);
    let u32_operand = || u32_at(slots, 2).ok_or(bad);
    let times_8 = |number: u32| number.checked_mul(8).ok_or(bad);
    let (action, count) = match operation {
        0 => (Action::Push(register(operand)), 1),
        1 if operand == 0 => (Action::Allocate(times_8(u16_operand()?)?), 2),
        1 if operand == 1 => (Action::Allocate(u32_operand()?), 3),
        2 => (Action::Allocate(8 * u32::from(operand) + 8), 1),
        3 => (Action::SetFrame, 1),
        4 => (Action::Save(register(operand), times_8(u16_operand()?)?), 2),
        5 => (Action::Save(register(operand), u32_operand()?), 3),
        6 if version == 2 => {
            // The first has the size, and whether there is one at the very end; the others where
            // they begin, with the high bits in the operand. 0 fills up.
            let is_first = info.epilogs.is_empty();
            let offset = u32::from(end) | u32::from(operand) << 8;
            match (is_first, operand & 1) {
                (true, 1) => info.epilogs.push(end.into()),
                (true, _) => info.epilogs.push(0),
                (false, _) => info.epilogs.push(offset),
            }
            return Ok(1);
        }
        7 if version == 2 => return Ok(2),
        // Vector registers; of 8 bytes in old compilers.
        6 | 8 => return u16_operand().map(|_| 2),
        7 | 9 => return u32_operand().map(|_| 3),
        10 if operand < 2 => (Action::MachineFrame { has_error_code: operand == 1 }, 1),
        _ => return Err(bad),
    };
    info.codes.push(Code { end, action });
    Ok(count)
}
