//! Crashes that wait for symbols: which are looked at, and which modules are missing.

use crate::support::events::{Build, event};
use crate::support::{Sandbox, json_lines};
use crate::{BUGS, BUILDS, add, done, events, groups, reprocess};

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
