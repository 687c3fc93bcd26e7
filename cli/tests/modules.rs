//! Job tests of files that complete each other, and of `symtool modules remove` and `verify`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use object::{Object, ObjectSection, ObjectSymbol};
use serde_json::Value;
use support::{Sandbox, object, objects};

const FIXTURE: &str = "cpp-gcc-O2-dwarf5.so";

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn import(sandbox: &Sandbox, path: &Path) -> Value {
    let run = sandbox.run(["import", "--json", path.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    json_lines(&run.stdout).remove(0)
}

fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) -> usize {
    assert_eq!(from.len(), to.len());
    let found: Vec<usize> =
        (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    found.iter().for_each(|at| bytes[*at..*at + to.len()].copy_from_slice(to));
    found.len()
}

/// The fixture as a linker's output without debug data: symbols only.
fn stripped(sandbox: &Sandbox) -> PathBuf {
    let mut bytes = fs::read(object(FIXTURE)).unwrap();
    assert!(replace(&mut bytes, b".debug_", b".xebug_") > 0);
    sandbox.write("stripped.so", bytes)
}

/// The fixture without symbols, and with the debug data of its first unit only.
fn debug_only(sandbox: &Sandbox) -> PathBuf {
    let mut bytes = fs::read(object(FIXTURE)).unwrap();
    let headers =
        usize::try_from(u64::from_le_bytes(bytes[0x28..0x30].try_into().unwrap())).unwrap();
    let count = usize::from(u16::from_le_bytes(bytes[0x3c..0x3e].try_into().unwrap()));
    let info = section(&bytes, ".debug_info").start;
    let first_unit = 4 + u32::from_le_bytes(bytes[info..info + 4].try_into().unwrap());
    for header in (0..count).map(|number| headers + number * 64) {
        // SHT_SYMTAB and SHT_DYNSYM become SHT_PROGBITS.
        if matches!(bytes[header + 4], 2 | 11) {
            bytes[header + 4] = 1;
        }
        if bytes[header + 24..header + 32] == (info as u64).to_le_bytes() {
            bytes[header + 32..header + 40].copy_from_slice(&u64::from(first_unit).to_le_bytes());
        }
    }
    sandbox.write("debug.so", bytes)
}

/// What the store answers at every address of the fixture's code.
fn answers(sandbox: &Sandbox) -> String {
    let batch: Vec<String> = (0x1000..0x2000).map(|address| format!("{address:x}")).collect();
    let args = [
        "resolve",
        "--module",
        "debug.so",
        "--style",
        "llvm-json",
        "--no-demangle",
        "--batch",
        "-",
    ];
    let run = sandbox.run_with_input(&args, batch.join("\n").as_bytes());
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout
}

fn record(sandbox: &Sandbox) -> Value {
    let mut modules = json_lines(&sandbox.run(["modules", "list", "--json"]).stdout);
    assert_eq!(modules.len(), 1);
    ["imported", "imported_ms"]
        .iter()
        .for_each(|key| drop(modules[0].as_object_mut().unwrap().remove(*key).unwrap()));
    modules.remove(0)
}

#[test]
fn files_of_one_id_complete_each_other_in_either_order() {
    let alone = Sandbox::new();
    import(&alone, &debug_only(&alone));
    let debug_answers = answers(&alone);
    let mut outcomes = Vec::new();
    for first_is_debug in [true, false] {
        let sandbox = Sandbox::new();
        let (debug, code) = (debug_only(&sandbox), stripped(&sandbox));
        let order = if first_is_debug { [&debug, &code] } else { [&code, &debug] };
        for path in order {
            assert_eq!(import(&sandbox, path)["status"], "imported");
        }
        let before = record(&sandbox);
        for path in order {
            assert_eq!(import(&sandbox, path)["status"], "unchanged");
        }
        assert_eq!(record(&sandbox), before);
        outcomes.push((before, answers(&sandbox)));
    }
    assert_eq!(outcomes[0], outcomes[1]);
    // What the debug file knew is as it was; the code file has names where it knew nothing.
    let (record, together) = &outcomes[0];
    let mut filled = 0;
    for (both, debug) in together.lines().zip(debug_answers.lines()) {
        if both != debug {
            assert!(
                debug.contains("\"FunctionName\":\"\"") && both.contains("\"Line\":0"),
                "{debug} {both}"
            );
            filled += 1;
        }
    }
    assert!(filled > 10, "{filled}");
    let name = "_ZN5route4walkEPKNS_5PointEj";
    assert!(together.contains(name) && !debug_answers.contains(name));
    let sources = record["sources"].as_array().unwrap();
    let of = |key: &str| sources.iter().map(|source| source[key].clone()).collect::<Vec<_>>();
    assert_eq!(
        (of("name"), of("detail")),
        (vec!["debug.so".into(), "stripped.so".into()], vec!["debug".into(), "symbols".into()])
    );
    assert!(sources[1]["addresses"].as_u64().unwrap() >= filled);
    assert_eq!(record["other_names"], serde_json::json!(["stripped.so"]));
}

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
fn modules_show_lists_what_a_module_is_made_from() {
    let sandbox = Sandbox::new();
    import(&sandbox, &stripped(&sandbox));
    import(&sandbox, &debug_only(&sandbox));
    let shown = sandbox.run(["modules", "show", "stripped.so"]).stdout;
    let sources: Vec<&str> = shown.lines().filter(|line| line.starts_with("source")).collect();
    assert_eq!(sources.len(), 2, "{shown}");
    assert!(
        sources[0].contains("debug.so: debug, ") && sources[1].contains("stripped.so: symbols, "),
        "{shown}"
    );
    assert!(sources.iter().all(|source| source.contains(" answers ")), "{shown}");
}

#[test]
fn removed_modules_are_gone_and_others_stay() {
    let sandbox = Sandbox::new();
    for fixture in [FIXTURE, "rust-O2-dwarf5.so", "c-gcc-O0-dwarf5.so"] {
        sandbox.import(fixture);
    }
    let run = sandbox.run(["modules", "remove", FIXTURE, "nothing.so", FIXTURE]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("nothing.so: no such module"), "{}", run.stderr);
    assert_eq!(
        (run.stdout.lines().count(), run.stdout.starts_with("cpp-gcc-O2-dwarf5.so: removed (")),
        (1, true),
        "{}",
        run.stdout
    );
    assert_eq!(sandbox.run(["resolve", "--module", FIXTURE, "1090"]).code, 1);
    let names = |sandbox: &Sandbox| -> Vec<String> {
        let listed = json_lines(&sandbox.run(["modules", "list", "--json"]).stdout);
        listed.iter().map(|module| module["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&sandbox), ["c-gcc-O0-dwarf5.so", "rust-O2-dwarf5.so"]);
    let run = sandbox.run(["--json", "modules", "remove", "rust-O2-dwarf5.so"]);
    let removed = &json_lines(&run.stdout)[0];
    assert_eq!(
        (run.code, &removed["status"], &removed["name"]),
        (0, &"removed".into(), &"rust-O2-dwarf5.so".into())
    );
    // What was removed can come back.
    sandbox.import(FIXTURE);
    assert_eq!(names(&sandbox), ["c-gcc-O0-dwarf5.so", FIXTURE]);
    assert_eq!(sandbox.run(["resolve", "--module", FIXTURE, "1090"]).code, 0);
    assert_eq!(sandbox.run(["modules", "verify"]).code, 0);
}

/// Kills removals at moments spread over their whole length: the module is there as a whole, or
/// gone.
#[test]
fn a_killed_removal_is_whole_or_nothing() {
    let sandbox = Sandbox::new();
    sandbox.import("rust-O2-dwarf5.so");
    let (mut gone, mut stayed) = (0, 0);
    for moment in 0..30u64 {
        sandbox.import(FIXTURE);
        let mut child = sandbox.spawn_piped(&["modules", "remove", FIXTURE]);
        std::thread::sleep(std::time::Duration::from_micros(moment * moment * 250));
        child.kill().unwrap();
        child.wait().unwrap();
        let run = sandbox.run(["modules", "verify", "--json"]);
        assert_eq!(run.code, 0, "{}", run.stdout);
        let ok = json_lines(&run.stdout).pop().unwrap()["ok"].as_u64().unwrap();
        assert!(ok == 1 || ok == 2, "{}", run.stdout);
        if ok == 1 { gone += 1 } else { stayed += 1 }
    }
    assert!(gone > 0 && stayed > 0, "{gone} gone, {stayed} stayed");
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

/// Where a section's bytes are.
fn section(bytes: &[u8], name: &str) -> std::ops::Range<usize> {
    let (start, size) =
        object::File::parse(bytes).unwrap().section_by_name(name).unwrap().file_range().unwrap();
    usize::try_from(start).unwrap()..usize::try_from(start + size).unwrap()
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

/// Every segment of the store, damaged in many places: what is damaged is named, and nothing else
/// is.
#[test]
fn damaged_blocks_are_named() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    sandbox.import("rust-O2-dwarf5.so");
    let segments: Vec<PathBuf> = fs::read_dir(sandbox.store().join("symbols"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sst"))
        .collect();
    // The blocks and the record of each.
    assert_eq!(segments.len(), 4);
    let intact = sandbox.run(["modules", "verify"]);
    assert_eq!((intact.code, intact.stdout.lines().count()), (0, 2), "{}", intact.stderr);
    let (mut damaged, mut blocks_named) = (0, 0);
    for segment in segments {
        let whole = fs::read(&segment).unwrap();
        for part in 0..24 {
            let mut bytes = whole.clone();
            bytes[whole.len() * part / 24] ^= 0x10;
            fs::write(&segment, &bytes).unwrap();
            let run = sandbox.run(["modules", "verify"]);
            assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
            // Whatever the byte is for.
            assert_eq!(run.code, 3, "{part}: {}", run.stderr);
            assert!(run.stderr.contains(segment.to_str().unwrap()), "{}", run.stderr);
            damaged += 1;
            blocks_named += u32::from(
                run.stderr.contains(": the block of ")
                    && run.stderr.contains("import its files again with --force"),
            );
            // The other module is intact.
            assert!(run.stdout.matches(", intact").count() >= 1, "{}{}", run.stdout, run.stderr);
        }
        fs::write(&segment, &whole).unwrap();
    }
    assert!(damaged > 20 && blocks_named > 10, "{damaged} {blocks_named}");
    assert_eq!(sandbox.run(["modules", "verify"]).stdout, intact.stdout);
}

fn segments(sandbox: &Sandbox) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(sandbox.store().join("symbols")).unwrap().map(|entry| entry.unwrap().path());
    let mut segments: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "sst"))
        .collect();
    segments.sort();
    segments
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// A damaged block can be imported again; a damaged record is read from its second copy, and a
/// repair brings it back. Other modules answer all the while.
#[test]
fn damage_can_be_repaired() {
    let other = "rust-O2-dwarf5.so";
    for (damaged, is_record) in [(0, false), (1, true)] {
        let sandbox = Sandbox::new();
        sandbox.import(FIXTURE);
        let segment = segments(&sandbox)[damaged].clone();
        sandbox.import(other);
        flip(&segment, 200);
        assert_eq!(sandbox.run(["modules", "verify"]).code, 3);
        assert_eq!(sandbox.run(["resolve", "--module", other, "0"]).code, 0);
        if is_record {
            assert_eq!(sandbox.run(["resolve", "--module", FIXTURE, "0"]).code, 0);
            let run = sandbox.run(["modules", "repair"]);
            assert_eq!(run.code, 0, "{}", run.stderr);
            assert!(run.stderr.contains("no module was lost"), "{}", run.stderr);
            assert_eq!(sandbox.run(["modules", "list"]).stdout.lines().count(), 2);
            assert_eq!(sandbox.run(["modules", "verify"]).code, 0);
        }
        let run = sandbox.run(["import", "--force", object(FIXTURE).to_str().unwrap()]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(
            sandbox.run(["modules", "verify", object(FIXTURE).to_str().unwrap(), other]).code,
            0
        );
        assert_eq!(sandbox.run(["modules", "repair"]).code, 0);
    }
}

/// A segment that was cut off or deleted is lost, and nothing else is.
#[test]
fn a_lost_segment_costs_its_module_only() {
    for is_cut in [true, false] {
        lose_a_segment(is_cut);
    }
}

fn lose_a_segment(is_cut: bool) {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    let segment = segments(&sandbox)[0].clone();
    sandbox.import("rust-O2-dwarf5.so");
    let whole = fs::read(&segment).unwrap();
    if is_cut {
        fs::write(&segment, &whole[..whole.len() / 8]).unwrap();
    } else {
        fs::remove_file(&segment).unwrap();
    }
    let run = sandbox.run(["--wait", "0", "modules", "verify"]);
    assert_eq!(
        (run.code, run.stdout.matches(", intact").count()),
        (3, 1),
        "{}{}",
        run.stdout,
        run.stderr
    );
    assert_eq!(sandbox.run(["resolve", "--module", "rust-O2-dwarf5.so", "0"]).code, 0);
    let run = sandbox.run(["resolve", "--module", FIXTURE, "--style", "json", "1146"]);
    assert_eq!(
        (run.code, run.stdout.contains("\"corrupt\"")),
        (1, true),
        "{}{}",
        run.stdout,
        run.stderr
    );
    let run = sandbox.run(["modules", "repair", "--json"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let lost = json_lines(&run.stdout);
    assert_eq!(lost.len(), 1, "{}", run.stdout);
    assert!(lost[0]["module"].as_str().unwrap().starts_with(FIXTURE), "{}", run.stdout);
    assert_eq!(
        (&lost[0]["status"], &lost[0]["files"]),
        (&"dropped".into(), &serde_json::json!([FIXTURE]))
    );
    let left = sandbox.run(["modules", "list"]).stdout;
    assert_eq!(left.lines().count(), 1);
    sandbox.import(FIXTURE);
    let run = sandbox.run(["modules", "verify"]);
    assert_eq!((run.code, run.stdout.matches(", intact").count()), (0, 2), "{}", run.stderr);
}

/// What is removed while somebody reads stays on disk until nobody does, and is seen by nobody who
/// comes after.
#[test]
fn files_stay_as_long_as_somebody_reads() {
    let sandbox = Sandbox::new();
    for fixture in [FIXTURE, "rust-O2-dwarf5.so"] {
        sandbox.import(fixture);
    }
    let answer = sandbox.run(["resolve", "--module", FIXTURE, "1146"]).stdout;
    let mut reader = sandbox.spawn_piped(&["resolve", "--module", FIXTURE, "--batch", "-"]);
    let mut stdin = reader.stdin.take().unwrap();
    let mut out = std::io::BufReader::new(reader.stdout.take().unwrap());
    let mut ask = || {
        use std::io::{BufRead, Write};
        writeln!(stdin, "1146").unwrap();
        let mut text = String::new();
        for _ in answer.lines() {
            out.read_line(&mut text).unwrap();
        }
        text
    };
    assert_eq!(ask(), answer);
    for round in 0..10 {
        assert_eq!(
            sandbox
                .run(["--wait", "0", "import", "--force", object(FIXTURE).to_str().unwrap()])
                .code,
            0
        );
        if round % 2 == 0 {
            assert_eq!(sandbox.run(["--wait", "0", "modules", "remove", FIXTURE]).code, 0);
            assert_eq!(sandbox.run(["modules", "list"]).stdout.lines().count(), 1);
        }
        assert_eq!(ask(), answer, "round {round}");
    }
    let many = segments(&sandbox).len();
    assert!(many > 10, "{many}");
    drop(stdin);
    assert!(reader.wait().unwrap().success());
    assert_eq!(sandbox.run(["modules", "compact"]).code, 0);
    let few = segments(&sandbox).len();
    assert!(few <= 3, "{few}");
    let run = sandbox.run(["modules", "verify"]);
    assert_eq!((run.code, run.stdout.matches(", intact").count()), (0, 2), "{}", run.stderr);
}

#[test]
fn old_builds_go_and_lists_are_chosen_and_sorted() {
    let sandbox = Sandbox::new();
    for number in 0..4 {
        let path = sandbox.write("libx.so", support::without_build_id(FIXTURE, number));
        assert_eq!(sandbox.run(["import", path.to_str().unwrap()]).code, 0);
    }
    sandbox.import("rust-O2-dwarf5.so");
    let ids = |args: &[&str]| -> Vec<String> {
        let run = sandbox.run([&["modules", "list", "--json"], args].concat());
        json_lines(&run.stdout)
            .iter()
            .map(|module| module["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let newest_first = ids(&["libx", "--sort", "imported"]);
    assert_eq!((newest_first.len(), ids(&[]).len(), ids(&["--arch", "arm64"]).len()), (4, 5, 0));
    assert_eq!(
        ids(&["libx", "--sort", "imported", "--reverse"]),
        newest_first.iter().rev().cloned().collect::<Vec<_>>()
    );
    assert_eq!(ids(&[&newest_first[2][..9]]), [newest_first[2].clone()]);
    let largest =
        json_lines(&sandbox.run(["modules", "list", "--json", "--sort", "stored"]).stdout);
    assert!(largest.is_sorted_by_key(|module| std::cmp::Reverse(module["bytes_stored"].as_u64())));

    let run = sandbox.run(["modules", "gc", "--keep", "2", "--dry-run", "--json"]);
    let chosen: Vec<String> = json_lines(&run.stdout)
        .iter()
        .map(|module| module["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((chosen.len(), ids(&[]).len()), (2, 5));
    assert!(newest_first[2..].iter().all(|id| chosen.contains(id)));
    // Nothing is that old.
    assert_eq!(sandbox.run(["modules", "gc", "--keep", "0", "--older-than", "1d"]).stdout, "");
    assert_eq!(sandbox.run(["modules", "gc", "--keep", "2"]).stdout.lines().count(), 2);
    assert_eq!(ids(&["libx", "--sort", "imported"]), newest_first[..2]);
    assert_eq!(ids(&["rust"]).len(), 1);
    for wrong in [&["modules", "gc"][..], &["modules", "gc", "--older-than", "3 weeks"]] {
        assert_eq!(sandbox.run(wrong).code, 2);
    }
}

#[test]
fn a_full_store_says_what_to_do() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    let stored = record(&sandbox)["bytes_stored"].as_u64().unwrap();
    let config = sandbox.write("symtool.toml", format!("quota = {}\n", stored + 100));
    let config = config.to_str().unwrap();
    let run =
        sandbox.run(["--config", config, "import", object("rust-O2-dwarf5.so").to_str().unwrap()]);
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("quota") && run.stderr.contains("modules gc"), "{}", run.stderr);
    assert_eq!(sandbox.run(["modules", "list"]).stdout.lines().count(), 1);
    // What takes the place of something else needs no more room than it has.
    assert_eq!(
        sandbox
            .run(["--config", config, "import", "--force", object(FIXTURE).to_str().unwrap()])
            .code,
        0
    );
}

#[test]
fn modules_move_between_stores() {
    let (one, other) = (Sandbox::new(), Sandbox::new());
    // Two files of one module: both are known in the other store too.
    let (stripped, debug) = (stripped(&one), debug_only(&one));
    for path in [&stripped, &debug] {
        assert_eq!(one.run(["import", path.to_str().unwrap()]).code, 0);
    }
    let list = json_lines(&one.run(["modules", "list", "--json"]).stdout);
    let id = list[0]["id"].as_str().unwrap();
    let file = one.path("x.segment");
    let run = one.run(["modules", "export", id, "--output", file.to_str().unwrap(), "--json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        json_lines(&run.stdout)[0]["bytes"].as_u64().unwrap(),
        fs::metadata(&file).unwrap().len()
    );
    for status in ["imported", "unchanged"] {
        let run = other.run(["import", "--json", file.to_str().unwrap()]);
        assert_eq!(
            (run.code, json_lines(&run.stdout)[0]["status"].as_str().unwrap()),
            (0, status),
            "{}",
            run.stderr
        );
    }
    for (key, value) in
        list[0].as_object().unwrap().iter().filter(|(key, _)| !key.starts_with("imported"))
    {
        assert_eq!(&json_lines(&other.run(["modules", "list", "--json"]).stdout)[0][key], value);
    }
    assert_eq!(other.run(["modules", "verify"]).code, 0);
    // A damaged record is read from its second copy; a damaged block is not.
    flip(&file, 150);
    assert_eq!(Sandbox::new().run(["import", file.to_str().unwrap()]).code, 0);
    flip(&file, usize::try_from(fs::metadata(&file).unwrap().len()).unwrap() / 3);
    let run = Sandbox::new().run(["import", file.to_str().unwrap()]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("segment cannot be read") && run.stderr.contains("export"),
        "{}",
        run.stderr
    );
}

/// As long as a record cannot be read, nobody knows whose blocks are whose: none is deleted, and a
/// restored record brings all back.
#[test]
fn blocks_of_a_damaged_footer_stay() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    let record = segments(&sandbox)[1].clone();
    sandbox.import("rust-O2-dwarf5.so");
    let whole = fs::read(&record).unwrap();
    flip(&record, 200);
    assert_eq!(sandbox.run(["modules", "verify"]).code, 3);
    assert_eq!(sandbox.run(["modules", "remove", "rust-O2-dwarf5.so"]).code, 0);
    fs::write(&record, whole).unwrap();
    let run = sandbox.run(["modules", "verify", object(FIXTURE).to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}
