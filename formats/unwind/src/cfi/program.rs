//! Follows the instructions of one function and tells its rows.

use gimli::{DwCfa, EndianSlice, Endianity, Reader};

use super::cie::Cie;
use super::pointer::PointerReader;
use super::refusal::{BAD_ENTRY, Refusal};
use super::state::State;
use super::transitions::{Transition, Transitions};
use super::{Kind, Source};
use crate::architecture::Architecture;
use crate::budget::Budget;
use crate::drops::UnwindDropReason;
use crate::limits::STEPS_PER_KEPT_REGISTER;
use crate::rule::Rule;
use crate::table::{RuleId, UnwindRow, UnwindTableBuilder};

/// The high bits of an instruction that has its operand in the low ones.
const HIGH_BITS: u8 = 0xc0;
/// As `DW_CFA_advance_loc4` with eight bytes (binutils, include/dwarf2.def).
const MIPS_ADVANCE_LOC8: DwCfa = DwCfa(0x1d);

/// Reads functions one after the other, without allocating memory for each.
#[derive(Debug)]
pub struct Program<'a, E: Endianity> {
    source: Source<'a>,
    pointers: PointerReader<'a, E>,
    state: State,
    /// Of this function; kept only if all of its instructions can be followed.
    rows: Vec<UnwindRow>,
    transitions: Transitions,
}

impl<'a, E: Endianity> Program<'a, E> {
    pub fn new(source: Source<'a>, endian: E) -> Self {
        let swaps_frame_registers = source.input.is_mach_o
            && source.kind == Kind::Eh
            && source.input.architecture == Architecture::X86;
        Self {
            source,
            pointers: PointerReader::new(source, endian),
            state: State::new(source.input.architecture, swaps_frame_registers),
            rows: Vec::new(),
            transitions: Transitions::default(),
        }
    }

    /// The rule that the instructions of a CIE make of its rule.
    pub fn initial_rule(
        mut self,
        cie: &Cie,
        mut at: EndianSlice<'a, E>,
        budget: &mut Budget,
    ) -> Result<(Rule, usize), Refusal> {
        self.state.begin(cie);
        while !at.is_empty() {
            budget.spend(self.state.weight())?;
            let next = self.step(cie, self.pointers, 0, &mut at)?;
            if next.is_some() {
                return Err(BAD_ENTRY);
            }
        }
        let bytes = self.state.expression_bytes();
        Ok((self.state.rule, bytes))
    }

    /// Adds the rows of the function whose entry goes on with `at`.
    pub fn read(
        &mut self,
        cie: &Cie,
        mut at: EndianSlice<'a, E>,
        budget: &mut Budget,
        builder: &mut UnwindTableBuilder,
    ) -> Result<(), Refusal> {
        let pointers = self.pointers.with_address_bytes(cie.address_bytes);
        let start = pointers.pointer(cie.encoding, &mut at)?;
        let length = pointers.value(cie.encoding, &mut at)?;
        if cie.has_augmentation_data {
            let length = usize::try_from(at.read_uleb128()?).map_err(|_| BAD_ENTRY)?;
            at.skip(length)?;
        }
        let code_end = self.source.code.end_of_code(start);
        let Some(code_end) = code_end.filter(|_| length != 0) else {
            return Err(Refusal(UnwindDropReason::Tombstone));
        };
        let end = start.saturating_add(length);
        self.rows.clear();
        self.state.begin(cie);
        self.follow(cie, pointers, (start, end.min(code_end)), at, budget, builder)?;
        for row in &self.rows {
            builder.push_row(*row);
        }
        // The rows are right as far as there is code.
        if end > code_end { Err(BAD_ENTRY) } else { Ok(()) }
    }

    fn follow(
        &mut self,
        cie: &Cie,
        pointers: PointerReader<'a, E>,
        (start, end): (u64, u64),
        mut at: EndianSlice<'a, E>,
        budget: &mut Budget,
        builder: &mut UnwindTableBuilder,
    ) -> Result<(), Refusal> {
        let mut location = start;
        // The rule that the last row had, and the instructions since.
        let (mut from, mut since) = (self.state.number, at.slice());
        while !at.is_empty() {
            let rest = at.len();
            let is_restored = at.slice().first() == Some(&gimli::DW_CFA_restore_state.0);
            let Some(next) = self.step(cie, pointers, location, &mut at)? else {
                if is_restored {
                    (from, since) = (self.state.number, at.slice());
                }
                continue;
            };
            if next < location {
                return Err(BAD_ENTRY);
            }
            let instructions = &since[..since.len().saturating_sub(rest)];
            let transition = from.and_then(|from| Transition::new(cie.offset, from, instructions));
            self.row(location, next.min(end), transition, budget, builder)?;
            if self.state.number.is_some() {
                (from, since) = (self.state.number, at.slice());
            }
            location = next;
            if location >= end {
                return Ok(());
            }
        }
        let transition = from.and_then(|from| Transition::new(cie.offset, from, since));
        self.row(location, end, transition, budget, builder)
    }

    /// Follows one instruction. Returns the location that it moves to, if it does.
    fn step(
        &mut self,
        cie: &Cie,
        pointers: PointerReader<'a, E>,
        location: u64,
        at: &mut EndianSlice<'a, E>,
    ) -> Result<Option<u64>, Refusal> {
        let byte = at.read_u8()?;
        let low = byte & !HIGH_BITS;
        let delta = match DwCfa(byte & HIGH_BITS) {
            gimli::DW_CFA_advance_loc => low.into(),
            gimli::DW_CFA_offset => return self.state.offset(cie, low, at).map(|()| None),
            gimli::DW_CFA_restore => {
                self.state.restore(cie, low);
                return Ok(None);
            }
            _ => match DwCfa(low) {
                gimli::DW_CFA_set_loc => return pointers.pointer(cie.encoding, at).map(Some),
                gimli::DW_CFA_advance_loc1 => at.read_u8()?.into(),
                gimli::DW_CFA_advance_loc2 => at.read_u16()?.into(),
                gimli::DW_CFA_advance_loc4 => at.read_u32()?.into(),
                MIPS_ADVANCE_LOC8 => at.read_u64()?,
                other => return self.state.apply(cie, other, at).map(|()| None),
            },
        };
        Ok(Some(location.saturating_add(cie.code_factor.saturating_mul(delta))))
    }

    fn row(
        &mut self,
        start: u64,
        end: u64,
        transition: Option<Transition>,
        budget: &mut Budget,
        builder: &mut UnwindTableBuilder,
    ) -> Result<(), Refusal> {
        let weight = self.state.weight();
        budget.spend(weight)?;
        if start >= end {
            return Ok(());
        }
        let known = transition.and_then(|transition| self.transitions.get(transition));
        let rule = match self.state.number.or(known) {
            Some(rule) => rule,
            None => self.number(weight, transition, budget, builder)?,
        };
        self.state.number = Some(rule);
        self.rows.push(UnwindRow { start, end, rule });
        Ok(())
    }

    /// The number of the rule, which may be new.
    fn number(
        &mut self,
        weight: u64,
        transition: Option<Transition>,
        budget: &mut Budget,
        builder: &mut UnwindTableBuilder,
    ) -> Result<RuleId, Refusal> {
        let rule = &self.state.rule;
        if !rule.is_complete() {
            return Err(BAD_ENTRY);
        }
        let known = builder.rule_count();
        let number = builder.number(rule).ok_or(UnwindDropReason::TooMuchWork)?;
        if builder.rule_count() > known {
            budget.spend(STEPS_PER_KEPT_REGISTER.saturating_mul(weight))?;
        }
        if let Some(transition) = transition {
            self.transitions.insert(transition, number);
        }
        Ok(number)
    }
}
