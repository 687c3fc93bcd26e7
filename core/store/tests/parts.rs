//! A module whose ranges come part by part, on any number of threads, is packed into the blocks that
//! it has as a whole.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use std::path::Path;

use symtool_debug::{
    ChainId, DebugFile, FunctionList, InlineChain, Mapped, ModuleSymbols, Progress, Range, Search,
};
use symtool_store::pack::{Packed, RangePacker, pack, pack_beside};

fn symbols(name: &str) -> ModuleSymbols {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/objects").join(name);
    let mapped = Mapped::open(&path).unwrap();
    let file = DebugFile::parse(&mapped).unwrap();
    file.read(&Search::default(), &Progress::default()).unwrap()
}

/// C and C++ with much inlined, assembly, of whose functions only lines are known, and a symbol
/// table.
const OBJECTS: [&str; 4] =
    ["c-gcc-O3-dwarf5.so", "cpp-gcc-O2-dwarf5.so", "asm-gas-dwarf2.so", "c-gcc-O2-symtab.so"];

/// The chains that `ranges` need, numbered from 0, and the ranges with these numbers.
fn part(chains: &[InlineChain], ranges: &[Range]) -> (Vec<InlineChain>, Vec<Range>) {
    let mut numbers = vec![None; chains.len()];
    for range in ranges {
        let mut next = Some(range.chain);
        while let Some(chain) = next {
            numbers[chain.index() as usize] = Some(0);
            next = chains[chain.index() as usize].caller.map(|(caller, _)| caller);
        }
    }
    numbers.iter_mut().flatten().zip(0..).for_each(|(number, next)| *number = next);
    let numbered = |chain: ChainId| ChainId::new(numbers[chain.index() as usize].unwrap());
    let needed = chains.iter().zip(&numbers).filter(|(_, number)| number.is_some());
    let needed = needed.map(|(chain, _)| InlineChain {
        caller: chain.caller.map(|(caller, place)| (numbered(caller), place)),
        ..*chain
    });
    let ranges = ranges.iter().map(|range| Range { chain: numbered(range.chain), ..*range });
    (needed.collect(), ranges.collect())
}

/// The ranges of `symbols` in parts of `count` or more: no function is in two.
fn parts(symbols: &ModuleSymbols, count: usize) -> Vec<&[Range]> {
    let caller = |chain: &ChainId| symbols.chains[chain.index() as usize].caller;
    let root = |range: &Range| {
        std::iter::successors(Some(range.chain), |chain| Some(caller(chain)?.0)).last()
    };
    let functions = symbols.ranges.chunk_by(|one, next| root(one) == root(next));
    let (mut parts, mut start, mut end) = (Vec::new(), 0, 0);
    for function in functions {
        end += function.len();
        if end - start >= count {
            parts.push(&symbols.ranges[start..end]);
            start = end;
        }
    }
    parts.push(&symbols.ranges[start..]);
    parts
}

/// `symbols`, of which so many ranges come at once.
fn packed_by(symbols: &ModuleSymbols, count: usize) -> Packed {
    let mut packer = RangePacker::default();
    for ranges in parts(symbols, count) {
        let (chains, ranges) = part(&symbols.chains, ranges);
        packer.push(&chains, &ranges).unwrap();
        // A part may have nothing.
        packer.push(&[], &[]).unwrap();
    }
    let ranges = packer.finish(FunctionList::from(&symbols.functions)).unwrap();
    pack_beside(ranges, symbols, 1).unwrap()
}

/// `packed` without the time at which it was made.
fn timeless(mut packed: Packed) -> Packed {
    packed.record.imported = 0;
    packed
}

/// The ranges of `symbols` several times, so that they fill several blocks: each time behind those
/// before.
fn repeated(symbols: &ModuleSymbols, times: u64) -> ModuleSymbols {
    let length = symbols.ranges.last().unwrap().end;
    let ranges = (0..times).flat_map(|time| {
        symbols.ranges.iter().map(move |range| Range {
            start: range.start + time * length,
            end: range.end + time * length,
            ..*range
        })
    });
    ModuleSymbols { ranges: ranges.collect(), ..symbols.clone() }
}

fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

#[test]
fn blocks_do_not_depend_on_parts_nor_threads() {
    for name in OBJECTS {
        let symbols = symbols(name);
        let times = 5000 / symbols.ranges.len() as u64 + 1;
        let symbols = repeated(&symbols, times);
        let whole = timeless(in_pool(1, || pack(&symbols, 1)).unwrap());
        assert!(whole.blocks.len() > 4, "{name}: {} blocks", whole.blocks.len());
        let by_three = timeless(in_pool(3, || pack(&symbols, 1)).unwrap());
        assert!(by_three == whole, "{name}, three threads");
        for count in [1, 700, 2048, 4096, 4999] {
            let parted = timeless(packed_by(&symbols, count));
            assert!(parted == whole, "{name}, {count} ranges at once");
        }
    }
}
