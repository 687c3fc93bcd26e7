//! The database of crashes: what was acknowledged and is gone is named, what is removed is gone,
//! and all reports of a crash are kept.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod lost;
mod repair;
mod retention;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::events::{Build, event};
use support::{Sandbox, json_lines};

const BUILD: &str = "c-gcc-O0-dwarf5.so";

/// What cannot be compressed, so that it stands in files as it is.
const MARK: &str = "q7Zk2Xw9Lr4Tn8Vb3Hs6";

fn add(sandbox: &Sandbox, reports: &[String]) -> support::Run {
    sandbox.run_with_input(&["crash", "add", "-"], (reports.join("\n") + "\n").as_bytes())
}

fn crashes(sandbox: &Sandbox) -> Vec<Value> {
    let run = sandbox.run(["crash", "list", "--json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    json_lines(&run.stdout)
}

fn events(numbers: std::ops::Range<u64>) -> Vec<String> {
    let build = Build::of(BUILD);
    numbers
        .map(|number| event(number, &build, &["primary", "expression", "grammar_eval"]))
        .collect()
}

/// Whether any file in `folder` has `word`.
fn has(folder: &Path, word: &[u8]) -> bool {
    let files = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| fs::read(entry.path()).unwrap())
        .any(|bytes| bytes.windows(word.len()).any(|part| part == word))
}

fn database_file(sandbox: &Sandbox, begins: &str, ends: &str) -> PathBuf {
    let entries =
        fs::read_dir(sandbox.store().join("crashes")).unwrap().map(|entry| entry.unwrap());
    let is_meant = |name: &str| name.starts_with(begins) && name.ends_with(ends);
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| is_meant(&entry.file_name().into_string().unwrap()))
        .map(|entry| entry.path())
        .collect();
    found.retain(|path| fs::metadata(path).unwrap().len() > 0);
    found.sort();
    found.pop().unwrap_or_else(|| panic!("no file {begins}…{ends}"))
}

#[test]
fn an_unreadable_report_is_told_once() {
    let sandbox = Sandbox::new();
    let cut =
        sandbox.write("cut.json", "{\"event_id\":\"1\",\"platform\":\"native\",\"exception\":{");
    let add = || sandbox.run(["crash".as_ref(), "add".as_ref(), cut.as_os_str()]);
    let first = add();
    assert_eq!(
        (first.code, first.stdout.as_str()),
        (1, "0 crashes added, 0 known already, 1 reports failed\n")
    );
    let again = add();
    assert_eq!(
        (again.code, again.stdout.as_str()),
        (0, "0 crashes added, 1 known already, 0 reports failed\n"),
        "{}",
        again.stderr
    );
}

#[test]
fn reports_of_any_size_come_back_from_their_parts() {
    let sandbox = Sandbox::new();
    let mut rng = fastrand::Rng::with_seed(7);
    // One that fills several parts, between small ones.
    let noise: String = (0..3_200_000).map(|_| rng.alphanumeric()).collect();
    let mut reports = events(1..6);
    reports[2] = reports[2].replace("Segfault", &noise);
    assert_eq!(add(&sandbox, &reports).code, 0);
    for (number, report) in (1..).zip(&reports) {
        let raw = sandbox.run(["crash", "show", "--raw", &format!("{number:032x}")]).stdout;
        assert!(raw.trim_ascii() == report.trim_ascii(), "report {number}");
    }
    let tail = &noise.as_bytes()[noise.len() - 24..];
    assert!(has(&sandbox.store(), tail) || noise.len() > 24);
    assert_eq!(sandbox.run(["crash", "remove", &format!("{:032x}", 3)]).code, 0);
    for (number, report) in (1..).zip(&reports).filter(|(number, _)| *number != 3) {
        let raw = sandbox.run(["crash", "show", "--raw", &format!("{number:032x}")]).stdout;
        assert!(raw.trim_ascii() == report.trim_ascii(), "report {number} after another has gone");
    }
    let bytes: u64 = walkdir::WalkDir::new(sandbox.store().join("crashes"))
        .into_iter()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(bytes < 400_000, "{bytes} bytes are left of a report of {}", noise.len());
}

/// Reports of one crash, the first of which says least.
fn reports_of_one_crash() -> [String; 3] {
    let build = Build::of(BUILD);
    let deep = event(1, &build, &["primary", "expression", "grammar_eval"]);
    let shallow = event(1, &build, &["primary"]);
    let middle = event(1, &build, &["primary", "expression"]);
    [shallow, middle, deep]
}

#[test]
fn of_several_reports_of_a_crash_the_one_that_says_most_is_shown() {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let reports = reports_of_one_crash();
    let mut seen = Vec::new();
    for order in orders {
        for at_once in [true, false] {
            let sandbox = Sandbox::new();
            let ordered: Vec<String> =
                order.iter().map(|index: &usize| reports[*index].clone()).collect();
            if at_once {
                let run = add(&sandbox, &ordered);
                assert_eq!(
                    (run.code, run.stdout.as_str()),
                    (0, "1 crashes added, 2 known already, 0 reports failed\n"),
                    "{}",
                    run.stderr
                );
            } else {
                ordered.iter().for_each(|report| {
                    assert_eq!(add(&sandbox, std::slice::from_ref(report)).code, 0);
                });
            }
            let listed = crashes(&sandbox);
            assert_eq!(listed.len(), 1, "{order:?}");
            assert_eq!(listed[0]["frames"], 3, "{order:?}");
            let groups = sandbox.run(["groups", "list", "--json"]).stdout;
            assert_eq!(json_lines(&groups).len(), 1, "{order:?}: {groups}");
            seen.push((listed[0]["id"].clone(), listed[0]["group"].clone(), groups));
            // All texts are there, and each once.
            assert_eq!(
                add(&sandbox, &ordered).stdout,
                "0 crashes added, 3 known already, 0 reports failed\n"
            );
            let id = listed[0]["id"].as_str().unwrap();
            assert_eq!(sandbox.run(["crash", "show", "--raw", id]).stdout.trim(), reports[2]);
            let all = sandbox.run(["crash", "show", "--raw", "--all-reports", id]).stdout;
            let mut lines: Vec<&str> = all.lines().collect();
            lines.sort_unstable();
            let mut want: Vec<&str> = reports.iter().map(String::as_str).collect();
            want.sort_unstable();
            assert_eq!(lines, want, "{order:?}");
            // They go together.
            assert_eq!(sandbox.run(["crash", "remove", id]).code, 0);
            assert!(crashes(&sandbox).is_empty());
            assert_eq!(
                add(&sandbox, &ordered[..1]).stdout,
                "1 crashes added, 0 known already, 0 reports failed\n"
            );
        }
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
}

/// An import and a run that finish while crashes are being added: the run did not see them, and
/// what they were assessed with is gone.
#[test]
fn a_run_looks_again_at_crashes_that_were_added_while_symbols_came() {
    let sandbox = Sandbox::new();
    assert_eq!(add(&sandbox, &events(100..101)).code, 0);
    assert_eq!(sandbox.run(["reprocess"]).code, 0);
    let mut child = sandbox.spawn_piped(&["--json", "crash", "add", "-"]);
    let (mut stdin, mut told) =
        (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let (mut line, all) = (String::new(), events(1..4));
    write!(stdin, "{}\n{}\n", all[0], all[1]).unwrap();
    told.read_line(&mut line).unwrap();
    assert!(line.contains("added"), "{line}");
    sandbox.import(BUILD);
    let run = sandbox.run(["--wait", "20", "reprocess"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    writeln!(stdin, "{}", all[2]).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    let resolved =
        |crashes: &[Value]| crashes.iter().filter(|crash| crash["resolved"] == 3).count();
    assert!(
        resolved(&crashes(&sandbox)) < 4,
        "the program that added them did not know the symbols"
    );
    assert_eq!(sandbox.run(["reprocess"]).code, 0);
    assert_eq!(resolved(&crashes(&sandbox)), 4);
    assert_eq!(json_lines(&sandbox.run(["groups", "list", "--json"]).stdout).len(), 1);
    let again = json_lines(&sandbox.run(["reprocess", "--json"]).stdout);
    assert_eq!(
        (&again[0]["status"], &again[0]["crashes"]["selected"]),
        (&"unchanged".into(), &0.into())
    );
}
