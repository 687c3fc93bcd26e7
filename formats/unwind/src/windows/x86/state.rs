//! What is known before an instruction of 32-bit x86, by distances from the CFA: [`State`].

use iced_x86::{Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register as X86};

use super::calls::Guess;
use crate::rule::{Cfa, Recovery, Register, Rule};

/// The registers that a function keeps for its caller, and their numbers in DWARF.
const KEPT: [(X86, Register); 4] = [
    (X86::EBP, Register(5)),
    (X86::EBX, Register(3)),
    (X86::ESI, Register(6)),
    (X86::EDI, Register(7)),
];
const ESP: Register = Register(4);
/// Bytes of a word.
const WORD: i32 = 4;

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// What it held in the caller.
    Caller,
    /// The address this number of bytes below the CFA.
    Frame(i32),
    Unknown,
}

/// What is known before an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// How many bytes the stack pointer is below the CFA.
    depth: Option<i32>,
    /// What each register of [`KEPT`] holds.
    contents: [Content; 4],
    /// Where the caller's value of each was saved, in bytes from the CFA.
    saved: [Option<i32>; 4],
}

/// Where the caller's value of a register is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Saved {
    /// In the register.
    InPlace,
    /// This number of bytes from the CFA.
    At(i32),
    Nowhere,
}

/// What a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The CFA is this number of bytes above what the register holds.
    cfa: (Register, i32),
    /// Of each register of [`KEPT`].
    saved: [Saved; 4],
}

impl Known {
    /// The rule in a function of `parameter_bytes` bytes of arguments.
    pub fn rule(&self, parameter_bytes: u32) -> Rule {
        let (register, bytes) = self.cfa;
        let cfa = Cfa::Register(register, bytes.into());
        let mut rule = Rule::new(cfa, Recovery::AtCfa((-WORD).into()));
        for ((_, register), saved) in KEPT.iter().zip(self.saved) {
            match saved {
                Saved::InPlace => {}
                Saved::At(offset) => rule.save(*register, Recovery::AtCfa(offset.into())),
                Saved::Nowhere => rule.save(*register, Recovery::Undefined),
            }
        }
        rule.argument_bytes = parameter_bytes;
        rule
    }
}

/// How many bytes a frame has by a rule that goes by the stack pointer.
pub fn frame_bytes(rule: &Rule) -> Option<i32> {
    match rule.cfa {
        Cfa::Register(ESP, bytes) => i32::try_from(bytes).ok(),
        _ => None,
    }
}

fn kept(register: X86) -> Option<usize> {
    let register = register.full_register32();
    KEPT.iter().position(|(known, _)| *known == register)
}

impl State {
    /// Before the first instruction: the return address is on top of the stack.
    pub fn entry() -> Self {
        Self { depth: Some(WORD), contents: [Content::Caller; 4], saved: [None; 4] }
    }

    /// What is known if either this or `other` holds.
    pub fn joined(&self, other: &Self) -> Self {
        let mut joined = *self;
        joined.depth = self.depth.filter(|_| self.depth == other.depth);
        for at in 0..KEPT.len() {
            if self.contents[at] != other.contents[at] {
                joined.contents[at] = Content::Unknown;
            }
            if self.saved[at] != other.saved[at] {
                joined.saved[at] = None;
            }
        }
        joined
    }

    /// Whether the function may be left: the return address is on top of the stack, or it is not
    /// known what is.
    pub fn may_leave(&self) -> bool {
        self.depth.is_none_or(|depth| depth == WORD)
    }

    /// Whether it is not known where the stack pointer is.
    pub fn is_depth_unknown(&self) -> bool {
        self.depth.is_none()
    }

    /// The return address is `words` words above the stack pointer.
    pub fn set_words(&mut self, words: i32) {
        self.depth = Some(WORD * (words + 1));
    }

    /// What of it a rule says; `None` if the CFA is not known.
    pub fn known(&self) -> Option<Known> {
        let by_register = |at: usize| match self.contents[at] {
            Content::Frame(bytes) => Some((KEPT[at].1, bytes)),
            _ => None,
        };
        let by_stack = || self.depth.map(|depth| (ESP, depth));
        let cfa =
            by_register(0).or_else(by_stack).or_else(|| (1..KEPT.len()).find_map(by_register))?;
        let saved = std::array::from_fn(|at| match (self.contents[at], self.saved[at]) {
            (Content::Caller, _) => Saved::InPlace,
            (_, Some(offset)) => Saved::At(offset),
            (_, None) => Saved::Nowhere,
        });
        Some(Known { cfa, saved })
    }

    /// A call has returned, which took `popped` bytes off the stack. If that is not known, it took
    /// what lies below a frame of `frame_bytes` bytes, or nothing, as `guess` says.
    pub fn call(&mut self, popped: Option<u32>, guess: Guess, frame_bytes: Option<i32>) {
        self.depth = match (popped, guess) {
            (Some(popped), _) => {
                let popped = i32::try_from(popped).ok();
                self.depth.zip(popped).and_then(|(depth, popped)| depth.checked_sub(popped))
            }
            (None, Guess::CallerPops) => self.depth,
            (None, Guess::CalleePops) => {
                self.depth.zip(frame_bytes).map(|(depth, bytes)| depth.min(bytes))
            }
        };
    }

    /// What `instruction` changes, besides what a function does that it calls.
    pub fn step(&mut self, instruction: &Instruction, info: &mut InstructionInfoFactory) {
        let is_register = |operand: u32| instruction.op_kind(operand) == OpKind::Register;
        let operands = instruction.op_count();
        let (first, second) = (instruction.op0_register(), instruction.op1_register());
        match instruction.mnemonic() {
            Mnemonic::Call => {}
            Mnemonic::Push => self.push(instruction),
            Mnemonic::Pop if is_register(0) && first.is_gpr32() => self.pop(first),
            Mnemonic::Mov if operands == 2 && is_register(0) && is_register(1) => {
                self.set(first, self.content(second));
            }
            Mnemonic::Mov if is_register(0) && instruction.op1_kind() == OpKind::Memory => {
                let place = self.address(instruction);
                let is_own =
                    kept(first).is_some_and(|at| place.is_some() && self.saved[at] == place);
                self.set(first, if is_own { Content::Caller } else { Content::Unknown });
            }
            Mnemonic::Mov if instruction.op0_kind() == OpKind::Memory && is_register(1) => {
                self.store(second, self.address(instruction));
            }
            Mnemonic::Lea => {
                let place = self.address(instruction).and_then(i32::checked_neg);
                self.set(first, place.map_or(Content::Unknown, Content::Frame));
            }
            Mnemonic::Add | Mnemonic::Sub if is_register(0) && first.is_gpr32() => {
                self.set(first, self.moved(instruction));
            }
            Mnemonic::Leave => {
                self.set(X86::ESP, self.content(X86::EBP));
                self.pop(X86::EBP);
            }
            _ => self.others(instruction, info),
        }
    }

    /// What `register` holds.
    fn content(&self, register: X86) -> Content {
        match kept(register).filter(|_| register.is_gpr32()) {
            // In another register, the caller's value is of no use.
            Some(at) if self.contents[at] != Content::Caller => self.contents[at],
            None if register == X86::ESP => self.depth.map_or(Content::Unknown, Content::Frame),
            _ => Content::Unknown,
        }
    }

    fn set(&mut self, register: X86, content: Content) {
        if register.full_register32() == X86::ESP {
            self.depth = match content {
                Content::Frame(bytes) if register == X86::ESP => Some(bytes),
                _ => None,
            };
        } else if let Some(at) = kept(register) {
            self.contents[at] = if register.is_gpr32() { content } else { Content::Unknown };
        }
    }

    /// The address in memory that `instruction` tells of, in bytes from the CFA.
    fn address(&self, instruction: &Instruction) -> Option<i32> {
        let has_index = instruction.memory_index() != X86::None;
        let displacement = instruction.memory_displacement32().cast_signed();
        match self.content(instruction.memory_base()) {
            Content::Frame(bytes) if !has_index => displacement.checked_sub(bytes),
            _ => None,
        }
    }

    fn push(&mut self, instruction: &Instruction) {
        self.depth =
            self.depth.and_then(|depth| depth.checked_sub(instruction.stack_pointer_increment()));
        if instruction.op0_kind() == OpKind::Register && instruction.op0_register().is_gpr32() {
            self.store(instruction.op0_register(), self.depth.and_then(i32::checked_neg));
        }
    }

    /// `register` is stored at `place`, where it is saved if it holds what the caller had in it.
    fn store(&mut self, register: X86, place: Option<i32>) {
        let is_own = place.is_some_and(|place| place < 0);
        if let Some(at) = kept(register).filter(|_| is_own && register.is_gpr32())
            && self.contents[at] == Content::Caller
            && self.saved[at].is_none()
        {
            self.saved[at] = place;
        }
    }

    fn pop(&mut self, register: X86) {
        let place = self.depth.and_then(i32::checked_neg);
        self.depth = self.depth.and_then(|depth| depth.checked_sub(WORD));
        let content = match kept(register) {
            Some(at) if place.is_some() && self.saved[at] == place => {
                // The memory may be written over from now on.
                self.saved[at] = None;
                Content::Caller
            }
            _ => Content::Unknown,
        };
        self.set(register, content);
    }

    /// What the first operand holds once `instruction` has added or subtracted the second.
    fn moved(&self, instruction: &Instruction) -> Content {
        let is_number =
            matches!(instruction.op1_kind(), OpKind::Immediate8to32 | OpKind::Immediate32);
        let number = second_number(instruction);
        match self.content(instruction.op0_register()) {
            Content::Frame(bytes) if is_number => {
                let bytes = if instruction.mnemonic() == Mnemonic::Add {
                    bytes.checked_sub(number)
                } else {
                    bytes.checked_add(number)
                };
                bytes.map_or(Content::Unknown, Content::Frame)
            }
            _ => Content::Unknown,
        }
    }

    /// An instruction of which only the registers matter that it writes.
    fn others(&mut self, instruction: &Instruction, info: &mut InstructionInfoFactory) {
        let increment = instruction.stack_pointer_increment();
        for used in info.info(instruction).used_registers() {
            let is_written = matches!(
                used.access(),
                OpAccess::Write
                    | OpAccess::CondWrite
                    | OpAccess::ReadWrite
                    | OpAccess::ReadCondWrite
            );
            let is_stack = used.register().full_register32() == X86::ESP;
            if is_stack && increment != 0 {
                continue;
            }
            if is_written {
                self.set(used.register(), Content::Unknown);
            }
        }
        if increment != 0 {
            self.depth = self.depth.and_then(|depth| depth.checked_sub(increment));
        }
    }
}

/// The second operand of `instruction`, a number of 8 or 32 bits.
fn second_number(instruction: &Instruction) -> i32 {
    if instruction.op1_kind() == OpKind::Immediate8to32 {
        instruction.immediate8to32()
    } else {
        instruction.immediate32().cast_signed()
    }
}
