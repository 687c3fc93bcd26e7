//! `symtool crash`: adds, lists, shows and removes crashes.

pub mod add;
mod args;
pub mod list;
pub mod retention;
pub mod show;

use std::io::Write;

use anyhow::Result;
use schemars::JsonSchema;
use serde::Serialize;
use symtool_crashes::{CrashId, Crashes, Found, Slot};
use symtool_store::Store;

use crate::context::Context;
use crate::counted::open_writer;
use crate::exit::Exit;
use crate::find::NotOne;
use crate::output;
pub use args::Crash;
use args::CrashNamed;
use retention::Fate;

/// Runs the command.
pub fn run(context: &Context, args: &Crash) -> Result<Exit> {
    match args {
        Crash::Add(args) => add::run(context, args),
        Crash::List(args) => list::run(context, &context.open_store()?, args),
        Crash::Show(args) => show::run(context, args),
        Crash::Remove(args) => remove(context, &context.open_store()?, args),
        Crash::Gc(args) => retention::gc(context, &context.open_store()?, args),
        Crash::Forget(args) => retention::forget(context, &context.open_store()?, args),
    }
}

/// A crash that was removed.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Removed<'a> {
    id: &'a str,
    status: Fate,
}

fn remove(context: &Context, store: &Store, args: &CrashNamed) -> Result<Exit> {
    let writer = open_writer(store)?;
    let (mut slots, mut unread): (Vec<Slot>, Vec<CrashId>) = Default::default();
    let mut failed = false;
    let mut gone = Vec::new();
    for text in &args.crashes {
        match (one(&writer, text), writer.find_failed(text)?) {
            (Ok(at), _) => slots.push(at),
            (Err(_), Found::One(report)) => unread.push(report.id),
            (Err(error), _) => {
                say!("{}", error.reason()?);
                failed = true;
                continue;
            }
        }
        gone.push(text);
    }
    writer.remove(&slots)?;
    writer.remove_failed(&unread)?;
    let mut out = std::io::stdout().lock();
    for id in gone {
        if context.json {
            writeln!(out, "{}", output::json(&Removed { id, status: Fate::Removed })?)?;
        } else if !context.quiet {
            writeln!(out, "{id}: removed")?;
        }
    }
    out.flush()?;
    Ok(Exit::failed_if(failed))
}

/// Where the one crash is that `text` names.
pub fn one(crashes: &Crashes, text: &str) -> Result<Slot, NotOne> {
    match crashes.find(text)? {
        Found::One(at) => Ok(at),
        Found::Unknown => Err(NotOne::Unknown(format!(
            "{text}: no such crash; `symtool crash list` lists crashes"
        ))),
        Found::Several(_) => Err(NotOne::Ambiguous(format!(
            "{text}: several crash ids begin like this; give more digits"
        ))),
    }
}
