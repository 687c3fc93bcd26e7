//! Encodes and decodes blocks of unwind rows.
//!
//! ```text
//! column  block of unwind rows, format 1
//! 0       per row: bytes from the end of the row before, of the first from where the block begins
//! 1       per row: length in bytes
//! 2       per row: 0 and the number of a rule that is new in this block, or 1 + how many others
//!         have been used since it was
//! 3       per run of rows from one source: the source, how many rows
//! ```

use symtool_unwind::{RuleId, UnwindRow};

use crate::block::bytes::{Column, join, put, split};

/// A row, and which of the module's files it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredRow {
    /// Addresses and rule.
    pub row: UnwindRow,
    /// Index into the record's sources.
    pub source: usize,
}

/// Encodes `rows`, which are sorted and disjoint.
pub fn encode(rows: &[StoredRow]) -> Vec<u8> {
    let mut columns: [Vec<u8>; 4] = Default::default();
    let mut at = rows.first().map_or(0, |first| first.row.start);
    let mut recent = RecentRules::default();
    for UnwindRow { start, end, rule } in rows.iter().map(|stored| stored.row) {
        put(&mut columns[0], start - at);
        put(&mut columns[1], end - start);
        at = end;
        match recent.place(rule) {
            Some(place) => put(&mut columns[2], place as u64 + 1),
            None => {
                put(&mut columns[2], 0);
                put(&mut columns[2], u64::from(rule.0));
            }
        }
    }
    for run in rows.chunk_by(|one, next| one.source == next.source) {
        put(&mut columns[3], run[0].source as u64);
        put(&mut columns[3], run.len() as u64);
    }
    join(&columns)
}

/// Decodes what [`encode`] made for a block that begins at `first`, of a module with `rules` rules
/// from `sources` sources; `None` if it is damaged.
pub fn decode(first: u64, raw: &[u8], rules: u32, sources: usize) -> Option<Vec<StoredRow>> {
    let [mut gaps, mut lengths, mut named, mut runs] = split::<4>(raw)?;
    let mut rows = Vec::with_capacity(gaps.0.len());
    let (mut at, mut recent, mut run) = (first, RecentRules::default(), (0, 0));
    while !gaps.is_empty() {
        let start = at.checked_add(gaps.number()?)?;
        let end = start.checked_add(lengths.number().filter(|length| *length > 0)?)?;
        let rule = match named.size()? {
            0 => recent.enter(RuleId(named.number32()?))?,
            place => recent.take(place - 1)?,
        };
        if run.1 == 0 {
            run = (
                runs.size().filter(|source| *source < sources)?,
                runs.number().filter(|count| *count > 0)?,
            );
        }
        run.1 -= 1;
        if rule.0 >= rules || (rows.is_empty() && start != first) {
            return None;
        }
        rows.push(StoredRow { row: UnwindRow { start, end, rule }, source: run.0 });
        at = end;
    }
    let is_read = [lengths, named, runs].iter().all(Column::is_empty);
    (is_read && run.1 == 0 && !rows.is_empty()).then_some(rows)
}

/// The rules that a block has named, the latest first.
#[derive(Default)]
struct RecentRules(Vec<RuleId>);

impl RecentRules {
    /// The place of `rule`, which then is the latest; `None` if it is new.
    fn place(&mut self, rule: RuleId) -> Option<usize> {
        let place = self.0.iter().position(|recent| *recent == rule);
        match place {
            Some(place) => self.0[..=place].rotate_right(1),
            None => self.0.insert(0, rule),
        }
        place
    }

    /// Makes `rule`, which is new, the latest; `None` if it is not new.
    fn enter(&mut self, rule: RuleId) -> Option<RuleId> {
        self.place(rule).is_none().then_some(rule)
    }

    /// The rule at `place`, which then is the latest.
    fn take(&mut self, place: usize) -> Option<RuleId> {
        self.0.get_mut(..=place)?.rotate_right(1);
        self.0.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(u64, u64, u32, usize)]) -> Vec<StoredRow> {
        rows.iter()
            .map(|&(start, end, rule, source)| StoredRow {
                row: UnwindRow { start, end, rule: RuleId(rule) },
                source,
            })
            .collect()
    }

    #[test]
    fn rows_come_back() {
        let rows = rows(&[
            (0x1000, 0x1001, 3, 0),
            (0x1001, 0x1004, 4, 0),
            (0x1010, 0x1011, 3, 1),
            (0x1011, 0x2000, 5, 1),
            (0x2000, 0x2001, 4, 0),
            (u64::MAX - 1, u64::MAX, 3, 0),
        ]);
        let raw = encode(&rows);
        assert_eq!(decode(0x1000, &raw, 6, 2).unwrap(), rows);
        assert_eq!(decode(0x1000, &raw, 5, 2), None, "a rule that does not exist");
        assert_eq!(decode(0x1000, &raw, 6, 1), None, "a source that does not exist");
        (0..raw.len()).for_each(|end| assert_eq!(decode(0x1000, &raw[..end], 6, 2), None, "{end}"));
    }

    #[test]
    fn damaged_rows_are_refused() {
        let decode = |columns: [&[u8]; 4]| decode(8, &join(&columns.map(<[u8]>::to_vec)), 4, 2);
        assert!(decode([&[0, 4], &[1, 1], &[0, 2, 1], &[0, 2]]).is_some());
        assert!(decode([&[], &[], &[], &[]]).is_none(), "no row");
        assert!(decode([&[4], &[1], &[0, 2], &[0, 1]]).is_none(), "it begins elsewhere");
        assert!(decode([&[0], &[0], &[0, 2], &[0, 1]]).is_none(), "an empty row");
        assert!(decode([&[0, 4], &[1, 1], &[0, 2, 0, 2], &[0, 2]]).is_none(), "a rule new twice");
        assert!(decode([&[0, 4], &[1, 1], &[0, 2, 2], &[0, 2]]).is_none(), "no such place");
        assert!(decode([&[0], &[1], &[0, 2], &[0, 2]]).is_none(), "a run is too long");
        assert!(decode([&[0], &[1], &[0, 2], &[0, 0]]).is_none(), "an empty run");
        assert!(decode([&[0], &[1, 1], &[0, 2], &[0, 1]]).is_none(), "a length is left over");
    }
}
