//! Tells how many bytes of arguments a call takes off the stack: [`Calls`].

use hashbrown::HashMap;
use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind, Register};

use super::CodeFunction;
use crate::budget::Budget;
use crate::drops::UnwindDropReason;
use crate::windows::image::PeImage;

/// Who is taken to remove arguments from the stack where that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    CalleePops,
    CallerPops,
}

/// What is known of functions that are called.
pub struct Calls<'a> {
    image: &'a PeImage<'a>,
    /// Sorted by address.
    functions: &'a [CodeFunction],
    /// By where functions begin.
    popped: HashMap<u64, Option<u32>>,
}

impl<'a> Calls<'a> {
    pub fn new(image: &'a PeImage<'a>, functions: &'a [CodeFunction]) -> Self {
        Self { image, functions, popped: HashMap::new() }
    }

    /// How many bytes `call` takes off the stack, where `next` follows it.
    /// `None` if that is not known.
    pub fn popped(
        &mut self,
        call: &Instruction,
        next: Option<&Instruction>,
        budget: &mut Budget,
    ) -> Result<Option<u32>, UnwindDropReason> {
        let is_direct = call.flow_control() == FlowControl::Call;
        if is_direct && let Some(popped) = self.popped_by(call.near_branch64(), budget)? {
            return Ok(Some(popped));
        }
        Ok(next.and_then(popped_before))
    }

    /// How many bytes the function at `start` takes off the stack as it returns.
    fn popped_by(
        &mut self,
        start: u64,
        budget: &mut Budget,
    ) -> Result<Option<u32>, UnwindDropReason> {
        if let Some(popped) = self.popped.get(&start) {
            return Ok(*popped);
        }
        let at = self.functions.binary_search_by_key(&start, |function| function.start);
        let function = at.ok().and_then(|at| self.functions.get(at));
        let popped = match function {
            Some(function) => self.read(*function, budget)?,
            None => None,
        };
        self.popped.insert(start, popped);
        Ok(popped)
    }

    /// The operand of the first instruction that returns.
    fn read(
        &self,
        function: CodeFunction,
        budget: &mut Budget,
    ) -> Result<Option<u32>, UnwindDropReason> {
        let bytes = u32::try_from(function.start).ok().and_then(|start| self.image.from(start));
        let count = usize::try_from(function.end - function.start).unwrap_or(usize::MAX);
        let bytes = bytes.unwrap_or_default();
        let code = &bytes[..bytes.len().min(count)];
        let decoder = Decoder::with_ip(32, code, function.start, DecoderOptions::NONE);
        for instruction in decoder {
            budget.spend(1)?;
            if instruction.flow_control() == FlowControl::Return {
                let has_operand = instruction.op_count() == 1;
                return Ok(Some(if has_operand { instruction.immediate16().into() } else { 0 }));
            }
        }
        Ok(None)
    }
}

/// What a call has taken off the stack if `next`, which follows it, frees or restores the room for
/// arguments.
fn popped_before(next: &Instruction) -> Option<u32> {
    let is_esp = next.op_count() == 2
        && next.op0_kind() == OpKind::Register
        && next.op0_register() == Register::ESP;
    if !is_esp {
        return None;
    }
    match (next.mnemonic(), next.op1_kind()) {
        (Mnemonic::Add, OpKind::Immediate8to32 | OpKind::Immediate32) => Some(0),
        (Mnemonic::Sub, OpKind::Immediate8to32) => u32::try_from(next.immediate8to32()).ok(),
        (Mnemonic::Sub, OpKind::Immediate32) => Some(next.immediate32()),
        _ => None,
    }
}
