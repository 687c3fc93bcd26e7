//! Reads what `minidump_stackwalk` prints for people: Breakpad's, Mozilla's and rust-minidump's.
//!
//! ```text
//! Crash reason:  SIGSEGV /SEGV_MAPERR
//! Crash address: 0x18
//! Thread 0 (crashed)                                      rust-minidump: Thread 0 lantern (crashed) - tid: 4711
//!  0  lantern!Wick::light() [wick.cc : 12 + 0x5]
//!     rip = 0x000055d0c0de1128
//!     Found by: given as instruction pointer in context
//!  1  lantern!Lamp::refill() + 0x8                        a public symbol: the nearest one before the address
//!  2  liblamp.so + 0x1180
//!  3  0x7ff807688345
//! Loaded modules:
//! 0x55d0c0de0000 - 0x55d0c0deffff  lantern  ???  (main)  (WARNING: No symbols, lantern, 33221100554477668899AABBCCDDEEFF0)
//! ```
//!
//! Breakpad prints addresses that calls return to; rust-minidump has moved its offsets into the
//! calls.

use super::dialect::{Dialect, Said};
use super::found::{FoundFrame, in_image, known};
use crate::event::Format;
use crate::event::frame::{At, Trust};
use crate::event::image::{Image, ImageKind, file_name};
use crate::readers::lines::line::{NativeLine, Text};
use crate::readers::lines::stacks::Stacks;
use crate::readers::reason::{arch, kind_of};
use crate::scan::text::{between, hex, prefixed_hex, some, word};

/// Makes the reader, if a report begins with `line`.
pub fn begin(line: &str) -> Option<Box<dyn Dialect>> {
    let is_own = begins_report(line)
        || line.starts_with("Crash reason:")
        || thread(line).is_some_and(|thread| thread.is_crashed);
    is_own.then(|| Box::new(Stackwalk::default()) as Box<dyn Dialect>)
}

/// Whether a report begins with `line`.
pub fn begins_report(line: &str) -> bool {
    line.starts_with("Operating system: ")
}

/// The heading of a thread.
struct Heading<'a> {
    number: u64,
    name: &'a str,
    is_crashed: bool,
    has_tid: bool,
}

/// `Thread N[ NAME][ (crashed)][ - tid: N]`.
fn thread(line: &str) -> Option<Heading<'_>> {
    let rest = line.strip_prefix("Thread ")?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, rest) = rest.split_at(end);
    let (rest, has_tid) =
        rest.rsplit_once(" - tid: ").map_or((rest, false), |(rest, _)| (rest, true));
    let (name, is_crashed) = match rest
        .strip_suffix(" (crashed)")
        .or_else(|| rest.strip_suffix(" (requested dump, did not crash)"))
    {
        Some(name) => (name, true),
        None => (rest, false),
    };
    let is_own = has_tid || name.is_empty();
    is_own.then(|| {
        Some(Heading { number: number.parse().ok()?, name: name.trim(), is_crashed, has_tid })
    })?
}

#[derive(Debug, Default)]
struct Stackwalk {
    /// Whether offsets are those of rust-minidump.
    is_moved: bool,
    is_stack: bool,
    is_modules: bool,
    kind: ImageKind,
}

impl Dialect for Stackwalk {
    fn format(&self) -> Format {
        Format::Minidump
    }

    fn line(&mut self, text: Text<'_>, stacks: &mut Stacks) -> Said {
        let line = text.line;
        if let Some(Heading { number, name, is_crashed, has_tid }) = thread(line) {
            stacks.begin_thread(Some(number), some(name), is_crashed);
            (self.is_moved, self.is_stack, self.is_modules) = (has_tid, true, false);
        } else if line == "Loaded modules:" || line == "Unloaded modules:" {
            (self.is_stack, self.is_modules) = (false, line == "Loaded modules:");
        } else if self.is_modules {
            self.module(line, stacks);
        } else if !self.is_stack {
            self.head(line, stacks);
        } else if let Some(line) = self.frame(line) {
            return Said::Frame(Box::new(line));
        } else {
            detail(line, stacks);
        }
        Said::Own
    }
}

impl Stackwalk {
    fn head(&mut self, line: &str, stacks: &mut Stacks) {
        let event = &mut stacks.event;
        if let Some(system) = line.strip_prefix("Operating system: ") {
            event.os.name = some(system);
            self.kind = kind_of(system.trim());
        } else if let Some(cpu) = line.strip_prefix("CPU: ") {
            event.arch = some(arch(cpu));
        } else if let Some(reason) = line.strip_prefix("Crash reason: ") {
            event.reason.take_breakpad(reason.trim());
        } else if let Some(address) = line.strip_prefix("Crash address: ") {
            event.reason.fault_address = word(address).and_then(|(address, _)| hex(address));
        } else if let Some(assertion) = line.strip_prefix("Assertion: ") {
            event.reason.message = some(assertion);
        }
    }

    /// `N  MODULE!FUNCTION[ [FILE : LINE[ + 0xN]]| + 0xN]`, `N  MODULE + 0xN`, `N  0xADDRESS`.
    fn frame(&self, line: &str) -> Option<NativeLine> {
        let (number, rest) = word(line)?;
        let number: usize = number.parse().ok()?;
        let rest = rest.split(" (unloaded ").next().unwrap_or(rest);
        let found = if rest.contains(' ') || rest.contains('!') {
            self.placed(rest, number)?
        } else {
            NativeLine {
                is_plain: true,
                ..FoundFrame { address: Some(prefixed_hex(rest)?), ..FoundFrame::default() }.line()
            }
        };
        Some(NativeLine { number: Some(number), ..found })
    }

    fn placed(&self, rest: &str, number: usize) -> Option<NativeLine> {
        let Some((path, function)) = rest.split_once('!') else {
            let (path, offset) = rest.rsplit_once(" + ")?;
            let mut line = FoundFrame {
                relative: Some(in_image(prefixed_hex(offset)?)),
                path,
                ..FoundFrame::default()
            }
            .line();
            line.image = line.image.map(|image| Image { kind: self.kind, ..image });
            let is_moved = self.is_moved && number > 0;
            line.frame.at = if is_moved { At::Adjusted } else { At::Instruction };
            return Some(NativeLine { is_plain: !is_moved, ..line });
        };
        let (function, place) = match function
            .strip_suffix(']')
            .and_then(|function| function.rsplit_once(" ["))
        {
            Some((function, place)) => (function, place),
            None => (function.rsplit_once(" + 0x").map_or(function, |(function, _)| function), ""),
        };
        let (file, row) = place.split_once(" : ").unwrap_or((place, ""));
        let mut line =
            FoundFrame { function: known(function), path, ..FoundFrame::default() }.line();
        line.image = line.image.map(|image| Image { kind: self.kind, ..image });
        (line.frame.file, line.frame.line) =
            (some(file), word(row).and_then(|(row, _)| row.parse().ok()));
        Some(NativeLine { is_plain: true, ..line })
    }

    /// `0xSTART - 0xLAST  NAME  VERSION[  (main)][  (WARNING: No symbols, NAME, ID)]`.
    fn module(&self, line: &str, stacks: &mut Stacks) {
        let Some((start, rest)) = word(line) else { return };
        let Some((last, rest)) = rest.strip_prefix("- ").and_then(word) else { return };
        let (Some(start), Some(last)) = (prefixed_hex(start), prefixed_hex(last)) else { return };
        let name = rest.split("  ").next().unwrap_or(rest).trim();
        let id = between(rest, "(WARNING: ", ")")
            .and_then(|warning| warning.rsplit_once(", "))
            .map(|(_, id)| id);
        let image = Image {
            kind: self.kind,
            debug_id: id.and_then(some),
            name: some(file_name(name)),
            path: some(name),
            load_address: Some(start),
            size: last.checked_sub(start).and_then(|size| size.checked_add(1)),
            ..Image::default()
        }
        .identified();
        stacks.loaded(image);
    }
}

/// A line below a frame: registers, and how it was found.
fn detail(line: &str, stacks: &mut Stacks) {
    let Some(frame) = stacks.last_frame() else { return };
    if let Some(how) = line.strip_prefix("Found by: ") {
        frame.inlined = how == "inlining";
        frame.trust = Some(trust(how));
        return;
    }
    let mut words = line.split_ascii_whitespace();
    while let Some(name) = words.next() {
        let (Some("="), Some(value)) = (words.next(), words.next()) else { return };
        if matches!(name, "rip" | "eip" | "pc") {
            frame.address = hex(value);
        }
    }
}

/// How Breakpad says that it has found a frame.
fn trust(how: &str) -> Trust {
    match how {
        "given as instruction pointer in context" => Trust::Context,
        "given by external stack walker" => Trust::Prewalked,
        "call frame info" | "inlining" | "return address of a leaf function" => Trust::Cfi,
        "call frame info with scanning" => Trust::CfiScan,
        "stack scanning" => Trust::Scan,
        _ if how.contains("frame pointer") => Trust::FramePointer,
        _ => Trust::Unknown,
    }
}
