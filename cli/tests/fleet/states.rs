//! States as files, and what groups they say.

use serde_json::Value;

use crate::{Story, lines, text};

fn story() -> (Story, std::path::PathBuf) {
    let story = Story::of_rules();
    story.add();
    story.symtool(&story.with_rules(1, &["reprocess"]));
    let state = story.sandbox.path("groups.state");
    story.symtool(&["groups", "state", "-o", text(&state)]);
    (story, state)
}

#[test]
fn a_state_that_was_cut_is_refused() {
    let (story, state) = story();
    let whole = std::fs::read_to_string(&state).unwrap();
    let listed = |text: &str| {
        let file = story.sandbox.write("cut.state", text);
        story.sandbox.run(["groups", "list", "--state", file.to_str().unwrap()])
    };
    assert_eq!(listed(&whole).code, 0);
    let mut cut = whole.lines().collect::<Vec<_>>();
    cut.pop();
    for (wrong, fact) in [
        (lines(&cut), "of its"),
        (String::new(), "the state is empty"),
        (lines(&cut[1..]), "no state of groups begins like this"),
        (whole.replacen(r#""groups":1"#, r#""groups":2"#, 1), "version 2"),
        (whole.clone() + "{}\n", "line"),
    ] {
        let run = listed(&wrong);
        assert_eq!(run.code, 1, "{fact}");
        assert!(run.stderr.contains(fact) && run.stderr.contains("cut.state"), "{}", run.stderr);
    }
}

#[test]
fn lines_that_count_nothing_are_refused() {
    let (story, state) = story();
    let known = std::fs::read_to_string(&state).unwrap();
    let known: Value = serde_json::from_str(known.lines().nth(1).unwrap()).unwrap();
    let id = known["fingerprint"].as_str().unwrap();
    let next = story.sandbox.path("next.state");
    let plan = |tallies: &str, flows: &str| {
        let [tallies, flows] =
            [("t", tallies), ("f", flows)].map(|(name, text)| story.sandbox.write(name, text));
        story.sandbox.run([
            "groups",
            "plan",
            "--state",
            text(&state),
            "--tallies",
            text(&tallies),
            "--flows",
            text(&flows),
            "-o",
            text(&next),
        ])
    };
    let line = format!(r#"{{"fingerprint":"{id}"}}"#);
    let flow = format!(r#"{{"from":"{id}","fingerprint":"{id}"}}"#);
    let new = format!(r#"{{"fingerprint":"s{}"}}"#, "0".repeat(32));
    for (tallies, flows, fact) in [
        (flow.as_str(), "", "is a flow"),
        ("", line.as_str(), "needs `from`"),
        ("nonsense", "", "line 1"),
        (r#"{"fingerprint":"x"}"#, "", "is no fingerprint"),
        (new.as_str(), "", "nothing says what this fingerprint is made of"),
    ] {
        let run = plan(tallies, flows);
        assert_eq!(run.code, 1, "{fact}: {}", run.stderr);
        assert!(run.stderr.contains(fact), "{fact}: {}", run.stderr);
        assert!(!next.exists(), "{fact}");
    }
    // A part that is missing is told.
    let run = plan(&line, "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("are not counted"), "{}", run.stderr);
}

#[test]
fn fingerprints_and_crashes_have_groups() {
    let (story, state) = story();
    let state = text(&state);
    let crashes = story.symtool(&["crash", "list", "--json"]);
    let crashes: Vec<Value> =
        crashes.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let args = ["worker", "assess"];
    let assessed = story.sandbox.run_with_input(&args, lines(&story.lines).as_bytes()).stdout;
    let of = story
        .sandbox
        .run_with_input(&["--json", "groups", "of", "--state", state, "-"], assessed.as_bytes());
    assert_eq!(of.code, 0, "{}", of.stderr);
    let mut compared = 0;
    for line in of.stdout.lines() {
        let told: Value = serde_json::from_str(line).unwrap();
        let crash = crashes.iter().find(|crash| crash["id"] == told["crash"]).unwrap();
        assert_eq!(told["group"], crash["group"]);
        let (id, fingerprint) =
            (told["crash"].as_str().unwrap(), told["fingerprint"].as_str().unwrap());
        let by_store = story.symtool(&["groups", "of", id, fingerprint]);
        let group = told["group"].as_str().unwrap();
        assert_eq!(by_store, format!("{id}  {group}\n{fingerprint}  {group}\n"));
        compared += 1;
    }
    assert_eq!(compared, 7);
    let unknown = format!("s{}", "0".repeat(32));
    let run = story.sandbox.run(["groups", "of", "--state", state, &unknown]);
    assert_eq!((run.code, run.stdout), (1, format!("{unknown}  -\n")));
    assert_eq!(story.sandbox.run(["groups", "of", "--state", state, "x"]).code, 2);
}
