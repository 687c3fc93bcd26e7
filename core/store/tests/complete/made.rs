//! Random modules that know overlapping addresses, and what a simple model says of them.

use symtool_debug::{
    Alias, ChainId, CodeMark, DropCounts, File, FileId, Files, Folder, Function, FunctionId,
    Functions, InlineChain, ModuleInfo, ModuleSymbols, Range, Source, SourceLocation, Start,
    Strings,
};
use symtool_module::{Detail, ModuleId, ModuleKind};
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
pub const ADDRESSES: u64 = 96;

/// A module of random ranges and chains, under names and files that other modules have in another
/// order.
pub fn module(seed: u64, detail: Detail, fingerprint: u64) -> ModuleSymbols {
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
    let (chains, ranges) = ranges(&mut numbers);
    let info = ModuleInfo {
        name: format!("lib{fingerprint}.so"),
        other_ids: Vec::new(),
        code: CodeMark::default(),
        id: ModuleId { bytes: vec![7; 20], made_up: false },
        kind: ModuleKind::Elf,
        arch: "x86_64".into(),
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

/// Ranges that do not overlap, each with a chain of functions.
fn ranges(numbers: &mut Numbers) -> (Vec<InlineChain>, Vec<Range>) {
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
    (chains, ranges)
}

type Frame = (Vec<u8>, Vec<u8>, u32, bool);

/// The frames at `address`, innermost first; none where nothing is known.
pub fn frames(symbols: &ModuleSymbols, address: u64) -> Vec<Frame> {
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
