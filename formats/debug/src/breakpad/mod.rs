//! Reads the symbol files of Breakpad, Google's library of crash reports: [`BreakpadFile`]. They are
//! text, one record a line, and may have gigabytes: functions are read in chunks, in the order of
//! their addresses, and what has been read leaves memory ([`BreakpadParts`]).
//!
//! ```text
//! header.rs      MODULE and INFO: which build it is of
//! parts.rs       parts that can be read apart, and their lines
//! record.rs      one line
//! index.rs       where functions are; FILE, INLINE_ORIGIN (tables.rs) and PUBLIC
//! owners.rs      which function has an address
//! settle.rs      PUBLIC where no function has it
//! stream.rs      all functions, one chunk after the other; then STACK
//! unit.rs        a chunk's FUNC, INLINE and line records as ranges
//! sweep.rs       … cut where lines and calls begin and end
//! write.rs        a module as such a file; runs.rs: its ranges by functions
//! ```
//!
//! Format: Breakpad, `docs/symbol_files.md`. Rows of `STACK` records are read by `symtool_unwind`.

mod header;
mod index;
mod owners;
mod parts;
mod record;
mod runs;
mod settle;
mod stream;
mod sweep;
mod tables;
mod unit;
mod write;

use symtool_module::{Detail, ModuleId};
use xxhash_rust::xxh3::Xxh3;

use crate::Progress;
use crate::bytes::{Error, Mapped, is_breakpad};
use crate::module::{ChainId, CodeMark, Functions, InlineChain, ModuleInfo, ModuleSymbols, Range};
pub use header::GivenId;
use header::Header;
pub use stream::BreakpadParts;
pub use write::{BreakpadHead, breakpad_id, debug_id, write_breakpad};

/// What stands for the name of a function that has none (`dump_syms`).
const NO_NAME: &[u8] = b"<name omitted>";
/// What stands for a file that is not known (LLVM).
const NO_FILE: &[u8] = b"??";
/// Bytes of a part, and of a chunk of functions: enough that few names are met in several, few
/// enough that what is read of those at hand is little.
const PART_BYTES: usize = 1 << 20;
/// Bytes at the beginning and at the end that tell files of a build apart.
const FINGERPRINT_BYTES: usize = 4096;

/// A symbol file whose header was read.
#[derive(Debug)]
pub struct BreakpadFile<'d> {
    /// Its bytes.
    pub mapped: &'d Mapped,
    /// What it says about itself.
    pub info: ModuleInfo,
}

impl<'d> BreakpadFile<'d> {
    /// Reads the header of `mapped`. A file without `MODULE` line is of the build that is `given`.
    ///
    /// # Errors
    /// [`Error::NoModuleLine`] if it has none, and nothing is given.
    pub fn parse(mapped: &'d Mapped, given: Option<&GivenId>) -> Result<Self, Error> {
        let bytes = mapped.bytes();
        let header = Header::parse(bytes)
            .or_else(|| {
                given.map(|given| Header::given(given, bytes, &|bytes| mapped.release(bytes)))
            })
            .ok_or_else(|| Error::NoModuleLine { path: mapped.path().to_owned() })?;
        let made_up = || made_up_id(mapped);
        let mut hash = Xxh3::new();
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(&bytes[..bytes.len().min(FINGERPRINT_BYTES)]);
        hash.update(&bytes[bytes.len().saturating_sub(FINGERPRINT_BYTES)..]);
        let name = Some(header.name).filter(|name| !name.is_empty());
        let info = ModuleInfo {
            name: name.unwrap_or_else(|| mapped.name().to_owned()),
            id: header.id.unwrap_or_else(made_up),
            other_ids: header.code_id.into_iter().collect(),
            code: CodeMark::default(),
            kind: header.kind,
            arch: header.arch.into(),
            detail: Detail::Breakpad,
            // Addresses are relative to the image.
            image_base: 0,
            fingerprint: hash.digest(),
        };
        Ok(Self { mapped, info })
    }

    /// Whether it says how stacks are walked. No record is read.
    pub fn has_unwind(&self) -> bool {
        memchr::memmem::find(self.mapped.bytes(), b"\nSTACK ").is_some()
    }

    /// Reads everything. Chunks are read in parallel; the result does not depend on how many threads
    /// there are.
    ///
    /// # Errors
    /// As [`BreakpadParts::finish`] and [`BreakpadParts::each`].
    pub fn read(&self, progress: &Progress) -> Result<ModuleSymbols, Error> {
        let mut parts = self.parts(progress);
        let (mut all_chains, mut all_ranges) = (Vec::new(), Vec::new());
        parts.each(|chains: &[InlineChain], ranges: &[Range]| {
            let before = symtool_module::number_of(all_chains.len());
            let moved = |chain: ChainId| ChainId::new(before + chain.index());
            all_chains.extend(chains.iter().map(|chain| InlineChain {
                caller: chain.caller.map(|(caller, call)| (moved(caller), call)),
                ..*chain
            }));
            all_ranges
                .extend(ranges.iter().map(|range| Range { chain: moved(range.chain), ..*range }));
        })?;
        let (mut functions, list) = (Functions::default(), parts.functions());
        (0..list.len()).filter_map(|number| list.get(number)).for_each(|function| {
            functions.push(function);
        });
        let rest = parts.finish()?;
        Ok(ModuleSymbols { functions, chains: all_chains, ranges: all_ranges, ..rest })
    }

    /// Looks at all records, so that functions can be read in parts.
    pub fn parts<'p>(&'p self, progress: &'p Progress) -> BreakpadParts<'p, 'd> {
        BreakpadParts::of(self, progress)
    }
}

/// The id of a file that has none: a hash of its contents.
fn made_up_id(mapped: &Mapped) -> ModuleId {
    let mut hash = Xxh3::new();
    for part in mapped.bytes().chunks(PART_BYTES) {
        hash.update(part);
        mapped.release(part);
    }
    ModuleId { bytes: hash.digest128().to_be_bytes().to_vec(), made_up: true }
}

/// Whether `bytes` begin like a symbol file, with or without its `MODULE` line.
pub fn is_symbol_file(bytes: &[u8]) -> bool {
    is_breakpad(bytes)
}
