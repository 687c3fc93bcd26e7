//! Broken unwind data of Windows: function tables, unwind codes, code, and frame data of PDBs, with
//! bytes changed. Reading ends, without a panic, in little memory, and gives sorted rows.
//!
//! `MUTANTS=1000000` makes more of them, `SEED=7` others. A failure names the fixture and the number
//! of the mutant.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use object::{Object, ObjectSection};
use peak_alloc::PeakAlloc;
use rayon::prelude::*;
use symtool_debug::{DebugFile, Mapped, Progress, Search};
use symtool_unwind::UnwindTable;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What reading files of 100 kB may take at most, on two threads: rows take 24 bytes, rules 100.
const MAX_MIB: f32 = 64.0;
/// Most mutants take a millisecond. The most that an image of 7 kB may cost are four million steps.
const HANG: Duration = Duration::from_secs(20);

const IMAGES: [&str; 8] = [
    "shop64",
    "mingw64",
    "frames64",
    "frames64fp",
    "shoparm64",
    "framesarm64",
    "framesarm64pac",
    "framesarm",
];
const PDBS: [&str; 5] = ["shop86", "shop86fp", "frames86", "frames86fp", "frames86os"];

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// A file, and where in it the data is that counts.
struct Fixture {
    path: PathBuf,
    bytes: Vec<u8>,
    parts: Vec<Range<usize>>,
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/windows").join(name)
}

fn image(name: &str) -> Fixture {
    let path = path(&format!("{name}.dll"));
    let bytes = std::fs::read(&path).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let part = |section: object::Section<'_, '_>| {
        let (start, size) = section.file_range()?;
        let start = usize::try_from(start).ok()?;
        Some((section.name().ok()? == ".pdata", start..start + usize::try_from(size).ok()?))
    };
    let mut parts: Vec<Range<usize>> = Vec::new();
    for (is_table, range) in file.sections().filter_map(part) {
        // The table is small, and everything hangs on it.
        parts.extend(std::iter::repeat_n(range, if is_table { 2 } else { 1 }));
    }
    Fixture { path, bytes, parts }
}

fn pdb(name: &str) -> Fixture {
    let path = path(&format!("{name}.pdb"));
    let bytes = std::fs::read(&path).unwrap();
    let find = |what: &[u8]| bytes.windows(what.len()).position(|bytes| bytes == what).unwrap();
    // The first record, which is for the first address of code; and the first program.
    let first = |at: &usize| {
        let word =
            |offset| u32::from_le_bytes(bytes[at + offset..at + offset + 4].try_into().unwrap());
        word(0) == 0x1000 && (1..0x1000).contains(&word(4)) && word(28) == 4
    };
    let records = (0..bytes.len() - 32).step_by(4).find(first).unwrap();
    let programs = find(b"$T0 ");
    let parts = vec![records..records + 1024, records..records + 1024, programs..programs + 2048];
    Fixture { path, bytes, parts }
}

/// The rows of `bytes`, which are taken to lie at `path`: the image of a PDB is looked for beside it.
fn read(bytes: Vec<u8>, path: &Path) -> Option<UnwindTable> {
    let mapped = Mapped::unpacked(bytes, path.to_owned(), "mutant".to_owned());
    let file = DebugFile::parse(&mapped).ok()?;
    Some(file.read(&Search::nowhere(), &Progress::default()).ok()?.unwind)
}

fn mutate(bytes: &mut [u8], parts: &[Range<usize>], rng: &mut Rng) {
    let interesting = [0, 1, 4, 0x21, 0x7f, 0x80, 0xe4, 0xe5, 0xff, b' ', b'^', b'+', b'=', b'$'];
    for _ in 0..rng.usize(1..=8) {
        let part = rng.choice(parts.iter()).unwrap().clone();
        let at = rng.usize(part.clone());
        match rng.u32(..6) {
            0 | 1 => bytes[at] = rng.u8(..),
            2 => bytes[at] ^= 1 << rng.u32(..8),
            3 => bytes[at] = *rng.choice(interesting.iter()).unwrap(),
            4 => {
                let length = rng.usize(1..32).min(part.end - at);
                let from = rng.usize(part.start..=part.end - length);
                bytes.copy_within(from..from + length, at);
            }
            _ => {
                // An address or a number of bytes.
                let word = *rng.choice([0, 1, 0x1000, 0x2000, 0x2001, u32::MAX].iter()).unwrap();
                let end = part.end.min(at + 4);
                bytes[at..end].copy_from_slice(&word.to_le_bytes()[..end - at]);
            }
        }
    }
}

#[test]
fn broken_unwind_data_ends_within_its_limits() {
    let fixtures: Vec<Fixture> =
        IMAGES.iter().map(|name| image(name)).chain(PDBS.iter().map(|name| pdb(name))).collect();
    let (each, seed) = (setting("MUTANTS", 12_000).div_ceil(12), setting("SEED", 1));
    let (changed, rows) = (AtomicU64::new(0), AtomicU64::new(0));
    let jobs: Vec<(usize, u64)> =
        (0..each).flat_map(|number| (0..fixtures.len()).map(move |at| (at, number))).collect();
    let whole: Vec<UnwindTable> = fixtures
        .iter()
        .map(|fixture| read(fixture.bytes.clone(), &fixture.path).unwrap())
        .collect();
    jobs.par_iter().for_each(|&(at, number)| {
        let fixture = &fixtures[at];
        let mut rng = Rng::with_seed(seed ^ (number << 32) ^ at as u64);
        let mut bytes = fixture.bytes.clone();
        mutate(&mut bytes, &fixture.parts, &mut rng);
        let since = Instant::now();
        let path = if number % 4 > 0 { &fixture.path } else { Path::new("mutant.pdb") };
        let table = std::panic::catch_unwind(|| read(bytes, path));
        let table = table.unwrap_or_else(|_| panic!("{}: mutant {number}", fixture.path.display()));
        assert!(since.elapsed() < HANG, "{}: mutant {number} takes long", fixture.path.display());
        let Some(table) = table else { return };
        assert!(table.rows.iter().all(|row| row.start < row.end));
        assert!(table.rows.is_sorted_by(|one, next| one.end <= next.start));
        assert!(table.rows.iter().all(|row| (row.rule.0 as usize) < table.rules.len()));
        changed.fetch_add(u64::from(table != whole[at]), Ordering::Relaxed);
        rows.fetch_add(table.rows.len() as u64, Ordering::Relaxed);
    });
    let peak = MEMORY.peak_usage_as_mb();
    assert!(peak < MAX_MIB, "{peak} MiB");
    let count = jobs.len() as u64;
    let (changed, rows) = (changed.into_inner(), rows.into_inner());
    // A test whose mutants are all refused, or all the same, tests nothing.
    assert!(changed > count / 2 && rows > 20 * count, "{changed} of {count} changed, {rows} rows");
}
