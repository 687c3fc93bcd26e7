//! Reads the ranges of every unit of DWARF data, in parallel: [`DwarfSymbols`].

mod abbreviations;
mod aranges;
mod chains;
mod extents;
mod flatten;
mod fold;
mod input;
mod lines;
mod names;
mod paths;
mod scopes;
mod skeletons;
mod split;
mod unit;
mod unit_symbols;
mod units;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gimli::{BigEndian, EndianSlice, Endianity, LittleEndian, Section};
use rayon::prelude::*;

pub use aranges::Interval;
pub use input::Input;
pub use lines::LinesAhead;
pub use skeletons::{Skeleton, list as skeletons, lost as lost_skeletons};
pub use split::SplitSections;
pub use unit_symbols::{UnitSymbols, number};
pub use units::count as count_units;
pub use work::{Spent, Work};

use crate::Progress;
use crate::module::{DropCounts, DropReason, Range};
use crate::object::code::Code;
use aranges::Owners;
use fold::Folds;
use split::SplitUnits;
use units::Units;

/// After so many units, all debug entries leave memory. Each page that is still needed costs a
/// fault.
const UNITS_PER_RELEASE: usize = 4;

/// What all units of a file say.
#[derive(Default)]
pub struct DwarfSymbols<'d> {
    /// Disjoint, sorted; [`Interval::unit`] is an index into [`DwarfSymbols::units`].
    pub intervals: Vec<Interval>,
    /// The units that own an interval, in file order.
    pub units: Vec<UnitSymbols<'d>>,
    /// Names of functions that begin where another one does, by address.
    pub aliases: Vec<(u64, &'d [u8])>,
}

/// Reads every unit that owns an address. Data that asks for more work than its size allows is left
/// out as a whole, and counted.
pub fn read<'d>(
    input: Input<'d>,
    progress: &Progress,
    dropped: &mut DropCounts,
) -> DwarfSymbols<'d> {
    let work = Arc::new(Work::for_bytes(input.bytes()));
    let mut counts = DropCounts::default();
    let dwarf = if input.is_little_endian {
        read_units(input, LittleEndian, &work, progress, &mut counts)
    } else {
        read_units(input, BigEndian, &work, progress, &mut counts)
    };
    progress.spent(work.spent());
    if work.is_spent() {
        // What was met until then depends on the order of threads.
        dropped.count(DropReason::TooMuchWork);
        return DwarfSymbols::default();
    }
    dropped.merge(&counts);
    dwarf
}

fn read_units<'d, E: Endianity + Send + Sync>(
    input: Input<'d>,
    endian: E,
    work: &Arc<Work>,
    progress: &Progress,
    dropped: &mut DropCounts,
) -> DwarfSymbols<'d> {
    let Input { mapped, code, symbols, .. } = input;
    let dwarf =
        input.sections.borrow_with_sup(input.shared, |section| EndianSlice::new(section, endian));
    let debug_info = dwarf.debug_info.reader().slice();
    let list = |dwarf, dropped: &mut DropCounts| Units::list(dwarf, Arc::clone(work), dropped);
    let shared = input
        .shared
        .map(|shared| list(shared.borrow(|section| EndianSlice::new(section, endian)), dropped));
    let split = SplitUnits::new(input.split, endian);
    let units = list(dwarf, dropped).with_shared(shared).with_map(input.map);
    let owners =
        if input.functions_move { Owners::default() } else { aranges::read(&units, code, dropped) };
    let Owners { mut intervals, contested, may_have_code } = owners;
    let jobs = if input.functions_move {
        (0..units.len()).map(|unit| (unit, code.spans().to_vec())).collect()
    } else {
        by_unit(&mut intervals)
    };
    progress.expect(jobs.len(), jobs.iter().map(|(unit, _)| units.bytes(*unit).len()).sum());
    let done = AtomicUsize::new(0);
    let read: Vec<(UnitSymbols<'d>, DropCounts)> = jobs
        .par_iter()
        .with_max_len(1)
        .map(|(index, intervals)| {
            let mut dropped = DropCounts::default();
            if work.is_spent() {
                return (UnitSymbols::default(), dropped);
            }
            let symbols = unit::read(&units, &split, input, (*index, intervals), &mut dropped);
            let bytes = &debug_info[units.bytes(*index)];
            // Names of other units' functions bring pages back.
            let is_time_for_all =
                done.fetch_add(1, Ordering::Relaxed) % UNITS_PER_RELEASE == UNITS_PER_RELEASE - 1;
            mapped.release(if is_time_for_all { mapped.bytes() } else { bytes });
            progress.advance(bytes.len());
            (symbols, dropped)
        })
        .collect();
    read.iter().for_each(|(_, counts)| dropped.merge(counts));
    let mut read: Vec<UnitSymbols<'d>> = read.into_iter().map(|(unit, _)| unit).collect();
    let mut aliases = Vec::new();
    if input.functions_move {
        intervals = owned(&mut read);
    } else {
        let owners: Vec<usize> = jobs.iter().map(|(unit, _)| *unit).collect();
        let elsewhere = unit::lines_without_code(&units, &owners, &may_have_code, code);
        let again = |index: usize, more: &[(u64, u64)]| {
            let own = owners.binary_search(&index).map_or(&[][..], |number| &jobs[number].1);
            let all = Code::from_spans(own.iter().chain(more).copied().collect());
            unit::read(&units, &split, input, (index, all.spans()), &mut DropCounts::default())
        };
        aliases = fold::settle(
            &mut read,
            &mut intervals,
            Folds {
                owners: &owners,
                elsewhere: &elsewhere,
                contested: &contested,
                symbols,
                twins: input.twins,
            },
            again,
        );
    }
    DwarfSymbols { intervals, units: read, aliases }
}

/// Who owns which address where the ranges of `units` say it; ranges of which another unit owns a
/// part are cut.
pub fn owned(units: &mut [UnitSymbols<'_>]) -> Vec<Interval> {
    let claims: Vec<Interval> = units
        .iter()
        .enumerate()
        .flat_map(|(unit, symbols)| {
            symbols.ranges.iter().map(move |range| Interval {
                start: range.start,
                end: range.end,
                unit,
            })
        })
        .collect();
    let (intervals, _) = aranges::settle(&claims);
    let mut own = vec![Vec::new(); units.len()];
    intervals.iter().for_each(|interval| own[interval.unit].push((interval.start, interval.end)));
    for (symbols, own) in units.iter_mut().zip(own) {
        let mut kept = Vec::with_capacity(symbols.ranges.len());
        for (start, end) in own {
            let first = symbols.ranges.partition_point(|range| range.end <= start);
            let inside = symbols.ranges[first..].iter().take_while(|range| range.start < end);
            kept.extend(inside.map(|range| Range {
                start: range.start.max(start),
                end: range.end.min(end),
                ..*range
            }));
        }
        symbols.ranges = kept;
    }
    intervals
}

/// The intervals of each unit that has any, in file order; renumbers the units of `intervals` to
/// match.
fn by_unit(intervals: &mut [Interval]) -> Vec<(usize, Vec<(u64, u64)>)> {
    let mut owners: Vec<usize> = intervals.iter().map(|interval| interval.unit).collect();
    owners.sort_unstable();
    owners.dedup();
    let mut jobs: Vec<(usize, Vec<(u64, u64)>)> =
        owners.iter().map(|unit| (*unit, Vec::new())).collect();
    for interval in intervals {
        interval.unit = owners.partition_point(|unit| *unit < interval.unit);
        jobs[interval.unit].1.push((interval.start, interval.end));
    }
    jobs
}
