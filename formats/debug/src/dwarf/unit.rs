//! Reads one unit: the ranges of the addresses that are its own, as [`UnitSymbols`].

use std::borrow::Cow;

use gimli::Endianity;
use rayon::prelude::*;

use super::chains::{ChainBuilder, merge_sorted};
use super::input::Input;
use super::lines::{LineTable, SequenceStart};
use super::scopes::{self, Scopes};
use super::split::SplitUnits;
use super::unit_symbols::UnitSymbols;
use super::units::{Unit, Units};
use super::{fold, lines};
use crate::module::{DropCounts, DropReason};
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
    let read_lines =
        unit.as_ref().map_or_else(Cow::default, |unit| line_table(units, unit, input, dropped));
    let lines = match entries {
        Some(entries) if !read_lines.folded.is_empty() => {
            Cow::Owned(fold::lines(&read_lines, &scopes, entries))
        }
        _ => Cow::Borrowed(&read_lines.spans),
    };
    let out = UnitSymbols {
        aliases: scopes.aliases.clone(),
        foreign: fold::foreign(&read_lines, intervals, code),
        // As many as there can be, but for functions under many symbols.
        ranges: Vec::with_capacity(scopes.segments.len() + lines.len()),
        chains: Vec::with_capacity(scopes.nodes.len()),
        ..UnitSymbols::default()
    };
    let mut chains = ChainBuilder::new(
        entries,
        unit.as_ref().map(|unit| (units, unit)),
        &scopes,
        symbols,
        &units.work,
        out,
    );
    merge_sorted(&mut chains, &scopes, &lines, intervals, input);
    let mut out = chains.out;
    // All units are kept until the last one is read.
    out.ranges.shrink_to_fit();
    out.chains.shrink_to_fit();
    out
}

/// The lines of `unit`: those that were read ahead, or what its program makes.
fn line_table<'d, E: Endianity>(
    units: &Units<'d, E>,
    unit: &Unit<'d, E>,
    input: Input<'d>,
    dropped: &mut DropCounts,
) -> Cow<'d, LineTable> {
    let Some(program) = unit.line_program.clone() else { return Cow::default() };
    match input.ahead.of(&program, dropped) {
        Some(lines) => Cow::Borrowed(lines),
        // Units can share a program.
        None if units.work.spend(program.header().raw_program_buf().len() as u64).is_err() => {
            Cow::default()
        }
        None => Cow::Owned(lines::read(program.header(), dropped)),
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
        let unit = units.parse(*index).ok()?;
        let program = unit.line_program.as_ref()?;
        units.work.spend(program.header().raw_program_buf().len() as u64).ok()?;
        Some(fold::foreign(&lines::read(program.header(), &mut DropCounts::default()), &[], code))
    };
    others.par_iter().filter_map(starts).flatten().collect()
}
