//! A session of llvm-symbolizer: what it has been asked for, and what it has found.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Write};

use anyhow::Result;
use object::File;
use symtool_debug::Mapped;
use symtool_store::database as store;
use symtool_store::resolve::{Answer, Frames, Request, Resolver};

use super::options::{Named, Options};
use super::request::{self, Kind, Malformed, Module, Place};
use crate::demangle::Demangler;
use crate::dropin::{Call, symbols};
use crate::style::llvm::{self, Format, Printer};
use crate::style::text;

/// Modules and names of modules that are kept from run to run, and bytes of their blocks.
const MAX_MODULES: usize = 10_000;
const MAX_HELD_BYTES: usize = 1 << 30;

/// An object that was asked for.
pub enum Known {
    /// Its module's number, unless there is nothing in it, and the file, unless only the store has
    /// it.
    Open(Option<usize>, Option<Mapped>),
    /// It could not be opened, which has been said.
    Failed,
}

/// One request, before it is answered.
pub enum Asked<'r> {
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

pub struct Session<'c> {
    pub(super) call: &'c Call,
    pub(super) options: Options,
    pub(super) resolver: Resolver<'static>,
    /// By the resolver's number.
    pub(super) demanglers: Vec<Demangler>,
    /// Every object that was asked for.
    pub(super) known: Vec<(Named, Known)>,
    pub(super) numbers: HashMap<Named, usize>,
    /// The path met last, which the next request most often repeats.
    pub(super) last: usize,
    pub(super) held_bytes: usize,
    pub(super) has_said_kind: bool,
    /// What was written before any request.
    pub(super) written: Vec<u8>,
}

impl<'c> Session<'c> {
    pub(super) fn new(call: &'c Call, options: Options) -> Self {
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
    pub(super) fn opens(&mut self) -> bool {
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

    pub(super) fn flush(&self) -> Result<()> {
        Ok(io::stdout().write_all(&self.written)?)
    }

    pub(super) fn printer(&self) -> Printer {
        self.options.printer
    }

    /// Whether answers stand on several lines.
    pub(super) fn is_indented(&self) -> bool {
        let printer = self.options.printer;
        printer.format == Format::Json && printer.pretty
    }

    /// Answers `requests`; objects of JSON end with `separator`.
    pub(super) fn answer(
        &mut self,
        requests: &[Cow<'_, [u8]>],
        separator: &[u8],
        out: &mut Vec<u8>,
    ) {
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

    /// Reads a request, and asks for what it needs.
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
            Err(malformed) => return self.malformed(text, &malformed),
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
            (Kind::Code, Place::Address(address)) => self.address(named, address, addresses),
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

    /// Says what is wrong with `text`, which is no request.
    fn malformed<'r>(&self, text: &[u8], malformed: &Malformed<'r>) -> Asked<'r> {
        self.call.say(&format!("error: '{}': {}", String::from_utf8_lossy(text), malformed.reason));
        let module = match &self.options.module {
            Some(Named::Path(path)) => Cow::Owned(path.clone()),
            _ => Cow::Borrowed(malformed.module),
        };
        Asked::Nothing { module }
    }

    /// Asks for `address`, if anything may be known there.
    fn address<'r>(&self, named: usize, address: u64, addresses: &mut Vec<Request>) -> Asked<'r> {
        let (module, is_failed) = match &self.known[named].1 {
            Known::Open(module, _) => (*module, false),
            Known::Failed => (None, true),
        };
        let number = module.map(|module| {
            let number = addresses.len();
            let address = address.wrapping_sub(self.options.adjust_vma);
            addresses.push(Request { module, address, number });
            number
        });
        Asked::Address { named, address, number, is_failed }
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
