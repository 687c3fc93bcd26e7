//! Reads Apple's crash texts, which `KSCrash` and `PLCrashReporter` write, too, and what the
//! runtime logs about an uncaught exception (`*** First throw call stack:`).
//!
//! Source: "Examining the fields in a crash report" in Apple's documentation, and reports of Mac OS
//! X 10.8 to iOS 16.

mod begin;
mod frame;
mod image;

use std::collections::BTreeMap;

use crate::event::error::{CrashError, Place};
use crate::event::frame::{At, Frame, Span};
use crate::event::image::{Image, ImageKind};
use crate::event::{CrashEvent, Exception, Format, Thread};
use crate::limits::{MAX_IMAGES, MAX_MESSAGE_LINES, MAX_TEXT_BYTES};
use crate::readers::apple;
use crate::readers::room::Room;
use crate::scan::text::{self, TextLine, prefixed_hex, some};
use crate::scan::time;
pub use begin::{Beginning, begins, is_own};
use begin::{FIRST_THROW, UNCAUGHT};
pub use frame::frame;

/// Reads the report that `text` has from byte `from` on into `event`, which knows what stands
/// before.
///
/// # Errors
/// `NotACrash` without threads; `Truncated` if it ends before its list of images, or within a line
/// of it.
pub fn read(event: CrashEvent, text: &str, from: usize) -> Result<CrashEvent, CrashError> {
    let mut reader = Reader {
        event,
        room: Room::default(),
        part: Part::Head,
        has_head: false,
        has_images: false,
        thrown: Vec::new(),
        name: None,
        loaded: BTreeMap::new(),
    };
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
    /// Where frames say that their images were loaded: name, and bytes from there to the last
    /// frame.
    loaded: BTreeMap<u64, (String, u64)>,
}

/// What the lines belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Head,
    /// What the application or its libraries left in the report; the number of lines so far.
    Said(usize),
    Thread,
    Thrown,
    /// What the runtime says of an exception; the number of lines so far.
    Reason(usize),
    Images,
    /// Registers, memory, the crash of a crash handler.
    Other,
}

impl Reader {
    /// Reads a line. `false` if it begins like a frame or an image, and is none.
    fn line(&mut self, line: TextLine<'_>) -> bool {
        let text = line.text.trim();
        if text.is_empty() {
            if matches!(self.part, Part::Thread | Part::Said(_))
                || self.part == Part::Thrown && !self.thrown.is_empty()
            {
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
                    // All that lies nowhere is listed as an image of its own, which reaches
                    // everywhere.
                    if image.load_address != Some(0)
                        || image.id.as_ref().is_some_and(|id| !id.is_zero())
                    {
                        self.room.push_image(&mut self.event.images, image);
                    }
                    true
                }
                None => !text.starts_with("0x"),
            },
            Part::Said(lines) | Part::Reason(lines) => {
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
        const OTHERS: [&str; 4] = [
            "Handler crashed while reporting:",
            "Extra Information:",
            "VM Region Summary:",
            "External Modification Summary:",
        ];
        if text.starts_with("Binary Images:") {
            (self.part, self.has_images) = (Part::Images, true);
        } else if text.starts_with("Last Exception Backtrace:") {
            // The system's own wins over what the runtime had said.
            self.thrown.clear();
            self.part = Part::Thrown;
        } else if FIRST_THROW.iter().any(|words| text.ends_with(words)) {
            self.part = if self.thrown.is_empty() { Part::Thrown } else { Part::Other };
        } else if let Some(at) = text.find(UNCAUGHT).filter(|_| !self.has_head) {
            self.uncaught(&text[..at], &text[at..]);
        } else if text.starts_with("Application Specific Backtrace ") {
            self.part = if self.thrown.is_empty() { Part::Thrown } else { Part::Other };
        } else if text.starts_with("Application Specific Information:")
            || text.starts_with("Application Specific Signatures:")
        {
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
        let Some((number, rest)) = rest
            .split_once([' ', ':'])
            .and_then(|(number, rest)| Some((number.parse().ok()?, rest)))
        else {
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
            self.event.threads.push(Thread {
                id: Some(number),
                name,
                crashed: crashed.is_some(),
                frames: Vec::new(),
            });
            self.part = Part::Thread;
        }
        true
    }

    fn thread_frame(&mut self, text: &str, span: Span) -> bool {
        let Some(thread) = self.event.threads.last_mut() else { return true };
        match frame(text) {
            Some(frame) => {
                if let Some(base) = frame::load_address(text, &frame) {
                    loaded_at(&mut self.loaded, base, &frame);
                }
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
        if text == ")" {
            self.part = Part::Head;
            return true;
        }
        if let Some(frame) = frame(text) {
            if let Some(base) = frame::load_address(text, &frame) {
                loaded_at(&mut self.loaded, base, &frame);
            }
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
                let frame = Frame {
                    address: Some(address),
                    at: At::Return,
                    span: Span::new(at, at + digits.len()),
                    ..Frame::default()
                };
                self.room.push_frame(&mut self.thrown, frame);
            }
            at += word.len();
        }
        let is_ended = addresses.ends_with(')');
        if is_ended && !self.has_head {
            // In a log, anything may follow.
            self.part = Part::Head;
        }
        is_ended
    }

    /// `[TIME] [NAME[PID:TID]] *** Terminating app due to uncaught exception 'NAME', reason:
    /// 'TEXT'`, which may go over several lines.
    fn uncaught(&mut self, front: &str, text: &str) {
        let named = front.trim_end().strip_suffix(']').and_then(|front| front.rsplit_once('['));
        if let Some((name, pid)) = named {
            let process = &mut self.event.process;
            process.pid = process.pid.or(pid.split(':').next().and_then(|pid| pid.parse().ok()));
            process.name = process.name.take().or(name.rsplit(' ').next().and_then(some));
        }
        self.said(text, 0);
        self.part = Part::Reason(1);
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
        self.part = if matches!(self.part, Part::Reason(_)) {
            Part::Reason(lines + 1)
        } else {
            Part::Said(lines + 1)
        };
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
            "Exception Codes" | "Exception Subtype" => {
                apple::exception_codes(&mut event.reason, value);
            }
            "Termination Reason" | "Termination Description" => {
                let message = event.reason.message.get_or_insert_default();
                if !message.is_empty() {
                    message.push('\n');
                }
                message.push_str(&text::kept(value));
                message.truncate(text::kept(message).len());
            }
            "Crashed Thread" | "Triggered by Thread" => {
                event.crashed_thread =
                    text::word(value).and_then(|(number, _)| number.parse().ok());
            }
            "Hardware Model" => event.device = some(value),
            "Report Version" => {}
            _ => return,
        }
        self.has_head = true;
    }

    fn finish(self, last_line: usize, is_cut: bool) -> Result<CrashEvent, CrashError> {
        let Self { mut event, mut room, has_head, has_images, thrown, loaded, .. } = self;
        let truncated = |fact| {
            Err(CrashError::Truncated { format: event.format, place: Place::Line(last_line), fact })
        };
        if is_cut {
            return truncated("it ends within a frame or an image");
        }
        let has_stack = !thrown.is_empty()
            || event.threads.iter().any(|thread| thread.crashed && !thread.frames.is_empty());
        if has_head && !has_images && !has_stack {
            return truncated("it ends before the stack of its crash");
        }
        if event.threads.is_empty() && thrown.is_empty() {
            return Err(CrashError::NotACrash { found: "an Apple report without threads" });
        }
        // What marks a thread itself says so more exactly than the head, which has a number.
        let marked = event.threads.iter().position(|thread| thread.crashed);
        let numbered = event.crashed_thread.and_then(|number| u64::try_from(number).ok());
        event.crashed_thread = marked.or_else(|| {
            event.threads.iter().position(|thread| thread.id.is_some() && thread.id == numbered)
        });
        if !has_images {
            for (base, (name, last)) in loaded {
                let (size, name) = (last.checked_add(1), Some(name));
                room.push_image(
                    &mut event.images,
                    Image {
                        kind: ImageKind::MachO,
                        name,
                        load_address: Some(base),
                        size,
                        ..Image::default()
                    },
                );
            }
        }
        let in_words = event.reason.message.as_deref().and_then(apple::uncaught_exception);
        if in_words.is_some() || !thrown.is_empty() {
            let (kind, message) =
                in_words.map_or((None, None), |(name, message)| (some(name), some(message)));
            event.exceptions.push(Exception {
                kind,
                message,
                frames: thrown,
                ..Exception::default()
            });
        }
        Ok(room.finish(event))
    }
}

/// Notes where the image of `frame` was loaded.
fn loaded_at(loaded: &mut BTreeMap<u64, (String, u64)>, base: u64, frame: &Frame) {
    let (Some(package), Some(address)) = (&frame.package, frame.address) else { return };
    let offset = address.saturating_sub(base);
    if let Some((_, last)) = loaded.get_mut(&base) {
        *last = offset.max(*last);
    } else if loaded.len() < MAX_IMAGES {
        loaded.insert(base, (package.clone(), offset));
    }
}

/// An event of which nothing is known yet.
pub fn event() -> CrashEvent {
    CrashEvent::new(Format::AppleText)
}
