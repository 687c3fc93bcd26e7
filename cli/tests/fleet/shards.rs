//! `reprocess --shard` and `--finish`: the run is the one that a single process does.

use std::fs;

use serde_json::Value;

use crate::support::{Run, Sandbox, object};
use crate::{Story, text};

/// What a run says, but for when it was.
fn told(run: &str) -> Value {
    serde_json::from_str(run).unwrap()
}

fn shards_are_one_process(make: impl Fn() -> Story, counts: &[u32]) {
    let one = make();
    one.add();
    one.come_late();
    let run = told(&one.symtool(&one.with_rules(1, &["reprocess", "--json"])));
    let moved = run["crashes"]["moved"].as_u64().unwrap();
    assert!(moved > 3, "{run}");
    for count in counts {
        let many = make();
        many.add();
        many.come_late();
        let before = many.state();
        let mut assessed = 0;
        for index in (0..*count).rev() {
            let shard = format!("{index}/{count}");
            let args = many.with_rules(1, &["reprocess", "--json", "--shard", &shard]);
            let done = told(&many.symtool(&args));
            assert_eq!((&done["known"], done["shard"].as_str()), (&false.into(), Some(&*shard)));
            assessed += done["assessed"].as_u64().unwrap();
        }
        assert_eq!(many.state(), before, "a shard changes nothing");
        assert_eq!(assessed, run["crashes"]["assessed"].as_u64().unwrap(), "each crash once");
        let finished = many.symtool(&many.with_rules(1, &["reprocess", "--json", "--finish"]));
        assert_eq!(told(&finished), run, "{count} shards");
        assert_eq!((many.listed(), many.state()), (one.listed(), one.state()), "{count} shards");
        assert!(!many.sandbox.store().join("runs").exists());
    }
}

#[test]
fn shards_by_rules() {
    shards_are_one_process(Story::of_rules, &[1, 2, 7]);
}

#[test]
fn shards_by_late_symbols() {
    shards_are_one_process(|| Story::of_late_symbols(300), &[1, 4, 16]);
}

fn late() -> Story {
    let story = Story::of_late_symbols(40);
    story.add();
    story.come_late();
    story
}

fn finish(story: &Story) -> Run {
    story.sandbox.run(["reprocess", "--finish"])
}

#[test]
fn the_end_waits_for_all_shards() {
    let story = late();
    let none = finish(&story);
    assert_eq!(none.code, 75, "{}", none.stderr);
    assert!(none.stderr.contains("no shard of a run"), "{}", none.stderr);
    story.symtool(&["reprocess", "--shard", "0/3"]);
    story.symtool(&["reprocess", "--shard", "2/3"]);
    let some = finish(&story);
    assert_eq!(some.code, 75, "{}", some.stderr);
    assert!(some.stderr.contains("--shard 1/3"), "{}", some.stderr);
    // A second attempt takes nothing from the first.
    let again = story.symtool(&["reprocess", "--shard", "2/3"]);
    assert!(again.contains("another attempt"), "{again}");
    story.symtool(&["reprocess", "--shard", "1/3"]);
    assert_eq!(finish(&story).code, 0);
    // Whoever was ended before it could say so is started again.
    let state = story.state();
    let again = finish(&story);
    assert_eq!((again.code, story.state()), (0, state), "{}", again.stderr);
}

/// A mark changes nothing that is assessed.
#[test]
fn shards_outlive_marks_of_groups() {
    let story = late();
    story.symtool(&["reprocess", "--shard", "0/1"]);
    let groups = story.symtool(&["groups", "list"]);
    let group = groups.split_whitespace().next().unwrap();
    story.symtool(&["groups", "note", group, "seen"]);
    let run = finish(&story);
    assert_eq!(run.code, 0, "{}", run.stderr);
}

/// What was found out under other symbols is no part of the run.
#[test]
fn shards_of_other_symbols_do_not_count() {
    let story = late();
    for shard in ["0/2", "1/2"] {
        story.symtool(&["reprocess", "--shard", shard]);
    }
    story.sandbox.import("cpp-gcc-O2-dwarf5.so");
    let run = finish(&story);
    assert_eq!(run.code, 75, "{}", run.stderr);
    assert!(run.stderr.contains("no shard of a run"), "{}", run.stderr);
}

#[test]
fn a_job_says_which_shard_it_is() {
    let story = late();
    for index in ["0", "1"] {
        let mut command = story.sandbox.command();
        command.env("JOB_COMPLETION_INDEX", index).args(["reprocess", "--shard", "2"]);
        let run = Run::of(command.output().unwrap());
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stdout.starts_with(&format!("shard {index}/2: ")), "{}", run.stdout);
    }
    assert_eq!(finish(&story).code, 0);
    for wrong in ["2/2", "x/2", "0/0", "2"] {
        assert_eq!(story.sandbox.run(["reprocess", "--shard", wrong]).code, 2, "{wrong}");
    }
}

/// A store that is being written may be free later.
#[test]
fn a_busy_store_is_tried_again() {
    let story = late();
    let lock = story.sandbox.store().join("crashes.lock");
    let lock = fs::File::options().write(true).open(lock).unwrap();
    lock.lock().unwrap();
    for step in [&["--shard", "0/1"][..], &["--finish"]] {
        let run = story.sandbox.run([&["--wait", "0", "reprocess"], step].concat());
        assert_eq!(run.code, 75, "{}", run.stderr);
        assert!(run.stderr.contains("wait longer with --wait"), "{}", run.stderr);
    }
}

/// An attempt that is killed leaves no shard, and a damaged file is named.
#[test]
fn half_a_shard_is_none() {
    let story = late();
    for shard in ["0/2", "1/2"] {
        story.symtool(&["reprocess", "--shard", shard]);
    }
    let runs = story.sandbox.store().join("runs");
    let run = fs::read_dir(runs).unwrap().next().unwrap().unwrap().path();
    let file = run.join("1-of-2");
    let bytes = fs::read(&file).unwrap();
    // As a killed attempt has it.
    fs::rename(&file, run.join(".tmpKilled")).unwrap();
    assert_eq!(finish(&story).code, 75);
    for cut in [0, 5, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&file, &bytes[..cut]).unwrap();
        let before = story.state();
        let cut = finish(&story);
        assert_eq!(cut.code, 3, "{}", cut.stderr);
        assert!(cut.stderr.contains("1-of-2") && cut.stderr.contains("run the shard again"));
        assert_eq!(story.state(), before);
    }
    fs::write(&file, &bytes).unwrap();
    assert_eq!(finish(&story).code, 0);
}

/// Files of shards are sealed as the store is.
#[test]
fn shards_of_a_sealed_store_say_nothing() {
    let sandbox = Sandbox::new();
    let key = sandbox.path("key");
    assert_eq!(sandbox.run(["key", "generate", text(&key)]).code, 0);
    let run = |args: &[&str]| {
        let run = sandbox.run([&["--key-file", text(&key)], args].concat());
        assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
    };
    run(&["import", text(&object(crate::BUILDS[0]))]);
    let story = Story::of_rules();
    let events = sandbox.write("events.ndjson", story.lines.join("\n"));
    run(&["crash", "add", text(&events), "--rules", text(story.rules[0].as_deref().unwrap())]);
    run(&["reprocess", "--shard", "0/1"]);
    let runs = sandbox.store().join("runs");
    let folder = fs::read_dir(runs).unwrap().next().unwrap().unwrap().path();
    let bytes = fs::read(folder.join("0-of-1")).unwrap();
    for name in ["main_loop", "alpha", "beta", "helper"] {
        assert!(memchr::memmem::find(&bytes, name.as_bytes()).is_none(), "{name}");
    }
    run(&["reprocess", "--finish"]);
    let mut listed = sandbox.command();
    listed.args(["--key-file", text(&key), "groups", "list"]);
    assert_eq!(Run::of(listed.output().unwrap()).stdout.lines().count(), 2);
}
