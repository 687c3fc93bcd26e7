//! Regrouping: symbols that come late bring crashes of one bug together; every move can be seen
//! before, explained and undone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod rules;
#[path = "../support/mod.rs"]
mod support;
mod undo;
mod waiting;

use std::time::Duration;

use serde_json::Value;
use support::events::{Build, event};
use support::{Run, Sandbox, json_lines};

/// Builds of the same source: the same functions, other addresses.
const BUILDS: [&str; 3] = ["c-gcc-O0-dwarf5.so", "c-clang-O0-dwarf4.so", "c-clang-O0-dwarf5.so"];

/// Functions of each bug, the crashing side first.
const BUGS: [&[&str]; 4] = [
    &["primary", "expression", "grammar_eval"],
    &["probe", "table_find", "grammar_eval"],
    &["span_number", "scan_next", "grammar_eval"],
    &["skip_comment", "scan_next", "grammar_eval"],
];

/// `count` crashes of each bug in each build.
fn events(count: u64) -> Vec<String> {
    let builds = BUILDS.map(Build::of);
    let mut events = Vec::new();
    for number in 0..count {
        for (at, build) in (0..).zip(&builds) {
            for (bug, functions) in (0..).zip(BUGS) {
                events.push(event((number * 3 + at) * 4 + bug + 1, build, functions));
            }
        }
    }
    events
}

fn add(sandbox: &Sandbox, events: &[String]) {
    let run = sandbox.run_with_input(&["crash", "add", "-"], (events.join("\n") + "\n").as_bytes());
    assert_eq!(run.code, 0, "{}", run.stderr);
}

fn groups(sandbox: &Sandbox) -> Vec<Value> {
    json_lines(&sandbox.run(["groups", "list", "--json"]).stdout)
}

fn done(run: Run) -> String {
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout
}

fn reprocess(sandbox: &Sandbox, args: &[&str]) -> Value {
    json_lines(&done(sandbox.run(["reprocess", "--json"].iter().chain(args)))).remove(0)
}

fn titles(sandbox: &Sandbox) -> Vec<String> {
    let mut titles: Vec<String> =
        groups(sandbox).iter().map(|group| group["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles
}

#[test]
fn late_symbols_bring_crashes_of_one_bug_together() {
    let sandbox = Sandbox::new();
    add(&sandbox, &events(2));
    let before = groups(&sandbox);
    assert_eq!(before.len(), 12, "each build for itself");
    assert!(
        before.iter().all(|group| group["kind"] == "provisional" && group["crashes"] == 2),
        "{before:?}"
    );

    BUILDS.iter().for_each(|build| sandbox.import(build));
    let told = reprocess(&sandbox, &["--dry-run"]);
    assert_eq!(groups(&sandbox), before, "--dry-run changes nothing");
    assert_eq!(told["status"], "dry_run");
    assert_eq!(told["rules_changed"], false, "in a fresh store there were no others");
    let report = sandbox.path("report.json");
    let applied = reprocess(&sandbox, &["--report", report.to_str().unwrap()]);
    assert_eq!(applied["status"], "applied");
    for part in
        ["merged", "split", "renamed", "modules", "missing", "rules_changed", "largest_gain"]
    {
        assert_eq!(told[part], applied[part], "--dry-run says what is done");
    }
    assert_eq!(serde_json::from_slice::<Value>(&std::fs::read(report).unwrap()).unwrap(), applied);
    let counts = |key: &str| applied["crashes"][key].as_u64().unwrap();
    assert_eq!((counts("stored"), counts("moved"), counts("kept")), (24, 24, 0));
    assert_eq!((counts("groups_before"), counts("groups_after")), (12, 4));
    let modules: Vec<(&str, u64)> = applied["modules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|module| (module["change"].as_str().unwrap(), module["moved"].as_u64().unwrap()))
        .collect();
    assert_eq!(modules, [("imported", 8); 3]);

    assert_eq!(titles(&sandbox), ["primary", "probe", "skip_comment", "span_number"]);
    for group in groups(&sandbox) {
        assert_eq!((&group["kind"], &group["crashes"]), (&"resolved".into(), &6.into()));
        assert_eq!(group["aliases"].as_array().unwrap().len(), 2);
        // The oldest group survives: its first crash is that of the first build.
        let oldest = before.iter().find(|old| old["first_seen"] == group["first_seen"]).unwrap();
        assert_eq!(group["id"], oldest["id"]);
        // Old ids stand for the group for ever.
        for alias in group["aliases"].as_array().unwrap() {
            let shown = json_lines(
                &sandbox.run(["groups", "show", "--json", alias.as_str().unwrap()]).stdout,
            );
            assert_eq!(shown[0]["id"], group["id"]);
        }
    }
    assert_eq!(reprocess(&sandbox, &[])["status"], "unchanged");
    assert_eq!(
        reprocess(&sandbox, &["--all"])["crashes"]["assessed"],
        0,
        "nothing that it depends on has changed"
    );
    // A crash that comes now goes where its like are.
    add(&sandbox, &[event(999, &Build::of(BUILDS[1]), BUGS[0])]);
    assert_eq!(groups(&sandbox).len(), 4);
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_anything_changes() {
    let sandbox = Sandbox::new();
    add(&sandbox, &events(1));
    let before = groups(&sandbox);
    BUILDS.iter().for_each(|build| sandbox.import(build));
    for report in [sandbox.path("no-such-folder/report.json"), sandbox.path("store")] {
        let run = sandbox.run(["reprocess", "--report", report.to_str().unwrap()]);
        assert_eq!(run.code, 1);
        assert!(run.stderr.contains("nothing was changed"), "{}", run.stderr);
        assert_eq!(groups(&sandbox), before);
    }
    let left: Vec<_> = std::fs::read_dir(sandbox.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("draft")), "{left:?}");
    assert!(done(sandbox.run(["reprocess"])).contains("12 affected groups became 4"));
}

#[test]
fn groups_without_a_date_stand_last() {
    let sandbox = Sandbox::new();
    add(&sandbox, &events(1));
    let trace = "java.lang.IllegalStateException: x\n\tat app.shop.Cart.total(Cart.java:3)\n\tat app.shop.Main.main(Main.java:1)\n";
    assert_eq!(sandbox.run_with_input(&["crash", "add", "-"], trace.as_bytes()).code, 0);
    for sort in [
        &["--sort", "last"][..],
        &["--sort", "last", "--reverse"],
        &["--sort", "first"],
        &["--sort", "first", "--reverse"],
    ] {
        let listed =
            json_lines(&sandbox.run([&["groups", "list", "--json"], sort].concat()).stdout);
        let dates: Vec<bool> =
            listed.iter().map(|group| group.get("last_seen").is_some()).collect();
        assert_eq!(dates, [vec![true; 12], vec![false]].concat(), "{sort:?}");
    }
}

/// The same crashes in another order, in other portions and on other threads.
#[test]
fn order_and_threads_make_no_difference() {
    let mut all = events(8);
    let mut random = fastrand::Rng::with_seed(7);
    let mut expected: Option<(String, String)> = None;
    for jobs in ["1", "2", "7"] {
        let sandbox = Sandbox::new();
        sandbox.import(BUILDS[0]);
        for portion in all.chunks(random.usize(10..60)) {
            let run = sandbox.run_with_input(
                &["-j", jobs, "crash", "add", "-"],
                (portion.join("\n") + "\n").as_bytes(),
            );
            assert_eq!(run.code, 0, "{}", run.stderr);
        }
        let before = sandbox.run(["groups", "list", "--json"]).stdout;
        sandbox.import(BUILDS[1]);
        sandbox.import(BUILDS[2]);
        done(sandbox.run(["-j", jobs, "reprocess"]));
        let found = (before, sandbox.run(["groups", "list", "--json"]).stdout);
        assert_eq!(expected.get_or_insert_with(|| found.clone()), &found);
        random.shuffle(&mut all);
    }
}

/// A run that is killed has changed nothing or everything, and the next one goes on.
#[test]
fn killed_at_any_moment_the_groups_are_the_same() {
    let original = Sandbox::new();
    add(&original, &events(150));
    BUILDS.iter().for_each(|build| original.import(build));
    let before = groups(&original);
    let copy = || {
        let sandbox = Sandbox::new();
        for entry in walkdir::WalkDir::new(original.store()).into_iter().map(Result::unwrap) {
            let to = sandbox.store().join(entry.path().strip_prefix(original.store()).unwrap());
            if entry.file_type().is_dir() {
                std::fs::create_dir_all(to).unwrap();
            } else {
                std::fs::copy(entry.path(), to).unwrap();
            }
        }
        sandbox
    };
    let (whole, started) = (copy(), std::time::Instant::now());
    reprocess(&whole, &[]);
    let took = started.elapsed();
    let after = groups(&whole);
    let mut random = fastrand::Rng::with_seed(11);
    let (mut unfinished, mut finished) = (0, 0);
    let mut killed = copy();
    for _ in 0..50 {
        let mut child = killed.spawn_piped(&["reprocess"]);
        std::thread::sleep(Duration::from_micros(
            random.u64(0..u64::try_from(took.as_micros()).unwrap() * 5 / 4),
        ));
        child.kill().unwrap();
        child.wait().unwrap();
        match groups(&killed) {
            found if found == before => unfinished += 1,
            found if found == after => {
                finished += 1;
                // It can be undone as ever, and the next one to be killed begins anew.
                let undone = killed.run(["groups", "undo"]);
                assert_eq!(undone.code, 0, "{}", undone.stderr);
                assert_eq!(groups(&killed), before);
                killed = copy();
            }
            found => panic!("half of it is done: {} groups", found.len()),
        }
    }
    assert!(unfinished > 5, "killed too late: {unfinished} unfinished, {finished} finished");
    reprocess(&killed, &[]);
    assert_eq!(groups(&killed), after);
}
