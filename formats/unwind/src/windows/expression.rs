//! Writes DWARF expressions (DWARF 5, section 2.5).

use gimli::constants as op;

use crate::rule::Register;

/// An expression that is being written.
#[derive(Clone, Debug, Default)]
pub struct Expression(Vec<u8>);

impl Expression {
    /// Pushes the value of `register` plus `offset`.
    pub fn push_register(&mut self, register: Register, offset: i64) {
        match u8::try_from(register.0) {
            Ok(number) if number < 32 => self.0.push(op::DW_OP_breg0.0 + number),
            _ => {
                self.0.push(op::DW_OP_bregx.0);
                self.unsigned(register.0.into());
            }
        }
        self.signed(offset);
    }

    /// Pushes `value`.
    pub fn push_number(&mut self, value: u64) {
        self.0.push(op::DW_OP_constu.0);
        self.unsigned(value);
    }

    /// Adds `value` to the top of the stack.
    pub fn add_number(&mut self, value: u64) {
        if value != 0 {
            self.0.push(op::DW_OP_plus_uconst.0);
            self.unsigned(value);
        }
    }

    /// Applies an operator that has no operands in the expression.
    pub fn operate(&mut self, operator: gimli::DwOp) {
        self.0.push(operator.0);
    }

    /// The bytes of the expression.
    pub fn into_bytes(self) -> Box<[u8]> {
        self.0.into_boxed_slice()
    }

    fn unsigned(&mut self, mut value: u64) {
        loop {
            let [low, ..] = value.to_le_bytes();
            value >>= 7;
            if value == 0 {
                return self.0.push(low & 0x7f);
            }
            self.0.push(low | 0x80);
        }
    }

    fn signed(&mut self, mut value: i64) {
        loop {
            let [low, ..] = value.to_le_bytes();
            value >>= 7;
            if (value == 0 && low & 0x40 == 0) || (value == -1 && low & 0x40 != 0) {
                return self.0.push(low & 0x7f);
            }
            self.0.push(low | 0x80);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_as_many_bytes_as_they_need() {
        let mut expression = Expression::default();
        expression.push_register(Register(7), -65);
        expression.push_register(Register(40), 64);
        expression.push_number(300);
        expression.add_number(0);
        assert_eq!(&*expression.into_bytes(), [0x77, 0xbf, 0x7f, 0x92, 40, 0xc0, 0, 0x10, 0xac, 2]);
    }
}
