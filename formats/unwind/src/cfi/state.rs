//! Applies call frame instructions to a rule (DWARF 5, section 6.4.2).

use gimli::{DwCfa, EndianSlice, Endianity, Reader};

use super::cie::Cie;
use super::refusal::{BAD_ENTRY, NOT_SUPPORTED, Refusal};
use crate::architecture::Architecture;
use crate::limits::{MAX_EXPRESSION_BYTES, MAX_REMEMBERED_RULES, MAX_RULE_REGISTERS};
use crate::rule::{Cfa, Recovery, Register, Rule, RuleFlags};
use crate::table::RuleId;

/// DWARF for the ARM 64-bit Architecture, section 4.1: as `DW_CFA_AARCH64_negate_ra_state`, which
/// is next to it; the address was signed with that of an instruction too.
const AARCH64_NEGATE_RA_STATE_WITH_PC: DwCfa = DwCfa(0x2c);
/// On ARM64 `DW_CFA_AARCH64_negate_ra_state`, on SPARC `DW_CFA_GNU_window_save`.
const AARCH64_NEGATE_RA_STATE: DwCfa = gimli::DW_CFA_AARCH64_negate_ra_state;
/// As `DW_CFA_offset_extended` with an offset to be subtracted (GCC, include/dwarf2.def).
const GNU_NEGATIVE_OFFSET_EXTENDED: DwCfa = DwCfa(0x2f);
/// The pseudo-register that says whether the return address is signed.
const RA_SIGN_STATE: Register = Register(34);

/// What a function's instructions have made of the rule so far.
#[derive(Debug)]
pub struct State {
    pub rule: Rule,
    /// The number of the rule, if it had one and has not changed since.
    pub number: Option<RuleId>,
    architecture: Architecture,
    /// Whether the numbers of `esp` and `ebp` are swapped.
    swaps_frame_registers: bool,
    /// Whether a function can have its return address in the column for it.
    column_is_register: bool,
    remembered: Vec<(Rule, Option<RuleId>)>,
    /// Bytes of all expressions that were read.
    expression_bytes: usize,
}

impl State {
    pub fn new(architecture: Architecture, swaps_frame_registers: bool) -> Self {
        Self {
            rule: Rule::end_of_stack(),
            number: None,
            architecture,
            swaps_frame_registers,
            column_is_register: false,
            remembered: Vec::new(),
            expression_bytes: 0,
        }
    }

    /// Begins a function, or the CIE itself.
    pub fn begin(&mut self, cie: &Cie) {
        self.rule.clone_from(&cie.rule);
        self.number = cie.number;
        self.column_is_register = self.architecture.may_hold_return_address(cie.return_column);
        self.remembered.clear();
        self.expression_bytes = cie.expression_bytes;
    }

    /// Bytes of expressions that the rule may have.
    pub fn expression_bytes(&self) -> usize {
        self.expression_bytes
    }

    /// How much work it is to look at the rule: about its number of registers.
    pub fn weight(&self) -> u64 {
        let weight = 1 + self.rule.saved().len() + self.expression_bytes / 8;
        u64::try_from(weight).unwrap_or(u64::MAX)
    }

    /// `DW_CFA_offset` of the register that the instruction's low bits number.
    pub fn offset<E: Endianity>(
        &mut self,
        cie: &Cie,
        number: u8,
        at: &mut EndianSlice<'_, E>,
    ) -> Result<(), Refusal> {
        let offset = at.read_uleb128()?.cast_signed().wrapping_mul(cie.data_factor);
        self.set(cie, self.numbered(number.into()), Recovery::AtCfa(offset))
    }

    /// `DW_CFA_restore` of the register that the instruction's low bits number.
    pub fn restore(&mut self, cie: &Cie, number: u8) {
        self.reset(cie, self.numbered(number.into()));
    }

    /// Every other instruction that does not change the location. Its operands follow in `at`.
    pub fn apply<E: Endianity>(
        &mut self,
        cie: &Cie,
        instruction: DwCfa,
        at: &mut EndianSlice<'_, E>,
    ) -> Result<(), Refusal> {
        match instruction {
            gimli::DW_CFA_nop => Ok(()),
            gimli::DW_CFA_remember_state => self.remember(),
            gimli::DW_CFA_restore_state => {
                (self.rule, self.number) = self.remembered.pop().ok_or(BAD_ENTRY)?;
                Ok(())
            }
            // What callers pushed matters only to who resumes at a landing pad.
            gimli::DW_CFA_GNU_args_size => Ok(at.skip_leb128()?),
            gimli::DW_CFA_def_cfa
            | gimli::DW_CFA_def_cfa_sf
            | gimli::DW_CFA_def_cfa_register
            | gimli::DW_CFA_def_cfa_offset
            | gimli::DW_CFA_def_cfa_offset_sf
            | gimli::DW_CFA_def_cfa_expression => self.define_cfa(cie, instruction, at),
            AARCH64_NEGATE_RA_STATE | AARCH64_NEGATE_RA_STATE_WITH_PC => {
                self.toggle_signed_or_save_window(cie, instruction)
            }
            gimli::DW_CFA_restore_extended => {
                let register = self.register(at)?;
                self.reset(cie, register);
                Ok(())
            }
            gimli::DW_CFA_undefined
            | gimli::DW_CFA_same_value
            | gimli::DW_CFA_offset_extended
            | gimli::DW_CFA_offset_extended_sf
            | gimli::DW_CFA_val_offset
            | gimli::DW_CFA_val_offset_sf
            | gimli::DW_CFA_register
            | gimli::DW_CFA_expression
            | gimli::DW_CFA_val_expression
            | GNU_NEGATIVE_OFFSET_EXTENDED => {
                let register = self.register(at)?;
                let recovery = self.recovery(cie, instruction, at)?;
                self.set(cie, register, recovery)
            }
            _ => Err(NOT_SUPPORTED),
        }
    }

    /// What an instruction says of the register that it has named.
    fn recovery<E: Endianity>(
        &mut self,
        cie: &Cie,
        instruction: DwCfa,
        at: &mut EndianSlice<'_, E>,
    ) -> Result<Recovery, Refusal> {
        let unsigned = |at: &mut EndianSlice<'_, E>| -> Result<i64, Refusal> {
            Ok(at.read_uleb128()?.cast_signed().wrapping_mul(cie.data_factor))
        };
        Ok(match instruction {
            gimli::DW_CFA_undefined => Recovery::Undefined,
            gimli::DW_CFA_same_value => Recovery::SameValue,
            gimli::DW_CFA_offset_extended => Recovery::AtCfa(unsigned(at)?),
            GNU_NEGATIVE_OFFSET_EXTENDED => Recovery::AtCfa(unsigned(at)?.wrapping_neg()),
            gimli::DW_CFA_offset_extended_sf => {
                Recovery::AtCfa(at.read_sleb128()?.wrapping_mul(cie.data_factor))
            }
            gimli::DW_CFA_val_offset => Recovery::CfaPlus(unsigned(at)?),
            gimli::DW_CFA_val_offset_sf => {
                Recovery::CfaPlus(at.read_sleb128()?.wrapping_mul(cie.data_factor))
            }
            gimli::DW_CFA_register => Recovery::Register(self.register(at)?, 0),
            gimli::DW_CFA_expression => Recovery::AtExpression(self.expression(at)?),
            gimli::DW_CFA_val_expression => Recovery::Expression(self.expression(at)?),
            _ => return Err(NOT_SUPPORTED),
        })
    }

    fn define_cfa<E: Endianity>(
        &mut self,
        cie: &Cie,
        instruction: DwCfa,
        at: &mut EndianSlice<'_, E>,
    ) -> Result<(), Refusal> {
        self.number = None;
        let register = match instruction {
            gimli::DW_CFA_def_cfa | gimli::DW_CFA_def_cfa_sf | gimli::DW_CFA_def_cfa_register => {
                Some(self.register(at)?)
            }
            gimli::DW_CFA_def_cfa_expression => {
                self.rule.cfa = Cfa::Expression(self.expression(at)?);
                return Ok(());
            }
            _ => None,
        };
        let offset = match instruction {
            gimli::DW_CFA_def_cfa | gimli::DW_CFA_def_cfa_offset => {
                Some(at.read_uleb128()?.cast_signed())
            }
            gimli::DW_CFA_def_cfa_sf | gimli::DW_CFA_def_cfa_offset_sf => {
                Some(at.read_sleb128()?.wrapping_mul(cie.data_factor))
            }
            _ => None,
        };
        self.rule.cfa = match (register, offset, &self.rule.cfa) {
            (Some(register), Some(offset), _) => Cfa::Register(register, offset),
            (Some(register), None, Cfa::Register(_, offset)) => Cfa::Register(register, *offset),
            (None, Some(offset), Cfa::Register(register, _)) => Cfa::Register(*register, offset),
            // GNU as writes this alone in the CIEs of MIPS and RISC-V.
            (Some(register), None, Cfa::Expression(none)) if none.is_empty() => {
                Cfa::Register(register, 0)
            }
            // Half of what the CFA would be after an expression.
            _ => return Err(BAD_ENTRY),
        };
        Ok(())
    }

    fn remember(&mut self) -> Result<(), Refusal> {
        if self.remembered.len() >= MAX_REMEMBERED_RULES {
            return Err(NOT_SUPPORTED);
        }
        self.remembered.push((self.rule.clone(), self.number));
        Ok(())
    }

    fn toggle_signed_or_save_window(
        &mut self,
        cie: &Cie,
        instruction: DwCfa,
    ) -> Result<(), Refusal> {
        let signed = RuleFlags::SIGNED_RETURN_ADDRESS;
        match (self.architecture, instruction) {
            (Architecture::Arm64, _) => {
                self.number = None;
                self.rule.flags.set_if(signed, !self.rule.flags.has(signed));
                Ok(())
            }
            // The caller's outs are the ins here; locals and ins are at the CFA.
            (Architecture::Sparc, AARCH64_NEGATE_RA_STATE) => {
                let size = i64::from(cie.address_bytes);
                for out in 8..16 {
                    self.set(cie, Register(out), Recovery::Register(Register(out + 16), 0))?;
                }
                for kept in 16..32 {
                    let offset = size * (i64::from(kept) - 16);
                    self.set(cie, Register(kept), Recovery::AtCfa(offset))?;
                }
                Ok(())
            }
            _ => Err(NOT_SUPPORTED),
        }
    }

    fn set(&mut self, cie: &Cie, register: Register, recovery: Recovery) -> Result<(), Refusal> {
        self.number = None;
        if register == cie.return_column {
            self.set_return_address(register, &recovery);
            if !self.column_is_register {
                return Ok(());
            }
        }
        if recovery == Recovery::SameValue {
            self.rule.keep(register);
        } else if self.rule.saved().len() < MAX_RULE_REGISTERS {
            self.rule.save(register, recovery);
        } else {
            return Err(NOT_SUPPORTED);
        }
        Ok(())
    }

    fn set_return_address(&mut self, column: Register, recovery: &Recovery) {
        self.rule.return_address = match recovery {
            Recovery::SameValue => unsaved(column, self.column_is_register),
            other => other.clone(),
        };
        let is_last = self.rule.return_address == Recovery::Undefined;
        self.rule.flags.set_if(RuleFlags::END_OF_STACK, is_last);
    }

    /// Gives `register` the recovery that it had at the start of the function.
    fn reset(&mut self, cie: &Cie, register: Register) {
        self.number = None;
        match cie.rule.recovery(register) {
            Recovery::SameValue => self.rule.keep(register),
            recovery => self.rule.save(register, recovery.clone()),
        }
        let restore = |flags: &mut RuleFlags, flag| flags.set_if(flag, cie.rule.flags.has(flag));
        if register == cie.return_column {
            self.rule.return_address.clone_from(&cie.rule.return_address);
            restore(&mut self.rule.flags, RuleFlags::END_OF_STACK);
        }
        if register == RA_SIGN_STATE && self.architecture == Architecture::Arm64 {
            restore(&mut self.rule.flags, RuleFlags::SIGNED_RETURN_ADDRESS);
        }
    }

    fn register<E: Endianity>(&self, at: &mut EndianSlice<'_, E>) -> Result<Register, Refusal> {
        let number = at.read_uleb128()?;
        Ok(self.numbered(u16::try_from(number).map_err(|_| BAD_ENTRY)?))
    }

    fn numbered(&self, number: u16) -> Register {
        Register(match number {
            4 if self.swaps_frame_registers => 5,
            5 if self.swaps_frame_registers => 4,
            number => number,
        })
    }

    fn expression<E: Endianity>(
        &mut self,
        at: &mut EndianSlice<'_, E>,
    ) -> Result<Box<[u8]>, Refusal> {
        let length = usize::try_from(at.read_uleb128()?).map_err(|_| BAD_ENTRY)?;
        let bytes = at.split(length)?;
        if length > MAX_EXPRESSION_BYTES {
            return Err(NOT_SUPPORTED);
        }
        self.expression_bytes += length;
        Ok(bytes.slice().into())
    }
}

/// The return address of a function that has not saved it.
fn unsaved(column: Register, column_is_register: bool) -> Recovery {
    if column_is_register { Recovery::Register(column, 0) } else { Recovery::Undefined }
}

/// The rule of a function of which nothing is known yet.
pub fn unchanged(architecture: Architecture, column: Register) -> Rule {
    let return_address = unsaved(column, architecture.may_hold_return_address(column));
    let is_last = return_address == Recovery::Undefined;
    let mut rule = Rule::new(Cfa::Expression(Box::default()), return_address);
    rule.flags.set_if(RuleFlags::END_OF_STACK, is_last);
    rule
}
