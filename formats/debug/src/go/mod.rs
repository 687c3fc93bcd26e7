//! Reads Go programs without debug data. Stripping leaves the table by which Go's runtime prints
//! stacks (`.gopclntab`), which has functions, files, lines and inlined calls; they are read as if
//! they were one unit of debug data.
//!
//! ```text
//! table.rs    versions of the table, its functions and strings
//! image.rs    what lies at an address, and where the runtime keeps its pointers
//! steps.rs    values that change along the code of a function: its file, line, innermost inlined call
//! inline.rs   which call was inlined into which
//! ```
//!
//! The format is described by Go's `src/runtime/symtab.go` and `src/cmd/link/internal/ld/pcln.go`,
//! version by version.

mod image;
mod inline;
mod steps;
mod table;

use hashbrown::HashMap;
use symtool_module::number_of;

use crate::Progress;
use crate::dwarf::{DwarfSymbols, Interval, UnitSymbols, Work};
use crate::limits::MAX_INLINE_DEPTH;
use crate::module::merge_sorted::push_range;
use crate::module::{
    ChainId, DropCounts, DropReason, FileId, Folder, Function, FunctionId, InlineChain, Range,
    Source, SourceLocation, Start,
};
use crate::object::go_table;
use image::Image;
use inline::{InlinedCall, Trees};
use steps::Steps;
use table::{FunctionEntry, FunctionTable};

/// Reads the table of `object`. One that cannot be read is counted, and symbols answer.
pub fn read<'d>(
    object: &object::File<'d>,
    progress: &Progress,
    dropped: &mut DropCounts,
) -> DwarfSymbols<'d> {
    let Some(section) = go_table::section(object) else { return DwarfSymbols::default() };
    let Some(image) = Image::of(object) else { return DwarfSymbols::default() };
    let Some(table) = FunctionTable::of(&image, &section) else {
        dropped.count(DropReason::BadSection);
        return DwarfSymbols::default();
    };
    let work = Work::for_bytes(table.bytes());
    let mut reader = GoReader::new(&table, Trees::of(&table, &image), &work);
    for number in 0..table.len() {
        let Some(entry) = table.entry(number) else {
            dropped.count(DropReason::BadEntries);
            break;
        };
        reader.function(&entry);
    }
    progress.spent(work.spent());
    if work.is_spent() {
        dropped.count(DropReason::TooMuchWork);
        return DwarfSymbols::default();
    }
    let unit = reader.unit;
    DwarfSymbols { intervals: runs(&unit.ranges), units: vec![unit], aliases: Vec::new() }
}

/// The addresses that `ranges` cover, as far as they touch.
fn runs(ranges: &[Range]) -> Vec<Interval> {
    let touching = ranges.chunk_by(|one, next| one.end == next.start);
    touching
        .filter_map(|run| {
            Some(Interval { start: run.first()?.start, end: run.last()?.end, unit: 0 })
        })
        .collect()
}

struct GoReader<'t, 'd> {
    table: &'t FunctionTable<'d>,
    trees: Trees<'t, 'd>,
    work: &'t Work,
    unit: UnitSymbols<'d>,
    /// By where their names begin.
    functions: HashMap<u32, FunctionId>,
    files: HashMap<u32, FileId>,
}

/// A function, and what changes along its code.
struct Along<'e, 'd> {
    entry: &'e FunctionEntry<'d>,
    files: Steps,
    lines: Steps,
    calls: Steps,
    root: ChainId,
    /// The chains of calls that have been met.
    chains: HashMap<i32, ChainId>,
}

impl<'t, 'd> GoReader<'t, 'd> {
    fn new(table: &'t FunctionTable<'d>, trees: Trees<'t, 'd>, work: &'t Work) -> Self {
        Self {
            table,
            trees,
            work,
            unit: UnitSymbols::default(),
            functions: HashMap::new(),
            files: HashMap::new(),
        }
    }

    /// Appends the ranges of a function, which begins behind those before it.
    fn function(&mut self, entry: &FunctionEntry<'d>) {
        if entry.start >= entry.end
            || self.unit.ranges.last().is_some_and(|last| last.end > entry.start)
        {
            return;
        }
        let Some(function) = self.named(entry.name) else { return };
        let root = self.chain(InlineChain {
            function: Some(function),
            caller: None,
            start: Start::at(entry.start),
            source: Source::Gopclntab,
        });
        let steps = |offset| Steps::read(self.table, offset, entry, self.work);
        let calls = self.trees.steps(entry).map_or_else(Steps::default, steps);
        let (files, lines) = (steps(entry.files), steps(entry.lines));
        let mut along = Along { entry, files, lines, calls, root, chains: HashMap::new() };
        // Without lines, it is no function but a mark that the linker has set.
        let end = along.lines.end().unwrap_or(entry.start);
        let mut at = entry.start;
        while at < end {
            let until = end
                .min(along.files.until(at))
                .min(along.lines.until(at))
                .min(along.calls.until(at));
            let chain = self.calls_at(&mut along, at);
            let location = self.location(&along, at);
            push_range(&mut self.unit.ranges, Range { start: at, end: until, chain, location });
            at = until;
        }
    }

    /// The chain at `address`.
    fn calls_at(&mut self, along: &mut Along<'_, 'd>, address: u64) -> ChainId {
        let mut number = along.calls.at(address);
        let mut path: Vec<(i32, InlinedCall)> = Vec::new();
        let caller = loop {
            if number < 0 {
                break along.root;
            }
            if let Some(chain) = along.chains.get(&number) {
                break *chain;
            }
            let is_sound = path.len() < MAX_INLINE_DEPTH as usize
                && path.iter().all(|(met, _)| *met != number);
            let Some(call) = self
                .trees
                .call(along.entry, number)
                .filter(|_| is_sound && self.work.spend(1).is_ok())
            else {
                break along.root;
            };
            path.push((number, call));
            number = match call {
                InlinedCall::At { address, .. } => along.calls.at(address),
                InlinedCall::In { caller, .. } => caller,
            };
        };
        path.into_iter().rev().fold(caller, |caller, (number, call)| {
            let place = match call {
                InlinedCall::At { address, .. } => self.location(along, address),
                InlinedCall::In { file, line, .. } => self.place(along.entry, file, line),
            };
            let function = self.named(call.name());
            let chain = self.chain(InlineChain {
                function,
                caller: Some((caller, place)),
                start: Start::UNKNOWN,
                source: Source::Gopclntab,
            });
            along.chains.insert(number, chain);
            chain
        })
    }

    fn location(&mut self, along: &Along<'_, 'd>, address: u64) -> SourceLocation {
        self.place(along.entry, along.files.at(address), along.lines.at(address))
    }

    fn place(&mut self, entry: &FunctionEntry<'d>, file: i32, line: i32) -> SourceLocation {
        let file = self.table.file(entry, file).and_then(|offset| self.file(offset));
        SourceLocation { line: u32::try_from(line).unwrap_or(0), ..SourceLocation::in_file(file) }
    }

    fn chain(&mut self, chain: InlineChain) -> ChainId {
        self.unit.chains.push(chain);
        ChainId::new(number_of(self.unit.chains.len() - 1))
    }

    fn named(&mut self, offset: u32) -> Option<FunctionId> {
        if let Some(known) = self.functions.get(&offset) {
            return Some(*known);
        }
        let name = self
            .table
            .name(offset)
            .filter(|name| !name.is_empty() && self.work.spend(name.len() as u64).is_ok())?;
        self.unit.functions.push(Function { name, own: None, file: None, line: 0 });
        let function = FunctionId::new(number_of(self.unit.functions.len() - 1));
        self.functions.insert(offset, function);
        Some(function)
    }

    fn file(&mut self, offset: u32) -> Option<FileId> {
        if let Some(known) = self.files.get(&offset) {
            return Some(*known);
        }
        let path = self
            .table
            .path(offset)
            .filter(|path| !path.is_empty() && self.work.spend(path.len() as u64).is_ok())?;
        self.unit.files.push((path.to_vec(), Folder::default()));
        let file = FileId::new(number_of(self.unit.files.len() - 1));
        self.files.insert(offset, file);
        Some(file)
    }
}
