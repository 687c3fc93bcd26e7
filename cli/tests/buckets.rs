//! The program on a bucket: its answers are those of a store on disk, and what it cannot know it does
//! not say.

#![cfg(feature = "bucket")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

#[path = "../../core/bucket/tests/support/dates.rs"]
mod dates;
#[path = "../../core/bucket/tests/support/server.rs"]
#[allow(dead_code, reason = "each test file uses its part")]
mod server;
mod support;

use std::fmt::Write;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use server::{Fault, Server};
use support::{Run, Sandbox, object};

const BUCKET: &str = "s3://symbols/team";

/// The program on the bucket of `server`, with its cache in the folder `cache` of `sandbox`.
fn command(sandbox: &Sandbox, server: &Server, cache: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_symtool"));
    sandbox.isolate(&mut command);
    command.stdin(Stdio::null());
    command.envs([("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")]);
    command.env("AWS_ENDPOINT_URL", server.endpoint());
    command.args(["--store", BUCKET, "--cache"]).arg(sandbox.path(cache));
    command
}

fn run(sandbox: &Sandbox, server: &Server, cache: &str, words: &[&str]) -> Run {
    Run::of(command(sandbox, server, cache).args(words).output().unwrap())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// By names, ids, prefixes, paths; unknown, of several builds, malformed.
#[test]
fn answers_are_those_of_a_store_on_disk() {
    let (sandbox, server) = (Sandbox::new(), Server::start());
    let files: Vec<PathBuf> = [
        "asm-gas-dwarf5.so",
        "c-gcc-O2-dwarf5.so",
        "cpp-gcc-O2-dwarf5.so",
        "link-stripped/lib.so",
        "link-build-id/lib.so",
    ]
    .map(object)
    .to_vec();
    let words: Vec<&str> =
        ["import"].into_iter().chain(files.iter().map(|file| text(file))).collect();
    let (on_disk, in_bucket) = (sandbox.run(&words), run(&sandbox, &server, "a", &words));
    assert_eq!((on_disk.code, in_bucket.code), (0, 0), "{}", in_bucket.stderr);
    let again = run(&sandbox, &server, "b", &words);
    assert_eq!(again.stdout.matches("unchanged").count(), files.len(), "{}", again.stdout);
    let id = sandbox.run(["modules", "list", "cpp-gcc", "--json"]).stdout;
    let id = id.split("\"id\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mut batch = String::new();
    for address in (0x1100..0x1300).step_by(7) {
        for name in ["asm-gas-dwarf5.so", "c-gcc-O2-dwarf5.so", &id, &id[..9], text(&files[2])] {
            writeln!(batch, "{name} {address:x}").unwrap();
        }
    }
    batch += "nobody.so 1146\nlib.so 1146\nlib.so\n12345678 9\n";
    let batch = sandbox.write("batch.txt", batch);
    for style in ["json", "llvm", "pretty"] {
        let words = ["resolve", "--style", style, "--batch", text(&batch)];
        let (want, cold) = (sandbox.run(words), run(&sandbox, &server, style, &words));
        assert_eq!((cold.code, &cold.stdout), (want.code, &want.stdout), "{}", cold.stderr);
        assert!(want.stdout.lines().count() > 300);
        let warm = run(&sandbox, &server, style, &words);
        assert_eq!((warm.code, &warm.stdout), (want.code, &want.stdout), "{}", warm.stderr);
    }
    let requests = std::fs::read(&batch).unwrap();
    let want = sandbox.run_with_input(&["worker", "resolve", "--end-row"], &requests);
    let mut worker = command(&sandbox, &server, "worker");
    worker.args(["worker", "resolve", "--end-row"]);
    let got = Run::of(worker.stdin(File::open(&batch).unwrap()).output().unwrap());
    assert_eq!((got.code, &got.stdout), (want.code, &want.stdout), "{}", got.stderr);
    let latest = ["resolve", "--latest", "--module", "lib.so", "0x1146"];
    let want_latest = sandbox.run(latest).stdout;
    assert_eq!(run(&sandbox, &server, "latest", &latest).stdout, want_latest);
    for words in [&["modules", "list"][..], &["modules", "show", "c-gcc-O2-dwarf5.so"]] {
        let without_times = |run: Run| {
            let lines = run.stdout.lines().filter(|line| !line.starts_with("imported"));
            lines.map(|line| line.split("  2").next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let (want, got) = (sandbox.run(words), run(&sandbox, &server, "list", words));
        assert_eq!(got.code, 0, "{}", got.stderr);
        assert_eq!(without_times(got), without_times(want));
    }
}

/// A whole build-id names a module of which only the beginning is stored, and a debug id one whose
/// build-id is shorter.
#[test]
fn ids_may_be_longer_than_those_that_are_stored() {
    let (sandbox, server) = (Sandbox::new(), Server::start());
    let symbols = |guid: &str| format!("MODULE Linux x86_64 {guid}0 {guid}.so\nPUBLIC 1000 0 f\n");
    let guids = ["44332211665588779900AABBCCDDEEFF", "44332211665588880000000000000000"];
    let files = guids.map(|guid| sandbox.write(&format!("{guid}.sym"), symbols(guid)));
    let words = ["import", text(&files[0]), text(&files[1])];
    assert_eq!((sandbox.run(words).code, run(&sandbox, &server, "a", &words).code), (0, 0));
    for id in ["11223344556677889900aabbccddeeff01020304", "44332211-6655-8888-0000-000000000000"] {
        let words = ["resolve", "--module", id, "0x1000"];
        let (want, got) = (sandbox.run(words), run(&sandbox, &server, "a", &words));
        assert_eq!(want.code, 0, "{}", want.stderr);
        assert_eq!((got.code, got.stdout), (0, want.stdout), "{}", got.stderr);
    }
}

/// Only a bucket that answers can lack a module. Everything else is exit code 75.
#[test]
fn what_is_not_known_is_not_said() {
    let (sandbox, server) = (Sandbox::new(), Server::start());
    let file = object("c-gcc-O2-dwarf5.so");
    let words = ["resolve", "--timeout", "2", "--module", "c-gcc-O2-dwarf5.so", "0x1146"];
    // Nothing says that there is a bucket.
    let run_now = |cache: &str| run(&sandbox, &server, cache, &words);
    assert_eq!(run_now("none").code, 75);
    assert_eq!(run(&sandbox, &server, "a", &["import", text(&file)]).code, 0);
    for (number, fault) in [
        Fault::Status(403, "AccessDenied"),
        Fault::Status(404, "NoSuchBucket"),
        Fault::Status(500, "InternalError"),
        Fault::Reset,
        Fault::Cut,
        Fault::Flip,
    ]
    .into_iter()
    .enumerate()
    {
        for folder in ["symtool.json", "names", "modules", "segments"] {
            let prefix = format!("team/{folder}");
            server.fail(
                move |request| {
                    if request.key.starts_with(&prefix) { fault } else { Fault::None }
                },
            );
            let got = run_now(&format!("fault-{number}-{folder}"));
            let is_list = folder == "names" && matches!(fault, Fault::Flip);
            if !is_list {
                assert_eq!(got.code, 75, "{fault:?} {folder}: {}{}", got.stdout, got.stderr);
            }
            assert!(!got.stdout.contains("no_module"), "{fault:?} {folder}: {}", got.stdout);
        }
    }
    let mut worker = command(&sandbox, &server, "worker");
    worker.args(["--timeout", "2", "worker", "resolve", "--module", "c-gcc-O2-dwarf5.so"]);
    let got = Run::of(worker.output().unwrap());
    assert_eq!((got.code, got.stdout.as_str()), (75, ""), "{}", got.stderr);
    server.heal();
    let got = run_now("healed");
    assert_eq!(got.code, 0, "{}", got.stderr);
    drop(server);
    let offline = Server::start();
    let words = ["--offline", "resolve", "--module", "c-gcc-O2-dwarf5.so", "0x1146"];
    assert_eq!(run(&sandbox, &offline, "healed", &words).stdout, got.stdout);
    let words = ["--offline", "resolve", "--module", "other.so", "0x1146"];
    let unknown = run(&sandbox, &offline, "healed", &words);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (75, ""), "{}", unknown.stderr);
}

#[test]
fn commands_that_take_no_bucket_say_so() {
    let (sandbox, server) = (Sandbox::new(), Server::start());
    for words in [&["stats"][..], &["crash", "list"], &["modules", "verify"], &["missing"]] {
        let got = run(&sandbox, &server, "a", words);
        assert_eq!(got.code, 2, "{words:?}: {}", got.stderr);
        assert!(got.stderr.contains("needs a store on disk"), "{}", got.stderr);
    }
    assert!(server.seen().is_empty());
    for words in [&["--offline", "stats"][..], &["--timeout", "9", "stats"], &["bucket", "gc"]] {
        let got = sandbox.run(words);
        assert_eq!(got.code, 2, "{words:?}: {}", got.stderr);
        assert!(got.stderr.contains("s3://BUCKET/PREFIX"), "{}", got.stderr);
    }
}

#[test]
fn a_sealed_bucket_needs_its_key() {
    let (sandbox, server) = (Sandbox::new(), Server::start());
    let (key, other) = (sandbox.path("key"), sandbox.path("other"));
    for file in [&key, &other] {
        assert_eq!(sandbox.run(["key", "generate", text(file)]).code, 0);
    }
    let file = object("c-gcc-O2-dwarf5.so");
    let words = ["--key-file", text(&key), "import", text(&file)];
    assert_eq!(run(&sandbox, &server, "a", &words).code, 0);
    let ask = ["resolve", "--module", "c-gcc-O2-dwarf5.so", "0x1146"];
    let with =
        |key: &Path| run(&sandbox, &server, "b", &[&["--key-file", text(key)], &ask[..]].concat());
    assert_eq!(with(&key).code, 0);
    server.seen();
    assert_eq!(with(&other).code, 3);
    assert_eq!(run(&sandbox, &server, "c", &ask).code, 3);
    assert!(server.seen().iter().all(|(request, _)| request.key == "team/symtool.json"));
    assert_eq!(run(&sandbox, &server, "d", &["bucket", "gc", "--key-file", text(&key)]).code, 0);
}

/// Of an address that is none, or has a password, nothing is shown but that.
#[test]
fn addresses_are_checked() {
    let (sandbox, server) = (Sandbox::new(), Server::start());
    for address in ["s3://", "s3://u:secret@symbols", "gs://a/b?c=d"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_symtool"));
        sandbox.isolate(&mut command);
        let output = command.args(["--store", address, "modules", "list"]).output().unwrap();
        let got = Run::of(output);
        assert_eq!(got.code, 2, "{address}: {}", got.stderr);
        assert!(!got.stderr.contains("secret"), "{}", got.stderr);
    }
    assert!(server.seen().is_empty());
}
