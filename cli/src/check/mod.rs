//! `symtool check`: whether debug files are good to upload, and if not, why and what to do.
//!
//! ```text
//! paths -> inspect      what each object has: id, debug data, files that belong to it     symtool_core::import
//!       -> verdict.rs   what it lacks, given all others of the same build
//!       -> report.rs    a line or object each
//! ```
//!
//! No store is needed.

mod args;
mod report;
mod verdict;

use std::io::{self, Write};

use anyhow::Result;
use symtool_core::import::inspect;

use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::progress::{self, Board};
pub use args::Check;
use report::{Report, Summary};

/// Runs the command.
pub fn run(context: &Context, args: &Check) -> Result<Exit> {
    let search = context.search(&args.debug_dirs, &[]);
    let board = Board::new("check", progress::is_wanted(context));
    let (looked, passed_over) = board.while_shown(|| {
        inspect(&args.paths, &search, &|event| {
            board.tell(&event);
            Ok(())
        })
    });
    let mut out = io::stdout().lock();
    let mut summary = Summary { skipped: passed_over, ..Summary::default() };
    let paint = context.paint(&io::stdout());
    for object in &looked {
        let report = Report::of(
            object,
            verdict::problems(object, &looked, args.require),
            verdict::partner(object, &looked),
            verdict::has_unwind(object, &looked),
        );
        summary.count(&report);
        if context.json {
            writeln!(out, "{}", output::json(&report)?)?;
        } else if !(context.quiet && report.is_good()) {
            report.write(&mut out, paint)?;
        }
    }
    if context.json {
        writeln!(out, "{}", output::json(&summary)?)?;
    } else {
        summary.say();
    }
    out.flush()?;
    Ok(Exit::failed_if(summary.not_good > 0))
}
