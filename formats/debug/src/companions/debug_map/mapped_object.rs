//! Reads one object file of a debug map, and moves what it says to where the image has its
//! functions: [`MappedObject`].

use hashbrown::{HashMap, HashSet};
use object::read::macho::{MachHeader, MachOFile, Nlist};

use super::entries::MapFunction;
use crate::Progress;
use crate::bytes::Mapped;
use crate::dwarf::{self, DwarfSymbols, Interval, SplitSections};
use crate::module::{DropCounts, DropReason, Range, Start};
use crate::object::code::Code;
use crate::object::layout::Layout;
use crate::object::macho::with_macho;
use crate::object::sections::{self, Sections};
use crate::object::symbols::Symbol;

/// An object file that is ready to be read.
#[derive(Debug)]
pub struct MappedObject<'m> {
    mapped: &'m Mapped,
    is_little_endian: bool,
    sections: Sections<'m>,
    code: Code,
    /// Sorted and disjoint; they are the object's code.
    moves: Vec<Move>,
    /// The image's names for its functions, where the object has them.
    symbols: Vec<Symbol<'m>>,
    split: SplitSections<'m>,
    ahead: dwarf::LinesAhead,
}

/// `from..end` of an object file lies at `to` in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Move {
    from: u64,
    end: u64,
    to: u64,
}

impl<'m> MappedObject<'m> {
    /// The headers and debug sections of `mapped`, which has `functions` of the image. `None` if
    /// they cannot be read.
    pub fn of(
        mapped: &'m Mapped,
        functions: &[MapFunction<'_>],
        dropped: &mut DropCounts,
    ) -> Option<Self> {
        let object = object::File::parse(mapped.bytes()).ok()?;
        let starts = with_macho!(&object, file => starts(file))?;
        let mut moves: Vec<Move> = Vec::with_capacity(functions.len());
        let mut unknown = HashSet::new();
        for function in functions {
            let Some(&from) = starts.get(function.name) else {
                unknown.insert(function.start);
                continue;
            };
            let end = from.saturating_add(function.end.saturating_sub(function.start));
            moves.push(Move { from, end, to: function.start });
        }
        for function in &moves {
            unknown.remove(&function.to);
        }
        dropped.count_many(DropReason::MissingObject, unknown.len() as u64);
        moves.sort_by_key(|function| (function.from, function.to));
        moves.dedup_by_key(|function| function.from);
        let nexts: Vec<u64> =
            moves.iter().skip(1).map(|next| next.from).chain([u64::MAX]).collect();
        moves
            .iter_mut()
            .zip(nexts)
            .for_each(|(function, next)| function.end = function.end.min(next));
        moves.retain(|function| function.from < function.end);
        let layout = Layout::default();
        Some(Self {
            mapped,
            is_little_endian: object::Object::is_little_endian(&object),
            sections: Some(sections::load(&object, mapped, &layout, dropped, |_, _| {}))
                .filter(|(_, damage)| damage.is_empty())?
                .0,
            code: Code::default(),
            symbols: Vec::new(),
            moves,
            split: SplitSections::default(),
            ahead: dwarf::LinesAhead::default(),
        })
    }

    /// Keeps those of its functions that are not `taken`, and the image's `symbols` for them.
    pub fn keep(&mut self, taken: &mut HashSet<u64>, symbols: &[Symbol<'m>]) {
        self.moves.retain(|function| taken.insert(function.to));
        self.symbols = self.moves.iter().flat_map(|function| function.symbols(symbols)).collect();
        self.code = Code::from_spans(
            self.moves.iter().map(|function| (function.from, function.end)).collect(),
        );
    }

    /// What the object says of its functions, in the addresses of the image.
    pub fn read(&'m self, progress: &Progress, dropped: &mut DropCounts) -> DwarfSymbols<'m> {
        let input = dwarf::Input {
            mapped: self.mapped,
            is_little_endian: self.is_little_endian,
            code: &self.code,
            symbols: &self.symbols,
            sections: &self.sections,
            shared: None,
            split: &self.split,
            ahead: &self.ahead,
            functions_move: true,
            map: None,
            twins: &[],
        };
        let mut dwarf = dwarf::read(input, progress, dropped);
        for unit in &mut dwarf.units {
            unit.ranges = moved(
                &self.moves,
                &unit.ranges,
                |range| (range.start, range.end),
                |range, start, end| Range { start, end, ..*range },
            );
            unit.ranges.sort_by_key(|range| range.start);
            for chain in &mut unit.chains {
                let start = chain.start.address().and_then(|start| {
                    let after = self.moves.partition_point(|function| function.end <= start);
                    self.moves
                        .get(after)
                        .filter(|function| function.from <= start)
                        .map(|function| Start::at(start - function.from + function.to))
                });
                chain.start = start.unwrap_or(Start::UNKNOWN);
            }
            unit.keep_used();
        }
        let extent = |interval: &Interval| (interval.start, interval.end);
        dwarf.intervals = moved(&self.moves, &dwarf.intervals, extent, |interval, start, end| {
            Interval { start, end, ..*interval }
        });
        dwarf
    }
}

/// Where the functions of an object begin, by their raw names.
fn starts<'m, M: MachHeader>(file: &MachOFile<'m, M>) -> HashMap<&'m [u8], u64> {
    let (table, endian) = (file.macho_symbol_table(), file.endian());
    let defined = table.iter().filter(|symbol| symbol.is_definition());
    defined
        .filter_map(|symbol| {
            Some((symbol.name(endian, table.strings()).ok()?, symbol.n_value(endian).into()))
        })
        .collect()
}

impl Move {
    /// The image's symbols for this function, where the object has it.
    fn symbols<'s, 'm>(
        self,
        symbols: &'s [Symbol<'m>],
    ) -> impl Iterator<Item = Symbol<'m>> + use<'s, 'm> {
        let to_end = self.to + (self.end - self.from);
        let first = symbols.partition_point(|symbol| symbol.end <= self.to);
        let inside = symbols[first..].iter().take_while(move |symbol| symbol.start < to_end);
        inside.map(move |symbol| Symbol {
            start: symbol.start.max(self.to) - self.to + self.from,
            end: symbol.end.min(to_end) - self.to + self.from,
            ..*symbol
        })
    }
}

/// The parts of `spans`, sorted and disjoint, that `moves` take along, where they take them.
fn moved<T>(
    moves: &[Move],
    spans: &[T],
    extent: impl Fn(&T) -> (u64, u64),
    part: impl Fn(&T, u64, u64) -> T,
) -> Vec<T> {
    let mut parts = Vec::with_capacity(spans.len());
    for Move { from, end, to } in moves {
        let first = spans.partition_point(|span| extent(span).1 <= *from);
        for span in spans[first..].iter().take_while(|span| extent(span).0 < *end) {
            let (start, stop) = extent(span);
            parts.push(part(span, start.max(*from) - from + to, stop.min(*end) - from + to));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_take_their_parts_along() {
        let moves = [Move { from: 0, end: 10, to: 100 }, Move { from: 20, end: 30, to: 50 }];
        let got = moved(
            &moves,
            &[(0u64, 4u64), (4, 25), (28, 40)],
            |span| *span,
            |_, start, end| (start, end),
        );
        assert_eq!(got, [(100, 104), (104, 110), (50, 55), (58, 60)]);
    }
}
