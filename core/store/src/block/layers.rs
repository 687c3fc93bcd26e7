//! Which file of a module answers for which addresses, as columns of a block.
//!
//! ```text
//! sources   0: libx.so.debug   1: libx.so
//! ranges    [main][a main][main]   [memcpy@plt][free@plt]   [start]
//! spans                            [1                   ]           source 0 answers wherever no span says otherwise
//!
//! column  block of layers, format 1
//! 0       per span: gap in bytes to the span before
//! 1       per span: length in bytes
//! 2       per span: source
//! ```

use super::bytes::{Column, join, put, split};

/// The source numbered `source` speaks for `start..end`: what is known there is from it, and where
/// nothing is, what it knows is not to be told (see [`crate::complete`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First address.
    pub start: u64,
    /// First address after it.
    pub end: u64,
    /// Index into the record's sources; not 0, which answers where no span is.
    pub source: usize,
}

/// Encodes `spans`, which are sorted and disjoint.
pub fn encode(spans: &[Span]) -> Vec<u8> {
    let mut columns: [Vec<u8>; 3] = Default::default();
    let mut at = 0;
    for span in spans {
        put(&mut columns[0], span.start - at);
        put(&mut columns[1], span.end - span.start);
        put(&mut columns[2], span.source as u64);
        at = span.end;
    }
    join(&columns)
}

/// Decodes what [`encode`] made for a module of `sources` sources; `None` if it is damaged.
pub fn decode(raw: &[u8], sources: usize) -> Option<Vec<Span>> {
    let [mut gaps, mut lengths, mut numbers] = split::<3>(raw)?;
    let mut spans = Vec::new();
    let mut at = 0u64;
    while !gaps.is_empty() {
        let start = at.checked_add(gaps.number()?)?;
        let end = start.checked_add(lengths.number()?)?;
        let source = numbers.size().filter(|source| (1..sources).contains(source))?;
        if start == end {
            return None;
        }
        spans.push(Span { start, end, source });
        at = end;
    }
    [gaps, lengths, numbers].iter().all(Column::is_empty).then_some(spans)
}

/// The source that answers for `address`, by `spans`.
pub fn source_at(spans: &[Span], address: u64) -> usize {
    source_from(spans, address).0
}

/// The same, and the first address after it that another source may answer for.
pub fn source_from(spans: &[Span], address: u64) -> (usize, u64) {
    let after = spans.partition_point(|span| span.end <= address);
    match spans.get(after) {
        Some(span) if span.start <= address => (span.source, span.end),
        Some(span) => (0, span.start),
        None => (0, u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_come_back() {
        let spans = [(0, 5, 1), (5, 9, 2), (100, u64::MAX, 1)].map(|(start, end, source)| Span {
            start,
            end,
            source,
        });
        let raw = encode(&spans);
        assert_eq!(decode(&raw, 3).unwrap(), spans);
        assert_eq!(decode(&raw, 2), None, "a source that does not exist");
        (0..raw.len()).for_each(|end| assert_eq!(decode(&raw[..end], 3), None, "{end}"));
        assert_eq!(decode(&encode(&[]), 1), Some(Vec::new()));
        for (address, want) in
            [(0, 1), (4, 1), (5, 2), (8, 2), (9, 0), (99, 0), (100, 1), (u64::MAX, 0)]
        {
            assert_eq!(source_at(&spans, address), want, "{address}");
        }
        for (address, until) in [(4, 5), (5, 9), (9, 100), (100, u64::MAX)] {
            assert_eq!(source_from(&spans, address).1, until, "{address}");
        }
    }
}
