//! `symtool import`: stores the symbols of debug files, and prints a line or a JSON object for
//! each. `symtool_core::import` has the steps.

mod args;
mod report;

use std::io::{self, Write};

use anyhow::Result;
use symtool_core::import::Event;

use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::progress::{self, Board};
pub use args::Import;
use report::{Report, Total};

/// Runs the command.
pub fn run(context: &Context, args: &Import) -> Result<Exit> {
    let store = context.open_store()?;
    let board = Board::new("import", progress::is_wanted(context));
    let import = symtool_core::Import {
        paths: args.paths.clone(),
        search: context.search(&args.debug_dirs, &args.symbol_map_dirs),
        id: args.id.clone(),
        labels: args.labels.clone(),
        force: args.force,
    };
    let summary =
        board.while_shown(|| import.run(&store, &|event| tell(context, &board, event)))?;
    if summary.id_is_unused {
        say!(
            "--id needs a mapping, or a Breakpad symbol file without a MODULE line, but none was found"
        );
    }
    let total = Total::of(&summary);
    if context.json {
        writeln!(io::stdout(), "{}", output::json(&total)?)?;
    } else {
        total.say();
    }
    // A file that is read with others is no failure beside them.
    let is_in_vain = summary.companions > 0 && summary.imported + summary.unchanged == 0;
    Ok(Exit::failed_if(summary.failed > 0 || is_in_vain))
}

/// Shows progress, and prints what is done.
fn tell(context: &Context, board: &Board, event: Event<'_>) -> io::Result<()> {
    match event {
        Event::Timed { path, opened, read, packed } => {
            let [open, read, pack] = [opened, read, packed].map(|took| took.as_millis());
            detail!(
                "{}: opened in {open} ms, read in {read} ms, packed in {pack} ms",
                path.display()
            );
        }
        Event::Stored { modules, took } => {
            detail!("{modules} modules stored in {} ms", took.as_millis());
        }
        Event::ReadWithOthers(reason) => note!("{reason}"),
        Event::Done(report) => {
            return progress::beside(|| {
                Report::of(report).write(context, &mut io::stdout().lock())
            });
        }
        event => board.tell(&event),
    }
    Ok(())
}
