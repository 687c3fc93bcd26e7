//! `symtool check`: whether debug files are good to upload, and if not, why and what to do.
//!
//! ```text
//! paths -> import/files.rs, walk.rs   objects one by one, as an import finds them
//!       -> look.rs                    what each has: id, debug data, files that belong to it; no function is read
//!       -> verdict.rs                 what it lacks, given all others of the same build
//!       -> report.rs                  a line or object each
//! ```
//!
//! No store is needed.

mod look;
mod report;
mod verdict;

use std::io::{self, Write};

use anyhow::Result;

use crate::args::{Check, Global};
use crate::exit::Exit;
use crate::import::{Content, Files, Held, Walk};
use crate::progress::{self, Board};
use report::{Report, Summary};

/// Runs the command.
pub fn run(global: &Global, args: &Check) -> Result<Exit> {
    let search = global.search(&args.debug_dirs, &[]);
    let held = Held::default();
    let board = Board::new("check", progress::is_wanted(global));
    let mut passed_over = 0;
    let looked = board.while_shown(|| {
        let mut walk = Walk::new(Files::at(&args.paths), &held, &board);
        let mut looked = Vec::new();
        for item in walk.by_ref() {
            if matches!(item.content, Content::End { .. }) {
                continue;
            }
            let _shown = board.show(&item.path, item.weight);
            let is_named = args.paths.contains(&item.path);
            match look::at(item, &search) {
                // Mappings have no debug data.
                None => passed_over += 1,
                // What the compiler left on the way to a library: nobody crashes in it.
                Some(Ok(object)) if object.is_intermediate() && !is_named => passed_over += 1,
                Some(object) => looked.push(object),
            }
        }
        passed_over += walk.passed_over();
        looked
    });
    let mut out = io::stdout().lock();
    let mut summary = Summary { skipped: passed_over, ..Summary::default() };
    let paint = global.paint(&io::stdout());
    for object in &looked {
        let report = Report::of(object, verdict::problems(object, &looked, args.require), verdict::partner(object, &looked));
        summary.count(&report);
        if global.json {
            writeln!(out, "{}", serde_json::to_string(&report)?)?;
        } else if !(global.quiet && report.is_good()) {
            report.write(&mut out, paint)?;
        }
    }
    if global.json {
        writeln!(out, "{}", serde_json::to_string(&summary)?)?;
    } else {
        summary.say();
    }
    out.flush()?;
    Ok(Exit::failed_if(summary.not_good > 0))
}
