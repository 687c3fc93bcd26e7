//! Stores of the last version that knew no minidumps: this version says what that one said, and
//! adds minidumps to them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use serde_json::Value;
use support::shapes::copy;
use support::{Sandbox, json_lines, testdata};

/// Stores, each with its key.
const STORES: [(&str, Option<&str>); 2] =
    [("format5-open", None), ("format5-sealed", Some("format5.key"))];

/// What a store says `now`, with the keys that it had `then`: keys are only added.
fn without_new_keys(mut now: Vec<Value>, then: &[Value]) -> Vec<Value> {
    for (now, then) in now.iter_mut().zip(then) {
        now.as_object_mut().unwrap().retain(|key, _| then.get(key).is_some());
    }
    now
}

#[test]
fn a_store_from_before_minidumps_takes_them() {
    let packed = std::fs::read(testdata("minidump/c1.dmp.zst")).unwrap();
    let dump = zstd::decode_all(packed.as_slice()).unwrap();
    for (name, key) in STORES {
        let key = key.map(|key| testdata(&format!("stores/{key}")));
        let sandbox = Sandbox::new();
        copy(&testdata(&format!("stores/{name}")), &sandbox.store());
        let run = |words: &[&str]| {
            let run = sandbox.run_with(key.as_deref(), words);
            assert_eq!(run.code, 0, "{name}: {words:?}: {}", run.stderr);
            run
        };
        let check = |what: &str, words: &[&str]| {
            let said = testdata(&format!("stores/{name}.{what}"));
            let said = json_lines(&std::fs::read_to_string(said).unwrap());
            assert!(!said.is_empty(), "{name}.{what}");
            let says = json_lines(&run(words).stdout);
            assert_eq!(without_new_keys(says, &said), said, "{name}: {words:?}");
        };
        let lists = [
            ("modules", &["modules", "list", "--json"][..]),
            ("crashes", &["crash", "list", "--json"]),
            ("groups", &["groups", "list", "--json"]),
            ("history", &["groups", "history", "--json"]),
        ];
        lists.iter().for_each(|(what, words)| check(what, words));
        run(&["modules", "verify"]);
        // Counts are kept already.
        let first = run(&["crash", "gc", "--keep", "1000000"]);
        assert!(!first.stderr.contains("counted"), "{name}: {}", first.stderr);
        let file = sandbox.write("c1.dmp", &dump);
        let added = run(&["crash", "add", "--json", file.to_str().unwrap()]);
        let lines = json_lines(&added.stdout);
        assert_eq!(lines[0]["status"], "added", "{}", added.stdout);
        let id = lines[0]["id"].as_str().unwrap();
        run(&["modules", "verify"]);
        let symbols = testdata("minidump/libc.so.6.sym");
        run(&["import", "-q", symbols.to_str().unwrap()]);
        let walked = run(&["reprocess", "--json"]);
        assert_eq!(json_lines(&walked.stdout)[0]["crashes"]["walked"], 1, "{}", walked.stdout);
        let mut raw = sandbox.guarded(key.as_deref());
        let raw = raw.args(["crash", "show", "--raw", id]).output().unwrap().stdout;
        assert!(raw == dump);
        // Without it, the store is what it was.
        run(&["groups", "undo"]);
        run(&["crash", "remove", id]);
        lists[1..3].iter().for_each(|(what, words)| check(what, words));
        run(&["modules", "verify"]);
    }
}
