//! Parses tables of abbreviations (DWARF 5, section 7.5.3), and limits what they may cost.
//!
//! Each unit has a table of its own, or shares one with others. All are parsed once, before the
//! units, and kept: an attribute takes four bytes. Tables that begin within another are paid for,
//! since N units could have N/2 tables each:
//!
//! ```text
//! tables    ├──────────────────────────────┤
//!              ├───────────────────────────┤
//! ```

use std::sync::Arc;

use gimli::{
    Abbreviations, AttributeSpecification, DebugAbbrev, DebugAbbrevOffset, Dwarf, EndianSlice,
    Endianity, Error, Reader, Section, UnitHeader, constants as dw,
};
use hashbrown::HashMap;

use super::work::{Spent, Work};
use crate::limits::{
    MAX_SHORT_ATTRIBUTES, MIN_CACHED_ABBREVIATION_BYTES, STEPS_PER_OVERLAPPING_BYTE,
};

type Slice<'d, E> = EndianSlice<'d, E>;

/// An abbreviation.
#[derive(Clone, Copy, Debug)]
pub struct Abbreviation {
    code: u64,
    /// Where it begins in the table, in bytes.
    start: u32,
    /// Its attributes: indices into those of the table.
    first: u32,
    end: u32,
    /// `DW_TAG_*`.
    pub tag: gimli::DwTag,
    /// Whether children follow an entry.
    pub has_children: bool,
}

impl Abbreviation {
    /// How many attributes it has.
    pub fn len(&self) -> usize {
        (self.end - self.first) as usize
    }
}

/// A table.
#[derive(Debug, Default)]
pub struct Table {
    /// By code.
    abbreviations: Vec<Abbreviation>,
    attributes: Vec<(gimli::DwAt, gimli::DwForm)>,
    /// Values that stand in the table (`DW_FORM_implicit_const`), by index of the attribute.
    constants: Vec<(u32, i64)>,
}

impl Table {
    /// Parses the table at the start of `rest`, and moves that behind it, or behind what could be
    /// read.
    ///
    /// # Errors
    /// Those of gimli.
    fn parse<E: Endianity>(rest: &mut Slice<'_, E>) -> gimli::Result<Self> {
        let mut table = Self::default();
        let bytes = rest.len();
        loop {
            let start = bytes - rest.len();
            // Of a table that is not ended, what is there counts.
            let code = if rest.is_empty() { 0 } else { rest.read_uleb128()? };
            if code == 0 {
                break;
            }
            let tag = gimli::DwTag(rest.read_uleb128_u16()?);
            if tag.0 == 0 {
                return Err(Error::AbbreviationTagZero);
            }
            let children = gimli::DwChildren(rest.read_u8()?);
            if children != dw::DW_CHILDREN_no && children != dw::DW_CHILDREN_yes {
                return Err(Error::InvalidAbbreviationChildren(children));
            }
            let first = index(table.attributes.len())?;
            table.parse_attributes(rest)?;
            table.abbreviations.push(Abbreviation {
                code,
                start: index(start)?,
                first,
                end: index(table.attributes.len())?,
                tag,
                has_children: children == dw::DW_CHILDREN_yes,
            });
        }
        if !table.abbreviations.is_sorted_by_key(|abbreviation| abbreviation.code) {
            table.abbreviations.sort_by_key(|abbreviation| abbreviation.code);
        }
        let twice = table.abbreviations.windows(2).find(|pair| pair[0].code == pair[1].code);
        if let Some([abbreviation, _]) = twice {
            return Err(Error::DuplicateAbbreviationCode(abbreviation.code));
        }
        table.abbreviations.shrink_to_fit();
        table.attributes.shrink_to_fit();
        Ok(table)
    }

    fn parse_attributes<E: Endianity>(&mut self, rest: &mut Slice<'_, E>) -> gimli::Result<()> {
        loop {
            let (name, form) = match *rest.slice() {
                [name, form, ..] if (name | form) < 0x80 => {
                    rest.skip(2)?;
                    (u16::from(name), u16::from(form))
                }
                _ => (rest.read_uleb128_u16()?, rest.read_uleb128_u16()?),
            };
            match (name, form) {
                (0, 0) => return Ok(()),
                (0, _) => return Err(Error::AttributeNameZero),
                (_, 0) => return Err(Error::AttributeFormZero),
                _ => {}
            }
            let (name, form) = (gimli::DwAt(name), gimli::DwForm(form));
            if form == dw::DW_FORM_implicit_const {
                self.constants.push((index(self.attributes.len())?, rest.read_sleb128()?));
            }
            self.attributes.push((name, form));
        }
    }

    /// The abbreviation with `code`.
    ///
    /// # Errors
    /// If there is none.
    pub fn get(&self, code: u64) -> gimli::Result<Abbreviation> {
        // Compilers count from 1.
        let expected = usize::try_from(code.wrapping_sub(1)).ok();
        let expected = expected.and_then(|index| self.abbreviations.get(index));
        if let Some(abbreviation) = expected.filter(|abbreviation| abbreviation.code == code) {
            return Ok(*abbreviation);
        }
        let found =
            self.abbreviations.binary_search_by_key(&code, |abbreviation| abbreviation.code);
        found
            .map(|index| self.abbreviations[index])
            .map_err(|_| Error::InvalidAbbreviationCode(code))
    }

    /// Names and forms of the attributes of one of its abbreviations.
    pub fn forms(&self, abbreviation: Abbreviation) -> &[(gimli::DwAt, gimli::DwForm)] {
        &self.attributes[abbreviation.first as usize..abbreviation.end as usize]
    }

    /// Its attributes.
    pub fn attributes(
        &self,
        abbreviation: Abbreviation,
    ) -> impl Iterator<Item = AttributeSpecification> {
        (0..abbreviation.len()).map(move |number| self.attribute(abbreviation, number))
    }

    /// Attribute `number` of it.
    pub fn attribute(&self, abbreviation: Abbreviation, number: usize) -> AttributeSpecification {
        let (name, form) = self.forms(abbreviation)[number];
        let number = abbreviation.first as usize + number;
        let constant = (form == dw::DW_FORM_implicit_const)
            .then(|| self.constants.binary_search_by_key(&number, |(of, _)| *of as usize))
            .and_then(|found| Some(self.constants[found.ok()?].1));
        AttributeSpecification::new(name, form, constant)
    }

    /// The abbreviation with `code` as gimli's own table, which takes many times the memory; `bytes`
    /// are those of the table. Empty if there is none.
    fn only<E: Endianity>(&self, code: u64, bytes: Slice<'_, E>) -> gimli::Result<Abbreviations> {
        let Ok(abbreviation) = self.get(code) else { return Ok(Abbreviations::default()) };
        let mut rest = bytes;
        rest.skip(abbreviation.start as usize)?;
        let mut own = Self::default();
        let mut end = rest;
        end.read_uleb128()?;
        end.read_uleb128_u16()?;
        end.read_u8()?;
        own.parse_attributes(&mut end)?;
        rest.truncate(rest.len() - end.len())?;
        DebugAbbrev::from(rest).abbreviations(DebugAbbrevOffset(0))
    }
}

/// The tables of a file.
#[derive(Debug, Default)]
pub struct AbbreviationTables {
    /// By offset.
    kept: HashMap<usize, gimli::Result<Arc<Table>>>,
    /// Bytes of each table that has to be parsed again for every unit that uses it.
    others: HashMap<usize, u64>,
}

impl AbbreviationTables {
    /// Parses the tables of the units with `headers`.
    ///
    /// # Errors
    /// If tables lie over each other, and reading them would take more steps than there are.
    pub fn of<E: Endianity>(
        dwarf: &Dwarf<Slice<'_, E>>,
        headers: &[UnitHeader<Slice<'_, E>>],
        work: &Work,
    ) -> Result<Self, Spent> {
        let mut offsets: Vec<usize> =
            headers.iter().map(|header| header.debug_abbrev_offset().0).collect();
        offsets.sort_unstable();
        offsets.dedup();
        let mut tables = Self::default();
        let mut covered_to = 0;
        let section = dwarf.debug_abbrev.reader();
        let mut spare_bytes = (section.len() as u64).max(MIN_CACHED_ABBREVIATION_BYTES);
        for offset in offsets {
            let mut rest = at(dwarf, offset).unwrap_or_default();
            let before = rest.len();
            let table = Table::parse(&mut rest);
            let bytes = (before - rest.len()) as u64;
            if (offset as u64) < covered_to {
                work.spend(bytes.saturating_mul(STEPS_PER_OVERLAPPING_BYTE))?;
            }
            covered_to = covered_to.max(offset as u64 + bytes);
            if bytes > spare_bytes {
                tables.others.insert(offset, bytes);
            } else {
                spare_bytes -= bytes;
                tables.kept.insert(offset, table.map(Arc::new));
            }
        }
        Ok(tables)
    }

    /// The table of the unit with `header`, and of gimli's own the abbreviation of the root; takes
    /// the steps that they cost.
    ///
    /// # Errors
    /// If the table cannot be parsed, or no steps are left.
    pub fn of_unit<'d, E: Endianity>(
        &self,
        dwarf: &Dwarf<Slice<'d, E>>,
        header: &UnitHeader<Slice<'d, E>>,
        work: &Work,
    ) -> gimli::Result<(Arc<Table>, Abbreviations)> {
        let offset = header.debug_abbrev_offset().0;
        let bytes = at(dwarf, offset)?;
        let table = match self.kept.get(&offset) {
            Some(table) => table.clone()?,
            None => {
                work.spend(self.others.get(&offset).copied().unwrap_or_default())?;
                Arc::new(Table::parse(&mut bytes.clone())?)
            }
        };
        let code = header.range_from(header.root_offset()..)?.read_uleb128()?;
        let attributes = table.get(code).map_or(0, |root| root.len());
        if attributes > MAX_SHORT_ATTRIBUTES {
            work.spend(attributes as u64)?;
        }
        let root = table.only(code, bytes)?;
        Ok((table, root))
    }
}

/// The bytes of the tables from `offset` on.
fn at<'d, E: Endianity>(dwarf: &Dwarf<Slice<'d, E>>, offset: usize) -> gimli::Result<Slice<'d, E>> {
    let mut bytes = *dwarf.debug_abbrev.reader();
    bytes.skip(offset)?;
    Ok(bytes)
}

/// Tables of 4 GiB are no tables.
fn index(index: usize) -> gimli::Result<u32> {
    u32::try_from(index).map_err(|_| Error::UnsupportedOffset)
}

#[cfg(test)]
mod tests {
    use gimli::LittleEndian;

    use super::*;

    /// What is compared: tag, children, attributes.
    type Parsed = (gimli::DwTag, bool, Vec<AttributeSpecification>);

    fn by_gimli(bytes: &[u8], codes: &[u64]) -> gimli::Result<Vec<Option<Parsed>>> {
        let table = DebugAbbrev::new(bytes, LittleEndian).abbreviations(DebugAbbrevOffset(0))?;
        let parsed = |code: &u64| {
            let found = table.get(*code)?;
            Some((found.tag(), found.has_children(), found.attributes().to_vec()))
        };
        Ok(codes.iter().map(parsed).collect())
    }

    fn here(bytes: &[u8], codes: &[u64]) -> gimli::Result<Vec<Option<Parsed>>> {
        let table = Table::parse(&mut EndianSlice::new(bytes, LittleEndian))?;
        let parsed = |code: &u64| {
            let found = table.get(*code).ok()?;
            Some((found.tag, found.has_children, table.attributes(found).collect()))
        };
        Ok(codes.iter().map(parsed).collect())
    }

    /// Mostly such tables as compilers write.
    fn table(random: &mut fastrand::Rng) -> Vec<u8> {
        let mut bytes = Vec::new();
        for code in 1..=random.u8(..8) {
            bytes.push(if random.u8(..20) == 0 { random.u8(..9) } else { code });
            bytes.extend([random.u8(1..0x40), random.u8(..2)]);
            for _ in 0..random.u8(..6) {
                let form = [0x21, 0x0b, 0x08, 0x19, random.u8(1..0x2d)][random.usize(..5)];
                bytes.extend([random.u8(1..0x7f), form]);
                bytes.extend((form == 0x21).then(|| random.u8(..0x80)));
            }
            bytes.extend([0, 0]);
        }
        bytes.extend((random.u8(..4) != 0).then_some(0));
        if random.u8(..3) == 0 && !bytes.is_empty() {
            let at = random.usize(..bytes.len());
            bytes[at] = random.u8(..);
        }
        bytes
    }

    #[test]
    fn tables_are_those_that_gimli_reads() {
        let mut random = fastrand::Rng::with_seed(7);
        let codes: Vec<u64> = (0..=256).collect();
        let (mut whole, mut found) = (0, 0);
        for _ in 0..20_000 {
            let bytes = table(&mut random);
            let expected = by_gimli(&bytes, &codes);
            let got = here(&bytes, &codes);
            // Of several faults any may be told.
            assert_eq!(got.as_ref().ok(), expected.as_ref().ok(), "{bytes:x?}");
            if let Ok(parsed) = expected {
                whole += 1;
                found += parsed.iter().flatten().count();
            }
        }
        assert!(whole > 10_000 && whole < 19_000 && found > 30_000, "{whole} {found}");
    }

    #[test]
    fn the_abbreviation_of_a_root_is_cut_out() {
        let bytes = [1, 0x2e, 1, 3, 8, 0, 0, 2, 0x34, 0, 0x3a, 0x21, 0x85, 1, 0, 0, 0, 1, 0x2e];
        let slice = EndianSlice::new(&bytes, LittleEndian);
        let table = Table::parse(&mut slice.clone()).unwrap();
        let only = table.only(2, slice).unwrap();
        let found = only.get(2).unwrap();
        assert_eq!(found.tag(), dw::DW_TAG_variable);
        assert_eq!(found.attributes()[0].implicit_const_value(), Some(0x85));
        assert!(only.get(1).is_none() && table.only(3, slice).unwrap().get(3).is_none());
    }
}
