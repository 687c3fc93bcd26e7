//! `symtool modules verify`: finds every damaged block, and with a file every answer that differs
//! from it.

pub mod report;

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use symtool_crashes::Crashes;
use symtool_debug::DebugFile;
use symtool_debug::container;
use symtool_module::{Detail, ModuleKind};
use symtool_store::unpack::Contents;
use symtool_store::{Error, Module, Reader, Store};

use crate::advice;
use crate::context::Context;
use crate::exit::Exit;
use crate::find::{self, NotOne};
use crate::modules::args::Verify;
use crate::modules::check;
use crate::output;
use crate::progress::{self, Meter, Reached, Unit};
use report::{Compared, Problem, Report, Status, Summary};

/// Runs the command.
pub fn run(context: &Context, args: &Verify, store: &Store) -> Result<Exit> {
    // Whatever is asked of single modules, what the store has as a whole is another question.
    let findings = if args.modules.is_empty() { store.examine()? } else { Vec::new() };
    let mut out = std::io::stdout().lock();
    let mut summary = Summary::default();
    let mut tell = |report: Report| -> Result<()> {
        summary.count(&report);
        progress::beside(|| report.write(context, &mut out))
    };
    for finding in findings {
        tell(Report::damaged(format!("{finding}; `symtool modules repair` saves what is intact")))?;
    }
    if args.modules.is_empty() {
        // What it says names the command that saves the rest.
        match Crashes::open(store).and_then(|crashes| crashes.verify()) {
            Ok(_) => {}
            Err(error @ (Error::Io { .. } | Error::Locked { .. })) => return Err(error.into()),
            Err(error) => tell(Report::damaged(advice::store(&error)))?,
        }
    }
    let reader = &store.read()?;
    let catalog = &reader.catalog();
    let found: Vec<(Result<&Module, NotOne>, Option<&Path>)> = if args.modules.is_empty() {
        catalog.modules()?.iter().map(|module| (Ok(module), None)).collect()
    } else {
        let is_there = |path: &&Path| {
            path.is_file() || container::is_bundle(path) || container::split(path).is_some()
        };
        let find = |name| {
            (find::module(catalog, name, args.latest), Some(Path::new(name)).filter(is_there))
        };
        args.modules.iter().map(find).collect()
    };
    let mut pace = Pace::new(context, found.iter().filter_map(|(module, _)| module.as_ref().ok()));
    for (module, path) in found {
        match module {
            Ok(module) => {
                pace.begin(module);
                tell(verify(args, reader, module, path, &pace))?;
                pace.end(module);
            }
            Err(error) => tell(Report::failed(error.reason()?))?,
        }
    }
    drop(pace);
    if context.json {
        writeln!(out, "{}", output::json(&summary)?)?;
    }
    out.flush()?;
    Ok(summary.exit())
}

/// How far it has come: modules weigh what their blocks do.
struct Pace {
    meter: Meter,
    modules: u64,
    done: u64,
    all: u64,
}

impl Pace {
    fn new<'m>(context: &Context, modules: impl Iterator<Item = &'m &'m Module>) -> Self {
        let meter = Meter::new(progress::is_wanted(context), "verify", Unit::Of("modules"));
        Self {
            meter,
            modules: 0,
            done: 0,
            all: modules.map(|module| module.record.bytes_stored).sum(),
        }
    }

    fn begin(&self, module: &Module) {
        self.meter.show(&module.record.name);
        self.set(0);
    }

    /// Of `module`, `done` of `all` addresses were compared.
    fn compared(&self, module: &Module, done: usize, all: usize) {
        self.meter.show(&format!("{} {done}/{all} addresses", module.record.name));
        let part = u128::from(module.record.bytes_stored) * done as u128 / all.max(1) as u128;
        self.set(u64::try_from(part).unwrap_or(0));
    }

    fn end(&mut self, module: &Module) {
        self.modules += 1;
        self.done += module.record.bytes_stored;
        self.set(0);
    }

    fn set(&self, part: u64) {
        self.meter.set(Reached { count: self.modules, part: Some((self.done + part, self.all)) });
    }
}

fn verify(
    args: &Verify,
    reader: &Reader,
    module: &Module,
    path: Option<&Path>,
    pace: &Pace,
) -> Report {
    let mut report = Report::of(module);
    let blocks = match reader.stored(module) {
        Ok(blocks) => blocks,
        Err(error) => {
            report.status = Status::Damaged;
            report.error = Some(advice::store(&error));
            return report;
        }
    };
    let contents = Contents::read(&module.record, &blocks);
    report.blocks = Some(blocks.len() + 1);
    drop(blocks);
    report.problems = contents
        .problems
        .iter()
        .map(|problem| Problem {
            block: problem.kind.name(),
            last: format!("{:#x}", problem.last),
            fault: problem.to_string(),
        })
        .collect();
    if !report.problems.is_empty() {
        report.status = Status::Damaged;
        return report;
    }
    let Some(path) = path else { return report };
    match compare(args, reader, module, &contents, path, pace) {
        Ok(compared) => {
            report.status = if compared.different > 0 { Status::Different } else { Status::Ok };
            report.compared = Some(compared);
        }
        Err(error) => {
            report.status = Status::Failed;
            report.error = Some(format!("{}: {error}", path.display()));
        }
    }
    report
}

fn compare(
    args: &Verify,
    reader: &Reader,
    module: &Module,
    contents: &Contents,
    path: &Path,
    pace: &Pace,
) -> Result<Compared, String> {
    let mapped = container::open_object(path).map_err(|error| error.to_string())?;
    let file = DebugFile::parse(&mapped).map_err(|error| error.to_string())?;
    let sources = &module.record.sources;
    let has_map = |source: &symtool_store::Source| {
        source.is_debug_map_of(file.info(), mapped.bytes().len() as u64)
    };
    if sources.iter().any(has_map) {
        return Err("its debug data is in the object files that it was linked from, which the other reader does not look for; \
                    verify its dSYM (dsymutil makes one)"
            .to_owned());
    }
    if file.info().detail == Detail::Gopclntab {
        return Err(
            "its functions and lines are in Go's own table (.gopclntab), which the other reader does not know; verify the file from \
                    before it was stripped"
                .to_owned(),
        );
    }
    if file.info().kind == ModuleKind::Pe {
        return Err("an image of Windows or its PDB, which the other reader does not know; its blocks are sound".to_owned());
    }
    let is_it =
        |source: &symtool_store::Source| source.is_file(file.info(), mapped.bytes().len() as u64);
    let source = sources.iter().position(is_it).ok_or_else(|| {
        let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        format!(
            "the store has this build from other files ({}); import this one, or pass one of those",
            names.join(", ")
        )
    })?;
    let addresses = check::sample(contents, source, args.sample);
    let checked = check::check(reader, module, mapped.bytes(), &addresses, |done| {
        pace.compared(module, done, addresses.len());
    })?;
    Ok(Compared::of(path, &checked))
}
