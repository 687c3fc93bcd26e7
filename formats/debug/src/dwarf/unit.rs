//! Reads one unit: the ranges of the addresses that are its own, as [`UnitSymbols`].
//!
//! Three sorted lists are merged into one; a range ends wherever one of the three does:
//!
//! ```text
//! scopes   [main        ][a in main     ][main   ]      who (scopes.rs)
//! lines    [12 ][13     ][40][41        ][14     ]      where (lines.rs)
//! symbols  [main                      ][main.cold]      what the outermost function is called
//! ranges   [   ][       ][  ][        ][][       ]
//! ```

use std::borrow::Cow;

use gimli::{EndianSlice, Endianity, Unit};
use hashbrown::HashMap;
use rayon::prelude::*;

use super::lines::{LineSpan, SequenceStart};
use super::scopes::{self, Call, NameAt, Scopes};
use super::split::SplitUnits;
use super::units::{Declared, DeclaredFile, Units};
use super::work::Work;
use super::{Input, fold, lines, paths};
use crate::limits::STEPS_PER_CHAIN;
use crate::module::merge_sorted::{SpanCursor, push_range};
use crate::module::{Chain, ChainId, DropReason, Dropped, FileId, Folder, Function, FunctionId, Location, Range, Source, Start};
use crate::object::code::Code;
use crate::object::symbols::Symbol;

/// What one unit says, its functions, files and chains numbered from 0.
#[derive(Debug, Default)]
pub struct UnitSymbols<'d> {
    /// Disjoint, sorted, within the unit's intervals.
    pub ranges: Vec<Range>,
    /// A caller stands before its callees.
    pub chains: Vec<Chain>,
    /// Their files are the unit's.
    pub functions: Vec<Function<'d>>,
    /// Paths.
    pub files: Vec<(Vec<u8>, Folder)>,
    /// Functions of the unit that begin where another function does, to which the address belongs.
    pub aliases: Vec<(u64, &'d [u8])>,
    /// Sequences of lines that begin outside of the unit's intervals, or where another one of the unit does: functions that
    /// were folded, or that stand in several units.
    pub foreign: Vec<SequenceStart>,
}

impl UnitSymbols<'_> {
    /// Drops chains that no range leads to, and functions and files that none of the others names.
    pub fn keep_used(&mut self) {
        let mut is_used = vec![false; self.chains.len()];
        self.ranges.iter().for_each(|range| is_used[range.chain.index() as usize] = true);
        // Callers stand before their callees.
        for (at, chain) in self.chains.iter().enumerate().rev() {
            if let (true, Some((caller, _))) = (is_used[at], chain.caller) {
                is_used[caller.index() as usize] = true;
            }
        }
        let (mut functions, mut files) = (Renumber::of(self.functions.len()), Renumber::of(self.files.len()));
        let mut chains = Renumber::of(self.chains.len());
        let mut location = |location: Location| {
            let file = location.file.map(|file| FileId::new(files.number(file.index() as usize)));
            Location { file, ..location }
        };
        let mut kept = Vec::new();
        for (at, chain) in self.chains.iter().enumerate().filter(|(at, _)| is_used[*at]) {
            chains.number(at);
            kept.push(Chain {
                function: chain.function.map(|function| FunctionId::new(functions.number(function.index() as usize))),
                caller: chain.caller.map(|(caller, call)| (ChainId::new(chains.number(caller.index() as usize)), location(call))),
                ..*chain
            });
        }
        for range in &mut self.ranges {
            range.chain = ChainId::new(chains.number(range.chain.index() as usize));
            range.location = location(range.location);
        }
        self.chains = kept;
        let mut file = |file: FileId| FileId::new(files.number(file.index() as usize));
        self.functions = functions
            .met
            .iter()
            .map(|old| self.functions[*old])
            .map(|function| Function { file: function.file.map(&mut file), ..function })
            .collect();
        self.files = files.met.iter().map(|old| std::mem::take(&mut self.files[*old])).collect();
    }
}

/// New numbers for what is met, in the order in which it is.
struct Renumber {
    new: Vec<Option<u32>>,
    met: Vec<usize>,
}

impl Renumber {
    fn of(count: usize) -> Self {
        Self { new: vec![None; count], met: Vec::new() }
    }

    fn number(&mut self, old: usize) -> u32 {
        *self.new[old].get_or_insert_with(|| {
            self.met.push(old);
            number(self.met.len() - 1)
        })
    }
}

/// Reads unit `index`, which owns `intervals`. A unit that cannot be read is counted, and symbols answer for it.
pub fn read<'d, E: Endianity>(
    units: &Units<'d, E>,
    split: &SplitUnits<'d, E>,
    input: Input<'d>,
    (index, intervals): (usize, &[(u64, u64)]),
    dropped: &mut Dropped,
) -> UnitSymbols<'d> {
    let Input { code, symbols, .. } = input;
    let unit = units.parse(index);
    if unit.is_err() {
        dropped.count(DropReason::BadUnit);
    }
    let unit = unit.ok();
    // A skeleton unit has the lines; its functions are in another file.
    let split = unit.as_ref().and_then(|unit| split.of(units, index, unit));
    if split.is_none() && unit.as_ref().is_some_and(|unit| unit.dwo_id.is_some()) {
        dropped.count(DropReason::SplitUnit);
    }
    let entries = split.as_ref().map(|(units, unit)| (units, unit)).or(unit.as_ref().map(|unit| (units, unit)));
    let scopes = entries.map_or_else(Scopes::default, |(units, unit)| scopes::read(units, unit, code, symbols, dropped));
    let program = unit.as_ref().and_then(|unit| unit.line_program.clone());
    let read_lines = program.map_or_else(Cow::default, |program| match input.ahead.of(&program, dropped) {
        Some(lines) => Cow::Borrowed(lines),
        // Units can share a program.
        None if units.work.spend(program.header().raw_program_buf().len() as u64).is_err() => Cow::default(),
        None => Cow::Owned(lines::read(program, dropped)),
    });
    let lines = match entries {
        Some(entries) if !read_lines.folded.is_empty() => Cow::Owned(fold::lines(&read_lines, &scopes, entries)),
        _ => Cow::Borrowed(&read_lines.spans),
    };
    let mut names = Names {
        entries,
        lines: unit.as_ref().map(|unit| (units, unit)),
        scopes: &scopes,
        symbols,
        functions: HashMap::new(),
        files: HashMap::new(),
        declaring_files: HashMap::new(),
        symbol_files: HashMap::new(),
        children: HashMap::new(),
        work: &units.work,
        free_chains: 4 * scopes.nodes.len(),
        chains_of_nodes: vec![None; scopes.nodes.len()],
        roots: HashMap::new(),
        out: UnitSymbols {
            aliases: scopes.aliases.clone(),
            foreign: fold::foreign(&read_lines, intervals, code),
            ..UnitSymbols::default()
        },
    };
    // Assembly has lines without functions.
    let only_in_functions = input.functions_move && !scopes.nodes.is_empty();
    let mut scope_at = SpanCursor::new(&scopes.segments);
    let mut line_at = SpanCursor::new(&lines);
    let mut symbol_at = SpanCursor::new(symbols);
    for &(start, end) in intervals {
        let mut at = start;
        while at < end {
            let (scope, scope_until) = scope_at.seek(at);
            let (line, line_until) = line_at.seek(at);
            let (symbol, symbol_until) = symbol_at.seek(at);
            let until = end.min(scope_until).min(line_until).min(symbol_until);
            // Rows of another function go on into one that has none, unless they part.
            let begins_here = |line: &usize| symbol.is_none_or(|symbol| symbols[symbol].start <= lines[*line].start);
            let line = line.filter(|line| !input.functions_move || (scope.is_some() || !only_in_functions) && begins_here(line));
            let location = line.and_then(|line| names.location(&lines[line]));
            let chain = match (scope, location, symbol) {
                (Some(scope), _, _) => Some(names.chain(scopes.segments[scope].node, symbol)),
                (None, Some(_), _) => Some(names.root(None, symbol, Source::Dwarf)),
                (None, None, Some(_)) if !input.functions_move => Some(names.root(None, symbol, Source::Symtab)),
                (None, None, _) => None,
            };
            if let Some(chain) = chain {
                let is_outermost = names.out.chains[chain.index() as usize].caller.is_none();
                let mut location = location.unwrap_or_default();
                if is_outermost && location.file.is_none() {
                    location.file = names.symbol_file(symbol);
                }
                push_range(&mut names.out.ranges, Range { start: at, end: until, chain, location });
            }
            at = until;
        }
    }
    // All units are kept until the last one is read.
    names.out.ranges.shrink_to_fit();
    names.out.chains.shrink_to_fit();
    names.out
}

/// Where sequences of lines begin, of units that have no address: all of their functions are dead, or were folded.
/// `may_have_code` tells which ones can have had any.
pub fn lines_without_code<E: Endianity + Send + Sync>(
    units: &Units<'_, E>,
    owners: &[usize],
    may_have_code: &[bool],
    code: &Code,
) -> Vec<SequenceStart> {
    let others: Vec<usize> = (0..units.len()).filter(|unit| may_have_code[*unit] && owners.binary_search(unit).is_err()).collect();
    let starts = |index: &usize| {
        let program = units.parse(*index).ok().and_then(|unit| unit.line_program)?;
        units.work.spend(program.header().raw_program_buf().len() as u64).ok()?;
        Some(fold::foreign(&lines::read(program, &mut Dropped::default()), &[], code))
    };
    others.par_iter().filter_map(starts).flatten().collect()
}

/// A unit and the file it is in.
pub type UnitOf<'a, 'd, E> = (&'a Units<'d, E>, &'a Unit<EndianSlice<'d, E>>);

/// Numbers functions, files and chains as they are first used.
struct Names<'a, 'd, E: Endianity> {
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
    /// By caller, callee, place of the call and beginning.
    children: HashMap<(ChainId, Option<FunctionId>, Location, Start), ChainId>,
    /// The symbol and the chain with which a node was last met.
    chains_of_nodes: Vec<Option<(Option<usize>, ChainId)>>,
    /// Outermost functions, by node and symbol.
    roots: HashMap<(Option<u32>, Option<usize>, Source), ChainId>,
    out: UnitSymbols<'d>,
}

impl<'d, E: Endianity> Names<'_, 'd, E> {
    /// The chain of `node` where `symbol` names its outermost function.
    fn chain(&mut self, node: u32, symbol: Option<usize>) -> ChainId {
        // Up to a caller that is known, then down again.
        let mut path = Vec::new();
        let mut at = node;
        let mut chain = loop {
            if let Some((_, known)) = self.chains_of_nodes[at as usize].filter(|(of, _)| *of == symbol) {
                break known;
            }
            match self.scopes.nodes[at as usize].caller {
                Some(caller) => {
                    path.push(at);
                    at = caller;
                }
                None => {
                    let root = self.root(Some(at), symbol, Source::Dwarf);
                    self.chains_of_nodes[at as usize] = Some((symbol, root));
                    break root;
                }
            }
        };
        while let Some(node) = path.pop() {
            chain = self.child(node, chain, symbol);
            self.chains_of_nodes[node as usize] = Some((symbol, chain));
        }
        chain
    }

    fn child(&mut self, node: u32, caller: ChainId, symbol: Option<usize>) -> ChainId {
        let scope = self.scopes.nodes[node as usize];
        let function = self.function(scope.entry);
        let Call { file, line, column, discriminator } = scope.call;
        let mut call = Location { file: self.file(file), line, column, discriminator };
        if call.file.is_none() && self.out.chains[caller.index() as usize].caller.is_none() {
            call.file = self.symbol_file(symbol);
        }
        let (chains, work) = (&mut self.out.chains, self.work);
        // A function under many symbols has its chains once for each.
        if chains.len() > self.free_chains && work.spend(STEPS_PER_CHAIN).is_err() {
            return caller;
        }
        *self.children.entry((caller, function, call, scope.start)).or_insert_with(|| {
            chains.push(Chain { function, caller: Some((caller, call)), start: scope.start, source: Source::Dwarf });
            ChainId::new(number(chains.len() - 1))
        })
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
                    Some(declared) => self.out.functions[declared.index() as usize].named(symbol.name),
                    None => Function::symbol(symbol.name),
                };
                (Some(self.add_function(named)), Start::at(symbol.start))
            }
            None => (declared, node_at.map_or(Start::UNKNOWN, |node| node.start)),
        };
        self.out.chains.push(Chain { function, caller: None, start, source });
        let chain = ChainId::new(number(self.out.chains.len() - 1));
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
        FunctionId::new(number(self.out.functions.len() - 1))
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

    /// Whether declarations of the unit with the functions count files as the line program does: it has that program,
    /// or none of its own.
    fn counts_by_lines(&self) -> bool {
        let (Some((_, entries)), Some((_, lines))) = (self.entries, self.lines) else { return false };
        std::ptr::eq(entries, lines) || entries.line_program.is_none()
    }

    /// A row of the line table; `None` if its file is not in the file table.
    fn location(&mut self, row: &LineSpan) -> Option<Location> {
        let file = self.file(row.file)?;
        Some(Location { file: Some(file), line: row.line, column: row.column, discriminator: row.discriminator })
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
        FileId::new(number(self.out.files.len() - 1))
    }
}

/// A count within one unit, whose entries are numbered by 32-bit offsets.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
