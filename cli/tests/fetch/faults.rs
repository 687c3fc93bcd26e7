//! Servers that are down, slow, break off or hand out other files.

use std::collections::BTreeSet;

use crate::server::{Reply, Server};
use crate::support::Run;
use crate::{count, crashes, digits, fetch, library, on_server, settings, stored, waiting};

/// The number of the library that a path of debuginfod asks for, and whether for its debug file.
fn asked(path: &str) -> Option<(u8, bool)> {
    let (id, what) = path.strip_prefix("/buildid/")?.split_once('/')?;
    let number = (0..100).find(|number| digits(*number) == id)?;
    Some((number, what == "debuginfo"))
}

/// What goes wrong with library `number`: all that can, in turn.
fn bad(number: u8, before: usize) -> Reply {
    let file = library(number);
    match (number % 7, before) {
        (0, 0) => Reply::Status(500),
        (1, 0) => Reply::Cut(file, 50_000),
        (1, 1) => Reply::Cut(file, 30_000),
        (2, _) => Reply::Slow(file),
        (3, _) => Reply::File(library(number ^ 1)),
        (4, 0) => Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()),
        (5, _) => Reply::Status(404),
        (6, 0) => Reply::Status(429),
        _ => Reply::File(file),
    }
}

#[test]
fn of_a_hundred_files_every_right_one_comes_in_and_no_other() {
    let sandbox = waiting(0..100);
    let first = Server::new(|request, before| match asked(&request.path) {
        Some((number, true)) => bad(number, before),
        _ => Reply::Status(404),
    });
    // What the first one has wrong or not, but of three ids.
    let second = Server::new(|request, _| match asked(&request.path) {
        Some((number, true)) if !(90..97).contains(&number) => Reply::File(library(number)),
        Some((93, true)) => Reply::File(b"<html>not found</html>".to_vec()),
        _ => Reply::Status(404),
    });
    let sources = [on_server("debuginfod", &first.url()), on_server("debuginfod", &second.url())];
    settings(&sandbox, &sources.concat());
    let (run, modules, total) = fetch(&sandbox, &[]);
    let right = |number: &u8| !(90..97).contains(number) || ![3, 5].contains(&(number % 7));
    let want: BTreeSet<String> = (0..100).filter(right).map(digits).collect();
    assert_eq!(stored(&sandbox), want, "{}", run.stderr);
    assert_eq!((want.len(), total["fetched"].as_u64(), modules.len()), (98, Some(98), 100));
    assert_eq!(count(&modules, "fetched"), 98);
    // Wrong files are named with their id, and so is the one that was asked for.
    let wrong: Vec<u8> = (0..100).filter(|number| number % 7 == 3).collect();
    for number in wrong {
        let want = format!("is of {} and not of {}", digits(number ^ 1), digits(number));
        let want = want.replacen("is of", "as it is of", 1);
        assert!(run.stderr.contains(&want), "{want}: {}", run.stderr);
    }
    assert_eq!(run.code, 1, "{}", run.stderr);
    // What broke off went on from there.
    let parts: Vec<_> =
        first.got().into_iter().filter(|got| got.header("Range").is_some()).collect();
    assert!(parts.len() >= 14, "{}", parts.len());
    // Crashes are named by what came.
    let run = sandbox.run(["reprocess"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let left = sandbox.run(["missing", "--json"]);
    assert_eq!(left.stdout.lines().count(), 2);
}

#[test]
fn what_was_not_there_is_not_asked_for_again_at_once() {
    let sandbox = waiting(0..4);
    let server = Server::new(|request, _| match asked(&request.path) {
        Some((0, true)) => Reply::File(library(1)),
        _ => Reply::Status(404),
    });
    settings(&sandbox, &on_server("debuginfod", &server.url()));
    let (run, modules, total) = fetch(&sandbox, &[]);
    assert_eq!((run.code, count(&modules, "failed"), count(&modules, "not_found")), (1, 1, 3));
    assert_eq!(total["not_found"], 3);
    // A debug file and an executable each.
    assert_eq!(server.got().len(), 8);
    let (run, modules, _) = fetch(&sandbox, &[]);
    assert_eq!((run.code, count(&modules, "not_asked"), server.got().len()), (0, 4, 8));
    let (_, modules, _) = fetch(&sandbox, &["--retry-misses", "--limit", "1"]);
    assert_eq!((modules.len(), server.got().len()), (1, 10));
    // After its time a wrong file is asked for only if it is another one by now.
    let source = on_server("debuginfod", &server.url());
    settings(&sandbox, &format!("{source}retry-misses = 0\n"));
    fetch(&sandbox, &["--retry-misses"]);
    let (run, modules, total) = fetch(&sandbox, &[]);
    assert_eq!((run.code, count(&modules, "not_found")), (0, 4), "{}", run.stderr);
    assert_eq!((total["bytes"].as_u64(), stored(&sandbox).len()), (Some(0), 0));
    let known = server.got().into_iter().filter(|got| got.header("If-None-Match").is_some());
    assert_eq!(known.count(), 1);
}

#[test]
fn a_fetch_that_broke_off_goes_on() {
    let sandbox = waiting(0..1);
    let server = Server::new(|request, before| match (asked(&request.path), before) {
        (Some((number, true)), 0) => Reply::Cut(library(number), 100_000),
        (Some((number, true)), _) => Reply::File(library(number)),
        _ => Reply::Status(404),
    });
    let source =
        format!("[[source]]\ntype = \"debuginfod\"\nurl = \"{}\"\nretry = 0\n", server.url());
    settings(&sandbox, &source);
    let (run, _, total) = fetch(&sandbox, &[]);
    assert_eq!(
        (run.code, total["failed"].as_u64(), total["bytes"].as_u64()),
        (1, Some(1), Some(100_000))
    );
    assert!(run.stderr.contains("broke off within the file"), "{}", run.stderr);
    let (run, modules, total) = fetch(&sandbox, &[]);
    assert_eq!((run.code, count(&modules, "fetched")), (0, 1), "{}", run.stderr);
    let rest = library(0).len() as u64 - 100_000;
    assert_eq!((total["bytes"].as_u64(), stored(&sandbox).len()), (Some(rest), 1));
    let ranges: Vec<_> =
        server.got().iter().filter_map(|got| got.header("Range").map(str::to_owned)).collect();
    assert_eq!(ranges, ["bytes=100000-"]);
    // Nothing is kept of what is in the store.
    assert_eq!(std::fs::read_dir(sandbox.path("cache/symtool/fetch/parts")).unwrap().count(), 0);
}

#[test]
fn bounds_hold() {
    let sandbox = waiting(0..3);
    let server = Server::new(|request, _| match asked(&request.path) {
        Some((number, true)) => Reply::File(library(number)),
        _ => Reply::Status(404),
    });
    settings(&sandbox, &on_server("debuginfod", &server.url()));
    let (run, modules, total) = fetch(&sandbox, &["--max-bytes", "100kB"]);
    assert_eq!((run.code, count(&modules, "max_bytes")), (0, 3), "{}", run.stderr);
    assert_eq!((total["bytes"].as_u64(), total["over_limits"].as_u64()), (Some(0), Some(3)));
    let (_, modules, _) = fetch(&sandbox, &["--max-time", "0"]);
    assert_eq!((count(&modules, "max_time"), stored(&sandbox).len()), (3, 0));
    let (_, modules, _) = fetch(&sandbox, &["--limit", "1"]);
    assert_eq!((count(&modules, "fetched"), stored(&sandbox).len()), (1, 1));
    for (words, told) in [
        (&["missing", "--fetch", "--max-bytes", "much"][..], "not a size"),
        (&["missing", "--max-bytes", "1GB"], "--fetch"),
    ] {
        let run = sandbox.run(words);
        assert!(run.code == 2 && run.stderr.contains(told), "{}", run.stderr);
    }
}

#[test]
fn a_server_that_is_down_is_given_up_and_no_secret_is_shown() {
    let sandbox = waiting(0..40);
    let port = crate::support::receiver::free_port();
    let url = format!("http://127.0.0.1:{port}/hidden?token=hidden");
    let source = format!("[[source]]\ntype = \"debuginfod\"\nurl = \"{url}\"\nretry = 0\n");
    settings(&sandbox, &source);
    let (run, modules, total) = fetch(&sandbox, &[]);
    assert_eq!((run.code, count(&modules, "failed")), (1, 40));
    assert_eq!(total["unreachable"][0], format!("http://127.0.0.1:{port}"));
    assert!(run.stderr.contains("not asked, as it cannot be reached"), "{}", run.stderr);
    let all = [run.stdout, run.stderr].concat();
    assert!(!all.contains("hidden"), "{all}");
    let misses = std::fs::read_to_string(sandbox.path("cache/symtool/fetch/misses.json")).unwrap();
    assert_eq!(misses, "{}\n");
}

#[test]
fn nothing_is_asked_unless_a_source_is_set() {
    let sandbox = waiting(0..1);
    let server = Server::new(|_, _| Reply::Status(404));
    let mut command = crate::command(&sandbox);
    command.args(["missing", "--fetch"]).env("DEBUGINFOD_URLS", server.url());
    let run = Run::lossy(&command.output().unwrap());
    assert_eq!((run.code, server.got().len()), (2, 0));
    assert!(run.stderr.contains("no [[source]]"), "{}", run.stderr);
    // Only where the settings say so.
    settings(&sandbox, "[[source]]\ntype = \"debuginfod\"\nurl-env = \"DEBUGINFOD_URLS\"\n");
    assert_eq!((command.output().unwrap().status.code(), server.got().len()), (Some(0), 2));
    assert!(crashes(0..1).contains(&digits(0)));
}
