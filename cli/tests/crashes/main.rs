//! Stored crashes: reports go in as they are, come out as they were, are kept aside if they cannot
//! be read, and are gone once removed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod input;
#[path = "../support/mod.rs"]
mod support;
mod symbolicate;

use std::path::{Path, PathBuf};

use support::events::{Build, event};
use support::{Sandbox, clear, json_lines, testdata};

/// All fixtures of crash reports.
fn reports() -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(testdata("crashes"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(paths.len() > 15, "fixtures are missing");
    paths
}

fn add(sandbox: &Sandbox, paths: &[&Path]) -> support::Run {
    let mut args = vec!["crash".as_ref(), "add".as_ref()];
    args.extend(paths.iter().map(|path| path.as_os_str()));
    sandbox.run(args)
}

#[test]
fn every_format_is_stored_and_comes_back_byte_for_byte() {
    let sandbox = Sandbox::new();
    let folder = testdata("crashes");
    let run = add(&sandbox, &[&folder]);
    // The stream of events has some of the other reports again, and a line that is cut off; one
    // report is about what was not fatal.
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stdout.ends_with(" known already, 2 reports failed\n"), "{}", run.stdout);
    assert!(
        run.stderr
            .contains("apple-nonfatal.ips: not a crash report (a non-fatal report of Apple's"),
        "{}",
        run.stderr
    );
    let listed = json_lines(&sandbox.run(["crash", "list", "--json"]).stdout);
    let formats: std::collections::BTreeSet<&str> =
        listed.iter().map(|crash| crash["format"].as_str().unwrap()).collect();
    let all = "abrt anr apple-text chromium coredumpctl crashlytics dart frames gdb glibc glog go hs-err ips java kernel kscrash lldb llvm \
               logcat metrickit minidump node rust sanitizer sentry tombstone";
    assert_eq!(formats, all.split_ascii_whitespace().collect());
    for crash in &listed {
        let shape: Vec<&String> = crash.as_object().unwrap().keys().collect();
        let known = [
            "id", "event_id", "group", "platform", "time", "release", "format", "frames",
            "resolved", "source",
        ];
        assert!(shape.iter().all(|key| known.contains(&key.as_str())), "{shape:?}");
        assert!(crash["frames"].as_u64().unwrap() > 0, "{crash}");
        assert_eq!(crash["resolved"], 0);
    }
    // A file of one report is that report, unless another file had it.
    let mut compared = 0;
    for path in reports() {
        let source = path.to_str().unwrap();
        let of_file: Vec<_> = listed.iter().filter(|crash| crash["source"] == source).collect();
        if let [crash] = of_file[..] {
            let raw = sandbox
                .command()
                .args(["crash", "show", "--raw", crash["id"].as_str().unwrap()])
                .output()
                .unwrap()
                .stdout;
            let file = std::fs::read(&path).unwrap();
            // What people wrote around a fenced report is no part of it.
            let is_fenced = source.ends_with("-fenced.txt");
            let is_part = file.windows(raw.len()).any(|part| part == raw);
            assert!(
                raw.trim_ascii() == file.trim_ascii()
                    || is_fenced && is_part && raw.len() > file.len() / 2,
                "{source}"
            );
            compared += 1;
        }
    }
    assert!(compared > 30, "{compared}");
    let again = add(&sandbox, &[&folder]);
    assert!(again.stdout.starts_with("0 crashes added, "), "{}", again.stdout);
    assert_eq!(json_lines(&sandbox.run(["crash", "list", "--json"]).stdout), listed);
}

/// Whether `word` can be read anywhere in `folder`.
fn has(folder: &Path, word: &str) -> bool {
    !clear::found(&clear::text(folder), &[word.as_bytes().to_vec()]).is_empty()
}

#[test]
fn removed_crashes_are_gone() {
    let sandbox = Sandbox::new();
    let build = Build::of("c-gcc-O0-dwarf5.so");
    // Told apart from other reports by what cannot be compressed.
    let secret = "q7Zk2Xw9Lr4Tn8Vb3Hs6";
    let marked = event(1, &build, &["primary", "expression"]).replace("Segfault", secret);
    let file = sandbox.write(
        "events.ndjson",
        format!("{marked}\n{}\n", event(2, &build, &["probe", "table_find"])),
    );
    assert_eq!(add(&sandbox, &[&file]).code, 0);
    let listed = json_lines(&sandbox.run(["crash", "list", "--json"]).stdout);
    let show = |id: &str| sandbox.run(["crash", "show", "--raw", id]);
    assert!(show(&format!("{:032x}", 1)).stdout.contains(secret));
    assert!(has(&sandbox.store(), secret));
    let run = sandbox.run(["crash", "remove", listed[0]["id"].as_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(json_lines(&sandbox.run(["crash", "list", "--json"]).stdout), listed[1..]);
    assert_eq!(show(&format!("{:032x}", 1)).code, 1);
    assert!(!has(&sandbox.store(), secret), "something of it is left");
    assert_eq!(json_lines(&sandbox.run(["groups", "list", "--json"]).stdout).len(), 1);
    // It can come again.
    assert!(add(&sandbox, &[&file]).stdout.starts_with("1 crashes added, 1 known"));
}

/// What could not be read is removed like what could.
#[test]
fn removed_reports_that_failed_are_gone() {
    let sandbox = Sandbox::new();
    let secret = "q7Zk2Xw9Lr4Tn8Vb3Hs6";
    let whole =
        event(1, &Build::of("c-gcc-O0-dwarf5.so"), &["primary"]).replace("Segfault", secret);
    let cut = sandbox.write("cut.json", &whole[..whole.len() - 20]);
    assert_eq!(add(&sandbox, &[&cut]).code, 1);
    let failed = json_lines(&sandbox.run(["crash", "list", "--failed", "--json"]).stdout);
    assert!(failed.len() == 1 && has(&sandbox.store(), secret));
    let run = sandbox.run(["crash", "remove", failed[0]["id"].as_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(sandbox.run(["crash", "list", "--failed"]).stdout, "");
    assert!(!has(&sandbox.store(), secret), "something of it is left");
}

#[test]
fn a_sealed_store_tells_nothing_of_crashes() {
    let sandbox = Sandbox::new();
    let (key, other) = (sandbox.path("key"), sandbox.path("other"));
    for path in [&key, &other] {
        assert_eq!(sandbox.run(["key".as_ref(), "generate".as_ref(), path.as_os_str()]).code, 0);
    }
    let with = |key: &Path, args: &[&str]| {
        let mut all = vec!["--key-file".into(), key.as_os_str().to_owned()];
        all.extend(args.iter().map(Into::into));
        sandbox.run(all)
    };
    let build = Build::of("c-gcc-O0-dwarf5.so");
    let file = sandbox.write(
        "event.json",
        event(1, &build, &["note_collision"]).replace("Segfault", "q7Zk2Xw9Lr4Tn8Vb3Hs6"),
    );
    let java = testdata("crashes/java-plain.txt");
    let open = Sandbox::new();
    open.import(&build.name);
    assert_eq!(add(&open, &[&file, &java]).code, 0);
    assert_eq!(with(&key, &["import", support::object(&build.name).to_str().unwrap()]).code, 0);
    assert_eq!(
        with(&key, &["crash", "add", file.to_str().unwrap(), java.to_str().unwrap()]).code,
        0
    );
    let listed = with(&key, &["crash", "list", "--json"]).stdout;
    assert_eq!(json_lines(&listed).len(), 2);
    // Texts of reports, functions that only symbols name, modules, releases, classes, and names of
    // files.
    let words = [
        "q7Zk2Xw9Lr4Tn8Vb3Hs6",
        "note_collision",
        "c-gcc-O0",
        "app@",
        "java.lang.",
        "java-plain",
        "event.json",
        "SIGSEGV",
    ];
    let words = words.map(|word| word.as_bytes().to_vec());
    let (in_open, in_sealed) =
        (clear::text(&open.store().join("crashes")), clear::text(&sandbox.store().join("crashes")));
    assert_eq!(clear::found(&in_open, &words), words, "an open store has each of them");
    assert_eq!(clear::found(&in_sealed, &words), Vec::<&[u8]>::new());
    assert_eq!(with(&other, &["crash", "list"]).code, 3);
    assert_eq!(sandbox.run(["crash", "list"]).code, 3);
    let rotated = with(&key, &["key", "rotate", "--new-key-file", other.to_str().unwrap()]);
    assert_eq!(rotated.code, 0, "{}", rotated.stderr);
    assert_eq!(with(&other, &["crash", "list", "--json"]).stdout, listed);
    assert_eq!(with(&key, &["crash", "list"]).code, 3);
}

#[test]
fn wrong_names_say_what_to_do() {
    let sandbox = Sandbox::new();
    for args in [
        &["groups", "undo"][..],
        &["groups", "merge", "g1", "g2"],
        &["crash", "remove", "c1"],
        &["reprocess"],
    ] {
        assert_eq!(sandbox.run(args).code, 3, "{args:?}");
        assert!(!sandbox.store().exists(), "{args:?} has made a store");
    }
    let build = Build::of("c-gcc-O0-dwarf5.so");
    let file = sandbox.write("event.json", event(1, &build, &["primary"]));
    assert_eq!(add(&sandbox, &[&file]).code, 0);
    for (args, code, want) in [
        (&["crash", "show", "c0000"][..], 1, "no such crash; `symtool crash list`"),
        (&["groups", "show", "g0000"], 1, "no such group; `symtool groups list`"),
        (&["groups", "undo"], 1, "there is no run to undo"),
        (&["groups", "diff", "3", "5"], 1, "there is no run 3"),
        (&["rules", "explain", "nonsense"], 1, "no such crash"),
        (&["symbolicate", "no-such-file"], 1, "name a crash report"),
    ] {
        let run = sandbox.run(args);
        assert_eq!(run.code, code, "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(want), "{args:?}: {}", run.stderr);
    }
}
