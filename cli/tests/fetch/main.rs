//! `missing --fetch` against servers and folders, good and bad, and `--debuginfod` of the
//! llvm-symbolizer drop-in.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod debuginfod;
mod faults;
mod layouts;
#[path = "../../../core/http/tests/server/mod.rs"]
mod server;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;
use support::{Run, Sandbox, json_lines, made};

/// The id of library `number`.
fn id(number: u8) -> [u8; 20] {
    [&[number, 0xa5], &[number ^ 0x3c; 18][..]].concat().try_into().unwrap()
}

/// The id of library `number` as it is written.
fn digits(number: u8) -> String {
    hex::encode(id(number))
}

/// A library with this number.
fn library(number: u8) -> Vec<u8> {
    made::library(id(number), "f", 0..4)
}

/// Crashes in the libraries `numbers`: of the first as many as there are libraries, and so on.
fn crashes(numbers: std::ops::Range<u8>) -> String {
    let mut lines = String::new();
    for number in numbers.clone() {
        for again in 0..u64::from(numbers.end - number).min(3) {
            let event = serde_json::json!({
                "event_id": format!("{:032x}", u64::from(number) * 100 + again), "timestamp": 1_700_000_000,
                "platform": "native",
                "exception": {"values": [{"type": "SIGSEGV", "stacktrace": {"frames": [
                    {"instruction_addr": format!("{:#x}", 0x7f00_0000_0000_u64 + made::address(2) + 8)}]}}]},
                "debug_meta": {"images": [{"type": "elf", "code_file": format!("/app/lib{number}.so"),
                    "code_id": digits(number), "image_addr": "0x7f0000000000", "image_size": 0x10_0000}]},
            });
            lines.extend([event.to_string(), "\n".to_owned()]);
        }
    }
    lines
}

/// A sandbox in whose store those crashes wait.
fn waiting(numbers: std::ops::Range<u8>) -> Sandbox {
    let sandbox = Sandbox::in_memory();
    let path = sandbox.write("crashes.ndjson", crashes(numbers));
    let added = sandbox.run(["crash".as_ref(), "add".as_ref(), path.as_os_str()]);
    assert_eq!(added.code, 0, "{}", added.stderr);
    sandbox
}

/// Settings with these sources.
fn settings(sandbox: &Sandbox, sources: &str) {
    fs::create_dir_all(sandbox.path("config/symtool")).unwrap();
    sandbox.write("config/symtool/symtool.toml", sources);
}

/// A source that is a server, tried for a long time.
fn on_server(layout: &str, url: &str) -> String {
    format!("[[source]]\ntype = \"{layout}\"\nurl = \"{url}\"\nretry = 300\n")
}

/// The program, out of reach of proxies and folders of whoever runs the tests.
fn command(sandbox: &Sandbox) -> Command {
    let mut command = sandbox.guarded(None);
    for variable in [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "DEBUGINFOD_URLS",
        "DEBUGINFOD_CACHE_PATH",
        "DEBUGINFOD_TIMEOUT",
    ] {
        command.env_remove(variable);
    }
    command.env("XDG_CACHE_HOME", sandbox.path("cache"));
    command
}

/// Runs `missing --fetch` with `more`. Prints JSON: the modules, and the total.
fn fetch(sandbox: &Sandbox, more: &[&str]) -> (Run, Vec<Value>, Value) {
    let words = ["missing", "--fetch", "--json"];
    let run = Run::lossy(&command(sandbox).args(words).args(more).output().unwrap());
    let mut lines = json_lines(&run.stdout);
    let total = lines.pop().unwrap_or_else(|| panic!("{}", run.stderr));
    (run, lines, total)
}

/// The ids that are in the store.
fn stored(sandbox: &Sandbox) -> BTreeSet<String> {
    let run = sandbox.run(["modules", "list", "--json"]);
    json_lines(&run.stdout).iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect()
}

/// How many of `modules` have this status.
fn count(modules: &[Value], status: &str) -> usize {
    modules.iter().filter(|module| module["status"] == status).count()
}
