//! Job tests of `symtool resolve`: statuses, styles, input in every shape.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::io::{BufRead, BufReader, Write};

use serde_json::{Value, json};
use support::{Sandbox, object};

const FIXTURE: &str = "cpp-gcc-O2-dwarf5.so";
/// An address with two inlined frames; what is expected of it is what llvm-symbolizer 19 prints.
const NESTED: &str = "0x1146";
/// An address with one frame, `Ring::pop`.
const PLAIN: &str = "0x1090";

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn imported() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    sandbox
}

#[test]
fn json_has_the_documented_shape() {
    let sandbox = imported();
    let run = sandbox.run(["resolve", "--module", FIXTURE, "--style", "json", NESTED]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let answer = &json_lines(&run.stdout)[0];
    let id = answer["module"]["id"].as_str().unwrap();
    let frame = |function: &str, linkage: &str, line: u32, column: u32, inlined: bool| json!({"function": function, "linkage": linkage, "file": "/src/cpp/pool.cc", "line": line, "column": column, "inlined": inlined, "source": "dwarf"});
    let want = json!({
        "line": 1, "address": NESTED, "module": {"name": FIXTURE, "id": id}, "status": "ok",
        "frames": [
            frame("weigh<unsigned int>", "weigh<unsigned int>", 25, 37, true),
            frame("Adder::Step::apply(unsigned long) const", "_ZNK5Adder4Step5applyEm", 56, 55, true),
            frame("Adder::run(unsigned int)", "_ZN5Adder3runEj", 66, 32, false),
        ]
    });
    assert_eq!(*answer, want);
    // Keys stand in the documented order, and `--json` means the same.
    assert!(run.stdout.starts_with("{\"line\":1,\"address\":"));
    assert_eq!(sandbox.run(["--json", "resolve", "--module", FIXTURE, NESTED]).stdout, run.stdout);
    let raw =
        sandbox.run(["resolve", "--module", FIXTURE, "--style", "json", "--no-demangle", NESTED]);
    assert_eq!(json_lines(&raw.stdout)[0]["frames"][2]["function"], "_ZN5Adder3runEj");
    // What only the symbol table knows has neither line nor column.
    sandbox.import("c-gcc-O2-symtab.so");
    let symbol =
        sandbox.run(["resolve", "--module", "c-gcc-O2-symtab.so", "--style", "json", "0x105c"]);
    let linkage = "span_number.constprop.0.isra.0.cold";
    let want = json!([{"function": linkage, "linkage": linkage, "file": "scan.c", "inlined": false, "source": "symtab"}]);
    assert_eq!(json_lines(&symbol.stdout)[0]["frames"], want);
}

#[test]
fn every_status() {
    let sandbox = imported();
    let requests = format!(
        "{FIXTURE} {PLAIN}\n\n# a comment\n{FIXTURE} 0\n{FIXTURE} ffffffffffffffff\nother.so 10\n10\n{FIXTURE} zz\n{FIXTURE}+{PLAIN}"
    );
    let run = sandbox
        .run_with_input(&["resolve", "--batch", "-", "--style", "json"], requests.as_bytes());
    assert_eq!(run.code, 1);
    let lines = json_lines(&run.stdout);
    let got: Vec<(u64, String)> = lines
        .iter()
        .map(|line| (line["line"].as_u64().unwrap(), line["status"].as_str().unwrap().to_owned()))
        .collect();
    let want = [
        (1, "ok"),
        (4, "no_range"),
        (5, "no_range"),
        (6, "no_module"),
        (7, "no_module"),
        (8, "malformed"),
        (9, "ok"),
    ];
    assert_eq!(got, want.map(|(line, status)| (line, status.to_owned())));
    for said in [
        "line 6: other.so: no such module in the store; import it",
        "line 7: names no module; write MODULE ADDR",
        "line 8: the address is not",
    ] {
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
}

#[test]
fn an_address_in_a_gap_is_no_failure() {
    let sandbox = imported();
    for address in ["0", "ffffffffffffffff"] {
        for (style, want) in [
            ("gnu", "??\n??:0\n".to_owned()),
            ("llvm", "??\n??:0:0\n\n".to_owned()),
            ("pretty", format!("0x{address}: ?? (no_range)\n")),
        ] {
            let run = sandbox.run(["resolve", "--module", FIXTURE, "--style", style, address]);
            assert_eq!((run.code, run.stdout, run.stderr.as_str()), (0, want, ""), "{style}");
        }
    }
}

#[test]
fn styles_for_people_and_for_scripts() {
    let sandbox = imported();
    let [inner, middle, outer] = [
        "weigh<unsigned int>",
        "Adder::Step::apply(unsigned long) const",
        "Adder::run(unsigned int)",
    ];
    let file = "/src/cpp/pool.cc";
    for (style, want) in [
        (
            "pretty",
            format!(
                "{NESTED}: {inner} at {file}:25:37\n  (inlined by) {middle} at {file}:56:55\n  (inlined by) {outer} at {file}:66:32\n"
            ),
        ),
        ("gnu", format!("{inner}\n{file}:25\n{middle}\n{file}:56\n{outer}\n{file}:66\n")),
        (
            "llvm",
            format!("{inner}\n{file}:25:37\n{middle}\n{file}:56:55\n{outer}\n{file}:66:32\n\n"),
        ),
    ] {
        assert_eq!(
            sandbox.run(["resolve", "--module", FIXTURE, "--style", style, NESTED]).stdout,
            want
        );
    }
}

/// One frame, as `llvm-symbolizer --no-inlines` has it: the symbol's name at the innermost place.
#[test]
fn without_inlined_calls_one_frame_is_left() {
    let sandbox = imported();
    let answer = |style: &str| {
        sandbox
            .run(["resolve", "--no-inlines", "--module", FIXTURE, "--style", style, NESTED])
            .stdout
    };
    assert_eq!(answer("llvm"), "Adder::run(unsigned int)\n/src/cpp/pool.cc:25:37\n\n");
    assert_eq!(answer("pretty"), "0x1146: Adder::run(unsigned int) at /src/cpp/pool.cc:25:37\n");
    let frames = &json_lines(&answer("json"))[0]["frames"];
    let want = json!([{"function": "Adder::run(unsigned int)", "linkage": "_ZN5Adder3runEj", "file": "/src/cpp/pool.cc", "line": 25, "column": 37, "inlined": false, "source": "dwarf"}]);
    assert_eq!(*frames, want);
}

/// The call at 0x10af goes back to 0x10b4, which is another function's.
#[test]
fn return_addresses_are_answered_for_their_calls() {
    let sandbox = imported();
    let answer = |flag: &[&str]| {
        let args = [
            &["resolve", "--style", "llvm", "--no-inlines", "--module", FIXTURE, "0x10b4"][..],
            flag,
        ]
        .concat();
        sandbox.run(args).stdout
    };
    assert_eq!(
        answer(&["--return-addresses"]),
        "store::Ring<unsigned int, 16u>::pop() (.part.0)\n/src/cpp/ring.h:58:9\n\n"
    );
    assert!(answer(&[]).starts_with("Adder::run(unsigned int) (.cold)\n"), "{}", answer(&[]));
    // The address is printed as it was asked.
    let pretty =
        sandbox.run(["resolve", "--return-addresses", "--module", FIXTURE, "0x10b4"]).stdout;
    assert!(pretty.starts_with("0x10b4: store::Ring"), "{pretty}");
}

#[test]
fn relative_addresses_count_from_the_image_base() {
    let sandbox = Sandbox::new();
    let name = "macho-image-exec-arm64-flat";
    sandbox.import(name);
    let answer =
        |args: &[&str]| sandbox.run([&["resolve", "--module", name][..], args].concat()).stdout;
    assert_eq!(answer(&["0x100000510"]), "0x100000510: call_imports\n");
    assert_eq!(answer(&["--relative", "0x510"]), "0x510: call_imports\n");
    assert_eq!(answer(&["0x510"]), "0x510: ?? (no_range)\n");
}

#[test]
fn strict_means_that_every_address_is_known() {
    let sandbox = imported();
    for (args, code) in [(&["0"][..], 0), (&["--strict", "0"], 1), (&["--strict", NESTED], 0)] {
        let run = sandbox.run([&["resolve", "--module", FIXTURE][..], args].concat());
        assert_eq!(run.code, code, "{args:?}");
    }
}

/// A file is imported when it is first asked, and known after that.
#[test]
fn a_file_that_is_new_is_imported_first() {
    let sandbox = Sandbox::new();
    let file = object(FIXTURE);
    let ask = || {
        sandbox.run([
            "resolve".as_ref(),
            "-e".as_ref(),
            file.as_os_str(),
            "--style".as_ref(),
            "gnu".as_ref(),
            PLAIN.as_ref(),
        ])
    };
    let first = ask();
    assert_eq!((first.code, &first.stderr[..]), (0, ""));
    let from_store = sandbox.run(["resolve", "--module", FIXTURE, "--style", "gnu", PLAIN]);
    assert_eq!((from_store.code, &from_store.stdout), (0, &first.stdout));
    assert_eq!(ask().stdout, first.stdout);
    // Where no store can be made, the file is answered from memory.
    std::fs::remove_dir_all(sandbox.store()).unwrap();
    sandbox.write("store", "in the way");
    let none = ask();
    assert_eq!((none.code, &none.stdout), (0, &first.stdout));
    let missing = sandbox.run(["resolve", "-e", "nowhere.so", "10"]);
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("nowhere.so"), "{}", missing.stderr);
}

/// Every style says the same on one thread and on several, in the order of the requests.
#[test]
fn threads_change_nothing() {
    let sandbox = imported();
    sandbox.import("c-gcc-O2-symtab.so");
    let modules = [FIXTURE, "c-gcc-O2-symtab.so", "missing.so"];
    let request = |number: u64| match number % 11 {
        0 => format!("# {number}\n"),
        1 => "nothing\n".to_owned(),
        _ => format!(
            "{} {:x}\n",
            modules[usize::try_from(number / 2 % 3).unwrap()],
            0x1000 + number * 7919 % 0x1c00
        ),
    };
    let batch: String = (0..30_000).map(request).collect();
    for style in ["pretty", "gnu", "llvm", "llvm-json", "json"] {
        let run = |jobs: &str| {
            sandbox.run_with_input(
                &["-j", jobs, "resolve", "--batch", "-", "--style", style],
                batch.as_bytes(),
            )
        };
        let (one, several) = (run("1"), run("4"));
        assert!(one.stdout == several.stdout, "{style}");
        assert_eq!((one.code, &one.stderr), (several.code, &several.stderr), "{style}");
    }
}

#[test]
fn modules_by_name_path_and_id() {
    let sandbox = imported();
    let shown = sandbox.run(["modules", "list", "--json"]).stdout;
    let id = json_lines(&shown)[0]["id"].as_str().unwrap().to_owned();
    let path = object(FIXTURE).to_str().unwrap().to_owned();
    let elsewhere = format!("/usr/lib/{FIXTURE}");
    for module in [FIXTURE, &path, &elsewhere, &id, &id[..8], &id.to_uppercase()] {
        let run =
            sandbox.run(["resolve", "--module", module, "--style", "gnu", "--no-demangle", PLAIN]);
        assert_eq!(
            (run.code, run.stdout.lines().next()),
            (0, Some("_ZN5store4RingIjLj16EE3popEv.part.0")),
            "{module}: {}",
            run.stderr
        );
    }
    let run = sandbox.run(["resolve", "--module", &id[..7], PLAIN]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("needs 8 digits"), "{}", run.stderr);
}

#[test]
fn a_file_names_its_own_build_only() {
    let sandbox = imported();
    // Another build under the same name: its answers would be wrong.
    let other = sandbox.path(FIXTURE);
    std::fs::copy(object("rust-O2-dwarf5.so"), &other).unwrap();
    let run =
        sandbox.run(["resolve", "--module", other.to_str().unwrap(), "--style", "json", NESTED]);
    assert_eq!(run.code, 1);
    assert_eq!(json_lines(&run.stdout)[0]["status"], "no_module");
    assert!(
        run.stderr.contains("this build (")
            && run.stderr.contains("is not in the store; import it"),
        "{}",
        run.stderr
    );
}

#[test]
fn messages_that_nobody_can_read_stop_nothing() {
    let sandbox = imported();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = sandbox
        .command()
        .args(["resolve", "--module", FIXTURE, "zz", NESTED])
        .stderr(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("Adder::run"));
}

#[test]
fn several_builds_of_one_name() {
    let sandbox = Sandbox::new();
    for (folder, fixture) in [("one", "c-gcc-O0-dwarf5.so"), ("two", "c-gcc-O2-dwarf5.so")] {
        std::fs::create_dir(sandbox.path(folder)).unwrap();
        let copy = sandbox.path(folder).join("lib.so");
        std::fs::copy(object(fixture), &copy).unwrap();
        assert_eq!(sandbox.run(["import", copy.to_str().unwrap()]).code, 0);
    }
    let run = sandbox.run(["resolve", "--module", "lib.so", "--style", "json", "1100"]);
    assert_eq!(run.code, 1);
    assert_eq!(json_lines(&run.stdout)[0]["status"], "ambiguous_module");
    assert!(run.stderr.contains("2 builds have this name; pass an id ("), "{}", run.stderr);
    assert_eq!(sandbox.run(["resolve", "--latest", "--module", "lib.so", "1100"]).code, 0);
}

#[test]
fn a_pipe_that_waits_gets_its_answer() {
    let sandbox = imported();
    let mut child = sandbox.spawn_piped(&[
        "resolve",
        "--module",
        FIXTURE,
        "--style",
        "gnu",
        "--no-demangle",
        "--batch",
        "-",
    ]);
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..3 {
        writeln!(input, "{PLAIN}").unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "_ZN5store4RingIjLj16EE3popEv.part.0\n");
        line.clear();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "/src/cpp/ring.h:55\n");
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let sandbox = imported();
    let requests = format!("{PLAIN}\n").repeat(300_000);
    let batch = sandbox.write("batch", requests);
    let mut child =
        sandbox.spawn_piped(&["resolve", "--module", FIXTURE, "--batch", batch.to_str().unwrap()]);
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("Ring"));
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn long_batches_keep_their_order() {
    let sandbox = imported();
    // Several runs of requests: misses, hits and malformed lines in turn.
    let requests: String = (0..200_000)
        .map(|at| {
            if at % 1000 == 7 {
                "zz zz zz\n".to_owned()
            } else {
                format!("{:x}\n", 0x1000 + at * 7919 % 0x2000)
            }
        })
        .collect();
    let run = sandbox.run_with_input(
        &["resolve", "--module", FIXTURE, "--style", "json", "--batch", "-"],
        requests.as_bytes(),
    );
    assert_eq!(run.code, 1);
    let mut expected = std::collections::HashMap::new();
    for (at, line) in run.stdout.lines().enumerate() {
        let answer: Value = serde_json::from_str(line).unwrap();
        assert_eq!(answer["line"], at + 1);
        if at % 1000 == 7 {
            assert_eq!(answer["status"], "malformed");
            continue;
        }
        let address = format!("{:#x}", 0x1000 + at * 7919 % 0x2000);
        assert_eq!(answer["address"], address);
        let known = expected.entry(address).or_insert_with(|| answer["frames"].clone());
        assert_eq!(*known, answer["frames"]);
    }
    assert_eq!(run.stdout.lines().count(), 200_000);
    assert!(run.stderr.contains("200 requests failed in total"), "{}", run.stderr);
}

#[test]
fn wrong_usage_exits_with_2() {
    let sandbox = Sandbox::new();
    for args in [
        &["resolve"][..],
        &["resolve", "--style", "fancy", "0"],
        &["frobnicate"],
        &["import"],
        &["-j", "0", "modules", "list"],
        &["resolve", "--batch", "x", "10"],
    ] {
        assert_eq!(sandbox.run(args).code, 2, "{args:?}");
    }
    let run = imported().run(["resolve", "--batch", "missing.txt"]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("missing.txt: cannot be opened; pass a file of requests"),
        "{}",
        run.stderr
    );
}

/// Every file of the store, damaged in turn: other modules go on answering, and nothing is answered
/// wrongly.
#[test]
fn damage_is_noticed_and_named() {
    let sandbox = imported();
    sandbox.import("rust-O2-dwarf5.so");
    let right = sandbox.run(["resolve", "--module", FIXTURE, "--style", "gnu", PLAIN]).stdout;
    let mut damaged_answers = 0;
    let folder = sandbox.store().join("symbols");
    let segments: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "sst"))
        .collect();
    assert!(segments.len() >= 2);
    for segment in segments {
        let whole = std::fs::read(&segment).unwrap();
        for part in 0..24 {
            let mut damaged = whole.clone();
            let at = whole.len() * part / 24;
            damaged[at] ^= 0x10;
            std::fs::write(&segment, &damaged).unwrap();
            let run = sandbox.run(["resolve", "--module", FIXTURE, "--style", "gnu", PLAIN]);
            assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
            if run.code == 0 {
                assert_eq!(run.stdout, right);
            } else {
                damaged_answers += 1;
                assert!(!run.stderr.is_empty());
            }
        }
        std::fs::write(&segment, &whole).unwrap();
    }
    assert!(damaged_answers > 5, "damage was never met");
    assert_eq!(
        sandbox.run(["resolve", "--module", FIXTURE, "--style", "gnu", PLAIN]).stdout,
        right
    );
}
