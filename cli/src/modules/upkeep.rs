//! `symtool modules repair` and `compact`.

use std::io::Write;

use anyhow::Result;
use indicatif::DecimalBytes;
use schemars::JsonSchema;
use serde::Serialize;
use symtool_core::dump::BareDumps;
use symtool_crashes::{self as crash, CrashRepair};
use symtool_store::Store;

use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::terminal::clean;

/// A module that was lost.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Lost<'a> {
    module: &'a str,
    files: &'a [String],
    status: Loss,
    error: &'a str,
}

/// What became of what is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum Loss {
    /// A module: its files can be imported again.
    Dropped,
    Lost,
}

/// Drops what is damaged. Something that was lost is a failure of some input: exit code 1.
pub fn repair(context: &Context, store: &Store) -> Result<Exit> {
    let repaired = store.repair()?;
    let mut out = std::io::stdout().lock();
    for finding in &repaired.found {
        note!("{finding}");
    }
    let unnamed = Lost {
        module: &format!("{} more modules", repaired.lost_without_name),
        files: &[],
        status: Loss::Dropped,
        error: "they were stored, and their names are lost, too",
    };
    let named = repaired.lost.iter().map(|lost| Lost {
        module: &lost.module,
        files: &lost.files,
        status: Loss::Dropped,
        error: &lost.why,
    });
    let lost: Vec<Lost<'_>> =
        named.chain(Some(unnamed).filter(|_| repaired.lost_without_name > 0)).collect();
    for lost in &lost {
        if context.json {
            writeln!(out, "{}", output::json(lost)?)?;
        } else {
            let files: Vec<_> = lost.files.iter().map(|file| clean(file)).collect();
            let again = if files.is_empty() { "the files".to_owned() } else { files.join(", ") };
            say!("{}: dropped: {}; import {again} again", lost.module, lost.error);
        }
    }
    drop(out);
    let crashes = crash::repair(store, &BareDumps)?;
    tell_crashes(context, store, &crashes)?;
    match (repaired.found.is_empty() && crashes.found.is_none(), lost.is_empty()) {
        (true, _) => note!("{}: nothing is damaged", store.path().display()),
        (false, true) if !repaired.found.is_empty() => {
            note!("{}: repaired; no module was lost", store.path().display());
        }
        _ => {}
    }
    let is_crash_lost = !crashes.lost.is_empty()
        || !crashes.lost_runs.is_empty()
        || crashes.lost_without_id + crashes.lost_changes > 0;
    Ok(Exit::failed_if(!lost.is_empty() || is_crash_lost))
}

/// A crash of which something was lost.
#[derive(Debug, JsonSchema, Serialize)]
pub struct LostCrash {
    crash: String,
    status: Loss,
    error: &'static str,
}

/// A run that was lost.
#[derive(Debug, JsonSchema, Serialize)]
pub struct LostRun {
    run: u64,
    status: Loss,
    error: &'static str,
}

/// What was lost without a trace.
#[derive(Debug, JsonSchema, Serialize)]
pub struct LostWithoutId {
    count: u64,
    what: &'static str,
    status: Loss,
}

/// Says what became of the database of crashes.
fn tell_crashes(context: &Context, store: &Store, done: &CrashRepair) -> Result<()> {
    let Some(found) = &done.found else { return Ok(()) };
    let mut out = std::io::stdout().lock();
    for lost in &done.lost {
        let (id, error) = match lost {
            crash::LostCrash::Crash(id) => (id, "the crash is lost; add its report again"),
            crash::LostCrash::Failed(id) => (id, "a report that could not be read is lost"),
        };
        if context.json {
            writeln!(
                out,
                "{}",
                output::json(&LostCrash { crash: id.to_string(), status: Loss::Lost, error })?
            )?;
        } else {
            say!("{id}: {error}");
        }
    }
    for (count, what) in
        [(done.lost_without_id, "crashes"), (done.lost_changes, "changes of crashes")]
    {
        if count > 0 && context.json {
            writeln!(out, "{}", output::json(&LostWithoutId { count, what, status: Loss::Lost })?)?;
        } else if count > 0 {
            say!(
                "{count} stored {what} are lost, and it is not known which; add the reports again"
            );
        }
    }
    for run in &done.lost_runs {
        let error = "it can no longer be undone: part of its record is lost";
        if context.json {
            writeln!(out, "{}", output::json(&LostRun { run: *run, status: Loss::Lost, error })?)?;
        } else {
            say!("run {run}: {error}");
        }
    }
    note!(
        "{}: {}; {} crashes are saved ({} of them read again from their reports), {} are lost; the next `symtool reprocess` looks at all of them",
        store.path().display(),
        clean(found),
        done.crashes,
        done.read_again,
        done.lost.len()
    );
    Ok(out.flush()?)
}

/// What compacting freed.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Compacted {
    bytes_before: u64,
    bytes_after: u64,
}

/// Gives back what nobody sees.
pub fn compact(context: &Context, store: &Store) -> Result<Exit> {
    let before = store.disk_bytes();
    store.compact()?;
    let after = store.disk_bytes();
    if context.json {
        writeln!(
            std::io::stdout(),
            "{}",
            output::json(&Compacted { bytes_before: before, bytes_after: after })?
        )?;
    } else {
        note!(
            "{}: {} before, {} now",
            store.path().display(),
            DecimalBytes(before),
            DecimalBytes(after)
        );
    }
    Ok(Exit::Done)
}
