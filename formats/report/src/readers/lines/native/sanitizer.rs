//! Reads reports of sanitizers: Address, `HWAddress`, Leak, Thread, Memory, `UndefinedBehavior`.
//!
//! ```text
//! ==123==ERROR: AddressSanitizer: heap-use-after-free on address 0x602… at pc 0x…
//!     #1 0x55aa in parse(char*) /src/a.cc:12:3
//!     #1 0x55aa in parse(char*) (/lib/liba.so+0x31daf) (BuildId: 1122…)
//!     #1 0x55aa  (/lib/liba.so+0x31daf)                                           two blanks: the function is empty
//!     #0 parse(char*) /src/a.cc:12:7 (liba.so+0xe77fe) (BuildId: 1122…)           ThreadSanitizer
//! a.cc:12:7: runtime error: division by zero                                      UndefinedBehaviorSanitizer
//! ==123== ERROR: libFuzzer: deadly signal
//! ```
//!
//! Addresses have been moved into their calls, and those in files are the file's own.

use super::cxx::{function_and_place, source, strip_brackets, strip_module};
use super::dialect::{Dialect, Said};
use super::found::{FoundFrame, function_name, in_file, known, strip_build_id};
use crate::event::Format;
use crate::event::frame::{At, Frame};
use crate::event::image::{ImageKind, file_name};
use crate::readers::lines::line::{NativeLine, Text};
use crate::readers::lines::stacks::Stacks;
use crate::scan::text::{between, hex, prefixed_hex, some, word};

/// `0xADDRESS [in FUNCTION] (FILE:LINE:COLUMN | (PATH+0xADDRESS))`.
pub fn frame(rest: &str) -> Option<NativeLine> {
    let (address, behind) = word(rest)?;
    let number = prefixed_hex(address)?;
    let has_two_blanks = rest[address.len()..].starts_with("  ");
    let rest = match behind.strip_prefix("in ") {
        Some(rest) => rest,
        None if has_two_blanks || behind.is_empty() || behind.ends_with("(<unknown module>)") => {
            behind
        }
        None => return None,
    };
    let mut line = symbolized(rest);
    line.frame.address = Some(number);
    Some(line)
}

/// `FUNCTION FILE:LINE:COLUMN (MODULE+0xADDRESS)`, each of the first two perhaps `<null>`.
pub fn tsan_frame(rest: &str) -> Option<NativeLine> {
    let (front, ..) = strip_module(strip_build_id(rest).0)?;
    (!front.is_empty()).then(|| symbolized(rest))
}

/// A function and where it is, with or without a module behind.
pub fn symbolized(rest: &str) -> NativeLine {
    let (rest, build_id) = strip_build_id(rest);
    let module = strip_module(rest);
    let front = match module {
        Some((front, ..)) => front,
        // `(<unknown module>)`
        None => strip_brackets(rest)
            .filter(|(_, within)| within.starts_with('<'))
            .map_or(rest, |(front, _)| front.trim_end()),
    };
    let (function, place) = function_and_place(front);
    let (path, relative) =
        module.map_or(("", None), |(_, path, offset)| (path, Some(in_file(offset))));
    let (path, arch) = without_arch(path);
    let found = FoundFrame {
        relative,
        path,
        build_id,
        function: function_name(function),
        at: At::Adjusted,
        ..FoundFrame::default()
    };
    let mut line = found.line();
    let (file, number, column) = source(place);
    (line.frame.file, line.frame.line, line.frame.column) = (known(file), number, column);
    if let Some(image) = line.image.as_mut().filter(|_| arch.is_some()) {
        (image.kind, image.arch) = (ImageKind::MachO, arch.and_then(some));
    } else if let Some(image) = line.image.as_mut().filter(|_| is_windows(path)) {
        image.kind = ImageKind::Pe;
    }
    line
}

/// `lantern:arm64`, as on macOS: the path, and the architecture.
fn without_arch(path: &str) -> (&str, Option<&str>) {
    let is_arch = |arch: &str| {
        matches!(
            arch,
            "x86_64"
                | "x86_64h"
                | "i386"
                | "arm64"
                | "arm64e"
                | "armv7"
                | "armv7s"
                | "armv7k"
                | "arm64_32"
        )
    };
    path.rsplit_once(':')
        .filter(|(_, arch)| is_arch(arch))
        .map_or((path, None), |(path, arch)| (path, Some(arch)))
}

fn is_windows(path: &str) -> bool {
    let name = file_name(path);
    [".dll", ".exe", ".DLL", ".EXE"].iter().any(|end| name.ends_with(end))
}

/// Makes the reader, if a report begins with `line`.
pub fn begin(line: &str) -> Option<Box<dyn Dialect>> {
    begins_report(line).then(|| Box::new(Sanitizer::default()) as Box<dyn Dialect>)
}

/// Whether a report begins with `line`.
pub fn begins_report(line: &str) -> bool {
    head(line).is_some() || runtime_error(line).is_some()
}

/// The pid and the kind of `==1==ERROR: AddressSanitizer: KIND`, `WARNING: ThreadSanitizer: KIND
/// (pid=1)`.
fn head(line: &str) -> Option<(Option<u64>, &str)> {
    const SANITIZERS: [&str; 7] =
        ["Address", "HWAddress", "Thread", "Memory", "Leak", "UndefinedBehavior", "DataFlow"];
    let (front, rest) = line.split_once("Sanitizer: ").or_else(|| line.split_once("Fuzzer: "))?;
    let (level, name) = front.rsplit_once(": ")?;
    let is_name = SANITIZERS.contains(&name) || name == "lib";
    let (before, is_level) =
        match level.strip_suffix("ERROR").or_else(|| level.strip_suffix("WARNING")) {
            Some(before) => (before, true),
            None => (level, false),
        };
    let pid = before
        .trim_end()
        .strip_suffix("==")
        .and_then(|before| before.rsplit_once("=="))
        .and_then(|(_, pid)| pid.parse().ok());
    let pid = pid.or_else(|| between(rest, "(pid=", ")")?.parse().ok());
    (is_name && is_level).then_some((pid, rest))
}

/// The place and the message of `FILE:LINE:COLUMN: runtime error: MESSAGE`.
fn runtime_error(line: &str) -> Option<(&str, &str)> {
    let (place, message) = line.split_once(": runtime error: ")?;
    (source(place).1.is_some() || place == "<unknown>").then_some((place, message))
}

/// A report while its lines come.
#[derive(Debug, Default)]
struct Sanitizer {
    has_begun: bool,
    /// The only line so far is a runtime error, which may be all, or what another report came of.
    is_open: bool,
}

impl Dialect for Sanitizer {
    fn format(&self) -> Format {
        Format::Sanitizer
    }

    fn line(&mut self, text: Text<'_>, stacks: &mut Stacks) -> Said {
        let line = text.line;
        if let Some((pid, rest)) = head(line).filter(|_| !self.has_begun || self.is_open) {
            self.begin(stacks);
            report(stacks, rest);
            let event = &mut stacks.event;
            event.process.pid = event.process.pid.or(pid);
            return Said::Own;
        }
        if let Some((_, message)) = runtime_error(line).filter(|_| !self.has_begun) {
            self.begin(stacks);
            self.is_open = true;
            let reason = &mut stacks.event.reason;
            reason.message = some(message);
            reason.kind = some(message.split_once(": ").map_or(message, |(kind, _)| kind));
            return Said::Own;
        }
        match super::frame(line) {
            Some(line) => {
                self.is_open = false;
                Said::Frame(Box::new(adjusted(line)))
            }
            None => Said::Other,
        }
    }

    fn may_lack_frames(&self) -> bool {
        self.is_open
    }
}

impl Sanitizer {
    fn begin(&mut self, stacks: &mut Stacks) {
        if !self.has_begun {
            stacks.begin_thread(None, None, true);
        }
        (self.has_begun, self.is_open) = (true, false);
    }
}

/// A frame of a sanitizer's report, whatever its spelling.
fn adjusted(line: NativeLine) -> NativeLine {
    let frame = Frame { at: At::Adjusted, ..line.frame };
    NativeLine { frame, is_plain: false, ..line }
}

/// `heap-use-after-free on address 0x… at pc 0x…`.
fn report(stacks: &mut Stacks, rest: &str) {
    let reason = &mut stacks.event.reason;
    reason.message = some(rest);
    let end =
        [" on ", " (", ": "].iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
    reason.kind = some(&rest[..end]);
    let address = rest.split_once("address ").and_then(|(_, address)| word(address));
    reason.fault_address = address.and_then(|(address, _)| hex(address));
}
