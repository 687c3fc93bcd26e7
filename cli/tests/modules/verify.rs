//! `modules verify`: every file of a module compared with what the store answers, and with a second reader.

use std::fs;
use std::path::Path;

use object::{Object, ObjectSymbol};
use serde_json::Value;

use crate::support::{Sandbox, object, objects};
use crate::{FIXTURE, debug_only, import, json_lines, replace, section, stripped};

#[test]
fn verify_compares_each_file_where_it_answers() {
    let sandbox = Sandbox::new();
    let (debug, code) = (debug_only(&sandbox), stripped(&sandbox));
    import(&sandbox, &code);
    import(&sandbox, &debug);
    for path in [&debug, &code] {
        let run = sandbox.run(["modules", "verify", "--json", path.to_str().unwrap()]);
        let report = &json_lines(&run.stdout)[0];
        assert_eq!((run.code, &report["different"]), (0, &0.into()), "{}", run.stdout);
        assert!(report["equal"].as_u64().unwrap() > 10, "{}", run.stdout);
    }
    // The whole fixture has the same id and is neither.
    let run = sandbox.run(["modules", "verify", object(FIXTURE).to_str().unwrap()]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("has this build from other files (debug.so, stripped.so)"),
        "{}",
        run.stderr
    );
}

#[test]
fn every_fixture_agrees_with_another_reader() {
    let (mut checked, mut equal) = (0, 0);
    let is_linked = |name: &&String| {
        let extension =
            Path::new(name.as_str()).extension().and_then(|extension| extension.to_str());
        let others = ["c-gcc-O2-stripped", "macho-image-armv7-stripped"];
        !others.contains(&name.as_str()) && !matches!(extension, Some("o" | "ko"))
    };
    for name in objects().iter().filter(is_linked) {
        // Of some there are twins with the same id.
        let sandbox = Sandbox::new();
        sandbox.import(name);
        for sample in ["10000", "0", "100"] {
            let run = sandbox.run([
                "modules",
                "verify",
                "--json",
                object(name).to_str().unwrap(),
                "--sample",
                sample,
            ]);
            assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{name}: {}", run.stdout);
            let report = &json_lines(&run.stdout)[0];
            assert_eq!(
                (&report["status"], &report["different"]),
                (&"ok".into(), &0.into()),
                "{name}: {}",
                run.stdout
            );
            let number = |key: &str| report[key].as_u64().unwrap();
            if sample == "100" {
                assert!(
                    number("checked") <= 102 && number("checked") > 0,
                    "{name}: {}",
                    run.stdout
                );
            }
            checked += number("checked");
            equal += number("equal");
        }
    }
    assert!(checked > 80_000 && equal * 10 > checked * 7, "{equal} of {checked}");
}

#[test]
fn verify_json_has_the_documented_shape() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    let run = sandbox.run(["modules", "verify", "--json", object(FIXTURE).to_str().unwrap()]);
    let lines = json_lines(&run.stdout);
    let [report, summary] = &lines[..] else { panic!("{}", run.stdout) };
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        keys(report),
        [
            "blocks",
            "checked",
            "different",
            "equal",
            "explained",
            "file",
            "module",
            "skipped",
            "status",
            "version"
        ]
    );
    assert_eq!(report["module"]["name"], FIXTURE);
    assert_eq!(
        *summary,
        serde_json::json!({"version": 1, "ok": 1, "different": 0, "failed": 0, "damaged": 0})
    );
    // Blocks only.
    let run = sandbox.run(["modules", "verify", "--json", FIXTURE]);
    assert_eq!(keys(&json_lines(&run.stdout)[0]), ["blocks", "module", "status", "version"]);
    let run = sandbox.run(["modules", "verify", "nothing.so"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(run.stderr.contains("nothing.so: no such module"), "{}", run.stderr);
}

/// Imports an altered copy of a fixture and verifies with the fixture; returns what was said.
fn verify_altered(fixture: &str, alter: impl FnOnce(&mut Vec<u8>)) -> Value {
    let sandbox = Sandbox::new();
    let mut bytes = fs::read(object(fixture)).unwrap();
    alter(&mut bytes);
    import(&sandbox, &sandbox.write("altered.so", bytes));
    let path = object(fixture);
    let run = sandbox.run(["modules", "verify", "--json", path.to_str().unwrap()]);
    let report = json_lines(&run.stdout).remove(0);
    assert_eq!((run.code, &report["status"]), (1, &"different".into()), "{}", run.stdout);
    let shown = report["differences"].as_array().unwrap();
    assert_eq!(shown.len() as u64, report["different"].as_u64().unwrap().min(5), "{}", run.stdout);
    assert!(
        shown.iter().all(|difference| difference["store"] != difference["file"]),
        "{}",
        run.stdout
    );
    let text = sandbox.run(["modules", "verify", path.to_str().unwrap()]);
    assert_eq!(text.code, 1);
    assert!(
        text.stdout.contains(" different\n  0x") && text.stdout.contains("    store  "),
        "{}",
        text.stdout
    );
    report
}

#[test]
fn a_renamed_function_is_noticed() {
    let report = verify_altered(FIXTURE, |bytes| {
        assert!(replace(bytes, b"_ZN5Adder3runEj", b"_ZN5Adder3ruNEj") > 0);
    });
    let shown = report["differences"].to_string();
    assert!(shown.contains("_ZN5Adder3ruNEj") && shown.contains("_ZN5Adder3runEj"), "{shown}");
}

#[test]
fn shifted_lines_are_noticed() {
    verify_altered(FIXTURE, |bytes| {
        let program = section(bytes, ".debug_line").start;
        assert_eq!(bytes[program + 4], 5, "DWARF 5");
        // What every special opcode adds to the line.
        bytes[program + 15] = bytes[program + 15].wrapping_add(1);
    });
}

#[test]
fn a_file_called_otherwise_is_noticed() {
    verify_altered(FIXTURE, |bytes| assert!(replace(bytes, b"ring.h\0", b"rinG.h\0") > 0));
}

/// Each sequence of lines, one byte too late.
#[test]
fn moved_lines_are_noticed() {
    let bytes = fs::read(object(FIXTURE)).unwrap();
    let set_address = [0, 9, 2];
    let moved: Vec<usize> = section(&bytes, ".debug_line")
        .filter(|at| bytes[*at..].starts_with(&set_address))
        .collect();
    assert!(moved.len() > 2, "{moved:?}");
    for at in moved {
        verify_altered(FIXTURE, |bytes| bytes[at + 3] += 1);
    }
}

#[test]
fn a_moved_symbol_is_noticed() {
    let fixture = "c-gcc-O2-symtab.so";
    let bytes = fs::read(object(fixture)).unwrap();
    let table = section(&bytes, ".symtab");
    let file = object::File::parse(&*bytes).unwrap();
    let symbol = file
        .symbols()
        .find(|symbol| symbol.kind() == object::SymbolKind::Text && symbol.size() > 8)
        .unwrap();
    let value = table.start + symbol.index().0 * 24 + 8;
    assert_eq!(bytes[value..value + 8], symbol.address().to_le_bytes());
    verify_altered(fixture, |bytes| bytes[value] ^= 1);
}
