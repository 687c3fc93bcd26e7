//! What happens if nothing names the mapping, or a wrong one is named.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};

use serde_json::Value;

use crate::support::{Sandbox, json_lines};
use crate::{done, id, import, original, path, plain, retrace, text};

/// Frames that name no mapping, where there are several.
#[test]
fn nothing_tells_the_mapping() {
    let sandbox = Sandbox::new();
    done(import(&sandbox, &["hall.mapping.txt", "attic.mapping.txt"]));
    let run = retrace(&sandbox, &[&path("plain.trace.txt")]);
    assert_eq!((run.code, run.stdout), (1, text("plain.trace.txt")));
    assert!(
        run.stderr.contains("2 frames name no mapping") && run.stderr.contains("pass --mapping"),
        "{}",
        run.stderr
    );
    // Five candidates are enough.
    for number in 0..7 {
        let file = sandbox.write("mapping.txt", format!("room{number}.Lamp -> a.b:\n"));
        done(sandbox.run(["import", file.to_str().unwrap()]));
    }
    fs::remove_file(sandbox.path("mapping.txt")).unwrap();
    let run = retrace(&sandbox, &["--mapping", "mapping.txt", &path("plain.trace.txt")]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("7 mappings have this name") && run.stderr.contains("and 2 more"),
        "{}",
        run.stderr
    );
    assert_eq!(run.stderr.matches("(imported ").count(), 5, "{}", run.stderr);
}

/// A live log: the lines of an exception wait for the frame that names their mapping, and no
/// longer.
#[test]
fn streams_are_answered_as_they_come() {
    let sandbox = Sandbox::new();
    done(import(&sandbox, &["hall.mapping.txt", "attic.mapping.txt"]));
    let mut child = sandbox.spawn_piped(&["retrace", "-"]);
    let (mut stdin, mut stdout) =
        (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut answer = |text: &str, lines: usize| {
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
        let mut got = String::new();
        for _ in 0..lines {
            stdout.read_line(&mut got).unwrap();
        }
        got
    };
    assert_eq!(answer("beginning of main\n", 1), "beginning of main\n");
    assert_eq!(answer("a word. Without end\nx: y\n", 2), "a word. Without end\nx: y\n");
    assert_eq!(answer(&text("attic.trace.txt"), 3), original("attic"));
    assert_eq!(answer(&text("hall.trace.txt"), 3), original("hall"));
    drop(stdin);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!((rest, child.wait().unwrap().code()), (String::new(), Some(0)));
}

/// `retrace MAPPING TRACE…`, as R8's; the mapping is in the store from then on, if there is one.
#[test]
fn a_mapping_before_the_traces() {
    let sandbox = Sandbox::new();
    let (mapping, trace) = (path("hall.mapping.txt"), path("plain.trace.txt"));
    assert_eq!(done(retrace(&sandbox, &[&mapping, &trace])), plain("hall"));
    assert_eq!(
        json_lines(&done(sandbox.run(["modules", "list", "--json"])))[0]["id"],
        id("hall.mapping.txt")
    );
    assert_eq!(
        done(retrace(&sandbox, &[&mapping, &trace, &path("attic.trace.txt")])),
        plain("hall") + &original("hall")
    );
    let piped = sandbox.run_with_input(&["retrace", &mapping], text("plain.trace.txt").as_bytes());
    assert_eq!((piped.code, piped.stdout), (0, plain("hall")));
    assert_eq!(
        done(sandbox.run(["resolve", "-e", &path("attic.mapping.txt"), "a.b.c:2"])),
        "a.b.c:2: house.attic.Lamp.light at Lamp.kt:12\n"
    );
    assert_eq!(json_lines(&done(sandbox.run(["modules", "list", "--json"]))).len(), 2);
    // Where nothing can be kept.
    let nowhere = Sandbox::new();
    fs::write(nowhere.store(), "no folder").unwrap();
    assert_eq!(done(retrace(&nowhere, &[&mapping, &trace])), plain("hall"));
    assert_eq!(
        done(nowhere.run(["resolve", "-e", &mapping, "a.b.c:2"])),
        "a.b.c:2: house.hall.Lamp.light at Lamp.kt:12\n"
    );
    // A mapping that was cut off is made whole by the file.
    let half = Sandbox::new();
    done(import(&half, &["half.mapping.txt"]));
    assert_eq!(done(retrace(&half, &[&mapping, &path("hall.trace.txt")])), original("hall"));
    // No mapping and nothing to read.
    assert_eq!(sandbox.run(["retrace"]).code, 2);
}

/// A crash that was added with the wrong mapping gets the right one.
#[test]
fn the_wrong_mapping_is_put_right() {
    let sandbox = Sandbox::new();
    done(import(&sandbox, &["hall.mapping.txt", "attic.mapping.txt"]));
    let trace = path("plain.trace.txt");
    let add = |mapping: &str| {
        json_lines(&done(sandbox.run([
            "crash",
            "add",
            "--json",
            "--mapping",
            &id(mapping),
            &trace,
        ])))
    };
    let groups = || json_lines(&done(sandbox.run(["groups", "list", "--json"])));
    let with_crashes =
        || -> Vec<Value> { groups().into_iter().filter(|group| group["crashes"] != 0).collect() };
    assert_eq!(add("attic.mapping.txt")[0]["status"], "added");
    assert_eq!(add("attic.mapping.txt")[0]["status"], "known");
    let told = add("hall.mapping.txt");
    assert_eq!((&told[0]["status"], &told[1]["remapped"]), (&"remapped".into(), &1.into()));
    let found = with_crashes();
    assert_eq!((found.len(), &found[0]["crashes"]), (1, &1.into()));
    assert!(found[0]["title"].as_str().unwrap().contains("house.hall.Lamp.light"), "{found:?}");
    assert_eq!(json_lines(&done(sandbox.run(["crash", "list", "--json"]))).len(), 1);
    // And back again, beside a new one; without a mapping nothing changes.
    let told = json_lines(&done(sandbox.run([
        "crash",
        "add",
        "--json",
        "--mapping",
        &path("attic.mapping.txt"),
        &trace,
        &path("hall.trace.txt"),
    ])));
    assert_eq!((&told[0]["status"], &told[1]["status"]), (&"remapped".into(), &"added".into()));
    assert_eq!(
        json_lines(&done(sandbox.run(["crash", "add", "--json", &trace])))[0]["status"],
        "known"
    );
    assert_eq!(with_crashes().len(), 2);
    done(sandbox.run(["reprocess", "--all"]));
    assert_eq!(with_crashes().len(), 2);
    let shown = json_lines(&done(sandbox.run(["crash", "list", "--json"])));
    assert_eq!(shown.len(), 2);
}

/// `type`, `module` and `value` of Sentry's exceptions.
#[test]
fn exceptions_of_events() {
    let sandbox = Sandbox::new();
    let id = "550e8400-e29b-41d4-a716-446655440000";
    done(sandbox.run(["import", "--id", id, &path("hall.mapping.txt")]));
    let event = format!(
        r#"{{"event_id":"{:032x}","platform":"java","exception":{{"values":[{{"type":"x","module":"a","value":"a.b is dark","stacktrace":{{"frames":[{{"module":"a.b","function":"c","lineno":3000000000,"filename":"X"}},{{"module":"a.b","function":"c","lineno":2,"filename":"X"}}]}}}}]}},"debug_meta":{{"images":[{{"type":"proguard","uuid":"{}"}}]}}}}"#,
        1, id
    );
    let file = sandbox.write("event.json", event);
    let told: Value =
        serde_json::from_str(&done(sandbox.run(["symbolicate", file.to_str().unwrap()]))).unwrap();
    let exception = &told["exception"]["values"][0];
    assert_eq!(
        (&exception["type"], &exception["module"], &exception["value"]),
        (&"Dark".into(), &"house.hall".into(), &"house.hall.Lamp is dark".into())
    );
    let frames = &exception["stacktrace"]["frames"];
    assert_eq!(
        (&frames[1]["module"], &frames[1]["function"], &frames[1]["lineno"]),
        (&"house.hall.Lamp".into(), &"light".into(), &12.into())
    );
    // No line has such a number: the method is known, its line is not.
    assert_eq!((&frames[0]["function"], frames[0].get("lineno")), (&"light".into(), None));
}
