//! Function tables of 64-bit ARM (`.pdata`, `.xdata`).
//!
//! ```text
//! codes.rs   what an instruction of a prolog or epilog does
//! packed.rs  functions whose prolog follows from a few numbers
//! ```
//!
//! Each code stands for one instruction, of four bytes, so that prologs and epilogs are known
//! without the code. Format: Microsoft, "ARM64 exception handling".

mod codes;
mod packed;

use super::arm::{Field, Machine, RecordLayout};
use super::frame::{Frame, Position};
use super::image::PeImage;
use crate::rule::{Register, RuleFlags};
use crate::table::UnwindTableBuilder;
use codes::{Code, unwind};

const FP: Register = Register(29);
const LR: Register = Register(30);
const SP: Register = Register(31);
/// Bytes of an instruction.
const INSTRUCTION_BYTES: u64 = 4;

/// Adds the rows for the functions in `table`, which is `.pdata`.
pub fn read(image: &PeImage<'_>, table: &[u8], builder: &mut UnwindTableBuilder) {
    machine().read(image, table, builder);
}

/// What codes mean here.
fn machine() -> Machine<Code> {
    let mut leaf = Frame::new(SP).rule(Position::at(SP), Err(LR));
    leaf.flags.set(RuleFlags::LEAF);
    let record = RecordLayout {
        unit_bytes: INSTRUCTION_BYTES,
        part: None,
        epilogs: Field::bits(22, 26),
        words: Field::bits(27, 31),
        first_code: Field::bits(22, 31),
        codes: |bytes, _| codes::parse(bytes),
    };
    let (packed, last_bytes) = (packed::parse, INSTRUCTION_BYTES);
    // The last instruction of an epilog, which leaves the function, has no code.
    Machine { leaf, packed, record, bytes: Code::bytes, last_bytes, unwind }
}

#[cfg(test)]
mod tests;
