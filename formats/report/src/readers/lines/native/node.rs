//! Reads what Node.js prints: fatal errors of V8 and of Node itself, and errors that nobody caught.
//!
//! ```text
//! # Fatal error in , line 0                                        V8's own
//! # Check failed: x.
//! #  node[4711]: void node::Wick::Light() at ../src/wick.cc:12     Node's own
//! #  Assertion failed: oil
//! FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
//! ----- Native stack trace -----                                   since Node 20
//!  1: 0xb8c001 node::Abort() [node]
//!  2: 0xa9a111  [node]
//!  3: 00007FF6E8B6E2AF node::SetCppgcReference+123599              on Windows
//!
//! /app/lamp.js:12
//!     throw new Error('no oil');
//!     ^
//! Error: no oil
//!     at refill (/app/lamp.js:12:11)
//!     at node:internal/main/run_main_module:23:47
//! ```
//!
//! Native addresses are those that calls return to.

use super::cxx::source;
use super::dialect::{Dialect, Said};
use super::found::{FoundFrame, function_name};
use crate::event::Format;
use crate::event::frame::{At, Frame, FrameKind};
use crate::readers::lines::line::{NativeLine, Text};
use crate::readers::lines::stacks::Stacks;
use crate::scan::text::{between, hex, prefixed_hex, some, word};

/// `N: ADDRESS FUNCTION [IMAGE]`.
fn frame(line: &str) -> Option<NativeLine> {
    let (number, rest) = line.split_once(": ")?;
    let number = number.parse::<usize>().ok()?;
    let (address, rest) = word(rest)?;
    let is_windows = address.len() == 16 && !address.starts_with("0x");
    let address = if is_windows { hex(address)? } else { prefixed_hex(address)? };
    let (function, path) = match rest.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        Some((function, path)) => (function.trim_end(), path),
        None => (rest, ""),
    };
    let function = if is_windows { windows_name(function) } else { function_name(function) };
    let found = FoundFrame {
        address: Some(address),
        function,
        path,
        at: At::Return,
        ..FoundFrame::default()
    };
    Some(NativeLine { number: Some(number.saturating_sub(1)), ..found.line() })
}

/// `FUNCTION+N`, `N` being decimal.
fn windows_name(text: &str) -> Option<String> {
    let name = text
        .rsplit_once('+')
        .filter(|(_, offset)| offset.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(text, |(name, _)| name);
    some(name)
}

/// `at FUNCTION (FILE:LINE:COLUMN)`, `at FILE:LINE:COLUMN`.
fn script(line: &str) -> Option<NativeLine> {
    let rest = line.strip_prefix("at ")?;
    let rest = rest.strip_prefix("async ").unwrap_or(rest);
    let (function, place) = match rest.strip_suffix(')').and_then(|rest| rest.split_once(" (")) {
        Some((function, place)) => (function, place),
        None => ("", rest),
    };
    let (file, row, column) = source(place);
    let is_place = column.is_some() || matches!(place, "<anonymous>" | "native");
    let function = some(function.split(" [as ").next().unwrap_or(function));
    let frame = Frame {
        kind: FrameKind::Other,
        function,
        file: some(file),
        line: row,
        column,
        ..Frame::default()
    };
    is_place.then(|| NativeLine { frame, ..NativeLine::default() })
}

/// Makes the reader, if a report begins with `line`.
pub fn begin(line: &str) -> Option<Box<dyn Dialect>> {
    let is_own = fatal(line).is_some()
        || checked(line).is_some()
        || matches!(line, "----- Native stack trace -----" | "<--- Last few GCs --->")
        || assertion(line).is_some()
        || uncaught(line).is_some()
        || frame(line).is_some_and(|line| line.number == Some(0));
    is_own.then(|| Box::new(Node::default()) as Box<dyn Dialect>)
}

/// `FATAL ERROR: [PLACE ]MESSAGE`, `# Fatal error in FILE, line N`.
fn fatal(line: &str) -> Option<&str> {
    line.strip_prefix("FATAL ERROR: ")
        .or_else(|| line.strip_prefix("# ").filter(|rest| rest.starts_with("Fatal error in ")))
}

/// ``node[4711]: ../src/node.cc:12:void node::f(): Assertion `x' failed.``: pid and message.
fn assertion(line: &str) -> Option<(u64, &str)> {
    let (program, rest) = line.split_once("]: ")?;
    let (name, pid) = program.rsplit_once('[')?;
    let is_node = name.ends_with("node") || name.ends_with("node.exe");
    (is_node && rest.contains(" Assertion `")).then(|| Some((pid.parse().ok()?, rest)))?
}

/// `#  node[4711]: FUNCTION at FILE:LINE`, which the condition follows: the pid.
fn checked(line: &str) -> Option<u64> {
    let (name, rest) = line.strip_prefix('#')?.trim_start().split_once('[')?;
    let (pid, rest) = rest.split_once("]: ")?;
    (!name.is_empty() && !name.contains(' ') && rest.contains(" at ")).then(|| pid.parse().ok())?
}

/// `Uncaught Error: no oil`, `Error: no oil`, `TypeError [ERR_X]: …`: the class and the message.
fn uncaught(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("Uncaught ").unwrap_or(line);
    let (class, message) = line.split_once(": ").unwrap_or((line, ""));
    let name = class.split(" [").next().unwrap_or(class);
    let is_class = name.ends_with("Error") && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_class.then_some((class, message))
}

#[derive(Debug, Default)]
struct Node {
    has_message: bool,
    /// The next line has V8's message.
    is_v8: bool,
}

impl Dialect for Node {
    fn format(&self) -> Format {
        Format::Node
    }

    fn line(&mut self, text: Text<'_>, stacks: &mut Stacks) -> Said {
        let line = text.line;
        if let Some(line) = frame(line).or_else(|| script(line)) {
            return Said::Frame(Box::new(line));
        }
        let reason = &mut stacks.event.reason;
        if let Some(message) = fatal(line) {
            (reason.kind, reason.message, self.has_message) =
                (some("FATAL ERROR"), some(message), true);
            self.is_v8 = line.starts_with('#');
        } else if let Some(message) = line
            .strip_prefix('#')
            .filter(|rest| std::mem::take(&mut self.is_v8) && !rest.trim().is_empty())
        {
            reason.message = some(message);
        } else if let Some(pid) = checked(line) {
            (stacks.event.process.pid, self.has_message) = (Some(pid), true);
        } else if let Some(message) = line
            .strip_prefix('#')
            .map(str::trim)
            .filter(|message| message.starts_with("Assertion failed: "))
        {
            (reason.kind, reason.message) = (some("Assertion failed"), some(message));
        } else if let Some((pid, message)) = assertion(line) {
            (reason.kind, reason.message, self.has_message) =
                (some("Assertion"), some(message), true);
            stacks.event.process.pid = Some(pid);
        } else if let Some((class, message)) = uncaught(line).filter(|_| !self.has_message) {
            (reason.kind, reason.message) = (some(class), some(message));
        } else if let Some(pid) = line.strip_prefix('[').and_then(|rest| between(rest, "", ":")) {
            // `[4711:0x55d0c0de1128]    12131 ms: Mark-sweep …`
            stacks.event.process.pid = stacks.event.process.pid.or(pid.parse().ok());
        } else if line == "----- JavaScript stack trace -----" {
            stacks.begin_thread(None, some("JavaScript"), false);
        } else if !self.has_message && !stacks.has_frames() {
            // `Error: …` may have been said by anybody.
            return Said::Other;
        }
        Said::Own
    }

    fn may_lack_frames(&self) -> bool {
        self.has_message
    }
}
