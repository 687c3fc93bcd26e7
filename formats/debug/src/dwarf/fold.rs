//! Decides which function has an address where the linker has folded several of equal code into one
//! (ICF), so that it has several names and lines.
//!
//! What linkers leave of a folded function differs. Its symbol stands at the address of the one
//! that was kept. Its lines do too, so that a debugger can stop there; its entry does (gold, mold)
//! or is marked as dead (lld):
//!
//! ```text
//! symbols     0x40 get_x, 0x40 get_y              the symbol rule names one of them, say get_y
//! entries     get_x at 0x40; get_y dead           lld: only get_x has inlined calls
//! lines       0x40 x.cc:7 .. │ 0x40 y.cc:9 ..     one sequence of each
//! ```
//!
//! llvm-symbolizer takes each from where it finds it, and answers `get_y` at x.cc:7. Here name,
//! file, line and inlined calls are of one function: the one that the symbol rule names, if it has
//! an entry there; else the one that has.

use gimli::Endianity;
use hashbrown::{HashMap, HashSet};
use memchr::memmem;

use super::aranges::{Contested, Interval};
use super::lines::{FoldedLines, LineRow, LineTable, SequenceStart};
use super::scopes::Scopes;
use super::unit_symbols::UnitSymbols;
use super::units::UnitOf;
use crate::module::{Function, InlineChain, Range, Source};
use crate::object::code::Code;
use crate::object::symbols::{Symbol, Twin};

/// The spans of `lines`, where several sequences lie over each other those of the function that has
/// the address: of lines in the file that declares it, the first at or behind the declaration.
pub fn lines<E: Endianity>(
    lines: &LineTable,
    scopes: &Scopes<'_>,
    (units, unit): UnitOf<'_, '_, E>,
) -> Vec<LineRow> {
    let mut chosen: Vec<&FoldedLines> = Vec::new();
    let mut folded: Vec<&FoldedLines> = lines.folded.iter().collect();
    folded.sort_by_key(|folded| folded.start);
    for alike in folded.chunk_by(|one, other| one.start == other.start) {
        let start = alike[0].start;
        let segment = scopes.segments.partition_point(|segment| segment.end <= start);
        let Some(segment) = scopes.segments.get(segment).filter(|segment| segment.start <= start)
        else {
            continue;
        };
        let mut node = &scopes.nodes[segment.node as usize];
        while let Some(caller) = node.caller {
            node = &scopes.nodes[caller as usize];
        }
        let Some(declared) = units.function(unit, node.entry) else { continue };
        let first = lines.spans.partition_point(|span| span.end <= start);
        let before = lines.spans.get(first).filter(|span| span.start == start);
        let file = declared.file.filter(|file| file.is_own()).map(|file| file.index);
        let fits = |span: &LineRow| {
            (span.line >= declared.line).then_some((file != Some(span.file), span.line))
        };
        let best = alike
            .iter()
            .filter_map(|folded| Some((fits(folded.spans.first()?)?, *folded)))
            .min_by_key(|(fit, _)| *fit);
        if let Some((fit, folded)) = best
            && before.and_then(fits).is_none_or(|before| fit < before)
        {
            chosen.push(folded);
        }
    }
    let is_replaced = |span: &&LineRow| {
        let after = chosen.partition_point(|folded| folded.end <= span.start);
        chosen.get(after).is_some_and(|folded| folded.start <= span.start)
    };
    let mut spans: Vec<LineRow> =
        lines.spans.iter().filter(|span| !is_replaced(span)).copied().collect();
    spans.extend(chosen.iter().flat_map(|folded| &folded.spans));
    spans.sort_by_key(|span| span.start);
    spans
}

/// Where sequences of `lines` begin that are not of a unit with `intervals`, or lie over another
/// one.
pub fn foreign(lines: &LineTable, intervals: &[(u64, u64)], code: &Code) -> Vec<SequenceStart> {
    let is_own = |address: u64| {
        let after = intervals.partition_point(|(_, end)| *end <= address);
        intervals.get(after).is_some_and(|(start, _)| *start <= address)
    };
    let mut foreign: Vec<SequenceStart> = lines
        .starts
        .iter()
        .filter(|start| !is_own(start.address) && code.contains(start.address))
        .copied()
        .collect();
    if !lines.folded.is_empty() {
        let folded: HashSet<u64> = lines.folded.iter().map(|folded| folded.start).collect();
        foreign.extend(lines.starts.iter().filter(|start| folded.contains(&start.address)));
    }
    foreign
}

/// A function that a symbol names otherwise than its entry, where others were folded into it.
#[derive(Clone, Copy, Debug)]
struct Misnamed {
    unit: usize,
    chain: usize,
    start: u64,
}

/// What is known of all units.
#[derive(Clone, Copy)]
pub struct Folds<'a, 'd> {
    /// The units that own an address, by their index in the file.
    pub owners: &'a [usize],
    /// Where lines of other units begin.
    pub elsewhere: &'a [SequenceStart],
    /// By address.
    pub contested: &'a [Contested],
    /// The file's.
    pub symbols: &'a [Symbol<'d>],
    /// Those that lie under others.
    pub twins: &'a [Twin<'d>],
}

/// Where line sequences of other functions begin, of which there may be several at an address:
/// their first lines.
fn foreign_lines(units: &[UnitSymbols<'_>], elsewhere: &[SequenceStart]) -> HashMap<u64, Vec<u32>> {
    let mut foreign: HashMap<u64, Vec<u32>> = HashMap::new();
    for start in units.iter().flat_map(|unit| &unit.foreign).chain(elsewhere) {
        foreign.entry(start.address).or_default().push(start.line);
    }
    foreign
}

/// Whether lines of another function than the one that `unit` has there begin at `start` too.
fn is_folded(foreign: &HashMap<u64, Vec<u32>>, unit: &UnitSymbols<'_>, start: u64) -> bool {
    let line = range_at(unit, start).map(|range| range.location.line);
    foreign.get(&start).is_some_and(|lines| lines.iter().any(|other| Some(*other) != line))
}

/// Where `units` name functions of which other functions' lines lie at the same address.
fn misnamed(units: &[UnitSymbols<'_>], foreign: &HashMap<u64, Vec<u32>>) -> Vec<Misnamed> {
    let mut misnamed = Vec::new();
    for (number, unit) in units.iter().enumerate().filter(|_| !foreign.is_empty()) {
        for (at, chain) in unit.chains.iter().enumerate() {
            let Some(start) = own_name(unit, chain).and_then(|_| chain.start.address()) else {
                continue;
            };
            if is_folded(foreign, unit, start) {
                misnamed.push(Misnamed { unit: number, chain: at, start });
            }
        }
    }
    misnamed
}

/// The symbols where functions were folded. The entry of a folded function can be marked as dead,
/// and then only its symbol is left (lld).
fn folded_symbols<'d>(
    units: &[UnitSymbols<'d>],
    intervals: &[Interval],
    foreign: &HashMap<u64, Vec<u32>>,
    (symbols, twins): (&[Symbol<'d>], &[Twin<'d>]),
) -> Vec<(u64, &'d [u8])> {
    let mut aliases = Vec::new();
    for start in foreign.keys().copied() {
        let Some(unit) = owner(intervals, start).map(|unit| &units[unit]) else { continue };
        if is_folded(foreign, unit, start) {
            let first = twins.partition_point(|(address, _)| *address < start);
            aliases.extend(twins[first..].iter().take_while(|(address, _)| *address == start));
            aliases.extend(symbol_at(symbols, start).map(|symbol| (start, symbol.name)));
        }
    }
    aliases
}

/// The unit that has `address`.
fn owner(intervals: &[Interval], address: u64) -> Option<usize> {
    let after = intervals.partition_point(|interval| interval.end <= address);
    intervals.get(after).filter(|interval| interval.start <= address).map(|interval| interval.unit)
}

/// The name of an outermost function in its entry, if a symbol gives it that of another function.
fn own_name<'d>(unit: &UnitSymbols<'d>, chain: &InlineChain) -> Option<&'d [u8]> {
    if chain.caller.is_some() || chain.source != Source::Dwarf {
        return None;
    }
    let function = unit.functions[chain.function?.index() as usize];
    let own = function.own.filter(|own| !own.is_empty())?;
    // `f.cold` and `f.llvm.4711` are parts or copies of `f`, and `_ZN1a1fEv` is `f`, where entries
    // have short names only.
    let is_part = function.name.strip_prefix(own).is_some_and(|rest| rest.starts_with(b"."));
    let is_short = !is_mangled(own) && memmem::find(function.name, own).is_some();
    (!is_part && !is_short && !are_variants(own, function.name)).then_some(own)
}

/// Whether both are the same constructor or destructor, for whole objects and for bases (Itanium
/// C++ ABI, 5.1.4.3): compilers give one body both names, and units that have it too have other
/// lines where it was compiled otherwise (libstdc++.so.6.0.30, 0xe4ab3).
fn are_variants(one: &[u8], other: &[u8]) -> bool {
    let mut differences =
        one.iter().zip(other).enumerate().filter(|(_, (one, other))| one != other);
    let (Some((at, (one_kind, other_kind))), None) = (differences.next(), differences.next())
    else {
        return false;
    };
    let is_structor = at > 0 && matches!(one[at - 1], b'C' | b'D');
    one.len() == other.len()
        && is_structor
        && one_kind.is_ascii_digit()
        && other_kind.is_ascii_digit()
}

fn is_mangled(name: &[u8]) -> bool {
    [&b"_Z"[..], b"_R", b"_T", b"$s", b"$S", b"?"].iter().any(|prefix| name.starts_with(prefix))
}

fn range_at<'u>(unit: &'u UnitSymbols<'_>, address: u64) -> Option<&'u Range> {
    let after = unit.ranges.partition_point(|range| range.end <= address);
    unit.ranges.get(after).filter(|range| range.start <= address)
}

/// The stretches that other units claim where a function is misnamed, by the unit's index in the
/// file.
fn wanted(
    misnamed: &[Misnamed],
    contested: &[Contested],
    symbols: &[Symbol<'_>],
) -> Vec<(usize, Vec<(u64, u64)>)> {
    let mut wanted: HashMap<usize, Vec<(u64, u64)>> = HashMap::new();
    for Misnamed { start, .. } in misnamed {
        let Some(symbol) = symbol_at(symbols, *start) else { continue };
        let first = contested.partition_point(|claim| claim.start < *start);
        for claim in contested[first..].iter().take_while(|claim| claim.start == *start) {
            wanted.entry(claim.unit).or_default().push((*start, symbol.end));
        }
    }
    let mut wanted: Vec<(usize, Vec<(u64, u64)>)> = wanted.into_iter().collect();
    wanted.sort_unstable_by_key(|(unit, _)| *unit);
    wanted
}

/// Gives addresses of folded functions to the one that the symbol rule names, or their own names to
/// those that have them. `again` reads a unit, by its index in the file, with more intervals than
/// are its own. Returns all names of such functions that are not used.
pub fn settle<'d>(
    units: &mut Vec<UnitSymbols<'d>>,
    intervals: &mut Vec<Interval>,
    Folds { owners, elsewhere, contested, symbols, twins }: Folds<'_, 'd>,
    again: impl Fn(usize, &[(u64, u64)]) -> UnitSymbols<'d>,
) -> Vec<(u64, &'d [u8])> {
    let foreign = foreign_lines(units, elsewhere);
    let misnamed = misnamed(units, &foreign);
    let mut aliases = Vec::new();
    let mut settled: HashSet<u64> = HashSet::new();
    for (unit, mut stretches) in wanted(&misnamed, contested, symbols) {
        stretches.sort_unstable();
        stretches.dedup();
        stretches.retain(|(start, _)| !settled.contains(start));
        let read = again(unit, &stretches);
        let mut won = Vec::new();
        for &(start, end) in &stretches {
            let Some(symbol) = symbol_at(symbols, start) else { continue };
            match outermost_at(&read, start) {
                Some(function) if function.name == symbol.name && function.own.is_none() => {
                    won.push((start, end));
                }
                Some(Function { own: Some(own), .. }) if !own.is_empty() => {
                    aliases.push((start, own));
                }
                _ => {}
            }
        }
        if !won.is_empty() {
            settled.extend(won.iter().map(|(start, _)| *start));
            let number = owners.binary_search(&unit).unwrap_or_else(|_| {
                units.push(UnitSymbols::default());
                units.len() - 1
            });
            take(units, intervals, number, read, &won);
        }
    }
    for Misnamed { unit, chain, start } in misnamed {
        let unit = &mut units[unit];
        let Some(own) = own_name(unit, &unit.chains[chain]) else { continue };
        if settled.contains(&start) {
            aliases.push((start, own));
        } else if let Some(function) = unit.chains[chain].function {
            let function = &mut unit.functions[function.index() as usize];
            *function = Function { name: own, own: None, ..*function };
        }
    }
    aliases.extend(units.iter().flat_map(|unit| &unit.aliases));
    aliases.extend(folded_symbols(units, intervals, &foreign, (symbols, twins)));
    aliases.sort_unstable();
    aliases.dedup();
    aliases.retain(|(start, name)| {
        let function = owner(intervals, *start).and_then(|unit| outermost_at(&units[unit], *start));
        function.is_some_and(|function| names_another(name, &function))
    });
    aliases
}

/// Whether `name` is another function's, and not one more of `function` itself.
fn names_another(name: &[u8], function: &Function<'_>) -> bool {
    name != function.name && Some(name) != function.own && !are_variants(name, function.name)
}

fn symbol_at<'s, 'd>(symbols: &'s [Symbol<'d>], start: u64) -> Option<&'s Symbol<'d>> {
    symbols
        .get(symbols.partition_point(|symbol| symbol.start < start))
        .filter(|symbol| symbol.start == start)
}

fn outermost_at<'d>(unit: &UnitSymbols<'d>, address: u64) -> Option<Function<'d>> {
    let mut chain = &unit.chains[range_at(unit, address)?.chain.index() as usize];
    while let Some((caller, _)) = chain.caller {
        chain = &unit.chains[caller.index() as usize];
    }
    Some(unit.functions[chain.function?.index() as usize])
}

/// Gives the stretches `won`, which `read` has besides those that were unit `winner`'s before, to
/// that unit.
fn take<'d>(
    units: &mut [UnitSymbols<'d>],
    intervals: &mut Vec<Interval>,
    winner: usize,
    mut read: UnitSymbols<'d>,
    won: &[(u64, u64)],
) {
    let is_won = |address: u64| {
        let after = won.partition_point(|(_, end)| *end <= address);
        won.get(after).is_some_and(|(start, _)| *start <= address)
    };
    let mut settled = Vec::with_capacity(intervals.len() + 2 * won.len());
    for interval in intervals.iter() {
        let mut at = interval.start;
        for &(start, end) in
            won.iter().filter(|(start, end)| *start < interval.end && interval.start < *end)
        {
            let (start, end) = (start.max(interval.start), end.min(interval.end));
            settled.push(Interval { start: at, end: start, ..*interval });
            settled.push(Interval { start, end, unit: winner });
            at = end;
        }
        settled.push(Interval { start: at, ..*interval });
    }
    settled.retain(|interval| interval.start < interval.end);
    *intervals = settled;
    let owner = |address: u64| owner(intervals, address);
    read.ranges.retain(|range| owner(range.start) == Some(winner));
    for (number, unit) in units.iter_mut().enumerate().filter(|(number, _)| *number != winner) {
        unit.ranges.retain(|range| !is_won(range.start) || owner(range.start) == Some(number));
    }
    read.aliases = std::mem::take(&mut units[winner].aliases);
    units[winner] = read;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_of_constructors() {
        assert!(are_variants(b"_ZN3FooC1Ev", b"_ZN3FooC2Ev"));
        assert!(are_variants(b"_ZN3FooD0Ev", b"_ZN3FooD2Ev"));
        for (one, other) in [
            ("_ZN3FooC1Ev", "_ZN3FooC1Ev"),
            ("_ZN3FooC1Ev", "_ZN3BooC2Ev"),
            ("_ZN3Foo1aEv", "_ZN3Foo1bEv"),
            ("_Z1fC1", "_Z1fC12"),
        ] {
            assert!(!are_variants(one.as_bytes(), other.as_bytes()), "{one} {other}");
        }
    }
}
