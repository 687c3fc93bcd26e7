//! Reads the symbol files of Breakpad, Google's library of crash reports: [`BreakpadFile`]. They are
//! text, one record a line, and may have gigabytes, so that parts are read in parallel and then
//! leave memory.
//!
//! ```text
//! header.rs      MODULE and INFO: which build it is of
//! parts.rs       parts that can be read apart, and their lines
//! record.rs      one line
//! tables.rs      FILE and INLINE_ORIGIN, which all parts refer to
//! unit.rs        a part's FUNC, INLINE and line records as ranges
//! sweep.rs       … cut where lines and calls begin and end
//! settle.rs      who has an address; PUBLIC where no function has it
//! write.rs        a module as such a file; runs.rs: its ranges by functions
//! ```
//!
//! Format: Breakpad, `docs/symbol_files.md`. Rows of `STACK` records are read by `symtool_unwind`.

mod header;
mod parts;
mod record;
mod runs;
mod settle;
mod sweep;
mod tables;
mod unit;
mod write;

use rayon::prelude::*;
use symtool_module::{Detail, ModuleId};
use symtool_unwind::UnwindTableBuilder;
use xxhash_rust::xxh3::Xxh3;

use crate::Progress;
use crate::assemble::assemble;
use crate::bytes::{Error, Mapped, is_breakpad, trim_heap};
use crate::dwarf::{DwarfSymbols, UnitSymbols, Work};
use crate::limits::MAX_RECORD_BYTES;
use crate::module::{CodeMark, DropCounts, ModuleInfo, ModuleSymbols};
use crate::unwind::count_drops;
pub use header::GivenId;
use header::Header;
use parts::{LongLine, Release};
use tables::Tables;
use unit::PartSymbols;
pub use write::{BreakpadHead, breakpad_id, debug_id, write_breakpad};

/// What stands for the name of a function that has none (`dump_syms`).
const NO_NAME: &[u8] = b"<name omitted>";
/// What stands for a file that is not known (LLVM).
const NO_FILE: &[u8] = b"??";
/// Bytes of a part: enough that few functions stand at an edge, few enough that what is read of the
/// parts at hand is little.
const PART_BYTES: usize = 4 << 20;
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
            arch: header.arch.to_owned(),
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

    /// Reads everything. Parts are read in parallel; the result does not depend on how many threads
    /// there are.
    ///
    /// # Errors
    /// [`Error::NoSymbols`] if there is nothing to find addresses by, [`Error::TooMuchWork`] if
    /// records lie within each other without end.
    pub fn read(&self, progress: &Progress) -> Result<ModuleSymbols, Error> {
        let path = || self.mapped.path().to_owned();
        let bytes = self.mapped.bytes();
        let work = Work::for_bytes(bytes.len() as u64);
        let release: Release<'_> = &|bytes| self.mapped.release(bytes);
        let parts: Vec<&[u8]> =
            parts::parts(bytes, PART_BYTES, release).into_iter().map(|part| &bytes[part]).collect();
        progress.expect(parts.len(), bytes.len());
        let tables = Tables::read(&parts, release);
        let read = |part: &&'d [u8]| {
            let symbols = unit::read(part, &tables, &self.info.arch, &work, release);
            release(part);
            progress.advance(part.len());
            symbols
        };
        let read: Vec<PartSymbols<'d>> = parts.par_iter().with_max_len(1).map(read).collect();
        progress.spent(work.spent());
        if work.is_spent() {
            return Err(Error::TooMuchWork { path: path() });
        }
        let symbols = self.join(read);
        if symbols.ranges.is_empty() && symbols.unwind.rows.is_empty() {
            return Err(Error::NoSymbols { path: path() });
        }
        Ok(symbols)
    }

    /// Joins what all parts say.
    fn join(&self, parts: Vec<PartSymbols<'d>>) -> ModuleSymbols {
        let mut dropped = DropCounts::default();
        let mut unwind = UnwindTableBuilder::default();
        let (mut units, mut publics) = (Vec::with_capacity(parts.len()), Vec::new());
        let (mut lines_before, mut warnings) = (0, Vec::new());
        for part in parts {
            dropped.merge(&part.dropped);
            unwind.append(&part.unwind);
            publics.extend(part.publics);
            warnings.extend(part.long.iter().map(|line| too_long(lines_before, *line)));
            lines_before += part.lines;
            units.push(part.unit);
        }
        let give_back = || {
            self.mapped.release(self.mapped.bytes());
            trim_heap();
        };
        give_back();
        let symbols = self.assemble(units, publics, dropped, &give_back);
        give_back();
        let mut symbols = ModuleSymbols { warnings, unwind: unwind.finish(), ..symbols };
        count_drops(&mut symbols.unwind, &mut symbols.dropped);
        if symbols.dropped.iter().any(|(reason, _)| reason.is_damage()) {
            let warning = "some of its records cannot be used and were left out; was it copied whole? `modules show` has the counts";
            symbols.warnings.push(warning.to_owned());
        }
        symbols
    }

    fn assemble(
        &self,
        mut units: Vec<UnitSymbols<'d>>,
        publics: Vec<(u64, &'d [u8])>,
        dropped: DropCounts,
        give_back: &dyn Fn(),
    ) -> ModuleSymbols {
        let intervals = settle::intervals(&mut units);
        let (tables, aliases) = settle::publics(publics, &mut units, &intervals);
        let units = DwarfSymbols { intervals, units, aliases };
        let bytes = self.mapped.bytes().len();
        assemble(self.info.clone(), units, &tables, bytes, dropped, give_back)
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

/// That a line, before whose part stand `before` lines, was left out.
fn too_long(before: u64, line: LongLine) -> String {
    format!(
        "line {} has {} bytes, over the limit of {MAX_RECORD_BYTES}: it was left out",
        before + line.number,
        line.bytes
    )
}

/// Whether `bytes` begin like a symbol file, with or without its `MODULE` line.
pub fn is_symbol_file(bytes: &[u8]) -> bool {
    is_breakpad(bytes)
}
