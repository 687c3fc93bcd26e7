//! Reads what LLVM's tools print when they crash.
//!
//! ```text
//! PLEASE submit a bug report to https://github.com/llvm/llvm-project/issues/ and include the crash backtrace.
//! Stack dump:
//! 0.  Program arguments: clang -c a.cc
//!  #0 0x000055d1c0de3000 parse(Token const&) /src/parse.cc:12:5       with llvm-symbolizer
//!  #1 0x000055d1c0de4000 Parser::run() (/usr/bin/clang+0x4000)        without
//!  #2 0x00007f1134d42520 (/lib/x86_64-linux-gnu/libc.so.6+0x42520)    the trampoline: the next one is the instruction
//! 0x00007FF7A1B2C3D4 (0x0000000000000018 0x000000000000001C), main() + 0x12 bytes(s), C:\src\a.cpp, line 12 + 0x3 byte(s)
//! ```
//!
//! All are return addresses, as of `backtrace(3)`. Chromium prints its stacks alike, with offsets
//! that are moved into the call.

use super::cxx::{function_and_place, source, strip_module};
use super::dialect::{Dialect, Said};
use super::found::{FoundFrame, in_file, known, strip_build_id};
use crate::event::Format;
use crate::event::frame::{At, Frame};
use crate::readers::lines::line::{NativeLine, Text};
use crate::readers::lines::stacks::Stacks;
use crate::scan::text::{prefixed_hex, some, word};

/// Offsets into pages: where images begin, these are 0.
const PAGE_BITS: u64 = 0xfff;

/// `0xADDRESS [FUNCTION] [FILE:LINE:COLUMN] [(MODULE+0xOFFSET)]`.
pub fn frame(rest: &str) -> Option<NativeLine> {
    let (address, rest) = word(rest)?;
    let address = prefixed_hex(address)?;
    let (rest, build_id) = strip_build_id(rest);
    let (front, path, offset) = strip_module(rest)
        .map_or((rest, "", None), |(front, path, offset)| (front, path, Some(offset)));
    let (function, place) = function_and_place(front);
    let is_moved = offset.is_some_and(|offset| address.wrapping_sub(offset) & PAGE_BITS == 1);
    let at = if is_moved { At::Adjusted } else { At::Return };
    let (path, function) = (path.trim(), known(function));
    let found = FoundFrame {
        address: Some(address),
        relative: offset.map(in_file),
        function,
        path,
        build_id,
        at,
        ..FoundFrame::default()
    };
    let mut line = found.line();
    let (file, row, column) = source(place);
    (line.frame.file, line.frame.line, line.frame.column) = (known(file), row, column);
    Some(line)
}

/// `0xADDRESS (0x… …), FUNCTION + 0xN bytes(s), FILE, line N + 0xN byte(s)`.
fn windows_frame(line: &str) -> Option<NativeLine> {
    let (address, rest) = word(line)?;
    let (_, rest) = rest.strip_prefix("(0x")?.split_once(')')?;
    let rest = rest.strip_prefix(", ").unwrap_or(rest);
    let (function, behind) =
        rest.split_once(" byte").map_or((rest, ""), |(function, behind)| (function, behind));
    let (file, row) = behind
        .split_once(", ")
        .and_then(|(_, behind)| behind.rsplit_once(", line "))
        .unwrap_or_default();
    let frame = Frame {
        address: Some(prefixed_hex(address)?),
        function: super::found::function_name(function),
        file: some(file),
        line: word(row).and_then(|(row, _)| row.parse().ok()),
        at: At::Return,
        ..Frame::default()
    };
    Some(NativeLine { frame, ..NativeLine::default() })
}

/// Makes the reader, if a report begins with `line`.
pub fn begin(line: &str) -> Option<Box<dyn Dialect>> {
    let is_own = begins_report(line)
        || line == "Stack dump:"
        || line.starts_with("Stack dump without symbol names");
    is_own.then(|| Box::new(Llvm { is_over: false }) as Box<dyn Dialect>)
}

/// Whether a report begins with `line`.
pub fn begins_report(line: &str) -> bool {
    line.starts_with("PLEASE submit a bug report to ")
}

#[derive(Debug)]
struct Llvm {
    is_over: bool,
}

impl Dialect for Llvm {
    fn format(&self) -> Format {
        Format::Llvm
    }

    fn line(&mut self, text: Text<'_>, stacks: &mut Stacks) -> Said {
        let line = text.line;
        if let Some(command) = line
            .strip_prefix("0.")
            .map(str::trim)
            .and_then(|line| line.strip_prefix("Program arguments: "))
        {
            stacks.event.process.path = word(command).and_then(|(path, _)| some(path));
            return Said::Own;
        }
        // How the driver ends: its own stack, which says nothing of the compiler's.
        self.is_over |= line.contains(": error: clang frontend command failed")
            || line.starts_with("clang: error: ");
        if self.is_over {
            return Said::Own;
        }
        match windows_frame(line) {
            Some(line) => Said::Frame(Box::new(line)),
            None => Said::Other,
        }
    }
}
