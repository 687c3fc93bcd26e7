//! Blocks in ```` ```console ````: every `$ ` line is run by a shell in a folder with `testdata/`
//! in it, and what follows is compared with its output. A line `…` stands for any lines, `…` within
//! a line for any text; seconds are not compared.
//!
//! Not trycmd: it runs each command without a shell, and every block with a state of its own.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::pages::{self, Block, Page};
use crate::support::Sandbox;

/// Runs the blocks of `page` one after the other and returns what differs.
fn differences(page: &Page) -> (usize, Vec<String>) {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("work");
    std::fs::create_dir(&folder).unwrap();
    symlink(pages::root().join("testdata").canonicalize().unwrap(), folder.join("testdata"))
        .unwrap();
    let (mut ran, mut different) = (0, Vec::new());
    for block in page.blocks().iter().filter(|block| block.language == "console") {
        for (line, command, wanted) in steps(block) {
            let found = run(&sandbox, &folder, command);
            let found: Vec<&str> = found.lines().collect();
            ran += 1;
            if !matches(&wanted, &found) {
                let (wanted, found) = (wanted.join("\n"), found.join("\n"));
                different.push(format!("{}:{line}: $ {command}\n--- the page says\n{wanted}\n--- the program says\n{found}\n", page.name));
            }
        }
    }
    (ran, different)
}

/// The commands of a block with their line and what has to come of them.
fn steps<'p>(block: &Block<'p>) -> Vec<(usize, &'p str, Vec<&'p str>)> {
    let mut steps: Vec<(usize, &str, Vec<&str>)> = Vec::new();
    for (number, line) in block.lines.iter().enumerate() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push((block.line + number, command, Vec::new())),
            (None, Some((_, _, output))) => output.push(line),
            (None, None) => panic!("line {}: output before any command", block.line),
        }
    }
    steps
}

fn run(sandbox: &Sandbox, folder: &Path, command: &str) -> String {
    let programs = Path::new(env!("CARGO_BIN_EXE_symtool")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec 2>&1\n{command}")]).current_dir(folder).stdin(Stdio::null());
    sandbox.isolate(&mut shell);
    shell.env("PATH", path).env_remove("XDG_CACHE_HOME");
    String::from_utf8(shell.output().unwrap().stdout).unwrap()
}

/// Whether `found` is what `wanted` asks for.
fn matches(wanted: &[&str], found: &[&str]) -> bool {
    match wanted {
        [] => found.is_empty(),
        ["…", rest @ ..] => (0..=found.len()).any(|passed| matches(rest, &found[passed..])),
        [line, rest @ ..] => {
            found.first().is_some_and(|first| is_like(&timeless(line), &timeless(first)))
                && matches(rest, &found[1..])
        }
    }
}

/// Whether `text` has the pieces of `pattern` between `…` in their order, and nothing before the
/// first and behind the last.
fn is_like(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('…') else { return pattern == text };
    let Some(text) = text.strip_prefix(start) else { return false };
    (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| is_like(rest, &text[at..]))
}

/// `line` without the seconds that an import took.
fn timeless(line: &str) -> String {
    let Some(rest) = line.strip_suffix(" s)") else { return line.to_owned() };
    let digits = rest.trim_end_matches(|digit: char| digit.is_ascii_digit() || digit == '.');
    format!("{digits} s)")
}

#[test]
fn every_console_block_is_what_the_program_prints() {
    let (mut ran, mut different) = (0, Vec::new());
    for page in pages::all() {
        let (of_page, wrong) = differences(&page);
        ran += of_page;
        different.extend(wrong);
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(ran > 30, "only {ran} commands");
}

#[test]
fn no_command_with_output_goes_untested() {
    for page in pages::all() {
        for block in page.blocks().iter().filter(|block| block.language != "console") {
            let shown = block.lines.iter().find(|line| line.starts_with("$ symtool"));
            assert!(
                shown.is_none(),
                "{}:{}: a block with output has to begin with ```console",
                page.name,
                block.line
            );
        }
    }
}

#[test]
fn the_comparison_can_fail() {
    assert!(matches(&["a", "…", "c"], &["a", "b", "b", "c"]));
    assert!(matches(&["…"], &["a"]));
    assert!(!matches(&["a", "…", "c"], &["a", "b"]));
    assert!(!matches(&["a"], &["a", "b"]) && !matches(&["a", "b"], &["a"]));
    assert!(is_like("a…c…", "abcd") && !is_like("a…c", "abcd") && !is_like("…x", "abc"));
    assert!(matches(&["f: imported (1 kB, 0.01 s)"], &["f: imported (1 kB, 12.50 s)"]));
    assert!(!matches(&["f: imported (1 kB, 0.01 s)"], &["f: imported (2 kB, 0.01 s)"]));
}
