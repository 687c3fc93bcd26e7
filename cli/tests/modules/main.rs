//! Job tests of files that complete each other, and of `symtool modules remove` and `verify`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod complete;
mod damage;
#[path = "../support/mod.rs"]
mod support;
mod verify;

use std::fs;
use std::path::{Path, PathBuf};

use object::{Object, ObjectSection};
use serde_json::Value;
use support::{Sandbox, object};

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

fn record(sandbox: &Sandbox) -> Value {
    let mut modules = json_lines(&sandbox.run(["modules", "list", "--json"]).stdout);
    assert_eq!(modules.len(), 1);
    ["imported", "imported_ms"]
        .iter()
        .for_each(|key| drop(modules[0].as_object_mut().unwrap().remove(*key).unwrap()));
    modules.remove(0)
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

/// Where a section's bytes are.
fn section(bytes: &[u8], name: &str) -> std::ops::Range<usize> {
    let (start, size) =
        object::File::parse(bytes).unwrap().section_by_name(name).unwrap().file_range().unwrap();
    usize::try_from(start).unwrap()..usize::try_from(start + size).unwrap()
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
