//! Reads the ranges of every unit of DWARF data, in parallel: [`DwarfSymbols`].

mod abbreviations;
mod aranges;
mod chains;
mod extents;
mod flatten;
mod fold;
mod input;
mod line_program;
mod lines;
mod names;
mod paths;
mod range_list;
mod scopes;
mod skeletons;
mod sources;
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
pub use sources::list as sources;
pub use split::SplitSections;
pub use unit_symbols::UnitSymbols;
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
    let reading = Reading::open(input, endian, work, dropped);
    if input.functions_move {
        let jobs = reading.all_units();
        let mut units = reading.read(&jobs, progress, dropped);
        let intervals = owned(&mut units);
        return DwarfSymbols { intervals, units, aliases: Vec::new() };
    }
    let mut owners = aranges::read(&reading.units, input.code, dropped);
    let jobs = by_unit(&mut owners.intervals);
    let mut units = reading.read(&jobs, progress, dropped);
    let aliases = reading.settle_folds(&jobs, &mut owners, &mut units);
    DwarfSymbols { intervals: owners.intervals, units, aliases }
}

/// A unit, by its index in the file, and the addresses that it answers for.
type Job = (usize, Vec<(u64, u64)>);

/// The units of a file, opened for reading.
struct Reading<'d, E: Endianity> {
    input: Input<'d>,
    units: Units<'d, E>,
    split: SplitUnits<'d, E>,
}

impl<'d, E: Endianity + Send + Sync> Reading<'d, E> {
    fn open(input: Input<'d>, endian: E, work: &Arc<Work>, dropped: &mut DropCounts) -> Self {
        let dwarf = input
            .sections
            .borrow_with_sup(input.shared, |section| EndianSlice::new(section, endian));
        let list = |dwarf, dropped: &mut DropCounts| Units::list(dwarf, Arc::clone(work), dropped);
        let shared = input.shared.map(|shared| {
            list(shared.borrow(|section| EndianSlice::new(section, endian)), dropped)
        });
        let split = SplitUnits::new(input.split, endian);
        let units = list(dwarf, dropped).with_shared(shared).with_map(input.map);
        Self { input, units, split }
    }

    /// Every unit, for all code.
    fn all_units(&self) -> Vec<Job> {
        let code = self.input.code.spans();
        (0..self.units.len()).map(|unit| (unit, code.to_vec())).collect()
    }

    /// Reads the units of `jobs` in parallel. Pages that have been read leave memory.
    fn read(
        &self,
        jobs: &[Job],
        progress: &Progress,
        dropped: &mut DropCounts,
    ) -> Vec<UnitSymbols<'d>> {
        let mapped = self.input.mapped;
        let debug_info = self.units.dwarf.debug_info.reader().slice();
        let bytes = |unit: usize| &debug_info[self.units.bytes(unit)];
        progress.expect(jobs.len(), jobs.iter().map(|(unit, _)| bytes(*unit).len()).sum());
        let done = AtomicUsize::new(0);
        let read: Vec<(UnitSymbols<'d>, DropCounts)> = jobs
            .par_iter()
            .with_max_len(1)
            .map(|(unit, addresses)| {
                let mut dropped = DropCounts::default();
                if self.units.work.is_spent() {
                    return (UnitSymbols::default(), dropped);
                }
                let symbols = self.read_one(*unit, addresses, &mut dropped);
                // Names of other units' functions bring pages back.
                let is_time_for_all = done.fetch_add(1, Ordering::Relaxed) % UNITS_PER_RELEASE
                    == UNITS_PER_RELEASE - 1;
                mapped.release(if is_time_for_all { mapped.bytes() } else { bytes(*unit) });
                progress.advance(bytes(*unit).len());
                (symbols, dropped)
            })
            .collect();
        read.iter().for_each(|(_, counts)| dropped.merge(counts));
        read.into_iter().map(|(unit, _)| unit).collect()
    }

    fn read_one(
        &self,
        unit: usize,
        addresses: &[(u64, u64)],
        dropped: &mut DropCounts,
    ) -> UnitSymbols<'d> {
        unit::read(&self.units, &self.split, self.input, (unit, addresses), dropped)
    }

    /// Decides which of several functions at one address it belongs to, and returns the names of
    /// the others. `read` has what the units of `jobs` say.
    fn settle_folds(
        &self,
        jobs: &[Job],
        Owners { intervals, contested, may_have_code }: &mut Owners,
        read: &mut Vec<UnitSymbols<'d>>,
    ) -> Vec<(u64, &'d [u8])> {
        let Input { code, symbols, twins, .. } = self.input;
        let owners: Vec<usize> = jobs.iter().map(|(unit, _)| *unit).collect();
        let elsewhere = unit::lines_without_code(&self.units, &owners, may_have_code, code);
        let folds = Folds { owners: &owners, elsewhere: &elsewhere, contested, symbols, twins };
        fold::settle(read, intervals, folds, |unit, more| {
            let own = owners.binary_search(&unit).map_or(&[][..], |number| &jobs[number].1);
            let all = Code::from_spans(own.iter().chain(more).copied().collect());
            self.read_one(unit, all.spans(), &mut DropCounts::default())
        })
    }
}

/// Who owns which address where the ranges of `units` say it; ranges of which another unit owns a
/// part are cut.
pub fn owned(units: &mut [UnitSymbols<'_>]) -> Vec<Interval> {
    let (intervals, _) = aranges::settle(&extents(units));
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

/// The addresses of all units, one unit after the other. What touches is one.
pub fn extents(units: &[UnitSymbols<'_>]) -> Vec<Interval> {
    let mut extents: Vec<Interval> = Vec::new();
    for (unit, symbols) in units.iter().enumerate() {
        for &Range { start, end, .. } in &symbols.ranges {
            match extents.last_mut() {
                Some(last) if last.unit == unit && last.end == start => last.end = end,
                _ => extents.push(Interval { start, end, unit }),
            }
        }
    }
    extents
}

/// The intervals of each unit that has any, in file order; renumbers the units of `intervals` to
/// match.
fn by_unit(intervals: &mut [Interval]) -> Vec<Job> {
    let mut owners: Vec<usize> = intervals.iter().map(|interval| interval.unit).collect();
    owners.sort_unstable();
    owners.dedup();
    let mut jobs: Vec<Job> = owners.iter().map(|unit| (*unit, Vec::new())).collect();
    for interval in intervals {
        interval.unit = owners.partition_point(|unit| *unit < interval.unit);
        jobs[interval.unit].1.push((interval.start, interval.end));
    }
    jobs
}
