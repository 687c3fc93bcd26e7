//! Reads what glog and absl print: failed checks and signals.
//!
//! ```text
//! F20250302 10:11:12.131415  4711 wick.cc:12] Check failed: oil
//! *** Check failure stack trace: ***
//!     @     0x55d0c0de2000  lantern::Wick::light()
//! *** SIGSEGV (@0x18) received by PID 4711 (TID 0x7f91) from PID 24; stack trace: ***
//! *** Signal 11 (SIGSEGV) (0x18) received by PID 4711 (pthread TID 0x7f91) (linux TID 4711) …, stack trace: ***       Folly
//!     @ 00000000004f2a11 lantern::Wick::light()
//!                        /src/wick.cc:12
//! PC: @     0x55d0c0de2000  (unknown)  lantern::Wick::light()       absl puts the frame's size before the name, and the instruction first
//!     @     0x7f1234d42520       1024  (unknown)
//! ```
//!
//! Names only: neither modules nor places. The instruction is in the list once more, behind the
//! handler's frames, unless those are cut off.

use super::cxx::source;
use super::dialect::{Dialect, Said};
use super::found::known;
use crate::event::Format;
use crate::event::frame::{At, Frame};
use crate::readers::lines::line::{NativeLine, Text};
use crate::readers::lines::stacks::Stacks;
use crate::scan::text::{between, hex, prefixed_hex, some, word};

/// `@ 0xADDRESS [SIZE|(unknown)] FUNCTION`.
pub fn frame(line: &str) -> Option<NativeLine> {
    let (address, rest) = word(line.strip_prefix('@')?)?;
    // Folly has 16 digits without what says that they are hexadecimal.
    let address =
        Some(prefixed_hex(address).or_else(|| hex(address).filter(|_| address.len() == 16))?);
    let frame =
        Frame { address, function: known(function(rest)), at: At::Return, ..Frame::default() };
    Some(NativeLine { frame, ..NativeLine::default() })
}

/// The function without the size of its frame.
fn function(text: &str) -> &str {
    match word(text) {
        Some((size, rest))
            if !rest.is_empty()
                && (size == "(unknown)" || size.bytes().all(|byte| byte.is_ascii_digit())) =>
        {
            rest
        }
        _ => text,
    }
}

/// Makes the reader, if a report begins with `line`.
pub fn begin(line: &str) -> Option<Box<dyn Dialect>> {
    let is_own = begins_report(line) || is_stack(line) || frame(line).is_some();
    is_own.then(|| Box::new(Glog::default()) as Box<dyn Dialect>)
}

/// Whether a report begins with `line`. A failed check ends in SIGABRT, which is told of, too.
pub fn begins_report(line: &str) -> bool {
    fatal(line).is_some() || signal(line).is_some_and(|signal| signal != "SIGABRT")
}

/// Whether a stack may follow.
fn is_stack(line: &str) -> bool {
    aborted(line).is_some()
        || signal(line).is_some()
        || line.starts_with("PC: @ ")
        || line == "*** Check failure stack trace: ***"
}

/// The pid or thread and the message of `F20250302 10:11:12.131415  4711 wick.cc:12] MESSAGE`.
fn fatal(line: &str) -> Option<(u64, &str)> {
    let (head, message) = line
        .strip_prefix('F')?
        .split_once("] ")
        .or_else(|| Some((line.strip_prefix('F')?.strip_suffix(']')?, "")))?;
    let mut words = head.split_ascii_whitespace();
    let (date, time, thread, place) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let is_date = matches!(date.len(), 4 | 8) && date.bytes().all(|byte| byte.is_ascii_digit());
    let is_place = place.rsplit_once(':').is_some_and(|(_, line)| line.parse::<u32>().is_ok());
    (is_date && time.contains(':') && is_place).then(|| Some((thread.parse().ok()?, message)))?
}

/// `*** Aborted at 1740906672 (unix time) try "date -d @1740906672" …`: the time.
fn aborted(line: &str) -> Option<i64> {
    word(line.strip_prefix("*** Aborted at ")?)?.0.parse().ok()
}

/// `*** SIGSEGV (@0x0) received by PID 4711 (TID 0x7f) from PID 0; stack trace: ***`, `*** SIGABRT
/// received at time=1740906672 on cpu 3 ***`.
fn signal(line: &str) -> Option<&str> {
    let line = line.strip_prefix("*** ")?;
    // `Signal 11 (SIGSEGV) (0x18) received by …`
    let folly = || line.strip_prefix("Signal ")?.split_once(" (")?.1.split_once(')');
    let (signal, rest) = folly().or_else(|| word(line))?;
    (signal.starts_with("SIG") && rest.contains("received ") && line.ends_with("***"))
        .then_some(signal)
}

#[derive(Debug, Default)]
struct Glog {
    /// The instruction at which a signal came.
    pc: Option<NativeLine>,
    has_message: bool,
}

impl Dialect for Glog {
    fn format(&self) -> Format {
        Format::Glog
    }

    fn line(&mut self, text: Text<'_>, stacks: &mut Stacks) -> Said {
        let line = text.line;
        if is_stack(line) && !stacks.is_empty_thread() && self.pc.is_none() {
            stacks.begin_thread(None, some(line.trim_matches(['*', ' '])), false);
        }
        if let Some(rest) = line.strip_prefix("PC: ") {
            // Where it could not be found out, it is 0.
            let Some(mut parsed) = frame(rest).filter(|parsed| parsed.frame.address != Some(0))
            else {
                return Said::Own;
            };
            parsed.frame.at = At::Instruction;
            self.pc = Some(parsed.clone());
            return Said::Frame(Box::new(parsed));
        }
        if let Some(mut parsed) = frame(line) {
            if self.pc.as_ref().is_some_and(|pc| pc.frame.address == parsed.frame.address) {
                // The list has it in its place.
                self.pc = None;
                stacks.drop_first();
                parsed.frame.at = At::Instruction;
            }
            return Said::Frame(Box::new(parsed));
        }
        if place_below(line, stacks) {
            return Said::Own;
        }
        self.head(line, stacks);
        Said::Other
    }

    fn may_lack_frames(&self) -> bool {
        self.has_message
    }
}

/// `/src/wick.cc:12` below a frame, which Folly prints there.
fn place_below(line: &str, stacks: &mut Stacks) -> bool {
    let (file, row, _) = source(line);
    let has_place = row.is_some() && file.contains('/') && !file.contains(' ');
    let Some(frame) = stacks.last_frame().filter(|frame| has_place && frame.file.is_none()) else {
        return false;
    };
    (frame.file, frame.line) = (some(file), row);
    true
}

impl Glog {
    fn head(&mut self, line: &str, stacks: &mut Stacks) {
        let event = &mut stacks.event;
        if let Some((thread, message)) = fatal(line) {
            self.has_message = true;
            event.reason.message = some(message);
            event.reason.kind = some(message.split_once(": ").map_or(message, |(kind, _)| kind));
            event.process.pid = event.process.pid.or(Some(thread));
        } else if let Some(seconds) = aborted(line) {
            event.time_ms = seconds.checked_mul(1000);
        } else if let Some(signal) = signal(line) {
            self.has_message = true;
            event.reason.signal = some(signal);
            event.reason.fault_address = between(line, "(@", ")").and_then(hex);
            event.process.pid = between(line, "by PID ", " ")
                .and_then(|pid| pid.parse().ok())
                .or(event.process.pid);
            let time = between(line, "time=", " ").and_then(|time| time.parse::<i64>().ok());
            event.time_ms = event.time_ms.or(time.and_then(|time| time.checked_mul(1000)));
        }
    }
}
