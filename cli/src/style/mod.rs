//! Writes answers in one of the styles.
//!
//! The frames of a range are rendered once, by [`frames()`], however many requests hit it; what
//! differs from request to request is put around them by [`line()`]. `pretty.rs` has the style for
//! people, `json.rs` that for scripts, `llvm/` those of llvm-symbolizer, with the options that only
//! the drop-in takes; `text.rs` has numbers and strings.

mod json;
pub mod llvm;
mod pretty;
#[cfg(test)]
pub mod shape;
pub mod text;

use symtool_mapping as mapping;
use symtool_store::Module;
use symtool_store::resolve::{Aliases, Answer, Extras, Frame, View};

use crate::advice;
use crate::demangle::Demangler;
use crate::resolve::Style;
use crate::source_lines::SourceContext;
use crate::terminal::Paint;
pub use llvm::Inlines;
use llvm::{Format, Merged, NO_FRAME, Printer, Request};
use text::put_hex;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Deserialize, serde::Serialize))]
#[cfg_attr(test, serde(rename_all = "snake_case"))]
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
pub struct Look<'s> {
    /// The style.
    pub style: Style,
    /// What becomes of inlined calls.
    pub inlines: Inlines,
    /// For answers that people read.
    pub paint: Paint,
    /// Whether people want to read of functions that were folded into others.
    pub aliases: bool,
    /// Where lines of source are, if they are shown: by the styles of this program.
    pub source: Option<&'s SourceContext>,
}

impl Look<'_> {
    fn has_aliases(self) -> bool {
        self.style == Style::Json || (self.aliases && self.style == Style::Pretty)
    }
}

/// Renders the frames of `answer`; without `demangler` with raw names. An error is returned as its
/// message.
pub fn frames(
    look: Look<'_>,
    answer: Answer<'_, '_>,
    demangler: Option<&Demangler>,
    out: &mut Vec<u8>,
) -> (Status, Option<String>) {
    let mut frames = match answer {
        Answer::Frames(frames) => frames,
        Answer::NoRange => return (Status::NoRange, None),
        Answer::Corrupt(error) => return (Status::Corrupt, Some(advice::store(error))),
    };
    let Look { style, inlines, paint, source, .. } = look;
    let start = out.len();
    let aliases = match if look.has_aliases() { frames.aliases() } else { Ok(None) } {
        Ok(aliases) => Folded { aliases, demangler },
        Err(error) => return (Status::Corrupt, Some(advice::store(&error))),
    };
    let rendered = if let Some(printer) = printer(style, inlines) {
        printer.frames(frames, demangler, out)
    } else {
        let mut put = |frame: &Frame<'_>, name: &[u8], is_first: bool| {
            let lines = source.and_then(|source| source.at(frame.file, frame.line));
            match style {
                Style::Json => {
                    let more = json::More { source: json::source(frame), lines: lines.as_ref() };
                    json::frame(frame, name, &more, &aliases, is_first, out);
                }
                _ => {
                    pretty::frame(frame, name, &aliases, is_first, paint, out);
                    lines.iter().for_each(|lines| pretty::source(lines, frame.line, paint, out));
                }
            }
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
    Look { style, inlines, paint, .. }: Look<'_>,
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
                json::frame(
                    &frame,
                    name.as_bytes(),
                    &json::More { source: "mapping", lines: None },
                    &Folded::default(),
                    index == 0,
                    out,
                );
            }
            (None, _) => {
                pretty::frame(&frame, name.as_bytes(), &Folded::default(), index == 0, paint, out);
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
    /// The request itself, where answers name it instead of its number.
    pub request: Option<&'a [u8]>,
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
pub fn line(Look { style, inlines, .. }: Look<'_>, line: &Line<'_>, out: &mut Vec<u8>) {
    let is_answered = line.status.has_frames();
    match style {
        Style::Pretty => {
            match (line.address, line.method) {
                (Some(address), _) => put_hex(address, out),
                (None, Some(method)) => pretty::put_clean(method.as_bytes(), out),
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
        Style::Json => json::line(line, out),
    }
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
