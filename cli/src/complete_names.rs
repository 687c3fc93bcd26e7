//! `symtool complete-names`: names of modules and ids of groups and crashes that go on with what
//! stands before the cursor. The scripts of `symtool completions` call it; it is in no help.
//!
//! It tells what it can without a question: no command is run for a key, nothing is waited for, and
//! a store that cannot be read has no names.

use std::io::{self, Write};

use anyhow::Result;
use symtool_crashes::Crashes;
use symtool_crashes::groups::GroupSort;

use crate::args::Global;
use crate::context::Context;
use crate::exit::Exit;
use crate::terminal::clean;

/// Names that are told at most: more than a screen are no help.
const MAX_NAMES: usize = 100;

/// Options of every command that have a value.
const GLOBALS_WITH_VALUE: [&str; 8] =
    ["--store", "--key-file", "--key-command", "--config", "--wait", "-j", "--jobs", "--color"];

#[derive(Debug, clap::Args)]
pub struct CompleteNames {
    /// The words of the command line behind the program, up to the cursor
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

/// What may stand at the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    Modules,
    Groups,
    Crashes,
}

impl CompleteNames {
    /// Takes the settings that the words name for those of this command.
    pub fn take_globals(&self, global: &mut Global) {
        let value = |name: &str| {
            let at = self.words.iter().rposition(|word| word == name)?;
            self.words.get(at + 1).map(Into::into)
        };
        global.store = value("--store").or(global.store.take());
        global.config = value("--config").or(global.config.take());
        global.key_file = value("--key-file").or(global.key_file.take());
        global.wait = Some(0);
    }
}

/// Runs the command: a line for each name, with what it is behind a tab.
pub fn run(context: &Context, args: &CompleteNames) -> Result<Exit> {
    let words: Vec<&str> = args.words.iter().map(String::as_str).collect();
    let mut out = io::stdout().lock();
    if let Some((prefix, before)) = words.split_last()
        && let Some(names) = wanted(before).filter(|_| !prefix.starts_with('-'))
        && !context.key.asks()
    {
        // Whoever types has no use for an error.
        for (name, what) in found(context, names, prefix).unwrap_or_default() {
            writeln!(out, "{}\t{}", clean(&name), clean(&what))?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// What stands behind these words.
fn wanted(before: &[&str]) -> Option<Names> {
    let mut places = Vec::new();
    let mut words = before.iter();
    while let Some(word) = words.next() {
        if GLOBALS_WITH_VALUE.contains(word) {
            words.next();
        } else if !word.starts_with('-') {
            places.push(*word);
        }
    }
    match (before.last().copied(), places.as_slice()) {
        (Some("--module"), _) => Some(Names::Modules),
        (Some("--group"), _) => Some(Names::Groups),
        (Some("--crash"), _) => Some(Names::Crashes),
        // The value of some other option, unless it is a flag: the shell knows.
        (Some(last), _) if last.starts_with('-') => None,
        (_, ["modules", "show" | "remove", ..]) => Some(Names::Modules),
        (
            _,
            ["groups", "show" | "merge", ..]
            | ["groups", "history" | "resolve" | "assign" | "note" | "link"],
        ) => Some(Names::Groups),
        (_, ["crash", "show" | "remove", ..]) => Some(Names::Crashes),
        _ => None,
    }
}

/// Names that begin with `prefix`, each with what it is.
fn found(context: &Context, names: Names, prefix: &str) -> Result<Vec<(String, String)>> {
    let store = context.open_store()?;
    let mut found = Vec::new();
    match names {
        Names::Modules => {
            let reader = store.read()?;
            for module in reader.catalog().modules()? {
                let record = &module.record;
                let (name, id) = (record.name.as_str(), record.id.as_str());
                let ways = [(name, id), (id, name)];
                // Ids are many digits, and only told once some of them stand there.
                let ways = ways.iter().take(if prefix.is_empty() { 1 } else { 2 });
                found.extend(
                    ways.filter(|(name, _)| name.starts_with(prefix))
                        .map(|(name, what)| ((*name).to_owned(), (*what).to_owned())),
                );
            }
            found.sort();
            found.dedup_by(|one, other| one.0 == other.0);
            found.truncate(MAX_NAMES);
        }
        Names::Groups => {
            Crashes::open(&store)?.each_group(GroupSort::Crashes, false, MAX_NAMES, |group| {
                let id = group.id.to_string();
                if id.starts_with(prefix) {
                    found.push((id, group.title().to_owned()));
                }
                Ok::<_, anyhow::Error>(found.len() < MAX_NAMES)
            })?;
        }
        Names::Crashes => Crashes::open(&store)?.each(|listed| {
            let id = listed.crash.id.to_string();
            if id.starts_with(prefix) {
                found.push((id, listed.group.to_string()));
            }
            Ok(found.len() < MAX_NAMES)
        })?,
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_at_the_cursor() {
        for (words, want) in [
            ("resolve --module", Some(Names::Modules)),
            ("--store S modules show", Some(Names::Modules)),
            ("modules show a b", Some(Names::Modules)),
            ("-q groups show", Some(Names::Groups)),
            ("groups merge g1", Some(Names::Groups)),
            ("groups assign", Some(Names::Groups)),
            ("report --crash", Some(Names::Crashes)),
            ("crash show --json", None),
            ("groups assign g1", None),
            ("groups show --store", None),
            ("import", None),
            ("", None),
        ] {
            let words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
            assert_eq!(wanted(&words), want, "{words:?}");
        }
    }
}
