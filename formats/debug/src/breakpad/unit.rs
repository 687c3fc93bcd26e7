//! Reads a chunk of functions as if it were a unit of debug data: functions, inlined calls and lines
//! become ranges ([`ChunkSymbols`]).

use hashbrown::HashMap;
use symtool_module::number_of;

use super::index::{Chunk, is_of_function};
use super::owners::{Claim, Owners};
use super::parts::{Lines, Release};
use super::record::{FunctionRecord, InlineRecord, LineRecord, Record};
use super::sweep::{CallSpan, Sweep};
use super::tables::Tables;
use super::{NO_FILE, NO_NAME};
use crate::dwarf::{UnitSymbols, Work};
use crate::limits::{MAX_INLINE_DEPTH, MAX_NAME_BYTES, STEPS_PER_CHAIN, STEPS_PER_PATH_BYTE};
use crate::module::merge_sorted::push_range;
use crate::module::{
    ChainId, DropCounts, DropReason, FileId, Folder, Function, FunctionId, InlineChain, Range,
    Source, SourceLocation, Start,
};

/// What a chunk of functions says.
#[derive(Debug)]
pub struct ChunkSymbols<'d> {
    /// Its functions, whose names are still in the file.
    pub unit: UnitSymbols<'d>,
    /// What was left out.
    pub dropped: DropCounts,
}

/// Reads the functions of `chunk` of `bytes`, whose records refer to `tables`.
pub fn read<'d>(
    bytes: &'d [u8],
    chunk: &Chunk,
    tables: &Tables<'d>,
    work: &Work,
    release: Release<'_>,
) -> ChunkSymbols<'d> {
    let mut dropped = DropCounts::default();
    let mut records = Records::default();
    for text in &chunk.texts {
        let text = &bytes[text.clone()];
        Lines::of(text, release).for_each(|line| records.take(line, &mut dropped));
    }
    let mut reader = UnitReader {
        tables,
        work,
        unit: UnitSymbols::default(),
        functions: HashMap::new(),
        files: HashMap::new(),
        dropped,
    };
    reader.functions(&records, chunk.owners);
    let UnitReader { unit, dropped, .. } = reader;
    ChunkSymbols { unit, dropped }
}

/// The records of functions, in the order in which they get their addresses.
#[derive(Debug, Default)]
struct Records<'d> {
    functions: Vec<FunctionLines<'d>>,
    lines: Vec<LineRecord>,
    calls: Vec<InlineRecord<'d>>,
}

/// A function, and which lines and calls are its.
#[derive(Clone, Copy, Debug)]
struct FunctionLines<'d> {
    record: FunctionRecord<'d>,
    lines: (usize, usize),
    calls: (usize, usize),
}

impl<'d> Records<'d> {
    /// Takes one line; counts it if it should be of a function and cannot be used. The others were
    /// counted when they were looked for.
    fn take(&mut self, line: &'d [u8], dropped: &mut DropCounts) {
        match Record::parse(line) {
            Some(Record::Function(record)) => {
                let (lines, calls) = (self.lines.len(), self.calls.len());
                self.functions.push(FunctionLines {
                    record,
                    lines: (lines, lines),
                    calls: (calls, calls),
                });
            }
            Some(Record::Line(line)) => self.lines.push(line),
            Some(Record::Inline(call)) => self.calls.push(call),
            Some(Record::Unknown) if is_of_function(line) => {
                dropped.count(DropReason::UnknownRecord);
            }
            None if is_of_function(line) => dropped.count(DropReason::BadRecord),
            _ => {}
        }
        if let Some(function) = self.functions.last_mut() {
            (function.lines.1, function.calls.1) = (self.lines.len(), self.calls.len());
        }
    }
}

struct UnitReader<'m, 'd> {
    tables: &'m Tables<'d>,
    work: &'m Work,
    unit: UnitSymbols<'d>,
    functions: HashMap<&'d [u8], FunctionId>,
    /// By their numbers.
    files: HashMap<u32, Option<FileId>>,
    dropped: DropCounts,
}

impl<'d> UnitReader<'_, 'd> {
    /// Appends all functions.
    fn functions(&mut self, records: &Records<'d>, mut owners: Owners) {
        let mut sweep = Sweep::default();
        for function in &records.functions {
            let FunctionRecord { start, size, name } = function.record;
            let extent = match owners.claim(start, start.saturating_add(size)) {
                Claim::Extent(start, end) => (start, end),
                Claim::Alias => {
                    self.unit.aliases.push((start, name));
                    continue;
                }
                Claim::Nothing => continue,
            };
            sweep.lines.clear();
            sweep.lines.extend_from_slice(&records.lines[function.lines.0..function.lines.1]);
            let calls = &records.calls[function.calls.0..function.calls.1];
            if self.function(extent, function.record, calls, &mut sweep).is_none() {
                return;
            }
        }
    }

    /// Appends the ranges of a function; `None` if that takes too much work.
    fn function(
        &mut self,
        (start, end): (u64, u64),
        record: FunctionRecord<'d>,
        calls: &[InlineRecord<'d>],
        sweep: &mut Sweep,
    ) -> Option<()> {
        let function = self.named(record.name);
        let source = Source::Breakpad;
        let root = self.chain(InlineChain {
            function,
            caller: None,
            start: Start::at(record.start),
            source,
        })?;
        sweep.spans.clear();
        let mut open_calls = Vec::with_capacity(calls.len());
        for (number, call) in calls.iter().enumerate() {
            let begins = self.spans(number, call, (start, end), sweep);
            let function = self.tables.origins.get(call.origin).map(|name| self.named(name));
            if function.is_none() {
                self.dropped.count(DropReason::BadRecord);
            }
            let call = SourceLocation {
                line: call.call_line,
                ..SourceLocation::in_file(call.call_file.and_then(|file| self.file(file)))
            };
            open_calls.push(OpenCall { function: function.flatten(), call, begins, chain: None });
        }
        let mut parts = Vec::new();
        let steps = sweep.run((start, end), |start, end, calls, line| {
            let mut chain = root;
            for call in calls {
                chain = self.enter(chain, &mut open_calls[*call]);
            }
            let location = line.map_or_else(SourceLocation::default, |line| SourceLocation {
                line: line.line,
                ..SourceLocation::in_file(self.file(line.file))
            });
            push_range(&mut parts, Range { start, end, chain, location });
        });
        self.unit.ranges.extend(parts);
        self.work.spend(steps).ok()
    }

    /// Hands `sweep` the addresses of `call`, the one numbered `number` of the function at
    /// `start..end`. Gives back where it begins, if it lies in one place.
    fn spans(
        &mut self,
        number: usize,
        call: &InlineRecord<'d>,
        (start, end): (u64, u64),
        sweep: &mut Sweep,
    ) -> Start {
        if call.depth >= MAX_INLINE_DEPTH {
            self.dropped.count(DropReason::TooDeep);
            return Start::UNKNOWN;
        }
        let (mut begins, mut count) = (Start::UNKNOWN, 0);
        for range in call.ranges() {
            let Some((from, until)) = range else {
                self.dropped.count(DropReason::BadRecord);
                continue;
            };
            (begins, count) = (Start::at(from), count + 1);
            let (from, until) = (from.max(start), until.min(end));
            sweep.spans.push(CallSpan { start: from, end: until, depth: call.depth, call: number });
        }
        if count == 1 { begins } else { Start::UNKNOWN }
    }
}

/// A call of the function at hand.
#[derive(Clone, Copy, Debug)]
struct OpenCall {
    function: Option<FunctionId>,
    call: SourceLocation,
    begins: Start,
    /// The caller's chain when it was last met, and its own.
    chain: Option<(ChainId, ChainId)>,
}

impl<'d> UnitReader<'_, 'd> {
    /// The chain of `call` within `caller`; `caller` if that takes too much work.
    fn enter(&mut self, caller: ChainId, call: &mut OpenCall) -> ChainId {
        if let Some((_, chain)) = call.chain.filter(|(known, _)| *known == caller) {
            return chain;
        }
        let chain = self.chain(InlineChain {
            function: call.function,
            caller: Some((caller, call.call)),
            start: call.begins,
            source: Source::Breakpad,
        });
        call.chain = chain.map(|chain| (caller, chain));
        chain.unwrap_or(caller)
    }

    fn chain(&mut self, chain: InlineChain) -> Option<ChainId> {
        self.work.spend(STEPS_PER_CHAIN).ok()?;
        self.unit.chains.push(chain);
        Some(ChainId::new(number_of(self.unit.chains.len() - 1)))
    }

    fn named(&mut self, name: &'d [u8]) -> Option<FunctionId> {
        let is_long = name.len() > MAX_NAME_BYTES;
        self.dropped.count_many(DropReason::LongName, u64::from(is_long));
        if is_long || name.is_empty() || name == NO_NAME {
            return None;
        }
        let functions = &mut self.unit.functions;
        Some(*self.functions.entry(name).or_insert_with(|| {
            functions.push(Function { name, own: None, file: None, line: 0 });
            FunctionId::new(number_of(functions.len() - 1))
        }))
    }

    /// The file of number `file`; `None` if there is none.
    fn file(&mut self, file: u32) -> Option<FileId> {
        if let Some(known) = self.files.get(&file) {
            return *known;
        }
        let path = self.tables.files.get(file);
        self.dropped.count_many(DropReason::BadRecord, u64::from(path.is_none()));
        let path = path.filter(|path| !path.is_empty() && *path != NO_FILE);
        // What is spent is found by whoever asks for more.
        let _ = self.work.spend(STEPS_PER_PATH_BYTE * path.map_or(1, <[u8]>::len) as u64);
        let known = path.map(|path| {
            self.unit.files.push((path.to_vec(), Folder::default()));
            FileId::new(number_of(self.unit.files.len() - 1))
        });
        self.files.insert(file, known);
        known
    }
}
