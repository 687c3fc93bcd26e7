//! Flattens the nested ranges of functions and inlined calls into sorted, disjoint segments, each
//! owned by the entry that wins there.
//!
//! An entry's ranges are painted over those of the entries before it, so a callee covers its
//! caller:
//!
//! ```text
//! painted   main ├────────────┤    segments   [main][a][b][a][main]
//!           a       ├──────┤
//!           b          ├──┤
//! ```
//!
//! Where ranges nest, one sweep with a stack does it. Where they do not (overlapping functions,
//! inlinees that leave their caller), the answer is what llvm-symbolizer's address map gives,
//! painted entry by entry.

use std::collections::BTreeMap;

use crate::module::merge_sorted::Covers;

/// From so many spans on, a radix sort is faster. The addresses of a unit differ in three bytes or
/// four.
const RADIX_SPANS: usize = 256;

/// `start..end` belongs to entry `node`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeSpan {
    /// First address.
    pub start: u64,
    /// First address after it.
    pub end: u64,
    /// The entry, numbered in the order of the debug data.
    pub node: u32,
}

impl Covers for CodeSpan {
    #[inline]
    fn extent(&self) -> (u64, u64) {
        (self.start, self.end)
    }
}

/// Flattens `painted`, whose spans are not empty and stand in painting order.
pub fn flatten(mut painted: Vec<CodeSpan>) -> Vec<CodeSpan> {
    sweep(&mut painted).unwrap_or_else(|| {
        painted.sort_by_key(|span| span.node);
        paint(&painted)
    })
}

/// One pass over spans sorted by start; `None` if two of them cross or an earlier one lies inside a
/// later one.
fn sweep(painted: &mut [CodeSpan]) -> Option<Vec<CodeSpan>> {
    sort_by_start(painted);
    let mut segments: Vec<CodeSpan> = Vec::with_capacity(painted.len() * 2);
    let mut open: Vec<CodeSpan> = Vec::new();
    let mut at = 0;
    let close = |segments: &mut Vec<CodeSpan>, at: &mut u64, span: CodeSpan| {
        if *at < span.end {
            segments.push(CodeSpan { start: *at, ..span });
            *at = span.end;
        }
    };
    for &span in painted.iter() {
        while let Some(outer) = open.last().copied().filter(|outer| outer.end <= span.start) {
            close(&mut segments, &mut at, outer);
            open.pop();
        }
        if let Some(outer) = open.last() {
            if span.end > outer.end || span.node < outer.node {
                return None;
            }
            if at < span.start {
                segments.push(CodeSpan { start: at, end: span.start, node: outer.node });
            }
        }
        at = span.start;
        open.push(span);
    }
    while let Some(span) = open.pop() {
        close(&mut segments, &mut at, span);
    }
    Some(segments)
}

/// A stable sort: of two spans that start together, the one painted first stays the outer one.
fn sort_by_start(painted: &mut [CodeSpan]) {
    if painted.len() < RADIX_SPANS {
        painted.sort_by_key(|span| span.start);
    } else {
        radsort::sort_by_key(painted, |span| span.start);
    }
}

/// What `DWARFUnit::updateAddressDieMap` of LLVM 19 does, range by range.
fn paint(painted: &[CodeSpan]) -> Vec<CodeSpan> {
    let mut map: BTreeMap<u64, (u64, u32)> = BTreeMap::new();
    for span in painted {
        if let Some((&start, &(end, node))) = map.range(..=span.start).next_back()
            && span.start < end
        {
            if span.end < end {
                map.insert(span.end, (end, node));
            }
            if span.start > start {
                map.insert(start, (span.start, node));
            }
        }
        map.insert(span.start, (span.end, span.node));
    }
    let starts: Vec<u64> = map.keys().copied().skip(1).chain([u64::MAX]).collect();
    map.into_iter()
        .zip(starts)
        .map(|((start, (end, node)), next)| CodeSpan { start, end: end.min(next), node })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u64, end: u64, node: u32) -> CodeSpan {
        CodeSpan { start, end, node }
    }

    #[test]
    fn callees_cover_callers() {
        let painted = vec![
            span(0, 100, 0),
            span(10, 50, 1),
            span(20, 30, 2),
            span(60, 70, 3),
            span(200, 210, 4),
        ];
        let want = vec![
            span(0, 10, 0),
            span(10, 20, 1),
            span(20, 30, 2),
            span(30, 50, 1),
            span(50, 60, 0),
            span(60, 70, 3),
            span(70, 100, 0),
            span(200, 210, 4),
        ];
        assert_eq!(flatten(painted.clone()), want);
        assert_eq!(paint(&painted), want);
    }

    #[test]
    fn a_callee_as_long_as_its_caller_hides_it() {
        let painted = vec![span(0, 10, 0), span(0, 10, 1), span(4, 10, 2)];
        assert_eq!(flatten(painted), vec![span(0, 4, 1), span(4, 10, 2)]);
    }

    #[test]
    fn touching_spans_stay_apart() {
        assert_eq!(flatten(vec![span(0, 5, 0), span(5, 9, 1)]), vec![span(0, 5, 0), span(5, 9, 1)]);
    }

    #[test]
    fn crossing_spans_are_painted() {
        // The later one wins where both are; past the end of the first it still reaches its own
        // end.
        assert_eq!(
            flatten(vec![span(0, 10, 0), span(5, 15, 1)]),
            vec![span(0, 5, 0), span(5, 15, 1)]
        );
        // An earlier span inside a later one survives, and hides what is after it, as in LLVM's
        // map.
        assert_eq!(
            flatten(vec![span(10, 20, 0), span(0, 100, 1)]),
            vec![span(0, 10, 1), span(10, 20, 0)]
        );
    }

    #[test]
    fn many_spans_are_flattened_as_few_are() {
        // Pairs that start together, from the last address to the first.
        let count = u32::try_from(RADIX_SPANS).unwrap();
        let pairs = (0..count).rev().map(|at| u64::from(at) << 20);
        let painted: Vec<CodeSpan> = pairs
            .zip((0..).step_by(2))
            .flat_map(|(at, node)| [span(at, at + 9, node), span(at, at + 5, node + 1)])
            .collect();
        let want: Vec<CodeSpan> = painted
            .chunks(2)
            .rev()
            .flat_map(|pair| [pair[1], CodeSpan { start: pair[1].end, ..pair[0] }])
            .collect();
        assert_eq!(flatten(painted), want);
    }

    /// Both ways agree on every nesting of three spans that the sweep accepts.
    #[test]
    fn sweep_equals_paint() {
        let mut swept = 0;
        for code in 0u32..6u32.pow(6) {
            let digit = |at: u32| u64::from(code / 6u32.pow(at) % 6);
            let painted: Vec<CodeSpan> =
                (0..3).map(|i| span(digit(2 * i), digit(2 * i + 1), i)).collect();
            if painted.iter().any(|span| span.start >= span.end) {
                continue;
            }
            if let Some(segments) = sweep(&mut painted.clone()) {
                assert_eq!(segments, paint(&painted), "{painted:?}");
                swept += 1;
            }
        }
        assert!(swept > 500, "only {swept} cases were nested");
    }
}
