//! Rules: checked, explained, and stopped where one would join everything.

use crate::support::events::{Build, event};
use crate::support::{Sandbox, json_lines};
use crate::{BUGS, BUILDS, add, done, events, groups, reprocess, titles};

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
