//! Reads one part of a file as if it were a unit of debug data: its functions, inlined calls and
//! lines become ranges ([`PartSymbols`]).

use hashbrown::HashMap;
use symtool_module::number_of;
use symtool_unwind::{BreakpadReader, UnwindTable};

use super::parts::{Lines, LongLine, Release};
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

/// What a part says.
#[derive(Debug)]
pub struct PartSymbols<'d> {
    /// Its functions.
    pub unit: UnitSymbols<'d>,
    /// `PUBLIC` records: addresses and names.
    pub publics: Vec<(u64, &'d [u8])>,
    /// Its unwind rows.
    pub unwind: UnwindTable,
    /// What was left out.
    pub dropped: DropCounts,
    /// How many lines it has.
    pub lines: u64,
    /// Lines that were left out as they are too long.
    pub long: Vec<LongLine>,
}

/// Reads `part`, whose records refer to `tables`.
pub fn read<'d>(
    part: &'d [u8],
    tables: &Tables<'d>,
    arch: &str,
    work: &Work,
    release: Release<'_>,
) -> PartSymbols<'d> {
    let mut dropped = DropCounts::default();
    let mut lines = Lines::of(part, release);
    let mut reader = PartReader::new(arch);
    for line in lines.by_ref() {
        reader.take(line, &mut dropped);
    }
    dropped.count_many(DropReason::LongRecord, lines.long.len() as u64);
    let PartReader { records, publics, unwind } = reader;
    let mut reader = UnitReader {
        tables,
        work,
        unit: UnitSymbols::default(),
        functions: HashMap::new(),
        files: HashMap::new(),
        dropped,
    };
    reader.functions(records);
    let UnitReader { mut unit, dropped, .. } = reader;
    // All parts are kept until the last one is read.
    unit.ranges.shrink_to_fit();
    unit.chains.shrink_to_fit();
    PartSymbols {
        unit,
        publics,
        unwind: unwind.finish(),
        dropped,
        lines: lines.count,
        long: lines.long,
    }
}

/// Sorts the records of a part by what they are of.
struct PartReader<'d> {
    records: Records<'d>,
    publics: Vec<(u64, &'d [u8])>,
    unwind: BreakpadReader,
}

impl<'d> PartReader<'d> {
    fn new(arch: &str) -> Self {
        Self { records: Records::default(), publics: Vec::new(), unwind: BreakpadReader::new(arch) }
    }

    /// Takes one line; counts it if it cannot be used.
    fn take(&mut self, line: &'d [u8], dropped: &mut DropCounts) {
        let is_taken = match Record::parse(line) {
            Some(Record::Function(function)) => {
                self.records.begin(function);
                true
            }
            Some(Record::Line(line)) => self.records.line(line),
            Some(Record::Inline(call)) => self.records.call(call),
            Some(Record::Public { address, name }) => {
                self.records.is_open = false;
                self.publics.push((address, name));
                true
            }
            Some(Record::StackCfi(text)) => {
                self.unwind.cfi(text);
                true
            }
            Some(Record::StackWin(text)) => {
                self.unwind.win(text);
                true
            }
            Some(Record::Unknown) => {
                dropped.count(DropReason::UnknownRecord);
                true
            }
            Some(Record::Header | Record::File(_) | Record::Origin(_)) => true,
            None => false,
        };
        dropped.count_many(DropReason::BadRecord, u64::from(!is_taken));
    }
}

/// The records of functions in a part.
#[derive(Debug, Default)]
struct Records<'d> {
    functions: Vec<FunctionLines<'d>>,
    lines: Vec<LineRecord>,
    calls: Vec<InlineRecord<'d>>,
    /// Whether lines belong to the last function.
    is_open: bool,
}

/// A function, and which lines and calls are its.
#[derive(Clone, Copy, Debug)]
struct FunctionLines<'d> {
    record: FunctionRecord<'d>,
    lines: (usize, usize),
    calls: (usize, usize),
}

impl<'d> Records<'d> {
    fn begin(&mut self, record: FunctionRecord<'d>) {
        let (lines, calls) = (self.lines.len(), self.calls.len());
        self.functions.push(FunctionLines { record, lines: (lines, lines), calls: (calls, calls) });
        self.is_open = true;
    }

    /// Whether there is a function that the line is of.
    fn line(&mut self, line: LineRecord) -> bool {
        let Some(function) = self.functions.last_mut().filter(|_| self.is_open) else {
            return false;
        };
        self.lines.push(line);
        function.lines.1 = self.lines.len();
        true
    }

    /// Whether there is a function that the call is in.
    fn call(&mut self, call: InlineRecord<'d>) -> bool {
        let Some(function) = self.functions.last_mut().filter(|_| self.is_open) else {
            return false;
        };
        self.calls.push(call);
        function.calls.1 = self.calls.len();
        true
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
    /// Appends all functions. Of several that begin at one address the first in the file has it,
    /// the others are aliases; one that begins within another begins where that ends.
    fn functions(&mut self, records: Records<'d>) {
        let Records { mut functions, lines, calls, .. } = records;
        functions.sort_by_key(|function| function.record.start);
        let (mut first, mut free) = (None, 0);
        let mut sweep = Sweep::default();
        for function in &functions {
            let FunctionRecord { start, size, name } = function.record;
            if first == Some(start) {
                self.unit.aliases.push((start, name));
                continue;
            }
            let extent = (start.max(free), start.saturating_add(size));
            if extent.0 >= extent.1 {
                continue;
            }
            (first, free) = (Some(start), extent.1);
            sweep.lines.clear();
            sweep.lines.extend_from_slice(&lines[function.lines.0..function.lines.1]);
            let calls = &calls[function.calls.0..function.calls.1];
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
