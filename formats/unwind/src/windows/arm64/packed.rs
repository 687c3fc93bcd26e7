//! Functions of 64-bit ARM whose prolog and epilog follow from a few numbers: Microsoft, "ARM64
//! exception handling", section "Packed unwind data".
//!
//! ```text
//! bits     0-1   flag: 1 a function with one epilog at its end, 2 a part without prolog and epilog
//!          2-12  length in instructions
//!         13-15  RegF: d8 to d(8+RegF) are saved, if it is not 0
//!         16-19  RegI: x19 to x(18+RegI) are saved
//!         20     H: x0 to x7 are stored
//!         21-22  CR: 1 lr is saved, 2 and 3 there is a frame pointer, 2 the return address is signed
//!         23-31  size of the frame in units of 16 bytes
//! ```

use super::codes::{Code, Place};
use super::{INSTRUCTION_BYTES, LR};
use crate::drops::UnwindDropReason;
use crate::rule::Register;
use crate::windows::arm::{Epilog, Function};

/// The largest number of bytes that one instruction allocates there.
const MAX_ALLOCATION: u32 = 4080;

/// CR of functions that sign the return address.
const SIGNED: u32 = 2;

/// The fields of the word, with sizes in bytes.
#[derive(Clone, Copy, Debug)]
struct Packed {
    integers: u32,
    /// Of the integer registers and lr.
    integer_bytes: u32,
    vectors: u32,
    homes_arguments: bool,
    chain: u32,
    saved_bytes: u32,
    local_bytes: u32,
}

/// Reads `data`, the second word of an entry.
pub fn parse(data: u32) -> Result<Function<Code>, UnwindDropReason> {
    let packed = Packed::parse(data)?;
    let bytes = INSTRUCTION_BYTES * u64::from(data >> 2 & 0x7ff);
    let prolog = packed.codes(true);
    let mut function = Function { bytes, prolog, epilogs: Vec::new() };
    if data & 3 == 1 {
        let codes = packed.codes(false);
        let count = u64::try_from(codes.len()).map_err(|_| UnwindDropReason::BadEntry)?;
        // The instruction that leaves the function is the last one.
        if let Some(start) = bytes.checked_sub(INSTRUCTION_BYTES * (count + 1)) {
            function.epilogs.push(Epilog { start, codes });
        }
    } else {
        function.prolog.insert(0, Code::EndOfPart);
    }
    Ok(function)
}

impl Packed {
    fn parse(data: u32) -> Result<Self, UnwindDropReason> {
        let (vectors, integers) = (data >> 13 & 7, data >> 16 & 15);
        let (homes_arguments, cr) = (data >> 20 & 1 == 1, data >> 21 & 3);
        let vectors = if vectors == 0 { 0 } else { vectors + 1 };
        let integer_bytes = 8 * integers + if cr == 1 { 8 } else { 0 };
        let homed_bytes = if homes_arguments { 64 } else { 0 };
        let saved_bytes = (integer_bytes + 8 * vectors + homed_bytes).next_multiple_of(16);
        let local_bytes = (16 * (data >> 23)).checked_sub(saved_bytes);
        // There are ten that a function saves.
        if integers > 10 {
            return Err(UnwindDropReason::BadEntry);
        }
        Ok(Self {
            integers,
            integer_bytes,
            vectors,
            homes_arguments,
            chain: cr,
            saved_bytes,
            local_bytes: local_bytes.ok_or(UnwindDropReason::BadEntry)?,
        })
    }

    /// Whether lr is saved beside the integer registers.
    fn saves_link(self) -> bool {
        self.chain == 1
    }

    fn has_frame_pointer(self) -> bool {
        self.chain >= SIGNED
    }

    /// What undoes the prolog, from the last instruction to the first; or the epilog, in which the
    /// frame pointer and stored arguments are left alone.
    fn codes(self, is_prolog: bool) -> Vec<Code> {
        let mut codes = Vec::new();
        if self.has_frame_pointer() && is_prolog {
            codes.push(Code::SetFrame(0));
        }
        codes.extend(self.locals());
        let mut saves = self.saves();
        if self.homes_arguments && is_prolog {
            // Two arguments each. If nothing was stored before, the first makes the stack grow.
            let stores = if saves.is_empty() { 3 } else { 4 };
            codes.extend(std::iter::repeat_n(Code::Nothing, stores));
        }
        if let Some(Code::Save(first)) = saves.first_mut() {
            first.place = Place::Grown(self.saved_bytes);
        } else if self.saved_bytes > 0 {
            codes.push(Code::Allocate(self.saved_bytes));
        }
        codes.extend(saves.into_iter().rev());
        if self.chain == SIGNED {
            codes.push(Code::Sign);
        }
        codes
    }

    /// The codes of the frame below the saved registers.
    fn locals(self) -> Vec<Code> {
        let bytes = self.local_bytes;
        let mut codes = Vec::new();
        let place = if bytes <= 512 { Place::Grown(bytes) } else { Place::At(0) };
        if self.has_frame_pointer() {
            codes.push(Code::pair(29, LR, place));
            if bytes <= 512 {
                return codes;
            }
        }
        if bytes > MAX_ALLOCATION {
            codes.extend([bytes - MAX_ALLOCATION, MAX_ALLOCATION].map(Code::Allocate));
        } else if bytes > 0 {
            codes.push(Code::Allocate(bytes));
        }
        codes
    }

    /// The stores of saved registers in their order, all relative to where the first one is.
    fn saves(self) -> Vec<Code> {
        let mut codes = Vec::new();
        let mut number = 0;
        while number < self.integers {
            let (first, place) = (19 + number, Place::At(8 * number));
            let second = u16::try_from(first + 1).ok().map(Register);
            codes.push(match second.filter(|_| number + 1 < self.integers) {
                Some(second) => Code::pair(first, second, place),
                None if self.saves_link() => Code::pair(first, LR, place),
                None => Code::single(first, place),
            });
            number += 2;
        }
        if self.saves_link() && self.integers.is_multiple_of(2) {
            codes.push(Code::single(LR.0.into(), Place::At(self.integer_bytes - 8)));
        }
        let pairs = (0..self.vectors).step_by(2);
        codes.extend(pairs.map(|number| Code::vector(Place::At(self.integer_bytes + 8 * number))));
        codes
    }
}
