//! Times adding and regrouping crashes against floors, once they were grouped well.
//!
//! | measure | symtool | floor | what it does not do |
//! | --- | --- | --- | --- |
//! | crash add | `crash add` into a store with the modules that are there at once | parsed, zstd -3: [`crate::floor`] | resolve; group; index; sync |
//! | reprocess | `reprocess` after the late modules came | `resolve --batch` of all frames in modules of the store | read crashes; sign; group; write |
//!
//! Both sides have all cores. Each run of symtool begins with a copy of the store, untimed.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::frames::write_batch;
use super::make;
use super::options::Options;
use crate::measure::{Before, Race};
use crate::rows::{Rate, Row, Rows};
use crate::symtool::{Symtool, said};
use crate::{Bench, eval, floor, folder};

/// Crashes, and bugs that they are of.
const CRASHES: usize = 50_000;
const BUGS: usize = 500;
/// Of 100 debug files, how many come late.
const WITHHELD: u32 = 40;
/// Less means that what is timed is not what is wanted.
const WANTED_F1: f64 = 0.9;

/// Generates, checks, times.
///
/// # Errors
/// If a command fails, or crashes are not grouped by their bugs; names what is wrong.
pub fn run(bench: &Bench) -> Result<Rows> {
    measured(bench, CRASHES, BUGS).context("crashes (leave them out with --only files)")
}

fn measured(bench: &Bench, crashes: usize, bugs: usize) -> Result<Rows> {
    let work = tempfile::tempdir()
        .context("no temporary directory; set TMPDIR to a place with room for 1 GB")?;
    let at = |name: &str| work.path().join(name);
    let dir = at("generated");
    let bugs = make(&Options {
        out: dir.clone(),
        crashes,
        bugs,
        builds: 8,
        withheld: WITHHELD,
        texts: 0,
        seed: 1,
    })?;
    let (events, batch) = (dir.join("events.ndjson"), at("batch"));
    let frames = write_batch(&events, &dir.join("plan.json"), &batch)?;

    // A store as it is before crashes come, and one as it is before they are grouped anew.
    let (now, late, grouped) = (at("now"), at("late"), at("grouped"));
    let f1 = prepare(bench, &dir, [&now, &late, &grouped], &at("groups"))?;

    let symtool = |store: &Path| Symtool::new(bench.symtool, store.to_owned());
    let mut race = Race::default();
    let added = at("added");
    let add = race.enter(
        symtool(&added).crash_add_command(&events, bench.jobs),
        Before::Copy(now, added.clone()),
    );
    let floor = race.enter(floor::command(bench.myself, &events, &at("floor")), Before::Nothing);
    let resolve =
        race.enter(symtool(&late).resolve_all_command(&batch, bench.jobs), Before::Nothing);
    let reprocess = race.enter(
        symtool(&grouped).reprocess_command(bench.jobs),
        Before::Copy(late, grouped.clone()),
    );
    let medians = race.run(bench.rounds)?;

    let measures = vec![
        row(
            format!("crash add -j{}", bench.jobs),
            ("floor (parsed, zstd -3)", medians.ratio(add, floor)),
            Rate::of(crashes, "crashes", medians.time(add)),
            medians.time(add),
        ),
        row(
            format!("reprocess, {frames} frames -j{}", bench.jobs),
            ("resolve --batch", medians.ratio(reprocess, resolve)),
            Rate::of(crashes, "crashes", medians.time(reprocess)),
            medians.time(reprocess),
        ),
    ];
    let bytes = fs::metadata(&events).with_context(|| events.display().to_string())?.len();
    let what = format!(
        "{crashes} crashes of {bugs} bugs, {} MB; grouped with an F1 of {f1:.4}",
        bytes / 1_000_000
    );
    Ok(Rows { part: "crashes", what, rounds: bench.rounds, agreements: Vec::new(), measures })
}

/// Makes the stores: `now` has the modules that are there when crashes come, `late` the crashes and
/// all modules, `grouped` is that after a run. Returns how well crashes are grouped, with the list
/// of their groups in `groups`.
fn prepare(
    bench: &Bench,
    generated: &Path,
    [now, late, grouped]: [&Path; 3],
    groups: &Path,
) -> Result<f64> {
    let symtool = |store: &Path| Symtool::new(bench.symtool, store.to_owned());
    said(symtool(now).import_command(&[generated.join("modules/now")], bench.jobs))?;
    folder::copy(now, late)?;
    let events = generated.join("events.ndjson");
    said(symtool(late).crash_add_command(&events, bench.jobs))?;
    said(symtool(late).import_command(&[generated.join("modules/late")], bench.jobs))?;
    folder::copy(late, grouped)?;
    said(symtool(grouped).reprocess_command(bench.jobs))?;
    fs::write(groups, said(symtool(grouped).crash_list_command())?)
        .with_context(|| groups.display().to_string())?;
    // An error if a crash is missing.
    let f1 = eval::f1(&generated.join("truth.tsv"), groups)?;
    if f1 < WANTED_F1 {
        bail!(
            "symtool groups with an F1 of {f1:.4}, but {WANTED_F1} is wanted; see what just eval prints"
        );
    }
    Ok(f1)
}

fn row(of: String, ratio: (&'static str, f64), a_second: Rate, time: Duration) -> Row {
    Row { of, ratios: vec![ratio], time, a_second: Some(a_second), aim: None, less_is_faster: true }
}
