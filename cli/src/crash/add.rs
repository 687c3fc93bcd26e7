//! `symtool crash add`: stores crash reports of any format, each in its group. `symtool_core::add`
//! has the steps.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Error, Result};
use schemars::JsonSchema;
use serde::Serialize;
use symtool_core::mapping as mapping_file;
use symtool_core::{AddCrashes, AddEvent, AddSummary};
use symtool_crashes::Added;
use symtool_mapping::hex_bytes;
use symtool_store::{Catalog, Store};

use super::args::CrashAdd;
use crate::context::Context;
use crate::counted;
use crate::exit::Exit;
use crate::find::{self, NotOne};
use crate::notify::Notices;
use crate::output;
use crate::progress::{self, Meter, Reached, Unit};
use crate::rules;
use crate::terminal::clean;

/// What became of a report.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Told<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// What is missing of a minidump.
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<&'a str>,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Added,
    Known,
    /// It was stored with another mapping before.
    Remapped,
    Failed,
}

/// How many reports: the last JSON object.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Total {
    added: u64,
    known: u64,
    /// Known, with another mapping than before.
    #[serde(skip_serializing_if = "is_zero")]
    remapped: u64,
    failed: u64,
    /// Minidumps that are not whole.
    #[serde(skip_serializing_if = "is_zero")]
    damaged: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks like this")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Runs the command.
pub fn run(context: &Context, args: &CrashAdd) -> Result<Exit> {
    let rules = rules::load(context, args.rules.as_deref())?;
    let store = context.open_store()?;
    let notices = Notices::of(context, &args.notify)?;
    if !notices.is_empty() {
        // The first report makes the store; whoever is told of it has to be known before.
        store.create()?;
        notices.begin(&store)?;
    }
    let mapping = args.mapping.as_deref().map(|name| mapping_id(&store, name)).transpose()?;
    let meter = Meter::new(progress::is_wanted(context), "adding", Unit::Of("crashes"));
    let add = AddCrashes { paths: args.paths.clone(), rules: &rules, mapping };
    let AddSummary { added, known, remapped, failed, damaged } =
        add.run(&store, &mut |event| tell(context, &store, &meter, &event))?;
    drop(meter);
    let mut out = io::stdout().lock();
    if context.json {
        writeln!(out, "{}", output::json(&Total { added, known, remapped, failed, damaged })?)?;
    } else if !context.quiet {
        let remapped =
            if remapped > 0 { format!(", {remapped} with another mapping") } else { String::new() };
        let damaged = if damaged > 0 { format!(", {damaged} not whole") } else { String::new() };
        writeln!(
            out,
            "{added} crashes added, {known} known already{remapped}{damaged}, {failed} reports failed"
        )?;
    }
    out.flush()?;
    if failed > 0 {
        say!(
            "{failed} reports could not be read; `symtool crash list --failed` lists those that were kept"
        );
    }
    notices.deliver(&store, Exit::failed_if(failed > 0 || damaged > 0))
}

/// Shows progress, and prints what is done.
fn tell(context: &Context, store: &Store, meter: &Meter, event: &AddEvent<'_>) -> io::Result<()> {
    let told = match event {
        AddEvent::Report { source, added, damage } => {
            let (id, status, error) = match added {
                Added::New(id) => (id, Status::Added, None),
                Added::Known(id) => (id, Status::Known, None),
                Added::Remapped(id) => (id, Status::Remapped, None),
                Added::Failed(id, error) => (id, Status::Failed, Some(error.as_str())),
            };
            let id = Some(id.to_string());
            Told { id, status, source: Some(source), error, damage: *damage }
        }
        AddEvent::Lost(error) => Told {
            id: None,
            status: Status::Failed,
            source: None,
            error: Some(error),
            damage: None,
        },
        AddEvent::Counted(crashes) => {
            counted::note(store, Some(*crashes));
            return Ok(());
        }
        AddEvent::Stored(summary) => {
            meter.set(Reached { count: summary.all(), part: None });
            return io::stdout().flush();
        }
    };
    if context.json {
        writeln!(io::stdout(), "{}", serde_json::to_string(&told)?)?;
    } else if let Some(error) = told.error.or(told.damage) {
        let source = told.source.map(|source| format!("{}: ", clean(source))).unwrap_or_default();
        say!("{source}{}", clean(error));
    }
    Ok(())
}

/// The id of the mapping called `name`: that of a file, of a mapping of the store, or one that is
/// still to come.
fn mapping_id(store: &Store, name: &OsStr) -> Result<Vec<u8>> {
    if let Some(file) = mapping_file::at(Path::new(name)) {
        return Ok(file?.id());
    }
    store.create()?;
    let reader = store.read()?;
    let catalog: Catalog<'_> = reader.catalog();
    match (find::mapping(&catalog, name), hex_bytes(&name.to_string_lossy())) {
        (Ok(module), _) => Ok(hex::decode(module.record.id.as_str()).unwrap_or_default()),
        (Err(NotOne::Unknown(_)), Some(id)) => Ok(id),
        (Err(error), _) => Err(Error::msg(error.reason()?)),
    }
}
