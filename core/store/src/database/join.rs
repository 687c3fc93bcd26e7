//! Which tables of blocks are joined: many small ones become few, and no byte is written often.
//!
//! Each change makes a table, which lies behind all others. Tables that lie side by side are joined
//! once they are together [`FACTOR`] times as large as the largest of them, so that with each time
//! that a byte is written again, its table has grown by that factor. Joined tables stay below
//! [`JOINED_BYTES`]: no change takes longer than writing one of those.

use std::ops::Range;

use crate::limits::{JOINED_BYTES, SMALL_TABLES};

/// How much larger than the largest of them tables are together that are joined.
const FACTOR: u64 = 4;

/// So many tables are looked at from each on; equal ones are joined by [`FACTOR`].
const REACH: usize = 64;

/// The next tables to join, of those with `sizes`, in key order; `None` if that would not pay.
pub fn next(sizes: &[u64]) -> Option<Range<usize>> {
    paid(sizes).or_else(|| forced(sizes))
}

/// Tables side by side that are large enough together, as many as there are.
fn paid(sizes: &[u64]) -> Option<Range<usize>> {
    // The last ones are those that no change has found yet.
    let (mut window, mut sum) = (0..sizes.len()).rev().find_map(|start| {
        let mut sum = Sum::default();
        let end = (start..sizes.len()).take(REACH).find_map(|at| {
            sum = sum.with(sizes[at]);
            sum.is_paid().then_some(at + 1)
        })?;
        Some((start..end, sum))
    })?;
    while let Some(more) = sizes[..window.start].last().map(|size| sum.with(*size)) {
        if !more.is_paid() {
            break;
        }
        (window.start, sum) = (window.start - 1, more);
    }
    Some(window)
}

/// If there are too many small ones, the two neighbours among them that cost least.
fn forced(sizes: &[u64]) -> Option<Range<usize>> {
    let small = sizes.iter().filter(|size| **size < JOINED_BYTES / FACTOR).count();
    let pairs = sizes.windows(2).map(|pair| pair[0].saturating_add(pair[1])).enumerate();
    let (at, _) = pairs
        .filter(|(_, sum)| small > SMALL_TABLES && *sum <= JOINED_BYTES)
        .min_by_key(|(_, sum)| *sum)?;
    Some(at..at + 2)
}

/// Tables together.
#[derive(Clone, Copy, Default)]
struct Sum {
    all: u64,
    largest: u64,
}

impl Sum {
    fn with(self, size: u64) -> Self {
        Self { all: self.all.saturating_add(size), largest: self.largest.max(size) }
    }

    fn is_paid(self) -> bool {
        self.all <= JOINED_BYTES && self.all / FACTOR >= self.largest && self.largest > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables of `sizes` that come one by one, joined each time: how many there are at most, and
    /// how often a hundred bytes were written again.
    fn run(sizes: impl IntoIterator<Item = u64>) -> (usize, u64) {
        let (mut tables, mut most, mut came, mut written) = (Vec::new(), 0, 0u64, 0u64);
        for size in sizes {
            tables.push(size);
            came += size;
            while let Some(window) = next(&tables) {
                let sum: u64 = tables[window.clone()].iter().sum();
                assert!(window.len() > 1 && sum <= JOINED_BYTES);
                written += sum;
                tables.splice(window, [sum]);
            }
            let full = tables.iter().filter(|size| **size >= JOINED_BYTES / FACTOR).count();
            // Between two that are full, there may be one that is too small to be worth it.
            assert!(tables.len() <= 2 * full + SMALL_TABLES + 1, "{tables:?}");
            most = most.max(tables.len() - full);
        }
        (most, written * 100 / came)
    }

    #[test]
    fn tables_stay_few_and_bytes_are_written_seldom() {
        let mut random = fastrand::Rng::with_seed(5);
        // Equal ones, of a made module and of a large one.
        for (size, count) in [(4_000, 5_000), (5 << 20, 1_000)] {
            let (most, written) = run(std::iter::repeat_n(size, count));
            assert!(most <= 24 && written <= 800, "{size}: {most} {written}");
        }
        // Sizes as of real modules: from 3 KB to 3 GB, each decade as often as the next.
        let real = || random.u64(3_000..6_000) << random.u32(..20);
        let (_, written) = run(std::iter::repeat_with(real).take(500));
        assert!(written <= 200, "{written}");
        let mut random = fastrand::Rng::with_seed(6);
        let small = || random.u64(3_000..6_000) << random.u32(..10);
        let (most, written) = run(std::iter::repeat_with(small).take(3_000));
        assert!(most <= SMALL_TABLES && written <= 800, "{most} {written}");
    }

    /// Sizes that never pay, as each larger one parts smaller ones from their like.
    #[test]
    fn the_worst_order_of_sizes_is_bounded() {
        let size = |at: u64| 1000 * 8u64.pow(at.trailing_zeros()) / 3u64.pow(at.trailing_zeros());
        let (most, _) = run((1..1024).map(size));
        assert!(most <= SMALL_TABLES + 1, "{most}");
    }

    #[test]
    fn nothing_is_joined_that_is_too_large_or_alone() {
        assert_eq!(next(&[]), None);
        assert_eq!(next(&[5]), None);
        assert_eq!(next(&[JOINED_BYTES; 9]), None);
        assert_eq!(next(&[JOINED_BYTES / 3; 4]), None);
        assert_eq!(next(&[9, 9, 9, 100, 9, 9, 9, 9]), Some(4..8));
        assert_eq!(next(&[9; 10]), Some(0..10));
        assert_eq!(next(&[u64::MAX, 9, 9, 9, 9]), Some(1..5));
        // Tables that are no neighbours of their like.
        let odd: Vec<u64> = (0..200).map(|at| if at % 2 == 0 { 9 } else { u64::MAX }).collect();
        assert_eq!(next(&odd), None);
    }
}
