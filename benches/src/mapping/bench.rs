//! Times importing a mapping and retracing, once both sides have said what the generator meant.
//!
//! | measure | symtool | proguard | what it does not do |
//! | --- | --- | --- | --- |
//! | import | `-j 1 import` into a new store | index built: the mapping parsed, its cache made in memory | compress, or write and sync anything |
//! | 20 frames | `-j 1 retrace`, the mapping imported before | index built: the same, then the frames | import first |
//! | | | index kept: the cache mapped from its file | build the index; decompress |
//! | 100,000 frames | likewise, the whole process | likewise | |

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::options::Options;
use super::{BATCH_FRAMES, ONE_FRAMES, check, make};
use crate::Bench;
use crate::measure::{Before, Medians, Number, Race};
use crate::proguard;
use crate::rows::{Rate, Row, Rows};
use crate::symtool::{Symtool, said};

/// A large application's mapping.
const BYTES: u64 = 100_000_000;
const BUILT: &str = "proguard (index built)";
const KEPT: &str = "proguard (index kept)";

/// Generates, checks, times.
///
/// # Errors
/// If a command fails, or too few answers are right; names what is wrong.
pub fn run(bench: &Bench) -> Result<Rows> {
    measured(bench, BYTES).context("mappings (leave them out with --only files)")
}

fn measured(bench: &Bench, bytes: u64) -> Result<Rows> {
    let work = tempfile::tempdir().context(
        "no temporary directory; set TMPDIR to a place with room for three times the mapping",
    )?;
    let at = |name: &str| work.path().join(name);
    let dir = at("generated");
    let (classes, bytes) = make(&Options { out: dir.clone(), bytes, seed: 1 })?;
    let [mapping, one, batch] = ["mapping.txt", "one.txt", "batch.txt"].map(|name| dir.join(name));

    let ours = Symtool::new(bench.symtool, at("store"));
    said(ours.import_command(std::slice::from_ref(&mapping), 1))?;
    let cache = at("cache");
    said(proguard::command(bench.myself, Some(&cache), &mapping, None))?;
    let mut agreements = Vec::new();
    for (trace, truth) in [(&one, "one-truth.txt"), (&batch, "truth.txt")] {
        let truth = read(&dir.join(truth))?;
        agreements = vec![
            check::symtool(&truth, &said(ours.retrace_command(trace))?)?,
            check::proguard(
                &truth,
                &said(proguard::command(bench.myself, Some(&cache), &mapping, Some(trace)))?,
            )?,
        ];
    }

    let mut race = Race::default();
    let store = at("import");
    let import = Symtool::new(bench.symtool, store.clone())
        .import_command(std::slice::from_ref(&mapping), 1);
    let import = race.enter(import, Before::Remove(store));
    let index = race.enter(proguard::command(bench.myself, None, &mapping, None), Before::Nothing);
    let retraces = [&one, &batch].map(|trace| {
        let mut enter = |command| race.enter(command, Before::Nothing);
        let symtool = enter(ours.retrace_command(trace));
        let built = enter(proguard::command(bench.myself, None, &mapping, Some(trace)));
        (
            symtool,
            built,
            enter(proguard::command(bench.myself, Some(&cache), &mapping, Some(trace))),
        )
    });
    let medians = race.run(bench.rounds)?;

    let measures = rows(&medians, (import, index), retraces);
    let what = format!("{classes} classes, {} MB", bytes / 1_000_000);
    Ok(Rows { part: "mappings", what, rounds: bench.rounds, agreements, measures })
}

/// The ratios of an import to building an index, and of retracing one trace and many to the same
/// with the index built and kept.
fn rows(
    medians: &Medians,
    (import, index): (Number, Number),
    [(one, one_built, one_kept), (batch, batch_built, batch_kept)]: [(Number, Number, Number); 2],
) -> Vec<Row> {
    vec![
        Row {
            of: "import -j1".to_owned(),
            ratios: vec![(BUILT, medians.ratio(import, index))],
            time: medians.time(import),
            a_second: None,
            aim: None,
            less_is_faster: true,
        },
        Row {
            of: format!("retrace {ONE_FRAMES} frames -j1"),
            ratios: vec![
                (BUILT, medians.ratio(one, one_built)),
                (KEPT, medians.ratio(one, one_kept)),
            ],
            time: medians.time(one),
            a_second: None,
            aim: Some("0.030 s"),
            less_is_faster: true,
        },
        Row {
            of: format!("retrace {BATCH_FRAMES} frames -j1"),
            ratios: vec![
                (BUILT, medians.ratio(batch_built, batch)),
                (KEPT, medians.ratio(batch_kept, batch)),
            ],
            time: medians.time(batch),
            a_second: Some(Rate::of(BATCH_FRAMES, "frames", medians.time(batch))),
            aim: Some("100000 frames/s"),
            less_is_faster: false,
        },
    ]
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}
