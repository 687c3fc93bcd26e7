//! Commands that the pages only name: the program knows each with its options.

use std::collections::BTreeSet;

use crate::pages::{self, Page};
use crate::support::Sandbox;

/// Commands in blocks of shell code, and code spans that begin with `symtool `.
fn commands(page: &Page) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for block in page.blocks().iter().filter(|block| ["", "sh", "yaml"].contains(&block.language)) {
        let commands = block.lines.iter().filter_map(|line| {
            line.split_once("symtool ").filter(|(before, _)| !before.contains('#'))
        });
        found.extend(commands.map(|(_, rest)| format!("symtool {rest}")));
    }
    found.extend(
        pages::code(&page.text_outside())
            .iter()
            .filter(|code| code.starts_with("symtool "))
            .map(|code| code.replace('\n', " ")),
    );
    found
}

/// The words of `command` up to where the shell takes over, with values for placeholders; none if
/// it is not meant to be run.
fn words(command: &str) -> Option<Vec<String>> {
    let end = [" #", " |", " >", " &&", " ||"]
        .iter()
        .filter_map(|sign| command.find(sign))
        .min()
        .unwrap_or(command.len());
    let words = command[..end].split_whitespace().skip(1);
    let words: Vec<String> =
        words.map(|word| word.trim_matches(['"', '\'']).trim_end_matches('…')).map(value).collect();
    let is_command =
        words.iter().any(|word| word.starts_with(|first: char| first.is_ascii_lowercase()));
    (is_command && !words.iter().any(String::is_empty)).then_some(words)
}

fn value(word: &str) -> String {
    let is_placeholder = word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    match word {
        "AGE" => "1d".to_owned(),
        _ if is_placeholder => "1".to_owned(),
        _ => word.to_owned(),
    }
}

#[test]
fn the_program_knows_every_command_of_the_pages() {
    let sandbox = Sandbox::new();
    let mut tried = 0;
    for page in pages::all() {
        for command in commands(&page) {
            let Some(words) = words(&command).filter(|words| {
                !words.iter().any(|word| word == "addr2line" || word == "llvm-symbolizer")
            }) else {
                continue;
            };
            // What stands before --help is looked at first.
            let run = sandbox.run(words.iter().map(String::as_str).chain(["--help"]));
            assert_eq!(run.code, 0, "{}: {command}\n{}", page.name, run.stderr);
            tried += 1;
        }
    }
    assert!(tried > 40, "only {tried} commands");
}

#[test]
fn an_unknown_option_is_noticed() {
    let run = Sandbox::new().run(
        words("symtool modules gc --keeps 5 # old")
            .unwrap()
            .iter()
            .map(String::as_str)
            .chain(["--help"]),
    );
    assert_eq!(run.code, 2);
}
