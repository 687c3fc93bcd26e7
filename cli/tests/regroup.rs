//! Regrouping: symbols that come late bring crashes of one bug together; every move can be seen
//! before, explained and undone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::time::Duration;

use serde_json::Value;
use support::events::{Build, event};
use support::{Run, Sandbox, json_lines};

/// Builds of the same source: the same functions, other addresses.
const BUILDS: [&str; 3] = ["c-gcc-O0-dwarf5.so", "c-clang-O0-dwarf4.so", "c-clang-O0-dwarf5.so"];

/// Functions of each bug, the crashing side first.
const BUGS: [&[&str]; 4] = [
    &["primary", "expression", "grammar_eval"],
    &["probe", "table_find", "grammar_eval"],
    &["span_number", "scan_next", "grammar_eval"],
    &["skip_comment", "scan_next", "grammar_eval"],
];

/// `count` crashes of each bug in each build.
fn events(count: u64) -> Vec<String> {
    let builds = BUILDS.map(Build::of);
    let mut events = Vec::new();
    for number in 0..count {
        for (at, build) in (0..).zip(&builds) {
            for (bug, functions) in (0..).zip(BUGS) {
                events.push(event((number * 3 + at) * 4 + bug + 1, build, functions));
            }
        }
    }
    events
}

fn add(sandbox: &Sandbox, events: &[String]) {
    let run = sandbox.run_with_input(&["crash", "add", "-"], (events.join("\n") + "\n").as_bytes());
    assert_eq!(run.code, 0, "{}", run.stderr);
}

fn groups(sandbox: &Sandbox) -> Vec<Value> {
    json_lines(&sandbox.run(["groups", "list", "--json"]).stdout)
}

fn done(run: Run) -> String {
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout
}

fn reprocess(sandbox: &Sandbox, args: &[&str]) -> Value {
    json_lines(&done(sandbox.run(["reprocess", "--json"].iter().chain(args)))).remove(0)
}

fn titles(sandbox: &Sandbox) -> Vec<String> {
    let mut titles: Vec<String> =
        groups(sandbox).iter().map(|group| group["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles
}

#[test]
fn late_symbols_bring_crashes_of_one_bug_together() {
    let sandbox = Sandbox::new();
    add(&sandbox, &events(2));
    let before = groups(&sandbox);
    assert_eq!(before.len(), 12, "each build for itself");
    assert!(
        before.iter().all(|group| group["kind"] == "provisional" && group["crashes"] == 2),
        "{before:?}"
    );

    BUILDS.iter().for_each(|build| sandbox.import(build));
    let told = reprocess(&sandbox, &["--dry-run"]);
    assert_eq!(groups(&sandbox), before, "--dry-run changes nothing");
    assert_eq!(told["status"], "dry_run");
    assert_eq!(told["rules_changed"], false, "in a fresh store there were no others");
    let report = sandbox.path("report.json");
    let applied = reprocess(&sandbox, &["--report", report.to_str().unwrap()]);
    assert_eq!(applied["status"], "applied");
    for part in
        ["merged", "split", "renamed", "modules", "missing", "rules_changed", "largest_gain"]
    {
        assert_eq!(told[part], applied[part], "--dry-run says what is done");
    }
    assert_eq!(serde_json::from_slice::<Value>(&std::fs::read(report).unwrap()).unwrap(), applied);
    let counts = |key: &str| applied["crashes"][key].as_u64().unwrap();
    assert_eq!((counts("stored"), counts("moved"), counts("kept")), (24, 24, 0));
    assert_eq!((counts("groups_before"), counts("groups_after")), (12, 4));
    let modules: Vec<(&str, u64)> = applied["modules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|module| (module["change"].as_str().unwrap(), module["moved"].as_u64().unwrap()))
        .collect();
    assert_eq!(modules, [("imported", 8); 3]);

    assert_eq!(titles(&sandbox), ["primary", "probe", "skip_comment", "span_number"]);
    for group in groups(&sandbox) {
        assert_eq!((&group["kind"], &group["crashes"]), (&"resolved".into(), &6.into()));
        assert_eq!(group["aliases"].as_array().unwrap().len(), 2);
        // The oldest group survives: its first crash is that of the first build.
        let oldest = before.iter().find(|old| old["first_seen"] == group["first_seen"]).unwrap();
        assert_eq!(group["id"], oldest["id"]);
        // Old ids stand for the group for ever.
        for alias in group["aliases"].as_array().unwrap() {
            let shown = json_lines(
                &sandbox.run(["groups", "show", "--json", alias.as_str().unwrap()]).stdout,
            );
            assert_eq!(shown[0]["id"], group["id"]);
        }
    }
    assert_eq!(reprocess(&sandbox, &[])["status"], "unchanged");
    assert_eq!(
        reprocess(&sandbox, &["--all"])["crashes"]["assessed"],
        0,
        "nothing that it depends on has changed"
    );
    // A crash that comes now goes where its like are.
    add(&sandbox, &[event(999, &Build::of(BUILDS[1]), BUGS[0])]);
    assert_eq!(groups(&sandbox).len(), 4);
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_anything_changes() {
    let sandbox = Sandbox::new();
    add(&sandbox, &events(1));
    let before = groups(&sandbox);
    BUILDS.iter().for_each(|build| sandbox.import(build));
    for report in [sandbox.path("no-such-folder/report.json"), sandbox.path("store")] {
        let run = sandbox.run(["reprocess", "--report", report.to_str().unwrap()]);
        assert_eq!(run.code, 1);
        assert!(run.stderr.contains("nothing was changed"), "{}", run.stderr);
        assert_eq!(groups(&sandbox), before);
    }
    let left: Vec<_> = std::fs::read_dir(sandbox.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("draft")), "{left:?}");
    assert!(done(sandbox.run(["reprocess"])).contains("12 affected groups became 4"));
}

#[test]
fn crashes_added_by_other_rules_are_looked_at_again() {
    let sandbox = Sandbox::new();
    BUILDS.iter().for_each(|build| sandbox.import(build));
    add(&sandbox, &events(1));
    assert_eq!(reprocess(&sandbox, &[])["status"], "unchanged");
    let rules = sandbox.write("rules.txt", "family:native !function:grammar_eval -group\n");
    let others: Vec<String> =
        (0..2).map(|number| event(900 + number, &Build::of(BUILDS[1]), BUGS[0])).collect();
    let run = sandbox.run_with_input(
        &["crash", "add", "--rules", rules.to_str().unwrap(), "-"],
        (others.join("\n") + "\n").as_bytes(),
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        titles(&sandbox),
        ["grammar_eval", "primary", "probe", "skip_comment", "span_number"]
    );
    let told = reprocess(&sandbox, &[]);
    assert_eq!((&told["rules_changed"], &told["crashes"]["moved"]), (&true.into(), &2.into()));
    assert_eq!(titles(&sandbox), ["primary", "probe", "skip_comment", "span_number"]);
}

#[test]
fn groups_without_a_date_stand_last() {
    let sandbox = Sandbox::new();
    add(&sandbox, &events(1));
    let trace = "java.lang.IllegalStateException: x\n\tat app.shop.Cart.total(Cart.java:3)\n\tat app.shop.Main.main(Main.java:1)\n";
    assert_eq!(sandbox.run_with_input(&["crash", "add", "-"], trace.as_bytes()).code, 0);
    for sort in [
        &["--sort", "last"][..],
        &["--sort", "last", "--reverse"],
        &["--sort", "first"],
        &["--sort", "first", "--reverse"],
    ] {
        let listed =
            json_lines(&sandbox.run([&["groups", "list", "--json"], sort].concat()).stdout);
        let dates: Vec<bool> =
            listed.iter().map(|group| group.get("last_seen").is_some()).collect();
        assert_eq!(dates, [vec![true; 12], vec![false]].concat(), "{sort:?}");
    }
}

#[test]
fn only_crashes_with_frames_in_a_new_module_are_looked_at() {
    let sandbox = Sandbox::new();
    add(&sandbox, &events(5));
    reprocess(&sandbox, &[]);
    sandbox.import(BUILDS[1]);
    let told = reprocess(&sandbox, &[]);
    assert_eq!(told["crashes"]["selected"], 20);
    assert_eq!(told["crashes"]["moved"], 20);
    // An import of what is there already is no news.
    sandbox.import(BUILDS[1]);
    assert_eq!(reprocess(&sandbox, &[])["crashes"]["selected"], 0);
}

#[test]
fn missing_modules_are_ranked_by_who_waits_for_them() {
    let sandbox = Sandbox::new();
    let build = Build::of(BUILDS[2]);
    let mut all = events(1);
    all.push(event(500, &build, BUGS[0]));
    add(&sandbox, &all);
    sandbox.import(BUILDS[0]);
    reprocess(&sandbox, &[]);
    let missing = json_lines(&sandbox.run(["missing", "--json"]).stdout);
    let ranks: Vec<(&str, u64, usize)> = missing
        .iter()
        .map(|module| {
            (
                module["name"].as_str().unwrap(),
                module["waiting"].as_u64().unwrap(),
                module["groups"].as_array().unwrap().len(),
            )
        })
        .collect();
    assert_eq!(ranks, [(BUILDS[2], 5, 4), (BUILDS[1], 4, 4)]);
    assert_eq!(missing[0]["id"], "f62f3f92b81ba6a31579d99e626f3a6e8b26f086");
}

/// Of two libraries of one name, a crash waits for the one that its own frames lie in.
#[test]
fn modules_of_one_name_are_waited_for_apart() {
    let sandbox = Sandbox::new();
    let frame =
        |image: u64| format!(r#"{{"instruction_addr":"{:#x}","addr_mode":"abs"}}"#, image + 0x1234);
    let image = |first: u64, id: &str| {
        format!(
            r#"{{"type":"elf","code_file":"/lib/libui.so","code_id":"{id}","debug_id":"{id}","image_addr":"{first:#x}","image_size":65536}}"#
        )
    };
    let (one, other) = ("11111111111111111111111111111111", "22222222222222222222222222222222");
    // Both are loaded; the stack is in the first of them, and what is called from nowhere in the
    // second.
    let event = |id: u32, bases: [u64; 2], at: u64, more: &str| {
        format!(
            r#"{{"event_id":"{id:032x}","platform":"native","exception":{{"values":[{{"type":"SIGSEGV","stacktrace":{{"frames":[{more}{}]}}}}]}},"debug_meta":{{"images":[{},{}]}}}}"#,
            frame(at),
            image(bases[0], one),
            image(bases[1], other)
        )
    };
    let known =
        r#"{"function":"known_caller","instruction_addr":"0x25678","package":"/lib/libui.so"},"#;
    sandbox.write("events.ndjson", event(1, [0x10000, 0x20000], 0x10000, known) + "\n");
    let events = sandbox.path("events.ndjson");
    done(sandbox.run(["crash", "add", events.to_str().unwrap()]));
    let missing = json_lines(&sandbox.run(["missing", "--all", "--json"]).stdout);
    let mut waiting: Vec<(&str, u64)> = missing
        .iter()
        .map(|module| (module["id"].as_str().unwrap(), module["waiting"].as_u64().unwrap()))
        .collect();
    waiting.sort_unstable();
    assert_eq!(waiting, [(one, 1), (other, 0)], "{missing:?}");
}

#[test]
fn fewer_resolved_frames_keep_what_was() {
    let sandbox = Sandbox::new();
    BUILDS.iter().for_each(|build| sandbox.import(build));
    add(&sandbox, &events(1));
    reprocess(&sandbox, &[]);
    let before = groups(&sandbox);
    assert_eq!(before.len(), 4);
    assert_eq!(sandbox.run(["modules", "remove", BUILDS[0]]).code, 0);
    let told = reprocess(&sandbox, &[]);
    assert_eq!((&told["crashes"]["kept"], &told["crashes"]["moved"]), (&4.into(), &0.into()));
    assert_eq!(told["modules"][0]["change"], "removed");
    assert_eq!(groups(&sandbox), before);
    assert_eq!(reprocess(&sandbox, &[])["crashes"]["selected"], 0);
}

#[test]
fn undo_brings_groups_back_as_they_were() {
    let sandbox = Sandbox::new();
    add(&sandbox, &events(2));
    let before = groups(&sandbox);
    sandbox.import(BUILDS[0]);
    sandbox.import(BUILDS[1]);
    let run = reprocess(&sandbox, &[])["run"].as_u64().unwrap();
    let between = groups(&sandbox);
    sandbox.import(BUILDS[2]);
    let last = reprocess(&sandbox, &[])["run"].as_u64().unwrap();
    let after = groups(&sandbox);
    assert!(before.len() > between.len() && between.len() > after.len());

    let early = sandbox.run(["groups", "undo", &run.to_string()]);
    assert_eq!(early.code, 2);
    assert!(early.stderr.contains(&format!("run {last} came after it")), "{}", early.stderr);
    done(sandbox.run(["groups", "undo", &last.to_string()]));
    assert_eq!(groups(&sandbox), between);
    assert_eq!(reprocess(&sandbox, &[])["status"], "unchanged", "what was undone stays undone");
    assert_eq!(
        reprocess(&sandbox, &["--all"])["status"],
        "unchanged",
        "nothing that it depends on has changed"
    );
    assert_eq!(groups(&sandbox), between);
    done(sandbox.run(["groups", "undo"]));
    assert_eq!(groups(&sandbox), before);
    let history = json_lines(&sandbox.run(["groups", "history", "--json"]).stdout);
    assert_eq!(history.len(), 4);
    assert_eq!(history[0]["undone_by"], history[3]["run"]);
    // The same contents imported again are no change. Once symbols change, it is done again.
    done(sandbox.run(["import", "--force", support::object(BUILDS[2]).to_str().unwrap()]));
    assert_eq!(reprocess(&sandbox, &[])["status"], "unchanged");
    done(sandbox.run(["modules", "remove", BUILDS[2]]));
    reprocess(&sandbox, &[]);
    sandbox.import(BUILDS[2]);
    assert_eq!(reprocess(&sandbox, &[])["crashes"]["moved"], 8);
}

/// The chunk that the crashes are in numbers its images anew then. Nothing that they depend on has
/// changed.
#[test]
fn removing_a_crash_leaves_the_others_as_they_are() {
    let sandbox = Sandbox::new();
    let [one, other, _] = BUILDS.map(Build::of);
    add(&sandbox, &[event(1, &one, BUGS[0]), event(2, &other, BUGS[0]), event(3, &other, BUGS[1])]);
    [BUILDS[0], BUILDS[1]].iter().for_each(|build| sandbox.import(build));
    assert_eq!(reprocess(&sandbox, &[])["crashes"]["moved"], 3);
    done(sandbox.run(["groups", "undo"]));
    done(sandbox.run(["crash", "remove", &format!("{:032x}", 1)]));
    let left = reprocess(&sandbox, &["--all"]);
    assert_eq!(
        (&left["status"], &left["crashes"]["selected"], &left["crashes"]["assessed"]),
        (&"unchanged".into(), &2.into(), &0.into())
    );
}

/// Crashes that came after the run stay, in the group that they would have got without it.
#[test]
fn undo_leaves_what_came_since() {
    let sandbox = Sandbox::new();
    add(&sandbox, &events(1));
    let before = groups(&sandbox);
    BUILDS.iter().for_each(|build| sandbox.import(build));
    reprocess(&sandbox, &[]);
    add(&sandbox, &[event(777, &Build::of(BUILDS[0]), BUGS[0])]);
    done(sandbox.run(["groups", "undo"]));
    let after = groups(&sandbox);
    assert_eq!(after.len(), before.len() + 1);
    let own: Vec<&Value> = after.iter().filter(|group| !before.contains(group)).collect();
    assert_eq!(
        (own.len(), &own[0]["title"], &own[0]["crashes"]),
        (1, &"primary".into(), &1.into())
    );
}

#[test]
fn differences_between_runs() {
    let sandbox = Sandbox::new();
    add(&sandbox, &events(1));
    let before = groups(&sandbox);
    for build in BUILDS {
        sandbox.import(build);
        reprocess(&sandbox, &[]);
    }
    let diff = |args: &[&str]| {
        json_lines(&done(sandbox.run(["groups", "diff", "--json"].iter().chain(args)))).remove(0)
    };
    let whole = diff(&["0"]);
    assert_eq!((&whole["from"], &whole["to"]), (&0.into(), &3.into()));
    let gone: Vec<&Value> =
        whole["merged"].as_array().unwrap().iter().map(|pair| &pair["alias"]).collect();
    assert_eq!(gone.len(), 8);
    let left = groups(&sandbox);
    let is_one = |id: &Value, groups: &[Value]| groups.iter().any(|group| group["id"] == *id);
    assert!(gone.iter().all(|id| is_one(id, &before) && !is_one(id, &left)));
    assert_eq!(diff(&["2", "3"])["merged"].as_array().unwrap().len(), 4);
    assert_eq!(diff(&["0", "1"])["merged"].as_array().unwrap().len(), 0);
    // What was undone is not there between before it and after the undoing.
    done(sandbox.run(["groups", "undo"]));
    let undone = diff(&["2", "4"]);
    assert_eq!(
        (undone["merged"].as_array().unwrap().len(), undone["moved"].as_array().unwrap().len()),
        (0, 0)
    );
    assert_eq!(diff(&["3", "4"])["parted"].as_array().unwrap().len(), 4);
    // One group's own history.
    let history = json_lines(&done(sandbox.run([
        "groups",
        "history",
        "--json",
        left[0]["id"].as_str().unwrap(),
    ])));
    assert_eq!(history.len(), 3);
    assert!(history.iter().all(|run| run["report"]["merged"].as_array().unwrap().len() <= 1));
}

#[test]
fn groups_merged_by_hand_stay_one() {
    let sandbox = Sandbox::new();
    add(&sandbox, &events(1));
    let ids: Vec<String> =
        groups(&sandbox).iter().map(|group| group["id"].as_str().unwrap().to_owned()).collect();
    let crash = |number: u64| {
        let of = |crash: &Value| crash["event_id"] == format!("{number:032x}");
        let listed = json_lines(&sandbox.run(["crash", "list", "--json"]).stdout);
        listed.into_iter().find(of).unwrap()["group"].as_str().unwrap().to_owned()
    };
    // Two bugs of the first build.
    let (one, other) = (crash(1), crash(2));
    done(sandbox.run(["groups", "merge", &one, &other]));
    assert_eq!(groups(&sandbox).len(), ids.len() - 1);
    assert_eq!(sandbox.run(["groups", "merge", &one, &other]).code, 2, "they are one already");
    BUILDS.iter().for_each(|build| sandbox.import(build));
    reprocess(&sandbox, &[]);
    assert_eq!(groups(&sandbox).len(), 3);
    assert_eq!(crash(1), crash(2));
    done(sandbox.run(["groups", "undo"]));
    done(sandbox.run(["groups", "undo"]));
    assert_eq!(groups(&sandbox).len(), ids.len());
}

#[test]
fn a_rule_that_swallows_everything_is_stopped() {
    let sandbox = Sandbox::new();
    BUILDS.iter().for_each(|build| sandbox.import(build));
    add(&sandbox, &events(1));
    let before = groups(&sandbox);
    assert_eq!(before.len(), 4);
    // Nothing but the caller of all counts.
    let rules = sandbox.write("rules.txt", "family:native !function:grammar_eval -group\n");
    let rules = rules.to_str().unwrap();
    let refused = sandbox.run(["reprocess", "--rules", rules, "--max-absorb", "50"]);
    assert_eq!(refused.code, 1, "{}", refused.stdout);
    assert!(
        refused.stderr.contains("refused") && refused.stderr.contains("75 %"),
        "{}",
        refused.stderr
    );
    assert_eq!(groups(&sandbox), before);
    let told = reprocess(&sandbox, &["--rules", rules, "--max-absorb", "75"]);
    assert_eq!((&told["status"], &told["rules_changed"]), (&"applied".into(), &true.into()));
    assert_eq!(titles(&sandbox), ["grammar_eval"]);
    // Without the rule they part again.
    let told = reprocess(&sandbox, &[]);
    assert_eq!(told["split"].as_array().unwrap().len(), 1);
    assert_eq!(titles(&sandbox), ["primary", "probe", "skip_comment", "span_number"]);
}

#[test]
fn rules_are_checked_and_explained() {
    let sandbox = Sandbox::new();
    let good = sandbox.write("good.txt", "# ours\nfamily:native function:scan_next -app\n");
    let bad =
        sandbox.write("bad.txt", "family:native function:x -app\nfunction:y\nnonsense:z +app\n");
    done(sandbox.run(["rules".as_ref(), "check".as_ref(), good.as_os_str()]));
    let run = sandbox.run(["rules".as_ref(), "check".as_ref(), bad.as_os_str()]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("bad.txt:2:") && run.stderr.contains("bad.txt:3:"),
        "{}",
        run.stderr
    );
    assert_eq!(sandbox.run(["reprocess".as_ref(), "--rules".as_ref(), bad.as_os_str()]).code, 2);

    BUILDS.iter().for_each(|build| sandbox.import(build));
    add(&sandbox, &events(1));
    let id = format!("{:032x}", 3);
    let why = json_lines(&done(sandbox.run([
        "rules",
        "explain",
        "--json",
        &id,
        "--rules",
        good.to_str().unwrap(),
    ])))
    .remove(0);
    assert_eq!(why["signature"], serde_json::json!(["span_number", "grammar_eval"]));
    // The rule takes a frame that did not count without it either.
    assert_eq!(why["outdated"], false);
    let frame = &why["frames"][1];
    assert_eq!(
        (&frame["name"], &frame["in_app"], &frame["part"]),
        (&"scan_next".into(), &false.into(), &false.into())
    );
    assert!(
        frame["in_app_by"]
            .as_str()
            .unwrap()
            .ends_with("good.txt:2 family:native function:scan_next -app"),
        "{frame}"
    );
    let text = done(sandbox.run(["rules", "explain", &id]));
    assert!(text.contains("* ") && text.contains("scan_next"), "{text}");
}

/// The same crashes in another order, in other portions and on other threads.
#[test]
fn order_and_threads_make_no_difference() {
    let mut all = events(8);
    let mut random = fastrand::Rng::with_seed(7);
    let mut expected: Option<(String, String)> = None;
    for jobs in ["1", "2", "7"] {
        let sandbox = Sandbox::new();
        sandbox.import(BUILDS[0]);
        for portion in all.chunks(random.usize(10..60)) {
            let run = sandbox.run_with_input(
                &["-j", jobs, "crash", "add", "-"],
                (portion.join("\n") + "\n").as_bytes(),
            );
            assert_eq!(run.code, 0, "{}", run.stderr);
        }
        let before = sandbox.run(["groups", "list", "--json"]).stdout;
        sandbox.import(BUILDS[1]);
        sandbox.import(BUILDS[2]);
        done(sandbox.run(["-j", jobs, "reprocess"]));
        let found = (before, sandbox.run(["groups", "list", "--json"]).stdout);
        assert_eq!(expected.get_or_insert_with(|| found.clone()), &found);
        random.shuffle(&mut all);
    }
}

/// A run that is killed has changed nothing or everything, and the next one goes on.
#[test]
fn killed_at_any_moment_the_groups_are_the_same() {
    let original = Sandbox::new();
    add(&original, &events(150));
    BUILDS.iter().for_each(|build| original.import(build));
    let before = groups(&original);
    let copy = || {
        let sandbox = Sandbox::new();
        for entry in walkdir::WalkDir::new(original.store()).into_iter().map(Result::unwrap) {
            let to = sandbox.store().join(entry.path().strip_prefix(original.store()).unwrap());
            if entry.file_type().is_dir() {
                std::fs::create_dir_all(to).unwrap();
            } else {
                std::fs::copy(entry.path(), to).unwrap();
            }
        }
        sandbox
    };
    let (whole, started) = (copy(), std::time::Instant::now());
    reprocess(&whole, &[]);
    let took = started.elapsed();
    let after = groups(&whole);
    let mut random = fastrand::Rng::with_seed(11);
    let (mut unfinished, mut finished) = (0, 0);
    let mut killed = copy();
    for _ in 0..50 {
        let mut child = killed.spawn_piped(&["reprocess"]);
        std::thread::sleep(Duration::from_micros(
            random.u64(0..u64::try_from(took.as_micros()).unwrap() * 5 / 4),
        ));
        child.kill().unwrap();
        child.wait().unwrap();
        match groups(&killed) {
            found if found == before => unfinished += 1,
            found if found == after => {
                finished += 1;
                // It can be undone as ever, and the next one to be killed begins anew.
                let undone = killed.run(["groups", "undo"]);
                assert_eq!(undone.code, 0, "{}", undone.stderr);
                assert_eq!(groups(&killed), before);
                killed = copy();
            }
            found => panic!("half of it is done: {} groups", found.len()),
        }
    }
    assert!(unfinished > 5, "killed too late: {unfinished} unfinished, {finished} finished");
    reprocess(&killed, &[]);
    assert_eq!(groups(&killed), after);
}
