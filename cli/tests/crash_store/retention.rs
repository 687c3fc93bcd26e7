//! What is removed, forgotten or beyond its quota is gone from the disk.

use std::fs;

use crate::support::events::{Build, event};
use crate::support::{Sandbox, json_lines};
use crate::{BUILD, MARK, add, crashes, events, has};

#[test]
fn a_failed_report_that_is_removed_leaves_nothing_on_disk() {
    let sandbox = Sandbox::new();
    let cut = sandbox.write(
        "cut.json",
        format!("{{\"event_id\":\"{MARK}\",\"platform\":\"native\",\"exception\":{{"),
    );
    assert_eq!(sandbox.run(["crash".as_ref(), "add".as_ref(), cut.as_os_str()]).code, 1);
    assert!(has(&sandbox.store(), MARK.as_bytes()));
    let failed = json_lines(&sandbox.run(["crash", "list", "--failed", "--json"]).stdout);
    let raw = sandbox.run(["crash", "show", "--raw", failed[0]["id"].as_str().unwrap()]).stdout;
    assert_eq!(raw, fs::read_to_string(&cut).unwrap());
    assert_eq!(sandbox.run(["crash", "remove", failed[0]["id"].as_str().unwrap()]).code, 0);
    assert!(!has(&sandbox.store(), MARK.as_bytes()), "something of it is left");
}

fn removed(run: &crate::support::Run) -> Vec<String> {
    assert_eq!(run.code, 0, "{}", run.stderr);
    let lines = json_lines(&run.stdout);
    lines
        .iter()
        .filter(|line| line["status"] != "cannot_be_undone_for")
        .map(|line| line["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn gc_keeps_the_newest_and_the_last_of_each_group() {
    let sandbox = Sandbox::new();
    let build = Build::of(BUILD);
    for number in 1..6 {
        assert_eq!(add(&sandbox, &[event(number, &build, &["primary", "expression"])]).code, 0);
    }
    assert_eq!(add(&sandbox, &[event(50, &build, &["probe", "table_find"])]).code, 0);
    sandbox.import(BUILD);
    assert_eq!(sandbox.run(["reprocess"]).code, 0);
    let all = crashes(&sandbox);
    let ids: Vec<String> =
        all.iter().map(|crash| crash["id"].as_str().unwrap().to_owned()).collect();
    let dry = sandbox.run(["crash", "gc", "--keep", "2", "--dry-run", "--json"]);
    assert_eq!(
        json_lines(&dry.stdout)[0],
        serde_json::json!({"version": 1, "run": 1, "crashes": 3, "status": "cannot_be_undone_for"})
    );
    assert_eq!(removed(&dry), ids[..3]);
    assert_eq!(crashes(&sandbox), all, "--dry-run removes nothing");
    // All of them came just now.
    assert!(
        removed(&sandbox.run(["crash", "gc", "--keep", "2", "--older-than", "1h", "--json"]))
            .is_empty()
    );
    assert_eq!(removed(&sandbox.run(["crash", "gc", "--keep", "2", "--json"])), ids[..3]);
    assert_eq!(crashes(&sandbox), all[3..]);
    // The last of each group stays, unless it is asked for.
    assert_eq!(removed(&sandbox.run(["crash", "gc", "--older-than", "0s", "--json"])), ids[3..4]);
    assert_eq!(
        removed(&sandbox.run(["crash", "gc", "--max-size", "0", "--json"])),
        Vec::<String>::new()
    );
    assert_eq!(
        removed(&sandbox.run(["crash", "gc", "--max-size", "0", "--last", "--json"])),
        ids[4..]
    );
    assert!(crashes(&sandbox).is_empty());
    assert_eq!(sandbox.run(["crash", "gc"]).code, 2, "it has to be told what to keep");
    // What is left of the run can be undone.
    assert_eq!(sandbox.run(["groups", "undo"]).code, 0);
}

#[test]
fn what_is_known_of_a_person_is_forgotten() {
    let sandbox = Sandbox::new();
    let build = Build::of(BUILD);
    let of = |number: u64, user: &str| {
        event(number, &build, &["primary"]).replacen(
            '{',
            &format!("{{\"user\":{{\"id\":\"{user}\"}},"),
            1,
        )
    };
    let reports = [
        of(1, MARK),
        of(2, "another"),
        of(3, MARK),
        event(4, &build, &["probe"]).replace("Segfault", MARK),
    ];
    assert_eq!(add(&sandbox, &reports).code, 0);
    let cut = sandbox.write("cut.json", &of(5, MARK)[..100]);
    assert_eq!(sandbox.run(["crash".as_ref(), "add".as_ref(), cut.as_os_str()]).code, 1);
    let all = crashes(&sandbox);
    assert_eq!(
        removed(&sandbox.run(["crash", "forget", "--user", MARK, "--dry-run", "--json"])).len(),
        3
    );
    assert_eq!(crashes(&sandbox), all);
    assert_eq!(removed(&sandbox.run(["crash", "forget", "--user", MARK, "--json"])).len(), 3);
    // The fourth says the word, and not as a person's id.
    assert_eq!(crashes(&sandbox), [all[1].clone(), all[3].clone()]);
    assert_eq!(sandbox.run(["crash", "list", "--failed"]).stdout, "");
    assert!(removed(&sandbox.run(["crash", "forget", "--user", MARK, "--json"])).is_empty());
    assert_eq!(sandbox.run(["crash", "remove", all[3]["id"].as_str().unwrap()]).code, 0);
    assert!(!has(&sandbox.store(), MARK.as_bytes()), "something of it is left on disk");
}

#[test]
fn crashes_beyond_their_quota_are_not_stored() {
    let sandbox = Sandbox::new();
    let config = sandbox.write("symtool.toml", "crash-quota = \"20kB\"\n");
    let add = |from: u64| {
        let events = events(from..from + 200).join("\n") + "\n";
        sandbox.run_with_input(
            &["--config", config.to_str().unwrap(), "crash", "add", "-"],
            events.as_bytes(),
        )
    };
    let mut added = 0;
    let refused = (0..50).map(|number| add(number * 1_000 + 1)).find(|run| {
        added += u64::from(run.code == 0);
        run.code != 0
    });
    let refused = refused.unwrap_or_else(|| panic!("{added} times 200 crashes fit"));
    assert_eq!(refused.code, 3);
    assert!(
        refused.stderr.contains("`crash-quota`") && refused.stderr.contains("symtool crash gc"),
        "{}",
        refused.stderr
    );
    assert_eq!(crashes(&sandbox).len() as u64, added * 200, "all of it or nothing");
}
