//! Reads one module of a PDB, as if it were a unit of debug data: its functions, inlined calls and
//! lines become ranges.
//!
//! Inlined calls are a tree, but the addresses of each are a list of their own. At each address the
//! innermost call that has it answers, with all calls that it is in.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hashbrown::HashMap;
use symtool_module::number_of;

use super::addresses::Addresses;
use super::annotations::{SiteRow, replay};
use super::lines::{LineData, LineSpan};
use super::publics::Publics;
use super::symbols::{InlineSite, ModuleRecords, Procedure};
use crate::dwarf::{Spent, UnitSymbols, Work};
use crate::limits::{MAX_NAME_BYTES, STEPS_PER_PATH_BYTE, STEPS_PER_PDB_CHAIN};
use crate::module::merge_sorted::push_range;
use crate::module::{
    ChainId, DropCounts, DropReason, FileId, Folder, Function, FunctionId, InlineChain, Range,
    Source, SourceLocation, Start,
};

/// What all modules share.
pub struct Shared<'m, 'a> {
    pub addresses: &'m Addresses,
    pub publics: &'m Publics<'a>,
    /// Paths, and names of modules, each up to a zero.
    pub strings: &'a [u8],
    pub work: &'m Work,
}

/// A function that was inlined.
#[derive(Clone, Copy, Debug, Default)]
pub struct InlinedFunction<'a> {
    pub name: Option<&'a [u8]>,
    /// Where its path begins among [`Shared::strings`].
    pub path: Option<u32>,
    pub line: u32,
}

/// Reads the module that has `records` and `lines`.
///
/// # Errors
/// If it takes too much work.
pub fn read<'a>(
    records: &ModuleRecords<'a>,
    lines: &LineData<'a>,
    shared: &Shared<'_, 'a>,
    find: impl Fn(u32) -> InlinedFunction<'a>,
    dropped: &mut DropCounts,
) -> Result<UnitSymbols<'a>, Spent> {
    let mut reader = UnitReader {
        lines,
        shared,
        unit: UnitSymbols::default(),
        functions: HashMap::new(),
        files: HashMap::new(),
        chains: HashMap::new(),
        site_rows: Vec::new(),
        dropped,
    };
    let mut next_line = 0;
    for stretch in reader.stretches(records) {
        next_line = reader.lines_alone(next_line, stretch.start)?;
        reader.stretch(stretch, &find)?;
        next_line += lines.spans[next_line..].partition_point(|span| span.end <= stretch.end);
    }
    reader.lines_alone(next_line, u64::MAX)?;
    Ok(reader.unit)
}

struct UnitReader<'m, 'a> {
    lines: &'m LineData<'a>,
    shared: &'m Shared<'m, 'a>,
    unit: UnitSymbols<'a>,
    functions: HashMap<&'a [u8], FunctionId>,
    /// By where their paths begin.
    files: HashMap<u32, Option<FileId>>,
    chains: HashMap<InlineChain, ChainId>,
    /// Those of the call at hand.
    site_rows: Vec<SiteRow>,
    dropped: &'m mut DropCounts,
}

/// Addresses of a function: its own, or those of a part that was moved away.
#[derive(Clone, Copy)]
struct Stretch<'r, 'a> {
    start: u64,
    end: u64,
    procedure: &'r Procedure<'a>,
    /// As annotations count the parts; 0 for where the function begins.
    part: u32,
    /// Where the part begins, and where the function does.
    origin: u64,
    function: Option<u64>,
}

/// Addresses and the line of an inlined call.
struct Row {
    start: u64,
    end: u64,
    site: usize,
    location: SourceLocation,
}

/// A call.
struct Site<'a> {
    caller: Option<usize>,
    depth: u32,
    name: Option<&'a [u8]>,
    /// The function of that name, once it was looked up.
    function: Option<FunctionId>,
    /// Where it has its own code.
    start: Start,
    /// The row that holds at the address at hand.
    row: Option<usize>,
    /// Where it was called from when it was last met, and its chain there.
    chain: Option<((ChainId, SourceLocation), ChainId)>,
}

impl<'a> UnitReader<'_, 'a> {
    /// Functions and their parts by address. Of functions that were folded the first in the order of
    /// the records has the address, the others are aliases.
    fn stretches<'r>(&mut self, records: &'r ModuleRecords<'a>) -> Vec<Stretch<'r, 'a>> {
        let addresses = self.shared.addresses;
        let (mut all, mut discarded) = (Vec::with_capacity(records.procedures.len()), 0);
        for procedure in &records.procedures {
            let (main, mut function) = (procedure.main_part(), None);
            for (code, part) in std::iter::once(&main).chain(&procedure.parts).zip(0..) {
                let span = addresses.span(code.section, code.offset, code.bytes);
                // What the linker has discarded has no section.
                let Some((start, end)) = span else {
                    discarded += 1;
                    continue;
                };
                function = function.or((part == 0).then_some(start));
                all.push(Stretch { start, end, procedure, part, origin: start, function });
            }
        }
        self.dropped.count_many(DropReason::Tombstone, discarded);
        all.sort_by_key(|stretch| stretch.start);
        let mut disjoint: Vec<Stretch<'r, 'a>> = Vec::with_capacity(all.len());
        for stretch in all {
            match disjoint.last() {
                Some(winner) if winner.origin == stretch.start => {
                    let name = stretch.procedure.name;
                    if winner.procedure.name != name && !name.is_empty() && stretch.part == 0 {
                        self.unit.aliases.push((stretch.start, name));
                    }
                }
                last => {
                    let start = stretch.start.max(last.map_or(0, |last| last.end));
                    if start < stretch.end {
                        disjoint.push(Stretch { start, ..stretch });
                    }
                }
            }
        }
        disjoint
    }

    /// Appends lines before `end` that no function has, from the one numbered `at` on. Gives back
    /// the next one.
    fn lines_alone(&mut self, mut at: usize, end: u64) -> Result<usize, Spent> {
        while let Some(&span) = self.lines.spans.get(at).filter(|span| span.start < end) {
            let mut start = span.start.max(self.unit.ranges.last().map_or(0, |last| last.end));
            let until = span.end.min(end);
            while start < until {
                self.shared.work.spend(1)?;
                let symbol = self.shared.publics.covering(start).copied();
                let next = symbol.map_or(until, |symbol| symbol.end.min(until));
                let function = symbol.map(|symbol| self.function(symbol.name));
                let begins = symbol.map_or(Start::UNKNOWN, |symbol| Start::at(symbol.start));
                let chain = self.chain(InlineChain {
                    function,
                    caller: None,
                    start: begins,
                    source: Source::Dwarf,
                })?;
                let location = self.line_location(span)?;
                push_range(&mut self.unit.ranges, Range { start, end: next, chain, location });
                start = next;
            }
            if span.end > end {
                break;
            }
            at += 1;
        }
        Ok(at)
    }

    /// Appends the ranges of a function, or of a part of it.
    fn stretch(
        &mut self,
        stretch: Stretch<'_, 'a>,
        find: impl Fn(u32) -> InlinedFunction<'a>,
    ) -> Result<(), Spent> {
        let Stretch { start, end, procedure, function, .. } = stretch;
        let public = function.and_then(|start| self.shared.publics.at(start));
        let name = public.unwrap_or(procedure.name);
        let begins = function.map_or(Start::UNKNOWN, Start::at);
        let function =
            (!name.is_empty() && name.len() <= MAX_NAME_BYTES).then(|| self.function(name));
        let root = self.chain(InlineChain {
            function,
            caller: None,
            start: begins,
            source: Source::Dwarf,
        })?;
        let (mut sites, mut rows) = (Vec::with_capacity(procedure.sites.len()), Vec::new());
        for (number, site) in procedure.sites.iter().enumerate() {
            let inlined = find(site.inlinee);
            let first = rows.len();
            self.rows(&stretch, site, number, inlined, &mut rows)?;
            let begins =
                rows[first..].first().map_or(Start::UNKNOWN, |row: &Row| Start::at(row.start));
            sites.push(Site {
                caller: site.caller,
                depth: site.depth,
                name: inlined.name,
                function: None,
                start: begins,
                row: None,
                chain: None,
            });
        }
        rows.sort_by_key(|row| row.start);
        self.sweep((start, end), &mut sites, &rows, root)
    }

    /// Appends the rows of an inlined call that lie in `stretch`.
    fn rows(
        &mut self,
        stretch: &Stretch<'_, 'a>,
        site: &InlineSite<'a>,
        number: usize,
        inlined: InlinedFunction<'a>,
        rows: &mut Vec<Row>,
    ) -> Result<(), Spent> {
        self.shared.work.spend(site.annotations.len() as u64)?;
        let mut own = std::mem::take(&mut self.site_rows);
        if !replay(site.annotations, inlined.line, &mut own) {
            self.dropped.count(DropReason::BadRanges);
        }
        own.retain(|row| row.part == stretch.part);
        own.sort_by_key(|row| row.start);
        for at in 1..own.len() {
            own[at - 1].end = own[at - 1].end.min(own[at].start);
        }
        let place =
            |offset: u32| (stretch.origin + u64::from(offset)).clamp(stretch.start, stretch.end);
        for &SiteRow { start: first, end: last, file, line, column, .. } in &own {
            let (first, last) = (place(first), place(last));
            if first < last {
                let path = file.map_or(inlined.path, |file| self.lines.path(file));
                let file = self.file(path)?;
                let location = SourceLocation { line, column, ..SourceLocation::in_file(file) };
                rows.push(Row { start: first, end: last, site: number, location });
            }
        }
        self.site_rows = own;
        Ok(())
    }

    /// Appends what holds at `start..end`, cut where lines and rows begin and end: calls whose rows
    /// have it, and the function `root` with its lines.
    fn sweep(
        &mut self,
        (mut start, end): (u64, u64),
        sites: &mut [Site<'a>],
        rows: &[Row],
        root: ChainId,
    ) -> Result<(), Spent> {
        let lines = &self.lines.spans;
        let mut line = lines.partition_point(|span| span.end <= start);
        // The innermost is on top; of several the first one in the order of the records. A call
        // without a row has ended.
        let mut open: BinaryHeap<(u32, Reverse<usize>)> = BinaryHeap::new();
        let mut ends: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
        let (mut next_row, mut path) = (0, Vec::new());
        while start < end {
            while let Some(&Reverse((_, row))) =
                ends.peek().filter(|Reverse((row_end, _))| *row_end <= start)
            {
                ends.pop();
                let site = &mut sites[rows[row].site];
                site.row = site.row.filter(|held| *held != row);
            }
            while let Some(row) = rows.get(next_row).filter(|row| row.start <= start) {
                let site = &mut sites[row.site];
                if site.row.replace(next_row).is_none() {
                    open.push((site.depth, Reverse(row.site)));
                }
                ends.push(Reverse((row.end, next_row)));
                next_row += 1;
            }
            while open.peek().is_some_and(|(_, Reverse(number))| sites[*number].row.is_none()) {
                open.pop();
            }
            while lines.get(line).is_some_and(|span| span.end <= start) {
                line += 1;
            }
            let next = lines.get(line);
            let span = next.filter(|span| span.start <= start).copied();
            let cuts = [
                next.map(|next| span.map_or(next.start, |span| span.end)),
                rows.get(next_row).map(|row| row.start),
                ends.peek().map(|Reverse((row_end, _))| *row_end),
            ];
            let until = cuts.into_iter().flatten().fold(end, u64::min);
            let mut location =
                span.map(|span| self.line_location(span)).transpose()?.unwrap_or_default();
            let mut chain = root;
            let innermost = open.peek().map(|(_, Reverse(number))| *number);
            path.extend(std::iter::successors(innermost, |number| sites[*number].caller));
            self.shared.work.spend(1 + path.len() as u64)?;
            for number in path.drain(..).rev() {
                let site = &mut sites[number];
                chain = self.enter(site, (chain, location))?;
                location = site.row.map_or_else(SourceLocation::default, |row| rows[row].location);
            }
            push_range(&mut self.unit.ranges, Range { start, end: until, chain, location });
            start = until;
        }
        Ok(())
    }

    /// The chain of the call `site` at the place `caller`.
    fn enter(
        &mut self,
        site: &mut Site<'a>,
        caller: (ChainId, SourceLocation),
    ) -> Result<ChainId, Spent> {
        if let Some((_, chain)) = site.chain.filter(|(known, _)| *known == caller) {
            return Ok(chain);
        }
        if site.function.is_none() {
            site.function = site.name.map(|name| self.function(name));
        }
        let chain = self.chain(InlineChain {
            function: site.function,
            caller: Some(caller),
            start: site.start,
            source: Source::Dwarf,
        })?;
        site.chain = Some((caller, chain));
        Ok(chain)
    }

    fn line_location(&mut self, span: LineSpan) -> Result<SourceLocation, Spent> {
        let file = self.file(self.lines.path(span.file))?;
        Ok(SourceLocation { line: span.line, column: span.column, ..SourceLocation::in_file(file) })
    }

    /// The file whose path begins at `path`.
    fn file(&mut self, path: Option<u32>) -> Result<Option<FileId>, Spent> {
        let Some(path) = path else { return Ok(None) };
        if let Some(known) = self.files.get(&path) {
            return Ok(*known);
        }
        let text = super::text_at(self.shared.strings, path).filter(|text| !text.is_empty());
        self.shared.work.spend(STEPS_PER_PATH_BYTE * text.map_or(1, <[u8]>::len) as u64)?;
        let file = text.map(|text| {
            self.unit.files.push((text.to_vec(), Folder::default()));
            FileId::new(number_of(self.unit.files.len() - 1))
        });
        self.files.insert(path, file);
        Ok(file)
    }

    fn function(&mut self, name: &'a [u8]) -> FunctionId {
        *self.functions.entry(name).or_insert_with(|| {
            self.unit.functions.push(Function { name, own: None, file: None, line: 0 });
            FunctionId::new(number_of(self.unit.functions.len() - 1))
        })
    }

    fn chain(&mut self, chain: InlineChain) -> Result<ChainId, Spent> {
        if let Some(known) = self.chains.get(&chain) {
            return Ok(*known);
        }
        self.shared.work.spend(STEPS_PER_PDB_CHAIN)?;
        self.unit.chains.push(chain);
        let id = ChainId::new(number_of(self.unit.chains.len() - 1));
        self.chains.insert(chain, id);
        Ok(id)
    }
}

#[cfg(test)]
mod tests;
