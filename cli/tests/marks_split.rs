//! What people say of a group when crashes part from it: it stays with the group, and is there
//! again after an undo.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use serde_json::{Value, json};
use support::{Sandbox, json_lines};

/// A crash in `function`, which was called by `draw`.
fn crash(number: u64, function: &str) -> String {
    let frame = |function: &str| json!({"function": function, "filename": "a.c", "lineno": 3, "instruction_addr": "0x10"});
    json!({
        "event_id": format!("{number:032x}"), "timestamp": 1_700_000_000 + number, "platform": "native",
        "exception": {"values": [{"type": "SIGSEGV", "stacktrace": {"frames": [frame("draw"), frame(function)]}}]},
    })
    .to_string()
}

fn objects(sandbox: &Sandbox, words: &[&str]) -> Vec<Value> {
    let run = sandbox.run([words, &["--json"]].concat());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{words:?}");
    json_lines(&run.stdout)
}

/// The marks of each group, by its crashes.
fn marks(sandbox: &Sandbox) -> Vec<(u64, Value)> {
    let groups = objects(sandbox, &["groups", "list"]);
    groups
        .iter()
        .map(|group| (group["crashes"].as_u64().unwrap(), group["assignee"].clone()))
        .collect()
}

#[test]
fn marks_stay_through_splits() {
    let sandbox = Sandbox::in_memory();
    let events = [crash(1, "spill"), crash(2, "spill"), crash(3, "burst")].join("\n");
    let events = sandbox.write("events.ndjson", events);
    let rules = sandbox.write("rules", "function:spill -group\nfunction:burst -group\n");
    let rules = rules.to_str().unwrap();
    assert_eq!(sandbox.run(["crash", "add", events.to_str().unwrap(), "--rules", rules]).code, 0);
    assert_eq!(marks(&sandbox), [(3, Value::Null)]);
    let id = objects(&sandbox, &["groups", "list"])[0]["id"].as_str().unwrap().to_owned();
    objects(&sandbox, &["groups", "assign", &id, "mia"]);
    objects(&sandbox, &["groups", "note", &id, "at night"]);
    // Rules that tell them apart.
    assert_eq!(sandbox.run(["reprocess"]).code, 0);
    assert_eq!(marks(&sandbox), [(2, json!("mia")), (1, Value::Null)]);
    let history = objects(&sandbox, &["groups", "history", &id]);
    assert_eq!(history.len(), 2);
    assert!(history[0]["report"]["split"].as_array().is_some_and(|split| split.len() == 1));
    let marked = &history[1];
    assert_eq!(
        (&marked["version"], &marked["id"], &marked["assignee"]),
        (&json!(1), &json!(id), &json!("mia"))
    );
    assert_eq!(marked["notes"][0]["text"], "at night");
    assert_eq!(sandbox.run(["groups", "undo"]).code, 0);
    assert_eq!(marks(&sandbox), [(3, json!("mia"))]);
}
