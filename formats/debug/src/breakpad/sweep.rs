//! Cuts a function where its lines and its inlined calls begin and end: [`Sweep`].
//!
//! ```text
//! FUNC          [f                          ]
//! INLINE 0         [g             ]
//! INLINE 1            [h     ]
//! lines         [1][2][7     ][3 ][4        ]
//! ranges        [f][g][h g f ][g ][f        ]
//! ```
//!
//! At an address the innermost function is where the line record says. Each of its callers is where
//! the `INLINE` record of the call says (Breakpad, `docs/symbol_files.md`). A call of depth 1 counts
//! only within one of depth 0.

use super::record::LineRecord;

/// Addresses that an inlined call has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallSpan {
    pub start: u64,
    pub end: u64,
    pub depth: u32,
    /// The index of the call.
    pub call: usize,
}

/// The cuts of one function after the other; keeps its memory.
#[derive(Debug, Default)]
pub struct Sweep {
    /// Of the function at hand, in any order.
    pub lines: Vec<LineRecord>,
    /// Of the function at hand, in any order.
    pub spans: Vec<CallSpan>,
    points: Vec<u64>,
    /// By depth: the first of `spans` that has not ended, and where those of the depth end.
    depths: Vec<(usize, usize)>,
    /// The calls at the address at hand, outermost first.
    open: Vec<usize>,
}

impl Sweep {
    /// Calls `take` with the first address of each part of `start..end`, the one after its last, the
    /// calls there, the outermost first, and the line. Gives back how many parts and calls there
    /// were.
    pub fn run(
        &mut self,
        (start, end): (u64, u64),
        mut take: impl FnMut(u64, u64, &[usize], Option<&LineRecord>),
    ) -> u64 {
        self.settle_lines();
        self.settle_spans();
        self.points.clear();
        self.points.extend([start, end]);
        self.points.extend(self.spans.iter().flat_map(|span| [span.start, span.end]));
        self.points.extend(self.lines.iter().flat_map(|line| [line.start, line.start + line.size]));
        self.points.retain(|point| (start..=end).contains(point));
        self.points.sort_unstable();
        self.points.dedup();
        let (mut next_line, mut steps) = (0, 0);
        for pair in self.points.windows(2) {
            let &[from, until] = pair else { continue };
            while self.lines.get(next_line).is_some_and(|line| line.start + line.size <= from) {
                next_line += 1;
            }
            let line = self.lines.get(next_line).filter(|line| line.start <= from);
            self.open.clear();
            for (next, after) in &mut self.depths {
                while *next < *after && self.spans[*next].end <= from {
                    *next += 1;
                }
                match self.spans.get(*next).filter(|span| *next < *after && span.start <= from) {
                    Some(span) => self.open.push(span.call),
                    None => break,
                }
            }
            steps += 1 + self.open.len() as u64;
            take(from, until, &self.open, line);
        }
        steps
    }

    /// Sorts the lines. One begins where the one before it ends.
    fn settle_lines(&mut self) {
        self.lines.retain(|line| line.size > 0);
        self.lines.sort_by_key(|line| line.start);
        let mut at = 0;
        self.lines.retain_mut(|line| {
            let end = line.start + line.size;
            line.start = line.start.max(at);
            line.size = end.saturating_sub(line.start);
            at = at.max(end);
            line.size > 0
        });
    }

    /// Sorts the calls by depth and address. One ends where the next of its depth begins; of several
    /// that begin at once the first counts.
    fn settle_spans(&mut self) {
        self.spans.retain(|span| span.start < span.end);
        self.spans.sort_by_key(|span| (span.depth, span.start));
        self.spans.dedup_by_key(|span| (span.depth, span.start));
        for at in 1..self.spans.len() {
            let next = self.spans[at];
            if self.spans[at - 1].depth == next.depth {
                self.spans[at - 1].end = self.spans[at - 1].end.min(next.start);
            }
        }
        self.depths.clear();
        let mut first = 0;
        for alike in self.spans.chunk_by(|one, next| one.depth == next.depth) {
            // Without one that is less deep there is none that counts.
            if usize::try_from(alike[0].depth) != Ok(self.depths.len()) {
                break;
            }
            self.depths.push((first, first + alike.len()));
            first += alike.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(start: u64, size: u64, line: u32) -> LineRecord {
        LineRecord { start, size, line, file: 0 }
    }

    fn span(start: u64, end: u64, depth: u32, call: usize) -> CallSpan {
        CallSpan { start, end, depth, call }
    }

    fn swept(lines: &[LineRecord], spans: &[CallSpan]) -> Vec<(u64, u64, Vec<usize>, u32)> {
        let mut sweep = Sweep { lines: lines.to_vec(), spans: spans.to_vec(), ..Sweep::default() };
        let mut parts = Vec::new();
        sweep.run((0, 100), |start, end, calls, line| {
            parts.push((start, end, calls.to_vec(), line.map_or(0, |line| line.line)));
        });
        parts
    }

    #[test]
    fn calls_nest_and_lines_are_the_innermost_functions() {
        let lines = [line(0, 10, 1), line(10, 10, 2), line(20, 20, 7), line(40, 10, 3)];
        let spans = [span(10, 50, 0, 0), span(20, 40, 1, 1), span(60, 70, 1, 2)];
        let want = vec![
            (0, 10, vec![], 1),
            (10, 20, vec![0], 2),
            (20, 40, vec![0, 1], 7),
            (40, 50, vec![0], 3),
            (50, 60, vec![], 0),
            // A call of depth 1 that is in none of depth 0.
            (60, 70, vec![], 0),
            (70, 100, vec![], 0),
        ];
        assert_eq!(swept(&lines, &spans), want);
    }

    #[test]
    fn what_overlaps_is_cut() {
        let lines = [line(0, 50, 1), line(40, 20, 2), line(45, 5, 3), line(90, 50, 4)];
        let spans = [span(0, 50, 0, 0), span(40, 60, 0, 1), span(40, 100, 0, 2), span(5, 6, 2, 3)];
        let want = vec![
            (0, 5, vec![0], 1),
            (5, 6, vec![0], 1),
            (6, 40, vec![0], 1),
            (40, 50, vec![1], 1),
            (50, 60, vec![1], 2),
            (60, 90, vec![], 0),
            (90, 100, vec![], 4),
        ];
        assert_eq!(swept(&lines, &spans), want);
    }
}
