//! Stacks of machine code in texts: classifies lines without prefix and indentation.
//!
//! A format is a file. What it has of these two, it is asked:
//!
//! ```text
//! frame(line)            a frame that shows by itself what it is: it is read in any text
//! begin(line), Dialect   a reader of its own, which takes all lines from the one on with which a report of this format begins
//! ```
//!
//! To add a format: a file with one or both, a line in [`numbered`], [`unnumbered`], [`BEGINS`] and [`REPORTS`], a [`Format`] if it has a
//! reader, a fixture in `testdata/crashes`, a row in `docs/crash-formats.md`.

mod android;
mod chromium;
mod coredump;
mod cxx;
mod dart;
mod darwin;
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

use std::fmt;

use super::line::{NativeLine, Text};
use super::stacks::Stacks;
use crate::event::Format;
use crate::event::frame::{At, Frame, Relative, Space};
use crate::event::image::{Image, ImageKind, file_name, image_id};
use crate::scan::text::{hex, some, word};

pub use android::method;
pub use trampoline::finish;

/// What a line is to a reader of one format.
#[derive(Debug)]
pub enum Said {
    /// A frame.
    Frame(Box<NativeLine>),
    /// A line of the report that is no frame. What it says is in the event.
    Own,
    /// Nothing that this format knows. It is read as it would be in any text.
    Other,
}

/// A reader of the reports of one format, from the line with which one begins.
pub trait Dialect: fmt::Debug {
    /// What the report is.
    fn format(&self) -> Format;

    /// Reads a line. The first one is that with which the report begins.
    fn line(&mut self, text: Text<'_>, stacks: &mut Stacks) -> Said;

    /// Whether a report without any frame tells of a crash.
    fn may_lack_frames(&self) -> bool {
        false
    }

    /// Settles what only the whole report tells.
    fn finish(&mut self, _stacks: &mut Stacks) {}
}

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
        Some((number, rest)) => numbered(rest).map(|parsed| NativeLine { number: Some(number), ..parsed }),
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
        return gdb::frame(rest).or_else(|| coredump::frame(rest)).or_else(|| sanitizer::frame(rest)).or_else(|| llvm::frame(rest));
    }
    if rest.ends_with(']') && rest.contains("[0x") {
        return glibc::frame(rest);
    }
    gdb::frame_without_address(rest).or_else(|| sanitizer::tsan_frame(rest)).or_else(|| plain::frame(rest)).or_else(|| dart::managed(rest))
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
    number(line).is_some_and(|(_, rest)| rest.is_empty() || rest.starts_with("pc") || rest.starts_with("0x"))
}

/// `#01 rest`.
fn number(line: &str) -> Option<(usize, &str)> {
    let (number, rest) = word(line.strip_prefix('#')?)?;
    // `word` skips blanks, of which there are none between the sign and the number.
    let is_number = number.len() <= 9 && number.bytes().all(|byte| byte.is_ascii_digit()) && !line.starts_with("# ");
    is_number.then(|| Some((number.parse().ok()?, rest)))?
}

/// What a line says of a frame in an image.
#[derive(Debug, Default)]
struct Found<'a> {
    address: Option<u64>,
    relative: Option<Relative>,
    function: Option<String>,
    path: &'a str,
    build_id: Option<&'a str>,
    package_offset: Option<u64>,
    at: At,
}

impl Found<'_> {
    fn line(self) -> NativeLine {
        let Self { address, relative, function, path, build_id, package_offset, at } = self;
        let image = image(path, build_id).map(|image| Image { package_offset, ..image });
        let frame = Frame { address, relative, function, package: some(path), at, ..Frame::default() };
        NativeLine { frame, image, ..NativeLine::default() }
    }
}

/// An address as the file has it.
fn in_file(address: u64) -> Relative {
    Relative { address, space: Space::File }
}

/// An address from the first page on.
fn in_image(address: u64) -> Relative {
    Relative { address, space: Space::Image }
}

/// The file at `path`. `<unknown>`, `<anonymous:7f…>`, `[anon:…]`, `[vdso]`, `//anon` and what a JIT has made are memory that no file is in.
fn image(path: &str, build_id: Option<&str>) -> Option<Image> {
    let is_memory = path.starts_with(['<', '[']) || ["/memfd:", "/dev/ashmem/", "/dev/zero"].iter().any(|start| path.starts_with(start));
    let is_file = !path.is_empty() && !is_memory && !matches!(path, "n/a" | "???" | "//anon");
    is_file.then(|| Image {
        kind: ImageKind::Elf,
        id: image_id(ImageKind::Elf, None, build_id),
        code_id: build_id.and_then(some),
        name: some(file_name(path)),
        path: some(path),
        ..Image::default()
    })
}

/// Takes `(BuildId: ID)` off the end.
fn strip_build_id(rest: &str) -> (&str, Option<&str>) {
    let rest = rest.trim_end();
    let Some((front, id)) = rest.strip_suffix(')').and_then(|rest| rest.rsplit_once("(BuildId")) else { return (rest, None) };
    (front.trim_end(), Some(id.trim_start_matches([':', ' ']).trim()))
}

/// `FUNCTION+N` or `FUNCTION+0xN`: the function, unless it is a placeholder.
fn function_name(text: &str) -> Option<String> {
    let name = match text.rsplit_once('+') {
        Some((name, offset)) if hex(offset.trim_start()).is_some() => name.trim_end(),
        _ => text,
    };
    known(name)
}

/// A name, unless it says that there is none.
fn known(name: &str) -> Option<String> {
    let name = name.trim();
    if matches!(name, "??" | "???" | "n/a" | "(unknown)" | "<unknown>" | "<null>" | "(null)") { None } else { some(name) }
}

#[cfg(test)]
mod tests;
