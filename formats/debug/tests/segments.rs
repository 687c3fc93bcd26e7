//! ELF files without section headers: symbols and unwind rows are found by program headers.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use std::path::{Path, PathBuf};

use symtool_debug::{DebugFile, Mapped, ModuleSymbols, Progress, Search};

const FIXTURES: [&str; 4] =
    ["c-gcc-O2-dynsym.so", "c-clang-O2-dwarf5.so", "cpp-gcc-O2-dwarf5.so", "rust-O2-dwarf5.so"];

fn fixture(name: &str) -> Vec<u8> {
    let objects = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/objects");
    std::fs::read(objects.join(name)).unwrap()
}

fn read(bytes: Vec<u8>) -> (ModuleSymbols, bool) {
    let mapped = Mapped::unpacked(bytes, PathBuf::from("x.so"), "x.so".to_owned());
    let file = DebugFile::parse(&mapped).unwrap();
    let search = Search::nowhere();
    (file.read(&search, &Progress::default()).unwrap(), file.inspect(&search).has_unwind)
}

/// Sets what the header of a 64-bit file says about section headers to none.
fn without_sections(mut elf: Vec<u8>) -> Vec<u8> {
    assert_eq!(&elf[..6], b"\x7fELF\x02\x01");
    elf[0x28..0x30].fill(0);
    elf[0x3c..0x40].fill(0);
    elf
}

fn names(module: &ModuleSymbols) -> Vec<(u64, String)> {
    let chain = |range: &symtool_debug::Range| {
        let chain = module.chains[range.chain.index() as usize];
        let name = module.functions.name(chain.function.unwrap().index() as usize);
        (chain.start.address().unwrap(), String::from_utf8_lossy(name).into_owned())
    };
    let mut names: Vec<_> = module.ranges.iter().map(chain).collect();
    names.dedup();
    names
}

#[test]
fn unwind_rows_are_those_of_the_sections() {
    for name in FIXTURES {
        let whole = fixture(name);
        let (with, _) = read(whole.clone());
        let (without, has_unwind) = read(without_sections(whole));
        assert!(has_unwind && !with.unwind.rows.is_empty(), "{name}");
        let rows = |module: &ModuleSymbols| -> Vec<_> {
            let table = &module.unwind;
            table.rows.iter().map(|row| (row.start, row.end, table.rule(row).clone())).collect()
        };
        assert_eq!(rows(&without), rows(&with), "{name}");
        assert_eq!((without.dropped.iter().count(), without.info.id), (0, with.info.id));
    }
}

#[test]
fn names_are_those_of_the_dynamic_symbol_table() {
    let whole = fixture("c-gcc-O2-dynsym.so");
    let (with, without) = (read(whole.clone()).0, read(without_sections(whole)).0);
    let (with, without) = (names(&with), names(&without));
    assert!(with.len() > 10);
    // Names of stubs need sections.
    let with: Vec<_> = with.into_iter().filter(|(_, name)| !name.contains("@plt")).collect();
    assert_eq!(without, with);
}

#[test]
fn tables_that_lie_outside_are_no_panic() {
    let whole = without_sections(fixture("c-gcc-O2-dynsym.so"));
    let headers =
        usize::try_from(u64::from_le_bytes(*whole[0x20..].first_chunk().unwrap())).unwrap();
    for header in (headers..headers + 56 * 12).step_by(56) {
        for field in [8, 16, 32, 40] {
            for value in [1, u64::MAX, u64::MAX / 2, 0x100] {
                let mut broken = whole.clone();
                broken[header + field..header + field + 8].copy_from_slice(&value.to_le_bytes());
                let mapped = Mapped::unpacked(broken, PathBuf::from("x.so"), "x.so".to_owned());
                let Ok(file) = DebugFile::parse(&mapped) else { continue };
                let _ = file.read(&Search::nowhere(), &Progress::default());
            }
        }
    }
}
