//! Holds what one unit says: [`UnitSymbols`], its functions, files and chains numbered from 0.

use symtool_module::number_of;

use super::lines::SequenceStart;
use crate::module::{
    ChainId, FileId, Folder, Function, FunctionId, InlineChain, Range, SourceLocation,
};

/// What one unit says, its functions, files and chains numbered from 0.
#[derive(Debug, Default)]
pub struct UnitSymbols<'d> {
    /// Disjoint, sorted, within the unit's intervals.
    pub ranges: Vec<Range>,
    /// A caller stands before its callees.
    pub chains: Vec<InlineChain>,
    /// Their files are the unit's.
    pub functions: Vec<Function<'d>>,
    /// Paths.
    pub files: Vec<(Vec<u8>, Folder)>,
    /// Functions of the unit that begin where another function does, to which the address belongs.
    pub aliases: Vec<(u64, &'d [u8])>,
    /// Sequences of lines that begin outside of the unit's intervals, or where another one of the
    /// unit does: functions that were folded, or that stand in several units.
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
        let (mut functions, mut files) =
            (Renumber::of(self.functions.len()), Renumber::of(self.files.len()));
        let mut chains = Renumber::of(self.chains.len());
        let mut location = |location: SourceLocation| {
            let file = location.file.map(|file| FileId::new(files.number(file.index() as usize)));
            SourceLocation { file, ..location }
        };
        let mut kept = Vec::new();
        for (at, chain) in self.chains.iter().enumerate().filter(|(at, _)| is_used[*at]) {
            chains.number(at);
            kept.push(InlineChain {
                function: chain
                    .function
                    .map(|function| FunctionId::new(functions.number(function.index() as usize))),
                caller: chain.caller.map(|(caller, call)| {
                    (ChainId::new(chains.number(caller.index() as usize)), location(call))
                }),
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
            number_of(self.met.len() - 1)
        })
    }
}
