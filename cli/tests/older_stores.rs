//! Stores that an earlier version has made: this version reads them, and says what that version
//! said. Stores of format 3 are migrated by the tests of symtool-crashes; the tests of damage and
//! kills make stores of today's format.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::path::Path;

use serde_json::Value;
use support::shapes::copy;
use support::{Sandbox, json_lines, testdata};

/// The objects that the program printed, without the version that they did not have at first.
fn without_version(text: &str) -> Vec<Value> {
    let mut lines = json_lines(text);
    lines.iter_mut().for_each(|line| drop(line.as_object_mut().unwrap().remove("version")));
    lines
}

/// Stores of format 4, each with its key: as the first program of that format made them, and the
/// last one that kept no counts of crashes.
const STORES: [(&str, Option<&str>); 4] = [
    ("format4-open", None),
    ("format4-sealed", Some("format4.key")),
    ("format4-uncounted-open", None),
    ("format4-uncounted-sealed", Some("format4-uncounted.key")),
];

/// What a store says `now`, with the keys that it had `then`: keys are only added.
fn without_new_keys(mut now: Vec<Value>, then: &[Value]) -> Vec<Value> {
    for (now, then) in now.iter_mut().zip(then) {
        now.as_object_mut().unwrap().retain(|key, _| then.get(key).is_some());
    }
    now
}

const RESOLVE: [&str; 9] = [
    "resolve",
    "--module",
    "c-gcc-O0-dwarf5.so",
    "--style",
    "json",
    "0x1139",
    "0x1180",
    "0x11a0",
    "0x1",
];

/// The first change counts the crashes, no later one does, and lists are as they were.
fn crashes_are_counted_once(sandbox: &Sandbox, key: Option<&Path>) {
    let lists = || {
        [
            &["missing", "--all", "--json"][..],
            &["groups", "list", "--sort", "last", "--json"],
            &["groups", "list", "--sort", "first", "--reverse", "--limit", "3", "--json"],
            &["groups", "list", "--sort", "crashes", "--limit", "2", "--json"],
        ]
        .map(|words| without_version(&sandbox.run_with(key, words).stdout))
    };
    let before = lists();
    let nothing = ["crash", "gc", "--keep", "1000000"];
    let first = sandbox.run_with(key, nothing);
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert!(first.stderr.contains("counted 23 crashes once"), "{}", first.stderr);
    let second = sandbox.run_with(key, nothing);
    assert!(!second.stderr.contains("counted 23"), "{}", second.stderr);
    assert_eq!(lists(), before);
}

#[test]
fn a_store_of_format_4_says_what_it_said() {
    for (name, key) in STORES {
        let key = key.map(|key| testdata(&format!("stores/{key}")));
        let sandbox = Sandbox::new();
        copy(&testdata(&format!("stores/{name}")), &sandbox.store());
        let said = |what: &str| {
            without_version(
                &std::fs::read_to_string(testdata(&format!("stores/{name}.{what}"))).unwrap(),
            )
        };
        let says =
            |words: &[&str]| without_version(&sandbox.run_with(key.as_deref(), words).stdout);
        for (what, words) in [
            ("modules", &["modules", "list", "--json"][..]),
            ("resolved", &RESOLVE),
            ("crashes", &["crash", "list", "--json"]),
            ("groups", &["groups", "list", "--json"]),
            ("history", &["groups", "history", "--json"]),
        ] {
            let said = said(what);
            assert!(!said.is_empty(), "{name}.{what}");
            assert_eq!(without_new_keys(says(words), &said), said, "{name}: {words:?}");
        }
        let verify = || {
            let verified = sandbox.run_with(key.as_deref(), ["modules", "verify"]);
            assert_eq!(verified.code, 0, "{}", verified.stderr);
        };
        verify();
        // Nothing was changed so far, and counts are not kept yet.
        crashes_are_counted_once(&sandbox, key.as_deref());
        verify();
        // What that version can undo, so can this one.
        assert_eq!(sandbox.run_with(key.as_deref(), ["groups", "undo"]).code, 0);
        assert_eq!(
            without_new_keys(says(&["groups", "list", "--json"]), &said("undone")),
            said("undone"),
            "{name}"
        );
        verify();
    }
}

/// The first command that changes crashes is killed: counts are kept, or are not yet.
#[test]
fn a_killed_first_change_leaves_crashes_as_they_were() {
    for wait in (0..40).step_by(4) {
        let sandbox = Sandbox::new();
        copy(&testdata("stores/format4-open"), &sandbox.store());
        let mut child = sandbox.command().args(["reprocess", "--all"]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        // It may have ended.
        let _ = child.kill();
        child.wait().unwrap();
        let verified = sandbox.run(["modules", "verify"]);
        assert_eq!(verified.code, 0, "{wait} ms: {}", verified.stderr);
        assert_eq!(json_lines(&sandbox.run(["crash", "list", "--json"]).stdout).len(), 23);
        assert_eq!(sandbox.run(["reprocess"]).code, 0);
    }
}
