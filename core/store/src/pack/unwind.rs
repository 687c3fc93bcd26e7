//! Packs unwind rows and rules into blocks.

use rayon::prelude::*;
use symtool_unwind::{UnwindRow, UnwindTable};

use super::compress_groups;
use crate::block::layers::{self, Span};
use crate::block::unwind::rows::{self, StoredRow};
use crate::block::unwind::rules;
use crate::block::{Compressed, Kind, compress};
use crate::limits::{UNWIND_ROWS_PER_BLOCK, UNWIND_RULES_PER_BLOCK};

/// Packs `table`, of which `spans` says what is from which source. Also returns how many rows there
/// are: one that is from several sources is stored as several.
pub fn pack_unwind(table: &UnwindTable, spans: &[Span]) -> std::io::Result<(Vec<Compressed>, u64)> {
    let compress_rows = |block: &[StoredRow]| {
        let (first, last) = (block[0].row.start, block[block.len() - 1].row.end - 1);
        compress(Kind::UnwindRows, first, last, &rows::encode(block))
    };
    let (blocks, count): (std::io::Result<_>, _) = if spans.is_empty() {
        // No row is cut: those of one block at a time will do.
        let blocks = table.rows.par_chunks(UNWIND_ROWS_PER_BLOCK);
        let blocks = blocks.map(|rows| compress_rows(&by_source(rows, spans)));
        (blocks.collect(), table.rows.len())
    } else {
        let stored = by_source(&table.rows, spans);
        let blocks = stored.par_chunks(UNWIND_ROWS_PER_BLOCK).map(compress_rows);
        (blocks.collect(), stored.len())
    };
    let mut blocks: Vec<Compressed> = blocks?;
    blocks.extend(compress_groups(
        Kind::UnwindRules,
        0..table.rules.len(),
        UNWIND_RULES_PER_BLOCK,
        |group| rules::encode(&table.rules[group]),
    )?);
    Ok((blocks, count as u64))
}

/// Cuts `rows` where another source begins.
fn by_source(rows: &[UnwindRow], spans: &[Span]) -> Vec<StoredRow> {
    let mut stored = Vec::with_capacity(rows.len());
    for row in rows {
        let mut start = row.start;
        while start < row.end {
            let (source, until) = layers::source_from(spans, start);
            let end = until.min(row.end);
            stored.push(StoredRow { row: UnwindRow { start, end, rule: row.rule }, source });
            start = end;
        }
    }
    stored
}
