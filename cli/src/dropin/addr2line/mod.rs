//! `addr2line`, byte for byte as in binutils 2.40 (`binutils/addr2line.c`, `bfd/dwarf2.c`).
//!
//! What debug data says comes from the module; where it knows no function, the object's own symbol
//! table is asked for the nearest one. An address outside of all sections that are in memory is
//! nowhere.

mod args;
mod request;

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::OnceLock;

use anyhow::Result;
use object::{File, Object as _};
use symtool_debug::container::{self, Kind};
use symtool_debug::{Error, Source};
use symtool_store::resolve::{Answer, Extras, Frame, Frames, Origin, Request, Resolver, View};

use crate::demangle::{self, Demangler, Spelling};
use crate::dropin::stream;
use crate::dropin::symbols::{self, Nearest, Section};
use crate::dropin::{Call, words};
use crate::style::llvm::has_symbols_file;
use crate::style::text::{base_name, put_number};
use args::{Asked, Options};
use request::Spoken;
use symtool_core::objects::Object;

/// Bytes of the buffer that it reads lines into.
const LINE_BYTES: usize = 100;

/// Formats of objects, and ways to spell names, that binutils knows and symtool does not.
const OTHER_TARGETS: [&str; 10] =
    ["pe", "pei", "pdb", "srec", "symbolsrec", "verilog", "tekhex", "binary", "ihex", "plugin"];
const OTHER_STYLES: [&str; 3] = ["java", "gnat", "dlang"];

/// Runs the tool.
///
/// # Errors
/// If stdin cannot be read or stdout not be written.
pub fn run(call: &Call) -> Result<ExitCode> {
    let mut options = match args::parse(words::expand(call.words.clone())) {
        Asked::Answers(options) => *options,
        Asked::Help => {
            io::stdout().write_all(args::usage(&call.program).as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        Asked::Version => {
            writeln!(
                io::stdout(),
                "symtool {} (compatible with GNU addr2line (GNU Binutils) 2.40)",
                env!("CARGO_PKG_VERSION")
            )?;
            return Ok(ExitCode::SUCCESS);
        }
        Asked::Usage(reason) => {
            call.say(&reason);
            io::stderr().write_all(args::usage(&call.program).as_bytes())?;
            return Ok(ExitCode::FAILURE);
        }
    };
    match options.style.as_deref().map(String::from_utf8_lossy).as_deref() {
        None | Some("auto" | "gnu-v3" | "rust") => {}
        Some("none") => options.demangle = false,
        Some(style) if OTHER_STYLES.contains(&style) => {
            return Ok(call.unsupported(&format!("--demangle={style}")));
        }
        Some(style) => {
            call.say(&format!("unknown demangling style `{style}'"));
            return Ok(ExitCode::FAILURE);
        }
    }
    let path = options.file.clone().unwrap_or_else(|| "a.out".into());
    if let Some(refused) = refuse(call, &path, options.target.as_deref()) {
        return Ok(refused);
    }
    let object = match call.objects(&[], None).open(Path::new(&path)) {
        Ok(object) => object,
        Err(error) => {
            call.say(&reason(&path, &error));
            return Ok(ExitCode::FAILURE);
        }
    };
    answer_all(call, &options, &path, &object)
}

/// Files that are not looked into, and why.
fn refuse(call: &Call, path: &OsStr, target: Option<&[u8]>) -> Option<ExitCode> {
    let shown = path.to_string_lossy();
    let file = container::split(Path::new(path)).map_or_else(|| path.into(), |(file, _)| file);
    match fs::metadata(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            call.say(&format!("'{shown}': No such file"))
        }
        Err(error) => {
            call.say(&format!("Warning: could not locate '{shown}'.  reason: {}", cause(&error)))
        }
        Ok(metadata) if metadata.is_dir() && !container::is_bundle(&file) => {
            call.say(&format!("Warning: '{shown}' is a directory"))
        }
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
            call.say(&format!("Warning: '{shown}' is not an ordinary file"))
        }
        Ok(metadata) if metadata.len() == 0 => {}
        Ok(_) => {
            let target = target.map(String::from_utf8_lossy)?;
            let family = target.split('-').next().unwrap_or_default();
            if ["elf32", "elf64", "default", "mach"].contains(&family) {
                return None;
            }
            if OTHER_TARGETS.contains(&family) {
                return Some(call.unsupported(&format!("--target={target}")));
            }
            call.say(&format!("{shown}: invalid bfd target"));
        }
    }
    Some(ExitCode::FAILURE)
}

fn reason(path: &OsStr, error: &Error) -> String {
    let is_archive =
        matches!(Kind::of_file(Path::new(path)), Ok(Kind::Archive(container::Format::Ar)));
    let path = path.to_string_lossy();
    match error {
        Error::Io { cause, .. } => format!("{path}: {}", self::cause(cause)),
        _ if is_archive => format!("{path}: cannot get addresses from archive"),
        _ => format!("{path}: file format not recognized"),
    }
}

/// What the operating system says, without its number.
fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

fn answer_all(call: &Call, options: &Options, path: &OsStr, object: &Object) -> Result<ExitCode> {
    let Ok(file) = File::parse(object.file.bytes()) else {
        call.say(&format!("{}: file format not recognized", path.to_string_lossy()));
        return Ok(ExitCode::FAILURE);
    };
    let debug = object.debug.as_ref().and_then(|debug| File::parse(debug.bytes()).ok());
    let sections = symbols::sections(&file);
    let section = match &options.section {
        None => None,
        Some(name) => match sections.iter().find(|section| section.name == *name) {
            Some(section) => Some(section),
            None => {
                call.say(&format!(
                    "{}: cannot find section {}",
                    path.to_string_lossy(),
                    String::from_utf8_lossy(name)
                ));
                return Ok(ExitCode::FAILURE);
            }
        },
    };
    let mut resolver = Resolver::default();
    let module = object.held.clone().map(|held| resolver.add(Origin::Memory(held)));
    let functions = module
        .and_then(|module| resolver.module(module))
        .map_or(0, |module| module.record.functions);
    let names = options.demangle.then(|| Demangler::new(functions as usize, Spelling::Gnu));
    let session = Session {
        call,
        options,
        file,
        debug,
        sections: &sections,
        section,
        resolver,
        module,
        names,
        nearest: OnceLock::new(),
    };
    if options.addresses_given.is_empty() {
        stream::each_run(io::stdin(), |run, out| {
            session.answer(stream::requests(run, LINE_BYTES), out)
        })?;
    } else {
        let mut out = Vec::new();
        session.answer(options.addresses_given.iter().map(|word| word.as_bytes()), &mut out);
        io::stdout().write_all(&out)?;
    }
    Ok(ExitCode::SUCCESS)
}

struct Session<'a> {
    call: &'a Call,
    options: &'a Options,
    file: File<'a>,
    /// The file that its debug data was split into.
    debug: Option<File<'a>>,
    sections: &'a [Section],
    /// The one that addresses are relative to.
    section: Option<&'a Section>,
    resolver: Resolver<'static>,
    module: Option<usize>,
    names: Option<Demangler>,
    nearest: OnceLock<Nearest<'a>>,
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
    fn answer<'r>(&self, requests: impl Iterator<Item = &'r [u8]>, out: &mut Vec<u8>) {
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
