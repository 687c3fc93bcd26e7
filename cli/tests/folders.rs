//! Job tests of importing many files: folders, links, duplicates, and the same result for any
//! number of threads.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use object::{Object, ObjectSection};
use serde_json::Value;
use support::archives::{DEFLATED, ar, zip};
use support::{Run, Sandbox, json_lines, object, objects, without_build_id};

const FIXTURE: &str = "cpp-gcc-O2-dwarf5.so";
const OTHER: &str = "rust-O2-dwarf5.so";

/// A sandbox with a folder `build`.
fn with_build() -> Sandbox {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("build")).unwrap();
    sandbox
}

fn import_build(sandbox: &Sandbox) -> Run {
    sandbox.run(["import", "--json", sandbox.path("build").to_str().unwrap()])
}

/// File name and status of each report.
fn statuses(run: &Run) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let reports = json_lines(&run.stdout);
    let reports = reports.iter().filter(|report| report.get("path").is_some());
    reports
        .map(|report| {
            (text(&report["path"]).rsplit('/').next().unwrap().to_owned(), text(&report["status"]))
        })
        .collect()
}

fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    wanted.iter().map(|(name, status)| ((*name).to_owned(), (*status).to_owned())).collect()
}

#[test]
fn links_to_files_are_followed_once() {
    let sandbox = with_build();
    fs::create_dir_all(sandbox.path("build/deep")).unwrap();
    fs::copy(object(FIXTURE), sandbox.path("build/deep/lib.so.1")).unwrap();
    symlink("deep/lib.so.1", sandbox.path("build/lib.so")).unwrap();
    symlink(object(OTHER), sandbox.path("build/outside.so")).unwrap();
    symlink(".", sandbox.path("build/deep/circle")).unwrap();
    symlink("..", sandbox.path("build/deep/up")).unwrap();
    symlink("self", sandbox.path("build/self")).unwrap();
    symlink("nowhere", sandbox.path("build/dangling.so")).unwrap();
    let run = import_build(&sandbox);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(statuses(&run), pairs(&[("lib.so.1", "imported"), ("outside.so", "imported")]));
    // A link that is named is followed, to a folder too.
    symlink("build", sandbox.path("link")).unwrap();
    let run = sandbox.run(["import", "--json", sandbox.path("link").to_str().unwrap()]);
    assert_eq!(statuses(&run), pairs(&[("lib.so.1", "unchanged"), ("outside.so", "unchanged")]));
}

/// Opening a pipe would wait for ever.
#[test]
fn pipes_are_not_opened() {
    let sandbox = with_build();
    let pipe = sandbox.path("build/pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    symlink("build/pipe", sandbox.path("link")).unwrap();
    fs::copy(object(FIXTURE), sandbox.path("build/lib.so")).unwrap();
    symlink(sandbox.path("link"), sandbox.path("build/to-pipe")).unwrap();
    let run = import_build(&sandbox);
    assert_eq!((run.code, statuses(&run)), (0, pairs(&[("lib.so", "imported")])));
    let run = sandbox.run(["import", pipe.to_str().unwrap()]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("build/pipe: not a regular file"), "{}", run.stderr);
}

/// A folder that nobody can open, root neither: its path is too long.
#[test]
fn folders_that_cannot_be_read_are_named_and_the_rest_imported() {
    let sandbox = with_build();
    let name = "n".repeat(250);
    let script = format!("for i in $(seq 18); do mkdir {name} && cd {name} || exit 1; done");
    assert!(
        Command::new("bash")
            .args(["-c", &script])
            .current_dir(sandbox.path("build"))
            .status()
            .unwrap()
            .success()
    );
    fs::copy(object(FIXTURE), sandbox.path("build/zlib.so")).unwrap();
    let run = import_build(&sandbox);
    assert_eq!(run.code, 1);
    assert_eq!(statuses(&run), pairs(&[(&name, "failed"), ("zlib.so", "imported")]));
    assert!(run.stderr.contains("File name too long"), "{}", run.stderr);
}

#[test]
fn nothing_to_import_makes_no_store() {
    let sandbox = with_build();
    let text = sandbox.write("text.so", "text");
    for path in [sandbox.path("missing.so"), sandbox.path("build"), text] {
        assert_eq!(sandbox.run(["import", path.to_str().unwrap()]).code, 1);
        assert!(!sandbox.store().exists(), "{}", path.display());
    }
}

#[test]
fn duplicates_are_imported_once() {
    for jobs in ["1", "2", "5"] {
        for force in [&[][..], &["--force"]] {
            let sandbox = with_build();
            fs::copy(object(FIXTURE), sandbox.path("build/a.so")).unwrap();
            let packed = fs::read(object(FIXTURE)).unwrap();
            sandbox.write(
                "build/b.apk",
                zip(&[("lib/c.so", DEFLATED, &packed), ("lib/d.so", DEFLATED, &packed)]),
            );
            fs::copy(object(OTHER), sandbox.path("build/e.so")).unwrap();
            let build = sandbox.path("build");
            let build = build.to_str().unwrap();
            let run =
                sandbox.run(["-j", jobs, "import", "--json", build, build].iter().chain(force));
            let mut want = vec![
                ("a.so", "imported"),
                ("c.so", "unchanged"),
                ("d.so", "unchanged"),
                ("e.so", "imported"),
            ];
            want.extend(["a.so", "c.so", "d.so", "e.so"].map(|name| (name, "unchanged")));
            assert_eq!((run.code, statuses(&run)), (0, pairs(&want)), "{force:?}");
            assert_eq!(json_lines(&sandbox.run(["modules", "list", "--json"]).stdout).len(), 2);
            assert_eq!(sandbox.run(["resolve", "--module", "a.so", "1146"]).code, 0);
        }
    }
}

/// A stripped library and its debug file, in either order and in one command: nothing is lost, by
/// force neither.
#[test]
fn different_files_of_one_id_complete_each_other() {
    let debug = fs::read(object(FIXTURE)).unwrap();
    let symbols = without_debug_sections(&debug);
    for jobs in ["1", "2"] {
        for force in [&[][..], &["--force"]] {
            for (first, second) in [(&symbols, &debug), (&debug, &symbols)] {
                let sandbox = with_build();
                sandbox.write("build/1.so", first);
                sandbox.write("build/2.so", second);
                let run = sandbox.run(
                    ["-j", jobs, "import", "--json", sandbox.path("build").to_str().unwrap()]
                        .iter()
                        .chain(force),
                );
                assert_eq!(run.code, 0, "{}", run.stderr);
                let modules = json_lines(&sandbox.run(["modules", "list", "--json"]).stdout);
                assert_eq!((modules.len(), &modules[0]["detail"]), (1, &"debug".into()));
            }
        }
    }
}

/// Gives debug sections unknown names in place of theirs.
fn without_debug_sections(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let file = object::File::parse(&*bytes).unwrap();
    let (start, size) = file.section_by_name(".shstrtab").unwrap().file_range().unwrap();
    let names = usize::try_from(start).unwrap()..usize::try_from(start + size).unwrap();
    let mut at = names.start;
    while let Some(found) = bytes[at..names.end].windows(7).position(|window| window == b".debug_")
    {
        at += found + 7;
        bytes[at - 6] = b'x';
    }
    bytes
}

/// Many files of every sort, good and bad: whatever the number of threads, the output is the same in the
/// same order, and the stores answer the same.
#[test]
fn threads_change_nothing() {
    let build = with_build();
    for (number, name) in objects().iter().enumerate() {
        let contents = fs::read(object(name)).unwrap();
        build.write(&format!("build/{number:03}-{name}"), &contents);
        if number % 5 == 0 {
            build.write(
                &format!("build/{number:03}-{name}.zip"),
                zip(&[("bad.so", DEFLATED, b"\x7fELF"), (name, DEFLATED, &contents)]),
            );
            build.write(&format!("build/{number:03}-cut.so"), &contents[..contents.len() / 2]);
        }
    }
    for number in 0..250 {
        build.write(
            &format!("build/copy-{number:03}.so"),
            without_build_id("c-gcc-O2-symtab.so", number),
        );
    }
    let members: Vec<Vec<u8>> =
        (0..50).map(|number| without_build_id("c-clang-O2-dwarf4.so", number)).collect();
    let members: Vec<(&str, &[u8])> =
        members.iter().map(|bytes| ("part.o", bytes.as_slice())).collect();
    build.write("build/lib.a", ar(&members));

    let results: Vec<_> = ["1", "2", "7"].into_iter().map(|jobs| outcome(&build, jobs)).collect();
    assert!(
        results[0].0.len() > 350 && results[0].0.last().unwrap()["failed"].as_u64().unwrap() >= 14,
        "{:?}",
        results[0].0.last()
    );
    assert!(results[0].2.contains("\"status\":\"ok\""));
    for other in &results[1..] {
        for (a, b) in results[0].0.iter().zip(&other.0) {
            assert_eq!(a, b);
        }
        assert!(results[0] == *other);
    }
}

/// Reports, modules and answers of an import with `jobs` threads, but for what is a time.
fn outcome(build: &Sandbox, jobs: &str) -> (Vec<Value>, Vec<Value>, String, String) {
    let sandbox = Sandbox::new();
    let run = sandbox.run(["-j", jobs, "import", "--json", build.path("build").to_str().unwrap()]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let without = |keys: &[&str], text: &str| {
        let mut lines = json_lines(text);
        for line in &mut lines {
            keys.iter().for_each(|key| drop(line.as_object_mut().unwrap().remove(*key)));
        }
        lines
    };
    let modules =
        without(&["imported", "imported_ms"], &sandbox.run(["modules", "list", "--json"]).stdout);
    let mut requests = String::new();
    for module in &modules {
        for address in (0x1000..0x1400).step_by(0x10) {
            writeln!(requests, "{} {address:#x}", module["id"].as_str().unwrap()).unwrap();
        }
    }
    let answers = sandbox.run_with_input(
        &["-j", "1", "resolve", "--batch", "-", "--style", "json"],
        requests.as_bytes(),
    );
    assert_eq!(answers.code, 0, "{}", answers.stderr);
    (without(&["seconds"], &run.stdout), modules, answers.stdout, run.stderr)
}
