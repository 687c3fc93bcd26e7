//! Broken unwind data: the sections of every fixture, thousands of times, with bytes changed, cut
//! off or moved. Reading one must end, without a panic, within the memory that
//! formats/unwind/src/limits.rs promises.
//!
//! `MUTANTS=100000` makes more of them, `SEED=7` others. A failure names the fixture and the number
//! of the mutant, which are all that is needed to make it again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use peak_alloc::PeakAlloc;
use symtool_unwind::{Architecture, CodeRange, Section, UnwindSections, UnwindTable};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What reading sections of some KB may take at most, the fixtures and two at a time included.
const MAX_MIB: f32 = 16.0;
/// No mutant takes a second; one that takes this long does not end.
const HANG: Duration = Duration::from_secs(60);
const THREADS: usize = 2;

/// The sections of a fixture, and which of them is to be broken.
struct Original {
    name: String,
    bytes: Vec<u8>,
    broken: Which,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Which {
    EhFrame,
    DebugFrame,
    Exidx,
    Extab,
    UnwindInfo,
}

impl Which {
    const ALL: [Self; 5] =
        [Self::EhFrame, Self::DebugFrame, Self::Exidx, Self::Extab, Self::UnwindInfo];

    fn of<'s, 'a>(self, sections: &'s mut UnwindSections<'a>) -> &'s mut Option<Section<'a>> {
        match self {
            Self::EhFrame => &mut sections.eh_frame,
            Self::DebugFrame => &mut sections.debug_frame,
            Self::Exidx => &mut sections.exidx,
            Self::Extab => &mut sections.extab,
            Self::UnwindInfo => &mut sections.unwind_info,
        }
    }
}

/// Each section of each fixture that has a golden.
fn originals() -> Vec<Original> {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
    let mut found = Vec::new();
    for golden in std::fs::read_dir(testdata.join("unwind")).unwrap() {
        let golden = golden.unwrap().file_name().into_string().unwrap();
        let Some(name) = golden.strip_suffix(".rows") else { continue };
        let places = ["unwind", "objects"].map(|folder| testdata.join(folder).join(name));
        let path = places.into_iter().find(|path| path.exists()).unwrap();
        let bytes = std::fs::read(path).unwrap();
        for broken in Which::ALL {
            let mut sections = support::sections(&object::File::parse(&*bytes).unwrap());
            if broken.of(&mut sections).is_some() {
                found.push(Original { name: name.to_owned(), bytes: bytes.clone(), broken });
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// Changes `bytes` in one of the ways that files break, or that means harm here: lengths, offsets,
/// counts, and instructions again and again.
fn mutate(bytes: &mut Vec<u8>, rng: &mut Rng) {
    // Among them DW_CFA_remember_state, DW_CFA_restore_state, DW_CFA_advance_loc and `pop {sp}`.
    let interesting = [0, 1, 0x0a, 0x0b, 0x0e, 0x41, 0x7f, 0x80, 0x82, 0x97, 0xb2, 0xfe, 0xff];
    for _ in 0..rng.usize(1..=8) {
        if bytes.is_empty() {
            return;
        }
        let at = rng.usize(..bytes.len());
        match rng.u32(..9) {
            0..=2 => bytes[at] = rng.u8(..),
            3 => bytes[at] ^= 1 << rng.u32(..8),
            4 => bytes[at] = *rng.choice(interesting.iter()).unwrap(),
            5 => {
                let length = bytes.len() as u64;
                let numbers = [0, 1, u64::MAX, u64::from(u32::MAX), 1 << 31, length, at as u64];
                let number = *rng.choice(numbers.iter()).unwrap();
                let end = (at + *rng.choice([2, 4, 8].iter()).unwrap()).min(bytes.len());
                bytes[at..end].copy_from_slice(&number.to_le_bytes()[..end - at]);
            }
            6 => {
                let length = rng.usize(1..64).min(bytes.len() - at);
                let from = rng.usize(..=bytes.len() - length);
                bytes.copy_within(from..from + length, at);
            }
            7 => {
                let end = (at + rng.usize(1..256)).min(bytes.len());
                bytes[at..end].fill(*rng.choice(interesting.iter()).unwrap());
            }
            // More than the fixture has.
            _ if rng.u32(..4) == 0 => {
                let more = vec![*rng.choice(interesting.iter()).unwrap(); rng.usize(1..20_000)];
                bytes.splice(at..at, more);
            }
            _ if rng.u32(..4) == 0 => bytes.truncate(at),
            _ => {
                let at = rng.usize(..bytes.len().min(64));
                bytes[at] = rng.u8(..);
            }
        }
    }
}

fn read(original: &Original, rng: &mut Rng) -> UnwindTable {
    let file = object::File::parse(&*original.bytes).unwrap();
    let mut sections = support::sections(&file);
    let mut bytes = original.broken.of(&mut sections).unwrap().bytes.to_vec();
    mutate(&mut bytes, rng);
    original.broken.of(&mut sections).as_mut().unwrap().bytes = &bytes;
    match rng.u32(..16) {
        0 => sections.architecture = Architecture::Sparc,
        1 => sections.address_bytes = 12 - sections.address_bytes,
        2 => sections.code = Vec::new(),
        3 => sections.code = vec![CodeRange { start: 0, end: u64::MAX, bytes: &[] }],
        4 => sections.is_big_endian = !sections.is_big_endian,
        5 => sections.is_mach_o = !sections.is_mach_o,
        _ => {}
    }
    sections.read()
}

/// What every table must be, however broken its data is.
fn check(table: &UnwindTable) {
    assert!(table.rows.iter().all(|row| row.start < row.end));
    assert!(table.rows.is_sorted_by(|one, next| one.end <= next.start));
    for row in &table.rows {
        let rule = table.rule(row);
        assert!(rule.saved().is_sorted_by(|one, next| one.0 < next.0));
    }
}

#[test]
fn broken_unwind_data_ends_within_its_limits() {
    let originals = originals();
    assert!(originals.len() > 30, "only {} sections", originals.len());
    let (mutants, seed) = (setting("MUTANTS", 40_000), setting("SEED", 1));
    let jobs = usize::try_from(mutants).unwrap();
    let (next, kept, running) =
        (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new([None; THREADS]));
    let failed = AtomicBool::new(false);
    let work = &|thread: usize| {
        while !failed.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= jobs {
                break;
            }
            let original = &originals[number % originals.len()];
            running.lock().unwrap()[thread] = Some((number, Instant::now()));
            let mut rng = Rng::with_seed(seed << 32 ^ number as u64);
            let table = std::panic::catch_unwind(move || {
                let table = read(original, &mut rng);
                check(&table);
                table.rows.len()
            });
            running.lock().unwrap()[thread] = None;
            match table {
                Ok(rows) => drop(kept.fetch_add(rows.min(1), Ordering::Relaxed)),
                Err(_) => {
                    failed.store(true, Ordering::Relaxed);
                    let (name, broken) = (&original.name, original.broken);
                    panic!("{name}: {broken:?}, mutant {number} of seed {seed}");
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..THREADS).map(|thread| scope.spawn(move || work(thread))).collect();
        while workers.iter().any(|worker| !worker.is_finished()) {
            std::thread::sleep(Duration::from_millis(100));
            let since = |job: &Option<(usize, Instant)>| job.filter(|job| job.1.elapsed() > HANG);
            if let Some((number, _)) = running.lock().unwrap().iter().find_map(since) {
                let original = &originals[number % originals.len()];
                eprintln!("{}: mutant {number} of seed {seed} does not end", original.name);
                std::process::abort();
            }
        }
    });
    let peak = MEMORY.peak_usage_as_mb();
    assert!(peak < MAX_MIB, "{peak} MiB");
    assert!(kept.load(Ordering::Relaxed) * 2 > jobs, "most mutants have rows left");
    println!("{jobs} mutants, {} with rows, {peak} MiB", kept.load(Ordering::Relaxed));
}
