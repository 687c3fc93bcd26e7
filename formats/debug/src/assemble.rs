//! Joins all units of a file and its symbol table into one [`ModuleSymbols`]: every name and path
//! once, ranges in address order, and symbols where no unit answers.

use symtool_module::number_of;
use symtool_unwind::UnwindTable;

use crate::dwarf::{DwarfSymbols, Interval, UnitSymbols, extents};
use crate::interner::{Interner, Table};
use crate::limits::{MAX_NAME_BYTES, MIN_STRING_BYTES};
use crate::module::merge_sorted::{SpanCursor, push_range};
use crate::module::{
    Alias, ChainId, DropCounts, DropReason, File, FileId, Files, Function, FunctionId, Functions,
    InlineChain, ModuleInfo, ModuleSymbols, Range, Source, SourceLocation, Start,
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
    dropped: DropCounts,
    give_back: impl Fn(),
) -> ModuleSymbols {
    let mut join = Join::new(Functions::default(), symbols, synthetic, file_bytes);
    join.chains.reserve_exact(
        dwarf.units.iter().map(|unit| unit.chains.len()).sum::<usize>()
            + symbols.len()
            + 2 * synthetic.len(),
    );
    // A symbol's span is cut where a unit's interval or a synthetic symbol begins or ends.
    join.ranges.reserve_exact(
        dwarf.units.iter().map(|unit| unit.ranges.len()).sum::<usize>()
            + symbols.len()
            + dwarf.intervals.len()
            + 2 * synthetic.len(),
    );
    let mut units: Vec<Renumbered<'_>> = dwarf.units.into_iter().map(Renumbered::new).collect();
    let part = dwarf.intervals.len() / TIMES + 1;
    for (number, interval) in dwarf.intervals.iter().enumerate() {
        if number % part == part - 1 {
            give_back();
        }
        join.interval(interval, &mut units[interval.unit]);
    }
    join.rest();
    let (chains, ranges) = join.take_part();
    let mut names = join.finish();
    let mut functions = std::mem::take(&mut names.functions);
    functions.shrink_to_fit();
    let symbols = names.module(info, &dwarf.aliases, dropped);
    ModuleSymbols { functions, chains, ranges, ..symbols }
}

/// The names of a module whose chains and ranges have been joined.
pub struct Names<F> {
    /// By [`FunctionId`].
    pub functions: F,
    files: Files,
    string_bytes: usize,
    refused: u64,
}

impl<F> Names<F> {
    /// Nothing but `functions`.
    pub fn new(functions: F) -> Self {
        Self { functions, files: Files::default(), string_bytes: 0, refused: 0 }
    }

    /// All that is known of the module but its chains, ranges and functions.
    pub fn module(
        self,
        info: ModuleInfo,
        aliases: &[(u64, &[u8])],
        mut dropped: DropCounts,
    ) -> ModuleSymbols {
        let (aliases, refused) = kept(aliases, self.string_bytes);
        dropped.count_many(DropReason::LongName, self.refused + refused);
        ModuleSymbols {
            info,
            functions: Functions::default(),
            files: self.files,
            chains: Vec::new(),
            ranges: Vec::new(),
            aliases,
            unwind: UnwindTable::default(),
            dropped,
            warnings: Vec::new(),
        }
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

/// Joins units and symbols in the order of their addresses.
pub struct Join<'a, 'd, F> {
    /// The first address that has not been looked at.
    at: u64,
    string_bytes: usize,
    functions: Interner<F>,
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

impl<'a, 'd, F> Join<'a, 'd, F>
where
    F: for<'i> Table<Item<'i> = Function<'i>>,
{
    /// Of a file of `file_bytes` with `symbols` and `synthetic` ones, whose functions will be in
    /// `functions`.
    pub fn new(
        functions: F,
        symbols: &'a [Symbol<'d>],
        synthetic: &'a [SyntheticSymbol],
        file_bytes: usize,
    ) -> Self {
        let string_bytes = MIN_STRING_BYTES.max(4 * file_bytes);
        Self {
            at: 0,
            string_bytes,
            functions: Interner::new(functions, string_bytes),
            files: Interner::new(Files::default(), string_bytes),
            chains: Vec::new(),
            ranges: Vec::new(),
            symbols,
            symbol_at: SpanCursor::new(symbols),
            last_symbol: None,
            synthetic,
            synthetic_at: SpanCursor::new(synthetic),
            last_synthetic: None,
        }
    }

    /// Joins all of `unit`, which lies after what was joined before.
    pub fn next_unit(&mut self, unit: UnitSymbols<'_>) {
        let intervals = extents(std::slice::from_ref(&unit));
        let mut unit = Renumbered::new(unit);
        intervals.iter().for_each(|interval| self.interval(interval, &mut unit));
    }

    /// Joins the symbols after all units.
    pub fn rest(&mut self) {
        self.symbols_only(self.at, u64::MAX);
        self.at = u64::MAX;
    }

    /// What was joined since this was called last. Chains are numbered from 0 again.
    pub fn take_part(&mut self) -> (Vec<InlineChain>, Vec<Range>) {
        (self.last_symbol, self.last_synthetic) = (None, None);
        (std::mem::take(&mut self.chains), std::mem::take(&mut self.ranges))
    }

    /// The names of all that was joined.
    pub fn finish(self) -> Names<F> {
        let Self { functions, files, string_bytes, .. } = self;
        let refused = functions.refused + files.refused;
        Names { functions: functions.kept, files: files.kept, string_bytes, refused }
    }

    /// Joins what `unit` has in `interval`, and the symbols before.
    fn interval(&mut self, interval: &Interval, unit: &mut Renumbered<'_>) {
        self.symbols_only(self.at, interval.start);
        self.unit(unit, interval.end);
        self.at = interval.end;
    }

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
