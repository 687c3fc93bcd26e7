//! Evaluates a program of x86 frame data with the registers as unknowns, which gives a [`Rule`].
//!
//! A program is in postfix notation. `$T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + =` computes the
//! address at which the return address should be (`.raSearch`), loads it (`^`), and says what the
//! caller's stack pointer is. `@` rounds down to a multiple. Source: what Microsoft's compiler,
//! clang and Breakpad's dumps of PDBs hold; registers may be numbered as in Microsoft's `cvconst.h`
//! (`$22` is `$ebp`).

use std::rc::Rc;

use gimli::constants as op;

use super::expression::Expression;
use super::limits::{MAX_PROGRAM_BYTES, MAX_PROGRAM_TOKENS, MAX_PROGRAM_VALUES};
use crate::rule::{Cfa, Recovery, Register, Rule, RuleFlags};

/// The registers by their numbers in DWARF.
const REGISTERS: [&str; 9] =
    ["$eax", "$ecx", "$edx", "$ebx", "$esp", "$ebp", "$esi", "$edi", "$eip"];
/// The same by their numbers in `CodeView`.
const NUMBERED: [&str; 9] = ["$17", "$18", "$19", "$20", "$21", "$22", "$23", "$24", "$33"];
pub const ESP: Register = Register(4);
pub const EBP: Register = Register(5);
const EIP: Register = Register(8);

/// Bytes that frame data tells of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sizes {
    pub locals: u32,
    pub saved_registers: u32,
    pub parameters: u32,
}

/// What is known of a number: a term and an offset.
#[derive(Clone, Debug, PartialEq)]
struct Value {
    term: Term,
    offset: u32,
    /// How often the argument bytes of the frame below are to be added.
    arguments: i8,
    /// How many values it is computed from.
    size: u16,
}

#[derive(Clone, Debug, PartialEq)]
enum Term {
    None,
    Register(Register),
    Load(Rc<Value>),
    Sum(Rc<Value>, Rc<Value>),
    Difference(Rc<Value>, Rc<Value>),
    Product(Rc<Value>, Rc<Value>),
    /// Rounded down to a multiple of a power of two.
    Aligned(Rc<Value>, u32),
}

impl Value {
    fn number(offset: u32) -> Self {
        Self { term: Term::None, offset, arguments: 0, size: 1 }
    }

    fn register(register: Register) -> Self {
        Self { term: Term::Register(register), ..Self::number(0) }
    }

    /// What `make` makes of this value, which is told by a term of its own.
    fn computed(self, make: impl FnOnce(Rc<Self>) -> Term) -> Option<Self> {
        let size = self.size.checked_add(1).filter(|size| *size <= MAX_PROGRAM_VALUES)?;
        (self.arguments == 0).then(|| Self { term: make(Rc::new(self)), size, ..Self::number(0) })
    }

    fn is_number(&self) -> bool {
        self.term == Term::None && self.arguments == 0
    }

    /// This value and `other` in one term.
    fn joined(self, other: Self, make: impl FnOnce(Rc<Self>, Rc<Self>) -> Term) -> Option<Self> {
        let size = self.size.checked_add(other.size)?.checked_add(1)?;
        let is_plain = self.arguments == 0 && other.arguments == 0 && size <= MAX_PROGRAM_VALUES;
        is_plain.then(|| {
            let term = make(Rc::new(self), Rc::new(other));
            Self { term, size, ..Self::number(0) }
        })
    }

    fn plus(self, other: Self) -> Option<Self> {
        let offset = self.offset.wrapping_add(other.offset);
        let arguments = self.arguments.checked_add(other.arguments)?;
        match (&self.term, &other.term) {
            (_, Term::None) => Some(Self { offset, arguments, ..self }),
            (Term::None, _) => Some(Self { offset, arguments, ..other }),
            _ => self.joined(other, Term::Sum),
        }
    }

    fn minus(self, other: Self) -> Option<Self> {
        if other.term != Term::None {
            return self.joined(other, Term::Difference);
        }
        let offset = self.offset.wrapping_sub(other.offset);
        let arguments = self.arguments.checked_sub(other.arguments)?;
        Some(Self { offset, arguments, ..self })
    }

    fn times(self, other: Self) -> Option<Self> {
        if self.is_number() && other.is_number() {
            Some(Self::number(self.offset.wrapping_mul(other.offset)))
        } else {
            self.joined(other, Term::Product)
        }
    }

    fn aligned(self, other: &Self) -> Option<Self> {
        let bytes = other.offset;
        if !other.is_number() || !bytes.is_power_of_two() {
            None
        } else if self.is_number() {
            Some(Self::number(self.offset & bytes.wrapping_neg()))
        } else {
            self.computed(|value| Term::Aligned(value, bytes))
        }
    }

    /// The offset as a distance.
    fn distance(&self) -> i64 {
        i64::from(self.offset.cast_signed())
    }

    /// How far this value is from `other`, if that is known.
    fn from(&self, other: &Self) -> Option<i64> {
        let offset = self.offset.wrapping_sub(other.offset).cast_signed();
        (self.term == other.term).then_some(i64::from(offset))
    }

    /// Appends what computes it.
    fn write(&self, to: &mut Expression) {
        let mut both = |one: &Self, other: &Self, operator| {
            one.write(to);
            other.write(to);
            to.operate(operator);
        };
        match &self.term {
            Term::None => return to.push_number(self.offset.into()),
            Term::Register(register) => return to.push_register(*register, self.distance()),
            Term::Load(address) => {
                address.write(to);
                to.operate(op::DW_OP_deref);
            }
            Term::Sum(one, other) => both(one, other, op::DW_OP_plus),
            Term::Difference(one, other) => both(one, other, op::DW_OP_minus),
            Term::Product(one, other) => both(one, other, op::DW_OP_mul),
            Term::Aligned(value, bytes) => {
                value.write(to);
                to.push_number(bytes.wrapping_neg().into());
                to.operate(op::DW_OP_and);
            }
        }
        to.add_number(self.offset.into());
    }

    fn expression(&self) -> Box<[u8]> {
        let mut expression = Expression::default();
        self.write(&mut expression);
        expression.into_bytes()
    }
}

/// An operand: a value, or a variable that is looked up when it is used.
enum Operand<'a> {
    Value(Value),
    Name(&'a str),
}

/// The variables, `None` for those that are lost.
struct Variables<'a> {
    sizes: Sizes,
    /// `$esp` has the argument bytes of the frame below added to it.
    adds_arguments: bool,
    set: Vec<(&'a str, Option<Value>)>,
}

impl<'a> Variables<'a> {
    fn get(&self, name: &str) -> Option<Value> {
        if let Some((_, value)) = self.set.iter().find(|(known, _)| *known == name) {
            return value.clone();
        }
        let Sizes { locals, saved_registers, parameters } = self.sizes;
        let number = |number| Some(Value::number(number));
        match name {
            ".cbLocals" => number(locals),
            ".cbSavedRegs" => number(saved_registers),
            ".cbParams" => number(parameters),
            ".cbCalleeParams" => Some(Value { arguments: 1, ..Value::number(0) }),
            ".raSearch" | ".raSearchStart" => {
                let offset = locals.wrapping_add(saved_registers);
                Some(Value { offset, ..Value::register(ESP) })
            }
            "$esp" if self.adds_arguments => Some(Value { arguments: -1, ..Value::register(ESP) }),
            _ => {
                let at = REGISTERS.iter().position(|register| *register == name)?;
                u16::try_from(at).ok().map(|number| Value::register(Register(number)))
            }
        }
    }

    fn set(&mut self, name: &'a str, value: Option<Value>) -> Option<()> {
        name.starts_with('$').then_some(())?;
        match self.set.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = value,
            None => self.set.push((name, value)),
        }
        Some(())
    }
}

/// The rule that `program` computes. `None` if a rule cannot express it.
pub fn evaluate(program: &str, sizes: Sizes) -> Option<Rule> {
    if program.len() > MAX_PROGRAM_BYTES {
        return None;
    }
    let tokens = tokens(program);
    let is_arguments =
        |token: &&str| matches!(*token, ".raSearch" | ".raSearchStart" | ".cbCalleeParams");
    let adds_arguments = tokens.iter().any(is_arguments);
    if tokens.len() > MAX_PROGRAM_TOKENS {
        return None;
    }
    let mut variables = Variables { sizes, adds_arguments, set: Vec::new() };
    let mut stack: Vec<Operand<'_>> = Vec::new();
    for token in tokens {
        step(token, &mut stack, &mut variables)?;
    }
    stack.is_empty().then(|| rule(&variables)).flatten()
}

/// The words of `program`. An `=` may stand before a word without a space.
fn tokens(program: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    for word in program.split_ascii_whitespace().take(MAX_PROGRAM_TOKENS + 1) {
        match word.split_at_checked(1) {
            Some((equals @ "=", rest)) if !rest.is_empty() => tokens.extend([equals, rest]),
            _ => tokens.push(word),
        }
    }
    for token in &mut tokens {
        if let Some(at) = NUMBERED.iter().position(|number| number == token) {
            *token = REGISTERS[at];
        }
    }
    tokens
}

fn step<'a>(
    token: &'a str,
    stack: &mut Vec<Operand<'a>>,
    variables: &mut Variables<'a>,
) -> Option<()> {
    if token == "=" {
        let value = match stack.pop()? {
            Operand::Name(".undef") => None,
            Operand::Name(name) => Some(variables.get(name)?),
            Operand::Value(value) => Some(value),
        };
        let Operand::Name(name) = stack.pop()? else { return None };
        return variables.set(name, value);
    }
    let mut pop = || match stack.pop()? {
        Operand::Name(name) => variables.get(name),
        Operand::Value(value) => Some(value),
    };
    let value = match token {
        "+" | "-" | "*" | "@" => {
            let (right, left) = (pop()?, pop()?);
            match token {
                "+" => left.plus(right),
                "-" => left.minus(right),
                "*" => left.times(right),
                _ => left.aligned(&right),
            }
        }
        "^" => pop()?.computed(Term::Load),
        _ if token.starts_with(['$', '.']) => {
            stack.push(Operand::Name(token));
            return Some(());
        }
        _ => token.parse::<i64>().ok().and_then(wrapped).map(Value::number),
    };
    stack.push(Operand::Value(value?));
    Some(())
}

/// A number as the 32 bits that it has.
fn wrapped(number: i64) -> Option<u32> {
    u32::try_from(number).ok().or_else(|| i32::try_from(number).ok().map(i32::cast_unsigned))
}

/// The rule for what the variables have come to be.
fn rule(variables: &Variables<'_>) -> Option<Rule> {
    let assigned = |register: Register| {
        let name = REGISTERS[usize::from(register.0)];
        variables.set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_ref())
    };
    let esp = assigned(ESP)??;
    let cfa = match esp {
        Value { arguments: 0, term: Term::Register(register), .. } => {
            Cfa::Register(*register, esp.distance())
        }
        Value { arguments: 0, .. } => Cfa::Expression(esp.expression()),
        _ => return None,
    };
    let mut rule = Rule::new(cfa, recovery(assigned(EIP)?, esp)?);
    for register in (0..8).map(Register).filter(|register| *register != ESP) {
        let same = Value::register(register);
        match assigned(register) {
            Some(value) if value != Some(&same) => rule.save(register, recovery(value, esp)?),
            _ => {}
        }
    }
    if variables.adds_arguments {
        rule.flags.set(RuleFlags::CALLEE_ARGUMENTS);
    }
    rule.argument_bytes = variables.sizes.parameters;
    Some(rule)
}

/// How `value` is recovered where the caller's stack pointer is `cfa`.
fn recovery(value: Option<&Value>, cfa: &Value) -> Option<Recovery> {
    let Some(value) = value else { return Some(Recovery::Undefined) };
    if value.arguments != 0 {
        return None;
    }
    Some(match (&value.term, value.from(cfa)) {
        (Term::Load(address), _) if value.offset == 0 => match address.from(cfa) {
            Some(distance) => Recovery::AtCfa(distance),
            None => Recovery::AtExpression(address.expression()),
        },
        (_, Some(distance)) => Recovery::CfaPlus(distance),
        (Term::Register(register), _) => Recovery::Register(*register, value.distance()),
        _ => Recovery::Expression(value.expression()),
    })
}

#[cfg(test)]
mod tests;
