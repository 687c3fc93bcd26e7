//! Decides which unit speaks for which address: sorted, disjoint intervals, each given to one unit.
//!
//! `.debug_aranges` speaks for the units it lists (DWARF 5, section 6.1.2); the ranges of a unit's
//! root entry for the others. Where units overlap, the one that had the address before keeps it,
//! else the first in the file wins, as in llvm-symbolizer.

use std::collections::BTreeMap;

use gimli::Endianity;
use rayon::prelude::*;

use super::units::Units;
use crate::module::{DropCounts, DropReason};
use crate::object::code::Code;

/// `start..end` belongs to the unit numbered `unit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// First address.
    pub start: u64,
    /// First address after it.
    pub end: u64,
    /// Index of the unit, in the order of `.debug_info`.
    pub unit: usize,
}

/// What a unit has at an address that belongs to another one begins there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contested {
    /// First address.
    pub start: u64,
    /// Index of the unit, as [`Interval::unit`].
    pub unit: usize,
}

/// Who owns which address, and who might have.
#[derive(Debug, Default)]
pub struct Owners {
    /// Disjoint, by address.
    pub intervals: Vec<Interval>,
    /// By address.
    pub contested: Vec<Contested>,
    /// Whether a unit is one of those that have code, by its index.
    pub may_have_code: Vec<bool>,
}

/// Reads the intervals of all units, and what is contested among them.
pub fn read<E: Endianity + Send + Sync>(
    units: &Units<'_, E>,
    code: &Code,
    dropped: &mut DropCounts,
) -> Owners {
    let mut claims = Vec::new();
    let mut may_have_code = vec![false; units.len()];
    if listed_claims(units, &mut claims, &mut may_have_code).is_err() {
        dropped.count(DropReason::BadRanges);
    }
    let unlisted: Vec<usize> = (0..units.len()).filter(|unit| !may_have_code[*unit]).collect();
    let roots: Vec<_> = unlisted.par_iter().map(|unit| units.root(*unit)).collect();
    for (unit, root) in unlisted.into_iter().zip(roots) {
        may_have_code[unit] = root.may_have_code;
        dropped.count_many(DropReason::BadRanges, u64::from(root.has_bad_ranges));
        if !root.has_bad_ranges {
            claims.extend(root.ranges.into_iter().map(|(start, end)| Interval {
                start,
                end,
                unit,
            }));
        }
    }
    claims.retain(|claim| claim.start < claim.end && code.contains(claim.start));
    let (settled, contested) = settle(&claims);
    Owners { intervals: clip(&settled, code), contested, may_have_code }
}

/// The parts of `intervals` that hold code.
fn clip(intervals: &[Interval], code: &Code) -> Vec<Interval> {
    let mut clipped = Vec::with_capacity(intervals.len());
    for interval in intervals {
        let first = code.spans().partition_point(|(_, end)| *end <= interval.start);
        for &(start, end) in
            code.spans()[first..].iter().take_while(|(start, _)| *start < interval.end)
        {
            clipped.push(Interval {
                start: start.max(interval.start),
                end: end.min(interval.end),
                unit: interval.unit,
            });
        }
    }
    clipped
}

fn listed_claims<E: Endianity>(
    units: &Units<'_, E>,
    claims: &mut Vec<Interval>,
    listed: &mut [bool],
) -> gimli::Result<()> {
    let mut headers = units.dwarf.debug_aranges.headers();
    while let Some(header) = headers.next()? {
        let Some(unit) = units.at(header.debug_info_offset()) else { continue };
        listed[unit] = true;
        let mut entries = header.entries();
        while let Some(entry) = entries.next()? {
            let range = entry.range();
            claims.push(Interval { start: range.begin, end: range.end, unit });
        }
    }
    Ok(())
}

/// Makes overlapping claims disjoint.
pub fn settle(claims: &[Interval]) -> (Vec<Interval>, Vec<Contested>) {
    // Starts sort before ends, so that a unit whose claims touch stays valid throughout.
    let mut ends: Vec<(u64, bool, usize)> = claims
        .iter()
        .flat_map(|claim| [(claim.start, false, claim.unit), (claim.end, true, claim.unit)])
        .collect();
    ends.sort_unstable();
    let mut valid: BTreeMap<usize, usize> = BTreeMap::new();
    let mut settled: Vec<Interval> = Vec::new();
    let mut contested = Vec::new();
    let mut before = 0;
    for (address, is_end, unit) in ends {
        if before < address
            && let Some((&first, _)) = valid.first_key_value()
        {
            match settled
                .last_mut()
                .filter(|last| last.end == before && valid.contains_key(&last.unit))
            {
                Some(last) => last.end = address,
                None => settled.push(Interval { start: before, end: address, unit: first }),
            }
        }
        if !is_end && valid.first_key_value().is_some_and(|(first, _)| *first != unit) {
            contested.push(Contested { start: address, unit });
        }
        let count = valid.entry(unit).or_default();
        *count = if is_end { *count - 1 } else { *count + 1 };
        if *count == 0 {
            valid.remove(&unit);
        }
        before = address;
    }
    (settled, contested)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(start: u64, end: u64, unit: usize) -> Interval {
        Interval { start, end, unit }
    }

    #[test]
    fn the_unit_that_had_the_address_keeps_it() {
        assert_eq!(
            settle(&[interval(0, 10, 1), interval(5, 20, 0)]).0,
            [interval(0, 10, 1), interval(10, 20, 0)]
        );
    }

    #[test]
    fn the_first_unit_wins_at_a_common_start() {
        let (settled, contested) = settle(&[interval(0, 10, 1), interval(0, 4, 0)]);
        assert_eq!(settled, [interval(0, 4, 0), interval(4, 10, 1)]);
        assert_eq!(contested, [Contested { start: 0, unit: 1 }]);
    }

    #[test]
    fn touching_claims_of_one_unit_are_one() {
        assert_eq!(
            settle(&[interval(0, 5, 0), interval(5, 9, 0), interval(12, 13, 0)]).0,
            [interval(0, 9, 0), interval(12, 13, 0)]
        );
    }
}
