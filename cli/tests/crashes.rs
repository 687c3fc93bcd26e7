//! Stored crashes: reports go in as they are, come out as they were, are kept aside if they cannot
//! be read, and are gone once removed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
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

#[test]
fn an_empty_folder_is_no_success() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("empty/empty");
    std::fs::create_dir_all(&folder).unwrap();
    let (added, imported) =
        (add(&sandbox, &[&folder]), sandbox.run(["import".as_ref(), folder.as_os_str()]));
    assert_eq!((added.code, imported.code), (1, 1));
    assert!(added.stderr.contains("empty/empty: no files in this folder"), "{}", added.stderr);
}

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
fn what_cannot_be_read_is_named_and_kept() {
    let sandbox = Sandbox::new();
    let whole = std::fs::read_to_string(testdata("crashes/sentry-native.json")).unwrap();
    let cut = sandbox.write("cut.json", &whole[..whole.len() / 2]);
    let none = sandbox.write("notes.txt", "nothing happened\n");
    let run = add(
        &sandbox,
        &[&cut, &none, &testdata("crashes/java-plain.txt"), Path::new("no-such-file")],
    );
    assert_eq!(run.code, 1);
    assert_eq!(run.stdout, "1 crashes added, 0 known already, 3 reports failed\n");
    assert!(
        run.stderr.contains("cut.json: ") && run.stderr.contains("truncated"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("no-such-file: "), "{}", run.stderr);
    let failed = json_lines(&sandbox.run(["crash", "list", "--failed", "--json"]).stdout);
    assert_eq!(failed.len(), 2);
    for failed in &failed {
        let id = failed["id"].as_str().unwrap();
        let raw = sandbox.run(["crash", "show", "--raw", id]);
        assert_eq!(raw.stdout.len() as u64, failed["bytes"].as_u64().unwrap());
        assert!([&whole[..whole.len() / 2], "nothing happened\n"].contains(&&*raw.stdout));
        assert_eq!(sandbox.run(["crash", "remove", id]).code, 0);
    }
    assert_eq!(sandbox.run(["crash", "list", "--failed"]).stdout, "");
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
fn a_report_on_a_pipe_is_stored_when_its_line_ends() {
    let sandbox = Sandbox::new();
    let build = Build::of("c-gcc-O0-dwarf5.so");
    let mut child = sandbox.spawn_piped(&["--json", "crash", "add", "-"]);
    let mut stdin = child.stdin.take().unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap());
    for number in 1..=2 {
        // Nothing follows it.
        writeln!(stdin, "{}", event(number, &build, &["primary"])).unwrap();
        let mut line = String::new();
        told.read_line(&mut line).unwrap();
        assert!(line.contains("\"added\""), "{line}");
        // While nothing comes, others may change crashes, too.
        let other = sandbox.run(["--wait", "20", "crash", "remove", &format!("{number:032x}")]);
        assert_eq!(other.code, 0, "{}", other.stderr);
    }
    // Killed without a word, what it said is there.
    writeln!(stdin, "{}", event(3, &build, &["probe"])).unwrap();
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let listed = json_lines(&sandbox.run(["crash", "list", "--json"]).stdout);
    assert_eq!(
        listed.iter().map(|crash| crash["event_id"].as_str().unwrap()).collect::<Vec<_>>(),
        [format!("{:032x}", 3)]
    );
}

#[test]
fn a_bad_line_costs_itself() {
    let build = Build::of("c-gcc-O0-dwarf5.so");
    let (one, two) = (event(1, &build, &["primary"]), event(2, &build, &["probe"]));
    for lines in [["garbage", &one, &two], [&one, "garbage", &two], [&one, &two, "garbage"]] {
        let sandbox = Sandbox::new();
        sandbox.import(&build.name);
        let stream = lines.map(|line| format!("{line}\n")).concat();
        let run = sandbox.run_with_input(&["crash", "add", "-"], stream.as_bytes());
        assert_eq!(
            (run.code, &*run.stdout),
            (1, "2 crashes added, 0 known already, 1 reports failed\n"),
            "{}",
            run.stderr
        );
        let run = sandbox.run_with_input(&["symbolicate", "-"], stream.as_bytes());
        let written: Vec<&str> = run.stdout.lines().collect();
        assert_eq!((run.code, written.len()), (1, 3), "{}", run.stderr);
        for (line, written) in lines.iter().zip(written) {
            assert!(
                *line == written && *line == "garbage" || written.contains("symbolicator_status"),
                "{written}"
            );
        }
    }
}

#[test]
fn packed_reports() {
    let sandbox = Sandbox::new();
    let report = |name: &str| std::fs::read(testdata("crashes").join(name)).unwrap();
    let (tombstone, trace) = (report("tombstone-arm64.txt"), report("java-plain.txt"));
    let zipped = |files: &[(&str, &[u8])]| {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in files {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    };
    let (message, inner) = (report("tombstone.pb"), zipped(&[("java.txt", &trace)]));
    let zip = zipped(&[
        ("a/tombstone_00", &tombstone),
        ("a/tombstone_00.pb", &message),
        ("java.zip", &inner),
    ]);
    let zip = sandbox.write("all.zip", zip);
    let run = add(&sandbox, &[&zip]);
    assert_eq!(
        (run.code, &*run.stdout),
        (0, "2 crashes added, 0 known already, 0 reports failed\n"),
        "{}",
        run.stderr
    );
    let listed = json_lines(&sandbox.run(["crash", "list", "--json"]).stdout);
    let sources: Vec<&str> = listed
        .iter()
        .map(|crash| crash["source"].as_str().unwrap().rsplit('/').next().unwrap())
        .collect();
    assert_eq!(sources, ["tombstone_00", "all.zip!java.zip!java.txt"]);
    // The same once more, out of its packing.
    let again = add(
        &sandbox,
        &[&testdata("crashes/tombstone-arm64.txt"), &testdata("crashes/java-plain.txt")],
    );
    assert_eq!(again.stdout, "0 crashes added, 2 known already, 0 reports failed\n");
    let cut = sandbox.write("cut.zip", &std::fs::read(&zip).unwrap()[..200]);
    let run = add(&sandbox, &[&cut]);
    assert!(run.code == 1 && run.stderr.contains("cut.zip: damaged zip file"), "{}", run.stderr);
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
