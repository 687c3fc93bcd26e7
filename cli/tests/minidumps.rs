//! `symtool symbolicate` of minidumps whose stacks are known: from gdb, or from a shadow stack.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::io::Write;
use std::path::PathBuf;

use serde_json::Value;
use support::{Run, Sandbox, minidump as bytes, minidump_modules as modules, testdata};

/// A sandbox whose store has the modules of the dumps of Linux.
fn linux() -> Sandbox {
    let sandbox = Sandbox::new();
    import(&sandbox, &modules(&sandbox));
    sandbox
}

fn import(sandbox: &Sandbox, files: &[PathBuf]) {
    let mut command = sandbox.command();
    let run = Run::of(command.arg("import").args(files).output().unwrap());
    assert_eq!(run.code, 0, "{}", run.stderr);
}

fn symbolicate(sandbox: &Sandbox, options: &[&str], file: &std::path::Path) -> Run {
    let mut command = sandbox.command();
    Run::of(command.arg("symbolicate").args(options).arg(file).output().unwrap())
}

/// The report of a dump as JSON.
fn report(sandbox: &Sandbox, name: &str) -> Value {
    let dump = sandbox.write(&format!("{name}.dmp"), bytes(&format!("{name}.dmp")));
    let run = symbolicate(sandbox, &["--style", "json"], &dump);
    assert_eq!(run.code, 0, "{name}: {}", run.stderr);
    assert_eq!(run.stdout.lines().count(), 1);
    serde_json::from_str(&run.stdout).unwrap()
}

fn number(text: &Value) -> u64 {
    u64::from_str_radix(text.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

/// A frame: module, address, function, whether it was inlined.
type Place = (Option<String>, u64, Option<String>, bool);

/// What a debugger calls a function and what a demangler does have their last name in common,
/// without arguments of templates.
fn last_name(name: &str) -> String {
    let mut depth = 0;
    let outside = |char: &char| {
        depth += i32::from(*char == '<');
        let is_outside = depth == 0;
        depth -= i32::from(*char == '>');
        is_outside
    };
    let bare: String = name.trim_start_matches("__GI_").chars().filter(outside).collect();
    let bare = bare.split(['(', '@']).next().unwrap_or_default();
    let last = bare.rsplit("::").next().unwrap_or(bare);
    last.split(' ').next().unwrap_or(last).trim_start_matches('_').to_owned()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// The frames of a thread of the truth.
fn expected(thread: &Value) -> Vec<Place> {
    let mut places = Vec::new();
    for frame in thread["frames"].as_array().unwrap() {
        let place = (
            text(&frame["module"]),
            number(&frame["address"]),
            text(&frame["function"]).map(|name| last_name(&name)),
            frame["inlined"].as_bool().unwrap(),
        );
        for _ in 0..frame["repeat"].as_u64().unwrap_or(1) {
            places.push(place.clone());
        }
    }
    places
}

/// The frames of a thread of a report. Calls have been moved before their return addresses, which
/// the truth has.
fn found(thread: &Value, call_bytes: u64) -> Vec<Place> {
    let mut places = Vec::new();
    for frame in thread["frames"].as_array().unwrap() {
        let moved = if frame["trust"] == "context" { 0 } else { call_bytes };
        let offset = if frame["module"].is_null() { "offset" } else { "module_offset" };
        let address = number(&frame[offset]) + moved;
        let module = text(&frame["module"]);
        let name = |function: &Value| text(function).map(|name| last_name(&name));
        for inlined in frame["inlines"].as_array().unwrap_or(&Vec::new()) {
            places.push((module.clone(), address, name(&inlined["function"]), true));
        }
        places.push((module, address, name(&frame["function"]), false));
    }
    places
}

/// Compares all frames of a dump. Functions are compared in modules that have names.
fn check(sandbox: &Sandbox, name: &str, call_bytes: u64, named: &[&str]) {
    let truth = std::fs::read(testdata(&format!("minidump/{name}.truth.json"))).unwrap();
    let truth: Value = serde_json::from_slice(&truth).unwrap();
    let report = report(sandbox, name);
    assert_eq!(report["crash_info"]["type"], truth["reason"], "{name}");
    assert_eq!(
        number(&report["crash_info"]["address"]),
        number(&truth["address"]),
        "{name}: the address"
    );
    let crashed = usize::try_from(report["crash_info"]["crashing_thread"].as_u64().unwrap());
    assert_eq!(report["threads"][crashed.unwrap()]["thread_id"], truth["crashed_thread"]);
    let threads = report["threads"].as_array().unwrap();
    assert_eq!(threads.len(), truth["threads"].as_array().unwrap().len(), "{name}");
    for thread in truth["threads"].as_array().unwrap() {
        let id = &thread["id"];
        let got = threads.iter().find(|found| found["thread_id"] == *id).unwrap();
        let has_name =
            |place: &Place| place.0.as_deref().is_some_and(|module| named.contains(&module));
        let comparable = |places: Vec<Place>| -> Vec<Place> {
            let known = |place: &Place| !place.3 || has_name(place);
            places
                .into_iter()
                .filter(known)
                .map(|place| {
                    let function = place.2.clone().filter(|_| has_name(&place));
                    (place.0, place.1, function, place.3)
                })
                .collect()
        };
        let (want, got) = (comparable(expected(thread)), comparable(found(got, call_bytes)));
        let differs = want.iter().zip(&got).position(|(want, got)| want != got);
        if let Some(at) = differs {
            panic!("{name}: thread {id}, frame {at}: {:x?} is not {:x?}", got[at], want[at]);
        }
        assert_eq!(got.len(), want.len(), "{name}: thread {id}");
    }
    let frames = threads.iter().flat_map(|thread| thread["frames"].as_array().unwrap());
    assert_eq!(frames.filter(|frame| frame["trust"] == "scan").count(), 0, "{name}");
}

#[test]
fn frames_of_linux_are_those_of_gdb() {
    let sandbox = linux();
    for name in ["c1", "c2", "c3", "c4"] {
        check(&sandbox, name, 1, &["victim", "libengine.so"]);
    }
}

/// The emulator tells addresses only.
#[test]
fn frames_of_windows_are_those_of_the_shadow_stack() {
    let sandbox = Sandbox::new();
    let files = ["shop64", "shop86", "shop86fp", "shoparm64"];
    let files = files.iter().flat_map(|name| [format!("{name}.dll"), format!("{name}.pdb")]);
    import(&sandbox, &files.map(|name| testdata(&format!("windows/{name}"))).collect::<Vec<_>>());
    // Images of x86 have no unwind data of their own.
    import(&sandbox, &["shop86", "shop86fp"].map(|name| testdata(&format!("minidump/{name}.sym"))));
    for (name, call_bytes) in [("shop64", 1), ("shop86", 1), ("shop86fp", 1), ("shoparm64", 4)] {
        check(&sandbox, name, call_bytes, &[]);
        let report = report(&sandbox, name);
        let frames = report["threads"][0]["frames"].as_array().unwrap();
        let functions: Vec<&str> =
            frames.iter().map(|frame| frame["function"].as_str().unwrap()).collect();
        assert!(functions[0].starts_with("shop::fault("), "{functions:?}");
        // C names have an underscore before them on x86.
        let outermost = functions[7].trim_start_matches('_');
        assert!(outermost.starts_with("checkout"), "{functions:?}");
        assert_eq!(frames[1]["inlines"][0]["file"], "/src/lib.cc");
    }
}

/// What minidump-stackwalk 0.25.0 prints of the same dump, apart from the registers of callers, and
/// how far into its line each frame is.
#[test]
fn the_text_has_the_shape_of_minidump_stackwalk() {
    let sandbox = linux();
    let run = symbolicate(&sandbox, &[], &sandbox.write("c1.dmp", bytes("c1.dmp")));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let lines: Vec<&str> = run.stdout.lines().map(str::trim_end).collect();
    for want in [
        "Operating system: Linux",
        "CPU: amd64",
        "     2 CPUs",
        "Crash reason:  SIGSEGV / SEGV_MAPERR",
        "Crash address: 0x0000000000000000",
        "Process uptime: 0 seconds",
        "Thread 0 victim (crashed) - tid: 15485",
        " 2  victim!app::Crash::visit(engine::Node const&, int) [victim.cc : 61]",
        "    Found by: given as instruction pointer in context",
        " 4  libengine.so!engine::walk(engine::Node const*, int, engine::Visitor&) [engine.cc : 19]",
        "    Found by: call frame info",
        "0x560683b1a000 - 0x560683b3047f  victim  0.0.0.0  (main)",
    ] {
        assert!(lines.contains(&want), "{want} is not in\n{}", run.stdout);
    }
    let inlined = lines.iter().position(|line| line.starts_with(" 1  victim!")).unwrap();
    assert!(lines[inlined].ends_with("store_result [victim.cc : 58]"), "{}", lines[inlined]);
    assert_eq!(lines[inlined + 1], "    Found by: inlining");
    // Reports in text are read by `crash add`.
    let text = sandbox.write("c1.txt", &run.stdout);
    let added = sandbox.run(["crash", "add", "--json", text.to_str().unwrap()]);
    assert_eq!(added.code, 0, "{}", added.stderr);
}

/// What Crashpad's annotations say of the process.
#[test]
fn product_and_kind_of_process_are_told() {
    let sandbox = linux();
    let dump = bytes("c1.dmp");
    let told = |name: &str, dump: &[u8]| {
        let run = symbolicate(&sandbox, &[], &sandbox.write(name, dump));
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stdout
    };
    let plain = told("c1.dmp", &dump);
    assert!(plain.contains("\nProduct: victim\n") && !plain.contains("Process type"), "{plain}");
    // The key, behind its length, becomes another one.
    let mut renamed = dump.clone();
    let key = b"\x07\0\0\0product\0";
    let at = renamed.windows(key.len()).position(|part| part == key).unwrap();
    renamed[at..at + key.len()].copy_from_slice(b"\x05\0\0\0ptype\0\0\0");
    let renamed = told("renamed.dmp", &renamed);
    assert!(renamed.contains("\nProcess type: victim\n"), "{renamed}");
    assert!(!renamed.contains("Product"), "{renamed}");
}

#[test]
fn packed_and_attached_dumps_are_found() {
    let sandbox = linux();
    let dump = bytes("c1.dmp");
    let want = symbolicate(&sandbox, &[], &sandbox.write("c1.dmp", &dump)).stdout;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("a/c1.dmp", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(&dump).unwrap();
    let zip = zip.finish().unwrap().into_inner();
    let header = format!(
        "{{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}}\n{{\"type\":\"attachment\",\"length\":{},\"filename\":\"c1.dmp\"}}\n",
        dump.len()
    );
    let envelope = [header.as_bytes(), &dump, b"\n"].concat();
    let zstd = zstd::encode_all(&dump[..], 3).unwrap();
    for (name, packed) in [
        ("c1.zst", &zstd),
        ("c1.zip", &zip),
        ("c1.envelope", &envelope),
        ("c1.envelope.zst", &zstd::encode_all(&envelope[..], 3).unwrap()),
    ] {
        let run = symbolicate(&sandbox, &[], &sandbox.write(name, packed));
        assert_eq!((run.code, run.stdout == want), (0, true), "{name}: {}", run.stderr);
        let run = sandbox.run_with_input(&["symbolicate", "-"], packed);
        assert_eq!((run.code, run.stdout == want), (0, true), "{name}: {}", run.stderr);
    }
    // An upload that was cut off: what came is printed.
    let cut = sandbox.write("cut.envelope", &envelope[..envelope.len() * 3 / 4]);
    let run = symbolicate(&sandbox, &[], &cut);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("cut off: "), "{}", run.stderr);
    assert!(run.stdout.starts_with("Operating system: Linux"), "{}", run.stderr);
}

#[test]
fn a_dump_that_was_cut_off_is_told() {
    let sandbox = linux();
    let dump = bytes("c4.dmp");
    let cut = sandbox.write("cut.dmp", &dump[..dump.len() / 2]);
    let run = symbolicate(&sandbox, &["--style", "json"], &cut);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let message = "cut.dmp: cut off: 541 kB of 1,082 kB; stacks of ";
    assert!(run.stderr.contains(message), "{}", run.stderr);
    assert!(run.stderr.contains("of 13 threads are missing; upload it again"), "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["cut_off"]["file_bytes"], 540_816);
    assert_eq!(report["cut_off"]["needed_bytes"], 1_081_632);
    let ends: Vec<&str> = report["threads"]
        .as_array()
        .unwrap()
        .iter()
        .map(|thread| thread["end"].as_str().unwrap())
        .collect();
    assert!(ends.contains(&"cut_off") && ends.contains(&"end_of_stack"), "{ends:?}");
}

#[test]
fn what_the_store_lacks_is_named_once() {
    let sandbox = Sandbox::new();
    let engine = sandbox.write("libengine.so", bytes("libengine.so"));
    import(&sandbox, &[engine, testdata("minidump/libc.so.6.sym")]);
    let run = symbolicate(&sandbox, &[], &sandbox.write("c1.dmp", bytes("c1.dmp")));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let lines = |module: &str| -> Vec<&str> {
        run.stderr.lines().filter(|line| line.contains(&format!(" {module} ("))).collect()
    };
    for (module, lacks) in [
        ("victim", "no names and no unwind data; import "),
        ("libc.so.6", "no names; import its debug file"),
    ] {
        assert_eq!(lines(module).len(), 1, "{}", run.stderr);
        assert!(lines(module)[0].contains(lacks), "{}", run.stderr);
    }
    assert!(lines("libengine.so").is_empty(), "{}", run.stderr);
}

#[test]
fn bad_dumps_and_other_dumps_are_named() {
    let sandbox = Sandbox::new();
    sandbox.import("c-gcc-O2-symtab.so");
    let header = |count: u32, offset: u32| {
        [0x504d_444d, 0xa793, count, offset, 0, 0, 0, 0].map(u32::to_le_bytes).concat()
    };
    let core = [0xfeed_facf_u32, 0x0100_0007, 3, 4, 0, 0, 0, 0].map(u32::to_le_bytes).concat();
    for (name, bytes, fact) in [
        ("page.dmp", [&b"PAGEDU64"[..], &[0; 64]].concat(), "a dump of the Windows kernel (PAGE)"),
        ("mac.core", core, "a core file of macOS"),
        ("log.txt", b"-----BEGIN BREAKPAD MICRODUMP-----\nV x\n".to_vec(), "a microdump"),
        ("none.dmp", header(0, 32), "counts no streams"),
        ("short.dmp", b"MDMP\x93\xa7".to_vec(), "cut off within the header"),
        ("far.dmp", header(u32::MAX, 0x4000_0000), "is not in the file"),
        ("zeros.dmp", [&b"MDMP"[..], &[0; 60]].concat(), "version 0x0000"),
    ] {
        let run = symbolicate(&sandbox, &[], &sandbox.write(name, bytes));
        assert_eq!(run.code, 1, "{name}: {}", run.stderr);
        assert!(run.stderr.contains(fact), "{name}: {}", run.stderr);
        assert!(run.stdout.is_empty() || name == "log.txt", "{name}: {}", run.stdout);
    }
}
