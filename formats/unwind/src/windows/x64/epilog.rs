//! Finds the epilogs of a function of 64-bit x86 in its code: [`Epilogs`].
//!
//! An epilog frees the frame, pops registers, and leaves the function. Nothing else may be between
//! these instructions, so that Windows recognises them (Microsoft, "x64 prolog and epilog"):
//!
//! ```text
//! add rsp, 40      the rule of the function's body holds
//! pop rdi          two words are above the return address
//! pop rbx          one word is
//! ret              none; or a jump to another function
//! ```

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind};

use super::{Frame, Function, RSP, register};
use crate::budget::Budget;
use crate::drops::UnwindDropReason;
use crate::rule::Register;
use crate::windows::image::PeImage;
use crate::windows::pieces::Piece;

/// The registers that a function keeps for its caller: rbx, rsi, rdi, rbp and r12 to r15.
const KEPT: [Register; 8] = [
    Register(3),
    Register(4),
    Register(5),
    Register(6),
    Register(12),
    Register(13),
    Register(14),
    Register(15),
];

/// Looks for epilogs.
pub struct Epilogs<'a> {
    pub image: &'a PeImage<'a>,
    /// Sorted and disjoint.
    pub functions: &'a [Function],
    /// The one that is looked at.
    pub function: Function,
}

/// Instructions that may be the beginning of an epilog.
#[derive(Debug, Default)]
struct Run {
    /// The frame was freed.
    is_freed: bool,
    /// The addresses of `pop` instructions.
    pops: Vec<(u64, Register)>,
}

impl Epilogs<'_> {
    /// The addresses in epilogs from `body` on with their rules. `listed` are numbers of bytes
    /// before the function's end at which epilogs begin.
    pub fn find(
        &self,
        body: u64,
        listed: &[u32],
        budget: &mut Budget,
    ) -> Result<Vec<Piece>, UnwindDropReason> {
        let mut pieces = Vec::new();
        self.scan(self.function.start, body, &mut pieces, budget)?;
        // Data within the code may have hidden some.
        for before_end in listed.iter().filter(|bytes| **bytes > 0) {
            let Some(start) = self.function.end.checked_sub(*before_end) else { continue };
            let is_found = pieces.iter().any(|piece: &Piece| piece.start == u64::from(start));
            if start > self.function.start && !is_found {
                self.scan(start, body, &mut pieces, budget)?;
            }
        }
        Ok(pieces)
    }

    /// Looks through the instructions from `start` on, which cannot be followed past bytes that are
    /// none.
    fn scan(
        &self,
        start: u32,
        body: u64,
        pieces: &mut Vec<Piece>,
        budget: &mut Budget,
    ) -> Result<(), UnwindDropReason> {
        let bytes = self.image.from(start).unwrap_or_default();
        let code_bytes = usize::try_from(self.function.end - start).unwrap_or(usize::MAX);
        let code = &bytes[..bytes.len().min(code_bytes)];
        let mut decoder = Decoder::with_ip(64, code, start.into(), DecoderOptions::NONE);
        let (mut instruction, mut run) = (Instruction::default(), Run::default());
        while decoder.can_decode() {
            budget.spend(1)?;
            decoder.decode_out(&mut instruction);
            if frees_frame(&instruction) {
                run = Run { is_freed: true, pops: Vec::new() };
            } else if let Some(register) = popped(&instruction) {
                run.pops.push((instruction.ip(), register));
            } else {
                if self.leaves(&instruction, &run) {
                    push(&run, &instruction, body, pieces);
                }
                run.is_freed = false;
                run.pops.clear();
            }
        }
        Ok(())
    }

    /// Whether `instruction` ends the function after the instructions in `run`.
    fn leaves(&self, instruction: &Instruction, run: &Run) -> bool {
        match instruction.flow_control() {
            FlowControl::Return => true,
            // A jump within the function, or one through a table, looks the same. Before it, the
            // frame is not freed.
            _ if !run.is_freed && run.pops.is_empty() => false,
            FlowControl::UnconditionalBranch => self.is_elsewhere(instruction.near_branch64()),
            FlowControl::IndirectBranch => true,
            _ => false,
        }
    }

    /// Whether `target` belongs to another function, not to a part of this one.
    fn is_elsewhere(&self, target: u64) -> bool {
        let (start, end) = (u64::from(self.function.start), u64::from(self.function.end));
        if (start..end).contains(&target) {
            return target == start;
        }
        let after = self.functions.partition_point(|function| u64::from(function.start) <= target);
        let function = after.checked_sub(1).and_then(|at| self.functions.get(at));
        let is_part =
            function.filter(|function| target < u64::from(function.end)).is_some_and(|function| {
                let flags = self.image.get(function.info, 1).and_then(|bytes| bytes.first());
                flags.is_some_and(|head| head >> 3 & 4 != 0)
            });
        !is_part
    }
}

/// Whether `instruction` sets the stack pointer to where registers were saved.
fn frees_frame(instruction: &Instruction) -> bool {
    let is_rsp = instruction.op_count() > 0
        && instruction.op0_kind() == OpKind::Register
        && instruction.op0_register() == iced_x86::Register::RSP;
    match instruction.mnemonic() {
        Mnemonic::Leave => true,
        Mnemonic::Add => is_rsp && instruction.op1_kind() != OpKind::Memory,
        Mnemonic::Lea => is_rsp,
        Mnemonic::Mov => is_rsp && instruction.op1_kind() == OpKind::Register,
        _ => false,
    }
}

/// The register that `instruction` pops.
fn popped(instruction: &Instruction) -> Option<Register> {
    let is_pop = instruction.mnemonic() == Mnemonic::Pop
        && instruction.op0_kind() == OpKind::Register
        && instruction.op0_register().is_gpr64();
    let number = is_pop.then(|| u8::try_from(instruction.op0_register().number()).ok())??;
    Some(register(number))
}

/// Adds the rules for `run` and for `last`, which leaves the function. Before the first
/// instruction that frees the frame, the rule of the body holds.
fn push(run: &Run, last: &Instruction, body: u64, pieces: &mut Vec<Piece>) {
    let starts = run.pops.iter().map(|(start, _)| *start).chain([last.ip()]);
    let ends = starts.clone().skip(1).chain([last.next_ip()]);
    for (done, (start, end)) in starts.zip(ends).enumerate() {
        let mut frame = Frame::new(RSP);
        for (_, register) in &run.pops[done..] {
            if KEPT.contains(register) {
                frame.pop(*register);
            } else {
                // It frees a word.
                frame.top = frame.top.plus(8);
            }
        }
        if start >= body {
            let rule = frame.rule(frame.top.plus(8), Ok(frame.top));
            pieces.push(Piece { start, end, rule: Some(rule) });
        }
    }
}
