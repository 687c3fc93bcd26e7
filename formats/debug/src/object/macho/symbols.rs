//! Reads the symbol table of Mach-O files.
//!
//! The table says where symbols begin. As llvm-symbolizer has it, each reaches to the next entry of
//! its section, debugging entries included, or to the section's end; a leading underscore is not
//! part of its name.

use object::read::macho::{MachHeader, MachOFile, Nlist};
use object::{Object, ObjectSection};

use super::symbol_map::SymbolMap;
use crate::limits::MAX_NAME_BYTES;
use crate::object::symbols::SymbolEntry;

/// The symbols that `file` defines, hidden names as `map` has them.
pub fn read<'d, M: MachHeader>(
    file: &MachOFile<'d, M>,
    map: Option<&SymbolMap<'d>>,
) -> Vec<SymbolEntry<'d>> {
    let (table, endian) = (file.macho_symbol_table(), file.endian());
    let sections = file.sections().count();
    let sizes = sizes(file);
    let defined = table.iter().zip(sizes).filter(|(symbol, _)| {
        symbol.is_definition() && (1..=sections).contains(&symbol.n_sect().into())
    });
    defined
        .filter_map(|(symbol, size)| {
            // The table of strings may begin with anything: offset 0 is no name.
            let name = if symbol.n_strx(endian) == 0 {
                b""
            } else {
                symbol.name(endian, table.strings()).ok()?
            };
            let name = Some(name).filter(|name| name.len() <= MAX_NAME_BYTES)?;
            let name = match map.map(|map| map.resolve(name)) {
                Some(shown) if shown != name => shown,
                _ => name.strip_prefix(b"_").unwrap_or(name),
            };
            Some(SymbolEntry { address: symbol.n_value(endian).into(), size, name, file: None })
        })
        .collect()
}

/// An entry of the table, or the end of a section.
struct Place {
    /// Counted from 0; entries of no section have the last number.
    section: u32,
    address: u64,
    entry: Option<usize>,
}

/// The sizes of all entries of the table, as LLVM's `computeSymbolSizes` has them.
fn sizes<M: MachHeader>(file: &MachOFile<'_, M>) -> Vec<u64> {
    let (table, endian) = (file.macho_symbol_table(), file.endian());
    let entries = table.iter().enumerate().map(|(number, symbol)| Place {
        section: u32::from(symbol.n_sect()).wrapping_sub(1),
        address: symbol.n_value(endian).into(),
        entry: Some(number),
    });
    let ends = file.sections().zip(0..).map(|(section, number)| Place {
        section: number,
        address: section.address().wrapping_add(section.size()),
        entry: None,
    });
    let mut places: Vec<Place> = entries.chain(ends).collect();
    places.sort_unstable_by_key(|place| (place.section, place.address));
    let mut sizes = vec![0; table.len()];
    let mut next = 0;
    for (at, place) in places.iter().enumerate() {
        while next <= at || next + 1 < places.len() && places[next].address == place.address {
            next += 1;
        }
        if let Some(entry) = place.entry {
            // Where the last of all places is a symbol, its address stands for its size.
            sizes[entry] = places
                .get(next)
                .map_or(place.address, |next| next.address.wrapping_sub(place.address));
        }
    }
    sizes
}
