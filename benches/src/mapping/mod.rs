//! Generates a mapping and its traces in a folder.
//!
//! ```text
//! OUT_DIR/mapping.txt      as R8 8 writes it
//!         one.txt          an exception with 20 frames, with names of the mapping
//!         one-truth.txt    the same with the names of the source, as R8's retrace prints it
//!         batch.txt        100,000 frames of exceptions and their causes
//!         truth.txt        its truth
//!
//! options.rs ─> class.rs, words.rs ──> body.rs ────────────> trace.rs
//!               names, by number       lines, some sites     text and truth
//! ```
//!
//! All of it follows from the options. Truth is what was meant when a line was written; nobody
//! reads the mapping for it. What symtool takes to import the mapping and to retrace is measured by
//! [`mod@bench`].

pub mod bench;
mod body;
mod check;
mod class;
pub mod options;
mod trace;
mod words;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::folder::make_empty;
use body::Writer;
use class::{Class, draws};
use options::Options;
use trace::{Trace, World};

/// Frames of `one.txt`.
pub const ONE_FRAMES: usize = 20;
/// Frames of `batch.txt`.
pub const BATCH_FRAMES: usize = 100_000;

/// Classes behind a class that may be inlined into it already.
const FORWARD: u64 = 8;
/// Sites that are wanted, and bytes of the mapping for a range, some.
const SITES: u64 = 20_000;
const RANGE_BYTES: u64 = 220;
/// Classes to throw that are kept.
const MAX_THROWN: usize = 1000;

/// What was made.
#[derive(Debug)]
struct Made {
    world: World,
    classes: u64,
    bytes: u64,
}

/// Makes the folder; prints what is in it.
///
/// # Errors
/// If a file cannot be written; names it.
pub fn run(options: &Options) -> Result<()> {
    let (classes, bytes) = make(options)?;
    println!(
        "{}: a mapping of {classes} classes in {bytes} bytes, {BATCH_FRAMES} frames",
        options.out.display()
    );
    Ok(())
}

/// Makes the folder. The answer is how many classes, and bytes, the mapping has.
///
/// # Errors
/// If a file cannot be written; names it.
pub fn make(options: &Options) -> Result<(u64, u64)> {
    let out = &options.out;
    make_empty(out)?;
    let path = out.join("mapping.txt");
    let file = File::create(&path).with_context(|| path.display().to_string())?;
    let mut file = BufWriter::with_capacity(1 << 20, file);
    let Made { mut world, classes, bytes } = write_mapping(options, &mut file)
        .and_then(|made| file.flush().map(|()| made))
        .with_context(|| path.display().to_string())?;
    if world.sites.is_empty() {
        bail!("{}: no method that a trace could have; pass another --seed", path.display());
    }
    let mut rng = draws(options.seed, 4, 0);
    rng.shuffle(&mut world.sites);
    let (mut one, mut batch) = (Trace::default(), Trace::default());
    world.exception(&mut one, ONE_FRAMES, &mut rng);
    world.exceptions(&mut batch, BATCH_FRAMES, &mut rng);
    for (name, text) in [
        ("one.txt", &one.obfuscated),
        ("one-truth.txt", &one.original),
        ("batch.txt", &batch.obfuscated),
        ("truth.txt", &batch.original),
    ] {
        write(&out.join(name), text)?;
    }
    Ok((classes, bytes))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| path.display().to_string())
}

/// Classes until the size is reached, and those that were inlined before their turn.
fn write_mapping(options: &Options, out: &mut impl Write) -> std::io::Result<Made> {
    let seed = options.seed;
    let odds = (SITES * RANGE_BYTES).saturating_mul(1_000_000) / options.bytes;
    let mut writer = Writer::new(seed, u32::try_from(odds).unwrap_or(u32::MAX));
    let head = head(seed);
    out.write_all(head.as_bytes())?;
    let (mut number, mut bytes, mut thrown) = (0, head.len() as u64, Vec::new());
    let mut last = None;
    while last.is_none_or(|last| number < last) {
        let class = Class::of(seed, number);
        let text = writer.class(&class, last.unwrap_or(number + FORWARD));
        out.write_all(text.as_bytes())?;
        bytes += text.len() as u64;
        if class.is_thrown && thrown.len() < MAX_THROWN {
            thrown.push((class.obfuscated, class.original));
        }
        number += 1;
        if last.is_none() && bytes >= options.bytes {
            last = Some(number + FORWARD);
        }
    }
    Ok(Made { world: World { sites: writer.into_sites(), thrown }, classes: number, bytes })
}

/// What R8 writes first. The hash is none of the contents.
fn head(seed: u64) -> String {
    let mut rng = draws(seed, 5, 0);
    let hash = format!("{:032x}{:032x}", rng.u128(..), rng.u128(..));
    format!(
        "# compiler: R8\n# compiler_version: 8.7.18\n# min_api: 24\n# common_typos_disable\n\
         # {{\"id\":\"com.android.tools.r8.mapping\",\"version\":\"2.2\"}}\n# pg_map_id: {hash}\n# pg_map_hash: SHA-256 {hash}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::convert::Infallible;
    use std::io::BufReader;
    use std::sync::Arc;

    use symtool_mapping::{ClassRow, Classes, MappingReader, Retrace, RetraceStyle, is_mapping};

    struct Rows(HashMap<String, Arc<ClassRow>>);

    impl Classes for Rows {
        type Error = Infallible;

        fn class(&mut self, obfuscated: &str) -> Result<Option<Arc<ClassRow>>, Infallible> {
            Ok(self.0.get(obfuscated).cloned())
        }
    }

    fn made(bytes: u64, seed: u64) -> Result<tempfile::TempDir> {
        let dir = tempfile::tempdir()?;
        make(&Options { out: dir.path().join("m"), bytes, seed })?;
        Ok(dir)
    }

    fn file(dir: &tempfile::TempDir, name: &str) -> Result<String> {
        Ok(fs::read_to_string(dir.path().join("m").join(name))?)
    }

    #[test]
    fn symtool_reads_all_of_it_and_retraces_what_was_meant() -> Result<()> {
        for seed in 1..4 {
            let dir = made(3_000_000, seed)?;
            let mapping = file(&dir, "mapping.txt")?;
            assert!(
                is_mapping(mapping.as_bytes()) && (3_000_000..3_300_000).contains(&mapping.len()),
                "{}",
                mapping.len()
            );
            let mut reader = MappingReader::new(BufReader::new(mapping.as_bytes()));
            let mut rows: Vec<ClassRow> = reader.by_ref().collect::<Result<_, _>>()?;
            let facts = reader.into_facts();
            assert!(facts.skipped.is_empty(), "{:?}", facts.skipped);
            assert_eq!(facts.header.compiler.as_deref(), Some("R8"));
            assert_eq!(facts.header.pg_map_id.map(|id| id.len()), Some(64));
            rows.iter_mut().for_each(|row| row.name_sources(&facts.sources));
            let count = rows.len();
            let rows: HashMap<String, Arc<ClassRow>> =
                rows.into_iter().map(|row| (row.obfuscated().to_owned(), Arc::new(row))).collect();
            assert_eq!(rows.len(), count, "names in traces are all different");
            let mut retrace = Retrace::new(Rows(rows), RetraceStyle::R8);
            for (trace, truth) in [("one.txt", "one-truth.txt"), ("batch.txt", "truth.txt")] {
                let mut out = Vec::new();
                let Ok(()) = retrace.text(file(&dir, trace)?.as_bytes(), &mut out);
                let Ok(()) = retrace.finish(&mut out);
                let (out, truth) = (String::from_utf8(out)?, file(&dir, truth)?);
                for (number, (out, truth)) in out.lines().zip(truth.lines()).enumerate() {
                    assert_eq!(out, truth, "line {} of {trace}, seed {seed}", number + 1);
                }
                assert_eq!(out.len(), truth.len());
            }
        }
        Ok(())
    }

    #[test]
    fn everything_that_a_mapping_has_is_there() -> Result<()> {
        let mapping = file(&made(3_000_000, 1)?, "mapping.txt")?;
        let lines: Vec<&str> = mapping.lines().collect();
        let count = |is: &dyn Fn(&str) -> bool| lines.iter().filter(|line| is(line)).count();
        let classes = count(&|line| line.ends_with(':'));
        assert!(classes > 500);
        assert!(count(&|line| line.contains("\"sourceFile\"")) > classes / 2);
        assert!(count(&|line| line.contains("r8.synthesized")) > 100);
        assert!(count(&|line| line.contains("r8.residualsignature")) > 100);
        assert!(count(&|line| line.contains("    0:65535:")) > 100);
        assert!(
            count(&|line| line.starts_with("    ") && !line.contains('(') && !line.contains('#'))
                > 500,
            "fields"
        );
        assert!(
            count(&|line| line.starts_with("    ") && line.contains('(') && !line.contains(':'))
                > 100,
            "methods without lines"
        );
        // Stacks of one range, by how many frames they have: up to four inlined ones and the
        // method.
        let range = |line: &str| {
            line.split_once(|c: char| c.is_alphabetic())
                .map(|(range, _)| range.to_owned())
                .unwrap_or_default()
        };
        let stacks = lines
            .chunk_by(|a, b| a.contains('(') && range(a).contains(':') && range(a) == range(b));
        let mut depths = [0; 6];
        stacks.for_each(|stack| depths[stack.len().min(5)] += 1);
        assert!(
            depths[2] > depths[3] && depths[3] > depths[4] && depths[4] > 100 && depths[5] > 100,
            "{depths:?}"
        );
        // Few classes have most lines.
        let mut sizes: Vec<usize> =
            lines.split(|line| line.ends_with(':')).map(<[_]>::len).collect();
        sizes.sort_unstable();
        let largest: usize = sizes.iter().rev().take(sizes.len() / 10).sum();
        assert!(largest * 3 > lines.len(), "{largest} of {}", lines.len());
        Ok(())
    }

    #[test]
    fn the_same_options_make_the_same_bytes() -> Result<()> {
        let [one, other, third] = [made(100_000, 1)?, made(100_000, 1)?, made(100_000, 2)?];
        for name in ["mapping.txt", "one.txt", "one-truth.txt", "batch.txt", "truth.txt"] {
            assert_eq!(file(&one, name)?, file(&other, name)?);
            assert_ne!(file(&one, name)?, file(&third, name)?);
        }
        Ok(())
    }
}
