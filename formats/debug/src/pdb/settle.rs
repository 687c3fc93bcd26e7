//! Decides who has an address, and by which name, where several could: functions that were folded,
//! and code of the linker.

use hashbrown::HashMap;

use super::addresses::Addresses;
use super::header::Contribution;
use super::publics::Publics;
use super::symbols::Trampoline;
use crate::dwarf::UnitSymbols;
use crate::module::Range;
use crate::object::code::Code;
use crate::object::symbols::SyntheticSymbol;

/// Leaves each unit the ranges that its module contributed to the image: of folded functions, that
/// is the one that was kept.
pub fn keep_contributed(
    units: &mut [UnitSymbols<'_>],
    contributions: &[Contribution],
    addresses: &Addresses,
    code: &Code,
) {
    let mut spans: Vec<(u64, u64, usize)> = contributions
        .iter()
        .filter_map(|one| {
            addresses
                .span(one.section, one.offset, one.bytes)
                .map(|(start, end)| (start, end, usize::from(one.module)))
        })
        .filter(|(start, ..)| code.contains(*start))
        .collect();
    spans.sort_unstable();
    for at in 1..spans.len() {
        spans[at].0 = spans[at].0.max(spans[at - 1].1);
        spans[at].1 = spans[at].1.max(spans[at].0);
    }
    for (number, unit) in units.iter_mut().enumerate() {
        let (mut kept, mut first): (Vec<Range>, _) = (Vec::with_capacity(unit.ranges.len()), 0);
        for range in &unit.ranges {
            let mut at = range.start;
            // Most ranges lie in the span of the one before.
            if spans.get(first).is_some_and(|(_, end, _)| *end <= at) {
                first += spans[first..].partition_point(|(_, end, _)| *end <= at);
            }
            for (start, end, module) in
                spans[first..].iter().take_while(|(start, ..)| *start < range.end)
            {
                if *module != number {
                    if at < *start {
                        kept.push(Range { start: at, end: *start, ..*range });
                    }
                    at = at.max((*end).min(range.end));
                }
            }
            if at < range.end {
                kept.push(Range { start: at, ..*range });
            }
        }
        unit.ranges = kept;
    }
}

/// All names of functions besides those that answer: where public symbols give several names,
/// those, else those of folded functions.
pub fn aliases<'a>(units: &mut [UnitSymbols<'a>], publics: &Publics<'a>) -> Vec<(u64, &'a [u8])> {
    let mut aliases: Vec<(u64, &'a [u8])> = publics.twins.clone();
    let has_twin = |address: u64| {
        publics.twins.binary_search_by_key(&address, |(address, _)| *address).is_ok()
    };
    for unit in units {
        let folded = std::mem::take(&mut unit.aliases);
        aliases.extend(
            folded
                .into_iter()
                .filter(|(start, name)| !has_twin(*start) && publics.at(*start) != Some(*name)),
        );
    }
    aliases.sort_unstable();
    aliases.dedup();
    aliases
}

/// Names for the code by which the linker goes on to functions: theirs.
pub fn synthetic<'t>(
    trampolines: impl Iterator<Item = &'t Trampoline>,
    addresses: &Addresses,
    publics: &Publics<'_>,
    units: &[UnitSymbols<'_>],
) -> Vec<SyntheticSymbol> {
    let mut functions: HashMap<u64, &[u8]> = HashMap::new();
    for unit in units {
        for chain in unit.chains.iter().filter(|chain| chain.caller.is_none()) {
            if let (Some(start), Some(function)) = (chain.start.address(), chain.function) {
                functions.insert(start, unit.functions[function.index() as usize].name);
            }
        }
    }
    let named = |trampoline: &Trampoline| {
        let (start, end) =
            addresses.span(trampoline.section, trampoline.offset, trampoline.bytes.into())?;
        let target = addresses.at(trampoline.target_section, trampoline.target_offset)?;
        let name = publics.at(target).or_else(|| functions.get(&target).copied())?;
        Some(SyntheticSymbol { start, end, name: name.to_vec() })
    };
    let mut synthetic: Vec<SyntheticSymbol> = trampolines.filter_map(named).collect();
    synthetic.sort_by_key(|symbol| symbol.start);
    let mut at = 0;
    synthetic.retain(|symbol| {
        let is_free = symbol.start >= at;
        at = at.max(symbol.end);
        is_free
    });
    synthetic
}
