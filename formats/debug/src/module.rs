//! The neutral value of a debug file: [`ModuleSymbols`], which every reader produces and the store packs.
//!
//! Inline trees arrive here already flattened into disjoint, sorted ranges:
//!
//! ```text
//! DIE tree   main ├──────────────────────────────┤
//!            └ a()      ├───────────────┤
//!              └ b()         ├─────┤
//! ranges          [main][a main][b a main][a main][main]
//! ```

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use symtool_module::{Detail, ModuleId, ModuleKind};

use crate::strings::{Files, Functions};

/// What tells that two files of one id have different code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CodeMark {
    /// How long it is (`.text`); absent if there is none.
    pub bytes: Option<u64>,
    /// A hash of it; absent if it was split off.
    pub contents: Option<u64>,
}

impl CodeMark {
    /// Whether no file with this code is of one build with a file that has `other`.
    pub fn contradicts(self, other: Self) -> bool {
        let differ = |a: Option<u64>, b: Option<u64>| a.zip(b).is_some_and(|(a, b)| a != b);
        differ(self.bytes, other.bytes) || differ(self.contents, other.contents)
    }
}

/// What a file says about itself, before any debug data is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleInfo {
    /// The last component of the file's path.
    pub name: String,
    /// The build-id, or a made-up id.
    pub id: ModuleId,
    /// Ids that earlier versions made up for the file.
    pub other_ids: Vec<ModuleId>,
    /// What its code is.
    pub code: CodeMark,
    /// The container format.
    pub kind: ModuleKind,
    /// The architecture as LLVM names it, such as `x86_64`.
    pub arch: String,
    /// How much the file can tell.
    pub detail: Detail,
    /// The virtual address at which the image's first loaded page lies in the file's own address space.
    pub image_base: u64,
    /// A hash of the file's size and section table: tells one file of a build from another without reading them.
    /// Damage inside of a section does not change it.
    pub fingerprint: u64,
}

/// Makes a type of numbers of which an absent one takes no room: a module has as many as it has ranges.
macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(NonZeroU32);

        impl $name {
            /// Number `index`, which is below 2^32 - 1.
            pub fn new(index: u32) -> Self {
                Self(NonZeroU32::MIN.saturating_add(index))
            }

            /// The number.
            pub fn index(self) -> u32 {
                self.0.get() - 1
            }
        }
    )*};
}

numbers! {
    /// Index into [`ModuleSymbols::functions`].
    FunctionId,
    /// Index into [`ModuleSymbols::files`].
    FileId,
    /// Index into [`ModuleSymbols::chains`].
    ChainId,
}

/// A place in the source. A line of 0 is the compiler's "no line here".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// The file, absent where the debug data names none.
    pub file: Option<FileId>,
    /// 1-based, 0 for none.
    pub line: u32,
    /// 1-based, 0 for none.
    pub column: u32,
    /// Tells blocks of code on one line apart (DWARF 5, section 6.2.2); 0 for none.
    pub discriminator: u32,
}

impl Location {
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
    #[expect(clippy::cast_possible_truncation, reason = "an address in two halves, so that a chain takes 36 bytes")]
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
    /// Only the symbol table covers the address.
    Symtab,
}

/// One inline chain: a function, and the chain it was inlined into.
///
/// A chain without caller is an outermost function. Callers always stand before the chains that name them.
///
/// Within a chain that only the symbol table knows, nothing is inlined. A chain whose caller is one is *extra*: a
/// function that symbol tables as llvm-symbolizer reads them do not have (a linkage stub, an export, a function
/// without a name), and its caller is what they make of its addresses, which may be nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chain {
    /// The innermost function, absent where only a line is known.
    pub function: Option<FunctionId>,
    /// The chain that called it inline, with the place of the call.
    pub caller: Option<(ChainId, Location)>,
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
    pub location: Location,
}

/// Another function that begins where one of a module does: its code was the same, and the linker has folded both into one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alias {
    /// Where they begin.
    pub address: u64,
    /// Its raw linkage name.
    pub name: Vec<u8>,
}

/// Why something in a file was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DropReason {
    /// A debug section that cannot be read at all.
    BadSection,
    /// A unit whose header or root cannot be read.
    BadUnit,
    /// A unit whose functions are in a `.dwo` file or `.dwp` package that was not found: symbols answer for them.
    SplitUnit,
    /// The file of names that it shares with others (dwz) was not found: some functions have no name.
    SharedNames,
    /// A function of an image whose debug data is in an object file that was not found, or no longer has it: symbols
    /// answer for it.
    MissingObject,
    /// A unit whose entries end in an error; what stood before it is kept.
    BadEntries,
    /// A line program that ends in an error; what stood before it is kept.
    BadLines,
    /// A range list that cannot be read.
    BadRanges,
    /// A relocation of a debug section that is not known or leads nowhere.
    BadRelocation,
    /// A range of a relocatable object whose offset means another section.
    HiddenSection,
    /// A function that the linker discarded: its address is a tombstone.
    Tombstone,
    /// A function, or a part of it, outside all executable sections.
    NotExecutable,
    /// An inlined call deeper than [`crate::limits::MAX_INLINE_DEPTH`].
    TooDeep,
    /// Debug data that asks for more work than [`crate::limits::STEPS_PER_BYTE`] allows, all of it.
    TooMuchWork,
    /// A name or path for which there is no room: see [`crate::limits::MIN_STRING_BYTES`].
    LongName,
}

impl DropReason {
    /// Whether the file is at fault.
    pub fn is_damage(self) -> bool {
        matches!(self, Self::BadSection | Self::BadUnit | Self::BadEntries | Self::BadLines | Self::BadRanges | Self::BadRelocation)
    }

    /// The name that `--json` prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::BadSection => "bad_section",
            Self::BadUnit => "bad_unit",
            Self::SplitUnit => "split_unit",
            Self::SharedNames => "shared_names",
            Self::MissingObject => "missing_object",
            Self::BadEntries => "bad_entries",
            Self::BadLines => "bad_lines",
            Self::BadRanges => "bad_ranges",
            Self::BadRelocation => "bad_relocation",
            Self::HiddenSection => "hidden_section",
            Self::Tombstone => "tombstone",
            Self::NotExecutable => "not_executable",
            Self::TooDeep => "too_deep",
            Self::TooMuchWork => "too_much_work",
            Self::LongName => "long_name",
        }
    }
}

/// How often something was left out, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropped(BTreeMap<DropReason, u64>);

impl Dropped {
    /// Counts one.
    pub fn count(&mut self, reason: DropReason) {
        self.count_many(reason, 1);
    }

    /// Counts `count` at once.
    pub fn count_many(&mut self, reason: DropReason, count: u64) {
        if count > 0 {
            *self.0.entry(reason).or_default() += count;
        }
    }

    /// Whether anything was left out for `reason`.
    pub fn has(&self, reason: DropReason) -> bool {
        self.0.contains_key(&reason)
    }

    /// Adds all counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (&reason, count) in &other.0 {
            *self.0.entry(reason).or_default() += count;
        }
    }

    /// The counts of what is damaged.
    #[must_use]
    pub fn damage(&self) -> Self {
        Self(self.0.iter().filter(|(reason, _)| reason.is_damage()).map(|(&reason, &count)| (reason, count)).collect())
    }

    /// All counts that are not zero.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        self.0.iter().map(|(&reason, &count)| (reason, count))
    }
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
    pub chains: Vec<Chain>,
    /// Disjoint, sorted by address; neighbours with equal frames are one range.
    pub ranges: Vec<Range>,
    /// By address.
    pub aliases: Vec<Alias>,
    /// What was left out.
    pub dropped: Dropped,
    /// What the user should know about the file, one sentence each.
    pub warnings: Vec<String>,
}
