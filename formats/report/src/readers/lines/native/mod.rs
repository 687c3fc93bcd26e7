//! Stacks of machine code in texts: classifies lines without prefix and indentation.
//!
//! A format is a file. What it has of these two, it is asked:
//!
//! ```text
//! frame(line)            a frame that shows by itself what it is: it is read in any text
//! begin(line), Dialect   a reader of its own, which takes all lines from the one on with which a report of this format begins
//! ```
//!
//! To add a format: a file with one or both, a line in [`numbered`], [`unnumbered`], [`BEGINS`] and
//! [`REPORTS`], a `Format` if it has a reader, a fixture in `testdata/crashes`, a row in
//! `docs/crash-formats.md`.

mod android;
mod chromium;
mod coredump;
mod cxx;
mod dart;
mod darwin;
mod dialect;
mod found;
mod gdb;
mod glibc;
mod glog;
mod go;
mod hs_err;
mod kernel;
mod lldb;
mod llvm;
mod machine;
mod node;
mod plain;
mod proc_maps;
mod rust;
pub mod sanitizer;
mod stackwalk;
mod trampoline;

use super::line::NativeLine;
use crate::scan::text::word;

pub use android::method;
pub use dialect::{Dialect, Said};
pub use trampoline::finish;

/// Makes the reader of a format, if a report of it begins with a line.
type Begin = fn(&str) -> Option<Box<dyn Dialect>>;

const BEGINS: [Begin; 16] = [
    dart::begin,
    gdb::begin,
    lldb::begin,
    coredump::begin,
    sanitizer::begin,
    chromium::begin,
    llvm::begin,
    glibc::begin,
    glog::begin,
    go::begin,
    rust::begin,
    hs_err::begin,
    node::begin,
    kernel::begin,
    stackwalk::begin,
    machine::begin,
];

/// The reader of the format of which a report begins with `line`.
pub fn begin(line: &str) -> Option<Box<dyn Dialect>> {
    BEGINS.iter().find_map(|begin| begin(line))
}

/// Lines that only a new report begins with, as far as formats have such.
const REPORTS: [fn(&str) -> bool; 11] = [
    sanitizer::begins_report,
    gdb::begins_report,
    coredump::begins_report,
    glog::begins_report,
    go::begins_report,
    rust::begins_report,
    hs_err::begins_report,
    kernel::begins_report,
    llvm::begins_report,
    stackwalk::begins_report,
    machine::begins_report,
];

/// Whether a report of one of the formats begins with `line`, so that one before it has ended.
pub fn begins_report(line: &str) -> bool {
    REPORTS.iter().any(|begins| begins(line))
}

/// Reads `line` if it is a frame.
pub fn frame(line: &str) -> Option<NativeLine> {
    let line = line.trim_end();
    match number(line) {
        Some((number, rest)) => {
            numbered(rest).map(|parsed| NativeLine { number: Some(number), ..parsed })
        }
        None => unnumbered(line),
    }
}

/// What follows `#N `.
fn numbered(rest: &str) -> Option<NativeLine> {
    if rest.starts_with("pc ") {
        return android::frame(rest);
    }
    if rest.starts_with("abs ") {
        return dart::frame(rest);
    }
    if rest.starts_with("0x") {
        return gdb::frame(rest)
            .or_else(|| coredump::frame(rest))
            .or_else(|| sanitizer::frame(rest))
            .or_else(|| llvm::frame(rest));
    }
    if rest.ends_with(']') && rest.contains("[0x") {
        return glibc::frame(rest);
    }
    gdb::frame_without_address(rest)
        .or_else(|| sanitizer::tsan_frame(rest))
        .or_else(|| plain::frame(rest))
        .or_else(|| dart::managed(rest))
}

fn unnumbered(line: &str) -> Option<NativeLine> {
    match line.as_bytes() {
        [.., b']'] if line.contains("[0x") => glibc::frame(line),
        [b'@', ..] => glog::frame(line),
        [b'f' | b'*', ..] if line.contains("frame #") => lldb::frame(line),
        [b'0'..=b'9', ..] if line.contains(" 0x00") => darwin::frame(line),
        _ if line.contains("+0x") => kernel::frame(line).or_else(|| plain::unnumbered(line)),
        _ => None,
    }
}

/// Whether `line` begins like a frame with a number, though it may be cut off.
pub fn begins_frame(line: &str) -> bool {
    number(line).is_some_and(|(_, rest)| {
        rest.is_empty() || rest.starts_with("pc") || rest.starts_with("0x")
    })
}

/// `#01 rest`.
fn number(line: &str) -> Option<(usize, &str)> {
    let (number, rest) = word(line.strip_prefix('#')?)?;
    // `word` skips blanks, of which there are none between the sign and the number.
    let is_number = number.len() <= 9
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && !line.starts_with("# ");
    is_number.then(|| Some((number.parse().ok()?, rest)))?
}

#[cfg(test)]
mod tests;
