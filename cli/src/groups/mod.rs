//! `symtool groups`: lists, shows and merges groups of crashes, and undoes runs.

mod history;
mod list;
mod show;

use std::io::Write;

use anyhow::{Error, Result};
use symtool_crashes::Run;
use symtool_crashes::groups::Group;
use symtool_crashes::reprocess::CannotMerge;
use symtool_crashes::reprocess::CannotUndo;
use symtool_crashes::{CrashWriter, Crashes, Found, GroupId};
use symtool_store::Store;

use crate::args::{Global, Groups, GroupsMerge};
use crate::exit::{Exit, Usage};
use crate::reprocess;

/// Runs the command.
pub fn run(global: &Global, args: &Groups) -> Result<Exit> {
    let store = global.open_store()?;
    match args {
        Groups::List(args) => list::run(global, &store, args),
        Groups::Show(args) => show::run(global, &store, args),
        Groups::History(args) => history::run(global, &store, args),
        Groups::Diff(args) => history::diff(global, &store, args),
        Groups::Merge(args) => merge(global, &store, args),
        Groups::Undo(args) => undo(global, &CrashWriter::open(&store)?, args.run),
    }
}

fn merge(global: &Global, store: &Store, args: &GroupsMerge) -> Result<Exit> {
    let writer = CrashWriter::open(&store)?;
    let mut groups = Vec::new();
    for text in &args.groups {
        groups.push(one_id(&writer, text)?.map_err(Error::msg)?);
    }
    match writer.merge(&groups) {
        Ok(run) => told(global, &run),
        Err(CannotMerge::Store(error)) => Err(error.into()),
        Err(error) => Err(Usage(error.to_string()).into()),
    }
}

fn undo(global: &Global, writer: &CrashWriter, run: Option<u64>) -> Result<Exit> {
    match writer.undo(run) {
        Ok(run) => told(global, &run),
        Err(CannotUndo::Store(error)) => Err(error.into()),
        Err(error @ CannotUndo::NotLast { .. }) => Err(Usage(error.to_string()).into()),
        Err(error) => Err(error.into()),
    }
}

fn told(global: &Global, run: &Run) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    if global.json {
        writeln!(out, "{}", serde_json::to_string(run)?)?;
    } else if !global.quiet {
        history::write(&mut out, run)?;
        reprocess::write_changes(&mut out, &run.report)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// The one group that `text` names, by its id or an alias's, or why there is no such one.
pub fn one_id(crashes: &Crashes, text: &str) -> Result<Result<GroupId, String>> {
    Ok(match crashes.find_group(text)? {
        Found::One(id) => Ok(id),
        Found::Unknown => Err(format!("{text}: no such group; `symtool groups list` lists groups")),
        Found::Several(_) => Err(format!("{text}: several group ids begin like this; give more digits")),
    })
}

/// The same with all that is known of it.
pub fn one(crashes: &Crashes, text: &str) -> Result<Result<Group, String>> {
    let id = match one_id(crashes, text)? {
        Ok(id) => id,
        Err(reason) => return Ok(Err(reason)),
    };
    let group = crashes.group(id)?;
    Ok(group.ok_or_else(|| format!("{text}: no such group; `symtool groups list` lists groups")))
}
