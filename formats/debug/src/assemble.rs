//! Joins all units of a file and its symbol table into one [`ModuleSymbols`]: every name and path
//! once, ranges in address order, and symbols where no unit answers.

use hashbrown::HashTable;
use symtool_module::number_of;
use symtool_unwind::UnwindTable;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::dwarf::{DwarfSymbols, UnitSymbols};
use crate::limits::{MAX_NAME_BYTES, MIN_STRING_BYTES};
use crate::module::merge_sorted::{SpanCursor, push_range};
use crate::module::{
    Alias, ChainId, DropCounts, DropReason, File, FileId, Files, Folder, Function, FunctionId,
    Functions, InlineChain, ModuleInfo, ModuleSymbols, Range, Source, SourceLocation, Start,
};
use crate::object::symbol_tables::SymbolTables;
use crate::object::symbols::{Symbol, SyntheticSymbol};

/// How often memory is given back while units are joined.
const TIMES: usize = 12;

/// Joins everything. The order of names depends on the file alone. Calls `give_back` now and then:
/// units that have been joined are gone, and their names have been copied.
pub fn assemble(
    info: ModuleInfo,
    dwarf: DwarfSymbols<'_>,
    SymbolTables { symbols, synthetic, .. }: &SymbolTables<'_>,
    file_bytes: usize,
    mut dropped: DropCounts,
    give_back: impl Fn(),
) -> ModuleSymbols {
    let string_bytes = MIN_STRING_BYTES.max(4 * file_bytes);
    let mut join = Join {
        functions: Interner::new(string_bytes),
        files: Interner::new(string_bytes),
        chains: Vec::with_capacity(
            dwarf.units.iter().map(|unit| unit.chains.len()).sum::<usize>()
                + symbols.len()
                + 2 * synthetic.len(),
        ),
        // A symbol's span is cut where a unit's interval or a synthetic symbol begins or ends.
        ranges: Vec::with_capacity(
            dwarf.units.iter().map(|unit| unit.ranges.len()).sum::<usize>()
                + symbols.len()
                + dwarf.intervals.len()
                + 2 * synthetic.len(),
        ),
        symbols,
        symbol_at: SpanCursor::new(symbols),
        last_symbol: None,
        synthetic,
        synthetic_at: SpanCursor::new(synthetic),
        last_synthetic: None,
    };
    let mut units: Vec<Renumbered<'_>> = dwarf.units.into_iter().map(Renumbered::new).collect();
    let mut at = 0;
    let part = dwarf.intervals.len() / TIMES + 1;
    for (number, interval) in dwarf.intervals.iter().enumerate() {
        if number % part == part - 1 {
            give_back();
        }
        join.symbols_only(at, interval.start);
        join.unit(&mut units[interval.unit], interval.end);
        at = interval.end;
    }
    join.symbols_only(at, u64::MAX);
    join.functions.kept.shrink_to_fit();
    let (aliases, refused) = kept(&dwarf.aliases, string_bytes);
    dropped.count_many(DropReason::LongName, join.functions.refused + join.files.refused + refused);
    ModuleSymbols {
        info,
        functions: join.functions.kept,
        files: join.files.kept,
        chains: join.chains,
        ranges: join.ranges,
        aliases,
        unwind: UnwindTable::default(),
        dropped,
        warnings: Vec::new(),
    }
}

/// `aliases` as far as there is room for their names, of which many can be one and the same in the
/// file; and how many are left out.
fn kept(aliases: &[(u64, &[u8])], mut room_bytes: usize) -> (Vec<Alias>, u64) {
    let mut kept = Vec::new();
    for (address, name) in aliases {
        if let Some(left) =
            room_bytes.checked_sub(name.len()).filter(|_| name.len() <= MAX_NAME_BYTES)
        {
            room_bytes = left;
            kept.push(Alias { address: *address, name: name.to_vec() });
        }
    }
    let refused = aliases.len() - kept.len();
    (kept, refused as u64)
}

struct Join<'a, 'd> {
    functions: Interner<Functions>,
    files: Interner<Files>,
    chains: Vec<InlineChain>,
    ranges: Vec<Range>,
    symbols: &'a [Symbol<'d>],
    symbol_at: SpanCursor<'a, Symbol<'d>>,
    last_symbol: Option<(usize, ChainId)>,
    synthetic: &'a [SyntheticSymbol],
    synthetic_at: SpanCursor<'a, SyntheticSymbol>,
    last_synthetic: Option<(usize, Option<usize>, ChainId)>,
}

/// A unit on its way into the module: its own numbers and, once it has been met, the module's.
struct Renumbered<'d> {
    unit: UnitSymbols<'d>,
    next_range: usize,
    files: Vec<FileId>,
    first_chain: Option<u32>,
}

impl<'d> Renumbered<'d> {
    fn new(unit: UnitSymbols<'d>) -> Self {
        Self { unit, next_range: 0, files: Vec::new(), first_chain: None }
    }

    fn location(&self, location: SourceLocation) -> SourceLocation {
        SourceLocation {
            file: location.file.map(|file| self.files[file.index() as usize]),
            ..location
        }
    }
}

impl Join<'_, '_> {
    /// Takes the ranges of `unit` that lie before `end`.
    fn unit(&mut self, unit: &mut Renumbered<'_>, end: u64) {
        let first_chain = unit.first_chain.unwrap_or_else(|| self.meet(unit));
        while let Some(range) =
            unit.unit.ranges.get(unit.next_range).filter(|range| range.start < end)
        {
            self.ranges.push(Range {
                chain: ChainId::new(first_chain + range.chain.index()),
                location: unit.location(range.location),
                ..*range
            });
            unit.next_range += 1;
        }
        if unit.next_range == unit.unit.ranges.len() {
            unit.unit.ranges = Vec::new();
            unit.next_range = 0;
        }
    }

    /// Gives the names and chains of `unit` their numbers in the module.
    fn meet(&mut self, unit: &mut Renumbered<'_>) -> u32 {
        unit.files = unit
            .unit
            .files
            .iter()
            .map(|(path, folder)| FileId::new(self.files.intern(File { path, folder: *folder })))
            .collect();
        let functions: Vec<FunctionId> = std::mem::take(&mut unit.unit.functions)
            .into_iter()
            .map(|function| Function {
                file: function.file.map(|file| unit.files[file.index() as usize]),
                ..function
            })
            .map(|function| FunctionId::new(self.functions.intern(function)))
            .collect();
        let first_chain = number_of(self.chains.len());
        for chain in std::mem::take(&mut unit.unit.chains) {
            self.chains.push(InlineChain {
                function: chain.function.map(|function| functions[function.index() as usize]),
                caller: chain.caller.map(|(caller, call)| {
                    (ChainId::new(first_chain + caller.index()), unit.location(call))
                }),
                ..chain
            });
        }
        unit.first_chain = Some(first_chain);
        first_chain
    }

    /// Covers `start..end` with what symbols, synthetic ones too, are there.
    fn symbols_only(&mut self, start: u64, end: u64) {
        let mut at = start;
        while at < end {
            let (symbol, symbol_until) = self.symbol_at.seek(at);
            let (synthetic, synthetic_until) = self.synthetic_at.seek(at);
            let until = end.min(symbol_until).min(synthetic_until);
            let (chain, file) = match (synthetic, symbol) {
                (Some(synthetic), _) => (self.synthetic(synthetic, symbol), None),
                (None, Some(symbol)) => self.symbol(symbol),
                (None, None) => {
                    at = until;
                    continue;
                }
            };
            push_range(
                &mut self.ranges,
                Range { start: at, end: until, chain, location: SourceLocation::in_file(file) },
            );
            at = until;
        }
    }

    /// A synthetic symbol, within what a symbol makes of its address, or within nothing: see
    /// [`crate::InlineChain`].
    fn synthetic(&mut self, index: usize, symbol: Option<usize>) -> ChainId {
        if let Some((.., chain)) =
            self.last_synthetic.filter(|(last, within, _)| (*last, *within) == (index, symbol))
        {
            return chain;
        }
        let (caller, file) = match symbol {
            Some(symbol) => self.symbol(symbol),
            None => (
                self.chain(InlineChain {
                    function: None,
                    caller: None,
                    start: Start::UNKNOWN,
                    source: Source::Symtab,
                }),
                None,
            ),
        };
        let SyntheticSymbol { name, start, .. } = &self.synthetic[index];
        let start = Start::at(*start);
        let function = (!name.is_empty())
            .then(|| FunctionId::new(self.functions.intern(Function::symbol(name))));
        let caller = Some((caller, SourceLocation::in_file(file)));
        let chain = self.chain(InlineChain { function, caller, start, source: Source::Symtab });
        self.last_synthetic = Some((index, symbol, chain));
        chain
    }

    fn chain(&mut self, chain: InlineChain) -> ChainId {
        self.chains.push(chain);
        ChainId::new(number_of(self.chains.len() - 1))
    }

    fn symbol(&mut self, index: usize) -> (ChainId, Option<FileId>) {
        let symbol = &self.symbols[index];
        let file = symbol
            .file
            .map(|path| FileId::new(self.files.intern(File { path, ..File::default() })));
        if let Some((_, chain)) = self.last_symbol.filter(|(last, _)| *last == index) {
            return (chain, file);
        }
        let function = Some(FunctionId::new(self.functions.intern(Function::symbol(symbol.name))));
        let chain = self.chain(InlineChain {
            function,
            caller: None,
            start: Start::at(symbol.start),
            source: Source::Symtab,
        });
        self.last_symbol = Some((index, chain));
        (chain, file)
    }
}

/// What is kept by number, each thing once.
trait Table: Default {
    type Item<'i>: Copy + PartialEq;
    /// What stands for things for whose names there is no room.
    const REFUSED: Self::Item<'static>;

    fn push(&mut self, item: Self::Item<'_>) -> usize;
    fn is_at(&self, index: usize, item: Self::Item<'_>) -> bool;
    /// Bytes of its names.
    fn bytes(item: Self::Item<'_>) -> usize;
    fn hash(item: Self::Item<'_>) -> u64;
}

impl Table for Files {
    type Item<'i> = File<'i>;
    const REFUSED: File<'static> =
        File { path: b"", folder: Folder { bytes: 0, is_entry_0: false } };

    fn push(&mut self, file: File<'_>) -> usize {
        Self::push(self, file)
    }

    fn is_at(&self, index: usize, file: File<'_>) -> bool {
        self.get(index) == Some(file)
    }

    fn bytes(file: File<'_>) -> usize {
        file.path.len()
    }

    fn hash(File { path, folder }: File<'_>) -> u64 {
        xxh3_64_with_seed(path, u64::from(folder.bytes) << 1 | u64::from(folder.is_entry_0))
    }
}

impl Table for Functions {
    type Item<'i> = Function<'i>;
    const REFUSED: Function<'static> = Function { name: b"", own: Some(b""), file: None, line: 0 };

    fn push(&mut self, function: Function<'_>) -> usize {
        Self::push(self, function)
    }

    fn is_at(&self, index: usize, function: Function<'_>) -> bool {
        self.get(index) == Some(function)
    }

    fn bytes(function: Function<'_>) -> usize {
        function.name.len() + function.own.map_or(0, <[u8]>::len)
    }

    fn hash(Function { name, file, line, .. }: Function<'_>) -> u64 {
        let file = file.map_or(0, |file| u64::from(file.index()) + 1);
        xxh3_64_with_seed(name, file << 32 | u64::from(line))
    }
}

/// Things with names, each kept once, up to so many bytes of names in all.
struct Interner<T> {
    kept: T,
    /// Their numbers, by their hashes.
    numbers: HashTable<(u64, u32)>,
    room_bytes: usize,
    /// Things for whose names there was no room.
    refused: u64,
}

impl<T: Table> Interner<T> {
    fn new(room_bytes: usize) -> Self {
        Self { kept: T::default(), numbers: HashTable::new(), room_bytes, refused: 0 }
    }

    fn intern(&mut self, item: T::Item<'_>) -> u32 {
        let hash = T::hash(item);
        if let Some(number) = self.find(hash, item) {
            return number;
        }
        if T::bytes(item) > self.room_bytes {
            self.refused += 1;
            let hash = T::hash(T::REFUSED);
            return self.find(hash, T::REFUSED).unwrap_or_else(|| self.add(hash, T::REFUSED));
        }
        self.add(hash, item)
    }

    fn find(&self, hash: u64, item: T::Item<'_>) -> Option<u32> {
        let is_it = |(other, number): &(u64, u32)| {
            *other == hash && self.kept.is_at(*number as usize, item)
        };
        self.numbers.find(hash, is_it).map(|(_, number)| *number)
    }

    fn add(&mut self, hash: u64, item: T::Item<'_>) -> u32 {
        self.room_bytes -= T::bytes(item);
        let number = number_of(self.kept.push(item));
        self.numbers.insert_unique(hash, (hash, number), |(hash, _)| *hash);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_once_and_up_to_a_bound() {
        let mut interner = Interner::<Functions>::new(8);
        let mut intern = |name: &str, line| {
            interner.intern(Function { name: name.as_bytes(), own: None, file: None, line })
        };
        assert_eq!([intern("main", 1), intern("ini", 2), intern("main", 1)], [0, 1, 0]);
        // No room is left: whatever comes now has the empty name.
        assert_eq!([intern("more", 1), intern("main", 2), intern("ini", 2)], [2, 2, 1]);
        assert_eq!(interner.refused, 2);
        let names: Vec<&[u8]> = interner.kept.iter().map(|function| function.name).collect();
        assert_eq!(names, [&b"main"[..], b"ini", b""]);
    }

    #[test]
    fn paths_are_kept_once_and_up_to_a_bound() {
        let mut interner = Interner::<Files>::new(8);
        let mut intern = |path: &str, bytes| {
            interner
                .intern(File { path: path.as_bytes(), folder: Folder { bytes, is_entry_0: false } })
        };
        assert_eq!([intern("a.c", 0), intern("a.c", 1), intern("a.c", 0)], [0, 1, 0]);
        assert_eq!([intern("long.c", 0), intern("b.c", 0), intern("c", 0)], [2, 2, 3]);
        assert_eq!(interner.refused, 2);
    }
}
