//! Images of Windows and PDBs: chains and lines equal a replay of what another parser reads
//! (`testdata/pdb_replay.py`), ids tell that files are of one build, and what cannot be read is
//! named.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::path::{Path, PathBuf};

use symtool_debug::container::Kind;
use symtool_debug::{
    DebugFile, DropReason, Error, FunctionId, Mapped, ModuleInfo, ModuleSymbols, Progress, Range,
    Search, SourceLocation, Start,
};

const FIXTURES: [&str; 9] = [
    "shop64",
    "shop64-8k",
    "shop64-16k",
    "shop64-32k",
    "shop64-sepcode",
    "shoparm64",
    "shoparm",
    "shop86",
    "shop86fp",
];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/windows").join(name)
}

fn read_file(name: &str) -> (ModuleInfo, ModuleSymbols) {
    let mapped = Mapped::open(&fixture(name)).unwrap();
    assert_eq!(Kind::of(mapped.bytes()), Kind::Object);
    let file = DebugFile::parse(&mapped).unwrap();
    (file.info().clone(), file.read(&Search::nowhere(), &Progress::default()).unwrap())
}

fn read(bytes: Vec<u8>) -> Result<ModuleSymbols, Error> {
    let mapped = Mapped::unpacked(bytes, PathBuf::from("broken.pdb"), "broken.pdb".to_owned());
    DebugFile::parse(&mapped)?.read(&Search::nowhere(), &Progress::default())
}

fn range(module: &ModuleSymbols, address: u64) -> Option<&Range> {
    let after = module.ranges.partition_point(|range| range.end <= address);
    module.ranges.get(after).filter(|range| range.start <= address)
}

/// The frames at `address`, innermost first, as the replay writes them.
fn frames(module: &ModuleSymbols, address: u64) -> Option<String> {
    let range = range(module, address)?;
    let function = |function: Option<FunctionId>| {
        function.map_or("?", |function| {
            std::str::from_utf8(module.functions.name(function.index() as usize)).unwrap()
        })
    };
    let place = |place: SourceLocation| {
        let file = place.file.map_or("?", |file| {
            std::str::from_utf8(module.files.get(file.index() as usize).unwrap().path).unwrap()
        });
        format!("{file}:{}", place.line)
    };
    let (mut chain, mut location) = (&module.chains[range.chain.index() as usize], range.location);
    let mut frames = Vec::new();
    loop {
        frames.push(format!("{}|{}", function(chain.function), place(location)));
        let Some((caller, call)) = chain.caller else { return Some(frames.join("\t")) };
        (chain, location) = (&module.chains[caller.index() as usize], call);
    }
}

#[test]
fn chains_and_lines_equal_the_replay() {
    for name in FIXTURES {
        let (_, module) = read_file(&format!("{name}.pdb"));
        assert!(module.ranges.is_sorted_by(|a, b| a.end <= b.start));
        assert_eq!((module.dropped.iter().count(), module.warnings.len()), (0, 0), "{name}");
        let golden = std::fs::read_to_string(fixture(&format!("{name}.replay"))).unwrap();
        let mut next = golden.lines().skip(1).map(|line| parse(line).0);
        let mut inlined = 0;
        for line in golden.lines() {
            let (address, want) = parse(line);
            let until = next.next().unwrap_or(address + 1);
            // From one line to the next: padding behind a function has no lines.
            let last = (address..until)
                .rev()
                .find(|at| range(&module, *at).is_some_and(|range| range.location.line > 0))
                .unwrap_or(address);
            for at in [address, last] {
                assert_eq!(frames(&module, at).as_deref(), Some(want), "{name} {at:#x}");
            }
            inlined += usize::from(want.contains('\t'));
        }
        assert!(inlined > 6, "{name}: only {inlined} with inlined calls");
    }
}

fn parse(line: &str) -> (u64, &str) {
    let (address, frames) = line.split_once('\t').unwrap();
    (u64::from_str_radix(&address[2..], 16).unwrap(), frames)
}

#[test]
fn an_image_and_its_pdb_have_one_id() {
    for (name, id, arch) in [
        ("shop64", "3723f16866a99c534c4c44205044422e00000001", "x86_64"),
        ("shoparm64", "", "aarch64"),
        ("shoparm", "", "arm"),
        ("shop86", "1ca9157380b3187b4c4c44205044422e00000001", "i386"),
    ] {
        let ((dll, exports), (pdb, _)) =
            (read_file(&format!("{name}.dll")), read_file(&format!("{name}.pdb")));
        assert_eq!(
            (dll.kind.name(), dll.detail.name(), pdb.kind.name(), pdb.detail.name()),
            ("pe", "exports", "pe", "debug")
        );
        assert_eq!(
            (&dll.id, &dll.arch, dll.image_base, pdb.image_base),
            (&pdb.id, &pdb.arch, 0, 0)
        );
        assert_eq!(dll.arch, arch);
        assert!(id.is_empty() || dll.id.to_string() == id, "{}", dll.id);
        assert!(!dll.code.contradicts(pdb.code) && dll.fingerprint != pdb.fingerprint);
        // Addresses are relative to the image in both.
        let start = exports.ranges[0].start;
        assert_eq!(frames(&exports, start).as_deref(), Some("checkout|?:0"));
        assert!(exports.chains.iter().all(|chain| chain.start != Start::UNKNOWN));
    }
}

#[test]
fn an_image_without_pdb_goes_by_time_stamp_and_size() {
    let mut bytes = std::fs::read(fixture("shop64.dll")).unwrap();
    let at = bytes.windows(4).position(|bytes| bytes == b"RSDS").unwrap();
    bytes[at..at + 4].copy_from_slice(b"NONE");
    let mapped = Mapped::unpacked(bytes, PathBuf::from("a.dll"), "a.dll".to_owned());
    let file = DebugFile::parse(&mapped).unwrap();
    assert_eq!(
        (file.info().id.to_string().as_str(), file.info().id.made_up),
        ("4f2596da00006000", false)
    );
}

#[test]
fn dwarf_of_mingw_is_read_as_anywhere() {
    let (info, module) = read_file("mingw64.dll");
    assert_eq!(
        (info.kind.name(), info.detail.name(), info.arch.as_str()),
        ("pe", "debug", "x86_64")
    );
    let golden = std::fs::read_to_string(fixture("mingw64.llvm")).unwrap();
    let mut next = golden.lines().skip(1).map(|line| parse(line).0);
    for line in golden.lines() {
        let (address, want) = parse(line);
        for at in address..next.next().unwrap_or(address + 1) {
            let found = frames(&module, at);
            assert_eq!(found.as_deref().unwrap_or("?|?:0"), want, "{at:#x}");
        }
    }
    assert!(module.ranges.iter().all(|range| range.start < 0x1_0000));
}

#[test]
fn serial_equals_parallel() {
    let mapped = Mapped::open(&fixture("shop64.pdb")).unwrap();
    let read = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            DebugFile::parse(&mapped)
                .unwrap()
                .read(&Search::nowhere(), &Progress::default())
                .unwrap()
        })
    };
    let (serial, parallel) = (read(1), read(4));
    assert_eq!(
        (serial.ranges, serial.chains, serial.functions),
        (parallel.ranges, parallel.chains, parallel.functions)
    );
}

#[test]
fn what_is_not_read_is_named() {
    let portable =
        read(b"BSJB\x01\0\x01\0\0\0\0\0\x0c\0\0\0PDB v1.0".to_vec()).unwrap_err().to_string();
    assert!(portable.contains("portable PDB"), "{portable}");
    let pdb = std::fs::read(fixture("shop64.pdb")).unwrap();
    // The feature behind the named streams, which says nothing here.
    let at = pdb.windows(4).position(|bytes| bytes == 20_140_508u32.to_le_bytes()).unwrap();
    let mut fastlink = pdb.clone();
    fastlink[at..at + 4].copy_from_slice(b"MINI");
    let fastlink = read(fastlink).unwrap_err().to_string();
    assert!(fastlink.contains("/DEBUG:FASTLINK"), "{fastlink}");
}

/// A word of the header of a PDB: its page size at 32, pages at 40, bytes of its directory at 44,
/// where that is at 52.
fn with_header(at: usize, value: u32) -> Result<ModuleSymbols, Error> {
    let mut pdb = std::fs::read(fixture("shop64.pdb")).unwrap();
    pdb[at..at + 4].copy_from_slice(&value.to_le_bytes());
    read(pdb)
}

#[test]
fn broken_headers_are_named() {
    for at in [32, 40, 44, 52] {
        for value in [0, 1, 7, 0x8000_0000, u32::MAX] {
            // The number of pages is only a bound.
            if let Err(error) = with_header(at, value) {
                assert!(matches!(error, Error::Damaged { .. }), "{at} {value}: {error}");
            } else {
                assert_eq!(at, 40, "{value}");
            }
        }
    }
}

/// Every page of the directory is the directory, every page of every stream is one.
#[test]
fn pages_that_name_each_other_end() {
    let pdb = std::fs::read(fixture("shop64.pdb")).unwrap();
    let word = |at: usize| u32::from_le_bytes(pdb[at..at + 4].try_into().unwrap());
    let page = word(32) as usize;
    let list = word(52) as usize * page;
    let directory = word(list) as usize * page;
    let streams = word(directory) as usize;
    for target in [word(list), word(52), 1, word(40) - 1] {
        let mut broken = pdb.clone();
        let pages = directory + 4 + 4 * streams;
        for at in (pages..directory + word(44) as usize).step_by(4) {
            broken[at..at + 4].copy_from_slice(&target.to_le_bytes());
        }
        assert!(read(broken).is_err());
    }
    // Streams longer than the file.
    for bytes in [u32::MAX - 1, 0x4000_0000] {
        let mut broken = pdb.clone();
        (0..streams).for_each(|stream| {
            broken[directory + 4 + 4 * stream..][..4].copy_from_slice(&bytes.to_le_bytes());
        });
        assert!(matches!(read(broken), Err(Error::Damaged { .. })));
    }
}

#[test]
fn truncated_files_are_named() {
    for name in ["shop64.pdb", "shop64.dll", "mingw64.dll"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        for part in 0..64 {
            let _ = read(bytes[..bytes.len() * part / 64].to_vec());
        }
    }
    let pdb = std::fs::read(fixture("shop64.pdb")).unwrap();
    assert!(matches!(read(pdb[..pdb.len() / 2].to_vec()), Err(Error::Damaged { .. })));
}

/// A module whose lines cannot be read keeps its functions.
#[test]
fn damage_costs_what_it_hits() {
    let pdb = std::fs::read(fixture("shop64.pdb")).unwrap();
    // The first line block of the first function, by its file, lines and bytes.
    let block: Vec<u8> = [0u32, 12, 156].into_iter().flat_map(u32::to_le_bytes).collect();
    let at = pdb.windows(block.len()).position(|bytes| bytes == block).unwrap();
    let mut broken = pdb;
    broken[at + 4..at + 8].copy_from_slice(&u32::MAX.to_le_bytes());
    let module = read(broken).unwrap();
    assert!(module.dropped.has(DropReason::BadLines) && module.warnings.len() == 1);
    assert_eq!(frames(&module, 0x1004).as_deref(), Some("memset|?:0"));
    assert_eq!(frames(&module, 0x10e2).as_deref(), Some("?fault@shop@@YAHPECHH@Z|/src/lib.cc:19"));
}

#[test]
fn damaged_frame_data_is_warned_of() {
    let mut pdb = std::fs::read(fixture("frames86.pdb")).unwrap();
    let find = |what: &[u8]| (0..pdb.len()).rfind(|at| pdb[*at..].starts_with(what)).unwrap();
    // Texts begin behind a magic number, a version and a size. Records name programs by their place.
    let texts = find(&0xeffe_effe_u32.to_le_bytes()) + 12;
    let program = u32::try_from(find(b"$T0 .raSearch =") - texts).unwrap().to_le_bytes();
    let starts: Vec<usize> =
        (0..pdb.len()).step_by(4).filter(|at| pdb[*at..].starts_with(&program)).collect();
    assert!(!starts.is_empty());
    starts.iter().for_each(|at| pdb[*at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes()));
    let module = read(pdb).unwrap();
    assert!(module.dropped.has(DropReason::BadUnwindEntry));
    assert_eq!(module.warnings.len(), 1, "{:?}", module.warnings);
}
