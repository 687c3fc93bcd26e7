//! `symtool worker`: a line in, a line out, in their order, for engines that run a program over
//! parts of their data.
//!
//! ```text
//! stdin -> lines.rs         whole lines, as many as have come
//!       -> task.rs          a report, what came of it before, a key
//!       -> symbolicate.rs   reports with their frames resolved
//!          assess.rs        what crashes are grouped by
//!          ../resolve/      frames of addresses
//! ```
//!
//! An answer depends on its line, the store and the options, never on the lines around it: however
//! the data is cut, the answers are the same. A line that cannot be answered has an answer that says
//! so. What ends the worker early is the store or the pipe.

mod args;
mod assess;
mod lines;
mod symbolicate;
mod task;

use std::io::{self, Write};

use anyhow::Result;
use schemars::JsonSchema;
use serde::Serialize;

use crate::context::Context;
use crate::exit::{self, Exit};
use crate::resolve::input::Ahead;
use crate::resolve::{self, Resolve, Style};
pub use args::Worker;
use args::WorkerResolve;
#[cfg(test)]
pub use {assess::AssessedLine, symbolicate::Symbolicated};

/// The last line, if it is wanted: without it, answers are missing.
#[derive(Debug, JsonSchema, Serialize)]
pub struct End {
    status: EndStatus,
    /// Answers before this line.
    rows: u64,
}

#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum EndStatus {
    End,
}

/// Runs the command.
pub fn run(context: &Context, worker: &Worker) -> Result<Exit> {
    let answered = match worker {
        Worker::Symbolicate(_) => symbolicate::run(context),
        Worker::Assess(args) => assess::run(context, args),
        Worker::Resolve(args) => resolve(context, args),
    };
    let ended = answered.and_then(|rows| {
        if worker.end_row() {
            let end = serde_json::to_string(&End { status: EndStatus::End, rows })?;
            writeln!(io::stdout(), "{end}")?;
        }
        Ok(io::stdout().flush()?)
    });
    ended.map(|()| Exit::Done).map_err(exit::or_try_later)
}

fn resolve(context: &Context, args: &WorkerResolve) -> Result<u64> {
    let resolve = Resolve {
        module: args.module.clone(),
        latest: args.latest,
        relative: args.relative,
        return_addresses: args.return_addresses,
        style: Some(Style::Json),
        ..Resolve::default()
    };
    resolve::work(context, &resolve, Ahead::of(io::stdin())?)
}
