//! Frames get their names, and nothing else changes.

use std::io::{BufRead, BufReader, Read, Write};

use crate::support::events::{Build, event};
use crate::support::{Sandbox, json_lines, testdata};
use crate::{add, reports};

#[test]
fn filters_pass_their_input_on_where_there_is_no_store() {
    let sandbox = Sandbox::new();
    let report = std::fs::read(testdata("crashes/java-plain.txt")).unwrap();
    for filter in ["symbolicate", "retrace"] {
        let run = sandbox.run_with_input(&[filter, "-"], &report);
        assert_eq!((run.code, run.stdout.as_bytes() == report), (0, true), "{filter}");
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        assert!(
            run.stderr.contains("no store here") && run.stderr.contains("passed through unchanged"),
            "{}",
            run.stderr
        );
        assert!(!sandbox.store().exists());
        // Who names a file waits for an answer.
        let path = testdata("crashes/java-plain.txt");
        assert_eq!(sandbox.run([filter.as_ref(), path.as_os_str()]).code, 3);
    }
}

#[test]
fn symbols_name_frames_when_they_are_there() {
    let sandbox = Sandbox::new();
    let build = Build::of("c-gcc-O0-dwarf5.so");
    sandbox.import(&build.name);
    let file =
        sandbox.write("event.json", event(1, &build, &["primary", "expression", "grammar_eval"]));
    assert_eq!(add(&sandbox, &[&file]).code, 0);
    let crash = &json_lines(&sandbox.run(["crash", "list", "--json"]).stdout)[0];
    assert_eq!((&crash["frames"], &crash["resolved"]), (&3.into(), &3.into()));
    let group = &json_lines(&sandbox.run(["groups", "list", "--json"]).stdout)[0];
    assert_eq!(
        (&group["title"], &group["kind"], &group["crashes"]),
        (&"primary".into(), &"resolved".into(), &1.into())
    );
    let shown = sandbox.run(["crash", "show", crash["id"].as_str().unwrap()]).stdout;
    for line in ["#0 primary at ", "#1 expression at ", "#2 grammar_eval at "] {
        assert!(shown.contains(line), "{shown}");
    }
    let json = &json_lines(
        &sandbox.run(["crash", "show", "--json", crash["id"].as_str().unwrap()]).stdout,
    )[0];
    assert_eq!(json["signature"], serde_json::json!(["primary", "expression", "grammar_eval"]));
    assert_eq!(json["frames"][1]["source"], "store");
}

#[test]
fn symbolicate_changes_what_it_can_resolve_and_nothing_else() {
    let sandbox = Sandbox::new();
    let build = Build::of("c-gcc-O0-dwarf5.so");
    sandbox.import(&build.name);
    // Nothing of these is in the store.
    for path in reports() {
        let bytes = std::fs::read(&path).unwrap();
        let run = sandbox.command().arg("symbolicate").arg(&path).output().unwrap();
        let has_cut_line = path.ends_with("sentry.ndjson") || path.ends_with("apple-nonfatal.ips");
        assert_eq!(run.status.code(), Some(i32::from(has_cut_line)), "{}", path.display());
        assert!(run.stdout == bytes, "{}", path.display());
    }
    // Several reports, and something that is none.
    let (one, two) = (event(1, &build, &["primary", "expression"]), event(2, &build, &["probe"]));
    let run = sandbox
        .run_with_input(&["symbolicate", "-"], format!("{one}\n{{\"cut\": \n{two}\n").as_bytes());
    assert_eq!(run.code, 1, "{}", run.stderr);
    let lines: Vec<&str> = run.stdout.split('\n').collect();
    assert_eq!(lines[1], "{\"cut\": ", "{}", run.stdout);
    for (line, function) in [(lines[0], "primary"), (lines[2], "probe")] {
        let resolved: serde_json::Value = serde_json::from_str(line).unwrap();
        let frames = resolved["exception"]["values"][0]["stacktrace"]["frames"].as_array().unwrap();
        assert_eq!(frames.last().unwrap()["function"], function);
    }
}

#[test]
fn a_live_log_is_resolved_line_by_line() {
    let sandbox = Sandbox::new();
    let build = Build::of("c-gcc-O0-dwarf5.so");
    sandbox.import(&build.name);
    let modules = json_lines(&sandbox.run(["modules", "list", "--json"]).stdout);
    let id = modules[0]["id"].as_str().unwrap();
    let mut child = sandbox.spawn_piped(&["symbolicate", "-"]);
    let mut stdin = child.stdin.take().unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap());
    let prefix = "11-22 10:00:00.123  1000  1000 F DEBUG   : ";
    let address = build.in_function("primary");
    let mut ask = |line: &str| {
        writeln!(stdin, "{line}").unwrap();
        let mut answer = String::new();
        told.read_line(&mut answer).unwrap();
        answer
    };
    assert_eq!(
        ask("11-22 10:00:00.100  1000  1000 I App     : hello"),
        "11-22 10:00:00.100  1000  1000 I App     : hello\n"
    );
    let frame = ask(&format!(
        "{prefix}      #00 pc {address:016x}  /data/app/lib/{} (BuildId: {id})",
        build.name
    ));
    assert!(frame.starts_with(prefix) && frame.contains("(primary+"), "{frame}");
    drop(stdin);
    let mut rest = frame;
    told.read_to_string(&mut rest).unwrap();
    assert!(
        rest.contains("primary at /src/c/grammar.y:")
            && rest.lines().all(|line| line.starts_with(prefix)),
        "{rest}"
    );
    assert!(child.wait().unwrap().success());
}
