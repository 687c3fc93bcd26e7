//! Symbol tables as the tools themselves see them: symbols by address and by name.
//!
//! The store has names for what is code; the tools also ask for what lies nearest, for any symbol
//! by its name, and for the section that an address is in.

use object::elf::{
    STT_FILE, STT_FUNC, STT_GNU_IFUNC, STT_NOTYPE, STT_OBJECT, STT_SECTION, STT_TLS, STV_HIDDEN,
};
use object::{
    File, Object, ObjectSection, ObjectSymbol, SectionFlags, SectionIndex, Symbol, SymbolFlags, elf,
};

/// A part of the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    index: SectionIndex,
    /// Its name.
    pub name: Vec<u8>,
    /// Where it begins.
    pub start: u64,
    /// Its size in bytes.
    pub size: u64,
    /// Whether it is in memory when the program runs.
    pub is_in_memory: bool,
}

impl Section {
    /// Whether `address` lies in it, and it is in memory.
    pub fn contains(&self, address: u64) -> bool {
        self.is_in_memory && address >= self.start && address - self.start < self.size
    }
}

/// All sections, in the file's order.
pub fn sections(file: &File<'_>) -> Vec<Section> {
    let is_in_memory = |flags| match flags {
        SectionFlags::Elf { sh_flags, .. } => sh_flags.contains(elf::SHF_ALLOC),
        _ => true,
    };
    let of = |section: object::Section<'_, '_>| Section {
        index: section.index(),
        name: section.name_bytes().unwrap_or_default().to_vec(),
        start: section.address(),
        size: section.size(),
        is_in_memory: is_in_memory(section.flags()),
    };
    file.sections().map(of).collect()
}

/// The symbols that count: `.symtab`, or `.dynsym` where there is none.
fn table<'d, 'f>(file: &'f File<'d>) -> impl Iterator<Item = Symbol<'d, 'f>> {
    let has_symbols = file.symbols().next().is_some();
    file.symbols().chain(
        has_symbols
            .then_some(())
            .map_or_else(|| Some(file.dynamic_symbols()), |()| None)
            .into_iter()
            .flatten(),
    )
}

/// The address of the first symbol of any kind that `is_it` says yes to; one that is not defined
/// here has none, which is 0.
pub fn address_of(file: &File<'_>, mut is_it: impl FnMut(&[u8]) -> bool) -> Option<u64> {
    table(file)
        .find(|symbol| symbol.name_bytes().is_ok_and(&mut is_it))
        .map(|symbol| symbol.address())
}

/// Address and size of the symbols called `name`, in address order. Of several symbols at one
/// address only the one that names it counts: the largest, and of equal ones the last (LLVM,
/// `SymbolizableObjectFile::create`).
pub fn named(file: &File<'_>, name: &[u8]) -> Vec<(u64, u64)> {
    let counts = |symbol: &Symbol<'_, '_>| match symbol.flags() {
        SymbolFlags::Elf { st_info, .. } => {
            symbol.section_index().is_some()
                && [STT_NOTYPE, STT_FUNC, STT_OBJECT, STT_GNU_IFUNC].contains(&st_info.st_type())
        }
        _ => symbol.section_index().is_some(),
    };
    let is_it = |symbol: &Symbol<'_, '_>| symbol.name_bytes().is_ok_and(|other| other == name);
    let mut found: Vec<(u64, u64, bool)> = table(file)
        .filter(|symbol| counts(symbol) && is_it(symbol))
        .map(|symbol| (symbol.address(), symbol.size(), true))
        .collect();
    found.sort_unstable();
    found.dedup_by_key(|(address, ..)| *address);
    if found.is_empty() {
        return Vec::new();
    }
    found.iter_mut().for_each(|(_, size, _)| *size = 0);
    for symbol in table(file).filter(counts) {
        let Ok(at) = found.binary_search_by_key(&symbol.address(), |(address, ..)| *address) else {
            continue;
        };
        if symbol.size() >= found[at].1 {
            found[at] = (symbol.address(), symbol.size(), is_it(&symbol));
        }
    }
    found.into_iter().filter(|(.., wins)| *wins).map(|(address, size, _)| (address, size)).collect()
}

/// Symbols that may be functions, as binutils looks for the nearest one (`_bfd_elf_find_function`):
/// sizes hardly count, and the source file is that of the `STT_FILE` symbol before it.
#[derive(Debug, Default)]
pub struct Nearest<'d> {
    /// By section and address, and then in the order of the table.
    entries: Vec<Entry<'d>>,
}

#[derive(Clone, Copy, Debug)]
struct Entry<'d> {
    section: SectionIndex,
    address: u64,
    size: u64,
    is_function: bool,
    is_typed: bool,
    name: &'d [u8],
    file: Option<&'d [u8]>,
}

impl<'d> Nearest<'d> {
    /// The symbols of `file`; none if it is no ELF file.
    pub fn of<'f>(file: &'f File<'d>) -> Self
    where
        'd: 'f,
    {
        let mut entries = Vec::new();
        let mut source = None;
        // File symbols stand before the local symbols of their file, so that global ones have none
        // once a second came.
        let (mut symbol_seen, mut file_after_symbol_seen) = (false, false);
        for symbol in table(file) {
            let SymbolFlags::Elf { st_info, st_other } = symbol.flags() else { continue };
            let kind = st_info.st_type();
            let Ok(name) = symbol.name_bytes() else { continue };
            if kind == STT_FILE {
                source = Some(name);
                file_after_symbol_seen |= symbol_seen;
                continue;
            }
            symbol_seen = true;
            let (Some(section), false) =
                (symbol.section_index(), [STT_SECTION, STT_OBJECT, STT_TLS].contains(&kind))
            else {
                continue;
            };
            let is_mark = symbol.size() == 0
                && symbol.is_local()
                && kind == STT_NOTYPE
                && st_other.visibility() == STV_HIDDEN;
            if is_mark {
                continue;
            }
            entries.push(Entry {
                section,
                address: symbol.address(),
                size: symbol.size().max(1),
                is_function: [STT_FUNC, STT_GNU_IFUNC].contains(&kind),
                is_typed: kind != STT_NOTYPE,
                name,
                file: source.filter(|_| symbol.is_local() || !file_after_symbol_seen),
            });
        }
        entries.sort_by_key(|entry| (entry.section.0, entry.address));
        Self { entries }
    }

    /// Name and source file of the symbol of `section` that is nearest to `address` and not behind
    /// it.
    pub fn at(&self, section: &Section, address: u64) -> Option<(&'d [u8], Option<&'d [u8]>)> {
        let end = self.entries.partition_point(|entry| {
            (entry.section.0, entry.address) <= (section.index.0, address)
        });
        let last = self.entries[..end].last().filter(|entry| entry.section == section.index)?;
        let start = self.entries.partition_point(|entry| {
            (entry.section.0, entry.address) < (section.index.0, last.address)
        });
        let mut alike = self.entries.get(start..end)?.iter();
        let first = alike.next()?;
        let best = alike
            .fold(first, |best, entry| if entry.fits_better(best, address) { entry } else { best });
        Some((best.name, best.file))
    }
}

impl Entry<'_> {
    fn reaches(&self, address: u64) -> bool {
        address - self.address < self.size
    }

    /// Whether this one is taken for `address`, of two that begin at one place.
    fn fits_better(&self, best: &Self, address: u64) -> bool {
        if !best.reaches(address) {
            return self.size > best.size;
        }
        if !self.reaches(address) {
            return false;
        }
        let rank = |entry: &Self| (entry.is_function, entry.is_typed);
        if rank(self) == rank(best) { self.size < best.size } else { rank(self) > rank(best) }
    }
}
