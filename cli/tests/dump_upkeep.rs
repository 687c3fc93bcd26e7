//! Minidumps where other reports would tell the same: runs that are undone, and mutants that are
//! added and walked again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::path::Path;

use serde_json::Value;
use support::{
    Run, Sandbox, json_lines, minidump as bytes, minidump_modules as modules, object, testdata,
};

fn done(sandbox: &Sandbox, args: &[&str]) -> Run {
    let run = sandbox.run(args);
    assert_eq!(run.code, 0, "{args:?}: {}{}", run.stdout, run.stderr);
    run
}

fn import(sandbox: &Sandbox, file: &Path) {
    done(sandbox, &["import", file.to_str().unwrap()]);
}

/// All crashes, as `crash show` prints them.
fn shown(sandbox: &Sandbox) -> Vec<Value> {
    let listed = json_lines(&done(sandbox, &["crash", "list", "--json"]).stdout);
    let mut ids: Vec<&str> = listed.iter().map(|crash| crash["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    let args: Vec<&str> = ["crash", "show", "--json"].into_iter().chain(ids).collect();
    json_lines(&done(sandbox, &args).stdout)
}

/// The titles of all groups.
fn titles(sandbox: &Sandbox) -> Vec<Value> {
    let listed = json_lines(&done(sandbox, &["groups", "list", "--json"]).stdout);
    listed.iter().map(|group| group["title"].clone()).collect()
}

/// A run that is undone takes the groups back. What is known of the frames stays known, of a
/// minidump as of a text.
#[test]
fn undoing_a_run_leaves_what_is_known_of_frames() {
    let event = std::fs::read_to_string(testdata("stores/reports.ndjson")).unwrap();
    let event = event.lines().next().unwrap().to_owned();
    for (name, report) in [("c1.dmp", bytes("c1.dmp")), ("event.json", event.into_bytes())] {
        let sandbox = Sandbox::new();
        done(&sandbox, &["crash", "add", sandbox.write(name, report).to_str().unwrap()]);
        let (before, titles) = (shown(&sandbox), titles(&sandbox));
        modules(&sandbox).iter().for_each(|module| import(&sandbox, module));
        import(&sandbox, &object("c-gcc-O0-dwarf5.so"));
        done(&sandbox, &["reprocess"]);
        let run = shown(&sandbox);
        assert_ne!(self::titles(&sandbox), titles, "{name}");
        assert_ne!(run[0]["frames"], before[0]["frames"], "{name}");
        done(&sandbox, &["groups", "undo"]);
        let undone = shown(&sandbox);
        assert_eq!(self::titles(&sandbox), titles, "{name}");
        assert_eq!(undone[0]["frames"], run[0]["frames"], "{name}");
        // What was undone is not done again.
        let again = done(&sandbox, &["reprocess", "--json"]);
        assert_eq!(json_lines(&again.stdout)[0]["status"], "unchanged", "{name}");
        assert_eq!(shown(&sandbox), undone, "{name}");
        done(&sandbox, &["modules", "verify"]);
    }
}

/// A dump of one of the fixtures with some bytes changed; sometimes in an envelope.
fn mutant(whole: &[Vec<u8>], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut dump = whole[random.usize(..whole.len())].clone();
    for _ in 0..random.usize(1..20) {
        let within = [300, 2000, dump.len()][random.usize(..3)].min(dump.len());
        if within < 6 {
            break;
        }
        let at = random.usize(4..within);
        match random.u8(..5) {
            0 => dump[at] ^= 1 << random.u8(..8),
            1 => dump[at..].iter_mut().take(4).for_each(|byte| *byte = 0xff),
            2 => dump[at..].iter_mut().take(4096).for_each(|byte| *byte = 0),
            3 if random.u8(..8) == 0 => dump.truncate(at),
            _ => dump[at] = random.u8(..),
        }
    }
    if random.u8(..4) > 0 {
        return dump;
    }
    let event = r#"{"event_id":"0f1e2d3c4b5a69788796a5b4c3d2e1f0","release":"a@1"}"#;
    let header = |kind: &str, length: usize| {
        format!("{{\"type\":\"{kind}\",\"length\":{length}}}\n").into_bytes()
    };
    let wrong = usize::from(random.u8(..4) == 0) * random.usize(..100);
    [
        b"{\"event_id\":\"0f1e2d3c4b5a69788796a5b4c3d2e1f0\"}\n".to_vec(),
        header("attachment", dump.len() + wrong),
        dump,
        b"\n".to_vec(),
        header("event", event.len()),
        event.into(),
    ]
    .concat()
}

/// `DUMP_MUTANTS=N` makes so many. None of them ends the program, and what is kept of them is the
/// same whether symbols come before or after.
#[test]
fn mutants_cost_themselves() {
    let mutants: usize =
        std::env::var("DUMP_MUTANTS").ok().and_then(|count| count.parse().ok()).unwrap_or(500);
    let whole =
        ["c1.dmp", "c2.dmp", "c3.dmp", "c6.dmp", "shop64.dmp", "shop86.dmp", "shoparm64.dmp"];
    let whole = whole.map(bytes);
    let mut random = fastrand::Rng::with_seed(41);
    let windows = ["shop64.dll", "shoparm64.dll", "shop64.pdb", "shoparm64.pdb", "shop86.pdb"];
    let windows = windows.map(|name| testdata(&format!("windows/{name}")));
    let (before, after) = (Sandbox::in_memory(), Sandbox::in_memory());
    for module in modules(&before).iter().chain(&windows) {
        import(&before, module);
    }
    let folder = before.path("mutants");
    for first in (0..mutants).step_by(2000) {
        std::fs::create_dir(&folder).unwrap();
        for number in first..mutants.min(first + 2000) {
            let mutant = mutant(&whole, &mut random);
            std::fs::write(folder.join(format!("{number}.dmp")), mutant).unwrap();
        }
        for sandbox in [&before, &after] {
            let run = sandbox.run(["crash", "add", "-q", folder.to_str().unwrap()]);
            assert!(run.code < 2 && !run.stderr.contains("panicked"), "{}", run.stderr);
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
    for module in modules(&after).iter().chain(&windows) {
        import(&after, module);
    }
    done(&after, &["reprocess"]);
    let of = |sandbox: &Sandbox| {
        let mut shown = shown(sandbox);
        shown.iter_mut().for_each(|shown| drop(shown.as_object_mut().unwrap().remove("group")));
        shown
    };
    let (of_before, of_after) = (of(&before), of(&after));
    assert!(of_before.len() > mutants / 10, "{}", of_before.len());
    assert_eq!(of_before.len(), of_after.len());
    for (before, after) in of_before.iter().zip(&of_after) {
        assert_eq!(before, after);
    }
    done(&after, &["modules", "verify"]);
}
