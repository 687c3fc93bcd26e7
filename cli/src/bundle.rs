//! `symtool bundle`: packs the modules of a build into one file for the store on another machine.
//! `symtool_core::bundle` has the steps.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::builder::NonEmptyStringValueParser;
use indicatif::DecimalBytes;
use schemars::JsonSchema;
use serde::Serialize;
use symtool_core::bundle::{BundleSummary, Bundled, KnownModules, bundle};
use symtool_core::import::{Event, Outcome};
use symtool_module::BuildId;
use symtool_store::ModuleRecord;

use crate::advice;
use crate::context::Context;
use crate::exit::{Exit, Usage};
use crate::output;
use crate::progress::{self, Board};
use crate::terminal::clean;

const BUNDLE: &str = "Examples:
  symtool bundle build/ -o symbols.tar.zst
  symtool modules list --json > known.ndjson   there
  symtool bundle build/ --known known.ndjson -o new.tar.zst
  symtool import new.tar.zst                   there

The file has a segment for each module, as `modules export` writes it. The same files give the same bytes. Needs no store and no key; segments are not sealed.

If all modules are known, no file is written, and one that was there is removed.";

#[derive(Debug, clap::Args)]
#[command(after_help = BUNDLE)]
pub struct Bundle {
    /// Object files, dSYM bundles, Breakpad symbol files, mappings, archives, or folders with any
    /// of them, as for `import`
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The file to write: a tar archive, packed by zstd
    #[arg(short, long, required = true, value_name = "FILE")]
    pub output: PathBuf,
    /// Leave out what the store has that printed this list: the output of `modules list --json`
    #[arg(long, value_name = "LIST")]
    pub known: Option<PathBuf>,
    /// Also search this folder for debug files, dSYMs, .o, .dwo and dwz files
    #[arg(long = "debug-dir", value_name = "DIR")]
    pub debug_dirs: Vec<PathBuf>,
    /// A name for the modules, such as com.example.shop@1.4.0, as for `import`
    #[arg(long = "label", value_name = "LABEL", value_parser = NonEmptyStringValueParser::new())]
    pub labels: Vec<String>,
}

/// What became of a module.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Report<'a> {
    name: &'a str,
    id: &'a BuildId,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

/// What became of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Bundled,
    /// The list of `--known` has it.
    Known,
}

/// The last JSON object.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Total {
    bundled: u64,
    known: u64,
    failed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    bytes: u64,
}

/// Runs the command.
pub fn run(context: &Context, args: &Bundle) -> Result<Exit> {
    let known = known(args)?;
    let board = Board::new("bundle", progress::is_wanted(context));
    let import = symtool_core::Import {
        paths: args.paths.clone(),
        search: context.search(&args.debug_dirs, &[]),
        id: None,
        labels: args.labels.clone(),
        force: false,
        dry_run: false,
    };
    let events = |event: Event<'_>| {
        tell(&board, &event);
        Ok(())
    };
    let each = |record: &ModuleRecord, bundled| {
        progress::beside(|| write(context, record, bundled, &mut io::stdout().lock()))
    };
    let summary = board.while_shown(|| bundle(import, &known, &args.output, &events, each))?;
    if summary.bundled > 0 {
        output::share(&args.output)?;
    }
    finish(context, args, &summary)?;
    Ok(Exit::failed_if(summary.imported.failed > 0))
}

/// The modules that are to be left out.
fn known(args: &Bundle) -> Result<KnownModules> {
    let Some(path) = &args.known else { return Ok(KnownModules::default()) };
    let usage = |reason: String| {
        Usage(format!("{}: {reason}; pass the output of `modules list --json`", path.display()))
    };
    let file = File::open(path).map_err(|error| usage(error.to_string()))?;
    Ok(KnownModules::read(BufReader::new(file)).map_err(|error| usage(error.to_string()))?)
}

/// Shows progress, and names what cannot be read.
fn tell(board: &Board, event: &Event<'_>) {
    match event {
        Event::Done(report) => {
            if let Outcome::Failed(failure) = &report.outcome {
                say!("{}", advice::import(failure));
            }
        }
        Event::ReadWithOthers(reason) => note!("{reason}"),
        event => board.tell(event),
    }
}

/// Writes what became of a module.
fn write(
    context: &Context,
    record: &ModuleRecord,
    bundled: Bundled,
    out: &mut impl Write,
) -> io::Result<()> {
    let (status, word, bytes) = match bundled {
        Bundled::Yes(bytes) => (Status::Bundled, "bundled", Some(bytes)),
        Bundled::Known => (Status::Known, "known", None),
    };
    if context.json {
        let report = Report { name: &record.name, id: &record.id, status, bytes };
        writeln!(out, "{}", output::json(&report)?)?;
    } else if !context.quiet {
        let size = bytes.map_or_else(String::new, |bytes| format!(", {}", DecimalBytes(bytes)));
        writeln!(out, "{}: {word}, {}{size}", clean(&record.name), record.short_id())?;
    }
    Ok(())
}

/// Says what came of all.
fn finish(context: &Context, args: &Bundle, summary: &BundleSummary) -> Result<()> {
    let file = (summary.bundled > 0).then(|| args.output.to_string_lossy().into_owned());
    let bytes = if file.is_some() { std::fs::metadata(&args.output)?.len() } else { 0 };
    let BundleSummary { bundled, known, imported } = *summary;
    let total = Total { bundled, known, failed: imported.failed, file, bytes };
    if context.json {
        writeln!(io::stdout(), "{}", output::json(&total)?)?;
    } else if let Some(file) = &total.file {
        let others = if known > 0 { format!("; {known} known") } else { String::new() };
        note!("{}: {bundled} modules, {}{others}", clean(file), DecimalBytes(bytes));
    } else if imported.failed == 0 {
        note!("nothing to bundle: all {known} modules are known; no file was written");
    }
    Ok(())
}
