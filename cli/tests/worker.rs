//! `symtool worker`: a line in, a line out, the same however the lines are cut into parts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::io::{BufRead, BufReader, Write};

use serde_json::Value;
use support::events::{Build, event};
use support::{Run, Sandbox, object};

const FIXTURE: &str = "cpp-gcc-O0-dwarf5.so";

fn sandbox() -> (Sandbox, Build) {
    (Sandbox::store_of(&object(FIXTURE)), Build::of(FIXTURE))
}

/// Lines with reports and without.
fn reports(build: &Build) -> Vec<String> {
    let names = build.names();
    let mut lines: Vec<String> = (0..7)
        .map(|number| {
            let one = usize::try_from(number).unwrap() % names.len();
            event(number, build, &[names[one], names[(one + 1) % names.len()]])
        })
        .collect();
    lines.insert(0, "garbage".to_owned());
    lines.insert(4, String::new());
    lines.push("[1]".to_owned());
    lines.push("{\"a\":".to_owned());
    lines
}

/// Jobs, each with its lines.
fn jobs(build: &Build) -> [(&'static str, Vec<String>); 3] {
    [("symbolicate", reports(build)), ("assess", reports(build)), ("resolve", requests(build))]
}

fn requests(build: &Build) -> Vec<String> {
    let mut lines: Vec<String> = build
        .names()
        .iter()
        .map(|name| format!("{FIXTURE}+{:#x}", build.in_function(name)))
        .collect();
    lines.insert(0, "zz zz zz zz".to_owned());
    lines.insert(2, String::new());
    lines.insert(3, "# a comment".to_owned());
    lines.push("elsewhere.so+0x10".to_owned());
    lines.push(format!("{FIXTURE} 0xffffffffff"));
    lines.push("0x10".to_owned());
    lines
}

fn work(sandbox: &Sandbox, args: &[&str], lines: &[String]) -> Vec<String> {
    let args = [&["worker"], args].concat();
    let input: String = lines.iter().map(|line| line.clone() + "\n").collect();
    let run = sandbox.run_with_input(&args, input.as_bytes());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{args:?}");
    run.stdout.lines().map(str::to_owned).collect()
}

fn statuses(answers: &[String]) -> Vec<String> {
    let status = |answer: &String| {
        let answer: Value = serde_json::from_str(answer).unwrap();
        answer["status"].as_str().unwrap().to_owned()
    };
    answers.iter().map(status).collect()
}

/// One part, or a few: the answers are those of the lines.
#[test]
fn answers_do_not_depend_on_the_part() {
    let (sandbox, build) = sandbox();
    for (job, lines) in jobs(&build) {
        let whole = work(&sandbox, &[job], &lines);
        assert_eq!(whole.len(), lines.len(), "{job}");
        for size in [1, 3] {
            let parts: Vec<String> =
                lines.chunks(size).flat_map(|part| work(&sandbox, &[job], part)).collect();
            assert_eq!(parts, whole, "{job} by {size}");
        }
        let backwards: Vec<String> = lines.iter().rev().cloned().collect();
        let mut answers = work(&sandbox, &[job, "-j", "1"], &backwards);
        answers.reverse();
        assert_eq!(answers, whole, "{job} backwards");
    }
}

#[test]
fn a_line_that_is_wrong_costs_itself() {
    let (sandbox, build) = sandbox();
    let lines = reports(&build);
    let answers = work(&sandbox, &["symbolicate"], &lines);
    for ((line, answer), status) in lines.iter().zip(&answers).zip(statuses(&answers)) {
        let answer: Value = serde_json::from_str(answer).unwrap();
        if line.starts_with("{\"event_id\"") {
            assert_eq!(status, "ok", "{line}");
            // What `symbolicate` makes of the report alone.
            let alone = sandbox.run_with_input(&["symbolicate", "-"], line.as_bytes()).stdout;
            assert_eq!(answer["report"], serde_json::from_str::<Value>(&alone).unwrap());
            let frames = &answer["report"]["exception"]["values"][0]["stacktrace"]["frames"];
            assert!(frames[0]["function"].is_string(), "{answer}");
        } else {
            assert_eq!(status, "malformed", "{line}");
            assert!(answer["error"].is_string() && answer.get("report").is_none(), "{answer}");
        }
    }
    let answers = work(&sandbox, &["resolve"], &requests(&build));
    let statuses = statuses(&answers);
    assert_eq!(statuses[0], "malformed");
    assert_eq!(statuses[2..4], ["malformed", "malformed"]);
    assert_eq!(statuses[statuses.len() - 3..], ["no_module", "no_range", "no_module"]);
    assert!(statuses[4..statuses.len() - 3].iter().all(|status| status == "ok"), "{statuses:?}");
}

/// The answers of `resolve`, but for what names the request.
/// However much of a long line is read at once, its answer is the same.
#[test]
fn a_long_line_is_malformed_in_any_piece() {
    let (sandbox, _) = sandbox();
    let line = format!("{}+0x10", "x".repeat(70_000));
    let want = work(&sandbox, &["resolve"], std::slice::from_ref(&line));
    assert_eq!(statuses(&want), ["malformed"]);
    let lines: Vec<String> = std::iter::repeat_n(line, 9).collect();
    for answer in work(&sandbox, &["resolve"], &lines) {
        assert_eq!(answer, want[0]);
    }
}

#[test]
fn addresses_are_those_of_resolve() {
    let (sandbox, build) = sandbox();
    let lines = requests(&build);
    let input = lines.join("\n");
    let resolved = sandbox.run_with_input(&["resolve", "--batch", "-", "--json"], input.as_bytes());
    let mut wanted: Vec<Value> =
        resolved.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut compared = 0;
    for (line, answer) in lines.iter().zip(work(&sandbox, &["resolve"], &lines)) {
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer.as_object_mut().unwrap().remove("request").unwrap(), **line);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut want = wanted.remove(0);
        want.as_object_mut().unwrap().remove("line").unwrap();
        assert_eq!(answer, want, "{line}");
        compared += 1;
    }
    assert!(compared > 5 && wanted.is_empty());
}

#[test]
fn texts_and_keys_come_back() {
    let (sandbox, build) = sandbox();
    let name = build.names()[0];
    let log = format!("  #00 pc {:016x}  /data/{FIXTURE}\n", build.in_function(name));
    let text = format!("*** *** *** *** *** *** ***\nbacktrace:\n{log}");
    let lines = [
        serde_json::json!({ "report": event(1, &build, &[name]), "key": [7, "a"] }).to_string(),
        serde_json::json!({ "report": text, "key": null }).to_string(),
        serde_json::json!({ "report": "nothing", "key": { "day": 1 } }).to_string(),
    ];
    let answers = work(&sandbox, &["symbolicate"], &lines);
    let answers: Vec<Value> =
        answers.iter().map(|answer| serde_json::from_str(answer).unwrap()).collect();
    assert_eq!(answers[0]["key"], serde_json::json!([7, "a"]));
    let report: Value = serde_json::from_str(answers[0]["report"].as_str().unwrap()).unwrap();
    assert_eq!(report["event_id"], format!("{:032x}", 1));
    assert!(answers[1]["report"].as_str().unwrap().starts_with("*** ***"), "{}", answers[1]);
    assert_eq!(answers[2]["status"], "malformed");
    assert_eq!(answers[2]["key"], serde_json::json!({ "day": 1 }));
}

#[test]
fn the_last_line_counts_the_others() {
    let (sandbox, build) = sandbox();
    for (job, lines) in jobs(&build) {
        for count in [0, 1, lines.len()] {
            let answers = work(&sandbox, &[job, "--end-row"], &lines[..count]);
            assert_eq!(answers.len(), count + 1);
            assert_eq!(answers[count], format!("{{\"status\":\"end\",\"rows\":{count}}}"));
        }
    }
}

/// Whoever gives one line and waits gets its answer.
#[test]
fn answers_come_when_the_input_pauses() {
    let (sandbox, build) = sandbox();
    for (job, lines) in jobs(&build) {
        let mut worker = sandbox.spawn_piped(&["worker", job]);
        let mut input = worker.stdin.take().unwrap();
        let mut output = BufReader::new(worker.stdout.take().unwrap());
        for line in &lines[..3] {
            writeln!(input, "{line}").unwrap();
            let mut answer = String::new();
            output.read_line(&mut answer).unwrap();
            assert!(answer.ends_with("}\n"), "{answer}");
        }
        drop(input);
        assert_eq!(Run::of(worker.wait_with_output().unwrap()).code, 0);
    }
}

/// A store that is not there stays so, and so does wrong usage. What may pass is 75: a busy store
/// in `fleet/shards.rs`, which errors in `core/store/src/database/error.rs`.
#[test]
fn exit_codes_say_that_trying_again_does_not_help() {
    let (sandbox, _) = sandbox();
    for job in ["symbolicate", "resolve", "assess"] {
        let nowhere = Sandbox::new().run(["worker", job]);
        assert_eq!(nowhere.code, 3, "{}", nowhere.stderr);
        assert!(nowhere.stderr.contains("no store here"), "{}", nowhere.stderr);
        assert_eq!(sandbox.run(["worker", job, "--unknown"]).code, 2);
        assert_eq!(sandbox.run(["worker", job]).code, 0);
    }
}
