//! Which events are told, once each.

use std::collections::BTreeSet;

use serde_json::json;

use super::{add, base64, crash, events, generic, hmac, pairs, run, tell};
use crate::support::receiver::Receiver;
use crate::support::{Sandbox, json_lines};

#[test]
fn new_groups_once_and_signed() {
    let (sandbox, receiver) = (Sandbox::in_memory(), Receiver::new(&[]));
    generic(&sandbox, &receiver.url(), "secret = \"hidden-secret\"");
    // What was there before nobody is told.
    assert_eq!(add(&sandbox, &[crash(1, "old", "app@1.0", 3)], &[]).code, 0);
    tell(
        &sandbox,
        &[
            crash(2, "old", "app@1.0", 0),
            crash(3, "spill", "app@1.1", 0),
            crash(4, "spill", "app@1.2", 0),
        ],
    );
    let got = receiver.got();
    assert_eq!(got.len(), 1);
    let body = got[0].json();
    assert_eq!(
        (&body["version"], &body["name"], &body["text"]),
        (&json!(1), &json!("ops"), &json!("1 new group"))
    );
    let event = &body["events"][0];
    assert_eq!(event["event"], "new");
    assert_eq!((&event["title"], &event["crashes"]), (&json!("spill"), &json!(2)));
    assert_eq!(event["releases"], json!(["app@1.1", "app@1.2"]));
    let group = json_lines(&run(&sandbox, &["groups", "list", "--json", "spill"]).stdout).remove(0);
    assert_eq!(event["group"], group["id"]);
    // Standard Webhooks: of id, time and body.
    let header = |name: &str| got[0].header(name).unwrap().to_owned();
    let id = header("webhook-id");
    assert_eq!(
        (body["id"].as_str().unwrap(), header("idempotency-key")),
        (id.as_str(), id.clone())
    );
    let signed = format!("{id}.{}.{}", header("webhook-timestamp"), got[0].body);
    let want = format!("v1,{}", base64(&hmac(b"hidden-secret", signed.as_bytes())));
    assert_eq!(header("webhook-signature"), want);
    // More of the same is no news, and neither is nothing.
    tell(&sandbox, &[crash(5, "spill", "app@1.2", 0)]);
    tell(&sandbox, &[crash(5, "spill", "app@1.2", 0)]);
    assert_eq!(receiver.got().len(), 1);
    tell(&sandbox, &[crash(6, "burst", "app@1.2", 0)]);
    assert_eq!(events(&receiver.got()[1]), pairs(&[("new", "burst")]));
    assert_ne!(receiver.got()[1].header("webhook-id"), Some(id.as_str()));
}

#[test]
fn regressed_groups_each_time_that_they_do() {
    let (sandbox, receiver) = (Sandbox::in_memory(), Receiver::new(&[]));
    generic(&sandbox, &receiver.url(), "events = [\"regressed\"]");
    tell(&sandbox, &[crash(1, "spill", "app@1.0", 0)]);
    let group = json_lines(&run(&sandbox, &["groups", "list", "--json"]).stdout).remove(0);
    let id = group["id"].as_str().unwrap();
    let resolve = |release: &str| {
        assert_eq!(run(&sandbox, &["groups", "resolve", id, "--in", release]).code, 0);
    };
    resolve("app@1.1");
    tell(&sandbox, &[crash(2, "spill", "app@1.1", 0)]);
    assert_eq!(receiver.got().len(), 0);
    tell(&sandbox, &[crash(3, "spill", "app@1.2", 0)]);
    tell(&sandbox, &[crash(4, "spill", "app@1.3", 0)]);
    let got = receiver.got();
    assert_eq!((got.len(), events(&got[0])), (1, pairs(&[("regressed", "spill")])));
    let event = &got[0].json()["events"][0];
    assert_eq!(
        (&event["resolved_in"], &event["releases"]),
        (&json!("app@1.1"), &json!(["app@1.2"]))
    );
    // Anew, if it was resolved anew.
    resolve("app@1.3");
    tell(&sandbox, &[crash(5, "spill", "app@1.4", 0)]);
    assert_eq!(receiver.got().len(), 2);
}

#[test]
fn merged_groups_by_reprocess_and_report() {
    use crate::support::events::{Build, event};
    let (sandbox, receiver) = (Sandbox::in_memory(), Receiver::new(&[]));
    generic(&sandbox, &receiver.url(), "events = [\"merged\"]");
    let names = ["c-gcc-O0-dwarf5.so", "c-clang-O0-dwarf4.so"];
    let functions = ["primary", "expression", "grammar_eval"];
    let crashes = [(1, names[0]), (2, names[1])]
        .map(|(number, name)| event(number, &Build::of(name), &functions));
    tell(&sandbox, &crashes);
    names.iter().for_each(|name| sandbox.import(name));
    let told = run(&sandbox, &["reprocess", "--notify", "ops"]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    let got = receiver.got();
    assert_eq!(got.len(), 1);
    let event = &got[0].json()["events"][0];
    assert_eq!(
        (&event["event"], &event["run"], &event["crashes"]),
        (&json!("merged"), &json!(1), &json!(2))
    );
    assert_eq!(event["aliases"].as_array().unwrap().len(), 1);
    // A report tells no more than there is.
    let page = sandbox.path("page.html");
    let report = run(&sandbox, &["report", "-o", page.to_str().unwrap(), "--notify", "ops"]);
    assert_eq!((report.code, receiver.got().len()), (0, 1), "{}", report.stderr);
}

#[test]
fn spikes_on_a_day() {
    let (sandbox, receiver) = (Sandbox::in_memory(), Receiver::new(&[]));
    generic(&sandbox, &receiver.url(), "events = [\"spike\"]\nspike = 3");
    // Two a day for ten days, and one a day.
    let before = (0..30).map(|number| {
        let (function, day) =
            if number < 20 { ("spill", number / 2) } else { ("burst", number - 20) };
        crash(number, function, "app@1.0", 1 + i64::try_from(day).unwrap())
    });
    tell(&sandbox, &before.collect::<Vec<_>>());
    assert_eq!(receiver.got().len(), 0);
    // Not more than three times as many, then more; a group that is new has no usual day.
    let today = |from: u64, count: u64, function: &str| {
        (from..from + count).map(|number| crash(number, function, "app@1.0", 0)).collect::<Vec<_>>()
    };
    tell(
        &sandbox,
        &[today(100, 6, "spill"), today(200, 3, "burst"), today(300, 9, "crack")].concat(),
    );
    assert_eq!(receiver.got().len(), 0);
    tell(&sandbox, &today(400, 1, "spill"));
    tell(&sandbox, &today(500, 5, "spill"));
    let got = receiver.got();
    assert_eq!((got.len(), events(&got[0])), (1, pairs(&[("spike", "spill")])));
    let event = &got[0].json()["events"][0];
    assert_eq!((&event["on_day"], &event["usual"]), (&json!(7), &json!(2.0)));
}

#[test]
fn groups_with_few_crashes_wait() {
    let (sandbox, receiver) = (Sandbox::in_memory(), Receiver::new(&[]));
    generic(&sandbox, &receiver.url(), "min-crashes = 3");
    tell(&sandbox, &[crash(1, "spill", "app@1.0", 0), crash(2, "burst", "app@1.0", 0)]);
    tell(&sandbox, &[crash(3, "spill", "app@1.0", 0)]);
    assert_eq!(receiver.got().len(), 0);
    tell(&sandbox, &[crash(4, "spill", "app@1.0", 0)]);
    assert_eq!(events(&receiver.got()[0]), pairs(&[("new", "spill")]));
}

#[test]
fn a_better_report_of_a_crash_is_no_new_group() {
    let (sandbox, receiver) = (Sandbox::in_memory(), Receiver::new(&[]));
    generic(&sandbox, &receiver.url(), "");
    tell(&sandbox, &[crash(1, "spill", "app@1.0", 0)]);
    let better = crash(1, "spill", "app@1.0", 0).replace(
        r#"{"filename""#,
        r#"{"function":"main","filename":"m.c","instruction_addr":"0x20"},{"filename""#,
    );
    tell(&sandbox, &[better]);
    assert!(receiver.got().len() <= 2);
    let told: Vec<_> = receiver.got().iter().flat_map(events).collect();
    let distinct: BTreeSet<_> = told.iter().collect();
    assert_eq!(told.len(), distinct.len(), "{told:?}");
}
