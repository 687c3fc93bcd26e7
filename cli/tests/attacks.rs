//! A sealed store in the hands of somebody who can write to its disk but has no key, or an old one.
//! Nothing that they put there is believed, nothing that they take away goes unnoticed, and nothing
//! is ever stored in clear. What is not promised, a whole store put back from an earlier time, is
//! in docs/security.md.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rocksdb::{DB, IteratorMode, Options};
use support::questions::{Fault, Questions};
use support::shapes::{Shape, copy, files};
use support::truth::{Told, judge};
use support::{Run, Sandbox, object};

/// A database of the store.
const DATABASES: [&str; 2] = ["symbols", "crashes"];
const NEW_MODULE: &str = "c-gcc-O2-symtab.so";

/// Tries each of `attacks` on a copy of the store, on all cores. Each says what it is, and which
/// promises were broken.
fn try_all<T: Sync>(
    attacks: &[T],
    least: usize,
    attempt: impl Fn(&T) -> (String, Vec<Fault>) + Sync + Send,
) {
    let faults: Vec<_> =
        attacks.par_iter().map(attempt).filter(|(_, faults)| !faults.is_empty()).collect();
    assert!(attacks.len() >= least, "only {} attacks", attacks.len());
    assert!(
        faults.is_empty(),
        "{} of {}: {:#?}",
        faults.len(),
        attacks.len(),
        faults.iter().take(12).collect::<Vec<_>>()
    );
}

/// Commands that write, without a key and with one.
fn writers(sandbox: &Sandbox) -> Vec<Vec<String>> {
    let report = sandbox
        .write("report.txt", "#00 pc 00001234 libsecret.so\n")
        .to_string_lossy()
        .into_owned();
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let module = object(NEW_MODULE).to_string_lossy().into_owned();
    vec![
        [words("import"), vec![module]].concat(),
        [words("crash add"), vec![report]].concat(),
        words("modules repair"),
        words("modules compact"),
        words("modules gc --keep 0"),
        words("modules remove many.so"),
        words("reprocess --all"),
    ]
}

/// What FORMAT may become in the hands of somebody who wants the store to count as open.
fn forged_formats(shape: &Shape) -> Vec<(&'static str, Option<Vec<u8>>)> {
    let whole = fs::read(shape.sandbox.store().join("FORMAT")).unwrap();
    let first_line = whole.split_inclusive(|byte| *byte == b'\n').next().unwrap().to_vec();
    let open = Sandbox::in_memory();
    open.import(NEW_MODULE);
    let of_open = fs::read(open.store().join("FORMAT")).unwrap();
    let without_newline = first_line.strip_suffix(b"\n").unwrap().to_vec();
    vec![
        ("cut behind its first line", Some(first_line)),
        ("cut within its first line", Some(without_newline)),
        ("that of an open store", Some(of_open)),
        ("empty", Some(Vec::new())),
        ("gone", None),
    ]
}

/// Whatever FORMAT says, a sealed store does not count as open: no command works without the key,
/// none drops anything, and with FORMAT as it was everything is there.
#[test]
fn a_forged_format_does_not_open_a_sealed_store() {
    let shape = Shape::batches(true);
    for (what, forged) in forged_formats(&shape) {
        for key in [None, shape.key.as_deref()] {
            let mut store = Questions::of(&shape);
            let format = store.sandbox.store().join("FORMAT");
            let original = fs::read(&format).unwrap();
            match &forged {
                Some(bytes) => fs::write(&format, bytes).unwrap(),
                None => fs::remove_file(&format).unwrap(),
            }
            if key.is_none() {
                for args in writers(&store.sandbox) {
                    let run = store.sandbox.run_with(None, &args);
                    assert_eq!(
                        run.code, 3,
                        "FORMAT {what}, no key, {args:?}: {}{}",
                        run.stdout, run.stderr
                    );
                }
                for args in [&["modules", "list"][..], &["crash", "list"], &["modules", "verify"]] {
                    let run = store.sandbox.run_with(None, args);
                    assert_eq!(
                        (run.code, run.stdout.as_str()),
                        (3, ""),
                        "FORMAT {what}, no key, {args:?}: {}",
                        run.stderr
                    );
                }
            } else {
                // With the key, each refuses or works; none stores in clear, or loses what the key
                // opens.
                let args = &writers(&store.sandbox)[..4];
                let codes: Vec<i32> = args
                    .iter()
                    .map(|args| {
                        store.run(&args.iter().map(String::as_str).collect::<Vec<_>>()).code
                    })
                    .collect();
                assert!(
                    codes.iter().all(|code| *code == 0 || *code == 3),
                    "FORMAT {what}, with the key: {codes:?}"
                );
            }
            let is_clear = files(&store.sandbox.store()).iter().any(|file| {
                let bytes = fs::read(store.sandbox.store().join(file)).unwrap();
                bytes.windows(9).any(|part| part == b"libsecret")
            });
            assert!(!is_clear, "FORMAT {what}: a report was stored in clear");
            fs::write(&format, original).unwrap();
            let resolved = store.resolve();
            let all_right =
                judge(&resolved, &shape.known()).iter().all(|told| *told == Told::Right);
            assert!(all_right, "FORMAT {what}, then as it was: {}", resolved.stderr);
            let verified = store.run(&["modules", "verify"]);
            assert_eq!(
                verified.code, 0,
                "FORMAT {what}, then as it was: {}{}",
                verified.stdout, verified.stderr
            );
        }
    }
}

/// A key says that the store is sealed: an open one in its place is not believed.
#[test]
fn an_open_store_in_place_of_a_sealed_one_is_refused() {
    let (sealed, open) = (Shape::singles(true), Shape::singles(false));
    let forged = Sandbox::in_memory();
    copy(&open.sandbox.store(), &forged.store());
    let commands: [&[&str]; 6] = [
        &["modules", "list"],
        &["modules", "verify"],
        &["resolve", "--module", "cpp-gcc-O2-dwarf5.so", "1146"],
        &["crash", "list"],
        &["groups", "list"],
        &["stats"],
    ];
    for args in commands {
        let run = forged.run_with(sealed.key.as_deref(), args);
        assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{args:?}: {}", run.stderr);
        assert!(
            run.stderr.contains("without a key") || run.stderr.contains("not sealed"),
            "{args:?}: {}",
            run.stderr
        );
    }
}

/// Each database of an open store, with all that it needs, in the place of a sealed store's.
#[test]
fn an_open_database_in_a_sealed_store_is_refused() {
    for database in DATABASES {
        for with_ack in [false, true] {
            let (sealed, open) = (Shape::singles(true), Shape::singles(false));
            let mut store = Questions::of(&sealed);
            let target = store.sandbox.store().join(database);
            fs::remove_dir_all(&target).unwrap();
            copy(&open.sandbox.store().join(database), &target);
            let ack = open.sandbox.store().join(format!("{database}.ack"));
            if with_ack && ack.exists() {
                fs::copy(ack, store.sandbox.store().join(format!("{database}.ack"))).unwrap();
            }
            let args: &[&str] =
                if database == "crashes" { &["crash", "list"] } else { &["modules", "list"] };
            let run = store.run(args);
            assert_eq!(
                (run.code, run.stdout.as_str()),
                (3, ""),
                "{database}, {with_ack}: {}",
                run.stderr
            );
            let verified = store.run(&["modules", "verify"]);
            assert_ne!(verified.code, 0, "{database}, {with_ack}: {}", verified.stdout);
        }
    }
}

/// The other way round: what is sealed is not read as if it were open, and not dropped either.
#[test]
fn a_sealed_database_in_an_open_store_is_refused() {
    let (sealed, open) = (Shape::singles(true), Shape::singles(false));
    for database in DATABASES {
        let forged = Sandbox::in_memory();
        copy(&open.sandbox.store(), &forged.store());
        fs::remove_dir_all(forged.store().join(database)).unwrap();
        copy(&sealed.sandbox.store().join(database), &forged.store().join(database));
        for args in [
            &["modules", "verify"][..],
            if database == "crashes" { &["crash", "list"] } else { &["modules", "list"] },
        ] {
            let run = forged.run_with(None, args);
            assert_ne!(run.code, 0, "{database}, {args:?}: {}", run.stdout);
        }
    }
}

/// The store as it was before some changes, kept by an enemy.
struct Older {
    shape: Shape,
    before: Sandbox,
}

impl Older {
    /// Keeps a copy, then replaces a module, removes a report and adds others.
    fn new() -> Self {
        let mut shape = Shape::batches(true);
        let before = shape.copy();
        shape.go_on();
        Self { shape, before }
    }
}

/// A whole database as it was earlier, in the present store.
#[test]
fn an_older_database_put_back_is_noticed() {
    let Older { shape, before } = Older::new();
    for database in DATABASES {
        let mut store = Questions::of(&shape);
        let target = store.sandbox.store().join(database);
        fs::remove_dir_all(&target).unwrap();
        copy(&before.store().join(database), &target);
        let is_whole = store.ask();
        assert!(store.faults.is_empty(), "{database}: {:#?}", store.faults);
        assert!(!is_whole, "{database}: nobody noticed");
        assert_eq!(store.run(&["modules", "verify"]).code, 3, "{database}");
    }
}

/// Each table as it was earlier in the place of each present one.
#[test]
fn an_older_table_put_back_is_noticed() {
    let Older { shape, before } = Older::new();
    let tables = |store: &Path| -> Vec<PathBuf> {
        let is_table =
            |file: &PathBuf| file.extension().is_some_and(|extension| extension == "sst");
        files(store).into_iter().filter(is_table).collect()
    };
    let pairs: Vec<(PathBuf, PathBuf)> = tables(&before.store())
        .into_iter()
        .flat_map(|old| {
            tables(&shape.sandbox.store()).into_iter().map(move |present| (old.clone(), present))
        })
        .filter(|(old, present)| old.parent() == present.parent())
        .collect();
    try_all(&pairs, 5, |(old, present)| {
        let mut store = Questions::of(&shape);
        fs::copy(before.store().join(old), store.sandbox.store().join(present)).unwrap();
        store.ask();
        store.ask_for_what_was_removed();
        (format!("{} as {}", old.display(), present.display()), store.faults)
    });
}

/// Rows of a database, by key.
type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

fn rows(database: &Path) -> Rows {
    let scratch = Sandbox::in_memory();
    copy(database, &scratch.path("rows"));
    let db = DB::open(&Options::default(), scratch.path("rows")).unwrap();
    db.iterator(IteratorMode::Start)
        .map(|row| row.map(|(key, value)| (key.into_vec(), value.into_vec())).unwrap())
        .collect()
}

/// Asks a store of which one row was changed, with the tools of RocksDB.
fn with_row(shape: &Shape, database: &str, change: impl FnOnce(&DB)) -> Vec<Fault> {
    let mut store = Questions::of(shape);
    let db = DB::open(&Options::default(), store.sandbox.store().join(database)).unwrap();
    change(&db);
    db.flush().unwrap();
    drop(db);
    store.ask();
    store.ask_for_what_was_removed();
    store.faults
}

/// A database, a key in it, and what the row there becomes.
type Change = (&'static str, Vec<u8>, Option<Vec<u8>>);

fn try_changes(shape: &Shape, least: usize, changes: &[Change]) {
    try_all(changes, least, |(database, key, value)| {
        let change = |db: &DB| match value {
            Some(value) => db.put(key, value).unwrap(),
            None => db.delete(key).unwrap(),
        };
        (format!("{database} {key:02x?}"), with_row(shape, database, change))
    });
}

/// Each row deleted by somebody who knows the format: nothing is silently absent.
#[test]
fn a_deleted_row_is_noticed() {
    let shape = Shape::batches(true);
    let rows = |database: &str| rows(&shape.sandbox.store().join(database));
    let changes: Vec<Change> = DATABASES
        .iter()
        .flat_map(|database| rows(database).into_keys().map(move |key| (*database, key, None)))
        .collect();
    try_changes(&shape, 30, &changes);
}

/// Each row with the contents of the next one of its database, which were sealed with the same key.
#[test]
fn a_row_in_the_place_of_another_is_noticed() {
    let shape = Shape::batches(true);
    let mut changes: Vec<Change> = Vec::new();
    for database in DATABASES {
        let rows = rows(&shape.sandbox.store().join(database));
        let values = rows.values().skip(1).cloned().map(Some);
        changes.extend(rows.keys().cloned().zip(values).map(|(key, value)| (database, key, value)));
    }
    try_changes(&shape, 30, &changes);
}

/// Each row as it was earlier, and each row that was deleted since, put back alone.
#[test]
fn an_older_row_put_back_is_noticed() {
    let Older { shape, before } = Older::new();
    let mut changes: Vec<Change> = Vec::new();
    for database in DATABASES {
        let now = rows(&shape.sandbox.store().join(database));
        let old = rows(&before.store().join(database))
            .into_iter()
            .filter(|(key, value)| now.get(key) != Some(value));
        changes.extend(old.map(|(key, value)| (database, key, Some(value))));
    }
    try_changes(&shape, 3, &changes);
}

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
