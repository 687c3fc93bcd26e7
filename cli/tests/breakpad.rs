//! Breakpad symbol files, from import to answer, and out again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::{Run, Sandbox, json_lines, testdata};

const NAME: &str = "cpp-gcc-O2-dwarf5.so";
/// Its build-id, and as Breakpad writes it.
const BUILD_ID: &str = "7872b17fb1a0719b8cfefc50ded20d09a63a5d0d";
const DEBUG_ID: &str = "7FB17278A0B19B718CFEFC50DED20D090";

fn sym(name: &str) -> PathBuf {
    testdata("breakpad").join(format!("{name}.sym"))
}

fn object(name: &str) -> PathBuf {
    testdata("objects").join(name)
}

fn import(sandbox: &Sandbox, files: &[&Path]) -> Vec<Value> {
    let run = run(sandbox, ["import".as_ref(), "--json".as_ref()], files);
    assert_eq!(run.code, 0, "{}", run.stderr);
    json_lines(&run.stdout)
}

fn run<const N: usize>(sandbox: &Sandbox, words: [&OsStr; N], files: &[&Path]) -> Run {
    Run::of(sandbox.command().args(words).args(files).output().unwrap())
}

fn answer(sandbox: &Sandbox, module: &str, address: &str) -> Value {
    let words = ["resolve", "--style", "json", "--module", module, address];
    json_lines(&sandbox.run(words).stdout).remove(0)
}

#[test]
fn a_symbol_file_answers_by_every_spelling_of_its_id() {
    let sandbox = Sandbox::new();
    let report = &import(&sandbox, &[&sym(NAME)])[0];
    assert_eq!(
        report["module"],
        json!({"name": NAME, "id": BUILD_ID, "kind": "elf", "arch": "x86_64"})
    );
    let uuid = "7FB17278-A0B1-9B71-8CFE-FC50DED20D09";
    for module in [NAME, BUILD_ID, &BUILD_ID[..12], DEBUG_ID, &DEBUG_ID.to_lowercase(), uuid] {
        let answer = answer(&sandbox, module, "0x1146");
        let frames = answer["frames"].as_array().unwrap_or_else(|| panic!("{module}: {answer}"));
        let lines: Vec<_> = frames.iter().map(|frame| &frame["line"]).collect();
        assert_eq!(lines, [25, 56, 66], "{answer}");
        assert!(frames.iter().all(|frame| frame["source"] == "breakpad"), "{answer}");
    }
}

/// Without `CODE_ID`, a file knows only the beginning of the build-id.
#[test]
fn half_an_id_is_found_by_the_whole() {
    let sandbox = Sandbox::new();
    let text = std::fs::read_to_string(sym(NAME)).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("INFO CODE_ID")).collect();
    let half = sandbox.write("half.sym", lines.join("\n"));
    assert_eq!(import(&sandbox, &[&half])[0]["module"]["id"], BUILD_ID[..32]);
    for module in [BUILD_ID, DEBUG_ID, &BUILD_ID[..32]] {
        assert_eq!(answer(&sandbox, module, "0x1146")["status"], "ok", "{module}");
    }
    let event = json!({
        "platform": "native",
        "exception": {"values": [{"type": "SIGSEGV", "stacktrace": {"frames": [
            {"instruction_addr": "0x7f0000001146"}]}}]},
        "debug_meta": {"images": [{"type": "elf", "code_file": "/lib/x.so", "code_id": BUILD_ID,
            "image_addr": "0x7f0000000000", "image_size": 65536}]},
    });
    let report = sandbox.write("event.json", event.to_string());
    let run = run(&sandbox, ["symbolicate".as_ref()], &[&report]);
    assert!(run.stdout.contains("Adder::run"), "{}{}", run.stdout, run.stderr);
    // The whole file takes it in; partial_ids.rs has the rest.
    import(&sandbox, &[&object(NAME)]);
    assert_eq!(answer(&sandbox, DEBUG_ID, "0x1146")["frames"][0]["source"], "dwarf");
}

/// An executable whose addresses begin at 0x400000; those in its symbol file begin at 0.
#[test]
fn an_executable_and_its_symbol_file_complete_each_other_in_either_order() {
    let name = "c-gcc-O2-exec-dwarf5";
    let sandbox = Sandbox::new();
    // The executable without its debug data: no section is called so any more.
    let mut bytes = std::fs::read(object(name)).unwrap();
    let at = bytes.windows(12).rposition(|bytes| bytes == b".debug_info\0").unwrap();
    bytes[at..at + 6].copy_from_slice(b".other");
    let stripped = sandbox.write("stripped", bytes);
    let mut shown = Vec::new();
    for files in [[&sym(name), &stripped], [&stripped, &sym(name)]] {
        let sandbox = Sandbox::new();
        for file in files {
            import(&sandbox, &[file]);
        }
        let modules = json_lines(&sandbox.run(["modules", "list", "--json"]).stdout);
        assert_eq!(modules.len(), 1);
        let module = &modules[0];
        assert_eq!(
            (&module["image_base"], &module["detail"]),
            (&json!(0x40_0000), &json!("breakpad"))
        );
        let sources = module["sources"].as_array().unwrap();
        assert!(sources.iter().all(|source| source["image_base"] == 0x40_0000), "{sources:?}");
        // In the symbol file: FUNC and line records; in the executable alone: data.
        let run = sandbox.run(["modules", "verify"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let golden =
            std::fs::read_to_string(testdata("golden").join(format!("{name}.jsonl"))).unwrap();
        let mut compared = 0;
        let mut answers = Vec::new();
        for line in golden.lines() {
            let want: Value = serde_json::from_str(line).unwrap();
            let found = answer(&sandbox, name, want["start"].as_str().unwrap());
            answers.push(found["frames"].clone());
            let frames = found["frames"].as_array().cloned().unwrap_or_default();
            if frames
                .first()
                .is_some_and(|frame| frame["source"] == "breakpad" && frame["line"] != Value::Null)
            {
                let lines: Vec<_> = frames.iter().map(|frame| &frame["line"]).collect();
                let wanted: Vec<_> =
                    want["frames"].as_array().unwrap().iter().map(|frame| &frame[2]).collect();
                assert_eq!(lines, wanted, "{line}");
                compared += 1;
            }
        }
        assert!(compared > 100, "only {compared}");
        // Known already.
        for file in files {
            assert_eq!(import(&sandbox, &[file])[0]["status"], "unchanged");
        }
        shown.push(answers);
    }
    assert_eq!(shown[0], shown[1]);
}

#[test]
fn a_file_without_module_line_needs_an_id() {
    let sandbox = Sandbox::new();
    let text = std::fs::read_to_string(sym(NAME)).unwrap();
    let lines: Vec<&str> = text.lines().skip(2).collect();
    let bare = sandbox.write("bare.sym", lines.join("\n"));
    let refused = run(&sandbox, ["import".as_ref()], &[&bare]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("without a MODULE line") && refused.stderr.contains("--id"),
        "{}",
        refused.stderr
    );
    let words = ["import".as_ref(), "--json".as_ref(), "--id".as_ref(), OsStr::new(DEBUG_ID)];
    let imported = run(&sandbox, words, &[&bare]);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    let want = json!({"name": "bare.sym", "id": BUILD_ID[..32], "kind": "elf", "arch": "x86_64"});
    assert_eq!(json_lines(&imported.stdout)[0]["module"], want);
    assert_eq!(answer(&sandbox, BUILD_ID, "0x1146")["status"], "ok");
    // It applies to one file, and to none that has an id.
    let other = sandbox.write("other.sym", lines.join("\n"));
    let twice = run(&sandbox, words, &[&bare, &other]);
    assert!(
        twice.code == 1 && twice.stderr.contains("--id applies to one file"),
        "{}",
        twice.stderr
    );
    let unused = run(&sandbox, words, &[&sym(NAME)]);
    assert!(
        unused.code == 1 && unused.stderr.contains("--id needs a mapping, or"),
        "{}",
        unused.stderr
    );
}

#[test]
fn symbol_files_are_found_in_folders_and_archives() {
    let sandbox = Sandbox::new();
    let bytes = std::fs::read(sym(NAME)).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, &bytes).unwrap();
    let folder = sandbox.path(&format!("symbols/{NAME}/{DEBUG_ID}"));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{NAME}.sym.gz")), encoder.finish().unwrap()).unwrap();
    std::fs::write(folder.join("README"), "FUNC is a word\n").unwrap();
    let reports = import(&sandbox, &[&sandbox.path("symbols")]);
    assert_eq!((&reports[0]["status"], &reports[1]["skipped"]), (&json!("imported"), &json!(1)));
    assert_eq!(answer(&sandbox, NAME, "0x1146")["status"], "ok");
}

/// The frames at `addresses` of the module `name`, which lies at `base`.
fn answers(sandbox: &Sandbox, name: &str, addresses: &[u64], base: u64) -> Vec<Option<Vec<Value>>> {
    let lines: Vec<String> =
        addresses.iter().map(|address| format!("{:#x}\n", address + base)).collect();
    let batch = sandbox.write("batch", lines.concat());
    let batch = batch.to_str().unwrap();
    let words = ["resolve", "--style", "json", "--module", name, "--batch", batch];
    let frame =
        |frame: &Value| json!([frame["function"], frame["file"], frame["line"], frame["inlined"]]);
    let frames = |line: &Value| {
        line["frames"].as_array().map(|frames| frames.iter().map(frame).collect::<Vec<_>>())
    };
    json_lines(&sandbox.run(words).stdout).iter().map(frames).collect()
}

/// What is exported and imported again gives the same answers.
#[test]
fn an_exported_symbol_file_gives_the_same_answers() {
    for name in [NAME, "c-gcc-O2-exec-dwarf5", "macho-cpp-arm64-O2-dwarf5"] {
        let (one, other) = (Sandbox::new(), Sandbox::new());
        import(&one, &[&object(name)]);
        let folder = one.path("symbols");
        let folder_name = folder.to_str().unwrap();
        let run = one.run(["modules", "export", "--layout", "breakpad", folder_name, "--json"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let written = &json_lines(&run.stdout)[0];
        let file = PathBuf::from(written["file"].as_str().unwrap());
        let text = std::fs::read_to_string(&file).unwrap();
        let id = text.split(' ').nth(3).unwrap();
        assert_eq!(file, folder.join(name).join(id).join(format!("{name}.sym")));
        assert!(text.contains("INFO GENERATOR symtool "), "{text}");
        // The same on stdout.
        assert_eq!(one.run(["modules", "export", name, "--breakpad"]).stdout, text);
        let raw = one.run(["modules", "export", name, "--breakpad", "--no-demangle"]).stdout;
        assert_eq!(raw.contains("_ZN"), name.contains("cpp"));
        import(&other, &[&file]);
        let listed = |sandbox: &Sandbox| {
            json_lines(&sandbox.run(["modules", "list", "--json"]).stdout).remove(0)
        };
        let (module, again) = (listed(&one), listed(&other));
        assert_eq!((&module["id"], &module["arch"]), (&again["id"], &again["arch"]));
        let base = module["image_base"].as_u64().unwrap();
        let golden =
            std::fs::read_to_string(testdata("golden").join(format!("{name}.jsonl"))).unwrap();
        let starts = golden.lines().filter_map(|line| {
            let start =
                serde_json::from_str::<Value>(line).unwrap()["start"].as_str().unwrap().to_owned();
            let start = u64::from_str_radix(&start[2..], 16).unwrap();
            // Nothing lies at the last address there is.
            start.checked_sub(base).filter(|_| start < u64::MAX)
        });
        let addresses: Vec<u64> = starts.collect();
        let (want, found) =
            (answers(&one, name, &addresses, base), answers(&other, name, &addresses, 0));
        for ((address, want), found) in addresses.iter().zip(&want).zip(&found) {
            assert_eq!(found, want, "{name} {address:#x}");
        }
        assert!(addresses.len() > 50, "{name}: {}", addresses.len());
    }
}

#[test]
fn original_files_are_laid_out_for_servers() {
    let sandbox = Sandbox::new();
    let files = [
        object(NAME),
        object("id-fast.so"),
        testdata("windows").join("shop64.dll"),
        testdata("windows").join("shop64.pdb"),
    ];
    let lay_out = |layout: &str, files: &[PathBuf]| {
        let folder = sandbox.path(layout);
        let mut command = sandbox.command();
        command.args(["modules", "export", "--json", "--layout", layout]).arg(&folder).args(files);
        let run = Run::of(command.output().unwrap());
        let file = |line: &Value| {
            let path = PathBuf::from(line["file"].as_str().unwrap());
            path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned()
        };
        let placed: Vec<String> = json_lines(&run.stdout).iter().map(file).collect();
        (run.code, placed, run.stderr)
    };
    let want = [
        format!("{NAME}/elf-buildid-{BUILD_ID}/{NAME}").to_lowercase(),
        format!("_.debug/elf-buildid-sym-{BUILD_ID}/_.debug"),
        "id-fast.so/elf-buildid-1b72ae520f6a4575000000000000000000000000/id-fast.so".to_owned(),
        "_.debug/elf-buildid-sym-1b72ae520f6a4575000000000000000000000000/_.debug".to_owned(),
        "shop64.dll/4F2596DA6000/shop64.dll".to_owned(),
        "shop64.pdb/3723f16866a99c534c4c44205044422e1/shop64.pdb".to_owned(),
    ];
    for _ in 0..2 {
        assert_eq!(lay_out("ssqp", &files), (0, want.to_vec(), String::new()));
    }
    let copy = sandbox.path("ssqp").join(&want[5]);
    assert_eq!(std::fs::read(copy).unwrap(), std::fs::read(&files[3]).unwrap());
    let (code, placed, told) = lay_out("debuginfod", &files);
    let want = ["executable", "debuginfo"].map(|what| format!("buildid/{BUILD_ID}/{what}"));
    assert_eq!((code, &placed[..2]), (1, &want[..]));
    assert!(told.contains("shop64.dll: no ELF file"), "{told}");
    // In a folder, what is not served is passed over.
    let (code, placed, told) = lay_out("debuginfod", &[testdata("windows")]);
    assert_eq!((code, placed.len()), (1, 0), "{told}");
    for (words, told) in [
        (
            &["modules", "export", "--layout", "symstore", "x", "y"][..],
            "pass breakpad, debuginfod, gdb, lldb or ssqp",
        ),
        (&["modules", "export", "--layout", "ssqp", "x"], "name the files"),
        (&["modules", "export", "x"], "-o FILE"),
        (&["modules", "export", "x", "y", "-o", "z"], "name one module"),
        (&["modules", "export", "-o", "z"], "name one module"),
    ] {
        let run = sandbox.run(words);
        assert_eq!(run.code, 2, "{words:?}: {}", run.stderr);
        assert!(run.stderr.contains(told), "{words:?}: {}", run.stderr);
    }
}

#[test]
fn original_files_are_laid_out_for_debuggers() {
    let sandbox = Sandbox::new();
    let lay_out = |layout: &str, file: &str| {
        let folder = sandbox.path(layout);
        let mut command = sandbox.command();
        command.args(["modules", "export", "--json", "--layout", layout]).arg(&folder);
        let run = Run::of(command.arg(object(file)).output().unwrap());
        assert_eq!(run.code, 0, "{}", run.stderr);
        let placed = json_lines(&run.stdout).into_iter().map(|line| {
            let path = PathBuf::from(line["file"].as_str().unwrap());
            path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned()
        });
        placed.collect::<Vec<_>>()
    };
    let (first, rest) = BUILD_ID.split_at(2);
    let want = ["", ".debug"].map(|end| format!(".build-id/{first}/{rest}{end}"));
    assert_eq!(lay_out("gdb", NAME), want);
    // A file of a dSYM.
    let want = ["4C4C/44C0/5555/3144/A12D/99D5AC2C14D4"];
    assert_eq!(lay_out("lldb", "macho-c-x86_64-O2-dwarf5"), want);
}
