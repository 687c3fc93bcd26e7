//! `symtool groups history` and `diff`: what each run did, and what changed between two of them.

use std::io::Write;

use anyhow::{Error, Result};
use schemars::JsonSchema;
use serde::Serialize;
use symtool_crashes::groups::{Difference, NoSuchRun};
use symtool_crashes::{Crashes, GroupId};
use symtool_crashes::{Report, Run, RunKind};
use symtool_store::Store;

use super::args::{GroupsDiff, GroupsHistory};
use super::mark::{Marked, Marks};
use crate::context::Context;
use crate::exit::{Exit, Usage};
use crate::find::NotOne;
use crate::moment::iso;
use crate::output;
use crate::reprocess;

/// Runs `history`.
pub fn run(context: &Context, store: &Store, args: &GroupsHistory) -> Result<Exit> {
    let crashes = Crashes::open(store)?;
    let mut runs = crashes.runs()?;
    if let Some(text) = &args.group {
        let group = super::one(&crashes, text)?;
        let ids: Vec<GroupId> = group.aliases.iter().chain([&group.id]).copied().collect();
        runs.retain_mut(|run| {
            keep_only(&mut run.report, &ids);
            !run.report.merged.is_empty()
                || !run.report.split.is_empty()
                || !run.report.renamed.is_empty()
        });
    }
    let mut out = std::io::stdout().lock();
    for run in &runs {
        if context.json {
            writeln!(out, "{}", output::json(run)?)?;
        } else {
            write(&mut out, run)?;
            if args.group.is_some() || context.verbose {
                reprocess::write_changes(&mut out, &run.report)?;
            }
        }
    }
    if let Some(text) = &args.group {
        let group = super::one(&crashes, text)?;
        let marks = crashes.marks(&group)?;
        match (context.json, marks.is_empty()) {
            (_, true) => {}
            (true, _) => {
                let marked = Marked { id: group.id.to_string(), marks: &Marks::from(marks) };
                writeln!(out, "{}", output::json(&marked)?)?;
            }
            (false, _) => Marks::from(marks).write(&mut out)?,
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Leaves of a report what it says of the groups `ids`.
fn keep_only(report: &mut Report, ids: &[GroupId]) {
    let is_meant = |id: &GroupId| ids.contains(id);
    report.merged.retain(|merge| is_meant(&merge.group) || merge.aliases.iter().any(is_meant));
    report.split.retain(|split| {
        is_meant(&split.group) || split.into.iter().any(|part| is_meant(&part.group))
    });
    report.renamed.retain(|rename| is_meant(&rename.group));
}

/// Writes a line about `run`.
pub fn write(out: &mut impl Write, run: &Run) -> Result<()> {
    let what = match run.kind {
        RunKind::Reprocess => "reprocess".to_owned(),
        RunKind::Merge => "merge".to_owned(),
        RunKind::Undo(of) => format!("undo of run {of}"),
    };
    let undone = run.undone_by.map(|by| format!(", undone by run {by}")).unwrap_or_default();
    let Report { crashes, merged, split, renamed, .. } = &run.report;
    let at = iso(i64::try_from(run.at_ms).unwrap_or(i64::MAX));
    Ok(writeln!(
        out,
        "run {}  {at}  {what}: {} crashes moved, {} groups merged into {}, {} split, {} renamed{undone}",
        run.run,
        crashes.moved,
        merged.iter().map(|merge| merge.aliases.len()).sum::<usize>(),
        merged.len(),
        split.len(),
        renamed.len()
    )?)
}

/// What lies between two runs.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Diff {
    from: u64,
    to: u64,
    merged: Vec<Pair>,
    parted: Vec<Pair>,
    moved: Vec<Moved>,
}

#[derive(Debug, JsonSchema, Serialize)]
struct Pair {
    alias: String,
    group: String,
    title: String,
}

#[derive(Debug, JsonSchema, Serialize)]
struct Moved {
    from: String,
    to: String,
    crashes: u64,
}

/// Runs `diff`.
pub fn diff(context: &Context, store: &Store, args: &GroupsDiff) -> Result<Exit> {
    let crashes = Crashes::open(store)?;
    let last = || -> Result<u64> { Ok(crashes.runs()?.last().map_or(0, |run| run.run)) };
    let (from, to) = (args.from, args.to.map_or_else(last, Ok)?);
    let difference = match crashes.difference(from, to) {
        Ok(difference) => difference,
        Err(NoSuchRun::Store(error)) => return Err(error.into()),
        Err(error) => {
            return Err(Error::msg(format!("{error}; `symtool groups history` lists runs")));
        }
    };
    if from >= to {
        return Err(Usage(format!("run {from} is not before run {to}; name the earlier one first, 0 for before the first run")).into());
    }
    let Difference { merged, parted, moved } = difference;
    let pair = |(alias, group): (GroupId, GroupId)| -> Result<Pair> {
        Ok(Pair {
            alias: alias.to_string(),
            group: group.to_string(),
            title: title(&crashes, group)?,
        })
    };
    let moved = moved.into_iter().map(|((from, to), crashes)| Moved {
        from: from.to_string(),
        to: to.to_string(),
        crashes,
    });
    let diff = Diff {
        from,
        to,
        merged: merged.into_iter().map(pair).collect::<Result<_>>()?,
        parted: parted.into_iter().map(pair).collect::<Result<_>>()?,
        moved: moved.collect(),
    };
    let mut out = std::io::stdout().lock();
    if context.json {
        writeln!(out, "{}", output::json(&diff)?)?;
    } else {
        diff.merged.iter().try_for_each(|pair| {
            writeln!(out, "merged  {} into {} {}", pair.alias, pair.group, pair.title)
        })?;
        diff.parted.iter().try_for_each(|pair| {
            writeln!(out, "parted  {} from {} {}", pair.alias, pair.group, pair.title)
        })?;
        diff.moved.iter().try_for_each(|moved| {
            writeln!(out, "moved   {} crashes from {} to {}", moved.crashes, moved.from, moved.to)
        })?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// What a group is called now, itself or what it was merged into.
fn title(crashes: &Crashes, group: GroupId) -> Result<String> {
    match super::one(crashes, &group.to_string()) {
        Ok(group) => Ok(group.title().to_owned()),
        Err(NotOne::Unreadable(error)) => Err(error.into()),
        Err(_) => Ok(String::new()),
    }
}
