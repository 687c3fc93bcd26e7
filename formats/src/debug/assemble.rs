//! All units of a file -> one module: in, what each unit and the symbol table say; out, [`ModuleSymbols`] with
//! every name and path once, ranges in address order, and symbols answering where no unit does.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::dwarf::{DwarfSymbols, Hashed, UnitSymbols};
use super::symbols::{Extra, Symbol};
use super::weave::{Cursor, push};
use crate::limits::MIN_STRING_BYTES;
use crate::module::{Chain, ChainId, DropReason, Dropped, FileId, FunctionId, Location, ModuleInfo, ModuleSymbols, Range, Source, Start};
use crate::strings::{Function, Functions, Strings};

/// How often memory is given back while units are joined.
const TIMES: usize = 4;

/// Joins everything. The order of names depends on the file alone. Calls `give_back` now and then: units that have been
/// joined are gone, and their names have been copied.
pub fn assemble(
    info: ModuleInfo,
    dwarf: DwarfSymbols<'_>,
    symbols: &[Symbol<'_>],
    extras: &[Extra],
    file_bytes: usize,
    mut dropped: Dropped,
    give_back: impl Fn(),
) -> ModuleSymbols {
    let string_bytes = MIN_STRING_BYTES.max(4 * file_bytes);
    let mut join = Join {
        functions: FunctionInterner::new(string_bytes),
        files: Interner::new(string_bytes),
        chains: Vec::with_capacity(dwarf.units.iter().map(|unit| unit.chains.len()).sum::<usize>() + symbols.len() + 2 * extras.len()),
        // A symbol's span is cut where a unit's interval or an extra function begins or ends.
        ranges: Vec::with_capacity(
            dwarf.units.iter().map(|unit| unit.ranges.len()).sum::<usize>() + symbols.len() + dwarf.intervals.len() + 2 * extras.len(),
        ),
        symbols,
        symbol_at: Cursor::new(symbols),
        last_symbol: None,
        extras,
        extra_at: Cursor::new(extras),
        last_extra: None,
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
    join.functions.functions.shrink_to_fit();
    dropped.count_many(DropReason::LongName, join.functions.refused + join.files.refused);
    ModuleSymbols {
        info,
        functions: join.functions.functions,
        files: join.files.strings,
        chains: join.chains,
        ranges: join.ranges,
        dropped,
        warnings: Vec::new(),
    }
}

struct Join<'a, 'd> {
    functions: FunctionInterner,
    files: Interner,
    chains: Vec<Chain>,
    ranges: Vec<Range>,
    symbols: &'a [Symbol<'d>],
    symbol_at: Cursor<'a, Symbol<'d>>,
    last_symbol: Option<(usize, ChainId)>,
    extras: &'a [Extra],
    extra_at: Cursor<'a, Extra>,
    last_extra: Option<(usize, Option<usize>, ChainId)>,
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

    fn location(&self, location: Location) -> Location {
        Location { file: location.file.map(|file| self.files[file.index() as usize]), ..location }
    }
}

impl Join<'_, '_> {
    /// Takes the ranges of `unit` that lie before `end`.
    fn unit(&mut self, unit: &mut Renumbered<'_>, end: u64) {
        let first_chain = unit.first_chain.unwrap_or_else(|| self.meet(unit));
        while let Some(range) = unit.unit.ranges.get(unit.next_range).filter(|range| range.start < end) {
            self.ranges.push(Range { chain: ChainId(first_chain + range.chain.0), location: unit.location(range.location), ..*range });
            unit.next_range += 1;
        }
        if unit.next_range == unit.unit.ranges.len() {
            unit.unit.ranges = Vec::new();
            unit.next_range = 0;
        }
    }

    /// Gives the names and chains of `unit` their numbers in the module.
    fn meet(&mut self, unit: &mut Renumbered<'_>) -> u32 {
        unit.files = unit.unit.files.iter().map(|path| FileId::new(self.files.intern(Hashed::of(path)))).collect();
        let functions: Vec<FunctionId> = std::mem::take(&mut unit.unit.functions)
            .into_iter()
            .map(|function| Function { file: function.file.map(|file| unit.files[file.index() as usize]), ..function })
            .map(|function| FunctionId(self.functions.intern(function)))
            .collect();
        let first_chain = u32::try_from(self.chains.len()).unwrap_or(u32::MAX);
        for chain in std::mem::take(&mut unit.unit.chains) {
            self.chains.push(Chain {
                function: chain.function.map(|function| functions[function.0 as usize]),
                caller: chain.caller.map(|(caller, call)| (ChainId(first_chain + caller.0), unit.location(call))),
                ..chain
            });
        }
        unit.first_chain = Some(first_chain);
        first_chain
    }

    /// Covers `start..end` with what symbols and linkage extras are there.
    fn symbols_only(&mut self, start: u64, end: u64) {
        let mut at = start;
        while at < end {
            let (symbol, symbol_until) = self.symbol_at.seek(at);
            let (extra, extra_until) = self.extra_at.seek(at);
            let until = end.min(symbol_until).min(extra_until);
            let (chain, file) = match (extra, symbol) {
                (Some(extra), _) => (self.extra(extra, symbol), None),
                (None, Some(symbol)) => self.symbol(symbol),
                (None, None) => {
                    at = until;
                    continue;
                }
            };
            push(&mut self.ranges, Range { start: at, end: until, chain, location: Location::in_file(file) });
            at = until;
        }
    }

    /// An extra function, within what a symbol makes of its address, or within nothing: see [`crate::Chain`].
    fn extra(&mut self, index: usize, symbol: Option<usize>) -> ChainId {
        if let Some((.., chain)) = self.last_extra.filter(|(last, within, _)| (*last, *within) == (index, symbol)) {
            return chain;
        }
        let (caller, file) = match symbol {
            Some(symbol) => self.symbol(symbol),
            None => (self.chain(Chain { function: None, caller: None, start: Start::UNKNOWN, source: Source::Symtab }), None),
        };
        let Extra { name, start, .. } = &self.extras[index];
        let start = Start::at(*start);
        let function = (!name.is_empty()).then(|| FunctionId(self.functions.intern(Function::symbol(name))));
        let caller = Some((caller, Location::in_file(file)));
        let chain = self.chain(Chain { function, caller, start, source: Source::Symtab });
        self.last_extra = Some((index, symbol, chain));
        chain
    }

    fn chain(&mut self, chain: Chain) -> ChainId {
        self.chains.push(chain);
        ChainId(u32::try_from(self.chains.len() - 1).unwrap_or(u32::MAX))
    }

    fn symbol(&mut self, index: usize) -> (ChainId, Option<FileId>) {
        let symbol = &self.symbols[index];
        let file = symbol.file.map(|file| FileId::new(self.files.intern(Hashed::of(file))));
        if let Some((_, chain)) = self.last_symbol.filter(|(last, _)| *last == index) {
            return (chain, file);
        }
        let function = Some(FunctionId(self.functions.intern(Function::symbol(symbol.name))));
        let chain = self.chain(Chain { function, caller: None, start: Start::at(symbol.start), source: Source::Symtab });
        self.last_symbol = Some((index, chain));
        (chain, file)
    }
}

/// Strings, each kept once, up to so many bytes in all.
struct Interner {
    strings: Strings,
    /// Numbers of strings, by the hash of the string.
    numbers: HashTable<(u64, u32)>,
    room_bytes: usize,
    /// Strings for which there was no room; they are empty.
    refused: u64,
}

impl Interner {
    fn new(room_bytes: usize) -> Self {
        Self { strings: Strings::default(), numbers: HashTable::new(), room_bytes, refused: 0 }
    }

    fn intern(&mut self, mut string: Hashed<'_>) -> u32 {
        if let Some(number) = self.find(string) {
            return number;
        }
        if string.bytes.len() > self.room_bytes {
            self.refused += 1;
            string = Hashed::of(b"");
            if let Some(number) = self.find(string) {
                return number;
            }
        }
        self.room_bytes -= string.bytes.len();
        let number = u32::try_from(self.strings.push(string.bytes)).unwrap_or(u32::MAX);
        self.numbers.insert_unique(string.hash, (string.hash, number), |(hash, _)| *hash);
        number
    }

    fn find(&self, string: Hashed<'_>) -> Option<u32> {
        let is_it = |(hash, number): &(u64, u32)| *hash == string.hash && self.strings.get(*number as usize) == Some(string.bytes);
        self.numbers.find(string.hash, is_it).map(|(_, number)| *number)
    }
}

/// Functions, each kept once, with names of so many bytes in all.
struct FunctionInterner {
    functions: Functions,
    /// Numbers of functions, by the hash of all that is known of them.
    numbers: HashTable<(u64, u32)>,
    room_bytes: usize,
    /// Functions for whose names there was no room; they have none.
    refused: u64,
}

impl FunctionInterner {
    fn new(room_bytes: usize) -> Self {
        Self { functions: Functions::default(), numbers: HashTable::new(), room_bytes, refused: 0 }
    }

    fn intern(&mut self, mut function: Function<'_>) -> u32 {
        let mut hash = hash(&function);
        if let Some(number) = self.find(hash, &function) {
            return number;
        }
        if bytes(&function) > self.room_bytes {
            self.refused += 1;
            function = Function::symbol(b"");
            hash = self::hash(&function);
            if let Some(number) = self.find(hash, &function) {
                return number;
            }
        }
        self.room_bytes -= bytes(&function);
        let number = u32::try_from(self.functions.push(function)).unwrap_or(u32::MAX);
        self.numbers.insert_unique(hash, (hash, number), |(hash, _)| *hash);
        number
    }

    fn find(&self, hash: u64, function: &Function<'_>) -> Option<u32> {
        let is_it = |(other, number): &(u64, u32)| *other == hash && self.functions.get(*number as usize).as_ref() == Some(function);
        self.numbers.find(hash, is_it).map(|(_, number)| *number)
    }
}

fn bytes(function: &Function<'_>) -> usize {
    function.name.len() + function.short.map_or(0, <[u8]>::len)
}

fn hash(function: &Function<'_>) -> u64 {
    let file = function.file.map_or(0, |file| u64::from(file.index()) + 1);
    let place = file << 32 | u64::from(function.line);
    xxh3_64_with_seed(function.name, place.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_kept_once_and_up_to_a_bound() {
        let mut interner = Interner::new(8);
        let mut intern = |string: &str| interner.intern(Hashed::of(string.as_bytes()));
        assert_eq!([intern("main"), intern("init"), intern("main")], [0, 1, 0]);
        // No room is left: whatever comes now has the empty name.
        assert_eq!([intern("more"), intern("x"), intern("init")], [2, 2, 1]);
        assert_eq!(interner.refused, 2);
        assert_eq!(interner.strings.iter().collect::<Vec<_>>(), [&b"main"[..], b"init", b""]);
    }
}
