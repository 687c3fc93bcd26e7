//! The debug map of a linked image: the object files that keep its debug data, and what they say, moved to where the
//! linker has put each function.
//!
//! A linker of Apple's leaves debug data in the object files, and for each of them debugging entries in the symbol
//! table (`mach-o/stab.h`); `dsymutil` makes a dSYM of both:
//!
//! ```text
//! OSO          path of an object file, or of an archive with a member; n_value: when it was written
//! FUN          name of a function, where it lies in the image
//! FUN          (no name) its size
//! STSYM, GSYM  name of something else: a function too, where its section is not all code
//! ```
//!
//! In an object, every function lies elsewhere. One that the linker has thrown away, or taken from another object,
//! is not in the map, and what this object says of it goes unused.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use hashbrown::{HashMap, HashSet};
use object::macho;
use object::read::macho::{MachHeader, MachOFile, Nlist};
use rayon::prelude::*;

use super::Search;
use crate::Progress;
use crate::bytes::{Error, Format, Kind, Mapped, os_path};
use crate::container;
use crate::dwarf::{self, DwarfSymbols, Interval, SplitSections, UnitSymbols};
use crate::limits::MAX_OBJECTS;
use crate::module::{DropReason, Dropped, Range, Start};
use crate::object::arch_of;
use crate::object::code::Code;
use crate::object::layout::Layout;
use crate::object::macho::with_macho;
use crate::object::sections::{self, Sections};
use crate::object::symbols::Symbol;

/// What an image says of one object file.
#[derive(Debug)]
struct Entry<'d> {
    path: &'d [u8],
    /// Seconds since 1970; 0 where the linker was told to leave it out.
    time: u64,
    functions: Vec<Function<'d>>,
}

/// A function of an object file, where the image has it.
#[derive(Clone, Copy, Debug)]
struct Function<'d> {
    name: &'d [u8],
    start: u64,
    end: u64,
}

fn entries<'d, M: MachHeader>(file: &MachOFile<'d, M>, code: &Code) -> Vec<Entry<'d>> {
    let (table, endian) = (file.macho_symbol_table(), file.endian());
    let mut entries: Vec<Entry<'d>> = Vec::new();
    // An object may have several units, each with an entry of its own.
    let mut numbers: HashMap<(&[u8], u64), usize> = HashMap::new();
    let mut current = None;
    let mut function = None;
    for symbol in table.iter() {
        let (Some(kind), Ok(name)) = (symbol.stab(), symbol.name(endian, table.strings())) else { continue };
        let value = symbol.n_value(endian).into();
        match (kind, current) {
            (macho::N_OSO, _) => {
                current = Some(*numbers.entry((name, value)).or_insert_with(|| {
                    entries.push(Entry { path: name, time: value, functions: Vec::new() });
                    entries.len() - 1
                }));
            }
            (macho::N_FUN, Some(_)) if !name.is_empty() => function = Some((name, value)),
            (macho::N_FUN, Some(entry)) => {
                if let Some((name, start)) = function.take() {
                    entries[entry].functions.push(Function { name, start, end: start.saturating_add(value) });
                }
            }
            (macho::N_STSYM | macho::N_GSYM, Some(entry)) if code.contains(value) => {
                entries[entry].functions.push(Function { name, start: value, end: value });
            }
            _ => {}
        }
    }
    entries.retain(|entry| !entry.functions.is_empty());
    settle(&mut entries);
    entries
}

/// Lets no two functions lie over each other, but for other names of one: linkers write those without size, or under
/// names that the object does not know, and some sizes not at all.
fn settle(entries: &mut [Entry<'_>]) {
    let mut all: Vec<&mut Function<'_>> = entries.iter_mut().flat_map(|entry| &mut entry.functions).collect();
    all.sort_by_key(|function| function.start);
    let mut next = u64::MAX;
    for alike in all.chunk_by_mut(|one, other| one.start == other.start).rev() {
        let start = alike[0].start;
        let longest = alike.iter().map(|function| function.end).max().filter(|end| *end > start);
        let end = longest.map_or(next, |end| end.min(next));
        alike.iter_mut().for_each(|function| function.end = end);
        next = start;
    }
}

/// The object files of a debug map, as far as they are found.
#[derive(Debug, Default)]
pub struct Objects<'d> {
    found: Vec<(Mapped, Vec<Function<'d>>)>,
    /// Files and members that were not found, or are not what the linker saw.
    missing: Vec<PathBuf>,
    missing_functions: u64,
    /// Files that were written anew since.
    changed: Vec<PathBuf>,
}

impl<'d> Objects<'d> {
    /// Opens what `image`, which lies at `image_path`, refers to; `None` if it has no debug map.
    pub fn open(image: &object::File<'d>, image_path: &Path, arch: &str, search: &Search) -> Option<Self> {
        let code = Code::of(image, &Layout::default());
        let entries = with_macho!(image, file => entries(file, &code)).filter(|entries| !entries.is_empty())?;
        let mut objects = Self::default();
        let mut places = Places::of(&entries, image_path, arch, search);
        for entry in entries {
            let name = PathBuf::from(os_path(entry.path));
            let found = if objects.found.len() < MAX_OBJECTS { places.find(&entry) } else { None };
            match found {
                Some((object, is_changed)) => {
                    objects.found.push((object, entry.functions));
                    objects.changed.extend(is_changed.then_some(name));
                }
                None => {
                    objects.missing_functions += entry.functions.len() as u64;
                    objects.missing.push(name);
                }
            }
        }
        Some(objects)
    }

    /// Whether any object file was found.
    pub fn any(&self) -> bool {
        !self.found.is_empty()
    }

    /// That no other process has written to any of them since.
    ///
    /// # Errors
    /// [`Error::Changed`].
    pub fn unchanged(&self) -> Result<(), Error> {
        self.found.iter().try_for_each(|(file, _)| file.unchanged())
    }

    /// Bytes of all that were found.
    pub fn bytes(&self) -> u64 {
        self.found.iter().map(|(file, _)| file.bytes().len() as u64).sum()
    }

    /// What the user should know.
    pub fn warnings(&self) -> Vec<String> {
        let several = |files: &[PathBuf]| match files {
            [] => None,
            [one] => Some(one.display().to_string()),
            [first, others @ ..] => Some(format!("{} and {} more", first.display(), others.len())),
        };
        let missing = several(&self.missing).map(|files| {
            format!(
                "functions and inlined calls are in {files}, not found as the linker saw it: symbols answer instead; make a dSYM \
                 where the object files are (dsymutil), or pass their folder as --debug-dir and import again with --force"
            )
        });
        let changed = several(&self.changed)
            .map(|files| format!("{files}: written anew since the image was linked; lines are wrong where its source has changed"));
        missing.into_iter().chain(changed).collect()
    }

    /// Reads the headers and debug sections of all of them. `symbols` are the image's.
    pub fn load<'m>(&'m self, symbols: &[Symbol<'m>], dropped: &mut Dropped) -> Vec<MappedObject<'m>> {
        dropped.count_many(DropReason::MissingObject, self.missing_functions);
        let load = |(mapped, functions): &'m (Mapped, Vec<Function<'d>>)| {
            let mut dropped = Dropped::default();
            let loaded = MappedObject::of(mapped, functions, &mut dropped);
            if loaded.is_none() {
                dropped.count_many(DropReason::MissingObject, functions.len() as u64);
            }
            (loaded, dropped)
        };
        let loaded: Vec<_> = self.found.par_iter().map(load).collect();
        loaded.iter().for_each(|(_, counts)| dropped.merge(counts));
        let mut loaded: Vec<MappedObject<'m>> = loaded.into_iter().filter_map(|(loaded, _)| loaded).collect();
        // Of one function under several names, perhaps of several objects, the first counts.
        let mut taken = HashSet::new();
        for object in &mut loaded {
            object.moves.retain(|function| taken.insert(function.to));
            object.symbols = object.moves.iter().flat_map(|function| function.symbols(symbols)).collect();
            object.code = Code::from_spans(object.moves.iter().map(|function| (function.from, function.end)).collect());
        }
        loaded
    }
}

/// The path of an archive and the name of a member, where `path` is `archive(member)`.
fn split_member(path: &[u8]) -> (&[u8], Option<&[u8]>) {
    let member =
        path.strip_suffix(b")").and_then(|path| path.iter().rposition(|byte| *byte == b'(').map(|at| (&path[..at], &path[at + 1..])));
    member.map_or((path, None), |(archive, member)| (archive, Some(member)))
}

/// Where object files are looked for: there where the linker saw them, beside the image, in the folders to search.
struct Places<'a> {
    /// The image's folder.
    beside: &'a Path,
    arch: &'a str,
    search: &'a Search,
    /// File names that several recorded paths end in: by name alone, one could be taken for another.
    ambiguous: HashSet<OsString>,
    /// Archives that have been opened, by their recorded paths.
    archives: HashMap<PathBuf, Option<container::Index>>,
}

impl<'a> Places<'a> {
    fn of(entries: &[Entry<'_>], image: &'a Path, arch: &'a str, search: &'a Search) -> Self {
        let (mut recorded, mut ambiguous) = (HashMap::new(), HashSet::new());
        for file in entries.iter().map(|entry| Path::new(os_path(split_member(entry.path).0))) {
            let name = file.file_name().unwrap_or_default();
            if *recorded.entry(name).or_insert(file) != file {
                ambiguous.insert(name.to_owned());
            }
        }
        Self { beside: image.parent().unwrap_or(Path::new("")), arch, search, ambiguous, archives: HashMap::new() }
    }

    /// The object of `entry`, and whether its file is newer than what the linker saw. As `dsymutil` has it, a member
    /// of another time is another member.
    fn find(&mut self, entry: &Entry<'_>) -> Option<(Mapped, bool)> {
        let (recorded, member) = split_member(entry.path);
        let recorded = Path::new(os_path(recorded));
        let Some(member) = member else {
            return self.places(recorded).find_map(|place| {
                let object = self.object(&place)?;
                Some((object, entry.time != 0 && written(&place) != Some(entry.time)))
            });
        };
        if !self.archives.contains_key(recorded) {
            let archive = self.places(recorded).find_map(|place| self.archive(&place));
            self.archives.insert(recorded.to_owned(), archive);
        }
        let object = self.archives.get(recorded)?.as_ref()?.get(member, entry.time)?;
        is_of_arch(object, self.arch).then(|| (object.clone(), false))
    }

    fn places(&self, recorded: &Path) -> impl Iterator<Item = PathBuf> + use<> {
        let mut places = vec![recorded.to_owned(), self.beside.join(recorded)];
        let relative = recorded.strip_prefix("/").unwrap_or(recorded);
        places.extend(self.search.debug_dirs.iter().map(|dir| dir.join(relative)));
        if let Some(name) = recorded.file_name().filter(|name| !self.ambiguous.contains(*name)) {
            places.push(self.beside.join(name));
            places.extend(self.search.debug_dirs.iter().map(|dir| dir.join(name)));
        }
        places.into_iter()
    }

    fn object(&self, place: &Path) -> Option<Mapped> {
        let file = Mapped::open(place).ok()?;
        container::slice(&file, self.arch).ok()?.open().ok()
    }

    fn archive(&self, place: &Path) -> Option<container::Index> {
        let file = Mapped::open(place).ok()?;
        let is_fat = Kind::of(file.bytes()) == Kind::Archive(Format::Fat);
        let archive = if is_fat { container::slice(&file, self.arch).ok()?.open().ok()? } else { file };
        (Kind::of(archive.bytes()) == Kind::Archive(Format::Ar)).then(|| container::Index::of(&archive))
    }
}

fn is_of_arch(object: &Mapped, arch: &str) -> bool {
    arch_of(object).is_ok_and(|own| own == arch)
}

/// When the file at `path` was written last, in seconds since 1970.
fn written(path: &Path) -> Option<u64> {
    let time = std::fs::metadata(path).ok()?.modified().ok()?;
    Some(time.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs())
}

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
    fn of(mapped: &'m Mapped, functions: &[Function<'_>], dropped: &mut Dropped) -> Option<Self> {
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
        let nexts: Vec<u64> = moves.iter().skip(1).map(|next| next.from).chain([u64::MAX]).collect();
        moves.iter_mut().zip(nexts).for_each(|(function, next)| function.end = function.end.min(next));
        moves.retain(|function| function.from < function.end);
        let layout = Layout::default();
        Some(Self {
            mapped,
            is_little_endian: object::Object::is_little_endian(&object),
            sections: Some(sections::load(&object, mapped, &layout, dropped, |_, _| {})).filter(|(_, damage)| damage.is_empty())?.0,
            code: Code::default(),
            symbols: Vec::new(),
            moves,
            split: SplitSections::default(),
            ahead: dwarf::LinesAhead::default(),
        })
    }

    fn read(&'m self, progress: &Progress, dropped: &mut Dropped) -> DwarfSymbols<'m> {
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
            unit.ranges =
                moved(&self.moves, &unit.ranges, |range| (range.start, range.end), |range, start, end| Range { start, end, ..*range });
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
        dwarf.intervals = moved(&self.moves, &dwarf.intervals, extent, |interval, start, end| Interval { start, end, ..*interval });
        dwarf
    }
}

/// Where the functions of an object begin, by their raw names.
fn starts<'m, M: MachHeader>(file: &MachOFile<'m, M>) -> HashMap<&'m [u8], u64> {
    let (table, endian) = (file.macho_symbol_table(), file.endian());
    let defined = table.iter().filter(|symbol| symbol.is_definition());
    defined.filter_map(|symbol| Some((symbol.name(endian, table.strings()).ok()?, symbol.n_value(endian).into()))).collect()
}

impl Move {
    /// The image's symbols for this function, where the object has it.
    fn symbols<'s, 'm>(self, symbols: &'s [Symbol<'m>]) -> impl Iterator<Item = Symbol<'m>> + use<'s, 'm> {
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
fn moved<T>(moves: &[Move], spans: &[T], extent: impl Fn(&T) -> (u64, u64), part: impl Fn(&T, u64, u64) -> T) -> Vec<T> {
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

/// What all of `objects` say, in the addresses of the image.
pub fn read<'m>(objects: &'m [MappedObject<'m>], progress: &Progress, dropped: &mut Dropped) -> DwarfSymbols<'m> {
    let read_one = |object: &'m MappedObject<'m>| {
        let mut dropped = Dropped::default();
        let symbols = object.read(progress, &mut dropped);
        // Functions that the image does not have are none that were lost.
        (symbols, dropped.damage())
    };
    let read: Vec<_> = objects.par_iter().with_max_len(1).map(read_one).collect();
    let (mut intervals, mut units): (Vec<Interval>, Vec<UnitSymbols<'m>>) = (Vec::new(), Vec::new());
    for (symbols, counts) in read {
        dropped.merge(&counts);
        let before = units.len();
        intervals.extend(symbols.intervals.into_iter().map(|interval| Interval { unit: before + interval.unit, ..interval }));
        units.extend(symbols.units);
    }
    intervals.sort_by_key(|interval| interval.start);
    DwarfSymbols { intervals, units, aliases: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_archives() {
        assert_eq!(split_member(b"/a/libx.a(y.o)"), (&b"/a/libx.a"[..], Some(&b"y.o"[..])));
        assert_eq!(split_member(b"/a (b)/y.o"), (&b"/a (b)/y.o"[..], None));
    }

    /// An alias without size, a size that reaches into the next function, and one that is not known.
    #[test]
    fn names_of_one_function_have_its_size() {
        let function = |name, start, end| Function { name, start, end };
        let functions = vec![function(&b"real"[..], 16, 40), function(b"alias", 16, 16), function(b"open", 64, 64)];
        let one = Entry { path: b"one.o", time: 0, functions };
        let two = Entry { path: b"two.o", time: 0, functions: vec![function(b"next", 32, 48), function(b"last", 80, 90)] };
        let mut entries = [one, two];
        settle(&mut entries);
        let ends: Vec<u64> = entries.iter().flat_map(|entry| &entry.functions).map(|function| function.end).collect();
        assert_eq!(ends, [32, 32, 80, 48, 90]);
    }

    #[test]
    fn functions_take_their_parts_along() {
        let moves = [Move { from: 0, end: 10, to: 100 }, Move { from: 20, end: 30, to: 50 }];
        let got = moved(&moves, &[(0u64, 4u64), (4, 25), (28, 40)], |span| *span, |_, start, end| (start, end));
        assert_eq!(got, [(100, 104), (104, 110), (50, 55), (58, 60)]);
    }
}
