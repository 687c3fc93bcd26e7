//! Functions of 32-bit ARM whose prolog and epilog follow from a few numbers: Microsoft, "ARM
//! exception handling", section "Packed unwind data".
//!
//! ```text
//! bits     0-1   flag: 1 a function with one epilog at its end, 2 a part without prolog
//!          2-12  length in half-words
//!         13-14  Ret: how it returns: 0 by popping pc, 1 and 2 by a branch of 16 or 32 bits, 3 there is no epilog
//!            15  H: r0 to r3 are pushed first
//!         16-18  Reg: r4 to r(4+Reg) are saved, or with R d8 to d(8+Reg), none if it is 7
//!            19  R
//!            20  L: lr is saved
//!            21  C: r11 is saved and is a frame pointer
//!         22-31  size of the frame in words; 0x3f4 and more: that is the lowest two bits plus 1, bit 2: the prolog
//!                pushes registers below r4 for it, bit 3: the epilog pops them
//! ```

use super::codes::{Code, LINK, Undo};
use super::{UNIT_BYTES, machine};
use crate::windows::arm::{Epilog, Function};

/// Sizes of frames from here on are folded into the registers that are pushed.
const FOLDED: u32 = 0x3f4;
/// The largest number of words that an instruction of 16 bits adds to sp.
const NARROW_WORDS: u32 = 0x7f;
const R11: u16 = 1 << 11;

/// The fields of the word.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "bits of the word")]
struct Packed {
    returns: u32,
    homes_arguments: bool,
    register: u32,
    is_vector: bool,
    saves_link: bool,
    is_chained: bool,
    /// Of the frame, but for what is folded.
    words: u32,
    /// Registers that are pushed for the frame, and those that are popped.
    pushed: u16,
    popped: u16,
}

/// Reads `data`, the second word of an entry.
pub fn parse(data: u32) -> Function<Code> {
    let packed = Packed::parse(data);
    let bytes = UNIT_BYTES * u64::from(data >> 2 & 0x7ff);
    let mut function = Function { bytes, prolog: packed.prolog(), epilogs: Vec::new() };
    if data & 3 == 2 {
        function.prolog.insert(0, Code::end_of_part());
    }
    if packed.returns != 3 {
        let codes = packed.epilog();
        if let Some(start) = bytes.checked_sub(machine().total_bytes(&codes)) {
            function.epilogs.push(Epilog { start, codes });
        }
    }
    function
}

impl Packed {
    fn parse(data: u32) -> Self {
        let bit = |at: u32| data >> at & 1 == 1;
        let adjust = data >> 22;
        let is_folded = adjust >= FOLDED;
        // As many registers as there are words, up to r3.
        let below = u16::try_from(16 - (1_u32 << (3 - (adjust & 3)))).unwrap_or_default();
        let folded = |at: u32| if is_folded && adjust >> at & 1 == 1 { below } else { 0 };
        let (pushed, popped) = (folded(2), folded(3));
        Self {
            returns: data >> 13 & 3,
            homes_arguments: bit(15),
            register: data >> 16 & 7,
            is_vector: bit(19),
            saves_link: bit(20),
            is_chained: bit(21),
            words: if is_folded { (adjust & 3) + 1 } else { adjust },
            pushed,
            popped,
        }
    }

    /// r4 and those after it, and r11.
    fn registers(self) -> u16 {
        let own = if self.is_vector { 0 } else { (2 << (4 + self.register)) - 16 };
        u16::try_from(own).unwrap_or_default() | if self.is_chained { R11 } else { 0 }
    }

    fn vectors(self) -> Option<Code> {
        let has_vectors = self.is_vector && self.register != 7;
        has_vectors.then(|| Code::wide(Undo::Allocate(8 * (self.register + 1))))
    }

    /// The instruction that makes or takes back the frame, unless `folded` registers do.
    fn frame(self, folded: u16) -> Option<Code> {
        let code = if self.words <= NARROW_WORDS { Code::narrow } else { Code::wide };
        (self.words > 0 && folded == 0).then(|| code(Undo::Allocate(4 * self.words)))
    }

    /// What undoes the prolog, from the last instruction to the first.
    fn prolog(self) -> Vec<Code> {
        let mut codes = Vec::new();
        codes.extend(self.frame(self.pushed));
        codes.extend(self.vectors());
        if self.is_chained {
            let is_copy = self.is_vector && self.pushed == 0;
            let code = if is_copy { Code::narrow } else { Code::wide };
            codes.push(code(Undo::Nothing));
        }
        let link = if self.saves_link { LINK } else { 0 };
        let registers = self.registers() | self.pushed | link;
        if registers != 0 {
            codes.push(push(registers, registers & !(LINK | 0xff) == 0));
        }
        if self.homes_arguments {
            codes.push(Code::narrow(Undo::Allocate(16)));
        }
        codes
    }

    /// What the epilog undoes, in the order of its instructions.
    fn epilog(self) -> Vec<Code> {
        let mut codes = Vec::new();
        codes.extend(self.frame(self.popped));
        codes.extend(self.vectors());
        let pops_pc = self.returns == 0 && self.saves_link;
        // With arguments above it, pc is loaded by an instruction of its own.
        let pops_link = self.saves_link && !(pops_pc && self.homes_arguments);
        let registers = self.registers() | self.popped | if pops_link { LINK } else { 0 };
        if registers != 0 {
            // 16 bits have room for pc and not for lr.
            let others = registers & if pops_pc { !(LINK | 0xff) } else { !0xff };
            codes.push(push(registers, others == 0));
        }
        if self.homes_arguments {
            codes.push(if pops_pc {
                Code::wide(Undo::PushLink(20))
            } else {
                Code::narrow(Undo::Allocate(16))
            });
        }
        match self.returns {
            1 => codes.push(Code::narrow(Undo::Nothing)),
            2 => codes.push(Code::wide(Undo::Nothing)),
            _ => {}
        }
        codes
    }
}

fn push(registers: u16, is_narrow: bool) -> Code {
    let code = if is_narrow { Code::narrow } else { Code::wide };
    code(Undo::Push(registers))
}
