//! Translates Breakpad's postfix expressions: [`Expression`].
//!
//! Almost all are a register or the CFA plus a number, or what is in memory there; others become
//! DWARF expressions, one operation for each word.

use gimli::constants as dw;

use super::registers::Registers;
use crate::limits::MAX_EXPRESSION_BYTES;
use crate::rule::{Cfa, Recovery, Register};

/// What a word, or several, compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    /// A base plus a number.
    Sum(Base, i64),
    /// What is in memory at a base plus a number.
    InMemory(Base, i64),
    /// Something else.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    Zero,
    Register(Register),
    Cfa,
}

/// An expression of which words have been read.
#[derive(Debug)]
pub struct Expression {
    /// Whether it says where the CFA is, which then is not known yet.
    is_cfa: bool,
    stack: Vec<Value>,
    /// The same as a DWARF expression.
    operations: Vec<u8>,
    /// Whether the last operation reads memory.
    ends_in_load: bool,
    is_bad: bool,
}

impl Expression {
    /// Without words yet.
    pub fn new(is_cfa: bool) -> Self {
        Self {
            is_cfa,
            stack: Vec::new(),
            operations: Vec::new(),
            ends_in_load: false,
            is_bad: false,
        }
    }

    /// Reads the next word: a number, a name or an operator.
    pub fn word(&mut self, word: &[u8], registers: &mut Registers) {
        if self.is_bad {
            return;
        }
        self.ends_in_load = word == b"^";
        let done = match word {
            b"+" | b"-" | b"*" | b"/" | b"%" | b"@" => self.operator(word[0]),
            b"^" => self.load(),
            b".cfa" => self.cfa(),
            [b'0'..=b'9' | b'-', ..] => self.number(word),
            _ => registers.named(word).map(|register| self.register(register)),
        };
        self.is_bad = done.is_none() || self.operations.len() > MAX_EXPRESSION_BYTES;
    }

    /// How the CFA is found; `None` if the expression cannot be understood.
    pub fn into_cfa(self) -> Option<Cfa> {
        match self.value()? {
            Value::Sum(Base::Register(register), offset) => Some(Cfa::Register(register, offset)),
            _ => Some(Cfa::Expression(self.operations.into())),
        }
    }

    /// How a register is recovered; `None` if the expression cannot be understood.
    pub fn into_recovery(mut self) -> Option<Recovery> {
        Some(match self.value()? {
            Value::Sum(Base::Register(register), offset) => Recovery::Register(register, offset),
            Value::Sum(Base::Cfa, offset) => Recovery::CfaPlus(offset),
            Value::InMemory(Base::Cfa, offset) => Recovery::AtCfa(offset),
            _ if self.ends_in_load => {
                self.operations.pop();
                Recovery::AtExpression(self.operations.into())
            }
            _ => Recovery::Expression(self.operations.into()),
        })
    }

    /// What all words compute.
    fn value(&self) -> Option<Value> {
        match self.stack[..] {
            [value] if !self.is_bad => Some(value),
            _ => None,
        }
    }

    fn number(&mut self, word: &[u8]) -> Option<()> {
        let number: i64 = std::str::from_utf8(word).ok()?.parse().ok()?;
        self.operations.push(dw::DW_OP_consts.0);
        self.leb128(number);
        self.stack.push(Value::Sum(Base::Zero, number));
        Some(())
    }

    fn register(&mut self, register: Register) {
        match u8::try_from(register.0).ok().filter(|number| *number < 32) {
            Some(number) => self.operations.push(dw::DW_OP_breg0.0 + number),
            None => {
                self.operations.push(dw::DW_OP_bregx.0);
                // Without a sign, which a number this small does not reach.
                self.unsigned_leb128(register.0);
            }
        }
        self.leb128(0);
        self.stack.push(Value::Sum(Base::Register(register), 0));
    }

    /// The CFA is what the stack begins with (DWARF 5, section 6.4.2.3): it lies below all values.
    fn cfa(&mut self) -> Option<()> {
        if self.is_cfa {
            return None;
        }
        let depth = u8::try_from(self.stack.len()).ok()?;
        self.operations.extend([dw::DW_OP_pick.0, depth]);
        self.stack.push(Value::Sum(Base::Cfa, 0));
        Some(())
    }

    fn load(&mut self) -> Option<()> {
        let value = self.stack.last_mut()?;
        *value = match *value {
            Value::Sum(base, offset) => Value::InMemory(base, offset),
            Value::InMemory(..) | Value::Other => Value::Other,
        };
        self.operations.push(dw::DW_OP_deref.0);
        Some(())
    }

    fn operator(&mut self, operator: u8) -> Option<()> {
        let (second, first) = (self.stack.pop()?, self.stack.pop()?);
        let sum = |base, offset: Option<i64>| offset.map(|offset| Value::Sum(base, offset));
        let value = match (operator, first, second) {
            (b'+', Value::Sum(base, a), Value::Sum(Base::Zero, b))
            | (b'+', Value::Sum(Base::Zero, b), Value::Sum(base, a)) => sum(base, a.checked_add(b)),
            (b'-', Value::Sum(base, a), Value::Sum(Base::Zero, b)) => sum(base, a.checked_sub(b)),
            _ => None,
        };
        self.stack.push(value.unwrap_or(Value::Other));
        self.operations.extend_from_slice(match operator {
            b'+' => &[dw::DW_OP_plus.0],
            b'-' => &[dw::DW_OP_minus.0],
            b'*' => &[dw::DW_OP_mul.0],
            b'/' => &[dw::DW_OP_div.0],
            b'%' => &[dw::DW_OP_mod.0],
            // `a @ b` is the multiple of b at or below a: a - a % b.
            _ => &[
                dw::DW_OP_over.0,
                dw::DW_OP_over.0,
                dw::DW_OP_mod.0,
                dw::DW_OP_swap.0,
                dw::DW_OP_drop.0,
                dw::DW_OP_minus.0,
            ],
        });
        Some(())
    }

    fn leb128(&mut self, mut number: i64) {
        loop {
            let [low, ..] = number.to_le_bytes();
            let byte = low & 0x7f;
            number >>= 7;
            let is_last = number == if byte & 0x40 == 0 { 0 } else { -1 };
            self.operations.push(if is_last { byte } else { byte | 0x80 });
            if is_last {
                return;
            }
        }
    }

    fn unsigned_leb128(&mut self, mut number: u16) {
        loop {
            let [low, _] = number.to_le_bytes();
            number >>= 7;
            self.operations.push(if number == 0 { low & 0x7f } else { low | 0x80 });
            if number == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::Architecture;
    use gimli::{
        Encoding, EndianSlice, EvaluationResult, Format, LittleEndian, Location, Value as Word,
    };

    const RSP: Register = Register(7);

    fn expression(text: &str, is_cfa: bool) -> Expression {
        let mut registers = Registers::of(Architecture::X86_64);
        let mut expression = Expression::new(is_cfa);
        text.split(' ').for_each(|word| expression.word(word.as_bytes(), &mut registers));
        expression
    }

    fn recovery(text: &str) -> Option<Recovery> {
        expression(text, false).into_recovery()
    }

    /// What gimli makes of `operations` where every register is 0x1234, the CFA 0x8000, and each
    /// word of memory its own address plus 1.
    fn evaluated(operations: &[u8]) -> u64 {
        let encoding = Encoding { address_size: 8, format: Format::Dwarf32, version: 4 };
        let expression = gimli::Expression(EndianSlice::new(operations, LittleEndian));
        let mut evaluation = expression.evaluation(encoding);
        evaluation.set_initial_value(0x8000);
        let mut result = evaluation.evaluate().unwrap();
        loop {
            result = match result {
                EvaluationResult::RequiresRegister { .. } => {
                    evaluation.resume_with_register(Word::Generic(0x1234)).unwrap()
                }
                EvaluationResult::RequiresMemory { address, .. } => {
                    evaluation.resume_with_memory(Word::Generic(address + 1)).unwrap()
                }
                EvaluationResult::Complete => break,
                other => panic!("{other:?}"),
            };
        }
        match evaluation.result()[..] {
            [gimli::Piece { location: Location::Address { address }, .. }] => address,
            ref other => panic!("{other:?}"),
        }
    }

    #[test]
    fn sums_and_what_is_at_sums() {
        assert_eq!(expression("$rsp 8 +", true).into_cfa(), Some(Cfa::Register(RSP, 8)));
        assert_eq!(expression("8 $rsp +", true).into_cfa(), Some(Cfa::Register(RSP, 8)));
        assert_eq!(expression("$rsp 24 - 8 +", true).into_cfa(), Some(Cfa::Register(RSP, -16)));
        assert_eq!(recovery(".cfa -16 + ^"), Some(Recovery::AtCfa(-16)));
        assert_eq!(recovery(".cfa 16 - ^"), Some(Recovery::AtCfa(-16)));
        assert_eq!(recovery(".cfa"), Some(Recovery::CfaPlus(0)));
        assert_eq!(recovery("$rax"), Some(Recovery::Register(Register(0), 0)));
    }

    #[test]
    fn everything_else_becomes_dwarf() {
        for (text, want) in [
            ("$rsp 16 + ^ 8 +", 0x1234 + 16 + 1 + 8),
            ("$rsp 63 + 64 @", 0x1240),
            ("$rsp 100 % $rsp 3 * +", 0x1234 % 100 + 0x1234 * 3),
            (".cfa $rsp - .cfa +", 0x8000 - 0x1234 + 0x8000),
            ("$rip .cfa 2 / -", 0x1234_u64.wrapping_sub(0x4000)),
            ("-4096", (-4096_i64).cast_unsigned()),
        ] {
            let Some(Recovery::Expression(operations)) = recovery(text) else { panic!("{text}") };
            assert_eq!(evaluated(&operations), want, "{text}");
        }
        let Some(Recovery::AtExpression(operations)) = recovery("$rsp 8 + ^ 8 + ^") else {
            panic!()
        };
        assert_eq!(evaluated(&operations), 0x1234 + 8 + 1 + 8);
        let Some(Cfa::Expression(operations)) = expression("$rbp ^ 8 +", true).into_cfa() else {
            panic!()
        };
        assert_eq!(evaluated(&operations), 0x1235 + 8);
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in ["", "+", "$rsp +", "$rsp 8", "$nosuch", "^", "0x10", ".cfa 1 ?"] {
            assert_eq!(recovery(text), None, "{text}");
        }
        assert_eq!(expression(".cfa 8 +", true).into_cfa(), None);
        let long = format!("$rsp{}", " 8 +".repeat(MAX_EXPRESSION_BYTES));
        assert_eq!(recovery(&long), None);
    }
}
