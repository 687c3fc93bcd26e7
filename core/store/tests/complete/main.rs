//! Files of one module, put together in every order: the outcome is the same, and is what a simple
//! model says.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod every_address;
mod made;

use std::time::Duration;

use made::module;
use symtool_debug::{DropReason, ModuleSymbols};
use symtool_module::Detail;
use symtool_store::Store;
use symtool_store::database::Committed;
use symtool_store::pack::{Packed, pack};

/// A store of its own.
struct Sandbox {
    _folder: tempfile::TempDir,
    store: Store,
}

impl Sandbox {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(&folder.path().join("store"), Duration::from_secs(1));
        Self { _folder: folder, store }
    }

    fn commit(&self, symbols: &ModuleSymbols, bytes: u64) -> Committed {
        self.store.commit(&[pack(symbols, bytes).unwrap()], false).unwrap().remove(0)
    }

    /// The one module of the store: its record without the time, and all blocks.
    fn stored(&self) -> Packed {
        let reader = self.store.read().unwrap();
        let catalog = reader.catalog();
        let [module] = catalog.modules().unwrap() else {
            panic!("{} modules", catalog.modules().unwrap().len())
        };
        let mut record = module.record.clone();
        record.imported = 0;
        record.imported_ms = 0;
        Packed { record, key: module.generation.module, blocks: reader.stored(module).unwrap() }
    }
}

#[test]
fn two_files_of_one_batch_complete_each_other() {
    let (debug, exports) = (module(1, Detail::Debug, 1), module(2, Detail::Exports, 2));
    let one_by_one = Sandbox::new();
    one_by_one.commit(&debug, 20);
    one_by_one.commit(&exports, 10);
    let batch = Sandbox::new();
    let packed = [pack(&exports, 10).unwrap(), pack(&debug, 20).unwrap()];
    let committed = batch.store.commit(&packed, false).unwrap();
    assert_eq!(
        committed.iter().map(|committed| committed.was_there).collect::<Vec<_>>(),
        [false, false]
    );
    assert!(batch.stored() == one_by_one.stored());
    assert_eq!(batch.stored().record.sources.len(), 2);
}

fn damaged(seed: u64, detail: Detail, fingerprint: u64) -> ModuleSymbols {
    let mut symbols = module(seed, detail, fingerprint);
    symbols.dropped.count(DropReason::BadEntries);
    symbols.warnings.push("damaged".to_owned());
    symbols
}

/// The intact file alone, with or without the damaged one before or after it.
#[test]
fn a_damaged_file_gives_way_to_an_intact_one() {
    let (broken, whole) = (damaged(1, Detail::Debug, 1), module(2, Detail::Debug, 2));
    let alone = pack(&whole, 10).unwrap();
    for order in [[&broken, &whole], [&whole, &broken]] {
        let sandbox = Sandbox::new();
        for (at, symbols) in order.into_iter().enumerate() {
            // The damaged one is even the larger.
            let committed =
                sandbox.commit(symbols, if symbols.info.fingerprint == 1 { 11 } else { 10 });
            assert!(!committed.was_there, "{at}");
        }
        let stored = sandbox.stored();
        assert!(stored.blocks == alone.blocks);
        assert_eq!((stored.record.dropped.len(), stored.record.warnings.len()), (0, 0));
        assert_eq!((stored.record.name.as_str(), stored.record.sources.len()), ("lib2.so", 2));
        assert_eq!(stored.record.sources[1].addresses, 0);
        assert!(sandbox.commit(&broken, 11).was_there && sandbox.commit(&whole, 10).was_there);
    }
}

/// A copy that is damaged within a section has the fingerprint of the intact file.
#[test]
fn an_intact_copy_of_the_same_file_takes_the_place_of_a_damaged_one() {
    let (broken, whole, exports) =
        (damaged(1, Detail::Debug, 1), module(2, Detail::Debug, 1), module(3, Detail::Exports, 3));
    let sandbox = Sandbox::new();
    sandbox.commit(&broken, 10);
    sandbox.commit(&exports, 5);
    assert!(!sandbox.stored().record.knows(&whole.info, 10), "a damaged file is read again");
    assert!(!sandbox.commit(&whole, 10).was_there);
    assert!(sandbox.stored().record.knows(&whole.info, 10));
    assert!(sandbox.commit(&broken, 10).was_there);
    // What the damaged one hid of the other file comes back with that file.
    assert!(!sandbox.stored().record.knows(&exports.info, 5));
    sandbox.commit(&exports, 5);
    let straight = Sandbox::new();
    straight.commit(&exports, 5);
    straight.commit(&whole, 10);
    assert!(sandbox.stored() == straight.stored());
}

/// Files that were linked to different addresses cannot complete each other.
#[test]
fn another_image_base_is_another_address_space() {
    let (debug, mut exports) = (module(1, Detail::Debug, 1), module(2, Detail::Exports, 2));
    exports.info.image_base = 0x1000;
    for order in [[&debug, &exports], [&exports, &debug]] {
        let sandbox = Sandbox::new();
        order.into_iter().for_each(|symbols| drop(sandbox.commit(symbols, 10)));
        let stored = sandbox.stored();
        assert!(stored.blocks == pack(&debug, 10).unwrap().blocks);
        assert_eq!(
            stored.record.sources.iter().map(|source| source.addresses > 0).collect::<Vec<_>>(),
            [true, false]
        );
    }
}

/// `--force` reads a file anew and leaves what other files brought.
#[test]
fn replacing_one_file_leaves_the_others() {
    let (debug, exports) = (module(1, Detail::Debug, 1), module(2, Detail::Exports, 2));
    let sandbox = Sandbox::new();
    sandbox.commit(&debug, 20);
    sandbox.commit(&exports, 10);
    let before = sandbox.stored();
    let again = sandbox.store.commit(&[pack(&debug, 20).unwrap()], true).unwrap();
    assert!(!again[0].was_there);
    let mut after = sandbox.stored();
    assert!(after.record.sources[1].incomplete);
    after.record.sources[1].incomplete = false;
    assert!(after == before);
}

#[test]
fn a_warning_goes_when_its_cause_is_gone() {
    let (debug, mut exports) = (module(1, Detail::Debug, 1), module(2, Detail::Exports, 2));
    exports.warnings.push("its debug data is elsewhere".to_owned());
    for order in [[&debug, &exports], [&exports, &debug]] {
        let sandbox = Sandbox::new();
        order.into_iter().for_each(|symbols| drop(sandbox.commit(symbols, 10)));
        assert_eq!(sandbox.stored().record.warnings, Vec::<String>::new());
    }
}

#[test]
fn a_removed_module_is_gone_and_can_come_back() {
    let sandbox = Sandbox::new();
    let symbols = module(1, Detail::Debug, 1);
    let mut other = module(2, Detail::Debug, 2);
    other.info.id.bytes[0] = 8;
    sandbox.commit(&other, 10);
    for _ in 0..3 {
        sandbox.commit(&symbols, 10);
        let key = pack(&symbols, 10).unwrap().key;
        sandbox.store.remove(&[key]).unwrap();
        assert_eq!(sandbox.stored().record.name, "lib2.so", "the other one stays");
        // Removing what is not there is no error.
        sandbox.store.remove(&[key]).unwrap();
    }
    sandbox.commit(&symbols, 10);
    let reader = sandbox.store.read().unwrap();
    assert_eq!(reader.catalog().modules().unwrap().len(), 2);
    assert_eq!(sandbox.store.examine().unwrap(), []);
}
