//! Addresses of a function with their rules, some of which lie over others: [`push_layers`]. What
//! no function covers: [`Gaps`].

use crate::rule::Rule;
use crate::table::UnwindTableBuilder;

/// Addresses with one rule; `None` if it is not known.
#[derive(Clone, Debug)]
pub struct Piece {
    pub start: u64,
    pub end: u64,
    pub rule: Option<Rule>,
}

/// Adds `over`, and `under` where `over` covers nothing. Of pieces of `over` that overlap, the one
/// that begins first counts, then the one that came first; `under` is sorted and disjoint.
pub fn push_layers(builder: &mut UnwindTableBuilder, mut over: Vec<Piece>, under: &[Piece]) {
    over.sort_by_key(|piece| piece.start);
    let mut push = |start: u64, end: u64, piece: &Piece| {
        if let Some(rule) = &piece.rule {
            builder.push(start, end, rule);
        }
    };
    let mut under = under.iter().peekable();
    // Everything before it is done.
    let mut at = 0;
    let mut fill = |at: &mut u64, until: u64, push: &mut dyn FnMut(u64, u64, &Piece)| {
        while let Some(piece) = under.peek().filter(|piece| piece.start < until) {
            let (start, end) = (piece.start.max(*at), piece.end.min(until));
            if start < end {
                push(start, end, piece);
            }
            if piece.end > until {
                break;
            }
            under.next();
        }
        *at = (*at).max(until);
    };
    for piece in &over {
        fill(&mut at, piece.start, &mut push);
        if at < piece.end {
            push(at.max(piece.start), piece.end, piece);
            at = piece.end;
        }
    }
    fill(&mut at, u64::MAX, &mut push);
}

/// Executable addresses, of which functions take their part from the front.
pub struct Gaps<'r> {
    /// Sorted and disjoint.
    code: Vec<(u64, u64)>,
    next: usize,
    at: u64,
    rule: &'r Rule,
}

impl<'r> Gaps<'r> {
    /// What is left of `code` has `rule`.
    pub fn new(code: Vec<(u64, u64)>, rule: &'r Rule) -> Self {
        Self { code, next: 0, at: 0, rule }
    }

    /// A function covers `start..end`: adds what lies between it and the one before.
    pub fn function(&mut self, start: u64, end: u64, builder: &mut UnwindTableBuilder) {
        while let Some((from, until)) = self.code.get(self.next).filter(|(from, _)| *from < start) {
            builder.push(self.at.max(*from), start.min(*until), self.rule);
            if *until > start {
                break;
            }
            self.next += 1;
        }
        self.at = self.at.max(end);
    }

    /// Adds what lies behind the last function.
    pub fn finish(mut self, builder: &mut UnwindTableBuilder) {
        self.function(u64::MAX, u64::MAX, builder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{Cfa, Recovery, Register};

    fn rule(offset: i64) -> Rule {
        Rule::new(Cfa::Register(Register(7), offset), Recovery::AtCfa(-8))
    }

    fn rows(builder: UnwindTableBuilder) -> Vec<(u64, u64, i64)> {
        let table = builder.finish();
        assert_eq!(table.drops.iter().count(), 0);
        let cfa = |row| match &table.rule(row).cfa {
            Cfa::Register(_, offset) => *offset,
            Cfa::Expression(_) => 0,
        };
        table.rows.iter().map(|row| (row.start, row.end, cfa(row))).collect()
    }

    #[test]
    fn pieces_lie_over_others() {
        let piece = |&(start, end, offset): &(u64, u64, i64)| {
            let rule = (offset != 0).then(|| rule(offset));
            Piece { start, end, rule }
        };
        let layers = |over: &[(u64, u64, i64)], under: &[(u64, u64, i64)]| {
            let mut builder = UnwindTableBuilder::default();
            let under: Vec<Piece> = under.iter().map(piece).collect();
            push_layers(&mut builder, over.iter().map(piece).collect(), &under);
            rows(builder)
        };
        let under = [(0, 4, 1), (4, 20, 2)];
        assert_eq!(layers(&[], &under), under);
        assert_eq!(
            layers(&[(10, 12, 3), (2, 6, 4), (11, 14, 5), (18, 30, 6)], &under),
            [(0, 2, 1), (2, 6, 4), (6, 10, 2), (10, 12, 3), (12, 14, 5), (14, 18, 2), (18, 30, 6)]
        );
        // A rule that is not known covers as well.
        assert_eq!(layers(&[(3, 5, 0)], &under), [(0, 3, 1), (5, 20, 2)]);
        assert_eq!(layers(&[(0, 20, 3), (5, 6, 4)], &under), [(0, 20, 3)]);
    }

    #[test]
    fn gaps_are_what_functions_leave() {
        let rule = rule(8);
        let mut builder = UnwindTableBuilder::default();
        let mut gaps = Gaps::new(vec![(10, 20), (30, 40), (50, 60)], &rule);
        for (start, end) in [(0, 5), (12, 14), (14, 15), (18, 32), (35, 36), (35, 38)] {
            gaps.function(start, end, &mut builder);
        }
        gaps.finish(&mut builder);
        assert_eq!(
            rows(builder),
            [(10, 12, 8), (15, 18, 8), (32, 35, 8), (38, 40, 8), (50, 60, 8)]
        );
    }
}
