//! Breakpad symbol files: what is read of them, and what is written.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

#[path = "../support/mod.rs"]
mod support;
mod written;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use symtool_debug::{
    DebugFile, DropReason, Error, GivenId, Mapped, ModuleSymbols, Progress, Search, Source,
};
use symtool_module::ModuleKind;

fn testdata(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(path)
}

fn in_memory(bytes: impl Into<Vec<u8>>) -> Mapped {
    Mapped::unpacked(bytes.into(), PathBuf::from("x.sym"), "x.sym".to_owned())
}

fn read_mapped(mapped: &Mapped) -> ModuleSymbols {
    DebugFile::parse(mapped).unwrap().read(&Search::nowhere(), &Progress::default()).unwrap()
}

fn read(text: impl Into<Vec<u8>>) -> ModuleSymbols {
    read_mapped(&in_memory(text))
}

fn fixture(name: &str) -> ModuleSymbols {
    read_mapped(&Mapped::open(&testdata("breakpad").join(name)).unwrap())
}

/// A function, a path and a line.
type Frame = (String, String, u32);

/// The frames at `address`, innermost first; none where nothing is known.
fn frames(symbols: &ModuleSymbols, address: u64) -> Vec<Frame> {
    let after = symbols.ranges.partition_point(|range| range.end <= address);
    let Some(range) = symbols.ranges.get(after).filter(|range| range.start <= address) else {
        return Vec::new();
    };
    let (mut frames, mut at, mut location) = (Vec::new(), Some(range.chain), range.location);
    while let Some(chain) = at.map(|at| symbols.chains[at.index() as usize]) {
        let name = chain.function.map(|function| symbols.functions.name(function.index() as usize));
        let file = location.file.and_then(|file| symbols.files.get(file.index() as usize));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (name, file) = (text(name.unwrap_or_default()), text(file.unwrap_or_default().path));
        frames.push((name, file, location.line));
        at = chain.caller.map(|(caller, _)| caller);
        location = chain.caller.map_or(location, |(_, call)| call);
    }
    frames
}

fn frame(name: &str, file: &str, line: u32) -> Frame {
    (name.to_owned(), file.to_owned(), line)
}

/// `path` without `.` and `..`, of which `dump_syms` leaves some out.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|last| !last.is_empty()) => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Answers of llvm-symbolizer for an object: addresses up to the second, and frames.
fn golden(name: &str) -> Vec<(u64, u64, Vec<Frame>)> {
    let text = std::fs::read_to_string(testdata("golden").join(format!("{name}.jsonl"))).unwrap();
    // The last run ends behind the last address there is.
    let hex = |part: &str| u64::from_str_radix(&part[2..], 16).unwrap_or(u64::MAX);
    let line = |line: &str| {
        let parts: Vec<&str> = line.split('"').collect();
        let (start, end) = (hex(parts[3]), hex(parts[7]));
        // {"start":"…","end":"…","frames":[["function","file",line,column],…]}
        let frames = line.split_once("\"frames\":[[").unwrap().1.trim_end_matches("]]}");
        let frame = |frame: &str| {
            // "function","file",line,column
            let (names, numbers) = frame.rsplit_once("\",").unwrap();
            let (name, file) = names[1..].split_once("\",\"").unwrap();
            (name.to_owned(), normal(file), numbers.split_once(',').unwrap().0.parse().unwrap())
        };
        (start, end, frames.split("],[").map(frame).collect())
    };
    text.lines().map(line).collect()
}

/// `dump_syms` demangles names, and knows no clones (`f.part.0`). Of the symbols of stub.s, which
/// overlap, it takes others than LLVM.
fn is_same_function(linkage: &str, name: &str) -> bool {
    if linkage.starts_with("stub_") {
        return name.starts_with("stub_");
    }
    let linkage = linkage.split('.').next().unwrap();
    let last = name.split('(').next().unwrap().rsplit("::").next().unwrap();
    let last = last.split('<').next().unwrap().rsplit([' ', '~']).next().unwrap();
    last.starts_with("operator")
        || linkage == name
        || linkage.trim_start_matches('_') == name
        || linkage.contains(last)
}

#[test]
fn chains_are_those_of_the_object() {
    let cases = [
        ("c-gcc-O2-dwarf5.so", 0, 680),
        ("c-gcc-O2-exec-dwarf5", 0x40_0000, 600),
        ("cpp-gcc-O2-dwarf5.so", 0, 300),
        ("cpp-clang-O2-dwarf5.so", 0, 390),
        ("cpp-clang-O2-lto-full.so", 0, 390),
        ("macho-cpp-x86_64-O2-dwarf4", 0, 400),
        ("macho-cpp-arm64-O2-dwarf5", 0, 290),
        ("port-arm-gcc-dwarf5.so", 0, 130),
        ("port-aarch64-gcc-dwarf5.so", 0, 120),
        ("id-fast.so", 0, 150),
    ];
    for (name, image_base, least) in cases {
        let symbols = fixture(&format!("{name}.sym"));
        assert_eq!(symbols.dropped.iter().count(), 0, "{name}");
        let mut compared = 0;
        for (start, end, want) in golden(name) {
            for address in [start, end - 1] {
                let Some(relative) = address.checked_sub(image_base) else { continue };
                let found = frames(&symbols, relative);
                // Where there is no line, dump_syms tells nothing.
                if found.first().is_none_or(|frame| frame.1.is_empty()) {
                    continue;
                }
                let places = |frames: &[Frame]| {
                    frames.iter().map(|frame| (normal(&frame.1), frame.2)).collect::<Vec<_>>()
                };
                assert_eq!(places(&found), places(&want), "{name} {address:#x}");
                for ((found, ..), (want, ..)) in found.iter().zip(&want) {
                    assert!(is_same_function(want, found), "{name} {address:#x}: {want} {found}");
                }
                compared += 1;
            }
        }
        assert!(compared >= least, "{name}: only {compared}");
    }
}

#[test]
fn modules_are_called_as_their_objects_are() {
    for (name, path) in [
        ("c-gcc-O2-dwarf5.so", "objects/c-gcc-O2-dwarf5.so"),
        ("macho-cpp-arm64-O2-dwarf5", "objects/macho-cpp-arm64-O2-dwarf5"),
        ("port-arm-gcc-dwarf5.so", "objects/port-arm-gcc-dwarf5.so"),
        ("port-aarch64-gcc-dwarf5.so", "objects/port-aarch64-gcc-dwarf5.so"),
        ("id-fast.so", "objects/id-fast.so"),
        ("shop64", "windows/shop64.pdb"),
        ("shop86fp", "windows/shop86fp.pdb"),
    ] {
        let object = Mapped::open(&testdata(path)).unwrap();
        let object = DebugFile::parse(&object).unwrap();
        let info = fixture(&format!("{name}.sym")).info;
        let own = object.info();
        assert_eq!((info.kind, &info.id, &info.arch), (own.kind, &own.id, &own.arch), "{name}");
        assert_eq!(info.name, own.name);
    }
}

/// Records that overlap, that refer to nothing, that nobody knows.
#[test]
fn odd_records() {
    let symbols = fixture("odd.sym");
    let at = |address| frames(&symbols, address);
    let (a, seven) = ("/src/a b.c", "/src/seven.c");
    for (address, want) in [
        (0xfff, vec![]),
        (0x1000, vec![frame("one", a, 10)]),
        // A line of 0 is told, a file that is not there is not.
        (0x1008, vec![frame("one", a, 0)]),
        (0x1010, vec![frame("one", "", 12)]),
        (0x1018, vec![frame("one", "", 0)]),
        (0x101f, vec![frame("one", "", 0)]),
        (0x1020, vec![frame("overlaps", a, 30)]),
        (0x1030, vec![]),
        (0x2000, vec![frame("two", a, 20)]),
        (0x2010, vec![frame("outer", seven, 40), frame("two", seven, 21)]),
        (
            0x2018,
            vec![frame("inner(int, long)", a, 50), frame("outer", a, 41), frame("two", seven, 21)],
        ),
        (0x201c, vec![frame("outer", seven, 42), frame("two", seven, 21)]),
        (
            0x2023,
            vec![frame("inner(int, long)", a, 51), frame("outer", a, 41), frame("two", seven, 21)],
        ),
        (0x203f, vec![frame("two", a, 22)]),
        (0x2040, vec![]),
        (0x3000, vec![frame("old inlines", a, 32)]),
        (0x3004, vec![frame("", a, 32), frame("outer", a, 5), frame("old inlines", "", 31)]),
        (0x3006, vec![frame("outer", a, 32), frame("old inlines", "", 31)]),
        (0x3fff, vec![]),
        (0x4000, vec![frame("_init", "", 0)]),
        (0x400f, vec![frame("_init", "", 0)]),
        (0x403f, vec![frame("f(int)", "", 0)]),
        (0x4040, vec![frame("", "", 0)]),
        (0x4048, vec![frame("last", "", 0)]),
        (u64::MAX - 1, vec![frame("last", "", 0)]),
    ] {
        assert_eq!(at(address), want, "{address:#x}");
    }
}

/// What such records leave behind besides functions and lines.
#[test]
fn odd_records_are_counted() {
    let symbols = fixture("odd.sym");
    let aliases: Vec<_> = symbols
        .aliases
        .iter()
        .map(|alias| (alias.address, String::from_utf8(alias.name.clone()).unwrap()))
        .collect();
    let want = [(0x1000, "one_public"), (0x1000, "one_too"), (0x4000, "_init_too")];
    assert_eq!(aliases, want.map(|(address, name)| (address, name.to_owned())));
    let dropped: BTreeMap<_, _> =
        symbols.dropped.iter().map(|(reason, count)| (reason.name(), count)).collect();
    // FILE x, a line before all functions, a file and an origin that are not there, FUNC 3000 zz.
    assert_eq!(
        dropped,
        BTreeMap::from([("bad_record", 5), ("bad_unwind_entry", 1), ("unknown_record", 1)])
    );
    assert_eq!(symbols.warnings.len(), 1);
    let sources: Vec<Source> = symbols.chains.iter().map(|chain| chain.source).collect();
    assert!(sources.contains(&Source::Breakpad) && sources.contains(&Source::Symtab));
    assert_eq!(symbols.unwind.rows.len(), 2);
    // The code id is of another build.
    assert_eq!(symbols.info.id.to_string(), "04030201060508070 90a0b0c0d0e0f10".replace(' ', ""));
}

#[test]
fn frame_data_of_windows_is_read() {
    for (name, rows) in [("shop64", 8), ("shop86", 20), ("shop86fp", 30)] {
        let symbols = fixture(&format!("{name}.sym"));
        let unwind = &symbols.unwind;
        assert_eq!(symbols.info.kind, ModuleKind::Pe);
        assert!(unwind.rows.len() >= rows, "{name}: {} rows", unwind.rows.len());
        assert_eq!(symbols.dropped.iter().count(), 0, "{name}");
    }
}

#[test]
fn a_file_without_module_line_needs_an_id() {
    let text = "FILE 0 /src/a.c\nFUNC 10 4 0 f\n10 4 1 0\nSTACK CFI INIT 10 4 .cfa: $rsp 8 + .ra: .cfa 8 - ^\n";
    let mapped = in_memory(text);
    let error = DebugFile::parse(&mapped).unwrap_err();
    assert!(matches!(error, Error::NoModuleLine { .. }));
    assert!(error.to_string().contains("--id"), "{error}");
    let id = GivenId::parse("143facb8b0edf2c9ee67c2858418d0b04ce3faf1").unwrap();
    let file = DebugFile::parse_with_id(&mapped, Some(&id)).unwrap();
    assert_eq!((file.info().arch.as_str(), file.info().name.as_str()), ("x86_64", "x.sym"));
    let symbols = file.read(&Search::nowhere(), &Progress::default()).unwrap();
    assert_eq!(frames(&symbols, 0x12), [frame("f", "/src/a.c", 1)]);
    // That of the file itself wins.
    let mapped = in_memory(format!("MODULE Linux arm {}0 a\n{text}", "0F".repeat(16)));
    let file = DebugFile::parse_with_id(&mapped, Some(&id)).unwrap();
    assert_eq!(file.info().arch, "arm");
}

const MODULE: &str = "MODULE Linux x86_64 0102030405060708090A0B0C0D0E0F100 x\n";

#[test]
fn a_line_that_is_too_long_is_named() {
    let long = "x".repeat(3 << 20);
    let text =
        format!("{MODULE}FILE 0 a.c\nFUNC 10 4 0 f\n10 4 1 0\nFUNC 20 4 0 {long}\nFUNC 30 4 0 g\n");
    let symbols = read(text);
    assert_eq!(frames(&symbols, 0x10), [frame("f", "a.c", 1)]);
    assert_eq!(frames(&symbols, 0x30), [frame("g", "", 0)]);
    assert!(frames(&symbols, 0x20).is_empty());
    let warning = &symbols.warnings[0];
    assert!(
        warning.starts_with("line 5 has 3145740 bytes, over the limit of 1048576"),
        "{warning}"
    );
    let dropped: Vec<_> =
        symbols.dropped.iter().map(|(reason, count)| (reason.name(), count)).collect();
    assert_eq!(dropped, [("long_record", 1)]);
}

#[test]
fn a_file_of_nothing_is_refused() {
    let mapped = in_memory(format!("{MODULE}FILE 0 a.c\n"));
    let file = DebugFile::parse(&mapped).unwrap();
    let error = file.read(&Search::nowhere(), &Progress::default()).unwrap_err();
    assert!(matches!(error, Error::NoSymbols { .. }), "{error}");
}

#[test]
fn damaged_unwind_records_are_warned_of() {
    let symbols = read(
        "MODULE Linux x86_64 0123456789ABCDEF0123456789ABCDEF0 a\nFUNC 10 10 0 f\n\
         STACK CFI INIT 10 10 .cfa: $rsp 8 + .ra: .cfa -8 + ^\nSTACK CFI INIT x 8 .cfa: $rsp\n",
    );
    assert!(symbols.dropped.has(DropReason::BadUnwindEntry));
    assert_eq!((symbols.unwind.rows.len(), symbols.warnings.len()), (1, 1));
}
