//! Regroups the ranges of a module by functions, as symbol files have them: [`runs`].

use hashbrown::HashMap;

use crate::module::{
    FileId, FunctionId, InlineChain, ModuleSymbols, Range, Source, SourceLocation, Start,
};

/// Ranges, one behind the other, of one function.
#[derive(Debug)]
pub struct FunctionRun {
    pub start: u64,
    pub end: u64,
    pub function: Option<FunctionId>,
    begins: Start,
    /// A caller stands before its callees.
    pub calls: Vec<InlinedCall>,
    pub lines: Vec<FunctionLine>,
    /// By what calls are told apart by: caller, function, place of the call, beginning.
    numbers: HashMap<(Option<usize>, Option<FunctionId>, SourceLocation, Start), usize>,
}

/// An inlined call, and the addresses that it has.
#[derive(Debug)]
pub struct InlinedCall {
    /// 0 for one that is in the function itself.
    pub depth: usize,
    pub function: Option<FunctionId>,
    pub call: SourceLocation,
    pub ranges: Vec<(u64, u64)>,
}

/// Addresses and their line in the innermost function.
#[derive(Debug)]
pub struct FunctionLine {
    pub start: u64,
    pub end: u64,
    /// 0 for none.
    pub line: u32,
    pub file: FileId,
}

/// The functions of `symbols` by address. One whose ranges do not touch is told several times. What
/// nothing names is left out.
pub fn runs(symbols: &ModuleSymbols) -> impl Iterator<Item = FunctionRun> {
    let mut ranges = symbols.ranges.iter().peekable();
    let mut frames = Frames { symbols, frames: Vec::new() };
    std::iter::from_fn(move || {
        let mut run: Option<FunctionRun> = None;
        while let Some(range) = ranges.peek() {
            let Some(outermost) = frames.enter(range) else {
                ranges.next();
                if run.is_some() {
                    break;
                }
                continue;
            };
            let goes_on = |run: &FunctionRun| {
                run.end == range.start
                    && (run.function, run.begins) == (outermost.function, outermost.start)
            };
            match &mut run {
                None => run = Some(FunctionRun::of(&outermost, range)),
                Some(run) if goes_on(run) => {}
                Some(_) => break,
            }
            if let Some(run) = &mut run {
                run.push(range, &frames.frames);
            }
            ranges.next();
        }
        run
    })
}

/// The frames at an address.
struct Frames<'a> {
    symbols: &'a ModuleSymbols,
    /// The inlined ones, outermost first.
    frames: Vec<InlineChain>,
}

impl Frames<'_> {
    /// Takes the frames of `range`. Gives back the outermost one; `None` if nothing is known there.
    fn enter(&mut self, range: &Range) -> Option<InlineChain> {
        self.frames.clear();
        let mut chain = self.symbols.chains.get(range.chain.index() as usize)?;
        while let Some((caller, _)) = chain.caller {
            let caller = self.symbols.chains.get(caller.index() as usize)?;
            // A synthetic symbol, and what other tables make of its addresses.
            if caller.source == Source::Symtab {
                break;
            }
            self.frames.push(*chain);
            chain = caller;
        }
        self.frames.reverse();
        let is_symbol = chain.source == Source::Symtab;
        let has_name = chain.function.is_some_and(|function| {
            !self.symbols.functions.name(function.index() as usize).is_empty()
        });
        (has_name || !is_symbol).then_some(*chain)
    }
}

impl FunctionRun {
    fn of(outermost: &InlineChain, range: &Range) -> Self {
        Self {
            start: range.start,
            end: range.start,
            function: outermost.function,
            begins: outermost.start,
            calls: Vec::new(),
            lines: Vec::new(),
            numbers: HashMap::new(),
        }
    }

    /// Appends `range`, with the inlined `frames` there.
    fn push(&mut self, range: &Range, frames: &[InlineChain]) {
        let &Range { start, end, location, .. } = range;
        self.end = end;
        let mut caller = None;
        for (depth, frame) in frames.iter().enumerate() {
            let call = frame.caller.map_or_else(SourceLocation::default, |(_, call)| call);
            let call = SourceLocation { line: call.line, ..SourceLocation::in_file(call.file) };
            let calls = &mut self.calls;
            let key = (caller, frame.function, call, frame.start);
            let number = *self.numbers.entry(key).or_insert_with(|| {
                let function = frame.function;
                calls.push(InlinedCall { depth, function, call, ranges: Vec::new() });
                calls.len() - 1
            });
            let ranges = &mut self.calls[number].ranges;
            match ranges.last_mut().filter(|last| last.1 == start) {
                Some(last) => last.1 = end,
                None => ranges.push((start, end)),
            }
            caller = Some(number);
        }
        let Some(file) = location.file else { return };
        let line = location.line;
        let is_same =
            |last: &&mut FunctionLine| last.end == start && (last.file, last.line) == (file, line);
        match self.lines.last_mut().filter(is_same) {
            Some(last) => last.end = end,
            None => self.lines.push(FunctionLine { start, end, line, file }),
        }
    }
}
