//! Walks one thread after the other, within the limits of a dump.

use symtool_unwind::apply::Registers;
use symtool_unwind::{Cfa, Recovery, RuleFlags};

use super::map::ModuleMap;
use super::processor::Processor;
use super::stack::Stack;
use super::step::Found;
use super::{FoundRule, FrameTrust, ModuleUse, UnwindRows, WalkEnd, WalkFrame, WalkedThread};
use crate::limits;
use crate::read::Minidump;
use crate::read::system::Cpu;

/// Addresses below are never code: no system maps them.
const FIRST_CODE: u64 = 4096;

/// What all walks of a dump share.
pub struct ThreadWalker<'d, 'r, R> {
    pub dump: &'d Minidump<'d>,
    map: &'d ModuleMap,
    rows: &'r mut R,
    uses: Vec<ModuleUse>,
    steps_left: u64,
}

/// Where a walk is.
pub struct Position {
    pub registers: Registers,
    pub pc: u64,
    pub sp: u64,
    /// Whether the function was interrupted at `pc`; else it called something before it.
    pub is_exact: bool,
    /// The bytes of arguments that the function called removes from the stack.
    pub argument_bytes: u32,
}

impl Position {
    /// An address in the instruction that the function is at: the one that it was interrupted at,
    /// or the call.
    pub fn lookup(&self) -> u64 {
        if self.is_exact { self.pc } else { self.pc.wrapping_sub(1) }
    }
}

impl<'d, 'r, R: UnwindRows> ThreadWalker<'d, 'r, R> {
    pub fn new(dump: &'d Minidump<'d>, map: &'d ModuleMap, rows: &'r mut R) -> Self {
        let uses = vec![ModuleUse::default(); dump.modules.len()];
        Self { dump, map, rows, uses, steps_left: limits::MAX_WALK_STEPS }
    }

    pub fn into_uses(self) -> Vec<ModuleUse> {
        self.uses
    }

    /// Walks a thread, and keeps the first `most` frames.
    pub fn walk(&mut self, thread: &mut WalkedThread, most: usize) {
        let Some(context) = &thread.context else { return };
        let Some(processor) = self.dump.processor(context, self.map) else {
            thread.end = WalkEnd::UnknownProcessor;
            return;
        };
        let stack = Stack::new(&self.dump.memory, self.dump.endian(), context.sp());
        let mut at = Position {
            registers: Processor::registers(context),
            pc: processor.strip(context.pc()),
            sp: context.sp(),
            is_exact: true,
            argument_bytes: 0,
        };
        let mut frames = FrameList { most, kept: Vec::new(), left_out: 0, outside: 0 };
        frames.push(self.frame(&at, FrameTrust::Context));
        let mut changes = 0;
        thread.end = loop {
            if !self.take_step() {
                break WalkEnd::TooManySteps;
            }
            let found = match self.caller(&at, processor, &stack) {
                Ok(found) => found,
                Err(end) => break end,
            };
            changes += u32::from(found.caller.sp < at.sp);
            if changes > limits::MAX_STACK_CHANGES {
                break WalkEnd::NoCaller;
            }
            at = found.caller;
            frames.push(self.frame(&at, found.trust));
        };
        // The outermost return address may be anything: it is a frame only if it is code.
        while frames.ends_outside(self.dump) {
            frames.pop();
        }
        frames.kept.shrink_to_fit();
        (thread.frames, thread.frames_left_out) = (frames.kept, frames.left_out);
    }

    /// Finds the caller, and sees whether there is one.
    fn caller(
        &mut self,
        at: &Position,
        processor: Processor,
        stack: &Stack<'_>,
    ) -> Result<Found, WalkEnd> {
        let found = self.step(at, processor, stack)?;
        if found.caller.pc >= FIRST_CODE || found.caller.is_exact {
            return Ok(found);
        }
        let below = found.caller.sp.saturating_sub(processor.word());
        let zeros = stack.zeros_around(below, limits::MIN_HOLE_BYTES);
        let is_hole = zeros >= limits::MIN_HOLE_BYTES;
        Err(if is_hole { WalkEnd::Zeros(below) } else { WalkEnd::EndOfStack })
    }

    fn frame(&mut self, at: &Position, trust: FrameTrust) -> WalkFrame {
        let module = self.map.at(at.lookup());
        let place = module.and_then(|module| usize::try_from(module).ok());
        if let Some(used) = place.and_then(|place| self.uses.get_mut(place)) {
            used.is_visited = true;
        }
        let module = module.unwrap_or(u32::MAX);
        WalkFrame { address: at.pc, module, trust, is_exact: at.is_exact }
    }

    /// Takes a step off the dump's budget. Whether there was one.
    pub fn take_step(&mut self) -> bool {
        let left = self.steps_left.checked_sub(1);
        self.steps_left = left.unwrap_or_default();
        left.is_some()
    }

    /// Whether a module has `address`.
    pub fn is_in_module(&self, address: u64) -> bool {
        self.map.at(address).is_some()
    }

    /// The row for an address that is running or has called something, and the address in the
    /// module; `None` if no module has it.
    pub fn find(&mut self, address: u64) -> Option<(FoundRule<'_>, u64)> {
        let module = usize::try_from(self.map.at(address)?).ok()?;
        let offset = address - self.dump.modules.get(module)?.base;
        let found = self.rows.find(module, offset);
        if matches!(found, FoundRule::NoData)
            && let Some(used) = self.uses.get_mut(module)
        {
            used.lacks_rows = true;
        }
        Some((found, offset))
    }

    fn look_up(&mut self, address: u64) -> Option<(FoundRule<'_>, u64)> {
        let module = usize::try_from(self.map.at(address)?).ok()?;
        let offset = address - self.dump.modules.get(module)?.base;
        Some((self.rows.find(module, offset), offset))
    }

    /// Whether a call can return to `address`: code of a module is before it, in a function that
    /// may call others, as far as there is unwind data.
    pub fn can_return_to(&mut self, address: u64) -> bool {
        let Some(call) = address.checked_sub(1).filter(|_| address >= FIRST_CODE) else {
            return false;
        };
        if self.dump.regions.is_executable(call) == Some(false) {
            return false;
        }
        match self.look_up(call) {
            Some((FoundRule::Row { rule, .. }, _)) => !rule.flags.has(RuleFlags::LEAF),
            Some((FoundRule::NoRow, _)) | None => false,
            Some((FoundRule::NoData, _)) => true,
        }
    }

    /// Whether a word that a scan has found may be a return address.
    pub fn is_return_address(&mut self, address: u64, processor: Processor) -> bool {
        let module = self.map.at(address.wrapping_sub(1)).map(usize::try_from);
        let used = module.and_then(|module| self.uses.get_mut(module.ok()?));
        let Some(used) = used else { return false };
        used.is_scanned = true;
        self.can_return_to(address) && !self.has_no_frame(address, processor)
    }

    /// Whether the function at `address` has no frame there, so that it calls nothing: its return
    /// address is still in the link register, or it has pushed nothing, and x86-64's calls need a
    /// stack aligned to 16 bytes. Pointers to functions lie on stacks, too.
    fn has_no_frame(&mut self, address: u64, processor: Processor) -> bool {
        let Some((FoundRule::Row { rule, .. }, _)) = self.look_up(address) else { return false };
        match processor.link {
            Some(link) => {
                [Recovery::SameValue, Recovery::Register(link, 0)].contains(&rule.return_address)
            }
            None => {
                let entry = Cfa::Register(processor.machine.stack_pointer, 8);
                processor.cpu == Cpu::X64 && rule.cfa == entry
            }
        }
    }
}

/// Frames of which the first ones are kept and the others counted.
struct FrameList {
    most: usize,
    kept: Vec<WalkFrame>,
    left_out: u64,
    /// How many of those left out are in no module, from the last one back.
    outside: u64,
}

impl FrameList {
    fn push(&mut self, frame: WalkFrame) {
        if self.kept.len() < self.most {
            self.kept.push(frame);
        } else {
            self.left_out += 1;
            self.outside = if frame.module().is_none() { self.outside + 1 } else { 0 };
        }
    }

    /// Whether the last frame is in no module, and not known to be code. The innermost one always
    /// stays.
    fn ends_outside(&self, dump: &Minidump<'_>) -> bool {
        if self.left_out > 0 {
            return self.outside > 0;
        }
        self.kept.len() > 1
            && self.kept.last().is_some_and(|frame| {
                frame.module().is_none() && dump.regions.is_executable(frame.address) != Some(true)
            })
    }

    fn pop(&mut self) {
        if self.left_out > 0 {
            self.left_out -= 1;
            self.outside -= 1;
        } else {
            self.kept.pop();
        }
    }
}
