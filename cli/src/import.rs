//! `symtool import`: in, paths; out, modules in the store, and a line or a JSON object for each file.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::DecimalBytes;
use serde::Serialize;
use symtool_core::pack::{Packed, pack};
use symtool_core::store::{Catalog, Footer, Store};
use symtool_formats::debug::{DebugFile, Mapped, Progress, Search};

use crate::args::{Global, Import};
use crate::exit::Exit;
use crate::{find, progress};

/// Modules wait for others, so that small ones share the cost of opening the database; up to this size of their
/// files, and for this long.
const MAX_WAITING_BYTES: u64 = 16 << 20;
const MAX_WAITING: Duration = Duration::from_millis(500);

/// Runs the command.
pub fn run(global: &Global, args: &Import) -> Result<Exit> {
    let store = global.open_store()?;
    store.create()?;
    let catalog = known(&store)?;
    let mut waiting = Waiting::new();
    let mut summary = Summary::default();
    for path in &args.paths {
        for file in find::files(path) {
            waiting.add(match file {
                Ok(file) => read(global, args, &catalog, &file),
                Err(reason) => Outcome::Done(Report::failed(path, reason)),
            });
            if waiting.is_full() {
                waiting.commit(global, &store, args.force, &mut summary)?;
            }
        }
    }
    waiting.commit(global, &store, args.force, &mut summary)?;
    if global.json {
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&summary)?)?;
    }
    Ok(Exit::failed_if(summary.failed > 0))
}

/// What is in the store already.
fn known(store: &Store) -> Result<Catalog> {
    match store.read() {
        Ok(reader) => Ok(reader.catalog()?),
        Err(symtool_core::store::Error::Missing(_)) => Ok(Catalog::default()),
        Err(error) => Err(error.into()),
    }
}

/// What came of reading a file.
enum Outcome {
    /// Nothing to store.
    Done(Report),
    /// A module for the store.
    Packed { path: PathBuf, packed: Packed, took: Duration },
}

/// Reads and packs one file. A bad file is a report, not an error.
fn read(global: &Global, args: &Import, catalog: &Catalog, path: &Path) -> Outcome {
    let start = Instant::now();
    let failed = |error: String| Outcome::Done(Report::failed(path, error));
    let mapped = match Mapped::open(path) {
        Ok(mapped) => mapped,
        Err(error) => return failed(error.to_string()),
    };
    let file = match DebugFile::parse(&mapped) {
        Ok(file) => file,
        Err(error) => return failed(error.to_string()),
    };
    let info = file.info();
    // A file with debug data takes the place of one that had symbols only.
    let known = catalog.by_id(info.kind, &info.id);
    if let Some(known) = known.filter(|known| !args.force && !known.footer.tells_less_than(info.detail, mapped.bytes().len() as u64)) {
        return Outcome::Done(Report::of(path, Status::Unchanged, &known.footer, start.elapsed()));
    }
    let progress = Progress::default();
    progress::while_importing(progress::is_wanted(global.quiet), &info.name, &progress, || {
        let symbols = match file.read(&Search::in_dirs(&args.debug_dirs), &progress) {
            Ok(symbols) => symbols,
            Err(error) => return failed(error.to_string()),
        };
        match pack(&symbols, mapped.bytes().len() as u64) {
            Ok(packed) => Outcome::Packed { path: path.to_owned(), packed, took: start.elapsed() },
            Err(error) => failed(format!("{}: {error}", path.display())),
        }
    })
}

/// Outcomes that have not been reported yet, in the order of the files.
struct Waiting {
    outcomes: Vec<Outcome>,
    bytes: u64,
    since: Instant,
}

impl Waiting {
    fn new() -> Self {
        Self { outcomes: Vec::new(), bytes: 0, since: Instant::now() }
    }

    fn add(&mut self, outcome: Outcome) {
        if let Outcome::Packed { packed, .. } = &outcome {
            self.bytes += packed.footer.bytes_in;
        }
        self.outcomes.push(outcome);
    }

    fn is_full(&self) -> bool {
        self.bytes >= MAX_WAITING_BYTES || self.since.elapsed() >= MAX_WAITING
    }

    /// Commits the modules that wait, and then reports all outcomes.
    fn commit(&mut self, global: &Global, store: &Store, replace: bool, summary: &mut Summary) -> Result<()> {
        let start = Instant::now();
        let (mut files, mut modules) = (Vec::new(), Vec::new());
        for outcome in std::mem::replace(self, Self::new()).outcomes {
            match outcome {
                Outcome::Done(report) => files.push(Ok(report)),
                Outcome::Packed { path, packed, took } => {
                    files.push(Err((path, took)));
                    modules.push(packed);
                }
            }
        }
        let committed = if modules.is_empty() { Ok(Vec::new()) } else { store.commit(&modules, replace) };
        let took_each = start.elapsed() / u32::try_from(modules.len().max(1)).unwrap_or(u32::MAX);
        let mut done = committed.iter().flatten();
        let mut out = std::io::stdout().lock();
        for file in files {
            let report = match file {
                Ok(report) => report,
                Err((path, took)) => {
                    let Some(committed) = done.next() else { continue };
                    let status = if committed.was_there { Status::Unchanged } else { Status::Imported };
                    Report::of(&path, status, &committed.module.footer, took + took_each)
                }
            };
            summary.count(&report);
            report.write(global, &mut out)?;
        }
        committed?;
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Imported,
    Unchanged,
    Failed,
}

/// What became of one file: the JSON object that contract and README document.
#[derive(Debug, Serialize)]
struct Report {
    path: String,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    module: Option<Imported>,
}

#[derive(Debug, Serialize)]
struct Imported {
    module: ModuleName,
    functions: u32,
    ranges: u64,
    files: u32,
    bytes_in: u64,
    bytes_stored: u64,
    seconds: f64,
    dropped: BTreeMap<String, u64>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ModuleName {
    name: String,
    id: String,
    kind: String,
    arch: String,
}

impl Report {
    fn failed(path: &Path, error: String) -> Self {
        Self { path: path.to_string_lossy().into_owned(), status: Status::Failed, error: Some(error), module: None }
    }

    fn of(path: &Path, status: Status, footer: &Footer, took: Duration) -> Self {
        let footer = footer.clone();
        let module = Imported {
            module: ModuleName { name: footer.name, id: footer.id, kind: footer.kind, arch: footer.arch },
            functions: footer.functions,
            ranges: footer.ranges,
            files: footer.files,
            bytes_in: footer.bytes_in,
            bytes_stored: footer.bytes_stored,
            seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
            dropped: footer.dropped,
            warnings: footer.warnings,
        };
        Self { path: path.to_string_lossy().into_owned(), status, error: None, module: Some(module) }
    }

    fn write(&self, global: &Global, out: &mut impl Write) -> Result<()> {
        if let Some(error) = &self.error {
            say!("{error}");
        }
        if let Some(module) = self.module.as_ref().filter(|_| !global.quiet) {
            module.warnings.iter().for_each(|warning| say!("{}: {warning}", self.path));
        }
        if global.json {
            writeln!(out, "{}", serde_json::to_string(self)?)?;
        } else if let Some(module) = &self.module {
            match self.status {
                Status::Unchanged => writeln!(out, "{}: unchanged ({} {})", self.path, module.module.name, module.module.id)?,
                _ => writeln!(
                    out,
                    "{}: imported, id {} ({} functions, {} ranges, {} -> {}, {:.2} s)",
                    self.path,
                    module.module.id,
                    module.functions,
                    module.ranges,
                    DecimalBytes(module.bytes_in),
                    DecimalBytes(module.bytes_stored),
                    module.seconds
                )?,
            }
        }
        out.flush()?;
        Ok(())
    }
}

/// The last JSON object of an import.
#[derive(Debug, Default, Serialize)]
struct Summary {
    imported: u64,
    unchanged: u64,
    failed: u64,
    bytes_in: u64,
    bytes_stored: u64,
}

impl Summary {
    fn count(&mut self, report: &Report) {
        match report.status {
            Status::Imported => self.imported += 1,
            Status::Unchanged => self.unchanged += 1,
            Status::Failed => self.failed += 1,
        }
        if let Some(module) = report.module.as_ref().filter(|_| report.status == Status::Imported) {
            self.bytes_in += module.bytes_in;
            self.bytes_stored += module.bytes_stored;
        }
    }
}
