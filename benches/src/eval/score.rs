//! Computes a [`Score`] from the bug and the group of each crash.
//!
//! B-cubed asks of each crash: of its group, how much is of its bug (precision); of its bug, how
//! much is in its group (recall). The figures are means over crashes, so that a large bug weighs as
//! many people as it hits. Bagga and Baldwin, Entity-based cross-document coreferencing using the
//! vector space model, 1998.
//!
//! All crashes of one bug in one group have the same answers, so the numbers of crashes for each
//! such pair are enough.

use std::collections::BTreeMap;

/// How well crashes were grouped.
#[derive(Debug, PartialEq)]
pub struct Score {
    /// Crashes.
    pub items: usize,
    /// Bugs that have crashes.
    pub bugs: usize,
    /// Groups that have crashes.
    pub groups: usize,
    /// B-cubed precision; 1 without crashes.
    pub precision: f64,
    /// B-cubed recall; 1 without crashes.
    pub recall: f64,
    /// Their harmonic mean.
    pub f1: f64,
    /// The share of crashes whose bug is the most frequent one of their group.
    pub purity: f64,
    /// Groups with several bugs, those with the most crashes of other bugs than their most frequent
    /// one first.
    pub mixed: Vec<Part>,
    /// Bugs in several groups, likewise.
    pub spread: Vec<Part>,
}

/// A group and its bugs, or a bug and its groups.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Its crashes.
    pub items: usize,
    /// What it consists of, the largest first, then by name.
    pub parts: Vec<(String, usize)>,
}

impl Part {
    fn strangers(&self) -> usize {
        self.items - self.parts.first().map_or(0, |(_, count)| *count)
    }
}

/// By one name, then by the other, how many crashes have both.
type Table<'a> = BTreeMap<&'a str, BTreeMap<&'a str, usize>>;

impl Score {
    /// Of crashes, each a bug and a group.
    pub fn of(pairs: &[(String, String)]) -> Self {
        let (mut by_group, mut by_bug) = (Table::new(), Table::new());
        for (bug, group) in pairs {
            *by_group.entry(group).or_default().entry(bug).or_default() += 1;
            *by_bug.entry(bug).or_default().entry(group).or_default() += 1;
        }
        let (precision, recall) = (mean(&by_group, pairs.len()), mean(&by_bug, pairs.len()));
        let most: usize = by_group.values().filter_map(|bugs| bugs.values().max()).sum();
        Self {
            items: pairs.len(),
            bugs: by_bug.len(),
            groups: by_group.len(),
            precision,
            recall,
            f1: 2.0 * precision * recall / (precision + recall),
            purity: if pairs.is_empty() { 1.0 } else { real(most) / real(pairs.len()) },
            mixed: several(&by_group),
            spread: several(&by_bug),
        }
    }
}

/// The mean over crashes of the share that those like it have in their row: n crashes of a row of s
/// give n shares of n / s.
fn mean(table: &Table<'_>, items: usize) -> f64 {
    let row = |row: &BTreeMap<&str, usize>| {
        let squares: f64 = row.values().map(|count| real(*count).powi(2)).sum();
        squares / real(row.values().sum())
    };
    if items == 0 { 1.0 } else { table.values().map(row).sum::<f64>() / real(items) }
}

#[expect(clippy::cast_precision_loss, reason = "there are less crashes than a double can count")]
fn real(count: usize) -> f64 {
    count as f64
}

fn several(table: &Table<'_>) -> Vec<Part> {
    let part = |(name, row): (&&str, &BTreeMap<&str, usize>)| {
        let mut parts: Vec<(String, usize)> =
            row.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        // Stable: equally large ones stay in the order of their names.
        parts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Part { name: (*name).to_owned(), items: row.values().sum(), parts }
    };
    let mut all: Vec<Part> = table.iter().filter(|(_, row)| row.len() > 1).map(part).collect();
    all.sort_by_key(|part| std::cmp::Reverse(part.strangers()));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(pairs: &[(&str, &str)]) -> Score {
        let pairs: Vec<(String, String)> =
            pairs.iter().map(|(bug, group)| ((*bug).to_owned(), (*group).to_owned())).collect();
        Score::of(&pairs)
    }

    fn near(one: f64, other: f64) {
        assert!((one - other).abs() < 1e-12, "{one} {other}");
    }

    #[test]
    fn all_right() {
        let score = score(&[("a", "1"), ("a", "1"), ("b", "2")]);
        assert_eq!((score.precision, score.recall, score.f1, score.purity), (1.0, 1.0, 1.0, 1.0));
        assert!(score.mixed.is_empty() && score.spread.is_empty());
    }

    #[test]
    fn no_crash() {
        let score = score(&[]);
        assert_eq!(
            (score.items, score.precision, score.recall, score.f1, score.purity),
            (0, 1.0, 1.0, 1.0, 1.0)
        );
    }

    #[test]
    fn all_in_one_group() {
        // Of each crash's group, 3/4 or 1/4 is of its bug: (3 * 3/4 + 1/4) / 4.
        let score = score(&[("a", "1"), ("a", "1"), ("a", "1"), ("b", "1")]);
        near(score.precision, 0.625);
        near(score.recall, 1.0);
        near(score.purity, 0.75);
        assert_eq!(
            score.mixed,
            [Part { name: "1".into(), items: 4, parts: vec![("a".into(), 3), ("b".into(), 1)] }]
        );
    }

    #[test]
    fn each_in_its_own_group() {
        // Of each crash's bug, 1/3 is in its group, or all of it: (3 * 1/3 + 1) / 4.
        let score = score(&[("a", "1"), ("a", "2"), ("a", "3"), ("b", "4")]);
        near(score.precision, 1.0);
        near(score.recall, 0.5);
        near(score.f1, 2.0 / 3.0);
        near(score.purity, 1.0);
        assert_eq!((score.groups, score.spread.len()), (4, 1));
    }

    #[test]
    fn the_worst_comes_first() {
        let score = score(&[
            ("a", "2"),
            ("b", "2"),
            ("a", "1"),
            ("b", "1"),
            ("c", "1"),
            ("a", "1"),
            ("a", "1"),
            ("d", "0"),
        ]);
        assert_eq!(score.mixed.iter().map(|part| &part.name[..]).collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(
            score.mixed[0].parts,
            [("a".to_owned(), 3), ("b".to_owned(), 1), ("c".to_owned(), 1)]
        );
    }

    /// The definition, word by word.
    fn by_pairs(pairs: &[(String, String)]) -> (f64, f64) {
        let share = |same: fn(&(String, String), &(String, String)) -> bool| {
            let of = |one: &(String, String)| {
                let row: Vec<_> = pairs.iter().filter(|other| same(one, other)).collect();
                real(row.iter().filter(|other| **other == one).count()) / real(row.len())
            };
            pairs.iter().map(of).sum::<f64>() / real(pairs.len())
        };
        (share(|one, other| one.1 == other.1), share(|one, other| one.0 == other.0))
    }

    #[test]
    fn counts_give_what_the_definition_gives() {
        for seed in 0..50 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let (bugs, groups) = (rng.u32(1..8), rng.u32(1..8));
            let pairs: Vec<(String, String)> = (0..rng.usize(1..120))
                .map(|_| (rng.u32(..bugs).to_string(), rng.u32(..groups).to_string()))
                .collect();
            let (precision, recall) = by_pairs(&pairs);
            let score = Score::of(&pairs);
            near(score.precision, precision);
            near(score.recall, recall);
        }
    }
}
