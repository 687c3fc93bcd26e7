//! Job tests in a pseudo-terminal: progress, colours, widths, Ctrl-C.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use support::pty::{Pty, screen};
use support::{Sandbox, json_lines, object, without_build_id};

const FIXTURE: &str = "cpp-gcc-O2-dwarf5.so";

/// A folder of `files` builds, which take a while.
fn builds(sandbox: &Sandbox, files: usize) -> String {
    fs::create_dir(sandbox.path("builds")).unwrap();
    for number in 0..files {
        sandbox.write(
            &format!("builds/library-{number}.so"),
            without_build_id("rust-O2-dwarf5.so", number),
        );
    }
    sandbox.path("builds").to_str().unwrap().to_owned()
}

fn on_terminal(sandbox: &Sandbox, args: &[&str], columns: u16) -> String {
    let mut command = sandbox.command();
    command.args(args);
    let (status, seen) = Pty::start(command, columns, None).end();
    assert!(status.success(), "{seen}");
    seen
}

/// Lines of progress that were drawn, each over the one before.
fn drawn(seen: &str) -> Vec<String> {
    let pieces = seen.split(['\r', '\n']).flat_map(|line| line.split("\x1b[2K"));
    pieces
        .filter(|line| line.starts_with("import "))
        .map(|line| line.trim_end().to_owned())
        .collect()
}

#[test]
fn progress_comes_fits_and_goes() {
    let build = Sandbox::new();
    let folder = builds(&build, 150);
    for columns in [40, 60, 80, 120, 200] {
        let sandbox = Sandbox::new();
        let seen = on_terminal(&sandbox, &["import", &folder], columns);
        let drawn = drawn(&seen);
        assert!(drawn.iter().any(|line| line.contains('%')), "{columns}: {seen:?}");
        assert!(
            drawn.iter().all(|line| line.chars().count() < usize::from(columns)),
            "{columns}: {drawn:?}"
        );
        let shown = screen(&seen, columns.max(120));
        assert!(shown.iter().all(|line| !line.starts_with("import ")), "{shown:?}");
        assert_eq!(
            shown.iter().filter(|line| line.contains(": imported, ")).count(),
            150,
            "{shown:?}"
        );
        assert!(
            shown.iter().any(|line| line == "symtool: 150 imported, 0 unchanged, 0 failed"),
            "{shown:?}"
        );
        // A line of what was done fits too.
        assert!(
            shown.iter().all(|line| line.chars().count() <= usize::from(columns).max(78)),
            "{columns}: {shown:?}"
        );
    }
    for quiet in ["-q", "--json"] {
        let sandbox = Sandbox::new();
        let seen = on_terminal(&sandbox, &["import", quiet, &folder], 80);
        assert!(drawn(&seen).is_empty() && !seen.contains("imported, "), "{seen}");
    }
}

#[test]
fn a_batch_into_a_file_shows_progress() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    let batch = sandbox.write("batch", "0x1146\n".repeat(100_000));
    let mut command = sandbox.command();
    command.args(["resolve", "--module", FIXTURE, "--batch", batch.to_str().unwrap()]);
    let out = File::create(sandbox.path("answers")).unwrap();
    let (status, seen) = Pty::start(command, 80, Some(out)).end();
    assert!(
        status.success() && seen.contains("resolve ") && seen.contains(" requests"),
        "{seen:?}"
    );
    assert_eq!(screen(&seen, 80).concat(), "");
    // On the terminal, the answers are progress enough.
    let seen = on_terminal(&sandbox, &["resolve", "--module", FIXTURE, "0x1146"], 80);
    assert!(!seen.contains("resolve "), "{seen:?}");
}

#[test]
fn ctrl_c_leaves_the_store_whole_and_the_terminal_clean() {
    let build = Sandbox::new();
    let folder = builds(&build, 400);
    let mut before_all = 0;
    for (columns, moment) in [(40, "%"), (60, "%"), (80, "/400 files"), (100, ": imported, ")] {
        let sandbox = Sandbox::new();
        sandbox.import(FIXTURE);
        let mut command = sandbox.command();
        command.args(["import", &folder]);
        let mut pty = Pty::start(command, columns, None);
        pty.wait_for(moment);
        pty.type_keys(b"\x03");
        let (status, seen) = pty.end();
        assert!(seen.contains("^C"), "{seen:?}");
        assert_eq!(status.signal(), Some(libc::SIGINT), "{status:?} {seen}");
        let shown = screen(&seen, columns);
        assert!(shown.iter().all(|line| !line.starts_with("import ")), "{shown:?}");
        let run = sandbox.run(["modules", "verify", "--json"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let ok = json_lines(&run.stdout).last().unwrap()["ok"].as_u64().unwrap();
        assert!(ok >= 1, "{}", run.stdout);
        before_all += u32::from(ok < 401);
        // The next writer sweeps what was staged.
        sandbox.import("c-gcc-O0-dwarf5.so");
        assert_eq!(fs::read_dir(sandbox.store().join("staging")).unwrap().count(), 0);
    }
    assert!(before_all > 0, "every import was done before it was interrupted");
}

#[test]
fn colours_on_a_terminal_only_and_as_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    let message = |args: &[&str], variables: &[(&str, &str)], terminal: bool| {
        let mut command: Command = sandbox.command();
        command
            .args(args)
            .args(["resolve", "--module", "nothing.so", "0x10"])
            .envs(variables.iter().copied());
        if terminal {
            Pty::start(command, 80, None).end().1
        } else {
            String::from_utf8(command.output().unwrap().stderr).unwrap()
        }
    };
    for (args, variables, on_terminal, in_pipe) in [
        (&[][..], &[][..], true, false),
        (&["--color", "always"], &[], true, true),
        (&["--color", "never"], &[], false, false),
        (&[], &[("NO_COLOR", "1")], false, false),
        (&["--color", "always"], &[("NO_COLOR", "1")], true, true),
        (&[], &[("CLICOLOR_FORCE", "1")], true, true),
        (&["--color", "auto"], &[("CLICOLOR", "0")], false, false),
        (&[], &[("TERM", "dumb")], false, false),
    ] {
        for (terminal, want) in [(true, on_terminal), (false, in_pipe)] {
            let seen = message(args, variables, terminal);
            assert!(seen.contains("nothing.so: no such module"), "{seen}");
            assert_eq!(seen.contains('\x1b'), want, "{args:?} {variables:?} {terminal}: {seen:?}");
        }
    }
}

#[test]
fn answers_for_people_are_coloured_and_others_are_not() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    let args = ["resolve", "--module", FIXTURE, "0x1146", "--style"];
    let plain = sandbox.run([&args[..], &["pretty"]].concat()).stdout;
    let seen = on_terminal(&sandbox, &[&args[..], &["pretty"]].concat(), 200);
    assert!(
        seen.starts_with("0x1146: \x1b[1mweigh<unsigned int>\x1b[0m at /src/cpp/pool.cc:25:37\r\n"),
        "{seen:?}"
    );
    assert_eq!(screen(&seen, 200).join("\n"), plain);
    for style in ["gnu", "llvm", "llvm-json", "json"] {
        let seen = on_terminal(&sandbox, &[&args[..], &[style]].concat(), 200);
        assert!(!seen.contains('\x1b'), "{seen:?}");
    }
}

#[test]
fn lists_fit_narrow_terminals_and_are_whole_elsewhere() {
    let sandbox = Sandbox::new();
    for fixture in [FIXTURE, "c-clang-O2-gc-tombstone-dwarf5.so", "macho-cpp-arm64-O2-dwarf5"] {
        sandbox.import(fixture);
    }
    for columns in [40, 60, 80, 120] {
        for args in [&["modules", "list"][..], &["stats"]] {
            let seen = on_terminal(&sandbox, args, columns);
            let fits = |line: &String| {
                line.chars().count()
                    <= usize::from(columns).max(if args[0] == "stats" { 60 } else { 0 })
            };
            assert!(screen(&seen, 120).iter().all(fits), "{columns}: {seen}");
        }
        let list = on_terminal(&sandbox, &["modules", "list"], columns);
        assert!(
            list.contains("NAME")
                && list.contains("7872b17fb1a0")
                && !list.contains("7872b17fb1a0719b"),
            "{list}"
        );
    }
    let list = sandbox.run(["modules", "list"]).stdout;
    assert_eq!(list.lines().count(), 3, "{list}");
    assert!(list.contains("7872b17fb1a0719b8cfefc50ded20d09a63a5d0d"), "{list}");
}

/// A crash in the module `name`, with a message of two lines.
fn event_in(number: u64, name: &str) -> String {
    let message = "first line\nsecond line";
    format!(
        r#"{{"event_id":"{number:032x}","timestamp":1700000000,"platform":"native","release":"app@1",
           "exception":{{"values":[{{"type":"SIGSEGV","value":{message:?},"stacktrace":{{"frames":[
           {{"function":"main","lineno":9,"filename":"main.c","instruction_addr":"0x2010"}},{{"instruction_addr":"0x1010"}}]}}}}]}},
           "debug_meta":{{"images":[{{"type":"elf","code_file":"/data/app/lib/{name}","code_id":"{number}{}",
           "image_addr":"0x1000","image_size":4096}}]}}}}"#,
        "a".repeat(39)
    )
    .replace('\n', " ")
}

#[test]
fn tables_of_crashes_fit_and_lose_no_count() {
    let sandbox = Sandbox::in_memory();
    let long = "a-library-with-a-name-that-is-longer-than-a-terminal-is-wide.so";
    let wide = "図書館図書館図書館図書館図書館図書館図書館.so";
    let events = [event_in(1, long), event_in(2, long), event_in(3, wide)].join("\n");
    let path = sandbox.write("events.ndjson", events);
    assert_eq!(sandbox.run(["crash", "add", path.to_str().unwrap()]).code, 0);
    for columns in [40, 80, 178] {
        for (args, headings) in [
            (&["missing"][..], &["GROUPS", "WAITING", "CRASHES", "ID", "MODULE"][..]),
            (&["groups", "list"], &["GROUP", "CRASHES", "TITLE"]),
            (&["crash", "list"], &["CRASH", "GROUP", "RESOLVED", "SOURCE"]),
        ] {
            let seen = on_terminal(&sandbox, args, columns);
            let lines: Vec<String> = seen
                .replace("\x1b[1m", "")
                .replace("\x1b[0m", "")
                .lines()
                .map(str::to_owned)
                .collect();
            assert_eq!(lines.len(), 4, "{seen}");
            for heading in headings {
                assert!(
                    lines[0].split_whitespace().any(|word| word == *heading),
                    "{columns}: {seen}"
                );
            }
            let fits = |line: &String| {
                unicode_width::UnicodeWidthStr::width(line.trim_end()) <= usize::from(columns)
            };
            assert!(lines.iter().all(fits), "{columns}: {seen}");
            let rows: std::collections::BTreeSet<&String> = lines.iter().collect();
            assert_eq!(rows.len(), 4, "{columns}: rows are alike: {seen}");
        }
        let seen = on_terminal(&sandbox, &["missing"], columns);
        for line in seen.lines().skip(1) {
            assert_eq!(
                line.split_whitespace().take(3).collect::<Vec<_>>(),
                ["1", "1", "1"],
                "{seen}"
            );
        }
    }
    // What scripts read has no headings, and all of it.
    let piped = sandbox.run(["missing"]).stdout;
    assert!(piped.contains(long) && piped.contains(wide) && piped.lines().count() == 3, "{piped}");
    let listed = sandbox.run(["crash", "list", "--json"]).stdout;
    let id = json_lines(&listed)[0]["id"].as_str().unwrap().to_owned();
    let shown = on_terminal(&sandbox, &["crash", "show", &id], 120);
    assert!(shown.contains("message     first line\r\n            second line\r\n"), "{shown:?}");
    assert!(shown.contains("\x1b[1mmain\x1b[0m") && shown.contains("\x1b[1;33m"), "{shown:?}");
}

#[test]
fn names_in_files_cannot_move_the_cursor() {
    let sandbox = Sandbox::new();
    let evil = "evil\x1b[2J\rname.so";
    fs::copy(object(FIXTURE), sandbox.path(evil)).unwrap();
    let broken = sandbox.write("evil\x1b[31mtext", "no object");
    let (evil, broken) =
        (sandbox.path(evil).to_str().unwrap().to_owned(), broken.to_str().unwrap().to_owned());
    for (args, code) in [
        (&["import", &evil][..], 0),
        (&["import", &evil], 0),
        (&["import", &broken], 1),
        (&["modules", "list"], 0),
        (&["modules", "show", &evil], 0),
        (&["modules", "verify", &evil], 0),
        (&["check", &evil, &broken], 1),
        (&["resolve", "--module", &broken, "10"], 1),
        (&["-v", "modules", "remove", &evil], 0),
    ] {
        let run = sandbox.run(args);
        assert_eq!(run.code, code, "{args:?} {}{}", run.stdout, run.stderr);
        assert!(
            !run.stdout.contains(['\x1b', '\r']) && !run.stderr.contains(['\x1b', '\r']),
            "{args:?} {}{}",
            run.stdout,
            run.stderr
        );
    }
}
