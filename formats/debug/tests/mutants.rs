//! Broken files: every fixture, thousands of times, with bytes changed, cut off or moved. Reading
//! one must end, without a panic, within the limits of memory that formats/debug/src/limits.rs
//! promises.
//!
//! `MUTANTS=100000` makes more of them, `SEED=7` others. A failure names the fixture and the number
//! of the mutant, which are all that is needed to make it again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use peak_alloc::PeakAlloc;
use rayon::prelude::*;
use symtool_debug::ModuleSymbols;
use symtool_debug::container::{Format, Kind, list};
use symtool_debug::{DebugFile, Mapped, Progress, Search};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What reading files of 100 kB may take at most. The largest of the limits is 64 MiB of names.
const MAX_MIB: f32 = 128.0;
/// No mutant takes a second; one that takes this long does not end.
const HANG: Duration = Duration::from_secs(60);

fn fixtures() -> Vec<PathBuf> {
    let folder = |name: &str| {
        support::files(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name))
    };
    folder("objects").into_iter().chain(windows()).collect()
}

/// Images of Windows and their PDBs.
fn windows() -> Vec<PathBuf> {
    let mut files =
        support::files(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/windows"));
    files.retain(|file| file.extension().is_some_and(|end| end == "dll" || end == "pdb"));
    files
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// Changes `bytes` in one of the ways that files break, or that a fuzzer has found to matter.
fn mutate(bytes: &mut Vec<u8>, rng: &mut Rng) {
    let interesting = [0, 1, 0x7f, 0x80, 0xfe, 0xff];
    for _ in 0..rng.usize(1..=8) {
        if bytes.is_empty() {
            return;
        }
        let at = rng.usize(..bytes.len());
        match rng.u32(..9) {
            0..=2 => bytes[at] = rng.u8(..),
            3 => bytes[at] ^= 1 << rng.u32(..8),
            4 => bytes[at] = *rng.choice(interesting.iter()).unwrap(),
            // A length, an offset or an address.
            5 => {
                let number = *rng
                    .choice(
                        [0, 1, u64::MAX, u64::from(u32::MAX), 1 << 31, bytes.len() as u64].iter(),
                    )
                    .unwrap();
                let width = *rng.choice([2, 4, 8].iter()).unwrap();
                let end = (at + width).min(bytes.len());
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
            _ if rng.u32(..8) == 0 => bytes.truncate(at),
            // The headers, which everything else hangs on.
            _ => {
                let at = rng.usize(..bytes.len().min(64));
                bytes[at] = rng.u8(..);
            }
        }
    }
}

fn read(bytes: Vec<u8>) -> Option<ModuleSymbols> {
    read_mapped(&Mapped::unpacked(bytes, PathBuf::from("mutant"), "mutant".to_owned()))
}

/// The last object of `mapped`, which may be a universal file or an archive.
fn read_mapped(mapped: &Mapped) -> Option<ModuleSymbols> {
    if let Kind::Archive(format) = Kind::of(mapped.bytes()) {
        let members = list(mapped, format)
            .members
            .into_iter()
            .flatten()
            .filter_map(|member| member.open().ok());
        // Of those within it, no mutant makes more than there are.
        return members
            .filter(|member| !matches!(Kind::of(member.bytes()), Kind::Archive(Format::Zip)))
            .filter_map(|member| read_mapped(&member))
            .last();
    }
    let file = DebugFile::parse(mapped).ok()?.with_debug_data(None, &Search::nowhere());
    file.read(&Search::nowhere(), &Progress::default()).ok()
}

/// What every module must be, however broken its file is.
fn check(module: &ModuleSymbols) {
    assert!(module.ranges.iter().all(|range| range.start < range.end));
    assert!(module.ranges.is_sorted_by(|a, b| a.end <= b.start));
    assert!(module.aliases.is_sorted());
    assert!(module.ranges.iter().all(|range| (range.chain.index() as usize) < module.chains.len()));
    let is_file = |file: Option<symtool_debug::FileId>| {
        file.is_none_or(|file| (file.index() as usize) < module.files.len())
    };
    assert!(module.ranges.iter().all(|range| is_file(range.location.file)));
    for (number, chain) in module.chains.iter().enumerate() {
        assert!(
            chain
                .function
                .is_none_or(|function| (function.index() as usize) < module.functions.len())
        );
        assert!(chain.caller.is_none_or(
            |(caller, place)| (caller.index() as usize) < number && is_file(place.file)
        ));
    }
}

#[test]
fn broken_files_end_within_their_limits() {
    let fixtures = fixtures();
    assert!(fixtures.len() > 100, "only {} fixtures", fixtures.len());
    end_within_their_limits(&fixtures);
}

/// Of PDBs most bytes matter to what is read, and each has many more than an object file.
#[test]
fn broken_images_and_pdbs_end_within_their_limits() {
    let windows = windows();
    assert!(windows.len() > 10, "only {} fixtures", windows.len());
    end_within_their_limits(&windows);
}

/// Symbol files are text: most mutants change a digit or a word.
#[test]
fn broken_symbol_files_end_within_their_limits() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/breakpad");
    let fixtures = support::files(folder);
    assert!(fixtures.len() > 10, "only {} fixtures", fixtures.len());
    end_within_their_limits(&fixtures);
}

fn end_within_their_limits(fixtures: &[PathBuf]) {
    let originals: Vec<Vec<u8>> =
        fixtures.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let each = setting("MUTANTS", 40_000).div_ceil(fixtures.len() as u64);
    let seed = setting("SEED", 1);
    let (readable, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let running: Mutex<BTreeMap<(usize, u64), Instant>> = Mutex::new(BTreeMap::new());
    let jobs: Vec<(usize, u64)> = (0..each)
        .flat_map(|number| (0..fixtures.len()).map(move |fixture| (fixture, number)))
        .collect();
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while done.load(Ordering::Relaxed) < jobs.len() {
                std::thread::sleep(Duration::from_millis(200));
                let running = running.lock().unwrap();
                if let Some(((fixture, number), _)) =
                    running.iter().find(|(_, since)| since.elapsed() > HANG)
                {
                    eprintln!(
                        "{}: mutant {number} of seed {seed} does not end",
                        fixtures[*fixture].display()
                    );
                    std::process::abort();
                }
            }
        });
        jobs.par_iter().with_max_len(1).for_each(|job @ &(fixture, number)| {
            let mut bytes = originals[fixture].clone();
            let mut rng = Rng::with_seed(seed ^ (number << 32) ^ fixture as u64);
            mutate(&mut bytes, &mut rng);
            running.lock().unwrap().insert(*job, Instant::now());
            let module = std::panic::catch_unwind(|| read(bytes));
            running.lock().unwrap().remove(job);
            done.fetch_add(1, Ordering::Relaxed);
            match module {
                Ok(Some(module)) => {
                    check(&module);
                    readable.fetch_add(1, Ordering::Relaxed);
                }
                Ok(None) => drop(refused.fetch_add(1, Ordering::Relaxed)),
                Err(_) => {
                    done.store(usize::MAX, Ordering::Relaxed);
                    panic!("{}: mutant {number} of seed {seed}", fixtures[fixture].display());
                }
            }
        });
    });
    let peak = MEMORY.peak_usage_as_mb();
    assert!(peak < MAX_MIB, "{peak} MiB");
    let (readable, refused) = (readable.into_inner(), refused.into_inner());
    // A test that only ever fails to open its files tests nothing.
    assert!(readable > refused / 2 && refused > 0, "{readable} readable, {refused} refused");
}

/// Objects whose functions or names are in other files, which are broken.
#[test]
fn broken_companions_cost_only_what_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    let each = setting("MUTANTS", 40_000).div_ceil(1000);
    let mut companions = 0;
    for path in fixtures().iter().filter(|path| {
        path.extension().is_some_and(|end| end == "dwo" || end == "dwp" || end == "debug")
    }) {
        let beside: Vec<PathBuf> = std::fs::read_dir(path.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        let Some(object) =
            beside.iter().find(|file| file.extension().is_some_and(|end| end == "so"))
        else {
            continue;
        };
        for file in beside.iter().filter(|file| file.is_file()) {
            std::fs::copy(file, folder.path().join(file.file_name().unwrap())).unwrap();
        }
        let original = std::fs::read(path).unwrap();
        let object = folder.path().join(object.file_name().unwrap());
        for number in 0..each {
            let mut bytes = original.clone();
            let seed = setting("SEED", 1) ^ (number << 32) ^ original.len() as u64;
            mutate(&mut bytes, &mut Rng::with_seed(seed));
            std::fs::write(folder.path().join(path.file_name().unwrap()), bytes).unwrap();
            let module = read_mapped(&Mapped::open(&object).unwrap());
            check(&module.unwrap_or_else(|| panic!("{}: mutant {number}", path.display())));
        }
        companions += 1;
    }
    assert!(companions > 20, "only {companions} companions");
}

/// Images whose debug data is in object files, which are broken, or whose map of them is.
#[test]
fn broken_debug_maps_cost_only_what_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    let each = setting("MUTANTS", 40_000).div_ceil(400);
    let mut images = 0;
    for image in fixtures()
        .iter()
        .filter(|path| path.ends_with("app") && path.to_str().unwrap().contains("macho-map-"))
    {
        let beside =
            std::fs::read_dir(image.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
        let files: Vec<PathBuf> = beside.filter(|file| file.is_file()).collect();
        for file in &files {
            std::fs::copy(file, folder.path().join(file.file_name().unwrap())).unwrap();
        }
        for (file, number) in
            files.iter().flat_map(|file| (0..each).map(move |number| (file, number)))
        {
            let original = std::fs::read(file).unwrap();
            let mut bytes = original.clone();
            mutate(
                &mut bytes,
                &mut Rng::with_seed(setting("SEED", 1) ^ (number << 32) ^ original.len() as u64),
            );
            let broken = folder.path().join(file.file_name().unwrap());
            std::fs::write(&broken, bytes).unwrap();
            let module =
                Mapped::open(&folder.path().join("app")).ok().and_then(|image| read_mapped(&image));
            if file != image {
                assert!(module.is_some(), "{}: mutant {number}", file.display());
            }
            module.iter().for_each(check);
            std::fs::write(&broken, original).unwrap();
        }
        images += 1;
    }
    assert!(images >= 5, "only {images} images");
}

/// A file that ends early, or of which a part was never written.
#[test]
fn truncated_and_sparse_files_end() {
    let mut readable = 0;
    for path in fixtures() {
        let bytes = std::fs::read(&path).unwrap();
        let part = bytes.len().div_ceil(16);
        for start in (0..bytes.len()).step_by(part) {
            let mut sparse = bytes.clone();
            sparse[start..bytes.len().min(start + part)].fill(0);
            for broken in [bytes[..start].to_vec(), sparse] {
                if let Some(module) = read(broken) {
                    check(&module);
                    readable += 1;
                }
            }
        }
    }
    // Most of what is cut off is refused, as section headers stand at the end.
    assert!(readable > 1000, "only {readable} could be read");
}
