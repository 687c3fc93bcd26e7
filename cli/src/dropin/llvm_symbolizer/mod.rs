//! `llvm-symbolizer`, byte for byte as in LLVM 19 (`llvm-symbolizer.cpp`).

mod args;
mod objects;
mod options;
mod request;

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use anyhow::Result;
use object::File;
use symtool_debug::Mapped;
use symtool_store::database as store;
use symtool_store::resolve::{Answer, Frames, Rendered, Request, Resolver};

use crate::demangle::Demangler;
use crate::dropin::{Call, stream, symbols, words};
use crate::style::llvm::{self, Format, Inlines, Printer};
use crate::style::text;
use args::{HELP, Id, Words};
use options::{Named, Options};
use request::{Kind, Module, Place};

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
    let mut line = std::env::var_os("LLVM_SYMBOLIZER_OPTS")
        .map(|text| words::split(text.as_bytes()))
        .unwrap_or_default();
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
        writeln!(
            io::stdout(),
            "llvm-symbolizer\nsymtool {} (compatible with LLVM version 19.1.7)",
            env!("CARGO_PKG_VERSION")
        )?;
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
            let lines: Vec<Cow<'_, [u8]>> =
                stream::requests(run, LINE_BYTES).map(without_ends).collect();
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
    let requests: Vec<Cow<'_, [u8]>> =
        words.requests.iter().map(|word| Cow::Borrowed(word.as_bytes())).collect();
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

/// An object that was asked for.
enum Known {
    /// Its module's number, unless there is nothing in it, and the file, unless only the store has
    /// it.
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
        if self.known.len() > MAX_MODULES
            || self.known.len() > 1 && self.held_bytes > MAX_HELD_BYTES
        {
            self.forget();
        }
        let (mut addresses, mut symbols) = (Vec::new(), Vec::new());
        let asked: Vec<Asked<'_>> =
            requests.iter().map(|text| self.parse(text, &mut addresses, &mut symbols)).collect();
        let answers = self.resolver.batch(&mut addresses, |module, answer, text| {
            self.render(module, answer, text, Printer::frames)
        });
        let places = self.resolver.batch(&mut symbols, |module, answer, text| {
            self.render(module, answer, text, Printer::location)
        });
        for asked in &asked {
            let before = out.len();
            self.write(asked, &answers, &places, out);
            if self.options.printer.format == Format::Json && out.len() > before {
                out.extend_from_slice(separator);
            }
        }
    }

    fn parse<'r>(
        &mut self,
        text: &'r [u8],
        addresses: &mut Vec<Request>,
        symbols: &mut Vec<Request>,
    ) -> Asked<'r> {
        // Whoever asks nothing wants to know whether anybody listens.
        if text.is_empty() {
            return Asked::Nothing { module: Cow::default() };
        }
        let request = match request::parse(text, self.options.module.is_some()) {
            Ok(request) => request,
            Err(malformed) => {
                self.call.say(&format!(
                    "error: '{}': {}",
                    String::from_utf8_lossy(text),
                    malformed.reason
                ));
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
                    addresses.push(Request {
                        module,
                        address: address.wrapping_sub(self.options.adjust_vma),
                        number,
                    });
                    number
                });
                Asked::Address { named, address, number, is_failed }
            }
            (Kind::Code, Place::Symbol(name, offset)) => self.symbol(named, name, offset, symbols),
            (kind, place) => {
                if !std::mem::replace(&mut self.has_said_kind, true) {
                    self.call.say("error: DATA and FRAME requests are not supported by symtool; use llvm-symbolizer itself");
                }
                let address = if let Place::Address(address) = place { address } else { 0 };
                Asked::Other { named, address, kind }
            }
        }
    }

    /// Asks for `offset` within every symbol called `name`.
    fn symbol<'r>(
        &self,
        named: usize,
        name: &'r [u8],
        offset: u64,
        symbols: &mut Vec<Request>,
    ) -> Asked<'r> {
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

    fn render(
        &self,
        module: usize,
        answer: Answer<'_, '_>,
        text: &mut Vec<u8>,
        print: impl Fn(
            Printer,
            Frames<'_, '_>,
            Option<&Demangler>,
            &mut Vec<u8>,
        ) -> Result<bool, store::Error>,
    ) -> bool {
        let demangler = self.demanglers.get(module).filter(|_| self.options.demangle);
        let printed = match answer {
            Answer::Frames(frames) => print(self.options.printer, frames, demangler, text)
                .map_err(|error| error.to_string()),
            Answer::NoRange => Ok(false),
            Answer::Corrupt(error) => Err(error.to_string()),
        };
        printed.unwrap_or_else(|error| {
            self.call.say(&format!("error: {error}"));
            false
        })
    }

    fn write(
        &self,
        asked: &Asked<'_>,
        answers: &Rendered<bool>,
        places: &Rendered<bool>,
        out: &mut Vec<u8>,
    ) {
        let printer = self.options.printer;
        let shown = |named: usize| {
            self.known.get(named).map_or_else(Cow::default, |(named, _)| named.shown())
        };
        match asked {
            Asked::Nothing { module } => {
                let request = llvm::Request { module, ..llvm::Request::default() };
                printer.begin(&request, out);
                printer.unknown(out);
                printer.end(&request, out);
            }
            Asked::Address { named, address, number, is_failed } => {
                let request =
                    llvm::Request { module: &shown(*named), address: Some(*address), symbol: None };
                printer.begin(&request, out);
                match number.and_then(|number| answers.get(number)) {
                    Some((text, true)) => out.extend_from_slice(text),
                    _ if *is_failed
                        && printer.format == Format::Json
                        && printer.inlines == Inlines::All => {}
                    _ => printer.unknown(out),
                }
                printer.end(&request, out);
            }
            Asked::Symbol { named, name, numbers } => {
                let request =
                    llvm::Request { module: &shown(*named), address: None, symbol: Some(name) };
                printer.begin(&request, out);
                let mut any = false;
                for (text, _) in numbers
                    .clone()
                    .filter_map(|number| places.get(number))
                    .filter(|(_, has_file)| *has_file)
                {
                    out.extend_from_slice(if any && printer.format == Format::Json {
                        b","
                    } else {
                        b""
                    });
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
                    Printer::error(
                        &llvm::Request { module: &shown(*named), address, symbol },
                        reason.as_bytes(),
                        out,
                    );
                } else {
                    let request = llvm::Request { module: b"", address, symbol: None };
                    printer.begin(&request, out);
                    printer.unknown(out);
                    printer.end(&request, out);
                }
            }
            Asked::Other { named, address, kind } => {
                let request =
                    llvm::Request { module: &shown(*named), address: Some(*address), symbol: None };
                printer.put_nothing(&request, *kind == Kind::Data, out);
            }
        }
    }

    /// Says that an object cannot be opened, unless the answer will.
    fn say_failed(&self, module: &[u8], reason: &str) {
        if self.options.printer.format != Format::Json {
            let module = String::from_utf8_lossy(module);
            self.call.say(&if module.is_empty() {
                format!("error: {reason}")
            } else {
                format!("error: '{module}': {reason}")
            });
        }
    }
}
