//! llvm-symbolizer's output styles LLVM, GNU and JSON, with everything that its options change
//! (LLVM, `DIPrinter.cpp`).
//!
//! The frames of a range are written once, by [`Printer::frames`], however many requests hit it;
//! what differs from request to request is put around them by [`Printer::begin`] and
//! [`Printer::end`].

mod merged;
mod short;

use symtool_debug::{Folder, Source};
use symtool_store::database as store;
use symtool_store::resolve::{Extras, Frame, Frames, View};

use crate::demangle::Demangler;
use crate::style::text::{base_name, put_hex, put_json, put_number};
pub(super) use merged::{Merged, NO_FRAME};
use short::short;

/// `--output-style`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Two lines a frame, and a blank line after each answer.
    #[default]
    Llvm,
    /// Two lines a frame, without columns.
    Gnu,
    /// An object an answer.
    Json,
}

/// `--functions`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// Not printed.
    None,
    /// Without the scope and parameters.
    Short,
    /// As the linker knows them, or demangled.
    #[default]
    Linkage,
}

/// `--basenames`, `--relativenames`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paths {
    /// With the folder in which the unit was compiled.
    #[default]
    Whole,
    /// Without it.
    Relative,
    /// The file's name alone.
    Base,
}

/// Which frames of an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inlines {
    /// All.
    #[default]
    All,
    /// The innermost.
    Innermost,
    /// One, with the innermost place and the name of the outermost function.
    Merged,
}

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Printer {
    pub format: Format,
    pub names: Names,
    pub paths: Paths,
    pub inlines: Inlines,
    /// A line a frame.
    pub pretty: bool,
    /// All that is known, a line each.
    pub verbose: bool,
    /// The address before its answer.
    pub addresses: bool,
}

impl Printer {
    /// llvm-symbolizer without options but `--output-style`.
    pub fn new(format: Format) -> Self {
        let (names, paths, inlines) = (Names::default(), Paths::default(), Inlines::default());
        Self { format, names, paths, inlines, pretty: false, verbose: false, addresses: false }
    }

    /// Writes the frames of an address; returns whether there are any.
    ///
    /// # Errors
    /// If a block of names cannot be read; nothing has been written then.
    pub fn frames(
        self,
        frames: Frames<'_, '_>,
        demangler: Option<&Demangler>,
        out: &mut Vec<u8>,
    ) -> Result<bool, store::Error> {
        let mut any = false;
        self.each(frames, demangler, out, |_| any = true)?;
        Ok(any)
    }

    fn each(
        self,
        mut frames: Frames<'_, '_>,
        demangler: Option<&Demangler>,
        out: &mut Vec<u8>,
        mut seen: impl FnMut(&Frame<'_>),
    ) -> Result<(), store::Error> {
        let start = out.len();
        let mut merged = Merged::default();
        let mut count = 0;
        let view = View {
            extras: Extras::Hidden,
            declarations: self.verbose || self.format == Format::Json,
        };
        let written = frames.each(view, |frame| {
            // Symbols name functions, or say nothing.
            let is_silent = self.names != Names::Linkage && frame.source == Source::Symtab;
            let mut frame = if is_silent { NO_FRAME } else { frame };
            if self.names != Names::Linkage && has_symbols_file(&frame) {
                frame.file = b"";
            }
            let short_name;
            let name = match self.names {
                Names::None => b"",
                Names::Short => {
                    short_name = short(&frame);
                    &short_name[..]
                }
                Names::Linkage => demangler
                    .map_or(frame.name, |demangler| demangler.name(frame.function, frame.name)),
            };
            match self.inlines {
                Inlines::Merged => merged.add(&frame, name),
                Inlines::Innermost if count > 0 => {}
                _ => self.frame(&frame, name, count == 0, out),
            }
            if count == 0 {
                seen(&frame);
            }
            count += 1;
        });
        if let Err(error) = written {
            out.truncate(start);
            return Err(error);
        }
        if let Some(frame) = merged.frame() {
            self.frame(&frame, &merged.name, true, out);
        }
        Ok(())
    }

    /// Writes the place of a symbol, if its file is known; returns whether it is.
    ///
    /// # Errors
    /// As [`Printer::frames`].
    pub fn location(
        self,
        frames: Frames<'_, '_>,
        demangler: Option<&Demangler>,
        out: &mut Vec<u8>,
    ) -> Result<bool, store::Error> {
        let start = out.len();
        let mut has_file = false;
        let printer = Self { inlines: Inlines::Merged, ..self };
        printer.each(frames, demangler, out, |frame| has_file |= !frame.file.is_empty())?;
        if !has_file {
            out.truncate(start);
        }
        Ok(has_file)
    }

    /// Writes what stands for an address of which nothing is known.
    pub fn unknown(self, out: &mut Vec<u8>) {
        self.frame(&NO_FRAME, b"", true, out);
    }

    pub(super) fn frame(self, frame: &Frame<'_>, name: &[u8], is_first: bool, out: &mut Vec<u8>) {
        if self.format == Format::Json {
            return self.json(frame, name, is_first, out);
        }
        if self.names != Names::None {
            if self.pretty && !is_first {
                out.extend_from_slice(b" (inlined by) ");
            }
            out.extend_from_slice(or_unknown(name));
            out.extend_from_slice(if self.pretty { b" at " } else { b"\n" });
        }
        if self.verbose {
            return self.all(frame, out);
        }
        out.extend_from_slice(or_unknown(self.path(frame.file, frame.folder)));
        out.push(b':');
        put_number(frame.line, out);
        if self.format == Format::Llvm {
            out.push(b':');
            put_number(frame.column, out);
        } else if frame.discriminator != 0 {
            out.extend_from_slice(b" (discriminator ");
            put_number(frame.discriminator, out);
            out.push(b')');
        }
        out.push(b'\n');
    }

    fn all(self, frame: &Frame<'_>, out: &mut Vec<u8>) {
        let line = |label: &str, out: &mut Vec<u8>| {
            out.extend_from_slice(b"  ");
            out.extend_from_slice(label.as_bytes());
            out.extend_from_slice(b": ");
        };
        line("Filename", out);
        out.extend_from_slice(or_unknown(self.path(frame.file, frame.folder)));
        if frame.declared_line != 0 {
            out.push(b'\n');
            line("Function start filename", out);
            out.extend_from_slice(self.declared_path(frame));
            out.push(b'\n');
            line("Function start line", out);
            put_number(frame.declared_line, out);
        }
        if let (Some(start), Format::Llvm) = (frame.start.address(), self.format) {
            out.push(b'\n');
            line("Function start address", out);
            put_hex(start, out);
        }
        out.push(b'\n');
        line("Line", out);
        put_number(frame.line, out);
        out.push(b'\n');
        line("Column", out);
        put_number(frame.column, out);
        if frame.discriminator != 0 {
            out.push(b'\n');
            line("Discriminator", out);
            put_number(frame.discriminator, out);
        }
        out.push(b'\n');
    }

    fn json(self, frame: &Frame<'_>, name: &[u8], is_first: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(if is_first { b"{\"Column\":" } else { b",{\"Column\":" });
        put_number(frame.column, out);
        out.extend_from_slice(b",\"Discriminator\":");
        put_number(frame.discriminator, out);
        out.extend_from_slice(b",\"FileName\":");
        put_json(self.path(frame.file, frame.folder), out);
        out.extend_from_slice(b",\"FunctionName\":");
        put_json(if self.names == Names::None { b"" } else { name }, out);
        out.extend_from_slice(b",\"Line\":");
        put_number(frame.line, out);
        out.extend_from_slice(b",\"StartAddress\":\"");
        if let Some(start) = frame.start.address() {
            put_hex(start, out);
        }
        out.extend_from_slice(b"\",\"StartFileName\":");
        put_json(self.declared_path(frame), out);
        out.extend_from_slice(b",\"StartLine\":");
        put_number(frame.declared_line, out);
        out.push(b'}');
    }

    fn path(self, path: &[u8], folder: Folder) -> &[u8] {
        match self.paths {
            Paths::Whole => path,
            Paths::Relative => path.get(folder.bytes as usize..).unwrap_or(path),
            Paths::Base => base_name(path),
        }
    }

    fn declared_path<'a>(self, frame: &Frame<'a>) -> &'a [u8] {
        self.path(frame.declared_file, frame.declared_folder)
    }

    /// Writes what stands before the frames of one address.
    pub fn begin(self, request: &Request<'_>, out: &mut Vec<u8>) {
        if self.format == Format::Json {
            out.push(b'{');
            if let Some(address) = request.address {
                out.extend_from_slice(b"\"Address\":\"");
                put_hex(address, out);
                out.extend_from_slice(b"\",");
            }
            if request.symbol.is_some() {
                out.extend_from_slice(b"\"Loc\":[");
            } else {
                out.extend_from_slice(b"\"ModuleName\":");
                put_json(request.module, out);
                out.extend_from_slice(b",\"Symbol\":[");
            }
        } else if let (true, Some(address)) = (self.addresses, request.address) {
            put_hex(address, out);
            out.extend_from_slice(if self.pretty { b": " } else { b"\n" });
        }
    }

    /// Writes what stands behind them, but for the end of line that separates objects of JSON.
    pub fn end(self, request: &Request<'_>, out: &mut Vec<u8>) {
        match self.format {
            Format::Llvm => out.push(b'\n'),
            Format::Gnu => {}
            Format::Json => {
                out.push(b']');
                if let Some(symbol) = request.symbol {
                    out.extend_from_slice(b",\"ModuleName\":");
                    put_json(request.module, out);
                    out.extend_from_slice(b",\"SymName\":");
                    put_json(symbol, out);
                }
                out.push(b'}');
            }
        }
    }

    /// Writes that nothing is known of the data, or else of the variables, at an address.
    pub fn put_nothing(self, request: &Request<'_>, is_data: bool, out: &mut Vec<u8>) {
        if self.format == Format::Json {
            out.extend_from_slice(b"{\"Address\":\"");
            put_hex(request.address.unwrap_or(0), out);
            let nothing = if is_data {
                &br#"","Data":{"Name":"","Size":"0x0","Start":"0x0"},"ModuleName":"#[..]
            } else {
                br#"","Frame":[],"ModuleName":"#
            };
            out.extend_from_slice(nothing);
            put_json(request.module, out);
            out.push(b'}');
            return;
        }
        self.begin(request, out);
        out.extend_from_slice(if is_data { b"??\n0 0\n??:?\n" } else { b"??\n" });
        self.end(request, out);
    }

    /// An answer that is an error, in JSON.
    pub fn error(request: &Request<'_>, message: &[u8], out: &mut Vec<u8>) {
        out.push(b'{');
        if let Some(address) = request.address {
            out.extend_from_slice(b"\"Address\":\"");
            put_hex(address, out);
            out.extend_from_slice(b"\",");
        }
        out.extend_from_slice(b"\"Error\":{\"Message\":");
        put_json(message, out);
        out.extend_from_slice(b"},\"ModuleName\":");
        put_json(request.module, out);
        if let Some(symbol) = request.symbol {
            out.extend_from_slice(b",\"SymName\":");
            put_json(symbol, out);
        }
        out.push(b'}');
    }
}

/// What an answer repeats of its request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Request<'a> {
    /// The module as it was asked for.
    pub module: &'a [u8],
    /// The address, unless a symbol was asked for, or nothing that was understood.
    pub address: Option<u64>,
    /// The symbol.
    pub symbol: Option<&'a [u8]>,
}

/// Whether the file of `frame` is that of a symbol, for want of one in debug data: a name alone,
/// without a line.
pub fn has_symbols_file(frame: &Frame<'_>) -> bool {
    frame.line == 0 && frame.column == 0 && frame.folder.bytes == 0 && !frame.file.contains(&b'/')
}

fn or_unknown(text: &[u8]) -> &[u8] {
    if text.is_empty() { b"??" } else { text }
}
