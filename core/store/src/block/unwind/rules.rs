//! Encodes and decodes blocks of unwind rules.
//!
//! ```text
//! column  block of unwind rules, format 1
//! 0       per rule: flags, one byte
//! 1       per rule: bytes of arguments that the function removes
//! 2       per rule: how many registers it has saved
//! 3       per saved register: its number, of a rule's first as it is, of others less the one before
//! 4       per value (CFA, return address, saved registers): how it is found, one byte
//! 5       per value: what that needs (a register, an offset, the length of an expression)
//! 6       expressions: bytes
//! ```

use symtool_unwind::{Cfa, Recovery, Register, Rule, RuleFlags};

use crate::block::bytes::{Column, join, put, put_signed, split};

/// How a value is found, as column 4 has it.
mod kind {
    pub const UNDEFINED: u8 = 0;
    pub const SAME_VALUE: u8 = 1;
    pub const AT_CFA: u8 = 2;
    pub const CFA_PLUS: u8 = 3;
    pub const REGISTER: u8 = 4;
    pub const AT_EXPRESSION: u8 = 5;
    pub const EXPRESSION: u8 = 6;
}

/// Encodes `rules`.
pub fn encode(rules: &[Rule]) -> Vec<u8> {
    let mut columns: [Vec<u8>; 7] = Default::default();
    for rule in rules {
        columns[0].push(rule.flags.bits());
        put(&mut columns[1], u64::from(rule.argument_bytes));
        put(&mut columns[2], rule.saved().len() as u64);
        let mut before = 0;
        for (register, _) in rule.saved() {
            put(&mut columns[3], u64::from(register.0 - before));
            before = register.0;
        }
        let cfa = match rule.cfa.clone() {
            Cfa::Register(register, offset) => Recovery::Register(register, offset),
            Cfa::Expression(bytes) => Recovery::Expression(bytes),
        };
        let saved = rule.saved().iter().map(|(_, recovery)| recovery);
        for recovery in [&cfa, &rule.return_address].into_iter().chain(saved) {
            put_recovery(&mut columns, recovery);
        }
    }
    join(&columns)
}

fn put_recovery(columns: &mut [Vec<u8>; 7], recovery: &Recovery) {
    let number = match recovery {
        Recovery::Undefined => kind::UNDEFINED,
        Recovery::SameValue => kind::SAME_VALUE,
        Recovery::AtCfa(_) => kind::AT_CFA,
        Recovery::CfaPlus(_) => kind::CFA_PLUS,
        Recovery::Register(..) => kind::REGISTER,
        Recovery::AtExpression(_) => kind::AT_EXPRESSION,
        Recovery::Expression(_) => kind::EXPRESSION,
    };
    columns[4].push(number);
    match recovery {
        Recovery::Undefined | Recovery::SameValue => {}
        Recovery::AtCfa(offset) | Recovery::CfaPlus(offset) => {
            put_signed(&mut columns[5], *offset);
        }
        Recovery::Register(register, offset) => {
            put(&mut columns[5], u64::from(register.0));
            put_signed(&mut columns[5], *offset);
        }
        Recovery::AtExpression(bytes) | Recovery::Expression(bytes) => {
            put(&mut columns[5], bytes.len() as u64);
            columns[6].extend_from_slice(bytes);
        }
    }
}

/// Decodes what [`encode`] made; `None` if it is damaged.
pub fn decode(raw: &[u8]) -> Option<Vec<Rule>> {
    let [mut flags, mut arguments, mut counts, mut registers, kinds, numbers, expressions] =
        split::<7>(raw)?;
    let mut values = Values { kinds, numbers, expressions };
    let mut rules = Vec::with_capacity(flags.0.len());
    while let Some(bits) = flags.byte() {
        let cfa = match values.next()? {
            Recovery::Register(register, offset) => Cfa::Register(register, offset),
            Recovery::Expression(bytes) => Cfa::Expression(bytes),
            _ => return None,
        };
        let mut rule = Rule::new(cfa, values.next()?);
        rule.flags = RuleFlags::from_bits(bits)?;
        rule.argument_bytes = arguments.number32()?;
        let mut before = None;
        for _ in 0..counts.number()? {
            let number = registers.register()?;
            let register = match before {
                None => number,
                Some(before) => number.checked_add(before).filter(|_| number > 0)?,
            };
            rule.save(Register(register), values.next()?);
            before = Some(register);
        }
        rules.push(rule);
    }
    let rest = [arguments, counts, registers, values.kinds, values.numbers, values.expressions];
    rest.iter().all(Column::is_empty).then_some(rules)
}

/// What is left of the columns of values.
struct Values<'a> {
    kinds: Column<'a>,
    numbers: Column<'a>,
    expressions: Column<'a>,
}

impl Values<'_> {
    fn next(&mut self) -> Option<Recovery> {
        Some(match self.kinds.byte()? {
            kind::UNDEFINED => Recovery::Undefined,
            kind::SAME_VALUE => Recovery::SameValue,
            kind::AT_CFA => Recovery::AtCfa(self.numbers.signed()?),
            kind::CFA_PLUS => Recovery::CfaPlus(self.numbers.signed()?),
            kind::REGISTER => {
                Recovery::Register(Register(self.numbers.register()?), self.numbers.signed()?)
            }
            kind::AT_EXPRESSION => Recovery::AtExpression(self.expression()?),
            kind::EXPRESSION => Recovery::Expression(self.expression()?),
            _ => return None,
        })
    }

    fn expression(&mut self) -> Option<Box<[u8]>> {
        let bytes = self.numbers.size()?;
        self.expressions.take(bytes).map(Box::from)
    }
}

impl Column<'_> {
    fn register(&mut self) -> Option<u16> {
        u16::try_from(self.number()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Vec<Rule> {
        let rsp = Register(7);
        let mut all = Rule::new(Cfa::Register(rsp, -8), Recovery::AtCfa(-8));
        let recoveries = [
            Recovery::Undefined,
            Recovery::SameValue,
            Recovery::AtCfa(i64::MIN),
            Recovery::CfaPlus(i64::MAX),
            Recovery::Register(Register(u16::MAX), 16),
            Recovery::AtExpression([1, 2, 3].into()),
            Recovery::Expression([].into()),
        ];
        for (number, recovery) in recoveries.into_iter().enumerate() {
            all.save(Register(u16::try_from(number * 9_000).unwrap()), recovery);
        }
        all.flags.set(RuleFlags::SIGNAL_FRAME);
        let mut windows = Rule::new(Cfa::Expression([9; 300].into()), Recovery::Undefined);
        windows.flags.set(RuleFlags::CALLEE_ARGUMENTS);
        windows.argument_bytes = u32::MAX;
        vec![
            all,
            Rule::end_of_stack(),
            windows,
            Rule::new(Cfa::Register(rsp, 8), Recovery::SameValue),
        ]
    }

    #[test]
    fn rules_come_back() {
        let rules = rules();
        let raw = encode(&rules);
        assert_eq!(decode(&raw).unwrap(), rules);
        (0..raw.len()).for_each(|end| assert_eq!(decode(&raw[..end]), None, "{end}"));
        assert_eq!(decode(&encode(&[])), Some(Vec::new()));
    }

    #[test]
    fn damaged_rules_are_refused() {
        let decode = |columns: [&[u8]; 7]| decode(&join(&columns.map(<[u8]>::to_vec)));
        let whole: [&[u8]; 7] = [&[0], &[0], &[2], &[3, 1], &[4, 2, 1, 1], &[7, 16, 15], &[]];
        assert!(decode(whole).is_some());
        for (column, damaged, why) in [
            (0, &[64][..], "a flag without a meaning"),
            (2, &[3], "a register is missing"),
            (3, &[3, 0], "a register twice"),
            (4, &[2, 2, 1, 1], "a CFA at the CFA"),
            (4, &[4, 2, 1, 7], "a kind that does not exist"),
            (5, &[7, 16, 15, 1], "a number is left over"),
            (6, &[1], "an expression is left over"),
        ] {
            let mut columns = whole;
            columns[column] = damaged;
            assert!(decode(columns).is_none(), "{why}");
        }
    }
}
