//! `symtool resolve`: in, requests; out, an answer for each, in their order.
//!
//! Requests are taken as they come, a run at a time (`input.rs`), parsed (`request.rs`), answered in one batch by
//! the core, and written (`style/`).

pub mod input;
mod request;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::sync::Mutex;

use anyhow::{Context, Result};
use symtool_core::resolve::{Origin, Rendered, Request, Resolver};
use symtool_core::store::{Catalog, Reader};

use crate::args::{Global, Resolve, Style};
use crate::demangle::Demangler;
use crate::exit::Exit;
use crate::find::{self, NotOne};
use crate::progress::{self, Meter, Reached, Unit};
use crate::style::{self, Line, Status};
use crate::terminal::Paint;
use input::Lines;

/// Bytes of requests in the first run, and in any.
const FIRST_RUN_BYTES: usize = 128 << 10;
const MAX_RUN_BYTES: usize = 2 << 20;

/// Bytes of answers that one run should make: enough to sort well, little enough to stay in cache and memory.
const ANSWER_BYTES: usize = 48 << 20;

/// Failed requests that are named one by one.
const MAX_NAMED: u64 = 10;

/// Names of modules that are kept from run to run.
const MAX_NAMES: usize = 10_000;

/// Runs the command.
pub fn run(global: &Global, args: &Resolve) -> Result<Exit> {
    let reader = global.open_store()?.read()?;
    let catalog = reader.catalog()?;
    let style = args.style.unwrap_or(if global.json { Style::Json } else { Style::Pretty });
    let mut session = Session {
        args,
        style,
        paint: global.paint(&io::stdout()),
        catalog: &catalog,
        reader: &reader,
        resolver: Resolver::default(),
        names: Vec::new(),
        numbers: HashMap::new(),
        last_name: 0,
        demanglers: Vec::new(),
        failures: Failures::default(),
        next_line: 1,
    };
    // A module that is wrong for every request is said once, before any of them.
    if let Some(name) = &args.module
        && let Err(error) = find::module(&catalog, name, args.latest)
    {
        say!("{}", error.reason());
        session.failures.said.clone_from(&args.module);
    }
    let mut out = io::BufWriter::with_capacity(256 << 10, io::stdout().lock());
    match &args.batch {
        Some(path) => {
            let (input, bytes) = open_batch(path)?;
            session.stream(Lines::new(input), bytes, progress::is_wanted(global) && !io::stdout().is_terminal(), &mut out)?;
        }
        None => session.stream(Lines::new(args.addresses.join("\n").as_bytes()), None, false, &mut out)?,
    }
    out.flush()?;
    Ok(session.failures.finish())
}

fn open_batch(path: &Path) -> Result<(Box<dyn Read>, Option<u64>)> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin()), None));
    }
    let file =
        File::open(path).with_context(|| format!("{}: cannot be opened; pass a file of requests, or - for stdin", path.display()))?;
    let bytes = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
    Ok((Box::new(file), bytes))
}

/// One request of a run, before it is answered.
struct Asked {
    line: u64,
    address: Option<u64>,
    /// Index into the names met, for the module as it was asked for.
    name: Option<usize>,
    /// The number of its request, or why there is none.
    request: Result<usize, Status>,
}

/// What people call a module.
struct Name {
    asked: OsString,
    /// The same as text.
    text: String,
    /// The resolver's number of the module that it names.
    module: Result<usize, NotOne>,
}

struct Session<'s> {
    args: &'s Resolve,
    reader: &'s Reader,
    style: Style,
    /// For answers that people read.
    paint: Paint,
    catalog: &'s Catalog,
    resolver: Resolver<'s>,
    /// Every name met.
    names: Vec<Name>,
    /// Numbers of names.
    numbers: HashMap<OsString, usize>,
    /// The name met last, which the next request most often repeats.
    last_name: usize,
    /// By the resolver's module number.
    demanglers: Vec<Demangler>,
    failures: Failures,
    next_line: u64,
}

impl Session<'_> {
    /// Answers all requests of `lines`.
    fn stream(&mut self, mut lines: Lines<impl Read>, bytes: Option<u64>, shown: bool, out: &mut impl Write) -> Result<()> {
        let meter = Meter::new(shown, "resolve", Unit::Of("requests"));
        let mut read_bytes = 0;
        let mut run_bytes = FIRST_RUN_BYTES;
        while let Some(run) = lines.next_run(run_bytes)? {
            let (asked, mut requests) = self.parse(run);
            read_bytes += run.len() as u64;
            let rendered = self.answer(&mut requests);
            self.write(&asked, &rendered, out)?;
            out.flush()?;
            self.forget_names();
            meter.set(Reached { count: self.next_line - 1, part: bytes.map(|bytes| (read_bytes, bytes)) });
            let answer_bytes = rendered.bytes().max(1);
            run_bytes = (run.len().saturating_mul(ANSWER_BYTES) / answer_bytes).clamp(4 << 10, (run_bytes * 2).min(MAX_RUN_BYTES));
        }
        Ok(())
    }

    fn parse(&mut self, run: &[u8]) -> (Vec<Asked>, Vec<Request>) {
        let (mut asked, mut requests) = (Vec::new(), Vec::new());
        for text in run.split_inclusive(|&byte| byte == b'\n') {
            let line = self.next_line;
            self.next_line += 1;
            match request::parse(text) {
                None => {}
                Some(Err(reason)) => {
                    self.failures.count(line, reason);
                    asked.push(Asked { line, address: None, name: None, request: Err(Status::Malformed) });
                }
                Some(Ok(request)) => {
                    let name = request.module.as_deref().map(OsStr::new).or(self.args.module.as_deref());
                    let (name, module) = self.module(name, line);
                    let number = requests.len();
                    if let Ok(module) = module {
                        requests.push(Request { module, address: request.address, number });
                    }
                    asked.push(Asked { line, address: Some(request.address), name, request: module.map(|_| number) });
                }
            }
        }
        (asked, requests)
    }

    /// The number of the name, and of the module that it names. Says why if it names none.
    fn module(&mut self, name: Option<&OsStr>, line: u64) -> (Option<usize>, Result<usize, Status>) {
        let Some(name) = name else {
            self.failures.count(line, "names no module; write MODULE ADDR, or pass --module");
            return (None, Err(Status::NoModule));
        };
        let number = self.name(name);
        let module = self.names[number].module.as_ref().map_err(|error| {
            if self.failures.said.as_deref() == Some(name) {
                self.failures.count_silently();
            } else {
                self.failures.count(line, error.reason());
            }
            match error {
                NotOne::Unknown(_) => Status::NoModule,
                NotOne::Ambiguous(_) => Status::AmbiguousModule,
            }
        });
        (Some(number), module.copied())
    }

    /// The number of `text`, looked up in the catalog if it is new.
    fn name(&mut self, asked: &OsStr) -> usize {
        if self.names.get(self.last_name).is_some_and(|last| last.asked == asked) {
            return self.last_name;
        }
        self.last_name = match self.numbers.get(asked) {
            Some(number) => *number,
            None => {
                let module =
                    find::module(self.catalog, asked, self.args.latest).map(|module| self.resolver.add(Origin::Store(self.reader, module)));
                if let Ok(number) = module
                    && number == self.demanglers.len()
                {
                    let functions = self.resolver.module(number).map_or(0, |module| module.footer.functions);
                    self.demanglers.push(Demangler::new(if self.args.no_demangle { 0 } else { functions as usize }));
                }
                self.names.push(Name { asked: asked.to_owned(), text: asked.to_string_lossy().into_owned(), module });
                self.numbers.insert(asked.to_owned(), self.names.len() - 1);
                self.names.len() - 1
            }
        };
        self.last_name
    }

    /// Keeps memory bounded where every request names another module.
    fn forget_names(&mut self) {
        if self.names.len() > MAX_NAMES {
            self.names.clear();
            self.numbers.clear();
        }
    }

    fn answer(&self, requests: &mut [Request]) -> Rendered<Status> {
        let damage = Mutex::new(None);
        let rendered = self.resolver.batch(requests, |module, answer, text| {
            let demangler = self.demanglers.get(module).filter(|_| !self.args.no_demangle);
            let (status, error) = style::frames(self.style, self.paint, answer, demangler, text);
            if let Some(error) = error {
                damage.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(error);
            }
            status
        });
        if let Some(error) = damage.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            say!("{error}");
        }
        rendered
    }

    fn write(&mut self, asked: &[Asked], rendered: &Rendered<Status>, out: &mut impl Write) -> io::Result<()> {
        for asked in asked {
            let answer = asked.request.map(|number| rendered.get(number).unwrap_or((&[], Status::Corrupt)));
            let (frames, status) = answer.unwrap_or_else(|status| (&[], status));
            if status == Status::Corrupt {
                self.failures.count_silently();
            }
            let name = asked.name.map(|number| &self.names[number]);
            let module = name.and_then(|name| self.resolver.module(*name.module.as_ref().ok()?));
            let asked_for = name.map_or("", |name| &name.text);
            let line = Line { number: asked.line, address: asked.address, module, asked: asked_for, status, frames };
            style::line(self.style, &line, out)?;
        }
        Ok(())
    }
}

/// Requests that failed: the first few are named, all are counted.
#[derive(Debug, Default)]
struct Failures {
    count: u64,
    /// Those that are not named line by line.
    silent: u64,
    /// The module that was said to be wrong before any request.
    said: Option<OsString>,
}

impl Failures {
    fn count(&mut self, line: u64, reason: &str) {
        self.count += 1;
        if self.count - self.silent <= MAX_NAMED {
            say!("line {line}: {reason}");
        }
    }

    fn count_silently(&mut self) {
        self.count += 1;
        self.silent += 1;
    }

    fn finish(&self) -> Exit {
        if self.count - self.silent > MAX_NAMED {
            say!("{} requests failed in all; --style json gives the status of each", self.count);
        }
        Exit::failed_if(self.count > 0)
    }
}
