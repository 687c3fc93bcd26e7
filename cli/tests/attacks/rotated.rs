//! After a key was rotated, the old one opens nothing, and nothing of it stays.

use std::fs;
use std::path::{Path, PathBuf};

use crate::NEW_MODULE;
use crate::support::shapes::{Shape, files};
use crate::support::{Run, Sandbox, object};

fn rotate(shape: &Shape, sandbox: &Sandbox) -> (Run, PathBuf) {
    let new = shape.sandbox.path("new.key");
    if !new.exists() {
        assert_eq!(shape.sandbox.run(["key", "generate", new.to_str().unwrap()]).code, 0);
    }
    (
        sandbox.run_with(
            shape.key.as_deref(),
            ["key", "rotate", "--new-key-file", new.to_str().unwrap()],
        ),
        new,
    )
}

/// With the old key, nothing of the present store opens: not by itself, and not with the key ring
/// that the enemy has kept.
#[test]
fn the_rotated_out_key_opens_nothing_of_the_present_store() {
    let shape = Shape::batches(true);
    let (old_key, sandbox) = (shape.key.as_deref(), shape.copy());
    let (run, new) = rotate(&shape, &sandbox);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let module = object(NEW_MODULE);
    let later = sandbox.write("later.txt", "#00 pc 00001234 liblater.so\n");
    for args in [
        ["import", module.to_str().unwrap()].to_vec(),
        vec!["crash", "add", later.to_str().unwrap()],
    ] {
        let run = sandbox.run_with(Some(&new), &args);
        assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
    }
    let everything: [&[&str]; 5] = [
        &["modules", "list"],
        &["crash", "list"],
        &["groups", "list"],
        &["modules", "verify"],
        &["resolve", "--module", NEW_MODULE, "0"],
    ];
    let is_refused = |what: &str| {
        for args in everything {
            let run = sandbox.run_with(old_key, args);
            assert_eq!(
                (run.code, run.stdout.as_str()),
                (3, ""),
                "{what}, {args:?}: {}",
                run.stderr
            );
        }
    };
    is_refused("the old key alone");
    // What was kept: everything that is about keys. What came later stays closed.
    for name in ["FORMAT", "ring", "ring.copy"] {
        let kept = shape.sandbox.store().join(name);
        assert!(kept.exists(), "{name}: the store has no key ring of two copies");
        fs::copy(kept, sandbox.store().join(name)).unwrap();
    }
    let listed = sandbox.run_with(old_key, ["crash", "list"]);
    assert!(
        !listed.stdout.contains("liblater") && !listed.stdout.contains("later.txt"),
        "{}",
        listed.stdout
    );
    let resolved =
        sandbox.run_with(old_key, ["resolve", "--module", NEW_MODULE, "--style", "json", "1100"]);
    assert!(!resolved.stdout.contains("\"ok\""), "{}", resolved.stdout);
}

/// What a rotation replaces is overwritten: no part of the old key ring is left in any file.
#[test]
fn nothing_of_the_old_key_ring_stays() {
    let shape = Shape::singles(true);
    let old: Vec<Vec<u8>> = ["ring", "ring.copy"]
        .map(|name| fs::read(shape.sandbox.store().join(name)).unwrap())
        .into();
    let sandbox = shape.copy();
    assert_eq!(rotate(&shape, &sandbox).0.code, 0);
    for file in files(&sandbox.store()) {
        let bytes = fs::read(sandbox.store().join(&file)).unwrap();
        for part in old.iter().flat_map(|ring| ring.windows(32)) {
            assert!(
                !bytes.windows(32).any(|other| other == part),
                "a part of the old ring is in {}",
                file.display()
            );
        }
    }
}

/// Rotations while others read and write: done, or nothing has changed; and never two keys for two
/// halves.
#[test]
fn a_rotation_in_the_way_of_others_is_whole_or_nothing() {
    let shape = Shape::singles(true);
    let waiting: [&[&str]; 2] =
        [&["resolve", "--module", "cpp-gcc-O2-dwarf5.so", "--batch", "-"], &["crash", "add", "-"]];
    for args in waiting {
        let sandbox = shape.copy();
        let mut other = sandbox.command();
        other
            .arg("--key-file")
            .arg(shape.key.as_ref().unwrap())
            .args(args)
            .stdin(std::process::Stdio::piped());
        let mut other = other
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(300));
        let new = shape.sandbox.path("new.key");
        if !new.exists() {
            assert_eq!(shape.sandbox.run(["key", "generate", new.to_str().unwrap()]).code, 0);
        }
        let run = sandbox.run_with(
            shape.key.as_deref(),
            ["--wait", "0", "key", "rotate", "--new-key-file", new.to_str().unwrap()],
        );
        drop(other.stdin.take());
        other.wait().unwrap();
        let opens = |key: Option<&Path>| {
            let all: [&[&str]; 3] =
                [&["modules", "verify"], &["crash", "list"], &["groups", "list"]];
            all.map(|args| sandbox.run_with(key, args).code == 0)
        };
        let want = if run.code == 0 { ([false; 3], [true; 3]) } else { ([true; 3], [false; 3]) };
        assert_eq!(
            (opens(shape.key.as_deref()), opens(Some(&new))),
            want,
            "{args:?}: {} {}",
            run.code,
            run.stderr
        );
    }
}
