//! `llvm-symbolizer`, byte for byte as in LLVM 19 (`llvm-symbolizer.cpp`).

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use object::File;
use symtool_debug::Mapped;
use symtool_debug::{Error, container};
use symtool_store::database as store;
use symtool_store::database::InMemoryModule;
use symtool_store::resolve::{Answer, Frames, Origin, Rendered, Request, Resolver};

use super::llvm_args::{HELP, Id, Words};
use super::llvm_request::{self as request, Kind, Module, Place};
use super::{Call, stream, symbols, words};
use crate::demangle::{Demangler, Spelling};
use crate::style::llvm::{self, Format, Inlines, Names, Paths, Printer};
use crate::style::text;
use symtool_core::objects::Objects;

/// Bytes of the buffer that it reads lines into.
const LINE_BYTES: usize = 1_024;

/// Modules and names of modules that are kept from run to run, and bytes of their blocks.
const MAX_MODULES: usize = 10_000;
const MAX_HELD_BYTES: usize = 1 << 30;

/// Runs the tool.
///
/// # Errors
/// If stdin cannot be read or stdout not be written.
pub fn run(call: &Call) -> Result<ExitCode> {
    let mut line = std::env::var_os("LLVM_SYMBOLIZER_OPTS").map(|text| words::split(text.as_bytes())).unwrap_or_default();
    line.extend(call.words.iter().cloned());
    let words = Words::of(words::expand(line));
    if !words.errors.is_empty() {
        words.errors.iter().for_each(|error| say(&format!("error: {error}\n")));
        return Ok(ExitCode::FAILURE);
    }
    if words.has(Id::Help) {
        io::stdout().write_all(HELP.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    if words.has(Id::Version) {
        writeln!(io::stdout(), "llvm-symbolizer\nsymtool {} (compatible with LLVM version 19.1.7)", env!("CARGO_PKG_VERSION"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let options = match Options::of(call, &words) {
        Ok(options) => options,
        Err(exit) => return Ok(exit),
    };
    let mut session = Session::new(call, options);
    if !session.opens() {
        session.flush()?;
        return Ok(ExitCode::FAILURE);
    }
    let printer = session.options.printer;
    let is_indented = printer.format == Format::Json && printer.pretty;
    if words.requests.is_empty() {
        stream::each_run(io::stdin(), |run, out| {
            let lines: Vec<Cow<'_, [u8]>> = stream::requests(run, LINE_BYTES).map(without_ends).collect();
            if !is_indented {
                return session.answer(&lines, b"\n", out);
            }
            let mut answers = Vec::new();
            session.answer(&lines, b"\n", &mut answers);
            for answer in answers.split_inclusive(|&byte| byte == b'\n') {
                text::put_indented(answer, out);
            }
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let requests: Vec<Cow<'_, [u8]>> = words.requests.iter().map(|word| Cow::Borrowed(word.as_bytes())).collect();
    let (mut answers, mut out) = (Vec::new(), Vec::new());
    answers.extend_from_slice(if printer.format == Format::Json { b"[" } else { b"" });
    session.answer(&requests, b",", &mut answers);
    if printer.format == Format::Json {
        answers.pop();
        answers.extend_from_slice(b"]\n");
    }
    if is_indented {
        text::put_indented(&answers, &mut out);
    }
    io::stdout().write_all(if is_indented { &out } else { &answers })?;
    Ok(ExitCode::SUCCESS)
}

/// `line` without its end, and without any end of line that stands within.
fn without_ends(line: &[u8]) -> Cow<'_, [u8]> {
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let kept = line.len() - line.iter().rev().take_while(|byte| is_end(byte)).count();
    if line[..kept].iter().any(is_end) {
        return line.iter().copied().filter(|byte| !is_end(byte)).collect();
    }
    Cow::Borrowed(&line[..kept])
}

fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// What the command line says.
struct Options {
    printer: Printer,
    demangle: bool,
    adjust_vma: u64,
    /// What all requests are about.
    module: Option<Named>,
    objects: Objects,
}

/// An object, by what it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Named {
    Path(Vec<u8>),
    BuildId(Vec<u8>),
}

impl Named {
    fn of(module: Module<'_>) -> Self {
        match module {
            Module::Path(path) => Self::Path(path.to_vec()),
            Module::BuildId(id) => Self::BuildId(request::build_id(id).unwrap_or_default()),
        }
    }

    /// What answers call it.
    fn shown(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Path(path) => Cow::Borrowed(path),
            Self::BuildId(id) => Cow::Owned(text::hex(id).to_ascii_uppercase().into_bytes()),
        }
    }
}

impl Options {
    fn of(call: &Call, words: &Words) -> Result<Self, ExitCode> {
        let adjust_vma = integer(words, Id::AdjustVma, "--adjust-vma=")?;
        integer(words, Id::CacheSize, "--cache-size=")?;
        if integer(words, Id::SourceContext, "--print-source-context-lines=")? != 0 {
            return Err(call.unsupported("--print-source-context-lines"));
        }
        if let Some(name) = words.first_of(&[Id::Dwp, Id::FilterMarkup, Id::Debuginfod]) {
            return Err(call.unsupported(name));
        }
        if words.has(Id::Dia) {
            say("warning: DIA not available; using native PDB reader\n");
        }
        let mut debug_dirs: Vec<PathBuf> = words.values(Id::DebugFileDirectory).map(PathBuf::from).collect();
        debug_dirs.extend(words.values(Id::FallbackDebugPath).map(PathBuf::from));
        for hint in words.values(Id::DsymHint) {
            if Path::new(hint).extension() == Some(OsStr::new("dSYM")) {
                debug_dirs.push(PathBuf::from(hint));
            } else {
                say(&format!("Warning: invalid dSYM hint: \"{}\" (must have the '.dSYM' extension).\n", hint.to_string_lossy()));
            }
        }
        let text = |id| words.value(id).map(|(_, value)| value.to_string_lossy().into_owned());
        let default_arch = text(Id::DefaultArch).filter(|arch| !arch.is_empty());
        Ok(Self {
            printer: printer(words),
            demangle: words.flag(Id::Demangle, Id::NoDemangle, true),
            adjust_vma,
            module: module(words)?,
            objects: call.objects(&debug_dirs, default_arch),
        })
    }
}

fn integer(words: &Words, id: Id, name: &str) -> Result<u64, ExitCode> {
    let Some((_, value)) = words.value(id) else { return Ok(0) };
    request::number(value.as_bytes()).ok_or_else(|| {
        say(&format!("{name}: expected a non-negative integer, but got '{}'", value.to_string_lossy()));
        ExitCode::FAILURE
    })
}

fn module(words: &Words) -> Result<Option<Named>, ExitCode> {
    match (words.value(Id::Obj), words.value(Id::Build)) {
        (Some(_), Some(_)) => {
            say("error: cannot specify both --build-id and --obj\n");
            Err(ExitCode::FAILURE)
        }
        (Some((_, path)), None) => Ok(Some(Named::Path(path.as_bytes().to_vec()))),
        (None, Some((_, id))) => match request::build_id(id.as_bytes()) {
            Some(id) => Ok(Some(Named::BuildId(id))),
            None => {
                say(&format!("--build-id=: expected a build ID, but got '{}'\n", id.to_string_lossy()));
                Err(ExitCode::FAILURE)
            }
        },
        (None, None) => Ok(None),
    }
}

fn printer(words: &Words) -> Printer {
    let text = |id| words.value(id).map(|(_, value)| value.as_bytes());
    let format = match text(Id::OutputStyle) {
        Some(b"GNU") => Format::Gnu,
        Some(b"JSON") => Format::Json,
        _ => Format::Llvm,
    };
    let names = match text(Id::FunctionsAs).filter(|_| !words.has(Id::Functions)) {
        Some(b"none") => Names::None,
        Some(b"short") => Names::Short,
        _ => Names::Linkage,
    };
    let paths = match words.last(&[Id::BaseNames, Id::RelativeNames]) {
        Some(Id::BaseNames) => Paths::Base,
        Some(_) => Paths::Relative,
        None => Paths::Whole,
    };
    let inlines = match words.flag(Id::Inlines, Id::NoInlines, true) {
        true => Inlines::All,
        false if format == Format::Gnu => Inlines::Innermost,
        false => Inlines::Merged,
    };
    let (pretty, verbose, addresses) = (words.has(Id::PrettyPrint), words.has(Id::Verbose), words.has(Id::Addresses));
    Printer { format, names, paths, inlines, pretty, verbose, addresses }
}

/// An object that was asked for.
enum Known {
    /// Its module's number, unless there is nothing in it, and the file, unless only the store has it.
    Open(Option<usize>, Option<Mapped>),
    /// It could not be opened, which has been said.
    Failed,
}

/// One request, before it is answered.
enum Asked<'r> {
    /// Nothing, or what is no request.
    Nothing { module: Cow<'r, [u8]> },
    /// What cannot be said of any address.
    Other { named: usize, address: u64, kind: Kind },
    /// An address, and the number of its request if anything may be known there.
    Address { named: usize, address: u64, number: Option<usize>, is_failed: bool },
    /// A symbol, and the numbers of its requests.
    Symbol { named: usize, name: &'r [u8], numbers: std::ops::Range<usize> },
    /// An object that cannot be opened, for the first time.
    Failed { named: usize, place: Place<'r>, reason: String },
}

struct Session<'c> {
    call: &'c Call,
    options: Options,
    resolver: Resolver<'static>,
    /// By the resolver's number.
    demanglers: Vec<Demangler>,
    /// Every object that was asked for.
    known: Vec<(Named, Known)>,
    numbers: HashMap<Named, usize>,
    /// The path met last, which the next request most often repeats.
    last: usize,
    held_bytes: usize,
    has_said_kind: bool,
    /// What was written before any request.
    written: Vec<u8>,
}

impl<'c> Session<'c> {
    fn new(call: &'c Call, options: Options) -> Self {
        Self {
            call,
            options,
            resolver: Resolver::default(),
            demanglers: Vec::new(),
            known: Vec::new(),
            numbers: HashMap::new(),
            last: 0,
            held_bytes: 0,
            has_said_kind: false,
            written: Vec::new(),
        }
    }

    /// Opens the object that the command line names, and says why that fails if it does.
    fn opens(&mut self) -> bool {
        let Some(Named::Path(path)) = self.options.module.clone() else { return true };
        let Err(reason) = self.named(Cow::Owned(Named::Path(path.clone()))).1 else { return true };
        self.say_failed(&path, &reason);
        let printer = self.options.printer;
        if printer.format == Format::Json {
            let request = llvm::Request { module: &path, address: Some(0), symbol: None };
            let mut answer = Vec::new();
            Printer::error(&request, reason.as_bytes(), &mut answer);
            answer.push(b'\n');
            if printer.pretty {
                text::put_indented(&answer, &mut self.written);
            } else {
                self.written = answer;
            }
        }
        false
    }

    fn flush(&self) -> Result<()> {
        Ok(io::stdout().write_all(&self.written)?)
    }

    /// Answers `requests`; objects of JSON end with `separator`.
    fn answer(&mut self, requests: &[Cow<'_, [u8]>], separator: &[u8], out: &mut Vec<u8>) {
        if self.known.len() > MAX_MODULES || self.known.len() > 1 && self.held_bytes > MAX_HELD_BYTES {
            self.forget();
        }
        let (mut addresses, mut symbols) = (Vec::new(), Vec::new());
        let asked: Vec<Asked<'_>> = requests.iter().map(|text| self.parse(text, &mut addresses, &mut symbols)).collect();
        let answers = self.resolver.batch(&mut addresses, |module, answer, text| self.render(module, answer, text, Printer::frames));
        let places = self.resolver.batch(&mut symbols, |module, answer, text| self.render(module, answer, text, Printer::location));
        for asked in &asked {
            let before = out.len();
            self.write(asked, &answers, &places, out);
            if self.options.printer.format == Format::Json && out.len() > before {
                out.extend_from_slice(separator);
            }
        }
    }

    fn forget(&mut self) {
        self.resolver = Resolver::default();
        self.demanglers.clear();
        self.known.clear();
        self.numbers.clear();
        self.held_bytes = 0;
    }

    fn parse<'r>(&mut self, text: &'r [u8], addresses: &mut Vec<Request>, symbols: &mut Vec<Request>) -> Asked<'r> {
        // Whoever asks nothing wants to know whether anybody listens.
        if text.is_empty() {
            return Asked::Nothing { module: Cow::default() };
        }
        let request = match request::parse(text, self.options.module.is_some()) {
            Ok(request) => request,
            Err(malformed) => {
                self.call.say(&format!("error: '{}': {}", String::from_utf8_lossy(text), malformed.reason));
                let module = match &self.options.module {
                    Some(Named::Path(path)) => Cow::Owned(path.clone()),
                    _ => Cow::Borrowed(malformed.module),
                };
                return Asked::Nothing { module };
            }
        };
        let named = match (request.module, &self.options.module) {
            (Some(Module::Path(path)), _) if self.is_last(path) => (self.last, Ok(())),
            (Some(module), _) => self.named(Cow::Owned(Named::of(module))),
            (None, Some(module)) => {
                let module = module.clone();
                self.named(Cow::Owned(module))
            }
            (None, None) => return Asked::Nothing { module: Cow::default() },
        };
        let (named, opened) = named;
        if let Err(reason) = opened {
            self.say_failed(&self.known[named].0.shown(), &reason);
            return Asked::Failed { named, place: request.place, reason };
        }
        match (request.kind, request.place) {
            (Kind::Code, Place::Address(address)) => {
                let (module, is_failed) = match &self.known[named].1 {
                    Known::Open(module, _) => (*module, false),
                    Known::Failed => (None, true),
                };
                let number = module.map(|module| {
                    let number = addresses.len();
                    addresses.push(Request { module, address: address.wrapping_sub(self.options.adjust_vma), number });
                    number
                });
                Asked::Address { named, address, number, is_failed }
            }
            (Kind::Code, Place::Symbol(name, offset)) => {
                let start = symbols.len();
                if let Known::Open(Some(module), Some(file)) = &self.known[named].1
                    && let Ok(file) = File::parse(file.bytes())
                {
                    for (address, size) in symbols::named(&file, name) {
                        let address = if offset < size { address.wrapping_add(offset) } else { address };
                        symbols.push(Request { module: *module, address, number: symbols.len() });
                    }
                }
                Asked::Symbol { named, name, numbers: start..symbols.len() }
            }
            (kind, place) => {
                if !std::mem::replace(&mut self.has_said_kind, true) {
                    self.call.say("error: DATA and FRAME requests are not supported by symtool; use llvm-symbolizer itself");
                }
                let address = if let Place::Address(address) = place { address } else { 0 };
                Asked::Other { named, address, kind }
            }
        }
    }

    fn is_last(&self, path: &[u8]) -> bool {
        self.known
            .get(self.last)
            .is_some_and(|(named, known)| matches!((named, known), (Named::Path(last), Known::Open(..)) if last == path))
    }

    /// The number of an object, opened if it is new, and why that failed if it did.
    fn named(&mut self, named: Cow<'_, Named>) -> (usize, Result<(), String>) {
        if let Some(&number) = self.numbers.get(&*named) {
            self.last = number;
            // By build-id it is tried again each time.
            let is_retold = matches!((&self.known[number].1, &*named), (Known::Failed, Named::BuildId(_)));
            return (number, if is_retold { Err(NO_BUILD_ID.to_owned()) } else { Ok(()) });
        }
        let (known, opened) = match self.open(&named) {
            Ok((held, file)) => (Known::Open(held.map(|held| self.add(held)), file), Ok(())),
            Err(reason) => (Known::Failed, Err(reason)),
        };
        let named = named.into_owned();
        self.last = self.known.len();
        self.numbers.insert(named.clone(), self.last);
        self.known.push((named, known));
        (self.last, opened)
    }

    fn add(&mut self, held: Arc<InMemoryModule>) -> usize {
        self.held_bytes += held.bytes();
        let functions = held.module().record.functions;
        let module = self.resolver.add(Origin::Memory(held));
        if module == self.demanglers.len() {
            let names = if self.options.demangle { functions as usize } else { 0 };
            self.demanglers.push(Demangler::new(names, Spelling::Llvm));
        }
        module
    }

    fn open(&self, named: &Named) -> Result<(Option<Arc<InMemoryModule>>, Option<Mapped>), String> {
        let objects = &self.options.objects;
        let path = match named {
            Named::Path(path) => PathBuf::from(std::ffi::OsString::from_vec(path.clone())),
            Named::BuildId(id) => match objects.by_build_id(id) {
                Some(path) => path,
                None => return objects.stored_by_build_id(id).map(|held| (Some(held), None)).ok_or_else(|| NO_BUILD_ID.to_owned()),
            },
        };
        let object = objects.open(&path).map_err(|error| reason(&path, &error))?;
        Ok((object.held, Some(object.file)))
    }

    fn render(
        &self,
        module: usize,
        answer: Answer<'_, '_>,
        text: &mut Vec<u8>,
        print: impl Fn(Printer, Frames<'_, '_>, Option<&Demangler>, &mut Vec<u8>) -> Result<bool, store::Error>,
    ) -> bool {
        let demangler = self.demanglers.get(module).filter(|_| self.options.demangle);
        let printed = match answer {
            Answer::Frames(frames) => print(self.options.printer, frames, demangler, text).map_err(|error| error.to_string()),
            Answer::NoRange => Ok(false),
            Answer::Corrupt(error) => Err(error.to_string()),
        };
        printed.unwrap_or_else(|error| {
            self.call.say(&format!("error: {error}"));
            false
        })
    }

    fn write(&self, asked: &Asked<'_>, answers: &Rendered<bool>, places: &Rendered<bool>, out: &mut Vec<u8>) {
        let printer = self.options.printer;
        let shown = |named: usize| self.known.get(named).map_or_else(Cow::default, |(named, _)| named.shown());
        match asked {
            Asked::Nothing { module } => {
                let request = llvm::Request { module, ..llvm::Request::default() };
                printer.begin(&request, out);
                printer.unknown(out);
                printer.end(&request, out);
            }
            Asked::Address { named, address, number, is_failed } => {
                let request = llvm::Request { module: &shown(*named), address: Some(*address), symbol: None };
                printer.begin(&request, out);
                match number.and_then(|number| answers.get(number)) {
                    Some((text, true)) => out.extend_from_slice(text),
                    _ if *is_failed && printer.format == Format::Json && printer.inlines == Inlines::All => {}
                    _ => printer.unknown(out),
                }
                printer.end(&request, out);
            }
            Asked::Symbol { named, name, numbers } => {
                let request = llvm::Request { module: &shown(*named), address: None, symbol: Some(name) };
                printer.begin(&request, out);
                let mut any = false;
                for (text, _) in numbers.clone().filter_map(|number| places.get(number)).filter(|(_, has_file)| *has_file) {
                    out.extend_from_slice(if any && printer.format == Format::Json { b"," } else { b"" });
                    out.extend_from_slice(text);
                    any = true;
                }
                if !any && printer.format != Format::Json {
                    printer.unknown(out);
                }
                printer.end(&request, out);
            }
            Asked::Failed { named, place, reason } => {
                let (address, symbol) = match place {
                    Place::Address(address) => (Some(*address), None),
                    Place::Symbol(name, _) => (None, Some(*name)),
                };
                if printer.format == Format::Json {
                    Printer::error(&llvm::Request { module: &shown(*named), address, symbol }, reason.as_bytes(), out);
                } else {
                    let request = llvm::Request { module: b"", address, symbol: None };
                    printer.begin(&request, out);
                    printer.unknown(out);
                    printer.end(&request, out);
                }
            }
            Asked::Other { named, address, kind } => {
                let request = llvm::Request { module: &shown(*named), address: Some(*address), symbol: None };
                printer.put_nothing(&request, *kind == Kind::Data, out);
            }
        }
    }

    /// Says that an object cannot be opened, unless the answer will.
    fn say_failed(&self, module: &[u8], reason: &str) {
        if self.options.printer.format != Format::Json {
            let module = String::from_utf8_lossy(module);
            self.call.say(&if module.is_empty() { format!("error: {reason}") } else { format!("error: '{module}': {reason}") });
        }
    }
}

const NO_BUILD_ID: &str = "could not find build ID";

/// Why an object cannot be opened, as LLVM says it.
fn reason(path: &Path, error: &Error) -> String {
    let file = container::split(path).map_or_else(|| path.to_owned(), |(file, _)| file);
    let system = match (fs::metadata(&file), error) {
        (Err(cause), _) => Some(cause.to_string()),
        (Ok(metadata), _) if metadata.is_dir() => Some("Is a directory".to_owned()),
        (Ok(_), Error::Io { cause, .. }) => Some(cause.to_string()),
        _ => None,
    };
    match (system, error) {
        (Some(text), _) => text.split(" (os error").next().unwrap_or_default().to_owned(),
        (None, Error::NoSlice { .. }) => "No object file for requested architecture".to_owned(),
        (None, Error::Damaged { reason, .. }) => reason.clone(),
        (None, _) => "The file was not recognized as a valid object file".to_owned(),
    }
}
