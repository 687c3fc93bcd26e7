//! Job tests of `symtool resolve`: statuses, styles, input in every shape.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod modules;
mod streams;
#[path = "../support/mod.rs"]
mod support;

use serde_json::{Value, json};
use support::Sandbox;

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
