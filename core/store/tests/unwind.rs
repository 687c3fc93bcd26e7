//! The rule that a store has for an address is the one that was read there.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use std::path::Path;
use std::time::Duration;

use symtool_debug::{DebugFile, Mapped, ModuleSymbols, Progress, Search};
use symtool_store::block::Kind;
use symtool_store::limits::{UNWIND_ROWS_PER_BLOCK, UNWIND_RULES_PER_BLOCK};
use symtool_store::pack::pack;
use symtool_store::{Error, Store, Unwinder};
use symtool_unwind::{Cfa, Recovery, Register, Rule, UnwindTable, UnwindTableBuilder};

fn fixture(name: &str) -> ModuleSymbols {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/objects").join(name);
    let mapped = Mapped::open(&path).unwrap();
    let file = DebugFile::parse(&mapped).unwrap();
    file.read(&Search::in_dirs(&[], &[]), &Progress::default()).unwrap()
}

/// A store with `symbols` alone.
fn store_with(symbols: &ModuleSymbols) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::at(&folder.path().join("store"), Duration::from_secs(1));
    store.commit(&[pack(symbols, 1).unwrap()], false).unwrap();
    (folder, store)
}

/// Compares all edges of all rows of `table` with what the store says.
fn compare(table: &UnwindTable, store: &Store) {
    let reader = store.read().unwrap();
    let catalog = reader.catalog();
    let module = &catalog.modules().unwrap()[0];
    let mut unwinder = Unwinder::in_store(&reader, module);
    let edges = table
        .rows
        .iter()
        .flat_map(|row| [row.start.saturating_sub(1), row.start, row.end - 1, row.end]);
    for address in edges.chain([0, u64::MAX]) {
        let want = table.at(address).map(|row| table.rule(row));
        let found = unwinder.row(address).unwrap().map(|row| row.rule);
        assert_eq!(found, want, "{address:#x}");
    }
}

#[test]
fn the_rules_of_a_file_come_back() {
    for name in ["cpp-gcc-O2-dwarf5.so", "port-arm-gcc-dwarf5.so", "macho-image-dylib-arm64"] {
        let symbols = fixture(name);
        assert!(symbols.unwind.rows.len() > 3, "{name} has {:?}", symbols.unwind.rows);
        compare(&symbols.unwind, &store_with(&symbols).1);
    }
}

/// More rows and rules than a block holds.
fn large() -> ModuleSymbols {
    let mut builder = UnwindTableBuilder::default();
    let rows = 2 * UNWIND_ROWS_PER_BLOCK as u64 + 5;
    for row in 0..rows {
        let offset = i64::try_from(row % (UNWIND_RULES_PER_BLOCK as u64 + 9)).unwrap();
        let rule = Rule::new(Cfa::Register(Register(7), offset), Recovery::AtCfa(-8));
        builder.push(16 * row, 16 * row + 8 + row % 9, &rule);
    }
    ModuleSymbols { unwind: builder.finish(), ..fixture("cpp-gcc-O2-dwarf5.so") }
}

#[test]
fn rows_and_rules_of_many_blocks_come_back() {
    let symbols = large();
    assert!(symbols.unwind.rules.len() > UNWIND_RULES_PER_BLOCK);
    compare(&symbols.unwind, &store_with(&symbols).1);
}

#[test]
fn a_missing_block_is_an_error_and_no_gap() {
    let symbols = large();
    let mut packed = pack(&symbols, 1).unwrap();
    let gone = packed.blocks.iter().position(|block| block.kind == Kind::UnwindRows).unwrap();
    let last = packed.blocks.remove(gone).last;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::at(&folder.path().join("store"), Duration::from_secs(1));
    store.commit(&[packed], false).unwrap();
    let reader = store.read().unwrap();
    let catalog = reader.catalog();
    let module = &catalog.modules().unwrap()[0];
    let mut unwinder = Unwinder::in_store(&reader, module);
    assert!(matches!(unwinder.row(last), Err(Error::Corrupt { .. })));
    assert!(unwinder.row(last + 17).unwrap().is_some());
}
