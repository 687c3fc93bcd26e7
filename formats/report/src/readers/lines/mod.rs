//! Everything that is written line by line: tombstones, logcat, sanitizers, Java traces and plain frames, in any mixture, become the
//! events that they tell of, or each frame as its line comes.
//!
//! ```text
//! text ─ log.rs ─> lines by who wrote them ─ Reader ─> tellings ─ crashes.rs ─> crashes, each told once or several times
//!        logcat.rs                           this file
//! live log ─ live.rs ─> frames, line by line
//! ```
//!
//! One reader does all of it, as these do not come alone: tombstones stand in logcat, Java traces beside them. What a line is,
//! it says itself (`native/`, `java.rs`, `tombstone.rs`, `anr.rs`, `crashlytics.rs`, `unity.rs`, `javascript.rs`); which stack a frame
//! belongs to, the lines before it say (`stacks.rs`). A format of Android's gets a file with a function `field`, which says whether a line is
//! one of its headings, and is called in [`Reader::heading`]. Where lines mean something in their own format only, that has a reader of
//! its own ([`Dialect`]), which is given each line first.

mod anr;
mod crashes;
mod crashlytics;
mod html;
mod java;
mod line;
mod live;
mod log;
mod logcat;
mod maps;
mod native;
mod prefix;
mod stacks;
mod tombstone;
mod unity;

use std::ops::ControlFlow;

use crate::event::error::{CrashError, Place};
use crate::event::frame::{At, Frame};
use crate::event::{CrashEvent, Format};
use crate::limits::{MAX_MESSAGE_LINES, MAX_TEXT_BYTES};
use crate::readers::javascript;
use crate::scan::text;
pub use crashes::{Crash, crashes};
use java::JavaLine;
use line::Text;
pub use live::{LineFrame, LogReader};
pub use native::method;
use native::{Dialect, Said};
use stacks::{Stacks, Target};

const NO_FRAME: CrashError = CrashError::NotACrash { found: "text without a stack frame" };

/// Who wrote `line`, if a crash begins in it: the process, and the tag in the log.
pub fn beginning(line: &str) -> Option<(Option<u64>, &str)> {
    let prefixed = logcat::split(line);
    let message = prefixed.map_or(line, |prefixed| prefixed.message);
    let writer = || prefixed.map_or((None, ""), |prefixed| (prefixed.pid, prefixed.tag));
    (begins_crash(message.trim_start())).then(writer)
}

/// Whether a report of one of the native formats begins in `line`, whatever its prefix.
pub fn begins_report(line: &str) -> bool {
    native::begins_report(message(line).trim())
}

/// `text` without the prefixes of its lines, if all of them have one that is known: quoted in a mail, or printed by a CI system.
pub fn unprefixed(text: &str) -> Option<String> {
    let mut bare = String::new();
    for line in text.lines() {
        let rest = prefix::strip_known(line);
        let is_prefixed = rest.len() < line.len() || matches!(line.trim(), "" | ">");
        if !is_prefixed {
            return None;
        }
        bare.push_str(if rest.trim() == ">" { "" } else { rest });
        bare.push('\n');
    }
    Some(bare)
}

/// Whether `line` is a header of Android's log, and the message stands below it.
pub fn is_long_header(line: &str) -> bool {
    line.starts_with("[ ") && logcat::split(line).is_some_and(|prefixed| prefixed.message.trim().is_empty())
}

/// What was written into a log.
pub fn message(line: &str) -> &str {
    logcat::split(line).map_or_else(|| prefix::strip_known(line), |prefixed| prefixed.message)
}

/// Whether `text` is the first line of a tombstone or of an exception that ended a process.
fn begins_crash(text: &str) -> bool {
    text.starts_with(tombstone::RULE) || text.starts_with("FATAL EXCEPTION")
}

/// Whether `text` is the first line of what one crash is told with. A dump of threads has one for each process.
fn is_beginning(text: &str) -> bool {
    begins_crash(text) || anr::process(text.trim_end()).is_some()
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

/// What one writer tells of one crash.
#[derive(Debug, Default)]
struct Reader {
    stacks: Stacks,
    section: Section,
    /// Whether a line of the crash had a log's prefix.
    has_prefix: bool,
    /// What the first line that belongs to one format only belongs to.
    head: Option<Head>,
    /// The reader of the format that the crash is in, if that needs one.
    dialect: Option<Box<dyn Dialect>>,
    /// Lines of mappings that were announced and have not come.
    mappings_left: usize,
    mapping: maps::Mapping,
    /// Frames so far.
    frames: usize,
    /// Lines so far.
    lines: usize,
    /// How many lines came before the head of the last exception.
    lines_before_head: usize,
}

/// What says that a crash is told of, and not a stack of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Head {
    Tombstone,
    FatalException,
    Anr,
    Crashlytics,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// It was read. If it is a frame, it went there.
    Read(Option<Target>),
    /// It belongs to another crash than what came before: [`Reader::next`] reads on.
    Another,
}

impl Reader {
    /// Reads a line.
    fn read(&mut self, text: Text<'_>) -> Step {
        let step = match self.native(text) {
            ControlFlow::Break(target) => Step::Read(target),
            ControlFlow::Continue(()) => self.text(text),
        };
        if step != Step::Another {
            self.lines += 1;
        }
        self.frames += usize::from(matches!(step, Step::Read(Some(_))));
        step
    }

    /// Gives a line to the reader of its format. Goes on if it is to be read as in any text.
    fn native(&mut self, text: Text<'_>) -> ControlFlow<Option<Target>> {
        let mut said = self.dialect.as_mut().map_or(Said::Other, |dialect| dialect.line(text, &mut self.stacks));
        if matches!(said, Said::Other)
            && self.head.is_none()
            && (self.dialect.is_none() || self.frames == 0)
            && let Some(mut begun) = native::begin(text.line)
            && self.dialect.as_ref().is_none_or(|dialect| dialect.format() != begun.format())
        {
            said = begun.line(text, &mut self.stacks);
            self.dialect = Some(begun);
        }
        match said {
            Said::Frame(line) => ControlFlow::Break(self.stacks.push_native(*line, text.span)),
            Said::Own => ControlFlow::Break(None),
            Said::Other => ControlFlow::Continue(()),
        }
    }

    fn text(&mut self, text: Text<'_>) -> Step {
        if self.heading(text.line) {
            return Step::Read(None);
        }
        match self.section {
            Section::Abort(lines) => self.abort_line(text.line, lines),
            Section::Maps => self.map_line(text.line),
            Section::Dump => {}
            Section::Open => return self.frame(text),
        }
        Step::Read(None)
    }

    /// Reads `line` if it is a heading of one of Android's formats.
    fn heading(&mut self, line: &str) -> bool {
        self.dialect.is_none() && (tombstone::field(self, line) || crashlytics::field(self, line) || anr::field(self, line))
    }

    fn frame(&mut self, text: Text<'_>) -> Step {
        let native = text.line.strip_prefix("native: ").unwrap_or(text.line);
        if let Some(line) = native::frame(native) {
            return Step::Read(self.stacks.push_native(line, text.span));
        }
        if self.stacks.awaits_javascript()
            && let Some(frame) = javascript::frame(text.line)
        {
            return Step::Read(self.stacks.push_java(frame, text.span));
        }
        if let Some(echo) = text.line.strip_prefix("at ").and_then(unity::frame) {
            return Step::Read(self.stacks.push_echo(echo, text.span));
        }
        match java::line(text.line) {
            Some(JavaLine::Frame(_)) if self.stacks.is_another() => return Step::Another,
            Some(JavaLine::Frame(frame)) => return Step::Read(self.stacks.push_java(*frame, text.span)),
            Some(JavaLine::Shared(count)) => self.stacks.share(count),
            Some(JavaLine::Head(head)) => {
                self.lines_before_head = if head.is_cause() && self.stacks.has_pending() { self.lines_before_head } else { self.lines };
                self.stacks.java_head(&head, text.indent);
            }
            None => return Step::Read(self.other(text)),
        }
        Step::Read(None)
    }

    /// A line that is nothing by itself: a part of a message, or the heading of the next stack. Frames of Apple's platforms are ones only
    /// where something says that.
    fn other(&mut self, text: Text<'_>) -> Option<Target> {
        if (self.head == Some(Head::Crashlytics) || self.stacks.is_thrown_of_apple())
            && let Some(frame) = crashlytics::apple_frame(text.line)
        {
            self.head.get_or_insert(Head::Crashlytics);
            return self.stacks.push_apple(frame, text.span);
        }
        if let Some(thread) = text.line.strip_prefix("FATAL EXCEPTION") {
            self.head.get_or_insert(Head::FatalException);
            let thread = thread.strip_prefix(" IN SYSTEM PROCESS").unwrap_or(thread).trim_start_matches(':').trim();
            self.stacks.crashed_thread(without_offer(thread));
        } else if let Some((name, pid)) = text.line.strip_prefix("Process: ").and_then(|rest| rest.split_once(", PID: ")) {
            let process = &mut self.stacks.event.process;
            (process.name, process.pid) = (text::some(name), pid.trim().parse().ok());
        } else if let Some(head) = java::head_within(text.line).filter(|_| !self.stacks.has_pending()) {
            self.lines_before_head = self.lines;
            self.stacks.java_head(&head, text.indent);
        } else {
            self.stacks.message_line(text.line);
        }
        None
    }

    /// A reader of the crash that the last exception's head began. It goes on behind that.
    fn next(&mut self) -> Self {
        let has_prefix = self.has_prefix;
        let lines = self.lines.saturating_sub(self.lines_before_head);
        Self { stacks: self.stacks.split_pending(), has_prefix, lines, ..Self::default() }
    }

    /// Whether nothing was told yet.
    fn is_empty(&self) -> bool {
        self.frames == 0 && self.head.is_none() && self.stacks.event.exceptions.is_empty() && !self.may_lack_frames()
    }

    /// Whether something says that this was a crash, and not a trace that a program logged.
    fn is_crash(&self) -> bool {
        self.head.is_some() || self.dialect.is_some() && (self.frames > 0 || self.may_lack_frames())
    }

    fn may_lack_frames(&self) -> bool {
        self.dialect.as_ref().is_some_and(|dialect| dialect.may_lack_frames())
    }

    /// Whether nothing was told yet, and nothing waits for what tells more.
    fn is_idle(&self) -> bool {
        self.is_empty() && self.dialect.is_none() && !self.stacks.has_pending()
    }

    /// Whether lines are part of a tombstone's memory or log.
    fn is_in_dump(&self) -> bool {
        self.section == Section::Dump && self.head == Some(Head::Tombstone)
    }

    /// Whether lines are read as a part of something that has no frames.
    fn is_in_section(&self) -> bool {
        self.section != Section::Open
    }

    /// Whether `line` begins another crash than the one that is being read. A trace of threads has several processes, of which the first is
    /// the one that it is about.
    fn begins(&self, line: &str) -> bool {
        /// Processes that are dumped together are dumped within less.
        const MAX_DUMP_MS: i64 = 60_000;
        if self.frames == 0 && self.dialect.as_ref().is_some_and(|dialect| dialect.format() == Format::Dart) {
            // Dart's stacks have the rule of tombstones below their message.
            return false;
        }
        match anr::process(line.trim_end()).filter(|_| self.head == Some(Head::Anr)) {
            Some((pid, time_ms)) => {
                let event = &self.stacks.event;
                let is_later = event.time_ms.zip(time_ms).is_some_and(|(first, now)| now - first > MAX_DUMP_MS);
                event.process.pid == Some(pid) || is_later
            }
            None => is_beginning(line),
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

    /// A frame in a line of a section that has none: a trace that some other program logs meanwhile.
    fn stray(&mut self, text: Text<'_>) -> Option<Frame> {
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

    fn begins_frame(&self, message: &str) -> bool {
        let message = message.trim();
        self.section == Section::Open && (native::begins_frame(message) || java::begins_frame(message))
    }

    /// The event. `last_line` is the number of the report's last line, and `is_cut` says that it is one of this crash and cut off.
    fn finish(mut self, last_line: usize, is_cut: bool) -> Result<CrashEvent, CrashError> {
        self.end_maps();
        let may_lack_frames = self.may_lack_frames();
        if self.is_empty() {
            return Err(NO_FRAME);
        }
        if let Some(dialect) = &mut self.dialect {
            dialect.finish(&mut self.stacks);
        }
        let format = self.format();
        let truncated = |fact| Err(CrashError::Truncated { format, place: Place::Line(last_line), fact });
        if is_cut {
            return truncated("it ends within a frame");
        }
        if self.mappings_left > 0 {
            return truncated("it ends within the memory map");
        }
        if self.frames == 0 && !may_lack_frames {
            return truncated("it ends before its first frame");
        }
        let event = &mut self.stacks.event;
        event.format = format;
        if self.head == Some(Head::Anr) {
            anr::finish(&mut event.threads);
            event.reason.kind.get_or_insert_with(|| "ANR".to_owned());
        }
        unity::finish(event);
        native::finish(event);
        Ok(self.stacks.finish())
    }

    fn format(&self) -> Format {
        let own = self.dialect.as_ref().map(|dialect| dialect.format());
        match self.head {
            Some(Head::Crashlytics) => Format::Crashlytics,
            _ if self.has_prefix => Format::Logcat,
            Some(Head::Tombstone) => Format::Tombstone,
            Some(Head::Anr) => Format::Anr,
            None if own.is_some() => own.unwrap_or(Format::Frames),
            _ if !self.stacks.event.exceptions.is_empty() => Format::Java,
            _ => Format::Frames,
        }
    }
}

/// A thread's name without the help that Android Studio offers behind it: ` (Fix with AI)`, ` (Ask Gemini)`.
fn without_offer(name: &str) -> &str {
    let offer = name.rfind(" (").filter(|at| name.ends_with(')') && ["AI)", "Gemini)"].iter().any(|end| name[*at..].ends_with(end)));
    offer.map_or(name, |at| name[..at].trim_end())
}
