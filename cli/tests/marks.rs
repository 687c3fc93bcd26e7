//! What people say of groups: it stays through merges, undo and a repair; and which groups are new,
//! have regressed, or ran on a system.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use serde_json::{Value, json};
use support::{Sandbox, json_lines};

/// A crash in `function`, in a release and on a system.
fn crash(number: u64, function: &str, release: &str, system: &str) -> String {
    json!({
        "event_id": format!("{number:032x}"), "timestamp": 1_700_000_000 + number * 86_400, "platform": "native",
        "release": release, "contexts": {"os": {"name": system, "version": "14.1"}, "device": {"arch": "arm64"}},
        "exception": {"values": [{"type": "SIGSEGV", "stacktrace": {"frames": [
            {"function": function, "filename": "a.c", "lineno": 3, "instruction_addr": "0x10"}]}}]},
    })
    .to_string()
}

fn add(sandbox: &Sandbox, crashes: &[String]) {
    let path = sandbox.write("events.ndjson", crashes.join("\n"));
    assert_eq!(sandbox.run(["crash", "add", path.to_str().unwrap()]).code, 0);
}

/// Titles of the groups that `groups list ARGS` lists, sorted.
fn listed(sandbox: &Sandbox, args: &[&str]) -> Vec<String> {
    let run = sandbox.run([&["groups", "list", "--json"], args].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    let title = |group: &Value| group["title"].as_str().unwrap().to_owned();
    let mut titles: Vec<String> = json_lines(&run.stdout).iter().map(title).collect();
    titles.sort();
    titles
}

fn group(sandbox: &Sandbox, title: &str) -> Value {
    let groups = json_lines(&sandbox.run(["groups", "list", "--json", title]).stdout);
    assert_eq!(groups.len(), 1);
    groups[0].clone()
}

fn id(group: &Value) -> String {
    group["id"].as_str().unwrap().to_owned()
}

fn mark(sandbox: &Sandbox, words: &[&str]) -> Value {
    let run = sandbox.run([&["groups", "--json"], words].concat());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{words:?}");
    json_lines(&run.stdout).remove(0)
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::in_memory();
    add(
        &sandbox,
        &[
            crash(1, "spill", "app@1.9", "Android"),
            crash(2, "spill", "app@1.10", "Android"),
            crash(3, "burst", "app@1.9", "Linux"),
            crash(4, "crack", "app@1.10", "Linux"),
        ],
    );
    sandbox
}

#[test]
fn new_and_regressed() {
    let sandbox = sandbox();
    // 1.10 is the latest release.
    assert_eq!(listed(&sandbox, &["--new"]), ["crack"]);
    assert_eq!(listed(&sandbox, &["--new", "--release", "app@1.9"]), ["burst", "spill"]);
    assert_eq!(listed(&sandbox, &["--regressed"]), Vec::<String>::new());
    let burst = id(&group(&sandbox, "burst"));
    mark(&sandbox, &["resolve", &burst, "--in", "app@1.9"]);
    assert_eq!(listed(&sandbox, &["--regressed"]), Vec::<String>::new());
    add(&sandbox, &[crash(5, "burst", "app@1.10", "Linux")]);
    assert_eq!(listed(&sandbox, &["--regressed"]), ["burst"]);
    assert_eq!(listed(&sandbox, &["--new", "--regressed"]), ["burst", "crack"]);
    let report = json_lines(&sandbox.run(["report", "--json"]).stdout).remove(0);
    let tags = |title: &str| {
        let groups = report["groups"].as_array().unwrap();
        groups.iter().find(|group| group["title"] == title).unwrap()["tags"].clone()
    };
    assert_eq!((tags("burst"), tags("crack")), (json!(["regressed"]), json!(["new"])));
    mark(&sandbox, &["resolve", &burst, "--clear"]);
    assert_eq!(listed(&sandbox, &["--regressed"]), Vec::<String>::new());
}

#[test]
fn groups_by_what_they_ran_on() {
    let sandbox = sandbox();
    for (args, want) in [
        (&["--os", "android"][..], &["spill"][..]),
        (&["--os", "Linux 14"], &["burst", "crack"]),
        (&["--os", "Linux 14.1", "--arch", "aarch64"], &["burst", "crack"]),
        (&["--os", "Lin"], &[]),
        (&["--arch", "x86_64"], &[]),
        // 2023-11-14 22:13:20 and three days.
        (&["--since", "2023-11-17T22:13:20Z"], &["burst", "crack"]),
        (&["--since", "2023-11-18"], &["crack"]),
        (&["--grep", "SPI"], &["spill"]),
    ] {
        assert_eq!(listed(&sandbox, args), want, "{args:?}");
    }
    let shown = sandbox.run(["groups", "show", "--json", &id(&group(&sandbox, "spill"))]).stdout;
    let shown = &json_lines(&shown)[0];
    assert_eq!(shown["systems"], json!({"Android 14.1": 2}));
    assert_eq!(shown["days"], json!({"2023-11-15": 1, "2023-11-16": 1}));
}

#[test]
fn marks_stay_through_merges_undo_and_repair() {
    let sandbox = sandbox();
    let (spill, crack) = (id(&group(&sandbox, "spill")), id(&group(&sandbox, "crack")));
    mark(&sandbox, &["assign", &spill, "mia"]);
    mark(&sandbox, &["note", &spill, "with\ntwo displays"]);
    mark(&sandbox, &["link", &crack, "https://tracker.example.com/17"]);
    let marked = mark(&sandbox, &["note", &crack, "only at night"]);
    assert_eq!(marked["notes"].as_array().unwrap().len(), 1);
    assert_eq!(sandbox.run(["groups", "merge", &spill, &crack]).code, 0);
    let all = |sandbox: &Sandbox| {
        let merged = group(sandbox, "spill");
        assert_eq!(merged["aliases"], json!([crack]));
        assert_eq!(
            (&merged["assignee"], &merged["link"]),
            (&json!("mia"), &json!("https://tracker.example.com/17"))
        );
        assert_eq!(merged["notes"].as_array().unwrap().len(), 2);
    };
    all(&sandbox);
    let history = sandbox.run(["groups", "history", &crack]).stdout;
    assert!(
        history.contains("assigned to mia\n") && history.contains("with\\ntwo displays"),
        "{history}"
    );
    assert_eq!(sandbox.run(["modules", "verify"]).code, 0);
    assert_eq!(sandbox.run(["modules", "repair"]).code, 0);
    all(&sandbox);
    assert_eq!(sandbox.run(["groups", "undo"]).code, 0);
    let (spill, crack) = (group(&sandbox, "spill"), group(&sandbox, "crack"));
    assert_eq!((spill.get("link"), crack.get("assignee")), (None, None));
    assert_eq!(
        (&spill["assignee"], crack["notes"][0]["text"].as_str()),
        (&json!("mia"), Some("only at night"))
    );
    let long = "x".repeat(5_000);
    for words in [
        &["link", &id(&spill), "javascript:x"][..],
        &["note", &id(&spill), ""],
        &["assign", &id(&spill), &long],
    ] {
        assert_eq!(sandbox.run([&["groups"], words].concat()).code, 2, "{words:?}");
    }
}
