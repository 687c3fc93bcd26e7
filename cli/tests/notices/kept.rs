//! What is kept until it was taken, and that a repeat is known as one.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::{
    OK, add, all_bytes, assert_waits, crash, events, generic, has, pairs, run, settings, tell,
};
use crate::support::Sandbox;
use crate::support::receiver::{Receiver, Reply, free_port};

#[test]
fn nothing_is_lost_while_the_receiver_is_down() {
    let (sandbox, port) = (Sandbox::in_memory(), free_port());
    generic(
        &sandbox,
        &format!("http://127.0.0.1:{port}/hidden-path"),
        "secret = \"hidden-secret\"",
    );
    for (number, function) in [(1, "spill"), (2, "burst"), (3, "crack")] {
        let told =
            add(&sandbox, &[crash(number, function, "app@1.0", 0)], &["-v", "--notify", "ops"]);
        assert_waits(&told, &format!("http://127.0.0.1:{port} cannot be reached"));
    }
    assert!(!has(&all_bytes(&sandbox.store()), "hidden"));
    // The first notice as it was, and one on all that happened meanwhile.
    let receiver = Receiver::at(port, &[]);
    assert_eq!(run(&sandbox, &["report", "--json", "--notify", "ops"]).code, 0);
    let got = receiver.got();
    assert_eq!(got.len(), 2);
    assert_eq!(events(&got[0]), pairs(&[("new", "spill")]));
    let mut rest = events(&got[1]);
    rest.sort();
    assert_eq!(rest, pairs(&[("new", "burst"), ("new", "crack")]));
    assert_eq!(run(&sandbox, &["report", "--json", "--notify", "ops"]).code, 0);
    assert_eq!(receiver.got().len(), 2);
}

#[test]
fn what_may_pass_is_tried_again_at_once() {
    for reply in [
        Reply::Status(500, "", ""),
        Reply::Status(429, "Retry-After: 1\r\n", ""),
        Reply::Status(503, "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n", ""),
        Reply::HangUp,
    ] {
        let (sandbox, receiver) = (Sandbox::in_memory(), Receiver::new(&[reply.clone(), OK]));
        let url = receiver.url();
        settings(&sandbox, &format!("url = \"{url}\"\nstyle = \"generic\"\nretry = 60"));
        tell(&sandbox, &[crash(1, "spill", "app@1.0", 0)]);
        let got = receiver.got();
        assert_eq!(got.len(), 2, "{reply:?}");
        assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
        assert_eq!(got[0].body, got[1].body);
    }
}

#[test]
fn what_does_not_pass_is_kept() {
    for (reply, why) in [
        (Reply::Status(500, "", ""), "did not take it: it answered with status 500"),
        (Reply::Status(429, "Retry-After: 3600\r\n", ""), "status 429"),
        (Reply::Status(404, "", "hidden-token"), "status 404"),
        (
            Reply::Status(302, "Location: http://127.0.0.1:9/hidden\r\n", ""),
            "a redirect, which is not followed",
        ),
        (Reply::Silence, "did not answer in time"),
        (Reply::HangUp, "cannot be reached"),
    ] {
        let (sandbox, receiver) =
            (Sandbox::in_memory(), Receiver::new(std::slice::from_ref(&reply)));
        generic(&sandbox, &receiver.url(), "timeout = 1");
        let told = add(&sandbox, &[crash(1, "spill", "app@1.0", 0)], &["-v", "--notify", "ops"]);
        assert_waits(&told, why);
        assert_eq!(receiver.got().len(), 1, "{reply:?}");
        let next = run(&sandbox, &["reprocess", "--notify", "ops"]);
        assert_eq!((next.code, receiver.got().len()), (0, 2), "{reply:?}: {}", next.stderr);
        let got = receiver.got();
        assert_eq!(got[0].header("idempotency-key"), got[1].header("idempotency-key"));
    }
}

#[test]
fn a_repeat_after_a_kill_has_the_same_id() {
    let (sandbox, receiver) = (Sandbox::in_memory(), Receiver::new(&[Reply::Silence]));
    generic(&sandbox, &receiver.url(), "timeout = 600");
    let path = sandbox.write("event.json", crash(1, "spill", "app@1.0", 0));
    let mut child = sandbox
        .command()
        .args(["crash", "add", path.to_str().unwrap(), "--notify", "ops"])
        .spawn()
        .unwrap();
    receiver.wait_for(1);
    child.kill().unwrap();
    child.wait().unwrap();
    tell(&sandbox, &[crash(2, "burst", "app@1.0", 0)]);
    assert_eq!(run(&sandbox, &["reprocess", "--notify", "ops"]).code, 0);
    let got = receiver.got();
    assert_eq!(got.len(), 3);
    assert_eq!(
        (got[0].header("webhook-id"), &got[0].body),
        (got[1].header("webhook-id"), &got[1].body)
    );
    assert_eq!(events(&got[2]), pairs(&[("new", "burst")]));
}

/// How many processes are killed.
fn kills() -> u64 {
    std::env::var("NOTICE_KILLS").map_or(12, |count| count.parse().unwrap())
}

#[test]
fn each_group_is_told_once_however_often_a_process_is_killed() {
    let (sandbox, receiver) = (Sandbox::in_memory(), Receiver::new(&[]));
    generic(&sandbox, &receiver.url(), "events = [\"new\"]");
    tell(&sandbox, &[crash(1_000, "first", "app@1.0", 0)]);
    let mut random = fastrand::Rng::with_seed(25);
    let names: Vec<String> = (0..kills()).map(|number| format!("f{number}")).collect();
    let mut all = Vec::new();
    for (number, name) in (1..).zip(&names) {
        all.push(crash(number, name, "app@1.0", 0));
        let path = sandbox.write("events.ndjson", all.join("\n"));
        let mut child = sandbox
            .command()
            .args(["-q", "crash", "add", path.to_str().unwrap(), "--notify", "ops"])
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(random.u64(1..120)));
        let _ = child.kill();
        child.wait().unwrap();
    }
    tell(&sandbox, &all);
    let mut bodies: BTreeMap<String, String> = BTreeMap::new();
    for request in receiver.got() {
        let id = request.header("webhook-id").unwrap().to_owned();
        let before = bodies.insert(id, request.body.clone());
        assert!(before.is_none_or(|before| before == request.body));
    }
    let mut told: Vec<String> = bodies
        .values()
        .flat_map(|body| {
            let body: Value = serde_json::from_str(body).unwrap();
            let events = body["events"].as_array().unwrap().clone();
            events.into_iter().map(|event| event["title"].as_str().unwrap().to_owned())
        })
        .collect();
    told.sort();
    let mut want = names;
    want.push("first".to_owned());
    want.sort();
    assert_eq!(told, want);
}

#[test]
fn a_sealed_store_keeps_notices_sealed() {
    let (sandbox, port) = (Sandbox::in_memory(), free_port());
    generic(&sandbox, &format!("http://127.0.0.1:{port}/hidden-path"), "");
    let key = sandbox.path("key");
    assert_eq!(run(&sandbox, &["key", "generate", key.to_str().unwrap()]).code, 0);
    let event = sandbox.write("event.json", crash(1, "spillikin", "app@1.0", 0));
    let words = ["crash", "add", event.to_str().unwrap(), "--notify", "ops"];
    assert_eq!(sandbox.run_with(Some(&key), words).code, 75);
    assert!(!has(&all_bytes(&sandbox.store()), "spillikin"));
    let receiver = Receiver::at(port, &[]);
    assert_eq!(sandbox.run_with(Some(&key), ["reprocess", "--notify", "ops"]).code, 0);
    assert_eq!(events(&receiver.got()[0]), pairs(&[("new", "spillikin")]));
}

#[test]
fn a_repaired_store_tells_nothing_twice() {
    let (sandbox, receiver) = (Sandbox::in_memory(), Receiver::new(&[]));
    generic(&sandbox, &receiver.url(), "");
    for number in 1..40 {
        tell(&sandbox, &[crash(number, &format!("f{number}"), "app@1.0", 0)]);
    }
    assert_eq!(receiver.got().len(), 39);
    let repaired = run(&sandbox, &["modules", "repair"]);
    assert_eq!(repaired.code, 0, "{}", repaired.stderr);
    assert_eq!(run(&sandbox, &["reprocess", "--notify", "ops"]).code, 0);
    assert_eq!(receiver.got().len(), 39);
    assert_eq!(run(&sandbox, &["modules", "verify"]).code, 0);
}
