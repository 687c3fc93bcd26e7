//! The unwind rows of a module, sorted and disjoint, and its rules, each once.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::drops::{UnwindDropReason, UnwindDrops};
use crate::rule::Rule;

/// The number of a rule in [`UnwindTable::rules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(pub u32);

/// Addresses with one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnwindRow {
    /// The first address, a virtual address of the module.
    pub start: u64,
    /// The first address after it.
    pub end: u64,
    /// How the caller of a function that stands here is found.
    pub rule: RuleId,
}

/// All rows of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnwindTable {
    /// Sorted by address and disjoint. Neighbours that touch have different rules.
    pub rows: Vec<UnwindRow>,
    /// In the order in which the rows first use them.
    pub rules: Vec<Rule>,
    /// What was left out.
    pub drops: UnwindDrops,
}

impl UnwindTable {
    /// The row that covers `address`.
    pub fn at(&self, address: u64) -> Option<&UnwindRow> {
        let after = self.rows.partition_point(|row| row.start <= address);
        self.rows[..after].last().filter(|row| address < row.end)
    }

    /// The rule of one of its rows.
    pub fn rule(&self, row: &UnwindRow) -> &Rule {
        &self.rules[row.rule.0 as usize]
    }
}

/// Collects rows in any order.
#[derive(Debug)]
pub struct UnwindTableBuilder {
    rows: Vec<UnwindRow>,
    numbers: HashMap<Rule, RuleId>,
    drops: UnwindDrops,
    /// Rows that are too many for a sorted copy.
    in_place: usize,
}

/// Rows of which a copy takes 96 MiB. Sorting them where they are takes longer.
const IN_PLACE_ROWS: usize = 4 << 20;

impl Default for UnwindTableBuilder {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            numbers: HashMap::new(),
            drops: UnwindDrops::default(),
            in_place: IN_PLACE_ROWS,
        }
    }
}

impl UnwindTableBuilder {
    /// Adds `rule` for `start..end`. Where rows overlap, the one that came first is kept. Rows that
    /// cover nothing are left out.
    pub fn push(&mut self, start: u64, end: u64, rule: &Rule) {
        if start >= end {
            return;
        }
        match self.number(rule) {
            Some(rule) => self.push_row(UnwindRow { start, end, rule }),
            None => self.drops.count(UnwindDropReason::TooMuchWork),
        }
    }

    /// The number of `rule` in this builder; `None` if there are no more numbers.
    pub(crate) fn number(&mut self, rule: &Rule) -> Option<RuleId> {
        if let Some(number) = self.numbers.get(rule) {
            return Some(*number);
        }
        let next = RuleId(u32::try_from(self.numbers.len()).ok()?);
        self.numbers.insert(rule.clone(), next);
        Some(next)
    }

    /// How many rules have a number.
    pub(crate) fn rule_count(&self) -> usize {
        self.numbers.len()
    }

    /// Adds a row that covers something and whose rule [`UnwindTableBuilder::number`] knows.
    pub(crate) fn push_row(&mut self, row: UnwindRow) {
        match self.rows.last_mut() {
            Some(last) if last.end == row.start && last.rule == row.rule => last.end = row.end,
            _ => self.rows.push(row),
        }
    }

    /// Counts what was left out.
    pub fn count(&mut self, reason: UnwindDropReason) {
        self.drops.count(reason);
    }

    /// Adds all rows of `table`, and what was left out of it.
    pub fn append(&mut self, table: &UnwindTable) {
        let numbers: Vec<Option<RuleId>> =
            table.rules.iter().map(|rule| self.number(rule)).collect();
        for row in &table.rows {
            match numbers[row.rule.0 as usize] {
                Some(rule) => self.push_row(UnwindRow { rule, ..*row }),
                None => self.drops.count(UnwindDropReason::TooMuchWork),
            }
        }
        self.drops.merge(&table.drops);
    }

    /// Sorts the rows, makes them disjoint, and joins neighbours of one rule.
    pub fn finish(mut self) -> UnwindTable {
        let mut rows = if self.rows.is_sorted_by(|one, next| one.end <= next.start) {
            std::mem::take(&mut self.rows)
        } else {
            self.sorted()
        };
        let rules = number_by_use(&mut rows, self.numbers);
        UnwindTable { rows, rules, drops: self.drops }
    }

    /// The rows, sorted and disjoint; neighbours of one rule are joined.
    fn sorted(&mut self) -> Vec<UnwindRow> {
        let mut runs = sorted_runs(&self.rows);
        runs.sort_by_key(|run| run.first().map(|row| row.start));
        let are_disjoint = runs.is_sorted_by(|one, next| match (one.last(), next.first()) {
            (Some(last), Some(first)) => last.end <= first.start,
            _ => true,
        });
        let mut rows: Vec<UnwindRow> = Vec::new();
        if are_disjoint && self.rows.len() >= self.in_place {
            drop(runs);
            rows = std::mem::take(&mut self.rows);
            rows.sort_unstable_by_key(|row| row.start);
            rows.dedup_by(|next, row| {
                let is_one = row.end == next.start && row.rule == next.rule;
                row.end = if is_one { next.end } else { row.end };
                is_one
            });
        } else if are_disjoint {
            rows.reserve_exact(self.rows.len());
            runs.iter().for_each(|run| join(&mut rows, run));
        } else {
            join(&mut rows, &disjoint(&self.rows, &mut self.drops));
        }
        rows
    }
}

/// Cuts `rows` where one does not begin at the end of the one before it. Readers add the rows of
/// each function in order, and there are fewer functions to be sorted than rows.
fn sorted_runs(rows: &[UnwindRow]) -> Vec<&[UnwindRow]> {
    rows.chunk_by(|row, next| row.end == next.start).collect()
}

/// Adds sorted rows to sorted rows; neighbours of one rule become one.
fn join(rows: &mut Vec<UnwindRow>, more: &[UnwindRow]) {
    for row in more {
        match rows.last_mut() {
            Some(last) if last.end == row.start && last.rule == row.rule => last.end = row.end,
            _ => rows.push(*row),
        }
    }
}

/// Sorts `rows` and cuts off of each what rows before it have covered.
fn disjoint(rows: &[UnwindRow], drops: &mut UnwindDrops) -> Vec<UnwindRow> {
    let mut order: Vec<(usize, UnwindRow)> = rows.iter().copied().enumerate().collect();
    order.sort_by_key(|(came, row)| (row.start, *came));
    let mut cut = Vec::with_capacity(rows.len());
    // Rows that begin at or before where the sweep is, by their turn. The first of them that has
    // not ended is what stands.
    let mut open: BTreeMap<usize, UnwindRow> = BTreeMap::new();
    let mut next = order.into_iter().peekable();
    let mut at = 0;
    loop {
        while open.first_key_value().is_some_and(|(_, row)| row.end <= at) {
            open.pop_first();
        }
        if open.is_empty() {
            let Some((_, row)) = next.peek() else { return cut };
            at = at.max(row.start);
        }
        while let Some((came, row)) = next.next_if(|(_, row)| row.start <= at) {
            let overlaps = |other: &UnwindRow| other.end > at && other.rule != row.rule;
            if open.first_key_value().is_some_and(|(_, first)| overlaps(first)) {
                drops.count(UnwindDropReason::Overlap);
            }
            open.insert(came, row);
        }
        let Some((_, row)) = open.first_key_value() else { continue };
        // Up to where it ends, or where one begins that came before it.
        let begins = next.peek().map_or(u64::MAX, |(_, row)| row.start);
        let end = row.end.min(begins);
        if at < end {
            cut.push(UnwindRow { start: at, end, rule: row.rule });
            at = end;
        }
    }
}

/// Gives the rules numbers in the order in which `rows` use them, and returns those that are used.
fn number_by_use(rows: &mut [UnwindRow], numbers: HashMap<Rule, RuleId>) -> Vec<Rule> {
    let mut by_old: Vec<Option<Rule>> = vec![None; numbers.len()];
    for (rule, number) in numbers {
        by_old[number.0 as usize] = Some(rule);
    }
    let mut new: Vec<Option<RuleId>> = vec![None; by_old.len()];
    let mut rules = Vec::with_capacity(by_old.len());
    for row in rows {
        let old = row.rule.0 as usize;
        if let Some(rule) = by_old[old].take() {
            new[old] = u32::try_from(rules.len()).ok().map(RuleId);
            rules.push(rule);
        }
        if let Some(number) = new[old] {
            row.rule = number;
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{Cfa, Recovery, Register};

    fn rule(offset: i64) -> Rule {
        Rule::new(Cfa::Register(Register(7), offset), Recovery::AtCfa(-8))
    }

    fn built(rows: &[(u64, u64, i64)]) -> UnwindTable {
        let mut builder = UnwindTableBuilder::default();
        for &(start, end, offset) in rows {
            builder.push(start, end, &rule(offset));
        }
        builder.finish()
    }

    fn told(table: &UnwindTable) -> Vec<(u64, u64, i64)> {
        let offset = |row| match &table.rule(row).cfa {
            Cfa::Register(_, offset) => *offset,
            Cfa::Expression(_) => 0,
        };
        table.rows.iter().map(|row| (row.start, row.end, offset(row))).collect()
    }

    #[test]
    fn rows_are_sorted_and_neighbours_of_one_rule_joined() {
        let table = built(&[(8, 9, 16), (4, 8, 16), (0, 4, 8), (9, 9, 24), (12, 16, 8)]);
        assert_eq!(told(&table), [(0, 4, 8), (4, 9, 16), (12, 16, 8)]);
        assert_eq!(table.rules, [rule(8), rule(16)]);
    }

    #[test]
    fn many_rows_are_sorted_where_they_are() {
        let rows = [(8, 9, 16), (12, 16, 8), (4, 8, 16), (0, 4, 8), (20, 24, 8), (16, 20, 8)];
        let in_place = |in_place| {
            let mut builder = UnwindTableBuilder { in_place, ..UnwindTableBuilder::default() };
            rows.iter().for_each(|(start, end, offset)| builder.push(*start, *end, &rule(*offset)));
            builder.finish()
        };
        assert_eq!(told(&in_place(0)), [(0, 4, 8), (4, 9, 16), (12, 24, 8)]);
        assert_eq!(in_place(0), in_place(100));
    }

    #[test]
    fn what_came_first_is_kept_where_rows_overlap() {
        for (rows, want) in [
            (vec![(0, 8, 1), (4, 12, 2)], vec![(0, 8, 1), (8, 12, 2)]),
            (vec![(4, 12, 2), (0, 8, 1)], vec![(0, 4, 1), (4, 12, 2)]),
            (vec![(4, 8, 2), (0, 12, 1)], vec![(0, 4, 1), (4, 8, 2), (8, 12, 1)]),
            (vec![(0, 12, 1), (4, 8, 2)], vec![(0, 12, 1)]),
            (vec![(0, 4, 1), (0, 4, 2)], vec![(0, 4, 1)]),
            (vec![(6, 9, 3), (0, 7, 1), (2, 12, 2)], vec![(0, 6, 1), (6, 9, 3), (9, 12, 2)]),
            (vec![(0, u64::MAX, 1), (5, 6, 2)], vec![(0, u64::MAX, 1)]),
        ] {
            let table = built(&rows);
            assert_eq!(told(&table), want, "{rows:?}");
            assert_eq!(table.drops.iter().count(), 1, "{rows:?}");
        }
    }

    #[test]
    fn a_row_covers_its_first_address_and_not_its_end() {
        let table = built(&[(4, 8, 1), (12, 16, 2)]);
        for (address, want) in
            [(3, None), (4, Some(4)), (7, Some(4)), (8, None), (15, Some(12)), (16, None)]
        {
            assert_eq!(table.at(address).map(|row| row.start), want, "{address}");
        }
    }
}
