//! Reads what Go prints: panics, fatal errors, and stacks of all goroutines.
//!
//! ```text
//! panic: runtime error: invalid memory address or nil pointer dereference
//! [signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x4a1b2c]
//!
//! goroutine 1 [running]:                                  the first one is what it is about
//! example.org/lantern/wick.(*Wick).Light(...)             inlined: no offset in the next line
//!     /src/wick/wick.go:12
//! main.main()
//!     /src/main.go:7 +0x25
//! created by example.org/lantern/lamp.Start in goroutine 1
//!     /src/lamp/lamp.go:55 +0x65
//! WARNING: DATA RACE                                      a stack for each access, and for each goroutine's start
//! Write at 0x00c0000b4010 by goroutine 7:
//! ```

use super::cxx::{source, strip_brackets};
use super::dialect::{Dialect, Said};
use crate::event::Format;
use crate::event::frame::{At, Frame};
use crate::limits::MAX_TEXT_BYTES;
use crate::readers::lines::line::{NativeLine, Text};
use crate::readers::lines::stacks::Stacks;
use crate::scan::text::{between, hex, prefixed_hex, some, word};

/// Makes the reader, if a report begins with `line`.
pub fn begin(line: &str) -> Option<Box<dyn Dialect>> {
    let is_own = begins_report(line) || goroutine(line).is_some();
    is_own.then(|| Box::new(Go::default()) as Box<dyn Dialect>)
}

/// Whether a report begins with `line`.
pub fn begins_report(line: &str) -> bool {
    line.starts_with("panic: ")
        || line.starts_with("fatal error: ")
        || line == RACE
        || signal_word(line).is_some()
}

/// What the race detector begins with.
const RACE: &str = "WARNING: DATA RACE";
const RACE_KIND: &str = "DATA RACE";

/// `Previous read at 0x00c0000b4010 by goroutine 7:`, `Goroutine 7 (running) created at:`, without
/// the colon.
fn access(line: &str) -> Option<&str> {
    let text = line.strip_suffix(':')?;
    let kind = text.strip_prefix("Previous ").unwrap_or(text);
    let is_access = ["Read at 0x", "Write at 0x", "read at 0x", "write at 0x"]
        .iter()
        .any(|start| kind.starts_with(start));
    (is_access || text.starts_with("Goroutine ") && text.ends_with(" created at")).then_some(text)
}

/// `SIGQUIT: quit`, `SIGABRT: abort`: the signal.
fn signal_word(line: &str) -> Option<&str> {
    let (signal, name) = line.split_once(": ")?;
    let is_signal = signal.starts_with("SIG")
        && signal.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    (is_signal
        && matches!(
            name,
            "quit"
                | "abort"
                | "segmentation violation"
                | "bus error"
                | "illegal instruction"
                | "trace trap"
                | "floating-point exception"
        ))
    .then_some(signal)
}

/// `goroutine 18 gp=0xc000002380 m=0 [chan receive, 5 minutes]:`: number and state.
fn goroutine(line: &str) -> Option<(u64, &str)> {
    let (number, rest) = word(line.strip_prefix("goroutine ")?)?;
    let state = rest.strip_suffix(':')?.strip_suffix(']')?.split_once('[')?.1;
    Some((number.parse().ok()?, state))
}

#[derive(Debug, Default)]
struct Go {
    /// Whether lines are those of a stack.
    is_stack: bool,
    /// A function came: its place follows.
    is_open: bool,
    has_panic: bool,
}

impl Dialect for Go {
    fn format(&self) -> Format {
        Format::Go
    }

    fn line(&mut self, text: Text<'_>, stacks: &mut Stacks) -> Said {
        let line = text.line;
        if let Some((number, _)) = goroutine(line) {
            let is_first = stacks.event.threads.is_empty();
            stacks.begin_thread(Some(number), None, is_first);
            (self.is_stack, self.is_open) = (true, false);
            return Said::Own;
        }
        if let Some(heading) =
            access(line).filter(|_| stacks.event.reason.kind.as_deref() == Some(RACE_KIND))
        {
            let is_first = stacks.event.threads.is_empty();
            stacks.begin_thread(None, some(heading), is_first);
            (self.is_stack, self.is_open) = (true, false);
            return Said::Own;
        }
        if line == "runtime stack:" {
            // What the runtime itself does, in no goroutine.
            stacks.begin_thread(None, some("runtime stack"), false);
            (self.is_stack, self.is_open) = (true, false);
            return Said::Own;
        }
        if self.is_open && text.indent > 0 {
            // What was resolved before stands in between.
            self.is_open = line.contains(" at ");
            if !self.is_open {
                place(line, stacks);
            }
            return Said::Own;
        }
        self.is_open = false;
        if self.is_stack {
            return self.call(line);
        }
        self.head(line, stacks);
        Said::Own
    }

    fn may_lack_frames(&self) -> bool {
        self.has_panic
    }
}

impl Go {
    /// `FUNCTION(ARGUMENTS)`, or `created by FUNCTION[ in goroutine N]`.
    fn call(&mut self, line: &str) -> Said {
        if line.is_empty() {
            self.is_stack = false;
            return Said::Own;
        }
        if line.starts_with("created by ") {
            // Who began the goroutine is no caller.
            self.is_stack = false;
            return Said::Own;
        }
        let Some((function, arguments)) =
            strip_brackets(line).filter(|(function, _)| is_function(function))
        else {
            return Said::Own;
        };
        self.is_open = true;
        let frame = Frame {
            function: some(function),
            inlined: arguments == "...",
            at: At::Return,
            ..Frame::default()
        };
        Said::Frame(Box::new(NativeLine { frame, ..NativeLine::default() }))
    }

    fn head(&mut self, line: &str, stacks: &mut Stacks) {
        let reason = &mut stacks.event.reason;
        let panic = line.strip_prefix("panic: ").map(|message| ("panic", message));
        let fatal = || line.strip_prefix("fatal error: ").map(|message| ("fatal error", message));
        if let Some((kind, message)) = panic.or_else(fatal) {
            self.has_panic = true;
            match &mut reason.message {
                // One that came while another was on its way.
                Some(before) if before.len() + line.len() < MAX_TEXT_BYTES => {
                    before.push('\n');
                    before.push_str(line);
                }
                Some(_) => {}
                None => (reason.kind, reason.message) = (some(kind), some(message)),
            }
        } else if let Some(rest) = line.strip_prefix("[signal ") {
            reason.signal = word(rest).and_then(|(signal, _)| some(signal.trim_end_matches(':')));
            reason.code = between(rest, "code=", " ").and_then(some);
            reason.fault_address = between(rest, "addr=", " ").and_then(hex);
        } else if line == RACE {
            reason.kind = some(RACE_KIND);
        } else if let Some(signal) = signal_word(line) {
            reason.signal = some(signal);
        }
    }
}

/// Whether `text` can be a function of Go: without blanks but in brackets of type parameters.
fn is_function(text: &str) -> bool {
    !text.is_empty() && !text.split('[').next().unwrap_or_default().contains([' ', '\t'])
}

/// `/src/lamp/lamp.go:44 +0x1c [fp=0x… sp=0x… pc=0x4a1b2c]`.
fn place(line: &str, stacks: &mut Stacks) {
    let (file, offset) = match line.rfind(" +0x") {
        Some(at) => (&line[..at], &line[at..]),
        None => (line.split(" fp=0x").next().unwrap_or(line), ""),
    };
    let Some(frame) = stacks.last_frame() else { return };
    let (file, number, _) = source(file.trim());
    (frame.file, frame.line) = (some(file), number);
    frame.inlined &= offset.is_empty();
    frame.address = line.rsplit_once(" pc=").and_then(|(_, pc)| prefixed_hex(word(pc)?.0));
}
