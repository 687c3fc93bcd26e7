//! Minidumps in the crash store: the same frames and groups whether symbols came before or after,
//! dumps that were cut off, and their bytes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Run, Sandbox, json_lines, testdata};

/// The bytes of a fixture, unpacked.
fn bytes(name: &str) -> Vec<u8> {
    let packed = testdata(&format!("minidump/{name}.zst"));
    match std::fs::read(&packed) {
        Ok(bytes) => zstd::decode_all(bytes.as_slice()).unwrap(),
        Err(_) => std::fs::read(packed.with_extension("")).unwrap(),
    }
}

/// The modules of the dumps of Linux, those of which walks need more than of others first.
fn modules(sandbox: &Sandbox) -> Vec<PathBuf> {
    let files = ["victim", "libengine.so"].map(|name| sandbox.write(name, bytes(name)));
    let symbols = ["libc.so.6.sym", "libstdc++.so.6.sym"];
    files.into_iter().chain(symbols.map(|name| testdata(&format!("minidump/{name}")))).collect()
}

fn done(sandbox: &Sandbox, args: &[&str]) -> Run {
    let run = sandbox.run(args);
    assert_eq!(run.code, 0, "{args:?}: {}{}", run.stdout, run.stderr);
    run
}

fn import(sandbox: &Sandbox, file: &Path) {
    done(sandbox, &["import", file.to_str().unwrap()]);
}

fn add(sandbox: &Sandbox, file: &Path) -> Run {
    sandbox.run(["crash", "add", "--json", file.to_str().unwrap()])
}

/// Adds the dump `name`, and returns the id of its crash.
fn added(sandbox: &Sandbox, name: &str) -> String {
    let file = sandbox.write(name, bytes(name));
    let run = add(sandbox, &file);
    assert_eq!(run.code, 0, "{name}: {}", run.stderr);
    json_lines(&run.stdout)[0]["id"].as_str().unwrap().to_owned()
}

/// What `crash show` says, but for where the dump came from.
fn shown(sandbox: &Sandbox, id: &str) -> Value {
    let mut shown: Value =
        serde_json::from_str(&done(sandbox, &["crash", "show", "--json", id]).stdout).unwrap();
    shown.as_object_mut().unwrap().remove("source");
    shown
}

/// The trust of each frame, inlined calls left out.
fn trusts(shown: &Value) -> Vec<&str> {
    let frames = shown["frames"].as_array().unwrap().iter();
    let frames = frames.filter(|frame| frame["inlined"] == false);
    frames.map(|frame| frame["trust"].as_str().unwrap()).collect()
}

/// How many frames of their own the crashed thread has, as the debugger says.
fn depth_of_truth(name: &str) -> u64 {
    let truth = std::fs::read(testdata(&format!("minidump/{name}.truth.json"))).unwrap();
    let truth: Value = serde_json::from_slice(&truth).unwrap();
    let threads = truth["threads"].as_array().unwrap();
    let crashed = threads.iter().find(|thread| thread["id"] == truth["crashed_thread"]).unwrap();
    let frames = crashed["frames"].as_array().unwrap().iter();
    frames
        .filter(|frame| frame["inlined"] == false)
        .map(|frame| frame["repeat"].as_u64().unwrap_or(1))
        .sum()
}

const LINUX: [&str; 4] = ["c1", "c2", "c3", "c4"];

/// Symbols first, dumps first, and every module after the dumps in an order of its own.
#[test]
fn symbols_before_or_after_give_the_same() {
    let before = Sandbox::new();
    for module in modules(&before) {
        import(&before, &module);
    }
    let ids: Vec<String> =
        LINUX.iter().map(|name| added(&before, &format!("{name}.dmp"))).collect();
    let want: Vec<Value> = ids.iter().map(|id| shown(&before, id)).collect();
    for (name, shown) in LINUX.iter().zip(&want) {
        assert_eq!(shown["depth"], depth_of_truth(name), "{name}");
        let trusts = trusts(shown);
        assert_eq!(trusts.len() as u64, depth_of_truth(name), "{name}: {trusts:?}");
        assert_eq!(trusts[0], "context", "{name}");
        assert!(!trusts.contains(&"scan"), "{name}: {trusts:?}");
        assert_eq!(shown["format"], "mdmp");
    }
    let functions: Vec<&str> = want[0]["frames"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|frame| frame["function"].as_str())
        .collect();
    assert!(functions.contains(&"app::Crash::visit(engine::Node const&, int)"), "{functions:?}");
    let groups = done(&before, &["groups", "list", "--json"]).stdout;
    for turn in 0..4 {
        let after = Sandbox::new();
        for name in LINUX {
            added(&after, &format!("{name}.dmp"));
        }
        let mut modules = modules(&after);
        modules.rotate_left(turn);
        for module in modules {
            import(&after, &module);
            done(&after, &["reprocess"]);
        }
        for (id, want) in ids.iter().zip(&want) {
            let mut got = shown(&after, id);
            let mut want = want.clone();
            // A group keeps the id that it had when it came about.
            for shown in [&mut got, &mut want] {
                shown.as_object_mut().unwrap().remove("group");
            }
            assert_eq!(got, want, "turn {turn}");
        }
        let of = |text: &str| -> Vec<(Value, Value)> {
            let mut all: Vec<(Value, Value)> = json_lines(text)
                .iter()
                .map(|group| (group["title"].clone(), group["crashes"].clone()))
                .collect();
            all.sort_by_key(|(title, _)| title.to_string());
            all
        };
        let got = done(&after, &["groups", "list", "--json"]).stdout;
        assert_eq!(of(&got), of(&groups), "turn {turn}");
        done(&after, &["modules", "verify"]);
        let again = done(&after, &["reprocess", "--json"]).stdout;
        assert_eq!(json_lines(&again)[0]["status"], "unchanged");
    }
}

/// A dump of Windows whose leaf has no row.
#[test]
fn dumps_of_windows_are_walked_again() {
    for (name, second) in [("shop64", "leaf"), ("shoparm64", "cfi")] {
        let sandbox = Sandbox::new();
        let id = added(&sandbox, &format!("{name}.dmp"));
        import(&sandbox, &testdata(&format!("windows/{name}.dll")));
        import(&sandbox, &testdata(&format!("windows/{name}.pdb")));
        let run = done(&sandbox, &["reprocess", "--json"]);
        assert_eq!(json_lines(&run.stdout)[0]["crashes"]["walked"], 1, "{}", run.stdout);
        let shown = shown(&sandbox, &id);
        assert_eq!(shown["depth"], depth_of_truth(name), "{shown:#}");
        let trusts = trusts(&shown);
        assert_eq!((trusts[0], trusts.contains(&"scan")), ("context", false), "{trusts:?}");
        assert!(trusts.contains(&second), "{trusts:?}");
        let first = shown["frames"][0]["function"].as_str().unwrap();
        assert!(first.starts_with("shop::fault("), "{first}");
    }
}

#[test]
fn a_module_that_has_gone_takes_no_frames_with_it() {
    let sandbox = Sandbox::new();
    let modules = modules(&sandbox);
    modules.iter().for_each(|module| import(&sandbox, module));
    let id = added(&sandbox, "c1.dmp");
    let want = shown(&sandbox, &id);
    done(&sandbox, &["modules", "remove", "libengine.so"]);
    let run = done(&sandbox, &["reprocess", "--json"]);
    assert_eq!(json_lines(&run.stdout)[0]["crashes"]["kept"], 1, "{}", run.stdout);
    let kept = shown(&sandbox, &id);
    assert_eq!((&kept["depth"], &kept["group"]), (&want["depth"], &want["group"]));
    assert_eq!(trusts(&kept), trusts(&want));
    // Another module that changes meanwhile changes nothing of that.
    done(&sandbox, &["modules", "remove", "libstdc++.so.6"]);
    done(&sandbox, &["reprocess"]);
    assert_eq!(trusts(&shown(&sandbox, &id)), trusts(&want));
    modules.iter().for_each(|module| import(&sandbox, module));
    done(&sandbox, &["reprocess"]);
    assert_eq!(shown(&sandbox, &id), want);
    done(&sandbox, &["modules", "verify"]);
}

/// The crashed thread's stack is not in the first 25,000 bytes of this dump; the whole one comes before or after.
#[test]
fn a_whole_dump_takes_the_place_of_one_that_was_cut_off() {
    let dump = bytes("c4.dmp");
    let mut seen = Vec::new();
    for is_cut_first in [true, false] {
        let sandbox = Sandbox::new();
        modules(&sandbox).iter().for_each(|module| import(&sandbox, module));
        let cut = sandbox.write("cut.dmp", &dump[..25_000]);
        let whole = sandbox.write("whole.dmp", &dump);
        let add_cut = |sandbox: &Sandbox| {
            let run = sandbox.run(["crash", "add", cut.to_str().unwrap()]);
            assert_eq!(run.code, 1, "{}", run.stderr);
            let message = "cut.dmp: cut off: 25 kB of ";
            assert!(run.stderr.contains(message), "{}", run.stderr);
            assert!(run.stderr.contains(" threads are missing"), "{}", run.stderr);
            assert!(run.stderr.contains("; upload it again"), "{}", run.stderr);
        };
        let mut id = None;
        if is_cut_first {
            add_cut(&sandbox);
            let listed = done(&sandbox, &["crash", "list", "--json"]).stdout;
            let listed = json_lines(&listed);
            assert_eq!(listed.len(), 1);
            let cut = shown(&sandbox, listed[0]["id"].as_str().unwrap());
            assert_eq!((&cut["kind"], &cut["cut_off"]), (&"unassigned".into(), &true.into()));
            assert!(cut["frames"].as_array().unwrap().is_empty(), "{cut:#}");
            id = listed[0]["id"].as_str().map(str::to_owned);
        }
        let run = add(&sandbox, &whole);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let lines = json_lines(&run.stdout);
        let whole_id = lines[0]["id"].as_str().unwrap();
        assert!(id.is_none_or(|id| id == whole_id));
        if !is_cut_first {
            add_cut(&sandbox);
        }
        let shown = shown(&sandbox, whole_id);
        assert_eq!(shown["depth"], depth_of_truth("c4"));
        assert_eq!(shown.get("cut_off"), None);
        seen.push(shown);
        let raw = |options: &[&str]| {
            let mut command = sandbox.command();
            command
                .args(["crash", "show", "--raw"])
                .args(options)
                .arg(whole_id)
                .output()
                .unwrap()
                .stdout
        };
        assert!(raw(&[]) == dump);
        // Both are kept, the one that is shown first.
        let all = raw(&["--all-reports"]);
        assert!(all.starts_with(&dump) && all.ends_with(&dump[..25_000]));
        assert_eq!(json_lines(&done(&sandbox, &["crash", "list", "--json"]).stdout).len(), 1);
        done(&sandbox, &["modules", "verify"]);
    }
    seen.iter_mut().for_each(|shown| drop(shown.as_object_mut().unwrap().remove("group")));
    assert_eq!(seen[0], seen[1]);
}

/// A dump of which only stacks of other threads are missing says where it crashed.
#[test]
fn a_dump_that_lacks_other_threads_is_grouped() {
    let dump = bytes("c4.dmp");
    let sandbox = Sandbox::new();
    modules(&sandbox).iter().for_each(|module| import(&sandbox, module));
    let whole = added(&sandbox, "c1.dmp");
    let run = add(&sandbox, &sandbox.write("cut.dmp", &dump[..108_163]));
    assert_eq!(run.code, 1, "{}", run.stderr);
    let line = &json_lines(&run.stdout)[0];
    assert_eq!(line["status"], "added");
    assert!(line["damage"].as_str().unwrap().starts_with("cut off: "), "{line}");
    let (cut, whole) = (shown(&sandbox, line["id"].as_str().unwrap()), shown(&sandbox, &whole));
    assert_eq!(cut["cut_off"], true);
    // It is the same crash in the same program.
    assert_eq!((&cut["depth"], &cut["group"]), (&whole["depth"], &whole["group"]));
}

#[test]
fn the_same_bytes_are_known_however_they_are_packed() {
    let sandbox = Sandbox::new();
    let dump = bytes("c1.dmp");
    let id = added(&sandbox, "c1.dmp");
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
        ("again.dmp", &dump),
        ("c1.zst", &zstd),
        ("c1.zip", &zip),
        ("c1.envelope", &envelope),
        ("c1.envelope.zst", &zstd::encode_all(&envelope[..], 3).unwrap()),
    ] {
        let run = add(&sandbox, &sandbox.write(name, packed));
        let line = &json_lines(&run.stdout)[0];
        assert_eq!(
            (&line["status"], &line["id"]),
            (&"known".into(), &id.as_str().into()),
            "{name}"
        );
        let run = sandbox.run_with_input(&["crash", "add", "--json", "-"], packed);
        assert_eq!(json_lines(&run.stdout)[0]["status"], "known", "{name}: {}", run.stderr);
    }
    let raw = sandbox.command().args(["crash", "show", "--raw", &id]).output().unwrap().stdout;
    assert!(raw == dump);
}

/// `c5` has 38 MB: its parts are written ahead.
#[test]
fn bytes_come_back_as_they_were() {
    for is_sealed in [false, true] {
        let sandbox = Sandbox::new();
        let key = is_sealed.then(|| sandbox.path("store.key"));
        if let Some(key) = &key {
            assert_eq!(sandbox.run(["key", "generate", key.to_str().unwrap()]).code, 0);
        }
        for name in ["c5.dmp", "c1.dmp", "shop64.dmp"] {
            let dump = bytes(name);
            let file = sandbox.write(name, &dump);
            for status in ["added", "known"] {
                let run = sandbox
                    .run_with(key.as_deref(), ["crash", "add", "--json", file.to_str().unwrap()]);
                assert_eq!(run.code, 0, "{name}: {}", run.stderr);
                let lines = json_lines(&run.stdout);
                assert_eq!(lines[0]["status"], status, "{name}");
                let id = lines[0]["id"].as_str().unwrap();
                let mut command = sandbox.guarded(key.as_deref());
                let raw = command.args(["crash", "show", "--raw", id]).output().unwrap();
                assert!(raw.stdout == dump, "{name}: {}", String::from_utf8_lossy(&raw.stderr));
            }
        }
        let run = sandbox.run_with(key.as_deref(), ["modules", "verify"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    // What is packed and comes on stdin goes through a file.
    let sandbox = Sandbox::new();
    let packed = zstd::encode_all(bytes("c5.dmp").as_slice(), 1).unwrap();
    for status in ["added", "known"] {
        let run = sandbox.run_with_input(&["crash", "add", "--json", "-"], &packed);
        assert_eq!(json_lines(&run.stdout)[0]["status"], status, "{}", run.stderr);
    }
    assert!(std::fs::read_dir(sandbox.store().join("staging")).unwrap().next().is_none());
}

#[test]
fn dropped_bytes_leave_the_frames() {
    let sandbox = Sandbox::new();
    modules(&sandbox).iter().for_each(|module| import(&sandbox, module));
    let ids = [added(&sandbox, "c1.dmp"), added(&sandbox, "shop64.dmp")];
    let want = shown(&sandbox, &ids[0]);
    let gc = ["crash", "gc", "--keep", "0", "--drop-dumps", "--json"];
    let run = done(&sandbox, &[&gc[..], &["--dry-run"]].concat());
    assert_eq!(json_lines(&run.stdout).len(), 2, "{}", run.stdout);
    let run = done(&sandbox, &gc);
    let lines = json_lines(&run.stdout);
    assert_eq!((lines.len(), &lines[0]["status"]), (2, &"dropped".into()));
    assert_eq!(lines[0]["bytes"], bytes("c1.dmp").len());
    assert_eq!(shown(&sandbox, &ids[0]), want);
    let run = sandbox.run(["crash", "show", "--raw", &ids[0]]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(run.stderr.contains("no longer kept"), "{}", run.stderr);
    // Nothing is left to be dropped, or to be walked.
    assert_eq!(done(&sandbox, &gc).stdout, "");
    import(&sandbox, &testdata("windows/shop64.dll"));
    let run = done(&sandbox, &["reprocess", "--json"]);
    assert_eq!(json_lines(&run.stdout)[0]["crashes"]["not_walked"], 1, "{}", run.stdout);
    done(&sandbox, &["modules", "verify"]);
    // Added again, it is there again.
    let again = added(&sandbox, "shop64.dmp");
    assert_eq!(again, ids[1]);
    let mut command = sandbox.command();
    let raw = command.args(["crash", "show", "--raw", &again]).output().unwrap().stdout;
    assert!(raw == bytes("shop64.dmp"));
    done(&sandbox, &["crash", "remove", &ids[0], &ids[1]]);
    done(&sandbox, &["modules", "verify"]);
}

#[test]
fn what_modules_lack_is_told() {
    let sandbox = Sandbox::new();
    let engine = sandbox.write("libengine.so", bytes("libengine.so"));
    import(&sandbox, &engine);
    import(&sandbox, &testdata("minidump/libc.so.6.sym"));
    added(&sandbox, "c1.dmp");
    let lacks = |sandbox: &Sandbox| -> Vec<(String, Value)> {
        let run = done(sandbox, &["missing", "--json", "--all"]);
        json_lines(&run.stdout)
            .into_iter()
            .map(|line| (line["name"].as_str().unwrap().to_owned(), line["lacks"].clone()))
            .collect()
    };
    let of = |all: &[(String, Value)], name: &str| {
        all.iter().find(|(known, _)| known == name).map(|(_, lacks)| lacks.to_string())
    };
    let found = lacks(&sandbox);
    assert_eq!(of(&found, "victim").as_deref(), Some(r#"["names","unwind"]"#), "{found:?}");
    // This symbol file has rows, and no names.
    assert_eq!(of(&found, "libc.so.6").as_deref(), Some(r#"["names"]"#), "{found:?}");
    assert_eq!(of(&found, "libengine.so"), None, "{found:?}");
    let run = done(&sandbox, &["missing"]);
    assert!(run.stdout.contains("victim  (names and unwind data)"), "{}", run.stdout);
    import(&sandbox, &sandbox.write("victim", bytes("victim")));
    done(&sandbox, &["reprocess"]);
    assert_eq!(of(&lacks(&sandbox), "victim"), None);
}

#[test]
fn a_run_is_undone_as_others_are() {
    let sandbox = Sandbox::new();
    let id = added(&sandbox, "c1.dmp");
    let before = shown(&sandbox, &id);
    modules(&sandbox).iter().for_each(|module| import(&sandbox, module));
    let run = done(&sandbox, &["reprocess", "--dry-run", "--json"]);
    assert_eq!(json_lines(&run.stdout)[0]["crashes"]["moved"], 1, "{}", run.stdout);
    assert_eq!(shown(&sandbox, &id)["depth"], before["depth"]);
    let title =
        || json_lines(&done(&sandbox, &["groups", "list", "--json"]).stdout)[0]["title"].clone();
    let was = title();
    done(&sandbox, &["reprocess"]);
    assert_eq!(title(), "poke");
    done(&sandbox, &["groups", "undo"]);
    assert_eq!(title(), was);
    done(&sandbox, &["modules", "verify"]);
}

#[test]
fn bad_dumps_are_named_and_cost_themselves() {
    let sandbox = Sandbox::new();
    let header = |count: u32, offset: u32| {
        [0x504d_444d, 0xa793, count, offset, 0, 0, 0, 0].map(u32::to_le_bytes).concat()
    };
    let core = [0xfeed_facf_u32, 0x0100_0007, 3, 4, 0, 0, 0, 0].map(u32::to_le_bytes).concat();
    let noise: Vec<u8> = {
        let mut random = fastrand::Rng::with_seed(3);
        let noise = std::iter::repeat_with(|| random.u8(..)).take(5000);
        b"MDMP".iter().copied().chain(noise).collect()
    };
    for (name, bytes, fact) in [
        ("page.dmp", [&b"PAGEDU64"[..], &[0; 64]].concat(), "a dump of the Windows kernel (PAGE)"),
        ("mac.core", core, "a core file of macOS"),
        ("log.txt", b"-----BEGIN BREAKPAD MICRODUMP-----\nV x\n".to_vec(), "a microdump"),
        ("none.dmp", header(0, 32), "counts no streams"),
        ("short.dmp", b"MDMP\x93\xa7".to_vec(), "cut off within the header"),
        ("far.dmp", header(u32::MAX, 0x4000_0000), "is not in the file"),
        ("zeros.dmp", [&b"MDMP"[..], &[0; 60]].concat(), "version 0x0000"),
        ("noise.dmp", noise, "version 0x"),
        ("empty.dmp", Vec::new(), "the file is empty"),
        ("all-zeros.dmp", vec![0; 4096], "not a crash report"),
    ] {
        let run = add(&sandbox, &sandbox.write(name, bytes));
        assert_eq!(run.code, 1, "{name}: {}", run.stderr);
        let lines = json_lines(&run.stdout);
        let error = lines[0]["error"].as_str().unwrap();
        assert!(error.contains(fact), "{name}: {error}");
    }
    let run = add(&sandbox, &sandbox.write("c1.dmp", bytes("c1.dmp")));
    assert_eq!(run.code, 0, "{}", run.stderr);
    done(&sandbox, &["modules", "verify"]);
}

/// A dump with another report id: that of `number`.
fn with_report_id(dump: &[u8], number: u32) -> Vec<u8> {
    let mut dump = dump.to_vec();
    let word = |dump: &[u8], at: usize| {
        usize::try_from(u32::from_le_bytes(dump[at..at + 4].try_into().unwrap())).unwrap()
    };
    let (count, directory) = (word(&dump, 8), word(&dump, 12));
    let mut streams = (0..count).map(|number| directory + 12 * number);
    // Crashpad's own stream: its version, then the report's id.
    let info = streams.find(|at| word(&dump, *at) == 0x4350_0001).unwrap();
    let at = word(&dump, info + 8) + 4;
    dump[at..at + 4].copy_from_slice(&number.to_le_bytes());
    dump
}

/// Runs the command and kills it after `permille` of the time that it takes.
fn killed(sandbox: &Sandbox, args: &[&str], length: std::time::Duration, permille: u32) {
    let mut child = sandbox.spawn_piped(args);
    std::thread::sleep(length * permille / 1000);
    // It may have ended.
    let _ = child.kill();
    child.wait().unwrap();
}

/// `DUMP_KILLS=N` kills N times.
#[test]
fn killed_commands_lose_and_double_nothing() {
    let kills: usize =
        std::env::var("DUMP_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(10);
    let sandbox = Sandbox::in_memory();
    let folder = sandbox.path("dumps");
    std::fs::create_dir(&folder).unwrap();
    let (small, large) = (bytes("c1.dmp"), bytes("c5.dmp"));
    let count = 60;
    for number in 0..count {
        std::fs::write(folder.join(format!("{number}.dmp")), with_report_id(&small, number))
            .unwrap();
    }
    // Its parts are written ahead.
    std::fs::write(folder.join("large.dmp"), &large).unwrap();
    let modules = modules(&sandbox);
    let add = ["crash", "add", folder.to_str().unwrap()];
    let mut random = fastrand::Rng::with_seed(11);
    let timed = |args: &[&str]| {
        let started = std::time::Instant::now();
        done(&sandbox, args);
        started.elapsed()
    };
    let adding = timed(&add);
    std::fs::remove_dir_all(sandbox.store()).unwrap();
    for _ in 0..kills / 2 {
        killed(&sandbox, &add, adding, random.u32(..1000));
    }
    done(&sandbox, &add);
    let listed = || {
        let listed = json_lines(&done(&sandbox, &["crash", "list", "--json"]).stdout);
        let mut ids: Vec<String> =
            listed.iter().map(|crash| crash["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    let ids = listed();
    let mut once = ids.clone();
    once.dedup();
    assert_eq!((ids.len(), once.len()), (count as usize + 1, ids.len()));
    done(&sandbox, &["modules", "verify"]);
    let length = std::time::Duration::from_millis(400);
    for at in 0..kills.div_ceil(2) {
        import(&sandbox, &modules[at % modules.len()]);
        killed(&sandbox, &["reprocess"], length, random.u32(..1000));
        if at % 2 == 1 {
            // It may not be there.
            sandbox.run(["modules", "remove", "libengine.so"]);
        }
    }
    modules.iter().for_each(|module| import(&sandbox, module));
    done(&sandbox, &["reprocess"]);
    assert_eq!(listed(), ids);
    done(&sandbox, &["modules", "verify"]);
    for (name, dump) in [("0.dmp", &with_report_id(&small, 0)), ("large.dmp", &large)] {
        let run = add_again(&sandbox, &folder.join(name));
        let raw = sandbox.command().args(["crash", "show", "--raw", &run]).output().unwrap();
        assert!(raw.stdout == *dump, "{name}");
        let trusts = shown(&sandbox, &run);
        assert!(!self::trusts(&trusts).contains(&"scan"), "{name}");
    }
}

/// Adds a dump that is there, and returns its id.
fn add_again(sandbox: &Sandbox, file: &Path) -> String {
    let lines = json_lines(&add(sandbox, file).stdout);
    assert_eq!(lines[0]["status"], "known");
    lines[0]["id"].as_str().unwrap().to_owned()
}

/// Dumps that were damaged in any way cost themselves; the others say the same whenever symbols
/// come.
#[test]
fn damaged_dumps_say_the_same_before_and_after_symbols() {
    let (before, after) = (Sandbox::in_memory(), Sandbox::in_memory());
    let folder = before.path("damaged");
    std::fs::create_dir(&folder).unwrap();
    let whole = ["c1.dmp", "c3.dmp", "shop64.dmp", "shoparm64.dmp"].map(bytes);
    let mut random = fastrand::Rng::with_seed(23);
    for number in 0..400 {
        let mut dump = whole[random.usize(..whole.len())].clone();
        for _ in 0..random.usize(1..20) {
            let within = [300, 2000, dump.len()][random.usize(..3)].min(dump.len());
            let at = random.usize(4..within);
            match random.u8(..3) {
                0 => dump[at] ^= 1 << random.u8(..8),
                1 => dump[at..].iter_mut().take(4).for_each(|byte| *byte = 0xff),
                _ if random.u8(..8) == 0 => dump.truncate(at),
                _ => dump[at] = random.u8(..),
            }
            if dump.len() <= 4 {
                break;
            }
        }
        std::fs::write(folder.join(format!("{number}.dmp")), dump).unwrap();
    }
    let add = |sandbox: &Sandbox| {
        let run = sandbox.run(["crash", "add", folder.to_str().unwrap()]);
        assert!(run.code < 2, "{}", run.stderr);
    };
    let windows = ["shop64.dll", "shoparm64.dll", "shop64.pdb", "shoparm64.pdb"];
    let windows = windows.map(|name| testdata(&format!("windows/{name}")));
    for module in modules(&before).iter().chain(&windows) {
        import(&before, module);
    }
    add(&before);
    add(&after);
    for module in windows.iter().chain(&modules(&after)) {
        import(&after, module);
        done(&after, &["reprocess"]);
    }
    let shown = |sandbox: &Sandbox| -> Vec<Value> {
        let listed = json_lines(&done(sandbox, &["crash", "list", "--json"]).stdout);
        let mut ids: Vec<String> =
            listed.iter().map(|crash| crash["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        assert!(ids.len() > 100, "{}", ids.len());
        let mut args = vec!["crash", "show", "--json"];
        args.extend(ids.iter().map(String::as_str));
        let mut shown = json_lines(&done(sandbox, &args).stdout);
        for shown in &mut shown {
            shown.as_object_mut().unwrap().remove("group");
        }
        shown
    };
    for (before, after) in shown(&before).iter().zip(&shown(&after)) {
        assert_eq!(before, after);
    }
    done(&after, &["modules", "verify"]);
}
