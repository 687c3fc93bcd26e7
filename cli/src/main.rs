//! symtool: results go to stdout, messages to stderr, and scripts can rely on the exit code.
//!
//! One file or folder a command. What they share: `args.rs` (the command line), `config.rs` (the config file), `exit.rs`
//! (how a command ends), `messages.rs` (what is told on stderr), `progress/` (a line on a terminal), `terminal.rs`
//! (colours, columns, safe text), `find.rs` (modules by name), `output.rs` (who may read files).

#[macro_use]
mod messages;

mod advice;
mod args;
mod check;
mod completions;
mod config;
mod crash;
mod demangle;
mod dropin;
mod examples;
mod exit;
mod find;
mod groups;
mod import;
mod key;
mod man;
mod missing;
mod modules;
mod moment;
mod output;
mod pass_through;
mod progress;
mod reprocess;
mod resolve;
mod retrace;
mod rules;
mod stats;
mod style;
mod symbolicate;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use args::{Args, Command, Global};
use exit::Exit;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    if let Some(mut call) = dropin::Call::of(&words) {
        messages::begin(call.global.level(), call.global.paint(&std::io::stderr()));
        // A script that calls another tool is not stopped by settings of this one.
        if let Err(error) = call.global.configure() {
            warn!("{error:#}; continuing without it");
        }
        return match start_threads(call.global.jobs) {
            Ok(()) => call.run(),
            Err(error) => Exit::report(&error).into(),
        };
    }
    let mut args = Args::parse_from(words);
    let configured = match args.command {
        // They say what the program is, whatever the user's settings.
        Command::Completions(_) | Command::Man(_) => Ok(()),
        _ => {
            output::keep_private();
            args.global.configure()
        }
    };
    messages::begin(args.global.level(), args.global.paint(&std::io::stderr()));
    match configured.and_then(|()| run(&args.global, &args.command)) {
        Ok(exit) => exit.into(),
        Err(error) => Exit::report(&error).into(),
    }
}

fn run(global: &Global, command: &Command) -> Result<Exit> {
    start_threads(global.jobs)?;
    match command {
        Command::Import(import) => import::run(global, import),
        Command::Resolve(resolve) => resolve::run(global, resolve),
        Command::Check(check) => check::run(global, check),
        Command::Modules(modules) => modules::run(global, modules),
        Command::Crash(crash) => crash::run(global, crash),
        Command::Symbolicate(symbolicate) => symbolicate::run(global, symbolicate),
        Command::Retrace(retrace) => retrace::run(global, retrace),
        Command::Reprocess(reprocess) => reprocess::run(global, reprocess),
        Command::Groups(groups) => groups::run(global, groups),
        Command::Missing(missing) => missing::run(global, missing),
        Command::Rules(rules) => rules::run(global, rules),
        Command::Key(key) => key::run(global, key),
        Command::Stats(_) => stats::run(global),
        Command::Completions(completions) => completions::run(completions.shell),
        Command::Man(man) => man::run(man.folder.as_deref()),
        // Their command lines are their own, and were found before.
        Command::Addr2line | Command::LlvmSymbolizer => Ok(Exit::Done),
    }
}

/// Starts the threads that all commands share: one per core unless `-j` says otherwise.
fn start_threads(jobs: Option<usize>) -> Result<()> {
    rayon::ThreadPoolBuilder::new().num_threads(jobs.unwrap_or(0)).build_global()?;
    Ok(())
}
