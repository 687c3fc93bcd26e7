//! Runs a line program: sorted, disjoint spans with the file index, line, column and discriminator
//! in force there.
//!
//! Rules (DWARF 5, section 6.2, as llvm-symbolizer applies them): the last row at an address wins,
//! `is_stmt` is ignored, a line of 0 stays, an empty sequence is dropped. Where sequences overlap,
//! an address belongs to the one that ends first after it, and to none if that one begins later:
//!
//! ```text
//! sequences     ├─────A─────┤
//!                    ├────────────B──────────┤
//! spans         [A         ][B              ]
//! ```

use gimli::{
    DebugLine, EndianSlice, Endianity, IncompleteLineProgram, LineProgramHeader, Reader, Section,
};
use hashbrown::HashMap;
use rayon::prelude::*;

use super::line_program::{self, Event};
use crate::module::merge_sorted::Covers;
use crate::module::{DropCounts, DropReason};

/// Compilers write a row in three to five bytes.
const BYTES_PER_ROW: usize = 4;

/// Rows that memory is reserved for at once.
const MAX_EXPECTED_ROWS: usize = 1 << 16;

/// `start..end` is line `line` of the unit's file `file`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineRow {
    /// First address.
    pub start: u64,
    /// First address after it.
    pub end: u64,
    /// Index into the program's file table, as the program counts.
    pub file: u64,
    /// 1-based, 0 for none.
    pub line: u32,
    /// 1-based, 0 for none.
    pub column: u32,
    /// 0 for none.
    pub discriminator: u32,
}

impl Covers for LineRow {
    #[inline]
    fn extent(&self) -> (u64, u64) {
        (self.start, self.end)
    }
}

/// What a line program says.
#[derive(Clone, Debug, Default)]
pub struct LineTable {
    /// Disjoint, sorted.
    pub spans: Vec<LineRow>,
    /// Sequences over the whole of others that came before, as a linker leaves them that folds
    /// functions of equal code; in the order of where they begin.
    pub folded: Vec<FoldedLines>,
    /// Where each sequence begins, and its first line.
    pub starts: Vec<SequenceStart>,
}

/// A sequence that lies over another one of the same addresses.
#[derive(Clone, Debug)]
pub struct FoldedLines {
    /// First address.
    pub start: u64,
    /// First address after it.
    pub end: u64,
    /// Disjoint, sorted.
    pub spans: Vec<LineRow>,
}

/// Where a sequence begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SequenceStart {
    /// Its first address.
    pub address: u64,
    /// The line there.
    pub line: u32,
}

/// Rows `first..end` cover the addresses from the first row's up to `high`.
struct Sequence {
    first: usize,
    end: usize,
    high: u64,
}

/// Programs that were run before the units that they belong to are known, by their offset.
#[derive(Debug, Default)]
pub struct LinesAhead(HashMap<usize, (u8, LineTable, DropCounts)>);

impl LinesAhead {
    /// Runs all programs of the section `debug_line` in parallel. Those before DWARF 5 do not say
    /// how wide addresses are; it is `address_bytes` then.
    pub fn run<E: Endianity + Send + Sync>(
        debug_line: &[u8],
        endian: E,
        address_bytes: u8,
    ) -> Self {
        let section = DebugLine::from(EndianSlice::new(debug_line, endian));
        let mut programs = Vec::new();
        let mut rest = *section.reader();
        while !rest.is_empty() {
            let offset = gimli::DebugLineOffset(debug_line.len() - rest.len());
            let Ok((length, _)) = rest.read_initial_length() else { break };
            if rest.skip(length).is_err() {
                break;
            }
            programs.extend(section.program(offset, address_bytes, None, None));
        }
        let run = |program: IncompleteLineProgram<EndianSlice<'_, E>>| {
            let mut dropped = DropCounts::default();
            let (offset, address_bytes) =
                (program.header().offset().0, program.header().address_size());
            let mut lines = read(program.header(), &mut dropped);
            // All are kept.
            lines.spans.shrink_to_fit();
            (offset, (address_bytes, lines, dropped))
        };
        Self(programs.into_par_iter().map(run).collect::<Vec<_>>().into_iter().collect())
    }

    /// What `program` says, if it has been run; what was dropped from it is counted.
    pub fn of<E: Endianity>(
        &self,
        program: &IncompleteLineProgram<EndianSlice<'_, E>>,
        dropped: &mut DropCounts,
    ) -> Option<&LineTable> {
        let (address_bytes, lines, counts) = self.0.get(&program.header().offset().0)?;
        if *address_bytes != program.header().address_size() {
            return None;
        }
        dropped.merge(counts);
        Some(lines)
    }
}

/// Runs `program` to its end, or to its first error, which is counted.
pub fn read<E: Endianity>(
    header: &LineProgramHeader<EndianSlice<'_, E>>,
    dropped: &mut DropCounts,
) -> LineTable {
    let (rows, mut sequences) = run(header, dropped);
    let start = |sequence: &Sequence| SequenceStart {
        address: rows[sequence.first].start,
        line: rows[sequence.first].line,
    };
    let starts = sequences.iter().map(start).collect();
    let is_sorted = |pair: &[Sequence]| pair[0].high <= rows[pair[1].first].start;
    if sequences.windows(2).all(is_sorted) {
        return LineTable { spans: rows, folded: Vec::new(), starts };
    }
    let mut lines = LineTable { spans: Vec::with_capacity(rows.len()), folded: Vec::new(), starts };
    sequences.sort_by_key(|sequence| sequence.high);
    let (mut before, mut last) = (0, None);
    for sequence in &sequences {
        let extent = (rows[sequence.first].start, sequence.high);
        let rows = &rows[sequence.first..sequence.end];
        if last == Some(extent) {
            let spans = rows.to_vec();
            lines.folded.push(FoldedLines { start: extent.0, end: extent.1, spans });
            continue;
        }
        push_after(&mut lines.spans, rows, before);
        (before, last) = (sequence.high, Some(extent));
    }
    lines
}

/// The rows of all sequences that are not empty, in the order of the program.
fn run<E: Endianity>(
    header: &LineProgramHeader<EndianSlice<'_, E>>,
    dropped: &mut DropCounts,
) -> (Vec<LineRow>, Vec<Sequence>) {
    let expected = header.raw_program_buf().len() / BYTES_PER_ROW;
    let mut rows: Vec<LineRow> = Vec::with_capacity(expected.min(MAX_EXPECTED_ROWS));
    let mut sequences = Vec::new();
    let mut first = 0;
    let mut is_dead = false;
    let result = line_program::run(header, |event, registers| {
        let address = registers.address;
        // Code that the linker has thrown away lies at the end of the address space, and reaches
        // beyond.
        if event == Event::Overflow {
            is_dead = true;
            return;
        }
        // Dead rows are left out (an address that went backwards), their end included: a row that
        // is lower than the last one begins a new sequence.
        if rows.len() > first && address < rows[rows.len() - 1].start {
            rows.truncate(first);
            is_dead = false;
        }
        // The last row at an address wins.
        if rows.len() > first && rows[rows.len() - 1].start == address {
            rows.pop();
        } else if let Some(last) = rows[first..].last_mut() {
            last.end = address;
        }
        if event == Event::End {
            if std::mem::take(&mut is_dead) {
                rows.truncate(first);
            } else if rows.len() > first {
                sequences.push(Sequence { first, end: rows.len(), high: address });
            }
            first = rows.len();
            return;
        }
        rows.push(LineRow {
            start: address,
            end: address,
            file: registers.file,
            line: u32::try_from(registers.line).unwrap_or(0),
            column: u32::try_from(registers.column).unwrap_or(0),
            discriminator: u32::try_from(registers.discriminator).unwrap_or(0),
        });
    });
    if result.is_err() {
        dropped.count(DropReason::BadLines);
    }
    rows.truncate(first);
    (rows, sequences)
}

/// Appends the rows of one sequence, no earlier than `before`.
fn push_after(spans: &mut Vec<LineRow>, rows: &[LineRow], before: u64) {
    for row in rows {
        let start = row.start.max(before);
        if start < row.end {
            spans.push(LineRow { start, ..*row });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(start: u64, end: u64, line: u32) -> LineRow {
        LineRow { start, end, file: 1, line, column: 0, discriminator: 0 }
    }

    #[test]
    fn overlapping_sequences_are_cut_at_the_end_of_the_one_before() {
        let mut spans = Vec::new();
        push_after(&mut spans, &[row(0, 10, 1), row(10, 20, 2)], 0);
        push_after(&mut spans, &[row(5, 15, 3), row(15, 30, 4), row(30, 40, 5)], 20);
        let got: Vec<_> = spans.iter().map(|span| (span.start, span.end, span.line)).collect();
        assert_eq!(got, [(0, 10, 1), (10, 20, 2), (20, 30, 4), (30, 40, 5)]);
    }
}
