//! The bytes of minidumps: kept, packed, dropped, damaged, and those of commands that are killed.

use std::io::Write;
use std::path::Path;

use serde_json::Value;

use crate::support::{Sandbox, json_lines, testdata};
use crate::{add, added, bytes, done, import, modules, shown, trusts};

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
    let ids = listed(&sandbox);
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
    assert_eq!(listed(&sandbox), ids);
    done(&sandbox, &["modules", "verify"]);
    for (name, dump) in [("0.dmp", &with_report_id(&small, 0)), ("large.dmp", &large)] {
        let run = add_again(&sandbox, &folder.join(name));
        let raw = sandbox.command().args(["crash", "show", "--raw", &run]).output().unwrap();
        assert!(raw.stdout == *dump, "{name}");
        let trusts = shown(&sandbox, &run);
        assert!(!self::trusts(&trusts).contains(&"scan"), "{name}");
    }
}

/// The ids of all crashes, sorted.
fn listed(sandbox: &Sandbox) -> Vec<String> {
    let listed = json_lines(&done(sandbox, &["crash", "list", "--json"]).stdout);
    let mut ids: Vec<String> =
        listed.iter().map(|crash| crash["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
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
