//! symtool: results go to stdout, messages to stderr, and scripts can rely on the exit code.
//!
//! One file or folder a command. What they share: `args.rs` (the command line), `config.rs` (the
//! config file), `exit.rs` (how a command ends), `messages.rs` (what is told on stderr),
//! `progress/` (a line on a terminal), `terminal.rs` (colours, columns, safe text), `table.rs` (lists on a terminal), `find.rs`
//! (modules by name), `output.rs` (who may read files).

#[macro_use]
mod messages;

mod advice;
mod args;
#[cfg(feature = "bucket")]
mod bucket;
mod bundle;
mod check;
mod complete_names;
mod completions;
mod config;
mod context;
mod counted;
mod crash;
mod demangle;
mod dropin;
mod exit;
mod fetch;
mod find;
mod groups;
mod import;
mod key;
mod man;
mod missing;
mod modules;
mod moment;
mod notify;
mod output;
mod pass_through;
mod progress;
mod report;
mod reprocess;
mod resolve;
mod retrace;
mod rules;
#[cfg(test)]
mod schema;
mod secret_text;
mod source_lines;
mod stats;
mod style;
mod symbolicate;
mod table;
mod terminal;
mod version;
mod worker;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use clap::error::ErrorKind;

use args::{Args, Command};
use config::Config;
use context::Context;
use exit::Exit;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    if let Some(line) = dropin::CallLine::of(&words) {
        // A script that calls another tool is not stopped by settings of this one.
        let (config, unread) = match Config::load(line.global.config.clone()) {
            Ok(config) => (config, None),
            Err(error) => (Config::default(), Some(error)),
        };
        let call = line.with(config);
        messages::begin(call.context.level(), call.context.paint(&std::io::stderr()));
        if let Some(error) = unread {
            warn!("{error:#}; continuing without it");
        }
        return match start_threads(call.context.jobs) {
            Ok(()) => call.run(),
            Err(error) => Exit::report(&error).into(),
        };
    }
    let mut args = match Args::try_parse_from(&words) {
        Ok(args) => args,
        Err(error) => match error.kind() {
            ErrorKind::DisplayVersion if version::is_verbose(&words) => {
                version::print();
                return Exit::Done.into();
            }
            // Made only where it is printed: it takes longer than all else of a start.
            ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                args::command().get_matches_from(&words);
                return Exit::Done.into();
            }
            _ => error.exit(),
        },
    };
    if let Command::CompleteNames(names) = &args.command {
        names.take_globals(&mut args.global);
    }
    let config = match args.command {
        // They say what the program is, whatever the user's settings.
        Command::Completions(_) | Command::Man(_) => Ok(Config::default()),
        _ => {
            output::keep_private();
            Config::load(args.global.config.take())
        }
    };
    let (config, unread) = match config {
        Ok(config) => (config, None),
        Err(error) => (Config::default(), Some(error)),
    };
    let context = Context::new(args.global, config);
    messages::begin(context.level(), context.paint(&std::io::stderr()));
    match unread.map_or(Ok(()), Err).and_then(|()| run(&context, &args.command)) {
        Ok(exit) => exit.into(),
        Err(error) => Exit::report(&error).into(),
    }
}

fn run(context: &Context, command: &Command) -> Result<Exit> {
    start_threads(context.jobs)?;
    match command {
        Command::Import(import) => import::run(context, import),
        Command::Resolve(resolve) => resolve::run(context, resolve),
        Command::Check(check) => check::run(context, check),
        Command::Bundle(bundle) => bundle::run(context, bundle),
        Command::Modules(modules) => modules::run(context, modules),
        Command::Crash(crash) => crash::run(context, crash),
        Command::Symbolicate(symbolicate) => symbolicate::run(context, symbolicate),
        Command::Worker(worker) => worker::run(context, worker),
        Command::Retrace(retrace) => retrace::run(context, retrace),
        Command::Reprocess(reprocess) => reprocess::run(context, reprocess),
        Command::Groups(groups) => groups::run(context, groups),
        Command::Missing(missing) => missing::run(context, missing),
        Command::Report(report) => report::run(context, report),
        Command::Rules(rules) => rules::run(context, rules),
        #[cfg(feature = "bucket")]
        Command::Bucket(args) => bucket::run(context, args),
        Command::Key(key) => key::run(context, key),
        Command::Stats(_) => stats::run(context),
        Command::Completions(completions) => completions::run(completions.shell),
        Command::CompleteNames(names) => complete_names::run(context, names),
        Command::Man(man) => man::run(man.folder.as_deref()),
        // Their command lines are their own, and were found before.
        Command::Addr2line | Command::LlvmSymbolizer | Command::Atos | Command::NdkStack => {
            Ok(Exit::Done)
        }
    }
}

/// Starts the threads that all commands share: one per core unless `-j` says otherwise.
fn start_threads(jobs: Option<usize>) -> Result<()> {
    rayon::ThreadPoolBuilder::new().num_threads(jobs.unwrap_or(0)).build_global()?;
    Ok(())
}
