//! Walks the threads of a dump: from registers and memory to frames.
//!
//! For each frame the caller is looked for in this order: by its unwind row; as a leaf's, whose
//! return address is on top of the stack or in the link register; by the frame pointer; by a scan
//! of the stack for an address that can be returned to.

mod map;
mod processor;
mod scan;
mod stack;
mod step;
mod thread;

use symtool_unwind::Rule;

use self::map::ModuleMap;
use self::processor::Processor;
use self::thread::ThreadWalker;
use crate::bytes::faults::{DumpFaults, DumpPart, FaultKind};
use crate::limits;
use crate::read::Minidump;
use crate::read::context::Context;
use crate::read::threads::DumpThread;

/// What is known of the caller of a function that stands at an address.
#[derive(Clone, Copy, Debug)]
pub enum FoundRule<'r> {
    /// A row covers the address.
    Row {
        /// How the caller is found.
        rule: &'r Rule,
        /// Where the row begins, in bytes from the module's beginning.
        start: u64,
    },
    /// The module has unwind data, and none for this address.
    NoRow,
    /// The module has no unwind data, or it is not at hand.
    NoData,
}

/// Where unwind rows come from.
pub trait UnwindRows {
    /// The row for `offset`, in bytes from the beginning of the module with this number in
    /// [`Minidump::modules`].
    fn find(&mut self, module: usize, offset: u64) -> FoundRule<'_>;
}

/// No unwind rows at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoUnwindRows;

impl UnwindRows for NoUnwindRows {
    fn find(&mut self, _: usize, _: u64) -> FoundRule<'_> {
        FoundRule::NoData
    }
}

/// How sure a frame is, from the surest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FrameTrust {
    /// The registers of the thread say it.
    Context,
    /// An unwind row said where it is.
    Cfi,
    /// The function that it called, or jumped to, had not touched the stack.
    Leaf,
    /// It was found by the frame pointer.
    FramePointer,
    /// Its address was found on the stack. It may be left there from before.
    Scan,
}

impl FrameTrust {
    /// The name that `--json` prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::Cfi => "cfi",
            Self::Leaf => "leaf",
            Self::FramePointer => "frame_pointer",
            Self::Scan => "scan",
        }
    }
}

/// A physical frame. Calls that were inlined into it have none of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalkFrame {
    /// The program counter, or the address that the function called returns to.
    pub address: u64,
    module: u32,
    /// How sure it is.
    pub trust: FrameTrust,
    /// Whether the address is that of the next instruction, as in the innermost frame and in one
    /// that a signal interrupted; else it is the one behind a call.
    pub is_exact: bool,
}

impl WalkFrame {
    /// The number of the module that has it, in [`Minidump::modules`].
    pub fn module(&self) -> Option<usize> {
        usize::try_from(self.module).ok().filter(|_| self.module != u32::MAX)
    }
}

/// Why a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WalkEnd {
    /// The outermost function was reached.
    EndOfStack,
    /// The registers of the thread cannot be read.
    NoContext,
    /// The stack of the thread, from this address on, is not in the dump.
    NoMemory(u64),
    /// The stack of the thread, from this address on, lay behind the end of the file.
    CutOff(u64),
    /// The stack has only zeros around this address: a part of the dump was lost.
    Zeros(u64),
    /// Neither rows nor the stack say where the caller is.
    NoCaller,
    /// All walks together took more than [`limits::MAX_WALK_STEPS`].
    TooManySteps,
    /// Stacks of this processor cannot be walked.
    UnknownProcessor,
}

impl WalkEnd {
    /// The name that `--json` prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::EndOfStack => "end_of_stack",
            Self::NoContext => "no_context",
            Self::NoMemory(_) => "no_memory",
            Self::CutOff(_) => "cut_off",
            Self::Zeros(_) => "zeros",
            Self::NoCaller => "no_caller",
            Self::TooManySteps => "too_many_steps",
            Self::UnknownProcessor => "unknown_processor",
        }
    }
}

/// The frames of a thread.
#[derive(Clone, Debug)]
pub struct WalkedThread {
    /// The number of the thread in the operating system.
    pub id: u32,
    /// Its number in [`Minidump::threads`]; `None` if only the exception names it.
    pub thread: Option<usize>,
    /// Its registers, where the walk began.
    pub context: Option<Context>,
    /// Its frames, innermost first.
    pub frames: Vec<WalkFrame>,
    /// How many frames further out were found and not kept.
    pub frames_left_out: u64,
    /// Why the walk ended.
    pub end: WalkEnd,
}

/// What the walks had to do with a module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModuleUse {
    /// A frame is in it.
    pub is_visited: bool,
    /// A row of it was needed, and it has no unwind data, or it is not at hand.
    pub lacks_rows: bool,
    /// A scan found an address in it, which was taken or not.
    pub is_scanned: bool,
}

/// The walks of all threads.
#[derive(Clone, Debug)]
pub struct DumpWalk {
    /// The threads in the order of the dump; the crashed one last if the dump does not list it.
    pub threads: Vec<WalkedThread>,
    /// Which of them crashed, or asked for the dump.
    pub crashed: Option<usize>,
    /// By the number of each module, what the walks had to do with it.
    pub modules: Vec<ModuleUse>,
    /// What was wrong, besides what [`Minidump::faults`] has.
    pub faults: DumpFaults,
}

impl Minidump<'_> {
    /// Walks all threads: the crashed one first, so that its frames are kept.
    pub fn walk(&self, rows: &mut impl UnwindRows) -> DumpWalk {
        let (threads, crashed) = self.to_walk(|_| true);
        let others = (0..threads.len()).filter(|at| Some(*at) != crashed);
        let order: Vec<usize> = crashed.into_iter().chain(others).collect();
        self.walk_in_order(threads, crashed, &order, rows)
    }

    /// Walks only the thread that crashed, or the only one that there is. The others have neither
    /// registers nor frames.
    pub fn walk_crashed(&self, rows: &mut impl UnwindRows) -> DumpWalk {
        let id = self.crashed_thread();
        let is_only = self.threads.len() == 1;
        let is_wanted = |thread: &DumpThread| id.map_or(is_only, |id| thread.id == id);
        let (threads, crashed) = self.to_walk(is_wanted);
        let only = crashed.or_else(|| (threads.len() == 1).then_some(0));
        self.walk_in_order(threads, crashed, only.as_slice(), rows)
    }

    fn walk_in_order(
        &self,
        mut threads: Vec<WalkedThread>,
        crashed: Option<usize>,
        order: &[usize],
        rows: &mut impl UnwindRows,
    ) -> DumpWalk {
        let map = ModuleMap::new(&self.modules);
        let mut faults = DumpFaults::default();
        faults.add(DumpPart::Modules, FaultKind::Overlapping, map.overlapping);
        let mut walker = ThreadWalker::new(self, &map, rows);
        let mut room = limits::MAX_FRAMES;
        for at in order {
            let Some(thread) = threads.get_mut(*at) else { continue };
            walker.walk(thread, room.min(limits::MAX_THREAD_FRAMES));
            room -= thread.frames.len();
        }
        DumpWalk { modules: walker.into_uses(), threads, crashed, faults }
    }

    /// The threads, those that are wanted with the registers where their walks begin, and which of
    /// them crashed.
    fn to_walk(
        &self,
        is_wanted: impl Fn(&DumpThread) -> bool,
    ) -> (Vec<WalkedThread>, Option<usize>) {
        let walked = |id, thread, context| WalkedThread {
            id,
            thread,
            context,
            frames: Vec::new(),
            frames_left_out: 0,
            end: WalkEnd::NoContext,
        };
        let mut threads: Vec<WalkedThread> = self
            .threads
            .iter()
            .enumerate()
            .map(|(at, thread)| {
                let context = is_wanted(thread).then(|| self.context(thread.context)).flatten();
                walked(thread.id, Some(at), context)
            })
            .collect();
        let Some(id) = self.crashed_thread() else { return (threads, None) };
        let of_crash = self.exception.as_ref().and_then(|crash| self.context(crash.context));
        let crashed = threads.iter().position(|thread| thread.id == id).unwrap_or_else(|| {
            threads.push(walked(id, None, None));
            threads.len() - 1
        });
        if of_crash.is_some() {
            threads[crashed].context = of_crash;
        }
        (threads, Some(crashed))
    }

    /// What is known of the processor; `None` if its stacks cannot be walked.
    fn processor(&self, context: &Context, map: &ModuleMap) -> Option<Processor> {
        Processor::new(context.cpu(), self.os(), self.endian(), map.last_address())
    }
}
