//! Reads what glibc prints: `backtrace_symbols(3)`, `backtrace_symbols_fd(3)`, and what it prints
//! itself before it aborts. V8 prints its stacks alike.
//!
//! ```text
//! *** Error in `./lantern': free(): invalid pointer: 0x00007fff12345678 ***
//! /opt/liblamp.so(_ZN4Wick5lightEv+0x1c) [0x7f1234561180]     within a function
//! /opt/liblamp.so(+0x1200)[0x7f1234561200]                    within the file
//! ./lantern() [0x4011c0]                                      an executable at the addresses that it was linked for
//! /lib/libx.so.1 [0x7f1134d28877], [0x7fff5ba29a10]           before glibc 2.6; in no file
//! [2] ./lantern(main+0x20) [0x4011c0], 2: /opt/liblamp.so …   numbered by whoever prints them
//! 2: /usr/bin/X (0x55d0c0c00000+0x1b8d39) [0x55d0c0db8d39]    X.Org's server: from where the file is loaded
//! ======= Memory map: ========
//! ```
//!
//! All are return addresses, but for the instruction behind a signal's trampoline.

use super::cxx::strip_brackets;
use super::dialect::{Dialect, Said};
use super::found::{FoundFrame, in_file, in_image};
use super::proc_maps;
use crate::event::Format;
use crate::event::frame::At;
use crate::readers::lines::line::{NativeLine, Text};
use crate::readers::lines::stacks::Stacks;
use crate::scan::text::{between, prefixed_hex, some};

/// `[PATH][([FUNCTION][+0xN])][ ][0xADDRESS]`. With a function, `0xN` counts from that.
pub fn frame(line: &str) -> Option<NativeLine> {
    let (number, line) = numbered(line).map_or((None, line), |(number, line)| (Some(number), line));
    let (front, address) = line.strip_suffix(']')?.rsplit_once('[')?;
    let address = prefixed_hex(address)?;
    let front = front.trim_end();
    let (path, symbol) =
        strip_brackets(front).map_or((front, None), |(path, symbol)| (path, Some(symbol)));
    // Words before a path are no path.
    if path.contains([' ', '\t']) && !path.starts_with(['/', '.']) || path.starts_with('[') {
        return None;
    }
    let (function, offset) = symbol.map_or(("", None), |symbol| match symbol.rsplit_once('+') {
        Some((function, offset)) => (function, prefixed_hex(offset)),
        None => (symbol, None),
    });
    let relative = match (function, symbol, offset) {
        ("", Some(_), Some(offset)) => Some(in_file(offset)),
        // It was loaded where it was linked for.
        ("", Some(""), None) => Some(in_file(address)),
        (base, _, Some(offset)) if prefixed_hex(base).is_some() => Some(in_image(offset)),
        _ => None,
    };
    let function = some::<String>(function).filter(|function| prefixed_hex(function).is_none());
    let found = FoundFrame {
        address: Some(address),
        relative,
        function,
        path,
        at: At::Return,
        ..FoundFrame::default()
    };
    Some(NativeLine { number, ..found.line() })
}

/// The number that stands before a frame as `[2] ` or `2: `, and the frame.
fn numbered(line: &str) -> Option<(usize, &str)> {
    let (number, rest) = match line.strip_prefix('[') {
        Some(rest) => rest.split_once("] ")?,
        None => line.split_once(": ")?,
    };
    let is_number = number.len() <= 4 && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Some((number.parse().ok()?, rest.trim_start())))?
}

/// Makes the reader, if a report begins with `line`.
pub fn begin(line: &str) -> Option<Box<dyn Dialect>> {
    let is_own = error(line).is_some()
        || is_heading(line, "Backtrace")
        || line.ends_with(']') && frame(line).is_some();
    is_own.then(|| Box::new(Glibc { is_map: false }) as Box<dyn Dialect>)
}

/// The program and the message of ``*** Error in `PROGRAM': MESSAGE ***``, `*** MESSAGE ***:
/// PROGRAM terminated`.
fn error(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("*** ")?;
    if let Some(rest) =
        rest.strip_prefix("Error in `").or_else(|| rest.strip_prefix("glibc detected *** "))
    {
        let (program, message) = rest.split_once(": ")?;
        return Some((program.trim_end_matches('\''), message.trim_end_matches(" ***")));
    }
    let (message, program) = rest.split_once(" ***: ")?;
    Some((program.strip_suffix(" terminated")?, message))
}

/// `======= Backtrace: =========`.
fn is_heading(line: &str, name: &str) -> bool {
    line.starts_with("=====") && between(line, "= ", ": =") == Some(name)
}

#[derive(Debug)]
struct Glibc {
    /// In the list of mappings.
    is_map: bool,
}

impl Dialect for Glibc {
    fn format(&self) -> Format {
        Format::Glibc
    }

    fn line(&mut self, text: Text<'_>, stacks: &mut Stacks) -> Said {
        let line = text.line;
        if let Some((program, message)) = error(line) {
            let event = &mut stacks.event;
            event.process.path = some(program);
            event.reason.message = some(message);
            event.reason.kind = some(message.split_once(": 0x").map_or(message, |(kind, _)| kind));
            return Said::Own;
        }
        if is_heading(line, "Memory map") {
            self.is_map = true;
            return Said::Own;
        }
        if self.is_map {
            // What is not a mapping stands behind them.
            self.is_map = proc_maps::line(line, stacks);
            return Said::Own;
        }
        match frame(line) {
            Some(line) => Said::Frame(Box::new(line)),
            None => Said::Other,
        }
    }
}
