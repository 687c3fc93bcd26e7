//! Reports on pipes, packed, with bad lines, and those that cannot be read.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use crate::add;
use crate::support::events::{Build, event};
use crate::support::{Sandbox, json_lines, testdata};

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
