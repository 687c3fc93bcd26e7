//! Joins stretches of two modules into one module, with every name once.

use hashbrown::HashMap;
use symtool_debug::{
    Alias, ChainId, DropCounts, File, FileId, Files, Function, FunctionId, Functions, InlineChain,
    ModuleSymbols, Range, SourceLocation,
};
use symtool_module::number_of;
use symtool_unwind::UnwindTable;

use super::overlay::{Piece, Side};
use crate::block::layers::Span;

/// A module in the making. Names are numbered as they are met, and neighbours share the frames that
/// are alike, so that the outcome depends on what is known of each address and on nothing else.
pub struct Joined<'a> {
    sides: [Numbering<'a>; 2],
    functions: MetFunctions<'a>,
    files: MetFiles<'a>,
    chains: Vec<InlineChain>,
    ranges: Vec<Range>,
    /// The frames of the last range, outermost first.
    open: Vec<(ChainId, InlineChain)>,
    /// The frames of the range at hand, innermost first.
    path: Vec<InlineChain>,
    spans: Vec<Span>,
    aliases: Vec<Alias>,
    /// How many addresses each source answers.
    pub addresses: Vec<u64>,
}

/// A module that is taken from, and the numbers that its names have in the new one.
struct Numbering<'a> {
    symbols: &'a ModuleSymbols,
    functions: Vec<Option<u32>>,
    files: Vec<Option<u32>>,
}

/// Source files in the order in which they are met, each once.
#[derive(Default)]
struct MetFiles<'a> {
    files: Files,
    numbers: HashMap<File<'a>, u32>,
}

impl<'a> MetFiles<'a> {
    fn number(&mut self, file: File<'a>) -> u32 {
        let files = &mut self.files;
        *self.numbers.entry(file).or_insert_with(|| number_of(files.push(file)))
    }
}

/// Functions in the order in which they are met, each once.
#[derive(Default)]
struct MetFunctions<'a> {
    functions: Functions,
    numbers: HashMap<Function<'a>, u32>,
}

impl<'a> MetFunctions<'a> {
    fn number(&mut self, function: Function<'a>) -> u32 {
        let functions = &mut self.functions;
        *self.numbers.entry(function).or_insert_with(|| number_of(functions.push(function)))
    }
}

impl<'a> Joined<'a> {
    /// Of `old` and `new`, which are from `sources` files.
    pub fn new(old: &'a ModuleSymbols, new: &'a ModuleSymbols, sources: usize) -> Self {
        let numbering = |symbols: &'a ModuleSymbols| Numbering {
            symbols,
            functions: vec![None; symbols.functions.len()],
            files: vec![None; symbols.files.len()],
        };
        Self {
            sides: [numbering(old), numbering(new)],
            functions: MetFunctions::default(),
            files: MetFiles::default(),
            chains: Vec::new(),
            ranges: Vec::new(),
            open: Vec::new(),
            path: Vec::new(),
            spans: Vec::new(),
            aliases: Vec::new(),
            addresses: vec![0; sources],
        }
    }

    /// Appends `start..end`, of which `piece` of `side` tells.
    pub fn push(&mut self, start: u64, end: u64, side: Side, piece: &Piece) {
        match self.spans.last_mut() {
            Some(span) if span.source == piece.rank && span.end == start => span.end = end,
            _ if piece.rank > 0 => self.spans.push(Span { start, end, source: piece.rank }),
            _ => {}
        }
        let Some(range) = piece.range else { return };
        self.addresses[piece.rank] += crate::module::addresses(start, end);
        let symbols = self.sides[side as usize].symbols;
        let first = symbols.aliases.partition_point(|alias| alias.address < start);
        self.aliases.extend(
            symbols.aliases[first..].iter().take_while(|alias| alias.address < end).cloned(),
        );
        let range = symbols.ranges[range];
        let is_adjacent = self.ranges.last().is_some_and(|last| last.end == start);
        let chain = self.enter(side, range.chain, is_adjacent);
        let location = self.location(side, range.location);
        match self
            .ranges
            .last_mut()
            .filter(|last| is_adjacent && last.chain == chain && last.location == location)
        {
            Some(last) => last.end = end,
            None => self.ranges.push(Range { start, end, chain, location }),
        }
    }

    /// The chain here that says what `chain` says there. Frames that the range before has too are
    /// its frames if it `is_adjacent`.
    fn enter(&mut self, side: Side, chain: ChainId, is_adjacent: bool) -> ChainId {
        let symbols = self.sides[side as usize].symbols;
        self.path.clear();
        let mut next = Some(chain);
        while let Some(at) = next {
            let chain = symbols.chains[at.index() as usize];
            self.path.push(chain);
            next = chain.caller.map(|(caller, _)| caller);
        }
        if !is_adjacent {
            self.open.clear();
        }
        let mut caller = None;
        for depth in 0..self.path.len() {
            let there = self.path[self.path.len() - 1 - depth];
            let here = InlineChain {
                function: there.function.map(|function| self.function(side, function)),
                caller: caller.zip(there.caller.map(|(_, call)| self.location(side, call))),
                start: there.start,
                source: there.source,
            };
            if self.open.get(depth).is_none_or(|(_, open)| *open != here) {
                self.open.truncate(depth);
                self.open.push((ChainId::new(number_of(self.chains.len())), here));
                self.chains.push(here);
            }
            caller = Some(self.open[depth].0);
        }
        self.open.truncate(self.path.len());
        caller.unwrap_or(ChainId::new(0))
    }

    fn function(&mut self, side: Side, function: FunctionId) -> FunctionId {
        let Numbering { symbols, functions, .. } = &mut self.sides[side as usize];
        if let Some(number) = functions[function.index() as usize] {
            return FunctionId::new(number);
        }
        let declared = symbols
            .functions
            .get(function.index() as usize)
            .unwrap_or_else(|| Function::symbol(b""));
        let file = declared.file.map(|file| self.file(side, file));
        let number = self.functions.number(Function { file, ..declared });
        self.sides[side as usize].functions[function.index() as usize] = Some(number);
        FunctionId::new(number)
    }

    fn location(&mut self, side: Side, location: SourceLocation) -> SourceLocation {
        SourceLocation { file: location.file.map(|file| self.file(side, file)), ..location }
    }

    fn file(&mut self, side: Side, file: FileId) -> FileId {
        let Numbering { symbols, files, .. } = &mut self.sides[side as usize];
        let (symbols, names): (&'a ModuleSymbols, _) = (symbols, &mut self.files);
        let name = || names.number(symbols.files.get(file.index() as usize).unwrap_or_default());
        FileId::new(*files[file.index() as usize].get_or_insert_with(name))
    }

    /// The module, which is what `first` says of itself, and which source answers where.
    pub fn finish(self, first: &ModuleSymbols) -> (ModuleSymbols, Vec<Span>) {
        let symbols = ModuleSymbols {
            info: first.info.clone(),
            functions: self.functions.functions,
            files: self.files.files,
            chains: self.chains,
            ranges: self.ranges,
            dropped: DropCounts::default(),
            aliases: self.aliases,
            unwind: UnwindTable::default(),
            warnings: Vec::new(),
        };
        (symbols, self.spans)
    }
}
