//! Walks sorted lists of address spans side by side, to merge them into ranges: [`SpanCursor`]
//! finds the span at each rising address and up to where that stays true, and [`push_range`]
//! appends what was found there.

use super::Range;

/// Something that covers `start..end`.
pub trait Covers {
    /// First address, and first address after it.
    fn extent(&self) -> (u64, u64);
}

/// A place in a sorted list of disjoint spans.
pub struct SpanCursor<'a, T> {
    spans: &'a [T],
    at: usize,
}

impl<'a, T: Covers> SpanCursor<'a, T> {
    /// Before the first span.
    pub fn new(spans: &'a [T]) -> Self {
        Self { spans, at: 0 }
    }

    /// The index of the span that covers `address`, if there is one, and the first address after
    /// `address` at which another answer may begin. Addresses must rise from call to call.
    pub fn seek(&mut self, address: u64) -> (Option<usize>, u64) {
        if self.spans.get(self.at).is_some_and(|span| span.extent().1 <= address) {
            self.at += 1;
            // Most steps go to the next span; a jump is searched for.
            if self.spans.get(self.at).is_some_and(|span| span.extent().1 <= address) {
                self.at += self.spans[self.at..].partition_point(|span| span.extent().1 <= address);
            }
        }
        match self.spans.get(self.at).map(Covers::extent) {
            None => (None, u64::MAX),
            Some((start, end)) if start <= address => (Some(self.at), end),
            Some((start, _)) => (None, start),
        }
    }
}

/// Appends `range`, or lengthens the last one where the frames are the same.
pub fn push_range(ranges: &mut Vec<Range>, range: Range) {
    match ranges.last_mut() {
        Some(last)
            if last.end == range.start
                && last.chain == range.chain
                && last.location == range.location =>
        {
            last.end = range.end;
        }
        _ => ranges.push(range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Span(u64, u64);

    impl Covers for Span {
        fn extent(&self) -> (u64, u64) {
            (self.0, self.1)
        }
    }

    #[test]
    fn seeking_finds_spans_and_gaps() {
        let spans = [(10, 20), (20, 30), (40, 50), (60, 70)].map(|(start, end)| Span(start, end));
        let mut cursor = SpanCursor::new(&spans);
        for (address, want) in [
            (0, (None, 10)),
            (10, (Some(0), 20)),
            (19, (Some(0), 20)),
            (20, (Some(1), 30)),
            (30, (None, 40)),
            (69, (Some(3), 70)),
            (70, (None, u64::MAX)),
            (u64::MAX, (None, u64::MAX)),
        ] {
            assert_eq!(cursor.seek(address), want, "{address}");
        }
    }
}
