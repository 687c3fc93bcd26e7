//! Job tests of `symtool bundle`, and of imports that only list what would come in.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::archives::{DEFLATED, tar, zip, zstd};
use support::{Run, Sandbox, json_lines, object, testdata};

const FIXTURE: &str = "cpp-gcc-O2-dwarf5.so";
const OTHER: &str = "rust-O2-dwarf5.so";

/// A folder of a build: two libraries, one of them stripped with its debug file, and a mapping.
fn build(sandbox: &Sandbox) -> String {
    let folder = sandbox.path("build");
    fs::create_dir_all(folder.join("debug")).unwrap();
    fs::copy(object(FIXTURE), folder.join("first.so")).unwrap();
    fs::copy(object("link-stripped/lib.so"), folder.join("lib.so")).unwrap();
    fs::copy(object("link-stripped/lib.so.debug"), folder.join("debug/lib.so.debug")).unwrap();
    fs::copy(testdata("mapping/builds/hall.mapping.txt"), folder.join("mapping.txt")).unwrap();
    folder.to_str().unwrap().to_owned()
}

fn bundle(sandbox: &Sandbox, args: &[&str]) -> (Run, Vec<Value>) {
    let run = sandbox.run([&["bundle", "--json"], args].concat());
    let lines = json_lines(&run.stdout);
    assert!(!sandbox.store().exists(), "no store is needed");
    (run, lines)
}

/// What the store says of every module, but for the time of the import.
fn modules(sandbox: &Sandbox) -> Vec<Value> {
    let mut modules = json_lines(&sandbox.run(["modules", "list", "--json"]).stdout);
    for module in &mut modules {
        for key in ["imported", "imported_ms"] {
            module.as_object_mut().unwrap().remove(key).unwrap();
        }
    }
    modules
}

#[test]
fn a_store_has_what_it_would_have_of_the_files() {
    let (builder, direct, taken) = (Sandbox::new(), Sandbox::new(), Sandbox::new());
    let folder = build(&builder);
    let file = builder.path("symbols.tar.zst").to_str().unwrap().to_owned();
    let (run, lines) = bundle(&builder, &[&folder, "-o", &file]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let summary = lines.last().unwrap();
    assert_eq!(
        (&summary["bundled"], &summary["known"], &summary["failed"], &summary["file"]),
        (&3.into(), &0.into(), &0.into(), &file.as_str().into())
    );
    assert_eq!(summary["bytes"], fs::metadata(&file).unwrap().len());
    assert!(lines[..3].iter().all(|line| line["status"] == "bundled" && line["bytes"].is_u64()));
    assert_eq!(direct.run(["import", &folder]).code, 0);
    let run = taken.run(["import", "--json", &file]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(json_lines(&run.stdout).last().unwrap()["imported"], 3);
    assert_eq!(modules(&taken), modules(&direct));
    assert_eq!(taken.run(["modules", "verify", object(FIXTURE).to_str().unwrap()]).code, 0);
    // The files themselves are known by what came of them.
    let again = json_lines(&taken.run(["import", "--json", &folder]).stdout);
    assert_eq!(again.last().unwrap()["imported"], 0, "{again:?}");
    // Unpacked, the folder of segments is taken, too.
    let unpacked = Sandbox::new();
    let archive = ::zstd::decode_all(&*fs::read(&file).unwrap()).unwrap();
    fs::create_dir(unpacked.path("segments")).unwrap();
    ::tar::Archive::new(&*archive).unpack(unpacked.path("segments")).unwrap();
    let segments = unpacked.path("segments");
    assert_eq!(unpacked.run(["import", segments.to_str().unwrap()]).code, 0);
    assert_eq!(modules(&unpacked), modules(&direct));
}

#[test]
fn the_same_files_give_the_same_bytes() {
    let mut seen = Vec::new();
    for jobs in ["1", "2", "4"] {
        let sandbox = Sandbox::new();
        let folder = build(&sandbox);
        let file = sandbox.path("x.tar.zst");
        let run = sandbox.run(["bundle", "-j", jobs, &folder, "-o", file.to_str().unwrap()]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stdout.contains("first.so: bundled, 7872b17fb1a0, "), "{}", run.stdout);
        seen.push(fs::read(file).unwrap());
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
    // A module that came through a store is the same segment.
    let (one, other) = (Sandbox::new(), Sandbox::new());
    one.import(FIXTURE);
    let export = |sandbox: &Sandbox, name: &str| {
        let file = sandbox.path(name);
        let run = sandbox.run(["modules", "export", FIXTURE, "-o", file.to_str().unwrap()]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        file
    };
    let first = export(&one, "a.segment");
    assert_eq!(other.run(["import", first.to_str().unwrap()]).code, 0);
    other.import(OTHER);
    assert_eq!(fs::read(&first).unwrap(), fs::read(export(&other, "b.segment")).unwrap());
}

#[test]
fn what_a_store_has_is_left_out() {
    let (builder, store) = (Sandbox::new(), Sandbox::new());
    let folder = build(&builder);
    store.import(FIXTURE);
    // Of the stripped library only the code: its debug file is news.
    assert_eq!(store.run(["import", &format!("{folder}/lib.so")]).code, 0);
    let list = |name: &str| {
        let text = store.run(["modules", "list", "--json"]).stdout;
        builder.write(name, text).to_str().unwrap().to_owned()
    };
    let file = builder.path("new.tar.zst").to_str().unwrap().to_owned();
    let known = list("known.ndjson");
    let (run, lines) = bundle(&builder, &[&folder, "--known", &known, "-o", &file]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let statuses: Vec<(&str, &str)> = lines[..3]
        .iter()
        .map(|line| (line["name"].as_str().unwrap(), line["status"].as_str().unwrap()))
        .collect();
    assert_eq!(
        statuses,
        [("first.so", "known"), ("lib.so.debug", "bundled"), ("mapping.txt", "bundled")]
    );
    assert_eq!(store.run(["import", &file]).code, 0);
    // Now all is known: no file is left.
    let known = list("known.ndjson");
    let run = builder.run(["bundle", &folder, "--known", &known, "-o", &file]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("nothing to bundle: all 3 modules are known"), "{}", run.stderr);
    assert!(!Path::new(&file).exists());
}

#[test]
fn what_cannot_be_is_named() {
    let sandbox = Sandbox::new();
    let file = sandbox.path("x.tar.zst").to_str().unwrap().to_owned();
    let bad = sandbox.write("bad.so", b"\x7fELF").to_str().unwrap().to_owned();
    let good = object(FIXTURE).to_str().unwrap().to_owned();
    let (run, lines) = bundle(&sandbox, &[&bad, &good, "-o", &file]);
    assert_eq!((run.code, &lines.last().unwrap()["failed"]), (1, &1.into()));
    assert!(run.stderr.contains("bad.so: damaged object file"), "{}", run.stderr);
    let list = sandbox.write("list", "{\"id\":7}\n").to_str().unwrap().to_owned();
    let run = sandbox.run(["bundle", &good, "--known", &list, "-o", &file]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("line 1 is not the JSON object of a module")
            && run.stderr.contains("modules list --json"),
        "{}",
        run.stderr
    );
    assert_eq!(sandbox.run(["bundle", &good]).code, 2);
    let nowhere = sandbox.path("no/such/folder").to_str().unwrap().to_owned();
    assert_ne!(sandbox.run(["bundle", &nowhere, "-o", &file]).code, 0);
}

/// Segments of earlier versions are tables of RocksDB.
#[test]
fn segments_of_earlier_versions_are_read() {
    let sandbox = Sandbox::new();
    let old = testdata("stores/format4.segment");
    let run = sandbox.run(["import", old.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(sandbox.run(["modules", "verify", object(FIXTURE).to_str().unwrap()]).code, 0);
    let checked = sandbox.run(["check", old.to_str().unwrap()]);
    assert_eq!(checked.code, 0, "{}", checked.stdout);
}

/// The build-id of the file at `path`.
fn build_id(path: &str) -> String {
    let bytes = fs::read(path).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    hex::encode(object::Object::build_id(&file).unwrap().unwrap())
}

/// Everything in a folder, with its contents. Whoever reads a store makes a lock in it.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().map(Result::unwrap) {
        if entry.path().extension().is_some_and(|end| end == "lock") {
            continue;
        }
        let is_file = entry.file_type().is_file();
        let bytes = if is_file { fs::read(entry.path()).unwrap() } else { Vec::new() };
        found.push((entry.path().display().to_string(), bytes));
    }
    found
}

#[test]
fn a_dry_run_lists_what_would_come_in() {
    let sandbox = Sandbox::new();
    let folder = build(&sandbox);
    let bad = sandbox.write("bad.so", b"\x7fELF").to_str().unwrap().to_owned();
    let dry = |paths: &[&str]| {
        let run = sandbox.run([&["import", "--dry-run", "--json"], paths].concat());
        let lines = json_lines(&run.stdout);
        let statuses: Vec<String> = lines[..lines.len() - 1]
            .iter()
            .map(|line| line["status"].as_str().unwrap().to_owned())
            .collect();
        (run, statuses, lines)
    };
    let expected = "would_be_imported";
    let (run, statuses, lines) = dry(&[&folder, &bad]);
    assert_eq!((run.code, statuses.join(" ")), (1, format!("{} failed", [expected; 4].join(" "))));
    assert!(!sandbox.store().exists());
    let want = serde_json::json!({"version": 1, "path": format!("{folder}/first.so"), "status": expected,
        "module": {"name": "first.so", "id": "7872b17fb1a0719b8cfefc50ded20d09a63a5d0d", "kind": "elf", "arch": "x86_64"}});
    assert!(lines.contains(&want), "{lines:?}");
    assert_eq!((&lines[5][expected], &lines[5]["imported"]), (&4.into(), &0.into()));
    // Files that the store has are unchanged, and it stays as it is.
    sandbox.import(FIXTURE);
    let before = contents(&sandbox.store());
    let (run, statuses, _) = dry(&[&folder]);
    assert_eq!(
        (run.code, statuses.iter().filter(|status| **status == "unchanged").count()),
        (0, 1)
    );
    // So are segments, and a file that is named twice comes once.
    let builder = Sandbox::new();
    let file = builder.path("x.tar.zst").to_str().unwrap().to_owned();
    assert_eq!(builder.run(["bundle", &folder, "-o", &file]).code, 0);
    let (run, statuses, _) = dry(&[&file]);
    assert_eq!(
        (run.code, &statuses[..]),
        (0, &["unchanged", expected, expected].map(str::to_owned)[..])
    );
    let other = object(OTHER).to_str().unwrap().to_owned();
    let copy = sandbox.write("copy.so", fs::read(&other).unwrap()).to_str().unwrap().to_owned();
    assert_eq!(dry(&[&other, &copy]).1, [expected]);
    assert!(contents(&sandbox.store()) == before, "the store has changed");
    let run = sandbox.run(["import", "--dry-run", &other]);
    let id = &build_id(&other)[..12];
    assert_eq!(run.stdout, format!("{other}: would be imported, {id}\n"));
}

/// Imports `contents` as a file called `name`, and returns the statuses of its reports.
fn import(sandbox: &Sandbox, name: &str, contents: &[u8]) -> (Run, Vec<String>) {
    let path = sandbox.write(name, contents);
    let run = sandbox.run(["import", "--json", path.to_str().unwrap()]);
    let reports = json_lines(&run.stdout);
    let statuses =
        reports.iter().filter_map(|report| Some(report.get("status")?.as_str()?.to_owned()));
    let statuses = statuses.collect();
    (run, statuses)
}

/// The names and ids of the store's modules.
fn names(sandbox: &Sandbox) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    modules(sandbox).iter().map(|module| (text(&module["name"]), text(&module["id"]))).collect()
}

#[test]
fn segments_are_found_everywhere() {
    let from = Sandbox::new();
    for name in [FIXTURE, OTHER] {
        from.import(name);
        let segment = from.path(&format!("{name}.segment"));
        let run = from.run(["modules", "export", name, "-o", segment.to_str().unwrap()]);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    let read = |name: &str| fs::read(from.path(&format!("{name}.segment"))).unwrap();
    let (first, second) = (read(FIXTURE), read(OTHER));
    let archive = tar(&[("s/first.segment", &first), ("s/second.segment", &second)]);
    let want = names(&from);
    for (name, archive) in [
        ("s.tar", archive.clone()),
        ("s.tar.zst", zstd(&archive)),
        (
            "s.zip",
            zip(&[("first.segment", DEFLATED, &first), ("second.segment", DEFLATED, &second)]),
        ),
    ] {
        let sandbox = Sandbox::new();
        let (run, reports) = import(&sandbox, name, &archive);
        assert_eq!((run.code, reports.len()), (0, 2), "{name}: {}", run.stderr);
        assert_eq!(names(&sandbox), want, "{name}");
        let (run, reports) = import(&sandbox, name, &archive);
        assert!(reports.iter().all(|status| status == "unchanged"), "{name}: {}", run.stdout);
        assert_eq!(sandbox.run(["modules", "verify"]).code, 0);
    }
    // In a folder by their name, and named by any.
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("folder")).unwrap();
    sandbox.write("folder/first.bin", &first);
    let other = sandbox.write("exported", &second);
    let folder = sandbox.path("folder");
    let run = sandbox.run(["import", folder.to_str().unwrap(), other.to_str().unwrap()]);
    assert_eq!((run.code, names(&sandbox)), (0, want), "{}", run.stderr);
    // One that is none is named.
    sandbox.write("folder/third.segment", b"what is this");
    let run = sandbox.run(["import", folder.to_str().unwrap()]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("third.segment: neither ELF"), "{}", run.stderr);
    let damaged = [&second[..200], &second[260..]].concat();
    let (run, _) = import(&sandbox, "d.tar", &tar(&[("d.segment", &damaged)]));
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("d.tar!d.segment: "), "{}", run.stderr);
}

#[test]
fn segments_are_checked() {
    let sandbox = Sandbox::new();
    for name in [FIXTURE, "c-gcc-O2-symtab.so"] {
        sandbox.import(name);
        let segment = sandbox.path(&format!("{name}.segment"));
        sandbox.run(["modules", "export", name, "-o", segment.to_str().unwrap()]);
    }
    let good = sandbox.path(&format!("{FIXTURE}.segment"));
    let run = sandbox.run(["check", good.to_str().unwrap()]);
    let want = format!(
        "{}: good, 7872b17fb1a0 x86_64, debug data; debug id 7fb17278-a0b1-9b71-8cfe-fc50ded20d09; exported from a store\n",
        good.display()
    );
    assert_eq!((run.code, run.stdout), (0, want));
    let bad = sandbox.path("c-gcc-O2-symtab.so.segment");
    let run = sandbox.run(["check", "--json", bad.to_str().unwrap()]);
    let line = &json_lines(&run.stdout)[0];
    assert_eq!((run.code, &line["problems"][0]["problem"]), (1, &"no_debug".into()));
    assert_eq!(sandbox.run(["check", "--require", "symbols", bad.to_str().unwrap()]).code, 0);
    let cut = sandbox.write("cut.segment", &fs::read(&good).unwrap()[300..]);
    let run = sandbox.run(["check", cut.to_str().unwrap()]);
    assert!(run.code == 1 && run.stdout.contains("cut.segment: "), "{}", run.stdout);
}
