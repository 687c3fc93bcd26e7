//! A sealed store in the hands of somebody who can write to its disk but has no key, or an old one.
//! Nothing that they put there is believed, nothing that they take away goes unnoticed, and nothing
//! is ever stored in clear. What is not promised, a whole store put back from an earlier time, is
//! in docs/security.md.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod formats;
mod rotated;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rocksdb::{DB, IteratorMode, Options};
use support::questions::{Fault, Questions};
use support::shapes::{Shape, copy, files};
use support::{Sandbox, object};

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
