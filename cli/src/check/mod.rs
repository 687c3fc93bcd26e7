//! `symtool check`: whether debug files are good to upload, and if not, why and what to do.
//!
//! ```text
//! paths -> inspect          what each file has: id, debug data, files that belong to it     symtool_core::import
//!       -> verdict.rs       what it lacks, given all others of the same build
//!       -> report.rs        a line or object each; mapping.rs: those of mappings
//!       -> annotations.rs   the problems alone, as GitHub, GitLab and SARIF have them
//! ```
//!
//! No store is needed.

mod annotations;
mod args;
pub mod mapping;
pub mod report;
pub mod verdict;

use std::io::{self, BufWriter, Write};

use anyhow::Result;
use symtool_core::import::inspect;

use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::progress::{self, Board};
pub use args::Check;
use args::Format;
use report::{Report, Summary};

/// Runs the command.
pub fn run(context: &Context, args: &Check) -> Result<Exit> {
    let search = context.search(&args.debug_dirs, &[]);
    let board = Board::new("check", progress::is_wanted(context));
    let (found, passed_over) = board.while_shown(|| {
        inspect(&args.paths, &search, &|event| {
            board.tell(&event);
            Ok(())
        })
    });
    let report = |looked| {
        Report::of(
            looked,
            verdict::problems(looked, &found, args.require),
            verdict::partner(looked, &found),
            verdict::has_unwind(looked, &found),
        )
    };
    let reports: Vec<Report> = found.iter().map(report).collect();
    let mut summary = Summary { skipped: passed_over, ..Summary::default() };
    reports.iter().for_each(|report| summary.count(report));
    let mut out = BufWriter::new(io::stdout().lock());
    match if context.json { Format::Json } else { args.format } {
        Format::Text => {
            let paint = context.paint(&io::stdout());
            let is_shown = |report: &&Report| !(context.quiet && report.is_good());
            reports.iter().filter(is_shown).try_for_each(|report| report.write(&mut out, paint))?;
        }
        Format::Json => {
            for report in &reports {
                writeln!(out, "{}", output::json(report)?)?;
            }
            writeln!(out, "{}", output::json(&summary)?)?;
        }
        Format::Github => annotations::github(&reports, &mut out)?,
        Format::Gitlab => annotations::gitlab(&reports, &mut out)?,
        Format::Sarif => annotations::sarif(&reports, &mut out)?,
    }
    out.flush()?;
    if !context.json && args.format != Format::Json {
        summary.say();
    }
    Ok(Exit::failed_if(summary.not_good > 0))
}
