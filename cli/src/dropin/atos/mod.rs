//! Apple's `atos`, as its manual describes it. The tool itself runs on Macs only.
//!
//! ```text
//! words -> args.rs
//! -o    -> the image: its module, what it is called, where it lies
//! words of the command line, of -f, or of stdin -> addresses, as in the image -> frames
//! ```

mod args;

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use object::{File, Object as _, ObjectSegment};
use symtool_module::Arch;
use symtool_store::resolve::{Answer, Extras, Frames, Origin, Request, Resolver, View};

use super::{Call, stream};
use crate::demangle::{Demangler, Spelling};
use args::{Args, Base, Parsed};

/// Runs the tool.
///
/// # Errors
/// If stdin cannot be read or stdout not be written.
pub fn run(call: &Call) -> Result<ExitCode> {
    let args = match Args::parse(&call.words) {
        Parsed::Args(args) => args,
        Parsed::Help => {
            io::stdout().write_all(args::HELP.as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        Parsed::Unsupported(what) => return Ok(call.unsupported(what)),
        Parsed::Wrong(reason) => {
            let text = format!("[invalid usage]: {reason}\n\n{}", args::HELP);
            io::stderr().write_all(text.as_bytes())?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let Ok(object) = call.objects(&[], args.arch.clone()).open(&args.image) else {
        return Ok(cannot_load(&args));
    };
    let mut resolver = Resolver::default();
    let module = object.held.map(|held| resolver.add(Origin::Memory(held)));
    let record = module.and_then(|module| resolver.module(module)).map(|module| &module.record);
    let functions = record.map_or(0, |record| record.functions as usize);
    let name = image_name(&args.image).unwrap_or_else(|| object.file.name().to_owned());
    let image = Image {
        name,
        ..Image::of(object.file.bytes(), record.map_or(0, |record| record.image_base))
    };
    let demangler = Demangler::new(functions, Spelling::Llvm, false);
    let mut session = Session { args: &args, image, resolver, module, demangler };
    answer_all(&mut session)
}

/// Answers the addresses of the command line and of `-f`; without any, those of stdin as they come.
fn answer_all(session: &mut Session<'_>) -> Result<ExitCode> {
    let mut words: Vec<Vec<u8>> = session.args.addresses.clone();
    if let Some(file) = &session.args.file {
        match fs::read(file) {
            Ok(text) => words.extend(split(&text).map(<[u8]>::to_vec)),
            Err(error) => {
                let text = format!("atos: cannot open {}: {error}\n", file.display());
                io::stderr().write_all(text.as_bytes())?;
                return Ok(ExitCode::FAILURE);
            }
        }
    } else if words.is_empty() {
        let stdin: Box<dyn Read + Send> = Box::new(io::stdin());
        stream::each_run(stdin, |run, out| session.answer(&split(run).collect::<Vec<_>>(), out))?;
        return Ok(ExitCode::SUCCESS);
    }
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    let mut out = Vec::new();
    session.answer(&words, &mut out);
    io::stdout().write_all(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// The words of a text.
fn split(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

fn cannot_load(args: &Args) -> ExitCode {
    let arch = args.arch.as_ref().map_or(std::env::consts::ARCH, Arch::as_str);
    let image = args.image.display();
    let text = format!("atos cannot load symbols for the file {image} for architecture {arch}.\n");
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::FAILURE
}

/// What the image is called if `path` is that of a bundle: `Sketch` for `Sketch.app.dSYM`.
fn image_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?.strip_suffix(".dSYM")?;
    Some(name.split('.').next().unwrap_or(name).to_owned())
}

/// The image that addresses lie in.
struct Image {
    name: String,
    /// Where it was linked to.
    base: u64,
    /// The addresses of its segments.
    start: u64,
    end: u64,
}

impl Image {
    /// That of the file `bytes`, linked to `base`.
    fn of(bytes: &[u8], base: u64) -> Self {
        let mut image = Self { name: String::new(), base, start: u64::MAX, end: 0 };
        let Ok(file) = File::parse(bytes) else { return image };
        for segment in file.segments() {
            // It keeps the first addresses free.
            let is_kept_free = segment.name().ok().flatten() == Some("__PAGEZERO");
            if !is_kept_free && segment.size() > 0 {
                image.start = image.start.min(segment.address());
                image.end = image.end.max(segment.address().saturating_add(segment.size()));
            }
        }
        image
    }

    fn contains(&self, address: u64) -> bool {
        (self.start..self.end).contains(&address)
    }
}

struct Session<'a> {
    args: &'a Args,
    image: Image,
    resolver: Resolver<'static>,
    module: Option<usize>,
    demangler: Demangler,
}

/// Parts the fields of a frame, and frames, in what is kept of an answer. Names have neither.
const BETWEEN: u8 = 0;
const END: u8 = 1;

/// A frame that was found.
struct Found<'t> {
    name: &'t [u8],
    file: &'t [u8],
    line: &'t [u8],
    start: Option<u64>,
}

impl<'t> Found<'t> {
    /// The frame that [`put_frames`] wrote as `text`.
    fn of(text: &'t [u8]) -> Option<Self> {
        let mut fields = text.split(|byte| *byte == BETWEEN);
        let (name, file, line) = (fields.next()?, fields.next()?, fields.next()?);
        let start = std::str::from_utf8(fields.next()?).ok()?.parse().ok();
        Some(Self { name, file, line, start })
    }
}

impl Session<'_> {
    /// Answers `words`, each on a line or more.
    fn answer(&mut self, words: &[&[u8]], out: &mut Vec<u8>) {
        let numbers: Vec<Option<u64>> = words.iter().map(|word| args::number(word)).collect();
        let mut requests: Vec<Request> = numbers
            .iter()
            .enumerate()
            .filter_map(|(number, typed)| {
                Some(Request { module: self.module?, address: self.in_image((*typed)?), number })
            })
            .collect();
        let demangler = &self.demangler;
        let answers = self.resolver.batch(&mut requests, |_, answer, text| match answer {
            // Of a damaged block nothing is known.
            Answer::Frames(frames) => put_frames(frames, demangler, text).is_ok(),
            Answer::NoRange | Answer::Corrupt(_) => false,
        });
        for (number, (word, typed)) in words.iter().zip(numbers).enumerate() {
            let Some(typed) = typed else {
                out.extend_from_slice(&[word, &b"\n"[..]].concat());
                continue;
            };
            let text = answers.get(number).filter(|(_, is_known)| *is_known);
            let frames: Vec<Found<'_>> = text
                .map_or(&b""[..], |(text, _)| text)
                .split(|byte| *byte == END)
                .filter_map(Found::of)
                .collect();
            self.write(word, typed, &frames, out);
            if self.args.inlines {
                out.extend_from_slice(&self.args.delimiter);
                out.push(b'\n');
            }
        }
    }

    /// The address in the image that `address` stands for.
    fn in_image(&self, address: u64) -> u64 {
        match self.args.base {
            Base::None => address,
            Base::Offset => self.image.base.wrapping_add(address),
            Base::Load(load) => self.image.base.wrapping_add(address.wrapping_sub(load)),
            Base::Slide(slide) => address.wrapping_sub(slide),
        }
    }

    /// Writes the answer for `word`, the number `typed`. Without `-i` it has the name of the
    /// outermost function and the place of the innermost call, as the example in the manual.
    fn write(&self, word: &[u8], typed: u64, frames: &[Found<'_>], out: &mut Vec<u8>) {
        let (image, address) = (self.image.name.as_bytes(), self.in_image(typed));
        let (Some(first), Some(last)) = (frames.first(), frames.last()) else {
            if self.image.contains(address) {
                let width = if typed > u64::from(u32::MAX) { 16 } else { 8 };
                let line = format!("0x{typed:0width$x} (in {})\n", self.image.name);
                out.extend_from_slice(line.as_bytes());
            } else {
                out.extend_from_slice(&[word, &b"\n"[..]].concat());
            }
            return;
        };
        let mut frame = |name: &Found<'_>, place: &Found<'_>| {
            out.extend_from_slice(&[name.name, b" (in ", image, b") "].concat());
            let place = if place.file.is_empty() || place.line == b"0" {
                let start = name.start.unwrap_or(address);
                format!("+ {}\n", address.wrapping_sub(start)).into_bytes()
            } else {
                let file = if self.args.full_path { place.file } else { base_name(place.file) };
                [b"(", file, b":", place.line, b")\n"].concat()
            };
            out.extend_from_slice(&place);
        };
        if self.args.inlines {
            frames.iter().for_each(|found| frame(found, found));
        } else {
            frame(last, first);
        }
    }
}

fn base_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

/// Symbols of the header of an image, behind which there is no code of theirs.
const HEADERS: [&[u8]; 3] = [b"_mh_execute_header", b"_mh_dylib_header", b"_mh_bundle_header"];

/// Writes the frames that have a name, innermost first. What depends on the address is left to
/// whoever reads it: the frames of a range are written once.
fn put_frames(
    mut frames: Frames<'_, '_>,
    demangler: &Demangler,
    text: &mut Vec<u8>,
) -> Result<(), symtool_store::Error> {
    let view = View { extras: Extras::Shown, declarations: false };
    frames.each(view, |frame| {
        if frame.name.is_empty() || HEADERS.contains(&frame.name) {
            return;
        }
        let start = frame.start.address().map_or_else(String::new, |start| start.to_string());
        let (line, name) = (frame.line.to_string(), demangler.name(frame.function, frame.name));
        for field in [name, frame.file, line.as_bytes()] {
            text.extend_from_slice(field);
            text.push(BETWEEN);
        }
        text.extend_from_slice(start.as_bytes());
        text.push(END);
    })
}
