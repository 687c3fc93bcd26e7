//! Stores that an earlier version has made: this version reads them, and says what that version
//! said. Stores of format 3 are migrated by the tests of symtool-crashes; the tests of damage and
//! kills make stores of today's format.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::path::Path;

use serde_json::Value;
use support::{Sandbox, json_lines, testdata};

/// The objects that the program printed, without the version that they did not have at first.
fn without_version(text: &str) -> Vec<Value> {
    let mut lines = json_lines(text);
    lines.iter_mut().for_each(|line| drop(line.as_object_mut().unwrap().remove("version")));
    lines
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).map(drop).unwrap();
        }
    }
}

#[test]
fn a_store_of_format_4_says_what_it_said() {
    for (name, key) in
        [("format4-open", None), ("format4-sealed", Some(testdata("stores/format4.key")))]
    {
        let sandbox = Sandbox::new();
        copy(&testdata(&format!("stores/{name}")), &sandbox.store());
        let said = |what: &str| {
            without_version(
                &std::fs::read_to_string(testdata(&format!("stores/{name}.{what}"))).unwrap(),
            )
        };
        let says =
            |words: &[&str]| without_version(&sandbox.run_with(key.as_deref(), words).stdout);
        let resolve = [
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
        for (what, words) in [
            ("modules", &["modules", "list", "--json"][..]),
            ("resolved", &resolve),
            ("crashes", &["crash", "list", "--json"]),
            ("groups", &["groups", "list", "--json"]),
            ("history", &["groups", "history", "--json"]),
        ] {
            let said = said(what);
            assert!(!said.is_empty(), "{name}.{what}");
            assert_eq!(says(words), said, "{name}: {words:?}");
        }
        let verified = sandbox.run_with(key.as_deref(), ["modules", "verify"]);
        assert_eq!(verified.code, 0, "{}", verified.stderr);
        // What that version can undo, so can this one.
        assert_eq!(sandbox.run_with(key.as_deref(), ["groups", "undo"]).code, 0);
        assert_eq!(says(&["groups", "list", "--json"]), said("undone"), "{name}");
    }
}
