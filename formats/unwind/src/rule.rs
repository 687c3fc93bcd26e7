//! Says how the frame of a caller is found from the registers and the stack of the function that it
//! called.

use std::hash::{Hash, Hasher};

/// A register by its number in DWARF, which each architecture's ABI defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Register(pub u16);

/// The canonical frame address: what the stack pointer is once the function has returned, before
/// its caller removes arguments (DWARF 5, section 6.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cfa {
    /// The value of a register plus a number of bytes.
    Register(Register, i64),
    /// What a DWARF expression computes, which begins with an empty stack.
    Expression(Box<[u8]>),
}

/// How a value that a register had in the caller is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Recovery {
    /// It is lost. For the return address: there is no caller.
    Undefined,
    /// The function has not changed it.
    SameValue,
    /// In memory, this number of bytes from the CFA.
    AtCfa(i64),
    /// The CFA plus this number of bytes.
    CfaPlus(i64),
    /// The value that another register has now, plus a number of bytes.
    Register(Register, i64),
    /// In memory at the address that a DWARF expression computes; the CFA is on its stack.
    AtExpression(Box<[u8]>),
    /// What a DWARF expression computes; the CFA is on its stack.
    Expression(Box<[u8]>),
}

/// What else is known of the addresses that a rule is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleFlags(u8);

impl RuleFlags {
    /// The frame below was interrupted, not called: its address is that of the next instruction,
    /// not of one after a call.
    pub const SIGNAL_FRAME: Self = Self(1);
    /// There is no caller.
    pub const END_OF_STACK: Self = Self(2);
    /// The function has no unwind data because it changes neither the stack nor any register that
    /// its caller keeps.
    pub const LEAF: Self = Self(4);
    /// The rule may be wrong in the function's prolog and epilog: the format does not describe
    /// them.
    pub const BODY_ONLY: Self = Self(8);
    /// Before the rule is applied, the argument bytes of the frame below are added to the stack
    /// pointer: they are still on the stack ([`Rule::argument_bytes`]).
    pub const CALLEE_ARGUMENTS: Self = Self(16);
    /// The return address carries a pointer authentication code.
    pub const SIGNED_RETURN_ADDRESS: Self = Self(32);

    /// All bits that have a meaning.
    const ALL: u8 = 63;

    /// The bits, as [`RuleFlags::from_bits`] takes them.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Flags of these bits; `None` if one of them has no meaning.
    pub fn from_bits(bits: u8) -> Option<Self> {
        (bits & !Self::ALL == 0).then_some(Self(bits))
    }

    /// Whether all flags of `other` are set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Sets the flags of `other`.
    pub fn set(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Sets the flags of `other`, or clears them.
    pub fn set_if(&mut self, other: Self, set: bool) {
        self.0 = if set { self.0 | other.0 } else { self.0 & !other.0 };
    }
}

/// How the frame of the caller is found.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// Where the frame ends.
    pub cfa: Cfa,
    /// The address that the function returns to.
    pub return_address: Recovery,
    /// Registers of the caller that the function has changed, sorted by number, each once. All
    /// others have the value they have; the stack pointer that of the CFA.
    saved: Vec<(Register, Recovery)>,
    /// What else is known.
    pub flags: RuleFlags,
    /// How many bytes of arguments the function removes from the stack as it returns (`stdcall` on
    /// 32-bit Windows).
    pub argument_bytes: u32,
}

impl Rule {
    /// A rule without saved registers.
    pub fn new(cfa: Cfa, return_address: Recovery) -> Self {
        Self {
            cfa,
            return_address,
            saved: Vec::new(),
            flags: RuleFlags::default(),
            argument_bytes: 0,
        }
    }

    /// A rule for addresses that nothing calls.
    pub fn end_of_stack() -> Self {
        let mut rule = Self::new(Cfa::Expression(Box::default()), Recovery::Undefined);
        rule.flags.set(RuleFlags::END_OF_STACK);
        rule
    }

    /// Says how `register` is recovered, instead of what was said of it before.
    pub fn save(&mut self, register: Register, recovery: Recovery) {
        match self.saved.binary_search_by_key(&register, |(known, _)| *known) {
            Ok(at) => self.saved[at].1 = recovery,
            Err(at) => self.saved.insert(at, (register, recovery)),
        }
    }

    /// Says that the function has not changed `register`, instead of what was said of it before.
    pub fn keep(&mut self, register: Register) {
        if let Ok(at) = self.saved.binary_search_by_key(&register, |(known, _)| *known) {
            self.saved.remove(at);
        }
    }

    /// Whether it says where the frame ends, or that there is no caller.
    pub(crate) fn is_complete(&self) -> bool {
        let has_cfa = !matches!(&self.cfa, Cfa::Expression(bytes) if bytes.is_empty());
        has_cfa || self.flags.has(RuleFlags::END_OF_STACK)
    }

    /// The registers that the function has changed, sorted by number.
    pub fn saved(&self) -> &[(Register, Recovery)] {
        &self.saved
    }

    /// How `register` is recovered; [`Recovery::SameValue`] if the rule does not name it.
    pub fn recovery(&self, register: Register) -> &Recovery {
        self.saved
            .binary_search_by_key(&register, |(known, _)| *known)
            .map_or(&Recovery::SameValue, |at| &self.saved[at].1)
    }
}

/// One number for each register: each row of a module is looked up by its rule.
impl Hash for Rule {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.cfa {
            Cfa::Register(register, offset) => state.write_u64(number(0, *register, *offset)),
            Cfa::Expression(bytes) => bytes.hash(state),
        }
        hash_recovery(Register(u16::MAX), &self.return_address, state);
        for (register, recovery) in &self.saved {
            hash_recovery(*register, recovery, state);
        }
        state.write_u64(u64::from(self.flags.0) << 32 | u64::from(self.argument_bytes));
    }
}

fn hash_recovery<H: Hasher>(register: Register, recovery: &Recovery, state: &mut H) {
    match recovery {
        Recovery::Undefined => state.write_u64(number(1, register, 0)),
        Recovery::SameValue => state.write_u64(number(2, register, 0)),
        Recovery::AtCfa(offset) => state.write_u64(number(3, register, *offset)),
        Recovery::CfaPlus(offset) => state.write_u64(number(4, register, *offset)),
        Recovery::Register(other, offset) => {
            state.write_u64(number(5, register, *offset));
            state.write_u16(other.0);
        }
        Recovery::AtExpression(bytes) => {
            state.write_u64(number(6, register, 0));
            bytes.hash(state);
        }
        Recovery::Expression(bytes) => {
            state.write_u64(number(7, register, 0));
            bytes.hash(state);
        }
    }
}

/// A number that is rarely the same for others; offsets have few bytes.
fn number(kind: u64, register: Register, offset: i64) -> u64 {
    (kind << 16 | u64::from(register.0)) << 40 ^ offset.cast_unsigned()
}

impl Clone for Rule {
    fn clone(&self) -> Self {
        let Self { cfa, return_address, saved, flags, argument_bytes } = self;
        Self {
            cfa: cfa.clone(),
            return_address: return_address.clone(),
            saved: saved.clone(),
            flags: *flags,
            argument_bytes: *argument_bytes,
        }
    }

    /// Readers do this for each function: no memory is allocated if the rule has had enough.
    fn clone_from(&mut self, source: &Self) {
        let Self { cfa, return_address, saved, flags, argument_bytes } = source;
        self.cfa.clone_from(cfa);
        self.return_address.clone_from(return_address);
        self.saved.clone_from(saved);
        self.flags = *flags;
        self.argument_bytes = *argument_bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_sorted_and_said_once() {
        let mut rule = Rule::new(Cfa::Register(Register(7), 8), Recovery::AtCfa(-8));
        for (register, offset) in [(6, -16), (3, -24), (6, -32)] {
            rule.save(Register(register), Recovery::AtCfa(offset));
        }
        let want = [(3, -24), (6, -32)].map(|(r, offset)| (Register(r), Recovery::AtCfa(offset)));
        assert_eq!(rule.saved(), want);
        assert_eq!(rule.recovery(Register(6)), &Recovery::AtCfa(-32));
        assert_eq!(rule.recovery(Register(5)), &Recovery::SameValue);
        rule.keep(Register(3));
        assert_eq!(rule.saved(), &want[1..]);
        let mut copy = Rule::end_of_stack();
        copy.clone_from(&rule);
        assert_eq!(copy, rule);
    }

    #[test]
    fn flags_without_a_meaning_are_refused() {
        let mut flags = RuleFlags::LEAF;
        flags.set(RuleFlags::SIGNED_RETURN_ADDRESS);
        assert_eq!(RuleFlags::from_bits(flags.bits()), Some(flags));
        assert!(flags.has(RuleFlags::LEAF) && !flags.has(RuleFlags::SIGNAL_FRAME));
        assert_eq!(RuleFlags::from_bits(64), None);
    }
}
