//! Reads the exception tables of 32-bit ARM, `.ARM.exidx` and `.ARM.extab` (Exception Handling ABI
//! for the Arm Architecture, release 2025Q1, sections 6 and 7).

mod opcodes;
mod stack;

use gimli::{BigEndian, EndianSlice, Endianity, LittleEndian, Reader};

use crate::budget::Budget;
use crate::drops::UnwindDropReason;
use crate::limits::STEPS_PER_KEPT_REGISTER;
use crate::rule::{Rule, RuleFlags};
use crate::sections::{CodeMap, Section, UnwindSections};
use crate::table::UnwindTableBuilder;

/// The second word of an entry for a function that cannot be unwound.
const CANNOT_UNWIND: u32 = 1;
/// Set in a word that is not an offset.
const IS_COMPACT: u32 = 1 << 31;

/// An entry of `.ARM.exidx`.
#[derive(Clone, Copy, Debug)]
struct IndexEntry {
    /// The function's first address.
    start: u64,
    /// The second word, and where it is.
    word: u32,
    address: u64,
}

/// Adds a row for each function that has an entry. The entries do not say where functions end: they
/// reach to the next one.
pub fn read(input: &UnwindSections<'_>, code: &CodeMap<'_>, builder: &mut UnwindTableBuilder) {
    let Some(index) = input.exidx else { return };
    let tables = Tables { index, extab: input.extab.unwrap_or_default() };
    if input.is_big_endian {
        tables.read(BigEndian, code, builder);
    } else {
        tables.read(LittleEndian, code, builder);
    }
}

#[derive(Clone, Copy, Debug)]
struct Tables<'a> {
    index: Section<'a>,
    extab: Section<'a>,
}

impl Tables<'_> {
    fn read<E: Endianity>(&self, endian: E, code: &CodeMap<'_>, builder: &mut UnwindTableBuilder) {
        let mut budget = Budget::for_bytes(self.index.bytes.len() + self.extab.bytes.len());
        let entries = self.entries(endian);
        for (number, entry) in entries.iter().enumerate() {
            let Some(code_end) = code.end_of_code(entry.start) else {
                // The last entry may only say where the code before it ends.
                if entry.word != CANNOT_UNWIND {
                    builder.count(UnwindDropReason::Tombstone);
                }
                continue;
            };
            let next = entries.get(number + 1).map_or(u64::MAX, |next| next.start);
            let read = self.rule(entry, endian, &mut budget).and_then(|rule| {
                let known = builder.rule_count();
                builder.push(entry.start, next.min(code_end), &rule);
                let is_new = builder.rule_count() > known;
                let kept = if is_new { STEPS_PER_KEPT_REGISTER } else { 1 };
                budget.spend(kept * u64::try_from(1 + rule.saved().len()).unwrap_or(u64::MAX))
            });
            if let Err(reason) = read {
                builder.count(reason);
                if reason == UnwindDropReason::TooMuchWork {
                    return;
                }
            }
        }
    }

    /// All entries, sorted by address.
    fn entries<E: Endianity>(&self, endian: E) -> Vec<IndexEntry> {
        let mut entries = Vec::with_capacity(self.index.bytes.len() / 8);
        let mut address = self.index.address;
        for bytes in self.index.bytes.as_chunks::<8>().0 {
            let mut at = EndianSlice::new(bytes, endian);
            let (Ok(function), Ok(word)) = (at.read_u32(), at.read_u32()) else { break };
            // Bit 0 says that the function is Thumb code.
            let start = relative(address, function) & !1;
            entries.push(IndexEntry { start, word, address: address.wrapping_add(4) });
            address = address.wrapping_add(8);
        }
        entries.sort_by_key(|entry| entry.start);
        entries
    }

    fn rule<E: Endianity>(
        &self,
        entry: &IndexEntry,
        endian: E,
        budget: &mut Budget,
    ) -> Result<Rule, UnwindDropReason> {
        if entry.word == CANNOT_UNWIND {
            return Ok(Rule::end_of_stack());
        }
        let opcodes = if entry.word & IS_COMPACT != 0 {
            inline(entry.word)?
        } else {
            self.opcodes_at(relative(entry.address, entry.word), endian)
                .ok_or(UnwindDropReason::BadEntry)?
        };
        budget.spend(opcodes.len())?;
        let mut rule = opcodes::rule(&opcodes)?;
        let goes_on = !rule.flags.has(RuleFlags::END_OF_STACK);
        rule.flags.set_if(RuleFlags::BODY_ONLY, goes_on);
        Ok(rule)
    }

    /// The opcodes of the entry of `.ARM.extab` at `address`.
    fn opcodes_at<E: Endianity>(&self, address: u64, endian: E) -> Option<Vec<u8>> {
        let offset = usize::try_from(address.checked_sub(self.extab.address)?).ok()?;
        let mut at = EndianSlice::new(self.extab.bytes.get(offset..)?, endian);
        let mut word = at.read_u32().ok()?;
        let (kept_bytes, words) = if word & IS_COMPACT == 0 {
            // A personality routine of its own: what follows is that of C++ and of GCC's other
            // languages.
            word = at.read_u32().ok()?;
            (3, word >> 24)
        } else {
            match word >> 24 {
                0x80 => (3, 0),
                0x81 | 0x82 => (2, word >> 16 & 0xff),
                _ => return None,
            }
        };
        let mut opcodes = word.to_be_bytes()[4 - kept_bytes..].to_vec();
        for _ in 0..words {
            opcodes.extend(at.read_u32().ok()?.to_be_bytes());
        }
        Some(opcodes)
    }
}

/// The opcodes in an entry of the index.
fn inline(word: u32) -> Result<Vec<u8>, UnwindDropReason> {
    let [kind, opcodes @ ..] = word.to_be_bytes();
    if kind == 0x80 { Ok(opcodes.to_vec()) } else { Err(UnwindDropReason::BadEntry) }
}

/// What the lower 31 bits of `word` at `address` point to.
fn relative(address: u64, word: u32) -> u64 {
    // The sign is in bit 30.
    let offset = (word << 1).cast_signed() >> 1;
    address.wrapping_add_signed(offset.into()) & u64::from(u32::MAX)
}
