//! Joins the unwind rows of two modules.
//!
//! A rule that holds in prologs and epilogs too is preferred to one that holds in the body of a
//! function only; after that, the file of the first rank answers.

use symtool_unwind::{RuleFlags, UnwindRow, UnwindTable, UnwindTableBuilder};

use crate::block::layers::{self, Span};

/// Rows of one side, and how to rank them.
pub struct UnwindSide<'a> {
    /// The rows and their rules.
    pub table: &'a UnwindTable,
    /// Which source each row is from.
    pub spans: &'a [Span],
    /// The rank of each source, if it is used.
    pub ranks: &'a [Option<usize>],
}

/// A row that one side offers.
#[derive(Clone, Copy)]
struct Offer {
    row: UnwindRow,
    /// What is preferred is less.
    rank: (bool, usize),
}

/// The rows of two sides as one table.
pub struct JoinedUnwind {
    /// All rows.
    pub table: UnwindTable,
    /// Which source each is from.
    pub spans: Vec<Span>,
    /// How many addresses the rows of each source cover.
    pub addresses: Vec<u64>,
}

/// Joins `old` and `new`, which are from `sources` files. Of equal rank, the new one wins.
pub fn join(old: &UnwindSide<'_>, new: &UnwindSide<'_>, sources: usize) -> JoinedUnwind {
    let tables = [old.table, new.table];
    let offers = [offers(old), offers(new)];
    let mut sides = offers.map(|offers| offers.into_iter().peekable());
    let mut builder = UnwindTableBuilder::default();
    let (mut spans, mut addresses) = (Vec::<Span>::new(), vec![0; sources]);
    let mut at = 0;
    loop {
        for side in &mut sides {
            while side.next_if(|offer| offer.row.end <= at).is_some() {}
        }
        let next = sides.each_mut().map(|side| side.peek().copied());
        let Some(start) = next.iter().flatten().map(|offer| offer.row.start.max(at)).min() else {
            break;
        };
        let here = |side: usize| next[side].filter(|offer| offer.row.start <= start);
        let (side, offer) = match (here(0), here(1)) {
            (Some(old), Some(new)) if old.rank < new.rank => (0, old),
            (_, Some(new)) => (1, new),
            (Some(old), None) => (0, old),
            (None, None) => break,
        };
        // Up to where the other side begins to offer something, or something else.
        let until =
            next[1 - side].map_or(
                u64::MAX,
                |Offer { row, .. }| {
                    if row.start > start { row.start } else { row.end }
                },
            );
        let end = offer.row.end.min(until);
        builder.push(start, end, tables[side].rule(&offer.row));
        let source = offer.rank.1;
        addresses[source] += crate::module::addresses(start, end);
        match spans.last_mut() {
            _ if source == 0 => {}
            Some(span) if span.source == source && span.end == start => span.end = end,
            _ => spans.push(Span { start, end, source }),
        }
        at = end;
    }
    JoinedUnwind { table: builder.finish(), spans, addresses }
}

/// The rows of a side, each cut to those of one source.
fn offers(side: &UnwindSide<'_>) -> Vec<Offer> {
    let mut offers = Vec::with_capacity(side.table.rows.len());
    for row in &side.table.rows {
        let is_body_only = side.table.rule(row).flags.has(RuleFlags::BODY_ONLY);
        let mut start = row.start;
        while start < row.end {
            let (source, until) = layers::source_from(side.spans, start);
            let end = until.min(row.end);
            if let Some(rank) = side.ranks.get(source).copied().flatten() {
                offers.push(Offer {
                    row: UnwindRow { start, end, rule: row.rule },
                    rank: (is_body_only, rank),
                });
            }
            start = end;
        }
    }
    offers
}
