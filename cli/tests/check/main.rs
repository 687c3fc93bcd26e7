//! Job tests of `symtool check`: what is good to upload, and the problems of what is not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod formats;
mod mappings;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use object::{Object, ObjectSection};
use serde_json::Value;
use support::archives::{DEFLATED, STORED, zip};
use support::{Sandbox, json_lines, object, testdata};

const FIXTURE: &str = "cpp-gcc-O2-dwarf5.so";

/// Exit code and reports, the summary last.
fn check(args: &[&str]) -> (i32, Vec<Value>) {
    let sandbox = Sandbox::new();
    let run = sandbox.run([&["check", "--json"], args].concat());
    assert!(!sandbox.store().exists(), "no store is needed");
    let lines = json_lines(&run.stdout);
    let summary = lines.last().unwrap();
    assert_eq!(
        run.code,
        i32::from(summary["not_good"].as_u64().unwrap() > 0),
        "{}{}",
        run.stdout,
        run.stderr
    );
    (run.code, lines)
}

fn problems(report: &Value) -> Vec<&str> {
    report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["problem"].as_str().unwrap())
        .collect()
}

fn path(name: &str) -> String {
    object(name).to_str().unwrap().to_owned()
}

#[test]
fn json_has_the_documented_shape() {
    let path = path(FIXTURE);
    let (_, lines) = check(&[&path]);
    let want = serde_json::json!({
        "version": 1, "path": path, "good": true,
        "module": {"name": FIXTURE, "id": "7872b17fb1a0719b8cfefc50ded20d09a63a5d0d",
            "debug_id": "7fb17278-a0b1-9b71-8cfe-fc50ded20d09", "kind": "elf", "arch": "x86_64"},
        "has": "debug", "code": true, "units": 2, "compressed": [], "split_files": 0, "unwind": true, "problems": [],
    });
    assert_eq!(lines[0], want);
    assert_eq!(lines[1], serde_json::json!({"version": 1, "good": 1, "not_good": 0, "skipped": 0}));
    assert_eq!(lines.len(), 2);
}

#[test]
fn unwind_data_is_found_in_every_format() {
    for (file, want) in [
        ("objects/cpp-gcc-O2-dwarf5.so", true),
        ("objects/macho-cpp-arm64-O2-dwarf5", false),
        ("objects/macho-image-dylib-arm64", true),
        ("breakpad/shop86.sym", true),
        ("windows/shop64.dll", true),
        ("windows/shop64.pdb", false),
        ("windows/shop86.dll", false),
        ("windows/shop86.pdb", true),
    ] {
        let (_, lines) = check(&[testdata(file).to_str().unwrap()]);
        assert_eq!(lines[0]["unwind"], want, "{file}");
    }
}

#[test]
fn what_is_wrong_is_told_apart() {
    for (name, require, want) in [
        (FIXTURE, "debug", &[][..]),
        ("c-gcc-O2-zstd.so", "debug", &[]),
        ("c-gcc-O2-no-id.so", "debug", &["no_id"]),
        ("c-gcc-O2-symtab.so", "debug", &["no_debug"]),
        ("c-gcc-O2-symtab.so", "symbols", &[]),
        ("c-gcc-O2-dynsym.so", "debug", &["no_debug"]),
        ("c-gcc-O2-dynsym.so", "symbols", &["no_symbols"]),
        ("link-beside/lib.so", "debug", &[]),
        ("link-wrong-crc/lib.so", "debug", &["no_id", "other_build"]),
        ("split-c-clang-dwarf5/lib.so", "debug", &[]),
        ("split-c-missing/lib.so", "debug", &["missing_split"]),
        ("split-c-missing/lib.so", "symbols", &[]),
        ("split-c-stale/lib.so", "debug", &["missing_split"]),
        ("dwz-dwarf5/cpp-gcc-O2-dwarf5.so", "debug", &[]),
        ("macho-cpp-arm64-O2-dwarf5", "debug", &[]),
        ("macho-beside/app", "debug", &[]),
        ("macho-map-arm64/app", "debug", &["debug_map"]),
        ("macho-map-arm64/app", "symbols", &[]),
        ("macho-image-dylib-arm64-stripped", "debug", &["no_debug"]),
        ("module-gcc.ko", "debug", &["no_id"]),
        ("c-gcc-O2-dwarf5.o", "debug", &["no_id"]),
    ] {
        let (_, lines) = check(&["--require", require, &path(name)]);
        assert_eq!(problems(&lines[0]), want, "{name} {require}: {}", lines[0]);
    }
}

/// The names of sections that only debug data has, made unknown.
fn stripped(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len() - 7 {
        if &bytes[at..at + 7] == b".debug_" {
            bytes[at + 1] = b'x';
        }
    }
    bytes
}

#[test]
fn code_and_debug_file_are_matched_by_id() {
    let sandbox = Sandbox::new();
    let whole = fs::read(object(FIXTURE)).unwrap();
    let code = sandbox.write("code.so", stripped(&whole)).to_str().unwrap().to_owned();
    let debug = sandbox.write("code.dbg", &whole).to_str().unwrap().to_owned();
    for order in [[&*code, &*debug], [&debug, &code]] {
        let (exit, lines) = check(&order);
        assert_eq!((exit, lines.len()), (0, 3), "{lines:?}");
        let of_code = lines.iter().find(|line| line["path"] == *code).unwrap();
        assert_eq!(
            (&of_code["has"], &of_code["debug_file"]),
            (&"symbols".into(), &debug.as_str().into())
        );
    }
    assert_eq!(problems(&check(&[&code]).1[0]), ["no_debug"]);
    // The debug data of another build does not help.
    assert_eq!(problems(&check(&[&code, &path("rust-O2-dwarf5.so")]).1[0]), ["no_debug"]);
}

#[test]
fn debug_files_are_looked_for_in_folders() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("code")).unwrap();
    fs::create_dir_all(sandbox.path("dbg")).unwrap();
    let code = sandbox.path("code/lib.so");
    fs::copy(object("link-stripped/lib.so"), &code).unwrap();
    let code = code.to_str().unwrap();
    let (_, lines) = check(&[code]);
    let message = lines[0]["problems"][0]["message"].as_str().unwrap();
    assert!(
        message.contains(
            "lib.so.debug, which was not found; pass that file too, or its folder as --debug-dir"
        ),
        "{message}"
    );
    fs::copy(object("link-stripped/lib.so.debug"), sandbox.path("dbg/lib.so.debug")).unwrap();
    let (_, lines) = check(&[code, "--debug-dir", sandbox.path("dbg").to_str().unwrap()]);
    assert_eq!(
        (
            lines[0]["good"].as_bool(),
            lines[0]["debug_file"].as_str().unwrap().ends_with("dbg/lib.so.debug")
        ),
        (Some(true), true)
    );
}

#[test]
fn damage_is_noticed() {
    let sandbox = Sandbox::new();
    let whole = fs::read(object(FIXTURE)).unwrap();
    let file = object::File::parse(&*whole).unwrap();
    let (start, size) = file.section_by_name(".debug_info").unwrap().file_range().unwrap();
    let (start, end) = (usize::try_from(start).unwrap(), usize::try_from(start + size).unwrap());
    let mut bytes = whole.clone();
    // The number of an abbreviation that does not exist, for the root of the first unit.
    bytes[start + 12] = 0x7f;
    let bad_root = sandbox.write("root.so", &bytes);
    let mut bytes = whole.clone();
    bytes[start..end].fill(0xff);
    let bad_header = sandbox.write("header.so", &bytes);
    for file in [&bad_root, &bad_header] {
        let (_, lines) = check(&[file.to_str().unwrap()]);
        assert_eq!(problems(&lines[0]), ["bad_units"], "{}", lines[0]);
    }
    let cut = sandbox.write("cut.so", &whole[..whole.len() / 2]);
    let text = sandbox.write("notes.txt", "no object");
    for file in [cut, text, sandbox.path("missing.so")] {
        let (_, lines) = check(&[file.to_str().unwrap()]);
        assert_eq!(problems(&lines[0]), ["unreadable"], "{}", lines[0]);
    }
}

#[test]
fn every_object_of_archives_and_folders() {
    let sandbox = Sandbox::new();
    let read = |name: &str| fs::read(object(name)).unwrap();
    let apk = zip(&[
        ("lib/x86_64/good.so", STORED, &read(FIXTURE)),
        ("lib/x86_64/bad.so", DEFLATED, &read("c-gcc-O2-dynsym.so")),
        ("classes.dex", DEFLATED, b"dex"),
    ]);
    fs::create_dir(sandbox.path("build")).unwrap();
    sandbox.write("build/app.apk", apk);
    sandbox.write("build/part.o", read("c-gcc-O2-dwarf5.o"));
    sandbox.write("build/notes.txt", "text");
    let folder = sandbox.path("build").to_str().unwrap().to_owned();
    let (_, lines) = check(&[&folder]);
    let found: Vec<(String, bool)> = lines[..lines.len() - 1]
        .iter()
        .map(|line| {
            (line["path"].as_str().unwrap().replace(&folder, ""), line["good"].as_bool().unwrap())
        })
        .collect();
    assert_eq!(
        found,
        [
            ("/app.apk!lib/x86_64/good.so".to_owned(), true),
            ("/app.apk!lib/x86_64/bad.so".to_owned(), false)
        ]
    );
    assert_eq!(
        *lines.last().unwrap(),
        serde_json::json!({"version": 1, "good": 1, "not_good": 1, "skipped": 3})
    );
    // Of a universal file, every slice.
    let (_, lines) = check(&[&path("macho-fat/three")]);
    assert_eq!(lines.len(), 4, "{lines:?}");
    let (_, lines) = check(&[&format!("{}:AArch64", path("macho-fat/three"))]);
    assert_eq!((lines.len(), lines[0]["module"]["arch"].as_str()), (2, Some("arm64")), "{lines:?}");
}

#[test]
fn for_people_and_quiet() {
    let sandbox = Sandbox::new();
    let (good, bad) = (path(FIXTURE), path("c-gcc-O2-dynsym.so"));
    let run = sandbox.run(["check", &good, &bad]);
    assert_eq!(run.code, 1);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(
        lines[0],
        format!(
            "{good}: good, 7872b17fb1a0 x86_64, debug data; debug id 7fb17278-a0b1-9b71-8cfe-fc50ded20d09"
        )
    );
    assert!(
        lines[1].starts_with(&format!("{bad}: not good, "))
            && lines[1].contains(" x86_64, exports; debug id "),
        "{}",
        run.stdout
    );
    assert_eq!(
        lines[2],
        "  stripped: only exported names are left; pass the unstripped file, or its debug file (objcopy --only-keep-debug)"
    );
    assert_eq!(run.stderr, "symtool: 1 good, 1 not good\n");
    let run = sandbox.run(["check", "-q", &good, &bad]);
    assert_eq!((run.stdout.lines().count(), run.stderr.as_str()), (2, ""));
    assert_eq!(sandbox.run(["check"]).code, 2);
}

/// It says that something is missing exactly where an import warns of it.
#[test]
fn it_agrees_with_imports() {
    let mut compared = 0;
    let names = [
        "split-c-clang-dwarf4",
        "split-c-gcc-dwarf5-dwp",
        "split-c-gcc-dwarf5-moved",
        "split-c-missing",
        "split-c-folder",
        "split-c-inlining",
    ];
    for name in names {
        let folder = object(name);
        let library: PathBuf = [folder.join("lib.so"), folder.join("build/lib.so")]
            .into_iter()
            .find(|path| path.is_file())
            .unwrap();
        let sandbox = Sandbox::new();
        let run = sandbox.run(["import", "--json", library.to_str().unwrap()]);
        let warns = json_lines(&run.stdout)[0]["warnings"].to_string().contains("was not found");
        let (_, lines) = check(&[library.to_str().unwrap()]);
        assert_eq!(!problems(&lines[0]).is_empty(), warns, "{name}: {} {}", run.stdout, lines[0]);
        compared += 1;
    }
    assert_eq!(compared, names.len());
    assert!(Path::new(&path("split-c-missing")).is_dir());
}
