//! Minidumps in Sentry's envelopes, with the event and other attachments: what the event says stays
//! with the crash, and dumps of any size come through.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::path::Path;

use serde_json::Value;
use support::{Run, Sandbox, json_lines, testdata};

const EVENT: &str = r#"{"event_id":"0f1e2d3c4b5a69788796a5b4c3d2e1f0","timestamp":"2026-03-01T10:00:00Z","platform":"native","level":"fatal","release":"shop@4.2","environment":"prod","user":{"id":"u-17","email":"a@example.org"},"tags":{"region":"north"},"logentry":{"message":"saving %s","formatted":"saving the cart"},"contexts":{"os":{"name":"Linux","version":"6.1"},"device":{"model":"kiosk-3","arch":"x86_64"}}}"#;

fn dump(name: &str) -> Vec<u8> {
    let packed = std::fs::read(testdata(&format!("minidump/{name}.zst"))).unwrap();
    zstd::decode_all(packed.as_slice()).unwrap()
}

fn item(header: &str, bytes: &[u8]) -> Vec<u8> {
    let header = format!("{{{header},\"length\":{}}}\n", bytes.len());
    [header.as_bytes(), bytes, b"\n"].concat()
}

/// An envelope as Sentry's clients send it: the event, a log, a screenshot, the hierarchy of views, and the dump in one place or another.
fn envelope(dump: &[u8], event: &str, at: usize) -> Vec<u8> {
    let attachment = |name: &str, kind: &str| {
        format!("\"type\":\"attachment\",\"filename\":\"{name}\",\"attachment_type\":\"{kind}\"")
    };
    let mut items = vec![
        item("\"type\":\"event\"", event.as_bytes()),
        item(&attachment("app.log", "event.attachment"), b"one\n{\"type\":\"event\"}\nMDMP\n"),
        item(&attachment("view-hierarchy.json", "event.view_hierarchy"), b"{\"windows\":[]}"),
        item(&attachment("screenshot.png", "event.attachment"), b"\x89PNG\r\n\x1a\n\0\0\n\xff"),
        item("\"type\":\"session\"", b"{}"),
    ];
    items.insert(at, item(&attachment("m.dmp", "event.minidump"), dump));
    let head = "{\"event_id\":\"0f1e2d3c4b5a69788796a5b4c3d2e1f0\",\"dsn\":\"https://k@s/1\"}\n";
    [head.as_bytes(), &items.concat()].concat()
}

fn done(sandbox: &Sandbox, args: &[&str]) -> Run {
    let run = sandbox.run(args);
    assert_eq!(run.code, 0, "{args:?}: {}{}", run.stdout, run.stderr);
    run
}

/// Adds `file`, and returns what came of it and the id of its crash.
fn added(sandbox: &Sandbox, file: &Path) -> (String, String) {
    let run = done(sandbox, &["crash", "add", "--json", file.to_str().unwrap()]);
    let lines = json_lines(&run.stdout);
    // One report, and the summary.
    assert_eq!(lines.len(), 2, "{}", run.stdout);
    let text = |key: &str| lines[0][key].as_str().unwrap().to_owned();
    (text("status"), text("id"))
}

fn shown(sandbox: &Sandbox, id: &str) -> Value {
    serde_json::from_str(&done(sandbox, &["crash", "show", "--json", id]).stdout).unwrap()
}

fn raw(sandbox: &Sandbox, args: &[&str]) -> Vec<u8> {
    sandbox.command().args(["crash", "show", "--raw"]).args(args).output().unwrap().stdout
}

fn modules(sandbox: &Sandbox) -> [std::path::PathBuf; 4] {
    let file = |name: &str| sandbox.write(name, dump(name));
    let symbols = |name: &str| testdata(&format!("minidump/{name}"));
    [file("victim"), file("libengine.so"), symbols("libc.so.6.sym"), symbols("libstdc++.so.6.sym")]
}

#[test]
fn the_event_stays_with_the_crash() {
    let bytes = dump("c1.dmp");
    for at in [0, 1, 5] {
        let sandbox = Sandbox::new();
        let file = sandbox.write("e.envelope", envelope(&bytes, EVENT, at));
        let (status, id) = added(&sandbox, &file);
        assert_eq!(status, "added");
        assert_eq!(added(&sandbox, &file), ("known".to_owned(), id.clone()));
        let check = |depth: u64| {
            let shown = shown(&sandbox, &id);
            for (key, want) in [
                ("release", "shop@4.2"),
                ("message", "saving the cart"),
                ("format", "mdmp"),
                ("platform", "native"),
                ("signal", "SIGSEGV"),
            ] {
                assert_eq!(shown[key], want, "{key}: {shown:#}");
            }
            assert!(shown["depth"].as_u64().unwrap() >= depth, "{shown:#}");
            assert!(raw(&sandbox, &[&id]) == bytes);
            let all = raw(&sandbox, &["--all-reports", &id]);
            assert!(all == [&bytes[..], b"\n", EVENT.as_bytes()].concat());
            done(&sandbox, &["modules", "verify"]);
        };
        check(1);
        // Walked again, it has the event still.
        for module in modules(&sandbox) {
            done(&sandbox, &["import", module.to_str().unwrap()]);
        }
        let run = done(&sandbox, &["reprocess", "--json"]);
        assert_eq!(json_lines(&run.stdout)[0]["crashes"]["walked"], 1, "{}", run.stdout);
        check(19);
        // The dump alone, or with another event, is another report of the same crash.
        let alone = sandbox.write("m.dmp", &bytes);
        assert_eq!(added(&sandbox, &alone), ("known".to_owned(), id.clone()));
        check_release(&sandbox, &id, "shop@4.2");
        let report = done(&sandbox, &["report", "--json", "--crash", &id]).stdout;
        assert!(report.contains("kiosk-3") && report.contains("Linux 6.1"), "{report}");
    }
}

fn check_release(sandbox: &Sandbox, id: &str, want: &str) {
    assert_eq!(shown(sandbox, id)["release"], want);
}

/// Whichever comes first, the dump with the event or the dump alone, the crash is the same.
#[test]
fn a_dump_that_came_alone_gets_its_event() {
    let bytes = dump("c1.dmp");
    let sandbox = Sandbox::new();
    let (_, id) = added(&sandbox, &sandbox.write("m.dmp", &bytes));
    assert_ne!(shown(&sandbox, &id)["release"], "shop@4.2");
    let file = sandbox.write("e.envelope", envelope(&bytes, EVENT, 2));
    assert_eq!(added(&sandbox, &file), ("known".to_owned(), id.clone()));
    check_release(&sandbox, &id, "shop@4.2");
    assert_eq!(json_lines(&done(&sandbox, &["crash", "list", "--json"]).stdout).len(), 1);
    done(&sandbox, &["modules", "verify"]);
}

/// By the event's user, also when the bytes of the dump were dropped; and by an annotation.
#[test]
fn dumps_of_a_person_are_forgotten() {
    let forget = ["crash", "forget", "--user", "u-17"];
    for is_dropped in [false, true] {
        let sandbox = Sandbox::new();
        let file = sandbox.write("e.envelope", envelope(&dump("c1.dmp"), EVENT, 1));
        let (_, id) = added(&sandbox, &file);
        let (_, other) = added(&sandbox, &sandbox.write("c2.dmp", dump("c2.dmp")));
        if is_dropped {
            done(&sandbox, &["crash", "gc", "--keep", "0", "--drop-dumps"]);
            assert!(raw(&sandbox, &[&id]).is_empty());
        }
        assert!(done(&sandbox, &["crash", "forget", "--user", "u-1"]).stdout.starts_with("0 "));
        let run = done(&sandbox, &[&forget[..], &["--dry-run"]].concat());
        assert!(run.stdout.starts_with("1 "), "{}", run.stdout);
        assert!(done(&sandbox, &forget).stdout.starts_with("1 "));
        let left = json_lines(&done(&sandbox, &["crash", "list", "--json"]).stdout);
        assert_eq!(left.len(), 1);
        assert_eq!(left[0]["id"], other.as_str());
        done(&sandbox, &["modules", "verify"]);
    }
    // An annotation of Crashpad: its key is made another one of the same length.
    let mut bytes = dump("c1.dmp");
    let at = bytes.windows(7).position(|part| part == b"product").unwrap();
    bytes[at..at + 7].copy_from_slice(b"user.id");
    let value = &bytes[at..at + 64];
    let words: Vec<&str> = value
        .split(|byte| !byte.is_ascii_graphic())
        .filter_map(|word| std::str::from_utf8(word).ok())
        .filter(|word| word.len() > 2)
        .collect();
    let sandbox = Sandbox::new();
    added(&sandbox, &sandbox.write("annotated.dmp", &bytes));
    let user = words[1];
    assert!(done(&sandbox, &["crash", "forget", "--user", "nobody"]).stdout.starts_with("0 "));
    let run = done(&sandbox, &["crash", "forget", "--user", user]);
    assert!(run.stdout.starts_with("1 "), "{user}: {}", run.stdout);
}

/// Larger than any other report may be; the event may come before or after it.
#[test]
fn large_dumps_in_envelopes_come_through() {
    let mut bytes = dump("c1.dmp");
    // Nothing of the dump points at what is behind it.
    bytes.resize(70 << 20, 7);
    let want = {
        let sandbox = Sandbox::in_memory();
        added(&sandbox, &sandbox.write("c1.dmp", dump("c1.dmp")));
        let file = sandbox.write("large.dmp", &bytes);
        done(&sandbox, &["symbolicate", file.to_str().unwrap()]).stdout
    };
    for (at, is_piped) in [(0, false), (5, true)] {
        let sandbox = Sandbox::in_memory();
        let envelope = envelope(&bytes, EVENT, at);
        let id = if is_piped {
            let run = sandbox.run_with_input(&["crash", "add", "--json", "-"], &envelope);
            assert_eq!(run.code, 0, "{}", run.stderr);
            json_lines(&run.stdout)[0]["id"].as_str().unwrap().to_owned()
        } else {
            added(&sandbox, &sandbox.write("large.envelope", &envelope)).1
        };
        check_release(&sandbox, &id, "shop@4.2");
        assert!(raw(&sandbox, &[&id]) == bytes);
        let printed = sandbox.run_with_input(&["symbolicate", "-"], &envelope);
        assert_eq!((printed.code, printed.stdout == want), (0, true), "{}", printed.stderr);
        assert!(std::fs::read_dir(sandbox.store().join("staging")).unwrap().next().is_none());
        done(&sandbox, &["modules", "verify"]);
    }
}

/// A dump that ends like the end of a report with an event comes back whole.
#[test]
fn dumps_that_look_like_reports_with_an_event_stay_whole() {
    let mut bytes = dump("c1.dmp");
    bytes.extend(b"{}");
    bytes.extend(2u64.to_le_bytes());
    bytes.extend(b"\0symtool event\0\0");
    let large = [&bytes[..], &vec![0; 2 << 20], &bytes].concat();
    for (name, bytes) in [("small.dmp", bytes), ("large.dmp", large)] {
        let sandbox = Sandbox::new();
        let (_, id) = added(&sandbox, &sandbox.write(name, &bytes));
        assert!(raw(&sandbox, &[&id]) == bytes, "{name}");
        let all = raw(&sandbox, &["--all-reports", &id]);
        assert!(all == bytes, "{name}");
    }
}

/// Envelopes whose parts are not what they say.
#[test]
fn broken_envelopes_cost_themselves() {
    let bytes = dump("c1.dmp");
    let cut_event = &EVENT[..EVENT.len() / 2];
    for (name, envelope, added) in [
        ("no-json.envelope", envelope(&bytes, "not json", 0), 1),
        ("cut-event.envelope", envelope(&bytes, cut_event, 1), 1),
        ("empty-event.envelope", envelope(&bytes, "", 1), 1),
        ("list.envelope", envelope(&bytes, "[[[[1,2,3]]]]", 5), 1),
        ("two.envelope", [envelope(&bytes, EVENT, 0), envelope(&bytes, EVENT, 2)].concat(), 1),
    ] {
        let sandbox = Sandbox::new();
        let file = sandbox.write(name, envelope);
        let run = done(&sandbox, &["crash", "add", "--json", file.to_str().unwrap()]);
        let lines = json_lines(&run.stdout);
        assert_eq!(lines.last().unwrap()["added"], added, "{name}: {}", run.stdout);
        let id = lines[0]["id"].as_str().unwrap();
        assert!(raw(&sandbox, &[id]) == bytes, "{name}");
        done(&sandbox, &["modules", "verify"]);
    }
    // A dump that cannot be read is kept aside, and comes back as it was.
    let sandbox = Sandbox::new();
    let file = sandbox.write("bad.envelope", envelope(b"MDMP nonsense", EVENT, 3));
    let run = sandbox.run(["crash", "add", "--json", file.to_str().unwrap()]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    let id = json_lines(&run.stdout)[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(raw(&sandbox, &[&id]), b"MDMP nonsense");
    assert!(done(&sandbox, &["crash", "forget", "--user", "u-17"]).stdout.starts_with("1 "));
}

/// A dump tells where it ran; the event that came with it knows better.
#[test]
fn groups_know_where_their_dumps_came_from() {
    let sandbox = Sandbox::new();
    let (_, id) = added(&sandbox, &sandbox.write("c1.dmp", dump("c1.dmp")));
    let facets = |id: &str| -> Value {
        let group = shown(&sandbox, id)["group"].as_str().unwrap().to_owned();
        let run = done(&sandbox, &["groups", "show", "--json", &group]);
        serde_json::from_str(&run.stdout).unwrap()
    };
    let of_dump = facets(&id);
    assert_eq!(of_dump["systems"], serde_json::json!({"Linux 6.18.44-generic": 1}), "{of_dump}");
    assert_eq!(of_dump["archs"], serde_json::json!({"x86_64": 1}));
    let listed = |args: &[&str]| {
        let run = done(&sandbox, &[&["groups", "list", "--json"], args].concat());
        json_lines(&run.stdout).len()
    };
    assert_eq!((listed(&["--os", "linux"]), listed(&["--os", "windows"])), (1, 0));
    assert_eq!((listed(&["--arch", "amd64"]), listed(&["--arch", "arm64"])), (1, 0));

    let file = sandbox.write("c2.envelope", envelope(&dump("c2.dmp"), EVENT, 1));
    let of_event = facets(&added(&sandbox, &file).1);
    assert_eq!(of_event["systems"], serde_json::json!({"Linux 6.1": 1}), "{of_event}");
    assert_eq!(of_event["devices"], serde_json::json!({"kiosk-3": 1}));
}
