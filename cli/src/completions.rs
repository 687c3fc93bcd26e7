//! `symtool completions`: a script that completes commands, options and their values in a shell.
//!
//! Names of modules and ids of groups and crashes are asked for while a line is typed, by `symtool
//! complete-names`: clap's engine that does so is behind `unstable-dynamic` in `clap_complete` 4.6, and
//! may change with any release.

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
    let names = match shell {
        Shell::Bash => BASH,
        Shell::Zsh => ZSH,
        Shell::Fish => FISH,
    };
    let mut out = io::stdout().lock();
    out.write_all(&script)?;
    out.write_all(names.as_bytes())?;
    out.flush()?;
    Ok(Exit::Done)
}

/// What the scripts do first: ask the program for names, and go on without if it knows none.
const BASH: &str = r#"
# Names of modules and ids, as the store has them.
_symtool_names() {
    local line
    COMPREPLY=()
    while IFS=$'\t' read -r line _; do COMPREPLY+=("$line"); done \
        < <("${COMP_WORDS[0]}" complete-names -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    if [ "${#COMPREPLY[@]}" -gt 0 ]; then compopt -o filenames 2>/dev/null; else _symtool "$@"; fi
}
complete -F _symtool_names -o bashdefault -o default symtool
"#;

const ZSH: &str = r#"
# Names of modules and ids, as the store has them.
_symtool_names() {
    local -a names shown
    local line
    for line in "${(@f)$("${words[1]}" complete-names -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        [[ -n "$line" ]] || continue
        names+=("${line%%$'\t'*}")
        shown+=("${line//$'\t'/  }")
    done
    if (( ${#names} )); then compadd -l -d shown -a names; else _symtool "$@"; fi
}
compdef _symtool_names symtool
"#;

const FISH: &str = r#"
# Names of modules and ids, as the store has them.
function __fish_symtool_names
    set -l words (commandline -opc)
    $words[1] complete-names -- $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c symtool -f -n 'test (count (__fish_symtool_names)) -gt 0' -a '(__fish_symtool_names)'
for name in module group crash
    complete -c symtool -n "test (commandline -opc)[-1] = --$name" -l $name -x -a '(__fish_symtool_names)'
end
"#;
