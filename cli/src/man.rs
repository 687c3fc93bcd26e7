//! `symtool man`: a manual page for each command, made from what clap knows.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Command;

use crate::args;
use crate::exit::Exit;

const MAN: &str = "Examples:
  symtool man | man -l -
  symtool man ~/.local/share/man/man1";

#[derive(Debug, clap::Args)]
#[command(after_help = MAN)]
pub struct Man {
    /// Write a page for each command to this folder; without it, the page of symtool is printed
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// What exit codes, variables and files mean, below the options of every page.
const COMMON: &str = r"
.SH EXIT STATUS
.TP
0
Done.
.TP
1
Done, but some input failed; each failure is named on stderr with what to do.
.TP
2
Wrong usage.
.TP
3
The store cannot be used: locked, damaged, or another key.
.TP
75
Done, but a receiver of notices could not be told; the next command that tells it does so.
.SH ENVIRONMENT
.TP
SYMTOOL_STORE
The folder of the store, unless \-\-store names one.
.TP
SYMTOOL_KEY
The key of a sealed store, unless \-\-key\-file or \-\-key\-command gives it.
.TP
SYMTOOL_CONFIG
The settings file, unless \-\-config names one.
.TP
XDG_DATA_HOME, XDG_CONFIG_HOME
Where the store and the settings file are if nothing names them.
.TP
SSL_CERT_FILE, SSL_CERT_DIR, HTTPS_PROXY, NO_PROXY
Whom notices trust, and the way that they take.
.TP
NO_COLOR, CLICOLOR, CLICOLOR_FORCE, TERM
Whether the output is coloured, unless \-\-color says so.
.SH FILES
.TP
$XDG_CONFIG_HOME/symtool/symtool.toml, ~/.config/symtool/symtool.toml
Settings: defaults for all commands.
.TP
$XDG_DATA_HOME/symtool, ~/.local/share/symtool
The store.
";

/// Runs the command.
pub fn run(folder: Option<&Path>) -> Result<Exit> {
    let mut symtool = args::command().disable_help_subcommand(true);
    symtool.build();
    match folder {
        Some(folder) => {
            fs::create_dir_all(folder).with_context(|| {
                format!("{}: cannot be created; pass a folder for the pages", folder.display())
            })?;
            write_all(&symtool, folder)?;
        }
        None => {
            let mut out = io::stdout().lock();
            out.write_all(&page(&symtool)?)?;
            out.flush()?;
        }
    }
    Ok(Exit::Done)
}

fn write_all(command: &Command, folder: &Path) -> Result<()> {
    for subcommand in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        write_all(subcommand, folder)?;
    }
    let path = folder.join(clap_mangen::Man::new(command.clone()).get_filename());
    fs::write(&path, page(command)?).with_context(|| {
        format!("{}: cannot be written; pass a folder for the pages", path.display())
    })
}

/// The page of `command`.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let notes = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let man = clap_mangen::Man::new(command.clone()).manual("symtool");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    // A drop-in has a command line of its own, with its own help.
    if !command.is_disable_help_flag_set() {
        man.render_options_section(&mut page)?;
    }
    // Drop-ins exit as the tools do.
    if !command.is_disable_help_flag_set() {
        page.extend_from_slice(COMMON.trim_start().as_bytes());
    }
    if let Some(notes) = notes.strip_prefix("Examples:\n") {
        page.extend_from_slice(b".SH EXAMPLES\n");
        page.extend_from_slice(body(notes).as_bytes());
    }
    Ok(page)
}

/// What stands below the options: indented lines as they are, others as paragraphs.
fn body(notes: &str) -> String {
    let mut body = String::new();
    let mut is_example = false;
    for line in notes.lines() {
        if line.starts_with("  ") != is_example {
            is_example = !is_example;
            body.push_str(if is_example { ".nf\n" } else { ".fi\n" });
        }
        body.push_str(&if line.is_empty() { ".PP".to_owned() } else { escaped(line) });
        body.push('\n');
    }
    body.push_str(if is_example { ".fi\n" } else { "" });
    body
}

/// `line` as roff prints it: backslashes and dashes as they are, and no line taken for a request.
fn escaped(line: &str) -> String {
    let text = line.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_what_they_are() {
        for (line, want) in
            [("a -b", "a \\-b"), (".x", "\\&.x"), ("'x", "\\&'x"), ("a\\b", "a\\eb")]
        {
            assert_eq!(escaped(line), want);
        }
        let notes = "  a b\n  c\n\nProse.\n  d";
        assert_eq!(body(notes), ".nf\n  a b\n  c\n.fi\n.PP\nProse.\n.nf\n  d\n.fi\n");
    }
}
