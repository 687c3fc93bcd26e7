//! symtool: in, a command line; out, results on stdout, messages on stderr, an exit code that scripts rely on.
//!
//! One file a command. What they share: `args.rs` (the command line), `exit.rs` (how a command ends),
//! `progress.rs` (bars on a terminal), `find.rs` (modules by name).

/// Writes a line to stderr. Nobody can be told if that fails.
macro_rules! say {
    ($($text:tt)*) => {{
        let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("symtool: {}\n", format_args!($($text)*)));
    }};
}

mod args;
mod demangle;
mod dropin;
mod exit;
mod find;
mod import;
mod modules;
mod progress;
mod resolve;
mod style;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use exit::Exit;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    if let Some(call) = dropin::Call::of(&words) {
        return match start_threads(call.global.jobs) {
            Ok(()) => call.run(),
            Err(error) => Exit::report(&error).into(),
        };
    }
    let args = Args::parse_from(words);
    let done = start_threads(args.global.jobs).and_then(|()| match &args.command {
        Command::Import(import) => import::run(&args.global, import),
        Command::Resolve(resolve) => resolve::run(&args.global, resolve),
        Command::Modules(modules) => modules::run(&args.global, modules),
        // Their command lines are their own, and were found before.
        Command::Addr2line | Command::LlvmSymbolizer => Ok(Exit::Done),
    });
    match done {
        Ok(exit) => exit.into(),
        Err(error) => Exit::report(&error).into(),
    }
}

/// Starts the threads that all commands share: one per core unless `-j` says otherwise.
fn start_threads(jobs: Option<usize>) -> anyhow::Result<()> {
    rayon::ThreadPoolBuilder::new().num_threads(jobs.unwrap_or(0)).build_global()?;
    Ok(())
}
