//! Looks at all lines of a file once, for what must be known before functions can be read:
//! [`Index`].
//!
//! Files may have functions in any order, and lines and inlined calls of a function refer to files
//! and names that may stand anywhere. Lines of functions are passed over here.

use std::ops::Range;

use rayon::prelude::*;

use super::owners::{Claim, Owners};
use super::parts::{Lines, LongLine, Release};
use super::record::{Named, Record};
use super::tables::{Table, Tables};
use crate::limits::MAX_NAME_BYTES;
use crate::module::{DropCounts, DropReason};

/// What a file has, and where.
#[derive(Debug, Default)]
pub struct Index<'d> {
    /// What functions refer to by number.
    pub tables: Tables<'d>,
    /// By their first addresses; of several that begin at one, the first in the file stands first.
    pub functions: Vec<FunctionText>,
    /// `PUBLIC` records: addresses and names.
    pub publics: Vec<(u64, &'d [u8])>,
    /// Parts that have `STACK` records.
    pub stack: Vec<Range<usize>>,
    /// What was left out.
    pub dropped: DropCounts,
    /// Lines that were left out as they are too long, with their numbers in the file.
    pub long: Vec<LongLine>,
}

/// A function, and its bytes of the file: its `FUNC` record and what follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionText {
    pub start: u64,
    pub end: u64,
    pub text: Range<usize>,
}

/// Functions that are read at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Their bytes, in the order of their first addresses. What stands side by side is one.
    pub texts: Vec<Range<usize>>,
    /// Who has the addresses before.
    pub owners: Owners,
}

impl<'d> Index<'d> {
    /// Reads the records of `parts` of `bytes`.
    pub fn read(bytes: &'d [u8], parts: &[Range<usize>], release: Release<'_>) -> Self {
        let read = |part: &Range<usize>| {
            let index = PartIndex::read(&bytes[part.clone()], part.start, release);
            release(&bytes[part.clone()]);
            index
        };
        let read: Vec<PartIndex<'d>> = parts.par_iter().with_max_len(1).map(read).collect();
        let mut index = Self::default();
        let (mut files, mut origins, mut lines) = (Vec::new(), Vec::new(), 0);
        index.functions.reserve_exact(read.iter().map(|part| part.functions.len()).sum());
        for (part, place) in read.into_iter().zip(parts) {
            files.extend(part.files);
            origins.extend(part.origins);
            index.functions.extend(part.functions);
            index.publics.extend(part.publics);
            index.stack.extend(Some(place.clone()).filter(|_| part.has_stack));
            index.dropped.merge(&part.dropped);
            let in_file = |line: LongLine| LongLine { number: lines + line.number, ..line };
            index.long.extend(part.long.into_iter().map(in_file));
            lines += part.lines;
        }
        index.tables = Tables { files: Table::of(files), origins: Table::of(origins) };
        if !index.functions.is_sorted_by_key(|function| function.start) {
            index.functions.sort_by_key(|function| function.start);
        }
        index
    }

    /// The functions in chunks of `bytes` of the file or more.
    pub fn chunks(&self, bytes: usize) -> Vec<Chunk> {
        let mut chunks: Vec<Chunk> = Vec::new();
        let (mut owners, mut room) = (Owners::default(), 0);
        for FunctionText { start, end, text } in &self.functions {
            if room == 0 {
                chunks.push(Chunk { texts: Vec::new(), owners });
                room = bytes;
            }
            owners.claim(*start, *end);
            room = room.saturating_sub(text.len());
            let Some(Chunk { texts, .. }) = chunks.last_mut() else { continue };
            match texts.last_mut() {
                Some(last) if last.end == text.start => last.end = text.end,
                _ => texts.push(text.clone()),
            }
        }
        chunks
    }

    /// Leaves out functions that have no address.
    pub fn keep_owners(&mut self) {
        let mut owners = Owners::default();
        self.functions.retain(|function| {
            matches!(owners.claim(function.start, function.end), Claim::Extent(..))
        });
    }
}

/// What one part has.
#[derive(Debug, Default)]
struct PartIndex<'d> {
    files: Vec<Named<'d>>,
    origins: Vec<Named<'d>>,
    functions: Vec<FunctionText>,
    publics: Vec<(u64, &'d [u8])>,
    has_stack: bool,
    dropped: DropCounts,
    lines: u64,
    long: Vec<LongLine>,
    /// Whether lines belong to the last function.
    is_open: bool,
}

impl<'d> PartIndex<'d> {
    /// Reads `part`, which begins at `offset` in the file.
    fn read(part: &'d [u8], offset: usize, release: Release<'_>) -> Self {
        let mut index = Self::default();
        let mut lines = Lines::of(part, release);
        while let Some(line) = lines.next() {
            if !(index.is_open && is_of_function(line)) {
                index.take(line, offset + lines.start);
            }
        }
        index.close(offset + part.len());
        index.dropped.count_many(DropReason::LongRecord, lines.long.len() as u64);
        (index.lines, index.long) = (lines.count, lines.long);
        index
    }

    /// Takes a line at `offset` in the file; counts it if it cannot be used.
    fn take(&mut self, line: &'d [u8], offset: usize) {
        match Record::parse(line) {
            Some(Record::Function(function)) => {
                self.close(offset);
                let (start, end) = (function.start, function.start.saturating_add(function.size));
                self.functions.push(FunctionText { start, end, text: offset..offset });
                self.is_open = true;
            }
            Some(Record::Public { address, name }) => {
                self.close(offset);
                self.publics.push((address, name));
            }
            Some(Record::File(file)) if file.name.len() <= MAX_NAME_BYTES => self.files.push(file),
            Some(Record::Origin(origin)) if origin.name.len() <= MAX_NAME_BYTES => {
                self.origins.push(origin);
            }
            Some(Record::StackCfi(_) | Record::StackWin(_)) => self.has_stack = true,
            Some(Record::Unknown) => self.dropped.count(DropReason::UnknownRecord),
            Some(Record::Line(_) | Record::Inline(_)) if self.is_open => {}
            Some(Record::Line(_) | Record::Inline(_)) | None => {
                self.dropped.count(DropReason::BadRecord);
            }
            Some(Record::Header | Record::File(_) | Record::Origin(_)) => {}
        }
    }

    /// Ends the bytes of the function at hand.
    fn close(&mut self, offset: usize) {
        if let Some(function) = self.functions.last_mut().filter(|_| self.is_open) {
            function.text.end = offset;
        }
        self.is_open = false;
    }
}

/// Whether `line` is read with the function that it is of, if there is one.
pub fn is_of_function(line: &[u8]) -> bool {
    match line.first() {
        Some(b'0'..=b'9' | b'a'..=b'f') => true,
        Some(b'I') => line.starts_with(b"INLINE "),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "FUNC 20 10 0 g\n20 10 2 0\nFUNC 0 10 0 f\n0 8 1 0\nzz\nPUBLIC 40 0 p\n\
        1 1 1 1\nFUNC 28 20 0 h\nFILE 0 a.c\nFUNC 0 30 0 f2\nSTACK CFI INIT 0 1 .cfa: x\n";

    fn texts(chunk: &Chunk) -> String {
        chunk.texts.iter().map(|text| &FILE[text.clone()]).collect()
    }

    #[test]
    fn functions_are_found_and_chunked_by_address() {
        let parts = crate::breakpad::parts::parts(FILE.as_bytes(), FILE.len(), &|_| {});
        let mut index = Index::read(FILE.as_bytes(), &parts, &|_| {});
        let starts: Vec<u64> = index.functions.iter().map(|function| function.start).collect();
        assert_eq!(starts, [0, 0, 0x20, 0x28]);
        assert_eq!((index.publics.len(), index.stack.len()), (1, 1));
        assert_eq!(index.dropped.iter().map(|(_, count)| count).sum::<u64>(), 2);
        let chunks = index.chunks(1);
        let texts: Vec<String> = chunks.iter().map(texts).collect();
        assert_eq!(texts[0], "FUNC 0 10 0 f\n0 8 1 0\nzz\n");
        assert_eq!(texts[2], "FUNC 20 10 0 g\n20 10 2 0\n");
        assert_eq!(texts.len(), 4);
        assert_eq!(index.chunks(1000).len(), 1);
        // `f2` begins where `f` does, `h` ends after `g`.
        index.keep_owners();
        let kept: Vec<u64> = index.functions.iter().map(|function| function.start).collect();
        assert_eq!(kept, [0, 0x20, 0x28]);
    }
}
