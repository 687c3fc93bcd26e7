//! Function tables of 32-bit ARM (`.pdata`, `.xdata`), whose code is Thumb.
//!
//! ```text
//! codes.rs   what an instruction of a prolog or epilog does
//! packed.rs  functions whose prolog follows from a few numbers
//! ```
//!
//! Format: Microsoft, "ARM exception handling".

mod codes;
mod packed;

use super::arm::{Field, Machine, RecordLayout};
use super::frame::{Frame, Position};
use super::image::PeImage;
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
    let record = RecordLayout {
        unit_bytes: UNIT_BYTES,
        part: Some((Field::bits(22, 22), Code::end_of_part)),
        epilogs: Field::bits(23, 27),
        words: Field::bits(28, 31),
        first_code: Field::bits(24, 31),
        codes: codes::parse,
    };
    let packed = |data| Ok(packed::parse(data));
    // A code stands for every instruction, also for the one that leaves the function.
    Machine { leaf, packed, record, bytes: Code::bytes, last_bytes: 0, unwind }
}

#[cfg(test)]
mod tests;
