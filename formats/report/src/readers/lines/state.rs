//! What one writer has told of one crash so far: [`TextReader`], whose fields the readers of
//! headings fill in.

use super::maps;
use super::native::Dialect;
use super::stacks::{Stacks, Target};

/// Where in a report the lines are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Section {
    /// Anywhere else.
    #[default]
    Open,
    /// In an abort message that goes over several lines; the number of those so far.
    Abort(usize),
    /// In the list of mappings.
    Maps,
    /// In memory, registers or a log that are printed.
    Dump,
}

/// What one writer tells of one crash.
#[derive(Debug, Default)]
pub struct TextReader {
    /// What it has told so far.
    pub stacks: Stacks,
    /// Where in the report the lines are.
    pub section: Section,
    /// Whether a line of the crash had a log's prefix.
    pub has_prefix: bool,
    /// What the first line that belongs to one format only belongs to.
    pub head: Option<CrashHead>,
    /// The reader of the format that the crash is in, if that needs one.
    pub dialect: Option<Box<dyn Dialect>>,
    /// Lines of mappings that were announced and have not come.
    pub mappings_left: usize,
    /// The mapping whose lines are being read.
    pub mapping: maps::Mapping,
    /// Frames so far.
    pub frames: usize,
    /// Lines so far.
    pub lines: usize,
    /// How many lines came before the head of the last exception.
    pub lines_before_head: usize,
}

/// What says that a crash is told of, and not a stack of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashHead {
    /// A tombstone.
    Tombstone,
    /// `FATAL EXCEPTION` in the log.
    FatalException,
    /// A dump of threads.
    Anr,
    /// Crashlytics' text.
    Crashlytics,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It was read. If it is a frame, it went there.
    Read(Option<Target>),
    /// It belongs to another crash than what came before: [`TextReader::next`] reads on.
    Another,
}

impl TextReader {
    /// Whether nothing was told yet.
    pub fn is_empty(&self) -> bool {
        self.frames == 0
            && self.head.is_none()
            && self.stacks.event.exceptions.is_empty()
            && !self.may_lack_frames()
    }

    /// Whether something says that this was a crash, and not a trace that a program logged.
    pub fn is_crash(&self) -> bool {
        self.head.is_some() || self.dialect.is_some() && (self.frames > 0 || self.may_lack_frames())
    }

    /// Whether a report without any frame tells of a crash.
    pub fn may_lack_frames(&self) -> bool {
        self.dialect.as_ref().is_some_and(|dialect| dialect.may_lack_frames())
    }

    /// Whether nothing was told yet, and nothing waits for what tells more.
    pub fn is_idle(&self) -> bool {
        self.is_empty() && self.dialect.is_none() && !self.stacks.has_pending()
    }

    /// Whether lines are part of a tombstone's memory or log.
    pub fn is_in_dump(&self) -> bool {
        self.section == Section::Dump && self.head == Some(CrashHead::Tombstone)
    }

    /// Whether lines are read as a part of something that has no frames.
    pub fn is_in_section(&self) -> bool {
        self.section != Section::Open
    }

    /// The list of mappings has ended.
    pub fn end_maps(&mut self) {
        std::mem::take(&mut self.mapping).flush(&mut self.stacks);
        self.section = Section::Open;
    }
}
