//! Reads `hs_err_pid….log`: what a Java VM writes when it crashes itself.
//!
//! ```text
//! # A fatal error has been detected by the Java Runtime Environment:
//! #  SIGSEGV (0xb) at pc=0x00007f1234561180, pid=4711, tid=4712
//! # Problematic frame:
//! # C  [liblamp.so+0x1180]  wick_light+0x10
//! Current thread (0x00007f1230017800):  JavaThread "main" [_thread_in_native, id=4712, …]
//! Native frames: (J=compiled Java code, A=aot compiled Java code, j=interpreted, Vv=VM code, C=native code)
//! C  [liblamp.so+0x1180]  wick_light+0x10                               offset from the first page
//! C  0x00007f1234561180
//! j  org.example.Wick.light(I)V+0 app//
//! J 123 c2 org.example.Lamp.refill()V (12 bytes) @ 0x00007f… [0x00007f…+0x40]
//! v  ~StubRoutines::call_stub
//! V  [libjvm.so+0x834c2e]  JavaCalls::call(JavaThread*)+0x2fe  (javaCalls.cpp:427)
//! Java frames: (J=compiled Java code, j=interpreted, Vv=VM code)        once more
//! ```
//!
//! Threads go by the names that Java knows them by.

use super::cxx::{source, strip_brackets};
use super::dialect::{Dialect, Said};
use super::found::{FoundFrame, function_name, in_image};
use super::proc_maps;
use crate::event::Format;
use crate::event::frame::{Frame, FrameKind};
use crate::event::image::{ImageKind, file_name};
use crate::readers::lines::line::{NativeLine, Text};
use crate::readers::lines::stacks::Stacks;
use crate::scan::text::{between, hex, prefixed_hex, some, word};

const DETECTED: &str = "A fatal error has been detected by the Java Runtime Environment";
const OUT_OF_MEMORY: &str =
    "There is insufficient memory for the Java Runtime Environment to continue";

/// Makes the reader, if a report begins with `line`.
pub fn begin(line: &str) -> Option<Box<dyn Dialect>> {
    let is_own = begins_report(line) || line.starts_with("Native frames: (");
    is_own.then(|| Box::new(HsErr::default()) as Box<dyn Dialect>)
}

/// Whether a report begins with `line`.
pub fn begins_report(line: &str) -> bool {
    let text = line.trim_start_matches('#').trim_start();
    text.starts_with(DETECTED) || text.starts_with(OUT_OF_MEMORY)
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    /// Lines that begin with `#`.
    #[default]
    Head,
    /// Anything else that has no frames.
    Other,
    /// Frames of all kinds.
    Native,
    /// Those of Java once more.
    Java,
    /// Where libraries lie.
    Libraries,
}

/// What is known of the frame where it happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Problem {
    /// Nothing, or the stack has it.
    #[default]
    None,
    /// The next line of the head has it.
    Next,
    /// It was in the head.
    Read,
}

#[derive(Debug, Default)]
struct HsErr {
    part: Part,
    problem: Problem,
    has_stack: bool,
    has_reason: bool,
}

impl Dialect for HsErr {
    fn format(&self) -> Format {
        Format::HsErr
    }

    fn line(&mut self, text: Text<'_>, stacks: &mut Stacks) -> Said {
        let line = text.line;
        if let Some(rest) = line.strip_prefix('#').filter(|_| self.part == Part::Head) {
            return self.head(rest.trim(), stacks);
        }
        if let Some(thread) = line.strip_prefix("Current thread ") {
            (self.part, self.problem) = (Part::Other, Problem::None);
            stacks.clear_threads();
            let name = between(thread, "\"", "\"").or_else(|| between(thread, "):  ", " ["));
            stacks.begin_thread(None, name.and_then(some), true);
        } else if line.starts_with("Native frames: (") {
            self.part = Part::Native;
            self.has_stack = true;
            if std::mem::take(&mut self.problem) == Problem::Read {
                stacks.clear_threads();
                stacks.begin_thread(None, None, true);
            }
        } else if line.starts_with("Java frames: (") {
            self.part = if self.has_stack { Part::Other } else { Part::Java };
        } else if line == "Dynamic libraries:" {
            self.part = Part::Libraries;
        } else if line.is_empty() {
            self.part = if self.part == Part::Head { Part::Head } else { Part::Other };
        } else {
            return self.entry(line, stacks);
        }
        Said::Own
    }

    fn may_lack_frames(&self) -> bool {
        self.has_reason
    }
}

impl HsErr {
    fn entry(&mut self, line: &str, stacks: &mut Stacks) -> Said {
        match self.part {
            Part::Native | Part::Java => match frame(line) {
                Some(line) => Said::Frame(Box::new(line)),
                None => Said::Own,
            },
            Part::Libraries => {
                if !proc_maps::line(line, stacks) {
                    library(line, stacks);
                }
                Said::Own
            }
            Part::Head | Part::Other => Said::Own,
        }
    }

    fn head(&mut self, text: &str, stacks: &mut Stacks) -> Said {
        let event = &mut stacks.event;
        if self.problem == Problem::Next {
            self.problem = Problem::None;
            let Some(line) = frame(text) else { return Said::Own };
            self.problem = Problem::Read;
            return Said::Frame(Box::new(line));
        }
        if text.starts_with("Problematic frame:") {
            self.problem = Problem::Next;
        } else if let Some((what, place)) = text.split_once(" at pc=") {
            // `SIGSEGV (0xb)`, `EXCEPTION_ACCESS_VIOLATION (0xc0000005)`
            let (name, _) = word(what).unwrap_or((what, ""));
            if name.starts_with("SIG") {
                event.reason.signal = some(name);
            } else {
                event.reason.kind = some(name);
            }
            event.process.pid = between(place, "pid=", ",").and_then(|pid| pid.parse().ok());
            self.has_reason = true;
        } else if let Some((place, rest)) =
            text.strip_prefix("Internal Error (").and_then(|rest| rest.split_once(')'))
        {
            event.reason.kind = some("Internal Error");
            event.reason.message = some(place);
            event.process.pid = between(rest, "pid=", ",").and_then(|pid| pid.parse().ok());
            self.has_reason = true;
        } else if text.starts_with(OUT_OF_MEMORY) {
            event.reason.kind = some("OutOfMemory");
            event.reason.message = some(text);
            self.has_reason = true;
        } else if [
            "fatal error: ",
            "Error: ",
            "assert(",
            "guarantee(",
            "Native memory allocation (",
        ]
        .iter()
        .any(|start| text.starts_with(start))
        {
            event.reason.message = some(text);
        }
        Said::Own
    }
}

/// A line of a stack: one letter, and what it stands for.
fn frame(line: &str) -> Option<NativeLine> {
    let (kind, rest) = word(line)?;
    match kind {
        "C" | "V" => native(rest),
        "j" => java(rest),
        // The number of the compilation and the compiler stand before the method.
        "J" | "A" => java(rest.trim_start_matches(|c: char| {
            c.is_ascii_digit() || matches!(c, '%' | 's' | ' ' | '!' | 'b')
        })),
        "v" => {
            let name = rest.split(" 0x").next().unwrap_or(rest);
            let frame = Frame { function: some(name), ..Frame::default() };
            name.starts_with('~').then(|| NativeLine {
                frame,
                is_plain: true,
                ..NativeLine::default()
            })
        }
        _ => None,
    }
}

/// `[LIBRARY+0xOFFSET]  FUNCTION+0xN  (FILE:LINE)`, or an address.
fn native(rest: &str) -> Option<NativeLine> {
    let Some(within) = rest.strip_prefix('[') else {
        let (address, behind) = word(rest)?;
        let function = function_name(behind);
        let frame = Frame { address: Some(prefixed_hex(address)?), function, ..Frame::default() };
        return Some(NativeLine { frame, is_plain: true, ..NativeLine::default() });
    };
    let (library, behind) = within.split_once(']')?;
    let (path, offset) = library.rsplit_once('+')?;
    let behind = behind.trim();
    let placed = strip_brackets(behind)
        .filter(|(front, within)| front.ends_with("  ") && source(within).1.is_some());
    let (function, place) = placed.unwrap_or((behind, ""));
    let found = FoundFrame {
        relative: Some(in_image(prefixed_hex(offset)?)),
        function: function_name(function.trim_end()),
        path,
        ..FoundFrame::default()
    };
    let mut line = found.line();
    let (file, row, _) = source(place);
    (line.frame.file, line.frame.line) = (some(file), row);
    if let Some(image) = &mut line.image {
        image.kind = kind_of(path);
    }
    Some(NativeLine { is_plain: true, ..line })
}

/// The kind of a library, by the end of its name.
fn kind_of(path: &str) -> ImageKind {
    match path.rsplit_once('.').map_or("", |(_, end)| end) {
        "dll" | "exe" | "DLL" | "EXE" => ImageKind::Pe,
        "dylib" => ImageKind::MachO,
        _ => ImageKind::Elf,
    }
}

/// `[c2 ]org.example.Wick.light(I)V[+0][ java.base@17][ (21 bytes) @ 0x…]`.
fn java(rest: &str) -> Option<NativeLine> {
    let method = rest
        .split_ascii_whitespace()
        .find(|word| word.contains('(') && word.contains('.') && !word.starts_with('('));
    let method =
        method.or_else(|| word(rest).map(|(word, _)| word).filter(|word| word.contains('.')))?;
    let behind = rest.split_once(method).map_or("", |(_, behind)| behind.trim_start());
    let (name, _) = method.split_once('(').unwrap_or((method, ""));
    let (class, function) = name.rsplit_once('.')?;
    let package = word(behind).map_or("", |(module, _)| module).trim_end_matches('/');
    let frame = Frame {
        kind: FrameKind::Java,
        module: some(class),
        function: some(function),
        package: some::<String>(package).filter(|package| !package.starts_with('(')),
        ..Frame::default()
    };
    Some(NativeLine { frame, ..NativeLine::default() })
}

/// `0x00007ff7a1b20000 - 0x00007ff7a1b30000 C:\Java\bin\java.exe` on Windows, `0x0000000100000000
/// /usr/lib/dyld` on macOS.
fn library(line: &str, stacks: &mut Stacks) {
    let Some((start, rest)) = word(line) else { return };
    let Some(start) = prefixed_hex(start) else { return };
    let (end, path) = match rest.strip_prefix("- ").and_then(word) {
        Some((end, path)) => (hex(end), path),
        None => (None, rest),
    };
    if let Some(image) = stacks.named(file_name(path.trim())) {
        image.load_address = Some(start);
        image.size = end.and_then(|end| end.checked_sub(start));
    }
}
