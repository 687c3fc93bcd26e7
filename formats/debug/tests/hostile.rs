//! Files that are made to be expensive: each kind is read at one size and at twice that size, which
//! may take 2.4 times the work, counted in steps, and no more memory than a file of its size may.
//! What steps are stands in docs/limits.md; `scripts/hostile.py` counts the instructions of the
//! whole program instead.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::path::PathBuf;
use std::sync::Mutex;

use peak_alloc::PeakAlloc;
use support::elf::{CODE, CODE_BYTES, elf, uleb};
use symtool_debug::{DebugFile, Mapped, Progress, Search};
use symtool_debug::{DropReason, ModuleSymbols};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Memory is measured of one file at a time.
static ONE: Mutex<()> = Mutex::new(());

const MAX_GROWTH: f64 = 2.4;

/// What a file of so many bytes may take.
fn allowed_bytes(file: usize) -> usize {
    (64 << 20) + 8 * file
}

/// The steps that reading `file` takes, and what comes of it.
fn read(kind: &str, file: Vec<u8>) -> (u64, Option<ModuleSymbols>) {
    let allowed = allowed_bytes(file.len());
    let mapped = Mapped::unpacked(file, PathBuf::from(kind), kind.to_owned());
    let object = DebugFile::parse(&mapped).unwrap();
    let progress = Progress::default();
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let module = object.read(&Search::nowhere(), &progress).ok();
    let taken = MEMORY.peak_usage() - before;
    assert!(taken <= allowed, "{kind}: {taken} bytes of memory, {allowed} are allowed");
    (progress.steps(), module)
}

/// Reads `make` of `size` and of twice that, and returns what came of the larger one.
fn grows(kind: &str, size: u64, make: impl Fn(u64) -> Vec<u8>) -> Option<ModuleSymbols> {
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (small, _) = read(kind, make(size));
    let (large, module) = read(kind, make(2 * size));
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    let growth = large as f64 / small as f64;
    assert!(small > size, "{kind}: {small} steps at size {size}: they are not counted");
    assert!(
        growth <= MAX_GROWTH,
        "{kind}: {small} steps, at twice the size {large} ({growth:.2} times)"
    );
    module
}

// Names and forms: DWARF 4, sections 7.5.3 and 7.5.4.
const ROOT: [u8; 9] = [1, 0x11, 1, 0x11, 0x01, 0x12, 0x07, 0, 0];
const ADDRESS: [u8; 2] = [0x11, 0x01];
const LENGTH: [u8; 2] = [0x12, 0x07];
const NAME: [u8; 2] = [0x03, 0x08];
const EXTERNAL: [u8; 2] = [0x3f, 0x19];
const RANGES: [u8; 2] = [0x55, 0x17];
const ORIGIN: [u8; 2] = [0x31, 0x13];
const LINES: [u8; 2] = [0x10, 0x17];

fn place(start: u64, bytes: u64) -> Vec<u8> {
    [start.to_le_bytes(), bytes.to_le_bytes()].concat()
}

fn abbreviation(code: u64, tag: u8, children: bool, attributes: &[[u8; 2]]) -> Vec<u8> {
    [uleb(code), vec![tag, u8::from(children)], attributes.concat(), vec![0, 0]].concat()
}

fn unit(entries: &[u8], abbreviations_at: usize) -> Vec<u8> {
    let at = u32::try_from(abbreviations_at).unwrap().to_le_bytes();
    let body = [&[4, 0][..], &at, &[8], entries].concat();
    [&u32::try_from(body.len()).unwrap().to_le_bytes()[..], &body].concat()
}

/// A unit with a root, which has all code, and `entries` in it.
fn root_with(entries: &[u8]) -> Vec<u8> {
    unit(&[&[1][..], &place(CODE, CODE_BYTES), entries, &[0]].concat(), 0)
}

fn dwarf(abbreviations: Vec<u8>, info: Vec<u8>, other: Option<(&str, Vec<u8>)>) -> Vec<u8> {
    let mut sections =
        vec![(".debug_abbrev", 0, [abbreviations, vec![0]].concat()), (".debug_info", 0, info)];
    sections.extend(other.map(|(name, contents)| (name, 0, contents)));
    elf(&sections)
}

/// An abbreviation of many attributes without size, and many entries that use it.
#[test]
fn attributes_of_no_size() {
    grows("attributes", 4000, |n| {
        let attributes = vec![EXTERNAL; usize::try_from(n).unwrap()];
        let table = [ROOT.to_vec(), abbreviation(2, 0x2e, false, &attributes)].concat();
        dwarf(table, root_with(&vec![2; 2 * usize::try_from(n).unwrap()]), None)
    });
}

/// Many functions that share one long list of ranges: it is read once, and the last function has
/// it.
#[test]
fn shared_lists_of_ranges() {
    let module = grows("shared ranges", 4000, |n| {
        let table = [ROOT.to_vec(), abbreviation(2, 0x2e, false, &[NAME, RANGES])].concat();
        let entries = (0..n)
            .flat_map(|number| [b"\x02f", number.to_string().as_bytes(), b"\0\0\0\0\0"].concat());
        let list =
            (0..n).flat_map(|number| place(2 * number, 2 * number + 1)).chain([0; 16]).collect();
        dwarf(table, root_with(&entries.collect::<Vec<u8>>()), Some((".debug_ranges", list)))
    });
    let module = module.unwrap();
    assert_eq!((module.functions.len(), module.functions.get(0).unwrap().name), (1, &b"f7999"[..]));
}

/// Many units, each with its abbreviations at another offset of one table.
#[test]
fn overlapping_abbreviations() {
    grows("abbreviations", 4000, |n| {
        let (mut table, mut info) = (Vec::new(), Vec::new());
        for number in 1..=n {
            info.extend(unit(&[uleb(number), place(CODE, 1)].concat(), table.len()));
            table.extend(abbreviation(number, 0x11, false, &[ADDRESS, LENGTH]));
        }
        dwarf(table, info, None)
    });
}

/// Many units that share one long line program.
#[test]
fn shared_lines() {
    grows("lines", 3000, |n| {
        let table = abbreviation(1, 0x11, false, &[LINES, ADDRESS, LENGTH]);
        let info = (0..n)
            .flat_map(|number| unit(&[&[1, 0, 0, 0, 0][..], &place(CODE + number, 1)].concat(), 0))
            .collect();
        let head = b"\x01\x01\x01\xfb\x0e\x0d\0\x01\x01\x01\x01\0\0\0\x01\0\0\x01\0a.c\0\0\0\0\0";
        let program = [
            &b"\0\x09\x02"[..],
            &CODE.to_le_bytes(),
            &vec![0x21; 8 * usize::try_from(n).unwrap()],
            b"\0\x01\x01",
        ]
        .concat();
        let body =
            [&b"\x04\0"[..], &u32::try_from(head.len()).unwrap().to_le_bytes(), head, &program]
                .concat();
        let lines = [&u32::try_from(body.len()).unwrap().to_le_bytes()[..], &body].concat();
        dwarf(table, info, Some((".debug_line", lines)))
    });
}

fn with_calls(calls: &[u8], ends: usize, has_children: bool) -> Vec<u8> {
    let function = abbreviation(2, 0x2e, true, &[NAME, ADDRESS, LENGTH]);
    let table =
        [ROOT.to_vec(), function, abbreviation(3, 0x1d, has_children, &[ORIGIN, ADDRESS, LENGTH])]
            .concat();
    dwarf(
        table,
        root_with(&[&b"\x02f\0"[..], &place(CODE, CODE_BYTES), calls, &vec![0; ends]].concat()),
        None,
    )
}

/// A call of the function that begins behind the unit's header and root.
fn call(start: u64, bytes: u64) -> Vec<u8> {
    [&[3, 28, 0, 0, 0][..], &place(start, bytes)].concat()
}

/// A function with many inlined calls, each of which covers almost all of it.
#[test]
fn overlapping_calls() {
    grows("overlapping calls", 4000, |n| {
        let calls = (0..n)
            .flat_map(|number| call(CODE + number % 7, CODE_BYTES / 2 - number))
            .collect::<Vec<u8>>();
        with_calls(&calls, 1, false)
    });
}

/// Inlined calls within each other, far deeper than any real ones.
#[test]
fn nested_calls() {
    let module = grows("nested calls", 4000, |n| {
        let calls = (0..n)
            .flat_map(|number| call(CODE + number, CODE_BYTES - 2 * number))
            .collect::<Vec<u8>>();
        with_calls(&calls, usize::try_from(n + 1).unwrap(), true)
    });
    assert!(module.unwrap().dropped.has(DropReason::TooDeep));
}

/// A table of Go's, in which many functions share long tables of lines: a function reads them as
/// far as it reaches.
#[test]
fn shared_steps_of_go() {
    let module = grows("steps of Go", 4000, |n| {
        let count = usize::try_from(n).unwrap();
        // Steps of no length, of which there is no end.
        let steps = [&[0][..], &[2, 0].repeat(4 * count), &[2, 1, 0]].concat();
        // Functions, their end, and one description for all of them.
        let described = 8 * n + 4;
        let list = (0..n).flat_map(|number| {
            [number.to_le_bytes(), described.to_le_bytes()]
                .map(|field| field[..4].to_vec())
                .concat()
        });
        let list = list.chain(n.to_le_bytes()[..4].to_vec());
        let description = [[0u32, 1, 0, 0, 0, 0, 1, 0, 0], [0; 9]]
            .concat()
            .into_iter()
            .flat_map(u32::to_le_bytes);
        let entries: Vec<u8> = list.chain(description).collect();
        let (names, units, paths) = (b"\0f\0".to_vec(), vec![0; 4], b"a.go\0".to_vec());
        let parts = [names, units, paths, steps, entries];
        let mut offset = 8 + 8 * 8;
        let mut words = vec![n, 1, CODE];
        for part in &parts {
            words.push(offset);
            offset += part.len() as u64;
        }
        let head = words.into_iter().flat_map(u64::to_le_bytes);
        let table = b"\xf0\xff\xff\xff\0\0\x01\x08"
            .iter()
            .copied()
            .chain(head)
            .chain(parts.concat())
            .collect();
        elf(&[(".gopclntab", 0x0020_0000, table)])
    });
    let is_left_out = module.is_none_or(|module| module.dropped.has(DropReason::TooMuchWork));
    assert!(is_left_out, "the tables of lines were not read");
}

/// Many functions at few addresses, all of one long name: aliases take no more than names may.
#[test]
fn aliases_of_one_name() {
    let module = grows("aliases", 4000, |n| {
        // DW_FORM_strp: the names are one string.
        let table = [ROOT.to_vec(), abbreviation(2, 0x2e, false, &[[0x03, 0x0e], ADDRESS, LENGTH])]
            .concat();
        let function = |number: u64| {
            let name = u32::try_from(number % 2).unwrap().to_le_bytes();
            [&[2][..], &name, &place(CODE + number / 2, 1)].concat()
        };
        let names = [vec![b'f'; 60_000], vec![0]].concat();
        dwarf(
            table,
            root_with(&(0..n).flat_map(function).collect::<Vec<u8>>()),
            Some((".debug_str", names)),
        )
    });
    let module = module.unwrap();
    assert!(
        module.aliases.len() > 100 && module.dropped.has(DropReason::LongName),
        "{} aliases",
        module.aliases.len()
    );
}
