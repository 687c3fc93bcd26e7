//! Everything that is written line by line: in, lines of tombstones, logcat, sanitizers, Java traces and plain frames, in any mixture;
//! out, the event that they tell of, or each frame as its line comes.
//!
//! One reader does all of it, as these do not come alone: tombstones stand in logcat, Java traces beside them. What a line is,
//! it says itself (`native.rs`, `java.rs`, `tombstone.rs`, `sanitizer.rs`); which stack a frame belongs to, the lines before it say.

mod android;
mod java;
pub(super) mod javascript;
mod logcat;
mod maps;
mod native;
mod sanitizer;
mod stacks;
mod tombstone;

use super::error::{CrashError, Place};
use super::event::{CrashEvent, Format};
use super::frame::{At, Frame, Span};
use super::image::Image;
use super::limits::{MAX_LINE_BYTES, MAX_MESSAGE_LINES, MAX_TEXT_BYTES};
use super::text::{self, Line};
pub use android::method;
use java::JavaLine;
use stacks::{Stacks, Target};

/// Reads a whole report.
///
/// # Errors
/// `NotACrash` without a frame and without a crash's head; `Truncated` if it ends within a frame, a list, or before the first frame.
pub fn read(text: &str) -> Result<CrashEvent, CrashError> {
    let mut reader = Reader::default();
    let (mut last, mut is_cut) = (0, false);
    for line in text::lines(text) {
        last = line.number;
        let frames = reader.frames;
        reader.line(line.text, line.span);
        is_cut = line.is_open && reader.frames == frames && reader.begins_frame(line);
    }
    reader.finish(last, is_cut)
}

/// Whether a crash begins in `line`, whatever its prefix.
pub fn begins_crash(line: &str) -> bool {
    is_beginning(logcat::split(line).map_or(line, |prefixed| prefixed.message).trim_start())
}

fn is_beginning(text: &str) -> bool {
    text.starts_with(tombstone::RULE) || text.starts_with("FATAL EXCEPTION")
}

/// Reads lines as they come: a filter on a live log.
///
/// Keeps what the lines so far said of images and the architecture, and forgets each frame once it is given. Memory stays below some
/// MiB for a log without end.
#[derive(Debug, Default)]
pub struct LogReader {
    reader: Reader,
}

/// A frame that one line holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineFrame<'a> {
    /// The frame. [`Frame::span`] counts from the line's first byte, [`Frame::image`] means nothing here.
    pub frame: Frame,
    /// The image that it lies in, as far as its line and those before it say.
    pub image: Option<Image>,
    /// The architecture, if a line before it said that.
    pub arch: Option<&'a str>,
}

impl LogReader {
    /// A reader that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one line, with or without its end. `None` if it is no frame.
    pub fn feed(&mut self, line: &[u8]) -> Option<LineFrame<'_>> {
        let text = text::same_offsets(&line[..line.len().min(MAX_LINE_BYTES)]);
        let text = text.trim_end_matches(['\n', '\r']);
        if begins_crash(text) {
            // What was said of the process before says nothing of this one.
            self.reader = Reader::default();
        }
        self.reader.stacks.bound();
        let span = Span::new(0, text.len());
        let target = self.reader.line(text, span);
        let frame = match target {
            Some(target) => self.reader.stacks.take(target)?,
            // A trace that some other program logs meanwhile belongs to no crash, and is a trace.
            None => self.reader.stray(text)?,
        };
        let image = match frame.image {
            Some(index) => usize::try_from(index).ok().and_then(|index| self.reader.stacks.event.images.get(index)).cloned(),
            None => None,
        };
        Some(LineFrame { frame, image, arch: self.reader.stacks.event.arch.as_deref() })
    }
}

/// Where in a report the lines are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Section {
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

#[derive(Debug, Default)]
struct Reader {
    stacks: Stacks,
    section: Section,
    /// Whether a line of the crash had a log's prefix.
    has_prefix: bool,
    /// What the first line that belongs to one format only belongs to.
    head: Option<Head>,
    /// Who wrote the crash into the log.
    tag: Option<String>,
    /// A second crash has begun: the event is the first one.
    is_over: bool,
    /// Lines of mappings that were announced and have not come.
    mappings_left: usize,
    mapping: maps::Mapping,
    /// Frames so far.
    frames: usize,
}

/// What says that a crash is told of, and not a stack of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Head {
    Tombstone,
    FatalException,
    Sanitizer,
}

/// One line without prefix and indentation.
#[derive(Clone, Copy, Debug)]
struct Text<'a> {
    line: &'a str,
    indent: usize,
    span: Span,
}

impl Reader {
    /// Reads a line at `span`. Says where its frame went, if it is one.
    fn line(&mut self, line: &str, span: Span) -> Option<Target> {
        let prefixed = logcat::split(line);
        let message = prefixed.map_or(line, |prefixed| prefixed.message);
        let text = Text::new(message, line.len(), span);
        let begins = is_beginning(text.line);
        if begins {
            self.begin(prefixed.map(|prefixed| prefixed.tag));
        }
        let is_other = prefixed.is_some_and(|prefixed| self.tag.as_deref().is_some_and(|tag| tag != prefixed.tag));
        if self.is_over || is_other {
            return None;
        }
        let before = (self.head, self.frames);
        let target = self.text(text);
        self.frames += usize::from(target.is_some());
        self.has_prefix |= prefixed.is_some() && before != (self.head, self.frames);
        target
    }

    /// A crash begins: whatever traces were in the log before it are not its.
    fn begin(&mut self, tag: Option<&str>) {
        if matches!(self.head, Some(Head::Tombstone | Head::FatalException)) {
            self.is_over = true;
            return;
        }
        self.stacks.clear();
        self.frames = 0;
        self.section = Section::Open;
        self.tag = tag.map(text::kept);
    }

    fn text(&mut self, text: Text<'_>) -> Option<Target> {
        if tombstone::field(self, text.line) || sanitizer::field(self, text.line) {
            return None;
        }
        match self.section {
            Section::Abort(lines) => {
                self.abort_line(text.line, lines);
                None
            }
            Section::Maps => {
                self.map_line(text.line);
                None
            }
            Section::Dump => None,
            Section::Open => self.frame(text),
        }
    }

    fn frame(&mut self, text: Text<'_>) -> Option<Target> {
        let native = text.line.strip_prefix("native: ").unwrap_or(text.line);
        if let Some(line) = native::frame(native) {
            return self.stacks.push_native(line, text.span);
        }
        match java::line(text.line) {
            Some(JavaLine::Frame(frame)) => return self.stacks.push_java(*frame, text.span),
            Some(JavaLine::Shared(count)) => self.stacks.share(count),
            Some(JavaLine::Head(head)) => self.stacks.java_head(&head, text.indent),
            None => self.other(text.line),
        }
        None
    }

    /// A line that is nothing by itself: a part of a message, or the heading of the next stack.
    fn other(&mut self, text: &str) {
        if let Some(thread) = text.strip_prefix("FATAL EXCEPTION") {
            self.head.get_or_insert(Head::FatalException);
            self.stacks.crashed_thread(thread.trim_start_matches(':').trim());
        } else if let Some((name, pid)) = text.strip_prefix("Process: ").and_then(|rest| rest.split_once(", PID: ")) {
            let process = &mut self.stacks.event.process;
            (process.name, process.pid) = (text::some(name), pid.trim().parse().ok());
        } else {
            self.stacks.message_line(text);
        }
    }

    fn abort_line(&mut self, text: &str, lines: usize) {
        let is_last = text.ends_with(['\'', '"']);
        if let Some(message) = &mut self.stacks.event.reason.message {
            let text = if is_last { &text[..text.len() - 1] } else { text };
            if message.len() + text.len() < MAX_TEXT_BYTES {
                message.push('\n');
                message.push_str(text);
            }
        }
        self.section = if is_last || lines >= MAX_MESSAGE_LINES { Section::Open } else { Section::Abort(lines + 1) };
    }

    fn map_line(&mut self, text: &str) {
        match maps::entry(text) {
            Some(entry) => {
                self.mappings_left = self.mappings_left.saturating_sub(1);
                self.mapping.add(&entry, &mut self.stacks);
            }
            None if text.is_empty() => self.end_maps(),
            None => {}
        }
    }

    fn end_maps(&mut self) {
        std::mem::take(&mut self.mapping).flush(&mut self.stacks);
        self.section = Section::Open;
    }

    /// A frame in a line that belongs to no crash.
    fn stray(&mut self, line: &str) -> Option<Frame> {
        let message = logcat::split(line).map_or(line, |prefixed| prefixed.message);
        let text = Text::new(message, line.len(), Span::new(0, line.len()));
        let mut frame = match (native::frame(text.line), java::line(text.line)) {
            (Some(native), _) => {
                let at = if native.is_plain && native.number != Some(0) { At::Return } else { native.frame.at };
                Frame { at, image: native.image.and_then(|image| self.stacks.image(image)), ..native.frame }
            }
            (None, Some(JavaLine::Frame(frame))) => *frame,
            _ => return None,
        };
        frame.span = text.span;
        Some(frame)
    }

    fn begins_frame(&self, line: Line<'_>) -> bool {
        let message = logcat::split(line.text).map_or(line.text, |prefixed| prefixed.message).trim();
        self.section == Section::Open && (native::begins_frame(message) || java::begins_frame(message))
    }

    fn finish(mut self, last_line: usize, is_cut: bool) -> Result<CrashEvent, CrashError> {
        self.end_maps();
        let format = self.format();
        let truncated = |fact| Err(CrashError::Truncated { format, place: Place::Line(last_line), fact });
        if self.frames == 0 && self.stacks.event.exceptions.is_empty() && self.head.is_none() {
            return Err(CrashError::NotACrash { found: "text without a stack frame" });
        }
        if is_cut {
            return truncated("it ends within a frame");
        }
        if self.mappings_left > 0 {
            return truncated("it ends within the memory map");
        }
        if self.frames == 0 {
            return truncated("it ends before its first frame");
        }
        self.stacks.event.format = format;
        Ok(self.stacks.finish())
    }

    fn format(&self) -> Format {
        match self.head {
            _ if self.has_prefix => Format::Logcat,
            Some(Head::Tombstone) => Format::Tombstone,
            Some(Head::Sanitizer) => Format::Sanitizer,
            _ if !self.stacks.event.exceptions.is_empty() => Format::Java,
            _ => Format::Frames,
        }
    }
}

impl<'a> Text<'a> {
    /// `message`, which ends the line of `length` bytes at `span`.
    fn new(message: &'a str, length: usize, span: Span) -> Self {
        let trimmed = message.trim_start();
        let before = length - trimmed.len();
        let line = trimmed.trim_end();
        let start = span.range().start + before;
        Self { line, indent: message.len() - trimmed.len(), span: Span::new(start, start + line.len()) }
    }
}
