//! The stack pointer and registers as unwinding instructions change them, not as values but as
//! where values come from.

use std::collections::BTreeMap;

use crate::drops::UnwindDropReason;
use crate::limits::{MAX_EXPRESSION_BYTES, MAX_STACK_CHANGES};
use crate::rule::{Cfa, Recovery, Register, Rule};

const SP: Register = Register(13);
const LR: Register = Register(14);
const PC: Register = Register(15);

/// What an address counts from.
#[derive(Clone, Debug)]
enum Base {
    /// The value that a register has.
    Register(Register),
    /// What a DWARF expression computes.
    Loaded(Vec<u8>),
}

/// An address: a base, by its number, and a number of bytes.
#[derive(Clone, Copy, Debug)]
struct Place {
    base: usize,
    offset: i64,
}

/// The virtual stack pointer, and where registers have been popped from.
#[derive(Debug)]
pub struct Stack {
    bases: Vec<Base>,
    pointer: Place,
    popped: BTreeMap<Register, Place>,
}

impl Default for Stack {
    /// What a function's body has.
    fn default() -> Self {
        let pointer = Place { base: 0, offset: 0 };
        Self { bases: vec![Base::Register(SP)], pointer, popped: BTreeMap::new() }
    }
}

impl Stack {
    /// Moves the stack pointer.
    pub fn skip(&mut self, bytes: i64) {
        // 1,020 opcodes of at most 2^35 bytes each.
        self.pointer.offset = self.pointer.offset.saturating_add(bytes);
    }

    /// Pops `register`, which has this many bytes.
    pub fn pop(&mut self, register: Register, bytes: i64) {
        self.popped.insert(register, self.pointer);
        self.skip(bytes);
    }

    /// Pops r0 to r15 as far as their bits are set. The stack pointer, if it is one of them, has
    /// the value popped afterwards.
    pub fn pop_core(&mut self, mask: u16) -> Result<(), UnwindDropReason> {
        for register in (0..16).filter(|bit| mask >> bit & 1 != 0) {
            self.pop(Register(register), 4);
        }
        match self.popped.remove(&SP) {
            Some(place) => self.load(place),
            None => Ok(()),
        }
    }

    /// Sets the stack pointer to the value of `register`.
    pub fn set(&mut self, register: Register) -> Result<(), UnwindDropReason> {
        match self.popped.get(&register) {
            Some(place) => self.load(*place),
            None => self.count_from(Base::Register(register)),
        }
    }

    /// Sets the stack pointer to what is in memory at `place`.
    fn load(&mut self, place: Place) -> Result<(), UnwindDropReason> {
        let mut loaded = self.expression(place)?;
        loaded.push(gimli::DW_OP_deref.0);
        self.count_from(Base::Loaded(loaded))
    }

    fn count_from(&mut self, base: Base) -> Result<(), UnwindDropReason> {
        if self.bases.len() > MAX_STACK_CHANGES {
            return Err(UnwindDropReason::NotSupported);
        }
        self.bases.push(base);
        self.pointer = Place { base: self.bases.len() - 1, offset: 0 };
        Ok(())
    }

    /// The rule of a function that returns now.
    pub fn rule(&self) -> Result<Rule, UnwindDropReason> {
        let cfa = match &self.bases[self.pointer.base] {
            Base::Register(register) => Cfa::Register(*register, self.pointer.offset),
            Base::Loaded(_) => Cfa::Expression(self.expression(self.pointer)?.into()),
        };
        let mut rule = Rule::new(cfa, Recovery::Register(LR, 0));
        for (register, place) in &self.popped {
            let recovery = if place.base == self.pointer.base {
                Recovery::AtCfa(place.offset.saturating_sub(self.pointer.offset))
            } else {
                Recovery::AtExpression(self.expression(*place)?.into())
            };
            if matches!(*register, LR | PC) {
                rule.return_address.clone_from(&recovery);
            }
            if *register != PC {
                rule.save(*register, recovery);
            }
        }
        Ok(rule)
    }

    /// DWARF that computes the address of `place`.
    fn expression(&self, place: Place) -> Result<Vec<u8>, UnwindDropReason> {
        let mut bytes = Vec::new();
        match &self.bases[place.base] {
            Base::Register(register) => {
                // Only r0 to r15 can be a base.
                let number = u8::try_from(register.0 & 0x1f).unwrap_or_default();
                bytes.push(gimli::DW_OP_breg0.0 + number);
                push_sleb128(&mut bytes, place.offset);
            }
            Base::Loaded(loaded) => {
                bytes.extend(loaded);
                if place.offset != 0 {
                    bytes.push(gimli::DW_OP_consts.0);
                    push_sleb128(&mut bytes, place.offset);
                    bytes.push(gimli::DW_OP_plus.0);
                }
            }
        }
        if bytes.len() > MAX_EXPRESSION_BYTES {
            return Err(UnwindDropReason::NotSupported);
        }
        Ok(bytes)
    }
}

fn push_sleb128(bytes: &mut Vec<u8>, mut value: i64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        let is_last = value == if low & 0x40 == 0 { 0 } else { -1 };
        bytes.push(low & 0x7f | if is_last { 0 } else { 0x80 });
        if is_last {
            return;
        }
    }
}
