//! Function tables of 32-bit ARM (`.pdata`, `.xdata`), whose code is Thumb.
//!
//! ```text
//! codes.rs   what an instruction of a prolog or epilog does
//! packed.rs  functions whose prolog follows from a few numbers
//! record.rs  all others
//! ```
//!
//! Format: Microsoft, "ARM exception handling".

mod codes;
mod packed;
mod record;

use super::arm::{Machine, Parsed};
use super::frame::{Frame, Position};
use super::image::PeImage;
use crate::budget::Budget;
use crate::drops::UnwindDropReason;
use crate::rule::{Register, RuleFlags};
use crate::table::UnwindTableBuilder;
use codes::{Code, unwind};

const SP: Register = Register(13);
const LR: Register = Register(14);
/// Lengths and offsets count half-words.
const UNIT_BYTES: u64 = 2;

/// Adds the rows for the functions in `table`, which is `.pdata`.
pub fn read(image: &PeImage<'_>, table: &[u8], builder: &mut UnwindTableBuilder) {
    machine().read(image, table, builder);
}

/// What codes mean here.
fn machine() -> Machine<Code> {
    let mut leaf = Frame::new(SP).rule(Position::at(SP), Err(LR));
    leaf.flags.set(RuleFlags::LEAF);
    // A code stands for every instruction, also for the one that leaves the function.
    Machine { leaf, parse, bytes: Code::bytes, last_bytes: 0, unwind }
}

fn parse(image: &PeImage<'_>, data: u32, budget: &mut Budget) -> Parsed<Code> {
    match data & 3 {
        0 => record::parse(image, data, budget),
        1 | 2 => Ok((packed::parse(data), None)),
        _ => Err(UnwindDropReason::NotSupported),
    }
}

#[cfg(test)]
mod tests;
