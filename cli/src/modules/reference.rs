//! A second reader: the frames at an address as the addr2line crate reads them from the file, and
//! the symbol there. Shares no code with what filled the store.
//!
//! The crate keeps what it has parsed, for librgw (463 MB) up to gigabytes. So it is asked in
//! address order and [`ReferenceReader::session`] is begun anew every so many addresses, which
//! forgets.

use std::borrow::Cow;

use addr2line::gimli::{self, DwarfSections, EndianSlice, RunTimeEndian, SectionId};
use addr2line::{Context, LookupResult};
use object::{Object, ObjectKind, ObjectSection, ObjectSymbol, SectionFlags, SymbolFlags, elf};
use symtool_debug::limits::MAX_EXPANSION;

use super::folded::{Folded, is_of_one};

/// Nesting of debug entries, at most. The crate calls itself once or twice for each level of
/// inlined calls.
pub const MAX_NESTING: isize = 20_000;

/// Stack for whoever asks, for files of [`MAX_NESTING`]: 2 KB a call would do. Only what is used
/// takes memory.
pub const STACK_BYTES: usize = 256 << 20;

/// One frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Raw linkage name; empty where none is known.
    pub function: Vec<u8>,
    /// Path; empty where none is known.
    pub file: Vec<u8>,
    /// 1-based, 0 for none.
    pub line: u32,
    /// 1-based, 0 for none.
    pub column: u32,
}

/// The symbol at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'d> {
    address: u64,
    size: u64,
    /// Raw linkage name.
    pub name: &'d [u8],
    /// The source file that the table gives for a local symbol; empty for none.
    pub file: &'d [u8],
}

#[cfg(test)]
impl<'d> Symbol<'d> {
    pub fn named(name: &'d [u8], file: &'d [u8]) -> Self {
        Self { address: 0, size: 0, name, file }
    }
}

/// A file that is asked.
pub struct ReferenceReader<'d> {
    sections: DwarfSections<Cow<'d, [u8]>>,
    endian: RunTimeEndian,
    /// By address, then size; of equal ones the last wins.
    symbols: Vec<Symbol<'d>>,
    folded: Folded,
}

type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

impl<'d> ReferenceReader<'d> {
    /// Reads the headers and symbols of the file of `bytes`.
    ///
    /// # Errors
    /// If they are damaged, a section is larger than it may be, or entries are nested deeper than
    /// [`MAX_NESTING`].
    pub fn open(bytes: &'d [u8]) -> Result<Self, String> {
        let file = object::File::parse(bytes).map_err(|error| error.to_string())?;
        if file.kind() == ObjectKind::Relocatable {
            return Err("it is not linked, and the second reader applies no relocations; verify the linked file".to_owned());
        }
        let sections = DwarfSections::load(|id| section(&file, id, bytes.len()))?;
        let endian =
            if file.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
        let mut symbols = symbols(&file, file.symbols());
        if symbols.is_empty() {
            symbols = self::symbols(&file, file.dynamic_symbols());
        }
        symbols.sort_by_key(|symbol| (symbol.address, symbol.size));
        let mut witness = Self { sections, endian, symbols, folded: Folded::default() };
        let deepest = deepest(&witness.dwarf());
        if deepest > MAX_NESTING {
            return Err(format!(
                "its debug entries are nested {deepest} deep; the limit is {MAX_NESTING}"
            ));
        }
        witness.folded = Folded::of(&witness.dwarf());
        Ok(witness)
    }

    /// Begins to ask.
    ///
    /// # Errors
    /// If the list of units is damaged.
    pub fn session(&self) -> Result<Session<'_>, gimli::Error> {
        Context::from_dwarf(self.dwarf()).map(Session)
    }

    /// The symbol that names the code at `address`: the last that begins there or before, if it
    /// reaches so far. One without size reaches to the next, or on and on.
    pub fn symbol(&self, address: u64) -> Option<&Symbol<'d>> {
        let after = self.symbols.partition_point(|symbol| symbol.address <= address);
        let symbol = self.symbols.get(after.checked_sub(1)?)?;
        // Nothing reaches to the very last address: ranges end before it.
        let is_in_reach = if symbol.size == 0 {
            address < u64::MAX
        } else {
            address - symbol.address < symbol.size
        };
        is_in_reach.then_some(symbol)
    }

    /// Whether `store`, the frames of the store, and `file`, those of the file at `address`, are of
    /// functions that the linker has folded into one (ICF): several line sequences begin there, and
    /// perhaps symbols that end together.
    pub fn is_folded(&self, address: u64, store: &[Frame], file: &[Frame]) -> bool {
        let Some(named) = self.symbol(address) else { return false };
        let first = self.symbols.partition_point(|symbol| symbol.address < named.address);
        let twins =
            self.symbols[first..].iter().take_while(|symbol| symbol.address == named.address);
        let all_names = twins.filter(|symbol| symbol.size == named.size).map(|symbol| symbol.name);
        is_of_one(store, file, all_names, self.folded.places(named.address, address))
    }

    fn dwarf(&self) -> gimli::Dwarf<Slice<'_>> {
        self.sections.borrow(|section| EndianSlice::new(section, self.endian))
    }
}

/// Questions to a file, and what was parsed to answer them.
pub struct Session<'a>(Context<Slice<'a>>);

impl Session<'_> {
    /// The frames at `address`, innermost first; none where the debug data knows nothing. The
    /// outermost one has no name where no function of the debug data is there.
    ///
    /// # Errors
    /// If a unit is damaged.
    pub fn frames(&self, address: u64) -> Result<Vec<Frame>, gimli::Error> {
        let mut found = match self.0.find_frames(address) {
            LookupResult::Output(found) => found?,
            // Split units are not loaded.
            load @ LookupResult::Load { .. } => load.skip_all_loads()?,
        };
        let mut frames = Vec::new();
        while let Some(frame) = found.next()? {
            let location = frame.location;
            let (line, column) =
                location.as_ref().map_or((None, None), |location| (location.line, location.column));
            frames.push(Frame {
                function: frame
                    .function
                    .map_or_else(Vec::new, |function| function.name.slice().to_vec()),
                file: location
                    .and_then(|location| location.file)
                    .map_or_else(Vec::new, |file| file.as_bytes().to_vec()),
                line: line.unwrap_or(0),
                column: column.unwrap_or(0),
            });
        }
        Ok(frames)
    }
}

/// A debug section, expanded if it is compressed.
fn section<'d>(
    file: &object::File<'d>,
    id: SectionId,
    file_bytes: usize,
) -> Result<Cow<'d, [u8]>, String> {
    let Some(section) = file.section_by_name(id.name()) else { return Ok(Cow::Borrowed(&[])) };
    let failed = |error: object::Error| format!("section {}: {error}", id.name());
    let data = section.compressed_data().map_err(failed)?;
    if data.uncompressed_size > MAX_EXPANSION * file_bytes as u64 {
        return Err(format!("section {} declares {} bytes", id.name(), data.uncompressed_size));
    }
    data.decompress().map_err(failed)
}

/// Functions, untyped and data symbols of allocated sections.
fn symbols<'d: 'f, 'f>(
    file: &'f object::File<'d>,
    table: impl Iterator<Item = object::Symbol<'d, 'f>>,
) -> Vec<Symbol<'d>> {
    use object::Architecture as A;
    let machine = file.architecture();
    let has_mode_bit = matches!(machine, A::Arm | A::Mips | A::Mips64);
    // Of the first ABI of PowerPC64, symbols lead to descriptors, whose first word is the code's
    // address.
    let descriptors = file
        .section_by_name(".opd")
        .filter(|_| machine == A::PowerPc64 && !file.is_little_endian());
    let code = |descriptor: u64| {
        let section = descriptors.as_ref()?;
        let word = section.data_range(descriptor, 8).ok()??;
        Some(u64::from_be_bytes(word.try_into().ok()?))
    };
    let (mut source, mut symbols): (&[u8], Vec<Symbol<'d>>) = (&[], Vec::new());
    if file.format() == object::BinaryFormat::MachO {
        return macho_symbols(file, table);
    }
    for symbol in table {
        let (SymbolFlags::Elf { st_info, .. }, Ok(name)) = (symbol.flags(), symbol.name_bytes())
        else {
            continue;
        };
        let kind = st_info.st_type();
        if kind == elf::STT_FILE {
            source = name;
        }
        let names_an_address =
            [elf::STT_NOTYPE, elf::STT_FUNC, elf::STT_OBJECT, elf::STT_GNU_IFUNC].contains(&kind);
        let is_mark = matches!(name, [b'$', b'a' | b'd' | b't' | b'x', ..] | b".L0 ");
        let section = symbol.section_index().and_then(|index| file.section_by_index(index).ok());
        if names_an_address && !is_mark && section.as_ref().is_some_and(is_allocated) {
            let address = if has_mode_bit && kind == elf::STT_FUNC {
                symbol.address() & !1
            } else {
                symbol.address()
            };
            let address = code(address).unwrap_or(address);
            symbols.push(Symbol {
                address,
                size: symbol.size(),
                name,
                file: if symbol.is_local() { source } else { &[] },
            });
        }
    }
    symbols
}

/// Symbols of a Mach-O file, each of which reaches to the next higher address, in the order of
/// sections, at which one begins or a section ends. At the end of a section that may be the next
/// one's, or none.
fn macho_symbols<'d: 'f, 'f>(
    file: &'f object::File<'d>,
    table: impl Iterator<Item = object::Symbol<'d, 'f>>,
) -> Vec<Symbol<'d>> {
    let ends = file
        .sections()
        .map(|section| (section.index().0, section.address().wrapping_add(section.size()), None));
    let begins = table.filter(object::Symbol::is_definition).filter_map(|symbol| {
        let name = symbol.name_bytes().ok()?;
        Some((
            symbol.section_index()?.0,
            symbol.address(),
            Some(name.strip_prefix(b"_").unwrap_or(name)),
        ))
    });
    let mut places: Vec<(usize, u64, Option<&'d [u8]>)> = begins.chain(ends).collect();
    places.sort_by_key(|(section, address, _)| (*section, *address));
    let mut symbols: Vec<Symbol<'d>> = Vec::new();
    // The last address, and the one after it.
    let mut next = (None, None);
    for (_, address, name) in places.into_iter().rev() {
        if next.0 != Some(address) {
            next = (Some(address), next.0);
        }
        if let (Some(name), Some(size)) =
            (name, next.1.and_then(|after| after.checked_sub(address)))
        {
            symbols.push(Symbol { address, size, name, file: &[] });
        }
    }
    symbols.reverse();
    symbols
}

fn is_allocated(section: &object::Section<'_, '_>) -> bool {
    matches!(section.flags(), SectionFlags::Elf { sh_flags, .. } if sh_flags.contains(elf::SHF_ALLOC))
}

/// How deep entries are nested, in all units as far as they can be read.
fn deepest(dwarf: &gimli::Dwarf<Slice<'_>>) -> isize {
    let mut deepest = 0;
    let mut units = dwarf.units();
    while let Ok(Some(header)) = units.next() {
        let Ok(unit) = dwarf.unit(header) else { continue };
        let Ok(mut entries) = unit.entries_raw(None) else { continue };
        while !entries.is_empty() {
            deepest = deepest.max(entries.next_depth());
            match entries.read_abbreviation() {
                Ok(Some(abbreviation))
                    if entries.skip_attributes(abbreviation.attributes()).is_ok() => {}
                Ok(None) => {}
                _ => break,
            }
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails says so by panicking")]

    use super::*;

    /// One unit and one function at 0x1000..0x1010, in which inlined calls without name or code are
    /// nested.
    fn nested(depth: usize) -> ReferenceReader<'static> {
        // Each abbreviation: number, tag, children, attributes and forms: low_pc as an address,
        // high_pc as data4.
        let with_code = |number: u8, tag: u8| vec![number, tag, 1, 0x11, 0x01, 0x12, 0x06, 0, 0];
        let abbreviations =
            [with_code(1, 0x11), with_code(2, 0x2e), vec![3, 0x1d, 1, 0, 0, 0]].concat();
        let code = [0x1000u64.to_le_bytes().as_slice(), &0x10u32.to_le_bytes()].concat();
        let entries =
            [&[1], &code[..], &[2], &code[..], &vec![3; depth], &vec![0; depth + 2]].concat();
        let header = [4, 0, 0, 0, 0, 0, 8];
        let length = u32::try_from(header.len() + entries.len()).unwrap();
        let info = [length.to_le_bytes().as_slice(), &header, &entries].concat();
        let sections = DwarfSections::load(|id| {
            Ok::<_, ()>(Cow::Owned(match id {
                SectionId::DebugInfo => info.clone(),
                SectionId::DebugAbbrev => abbreviations.clone(),
                _ => Vec::new(),
            }))
        });
        ReferenceReader {
            sections: sections.unwrap(),
            endian: RunTimeEndian::Little,
            symbols: Vec::new(),
            folded: Folded::default(),
        }
    }

    #[test]
    fn nesting_is_counted() {
        for depth in [1, 100, 100_000] {
            assert_eq!(deepest(&nested(depth).dwarf()), isize::try_from(depth).unwrap() + 2);
        }
    }

    /// The deepest file that is asked leaves room on the stack.
    #[test]
    fn the_stack_is_large_enough() {
        let nested_deep = nested(usize::try_from(MAX_NESTING).unwrap() - 2);
        let frames = std::thread::scope(|scope| {
            let ask = || nested_deep.session().unwrap().frames(0x1008).unwrap().len();
            std::thread::Builder::new()
                .stack_size(STACK_BYTES / 4)
                .spawn_scoped(scope, ask)
                .unwrap()
                .join()
                .unwrap()
        });
        assert_eq!(frames, 1, "the function was found");
    }

    #[test]
    fn symbols_end_with_their_size_or_at_the_next() {
        let symbol = |address, size, name| Symbol { address, size, name, file: &[] };
        let mut witness = nested(1);
        witness.symbols = vec![
            symbol(10, 0, b"open"),
            symbol(20, 3, b"small"),
            symbol(20, 5, b"large"),
            symbol(40, 0, b"last"),
        ];
        for (address, want) in [
            (9, None),
            (10, Some("open")),
            (19, Some("open")),
            (20, Some("large")),
            (24, Some("large")),
            (25, None),
        ] {
            let found = witness.symbol(address).map(|symbol| symbol.name);
            assert_eq!(found, want.map(str::as_bytes), "{address}");
        }
        assert_eq!(witness.symbol(u64::MAX - 1).map(|symbol| symbol.name), Some(&b"last"[..]));
        assert_eq!(witness.symbol(u64::MAX).map(|symbol| symbol.name), None);
    }
}
