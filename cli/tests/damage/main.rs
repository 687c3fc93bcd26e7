//! Every file of a store deleted, emptied, halved, one byte short, and with flipped bits. Whatever
//! was hit: no answer is wrong, damage is named, `repair` keeps everything whose bytes were not
//! hit, and afterwards the store works.
//!
//! `SYMTOOL_TORTURE` flips a bit of every 64th byte; `SYMTOOL_DAMAGE=WORDS` takes only trials that
//! have the words in their line, as in `SYMTOOL_DAMAGE="sealed-batches crashes/000011.sst"`; `SEED`
//! picks other bits.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod harm;
mod rules;
#[path = "../support/mod.rs"]
mod support;
mod trial;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use harm::Harm;
use support::shapes::Shape;
use trial::Outcome;

/// Flips at random places of each file, of the two stores that have most in them and differ most,
/// and of the others.
const FLIPS: usize = 32;
const FEWER_FLIPS: usize = 8;

/// Of stores that did not notice, one in so many is repaired all the same.
const REPAIRED_ANYWAY: usize = 8;

/// Of so many files, a fault of each kind is shown.
const SHOWN: usize = 3;

#[test]
#[ignore = "takes minutes: `just torture` runs it"]
fn single_imports() {
    check(&Shape::singles(false), FEWER_FLIPS);
}

#[test]
#[ignore = "takes minutes: `just torture` runs it"]
fn batches() {
    check(&Shape::batches(false), FLIPS);
}

#[test]
#[ignore = "takes minutes: `just torture` runs it"]
fn compacted() {
    check(&Shape::compacted(false), FEWER_FLIPS);
}

#[test]
#[ignore = "takes minutes: `just torture` runs it"]
fn sealed_batches() {
    check(&Shape::batches(true), FEWER_FLIPS);
}

#[test]
#[ignore = "takes minutes: `just torture` runs it"]
fn sealed_and_compacted() {
    check(&Shape::compacted(true), FLIPS);
}

/// The line by which a trial is known.
fn line(shape: &Shape, file: &Path, harm: Harm) -> String {
    format!("{} {} {harm}", shape.name, file.display())
}

/// Everything that is done to the store. Nothing comes first, then deletions.
fn trials(shape: &Shape, flips: usize) -> Vec<(PathBuf, Harm)> {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(17);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut trials = Vec::new();
    for (file, _) in shape.files() {
        let bytes = std::fs::read(shape.sandbox.store().join(&file)).unwrap();
        let flipped = if trial::is_harmless(&file) {
            Vec::new()
        } else if std::env::var_os("SYMTOOL_TORTURE").is_some() {
            harm::every(bytes.len(), 64, &mut random)
        } else {
            harm::seeded(bytes.len(), flips, &mut random)
        };
        let boundaries = harm::boundaries(&file, &bytes);
        trials.extend(
            harm::cuts(&bytes)
                .into_iter()
                .chain(boundaries)
                .chain(flipped)
                .map(|harm| (file.clone(), harm)),
        );
    }
    let words = std::env::var("SYMTOOL_DAMAGE").unwrap_or_default();
    // What a file holds is measured by deleting it.
    let is_wanted = |(file, harm): &(PathBuf, Harm)| {
        *harm == Harm::Delete || line(shape, file, *harm).contains(&words)
    };
    trials.retain(is_wanted);
    trials.sort_by_key(|(_, harm)| *harm != Harm::Delete);
    trials.insert(0, (PathBuf::from("FORMAT"), Harm::Nothing));
    trials
}

/// Runs all trials of a store on all cores, and shows what was broken.
fn check(shape: &Shape, flips: usize) {
    let trials = trials(shape, flips);
    let outcomes: Vec<Mutex<Option<Outcome>>> = trials.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().unwrap().get() {
            scope.spawn(|| {
                while let Some((number, (file, harm))) = Some(next.fetch_add(1, Ordering::Relaxed))
                    .and_then(|at| Some((at, trials.get(at)?)))
                {
                    let always_repairs = !harm.is_flip() || number % REPAIRED_ANYWAY == 0;
                    *outcomes[number].lock().unwrap() =
                        Some(trial::run(shape, file, *harm, always_repairs));
                }
            });
        }
    });
    let outcomes: Vec<Outcome> =
        outcomes.into_iter().map(|outcome| outcome.into_inner().unwrap().unwrap()).collect();
    let mut faults: Vec<(usize, &str, String)> = rules::check(shape, &outcomes);
    for (number, outcome) in outcomes.iter().enumerate() {
        faults.extend(outcome.faults.iter().map(|(what, told)| (number, *what, told.clone())));
    }
    println!("{}: {} trials of {} files", shape.name, trials.len(), shape.born.len());
    assert!(faults.is_empty(), "{}", report(shape, &trials, &faults));
}

/// Numbers of trials, and what was told, by the file that was hit.
type ByFile<'f> = BTreeMap<&'f Path, Vec<(usize, &'f str)>>;

/// Faults by kind, how many for which file, and the first of some files.
fn report(shape: &Shape, trials: &[(PathBuf, Harm)], faults: &[(usize, &str, String)]) -> String {
    let mut kinds: BTreeMap<&str, ByFile> = BTreeMap::new();
    for (number, what, told) in faults {
        kinds.entry(what).or_default().entry(&trials[*number].0).or_default().push((*number, told));
    }
    let mut text = format!("{} faults in {} trials of {}", faults.len(), trials.len(), shape.name);
    for (what, files) in kinds {
        let counts: Vec<String> = files
            .iter()
            .map(|(file, found)| format!("{} {}", file.display(), found.len()))
            .collect();
        write!(text, "\n{what}: {}", counts.join(", ")).unwrap();
        for (file, found) in files.iter().take(SHOWN) {
            let (number, told) = found[0];
            write!(text, "\n    {}\n        {told}", line(shape, file, trials[number].1)).unwrap();
        }
    }
    text
}
