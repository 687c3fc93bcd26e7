//! Reads the lines of one writer: what each is, and where it goes.

use std::ops::ControlFlow;

use super::beginning::is_beginning;
use super::java::JavaLine;
use super::line::Text;
use super::native::Said;
use super::stacks::Target;
use super::state::{CrashHead, Section, Step, TextReader};
use super::{anr, crashlytics, java, maps, native, tombstone, unity};
use crate::event::error::{CrashError, Place};
use crate::event::frame::{At, Frame};
use crate::event::{CrashEvent, Format};
use crate::limits::{MAX_MESSAGE_LINES, MAX_TEXT_BYTES};
use crate::readers::javascript;
use crate::scan::text;

/// What a text without any frame is.
pub const NO_FRAME: CrashError = CrashError::NotACrash { found: "text without a stack frame" };

impl TextReader {
    /// Reads a line.
    pub fn read(&mut self, text: Text<'_>) -> Step {
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
        let mut said = self
            .dialect
            .as_mut()
            .map_or(Said::Other, |dialect| dialect.line(text, &mut self.stacks));
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
        self.dialect.is_none()
            && (tombstone::field(self, line)
                || crashlytics::field(self, line)
                || anr::field(self, line))
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
            Some(JavaLine::Frame(frame)) => {
                return Step::Read(self.stacks.push_java(*frame, text.span));
            }
            Some(JavaLine::Shared(count)) => self.stacks.share(count),
            Some(JavaLine::Head(head)) => {
                self.lines_before_head = if head.is_cause() && self.stacks.has_pending() {
                    self.lines_before_head
                } else {
                    self.lines
                };
                self.stacks.java_head(&head, text.indent);
            }
            None => return Step::Read(self.other(text)),
        }
        Step::Read(None)
    }

    /// A line that is nothing by itself: a part of a message, or the heading of the next stack.
    /// Frames of Apple's platforms are ones only where something says that.
    fn other(&mut self, text: Text<'_>) -> Option<Target> {
        if (self.head == Some(CrashHead::Crashlytics) || self.stacks.is_thrown_of_apple())
            && let Some(frame) = crashlytics::apple_frame(text.line)
        {
            self.head.get_or_insert(CrashHead::Crashlytics);
            return self.stacks.push_apple(frame, text.span);
        }
        if let Some(thread) = text.line.strip_prefix("FATAL EXCEPTION") {
            self.head.get_or_insert(CrashHead::FatalException);
            let thread = thread
                .strip_prefix(" IN SYSTEM PROCESS")
                .unwrap_or(thread)
                .trim_start_matches(':')
                .trim();
            self.stacks.crashed_thread(without_offer(thread));
        } else if let Some((name, pid)) =
            text.line.strip_prefix("Process: ").and_then(|rest| rest.split_once(", PID: "))
        {
            let process = &mut self.stacks.event.process;
            (process.name, process.pid) = (text::some(name), pid.trim().parse().ok());
        } else if let Some(head) =
            java::head_within(text.line).filter(|_| !self.stacks.has_pending())
        {
            self.lines_before_head = self.lines;
            self.stacks.java_head(&head, text.indent);
        } else {
            self.stacks.message_line(text.line);
        }
        None
    }

    /// A reader of the crash that the last exception's head began. It goes on behind that.
    pub fn next(&mut self) -> Self {
        let has_prefix = self.has_prefix;
        let lines = self.lines.saturating_sub(self.lines_before_head);
        Self { stacks: self.stacks.split_pending(), has_prefix, lines, ..Self::default() }
    }

    /// Whether `line` begins another crash than the one that is being read. A trace of threads has
    /// several processes, of which the first is the one that it is about.
    pub fn begins(&self, line: &str) -> bool {
        /// Processes that are dumped together are dumped within less.
        const MAX_DUMP_MS: i64 = 60_000;
        if self.frames == 0
            && self.dialect.as_ref().is_some_and(|dialect| dialect.format() == Format::Dart)
        {
            // Dart's stacks have the rule of tombstones below their message.
            return false;
        }
        match anr::process(line.trim_end()).filter(|_| self.head == Some(CrashHead::Anr)) {
            Some((pid, time_ms)) => {
                let event = &self.stacks.event;
                let is_later = event
                    .time_ms
                    .zip(time_ms)
                    .is_some_and(|(first, now)| now - first > MAX_DUMP_MS);
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
        self.section = if is_last || lines >= MAX_MESSAGE_LINES {
            Section::Open
        } else {
            Section::Abort(lines + 1)
        };
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

    /// A frame in a line of a section that has none: a trace that some other program logs
    /// meanwhile.
    pub fn stray(&mut self, text: Text<'_>) -> Option<Frame> {
        let mut frame = match (native::frame(text.line), java::line(text.line)) {
            (Some(native), _) => {
                let at = if native.is_plain && native.number != Some(0) {
                    At::Return
                } else {
                    native.frame.at
                };
                Frame {
                    at,
                    image: native.image.and_then(|image| self.stacks.image(image)),
                    ..native.frame
                }
            }
            (None, Some(JavaLine::Frame(frame))) => *frame,
            _ => return None,
        };
        frame.span = text.span;
        Some(frame)
    }

    /// Whether `message` begins like a frame, though it may be cut off.
    pub fn begins_frame(&self, message: &str) -> bool {
        let message = message.trim();
        self.section == Section::Open
            && (native::begins_frame(message) || java::begins_frame(message))
    }

    /// The event. `last_line` is the number of the report's last line, and `is_cut` says that it is
    /// one of this crash and cut off.
    pub fn finish(mut self, last_line: usize, is_cut: bool) -> Result<CrashEvent, CrashError> {
        self.end_maps();
        let may_lack_frames = self.may_lack_frames();
        if self.is_empty() {
            return Err(NO_FRAME);
        }
        if let Some(dialect) = &mut self.dialect {
            dialect.finish(&mut self.stacks);
        }
        let format = self.format();
        let truncated =
            |fact| Err(CrashError::Truncated { format, place: Place::Line(last_line), fact });
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
        if self.head == Some(CrashHead::Anr) {
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
            Some(CrashHead::Crashlytics) => Format::Crashlytics,
            _ if self.has_prefix => Format::Logcat,
            Some(CrashHead::Tombstone) => Format::Tombstone,
            Some(CrashHead::Anr) => Format::Anr,
            None if own.is_some() => own.unwrap_or(Format::Frames),
            _ if !self.stacks.event.exceptions.is_empty() => Format::Java,
            _ => Format::Frames,
        }
    }
}

/// A thread's name without the help that Android Studio offers behind it: ` (Fix with AI)`, ` (Ask
/// Gemini)`.
fn without_offer(name: &str) -> &str {
    let offer = name.rfind(" (").filter(|at| {
        name.ends_with(')') && ["AI)", "Gemini)"].iter().any(|end| name[*at..].ends_with(end))
    });
    offer.map_or(name, |at| name[..at].trim_end())
}
