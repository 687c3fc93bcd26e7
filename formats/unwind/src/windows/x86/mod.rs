//! Follows the code of a function of 32-bit x86, which shows what frame data does not say: what the
//! stack pointer is between the instructions that push arguments, and in epilogs.
//!
//! ```text
//! code.rs   the instructions
//! state.rs  what is known before an instruction, and what instructions change
//! calls.rs  what calls take off the stack
//! ```
//!
//! What is found is only kept if it is consistent: at each exit the return address has to be on top
//! of the stack.

mod calls;
mod code;
mod state;

use iced_x86::{FlowControl, Instruction, InstructionInfoFactory};

use super::image::PeImage;
use super::pieces::Piece;
use crate::budget::Budget;
use crate::drops::UnwindDropReason;
use calls::{Calls, Guess};
use code::Code;
use state::{Known, State};

/// A function that frame data tells of.
#[derive(Clone, Copy, Debug)]
pub struct CodeFunction {
    pub start: u64,
    pub end: u64,
    pub parameter_bytes: u32,
}

/// Reads functions.
pub struct CodeReader<'a> {
    image: &'a PeImage<'a>,
    calls: Calls<'a>,
    budget: Budget,
    code: Code<'a>,
    /// Memory for [`Walk::states`].
    states: Vec<Option<State>>,
    info: InstructionInfoFactory,
}

impl<'a> CodeReader<'a> {
    /// Reads functions of `image`; `functions` are all that are known, sorted by address.
    pub fn new(image: &'a PeImage<'a>, functions: &'a [CodeFunction]) -> Self {
        Self {
            image,
            calls: Calls::new(image, functions),
            budget: Budget::for_bytes(image.len()),
            code: Code::default(),
            states: Vec::new(),
            info: InstructionInfoFactory::new(),
        }
    }

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
        self.code.go_to(self.image, function.start, function.end);
        for guess in [Guess::CalleePops, Guess::CallerPops] {
            let mut walk = Walk::new(function, frame_data, guess, self);
            walk.run()?;
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
struct Walk<'w, 'a> {
    function: CodeFunction,
    frame_data: &'w [Piece],
    guess: Guess,
    calls: &'w mut Calls<'a>,
    budget: &'w mut Budget,
    code: &'w mut Code<'a>,
    /// What is known before each instruction that was reached, by its number.
    states: &'w mut Vec<Option<State>>,
    info: &'w mut InstructionInfoFactory,
    /// How many were reached.
    reached: usize,
    to_do: Vec<(u64, State)>,
    /// What is known before jumps to addresses that a table has.
    at_table: Option<State>,
    has_guessed: bool,
    is_consistent: bool,
}

impl<'w, 'a> Walk<'w, 'a> {
    fn new(
        function: CodeFunction,
        frame_data: &'w [Piece],
        guess: Guess,
        reader: &'w mut CodeReader<'a>,
    ) -> Self {
        reader.states.clear();
        Self {
            function,
            frame_data,
            guess,
            calls: &mut reader.calls,
            budget: &mut reader.budget,
            code: &mut reader.code,
            states: &mut reader.states,
            info: &mut reader.info,
            reached: 0,
            to_do: vec![(function.start, State::entry())],
            at_table: None,
            has_guessed: false,
            is_consistent: true,
        }
    }

    fn run(&mut self) -> Result<(), UnwindDropReason> {
        loop {
            while let Some((address, state)) = self.to_do.pop() {
                self.follow(address, state)?;
            }
            let Some(state) = self.at_table.filter(|_| self.is_consistent) else {
                return Ok(());
            };
            // What follows a jump by a table is where the table leads.
            self.budget.spend(self.reached)?;
            let Some(address) = self.unreached() else { return Ok(()) };
            self.to_do.push((address, state));
        }
    }

    /// Follows the instructions from `address` on, up to one that was reached in the same state.
    fn follow(&mut self, mut address: u64, mut state: State) -> Result<(), UnwindDropReason> {
        while (self.function.start..self.function.end).contains(&address) && self.is_consistent {
            self.budget.spend(4)?;
            if state.is_depth_unknown()
                && let Some(words) = self.words_before_return(address)
            {
                state.set_words(words);
            }
            let Some(instruction) = self.code.at(address) else { break };
            if !self.reach(address, &mut state) {
                break;
            }
            let may_leave = state.may_leave();
            let mut after = state;
            after.step(&instruction, self.info);
            address = instruction.next_ip();
            match instruction.flow_control() {
                FlowControl::Next => {}
                FlowControl::ConditionalBranch | FlowControl::XbeginXabortXend => {
                    self.to_do.push((instruction.near_branch64(), after));
                }
                FlowControl::UnconditionalBranch => {
                    address = instruction.near_branch64();
                    if !(self.function.start..self.function.end).contains(&address) {
                        self.is_consistent &= may_leave;
                    }
                }
                FlowControl::Call | FlowControl::IndirectCall => {
                    let before = self.frame_bytes(instruction.ip());
                    let next = self.code.at(address);
                    let popped = self.calls.popped(&instruction, next.as_ref(), self.budget)?;
                    self.has_guessed |= popped.is_none();
                    after.call(popped, self.guess, before);
                }
                FlowControl::IndirectBranch => {
                    let joined = self.at_table.map(|known| after.joined(&known));
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

    /// Joins `state` with what was known before the instruction at `address`; false if that tells
    /// nothing new.
    fn reach(&mut self, address: u64, state: &mut State) -> bool {
        let Some(number) = self.code.number(address) else { return false };
        if number >= self.states.len() {
            self.states.resize(number + 1, None);
        }
        match &mut self.states[number] {
            Some(known) => {
                *state = state.joined(known);
                if state == known {
                    return false;
                }
                *known = *state;
            }
            unknown => {
                *unknown = Some(*state);
                self.reached += 1;
            }
        }
        true
    }

    /// The instructions that were reached and what is known before each, by address.
    fn states(&self) -> impl Iterator<Item = (&Instruction, &State)> {
        let state = |number: usize| self.states.get(number)?.as_ref();
        self.code
            .decoded()
            .filter_map(move |(number, instruction)| Some((instruction, state(number)?)))
    }

    /// The first address behind an instruction that was not reached and is no padding.
    fn unreached(&mut self) -> Option<u64> {
        let nexts: Vec<u64> = self
            .states()
            .map(|(instruction, _)| instruction.next_ip())
            .filter(|next| *next < self.function.end)
            .collect();
        nexts.into_iter().find_map(|mut address| {
            while address < self.function.end {
                let instruction = self.code.at(address)?;
                let number = self.code.number(address)?;
                if self.states.get(number).is_some_and(Option::is_some) {
                    return None;
                }
                if !is_padding(&instruction) {
                    return Some(address);
                }
                address = instruction.next_ip();
            }
            None
        })
    }

    /// How many words the instructions at `address` pop before they return, if they do nothing
    /// else.
    fn words_before_return(&mut self, mut address: u64) -> Option<i32> {
        // One for each register that a function keeps.
        for words in 0..=4 {
            let instruction = self.code.at(address)?;
            if instruction.flow_control() == FlowControl::Return {
                return Some(words);
            }
            let is_pop = instruction.mnemonic() == iced_x86::Mnemonic::Pop;
            (is_pop && instruction.op0_register().is_gpr32()).then_some(())?;
            address = instruction.next_ip();
        }
        None
    }

    /// How many bytes frame data says that the frame has at `address`.
    fn frame_bytes(&self, address: u64) -> Option<i32> {
        let after = self.frame_data.partition_point(|piece| piece.start <= address);
        let piece = self.frame_data.get(after.checked_sub(1)?)?;
        state::frame_bytes(piece.rule.as_ref()?)
    }

    /// The addresses that were reached, with their rules.
    fn pieces(&self) -> Vec<Piece> {
        let mut runs: Vec<(u64, u64, Option<Known>)> = Vec::new();
        for (instruction, state) in self.states() {
            let (start, end) = (instruction.ip(), instruction.next_ip());
            let known = state.known();
            match runs.last_mut() {
                // Instructions may overlap if data was taken for code.
                Some((_, last, _)) if *last > start => {}
                Some((_, last, before)) if *last == start && *before == known => *last = end,
                _ => runs.push((start, end, known)),
            }
        }
        let piece = |(start, end, known): (u64, u64, Option<Known>)| {
            let rule = known?.rule(self.function.parameter_bytes);
            Some(Piece { start, end: end.min(self.function.end), rule: Some(rule) })
        };
        runs.into_iter().filter_map(piece).collect()
    }
}

fn is_padding(instruction: &Instruction) -> bool {
    use iced_x86::Mnemonic::{Int3, Nop};
    matches!(instruction.mnemonic(), Int3 | Nop)
}

#[cfg(test)]
mod tests;
