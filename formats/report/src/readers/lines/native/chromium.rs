//! Reads what Chromium's `base::debug::StackTrace` prints, also in Electron, CEF and V8's tests.
//!
//! ```text
//! [4711:4711:0302/101112.131415:FATAL:wick.cc(12)] Check failed: oil_.
//! Received signal 11 SEGV_MAPERR 000000000018
//! #0 0x55d1c0de4000 lantern::Wick::Light()
//! #1 0x7f1134d28877 (/usr/lib/x86_64-linux-gnu/libc.so.6+0x2a876)
//! Task trace:                                                                   who has posted the task: a stack of its own
//! ```
//!
//! On Windows: `base::debug::StackTrace::StackTrace [0x00007FF7A1B2C3D4+18]
//! (C:\src\stack_trace.cc:42)`.

use super::cxx::{source, strip_brackets};
use super::dialect::{Dialect, Said};
use super::found::known;
use crate::event::Format;
use crate::event::frame::{At, Frame};
use crate::readers::lines::line::{NativeLine, Text};
use crate::readers::lines::stacks::Stacks;
use crate::readers::reason::signal_name;
use crate::scan::text::{hex, prefixed_hex, some, word};

/// Makes the reader, if a report begins with `line`.
pub fn begin(line: &str) -> Option<Box<dyn Dialect>> {
    (fatal(line).is_some() || signal(line).is_some())
        .then(|| Box::new(Chromium) as Box<dyn Dialect>)
}

/// The process and the message of `[PID:TID:MMDD/HHMMSS.MICROS:FATAL:FILE(LINE)] MESSAGE`; older
/// ones have less before `FATAL`.
fn fatal(line: &str) -> Option<(Option<u64>, &str)> {
    let (head, message) = line.strip_prefix('[')?.split_once("] ")?;
    let (front, place) = head
        .split_once(":FATAL:")
        .or_else(|| head.split_once("FATAL:").filter(|(front, _)| front.is_empty()))?;
    let is_place = place
        .split_once('(')
        .and_then(|(_, line)| line.strip_suffix(')'))
        .is_some_and(|line| line.parse::<u32>().is_ok());
    is_place.then(|| (front.split(':').next().and_then(|pid| pid.parse().ok()), message))
}

/// `Received signal 11 SEGV_MAPERR 000000000018`: number, code, address.
fn signal(line: &str) -> Option<(i64, &str, Option<u64>)> {
    let (number, rest) = word(line.strip_prefix("Received signal ")?)?;
    let (code, address) = word(rest).unwrap_or_default();
    Some((number.parse().ok()?, code, hex(address)))
}

/// The signal that a code belongs to, where numbers of signals differ between machines.
fn signal_of(code: &str) -> Option<&'static str> {
    Some(match code.split_once('_')?.0 {
        "SEGV" => "SIGSEGV",
        "BUS" => "SIGBUS",
        "ILL" => "SIGILL",
        "FPE" => "SIGFPE",
        "TRAP" => "SIGTRAP",
        _ => return None,
    })
}

/// `FUNCTION [0xADDRESS+OFFSET][ (FILE:LINE)]`.
fn windows_frame(line: &str) -> Option<NativeLine> {
    let (front, place) =
        strip_brackets(line).filter(|(front, _)| front.ends_with("] ")).unwrap_or((line, ""));
    let (function, address) = front.trim_end().strip_suffix(']')?.rsplit_once('[')?;
    let (address, _) = address.split_once('+').unwrap_or((address, ""));
    let (file, row, _) = source(place);
    let function = known(function).filter(|function| function != "(No symbol)");
    let frame = Frame {
        address: Some(prefixed_hex(address)?),
        function,
        file: some(file),
        line: row,
        at: At::Return,
        ..Frame::default()
    };
    Some(NativeLine { frame, ..NativeLine::default() })
}

#[derive(Debug)]
struct Chromium;

impl Dialect for Chromium {
    fn format(&self) -> Format {
        Format::Chromium
    }

    fn line(&mut self, text: Text<'_>, stacks: &mut Stacks) -> Said {
        let line = text.line;
        let event = &mut stacks.event;
        if let Some((pid, message)) = fatal(line) {
            if event.reason.message.is_none() {
                event.process.pid = pid;
                event.reason.message = some(message);
                event.reason.kind = some(message.split_once(':').map_or(message, |(kind, _)| kind));
            }
            return Said::Own;
        }
        if let Some((number, code, address)) = signal(line) {
            let reason = &mut event.reason;
            (reason.signal_number, reason.signal) =
                (Some(number), signal_name(number).or_else(|| signal_of(code)).and_then(some));
            (reason.code, reason.fault_address) = (some(code), address);
            return Said::Own;
        }
        match windows_frame(line) {
            Some(line) => Said::Frame(Box::new(line)),
            None => Said::Other,
        }
    }
}
