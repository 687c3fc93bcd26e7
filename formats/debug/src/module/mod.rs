//! Defines what a debug file is read into: [`ModuleSymbols`], which every reader produces and the
//! store packs.
//!
//! Inline trees arrive here already flattened into disjoint, sorted ranges:
//!
//! ```text
//! DIE tree   main ├──────────────────────────────┤
//!            └ a()      ├───────────────┤
//!              └ b()         ├─────┤
//! ranges          [main][a main][b a main][a main][main]
//! ```

mod drops;
mod ids;
mod info;
pub mod merge_sorted;
mod names_in_file;
mod strings;

use symtool_unwind::UnwindTable;

pub use drops::{DropCounts, DropReason};
pub use ids::{ChainId, FileId, FunctionId};
pub use info::{CodeMark, ModuleInfo};
pub use names_in_file::NamesInFile;
pub use strings::{File, Files, Folder, Function, Functions, Strings};

/// A place in the source. A line of 0 is the compiler's "no line here".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceLocation {
    /// The file, absent where the debug data names none.
    pub file: Option<FileId>,
    /// 1-based, 0 for none.
    pub line: u32,
    /// 1-based, 0 for none.
    pub column: u32,
    /// Tells blocks of code on one line apart (DWARF 5, section 6.2.2); 0 for none.
    pub discriminator: u32,
}

impl SourceLocation {
    /// A place in `file` of which no line is known.
    pub fn in_file(file: Option<FileId>) -> Self {
        Self { file, ..Self::default() }
    }
}

/// Where a function, or a copy of it that was inlined, begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Start([u32; 2]);

impl Start {
    /// Not known, or there is no one beginning, as the code lies in several places.
    pub const UNKNOWN: Self = Self([u32::MAX; 2]);

    /// At `address`; nothing begins at the last address there is.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "an address in two halves, so that a chain takes 36 bytes"
    )]
    pub fn at(address: u64) -> Self {
        Self([(address >> 32) as u32, address as u32])
    }

    /// The address, if it is known.
    pub fn address(self) -> Option<u64> {
        let [high, low] = self.0;
        (self != Self::UNKNOWN).then_some(u64::from(high) << 32 | u64::from(low))
    }
}

/// Where the frames of a chain are known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// Debug data names the function, or at least the line.
    Dwarf,
    /// The table by which Go's runtime prints stacks names the function.
    Gopclntab,
    /// A Breakpad symbol file names the function.
    Breakpad,
    /// Only the symbol table covers the address.
    Symtab,
}

/// One inline chain: a function, and the chain it was inlined into.
///
/// A chain without caller is an outermost function. Callers always stand before the chains that
/// name them.
///
/// Within a chain that only the symbol table knows, nothing is inlined. A chain whose caller is one
/// is a *synthetic symbol*'s: a function that symbol tables as llvm-symbolizer reads them do not
/// have (a linkage stub, an export, a function without a name), and its caller is what they make of
/// its addresses, which may be nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InlineChain {
    /// The innermost function, absent where only a line is known.
    pub function: Option<FunctionId>,
    /// The chain that called it inline, with the place of the call.
    pub caller: Option<(ChainId, SourceLocation)>,
    /// Where the innermost function begins: its symbol, or the `DW_AT_low_pc` of its entry.
    pub start: Start,
    /// Where this is known from.
    pub source: Source,
}

/// The addresses `start..end` and the frames at every one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// First address covered.
    pub start: u64,
    /// First address no longer covered.
    pub end: u64,
    /// The functions, innermost first.
    pub chain: ChainId,
    /// The place in the innermost function.
    pub location: SourceLocation,
}

/// Another function that begins where one of a module does: its code was the same, and the linker
/// has folded both into one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alias {
    /// Where they begin.
    pub address: u64,
    /// Its raw linkage name.
    pub name: Vec<u8>,
}

/// All that a debug file says about addresses.
#[derive(Clone, Debug)]
pub struct ModuleSymbols {
    /// What the file says about itself.
    pub info: ModuleInfo,
    /// By [`FunctionId`].
    pub functions: Functions,
    /// Paths as llvm-symbolizer prints them, by [`FileId`].
    pub files: Files,
    /// Inline chains, by [`ChainId`]; a caller stands before its callees.
    pub chains: Vec<InlineChain>,
    /// Disjoint, sorted by address; neighbours with equal frames are one range.
    pub ranges: Vec<Range>,
    /// By address.
    pub aliases: Vec<Alias>,
    /// How stacks are walked; no rows where the file does not say.
    pub unwind: UnwindTable,
    /// What was left out.
    pub dropped: DropCounts,
    /// What the user should know about the file, one sentence each.
    pub warnings: Vec<String>,
}

impl ModuleSymbols {
    /// Makes addresses count from `image_base`, of a file that counts them from the image.
    pub fn move_to(&mut self, image_base: u64) {
        let moved = |address: u64| address.saturating_add(image_base);
        for range in &mut self.ranges {
            (range.start, range.end) = (moved(range.start), moved(range.end));
        }
        // What would lie beyond the last address there is.
        self.ranges.retain(|range| range.start < range.end);
        for row in &mut self.unwind.rows {
            (row.start, row.end) = (moved(row.start), moved(row.end));
        }
        self.unwind.rows.retain(|row| row.start < row.end);
        for chain in &mut self.chains {
            let start = chain.start.address().map(|start| Start::at(moved(start)));
            chain.start = start.unwrap_or(Start::UNKNOWN);
        }
        self.aliases.iter_mut().for_each(|alias| alias.address = moved(alias.address));
        self.info.image_base = image_base;
    }
}
