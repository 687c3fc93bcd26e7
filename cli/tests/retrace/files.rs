//! Mappings that say little, partition maps, and files that are no mappings.

use crate::support::{Sandbox, json_lines};
use crate::{done, id, import, original, path, plain, retrace, text};

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
