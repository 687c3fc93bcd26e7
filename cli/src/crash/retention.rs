//! `symtool crash gc` and `symtool crash forget`: crashes that are old, many, large or one person's
//! go, and the consequences are printed first.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use indicatif::DecimalBytes;
use schemars::JsonSchema;
use serde::Serialize;
use symtool_core::dump::BareDumps;
use symtool_crashes::{CrashId, Crashes, KeptDump, Retention, RetentionPlan, Slot};
use symtool_store::Store;

use super::args::{CrashForget, CrashGc};
use crate::context::Context;
use crate::counted::open_writer;
use crate::exit::Exit;
use crate::output;

/// A crash that goes.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Gone {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    status: Fate,
}

/// A run that moved some of them.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Touched {
    run: u64,
    crashes: u64,
    status: RunFate,
}

/// What becomes of a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    Removed,
    WouldBeRemoved,
    /// The bytes of its minidump are dropped.
    Dropped,
    WouldBeDropped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum RunFate {
    CannotBeUndoneFor,
}

/// Removes what a rule does not keep.
pub fn gc(context: &Context, store: &Store, args: &CrashGc) -> Result<Exit> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    let keeps = Retention {
        since_ms: args.older_than.map(|age| now.saturating_sub(age.saturating_mul(1_000))),
        keep: args.keep,
        max_bytes: args.max_size,
        empties_groups: args.last || args.drop_dumps,
    };
    if args.drop_dumps {
        return drop_dumps(context, store, keeps, args.dry_run);
    }
    if args.dry_run {
        let plan = Crashes::open(store)?.beyond(keeps)?;
        tell(context, &plan, Fate::WouldBeRemoved)?;
        return Ok(Exit::Done);
    }
    let writer = open_writer(store)?;
    let plan = writer.beyond(keeps)?;
    name_runs(context, &plan)?;
    let slots: Vec<Slot> = plan.crashes.iter().map(|going| going.at).collect();
    if !slots.is_empty() {
        writer.remove(&slots)?;
    }
    tell_crashes(context, &plan, Fate::Removed)?;
    Ok(Exit::Done)
}

/// Drops the bytes of minidumps of crashes that a rule does not keep.
fn drop_dumps(
    context: &Context,
    store: &Store,
    keeps: Retention,
    is_dry_run: bool,
) -> Result<Exit> {
    let slots = |crashes: &Crashes| -> Result<Vec<Slot>> {
        Ok(crashes.beyond(keeps)?.crashes.iter().map(|going| going.at).collect())
    };
    let dumps = if is_dry_run {
        let crashes = Crashes::open(store)?;
        crashes.kept_dumps(&slots(&crashes)?)?
    } else {
        let writer = open_writer(store)?;
        let dumps = writer.kept_dumps(&slots(&writer)?)?;
        writer.drop_dumps(&dumps)?;
        dumps
    };
    let status = if is_dry_run { Fate::WouldBeDropped } else { Fate::Dropped };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for KeptDump { id, bytes, .. } in &dumps {
        if context.json {
            let gone = Gone { id: id.to_string(), group: None, bytes: Some(*bytes), status };
            writeln!(out, "{}", output::json(&gone)?)?;
        }
    }
    if !context.json && !context.quiet {
        let word = if is_dry_run { "would be dropped" } else { "dropped" };
        let bytes = dumps.iter().map(|dump| dump.bytes).sum();
        writeln!(
            out,
            "{} minidumps {word}, {} before compression; their crashes are kept",
            dumps.len(),
            DecimalBytes(bytes)
        )?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn tell(context: &Context, plan: &RetentionPlan, status: Fate) -> Result<()> {
    name_runs(context, plan)?;
    tell_crashes(context, plan, status)
}

/// Says which runs moved crashes that go.
fn name_runs(context: &Context, plan: &RetentionPlan) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for (run, crashes) in &plan.runs {
        if context.json {
            writeln!(
                out,
                "{}",
                output::json(&Touched {
                    run: *run,
                    crashes: *crashes,
                    status: RunFate::CannotBeUndoneFor
                })?
            )?;
        } else if !context.quiet {
            writeln!(
                out,
                "run {run}: cannot be undone for {crashes} of these crashes; undoing it restores only the others"
            )?;
        }
    }
    Ok(out.flush()?)
}

fn tell_crashes(context: &Context, plan: &RetentionPlan, status: Fate) -> Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut bytes = 0;
    for going in &plan.crashes {
        bytes += going.bytes;
        if context.json {
            let gone = Gone {
                id: going.id.to_string(),
                group: Some(going.group.to_string()),
                bytes: Some(going.bytes),
                status,
            };
            writeln!(out, "{}", output::json(&gone)?)?;
        }
    }
    if !context.json && !context.quiet {
        let word = if status == Fate::Removed { "removed" } else { "would be removed" };
        writeln!(out, "{} crashes {word}, some {}", plan.crashes.len(), DecimalBytes(bytes))?;
    }
    Ok(out.flush()?)
}

/// Removes all crashes and reports of one person.
pub fn forget(context: &Context, store: &Store, args: &CrashForget) -> Result<Exit> {
    let (found, failed) = if args.dry_run {
        Crashes::open(store)?.of_user(&args.user, &BareDumps)?
    } else {
        let writer = open_writer(store)?;
        let (found, failed) = writer.of_user(&args.user, &BareDumps)?;
        let slots: Vec<Slot> = found.iter().map(|(at, _)| *at).collect();
        if !slots.is_empty() {
            writer.forget(&slots)?;
        }
        if !failed.is_empty() {
            writer.remove_failed(&failed)?;
        }
        (found, failed)
    };
    let mut ids: Vec<CrashId> = found.into_iter().map(|(_, id)| id).chain(failed).collect();
    ids.sort_unstable();
    ids.dedup();
    let status = if args.dry_run { Fate::WouldBeRemoved } else { Fate::Removed };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for id in &ids {
        if context.json {
            let gone = Gone { id: id.to_string(), group: None, bytes: None, status };
            writeln!(out, "{}", output::json(&gone)?)?;
        }
    }
    if !context.json && !context.quiet {
        let word = if args.dry_run { "would be removed" } else { "removed" };
        writeln!(out, "{} crashes and reports {word}", ids.len())?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
