//! Knows what is special about images of Windows (PE): their identity, exports and symbols.
//!
//! Addresses in them count from where the image wants to lie. A PDB does not know that place, so
//! the addresses of a module of this kind are relative to its image, as Windows writes them.

use std::borrow::Cow;

use object::read::pe::{ImageNtHeaders, ImageOptionalHeader, PeFile};
use object::{
    Export, ExportTarget, LittleEndian as LE, NameOrOrdinal, Object, ObjectSection, ObjectSymbol,
    SectionKind, SymbolKind,
};
use symtool_module::{Detail, ModuleId, swapped_guid};

use super::symbols::SymbolEntry;
use crate::limits::MAX_NAME_BYTES;
use crate::module::{ModuleSymbols, Start};

/// Calls `$body` with the image, of 32 or 64 bits; `None` if it is none.
macro_rules! with_pe {
    ($object:expr, $file:ident => $body:expr) => {
        match $object {
            object::File::Pe32($file) => Some($body),
            object::File::Pe64($file) => Some($body),
            _ => None,
        }
    };
}

/// The id that the linker has written into `object` for its PDB, else its time stamp and size.
pub fn id(object: &object::File<'_>) -> Option<ModuleId> {
    let pdb = object.pdb_info().ok().flatten();
    let by_pdb = pdb.map(|pdb| ModuleId::windows(swapped_guid(pdb.guid()), pdb.age()));
    by_pdb.or_else(|| with_pe!(object, file => stamp(file)))
}

/// The machine (`IMAGE_FILE_MACHINE_*`) of an image with a table of functions for unwinding, and
/// where that is: an address relative to the image, and bytes.
pub fn function_table(object: &object::File<'_>) -> Option<(u16, (u32, u32))> {
    with_pe!(object, file => {
        let machine = file.nt_headers().file_header().machine.get(LE).0;
        let directory = file.data_directory(object::pe::IMAGE_DIRECTORY_ENTRY_EXCEPTION)?;
        let table = (directory.virtual_address.get(LE), directory.size.get(LE));
        (table.1 > 0).then_some((machine, table))
    })
    .flatten()
}

/// The file name of the PDB of `object`.
pub fn pdb_name(object: &object::File<'_>) -> Option<String> {
    let pdb = object.pdb_info().ok().flatten()?;
    let name = pdb.path().rsplit(|byte| matches!(byte, b'\\' | b'/')).next()?;
    (!name.is_empty()).then(|| String::from_utf8_lossy(name).into_owned())
}

/// The time stamp of `object` and its size, as symbol servers write them: the former with eight
/// digits, the latter with as many as it needs, and in lower case.
pub fn code_id(object: &object::File<'_>) -> Option<String> {
    with_pe!(object, file => {
        let headers = file.nt_headers();
        let stamp = headers.file_header().time_date_stamp.get(LE);
        format!("{stamp:08X}{:x}", headers.optional_header().size_of_image())
    })
}

/// Symbol servers find an image by these two.
fn stamp<Pe: ImageNtHeaders>(file: &PeFile<'_, Pe>) -> ModuleId {
    let headers = file.nt_headers();
    let (stamp, bytes) =
        (headers.file_header().time_date_stamp.get(LE), headers.optional_header().size_of_image());
    ModuleId { bytes: [stamp.to_be_bytes(), bytes.to_be_bytes()].concat(), made_up: false }
}

/// How much `object` can tell.
pub fn detail(object: &object::File<'_>) -> Detail {
    if object.section_by_name(".debug_info").is_some() {
        Detail::Debug
    } else if object.symbols().next().is_some() {
        Detail::Symbols
    } else {
        Detail::Exports
    }
}

/// The functions of `object`: the symbols that MinGW's linker leaves, else exports. Each reaches to
/// the next one, or to the end of its section.
pub fn read_symbols<'d>(object: &object::File<'d>) -> Vec<SymbolEntry<'d>> {
    // C names have an underscore before them there.
    let prefix: &[u8] = if object.is_64() { b"" } else { b"_" };
    let is_code = |section: &object::Section<'_, '_>| section.kind() == SectionKind::Text;
    let mut entries: Vec<SymbolEntry<'d>> = object
        .symbols()
        .filter(|symbol| {
            matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data | SymbolKind::Unknown)
        })
        .filter(|symbol| {
            symbol
                .section_index()
                .and_then(|index| object.section_by_index(index).ok())
                .is_some_and(|section| is_code(&section))
        })
        .filter_map(|symbol| {
            let name = symbol.name_bytes().ok()?;
            Some(SymbolEntry {
                address: symbol.address(),
                size: 0,
                name: name.strip_prefix(prefix).unwrap_or(name),
                file: None,
            })
        })
        .collect();
    if entries.is_empty() {
        entries = exports(object);
    }
    let spans: Vec<(u64, u64)> = object
        .sections()
        .filter(is_code)
        .map(|section| (section.address(), section.address().saturating_add(section.size())))
        .collect();
    let covers = |address: u64| move |(start, end): &&(u64, u64)| (*start..*end).contains(&address);
    entries.retain(|entry| {
        !entry.name.is_empty()
            && entry.name.len() <= MAX_NAME_BYTES
            && spans.iter().any(|span| covers(entry.address)(&span))
    });
    entries.sort_by_key(|entry| entry.address);
    for at in 0..entries.len() {
        let address = entries[at].address;
        let section_end = spans.iter().find(covers(address)).map_or(address, |(_, end)| *end);
        let next = entries[at..]
            .iter()
            .map(|entry| entry.address)
            .find(|next| *next > address)
            .unwrap_or(u64::MAX);
        entries[at].size = next.min(section_end) - address;
    }
    entries
}

/// Exported functions with names; what is passed on to another image has no address.
fn exports<'d>(object: &object::File<'d>) -> Vec<SymbolEntry<'d>> {
    let named = |export: Export<'d>| {
        let ExportTarget::Address { address } = export.target() else { return None };
        match export.into_name() {
            NameOrOrdinal::Name(Cow::Borrowed(name)) => {
                Some(SymbolEntry { address, size: 0, name, file: None })
            }
            _ => None,
        }
    };
    let exports = object.exports().into_iter().flatten();
    exports.filter_map(|export| named(export.ok()?)).collect()
}

/// Makes the addresses in `module` relative to the image, which wants to lie at `base`.
pub fn make_relative(module: &mut ModuleSymbols, base: u64) {
    module.ranges.retain_mut(|range| {
        let is_inside = range.end > base;
        (range.start, range.end) =
            (range.start.saturating_sub(base), range.end.saturating_sub(base));
        is_inside
    });
    for chain in &mut module.chains {
        chain.start = chain
            .start
            .address()
            .and_then(|start| start.checked_sub(base))
            .map_or(Start::UNKNOWN, Start::at);
    }
    module.aliases.retain_mut(|alias| {
        alias.address.checked_sub(base).map(|address| alias.address = address).is_some()
    });
}
