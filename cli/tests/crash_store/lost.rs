//! Databases of which something is gone: each is named, and nothing is taken for an empty one.

use std::fs;

use serde_json::Value;

use crate::support::{Sandbox, json_lines};
use crate::{BUILD, add, crashes, database_file, events};

/// What a command says of a store whose database of crashes is damaged: all that was acknowledged,
/// or that something is wrong.
fn told_of(sandbox: &Sandbox, want: &[Value]) -> Result<(), String> {
    let run = sandbox.run(["crash", "list", "--json"]);
    match run.code {
        0 if json_lines(&run.stdout) == want => Ok(()),
        0 => panic!("{} crashes of {}, and not a word", json_lines(&run.stdout).len(), want.len()),
        3 | 4 => Err(run.stderr),
        code => panic!("exit code {code}: {}", run.stderr),
    }
}

/// Copies the store of `from` to that of a sandbox of its own.
pub fn copy_of(from: &Sandbox) -> Sandbox {
    let sandbox = Sandbox::new();
    for entry in walkdir::WalkDir::new(from.store()).into_iter().map(Result::unwrap) {
        let to = sandbox.store().join(entry.path().strip_prefix(from.store()).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(to).unwrap();
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
    sandbox
}

#[test]
fn a_lost_current_is_never_an_empty_database() {
    let sandbox = Sandbox::new();
    assert_eq!(add(&sandbox, &events(1..20)).code, 0);
    let current = sandbox.store().join("crashes/CURRENT");
    let kept = fs::read(&current).unwrap();
    fs::remove_file(&current).unwrap();
    for args in [&["crash", "list"][..], &["groups", "list"], &["reprocess"], &["missing"]] {
        let run = sandbox.run(args);
        assert_eq!(run.code, 3, "{args:?}: {}", run.stdout);
        assert!(run.stderr.contains("CURRENT is missing"), "{args:?}: {}", run.stderr);
    }
    let tables = || fs::read_dir(sandbox.store().join("crashes")).unwrap().count();
    let before = tables();
    assert_eq!(add(&sandbox, &events(30..31)).code, 3);
    assert_eq!(tables(), before, "nothing is made in a folder that is not empty");
    fs::write(current, kept).unwrap();
    assert_eq!(crashes(&sandbox).len(), 19);
}

#[test]
fn a_lost_folder_is_named() {
    let sandbox = Sandbox::new();
    assert_eq!(add(&sandbox, &events(1..3)).code, 0);
    fs::remove_dir_all(sandbox.store().join("crashes")).unwrap();
    let run = sandbox.run(["crash", "list"]);
    assert!(
        run.code == 3 && run.stderr.contains("missing or empty"),
        "{}: {}",
        run.code,
        run.stderr
    );
    assert_eq!(add(&sandbox, &events(3..4)).code, 3);
    // Nothing is left to be saved, and that is no success.
    let repaired = sandbox.run(["modules", "repair"]);
    assert!(
        repaired.code == 1 && repaired.stderr.contains("are lost"),
        "{}: {}",
        repaired.code,
        repaired.stderr
    );
    assert!(crashes(&sandbox).is_empty());
}

#[test]
fn acknowledged_work_that_is_gone_from_the_log_or_the_manifest_is_named() {
    let whole = Sandbox::new();
    // Of four, the small chunks would be joined, and nothing be left in the log.
    for number in 1..4 {
        assert_eq!(add(&whole, &events(number..number + 1)).code, 0);
    }
    let want = crashes(&whole);
    let (log, manifest) =
        (database_file(&whole, "", ".log"), database_file(&whole, "MANIFEST", ""));
    let mut rng = fastrand::Rng::with_seed(3);
    let (mut named, mut silent) = (0, 0);
    for file in [log, manifest] {
        let bytes = fs::read(&file).unwrap();
        let changes: Vec<Vec<u8>> = std::iter::once(bytes[..bytes.len() - 1].to_vec())
            .chain([bytes[..bytes.len() / 2].to_vec(), Vec::new()])
            .chain((0..24).map(|_| {
                let mut flipped = bytes.clone();
                flipped[rng.usize(..bytes.len())] ^= 1 << rng.u8(..8);
                flipped
            }))
            .collect();
        for changed in changes {
            let sandbox = copy_of(&whole);
            let path = sandbox.store().join(file.strip_prefix(whole.store()).unwrap());
            fs::write(path, changed).unwrap();
            match told_of(&sandbox, &want) {
                Ok(()) => silent += 1,
                Err(told) => {
                    assert!(told.contains("the database"), "{told}");
                    named += 1;
                    // A writer does not go on as if nothing had happened.
                    assert_eq!(add(&sandbox, &events(50..51)).code, 3);
                }
            }
        }
    }
    assert!(named > 20, "{named} of {}", named + silent);
}

#[test]
fn an_older_copy_of_the_database_is_named() {
    let sandbox = Sandbox::new();
    assert_eq!(add(&sandbox, &events(1..3)).code, 0);
    let old = copy_of(&sandbox);
    assert_eq!(add(&sandbox, &events(3..5)).code, 0);
    fs::remove_dir_all(sandbox.store().join("crashes")).unwrap();
    fs::rename(old.store().join("crashes"), sandbox.store().join("crashes")).unwrap();
    let run = sandbox.run(["crash", "list"]);
    assert!(
        run.code == 3 && run.stderr.contains("has lost changes that were stored"),
        "{}: {}",
        run.code,
        run.stderr
    );
}

#[test]
fn a_store_that_cannot_be_written_and_has_no_crashes_answers_with_nothing() {
    let sandbox = Sandbox::new();
    sandbox.import(BUILD);
    // Nobody can make this file, whoever runs the test.
    let lock = sandbox.store().join("crashes.lock");
    let _ = fs::remove_file(&lock);
    std::os::unix::fs::symlink("/nonexistent/folder/lock", &lock).unwrap();
    for args in [
        &["crash", "list"][..],
        &["crash", "list", "--failed"],
        &["groups", "list"],
        &["groups", "history"],
        &["missing"],
    ] {
        let run = sandbox.run(args);
        assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{args:?}: {}", run.stderr);
    }
}
