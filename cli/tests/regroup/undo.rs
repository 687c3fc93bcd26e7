//! Undoing a run, removing crashes, and groups that were merged by hand.

use serde_json::Value;

use crate::support::events::{Build, event};
use crate::support::{Sandbox, json_lines};
use crate::{BUGS, BUILDS, add, done, events, groups, reprocess};

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
    done(sandbox.run(["import", "--force", crate::support::object(BUILDS[2]).to_str().unwrap()]));
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
