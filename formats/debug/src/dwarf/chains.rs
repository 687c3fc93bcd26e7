//! Merges what a unit says of its addresses into ranges, and builds their inline chains:
//! [`merge_sorted`].
//!
//! Three sorted lists are merged into one; a range ends wherever one of the three does:
//!
//! ```text
//! scopes   [main        ][a in main     ][main   ]      who (scopes/)
//! lines    [12 ][13     ][40][41        ][14     ]      where (lines.rs)
//! symbols  [main                      ][main.cold]      what the outermost function is called
//! ranges   [   ][       ][  ][        ][][       ]
//! ```

use std::hash::BuildHasher;

use gimli::Endianity;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use symtool_module::number_of;

use super::input::Input;
use super::lines::LineRow;
use super::names::{Declared, DeclaredFile, NameAt};
use super::paths;
use super::scopes::{CallSite, Scopes};
use super::unit_symbols::UnitSymbols;
use super::units::UnitOf;
use super::work::Work;
use crate::limits::STEPS_PER_CHAIN;
use crate::module::merge_sorted::{SpanCursor, push_range};
use crate::module::{
    ChainId, FileId, Folder, Function, FunctionId, InlineChain, Range, Source, SourceLocation,
    Start,
};
use crate::object::symbols::Symbol;

/// Appends the ranges of `intervals`: what `scopes`, `lines` and symbols say there.
pub fn merge_sorted<'d, E: Endianity>(
    chains: &mut ChainBuilder<'_, 'd, E>,
    scopes: &Scopes<'d>,
    lines: &[LineRow],
    intervals: &[(u64, u64)],
    Input { symbols, functions_move, .. }: Input<'d>,
) {
    // Assembly has lines without functions.
    let only_in_functions = functions_move && !scopes.nodes.is_empty();
    let mut scope_at = SpanCursor::new(&scopes.segments);
    let mut line_at = SpanCursor::new(lines);
    let mut symbol_at = SpanCursor::new(symbols);
    for &(start, end) in intervals {
        let mut at = start;
        while at < end {
            let (scope, scope_until) = scope_at.seek(at);
            let (line, line_until) = line_at.seek(at);
            let (symbol, symbol_until) = symbol_at.seek(at);
            let until = end.min(scope_until).min(line_until).min(symbol_until);
            // Rows of another function go on into one that has none, unless they part.
            let begins_here = |line: &usize| {
                symbol.is_none_or(|symbol| symbols[symbol].start <= lines[*line].start)
            };
            let line = line.filter(|line| {
                !functions_move || (scope.is_some() || !only_in_functions) && begins_here(line)
            });
            let location = line.and_then(|line| chains.location(&lines[line]));
            let chain = match (scope, location, symbol) {
                (Some(scope), _, _) => Some(chains.chain(scopes.segments[scope].node, symbol)),
                (None, Some(_), _) => Some(chains.root(None, symbol, Source::Dwarf)),
                (None, None, Some(_)) if !functions_move => {
                    Some(chains.root(None, symbol, Source::Symtab))
                }
                (None, None, _) => None,
            };
            if let Some(chain) = chain {
                let is_outermost = chains.out.chains[chain.index() as usize].caller.is_none();
                let mut location = location.unwrap_or_default();
                if is_outermost && location.file.is_none() {
                    location.file = chains.symbol_file(symbol);
                }
                push_range(
                    &mut chains.out.ranges,
                    Range { start: at, end: until, chain, location },
                );
            }
            at = until;
        }
    }
}

/// Numbers functions, files and chains as they are first used.
pub struct ChainBuilder<'a, 'd, E: Endianity> {
    /// The unit with the functions: a split unit, or the same as `lines`.
    entries: Option<UnitOf<'a, 'd, E>>,
    /// The unit with the line program.
    lines: Option<UnitOf<'a, 'd, E>>,
    scopes: &'a Scopes<'d>,
    symbols: &'a [Symbol<'d>],
    /// By the entry that leads to the name.
    functions: HashMap<NameAt, Option<FunctionId>>,
    /// By index in the line program's file table.
    files: HashMap<u64, Option<FileId>>,
    /// By where the declaration stands.
    declaring_files: HashMap<DeclaredFile, Option<FileId>>,
    /// By the path that the symbol table gives.
    symbol_files: HashMap<&'d [u8], FileId>,
    work: &'a Work,
    /// As many chains cost nothing.
    free_chains: usize,
    children: Children,
    /// The symbol, counted from 1, and the chain with which a node was last met.
    chains_of_nodes: Vec<Option<(u32, ChainId)>>,
    /// The nodes between one that is asked for and one that is known; empty but for that time.
    path: Vec<u32>,
    /// Outermost functions, by node and symbol.
    roots: HashMap<(Option<u32>, Option<usize>, Source), ChainId>,
    /// What has been met so far.
    pub out: UnitSymbols<'d>,
}

impl<'a, 'd, E: Endianity> ChainBuilder<'a, 'd, E> {
    /// A builder by which nothing has a number yet; `out` has what was read before. The functions
    /// are those of `scopes`, in the unit `entries`; files are numbered by the line program of
    /// `lines`.
    pub fn new(
        entries: Option<UnitOf<'a, 'd, E>>,
        lines: Option<UnitOf<'a, 'd, E>>,
        scopes: &'a Scopes<'d>,
        symbols: &'a [Symbol<'d>],
        work: &'a Work,
        out: UnitSymbols<'d>,
    ) -> Self {
        Self {
            entries,
            lines,
            scopes,
            symbols,
            functions: HashMap::new(),
            files: HashMap::new(),
            declaring_files: HashMap::new(),
            symbol_files: HashMap::new(),
            children: Children::of(scopes.nodes.len()),
            work,
            free_chains: 4 * scopes.nodes.len(),
            chains_of_nodes: vec![None; scopes.nodes.len()],
            path: Vec::new(),
            roots: HashMap::new(),
            out,
        }
    }

    /// The chain of `node` where `symbol` names its outermost function.
    fn chain(&mut self, node: u32, symbol: Option<usize>) -> ChainId {
        let number = symbol.map_or(0, |symbol| number_of(symbol + 1));
        // Up to a caller that is known, then down again.
        let mut at = node;
        let mut chain = loop {
            if let Some((_, known)) =
                self.chains_of_nodes[at as usize].filter(|(of, _)| *of == number)
            {
                break known;
            }
            match self.scopes.nodes[at as usize].caller {
                Some(caller) => {
                    self.path.push(at);
                    at = caller;
                }
                None => {
                    let root = self.root(Some(at), symbol, Source::Dwarf);
                    self.chains_of_nodes[at as usize] = Some((number, root));
                    break root;
                }
            }
        };
        while let Some(node) = self.path.pop() {
            chain = self.child(node, chain, symbol);
            self.chains_of_nodes[node as usize] = Some((number, chain));
        }
        chain
    }

    fn child(&mut self, node: u32, caller: ChainId, symbol: Option<usize>) -> ChainId {
        let scope = self.scopes.nodes[node as usize];
        let function = self.function(scope.entry);
        let CallSite { file, line, column, discriminator } = scope.call;
        let mut call = SourceLocation { file: self.file(file), line, column, discriminator };
        if call.file.is_none() && self.out.chains[caller.index() as usize].caller.is_none() {
            call.file = self.symbol_file(symbol);
        }
        let (chains, work) = (&mut self.out.chains, self.work);
        // A function under many symbols has its chains once for each.
        if chains.len() > self.free_chains && work.spend(STEPS_PER_CHAIN).is_err() {
            return caller;
        }
        self.children.find_or_add(
            chains,
            InlineChain {
                function,
                caller: Some((caller, call)),
                start: scope.start,
                source: Source::Dwarf,
            },
        )
    }

    /// An outermost function: `node`'s, unless a symbol names it.
    fn root(&mut self, node: Option<u32>, symbol: Option<usize>, source: Source) -> ChainId {
        if let Some(chain) = self.roots.get(&(node, symbol, source)) {
            return *chain;
        }
        let node_at = node.map(|node| self.scopes.nodes[node as usize]);
        let declared = node_at.and_then(|node| self.function(node.entry));
        let (function, start) = match symbol.and_then(|symbol| self.symbols.get(symbol)) {
            Some(symbol) => {
                let named = match declared {
                    Some(declared) => {
                        self.out.functions[declared.index() as usize].named(symbol.name)
                    }
                    None => Function::symbol(symbol.name),
                };
                (Some(self.add_function(named)), Start::at(symbol.start))
            }
            None => (declared, node_at.map_or(Start::UNKNOWN, |node| node.start)),
        };
        self.out.chains.push(InlineChain { function, caller: None, start, source });
        let chain = ChainId::new(number_of(self.out.chains.len() - 1));
        self.roots.insert((node, symbol, source), chain);
        chain
    }

    fn function(&mut self, entry: NameAt) -> Option<FunctionId> {
        if let Some(function) = self.functions.get(&entry) {
            return *function;
        }
        let declared = self.entries.and_then(|(units, unit)| units.function(unit, entry));
        let function = declared.map(|Declared { name, file, line }| {
            let file = file.and_then(|file| self.declaring_file(file));
            self.add_function(Function { name, own: None, file, line })
        });
        self.functions.insert(entry, function);
        function
    }

    fn add_function(&mut self, function: Function<'d>) -> FunctionId {
        self.out.functions.push(function);
        FunctionId::new(number_of(self.out.functions.len() - 1))
    }

    /// The file of a declaration, which may stand in another unit.
    fn declaring_file(&mut self, declared: DeclaredFile) -> Option<FileId> {
        if declared.is_own() && self.counts_by_lines() {
            return self.file(declared.index);
        }
        if let Some(file) = self.declaring_files.get(&declared) {
            return *file;
        }
        let path = self.entries.and_then(|(units, unit)| units.declaring_path(unit, declared));
        let file = path.map(|path| self.add_file(path));
        self.declaring_files.insert(declared, file);
        file
    }

    /// Whether declarations of the unit with the functions count files as the line program does: it
    /// has that program, or none of its own.
    fn counts_by_lines(&self) -> bool {
        let (Some((_, entries)), Some((_, lines))) = (self.entries, self.lines) else {
            return false;
        };
        std::ptr::eq(entries, lines) || entries.line_program.is_none()
    }

    /// A row of the line table; `None` if its file is not in the file table.
    fn location(&mut self, row: &LineRow) -> Option<SourceLocation> {
        let file = self.file(row.file)?;
        Some(SourceLocation {
            file: Some(file),
            line: row.line,
            column: row.column,
            discriminator: row.discriminator,
        })
    }

    fn file(&mut self, index: u64) -> Option<FileId> {
        if let Some(file) = self.files.get(&index) {
            return *file;
        }
        let path = self.lines.and_then(|(units, unit)| {
            let program = unit.line_program.as_ref()?;
            paths::path(units, unit, program.header(), index)
        });
        let file = path.map(|path| self.add_file(path));
        self.files.insert(index, file);
        file
    }

    /// The file that the symbol table gives for `symbol`.
    fn symbol_file(&mut self, symbol: Option<usize>) -> Option<FileId> {
        let path = self.symbols.get(symbol?)?.file?;
        if let Some(file) = self.symbol_files.get(path) {
            return Some(*file);
        }
        let file = self.add_file((path.to_vec(), Folder::default()));
        self.symbol_files.insert(path, file);
        Some(file)
    }

    fn add_file(&mut self, path: (Vec<u8>, Folder)) -> FileId {
        self.out.files.push(path);
        FileId::new(number_of(self.out.files.len() - 1))
    }
}

/// Finds the chains of inlined calls: hashes of them, and which they are.
struct Children {
    places: HashTable<(u32, u32)>,
    hasher: DefaultHashBuilder,
}

impl Children {
    /// With room for so many.
    fn of(count: usize) -> Self {
        Self { places: HashTable::with_capacity(count), hasher: DefaultHashBuilder::default() }
    }

    /// The one of `chains` that is `child`, which has a caller; appends it if there is none.
    fn find_or_add(&mut self, chains: &mut Vec<InlineChain>, child: InlineChain) -> ChainId {
        let hash = upper_half(self.hasher.hash_one(key(&child)));
        let is_it = |&(other, place): &(u32, u32)| other == hash && chains[place as usize] == child;
        if let Some((_, place)) = self.places.find(spread(hash), is_it) {
            return ChainId::new(*place);
        }
        let place = number_of(chains.len());
        chains.push(child);
        self.places.insert_unique(spread(hash), (hash, place), |(hash, _)| spread(*hash));
        ChainId::new(place)
    }
}

/// Nearly all that is in `chain`, as two numbers, which hash in two steps.
fn key(chain: &InlineChain) -> (u128, u128) {
    let as_one =
        |parts: [u32; 4]| parts.into_iter().fold(0, |key, part| key << 32 | u128::from(part));
    let (caller, call) = chain
        .caller
        .map_or((0, SourceLocation::default()), |(caller, call)| (caller.index() + 1, call));
    let function = chain.function.map_or(0, |function| function.index() + 1);
    let file = call.file.map_or(0, |file| file.index() + 1);
    let start = u128::from(chain.start.address().unwrap_or(u64::MAX));
    let place = as_one([0, 0, call.column, call.discriminator]);
    (as_one([caller, function, file, call.line]), place << 64 | start)
}

fn upper_half(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or_default()
}

/// Tables want hashes whose upper bits differ.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
