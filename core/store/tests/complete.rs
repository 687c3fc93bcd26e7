//! Files of one module, put together in every order: the outcome is the same, and is what a simple
//! model says.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use std::time::Duration;

use symtool_debug::{
    Alias, ChainId, CodeMark, DropCounts, DropReason, File, FileId, Files, Folder, Function,
    FunctionId, Functions, InlineChain, ModuleInfo, ModuleSymbols, Range, Source, SourceLocation,
    Start, Strings,
};
use symtool_module::{Detail, ModuleId, ModuleKind};
use symtool_store::Store;
use symtool_store::block::layers::source_at;
use symtool_store::database::Committed;
use symtool_store::pack::{Layers, Packed, pack};
use symtool_store::unpack::unpack;
use symtool_unwind::{Cfa, Recovery, Register, Rule, RuleFlags, UnwindTable, UnwindTableBuilder};

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// The addresses that the modules of these tests cover.
const ADDRESSES: u64 = 96;

/// A module of random ranges and chains, under names and files that other modules have in another
/// order.
fn module(seed: u64, detail: Detail, fingerprint: u64) -> ModuleSymbols {
    let mut numbers = Numbers(seed);
    let mut strings = |count: u32, what: &str| {
        let mut strings = Strings::default();
        let first = numbers.below(5);
        for at in 0..count {
            strings.push(format!("{what}{}", (at * 3 + first) % 7).as_bytes());
        }
        strings
    };
    let mut files = Files::default();
    for path in strings(3, "file").iter() {
        files.push(File { path, folder: Folder::default() });
    }
    let mut functions = Functions::default();
    for name in strings(5, "function").iter() {
        functions.push(Function::symbol(name));
    }
    let mut chains: Vec<InlineChain> = Vec::new();
    let mut ranges: Vec<Range> = Vec::new();
    let mut at = 0;
    loop {
        at += [0, 0, 1, 5][numbers.below(4) as usize];
        let end = at + 1 + u64::from(numbers.below(9));
        if end > ADDRESSES {
            break;
        }
        let mut location = || SourceLocation {
            file: numbers.below(4).checked_sub(1).map(FileId::new),
            line: numbers.below(2),
            ..SourceLocation::default()
        };
        let (here, call) = (location(), location());
        let caller = chains.len().checked_sub(1).filter(|_| numbers.below(2) == 0);
        let caller = caller.map(|caller| (ChainId::new(u32::try_from(caller).unwrap()), call));
        let function = numbers.below(6).checked_sub(1).map(FunctionId::new);
        let source =
            if caller.is_none() && numbers.below(3) == 0 { Source::Symtab } else { Source::Dwarf };
        if ranges.is_empty() || numbers.below(4) > 0 {
            chains.push(InlineChain { function, caller, start: Start::UNKNOWN, source });
        }
        ranges.push(Range {
            start: at,
            end,
            chain: ChainId::new(u32::try_from(chains.len()).unwrap() - 1),
            location: here,
        });
        at = end;
    }
    let info = ModuleInfo {
        name: format!("lib{fingerprint}.so"),
        other_ids: Vec::new(),
        code: CodeMark::default(),
        id: ModuleId { bytes: vec![7; 20], made_up: false },
        kind: ModuleKind::Elf,
        arch: "x86_64".to_owned(),
        detail,
        image_base: 0,
        fingerprint,
    };
    let alias = |(number, range): (usize, &Range)| Alias {
        address: range.start,
        name: format!("alias {number} of {seed}").into_bytes(),
    };
    let aliases = ranges.iter().enumerate().step_by(3).map(alias).collect();
    ModuleSymbols {
        info,
        functions,
        files,
        chains,
        ranges,
        aliases,
        unwind: unwind_table(seed),
        dropped: DropCounts::default(),
        warnings: Vec::new(),
    }
}

type Frame = (Vec<u8>, Vec<u8>, u32, bool);

/// The frames at `address`, innermost first; none where nothing is known.
fn frames(symbols: &ModuleSymbols, address: u64) -> Vec<Frame> {
    let Some(range) =
        symbols.ranges.iter().find(|range| (range.start..range.end).contains(&address))
    else {
        return Vec::new();
    };
    let (mut frames, mut chain, mut location) = (Vec::new(), Some(range.chain), range.location);
    while let Some(at) = chain {
        let here = symbols.chains[at.index() as usize];
        let name = here
            .function
            .map_or(&[][..], |function| symbols.functions.name(function.index() as usize));
        let file = location
            .file
            .map_or(&[][..], |file| symbols.files.get(file.index() as usize).unwrap().path);
        frames.push((
            name.to_vec(),
            file.to_vec(),
            location.line,
            here.caller.is_none() && here.source == Source::Symtab,
        ));
        chain = here.caller.map(|(caller, _)| caller);
        location = here.caller.map_or(location, |(_, call)| call);
    }
    frames
}

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

/// Rows with gaps, some of which hold in the body of a function only. No two files have a rule in
/// common.
fn unwind_table(seed: u64) -> UnwindTable {
    let mut numbers = Numbers(seed);
    let mut builder = UnwindTableBuilder::default();
    let mut at = u64::from(numbers.below(8));
    while at < ADDRESSES {
        let end = at + 1 + u64::from(numbers.below(12));
        let offset = i64::try_from(seed * 4).unwrap() + i64::from(numbers.below(4));
        let mut rule = Rule::new(Cfa::Register(Register(7), offset), Recovery::AtCfa(-8));
        if numbers.below(2) == 0 {
            rule.flags.set(RuleFlags::BODY_ONLY);
        }
        builder.push(at, end, &rule);
        at = end + u64::from(numbers.below(6));
    }
    builder.finish()
}

/// Checks that at each address the rule of the best file stands: one that holds everywhere before
/// one that holds in the body, then that of the first file.
fn check_unwind(modules: &[ModuleSymbols], together: &ModuleSymbols, layers: &Layers) -> Vec<u64> {
    let mut answered = vec![0; modules.len()];
    for address in 0..ADDRESSES + 12 {
        let rule = |module: &ModuleSymbols| {
            module.unwind.at(address).map(|row| module.unwind.rule(row).clone())
        };
        let offers = modules.iter().enumerate().filter_map(|(at, module)| {
            rule(module).map(|rule| (rule.flags.has(RuleFlags::BODY_ONLY), at))
        });
        let best = offers.min().map(|(_, at)| at);
        assert_eq!(rule(together), best.and_then(|best| rule(&modules[best])), "{address}");
        if let Some(best) = best {
            assert_eq!(source_at(&layers.unwind, address), best, "{address}");
            answered[best] += 1;
        }
    }
    answered
}

fn orders() -> [[usize; 3]; 6] {
    [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
}

#[test]
fn every_address_is_answered_by_the_first_file_that_knows_it() {
    let (mut layered, mut blank) = (0, 0);
    for seed in 0..8 {
        let details = if seed % 2 == 0 {
            [Detail::Debug, Detail::Symbols, Detail::Exports]
        } else {
            [Detail::Debug, Detail::Debug, Detail::Exports]
        };
        let modules: Vec<ModuleSymbols> = details
            .iter()
            .zip(1..)
            .map(|(detail, number)| module(seed * 8 + number, *detail, number))
            .collect();
        // By rank: more detail, then the larger file.
        let bytes = [300, 200, 100];
        let mut outcomes = Vec::new();
        for order in orders() {
            let sandbox = Sandbox::new();
            for at in order {
                assert!(!sandbox.commit(&modules[at], bytes[at]).was_there, "seed {seed}");
            }
            let stored = sandbox.stored();
            // Once more, in whatever order, nothing changes.
            (0..3).for_each(|at| {
                assert!(sandbox.commit(&modules[at], bytes[at]).was_there, "seed {seed}");
            });
            assert!(sandbox.stored() == stored);
            outcomes.push(stored);
        }
        for (order, outcome) in orders().iter().zip(&outcomes) {
            assert_eq!(outcome.record, outcomes[0].record, "seed {seed} order {order:?}");
            assert!(outcome.blocks == outcomes[0].blocks, "seed {seed} order {order:?}");
        }
        let (together, layers) = unpack(&outcomes[0].record, &outcomes[0].blocks).unwrap();
        let mut answered = [0; 3];
        for address in 0..ADDRESSES + 2 {
            let best = modules.iter().position(|module| !frames(module, address).is_empty());
            // From where on the best file says the same, no better one may say anything.
            let known = best.filter(|known| {
                let here = frames(&modules[*known], address);
                let mut run = (0..=address)
                    .rev()
                    .take_while(|before| frames(&modules[*known], *before) == here);
                run.all(|before| {
                    modules[..*known].iter().all(|better| frames(better, before).is_empty())
                })
            });
            blank += usize::from(known.is_none() && best.is_some());
            let want = known.map_or_else(Vec::new, |known| frames(&modules[known], address));
            assert_eq!(frames(&together, address), want, "seed {seed} address {address}");
            if let Some(known) = known {
                assert_eq!(
                    source_at(&layers.ranges, address),
                    known,
                    "seed {seed} address {address}"
                );
                answered[known] += 1;
            }
        }
        let sources = &outcomes[0].record.sources;
        let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        assert_eq!(names, ["lib1.so", "lib2.so", "lib3.so"]);
        assert_eq!(
            sources.iter().map(|source| source.addresses).collect::<Vec<_>>(),
            answered,
            "seed {seed}"
        );
        let unwound: Vec<u64> =
            sources.iter().filter_map(|source| source.unwind_addresses).collect();
        assert_eq!(unwound, check_unwind(&modules, &together, &layers), "seed {seed}");
        assert_eq!(
            (outcomes[0].record.name.as_str(), &outcomes[0].record.other_names[..]),
            ("lib1.so", &["lib2.so".to_owned(), "lib3.so".to_owned()][..])
        );
        // Neighbours that say the same are one range.
        let is_split = |pair: &[Range]| {
            pair[0].end == pair[1].start
                && frames(&together, pair[0].start) == frames(&together, pair[1].start)
        };
        assert!(!together.ranges.windows(2).any(is_split), "seed {seed}");
        layered += usize::from(!layers.ranges.is_empty());
    }
    assert!(layered > 4 && blank > 4, "files never completed each other: {layered} {blank}");
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
