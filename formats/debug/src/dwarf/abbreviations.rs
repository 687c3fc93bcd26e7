//! Measures and keeps tables of abbreviations (DWARF 5, section 7.5.3), and limits what they may
//! cost.
//!
//! Each unit has a table of its own, or shares one with others, which is parsed once then. Two ways
//! to make few bytes dear are closed here:
//!
//! ```text
//! tables    ├──────────────────────────────┤       begin within another, so that N units parse N/2 tables each:
//!              ├───────────────────────────┤       paid for with many steps
//! entry     [code][attribute of no size] * 25,000  an abbreviation's attributes that take no bytes are looked at
//!                                                  once, not with every entry
//! ```

use std::sync::{Arc, Mutex, PoisonError};

use gimli::{
    Abbreviation, Abbreviations, AttributeSpecification, DebugAbbrevOffset, Dwarf, EndianSlice,
    Endianity, Reader, Section, UnitHeader, constants as dw,
};
use hashbrown::HashMap;

use super::work::{Spent, Work};
use crate::bytes::leb128;
use crate::limits::{
    MAX_SHORT_ATTRIBUTES, MIN_CACHED_ABBREVIATION_BYTES, STEPS_PER_OVERLAPPING_BYTE,
};

type Slice<'d, E> = EndianSlice<'d, E>;

/// Attributes of abbreviations, by table and code.
type Attributes = HashMap<(usize, u64), Arc<[AttributeSpecification]>>;

/// What is known of the tables of a file before they are parsed.
#[derive(Debug, Default)]
pub struct AbbreviationTables {
    /// Bytes of each table that has to be parsed again for every unit that uses it.
    uncached: HashMap<usize, u64>,
    /// Attributes of abbreviations that have many, without those that can be left out.
    long: Mutex<Attributes>,
}

impl AbbreviationTables {
    /// Measures the tables of the units with `headers`, and keeps those in `dwarf` that several
    /// units share.
    ///
    /// # Errors
    /// If tables lie over each other, and reading them would take more steps than there are.
    pub fn of<E: Endianity>(
        dwarf: &mut Dwarf<Slice<'_, E>>,
        headers: &[UnitHeader<Slice<'_, E>>],
        work: &Work,
    ) -> Result<Self, Spent> {
        let mut offsets: Vec<usize> =
            headers.iter().map(|header| header.debug_abbrev_offset().0).collect();
        offsets.sort_unstable();
        let section = dwarf.debug_abbrev.reader().slice();
        let mut tables = Self::default();
        let mut covered_to = 0;
        let mut cacheable_bytes = (section.len() as u64).max(MIN_CACHED_ABBREVIATION_BYTES);
        for alike in offsets.chunk_by(|one, other| one == other) {
            let offset = alike[0];
            let bytes = table_bytes(section, offset);
            let end = offset as u64 + bytes;
            if (offset as u64) < covered_to {
                work.spend(bytes.saturating_mul(STEPS_PER_OVERLAPPING_BYTE))?;
            }
            covered_to = covered_to.max(end);
            if alike.len() == 1 || bytes > cacheable_bytes {
                tables.uncached.insert(offset, bytes);
                continue;
            }
            cacheable_bytes -= bytes;
            if let Ok(table) = dwarf.debug_abbrev.abbreviations(DebugAbbrevOffset(offset)) {
                dwarf
                    .abbreviations_cache
                    .set::<Slice<'_, E>>(DebugAbbrevOffset(offset), Arc::new(table));
            }
        }
        Ok(tables)
    }

    /// The table of the unit with `header`, and takes the steps that its root costs, as often as
    /// that is read.
    ///
    /// # Errors
    /// If it cannot be parsed, or no steps are left.
    pub fn of_unit<'d, E: Endianity>(
        &self,
        dwarf: &Dwarf<Slice<'d, E>>,
        header: &UnitHeader<Slice<'d, E>>,
        work: &Work,
    ) -> gimli::Result<Arc<Abbreviations>> {
        if let Some(bytes) = self.uncached.get(&header.debug_abbrev_offset().0) {
            work.spend(*bytes)?;
        }
        let table = dwarf.abbreviations(header)?;
        let root = header
            .entries_raw(&table, None)?
            .read_abbreviation()?
            .map_or(0, |root| root.attributes().len());
        if root > MAX_SHORT_ATTRIBUTES {
            work.spend(root as u64)?;
        }
        Ok(table)
    }

    /// The attributes of `abbreviation`, of the unit with `header`, that take bytes; of the others
    /// the last of each name that is read here.
    pub fn shortened<R>(
        &self,
        header: &UnitHeader<R>,
        abbreviation: &Abbreviation,
    ) -> Arc<[AttributeSpecification]>
    where
        R: Reader<Offset = usize>,
    {
        let key = (header.debug_abbrev_offset().0, abbreviation.code());
        let mut long = self.long.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(long.entry(key).or_insert_with(|| {
            let mut met = Vec::new();
            let mut is_kept = |attribute: &&AttributeSpecification| {
                let name = attribute.name();
                let is_last = is_read(name) && !met.contains(&name);
                met.extend(is_last.then_some(name));
                is_last || attribute.size(header) != Some(0)
            };
            let mut kept: Vec<AttributeSpecification> =
                abbreviation.attributes().iter().rev().filter(&mut is_kept).copied().collect();
            kept.reverse();
            kept.into()
        }))
    }
}

/// Whether an attribute tells where a function lies, what it is called or where it was called.
fn is_read(name: gimli::DwAt) -> bool {
    matches!(
        name,
        dw::DW_AT_low_pc
            | dw::DW_AT_high_pc
            | dw::DW_AT_ranges
            | dw::DW_AT_abstract_origin
            | dw::DW_AT_specification
            | dw::DW_AT_sibling
            | dw::DW_AT_name
            | dw::DW_AT_linkage_name
            | dw::DW_AT_MIPS_linkage_name
            | dw::DW_AT_decl_file
            | dw::DW_AT_decl_line
            | dw::DW_AT_call_file
            | dw::DW_AT_call_line
            | dw::DW_AT_call_column
            | dw::DW_AT_GNU_discriminator
    )
}

/// How many bytes the table at `offset` has, or has up to where it is damaged.
fn table_bytes(section: &[u8], offset: usize) -> u64 {
    let Some(table) = section.get(offset..) else { return 0 };
    let mut rest = table;
    // Parsing it meets the same error.
    let _ = skip_table(&mut rest);
    (table.len() - rest.len()) as u64
}

/// Moves `rest` behind the table; `None` where it is damaged. All tables of a file are passed over
/// before any is parsed, byte by byte.
fn skip_table(rest: &mut &[u8]) -> Option<()> {
    while !rest.is_empty() && leb128::skip(rest)? {
        leb128::skip(rest)?;
        (_, *rest) = rest.split_first()?;
        loop {
            let is_last = !leb128::skip(rest)?;
            let is_constant = rest.first() == Some(&IMPLICIT_CONST);
            leb128::skip(rest)?;
            if is_constant {
                leb128::skip(rest)?;
            }
            if is_last {
                break;
            }
        }
    }
    Some(())
}

/// `DW_FORM_implicit_const`, whose value stands behind it in the table.
const IMPLICIT_CONST: u8 = 0x21;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_measured() {
        // Two abbreviations, one with an implicit constant; the end; another table, which is cut.
        let section = [1, 0x2e, 1, 3, 8, 0, 0, 2, 0x34, 0, 0x3a, 0x21, 0x85, 1, 0, 0, 0, 1, 0x2e];
        let bytes = |offset| table_bytes(&section, offset);
        assert_eq!((bytes(0), bytes(7), bytes(17), bytes(99)), (17, 10, 2, 0));
    }
}
