//! Job tests of `symtool import` and `symtool modules`, good input and bad.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod stores;
#[path = "../support/mod.rs"]
mod support;

use std::fmt::Write as _;
use std::fs;

use support::{Sandbox, json_lines, object};

const FIXTURE: &str = "cpp-gcc-O2-dwarf5.so";

#[test]
fn import_json_has_the_documented_shape() {
    let sandbox = Sandbox::new();
    let path = object(FIXTURE);
    let run = sandbox.run(["import", "--json", path.to_str().unwrap()]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let lines = json_lines(&run.stdout);
    let [report, summary] = &lines[..] else { panic!("{}", run.stdout) };
    let keys: Vec<&str> = report.as_object().unwrap().keys().map(String::as_str).collect();
    let want = [
        "bytes_in",
        "bytes_stored",
        "dropped",
        "files",
        "functions",
        "module",
        "path",
        "ranges",
        "seconds",
        "status",
        "version",
        "warnings",
    ];
    assert_eq!(keys, want);
    assert_eq!(report["status"], "imported");
    assert_eq!(report["module"]["name"], FIXTURE);
    assert_eq!(report["module"]["kind"], "elf");
    assert_eq!(report["module"]["arch"], "x86_64");
    assert_eq!(report["module"]["id"].as_str().unwrap().len(), 40);
    assert_eq!(report["bytes_in"], fs::metadata(&path).unwrap().len());
    assert!(report["functions"].as_u64().unwrap() > 10 && report["ranges"].as_u64().unwrap() > 100);
    assert_eq!(summary["imported"], 1);
}

#[test]
fn a_second_import_changes_nothing() {
    let sandbox = Sandbox::new();
    let path = object(FIXTURE);
    let path = path.to_str().unwrap();
    sandbox.import(FIXTURE);
    let before = sandbox.run(["modules", "list", "--json"]).stdout;
    let again = json_lines(&sandbox.run(["import", "--json", path]).stdout);
    assert_eq!(again[0]["status"], "unchanged");
    assert_eq!(sandbox.run(["modules", "list", "--json"]).stdout, before);
    let forced = json_lines(&sandbox.run(["import", "--json", "--force", path]).stdout);
    assert_eq!(forced[0]["status"], "imported");
    assert_eq!(json_lines(&sandbox.run(["modules", "list", "--json"]).stdout).len(), 1);
}

#[test]
fn debug_data_takes_the_place_of_symbols() {
    let sandbox = Sandbox::new();
    // One build-id for both: the fixture, and the same without its debug sections' contents being
    // known.
    let whole = fs::read(object(FIXTURE)).unwrap();
    let stripped = rename_debug_sections(&whole);
    let only_symbols = sandbox.write("lib.so", stripped);
    let first =
        json_lines(&sandbox.run(["import", "--json", only_symbols.to_str().unwrap()]).stdout);
    assert_eq!(first[0]["status"], "imported");
    let files_of_symbols = first[0]["files"].as_u64().unwrap();
    let second =
        json_lines(&sandbox.run(["import", "--json", object(FIXTURE).to_str().unwrap()]).stdout);
    assert_eq!(second[0]["status"], "imported");
    assert_eq!(second[0]["module"]["id"], first[0]["module"]["id"]);
    assert!(second[0]["files"].as_u64().unwrap() > files_of_symbols);
    // The other way round nothing is lost.
    let third =
        json_lines(&sandbox.run(["import", "--json", only_symbols.to_str().unwrap()]).stdout);
    assert_eq!(third[0]["status"], "unchanged");
    assert_eq!(json_lines(&sandbox.run(["modules", "list", "--json"]).stdout).len(), 1);
}

/// Code and debug file of one build, apart from each other, in either order.
#[test]
fn code_and_debug_file_complete_each_other() {
    let mut answers = Vec::new();
    for order in [["lib.so", "lib.so.debug"], ["lib.so.debug", "lib.so"]] {
        let sandbox = Sandbox::new();
        for (step, name) in order.into_iter().enumerate() {
            let folder = sandbox.path(&step.to_string());
            fs::create_dir(&folder).unwrap();
            let path = folder.join(name);
            fs::copy(object("link-stripped").join(name), &path).unwrap();
            let reports =
                json_lines(&sandbox.run(["import", "--json", path.to_str().unwrap()]).stdout);
            assert_eq!(reports[0]["status"], "imported");
            let reports =
                json_lines(&sandbox.run(["import", "--json", path.to_str().unwrap()]).stdout);
            assert_eq!(reports[0]["status"], "unchanged");
        }
        let module = &json_lines(&sandbox.run(["modules", "list", "--json"]).stdout)[0];
        assert_eq!(
            (&module["detail"], &module["warnings"]),
            (&"debug".into(), &serde_json::json!([]))
        );
        let mut batch = String::new();
        (0x1000..0x1d40).for_each(|address| writeln!(batch, "lib.so {address:#x}").unwrap());
        let run = sandbox.run_with_input(
            &["resolve", "--batch", "-", "--style", "llvm", "--no-demangle"],
            batch.as_bytes(),
        );
        assert_eq!(run.code, 0, "{}", run.stderr);
        // The debug file's symbol table knows more names than the code file's.
        assert!(run.stdout.contains("span_number.constprop.0.isra.0.cold\n/src/c/scan.c:28:13\n"));
        answers.push(run.stdout);
    }
    assert_eq!(answers[0], answers[1]);
}

/// Makes `.debug_*` names unknown, so that only symbols are left to read.
fn rename_debug_sections(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(7).position(|window| window == b".debug_") {
        at += found;
        bytes[at + 1] = b'x';
        at += 7;
    }
    bytes
}

#[test]
fn folders_are_searched() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("build/deep");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(object(FIXTURE), folder.join("a.so")).unwrap();
    fs::copy(object("rust-O2-dwarf5.so"), sandbox.path("build/b.so")).unwrap();
    sandbox.write("build/notes.txt", "no object");
    let run = sandbox.run(["import", sandbox.path("build").to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stdout.lines().count(), 2);
}

#[test]
fn modules_show_tells_what_was_dropped() {
    let sandbox = Sandbox::new();
    sandbox.import("c-gcc-O2-gc-bfd-dwarf4.so");
    let run = sandbox.run(["modules", "show", "c-gcc-O2-gc-bfd-dwarf4.so"]);
    assert_eq!(run.code, 0);
    assert!(run.stdout.contains("tombstone"), "{}", run.stdout);
    let run = sandbox.run(["modules", "show", "nothing.so"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(run.stderr.contains("nothing.so: no such module"), "{}", run.stderr);
}

/// A path, and what the error must say.
#[test]
fn bad_files_are_named_with_the_next_step() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("folder")).unwrap();
    for (path, want) in [
        (sandbox.path("missing.so"), "no such file or folder; check the path"),
        (sandbox.path("folder"), "no object files in this folder; pass"),
        (sandbox.write("empty.so", ""), "the file is empty; was it copied whole?"),
        (
            sandbox.write("text.so", "int main() {}\n"),
            "neither ELF, Mach-O, PE, PDB nor a Breakpad symbol file (text); pass",
        ),
        (sandbox.write("app.zip", "PK\x03\x04rest"), "damaged archive ("),
        (sandbox.write("magic.so", "\x7fELF"), "damaged object file"),
        (
            object("macho-image-armv7-stripped"),
            "neither debug data nor function symbols; import the unstripped file",
        ),
    ] {
        let run = sandbox.run(["import", path.to_str().unwrap()]);
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{}", path.display());
        assert!(
            run.stderr.contains(want) && run.stderr.contains(path.to_str().unwrap()),
            "{}",
            run.stderr
        );
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    }
}

#[test]
fn a_program_without_names_is_imported_for_its_unwind_data() {
    let sandbox = Sandbox::new();
    let stripped = object("c-gcc-O2-stripped");
    let run = sandbox.run(["import", "--json", stripped.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report = &json_lines(&run.stdout)[0];
    assert_eq!((&report["status"], &report["ranges"]), (&"imported".into(), &0.into()));
    let warning = report["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("it has unwind data, and neither"), "{warning}");
    let run = sandbox.run(["modules", "show", "--json", "c-gcc-O2-stripped"]);
    let module = &json_lines(&run.stdout)[0];
    assert!(module["unwind_rows"].as_u64().unwrap() > 3, "{}", run.stdout);
}

#[test]
fn one_bad_file_does_not_stop_the_rest() {
    let sandbox = Sandbox::new();
    let text = sandbox.write("text.so", "text");
    let run = sandbox.run([
        "import",
        "--json",
        text.to_str().unwrap(),
        object(FIXTURE).to_str().unwrap(),
    ]);
    assert_eq!(run.code, 1);
    let lines = json_lines(&run.stdout);
    assert_eq!((&lines[0]["status"], &lines[1]["status"]), (&"failed".into(), &"imported".into()));
    assert!(lines[0]["error"].as_str().unwrap().contains("text.so"));
    assert_eq!((&lines[2]["imported"], &lines[2]["failed"]), (&1.into(), &1.into()));
}

#[test]
fn an_object_cut_off_anywhere_is_an_error_or_a_part() {
    for fixture in [FIXTURE, "c-clang-O0-dwarf4.so"] {
        let whole = fs::read(object(fixture)).unwrap();
        let sandbox = Sandbox::new();
        sandbox.import("rust-O2-dwarf5.so");
        let before = sandbox.run(["modules", "list", "--json"]).stdout;
        for part in 0..32 {
            let path = sandbox.write("cut.so", &whole[..whole.len() * part / 32]);
            let run = sandbox.run(["import", path.to_str().unwrap()]);
            assert!(run.code == 1 || run.code == 0, "{part}/32: {} {}", run.code, run.stderr);
            assert!(!run.stderr.contains("panicked"), "{part}/32: {}", run.stderr);
            if run.code == 1 {
                assert!(run.stderr.contains("cut.so"), "{}", run.stderr);
            }
        }
        // The section headers stand at the end, so every cut loses them.
        assert_eq!(sandbox.run(["modules", "list", "--json"]).stdout, before);
    }
}
