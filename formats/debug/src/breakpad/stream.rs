//! Reads a file one chunk of functions after the other: [`BreakpadParts`].

use std::ops::Range as Bytes;

use rayon::prelude::*;
use symtool_unwind::{BreakpadReader, UnwindTable, UnwindTableBuilder};

use super::index::{Chunk, Index};
use super::parts::{self, Lines, LongLine, Release};
use super::record::Record;
use super::tables::Tables;
use super::unit::{self, ChunkSymbols};
use super::{BreakpadFile, PART_BYTES, settle};
use crate::Progress;
use crate::assemble::{Join, Names};
use crate::bytes::{Error, trim_heap};
use crate::dwarf::Work;
use crate::function_list::FunctionList;
use crate::limits::MAX_RECORD_BYTES;
use crate::module::{DropCounts, InlineChain, ModuleSymbols, NamesInFile, Range};
use crate::object::symbols::{Symbol, Twin};
use crate::unwind::count_drops;

/// After so many turns, in each of which every thread reads a chunk, all of the file leaves memory.
const TURNS_PER_RELEASE: usize = 16;

/// A file whose functions are read in the order of their addresses, and then the rest. Chunks are
/// read in parallel; what they are does not depend on how many threads there are.
pub struct BreakpadParts<'p, 'd> {
    file: &'p BreakpadFile<'d>,
    progress: &'p Progress,
    tables: Tables<'d>,
    chunks: Vec<Chunk>,
    /// Parts with `STACK` records.
    stack: Vec<Bytes<usize>>,
    /// Where no function is.
    publics: Vec<Symbol<'d>>,
    aliases: Vec<Twin<'d>>,
    /// Once all functions have been read.
    names: Names<NamesInFile<'d>>,
    has_ranges: bool,
    dropped: DropCounts,
    warnings: Vec<String>,
}

impl<'p, 'd> BreakpadParts<'p, 'd> {
    /// Looks at all records of `file`.
    pub(super) fn of(file: &'p BreakpadFile<'d>, progress: &'p Progress) -> Self {
        let bytes = file.mapped.bytes();
        let release: Release<'_> = &|bytes| file.mapped.release(bytes);
        let parts = parts::parts(bytes, PART_BYTES, release);
        let mut index = Index::read(bytes, &parts, release);
        let chunks = index.chunks(PART_BYTES);
        index.keep_owners();
        let (publics, aliases) =
            settle::publics(std::mem::take(&mut index.publics), &index.functions, bytes);
        let Index { tables, stack, dropped, long, .. } = index;
        progress.expect(chunks.len() + stack.len(), bytes.len());
        trim_heap();
        Self {
            file,
            progress,
            tables,
            chunks,
            stack,
            publics,
            aliases,
            names: Names::new(NamesInFile::new(bytes)),
            has_ranges: false,
            dropped,
            warnings: long.iter().map(too_long).collect(),
        }
    }

    /// Calls `take` with the chains and ranges of one chunk after the other, in the order of their
    /// addresses. Chains are numbered from 0 in each; their functions and files are the module's.
    ///
    /// # Errors
    /// [`Error::TooMuchWork`] if records lie within each other without end.
    pub fn each(&mut self, take: impl FnMut(&[InlineChain], &[Range]) + Send) -> Result<(), Error> {
        let bytes = self.file.mapped.bytes();
        let work = Work::for_bytes(bytes.len() as u64);
        let release: Release<'_> = &|bytes| self.file.mapped.release(bytes);
        let read = |chunk: &Chunk| {
            let symbols = unit::read(bytes, chunk, &self.tables, &work, release);
            self.progress.advance(chunk.texts.iter().map(Bytes::len).sum());
            symbols
        };
        let mut joined = Joined {
            release: &|chunk: &Chunk| {
                chunk.texts.iter().for_each(|text| release(&bytes[text.clone()]));
            },
            join: Join::new(NamesInFile::new(bytes), &self.publics, &[], bytes.len()),
            take,
            aliases: std::mem::take(&mut self.aliases),
            dropped: std::mem::take(&mut self.dropped),
            has_ranges: false,
        };
        let mut ready: Vec<(&Chunk, ChunkSymbols<'d>)> = Vec::new();
        for (turn, chunks) in self.chunks.chunks(rayon::current_num_threads()).enumerate() {
            // Names stand anywhere in the file.
            if turn % TURNS_PER_RELEASE == 0 {
                release(bytes);
            }
            let before = std::mem::take(&mut ready);
            let read = |chunk| (chunk, read(chunk));
            let (next, ()) = rayon::join(
                || chunks.par_iter().with_max_len(1).map(read).collect(),
                || before.into_iter().for_each(|(chunk, read)| joined.chunk(chunk, read)),
            );
            ready = next;
            if work.is_spent() {
                let path = self.file.mapped.path().to_owned();
                return Err(Error::TooMuchWork { path });
            }
        }
        ready.into_iter().for_each(|(chunk, read)| joined.chunk(chunk, read));
        joined.publics();
        let Joined { join, aliases, dropped, has_ranges, .. } = joined;
        (self.names, self.aliases, self.dropped) = (join.finish(), aliases, dropped);
        self.has_ranges = has_ranges;
        self.progress.spent(work.spent());
        (self.chunks, self.tables) = (Vec::new(), Tables::default());
        release(bytes);
        Ok(())
    }

    /// The functions that the chains name.
    pub fn functions(&self) -> FunctionList<'_> {
        FunctionList::in_file(&self.names.functions, self.file.mapped)
    }

    /// Reads the rest: all but chains, ranges and functions.
    ///
    /// # Errors
    /// [`Error::NoSymbols`] if there is nothing to find addresses by.
    pub fn finish(mut self) -> Result<ModuleSymbols, Error> {
        // What packing took comes first.
        trim_heap();
        let unwind = self.unwind();
        if !self.has_ranges && unwind.rows.is_empty() {
            return Err(Error::NoSymbols { path: self.file.mapped.path().to_owned() });
        }
        self.aliases.sort_unstable();
        self.aliases.dedup();
        let info = self.file.info.clone();
        let mut symbols = self.names.module(info, &self.aliases, self.dropped);
        (symbols.unwind, symbols.warnings) = (unwind, self.warnings);
        count_drops(&mut symbols.unwind, &mut symbols.dropped);
        if symbols.dropped.iter().any(|(reason, _)| reason.is_damage()) {
            let warning = "some of its records cannot be used and were left out; was it copied whole? `modules show` has the counts";
            symbols.warnings.push(warning.to_owned());
        }
        self.file.mapped.release(self.file.mapped.bytes());
        trim_heap();
        Ok(symbols)
    }

    /// Reads `STACK` records.
    fn unwind(&self) -> UnwindTable {
        let mut table = UnwindTableBuilder::default();
        let read = |part: &Bytes<usize>| {
            let part = &self.file.mapped.bytes()[part.clone()];
            let table = self.unwind_part(part);
            self.file.mapped.release(part);
            self.progress.advance(part.len());
            table
        };
        for parts in self.stack.chunks(rayon::current_num_threads()) {
            let read: Vec<UnwindTable> = parts.par_iter().with_max_len(1).map(read).collect();
            read.iter().for_each(|part| table.append(part));
        }
        table.finish()
    }

    fn unwind_part(&self, part: &[u8]) -> UnwindTable {
        let mut reader = BreakpadReader::new(self.file.info.arch.as_str());
        for line in Lines::of(part, &|bytes| self.file.mapped.release(bytes)) {
            match Record::parse_stack(line) {
                Some(Record::StackCfi(text)) => reader.cfi(text),
                Some(Record::StackWin(text)) => reader.win(text),
                _ => {}
            }
        }
        reader.finish()
    }
}

/// Chunks that are joined one after the other.
struct Joined<'a, 'd, T> {
    /// Lets the bytes of a chunk leave memory.
    release: &'a (dyn Fn(&Chunk) + Sync),
    join: Join<'a, 'd, NamesInFile<'d>>,
    take: T,
    aliases: Vec<Twin<'d>>,
    dropped: DropCounts,
    has_ranges: bool,
}

impl<'d, T: FnMut(&[InlineChain], &[Range])> Joined<'_, 'd, T> {
    /// Takes the functions of `chunk`, which were `read`, and public symbols before them.
    fn chunk(&mut self, chunk: &Chunk, read: ChunkSymbols<'d>) {
        let ChunkSymbols { mut unit, dropped } = read;
        self.dropped.merge(&dropped);
        self.aliases.append(&mut unit.aliases);
        self.join.next_unit(unit);
        (self.release)(chunk);
        self.hand_on();
    }

    /// Takes the public symbols after all functions.
    fn publics(&mut self) {
        self.join.rest();
        self.hand_on();
    }

    fn hand_on(&mut self) {
        let (chains, ranges) = self.join.take_part();
        self.has_ranges |= !ranges.is_empty();
        (self.take)(&chains, &ranges);
    }
}

/// That a line was left out.
fn too_long(line: &LongLine) -> String {
    format!(
        "line {} has {} bytes, over the limit of {MAX_RECORD_BYTES}: it was left out",
        line.number, line.bytes
    )
}
