//! Apple's crash texts: in, the text; out, its event. `KSCrash` and `PLCrashReporter` write the same.
//!
//! Source: "Examining the fields in a crash report" in Apple's documentation, and reports of Mac OS X 10.8 to iOS 16.

mod frame;
mod image;

use super::apple;
use super::error::{CrashError, Place};
use super::event::{CrashEvent, Exception, Format, Thread};
use super::frame::{At, Frame, Span};
use super::limits::{MAX_MESSAGE_LINES, MAX_TEXT_BYTES};
use super::room::Room;
use super::text::{self, Line, prefixed_hex, some};
use super::time;
pub use frame::frame;

/// Reads the report that `text` has from byte `from` on into `event`, which knows what stands before.
///
/// # Errors
/// `NotACrash` without threads; `Truncated` if it ends before its list of images, or within a line of it.
pub fn read(event: CrashEvent, text: &str, from: usize) -> Result<CrashEvent, CrashError> {
    let mut reader =
        Reader { event, room: Room::default(), part: Part::Head, has_head: false, has_images: false, thrown: Vec::new(), name: None };
    let (mut last, mut is_cut) = (0, false);
    for line in text::lines(text) {
        last = line.number;
        if line.span.range().start >= from {
            let is_read = reader.line(line);
            is_cut = line.is_open && !is_read;
        }
    }
    reader.finish(last, is_cut)
}

struct Reader {
    event: CrashEvent,
    room: Room,
    part: Part,
    has_head: bool,
    has_images: bool,
    /// The stack of the last exception.
    thrown: Vec<Frame>,
    /// `Thread N name:` stands before `Thread N:`.
    name: Option<String>,
}

/// What the lines belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Head,
    /// What the application or its libraries left in the report; the number of lines so far.
    Said(usize),
    Thread,
    Thrown,
    Images,
    /// Registers, memory, the crash of a crash handler.
    Other,
}

impl Reader {
    /// Reads a line. `false` if it begins like a frame or an image, and is none.
    fn line(&mut self, line: Line<'_>) -> bool {
        let text = line.text.trim();
        if text.is_empty() {
            if matches!(self.part, Part::Thread | Part::Thrown | Part::Said(_)) {
                self.part = Part::Head;
            }
            return true;
        }
        if self.heading(text) {
            return true;
        }
        let before = line.text.len() - line.text.trim_start().len();
        let start = line.span.range().start + before;
        let span = Span::new(start, start + text.len());
        match self.part {
            Part::Thread => self.thread_frame(text, span),
            Part::Thrown => self.thrown_frame(text, span),
            Part::Images => match image::image(text) {
                Some(image) => {
                    self.room.push_image(&mut self.event.images, image);
                    true
                }
                None => !text.starts_with("0x"),
            },
            Part::Said(lines) => {
                self.said(text, lines);
                true
            }
            Part::Head => {
                self.field(text);
                true
            }
            Part::Other => true,
        }
    }

    /// Whether `text` begins another part.
    fn heading(&mut self, text: &str) -> bool {
        const OTHERS: [&str; 4] =
            ["Handler crashed while reporting:", "Extra Information:", "VM Region Summary:", "External Modification Summary:"];
        if text.starts_with("Binary Images:") {
            (self.part, self.has_images) = (Part::Images, true);
        } else if text.starts_with("Last Exception Backtrace:") {
            self.part = Part::Thrown;
        } else if text.starts_with("Application Specific Backtrace ") {
            self.part = if self.thrown.is_empty() { Part::Thrown } else { Part::Other };
        } else if text.starts_with("Application Specific Information:") || text.starts_with("Application Specific Signatures:") {
            self.part = Part::Said(0);
        } else if OTHERS.iter().any(|heading| text.starts_with(heading)) {
            self.part = Part::Other;
        } else if self.part != Part::Other || !self.has_images {
            return text.strip_prefix("Thread ").is_some_and(|rest| self.thread(rest));
        } else {
            return false;
        }
        true
    }

    /// `0 name:  Dispatch queue: main`, `0 Crashed:: name`, `0:`, or the heading of the registers.
    fn thread(&mut self, rest: &str) -> bool {
        let Some((number, rest)) = rest.split_once([' ', ':']).and_then(|(number, rest)| Some((number.parse().ok()?, rest))) else {
            return false;
        };
        if let Some(name) = rest.strip_prefix("name:") {
            self.name = some(name);
            return true;
        }
        if rest.contains("Thread State") || rest.contains("crashed with") {
            self.part = Part::Other;
            return true;
        }
        let crashed = rest.trim_start().strip_prefix("Crashed:");
        let name = some(crashed.unwrap_or(rest).trim_start_matches(':')).or(self.name.take());
        self.part = Part::Other;
        if self.room.has_stack(self.event.threads.len()) {
            self.event.threads.push(Thread { id: Some(number), name, crashed: crashed.is_some(), frames: Vec::new() });
            self.part = Part::Thread;
        }
        true
    }

    fn thread_frame(&mut self, text: &str, span: Span) -> bool {
        let Some(thread) = self.event.threads.last_mut() else { return true };
        match frame(text) {
            Some(frame) => {
                let is_first = thread.frames.iter().all(|frame| frame.inlined);
                let at = if is_first { At::Instruction } else { At::Return };
                self.room.push_frame(&mut thread.frames, Frame { at, span, ..frame });
                true
            }
            None => !text.starts_with(|c: char| c.is_ascii_digit()),
        }
    }

    /// A frame, or all addresses in a list of one line or several: `(0x182d5b164 0x181fa4528)`.
    fn thrown_frame(&mut self, text: &str, span: Span) -> bool {
        if let Some(frame) = frame(text) {
            self.room.push_frame(&mut self.thrown, Frame { at: At::Return, span, ..frame });
            return true;
        }
        if !text.starts_with("(0x") && !text.starts_with("0x") {
            return !text.starts_with(|c: char| c.is_ascii_digit());
        }
        let addresses = text.trim_start_matches('(');
        let mut at = span.range().start + text.len() - addresses.len();
        for word in addresses.split_inclusive([' ', ')']) {
            let digits = word.trim_end_matches([' ', ')']);
            if let Some(address) = prefixed_hex(digits) {
                let frame = Frame { address: Some(address), at: At::Return, span: Span::new(at, at + digits.len()), ..Frame::default() };
                self.room.push_frame(&mut self.thrown, frame);
            }
            at += word.len();
        }
        addresses.ends_with(')')
    }

    fn said(&mut self, text: &str, lines: usize) {
        let message = self.event.reason.message.get_or_insert_default();
        if lines < MAX_MESSAGE_LINES && message.len() + text.len() < MAX_TEXT_BYTES {
            if lines > 0 {
                message.push('\n');
            } else {
                message.clear();
            }
            message.push_str(text);
        }
        self.part = Part::Said(lines + 1);
    }

    /// `Key: value` of the head.
    fn field(&mut self, text: &str) {
        let Some((key, value)) = text.split_once(':') else { return };
        let value = value.trim();
        let event = &mut self.event;
        match key {
            "Incident Identifier" => event.event_id = some(value),
            "Process" => {
                let named = value.strip_suffix(']').and_then(|value| value.rsplit_once('['));
                event.process.name = some(named.map_or(value, |(name, _)| name));
                event.process.pid = named.and_then(|(_, pid)| pid.parse().ok());
            }
            "Path" => event.process.path = some(value),
            "Identifier" => event.app.id = some(value),
            "Version" => {
                let parted = value.strip_suffix(')').and_then(|value| value.rsplit_once('('));
                event.app.release = some(parted.map_or(value, |(version, _)| version));
                event.app.build = parted.and_then(|(_, build)| some(build));
            }
            "Code Type" => event.arch = apple::arch(value),
            "Date/Time" => event.time_ms = time::milliseconds(value),
            "OS Version" => event.os = apple::os(value),
            "Exception Type" => apple::exception_type(&mut event.reason, value),
            // The subtype says the same in words, if it is there.
            "Exception Codes" if event.reason.fault_address.is_some() => {}
            "Exception Codes" | "Exception Subtype" => apple::exception_codes(&mut event.reason, value),
            "Termination Reason" | "Termination Description" => {
                let message = event.reason.message.get_or_insert_default();
                if !message.is_empty() {
                    message.push('\n');
                }
                message.push_str(&text::kept(value));
                message.truncate(text::kept(message).len());
            }
            "Crashed Thread" | "Triggered by Thread" => {
                event.crashed_thread = text::word(value).and_then(|(number, _)| number.parse().ok());
            }
            "Hardware Model" | "Report Version" => {}
            _ => return,
        }
        self.has_head = true;
    }

    fn finish(self, last_line: usize, is_cut: bool) -> Result<CrashEvent, CrashError> {
        let Self { mut event, room, has_head, has_images, thrown, .. } = self;
        let truncated = |fact| Err(CrashError::Truncated { format: event.format, place: Place::Line(last_line), fact });
        if is_cut {
            return truncated("it ends within a frame or an image");
        }
        if has_head && !has_images {
            return truncated("it ends before its list of binary images");
        }
        if event.threads.is_empty() && thrown.is_empty() {
            return Err(CrashError::NotACrash { found: "an Apple report without threads" });
        }
        // What marks a thread itself says so more exactly than the head, which has a number.
        let marked = event.threads.iter().position(|thread| thread.crashed);
        let numbered = event.crashed_thread.and_then(|number| u64::try_from(number).ok());
        event.crashed_thread = marked.or_else(|| event.threads.iter().position(|thread| thread.id.is_some() && thread.id == numbered));
        let in_words = event.reason.message.as_deref().and_then(apple::uncaught_exception);
        if in_words.is_some() || !thrown.is_empty() {
            let (kind, message) = in_words.map_or((None, None), |(name, message)| (some(name), some(message)));
            event.exceptions.push(Exception { kind, message, frames: thrown, ..Exception::default() });
        }
        Ok(room.finish(event))
    }
}

/// Whether `line` is one that only an Apple report has.
pub fn is_own(line: &str) -> bool {
    const HEADS: [&str; 10] = [
        "Incident Identifier:",
        "CrashReporter Key:",
        "Hardware Model:",
        "Code Type:",
        "Report Version:",
        "Exception Type:",
        "Exception Codes:",
        "Binary Images:",
        "Last Exception Backtrace:",
        "Crashed Thread:",
    ];
    let is_thread = |rest: &str| {
        let number = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or_default();
        number > 0 && [":", " Crashed:", " name:"].iter().any(|end| rest[number..].starts_with(end))
    };
    HEADS.iter().any(|head| line.starts_with(head)) || line.strip_prefix("Thread ").is_some_and(is_thread)
}

/// An event of which nothing is known yet.
pub fn event() -> CrashEvent {
    CrashEvent::new(Format::AppleText)
}
