//! Reads source text that compilers put into line programs (`DW_LNCT_LLVM_source`, by clang's
//! `-gembed-source`).

use std::sync::Arc;

use gimli::{BigEndian, EndianSlice, Endianity, LittleEndian};
use hashbrown::HashSet;

use super::paths;
use super::units::Units;
use super::work::Work;
use crate::limits::{MAX_SOURCE_BYTES, MAX_SOURCE_FILES};
use crate::module::DropCounts;
use crate::object::sections::{self, Sections};
use crate::sources::SourceText;

/// The files of all line programs that have their text, each once. What cannot be read is left out.
pub fn list(sections: &Sections<'_>, is_little_endian: bool) -> Vec<SourceText> {
    if is_little_endian { list_as(sections, LittleEndian) } else { list_as(sections, BigEndian) }
}

fn list_as<E: Endianity + Send + Sync>(sections: &Sections<'_>, endian: E) -> Vec<SourceText> {
    let dwarf = sections.borrow(|section| EndianSlice::new(section, endian));
    let work = Arc::new(Work::for_bytes(sections::bytes(sections)));
    let units = Units::list(dwarf, Arc::clone(&work), &mut DropCounts::default());
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    for index in 0..units.len() {
        let Ok(unit) = units.parse(index) else { continue };
        let Some(program) = &unit.line_program else { continue };
        let header = program.header();
        if !header.file_has_source() {
            continue;
        }
        // File 0 is the unit's own since DWARF 5, which brought the text.
        for (index, file) in (0_u64..).zip(header.file_names()) {
            let text = file.source().and_then(|text| units.dwarf.attr_string(&unit, text).ok());
            let text = text.map(|text| text.slice()).unwrap_or_default();
            let is_small = !text.is_empty() && text.len() as u64 <= MAX_SOURCE_BYTES;
            // Files can share a text, however long.
            if !is_small || work.spend(1 + text.len() as u64 / 64).is_err() {
                continue;
            }
            let Some((path, _)) = paths::path(&units, &unit, header, index) else { continue };
            if found.len() < MAX_SOURCE_FILES && seen.insert(path.clone()) {
                found.push(SourceText { path, text: text.to_vec() });
            }
        }
    }
    found
}
