//! Reads one unit: the ranges of the addresses that are its own, as [`UnitSymbols`].
//!
//! Three sorted lists are merged into one; a range ends wherever one of the three does:
//!
//! ```text
//! scopes   [main        ][a in main     ][main   ]      who (scopes.rs)
//! lines    [12 ][13     ][40][41        ][14     ]      where (lines.rs)
//! symbols  [main                      ][main.cold]      what the outermost function is called
//! ranges   [   ][       ][  ][        ][][       ]
//! ```

use std::borrow::Cow;

use gimli::Endianity;
use rayon::prelude::*;

use super::input::Input;
use super::lines::{LineRow, SequenceStart};
use super::numbers::Numbers;
use super::scopes::{self, Scopes};
use super::split::SplitUnits;
use super::unit_symbols::UnitSymbols;
use super::units::Units;
use super::{fold, lines};
use crate::module::merge_sorted::{SpanCursor, push_range};
use crate::module::{DropCounts, DropReason, Range, Source};
use crate::object::code::Code;

/// Reads unit `index`, which owns `intervals`. A unit that cannot be read is counted, and symbols
/// answer for it.
pub fn read<'d, E: Endianity>(
    units: &Units<'d, E>,
    split: &SplitUnits<'d, E>,
    input: Input<'d>,
    (index, intervals): (usize, &[(u64, u64)]),
    dropped: &mut DropCounts,
) -> UnitSymbols<'d> {
    let Input { code, symbols, .. } = input;
    let unit = units.parse(index);
    if unit.is_err() {
        dropped.count(DropReason::BadUnit);
    }
    let unit = unit.ok();
    // A skeleton unit has the lines; its functions are in another file.
    let split = unit.as_ref().and_then(|unit| split.of(units, index, unit));
    if split.is_none() && unit.as_ref().is_some_and(|unit| unit.dwo_id.is_some()) {
        dropped.count(DropReason::SplitUnit);
    }
    let entries = split
        .as_ref()
        .map(|(units, unit)| (units, unit))
        .or(unit.as_ref().map(|unit| (units, unit)));
    let scopes = entries.map_or_else(Scopes::default, |(units, unit)| {
        scopes::read(units, unit, code, symbols, dropped)
    });
    let program = unit.as_ref().and_then(|unit| unit.line_program.clone());
    let read_lines =
        program.map_or_else(Cow::default, |program| match input.ahead.of(&program, dropped) {
            Some(lines) => Cow::Borrowed(lines),
            // Units can share a program.
            None if units.work.spend(program.header().raw_program_buf().len() as u64).is_err() => {
                Cow::default()
            }
            None => Cow::Owned(lines::read(program, dropped)),
        });
    let lines = match entries {
        Some(entries) if !read_lines.folded.is_empty() => {
            Cow::Owned(fold::lines(&read_lines, &scopes, entries))
        }
        _ => Cow::Borrowed(&read_lines.spans),
    };
    let out = UnitSymbols {
        aliases: scopes.aliases.clone(),
        foreign: fold::foreign(&read_lines, intervals, code),
        ..UnitSymbols::default()
    };
    let mut numbers = Numbers::new(
        entries,
        unit.as_ref().map(|unit| (units, unit)),
        &scopes,
        symbols,
        &units.work,
        out,
    );
    merge_sorted(&mut numbers, &scopes, &lines, intervals, input);
    let mut out = numbers.out;
    // All units are kept until the last one is read.
    out.ranges.shrink_to_fit();
    out.chains.shrink_to_fit();
    out
}

/// Appends the ranges of `intervals`: what `scopes`, `lines` and symbols say there.
fn merge_sorted<'d, E: Endianity>(
    numbers: &mut Numbers<'_, 'd, E>,
    scopes: &Scopes<'d>,
    lines: &[LineRow],
    intervals: &[(u64, u64)],
    Input { symbols, functions_move, .. }: Input<'d>,
) {
    // Assembly has lines without functions.
    let only_in_functions = functions_move && !scopes.nodes.is_empty();
    let mut scope_at = SpanCursor::new(&scopes.segments);
    let mut line_at = SpanCursor::new(lines);
    let mut symbol_at = SpanCursor::new(symbols);
    for &(start, end) in intervals {
        let mut at = start;
        while at < end {
            let (scope, scope_until) = scope_at.seek(at);
            let (line, line_until) = line_at.seek(at);
            let (symbol, symbol_until) = symbol_at.seek(at);
            let until = end.min(scope_until).min(line_until).min(symbol_until);
            // Rows of another function go on into one that has none, unless they part.
            let begins_here = |line: &usize| {
                symbol.is_none_or(|symbol| symbols[symbol].start <= lines[*line].start)
            };
            let line = line.filter(|line| {
                !functions_move || (scope.is_some() || !only_in_functions) && begins_here(line)
            });
            let location = line.and_then(|line| numbers.location(&lines[line]));
            let chain = match (scope, location, symbol) {
                (Some(scope), _, _) => Some(numbers.chain(scopes.segments[scope].node, symbol)),
                (None, Some(_), _) => Some(numbers.root(None, symbol, Source::Dwarf)),
                (None, None, Some(_)) if !functions_move => {
                    Some(numbers.root(None, symbol, Source::Symtab))
                }
                (None, None, _) => None,
            };
            if let Some(chain) = chain {
                let is_outermost = numbers.out.chains[chain.index() as usize].caller.is_none();
                let mut location = location.unwrap_or_default();
                if is_outermost && location.file.is_none() {
                    location.file = numbers.symbol_file(symbol);
                }
                push_range(
                    &mut numbers.out.ranges,
                    Range { start: at, end: until, chain, location },
                );
            }
            at = until;
        }
    }
}

/// Where sequences of lines begin, of units that have no address: all of their functions are dead,
/// or were folded. `may_have_code` tells which ones can have had any.
pub fn lines_without_code<E: Endianity + Send + Sync>(
    units: &Units<'_, E>,
    owners: &[usize],
    may_have_code: &[bool],
    code: &Code,
) -> Vec<SequenceStart> {
    let others: Vec<usize> = (0..units.len())
        .filter(|unit| may_have_code[*unit] && owners.binary_search(unit).is_err())
        .collect();
    let starts = |index: &usize| {
        let program = units.parse(*index).ok().and_then(|unit| unit.line_program)?;
        units.work.spend(program.header().raw_program_buf().len() as u64).ok()?;
        Some(fold::foreign(&lines::read(program, &mut DropCounts::default()), &[], code))
    };
    others.par_iter().filter_map(starts).flatten().collect()
}
