//! Minidumps in the crash store: the same frames and groups whether symbols came before or after,
//! dumps that were cut off, and their bytes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod kept;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use serde_json::Value;
use support::{Run, Sandbox, json_lines, minidump as bytes, minidump_modules as modules, testdata};

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
