//! Writes answers in one of the styles.
//!
//! The frames of a range are rendered once, by [`frames()`], however many requests hit it; what
//! differs from request to request is put around them by [`line()`]. `llvm.rs` has
//! llvm-symbolizer's styles, with the options that only the drop-in takes; `text.rs` numbers and
//! strings.

pub mod llvm;
pub mod text;

use serde::Serialize;
use symtool_debug::Source;
use symtool_mapping as mapping;
use symtool_store::Module;
use symtool_store::resolve::{Aliases, Answer, Extras, Frame, View};

use crate::advice;
use crate::demangle::Demangler;
use crate::resolve::Style;
use crate::terminal::{Paint, clean};
pub use llvm::Inlines;
use llvm::{Format, Merged, NO_FRAME, Printer, Request};
use text::{put_hex, put_json, put_number};

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Answered.
    Ok,
    /// It names no module, or one that is not in the store.
    NoModule,
    /// It names several builds.
    AmbiguousModule,
    /// The class of a method is known, the method is not, or not at its line: it keeps its
    /// obfuscated name.
    Unknown,
    /// Nothing is known at the address.
    NoRange,
    /// The line is no request.
    Malformed,
    /// The part of the store that has the answer is damaged.
    Corrupt,
}

impl Status {
    /// Whether there are frames to be printed.
    fn has_frames(self) -> bool {
        matches!(self, Self::Ok | Self::Unknown)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoModule => "no_module",
            Self::AmbiguousModule => "ambiguous_module",
            Self::Unknown => "unknown",
            Self::NoRange => "no_range",
            Self::Malformed => "malformed",
            Self::Corrupt => "corrupt",
        }
    }
}

/// How frames are written.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The style.
    pub style: Style,
    /// What becomes of inlined calls.
    pub inlines: Inlines,
    /// For answers that people read.
    pub paint: Paint,
    /// Whether people want to read of functions that were folded into others.
    pub aliases: bool,
}

impl Look {
    fn has_aliases(self) -> bool {
        self.style == Style::Json || (self.aliases && self.style == Style::Pretty)
    }
}

/// Renders the frames of `answer`; without `demangler` with raw names. An error is returned as its
/// message.
pub fn frames(
    look: Look,
    answer: Answer<'_, '_>,
    demangler: Option<&Demangler>,
    out: &mut Vec<u8>,
) -> (Status, Option<String>) {
    let mut frames = match answer {
        Answer::Frames(frames) => frames,
        Answer::NoRange => return (Status::NoRange, None),
        Answer::Corrupt(error) => return (Status::Corrupt, Some(advice::store(error))),
    };
    let Look { style, inlines, paint, .. } = look;
    let start = out.len();
    let aliases = match if look.has_aliases() { frames.aliases() } else { Ok(None) } {
        Ok(aliases) => Folded { aliases, demangler },
        Err(error) => return (Status::Corrupt, Some(advice::store(&error))),
    };
    let rendered = if let Some(printer) = printer(style, inlines) {
        printer.frames(frames, demangler, out)
    } else {
        let mut put = |frame: &Frame<'_>, name: &[u8], is_first: bool| match style {
            Style::Json => json(frame, name, source(frame), &aliases, is_first, out),
            _ => pretty(frame, name, &aliases, is_first, paint, out),
        };
        let mut merged = Merged::default();
        let mut any = false;
        let rendered = frames.each(View { extras: Extras::Shown, declarations: false }, |frame| {
            let name = demangler
                .map_or(frame.name, |demangler| demangler.name(frame.function, frame.name));
            match inlines {
                Inlines::Merged => merged.add(&frame, name),
                _ => put(&frame, name, !any),
            }
            any = true;
        });
        if let (Ok(()), Some(frame)) = (&rendered, merged.frame()) {
            put(&frame, &merged.name, true);
        }
        rendered.map(|()| any)
    };
    match rendered {
        Ok(true) => (Status::Ok, None),
        Ok(false) => (Status::NoRange, None),
        Err(error) => {
            out.truncate(start);
            (Status::Corrupt, Some(advice::store(&error)))
        }
    }
}

/// Renders methods that a mapping has for a frame, innermost first.
pub fn methods(
    Look { style, inlines, paint, .. }: Look,
    methods: &[mapping::RetracedFrame],
    out: &mut Vec<u8>,
) -> Status {
    let (Some(innermost), Some(outermost)) = (methods.first(), methods.last()) else {
        return Status::NoRange;
    };
    let is_known = methods.iter().all(mapping::RetracedFrame::is_known);
    // As one, it is the outermost method, at the place where the innermost one is.
    let merged = [mapping::RetracedFrame {
        file: innermost.file.clone(),
        line: innermost.line,
        ..outermost.clone()
    }];
    let methods = if inlines == Inlines::Merged { &merged[..] } else { methods };
    for (index, method) in methods.iter().enumerate() {
        let name = format!("{}.{}", method.class, method.method);
        let line = method.line.unwrap_or(0);
        let frame = Frame {
            file: method.file.as_bytes(),
            line,
            inlined: index + 1 < methods.len(),
            ..NO_FRAME
        };
        match (printer(style, inlines), style) {
            (Some(printer), _) => printer.frame(&frame, name.as_bytes(), index == 0, out),
            (None, Style::Json) => {
                json(&frame, name.as_bytes(), "mapping", &Folded::default(), index == 0, out)
            }
            (None, _) => {
                pretty(&frame, name.as_bytes(), &Folded::default(), index == 0, paint, out)
            }
        }
    }
    if is_known { Status::Ok } else { Status::Unknown }
}

/// The printer of a style that is one of llvm-symbolizer's.
fn printer(style: Style, inlines: Inlines) -> Option<Printer> {
    let format = match style {
        Style::Gnu => Format::Gnu,
        Style::Llvm => Format::Llvm,
        Style::LlvmJson => Format::Json,
        Style::Pretty | Style::Json => return None,
    };
    Some(Printer { inlines, ..Printer::new(format) })
}

/// One request with its answer.
pub struct Line<'a> {
    /// Its number in the input, from 1.
    pub number: u64,
    /// The address, if it asks for one.
    pub address: Option<u64>,
    /// The method, if it asks for one, as the line spells it.
    pub method: Option<&'a str>,
    /// The module, if there is one.
    pub module: Option<&'a Module>,
    /// The module as it was asked for.
    pub asked: &'a str,
    /// What became of it.
    pub status: Status,
    /// What [`frames`] rendered.
    pub frames: &'a [u8],
}

/// Writes one request and its answer.
pub fn line(Look { style, inlines, .. }: Look, line: &Line<'_>, out: &mut Vec<u8>) {
    let is_answered = line.status.has_frames();
    match style {
        Style::Pretty => {
            match (line.address, line.method) {
                (Some(address), _) => put_hex(address, out),
                (None, Some(method)) => put_clean(method.as_bytes(), out),
                (None, None) => out.extend_from_slice(format!("line {}", line.number).as_bytes()),
            }
            out.extend_from_slice(b": ");
            if is_answered {
                out.extend_from_slice(line.frames);
            } else {
                out.extend_from_slice(format!("?? ({})\n", line.status.name()).as_bytes());
            }
        }
        Style::Gnu | Style::Llvm | Style::LlvmJson => {
            let Some(printer) = printer(style, inlines) else { return };
            let request = Request {
                module: line.asked.as_bytes(),
                address: Some(line.address.unwrap_or(0)),
                symbol: None,
            };
            printer.begin(&request, out);
            if is_answered {
                out.extend_from_slice(line.frames);
            } else {
                printer.unknown(out);
            }
            printer.end(&request, out);
            if printer.format == Format::Json {
                out.push(b'\n');
            }
        }
        Style::Json => json_line(line, out),
    }
}

/// Writes one request and its answer as a JSON object.
fn json_line(line: &Line<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"line\":");
    out.extend_from_slice(line.number.to_string().as_bytes());
    if let Some(address) = line.address {
        out.extend_from_slice(b",\"address\":");
        out.push(b'"');
        put_hex(address, out);
        out.push(b'"');
    }
    if let Some(method) = line.method {
        out.extend_from_slice(b",\"method\":");
        put_json(method.as_bytes(), out);
    }
    if let Some(module) = line.module {
        out.extend_from_slice(b",\"module\":{\"name\":");
        put_json(module.record.name.as_bytes(), out);
        out.extend_from_slice(b",\"id\":");
        put_json(module.record.id.as_bytes(), out);
        out.push(b'}');
    }
    out.extend_from_slice(b",\"status\":\"");
    out.extend_from_slice(line.status.name().as_bytes());
    out.push(b'"');
    if line.status.has_frames() {
        out.extend_from_slice(b",\"frames\":[");
        out.extend_from_slice(line.frames);
        out.push(b']');
    }
    out.extend_from_slice(b"}\n");
}

fn or_unknown(text: &[u8]) -> &[u8] {
    if text.is_empty() { b"??" } else { text }
}

/// Functions that were folded into the outermost one of an answer.
#[derive(Default)]
struct Folded<'d> {
    aliases: Option<Aliases>,
    demangler: Option<&'d Demangler>,
}

impl Folded<'_> {
    /// Calls `put` with the name of each that is one of `frame`, as the frame's own is spelled.
    fn each(&self, frame: &Frame<'_>, mut put: impl FnMut(&[u8])) {
        for raw in self.aliases.iter().filter(|_| !frame.inlined).flat_map(Aliases::iter) {
            match self.demangler.and_then(|demangler| demangler.other_name(raw)) {
                Some(name) => put(name.as_bytes()),
                None => put(raw),
            }
        }
    }
}

fn pretty(
    frame: &Frame<'_>,
    name: &[u8],
    folded: &Folded<'_>,
    is_first: bool,
    paint: Paint,
    out: &mut Vec<u8>,
) {
    if !is_first {
        [paint.dim, "  (inlined by) ", paint.reset]
            .iter()
            .for_each(|text| out.extend_from_slice(text.as_bytes()));
    }
    out.extend_from_slice(paint.bold.as_bytes());
    put_clean(or_unknown(name), out);
    out.extend_from_slice(paint.reset.as_bytes());
    if !frame.file.is_empty() {
        out.extend_from_slice(b" at ");
        put_clean(frame.file, out);
        for number in [frame.line, frame.column].into_iter().take_while(|number| *number != 0) {
            out.push(b':');
            put_number(number, out);
        }
    }
    out.push(b'\n');
    folded.each(frame, |name| {
        [paint.dim, "  (same code as) ", paint.reset]
            .iter()
            .for_each(|text| out.extend_from_slice(text.as_bytes()));
        put_clean(or_unknown(name), out);
        out.push(b'\n');
    });
}

/// `text` without control characters, which a terminal would obey.
fn put_clean(text: &[u8], out: &mut Vec<u8>) {
    // Those of Latin-1 begin with 0xc2 in UTF-8, those that change the direction with 0xd8 or 0xe2.
    // All bytes are looked at, many at once.
    if text.iter().filter(|byte| matches!(byte, 0..0x20 | 0x7f | 0xc2 | 0xd8 | 0xe2)).count() > 0 {
        out.extend_from_slice(clean(&String::from_utf8_lossy(text)).as_bytes());
    } else {
        out.extend_from_slice(text);
    }
}

fn source(frame: &Frame<'_>) -> &'static str {
    match frame.source {
        Source::Dwarf => "dwarf",
        Source::Gopclntab => "gopclntab",
        Source::Symtab => "symtab",
    }
}

fn json(
    frame: &Frame<'_>,
    name: &[u8],
    source: &str,
    folded: &Folded<'_>,
    is_first: bool,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(if is_first { b"{" } else { b",{" });
    for (key, text) in [("function", name), ("linkage", frame.name), ("file", frame.file)] {
        if !text.is_empty() {
            put_key(key, out);
            put_json(text, out);
            out.push(b',');
        }
    }
    for (key, number) in [("line", frame.line), ("column", frame.column)] {
        if number != 0 {
            put_key(key, out);
            put_number(number, out);
            out.push(b',');
        }
    }
    put_key("inlined", out);
    out.extend_from_slice(if frame.inlined { b"true" } else { b"false" });
    out.extend_from_slice(b",\"source\":\"");
    out.extend_from_slice(source.as_bytes());
    out.push(b'"');
    let mut before: &[u8] = b",\"aliases\":[";
    folded.each(frame, |name| {
        out.extend_from_slice(before);
        put_json(name, out);
        before = b",";
    });
    if before.len() == 1 {
        out.push(b']');
    }
    out.push(b'}');
}

fn put_key(key: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_people_have_no_control_characters() {
        for (name, want) in [
            (&b"f\x1b[2J\n\xc2\x9b"[..], "f\u{fffd}[2J\\n\u{fffd}"),
            ("ü\u{a0}".as_bytes(), "ü\u{a0}"),
            ("f\u{202e}g\u{2066}–".as_bytes(), "f\u{fffd}g\u{fffd}–"),
        ] {
            let mut out = Vec::new();
            put_clean(name, &mut out);
            assert_eq!(out, want.as_bytes());
        }
    }
}
