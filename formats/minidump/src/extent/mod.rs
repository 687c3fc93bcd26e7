//! Whether a dump is whole, and what is missing if it was cut off.
//!
//! A dump is whole if the furthest end of all that its descriptors point at is within the file.

mod moved;
mod zeros;

use std::fmt;

use minidump_common::format::MINIDUMP_STREAM_TYPE as StreamType;

use self::moved::MovedStack;
pub use self::zeros::ZeroedRange;
use crate::bytes::faults::{DumpPart, FaultKind};
use crate::read::Minidump;
use crate::read::reader::FileRange;
use crate::read::threads::DumpThread;

/// Whether something that crashes are read from is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Completeness {
    /// All of it.
    Whole,
    /// Some of it: the rest lay behind the end of the file, or was overwritten with zeros.
    Partly,
    /// Nothing of it: it lay behind the end of the file, or was overwritten with zeros.
    Missing,
    /// The dump was written without it.
    Absent,
}

impl Completeness {
    /// The name that `--json` prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Partly => "partly",
            Self::Missing => "missing",
            Self::Absent => "absent",
        }
    }
}

/// How many parts are not in the file, or not whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MissingParts {
    /// Threads that the dump counts.
    pub threads: u64,
    /// Of these, threads of which not even the record is in the file.
    pub thread_records: u64,
    /// Threads whose stack is not in the file, or only in part, or not where it should be; those
    /// without a record count.
    pub stacks: u64,
    /// Threads whose registers are not in the file; those without a record count.
    pub contexts: u64,
    /// Ranges of memory that are not in the file, or only in part. Stacks are among them.
    pub memory_ranges: u64,
    /// Streams that are not in the file, or only in part.
    pub streams: u64,
}

/// How long a dump should be, and what of it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpExtent {
    /// How long the file is.
    pub file_bytes: u64,
    /// The furthest end of all that the dump points at.
    pub needed_bytes: u64,
    /// Whether records are missing that could point further, so that
    /// [`DumpExtent::needed_bytes`] is the least that it can be.
    pub at_least: bool,
    /// What ends there.
    pub furthest: DumpPart,
    /// What is missing.
    pub missing: MissingParts,
    /// The list of modules, with their names and ids.
    pub modules: Completeness,
    /// The stack of the crashed thread, from its stack pointer on.
    pub crashed_stack: Completeness,
    /// Zeros where something else should be: parts that were never written, or were lost.
    pub zeroed: Vec<ZeroedRange>,
}

impl DumpExtent {
    /// Whether bytes are missing at the end, or somewhere before.
    pub fn is_cut_off(&self) -> bool {
        self.needed_bytes > self.file_bytes || self.at_least
    }
}

impl Minidump<'_> {
    /// Compares what the dump points at with what is in the file.
    pub fn extent(&self) -> DumpExtent {
        let zeroed = zeros::find(self);
        let (modules, crashed_stack) = self.crash_site();
        DumpExtent {
            file_bytes: self.file_bytes(),
            needed_bytes: self.reach.end,
            at_least: self.reach.may_be_further,
            furthest: self.reach.part,
            missing: self.missing(),
            modules,
            crashed_stack,
            zeroed,
        }
    }

    /// What [`DumpExtent::is_cut_off`] says, without looking at any part.
    pub fn is_cut_off(&self) -> bool {
        self.reach.end > self.file_bytes() || self.reach.may_be_further
    }

    /// What [`DumpExtent::modules`] and [`DumpExtent::crashed_stack`] say, without looking at the
    /// parts of other threads.
    pub fn crash_site(&self) -> (Completeness, Completeness) {
        (self.module_list(&zeros::in_lists(self)), self.crashed_stack())
    }

    fn is_outside(&self, range: FileRange) -> bool {
        !range.is_empty() && range.end() > self.file_bytes()
    }

    fn missing(&self) -> MissingParts {
        let records = self.faults.of(DumpPart::Threads, FaultKind::OutsideFile)
            + self.faults.of(DumpPart::Threads, FaultKind::Zeroed);
        let read = crate::bytes::width(self.threads.len());
        let count = |is: &dyn Fn(&DumpThread) -> bool| {
            crate::bytes::width(self.threads.iter().filter(|thread| is(thread)).count()) + records
        };
        let outside = |range: &FileRange| self.is_outside(*range);
        let streams = self.streams.iter().map(|stream| stream.range).filter(outside).count();
        let ranges = self.memory.ranges().iter().map(|range| range.bytes).filter(outside).count();
        MissingParts {
            threads: read + records,
            thread_records: records,
            stacks: count(&|thread| {
                self.has_no_stack(thread) || self.moved(thread) != MovedStack::default()
            }),
            contexts: count(&|thread| self.is_outside(thread.context)),
            memory_ranges: crate::bytes::width(ranges)
                + self
                    .faults
                    .of(DumpPart::Memory, FaultKind::OutsideFile)
                    .saturating_sub(crate::bytes::width(ranges)),
            streams: crate::bytes::width(streams),
        }
    }

    /// Whether the stack of a thread is not where it should be, because a chunk of the file was
    /// dropped before it or in it.
    fn moved(&self, thread: &DumpThread) -> MovedStack {
        match moved::distance(self) {
            Some(distance) if !thread.stack.is_empty() => moved::stack(self, thread, distance),
            _ => MovedStack::default(),
        }
    }

    /// Whether the stack of a thread is cut off. In dumps of the whole memory, the list of memory
    /// has it.
    fn has_no_stack(&self, thread: &DumpThread) -> bool {
        if !thread.stack.is_empty() {
            return self.is_outside(thread.stack);
        }
        let Some(context) = self.context(thread.context) else { return self.is_cut_off() };
        self.stack_at(context.sp()).is_some_and(|stack| self.is_outside(stack))
    }

    /// The bytes of the memory that has `sp`.
    fn stack_at(&self, sp: u64) -> Option<FileRange> {
        self.memory.range_of(sp).map(|range| range.bytes)
    }

    fn crashed_stack(&self) -> Completeness {
        let missing = if self.is_cut_off() { Completeness::Missing } else { Completeness::Absent };
        let Some(id) = self.crashed_thread() else { return missing };
        let thread = self.threads.iter().find(|thread| thread.id == id);
        let of_exception = self.exception.as_ref().map(|exception| exception.context);
        let of_thread = thread.map(|thread| thread.context);
        let context =
            [of_exception, of_thread].into_iter().flatten().find_map(|range| self.context(range));
        // The handler may run on another stack than the one that the dump gives the thread.
        let by_sp = context.as_ref().and_then(|context| self.stack_at(context.sp()));
        let stated = thread.map(|thread| thread.stack).filter(|stack| !stack.is_empty());
        let Some(stack) = by_sp.or(stated.filter(|_| context.is_none())) else {
            return missing;
        };
        let sp = context.and_then(|context| self.memory.from(context.sp()));
        let moved = thread.map_or_else(MovedStack::default, |thread| self.moved(thread));
        match (self.is_outside(stack), sp) {
            _ if moved.start => Completeness::Missing,
            _ if moved.end => Completeness::Partly,
            (true, Some(_)) => Completeness::Partly,
            (true, None) if stack.offset < self.file_bytes() => Completeness::Partly,
            (true, None) => Completeness::Missing,
            (false, _) => Completeness::Whole,
        }
    }

    fn module_list(&self, zeroed: &[ZeroedRange]) -> Completeness {
        let Some(stream) = self.stream(StreamType::ModuleListStream) else {
            let lost = self.faults.of(DumpPart::Directory, FaultKind::OutsideFile) > 0;
            return if lost { Completeness::Missing } else { Completeness::Absent };
        };
        if self.modules.is_empty()
            && (self.is_outside(stream) || zeroed.iter().any(|zeros| zeros.range.overlaps(stream)))
        {
            return Completeness::Missing;
        }
        let parts = [DumpPart::Modules, DumpPart::ModuleName, DumpPart::CodeView];
        let cut = parts.into_iter().any(|part| self.faults.of(part, FaultKind::OutsideFile) > 0)
            || zeroed.iter().any(|zeros| parts.contains(&zeros.part));
        if cut { Completeness::Partly } else { Completeness::Whole }
    }
}

impl fmt::Display for DumpExtent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_cut_off() {
            return write!(f, "whole: {}", Size(self.file_bytes));
        }
        let least = if self.at_least { "at least " } else { "" };
        write!(f, "cut off: {} of {least}{}", Size(self.file_bytes), Size(self.needed_bytes))?;
        let missing = &self.missing;
        if missing.stacks > 0 {
            write!(f, "; stacks of {} of {} threads are missing", missing.stacks, missing.threads)?;
        }
        match self.modules {
            Completeness::Partly => write!(f, "; some modules are missing"),
            Completeness::Missing => write!(f, "; the list of modules is missing"),
            Completeness::Whole | Completeness::Absent => Ok(()),
        }
    }
}

/// A number of bytes in whole kB, or in bytes if it has less than one.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = match self.0 {
            few @ ..1000 => (few, "bytes"),
            many => (many.saturating_add(500) / 1000, "kB"),
        };
        let digits = number.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        write!(f, " {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_commas_and_are_rounded() {
        for (bytes, want) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1000, "1 kB"),
            (561_499, "561 kB"),
            (1_081_632, "1,082 kB"),
            (1_234_567_890, "1,234,568 kB"),
        ] {
            assert_eq!(Size(bytes).to_string(), want);
        }
    }
}
