//! Reads what Rust prints: panics, with and without a backtrace.
//!
//! ```text
//! thread 'main' panicked at src/wick.rs:12:5:                before Rust 1.73: thread 'main' panicked at 'no oil', src/wick.rs:12:5
//! no oil
//! stack backtrace:
//!    2:     0x55d0c0de3000 - lantern::wick::light::h0011223344556688     RUST_BACKTRACE=full
//!                                at /src/wick.rs:12:5
//!    3: lantern::lamp::refill                                            RUST_BACKTRACE=1
//!              at ./src/lamp.rs:44:9
//!       lantern::main                                                    no number: refill was inlined into it
//! ```
//!
//! Addresses are those that calls return to.

use super::cxx::source;
use super::dialect::{Dialect, Said};
use super::found::known;
use crate::event::Format;
use crate::event::frame::{At, Frame};
use crate::limits::{MAX_MESSAGE_LINES, MAX_TEXT_BYTES};
use crate::readers::lines::line::{NativeLine, Text};
use crate::readers::lines::stacks::Stacks;
use crate::scan::text::{prefixed_hex, some};

/// Makes the reader, if a report begins with `line`.
pub fn begin(line: &str) -> Option<Box<dyn Dialect>> {
    (begins_report(line) || is_heading(line)).then(|| Box::new(Rust::default()) as Box<dyn Dialect>)
}

/// Whether a report begins with `line`.
pub fn begins_report(line: &str) -> bool {
    panicked(line).is_some()
        || line.starts_with("fatal runtime error: ")
        || line.starts_with("thread '") && line.ends_with("' has overflowed its stack")
}

/// The thread and what follows of `thread 'main' (4711) panicked at …`.
fn panicked(line: &str) -> Option<(&str, &str)> {
    let (front, rest) = line.strip_prefix("thread '")?.split_once(" panicked at ")?;
    Some((front.rsplit_once('\'')?.0, rest))
}

/// What stands above the frames, also of the crates `backtrace` and `anyhow`.
fn is_heading(line: &str) -> bool {
    matches!(line, "stack backtrace:" | "Stack backtrace:")
}

#[derive(Debug, Default)]
struct Rust {
    has_panic: bool,
    is_stack: bool,
    /// Lines of the message so far, while more may come.
    message_lines: Option<usize>,
    has_frame: bool,
}

impl Dialect for Rust {
    fn format(&self) -> Format {
        Format::Rust
    }

    fn line(&mut self, text: Text<'_>, stacks: &mut Stacks) -> Said {
        let line = text.line;
        if is_heading(line) {
            (self.is_stack, self.message_lines) = (true, None);
            return Said::Own;
        }
        if !self.is_stack {
            self.head(line, stacks);
            return Said::Own;
        }
        if let Some(place) = line.strip_prefix("at ").filter(|_| self.has_frame && text.indent > 0)
        {
            if let Some(frame) = stacks.last_frame() {
                let (file, row, column) = source(place);
                (frame.file, frame.line, frame.column) = (some(file), row, column);
            }
            return Said::Own;
        }
        self.frame(text, stacks)
    }

    fn may_lack_frames(&self) -> bool {
        self.has_panic
    }
}

impl Rust {
    /// `N: FUNCTION`, `N: 0xADDRESS - FUNCTION`, or `FUNCTION` alone, into which the one before was
    /// inlined.
    fn frame(&mut self, text: Text<'_>, stacks: &mut Stacks) -> Said {
        let numbered =
            text.line.split_once(": ").filter(|(number, _)| number.parse::<u32>().is_ok());
        let is_place = |(_, place): (&str, &str)| source(place).1.is_some();
        let is_note = numbered.is_none() && text.line.rsplit_once(" at ").is_some_and(is_place);
        let is_caller = numbered.is_none()
            && self.has_frame
            && text.indent >= 6
            && !text.line.is_empty()
            && !is_note;
        if is_note {
            // Where it was resolved before.
            return Said::Own;
        }
        if numbered.is_none() && !is_caller {
            // The stack has ended.
            self.is_stack = text.line.is_empty() && !self.has_frame;
            return Said::Own;
        }
        let rest = numbered.map_or(text.line, |(_, rest)| rest.trim_start());
        let (address, function) = match rest.split_once(" - ") {
            Some((address, function)) if prefixed_hex(address).is_some() => {
                (prefixed_hex(address), function)
            }
            _ => (None, rest),
        };
        let address = if is_caller {
            stacks.last_frame().and_then(|inner| {
                inner.inlined = true;
                inner.address
            })
        } else {
            address
        };
        self.has_frame = true;
        let frame = Frame {
            address,
            function: known(function.trim_start_matches("- ")),
            at: At::Return,
            ..Frame::default()
        };
        Said::Frame(Box::new(NativeLine { frame, ..NativeLine::default() }))
    }

    fn head(&mut self, line: &str, stacks: &mut Stacks) {
        if let Some((thread, rest)) = panicked(line) {
            if self.has_panic {
                return;
            }
            self.has_panic = true;
            stacks.begin_thread(None, some(thread), true);
            let reason = &mut stacks.event.reason;
            reason.kind = some("panic");
            // The message stands before the place, or in the lines below.
            match rest.strip_prefix('\'').and_then(|rest| rest.rsplit_once("', ")) {
                Some((message, _)) => reason.message = some(message),
                None => self.message_lines = Some(0),
            }
            return;
        }
        if let Some(message) = line.strip_prefix("fatal runtime error: ") {
            self.has_panic = true;
            let reason = &mut stacks.event.reason;
            (reason.kind, reason.message) = (some("fatal runtime error"), some(message));
        } else if line.ends_with("' has overflowed its stack") {
            self.has_panic = true;
            let thread = line
                .strip_prefix("thread '")
                .and_then(|line| line.rsplit_once("' has "))
                .map(|(thread, _)| thread);
            stacks.begin_thread(None, thread.and_then(some), true);
        } else if let Some(lines) = self.message_lines {
            let is_over = line.starts_with("note: ") || lines >= MAX_MESSAGE_LINES;
            self.message_lines = (!is_over).then_some(lines + 1);
            if !is_over {
                add_to_message(stacks, line);
            }
        }
    }
}

fn add_to_message(stacks: &mut Stacks, line: &str) {
    match &mut stacks.event.reason.message {
        Some(message) if message.len() + line.len() < MAX_TEXT_BYTES => {
            message.push('\n');
            message.push_str(line);
        }
        Some(_) => {}
        message => *message = some(line),
    }
}
