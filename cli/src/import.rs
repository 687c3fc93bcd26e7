//! `symtool import`: in, paths; out, modules in the store, and a line or a JSON object for each file.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use indicatif::DecimalBytes;
use serde::Serialize;
use symtool_core::pack::pack;
use symtool_core::store::{Catalog, Footer, Store};
use symtool_formats::debug::{DebugFile, Mapped, Progress};

use crate::args::{Global, Import};
use crate::exit::Exit;
use crate::{find, progress};

/// Runs the command.
pub fn run(global: &Global, args: &Import) -> Result<Exit> {
    let store = global.open_store()?;
    store.create()?;
    let catalog = known(&store)?;
    let mut out = std::io::stdout().lock();
    let mut summary = Summary::default();
    for path in &args.paths {
        for file in find::files(path) {
            let report = match file {
                Ok(file) => import(global, args, &store, &catalog, &file)?,
                Err(reason) => Report::failed(path, reason),
            };
            summary.count(&report);
            report.write(global, &mut out)?;
        }
    }
    if global.json {
        writeln!(out, "{}", serde_json::to_string(&summary)?)?;
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

/// Imports one file. A bad file is a report; a store that cannot be written is an error.
fn import(global: &Global, args: &Import, store: &Store, catalog: &Catalog, path: &Path) -> Result<Report> {
    let start = Instant::now();
    let mapped = match Mapped::open(path) {
        Ok(mapped) => mapped,
        Err(error) => return Ok(Report::failed(path, error.to_string())),
    };
    let file = match DebugFile::parse(&mapped) {
        Ok(file) => file,
        Err(error) => return Ok(Report::failed(path, error.to_string())),
    };
    let bytes_in = mapped.bytes().len() as u64;
    let known = catalog.by_id(file.info().kind, &file.info().id);
    // A file with debug data takes the place of one that had symbols only.
    if let Some(known) = known.filter(|known| !args.force && !known.footer.tells_less_than(file.info())) {
        return Ok(Report::of(path, Status::Unchanged, &known.footer, start));
    }
    let progress = Progress::default();
    let shown = progress::is_wanted(global.quiet);
    progress::while_importing(shown, &file.info().name, &progress, || {
        let symbols = match file.read(&progress) {
            Ok(symbols) => symbols,
            Err(error) => return Ok(Report::failed(path, error.to_string())),
        };
        let blocks = match pack(&symbols) {
            Ok(blocks) => blocks,
            Err(error) => return Ok(Report::failed(path, format!("{}: {error}", path.display()))),
        };
        let committed = store.commit(&symbols, &blocks, bytes_in, args.force)?;
        let status = if committed.was_there { Status::Unchanged } else { Status::Imported };
        Ok(Report::of(path, status, &committed.module.footer, start))
    })
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

    fn of(path: &Path, status: Status, footer: &Footer, start: Instant) -> Self {
        let footer = footer.clone();
        let module = Imported {
            module: ModuleName { name: footer.name, id: footer.id, kind: footer.kind, arch: footer.arch },
            functions: footer.functions,
            ranges: footer.ranges,
            files: footer.files,
            bytes_in: footer.bytes_in,
            bytes_stored: footer.bytes_stored,
            seconds: (start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
            dropped: footer.dropped,
            warnings: footer.warnings,
        };
        Self { path: path.to_string_lossy().into_owned(), status, error: None, module: Some(module) }
    }

    fn write(&self, global: &Global, out: &mut impl Write) -> Result<()> {
        if let Some(error) = &self.error {
            eprintln!("symtool: {error}");
        }
        if let Some(module) = self.module.as_ref().filter(|_| !global.quiet) {
            module.warnings.iter().for_each(|warning| eprintln!("symtool: {}: {warning}", self.path));
        }
        if global.json {
            writeln!(out, "{}", serde_json::to_string(self)?)?;
        } else if let Some(module) = &self.module {
            match self.status {
                Status::Unchanged => writeln!(out, "{}: unchanged ({} {})", self.path, module.module.name, module.module.id)?,
                _ => writeln!(
                    out,
                    "{}: imported as {} {} ({} functions, {} ranges, {} -> {}, {:.2} s)",
                    self.path,
                    module.module.name,
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
