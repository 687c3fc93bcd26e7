//! Every command that writes, killed at moments spread over its length, often a second one before
//! anybody has looked. What was reported as done stays done, what was not is there as a whole or
//! not at all, and the store is intact without any repair.
//!
//! `SYMTOOL_TORTURE=N` kills N times (`just torture`), `SEED` picks other moments.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod checks;
#[path = "../support/mod.rs"]
mod support;
mod world;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

use support::Sandbox;
use support::shapes::Shape;
use support::truth::{Told, judge};
use world::{KINDS, Kind, World, random};

/// How many kills.
fn kills_wanted() -> u32 {
    std::env::var("SYMTOOL_TORTURE").ok().and_then(|kills| kills.parse().ok()).unwrap_or(120)
}

#[test]
fn kills_of_every_command_lose_nothing() {
    let mut world = World::new();
    let wanted = kills_wanted();
    while world.killed.values().sum::<u32>() < wanted {
        let count = world.random.usize(1..=2);
        let steps: Vec<String> = (0..count).map(|_| world.step()).collect();
        world.check(&steps);
    }
    println!("{:?}", world.killed);
    // Each kind was met by some kills: the test is about all of them.
    let never: Vec<&Kind> = KINDS
        .iter()
        .filter(|kind| !world.killed.contains_key(kind) || world.killed[kind] == 0)
        .collect();
    assert!(never.is_empty(), "{never:?} was never killed: {:?}", world.killed);
}

/// Repairs the store of `sandbox`; returns what it answers then, and its crashes.
fn repaired(shape: &Shape, sandbox: &Sandbox) -> (Vec<Told>, String) {
    let run = |args: &[&str]| sandbox.run_with(shape.key.as_deref(), args);
    let repaired = run(&["modules", "repair"]);
    assert!(repaired.code < 2, "{}", repaired.stderr);
    let requests = shape.requests();
    let batch = ["--batch", requests.to_str().unwrap()];
    let resolved = run(&[&["resolve", "--style", "json", "--no-demangle"], &batch[..]].concat());
    let verified = run(&["modules", "verify"]);
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
    (judge(&resolved, &shape.known()), run(&["crash", "list"]).stdout)
}

/// A repair of damage, killed and begun again, keeps what one that is not killed keeps.
#[test]
fn killed_repairs_lose_nothing() {
    let shape = Shape::batches(true);
    let mut random = random();
    let tables: Vec<(PathBuf, u64)> = shape
        .files()
        .into_iter()
        .filter(|(file, _)| file.to_string_lossy().ends_with(".sst"))
        .collect();
    let mut killed = 0;
    for _ in 0..kills_wanted() / 5 {
        let (file, length) = &tables[random.usize(..tables.len())];
        let damaged = shape.copy();
        let path = damaged.store().join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        let place = random.usize(..usize::try_from(*length).unwrap());
        bytes[place] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let reference = Sandbox::in_memory();
        support::shapes::copy(&damaged.store(), &reference.store());
        let begun = Instant::now();
        let want = repaired(&shape, &reference);
        let mut child = damaged.command();
        child
            .arg("--key-file")
            .arg(shape.key.as_ref().unwrap())
            .args(["modules", "repair"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = child.spawn().unwrap();
        std::thread::sleep(begun.elapsed().mul_f64(random.f64() / 3.0));
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(
            repaired(&shape, &damaged),
            want,
            "{} with a flip at {place}, repair killed",
            file.display()
        );
    }
    assert!(killed > 0, "no repair was killed in time");
}
