//! Notices: what is told, to whom, how often, and that nothing is lost and no secret shown while
//! receivers are down, slow, elsewhere or not who they should be.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod kept;
mod receivers;
#[path = "../support/mod.rs"]
mod support;
mod told;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::receiver::{Reply, Request};
use support::{Run, Sandbox};

/// What a receiver says if all is well.
const OK: Reply = Reply::Status(200, "", "ok");

/// A crash in `function`, in a release, so many days before now.
fn crash(number: u64, function: &str, release: &str, days_ago: i64) -> String {
    let time = jiff::Timestamp::now().as_second() - days_ago * 86_400;
    json!({
        "event_id": format!("{number:032x}"), "timestamp": time, "platform": "native", "release": release,
        "exception": {"values": [{"type": "SIGSEGV", "stacktrace": {"frames": [
            {"function": function, "filename": "a.c", "lineno": 3, "instruction_addr": "0x10"}]}}]},
    })
    .to_string()
}

/// Settings with `[notify.ops]`, whose body is `text`.
fn settings(sandbox: &Sandbox, text: &str) {
    fs::create_dir_all(sandbox.path("config/symtool")).unwrap();
    sandbox.write("config/symtool/symtool.toml", format!("[notify.ops]\n{text}\n"));
}

/// The same for a generic receiver at `url`, which is tried once.
fn generic(sandbox: &Sandbox, url: &str, more: &str) {
    settings(sandbox, &format!("url = \"{url}\"\nstyle = \"generic\"\nretry = 0\n{more}"));
}

fn run(sandbox: &Sandbox, words: &[&str]) -> Run {
    let mut command = sandbox.guarded(None);
    for proxy in
        ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]
    {
        command.env_remove(proxy);
    }
    Run::lossy(&command.args(words).output().unwrap())
}

fn add(sandbox: &Sandbox, crashes: &[String], more: &[&str]) -> Run {
    let path = sandbox.write("events.ndjson", crashes.join("\n"));
    run(sandbox, &[&["crash", "add", path.to_str().unwrap()], more].concat())
}

/// Adds crashes and tells `ops`, who takes it.
fn tell(sandbox: &Sandbox, crashes: &[String]) {
    let told = add(sandbox, crashes, &["--notify", "ops"]);
    assert_eq!((told.code, told.stderr.contains("was not told")), (0, false), "{}", told.stderr);
}

/// Events of a request, each with its title.
fn events(request: &Request) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let body = request.json();
    body["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (text(&event["event"]), text(&event["title"])))
        .collect()
}

fn pairs(want: &[(&str, &str)]) -> Vec<(String, String)> {
    want.iter().map(|(event, title)| ((*event).to_owned(), (*title).to_owned())).collect()
}

/// HMAC-SHA256 (RFC 2104), as the definition has it.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::digest([&pad(0x36)[..], text].concat());
    Sha256::digest([&pad(0x5c)[..], &inner].concat()).to_vec()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let bits = part.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - part.len()));
        for at in 0..4 {
            let digit = DIGITS[usize::try_from(bits >> (18 - 6 * at) & 63).unwrap()];
            text.push(if at <= part.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

/// Everything below a folder, as one.
fn all_bytes(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(all_bytes(&path));
        } else {
            all.extend(fs::read(path).unwrap());
        }
    }
    all
}

fn has(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

/// `told` says that ops was not told, why, and nothing that is a secret; the job itself is done.
fn assert_waits(told: &Run, why: &str) {
    assert_eq!(told.code, 75, "{}", told.stderr);
    assert!(told.stdout.contains("1 crashes added"), "{}", told.stdout);
    assert!(
        told.stderr.contains("ops was not told: ") && told.stderr.contains(why),
        "{}",
        told.stderr
    );
    assert!(!told.stderr.contains("hidden"), "{}", told.stderr);
}
