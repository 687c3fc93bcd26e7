//! Decides who has an address that several could have, and which public symbols answer where no
//! function does.

use crate::dwarf::{Interval, UnitSymbols, extents, owned};
use crate::module::{Function, Start};
use crate::object::symbol_tables::SymbolTables;
use crate::object::symbols::{Symbol, SymbolEntry, Twin, spans_and_twins};

/// The addresses of functions, by the units that have them. Of units that overlap, ranges are cut.
pub fn intervals(units: &mut [UnitSymbols<'_>]) -> Vec<Interval> {
    let mut intervals = extents(units);
    if !intervals.is_sorted_by_key(|interval| interval.start) {
        intervals.sort_unstable_by_key(|interval| (interval.start, interval.unit));
    }
    let is_disjoint = intervals.is_sorted_by(|one, next| one.end <= next.start);
    // Written by hand, or joined from several files.
    if is_disjoint { intervals } else { owned(units) }
}

/// Public symbols where no function is: each reaches to the next one, or to the next function. And
/// further names of the beginnings of functions and public symbols, by address.
pub fn publics<'d>(
    publics: Vec<(u64, &'d [u8])>,
    units: &mut [UnitSymbols<'d>],
    intervals: &[Interval],
) -> (SymbolTables<'d>, Vec<Twin<'d>>) {
    let mut aliases: Vec<Twin<'d>> =
        units.iter_mut().flat_map(|unit| std::mem::take(&mut unit.aliases)).collect();
    // The first in the file counts.
    let entry =
        |(address, name): (u64, &'d [u8])| SymbolEntry { address, size: 0, name, file: None };
    let entries: Vec<_> = publics.into_iter().rev().map(entry).collect();
    let (mut symbols, twins) = spans_and_twins(entries);
    let functions = Beginnings::of(units);
    symbols.retain_mut(|symbol| {
        if let Some(function) = functions.at(symbol.start) {
            aliases.extend(Some((symbol.start, symbol.name)).filter(|(_, name)| *name != function));
        }
        is_kept(symbol, intervals)
    });
    aliases.extend(twins.into_iter().filter(|(start, name)| functions.at(*start) != Some(*name)));
    aliases.sort_unstable();
    aliases.dedup();
    (SymbolTables { symbols, twins: Vec::new(), synthetic: Vec::new() }, aliases)
}

/// Whether `symbol` begins outside of all functions; it ends where one begins.
fn is_kept(symbol: &mut Symbol<'_>, intervals: &[Interval]) -> bool {
    let next = intervals.partition_point(|interval| interval.end <= symbol.start);
    match intervals.get(next) {
        Some(interval) if interval.start <= symbol.start => false,
        Some(interval) => {
            symbol.end = symbol.end.min(interval.start);
            true
        }
        None => true,
    }
}

/// Where functions begin, and their names, by address.
struct Beginnings<'d>(Vec<(u64, &'d [u8])>);

impl<'d> Beginnings<'d> {
    fn of(units: &[UnitSymbols<'d>]) -> Self {
        let mut all = Vec::new();
        for unit in units {
            let name = |function: &Function<'d>| function.name;
            let roots = unit.chains.iter().filter(|chain| chain.caller.is_none());
            all.extend(roots.filter_map(|chain| {
                let function = unit.functions.get(chain.function?.index() as usize);
                Start::address(chain.start).zip(function.map(name))
            }));
        }
        all.sort_unstable();
        Self(all)
    }

    fn at(&self, address: u64) -> Option<&'d [u8]> {
        let at = self.0.binary_search_by_key(&address, |(start, _)| *start).ok()?;
        Some(self.0[at].1)
    }
}
