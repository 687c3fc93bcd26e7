//! Reads the symbols that distributions leave in stripped files: the object file within
//! `.gnu_debugdata`, expanded from xz (gdb, "Debugging information in a special section").

use std::io::Read;

use lzma_rust2::XzReader;
use object::{Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};

use super::symbols;
use crate::limits::{MAX_EXPANSION, MAX_XZ_KIB};
use crate::object::layout::Layout;
use crate::object::symbols::SymbolEntry;

/// The bytes of the file within, if `object` has one that can be read; its symbols are names only,
/// and a file without them is as good as one from which they were stripped.
///
/// # Errors
/// If it is damaged or expands past [`MAX_EXPANSION`].
pub fn expand(object: &object::File<'_>) -> Result<Option<Vec<u8>>, String> {
    let Some(section) = object.section_by_name(".gnu_debugdata") else { return Ok(None) };
    let in_section = |reason: String| format!("section .gnu_debugdata: {reason}");
    let data = section.data().map_err(|error| in_section(error.to_string()))?;
    let limit = MAX_EXPANSION * data.len() as u64;
    let mut expanded = Vec::new();
    let mut reader = XzReader::new_mem_limit(data, true, MAX_XZ_KIB).take(limit + 1);
    reader.read_to_end(&mut expanded).map_err(|error| in_section(error.to_string()))?;
    if expanded.len() as u64 > limit {
        return Err(in_section(format!("expands to more than the limit of {limit} bytes")));
    }
    Ok(Some(expanded))
}

/// The functions of `mini`, the file within `file`, where `file` has them: the file within was made
/// before prelinking moved the other. What else it lists is of no use: a symbol of data without
/// size would reach over all that comes after it.
pub fn entries<'d>(file: &object::File<'_>, mini: &object::File<'d>) -> Vec<SymbolEntry<'d>> {
    let moved = |section: &object::Section<'_, '_>| {
        let inner = mini.section_by_name_bytes(section.name_bytes().ok()?)?;
        (section.kind() == SectionKind::Text && inner.size() == section.size())
            .then(|| section.address().wrapping_sub(inner.address()))
    };
    let bias = file.sections().find_map(|section| moved(&section)).unwrap_or(0);
    let is_function = |symbol: &object::Symbol<'_, '_>| match symbol.kind() {
        SymbolKind::Text => true,
        // Without a type, but with a size: written by hand.
        SymbolKind::Unknown | SymbolKind::Label => symbol.size() > 0,
        _ => false,
    };
    let functions = mini.symbols().filter(is_function);
    let entries = symbols::entries(mini, functions, &Layout::default());
    entries
        .into_iter()
        .map(|entry| SymbolEntry { address: entry.address.wrapping_add(bias), ..entry })
        .collect()
}
