//! Reads what a Mach-O image knows of its code besides the symbol table: linkage stubs, exported
//! functions, and functions without a name.
//!
//! An image is shipped without most of its symbols. Three tables remain because the dynamic linker
//! and the system need them; llvm-symbolizer reads none:
//!
//! ```text
//! indirect symbols      which imported function a stub leads to     DYLD-STUB$$malloc
//! exports trie          names of exported functions                 exports.rs
//! LC_FUNCTION_STARTS    where functions begin, without names        ends the symbol before
//! ```

use object::macho::{self, CPU_TYPE_ARM, IndirectSymbol};
use object::read::macho::{LoadCommandVariant, MachHeader, MachOFile, Nlist, Section};
use object::{Object, ObjectSection};

use super::exports;
use crate::limits::{MAX_FUNCTION_STARTS, MAX_NAME_BYTES, MIN_STRING_BYTES};
use crate::module::merge_sorted::SpanCursor;
use crate::object::symbols::{Symbol, SyntheticSymbol};

/// What stands before the name of the function that a stub leads to, as in Apple's own crash
/// reports.
const STUB_PREFIX: &[u8] = b"DYLD-STUB$$";

/// All of them, sorted and disjoint. `symbols` are those of the file.
pub fn read<'d, M: MachHeader>(
    file: &MachOFile<'d, M>,
    symbols: &[Symbol<'d>],
    image_base: u64,
) -> Vec<SyntheticSymbol> {
    let tables = Tables::of(file);
    let mut synthetic = stubs(file, tables.indirect.unwrap_or_default());
    synthetic.sort_by_key(|symbol| symbol.start);
    synthetic.dedup_by(|after, before| after.start < before.end);
    let functions = functions(file, &tables, symbols, image_base);
    let mut between = Vec::new();
    for symbol in functions {
        let after = synthetic.partition_point(|stub| stub.end <= symbol.start);
        let next = synthetic.get(after).map_or(u64::MAX, |stub| stub.start);
        between.push(SyntheticSymbol { end: symbol.end.min(next), ..symbol });
    }
    synthetic.extend(between.into_iter().filter(|symbol| symbol.start < symbol.end));
    synthetic.sort_by_key(|symbol| symbol.start);
    synthetic
}

type Indirect<'d, E> = &'d [object::U32<E, IndirectSymbol>];

/// The tables, as far as the file has them.
struct Tables<'d, M: MachHeader> {
    indirect: Option<Indirect<'d, M::Endian>>,
    exports: &'d [u8],
    starts: &'d [u8],
}

impl<'d, M: MachHeader> Tables<'d, M> {
    fn of(file: &MachOFile<'d, M>) -> Self {
        let (endian, data) = (file.endian(), file.data());
        let mut tables = Self { indirect: None, exports: &[], starts: &[] };
        let Ok(mut commands) = file.macho_load_commands() else { return tables };
        while let Ok(Some(command)) = commands.next() {
            match command.variant() {
                Ok(LoadCommandVariant::Dysymtab(table)) => {
                    tables.indirect = table.indirect_symbols(endian, data).ok();
                }
                Ok(LoadCommandVariant::DyldInfo(info)) => {
                    let (start, bytes) = (
                        info.export_off.get(endian) as usize,
                        info.export_size.get(endian) as usize,
                    );
                    tables.exports = data
                        .get(start..)
                        .and_then(|rest| rest.get(..bytes))
                        .unwrap_or(tables.exports);
                }
                Ok(LoadCommandVariant::LinkeditData(table)) => {
                    let bytes = table.data(endian, data).unwrap_or_default();
                    match command.cmd() {
                        macho::LC_DYLD_EXPORTS_TRIE => tables.exports = bytes,
                        macho::LC_FUNCTION_STARTS => tables.starts = bytes,
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        tables
    }
}

/// The stubs of `file`. Each of a section's stubs has an entry in the table of indirect symbols.
fn stubs<M: MachHeader>(
    file: &MachOFile<'_, M>,
    indirect: Indirect<'_, M::Endian>,
) -> Vec<SyntheticSymbol> {
    let (table, endian) = (file.macho_symbol_table(), file.endian());
    let mut stubs = Vec::new();
    // Sections can lie over each other, in the table too, and so can names.
    let mut room_bytes = MIN_STRING_BYTES;
    for section in file.sections() {
        let (header, start) = (section.macho_section(), section.address());
        let bytes = u64::from(header.symbol_stub_size(endian));
        let Ok(symbols) = header.indirect_symbols(endian, indirect) else { continue };
        if bytes == 0 {
            continue;
        }
        for (number, symbol) in symbols.iter().enumerate() {
            let symbol = table.symbol(object::SymbolIndex(symbol.get(endian).0 as usize));
            let Ok(name) = symbol.and_then(|symbol| symbol.name(endian, table.strings())) else {
                continue;
            };
            let start = start.saturating_add(bytes * number as u64);
            let name = name.strip_prefix(b"_").unwrap_or(name);
            if !name.is_empty()
                && name.len() <= MAX_NAME_BYTES
                && stubs.len() < indirect.len()
                && name.len() < room_bytes
            {
                room_bytes -= name.len();
                stubs.push(SyntheticSymbol {
                    start,
                    end: start.saturating_add(bytes),
                    name: [STUB_PREFIX, name].concat(),
                });
            }
        }
    }
    stubs
}

/// Exports and functions without a name, where no symbol begins; each reaches to where something
/// else begins, or to the end of its section.
fn functions<M: MachHeader>(
    file: &MachOFile<'_, M>,
    tables: &Tables<'_, M>,
    symbols: &[Symbol<'_>],
    image_base: u64,
) -> Vec<SyntheticSymbol> {
    let is_arm = file.macho_header().cputype(file.endian()) == CPU_TYPE_ARM;
    // Bit 0 of a function's address says Thumb.
    let address = |offset: u64| image_base.wrapping_add(if is_arm { offset & !1 } else { offset });
    let exports = exports::read(tables.exports);
    let named = exports.iter().map(|export| {
        (address(export.offset), export.name.strip_prefix(b"_").unwrap_or(&export.name))
    });
    let nameless =
        starts(tables.starts).take(MAX_FUNCTION_STARTS).map(|offset| (address(offset), &b""[..]));
    let mut begin: Vec<(u64, &[u8])> = named.chain(nameless).collect();
    // Of several names the first in the alphabet, and none only where there is no other.
    begin.sort_unstable_by_key(|(start, name)| (*start, name.is_empty(), *name));
    begin.dedup_by_key(|(start, _)| *start);
    let mut sections: Vec<(u64, u64)> = file
        .sections()
        .map(|section| (section.address(), section.address().saturating_add(section.size())))
        .collect();
    sections.sort_unstable();
    let ends: Vec<u64> = begin.iter().map(|(start, _)| *start).skip(1).chain([u64::MAX]).collect();
    let mut symbol_at = SpanCursor::new(symbols);
    let mut functions = Vec::new();
    for ((start, name), next) in begin.into_iter().zip(ends) {
        let after = sections.partition_point(|(section, _)| *section <= start);
        let Some((_, section_end)) =
            after.checked_sub(1).map(|at| sections[at]).filter(|(_, end)| start < *end)
        else {
            continue;
        };
        let (symbol, _) = symbol_at.seek(start);
        let begins_symbol = symbol.is_some_and(|symbol| symbols[symbol].start == start);
        // A function without a name matters where a symbol would reach over it.
        if begins_symbol || symbol.is_none() && name.is_empty() {
            continue;
        }
        let next_symbol = symbols
            .get(symbols.partition_point(|symbol| symbol.start <= start))
            .map_or(u64::MAX, |symbol| symbol.start);
        functions.push(SyntheticSymbol {
            start,
            end: next.min(next_symbol).min(section_end),
            name: name.to_vec(),
        });
    }
    functions
}

/// The offsets in `LC_FUNCTION_STARTS`: differences to the one before, the first to the image base.
fn starts(table: &[u8]) -> impl Iterator<Item = u64> {
    use gimli::Reader;
    let mut table = gimli::EndianSlice::new(table, gimli::LittleEndian);
    let mut offset = 0u64;
    std::iter::from_fn(move || {
        let distance = table.read_uleb128().ok().filter(|distance| *distance > 0)?;
        offset = offset.checked_add(distance)?;
        Some(offset)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_counted_from_one_to_the_next() {
        assert_eq!(starts(&[0x80, 0x20, 4, 8, 0, 1]).collect::<Vec<_>>(), [0x1000, 0x1004, 0x100c]);
        assert_eq!(starts(&[0x80]).count(), 0);
    }
}
