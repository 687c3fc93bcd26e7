//! Applies a rule to registers and memory, which gives the registers of the caller.

use gimli::{
    EndianSlice, Evaluation, EvaluationResult, Expression, Location, RunTimeEndian, Value,
};

use crate::rule::{Cfa, Recovery, Register, Rule, RuleFlags};

/// Registers that are kept, by their numbers in DWARF. The general registers of all architectures
/// are below.
const REGISTERS: u16 = 64;
/// Operations that an expression may take. Those of PLTs take nine.
const MAX_OPERATIONS: u32 = 1000;

/// What is known of registers at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registers {
    values: [u64; REGISTERS as usize],
    /// A bit for each that is known.
    known: u64,
}

impl Default for Registers {
    fn default() -> Self {
        Self { values: [0; REGISTERS as usize], known: 0 }
    }
}

impl Registers {
    /// The value of `register`, if it is known.
    pub fn get(&self, register: Register) -> Option<u64> {
        let value = self.values.get(usize::from(register.0))?;
        (self.known >> register.0 & 1 == 1).then_some(*value)
    }

    /// Sets `register`; `None` if its value is lost. Registers beyond number 63 are not kept.
    pub fn set(&mut self, register: Register, value: Option<u64>) {
        let Some(place) = self.values.get_mut(usize::from(register.0)) else { return };
        let bit = 1 << register.0;
        *place = value.unwrap_or_default();
        self.known = if value.is_some() { self.known | bit } else { self.known & !bit };
    }
}

/// What a walk has to know of a processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Bytes of an address and of a general register.
    pub word_bytes: u8,
    /// Whether words are stored with the highest byte first.
    pub is_big_endian: bool,
    /// The register with the address of the top of the stack.
    pub stack_pointer: Register,
    /// The number under which [`Caller::registers`] has the return address.
    pub program_counter: Register,
}

impl Machine {
    /// x86 with 64 bits.
    pub const X86_64: Self = Self::new(8, 7, 16);
    /// x86 with 32 bits.
    pub const I386: Self = Self::new(4, 4, 8);
    /// ARM with 64 bits.
    pub const AARCH64: Self = Self::new(8, 31, 32);
    /// ARM with 32 bits.
    pub const ARM: Self = Self::new(4, 13, 15);

    const fn new(word_bytes: u8, stack_pointer: u16, program_counter: u16) -> Self {
        Self {
            word_bytes,
            is_big_endian: false,
            stack_pointer: Register(stack_pointer),
            program_counter: Register(program_counter),
        }
    }

    /// `value` as a word.
    fn word(self, value: u64) -> u64 {
        if self.word_bytes >= 8 { value } else { value & ((1 << (8 * self.word_bytes)) - 1) }
    }
}

/// Memory that a walk reads.
pub trait Memory {
    /// The number in the `bytes` (1, 2, 4 or 8) bytes at `address`; `None` if they are not known.
    fn read(&self, address: u64, bytes: u8) -> Option<u64>;
}

impl<F: Fn(u64, u8) -> Option<u64>> Memory for F {
    fn read(&self, address: u64, bytes: u8) -> Option<u64> {
        self(address, bytes)
    }
}

/// The frame of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Its registers. The program counter is the return address, with the authentication code that
    /// it may carry ([`RuleFlags::SIGNED_RETURN_ADDRESS`]).
    pub registers: Registers,
    /// Where the frame of the function that it called ends.
    pub cfa: u64,
}

/// Why a rule gives no caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplyError {
    /// There is no caller.
    EndOfStack,
    /// The value of a register that the rule needs is not known.
    UnknownRegister(Register),
    /// The memory at an address that the rule needs is not known.
    UnknownMemory(u64),
    /// An expression of the rule cannot be evaluated.
    BadExpression,
}

/// Finds the caller of the function whose registers are `registers`. `argument_bytes` are those of
/// the rule of the frame below ([`Rule::argument_bytes`]); 0 for the innermost.
///
/// # Errors
/// There is no caller, or not enough is known to find it. A saved register that cannot be read is
/// only lost.
pub fn apply(
    rule: &Rule,
    machine: Machine,
    registers: &Registers,
    memory: &impl Memory,
    argument_bytes: u32,
) -> Result<Caller, ApplyError> {
    if rule.flags.has(RuleFlags::END_OF_STACK) || rule.return_address == Recovery::Undefined {
        return Err(ApplyError::EndOfStack);
    }
    let mut registers = registers.clone();
    if rule.flags.has(RuleFlags::CALLEE_ARGUMENTS) && argument_bytes > 0 {
        let stack_pointer = machine.stack_pointer;
        let value = registers.get(stack_pointer).map(|sp| sp.wrapping_add(argument_bytes.into()));
        registers.set(stack_pointer, value.map(|value| machine.word(value)));
    }
    let frame = Frame { machine, registers: &registers, memory };
    let cfa = match &rule.cfa {
        Cfa::Register(register, offset) => frame.register(*register, *offset)?,
        Cfa::Expression(expression) => frame.evaluate(expression, None)?,
    };
    let return_address = frame.recover(&rule.return_address, machine.program_counter, cfa)?;
    let mut caller = registers.clone();
    caller.set(machine.stack_pointer, Some(cfa));
    for (register, recovery) in rule.saved() {
        let value = match recovery {
            Recovery::Undefined => None,
            recovery => frame.recover(recovery, *register, cfa).ok(),
        };
        caller.set(*register, value);
    }
    caller.set(machine.program_counter, Some(return_address));
    Ok(Caller { registers: caller, cfa })
}

/// What a rule is applied to.
struct Frame<'a, M> {
    machine: Machine,
    registers: &'a Registers,
    memory: &'a M,
}

impl<M: Memory> Frame<'_, M> {
    fn register(&self, register: Register, offset: i64) -> Result<u64, ApplyError> {
        let value = self.registers.get(register).ok_or(ApplyError::UnknownRegister(register))?;
        Ok(self.machine.word(value.wrapping_add_signed(offset)))
    }

    fn load(&self, address: u64, bytes: u8) -> Result<u64, ApplyError> {
        self.memory.read(address, bytes).ok_or(ApplyError::UnknownMemory(address))
    }

    /// The value that `register` had in the caller.
    fn recover(
        &self,
        recovery: &Recovery,
        register: Register,
        cfa: u64,
    ) -> Result<u64, ApplyError> {
        let beyond = |offset: &i64| self.machine.word(cfa.wrapping_add_signed(*offset));
        match recovery {
            Recovery::Undefined => Err(ApplyError::EndOfStack),
            Recovery::SameValue => self.register(register, 0),
            Recovery::AtCfa(offset) => self.load(beyond(offset), self.machine.word_bytes),
            Recovery::CfaPlus(offset) => Ok(beyond(offset)),
            Recovery::Register(register, offset) => self.register(*register, *offset),
            Recovery::AtExpression(expression) => {
                self.load(self.evaluate(expression, Some(cfa))?, self.machine.word_bytes)
            }
            Recovery::Expression(expression) => self.evaluate(expression, Some(cfa)),
        }
    }

    /// The value of a DWARF expression that begins with `first` on its stack.
    fn evaluate(&self, expression: &[u8], first: Option<u64>) -> Result<u64, ApplyError> {
        let endian =
            if self.machine.is_big_endian { RunTimeEndian::Big } else { RunTimeEndian::Little };
        let encoding = gimli::Encoding {
            address_size: self.machine.word_bytes,
            format: gimli::Format::Dwarf32,
            version: 5,
        };
        let bad = |_| ApplyError::BadExpression;
        let mut evaluation: Evaluation<EndianSlice<'_, RunTimeEndian>> =
            Expression(EndianSlice::new(expression, endian)).evaluation(encoding);
        evaluation.set_max_iterations(MAX_OPERATIONS);
        if let Some(first) = first {
            evaluation.set_initial_value(first);
        }
        let mut result = evaluation.evaluate().map_err(bad)?;
        loop {
            let (value, is_register) = match result {
                EvaluationResult::Complete => break,
                EvaluationResult::RequiresMemory { address, size, space: None, .. } => {
                    (self.load(address, size)?, false)
                }
                EvaluationResult::RequiresRegister { register, .. } => {
                    (self.register(Register(register.0), 0)?, true)
                }
                _ => return Err(ApplyError::BadExpression),
            };
            let value = Value::Generic(value);
            result = if is_register {
                evaluation.resume_with_register(value).map_err(bad)?
            } else {
                evaluation.resume_with_memory(value).map_err(bad)?
            };
        }
        match evaluation.as_result() {
            [piece] => match piece.location {
                Location::Address { address } => Ok(self.machine.word(address)),
                Location::Value { value } => value.to_u64(u64::MAX).map_err(bad),
                _ => Err(ApplyError::BadExpression),
            },
            _ => Err(ApplyError::BadExpression),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RSP: Register = Register(7);
    const RBP: Register = Register(6);

    /// Each word of memory below 0x1000 holds its address plus 1.
    fn memory(address: u64, bytes: u8) -> Option<u64> {
        (address < 0x1000).then_some((address + 1) & (u64::MAX >> (64 - 8 * u32::from(bytes))))
    }

    fn registers(values: &[(Register, u64)]) -> Registers {
        let mut registers = Registers::default();
        values.iter().for_each(|(register, value)| registers.set(*register, Some(*value)));
        registers
    }

    #[test]
    fn registers_of_the_caller() {
        let mut rule = Rule::new(Cfa::Register(RSP, 32), Recovery::AtCfa(-8));
        rule.save(RBP, Recovery::AtCfa(-16));
        rule.save(Register(0), Recovery::Undefined);
        rule.save(Register(1), Recovery::AtCfa(0x2000));
        rule.save(Register(2), Recovery::CfaPlus(4));
        rule.save(Register(3), Recovery::Register(RBP, -1));
        let known = registers(&[(RSP, 0x100), (RBP, 5), (Register(0), 1), (Register(12), 12)]);
        let caller = apply(&rule, Machine::X86_64, &known, &memory, 0).unwrap();
        let want = [
            (RSP, 0x120),
            (RBP, 0x111),
            (Register(2), 0x124),
            (Register(3), 4),
            (Register(12), 12),
            (Register(16), 0x119),
        ];
        assert_eq!((caller.registers, caller.cfa), (registers(&want), 0x120));
    }

    #[test]
    fn expressions_are_evaluated_within_bounds() {
        // breg7 8, deref
        let cfa = Cfa::Expression([0x77, 8, 0x06].into());
        let mut rule = Rule::new(cfa, Recovery::Expression([0x23, 3].into()));
        rule.save(RBP, Recovery::AtExpression([0x38, 0x1c].into()));
        let known = registers(&[(RSP, 0x100)]);
        let caller = apply(&rule, Machine::X86_64, &known, &memory, 0).unwrap();
        let want = [(RSP, 0x109), (RBP, 0x102), (Register(16), 0x10c)];
        assert_eq!(caller.registers, registers(&want));
        let fails = |expression: &[u8]| {
            let rule = Rule::new(Cfa::Expression(expression.into()), Recovery::AtCfa(0));
            apply(&rule, Machine::X86_64, &known, &memory, 0).unwrap_err()
        };
        // Nothing, a jump to itself, a register's name, an unknown register, memory that is not there.
        assert_eq!(fails(&[]), ApplyError::BadExpression);
        assert_eq!(fails(&[0x2f, 0xfd, 0xff]), ApplyError::BadExpression);
        assert_eq!(fails(&[0x50]), ApplyError::BadExpression);
        assert_eq!(fails(&[0x71, 0]), ApplyError::UnknownRegister(Register(1)));
        assert_eq!(fails(&[0x0a, 0, 0x20, 0x06]), ApplyError::UnknownMemory(0x2000));
    }

    #[test]
    fn words_of_32_bits_wrap() {
        let mut rule = Rule::new(Cfa::Register(Register(4), 0x20), Recovery::AtCfa(-4));
        let known = registers(&[(Register(4), 0xffff_fff0)]);
        let caller = apply(&rule, Machine::I386, &known, &memory, 8).unwrap();
        assert_eq!((caller.cfa, caller.registers.get(Register(8))), (0x10, Some(0xd)));
        rule.flags.set(RuleFlags::CALLEE_ARGUMENTS);
        assert_eq!(apply(&rule, Machine::I386, &known, &memory, 8).unwrap().cfa, 0x18);
        // breg4 0, constu -8, and
        let aligned = [0x74, 0, 0x10, 0xf8, 0xff, 0xff, 0xff, 0x0f, 0x1a];
        let rule =
            Rule::new(Cfa::Register(Register(4), 0x20), Recovery::AtExpression(aligned.into()));
        let known = registers(&[(Register(4), 0x107)]);
        let caller = apply(&rule, Machine::I386, &known, &memory, 0).unwrap();
        assert_eq!(caller.registers.get(Register(8)), Some(0x101));
    }

    #[test]
    fn a_walk_ends_where_there_is_no_caller() {
        let known = registers(&[(RSP, 0x100)]);
        let lost = Rule::new(Cfa::Register(RSP, 8), Recovery::Undefined);
        for rule in [Rule::end_of_stack(), lost] {
            let end = apply(&rule, Machine::X86_64, &known, &memory, 0);
            assert_eq!(end, Err(ApplyError::EndOfStack));
        }
        let rule = Rule::new(Cfa::Register(RBP, 16), Recovery::AtCfa(-8));
        let unknown = apply(&rule, Machine::X86_64, &known, &memory, 0);
        assert_eq!(unknown, Err(ApplyError::UnknownRegister(RBP)));
        assert_eq!(known.get(Register(64)), None);
    }
}
