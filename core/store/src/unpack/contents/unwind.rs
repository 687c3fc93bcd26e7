//! Opens and checks blocks of unwind rows and rules.

use symtool_unwind::UnwindRow;

use super::{Contents, Fault, numbered};
use crate::block::layers::Span;
use crate::block::unwind::rows::{self, StoredRow};
use crate::block::unwind::rules;
use crate::block::{Compressed, Damage, Kind};
use crate::limits::UNWIND_RULES_PER_BLOCK;
use crate::module::ModuleRecord;

impl Contents {
    /// Reads `blocks`, of which only those about unwinding matter.
    pub(super) fn read_unwind(&mut self, record: &ModuleRecord, blocks: &[Compressed]) {
        let of_kind = |kind: Kind| blocks.iter().filter(move |block| block.kind == kind);
        let (total, problems) = (u64::from(record.unwind_rules), self.problems.len());
        let mut expected = 0;
        for block in of_kind(Kind::UnwindRules) {
            let decode = |raw: &[u8]| rules::decode(raw).map(|rules| (rules.len(), rules));
            match numbered(block, expected, total, UNWIND_RULES_PER_BLOCK, decode) {
                Ok(rules) => self.unwind.rules.extend(rules),
                Err(fault) => self.found(block, fault),
            }
            expected = block.last.saturating_add(1);
        }
        let (mut count, mut earliest) = (0, 0);
        for block in of_kind(Kind::UnwindRows) {
            match row_block(record, block, earliest) {
                Ok(rows) => {
                    count += rows.len() as u64;
                    rows.into_iter().for_each(|stored| self.push_row(stored));
                }
                Err(fault) => self.found(block, fault),
            }
            earliest = block.last.saturating_add(1);
        }
        if self.problems.len() == problems {
            self.count("unwind rules", total, expected);
            self.count("unwind rows", record.unwind_rows, count);
        }
    }

    /// Joins `stored` with the row before it where only the source differs.
    fn push_row(&mut self, StoredRow { row, source }: StoredRow) {
        let UnwindRow { start, end, rule } = row;
        match self.unwind.rows.last_mut() {
            Some(last) if last.end == start && last.rule == rule => last.end = end,
            _ => self.unwind.rows.push(row),
        }
        match self.unwind_layers.last_mut() {
            _ if source == 0 => {}
            Some(span) if span.source == source && span.end == start => span.end = end,
            _ => self.unwind_layers.push(Span { start, end, source }),
        }
    }
}

/// Opens a block of unwind rows whose addresses are `earliest` at the earliest.
fn row_block(
    record: &ModuleRecord,
    block: &Compressed,
    earliest: u64,
) -> Result<Vec<StoredRow>, Fault> {
    let opened = block.expand()?;
    let rows = rows::decode(opened.first, &opened.raw, record.unwind_rules, record.sources.len())
        .ok_or(Damage::Contents)?;
    if opened.first < earliest {
        return Err(Fault::Order { first: opened.first, expected: earliest });
    }
    match rows.last().map(|last| last.row.end - 1) {
        Some(last) if last == block.last => Ok(rows),
        last => Err(Fault::Extent { found: last.unwrap_or(opened.first) }),
    }
}
