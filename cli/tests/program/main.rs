//! Job tests of what all commands share: settings, help, completions, manual pages, levels, pipes,
//! names.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod help;
mod names;
mod settings;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use support::{Sandbox, json_lines, object};

const FIXTURE: &str = "cpp-gcc-O2-dwarf5.so";

fn has(tool: &str) -> bool {
    Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

#[test]
fn stats_json_has_the_documented_shape() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    sandbox.import("macho-cpp-arm64-O2-dwarf5");
    let run = sandbox.run(["stats", "--json"]);
    let stats = &json_lines(&run.stdout)[0];
    let modules = json_lines(&sandbox.run(["modules", "list", "--json"]).stdout);
    let sum = |key: &str| modules.iter().map(|module| module[key].as_u64().unwrap()).sum::<u64>();
    let of = |value: &serde_json::Value, key: &str| value[key].as_u64().unwrap();
    assert_eq!(stats["version"], 1);
    for key in ["functions", "files", "ranges", "bytes_in", "bytes_stored"] {
        assert_eq!(of(&stats["total"], key), sum(key), "{key}");
        assert_eq!(
            of(&stats["modules"]["elf"], key) + of(&stats["modules"]["macho"], key),
            sum(key),
            "{key}"
        );
    }
    assert_eq!(stats["total"]["modules"], 2);
    let kinds = stats["blocks"].as_object().unwrap();
    assert_eq!(
        kinds.keys().collect::<Vec<_>>(),
        ["files", "footer", "functions", "ranges", "unwind_rows", "unwind_rules"]
    );
    // All blocks but records are what modules count.
    let stored: u64 = kinds
        .iter()
        .filter(|(kind, _)| *kind != "footer")
        .map(|(_, kind)| of(kind, "bytes_stored"))
        .sum();
    assert_eq!(stored, sum("bytes_stored"));
    // The record of each module stands twice.
    assert_eq!(of(&kinds["footer"], "blocks"), 4);
    assert!(kinds.values().all(|kind| of(kind, "bytes_expanded") > 0));
    assert_eq!(of(&stats["others"], "blocks"), 0);
    let files = walkdir(&sandbox.store());
    assert_eq!(of(stats, "disk_bytes"), files);
    let table = sandbox.run(["stats"]).stdout;
    assert!(
        table.lines().all(|line| line.len() <= 60)
            && table.contains("ranges")
            && table.contains("on disk"),
        "{table}"
    );
    assert_eq!(Sandbox::new().run(["stats"]).code, 3);
}

/// Bytes of all files in `folder`.
fn walkdir(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            if entry.path().is_dir() {
                walkdir(&entry.path())
            } else {
                entry.metadata().unwrap().len()
            }
        })
        .sum()
}

#[test]
fn quiet_and_verbose() {
    let sandbox = Sandbox::new();
    let fixture = object(FIXTURE);
    let fixture = fixture.to_str().unwrap();
    let run = sandbox.run(["import", "-q", fixture, "split-nothing.so"]);
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.lines().count()),
        (1, "", 1),
        "{}",
        run.stderr
    );
    // Results that were asked for are not silenced.
    assert!(sandbox.run(["-q", "modules", "list"]).stdout.contains(FIXTURE));
    assert!(sandbox.run(["-q", "resolve", "--module", FIXTURE, "1146"]).stdout.contains("Adder"));
    assert_eq!(json_lines(&sandbox.run(["-q", "import", "--json", fixture]).stdout).len(), 2);
    let run = sandbox.run(["-q", "modules", "verify", fixture]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    let run = sandbox.run(["-v", "modules", "list"]);
    assert!(
        run.stderr.contains("symtool: store ") && run.stderr.contains("/store\n"),
        "{}",
        run.stderr
    );
    let run = sandbox.run(["-v", "import", "--force", fixture]);
    assert!(run.stderr.contains(" ms") && run.stderr.contains(FIXTURE), "{}", run.stderr);
    let run = sandbox.run(["-q", "modules", "remove", FIXTURE]);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
    assert_eq!(sandbox.run(["-q", "-v", "modules", "list"]).code, 2);
}

#[test]
fn closed_pipes_end_every_command_quietly() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    let fixture = object(FIXTURE);
    let fixture = fixture.to_str().unwrap();
    for args in [
        &["--help"][..],
        &["import", "--force", fixture],
        &["import", "--force", "--json", fixture],
        &["resolve", "--module", FIXTURE, "1146"],
        &["check", fixture],
        &["check", "--json", fixture],
        &["modules", "list"],
        &["modules", "show", FIXTURE],
        &["modules", "verify", fixture],
        &["modules", "verify", "--json", fixture],
        &["stats"],
        &["stats", "--json"],
        &["completions", "bash"],
        &["man"],
        &["modules", "remove", FIXTURE],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = sandbox.command().args(args).stdout(writer).output().unwrap();
        assert_eq!(
            (output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()),
            (Some(0), ""),
            "{args:?}"
        );
    }
}
