//! Job tests of folded functions (ICF): names, lines and inlined calls of one function, and the
//! others as aliases. Which functions have one address is what `nm` says of the fixtures; which
//! lines they have is in `testdata/src/port/fold*.c`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use serde_json::{Value, json};
use support::{Sandbox, json_lines, object};

/// Each fixture with an address at which functions are folded, the one that is named, and the
/// others.
const FOLDED: [(&str, &str, &str, &[&str]); 2] = [
    ("folded/lld.so", "0x1330", "point_width", &["item_total", "point_left"]),
    ("folded/gold.so", "0x350", "point_width", &["point_left"]),
];

fn imported(fixture: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.import(fixture);
    sandbox
}

fn outermost(sandbox: &Sandbox, address: &str, more: &[&str]) -> Value {
    let args = ["resolve", "--module", "so", "--style", "json", address];
    let module = json_lines(&sandbox.run(["modules", "list", "--json"]).stdout)[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let args = args.map(|arg| if arg == "so" { &module } else { arg });
    let run = sandbox.run(args.iter().chain(more));
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    json_lines(&run.stdout)[0]["frames"].as_array().unwrap().last().unwrap().clone()
}

#[test]
fn json_names_the_other_functions() {
    for (fixture, address, name, aliases) in FOLDED {
        let sandbox = imported(fixture);
        let frame = outermost(&sandbox, address, &[]);
        assert_eq!(
            (&frame["function"], &frame["aliases"]),
            (&json!(name), &json!(aliases)),
            "{fixture}"
        );
        let count = &json_lines(&sandbox.run(["modules", "list", "--json"]).stdout)[0]["aliases"];
        assert!(count.as_u64().unwrap() >= aliases.len() as u64, "{fixture}: {count}");
        // One frame of all: they are the function's still.
        assert_eq!(
            outermost(&sandbox, address, &["--no-inlines"])["aliases"],
            json!(aliases),
            "{fixture}"
        );
    }
    let plain = imported("c-gcc-O2-dwarf5.so");
    assert_eq!(outermost(&plain, "0x1146", &[]).get("aliases"), None);
}

#[test]
fn people_read_of_them_on_request() {
    for (fixture, address, name, aliases) in FOLDED {
        let sandbox = imported(fixture);
        let text = |more: &[&str]| {
            let path = object(fixture);
            sandbox
                .run(["resolve", "--module", path.to_str().unwrap(), address].iter().chain(more))
                .stdout
        };
        let (without, with) = (text(&[]), text(&["--aliases"]));
        assert!(
            without.contains(name) && aliases.iter().all(|alias| !without.contains(alias)),
            "{without}"
        );
        let lines = aliases.iter().map(|alias| format!("  (same code as) {alias}\n"));
        assert_eq!(with, without + &lines.collect::<String>(), "{fixture}");
        // The tools have no word for them.
        for style in ["gnu", "llvm", "llvm-json"] {
            assert_eq!(
                text(&["--style", style, "--aliases"]),
                text(&["--style", style]),
                "{fixture} {style}"
            );
        }
    }
}

#[test]
fn they_stay_when_modules_move() {
    for (fixture, address, _, aliases) in FOLDED {
        let sandbox = imported(fixture);
        assert_eq!(sandbox.run(["modules", "verify"]).code, 0);
        let segment = sandbox.path("exported.segment");
        let id = json_lines(&sandbox.run(["modules", "list", "--json"]).stdout)[0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let run = sandbox.run(["modules", "export", &id, "-o", segment.to_str().unwrap()]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let other = Sandbox::new();
        let run = other.run(["import", segment.to_str().unwrap()]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(outermost(&other, address, &[])["aliases"], json!(aliases), "{fixture}");
    }
}

/// The other reader takes lines of another function of the same code.
#[test]
fn verify_explains_folded_code() {
    let mut explained = 0;
    for fixture in ["c-clang-O2-icf.so", "cpp-clang-O1-icf.so", "folded/lld.so", "folded/gold.so"] {
        let sandbox = imported(fixture);
        let run = sandbox.run([
            "modules",
            "verify",
            "--json",
            object(fixture).to_str().unwrap(),
            "--sample",
            "0",
        ]);
        let report = &json_lines(&run.stdout)[0];
        assert_eq!((run.code, &report["different"]), (0, &json!(0)), "{fixture}: {}", run.stdout);
        explained += report["explained"]["folded"].as_u64().unwrap_or(0);
    }
    assert!(explained > 0);
}
