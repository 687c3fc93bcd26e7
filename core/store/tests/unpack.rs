//! A module that was packed and unpacked says the same, and packs to the same bytes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use std::path::{Path, PathBuf};

use symtool_debug::{DebugFile, Mapped, Progress, Search};
use symtool_debug::{File, Folder, Function, ModuleSymbols};
use symtool_store::block::functions::FunctionBlock;
use symtool_store::block::ranges::RangeBlock;
use symtool_store::block::{Compressed, Damage, Kind, compress};
use symtool_store::limits::FUNCTIONS_PER_BLOCK;
use symtool_store::pack::{Layers, Packed, pack};
use symtool_store::seal::{Place, Seal};
use symtool_store::unpack::unpack;
use symtool_store::unpack::{Contents, Fault, Problem};
use symtool_store::{Generation, ModuleKey};

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/objects");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> Option<ModuleSymbols> {
    let mapped = Mapped::open(path).unwrap();
    let file = DebugFile::parse(&mapped).ok()?;
    file.read(&Search::default(), &Progress::default()).ok()
}

fn packed() -> Packed {
    let path = fixtures().into_iter().find(|path| path.ends_with("cpp-gcc-O2-dwarf5.so")).unwrap();
    pack(&read(&path).unwrap(), 1).unwrap()
}

#[derive(Debug, PartialEq, Eq)]
struct Frame {
    name: Vec<u8>,
    own: Option<Vec<u8>>,
    /// File and line.
    declared: (Vec<u8>, u32),
    start: Option<u64>,
    file: (Vec<u8>, Folder),
    /// Line, column and discriminator.
    place: (u32, u32, u32),
    is_outermost_symbol: bool,
}

fn frames(symbols: &ModuleSymbols, range: usize) -> Vec<Frame> {
    let range = symbols.ranges[range];
    let (mut frames, mut chain, mut location) = (Vec::new(), Some(range.chain), range.location);
    while let Some(at) = chain {
        let here = symbols.chains[at.index() as usize];
        let function = here
            .function
            .and_then(|function| symbols.functions.get(function.index() as usize))
            .unwrap_or_else(|| Function::symbol(b""));
        let declared = function
            .file
            .map_or(File::default(), |file| symbols.files.get(file.index() as usize).unwrap());
        let file = location
            .file
            .map_or(File::default(), |file| symbols.files.get(file.index() as usize).unwrap());
        let is_outermost_symbol =
            here.caller.is_none() && here.source == symtool_debug::Source::Symtab;
        frames.push(Frame {
            name: function.name.to_vec(),
            own: function.own.map(<[u8]>::to_vec),
            declared: (declared.path.to_vec(), function.line),
            start: here.start.address(),
            file: (file.path.to_vec(), file.folder),
            place: (location.line, location.column, location.discriminator),
            is_outermost_symbol,
        });
        chain = here.caller.map(|(caller, _)| caller);
        location = here.caller.map_or(location, |(_, call)| call);
    }
    frames
}

#[test]
fn every_fixture_comes_back() {
    let (mut checked, mut aliases) = (0, 0);
    for path in fixtures() {
        let Some(symbols) = read(&path) else { continue };
        let packed = pack(&symbols, 1).unwrap();
        let (unpacked, layers) = unpack(&packed.record, &packed.blocks).unwrap();
        assert_eq!(layers, Layers::default());
        assert_eq!(unpacked.aliases, symbols.aliases, "{}", path.display());
        aliases += symbols.aliases.len();
        assert_eq!(unpacked.ranges.len(), symbols.ranges.len(), "{}", path.display());
        for at in 0..symbols.ranges.len() {
            let extent =
                |symbols: &ModuleSymbols| (symbols.ranges[at].start, symbols.ranges[at].end);
            assert_eq!(extent(&unpacked), extent(&symbols), "{}", path.display());
            assert_eq!(
                frames(&unpacked, at),
                frames(&symbols, at),
                "{} range {at}",
                path.display()
            );
        }
        let again = pack(&unpacked, 1).unwrap();
        assert!(again.blocks == packed.blocks, "{}", path.display());
        assert_eq!((again.key, &again.record.id), (packed.key, &packed.record.id));
        checked += 1;
    }
    assert!(checked > 30 && aliases > 0, "fixtures are missing");
}

/// What is read of `block` after a bit of it was flipped on disk, `part` 64ths of it from its
/// beginning.
fn damaged(block: &Compressed, part: usize) -> Compressed {
    let (key, generation) =
        (b"the key of its row", Generation { module: ModuleKey([1; 16]), number: 1, change: 0 });
    let place = Place { key, kind: block.kind, last: block.last };
    let mut bytes = Seal::Open.close(place, block, generation).unwrap();
    let at = bytes.len() * part / 64;
    bytes[at] ^= 0x04;
    let damage = Seal::Open.open(place, &bytes).unwrap_err();
    Compressed::broken(block.kind, block.last, damage)
}

/// A block cut off or altered anywhere is an error that names it; none is read as another module.
#[test]
fn damaged_blocks_are_named() {
    let packed = packed();
    for at in 0..packed.blocks.len() {
        for part in 0..64 {
            let mut blocks = packed.blocks.clone();
            blocks[at] = damaged(&blocks[at], part);
            let problem = unpack(&packed.record, &blocks).unwrap_err();
            assert_eq!((problem.kind, problem.last), (blocks[at].kind, blocks[at].last));
            assert!(matches!(problem.fault, Fault::Damage(_)), "{problem}");
        }
    }
}

/// Blocks that are intact each by itself, and do not belong together.
#[test]
fn blocks_that_contradict_each_other_are_named() {
    let packed = packed();
    let position = |kind: Kind| packed.blocks.iter().position(|block| block.kind == kind).unwrap();
    let problems = |blocks: &[Compressed]| Contents::read(&packed.record, blocks).problems;
    let with = |at: usize, change: &dyn Fn(&mut Compressed)| {
        let mut blocks = packed.blocks.clone();
        change(&mut blocks[at]);
        problems(&blocks)
    };
    let compressed_again = |at: usize, edit: &dyn Fn(&mut u64, &mut Vec<u8>)| {
        with(at, &|block| {
            let mut opened = block.expand().unwrap();
            edit(&mut opened.first, &mut opened.raw);
            *block = compress(block.kind, opened.first, block.last, &opened.raw).unwrap();
        })
    };
    assert_eq!(problems(&packed.blocks), []);
    let first = |problems: Vec<Problem>| {
        problems.into_iter().next().map(|problem| (problem.kind, problem.fault))
    };
    // Filed under another end.
    let ranges = position(Kind::Ranges);
    let end = packed.blocks[ranges].last;
    assert_eq!(
        first(with(ranges, &|block| block.last += 1)),
        Some((Kind::Ranges, Fault::Extent { found: end }))
    );
    let functions = position(Kind::Functions);
    let found = packed.blocks[functions].last;
    assert_eq!(
        first(with(functions, &|block| block.last -= 1)),
        Some((Kind::Functions, Fault::Extent { found }))
    );
    // Another beginning than its contents have.
    let moved = compressed_again(ranges, &|first, _| *first += 1);
    assert!(matches!(moved[0].fault, Fault::Range { .. }), "{moved:?}");
    let moved = compressed_again(functions, &|first, _| *first += 1);
    assert_eq!(moved[0].fault, Fault::Order { first: 1, expected: 0 });
    // Contents that make no sense, under a checksum that fits.
    let cut = compressed_again(ranges, &|_, raw| raw.truncate(raw.len() / 2));
    assert_eq!(cut[0].fault, Fault::Damage(Damage::Contents));
    // A block that is not there.
    for kind in [Kind::Ranges, Kind::Files] {
        let mut blocks = packed.blocks.clone();
        blocks.remove(position(kind));
        let found = problems(&blocks);
        assert!(
            found.iter().any(|problem| problem.kind == Kind::Record
                && problem.fault.to_string().contains(kind.name())),
            "{found:?}"
        );
    }
    // Twice the same block.
    let mut blocks = packed.blocks.clone();
    blocks.insert(ranges, blocks[ranges].clone());
    assert!(problems(&blocks).iter().any(|problem| matches!(problem.fault, Fault::Order { .. })));
}

/// A damaged block of functions is one problem, not one for each block of ranges that calls them.
#[test]
fn what_depends_on_a_damaged_block_is_not_called_damaged() {
    let packed = packed();
    let mut blocks = packed.blocks.clone();
    let at = blocks.iter().position(|block| block.kind == Kind::Functions).unwrap();
    blocks[at] = damaged(&blocks[at], 32);
    let contents = Contents::read(&packed.record, &blocks);
    assert_eq!(contents.problems.len(), 1, "{:?}", contents.problems);
    assert!(contents.ranges_unread > 0);
}

/// What surrounds one address, decoded alone, is what the whole block says, in every range and gap
/// of every fixture.
#[test]
fn each_range_can_be_decoded_alone() {
    let mut checked = 0;
    for path in fixtures() {
        let Some(symbols) = read(&path) else { continue };
        let packed = pack(&symbols, 1).unwrap();
        let of_kind = |kind: Kind| {
            packed
                .blocks
                .iter()
                .filter(move |block| block.kind == kind)
                .map(|block| block.expand().unwrap())
        };
        let functions: Vec<FunctionBlock> = of_kind(Kind::Functions)
            .map(|block| FunctionBlock::decode(&block.raw).unwrap())
            .collect();
        for opened in of_kind(Kind::Ranges) {
            let call = |function: u32, call: u32| {
                let function = function as usize;
                Ok::<_, ()>(
                    functions[function / FUNCTIONS_PER_BLOCK]
                        .call(function % FUNCTIONS_PER_BLOCK, call),
                )
            };
            let whole = RangeBlock::decode(&opened.raw, call).unwrap().unwrap();
            let mut at = opened.first;
            while at < whole.end() {
                let (first, alone) = RangeBlock::decode_at(&opened.raw, at, call).unwrap().unwrap();
                assert_eq!(first, at, "{}", path.display());
                assert!(alone.end() > at);
                let last = alone.end() - 1;
                for address in [at, last] {
                    assert_eq!(
                        told(&alone, address),
                        told(&whole, address),
                        "{} {address:#x}",
                        path.display()
                    );
                }
                assert!(
                    alone.end() == whole.end() || whole.find(last, 0) != whole.find(alone.end(), 0)
                );
                at = alone.end();
                checked += 1;
            }
        }
    }
    assert!(checked > 10_000, "fixtures are missing");
}

type Told = (Vec<(u32, u32, Option<u64>, bool)>, u32);

/// What `block` says of `address`: function, site of the call, beginning and source of each frame;
/// and the innermost site.
fn told(block: &RangeBlock, address: u64) -> Option<Told> {
    let spot = block.spot(block.find(address, 0).unwrap())?;
    let frames = std::iter::successors(block.frame(spot.frame), |frame| block.frame(frame.caller));
    Some((
        frames
            .map(|frame| (frame.function, frame.call_site, frame.start.address(), frame.symtab))
            .collect(),
        spot.site,
    ))
}
