//! What a command costs follows the modules that it names, and not the store: counted in tables and
//! blocks, as times are not the same anywhere.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use std::path::Path;
use std::time::Duration;

use rocksdb::perf::{PerfContext, PerfMetric, PerfStatsLevel, set_perf_stats};
use symtool_debug::{DebugFile, Mapped, ModuleSymbols, Progress, Search};
use symtool_store::Store;
use symtool_store::block::Kind;
use symtool_store::database::Named;
use symtool_store::pack::{Packed, pack};

/// Modules of the large store.
const MODULES: u32 = 2000;

/// Tables that it may have: of rows, and of blocks.
const MAX_TABLES: usize = 40;

fn symbols() -> ModuleSymbols {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/objects/asm-gas-dwarf5.so");
    let mapped = Mapped::open(&path).unwrap();
    let file = DebugFile::parse(&mapped).unwrap();
    file.read(&Search::default(), &Progress::default()).unwrap()
}

/// The module with an id of its own.
fn numbered(symbols: &mut ModuleSymbols, number: u32) -> Packed {
    symbols.info.id.bytes = id(number).to_vec();
    symbols.info.name = format!("lib{}.so", number % 100);
    pack(symbols, 1).unwrap()
}

fn id(number: u32) -> [u8; 20] {
    // Spread like the hashes that linkers write.
    let mut random = fastrand::Rng::with_seed(u64::from(number));
    std::array::from_fn(|_| random.u8(..))
}

fn tables(store: &Store) -> Vec<u64> {
    let entries = std::fs::read_dir(store.path().join("symbols")).unwrap().map(Result::unwrap);
    let tables = entries.filter(|entry| entry.path().extension().is_some_and(|end| end == "sst"));
    tables.map(|entry| entry.metadata().unwrap().len()).collect()
}

/// Blocks of tables, and bytes of them, that `work` reads.
fn read_by<T>(work: impl FnOnce() -> T) -> (u64, u64) {
    set_perf_stats(PerfStatsLevel::EnableCount);
    let mut context = PerfContext::default();
    context.reset();
    work();
    (context.metric(PerfMetric::BlockReadCount), context.metric(PerfMetric::BlockReadByte))
}

fn look_up(store: &Store, id: &str) {
    let reader = store.read().unwrap();
    let catalog = reader.catalog();
    let Named::One(module) = catalog.named(id).unwrap() else { panic!("{id} names no module") };
    for kind in [Kind::Ranges, Kind::Functions, Kind::Files] {
        assert!(reader.blocks(module, kind).unwrap().seek(0).unwrap().is_some());
    }
}

/// A store of `modules`, committed one by one; with it, the most tables that it had.
fn store_of(folder: &Path, modules: u32, symbols: &mut ModuleSymbols) -> (Store, usize) {
    let store = Store::at(&folder.join(modules.to_string()), Duration::from_secs(60));
    let mut most = 0;
    for number in 0..modules {
        store.commit(&[numbered(symbols, number)], false).unwrap();
        most = most.max(tables(&store).len());
    }
    (store, most)
}

#[test]
fn cost_follows_what_is_asked() {
    // In memory, where that can be had: synced in no time.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let mut symbols = symbols();
    let (one, _) = store_of(folder.path(), 1, &mut symbols);
    let (large, most) = store_of(folder.path(), MODULES, &mut symbols);
    println!("{MODULES} modules: {} tables, {most} at most", tables(&large).len());
    assert!(most <= MAX_TABLES, "{most} tables");

    let first = hex::encode(id(0));
    let (few, few_bytes) = read_by(|| look_up(&one, &first));
    let (blocks, bytes) = read_by(|| look_up(&large, &first));
    println!(
        "a look-up reads {blocks} blocks of {bytes} bytes; of {few} and {few_bytes} with one module"
    );
    // Each table has an index, properties and a place for them to read, and at most a block.
    let tables = tables(&large).len() as u64;
    assert!(blocks <= few + 4 * tables, "{blocks} blocks, {tables} tables");
    assert!(bytes <= few_bytes + MAX_TABLE_BYTES * tables, "{bytes} bytes, {tables} tables");

    let list = |store: &Store| {
        let reader = store.read().unwrap();
        let catalog = reader.catalog();
        let listed: Vec<_> =
            catalog.listing(None, false).unwrap().take(20).map(|module| module.unwrap()).collect();
        let first = catalog.modules().unwrap().iter().take(20);
        let names =
            |module: &symtool_store::Module| (module.record.name.clone(), module.record.id.clone());
        assert!(listed.iter().map(names).eq(first.map(names)));
    };
    list(&one);
    list(&large);
    assert_eq!(large.examine().unwrap(), []);
}

/// Bytes that are read of a table, with its index, to find a row or that it has none.
const MAX_TABLE_BYTES: u64 = 24 << 10;
