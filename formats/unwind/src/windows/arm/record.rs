//! What `.xdata` says about a function of ARM of either width: Microsoft, "ARM exception handling"
//! and "ARM64 exception handling", sections ".xdata records".
//!
//! ```text
//!                                      bits, 32-bit ARM   64-bit ARM
//! word 0   length, in units            0-17               0-17
//!          version                     18-19              18-19
//!          X: it has a handler         20                 20
//!          E: one epilog at the end    21                 21
//!          F: a part without prolog    22
//!          epilogs (E: its first code) 23-27              22-26
//!          words of codes              28-31              27-31
//! word 1   where both are 0: epilogs   0-15               0-15
//!          words of codes              16-23              16-23
//! scopes   of each epilog, without E
//!          start, in units             0-17               0-17
//!          condition                   20-23
//!          first code                  24-31              22-31
//! codes    first those of the prolog
//! ```

use super::{Epilog, Function, Machine, Parsed};
use crate::budget::Budget;
use crate::drops::UnwindDropReason;
use crate::windows::image::{PeImage, u32_at};

/// Bits of a word.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    first: u32,
    last: u32,
}

impl Field {
    /// From bit `first` to bit `last`.
    pub const fn bits(first: u32, last: u32) -> Self {
        Self { first, last }
    }

    fn of(self, word: u32) -> u32 {
        word >> self.first & (u32::MAX >> (31 + self.first - self.last))
    }
}

/// Length of a function and start of an epilog, in units.
const LENGTH: Field = Field::bits(0, 17);
const VERSION: Field = Field::bits(18, 19);
const HAS_ONE_EPILOG: Field = Field::bits(21, 21);
/// The second word.
const MORE_EPILOGS: Field = Field::bits(0, 15);
const MORE_WORDS: Field = Field::bits(16, 23);

/// What differs between the widths.
pub struct RecordLayout<C> {
    /// Bytes that lengths and offsets count.
    pub unit_bytes: u64,
    /// What is put before the codes of the prolog of a part that has none of its own, and the field
    /// that says so.
    pub part: Option<(Field, fn() -> C)>,
    /// How many epilogs there are, or the first code of the only one.
    pub epilogs: Field,
    /// How many words of codes there are.
    pub words: Field,
    /// The first code of an epilog in its scope.
    pub first_code: Field,
    /// Reads the codes of a prolog, or of an epilog; `None` if one has no meaning.
    pub codes: fn(&[u8], bool) -> Option<Vec<C>>,
}

impl<C> Machine<C> {
    /// Reads the record at `address`. What of it was left out has a reason.
    pub(super) fn parse_record(
        &self,
        image: &PeImage<'_>,
        address: u32,
        budget: &mut Budget,
    ) -> Parsed<C> {
        let (bad, layout) = (UnwindDropReason::BadEntry, &self.record);
        let bytes = image.from(address).ok_or(bad)?;
        let head = u32_at(bytes, 0).ok_or(bad)?;
        if VERSION.of(head) != 0 {
            return Err(UnwindDropReason::NotSupported);
        }
        let (mut epilogs, mut words, mut at) = (layout.epilogs.of(head), layout.words.of(head), 4);
        if epilogs == 0 && words == 0 {
            let extended = u32_at(bytes, 4).ok_or(bad)?;
            (epilogs, words, at) = (MORE_EPILOGS.of(extended), MORE_WORDS.of(extended), 8);
        }
        let is_single = HAS_ONE_EPILOG.of(head) == 1;
        let count = |number: u32| usize::try_from(number).map_err(|_| bad);
        let scopes = if is_single { 0 } else { count(epilogs)? };
        let codes_at = at + 4 * scopes;
        let code_bytes = bytes.get(codes_at..codes_at + 4 * count(words)?).ok_or(bad)?;
        let sequence = |first: u32, is_epilog: bool, budget: &mut Budget| {
            let codes = code_bytes.get(count(first)?..).ok_or(bad)?;
            let codes = (layout.codes)(codes, is_epilog).ok_or(bad)?;
            budget.spend(codes.len() + 1)?;
            Ok(codes)
        };
        let bytes_of_code = layout.unit_bytes * u64::from(LENGTH.of(head));
        let mut prolog = sequence(0, false, budget)?;
        if let Some((_, mark)) = layout.part.filter(|(is_part, _)| is_part.of(head) == 1) {
            prolog.insert(0, mark());
        }
        let mut function = Function { bytes: bytes_of_code, prolog, epilogs: Vec::new() };
        let mut dropped = None;
        let mut push = |start: Option<u64>, codes: Vec<C>| match start {
            Some(start) if start < bytes_of_code => function.epilogs.push(Epilog { start, codes }),
            _ => dropped = Some(bad),
        };
        if is_single {
            let codes = sequence(epilogs, true, budget)?;
            let bytes = self.total_bytes(&codes) + self.last_bytes;
            push(bytes_of_code.checked_sub(bytes), codes);
        }
        for scope in bytes[at..codes_at].chunks_exact(4) {
            let scope = u32_at(scope, 0).ok_or(bad)?;
            match sequence(layout.first_code.of(scope), true, budget) {
                Ok(codes) => push(Some(layout.unit_bytes * u64::from(LENGTH.of(scope))), codes),
                Err(UnwindDropReason::TooMuchWork) => return Err(UnwindDropReason::TooMuchWork),
                Err(_) => push(None, Vec::new()),
            }
        }
        Ok((function, dropped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_cut_out_of_words() {
        for (field, word, want) in [
            (Field::bits(0, 17), 0xffff_ffff, 0x3_ffff),
            (Field::bits(27, 31), 0xf7ff_ffff, 0x1e),
            (Field::bits(21, 21), 1 << 21, 1),
            (Field::bits(21, 21), !(1 << 21), 0),
            (Field::bits(0, 31), 0x1234_5678, 0x1234_5678),
        ] {
            assert_eq!(field.of(word), want, "{field:?} {word:#x}");
        }
    }
}
