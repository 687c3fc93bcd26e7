//! One frame of a stack: [`Frame`], the same for every format.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// One function on a stack, as the report has it. Nothing of it is resolved or demangled.
///
/// A Java frame has its class in [`Frame::module`], its method in [`Frame::function`], and its
/// source in [`Frame::file`] and [`Frame::line`], exactly as they were printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// What kind of code it is in.
    pub kind: FrameKind,
    /// The absolute address in the process, as the report has it.
    pub address: Option<u64>,
    /// The address within the image, where the report has one.
    pub relative: Option<Relative>,
    /// What the address is: decides whether it has to be moved into the call before it is looked
    /// up.
    pub at: At,
    /// Index into the event's images. Computed: the image that the report names for this frame,
    /// else the one that the address lies in.
    pub image: Option<u32>,
    /// The image or package that the frame itself names: a path, a library's name, a bundle id, a
    /// jar.
    pub package: Option<String>,
    /// The function, as the report spells it; absent where it has none or hides it (`<redacted>` is
    /// kept: it is what the report says).
    pub function: Option<String>,
    /// The function before the report's writer shortened or demangled it.
    pub raw_function: Option<String>,
    /// The class (Java) or module (other managed code).
    pub module: Option<String>,
    /// The source file as the report has it. Java's `Native Method` and `Unknown Source` are kept.
    pub file: Option<String>,
    /// The source file's full path, if that is given besides.
    pub path: Option<String>,
    /// The line, from 1; 0 where the report says 0.
    pub line: Option<u32>,
    /// The column, from 1.
    pub column: Option<u32>,
    /// Whether the report says that it was inlined into the next frame, whose address it has.
    pub inlined: bool,
    /// Whether the report calls it the application's own code.
    pub in_app: Option<bool>,
    /// How the unwinder found it.
    pub trust: Option<Trust>,
    /// Where it stands in the report's bytes: its JSON object, or its line without the line's end.
    /// Empty where it stands nowhere by itself: one that an exception shares with another, one in a
    /// message.
    pub span: Span,
}

/// What kind of code a frame is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FrameKind {
    /// Machine code.
    #[default]
    Native,
    /// Java or Kotlin: class, method, file, line.
    Java,
    /// Other managed code (JavaScript, Python, Dart, C#, …): kept, never looked up.
    Other,
}

/// What an address is, which decides whether it is looked up as it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum At {
    /// The instruction that was running: looked up as it is.
    #[default]
    Instruction,
    /// Where a call returns to, as it was on the stack: the call is one instruction earlier.
    Return,
    /// Moved into the call by the report's writer: looked up as it is.
    Adjusted,
}

/// An address within an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Relative {
    /// The address.
    pub address: u64,
    /// What it counts from.
    pub space: Space,
}

/// What an address within an image counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Space {
    /// The file's own virtual addresses: what `llvm-symbolizer --obj` takes. Android and the
    /// sanitizers print these.
    File,
    /// Bytes from the image's first loaded page; the module's image base has to be added.
    Image,
}

/// How an unwinder found a frame, from sure to guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Trust {
    /// The thread's registers.
    Context,
    /// Given by whoever unwound it before.
    Prewalked,
    /// Call frame information.
    Cfi,
    /// Call frame information, found by scanning.
    CfiScan,
    /// Frame pointers.
    FramePointer,
    /// A word on the stack that looks like a return address: may well be junk.
    Scan,
    /// The report has a word for it that is not known.
    Unknown,
    /// The function that it called, or jumped to, had not touched the stack.
    Leaf,
}

impl Trust {
    /// The trust that breakpad and Sentry call `name`, or symtool's report of a minidump.
    pub fn named(name: &str) -> Self {
        match name {
            "context" => Self::Context,
            "prewalked" => Self::Prewalked,
            "cfi" => Self::Cfi,
            "leaf" => Self::Leaf,
            "cfi-scan" | "cfi_scan" | "cfiscan" => Self::CfiScan,
            "fp" | "frame_pointer" => Self::FramePointer,
            "scan" => Self::Scan,
            _ => Self::Unknown,
        }
    }

    /// What Breakpad calls it; absent for what is not known.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Context => Some("context"),
            Self::Prewalked => Some("prewalked"),
            Self::Cfi => Some("cfi"),
            Self::CfiScan => Some("cfi_scan"),
            Self::FramePointer => Some("frame_pointer"),
            Self::Scan => Some("scan"),
            Self::Leaf => Some("leaf"),
            Self::Unknown => None,
        }
    }
}

/// Bytes of a report, from its first byte. Reports stay below 4 GiB
/// ([`crate::limits::MAX_REPORT_BYTES`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte behind the last one.
    pub end: u32,
}

impl Span {
    /// Bytes `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { start: narrow(start), end: narrow(end) }
    }

    /// The bytes as a range of indices.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}
