//! Generates a folder of crash reports with known bugs.
//!
//! ```text
//! OUT_DIR/events.ndjson    one Sentry event a line
//!         texts/           some of them as Android's and Apple's texts, named by their id
//!         truth.tsv        event id, tab, number of the bug
//!         modules/now/     debug files that are there at once
//!         modules/late/    those that come late
//!         plan.json        what was asked for, and what the bugs are
//!
//! options.rs ─> build.rs ──> sites.rs ──> bugs.rs ──> stack.rs ──────> event.rs, text.rs
//!               modules,     where code   lists of    one crash:       its report
//!               linked anew  is, in all   functions   addresses
//!               each build   platforms
//! ```
//!
//! All of it follows from the options and the compilers. Truth never comes from symtool: which
//! function has code at an address, the symbol tables of the linked images say, read by the object
//! crate; which functions are inlined there, the addr2line crate. What makes two crashes one bug
//! stands in [`bugs`]. What symtool takes to store and group them is measured by [`mod@bench`].

pub mod bench;
mod bugs;
mod build;
mod event;
mod frames;
mod module;
mod modules;
pub mod options;
mod plan;
mod platform;
mod sites;
mod source;
mod stack;
mod system;
mod text;
mod tools;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use fastrand::Rng;

use crate::folder;
use options::Options;
use stack::World;

/// Bytes of events that are written at once.
const WRITE_BYTES: usize = 1 << 20;

/// Makes the folder; prints what is in it.
///
/// # Errors
/// If a tool is missing or fails, or a file cannot be written; names it.
pub fn run(options: &Options) -> Result<()> {
    let bugs = make(options)?;
    println!("{}: {} crashes of {bugs} bugs", options.out.display(), options.crashes);
    Ok(())
}

/// Makes the folder. The answer is how many bugs have crashes.
///
/// # Errors
/// If a tool is missing or fails, or a file cannot be written; names it.
pub fn make(options: &Options) -> Result<usize> {
    tools::find(&platform::TOOLS)?;
    let out = &options.out;
    make_folders(out)?;
    let work =
        tempfile::tempdir().context("no temporary directory; set TMPDIR to a place with room")?;
    // Paths of the work folder stand in commands that run elsewhere.
    let options = &Options {
        out: fs::canonicalize(out).with_context(|| out.display().to_string())?,
        ..options.clone()
    };
    let work = fs::canonicalize(work.path()).context("the temporary directory")?;

    let builds = build::build(options, &work)?;
    let sites = sites::Sites::find(&builds)?;
    let bugs = bugs::bugs(&sites, options.bugs, options.seed).map_err(|error| anyhow!(error))?;
    let world = World::new(&sites, &builds).map_err(|error| anyhow!(error))?;
    let counts = write_crashes(options, &world, &bugs)?;
    plan::write(&options.out.join("plan.json"), options, &builds, &bugs, &counts)?;
    Ok(counts.iter().filter(|count| **count > 0).count())
}

/// Makes the folder `out`, and those for debug files in it.
fn make_folders(out: &Path) -> Result<()> {
    folder::make_empty(out)?;
    let named = || out.display().to_string();
    fs::create_dir_all(out.join("modules/now")).with_context(named)?;
    fs::create_dir_all(out.join("modules/late")).with_context(named)
}

/// Writes events, texts and truth. The answer is how many crashes each bug has.
fn write_crashes(options: &Options, world: &World<'_>, bugs: &[bugs::Bug]) -> Result<Vec<usize>> {
    let create = |name: &str| {
        let path = options.out.join(name);
        File::create(&path)
            .map(|file| BufWriter::with_capacity(WRITE_BYTES, file))
            .with_context(|| path.display().to_string())
    };
    let (mut events, mut truth) = (create("events.ndjson")?, create("truth.tsv")?);
    let texts = options.out.join("texts");
    if options.texts > 0 {
        fs::create_dir_all(&texts).with_context(|| texts.display().to_string())?;
    }
    let mut rng = Rng::with_seed(options.seed ^ system::number_of(&["crashes"]));
    let shares = shares(bugs.len());
    let mut counts = vec![0; bugs.len()];
    let mut line = String::new();
    let mut texts_left = options.texts;
    for _ in 0..options.crashes {
        let draw = rng.u64(..shares.last().copied().unwrap_or(1));
        let number = shares.partition_point(|share| *share <= draw);
        counts[number] += 1;
        let crash = world.crash(&bugs[number], &mut rng);
        let modules = &world.builds[crash.platform.index()].builds[crash.build];
        let text = if texts_left > 0 { text::text(&crash, modules) } else { None };
        if let Some(text) = text {
            texts_left -= 1;
            let path = texts.join(format!("{}.txt", crash.event_id));
            fs::write(&path, text).with_context(|| path.display().to_string())?;
        } else {
            line.clear();
            event::write(&mut line, &crash, modules, rng.u8(..));
            events.write_all(line.as_bytes()).context("events.ndjson")?;
        }
        writeln!(truth, "{}\t{number}", crash.event_id).context("truth.tsv")?;
    }
    events.flush().context("events.ndjson")?;
    truth.flush().context("truth.tsv")?;
    Ok(counts)
}

/// Zipf's law: the bug of rank r has a share of 1/r. Each entry is the sum of the shares so far, in
/// parts of the first one.
fn shares(bugs: usize) -> Vec<u64> {
    let ranks = (1..).take(bugs);
    ranks
        .scan(0, |sum, rank: u64| {
            *sum += 1_000_000_000 / rank;
            Some(*sum)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_fall_with_the_rank() {
        assert_eq!(shares(4), [1_000_000_000, 1_500_000_000, 1_833_333_333, 2_083_333_333]);
    }
}
