//! `symtool modules verify`: finds every damaged block, and with a file every answer that differs
//! from it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use symtool_crashes::Crashes;
use symtool_debug::DebugFile;
use symtool_debug::container;
use symtool_module::Detail;
use symtool_store::unpack::Contents;
use symtool_store::{Error, Module, Reader, Store};

use super::args::Verify;
use super::check::{self, Checked};
use crate::advice;
use crate::context::Context;
use crate::exit::Exit;
use crate::find::{self, NotOne};
use crate::output;
use crate::progress::{self, Meter, Reached, Unit};
use crate::terminal::clean;

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
        match Crashes::open(&store).and_then(|crashes| crashes.verify()) {
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
        pace.compared(module, done, addresses.len())
    })?;
    Ok(Compared::of(path, &checked))
}

/// What was found of one module: the JSON object that the documentation describes.
#[derive(Debug, Default, Serialize)]
struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    module: Option<ModuleName>,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocks: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Problem>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    compared: Option<Compared>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    #[default]
    Ok,
    Different,
    Failed,
    Damaged,
}

#[derive(Debug, Serialize)]
struct ModuleName {
    name: String,
    id: String,
}

#[derive(Debug, Serialize)]
struct Problem {
    block: &'static str,
    last: String,
    fault: String,
}

/// What came of comparing with a file.
#[derive(Debug, Serialize)]
struct Compared {
    file: String,
    checked: usize,
    equal: u64,
    explained: BTreeMap<&'static str, u64>,
    skipped: BTreeMap<&'static str, u64>,
    different: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<Difference>,
}

#[derive(Debug, Serialize)]
struct Difference {
    address: String,
    store: Vec<Frame>,
    file: Vec<Frame>,
}

#[derive(Debug, Serialize)]
struct Frame {
    function: String,
    file: String,
    line: u32,
    column: u32,
}

impl Compared {
    fn of(path: &Path, checked: &Checked) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let frames = |frames: &[super::reference::Frame]| {
            let frame = |frame: &super::reference::Frame| Frame {
                function: text(&frame.function),
                file: text(&frame.file),
                line: frame.line,
                column: frame.column,
            };
            frames.iter().map(frame).collect()
        };
        let difference = |difference: &check::Difference| Difference {
            address: format!("{:#x}", difference.address),
            store: frames(&difference.store),
            file: frames(&difference.file),
        };
        Self {
            file: path.to_string_lossy().into_owned(),
            checked: checked.addresses,
            equal: checked.equal,
            explained: checked
                .explained
                .iter()
                .map(|(reason, count)| (reason.name(), *count))
                .collect(),
            skipped: checked.skipped.iter().map(|(gap, count)| (gap.name(), *count)).collect(),
            different: checked.different,
            differences: checked.differences.iter().map(difference).collect(),
        }
    }
}

impl Report {
    fn of(module: &Module) -> Self {
        let name = ModuleName { name: module.record.name.clone(), id: module.record.id.clone() };
        Self { module: Some(name), ..Self::default() }
    }

    fn failed(error: String) -> Self {
        Self { status: Status::Failed, error: Some(error), ..Self::default() }
    }

    fn damaged(error: String) -> Self {
        Self { status: Status::Damaged, error: Some(error), ..Self::default() }
    }

    fn write(&self, context: &Context, out: &mut impl Write) -> Result<()> {
        let name = self.module.as_ref().map(|module| {
            format!("{} ({})", module.name, module.id.get(..12).unwrap_or(&module.id))
        });
        let name = name.unwrap_or_default();
        if let Some(error) = &self.error {
            say!("{error}");
        }
        for problem in &self.problems {
            say!("{name}: {}; import its files again with --force", problem.fault);
        }
        if context.json {
            writeln!(out, "{}", output::json(self)?)?;
            return Ok(());
        }
        if context.quiet && self.status == Status::Ok {
            return Ok(());
        }
        let name = clean(&name);
        if let Some(blocks) = self.blocks {
            let state = match self.problems.len() {
                0 => "intact".to_owned(),
                damaged => format!("{damaged} damaged"),
            };
            writeln!(out, "{name}: {blocks} blocks, {state}")?;
        }
        let Some(compared) = &self.compared else { return Ok(()) };
        let list = |counts: &BTreeMap<&str, u64>| -> String {
            let each: Vec<String> =
                counts.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
            if each.is_empty() { String::new() } else { format!(" ({})", each.join(", ")) }
        };
        let total = |counts: &BTreeMap<&str, u64>| counts.values().sum::<u64>();
        writeln!(
            out,
            "{}: {} addresses compared: {} equal, {} explained{}, {} skipped{}, {} different",
            clean(&compared.file),
            compared.checked,
            compared.equal,
            total(&compared.explained),
            list(&compared.explained),
            total(&compared.skipped),
            list(&compared.skipped),
            compared.different
        )?;
        for difference in &compared.differences {
            writeln!(out, "  {}", difference.address)?;
            for (who, frames) in [("store", &difference.store), ("file ", &difference.file)] {
                if frames.is_empty() {
                    writeln!(out, "    {who}  nothing")?;
                }
                for frame in frames {
                    let (function, file) = (clean(&frame.function), clean(&frame.file));
                    writeln!(
                        out,
                        "    {who}  {function} at {file}:{}:{}",
                        frame.line, frame.column
                    )?;
                }
            }
        }
        Ok(())
    }
}

/// The last JSON object.
#[derive(Debug, Default, Serialize)]
struct Summary {
    ok: u64,
    different: u64,
    failed: u64,
    damaged: u64,
}

impl Summary {
    fn count(&mut self, report: &Report) {
        match report.status {
            Status::Ok => self.ok += 1,
            Status::Different => self.different += 1,
            Status::Failed => self.failed += 1,
            Status::Damaged => self.damaged += 1,
        }
    }

    fn exit(&self) -> Exit {
        if self.damaged > 0 {
            Exit::Store
        } else {
            Exit::failed_if(self.different + self.failed > 0)
        }
    }
}
