//! `symtool groups`: lists, shows and merges groups of crashes, and undoes runs.

mod args;
pub mod history;
pub mod list;
pub mod mark;
pub mod plan;
pub mod show;

use std::io::Write;

use anyhow::{Error, Result};
use symtool_crashes::Run;
use symtool_crashes::groups::Group;
use symtool_crashes::reprocess::CannotMerge;
use symtool_crashes::reprocess::CannotUndo;
use symtool_crashes::{CrashWriter, Crashes, Found, GroupId};
use symtool_store::Store;

use crate::context::Context;
use crate::counted::open_writer;
use crate::exit::{Exit, Usage};
use crate::find::NotOne;
use crate::output;
use crate::reprocess;
pub use args::Groups;
use args::GroupsMerge;

/// Runs the command.
pub fn run(context: &Context, args: &Groups) -> Result<Exit> {
    let store = || context.open_store();
    match args {
        // They may have no store.
        Groups::List(args) => list::run(context, args),
        Groups::Plan(args) => plan::run(context, args),
        Groups::Of(args) => plan::of(context, args),
        Groups::State(args) => plan::state(&store()?, args),
        Groups::Show(args) => show::run(context, &store()?, args),
        Groups::History(args) => history::run(context, &store()?, args),
        Groups::Diff(args) => history::diff(context, &store()?, args),
        Groups::Resolve(args) => mark::resolve(context, &store()?, args),
        Groups::Assign(args) => mark::assign(context, &store()?, args),
        Groups::Note(args) => mark::note(context, &store()?, args),
        Groups::Link(args) => mark::link(context, &store()?, args),
        Groups::Merge(args) => merge(context, &store()?, args),
        Groups::Undo(args) => undo(context, &open_writer(&store()?)?, args.run),
    }
}

fn merge(context: &Context, store: &Store, args: &GroupsMerge) -> Result<Exit> {
    let writer = open_writer(store)?;
    let mut groups = Vec::new();
    for text in &args.groups {
        groups.push(one_id(&writer, text)?);
    }
    match writer.merge(&groups) {
        Ok(run) => told(context, &run),
        Err(CannotMerge::Store(error)) => Err(error.into()),
        Err(error @ CannotMerge::Unknown(_)) => {
            Err(Usage(format!("{error}; `symtool groups list` lists groups")).into())
        }
        Err(error) => Err(Usage(error.to_string()).into()),
    }
}

fn undo(context: &Context, writer: &CrashWriter, run: Option<u64>) -> Result<Exit> {
    match writer.undo(run) {
        Ok(run) => told(context, &run),
        Err(CannotUndo::Store(error)) => Err(error.into()),
        Err(error @ CannotUndo::NotLast { .. }) => Err(Usage(error.to_string()).into()),
        Err(error) => Err(Error::msg(format!("{error}; `symtool groups history` lists runs"))),
    }
}

fn told(context: &Context, run: &Run) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    if context.json {
        writeln!(out, "{}", output::json(run)?)?;
    } else if !context.quiet {
        history::write(&mut out, run)?;
        reprocess::write_changes(&mut out, &run.report)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Ids with a blank between two.
pub fn joined(ids: &[GroupId]) -> String {
    let ids: Vec<String> = ids.iter().map(GroupId::to_string).collect();
    ids.join(" ")
}

/// The id of the one group that `text` names, by its id or an alias's.
pub fn one_id(crashes: &Crashes, text: &str) -> Result<GroupId, NotOne> {
    match crashes.find_group(text)? {
        Found::One(id) => Ok(id),
        Found::Unknown => Err(unknown(text)),
        Found::Several(_) => Err(NotOne::Ambiguous(format!(
            "{text}: several group ids begin like this; give more digits"
        ))),
    }
}

/// The same with all that is known of it.
pub fn one(crashes: &Crashes, text: &str) -> Result<Group, NotOne> {
    crashes.group(one_id(crashes, text)?)?.ok_or_else(|| unknown(text))
}

fn unknown(text: &str) -> NotOne {
    NotOne::Unknown(format!("{text}: no such group; `symtool groups list` lists groups"))
}
