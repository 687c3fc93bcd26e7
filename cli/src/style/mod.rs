//! How answers are written: in, frames; out, text in one of the styles.
//!
//! The frames of a range are rendered once, by [`frames()`], however many requests hit it; what differs
//! from request to request is put around them by [`line()`]. `llvm.rs` has llvm-symbolizer's styles, with the options that
//! only the drop-in takes; `text.rs` numbers and strings.

pub mod llvm;
pub mod text;

use std::io::{self, Write};

use serde::Serialize;
use symtool_core::resolve::{Answer, Extras, Frame, View};
use symtool_core::store::Module;
use symtool_formats::Source;

use crate::args::Style;
use crate::demangle::Demangler;
use crate::terminal::{Paint, clean};
use llvm::{Format, Printer, Request};
use text::{put_json, put_number};

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
    /// Nothing is known at the address.
    NoRange,
    /// The line is no request.
    Malformed,
    /// The part of the store that has the answer is damaged.
    Corrupt,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoModule => "no_module",
            Self::AmbiguousModule => "ambiguous_module",
            Self::NoRange => "no_range",
            Self::Malformed => "malformed",
            Self::Corrupt => "corrupt",
        }
    }
}

/// Renders the frames of `answer`, those for people with `paint`; without `demangler` with raw names. An error is returned
/// as its message.
pub fn frames(
    style: Style,
    paint: Paint,
    answer: Answer<'_, '_>,
    demangler: Option<&Demangler>,
    out: &mut Vec<u8>,
) -> (Status, Option<String>) {
    let mut frames = match answer {
        Answer::Frames(frames) => frames,
        Answer::NoRange => return (Status::NoRange, None),
        Answer::Corrupt(error) => return (Status::Corrupt, Some(error.to_string())),
    };
    let start = out.len();
    let rendered = if let Some(printer) = printer(style) {
        printer.frames(frames, demangler, out)
    } else {
        let mut any = false;
        let rendered = frames.each(View { extras: Extras::Shown, declarations: false }, |frame| {
            let name = demangler.map_or(frame.name, |demangler| demangler.name(frame.function, frame.name));
            match style {
                Style::Json => json(&frame, name, !any, out),
                _ => pretty(&frame, name, !any, paint, out),
            }
            any = true;
        });
        rendered.map(|()| any)
    };
    match rendered {
        Ok(true) => (Status::Ok, None),
        Ok(false) => (Status::NoRange, None),
        Err(error) => {
            out.truncate(start);
            (Status::Corrupt, Some(error.to_string()))
        }
    }
}

/// The printer of a style that is one of llvm-symbolizer's.
fn printer(style: Style) -> Option<Printer> {
    let format = match style {
        Style::Gnu => Format::Gnu,
        Style::Llvm => Format::Llvm,
        Style::LlvmJson => Format::Json,
        Style::Pretty | Style::Json => return None,
    };
    Some(Printer::new(format))
}

/// One request with its answer.
pub struct Line<'a> {
    /// Its number in the input, from 1.
    pub number: u64,
    /// The address, unless the line is malformed.
    pub address: Option<u64>,
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
///
/// # Errors
/// If `out` cannot be written.
pub fn line(style: Style, line: &Line<'_>, out: &mut impl Write) -> io::Result<()> {
    let is_answered = line.status == Status::Ok;
    match style {
        Style::Pretty => {
            match line.address {
                Some(address) => write!(out, "{address:#x}: ")?,
                None => write!(out, "line {}: ", line.number)?,
            }
            if is_answered { out.write_all(line.frames) } else { writeln!(out, "?? ({})", line.status.name()) }
        }
        Style::Gnu | Style::Llvm | Style::LlvmJson => {
            let Some(printer) = printer(style) else { return Ok(()) };
            let request = Request { module: line.asked.as_bytes(), address: Some(line.address.unwrap_or(0)), symbol: None };
            let mut around = Vec::new();
            printer.begin(&request, &mut around);
            if is_answered {
                out.write_all(&around)?;
                out.write_all(line.frames)?;
                around.clear();
            } else {
                printer.unknown(&mut around);
            }
            printer.end(&request, &mut around);
            if printer.format == Format::Json {
                around.push(b'\n');
            }
            out.write_all(&around)
        }
        Style::Json => {
            write!(out, "{{\"line\":{}", line.number)?;
            if let Some(address) = line.address {
                write!(out, ",\"address\":\"{address:#x}\"")?;
            }
            if let Some(module) = line.module {
                out.write_all(b",\"module\":{\"name\":")?;
                serde_json::to_writer(&mut *out, &module.footer.name)?;
                out.write_all(b",\"id\":")?;
                serde_json::to_writer(&mut *out, &module.footer.id)?;
                out.write_all(b"}")?;
            }
            write!(out, ",\"status\":\"{}\"", line.status.name())?;
            if is_answered {
                out.write_all(b",\"frames\":[")?;
                out.write_all(line.frames)?;
                out.write_all(b"]")?;
            }
            out.write_all(b"}\n")
        }
    }
}

fn or_unknown(text: &[u8]) -> &[u8] {
    if text.is_empty() { b"??" } else { text }
}

fn pretty(frame: &Frame<'_>, name: &[u8], is_first: bool, paint: Paint, out: &mut Vec<u8>) {
    if !is_first {
        [paint.dim, "  (inlined by) ", paint.reset].iter().for_each(|text| out.extend_from_slice(text.as_bytes()));
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
}

/// `text` without control characters, which a terminal would obey.
fn put_clean(text: &[u8], out: &mut Vec<u8>) {
    // Those of Latin-1 have two bytes in UTF-8. All bytes are looked at, many at once.
    if text.iter().filter(|byte| matches!(byte, 0..0x20 | 0x7f | 0xc2)).count() > 0 {
        out.extend_from_slice(clean(&String::from_utf8_lossy(text)).as_bytes());
    } else {
        out.extend_from_slice(text);
    }
}

fn json(frame: &Frame<'_>, name: &[u8], is_first: bool, out: &mut Vec<u8>) {
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
    out.extend_from_slice(match frame.source {
        Source::Dwarf => b",\"source\":\"dwarf\"}",
        Source::Symtab => b",\"source\":\"symtab\"}",
    });
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
        for (name, want) in [(&b"f\x1b[2J\n\xc2\x9b"[..], "f\u{fffd}[2J\u{fffd}\u{fffd}"), ("ü\u{a0}".as_bytes(), "ü\u{a0}"), (b"f", "f")]
        {
            let mut out = Vec::new();
            put_clean(name, &mut out);
            assert_eq!(out, want.as_bytes());
        }
    }
}
