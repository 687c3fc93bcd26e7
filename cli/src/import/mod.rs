//! `symtool import`: stores the symbols of debug files, and prints a line or a JSON object for
//! each. `symtool_core::import` has the steps.

mod args;
pub mod failures;
pub mod report;

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use symtool_core::import::{Event, Events, Outcome, Summary};

use crate::advice;
use crate::context::Context;
use crate::exit::{Exit, Usage};
use crate::output;
use crate::progress::{self, Board};
pub use args::Import;
use failures::KnownFailures;
use report::{Report, Total};

/// Runs the command.
pub fn run(context: &Context, args: &Import) -> Result<Exit> {
    #[cfg(feature = "bucket")]
    if let Some(cache) = crate::bucket::of(context)? {
        return run_with(context, args, &|import, events| {
            crate::bucket::import(&cache, import, events)
        });
    }
    // One of format 3 would be migrated.
    let store = if args.dry_run {
        context.store_without_key()?.with_key(context.key.load()?)
    } else {
        context.open_store()?
    };
    run_with(context, args, &|import, events| Ok(import().run(&store, events)?))
}

/// What runs an import, which it may do more than once.
type Job<'j> = &'j dyn Fn(&dyn Fn() -> symtool_core::Import, Events<'_>) -> Result<Summary>;

fn run_with(context: &Context, args: &Import, job: Job<'_>) -> Result<Exit> {
    let failures = known_failures(args)?;
    let board = Board::new("import", progress::is_wanted(context));
    let import = || symtool_core::Import {
        paths: args.paths.clone(),
        search: context.search(&args.debug_dirs, &args.symbol_map_dirs),
        id: args.id.clone(),
        labels: args.labels.clone(),
        force: args.force,
        dry_run: args.dry_run,
    };
    let mut summary =
        board.while_shown(|| job(&import, &|event| tell(context, &board, &failures, event)))?;
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let (Some(failures), Some(path)) = (&failures, &args.known_failures) {
        failures.write(path)?;
        summary.failed -= failures.known;
    }
    if summary.id_is_unused {
        say!(
            "--id needs a mapping, or a Breakpad symbol file without a MODULE line, but none was found"
        );
    }
    let total = Total::of(&summary, failures.map_or(0, |failures| failures.known));
    if context.json {
        writeln!(io::stdout(), "{}", output::json(&total)?)?;
    } else {
        total.say();
    }
    // A file that is read with others is no failure beside them.
    let came = summary.imported + summary.unchanged + summary.expected;
    let is_in_vain = summary.companions > 0 && came == 0;
    Ok(Exit::failed_if(summary.failed > 0 || is_in_vain))
}

/// The failures that were reported before, if they are to be remembered.
fn known_failures(args: &Import) -> Result<Mutex<Option<KnownFailures>>> {
    let Some(path) = &args.known_failures else { return Ok(Mutex::new(None)) };
    let failures = KnownFailures::read(path).map_err(|error| {
        Usage(format!(
            "{}: not a list of failures ({error}); name a file that --known-failures wrote, or a new one",
            path.display()
        ))
    })?;
    Ok(Mutex::new(Some(failures)))
}

/// Shows progress, and prints what is done.
fn tell(
    context: &Context,
    board: &Board,
    failures: &Mutex<Option<KnownFailures>>,
    event: Event<'_>,
) -> io::Result<()> {
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
            let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
            if let (Outcome::Failed(failure), Some(failures)) = (&report.outcome, &mut *failures) {
                let error = advice::import(failure);
                if failures.is_known(&report.path, &error) {
                    detail!("{error} (reported before)");
                    return Ok(());
                }
            }
            return progress::beside(|| {
                Report::of(report).write(context, &mut io::stdout().lock())
            });
        }
        event => board.tell(&event),
    }
    Ok(())
}
