//! Finds the lines of a mapping that a frame stands for.
//!
//! The steps are those of R8, `RetraceMethodResultImpl.narrowByPosition`:
//!
//! ```text
//! line > 0       in each member the first range with it, and all behind it with the same range (the inlined frames)
//!    none found  the entries without range
//! no line, or 0  in each member the first range with 0, else the first entry without range
//!    none found  the member's name alone
//! ```

use std::ops::RangeInclusive;

use crate::row::{ClassRow, Extra, LineRange, MappedLine};

/// R8 writes this range for methods that have one position: it counts even where a trace has no
/// line.
const CATCH_ALL: RangeInclusive<u32> = 0..=65535;

/// What the members of a method have for a line.
#[derive(Debug)]
pub(super) struct FoundLines {
    pub(super) picks: Vec<Pick>,
    /// The line, as an outline's call site may have rewritten it.
    pub(super) position: Option<u32>,
    /// Whether there is more than one answer. R8, `RetraceFrameResultData.isAmbiguous`.
    pub(super) is_ambiguous: bool,
}

/// The entries of one member.
#[derive(Debug)]
pub(super) struct Pick {
    pub(super) member: usize,
    /// Indices of lines. Empty: its name is all that is known.
    pub(super) lines: Vec<usize>,
}

/// Finds what the `members` have for `line`. `None` if the line is in none of them. `outline` is
/// the position in the outline that was the frame before.
pub(super) fn find(
    row: &ClassRow,
    members: &[usize],
    line: Option<u32>,
    outline: Option<u32>,
) -> Option<FoundLines> {
    let (mut picks, mut position) = match line.filter(|line| *line > 0) {
        Some(line) => narrow(row, members, outline, |member| of_line(row, member, line)),
        None => narrow(row, members, outline, |member| of_no_line(row, member)),
    };
    if picks.is_empty() {
        match line.filter(|line| *line > 0) {
            Some(_) => {
                (picks, position) =
                    narrow(row, members, outline, |member| without_range(row, member).collect());
            }
            None => {
                picks = members
                    .iter()
                    .map(|member| Pick { member: *member, lines: catch_all(row, *member) })
                    .collect();
            }
        }
    }
    let position = position.or(line);
    (!picks.is_empty()).then(|| FoundLines {
        is_ambiguous: is_ambiguous(row, &picks),
        picks,
        position,
    })
}

/// The picks of all members; or, if the frame calls the outline before it, those of the line that
/// the outline's position is here.
fn narrow(
    row: &ClassRow,
    members: &[usize],
    outline: Option<u32>,
    select: impl Fn(usize) -> Vec<usize>,
) -> (Vec<Pick>, Option<u32>) {
    let mut picks = Vec::with_capacity(members.len());
    for member in members {
        let lines = select(*member);
        let Some(last) = lines.last() else { continue };
        if let (Some(outline), Some(callsite)) =
            (outline, row.extra(&row.lines[*last]).and_then(callsite))
        {
            let here = callsite
                .binary_search_by_key(&outline, |(outline, _)| *outline)
                .map_or(outline, |at| callsite[at].1);
            let picks = members
                .iter()
                .map(|member| Pick { member: *member, lines: of_line(row, *member, here) });
            return (picks.filter(|pick| !pick.lines.is_empty()).collect(), Some(here));
        }
        picks.push(Pick { member: *member, lines });
    }
    (picks, None)
}

fn callsite(extra: &Extra) -> Option<&[(u32, u32)]> {
    (!extra.callsite.is_empty()).then_some(&extra.callsite)
}

/// The first range with `line`, and those behind it that are the same.
fn of_line(row: &ClassRow, member: usize, line: u32) -> Vec<usize> {
    let mut lines = row.lines_of(member);
    let Some(first) =
        lines.find(|index| row.lines[*index].range.is_some_and(|range| range.contains(line)))
    else {
        return Vec::new();
    };
    let range = row.lines[first].range;
    std::iter::once(first)
        .chain(lines.take_while(|index| row.lines[*index].range == range))
        .collect()
}

fn of_no_line(row: &ClassRow, member: usize) -> Vec<usize> {
    let lines = of_line(row, member, 0);
    if lines.is_empty() { without_range(row, member).take(1).collect() } else { lines }
}

fn without_range(row: &ClassRow, member: usize) -> impl Iterator<Item = usize> {
    row.lines_of(member).filter(|index| row.lines[*index].range.is_none())
}

/// The line of a member, if it is its only one and has every position.
fn catch_all(row: &ClassRow, member: usize) -> Vec<usize> {
    let lines = row.lines_of(member);
    let is_catch_all = |line: &MappedLine| {
        line.range.is_some_and(|range| {
            range.first == *CATCH_ALL.start() && range.last == *CATCH_ALL.end()
        })
    };
    if lines.len() == 1 && is_catch_all(&row.lines[lines.start]) {
        lines.collect()
    } else {
        Vec::new()
    }
}

fn is_ambiguous(row: &ClassRow, picks: &[Pick]) -> bool {
    let [pick] = picks else { return true };
    let lines = || pick.lines.iter().map(|index| &row.lines[*index]);
    let first = lines().next().and_then(|line| line.range);
    lines().any(is_wide) || lines().skip(1).any(|line| line.range.is_none() || line.range != first)
}

/// Whether an entry stands for several original lines, and its obfuscated lines do not tell which.
pub(super) fn is_wide(line: &MappedLine) -> bool {
    line.original.span().is_some_and(|span| {
        span.width() > 0 && line.range.map(LineRange::width) != Some(span.width())
    })
}
