//! A session of addr2line: answers addresses of one object.

use std::io::Write;
use std::sync::OnceLock;

use object::{File, Object as _};
use symtool_debug::Source;
use symtool_store::resolve::{Answer, Extras, Frame, Frames, Request, Resolver, View};

use super::args::Options;
use super::request::Spoken;
use crate::demangle::{self, Demangler, Spelling};
use crate::dropin::Call;
use crate::dropin::symbols::{self, Nearest, Section};
use crate::style::llvm::has_symbols_file;
use crate::style::text::{base_name, put_number};

/// An object, and what is asked of it.
pub struct Session<'a> {
    pub(super) call: &'a Call,
    pub(super) options: &'a Options,
    pub(super) file: File<'a>,
    /// The file that its debug data was split into.
    pub(super) debug: Option<File<'a>>,
    pub(super) sections: &'a [Section],
    /// The one that addresses are relative to.
    pub(super) section: Option<&'a Section>,
    pub(super) resolver: Resolver<'static>,
    pub(super) module: Option<usize>,
    pub(super) names: Option<Demangler>,
    pub(super) nearest: OnceLock<Nearest<'a>>,
}

/// What the module knows of an address, and so what was rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// Everything.
    Frames,
    /// The place, but no function.
    Place,
    /// Nothing.
    Nothing,
}

impl Session<'_> {
    /// Answers `requests`, in their order.
    pub(super) fn answer<'r>(&self, requests: impl Iterator<Item = &'r [u8]>, out: &mut Vec<u8>) {
        let mut asked = Vec::new();
        let ask = |request| {
            let address = self.address(request);
            let number =
                self.module.zip(self.places(address).next()).map(|(module, (_, address))| {
                    asked.push(Request { module, address, number: asked.len() });
                    asked.len() - 1
                });
            (address, number)
        };
        let addresses: Vec<(u64, Option<usize>)> = requests.map(ask).collect();
        let rendered = self.resolver.batch(&mut asked, |_, answer, out| self.render(answer, out));
        for (address, number) in addresses {
            let (text, known) =
                number.and_then(|number| rendered.get(number)).unwrap_or((&[], Known::Nothing));
            self.write(address, text, known, out);
        }
    }

    /// The address that a request asks for: a hexadecimal number, or a symbol and an offset.
    fn address(&self, request: &[u8]) -> u64 {
        let address = match Spoken::of(request) {
            Spoken::Number(number) => number,
            Spoken::Symbol(name, offset) => {
                self.address_of(name).map_or(0, |address| address.wrapping_add(offset))
            }
        };
        if self.file.is_64() { address } else { address & u64::from(u32::MAX) }
    }

    fn address_of(&self, name: &[u8]) -> Option<u64> {
        let is_demangled = |raw: &[u8]| {
            demangle::demangle(raw, Spelling::Gnu).is_some_and(|spelled| spelled.as_bytes() == name)
        };
        symbols::address_of(&self.file, |raw| raw == name)
            .or_else(|| symbols::address_of(&self.file, is_demangled))
    }

    /// The sections in which `address` may lie, each with the address in the file's own address
    /// space.
    fn places(&self, address: u64) -> impl Iterator<Item = (&Section, u64)> {
        let relative = self.section.map(|section| (section, section.start.wrapping_add(address)));
        let relative =
            relative.filter(|(section, at)| address < section.size && section.contains(*at));
        let absolute = self
            .sections
            .iter()
            .filter(move |section| self.section.is_none() && section.contains(address));
        relative.into_iter().chain(absolute.map(move |section| (section, address)))
    }

    fn render(&self, answer: Answer<'_, '_>, out: &mut Vec<u8>) -> Known {
        let start = out.len();
        let rendered = match answer {
            Answer::Frames(frames) => self.frames(frames, out).map_err(|error| error.to_string()),
            Answer::NoRange => Ok(Known::Nothing),
            Answer::Corrupt(error) => Err(error.to_string()),
        };
        rendered.unwrap_or_else(|error| {
            self.call.say(&error);
            out.truncate(start);
            Known::Nothing
        })
    }

    fn frames(
        &self,
        mut frames: Frames<'_, '_>,
        out: &mut Vec<u8>,
    ) -> Result<Known, symtool_store::Error> {
        let mut known = Known::Nothing;
        let mut discriminator = 0;
        frames.each(View { extras: Extras::Hidden, declarations: false }, |frame| {
            let is_first = known == Known::Nothing;
            if is_first {
                if frame.source == Source::Symtab {
                    return;
                }
                // One is known, and is that of all frames.
                discriminator = frame.discriminator;
                let has_function = frame.inlined
                    || frame.own.map_or(!frame.name.is_empty(), |own| !own.is_empty());
                known = if has_function { Known::Frames } else { Known::Place };
            } else if self.options.inlines {
                out.extend_from_slice(if self.options.pretty { b" (inlined by) " } else { b"" });
            } else {
                return;
            }
            if known == Known::Frames {
                let name = name(&frame, is_first);
                self.put_name(
                    self.names.as_ref().map_or(name, |names| names.name(frame.function, name)),
                    out,
                );
            }
            self.put_place(&frame, discriminator, out);
        })?;
        Ok(known)
    }

    fn put_name(&self, name: &[u8], out: &mut Vec<u8>) {
        if self.options.functions {
            out.extend_from_slice(if name.is_empty() { b"??" } else { name });
            out.extend_from_slice(if self.options.pretty { b" at " } else { b"\n" });
        }
    }

    fn put_file(&self, file: Option<&[u8]>, out: &mut Vec<u8>) {
        let file = file.unwrap_or(b"??");
        out.extend_from_slice(if self.options.base_names { base_name(file) } else { file });
        out.push(b':');
    }

    fn put_place(&self, frame: &Frame<'_>, discriminator: u32, out: &mut Vec<u8>) {
        let folder = frame.file.get(..frame.folder.bytes as usize).unwrap_or_default();
        // Directory 0 of DWARF 5 is the folder of the unit, which is put before it nevertheless.
        if frame.folder.is_entry_0 && !folder.starts_with(b"/") && !self.options.base_names {
            out.extend_from_slice(folder);
        }
        self.put_file(
            (!frame.file.is_empty() && !has_symbols_file(frame)).then_some(frame.file),
            out,
        );
        if frame.line == 0 {
            out.push(b'?');
        } else {
            put_number(frame.line, out);
            if discriminator != 0 {
                out.extend_from_slice(b" (discriminator ");
                put_number(discriminator, out);
                out.push(b')');
            }
        }
        out.push(b'\n');
    }

    fn write(&self, address: u64, text: &[u8], known: Known, out: &mut Vec<u8>) {
        if self.options.addresses {
            let digits = if self.file.is_64() { 16 } else { 8 };
            // Writing to a vector cannot fail.
            let _ = write!(out, "0x{address:0digits$x}");
            out.extend_from_slice(if self.options.pretty { b": " } else { b"\n" });
        }
        let symbol = || {
            self.places(address).find_map(|(section, address)| self.nearest().at(section, address))
        };
        match known {
            Known::Frames => {}
            Known::Place if !self.options.functions => {}
            Known::Place => self.put_symbol(symbol().map_or(b"", |(name, _)| name), out),
            Known::Nothing => match symbol() {
                Some((name, file)) => {
                    self.put_symbol(name, out);
                    self.put_file(file, out);
                    out.extend_from_slice(b"?\n");
                }
                None => {
                    if self.options.functions {
                        out.extend_from_slice(if self.options.pretty { b"?? " } else { b"??\n" });
                    }
                    out.extend_from_slice(b"??:0\n");
                }
            },
        }
        out.extend_from_slice(text);
    }

    fn put_symbol(&self, name: &[u8], out: &mut Vec<u8>) {
        let spelled = self.names.as_ref().and_then(|_| demangle::demangle(name, Spelling::Gnu));
        self.put_name(spelled.as_deref().map_or(name, str::as_bytes), out);
    }

    /// Symbols of the file that has the debug data, else of the object.
    fn nearest(&self) -> &Nearest<'_> {
        self.nearest.get_or_init(|| Nearest::of(self.debug.as_ref().unwrap_or(&self.file)))
    }
}

/// What debug data calls a function; where that is no linkage name, as of a function that is local
/// to a file of C++, and nothing is inlined, what its symbol does. In C the two differ by what the
/// compiler has appended (`f.isra.0`), which is not printed.
fn name<'a>(frame: &Frame<'a>, is_first: bool) -> &'a [u8] {
    let is_mangled = |name: &[u8]| name.starts_with(b"_Z") || name.starts_with(b"_R");
    match frame.own {
        Some(own) if !is_first || is_mangled(own) || !is_mangled(frame.name) => own,
        _ => frame.name,
    }
}
