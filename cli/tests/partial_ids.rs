//! Breakpad symbol files that know only the beginning of the build-id, beside their ELF files.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::{Run, Sandbox, json_lines, minidump, minidump_modules, object, testdata};

const NAME: &str = "cpp-gcc-O2-dwarf5.so";
/// Its build-id, and as Breakpad writes it.
const BUILD_ID: &str = "7872b17fb1a0719b8cfefc50ded20d09a63a5d0d";
const DEBUG_ID: &str = "7FB17278A0B19B718CFEFC50DED20D090";

/// The symbol file of the fixture without `INFO CODE_ID`, of a module called `name`.
fn partial(sandbox: &Sandbox, name: &str) -> PathBuf {
    let text = std::fs::read_to_string(testdata(&format!("breakpad/{NAME}.sym"))).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("INFO CODE_ID"));
    let text = lines.collect::<Vec<_>>().join("\n");
    let (first, rest) = text.split_once('\n').unwrap();
    sandbox.write(&format!("{name}.sym"), format!("{}{name}\n{rest}", first.trim_end_matches(NAME)))
}

/// The fixture as `name`, with an id whose last byte is `last`.
fn build(sandbox: &Sandbox, name: &str, last: u8) -> PathBuf {
    let mut bytes = std::fs::read(object(NAME)).unwrap();
    let id = hex::decode(BUILD_ID).unwrap();
    let at = bytes.windows(id.len()).position(|bytes| bytes == id).unwrap();
    bytes[at + id.len() - 1] = last;
    sandbox.write(name, bytes)
}

fn run(sandbox: &Sandbox, words: &[&str], file: &Path) -> Run {
    Run::of(sandbox.command().args(words).arg(file).output().unwrap())
}

/// What an import of `file` says of it, and on stderr.
fn import(sandbox: &Sandbox, file: &Path) -> (Value, String) {
    let run = run(sandbox, &["import", "--json"], file);
    assert_eq!(run.code, 0, "{}", run.stderr);
    (json_lines(&run.stdout).remove(0), run.stderr)
}

fn modules(sandbox: &Sandbox) -> Vec<Value> {
    json_lines(&sandbox.run(["modules", "list", "--json"]).stdout)
}

fn ids(sandbox: &Sandbox) -> Vec<String> {
    modules(sandbox).iter().map(|module| module["id"].as_str().unwrap().to_owned()).collect()
}

fn frames(sandbox: &Sandbox, module: &str, address: &str) -> Value {
    let words = ["resolve", "--style", "json", "--module", module, address];
    json_lines(&sandbox.run(words).stdout).remove(0)["frames"].clone()
}

/// Whichever comes first, and both in one command: the module goes by the whole id, all spellings
/// of both find it, and it answers as it does with a symbol file that has the whole id.
#[test]
fn a_symbol_file_and_its_elf_file_are_one_module() {
    let whole = Sandbox::store_of(&object(NAME));
    let sym = testdata(&format!("breakpad/{NAME}.sym"));
    import(&whole, &sym);
    let want: Vec<Value> = vec![frames(&whole, NAME, "0x1146"), frames(&whole, NAME, "0x1020")];
    assert_eq!(want[0].as_array().unwrap().len(), 3);
    for turn in 0..4 {
        let sandbox = Sandbox::new();
        let files = [partial(&sandbox, NAME), object(NAME)];
        let (first, second) = (&files[turn % 2], &files[1 - turn % 2]);
        if turn < 2 {
            let (told, _) = import(&sandbox, first);
            let length = if turn == 0 { 32 } else { 40 };
            assert_eq!(told["module"]["id"], BUILD_ID[..length], "{told}");
            let dry = run(&sandbox, &["import", "--dry-run", "--json"], second);
            assert_eq!(json_lines(&dry.stdout)[0]["module"]["id"], BUILD_ID, "{}", dry.stdout);
            let (told, stderr) = import(&sandbox, second);
            assert_eq!((&told["status"], stderr.as_str()), (&json!("imported"), ""), "{told}");
            assert_eq!(told["module"]["id"], BUILD_ID);
        } else {
            let both = sandbox.command().arg("import").args([first, second]).output().unwrap();
            assert_eq!(Run::of(both).code, 0);
        }
        assert_eq!(ids(&sandbox), [BUILD_ID], "turn {turn}");
        let details: Vec<Value> = modules(&sandbox)[0]["sources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|source| source["detail"].clone())
            .collect();
        assert_eq!(details, ["debug", "breakpad"]);
        let spellings = [NAME, BUILD_ID, DEBUG_ID, &BUILD_ID[..32], &BUILD_ID[..12]];
        let path = files[0].to_str().unwrap();
        for module in spellings.into_iter().chain([path]) {
            let got = [frames(&sandbox, module, "0x1146"), frames(&sandbox, module, "0x1020")];
            assert_eq!(got[..], want[..], "turn {turn}: {module}");
        }
        for file in &files {
            assert_eq!(import(&sandbox, file).0["status"], "unchanged", "turn {turn}");
        }
        let again = run(&sandbox, &["import", "--force", "--json"], &files[turn % 2]);
        assert_eq!((again.code, ids(&sandbox)), (0, vec![BUILD_ID.to_owned()]));
        let verified = sandbox.run(["modules", "verify"]);
        assert_eq!(verified.code, 0, "{}", verified.stderr);
    }
}

/// What the names of files tell: the only one that is called alike.
#[test]
fn names_decide_between_two_builds() {
    let sandbox = Sandbox::new();
    for (name, last) in [("liba.so.debug", 1), ("libb.so", 2)] {
        import(&sandbox, &build(&sandbox, name, last));
    }
    let (told, stderr) = import(&sandbox, &partial(&sandbox, "liba.so"));
    assert_eq!(stderr, "");
    assert_eq!(told["module"]["id"], format!("{}01", &BUILD_ID[..38]));
    assert_eq!(ids(&sandbox).len(), 2);
    // A name that is only the id may be anybody's.
    let sandbox = Sandbox::new();
    import(&sandbox, &build(&sandbox, &format!("{}.debug", &BUILD_ID[2..]), 0x0d));
    import(&sandbox, &partial(&sandbox, "liba.so"));
    assert_eq!(ids(&sandbox), [BUILD_ID]);
}

/// Two builds that are called alike, or one that is called otherwise, and the symbol file before or
/// after: it stays a module of its own, and both imports say so.
#[test]
fn what_may_be_of_two_builds_stays_apart() {
    let told_of = |stderr: &str, id: &str| {
        assert!(
            stderr.contains("may be of the same build") && stderr.contains(id),
            "{id}: {stderr}"
        );
    };
    let sandbox = Sandbox::new();
    let (one, two) = (format!("{}01", &BUILD_ID[..38]), format!("{}02", &BUILD_ID[..38]));
    import(&sandbox, &build(&sandbox, NAME, 1));
    import(&sandbox, &build(&sandbox, NAME, 2));
    let sym = partial(&sandbox, NAME);
    let (told, stderr) = import(&sandbox, &sym);
    assert_eq!(told["module"]["id"], BUILD_ID[..32]);
    told_of(&stderr, &one);
    told_of(&stderr, &two);
    assert_eq!(told["warnings"].as_array().unwrap().len(), 2, "{told}");
    assert_eq!(ids(&sandbox).len(), 3);
    let shown = sandbox.run(["modules", "show", "--json", &BUILD_ID[..32]]).stdout;
    assert!(!shown.contains("may be of"), "{shown}");
    // Once it can be of one only, importing it again joins them.
    assert_eq!(sandbox.run(["modules", "remove", &two]).code, 0);
    import(&sandbox, &sym);
    assert_eq!(ids(&sandbox), [one]);

    let sandbox = Sandbox::new();
    import(&sandbox, &partial(&sandbox, "libother.so"));
    let (_, stderr) = import(&sandbox, &object(NAME));
    told_of(&stderr, &BUILD_ID[..32]);
    assert_eq!(ids(&sandbox).len(), 2);
    // A debug file of the name of the symbol file joins all three.
    let mut debug = std::fs::read(object(NAME)).unwrap();
    debug.push(0);
    import(&sandbox, &sandbox.write("libother.so.debug", debug));
    assert_eq!(ids(&sandbox), [BUILD_ID]);
    assert_eq!(modules(&sandbox)[0]["sources"].as_array().unwrap().len(), 3);
}

/// A crash that names the build by its debug id, and one that names it by its build-id.
fn events(sandbox: &Sandbox) -> PathBuf {
    let event = |number: u32, key: &str, id: &str| {
        json!({
            "event_id": format!("{number:032x}"), "platform": "native",
            "exception": {"values": [{"type": "SIGSEGV", "stacktrace": {"frames": [
                {"instruction_addr": "0x7f0000001146"}]}}]},
            "debug_meta": {"images": [{"type": "elf", "code_file": format!("/lib/{NAME}"), key: id,
                "image_addr": "0x7f0000000000", "image_size": 65536}]},
        })
    };
    let lines = [event(1, "debug_id", DEBUG_ID), event(2, "code_id", BUILD_ID)];
    sandbox.write("events.ndjson", lines.map(|line| line.to_string()).join("\n"))
}

/// A run selects both crashes whichever file comes, and again when the other one does.
#[test]
fn crashes_that_wait_for_either_are_selected() {
    for turn in 0..2 {
        let sandbox = Sandbox::new();
        assert_eq!(run(&sandbox, &["crash", "add"], &events(&sandbox)).code, 0);
        let files = [partial(&sandbox, NAME), object(NAME)];
        for (number, file) in [&files[turn], &files[1 - turn]].into_iter().enumerate() {
            import(&sandbox, file);
            let run = sandbox.run(["reprocess", "--json"]);
            assert_eq!(run.code, 0, "{}", run.stderr);
            let told = json_lines(&run.stdout).remove(0);
            assert_eq!(told["crashes"]["selected"], 2, "turn {turn}, {number}: {told}");
        }
        let crashes = json_lines(&sandbox.run(["crash", "list", "--json"]).stdout);
        assert_eq!(crashes.len(), 2);
        for crash in crashes {
            assert_eq!(crash["resolved"], crash["frames"], "{crash}");
            let id = crash["id"].as_str().unwrap();
            let shown = sandbox.run(["crash", "show", "--json", id]).stdout;
            assert!(shown.contains("Adder::run"), "{shown}");
        }
        let run = sandbox.run(["reprocess", "--json"]);
        assert_eq!(json_lines(&run.stdout)[0]["status"], "unchanged");
        assert_eq!(sandbox.run(["missing"]).stdout, "");
    }
}

/// Its names do not stand in the store, and its key opens what was put together.
#[test]
fn a_sealed_store_puts_both_together() {
    for turn in 0..2 {
        let sandbox = Sandbox::new();
        let key = sandbox.path("key");
        assert_eq!(sandbox.run(["key", "generate", key.to_str().unwrap()]).code, 0);
        let files = [partial(&sandbox, NAME), object(NAME)];
        let with_key = |words: &[&str]| {
            let run = sandbox.run_with(Some(&key), words);
            assert_eq!(run.code, 0, "{}", run.stderr);
            run.stdout
        };
        for file in [&files[turn], &files[1 - turn]] {
            with_key(&["import", file.to_str().unwrap()]);
        }
        let listed = json_lines(&with_key(&["modules", "list", "--json"]));
        assert_eq!((listed.len(), &listed[0]["id"]), (1, &json!(BUILD_ID)), "turn {turn}");
        with_key(&["modules", "verify"]);
        for module in [NAME, BUILD_ID, DEBUG_ID] {
            let words = ["resolve", "--style", "json", "--module", module, "0x1146"];
            let frames = &json_lines(&with_key(&words))[0]["frames"];
            assert_eq!(frames.as_array().unwrap().len(), 3, "{module}");
        }
    }
}

/// A dump is walked by the symbol file's rows, and by both files' once the ELF file is there.
#[test]
fn dumps_are_walked_by_both() {
    let want = Sandbox::new();
    let all = minidump_modules(&want);
    let dump = |sandbox: &Sandbox| sandbox.write("c1.dmp", minidump("c1.dmp"));
    let shown = |sandbox: &Sandbox| {
        let id = &json_lines(&sandbox.run(["crash", "list", "--json"]).stdout)[0]["id"];
        let shown = sandbox.run(["crash", "show", "--json", id.as_str().unwrap()]).stdout;
        let shown: Value = serde_json::from_str(&shown).unwrap();
        (shown["depth"].clone(), shown["frames"].clone())
    };
    all.iter().for_each(|module| drop(import(&want, module)));
    assert_eq!(run(&want, &["crash", "add"], &dump(&want)).code, 0);
    let want = shown(&want);
    let sandbox = Sandbox::new();
    assert_eq!(run(&sandbox, &["crash", "add"], &dump(&sandbox)).code, 0);
    let symbols = testdata("minidump/libengine.so.sym");
    let (front, engine_and_rest) = all.split_at(1);
    for module in front.iter().chain([&symbols]).chain(engine_and_rest) {
        import(&sandbox, module);
        let told = sandbox.run(["reprocess", "--json"]);
        if module.to_str().unwrap().contains("libengine") {
            assert_eq!(json_lines(&told.stdout)[0]["crashes"]["walked"], 1, "{}", told.stdout);
        }
    }
    assert_eq!(shown(&sandbox), want);
    let engine: Vec<Value> = modules(&sandbox)
        .into_iter()
        .filter(|module| module["name"].as_str().unwrap().starts_with("libengine"))
        .collect();
    assert_eq!((engine.len(), engine[0]["sources"].as_array().unwrap().len()), (1, 2));
}

/// What a file is called besides stays with the module that it completes.
#[test]
fn labels_stay_with_the_module_that_a_file_completes() {
    let sandbox = Sandbox::store_of(&object("c-gcc-O2-dynsym.so"));
    let run = run(&sandbox, &["import", "--label", "shop@1"], &object("c-gcc-O2-symtab.so"));
    assert_eq!((run.code, &modules(&sandbox)[0]["labels"]), (0, &json!(["shop@1"])));
}
