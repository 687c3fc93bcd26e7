//! The database of crashes: what was acknowledged and is gone is named, what is removed is gone,
//! and all reports of a crash are kept.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

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
fn a_failed_report_that_is_removed_leaves_nothing_on_disk() {
    let sandbox = Sandbox::new();
    let cut = sandbox.write(
        "cut.json",
        format!("{{\"event_id\":\"{MARK}\",\"platform\":\"native\",\"exception\":{{"),
    );
    assert_eq!(sandbox.run(["crash".as_ref(), "add".as_ref(), cut.as_os_str()]).code, 1);
    assert!(has(&sandbox.store(), MARK.as_bytes()));
    let failed = json_lines(&sandbox.run(["crash", "list", "--failed", "--json"]).stdout);
    let raw = sandbox.run(["crash", "show", "--raw", failed[0]["id"].as_str().unwrap()]).stdout;
    assert_eq!(raw, fs::read_to_string(&cut).unwrap());
    assert_eq!(sandbox.run(["crash", "remove", failed[0]["id"].as_str().unwrap()]).code, 0);
    assert!(!has(&sandbox.store(), MARK.as_bytes()), "something of it is left");
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

/// What a command says of a store whose database of crashes is damaged: all that was acknowledged,
/// or that something is wrong.
fn told_of(sandbox: &Sandbox, want: &[Value]) -> Result<(), String> {
    let run = sandbox.run(["crash", "list", "--json"]);
    match run.code {
        0 if json_lines(&run.stdout) == want => Ok(()),
        0 => panic!("{} crashes of {}, and not a word", json_lines(&run.stdout).len(), want.len()),
        3 | 4 => Err(run.stderr),
        code => panic!("exit code {code}: {}", run.stderr),
    }
}

/// Copies the store of `from` to that of a sandbox of its own.
fn copy_of(from: &Sandbox) -> Sandbox {
    let sandbox = Sandbox::new();
    for entry in walkdir::WalkDir::new(from.store()).into_iter().map(Result::unwrap) {
        let to = sandbox.store().join(entry.path().strip_prefix(from.store()).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(to).unwrap();
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
    sandbox
}

#[test]
fn a_lost_current_is_never_an_empty_database() {
    let sandbox = Sandbox::new();
    assert_eq!(add(&sandbox, &events(1..20)).code, 0);
    let current = sandbox.store().join("crashes/CURRENT");
    let kept = fs::read(&current).unwrap();
    fs::remove_file(&current).unwrap();
    for args in [&["crash", "list"][..], &["groups", "list"], &["reprocess"], &["missing"]] {
        let run = sandbox.run(args);
        assert_eq!(run.code, 3, "{args:?}: {}", run.stdout);
        assert!(run.stderr.contains("CURRENT is missing"), "{args:?}: {}", run.stderr);
    }
    let tables = || fs::read_dir(sandbox.store().join("crashes")).unwrap().count();
    let before = tables();
    assert_eq!(add(&sandbox, &events(30..31)).code, 3);
    assert_eq!(tables(), before, "nothing is made in a folder that is not empty");
    fs::write(current, kept).unwrap();
    assert_eq!(crashes(&sandbox).len(), 19);
}

#[test]
fn a_lost_folder_is_named() {
    let sandbox = Sandbox::new();
    assert_eq!(add(&sandbox, &events(1..3)).code, 0);
    fs::remove_dir_all(sandbox.store().join("crashes")).unwrap();
    let run = sandbox.run(["crash", "list"]);
    assert!(
        run.code == 3 && run.stderr.contains("missing or empty"),
        "{}: {}",
        run.code,
        run.stderr
    );
    assert_eq!(add(&sandbox, &events(3..4)).code, 3);
    // Nothing is left to be saved, and that is no success.
    let repaired = sandbox.run(["modules", "repair"]);
    assert!(
        repaired.code == 1 && repaired.stderr.contains("are lost"),
        "{}: {}",
        repaired.code,
        repaired.stderr
    );
    assert!(crashes(&sandbox).is_empty());
}

#[test]
fn acknowledged_work_that_is_gone_from_the_log_or_the_manifest_is_named() {
    let whole = Sandbox::new();
    // Of four, the small chunks would be joined, and nothing be left in the log.
    for number in 1..4 {
        assert_eq!(add(&whole, &events(number..number + 1)).code, 0);
    }
    let want = crashes(&whole);
    let (log, manifest) =
        (database_file(&whole, "", ".log"), database_file(&whole, "MANIFEST", ""));
    let mut rng = fastrand::Rng::with_seed(3);
    let (mut named, mut silent) = (0, 0);
    for file in [log, manifest] {
        let bytes = fs::read(&file).unwrap();
        let changes: Vec<Vec<u8>> = std::iter::once(bytes[..bytes.len() - 1].to_vec())
            .chain([bytes[..bytes.len() / 2].to_vec(), Vec::new()])
            .chain((0..24).map(|_| {
                let mut flipped = bytes.clone();
                flipped[rng.usize(..bytes.len())] ^= 1 << rng.u8(..8);
                flipped
            }))
            .collect();
        for changed in changes {
            let sandbox = copy_of(&whole);
            let path = sandbox.store().join(file.strip_prefix(whole.store()).unwrap());
            fs::write(path, changed).unwrap();
            match told_of(&sandbox, &want) {
                Ok(()) => silent += 1,
                Err(told) => {
                    assert!(told.contains("the database"), "{told}");
                    named += 1;
                    // A writer does not go on as if nothing had happened.
                    assert_eq!(add(&sandbox, &events(50..51)).code, 3);
                }
            }
        }
    }
    assert!(named > 20, "{named} of {}", named + silent);
}

#[test]
fn an_older_copy_of_the_database_is_named() {
    let sandbox = Sandbox::new();
    assert_eq!(add(&sandbox, &events(1..3)).code, 0);
    let old = copy_of(&sandbox);
    assert_eq!(add(&sandbox, &events(3..5)).code, 0);
    fs::remove_dir_all(sandbox.store().join("crashes")).unwrap();
    fs::rename(old.store().join("crashes"), sandbox.store().join("crashes")).unwrap();
    let run = sandbox.run(["crash", "list"]);
    assert!(
        run.code == 3 && run.stderr.contains("has lost changes that were stored"),
        "{}: {}",
        run.code,
        run.stderr
    );
}

#[test]
fn a_store_that_cannot_be_written_and_has_no_crashes_answers_with_nothing() {
    let sandbox = Sandbox::new();
    sandbox.import(BUILD);
    // Nobody can make this file, whoever runs the test.
    let lock = sandbox.store().join("crashes.lock");
    let _ = fs::remove_file(&lock);
    std::os::unix::fs::symlink("/nonexistent/folder/lock", &lock).unwrap();
    for args in [
        &["crash", "list"][..],
        &["crash", "list", "--failed"],
        &["groups", "list"],
        &["groups", "history"],
        &["missing"],
    ] {
        let run = sandbox.run(args);
        assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{args:?}: {}", run.stderr);
    }
}

/// Every file of the database deleted, emptied, cut and flipped: all that can be read is there
/// after a repair, the rest is named.
#[test]
fn repair_saves_what_can_be_read_and_names_the_rest() {
    let whole = Sandbox::new();
    let build = Build::of(BUILD);
    for number in 1..5 {
        assert_eq!(
            add(
                &whole,
                &[
                    event(number, &build, &["primary", "expression"]),
                    event(number + 10, &build, &["probe"])
                ]
            )
            .code,
            0
        );
    }
    whole.import(BUILD);
    assert_eq!(whole.run(["reprocess"]).code, 0);
    let want = crashes(&whole);
    let groups = json_lines(&whole.run(["groups", "list", "--json"]).stdout);
    let mut rng = fastrand::Rng::with_seed(11);
    let (mut damaged, mut lost_any) = (0, 0);
    for entry in fs::read_dir(whole.store().join("crashes")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let bytes = fs::read(entry.path()).unwrap();
        if bytes.is_empty()
            || name.starts_with("LOG")
            || name.starts_with("OPTIONS")
            || name == "IDENTITY"
        {
            continue;
        }
        let holds_rows = [".sst", ".log"].iter().any(|end| name.ends_with(end));
        let mut changes: Vec<Option<Vec<u8>>> =
            vec![None, Some(Vec::new()), Some(bytes[..bytes.len() / 2].to_vec())];
        changes.push(Some(bytes[..bytes.len() - 1].to_vec()));
        changes.extend((0..8).map(|_| {
            let mut flipped = bytes.clone();
            flipped[rng.usize(..bytes.len())] ^= 1 << rng.u8(..8);
            Some(flipped)
        }));
        for (number, change) in changes.into_iter().enumerate() {
            let sandbox = copy_of(&whole);
            let path = sandbox.store().join("crashes").join(&name);
            match change {
                Some(bytes) => fs::write(path, bytes).unwrap(),
                None => fs::remove_file(path).unwrap(),
            }
            let repaired = sandbox.run(["modules", "repair", "--json"]);
            let what = format!("{name}, change {number}: {}{}", repaired.stdout, repaired.stderr);
            let lost: Vec<Value> = json_lines(&repaired.stdout);
            assert_eq!(repaired.code, i32::from(!lost.is_empty()), "{what}");
            damaged += 1;
            lost_any += usize::from(!lost.is_empty());
            let left = crashes(&sandbox);
            let is_lost = |crash: &Value| lost.iter().any(|lost| lost["crash"] == crash["id"]);
            let is_run = |lost: &Value| lost.get("crash").is_none();
            let is_left = |crash: &Value| left.iter().any(|one| one["id"] == crash["id"]);
            // Of some nothing is left that tells their ids: they are counted.
            let counted: u64 = lost
                .iter()
                .filter(|lost| lost["what"] == "crashes")
                .filter_map(|lost| lost["count"].as_u64())
                .sum();
            let unnamed =
                want.iter().filter(|crash| !is_left(crash) && !is_lost(crash)).count() as u64;
            assert!(
                unnamed <= counted || number < 3,
                "{what}: {unnamed} crashes are neither there nor named"
            );
            if !holds_rows {
                assert!(lost.is_empty(), "{what}: all rows are in other files");
                assert_eq!(left, want, "{what}");
            } else if number > 3 {
                assert!(
                    lost.iter().filter(|lost| !is_run(lost)).count() <= 2,
                    "{what}: one byte was changed"
                );
                // What was saved is grouped as before once it was looked at again.
                let run = sandbox.run(["reprocess"]);
                assert_eq!(run.code, 0, "{what}: {}", run.stderr);
                let now = json_lines(&sandbox.run(["groups", "list", "--json"]).stdout);
                assert_eq!(now.len(), groups.len(), "{what}");
            }
            for crash in left.iter().filter(|crash| !is_lost(crash)) {
                let raw = sandbox.run(["crash", "show", "--raw", crash["id"].as_str().unwrap()]);
                assert!(
                    raw.code == 0 && raw.stdout.contains(crash["event_id"].as_str().unwrap()),
                    "{what}"
                );
            }
            // It is a database like any other.
            assert_eq!(add(&sandbox, &[event(99, &build, &["primary"])]).code, 0, "{what}");
            assert_eq!(sandbox.run(["modules", "repair"]).code, 0, "{what}");
        }
    }
    assert!(damaged > 30, "{damaged}");
    assert!(lost_any < damaged / 2, "{lost_any} of {damaged} have cost something");
}

fn removed(run: &support::Run) -> Vec<String> {
    assert_eq!(run.code, 0, "{}", run.stderr);
    let lines = json_lines(&run.stdout);
    lines
        .iter()
        .filter(|line| line["status"] != "cannot_be_undone_for")
        .map(|line| line["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn gc_keeps_the_newest_and_the_last_of_each_group() {
    let sandbox = Sandbox::new();
    let build = Build::of(BUILD);
    for number in 1..6 {
        assert_eq!(add(&sandbox, &[event(number, &build, &["primary", "expression"])]).code, 0);
    }
    assert_eq!(add(&sandbox, &[event(50, &build, &["probe", "table_find"])]).code, 0);
    sandbox.import(BUILD);
    assert_eq!(sandbox.run(["reprocess"]).code, 0);
    let all = crashes(&sandbox);
    let ids: Vec<String> =
        all.iter().map(|crash| crash["id"].as_str().unwrap().to_owned()).collect();
    let dry = sandbox.run(["crash", "gc", "--keep", "2", "--dry-run", "--json"]);
    assert_eq!(
        json_lines(&dry.stdout)[0],
        serde_json::json!({"version": 1, "run": 1, "crashes": 3, "status": "cannot_be_undone_for"})
    );
    assert_eq!(removed(&dry), ids[..3]);
    assert_eq!(crashes(&sandbox), all, "--dry-run removes nothing");
    // All of them came just now.
    assert!(
        removed(&sandbox.run(["crash", "gc", "--keep", "2", "--older-than", "1h", "--json"]))
            .is_empty()
    );
    assert_eq!(removed(&sandbox.run(["crash", "gc", "--keep", "2", "--json"])), ids[..3]);
    assert_eq!(crashes(&sandbox), all[3..]);
    // The last of each group stays, unless it is asked for.
    assert_eq!(removed(&sandbox.run(["crash", "gc", "--older-than", "0s", "--json"])), ids[3..4]);
    assert_eq!(
        removed(&sandbox.run(["crash", "gc", "--max-size", "0", "--json"])),
        Vec::<String>::new()
    );
    assert_eq!(
        removed(&sandbox.run(["crash", "gc", "--max-size", "0", "--last", "--json"])),
        ids[4..]
    );
    assert!(crashes(&sandbox).is_empty());
    assert_eq!(sandbox.run(["crash", "gc"]).code, 2, "it has to be told what to keep");
    // What is left of the run can be undone.
    assert_eq!(sandbox.run(["groups", "undo"]).code, 0);
}

#[test]
fn what_is_known_of_a_person_is_forgotten() {
    let sandbox = Sandbox::new();
    let build = Build::of(BUILD);
    let of = |number: u64, user: &str| {
        event(number, &build, &["primary"]).replacen(
            '{',
            &format!("{{\"user\":{{\"id\":\"{user}\"}},"),
            1,
        )
    };
    let reports = [
        of(1, MARK),
        of(2, "another"),
        of(3, MARK),
        event(4, &build, &["probe"]).replace("Segfault", MARK),
    ];
    assert_eq!(add(&sandbox, &reports).code, 0);
    let cut = sandbox.write("cut.json", &of(5, MARK)[..100]);
    assert_eq!(sandbox.run(["crash".as_ref(), "add".as_ref(), cut.as_os_str()]).code, 1);
    let all = crashes(&sandbox);
    assert_eq!(
        removed(&sandbox.run(["crash", "forget", "--user", MARK, "--dry-run", "--json"])).len(),
        3
    );
    assert_eq!(crashes(&sandbox), all);
    assert_eq!(removed(&sandbox.run(["crash", "forget", "--user", MARK, "--json"])).len(), 3);
    // The fourth says the word, and not as a person's id.
    assert_eq!(crashes(&sandbox), [all[1].clone(), all[3].clone()]);
    assert_eq!(sandbox.run(["crash", "list", "--failed"]).stdout, "");
    assert!(removed(&sandbox.run(["crash", "forget", "--user", MARK, "--json"])).is_empty());
    assert_eq!(sandbox.run(["crash", "remove", all[3]["id"].as_str().unwrap()]).code, 0);
    assert!(!has(&sandbox.store(), MARK.as_bytes()), "something of it is left on disk");
}

#[test]
fn crashes_beyond_their_quota_are_not_stored() {
    let sandbox = Sandbox::new();
    let config = sandbox.write("symtool.toml", "crash-quota = \"20kB\"\n");
    let add = |from: u64| {
        let events = events(from..from + 200).join("\n") + "\n";
        sandbox.run_with_input(
            &["--config", config.to_str().unwrap(), "crash", "add", "-"],
            events.as_bytes(),
        )
    };
    let mut added = 0;
    let refused = (0..50).map(|number| add(number * 1_000 + 1)).find(|run| {
        added += u64::from(run.code == 0);
        run.code != 0
    });
    let refused = refused.unwrap_or_else(|| panic!("{added} times 200 crashes fit"));
    assert_eq!(refused.code, 3);
    assert!(
        refused.stderr.contains("`crash-quota`") && refused.stderr.contains("symtool crash gc"),
        "{}",
        refused.stderr
    );
    assert_eq!(crashes(&sandbox).len() as u64, added * 200, "all of it or nothing");
}
