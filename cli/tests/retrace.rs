//! Which mapping a trace is retraced by, and how: by files, ids and what R8 writes into programs,
//! in texts and in streams.
//!
//! The mappings and traces are those of `testdata/mapping/builds.py`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Run, Sandbox, json_lines};

fn build(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/mapping/builds").join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(build(name)).unwrap()
}

/// The id of a mapping, as its head has it.
fn id(name: &str) -> String {
    let text = text(name);
    text.lines().find_map(|line| line.strip_prefix("# pg_map_hash: SHA-256 ")).unwrap().to_owned()
}

fn done(run: Run) -> String {
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout
}

fn import(sandbox: &Sandbox, names: &[&str]) -> Run {
    let paths = names.iter().map(|name| build(name).to_str().unwrap().to_owned());
    sandbox.run(std::iter::once("import".to_owned()).chain(paths))
}

fn retrace(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.run(std::iter::once(&"retrace").chain(args))
}

fn path(name: &str) -> String {
    build(name).to_str().unwrap().to_owned()
}

/// What the traces stand for, in the house with this name.
fn original(room: &str) -> String {
    format!(
        "house.{room}.Dark: dark\n\tat house.{room}.Lamp.light(Lamp.kt:12)\n\tat house.{room}.Lamp$Bulb.glow(Lamp.kt:7)\n"
    )
}

fn plain(room: &str) -> String {
    format!(
        "java.lang.IllegalStateException: dark\n\tat house.{room}.Lamp.light(Lamp.kt:12)\n\tat house.{room}.Lamp$Bulb.glow(Lamp.kt:7)\n"
    )
}

/// A path is the mapping in that file, whatever others are called.
#[test]
fn a_path_is_that_file() {
    let sandbox = Sandbox::new();
    for room in ["hall", "attic"] {
        fs::create_dir(sandbox.path(room)).unwrap();
        fs::copy(build(&format!("{room}.mapping.txt")), sandbox.path(room).join("mapping.txt"))
            .unwrap();
    }
    let mapping = |room: &str| sandbox.path(room).join("mapping.txt").to_str().unwrap().to_owned();
    done(sandbox.run(["import", &mapping("attic")]));
    let trace = path("plain.trace.txt");
    let other = retrace(&sandbox, &["--mapping", &mapping("hall"), &trace]);
    assert_eq!((other.code, &*other.stdout), (1, ""), "{}", other.stderr);
    assert!(other.stderr.contains("is not in the store; import it"), "{}", other.stderr);
    let symbolicated = sandbox.run(["symbolicate", "--mapping", &mapping("hall"), &trace]);
    assert_eq!((symbolicated.code, &*symbolicated.stdout), (1, ""));
    done(sandbox.run(["import", &mapping("hall")]));
    for room in ["hall", "attic"] {
        assert_eq!(done(retrace(&sandbox, &["--mapping", &mapping(room), &trace])), plain(room));
        let resolved = done(sandbox.run(["resolve", "--module", &mapping(room), "a.b.c:2"]));
        assert_eq!(resolved, format!("a.b.c:2: house.{room}.Lamp.light at Lamp.kt:12\n"));
    }
    // A name that both have.
    let both = retrace(&sandbox, &["--mapping", "mapping.txt", &trace]);
    assert_eq!(both.code, 1);
    assert!(
        both.stderr.contains("2 mappings have this name: ")
            && both.stderr.contains("pass an id or a path"),
        "{}",
        both.stderr
    );
    // Nothing is there.
    let none = retrace(&sandbox, &["--mapping", "nowhere/mapping.txt", &trace]);
    assert_eq!(none.code, 1);
    assert!(none.stderr.contains("nowhere/mapping.txt: no such file"), "{}", none.stderr);
    done(sandbox.run(["modules", "remove", &mapping("hall")]));
    assert_eq!(
        json_lines(&done(sandbox.run(["modules", "list", "--json"])))[0]["id"],
        id("attic.mapping.txt")
    );
}

/// R8 writes a mapping without classes for a program in which nothing is renamed.
#[test]
fn a_mapping_without_classes() {
    let sandbox = Sandbox::new();
    done(import(&sandbox, &["none.mapping.txt", "hall.mapping.txt"]));
    done(import(&sandbox, &["none.mapping.txt"]));
    let listed = done(sandbox.run(["modules", "list"]));
    assert!(
        listed.contains(&id("none.mapping.txt")) && listed.contains(&id("hall.mapping.txt")),
        "{listed}"
    );
    assert_eq!(done(retrace(&sandbox, &[&path("hall.trace.txt")])), original("hall"));
    assert_eq!(done(retrace(&sandbox, &[&path("none.trace.txt")])), text("none.trace.txt"));
    done(sandbox.run(["modules", "verify"]));
    let exported = sandbox.path("none.segment");
    done(sandbox.run([
        "modules",
        "export",
        &id("none.mapping.txt"),
        "-o",
        exported.to_str().unwrap(),
    ]));
    let other = Sandbox::new();
    done(other.run(["import", exported.to_str().unwrap()]));
    assert_eq!(json_lines(&done(other.run(["modules", "list", "--json"]))).len(), 1);
    done(sandbox.run(["modules", "remove", &id("none.mapping.txt")]));
    // Alone in a new store.
    let alone = Sandbox::new();
    done(import(&alone, &["none.mapping.txt"]));
    assert_eq!(done(retrace(&alone, &[&path("plain.trace.txt")])), text("plain.trace.txt"));
}

/// `pg_map_hash` tells whether a mapping is all of what R8 wrote. Compose appends to it.
#[test]
fn half_a_mapping_is_told() {
    for (name, is_told) in
        [("half.mapping.txt", true), ("hall.mapping.txt", false), ("compose.mapping.txt", false)]
    {
        let sandbox = Sandbox::new();
        let run = import(&sandbox, &[name]);
        assert_eq!(
            (run.code, run.stderr.contains("cut off or changed")),
            (0, is_told),
            "{name}: {}",
            run.stderr
        );
        let shown = done(sandbox.run(["modules", "show", &id(name)]));
        assert_eq!(shown.contains("warning     its contents"), is_told, "{shown}");
    }
    let sandbox = Sandbox::new();
    done(import(&sandbox, &["half.mapping.txt"]));
    done(import(&sandbox, &["hall.mapping.txt"]));
    assert_eq!(done(retrace(&sandbox, &[&path("hall.trace.txt")])), original("hall"));
}

/// Older R8 calls a mapping by the first seven digits of its hash.
#[test]
fn seven_digits() {
    let sandbox = Sandbox::new();
    done(import(&sandbox, &["old.mapping.txt", "hall.mapping.txt"]));
    let want = "a.x: dark\n\tat house.old.Lamp.light(Lamp.java:5)\n";
    let trace = path("old.trace.txt");
    assert_eq!(done(retrace(&sandbox, &[&trace])), want);
    let id = id("old.mapping.txt");
    for name in [&id, &id[..7], &id[..12]] {
        assert_eq!(done(retrace(&sandbox, &[&trace, "--mapping", name])), want, "{name}");
    }
    done(sandbox.run(["crash", "add", &trace]));
    let group = json_lines(&done(sandbox.run(["groups", "list", "--json"]))).remove(0);
    assert_eq!(
        (&group["title"], &group["kind"]),
        (&"a.x in house.old.Lamp.light".into(), &"resolved".into())
    );
    // Another mapping whose id begins so.
    let other = sandbox.write(
        "other.txt",
        format!("# compiler: R8\n# pg_map_id: {}0\nother.Lamp -> q.b:\n", &id[..7]),
    );
    done(sandbox.run(["import", other.to_str().unwrap()]));
    let run = retrace(&sandbox, &[&trace]);
    assert_eq!((run.code, &*run.stdout), (1, &*text("old.trace.txt")));
    assert!(
        run.stderr.contains("several ids begin like this") && run.stderr.contains(&id[..12]),
        "{}",
        run.stderr
    );
}

/// Each trace of a text is of the build that its frames name; what precedes them is, too.
#[test]
fn traces_of_several_builds() {
    let sandbox = Sandbox::new();
    done(import(&sandbox, &["hall.mapping.txt", "attic.mapping.txt"]));
    let both = original("hall") + &original("attic");
    assert_eq!(done(retrace(&sandbox, &[&path("two.trace.txt")])), both);
    assert_eq!(done(retrace(&sandbox, &[&path("hall.trace.txt"), &path("attic.trace.txt")])), both);
    assert_eq!(done(sandbox.run(["symbolicate", &path("two.trace.txt")])), both);
    // Frames before the first that names it, causes and other lines.
    let file = |name: &str| format!("r8-map-id-{}", id(name));
    let (hall, attic) = (file("hall.mapping.txt"), file("attic.mapping.txt"));
    let log = format!(
        "I/App: a.x: only said\nE/App: a.x: dark\nE/App: more of it\nE/App: \tat java.util.Objects.check(Objects.java:9)\nE/App: \tat a.b.c({hall}:2)
E/App: Caused by: a.x: c\nE/App: \tat a.b$a.a(SourceFile:1)\nE/App: \t... 3 more\nE/App: a.x: lit\nE/App: \tat a.b.c({attic}:1)\nE/App: \tat a.b.c({attic}:3)\n"
    );
    let want = "I/App: house.hall.Dark: only said\nE/App: house.hall.Dark: dark\nE/App: more of it\nE/App: \tat java.util.Objects.check(Objects.java:9)
E/App: \tat house.hall.Lamp.light(Lamp.kt:12)\nE/App: Caused by: house.hall.Dark: c\nE/App: \tat house.hall.Lamp$Bulb.glow(Lamp.kt:7)
E/App: \t... 3 more\nE/App: house.attic.Dark: lit\nE/App: \tat house.attic.Lamp.light(Lamp.kt:11)\nE/App: \tat house.attic.Lamp.light(Lamp.kt:13)\n";
    let run = sandbox.run_with_input(&["retrace", "-"], log.as_bytes());
    assert_eq!((run.code, &*run.stdout), (0, want), "{}", run.stderr);
    // Much of it, on any number of threads.
    let (log, want) = (log.repeat(20_000), want.repeat(20_000));
    let file = sandbox.write("log.txt", &log);
    for jobs in ["1", "4"] {
        let got = done(retrace(&sandbox, &["-j", jobs, file.to_str().unwrap()]));
        assert!(got == want, "{jobs} threads");
        let piped = sandbox.run_with_input(&["retrace", "-j", jobs, "-"], log.as_bytes());
        assert!(piped.stdout == want, "{jobs} threads, piped: {}", piped.stderr);
    }
    // What one says overrides what frames say.
    assert_eq!(
        done(retrace(&sandbox, &["--mapping", &id("attic.mapping.txt"), &path("hall.trace.txt")])),
        original("attic")
    );
    // A build that is not there stays as it is, and is told.
    done(sandbox.run(["modules", "remove", &id("hall.mapping.txt")]));
    let run = retrace(&sandbox, &[&path("two.trace.txt")]);
    assert_eq!((run.code, run.stdout), (1, text("hall.trace.txt") + &original("attic")));
    assert!(
        run.stderr.contains(&format!(
            "the mapping {}, which is not in the store",
            id("hall.mapping.txt")
        )),
        "{}",
        run.stderr
    );
}

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

#[test]
fn partition_maps() {
    let sandbox = Sandbox::new();
    let (map, trace) = (path("hall.partition.zip"), path("plain.trace.txt"));
    assert_eq!(done(retrace(&sandbox, &["--partition-map", &map, &trace])), plain("hall"));
    assert_eq!(done(retrace(&sandbox, &[&path("hall.trace.txt")])), original("hall"));
    // The source file of an inlined class is in a note of its own.
    let inlined = sandbox.run_with_input(&["retrace", "-"], b"\tat a.b.c(X:4)\n");
    assert_eq!(
        inlined.stdout,
        "\tat house.hall.Wick.trim(Wicks.kt:5)\n\tat house.hall.Lamp.light(Lamp.kt:14)\n"
    );
    assert_eq!(json_lines(&done(sandbox.run(["modules", "list", "--json"]))).len(), 1);
    let imported = json_lines(&done(sandbox.run(["import", "--json", &map]))).remove(0);
    assert_eq!(
        (&imported["status"], &imported["module"]["id"]),
        (&"unchanged".into(), &id("hall.mapping.txt").into())
    );
    let wrong = retrace(&sandbox, &["--partition-map", &trace, &trace]);
    assert_eq!(wrong.code, 1);
    assert!(
        wrong.stderr.contains("not a mapping: line 1 is neither a class nor a member"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn verbose_and_expressions() {
    let sandbox = Sandbox::new();
    let (mapping, trace) = (path("hall.mapping.txt"), path("plain.trace.txt"));
    let verbose = "java.lang.IllegalStateException: dark\n\tat house.hall.Lamp.void light(int)(Lamp.kt:12)\n\tat house.hall.Lamp$Bulb.void glow()(Lamp.kt:7)\n";
    assert_eq!(done(retrace(&sandbox, &["--verbose", &mapping, &trace])), verbose);
    let line = sandbox.write("line.txt", "[2] a.b#c line 2\n[3] a.b.c(X:2)\n");
    let args = ["--regex", r"\[\d+\] %c#%m line %l", &mapping, line.to_str().unwrap()];
    assert_eq!(
        done(retrace(&sandbox, &args)),
        "[2] house.hall.Lamp#light line 12\n[3] a.b.c(X:2)\n"
    );
    for (regex, told) in [
        ("(", "no regular expression"),
        ("%f", "fields of mappings are not kept"),
        ("%z", "%z stands for nothing"),
    ] {
        let run = retrace(&sandbox, &["--regex", regex, &mapping, &trace]);
        assert_eq!(run.code, 1);
        assert!(run.stderr.contains(told), "{}", run.stderr);
    }
}

/// Errors for files that should be mappings.
#[test]
fn files_that_are_no_mappings() {
    let sandbox = Sandbox::new();
    done(import(&sandbox, &["hall.mapping.txt"]));
    let whole = text("hall.mapping.txt");
    let utf16: Vec<u8> =
        "\u{feff}".encode_utf16().chain(whole.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let trace = path("plain.trace.txt");
    for (name, bytes, told) in [
        (
            "mapping.txt.gz",
            b"\x1f\x8b\x08\0\0\0\0\0".to_vec(),
            "not a mapping: it is packed by gzip; unpack it first: gzip -d",
        ),
        ("mapping16.txt", utf16, "not a mapping: it is UTF-16 text; convert it first: iconv"),
        ("proguard.map", b"\0\x01\x02".to_vec(), "not a mapping: it is no text"),
        (
            "mapping-broken.txt",
            b"<html>\n<body>\n".to_vec(),
            "not a mapping: line 1 is neither a class nor a member",
        ),
        ("mapping-empty.txt", Vec::new(), "is empty"),
    ] {
        let file = sandbox.write(name, bytes);
        let file = file.to_str().unwrap();
        for args in [
            &["import", file][..],
            &["retrace", "--mapping", file, &trace],
            &["retrace", file, &trace],
            &["resolve", "-e", file, "a.b.c:2"],
            &["symbolicate", "--mapping", file, &trace],
            &["crash", "add", "--mapping", file, &trace],
        ] {
            let run = sandbox.run(args);
            // What is packed is unpacked there.
            let is_unpacked = name == "mapping.txt.gz" && args[0] == "import";
            let told = if is_unpacked { "damaged archive (its header ends early)" } else { told };
            assert!(
                run.code != 0 && run.stderr.contains(told),
                "{args:?}: {} {}",
                run.code,
                run.stderr
            );
        }
    }
}

/// `unknown` where the mapping has the class alone.
#[test]
fn unknown_methods_and_lines() {
    let sandbox = Sandbox::new();
    done(import(&sandbox, &["hall.mapping.txt"]));
    let name = id("hall.mapping.txt");
    let resolve = |args: &[&str]| sandbox.run(["resolve", "--module", &name].iter().chain(args));
    let told = json_lines(&done(resolve(&[
        "--json", "a.b.c:2", "a.b.c:99", "a.b.zz:1", "a.b.c", "q.q:1",
    ])));
    let status: Vec<&str> = told.iter().map(|line| line["status"].as_str().unwrap()).collect();
    assert_eq!(status, ["ok", "unknown", "unknown", "ok", "no_range"]);
    assert_eq!(
        (&told[1]["frames"][0]["function"], &told[1]["frames"][0]["line"]),
        (&"house.hall.Lamp.c".into(), &99.into())
    );
    assert_eq!(done(resolve(&["a.b.c:99"])), "a.b.c:99: house.hall.Lamp.c at Lamp.kt:99\n");
    assert_eq!(resolve(&["--strict", "a.b.c:99"]).code, 1);
    assert_eq!(resolve(&["--strict", "a.b.zz:1"]).code, 1);
    assert_eq!(resolve(&["--strict", "a.b.c:2"]).code, 0);
    assert_eq!(
        done(sandbox.run_with_input(&["retrace", "-"], b" at a.b.c(X:99)\n")),
        " at house.hall.Lamp.c(Lamp.kt:99)\n"
    );
    // A crash with such a frame is not called resolved, and has no group in common with another
    // build's.
    done(import(&sandbox, &["attic.mapping.txt"]));
    for mapping in ["hall.mapping.txt", "attic.mapping.txt"] {
        let crash = sandbox.write(
            "trace.txt",
            format!(
                "a.x: dark in {mapping}\n\tat a.b.c(SourceFile:99)\n\tat a.b$a.a(SourceFile:1)\n"
            ),
        );
        done(sandbox.run(["crash", "add", "--mapping", &path(mapping), crash.to_str().unwrap()]));
    }
    let groups = json_lines(&done(sandbox.run(["groups", "list", "--json"])));
    assert_eq!(groups.len(), 2, "{groups:?}");
    assert!(groups.iter().all(|group| group["kind"] == "provisional"), "{groups:?}");
    let titles: Vec<&str> = groups.iter().map(|group| group["title"].as_str().unwrap()).collect();
    assert!(titles.iter().any(|title| title.contains("house.hall.Lamp.c")), "{titles:?}");
    let crashes = json_lines(&done(sandbox.run(["crash", "list", "--json"])));
    assert!(crashes.iter().all(|crash| crash["resolved"] == 1), "{crashes:?}");
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

/// Labels name builds: by them `gc` counts, commands find mappings, and reports theirs.
#[test]
fn labels() {
    let sandbox = Sandbox::new();
    let mapping = |app: &str, number: usize| {
        format!(
            "# compiler: R8\n# pg_map_id: {number:04}{:08}\n{app}.Lamp -> a.b:\n    1:1:void light{number}():7:7 -> c\n",
            app.len()
        )
    };
    fs::create_dir_all(sandbox.path("apps/garden/release")).unwrap();
    sandbox.write("apps/garden/release/mapping.txt", mapping("garden", 1));
    let import = |args: &[&str]| done(sandbox.run(["import"].iter().chain(args)));
    // By default, the path below the folder.
    import(&[sandbox.path("apps").to_str().unwrap()]);
    for number in 1..=3 {
        let file = sandbox.write("mapping.txt", mapping("shop", number));
        import(&["--label", &format!("com.shop@1.{number}"), file.to_str().unwrap()]);
    }
    for number in 4..=6 {
        let file = sandbox.write("mapping.txt", mapping("plain", number));
        import(&[file.to_str().unwrap()]);
    }
    fs::remove_file(sandbox.path("mapping.txt")).unwrap();
    let listed = || json_lines(&done(sandbox.run(["modules", "list", "--json"])));
    let labels = |modules: Vec<Value>| -> Vec<String> {
        let mut all: Vec<String> = modules
            .iter()
            .map(|module| module["labels"][0].as_str().unwrap_or("-").to_owned())
            .collect();
        all.sort();
        all
    };
    assert_eq!(
        labels(listed()),
        [
            "-",
            "-",
            "-",
            "com.shop@1.1",
            "com.shop@1.2",
            "com.shop@1.3",
            "garden/release/mapping.txt"
        ]
    );
    done(sandbox.run(["modules", "gc", "--keep", "2"]));
    assert_eq!(
        labels(listed()),
        ["-", "-", "com.shop@1.2", "com.shop@1.3", "garden/release/mapping.txt"]
    );
    let line = done(sandbox.run(["modules", "list", "com.shop@1.3"]));
    assert!(line.lines().count() == 1 && line.trim_end().ends_with("com.shop@1.3"), "{line}");
    assert!(
        done(sandbox.run(["modules", "show", "com.shop@1.3"]))
            .contains("label       com.shop@1.3\n")
    );
    let trace = sandbox.write("trace.txt", " at a.b.c(X:1)\n");
    for (name, want) in [
        ("com.shop@1.2", " at shop.Lamp.light2(Lamp.java:7)\n"),
        ("garden/release/mapping.txt", " at garden.Lamp.light1(Lamp.java:7)\n"),
    ] {
        assert_eq!(done(retrace(&sandbox, &["--mapping", name, trace.to_str().unwrap()])), want);
    }
    // A label for what is there already.
    let file = sandbox.write("again.txt", mapping("shop", 3));
    import(&["--label", "com.shop@nightly", file.to_str().unwrap()]);
    assert_eq!(
        done(retrace(&sandbox, &["--mapping", "com.shop@nightly", trace.to_str().unwrap()])),
        " at shop.Lamp.light3(Lamp.java:7)\n"
    );
    assert_eq!(listed().len(), 5);
    // A report that names no mapping, but its release.
    let event = format!(
        r#"{{"event_id":"{:032x}","platform":"java","release":"com.shop@1.2+77","exception":{{"values":[{{"type":"X","module":"java.lang","stacktrace":{{"frames":[{{"module":"a.b","function":"c","lineno":1,"filename":"X"}}]}}}}]}}}}"#,
        3
    );
    let event = sandbox.write("event.json", event);
    done(sandbox.run(["crash", "add", event.to_str().unwrap()]));
    let group = json_lines(&done(sandbox.run(["groups", "list", "--json"]))).remove(0);
    assert_eq!(group["title"], "java.lang.X in shop.Lamp.light2");
    assert!(done(sandbox.run(["symbolicate", event.to_str().unwrap()])).contains("\"shop.Lamp\""));
    assert_eq!(sandbox.run(["import", "--label", "", file.to_str().unwrap()]).code, 2);
}

/// What R8 writes into the head of a mapping.
#[test]
fn heads_are_shown() {
    let sandbox = Sandbox::new();
    done(import(&sandbox, &["old.mapping.txt"]));
    let id = id("old.mapping.txt");
    let shown = done(sandbox.run(["modules", "show", &id]));
    for line in [
        "compiler    R8 1.6.84",
        "min_api     26",
        &format!("pg_map_id   {}", &id[..7]),
        &format!("pg_map_hash SHA-256 {id}"),
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
    }
    let json = json_lines(&done(sandbox.run(["modules", "show", "--json", &id]))).remove(0);
    assert_eq!(
        (&json["mapping"]["compiler"], &json["mapping"]["min_api"]),
        (&"R8".into(), &"26".into())
    );
}
