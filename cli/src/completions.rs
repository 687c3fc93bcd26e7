//! `symtool completions`: a script that completes commands, options and their values in a shell.
//!
//! Names of modules and ids of groups are not completed: clap's engine that asks the program while a
//! line is typed is behind `unstable-dynamic` in `clap_complete` 4.6, and may change with any release.

use std::io::{self, Write};

use anyhow::Result;
use clap_complete::Shell as Generator;

use crate::args;
use crate::exit::Exit;

const COMPLETIONS: &str = "Examples:
  symtool completions bash > ~/.local/share/bash-completion/completions/symtool
  symtool completions zsh > ~/.zfunc/_symtool
  symtool completions fish > ~/.config/fish/completions/symtool.fish

For zsh, the folder needs to be in $fpath.";

#[derive(Debug, clap::Args)]
#[command(after_help = COMPLETIONS)]
pub struct Completions {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Runs the command.
pub fn run(shell: Shell) -> Result<Exit> {
    let generator = match shell {
        Shell::Bash => Generator::Bash,
        Shell::Zsh => Generator::Zsh,
        Shell::Fish => Generator::Fish,
    };
    // Into memory first: the generator panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(generator, &mut args::command(), "symtool", &mut script);
    let mut out = io::stdout().lock();
    out.write_all(&script)?;
    out.flush()?;
    Ok(Exit::Done)
}
