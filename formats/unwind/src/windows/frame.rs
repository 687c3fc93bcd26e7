//! Undoes what a prolog did, with the registers as unknowns: [`Frame`], which becomes a rule.

use super::expression::Expression;
use crate::rule::{Cfa, Recovery, Register, Rule, RuleFlags};

/// An address: the value of a register plus a number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub base: Register,
    pub offset: i64,
}

impl Position {
    /// The value of `base`.
    pub fn at(base: Register) -> Self {
        Self { base, offset: 0 }
    }

    /// The address `bytes` bytes behind it. Offsets are sums of numbers of 32 bits.
    pub fn plus(self, bytes: i64) -> Self {
        Self { offset: self.offset.wrapping_add(bytes), ..self }
    }

    fn expression(self) -> Expression {
        let mut expression = Expression::default();
        expression.push_register(self.base, self.offset);
        expression
    }

    /// The bytes of the expression that computes it.
    pub fn address(self) -> Box<[u8]> {
        self.expression().into_bytes()
    }

    /// The bytes of the expression that computes what is in memory there.
    pub fn content(self) -> Box<[u8]> {
        let mut expression = self.expression();
        expression.operate(gimli::constants::DW_OP_deref);
        expression.into_bytes()
    }
}

/// How far the work of a prolog has been undone.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The value that the stack pointer has then.
    pub top: Position,
    /// Where registers were saved; of a register that was saved twice, the place of its first value.
    saved: Vec<(Register, Position)>,
}

impl Frame {
    /// A function whose stack pointer is `stack_pointer`.
    pub fn new(stack_pointer: Register) -> Self {
        Self { top: Position::at(stack_pointer), saved: Vec::new() }
    }

    /// `register` is restored from `position`.
    pub fn restore(&mut self, register: Register, position: Position) {
        self.saved.retain(|(known, _)| *known != register);
        self.saved.push((register, position));
    }

    /// `register` is on top of the stack, from which it is popped.
    pub fn pop(&mut self, register: Register) {
        self.restore(register, self.top);
        self.top = self.top.plus(8);
    }

    /// Where `register` was saved.
    pub fn saved(&self, register: Register) -> Option<Position> {
        self.saved.iter().find(|(known, _)| *known == register).map(|(_, position)| *position)
    }

    /// How what is at `position` is recovered where the CFA is at `cfa`.
    fn recovery(position: Position, cfa: Position) -> Recovery {
        if position.base == cfa.base {
            Recovery::AtCfa(position.offset.wrapping_sub(cfa.offset))
        } else {
            Recovery::AtExpression(position.address())
        }
    }

    /// The rule of a function that was called: its caller's stack pointer is `cfa`, its return
    /// address at `return_address`, or else in `link`.
    pub fn rule(&self, cfa: Position, return_address: Result<Position, Register>) -> Rule {
        let return_address = match return_address {
            Ok(position) => Self::recovery(position, cfa),
            Err(link) => Recovery::Register(link, 0),
        };
        let mut rule = Rule::new(Cfa::Register(cfa.base, cfa.offset), return_address);
        for (register, position) in &self.saved {
            rule.save(*register, Self::recovery(*position, cfa));
        }
        rule
    }

    /// The rule of a function that was interrupted, whose stack pointer and address are in memory.
    pub fn interrupted(&self, stack_pointer: Position, address: Position) -> Rule {
        let cfa = Cfa::Expression(stack_pointer.content());
        let mut rule = Rule::new(cfa, Recovery::AtExpression(address.address()));
        for (register, position) in &self.saved {
            rule.save(*register, Recovery::AtExpression(position.address()));
        }
        rule.flags.set(RuleFlags::SIGNAL_FRAME);
        rule
    }
}
