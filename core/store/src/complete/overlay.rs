//! Decides which of two modules answers at each stretch of addresses.

use symtool_debug::{InlineChain, ModuleSymbols};

use crate::block::layers::Span;

/// A part of a range, or of a gap that stays blank, and the rank of the file that it is from; 0 is
/// the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    start: u64,
    end: u64,
    /// Where the same answer begins.
    run: u64,
    /// `None` where nothing is to be said.
    pub range: Option<usize>,
    /// The file's.
    pub rank: usize,
}

/// Cuts the ranges of `symbols` where another source begins to answer; `ranks` has each source's
/// rank, if it is used.
pub fn pieces(symbols: &ModuleSymbols, spans: &[Span], ranks: &[Option<usize>]) -> Vec<Piece> {
    let mut spans = spans.iter().copied().peekable();
    let mut pieces: Vec<Piece> = Vec::with_capacity(symbols.ranges.len());
    let mut push = |start: u64, end: u64, range: Option<usize>, source: usize| {
        let Some(rank) = ranks.get(source).copied().flatten() else { return };
        let says_the_same = |last: &&Piece| {
            last.end == start
                && last.rank == rank
                && last.range.zip(range).is_some_and(|(a, b)| is_same(symbols, a, b))
        };
        let run = pieces.last().filter(says_the_same).map_or(start, |last| last.run);
        pieces.push(Piece { start, end, run, range, rank });
    };
    let mut at = 0;
    let edges = symbols
        .ranges
        .iter()
        .enumerate()
        .map(|(number, range)| (range.start, range.end, Some(number)));
    for (start, end, range) in edges.chain([(u64::MAX, u64::MAX, None)]) {
        // Blank spans before the range.
        while let Some(span) = spans.next_if(|span| span.end <= start) {
            push(span.start.max(at), span.end, None, span.source);
            at = span.end;
        }
        if let Some(span) = spans.peek().filter(|span| span.start < start) {
            push(span.start.max(at), start, None, span.source);
        }
        at = start;
        while at < end {
            while spans.next_if(|span| span.end <= at).is_some() {}
            let (source, until) = match spans.peek() {
                Some(span) if span.start <= at => (span.source, span.end),
                Some(span) => (0, span.start),
                None => (0, end),
            };
            let until = until.min(end);
            push(at, until, range, source);
            at = until;
        }
    }
    pieces
}

/// Whether the ranges `a` and `b` say the same.
fn is_same(symbols: &ModuleSymbols, a: usize, b: usize) -> bool {
    let (a, b) = (symbols.ranges[a], symbols.ranges[b]);
    let (mut a_chain, mut b_chain) = (Some(a.chain), Some(b.chain));
    let mut is_same = a.location == b.location;
    while let (true, Some(a), Some(b)) = (is_same && a_chain != b_chain, a_chain, b_chain) {
        let (a, b) = (symbols.chains[a.index() as usize], symbols.chains[b.index() as usize]);
        let call = |chain: InlineChain| chain.caller.map(|(_, call)| call);
        is_same = a.function == b.function
            && a.start == b.start
            && a.source == b.source
            && call(a) == call(b);
        (a_chain, b_chain) =
            (a.caller.map(|(caller, _)| caller), b.caller.map(|(caller, _)| caller));
    }
    is_same && a_chain == b_chain
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The module in the store.
    Old,
    /// The file.
    New,
}

/// Calls `take` with every stretch of addresses that a piece of `old` or `new` covers, and the one
/// that wins there, in address order; its range is `None` where it does not reach back to its
/// beginning. Of equal rank, the new one wins.
pub fn overlay(old: &[Piece], new: &[Piece], mut take: impl FnMut(u64, u64, Side, &Piece)) {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    let mut at = 0;
    // By side: where what was last said begins, and how far it has been said.
    let mut said = [None; 2];
    loop {
        while old.next_if(|piece| piece.end <= at).is_some() {}
        while new.next_if(|piece| piece.end <= at).is_some() {}
        let (side, piece, other) = match (old.peek(), new.peek()) {
            (None, None) => return,
            (Some(a), None) => (Side::Old, *a, None),
            (None, Some(b)) => (Side::New, *b, None),
            // The one that begins first; of two that are both here, the one of the first rank.
            (Some(a), Some(b)) if (a.start.max(at), a.rank) < (b.start.max(at), b.rank) => {
                (Side::Old, *a, Some(*b))
            }
            (Some(a), Some(b)) => (Side::New, *b, Some(*a)),
        };
        let start = piece.start.max(at);
        // Up to where the other list begins to say something, or something else.
        let until = other
            .map_or(u64::MAX, |other| if other.start > start { other.start } else { other.end });
        let end = piece.end.min(until);
        let reaches = start == piece.run || said[side as usize] == Some((piece.run, start));
        let range = piece.range.filter(|_| reaches);
        if range.is_some() {
            said[side as usize] = Some((piece.run, end));
        }
        take(start, end, side, &Piece { range, ..*piece });
        at = end;
    }
}
