//! Counts what is wrong with a dump, by part and by kind.

use std::collections::BTreeMap;
use std::fmt;

/// A part of a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DumpPart {
    /// The header.
    Header,
    /// The list of streams.
    Directory,
    /// A stream that no other part names.
    Stream,
    /// The list of threads.
    Threads,
    /// The registers of a thread.
    Context,
    /// The stack of a thread.
    Stack,
    /// The list of threads' names, or one of them.
    ThreadNames,
    /// The list of modules.
    Modules,
    /// The name of a module.
    ModuleName,
    /// What says which build a module is.
    CodeView,
    /// An `IMAGE_DEBUG_MISC` record, which old linkers wrote.
    Misc,
    /// The list of unloaded modules.
    UnloadedModules,
    /// A list of memory, or what it points at.
    Memory,
    /// A list of the regions of the address space.
    Regions,
    /// What the thread died of.
    Exception,
    /// Processor and operating system.
    System,
    /// The process.
    Process,
    /// What Crashpad adds.
    Crashpad,
    /// What Breakpad adds.
    Breakpad,
    /// A failed assertion.
    Assertion,
    /// A file of `/proc` or `/etc`.
    Linux,
}

impl DumpPart {
    /// The name that `--json` prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Directory => "directory",
            Self::Stream => "stream",
            Self::Threads => "threads",
            Self::Context => "context",
            Self::Stack => "stack",
            Self::ThreadNames => "thread_names",
            Self::Modules => "modules",
            Self::ModuleName => "module_name",
            Self::CodeView => "codeview",
            Self::Misc => "misc_record",
            Self::UnloadedModules => "unloaded_modules",
            Self::Memory => "memory",
            Self::Regions => "regions",
            Self::Exception => "exception",
            Self::System => "system_info",
            Self::Process => "misc_info",
            Self::Crashpad => "crashpad_info",
            Self::Breakpad => "breakpad_info",
            Self::Assertion => "assertion",
            Self::Linux => "linux_file",
        }
    }
}

/// What can be wrong with a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// Its bytes lie past the end of the file, or some of them do.
    OutsideFile,
    /// A list says that it has more records than its stream has room for. Those that it has room
    /// for are read.
    CountTooLarge,
    /// More than a limit allows; the first ones are read.
    TooMany,
    /// It is longer than a limit allows.
    TooLong,
    /// It contradicts the format.
    Malformed,
    /// All its bytes are zeros.
    Zeroed,
    /// It covers addresses that another one covers.
    Overlapping,
    /// There is a second one, which is not read.
    Duplicate,
}

impl FaultKind {
    /// The name that `--json` prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::OutsideFile => "outside_file",
            Self::CountTooLarge => "count_too_large",
            Self::TooMany => "too_many",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Zeroed => "zeroed",
            Self::Overlapping => "overlapping",
            Self::Duplicate => "duplicate",
        }
    }
}

/// How often something was wrong, by part and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DumpFaults(BTreeMap<(DumpPart, FaultKind), u64>);

impl DumpFaults {
    pub(crate) fn count(&mut self, part: DumpPart, kind: FaultKind) {
        self.add(part, kind, 1);
    }

    pub(crate) fn add(&mut self, part: DumpPart, kind: FaultKind, times: u64) {
        if times > 0 {
            *self.0.entry((part, kind)).or_default() += times;
        }
    }

    /// How often `part` had this fault.
    pub fn of(&self, part: DumpPart, kind: FaultKind) -> u64 {
        self.0.get(&(part, kind)).copied().unwrap_or_default()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All counts that are not zero, in the order of parts.
    pub fn iter(&self) -> impl Iterator<Item = (DumpPart, FaultKind, u64)> + '_ {
        self.0.iter().map(|(&(part, kind), &count)| (part, kind, count))
    }
}

impl fmt::Display for DumpFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (part, kind, count)) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{} {}: {count}", part.name(), kind.name())?;
        }
        Ok(())
    }
}
