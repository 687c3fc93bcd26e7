//! Follows the code of a function of 32-bit x86, which shows what frame data does not say: what the
//! stack pointer is between the instructions that push arguments, and in epilogs.
//!
//! ```text
//! state.rs  what is known before an instruction, and what instructions change
//! calls.rs  what calls take off the stack
//! ```
//!
//! What is found is only kept if it is consistent: at each exit the return address has to be on top
//! of the stack.

mod calls;
mod state;

use std::collections::BTreeMap;

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory};

use super::image::PeImage;
use super::pieces::Piece;
use crate::budget::Budget;
use crate::drops::UnwindDropReason;
pub use calls::Calls;
use calls::Guess;
use state::State;

/// A function that frame data tells of.
#[derive(Clone, Copy, Debug)]
pub struct CodeFunction {
    pub start: u64,
    pub end: u64,
    pub parameter_bytes: u32,
}

/// Reads functions.
pub struct CodeReader<'a> {
    pub image: &'a PeImage<'a>,
    pub calls: Calls<'a>,
    pub budget: Budget,
}

impl CodeReader<'_> {
    /// The pieces of `function` that its code shows. `frame_data` has its rules as frame data tells
    /// them.
    ///
    /// # Errors
    /// [`UnwindDropReason::TooMuchWork`].
    pub fn read(
        &mut self,
        function: CodeFunction,
        frame_data: &[Piece],
    ) -> Result<Vec<Piece>, UnwindDropReason> {
        for guess in [Guess::CalleePops, Guess::CallerPops] {
            let mut walk = Walk::new(function, frame_data, guess);
            walk.run(self)?;
            if walk.is_consistent {
                return Ok(walk.pieces());
            }
            if !walk.has_guessed {
                break;
            }
        }
        Ok(Vec::new())
    }
}

/// A walk through the instructions of a function.
struct Walk<'a> {
    function: CodeFunction,
    frame_data: &'a [Piece],
    guess: Guess,
    /// What is known before each instruction that was reached, and where the next one begins.
    states: BTreeMap<u64, (State, u64)>,
    to_do: Vec<(u64, State)>,
    /// What is known before jumps to addresses that a table has.
    at_table: Option<State>,
    has_guessed: bool,
    is_consistent: bool,
}

impl<'a> Walk<'a> {
    fn new(function: CodeFunction, frame_data: &'a [Piece], guess: Guess) -> Self {
        Self {
            function,
            frame_data,
            guess,
            states: BTreeMap::new(),
            to_do: vec![(function.start, State::entry())],
            at_table: None,
            has_guessed: false,
            is_consistent: true,
        }
    }

    fn run(&mut self, reader: &mut CodeReader<'_>) -> Result<(), UnwindDropReason> {
        let mut info = InstructionInfoFactory::new();
        loop {
            while let Some((address, state)) = self.to_do.pop() {
                self.follow(address, state, reader, &mut info)?;
            }
            let Some(state) = self.at_table.clone().filter(|_| self.is_consistent) else {
                return Ok(());
            };
            // What follows a jump by a table is where the table leads.
            reader.budget.spend(self.states.len())?;
            let Some(address) = self.unreached(reader) else { return Ok(()) };
            self.to_do.push((address, state));
        }
    }

    /// Follows the instructions from `address` on, up to one that was reached in the same state.
    fn follow(
        &mut self,
        mut address: u64,
        mut state: State,
        reader: &mut CodeReader<'_>,
        info: &mut InstructionInfoFactory,
    ) -> Result<(), UnwindDropReason> {
        while (self.function.start..self.function.end).contains(&address) && self.is_consistent {
            reader.budget.spend(4)?;
            if state.is_depth_unknown()
                && let Some(words) = words_before_return(reader.image, address)
            {
                state.set_words(words);
            }
            if let Some((known, _)) = self.states.get(&address) {
                state = state.joined(known);
                if state == *known {
                    break;
                }
            }
            let Some(instruction) = decode(reader.image, address) else { break };
            self.states.insert(address, (state.clone(), instruction.next_ip()));
            let may_leave = state.may_leave();
            let mut after = state;
            after.step(&instruction, info);
            address = instruction.next_ip();
            match instruction.flow_control() {
                FlowControl::Next => {}
                FlowControl::ConditionalBranch | FlowControl::XbeginXabortXend => {
                    self.to_do.push((instruction.near_branch64(), after.clone()));
                }
                FlowControl::UnconditionalBranch => {
                    address = instruction.near_branch64();
                    if !(self.function.start..self.function.end).contains(&address) {
                        self.is_consistent &= may_leave;
                    }
                }
                FlowControl::Call | FlowControl::IndirectCall => {
                    let before = self.frame_bytes(instruction.ip());
                    let next = decode(reader.image, address);
                    let popped =
                        reader.calls.popped(&instruction, next.as_ref(), &mut reader.budget)?;
                    self.has_guessed |= popped.is_none();
                    after.call(popped, self.guess, before);
                }
                FlowControl::IndirectBranch => {
                    let joined = self.at_table.as_ref().map(|known| after.joined(known));
                    self.at_table = Some(joined.unwrap_or(after));
                    break;
                }
                FlowControl::Return => {
                    self.is_consistent &= may_leave;
                    break;
                }
                FlowControl::Interrupt | FlowControl::Exception => break,
            }
            state = after;
        }
        Ok(())
    }

    /// The first address behind an instruction that was not reached and is no padding.
    fn unreached(&self, reader: &CodeReader<'_>) -> Option<u64> {
        let nexts = self.states.values().map(|(_, next)| *next);
        nexts.filter(|next| *next < self.function.end).find_map(|next| {
            let mut address = next;
            while !self.states.contains_key(&address) && address < self.function.end {
                let instruction = decode(reader.image, address)?;
                if !is_padding(&instruction) {
                    return Some(address);
                }
                address = instruction.next_ip();
            }
            None
        })
    }

    /// How many bytes frame data says that the frame has at `address`.
    fn frame_bytes(&self, address: u64) -> Option<i32> {
        let after = self.frame_data.partition_point(|piece| piece.start <= address);
        let piece = self.frame_data.get(after.checked_sub(1)?)?;
        state::frame_bytes(piece.rule.as_ref()?)
    }

    /// The addresses that were reached, with their rules.
    fn pieces(&self) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        for (start, (state, end)) in &self.states {
            let rule = state.rule(self.function.parameter_bytes);
            match pieces.last_mut() {
                // Instructions may overlap if data was taken for code.
                Some(last) if last.end > *start => {}
                Some(last) if last.end == *start && last.rule == rule => last.end = *end,
                _ => pieces.push(Piece { start: *start, end: *end, rule }),
            }
        }
        pieces.retain(|piece: &Piece| piece.rule.is_some());
        for piece in &mut pieces {
            piece.end = piece.end.min(self.function.end);
        }
        pieces
    }
}

/// The instruction at `address`; `None` if there is none.
fn decode(image: &PeImage<'_>, address: u64) -> Option<Instruction> {
    let bytes = image.from(u32::try_from(address).ok()?)?;
    let instruction = Decoder::with_ip(32, bytes, address, DecoderOptions::NONE).decode();
    (!instruction.is_invalid()).then_some(instruction)
}

/// How many words the instructions at `address` pop before they return, if they do nothing else.
fn words_before_return(image: &PeImage<'_>, mut address: u64) -> Option<i32> {
    // One for each register that a function keeps.
    for words in 0..=4 {
        let instruction = decode(image, address)?;
        if instruction.flow_control() == FlowControl::Return {
            return Some(words);
        }
        let is_pop = instruction.mnemonic() == iced_x86::Mnemonic::Pop;
        (is_pop && instruction.op0_register().is_gpr32()).then_some(())?;
        address = instruction.next_ip();
    }
    None
}

fn is_padding(instruction: &Instruction) -> bool {
    use iced_x86::Mnemonic::{Int3, Nop};
    matches!(instruction.mnemonic(), Int3 | Nop)
}

#[cfg(test)]
mod tests;
