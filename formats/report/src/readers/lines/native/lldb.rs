//! Reads what lldb prints: `bt`, `bt all`.
//!
//! ```text
//! * thread #1, name = 'lantern', stop reason = signal SIGABRT
//!   * frame #0: 0x00007ffff7dddfb2 libc.so.6`raise + 18
//!     frame #1: 0x0000555555555151 lantern`Wick::light(this=0x0000000000000000) at wick.cc:12:3 [opt]
//!     frame #2: 0x0000555555555160 lantern`main [inlined] refill(n=3) at lamp.h:4:1         the inner one of two at one address
//!     frame #3: 0x0000000000000000                                                          in no image
//!     frame #4: lantern`start at start.c:5                                                  no address, if lldb is told so
//! ```
//!
//! The star marks the thread and the frame that lldb looks at. Where there are sources, arguments
//! have their values.

use std::collections::HashMap;

use super::cxx::source;
use super::dialect::{Dialect, Said};
use super::found::{FoundFrame, known};
use crate::event::Format;
use crate::event::image::{Image, ImageKind};
use crate::readers::apple;
use crate::readers::lines::line::{NativeLine, Text};
use crate::readers::lines::stacks::Stacks;
use crate::scan::text::{between, hex, prefixed_hex, some, word};

/// ``[* ]frame #N: 0xADDRESS IMAGE`FUNCTION[ + OFFSET | at FILE:LINE:COLUMN]``.
pub fn frame(line: &str) -> Option<NativeLine> {
    let (number, rest) = line
        .strip_prefix("* ")
        .unwrap_or(line)
        .trim_start()
        .strip_prefix("frame #")?
        .split_once(':')?;
    let number = number.parse().ok()?;
    let (first, behind) = word(rest)?;
    let address = prefixed_hex(first);
    let rest = if address.is_some() { behind } else { rest.trim_start() };
    if address.is_none() && !rest.contains('`') {
        return None;
    }
    let (image, rest) = rest.split_once('`').unwrap_or((rest, ""));
    let path = if image.starts_with("0x") || image.contains(" + ") { "" } else { image.trim() };
    let (rest, place) = place(rest);
    let (function, is_inlined) = match rest.rsplit_once(" [inlined] ") {
        Some((_, inner)) => (inner, true),
        None => (rest, false),
    };
    let function = known(name(function, !place.is_empty()))
        .filter(|function| !function.starts_with("___lldb_unnamed_symbol"));
    let mut line = FoundFrame { address, function, path, ..FoundFrame::default() }.line();
    let (file, row, column) = source(place);
    (line.frame.file, line.frame.line, line.frame.column) = (some(file), row, column);
    line.frame.inlined = is_inlined;
    line.image = line.image.map(|image| Image { kind: ImageKind::Unknown, ..image });
    Some(NativeLine { number: Some(number), is_plain: true, ..line })
}

/// What stands before ` at FILE:LINE:COLUMN`, and the place. Marks behind it (`[opt]`,
/// `[artificial]`) go.
fn place(text: &str) -> (&str, &str) {
    let mut text = text.trim_end();
    while let Some((front, mark)) =
        text.rsplit_once(" [").filter(|(_, mark)| mark.ends_with(']') && !mark.contains(' '))
    {
        if mark == "inlined]" {
            break;
        }
        text = front.trim_end();
    }
    match text.rsplit_once(" at ").filter(|(_, place)| source(place).1.is_some()) {
        Some((front, place)) => (front, place),
        None => (text, ""),
    }
}

/// A function without its offset, and without the values of its arguments.
fn name(text: &str, has_source: bool) -> &str {
    if let Some((name, offset)) = text.rsplit_once(" + ")
        && offset.bytes().all(|byte| byte.is_ascii_digit())
    {
        return name;
    }
    let values = text.match_indices('(').map(|(at, _)| at).find(|at| {
        let rest = &text[at + 1..];
        let name = rest
            .find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '$' | '.'))
            .unwrap_or(rest.len());
        name > 0 && rest[name..].starts_with('=') && !rest[name..].starts_with("==")
    });
    values.filter(|at| has_source && *at > 0).map_or(text, |at| &text[..at])
}

/// Makes the reader, if lldb begins to speak in `line`.
pub fn begin(line: &str) -> Option<Box<dyn Dialect>> {
    (thread(line).is_some() || stopped(line).is_some() || frame(line).is_some())
        .then(|| Box::new(Lldb::default()) as Box<dyn Dialect>)
}

/// `thread #2, name = 'worker'`, `thread #1: tid = 0x1267, …`: the number.
fn thread(line: &str) -> Option<u64> {
    let rest = line.strip_prefix("* ").unwrap_or(line).trim_start().strip_prefix("thread #")?;
    rest.split([',', ':', ' ']).next()?.parse().ok()
}

/// `Process 4711 stopped`: the pid.
fn stopped(line: &str) -> Option<u64> {
    line.strip_prefix("Process ")?.strip_suffix(" stopped")?.parse().ok()
}

#[derive(Debug, Default)]
struct Lldb {
    /// The thread that a star has.
    current: Option<u64>,
}

impl Dialect for Lldb {
    fn format(&self) -> Format {
        Format::Lldb
    }

    fn line(&mut self, text: Text<'_>, stacks: &mut Stacks) -> Said {
        let line = text.line;
        if let Some(number) = thread(line) {
            let quoted = |key: &str| between(line, key, "'").and_then(some);
            stacks.begin_thread(
                Some(number),
                quoted("name = '").or_else(|| quoted("queue = '")),
                line.starts_with('*'),
            );
            if let Some((_, reason)) = line
                .split_once("stop reason = ")
                .filter(|_| self.current.is_none() || line.starts_with('*'))
            {
                self.current = Some(number);
                stop(stacks, reason);
            }
            return Said::Own;
        }
        if let Some(pid) = stopped(line) {
            stacks.event.process.pid = Some(pid);
            return Said::Own;
        }
        match frame(line) {
            Some(line) => Said::Frame(Box::new(line)),
            None => Said::Other,
        }
    }

    fn finish(&mut self, stacks: &mut Stacks) {
        // What `process` says of the thread before `bt` is said once more by that.
        let mut longest: HashMap<u64, (usize, usize)> = HashMap::new();
        for (index, thread) in stacks.event.threads.iter().enumerate() {
            if let Some(id) = thread.id {
                let best = longest.entry(id).or_insert((index, thread.frames.len()));
                if thread.frames.len() > best.1 {
                    *best = (index, thread.frames.len());
                }
            }
        }
        stacks.drop_threads(|index, thread| {
            thread.id.is_some_and(|id| longest.get(&id).is_some_and(|best| best.0 != index))
        });
        let starred = stacks.event.threads.iter().any(|thread| thread.crashed);
        if let Some(number) = self.current.filter(|_| !starred) {
            stacks.crashed_with_id(number);
        }
    }
}

/// `signal SIGABRT`, `EXC_BAD_ACCESS (code=1, address=0x18)`, `breakpoint 1.1`, `hit program
/// assert`.
fn stop(stacks: &mut Stacks, text: &str) {
    let reason = &mut stacks.event.reason;
    (reason.kind, reason.signal, reason.message) = (None, None, some(text));
    if let Some(rest) = text.strip_prefix("signal ") {
        let (signal, rest) = word(rest).unwrap_or((rest, ""));
        reason.signal = some(signal.trim_end_matches([':', ',']));
        reason.fault_address = between(rest, "address=", ")")
            .or_else(|| between(rest, "address: ", ")"))
            .and_then(hex);
    } else if text.starts_with("EXC_") {
        apple::exception_type(reason, text.split_once(' ').map_or(text, |(kind, _)| kind));
        reason.code =
            between(text, "code=", ",").or_else(|| between(text, "code=", ")")).and_then(some);
        reason.fault_address = between(text, "address=", ")").and_then(hex);
    } else {
        reason.kind = some(text);
    }
}
