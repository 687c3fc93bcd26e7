//! Finds the name, file and line of a function through the entries that lead to them (DWARF 5,
//! sections 3.3.8.2 and 2.13.2).

use gimli::{
    AttributeValue, DebugInfoOffset, EndianSlice, Endianity, EntriesRaw, Reader, Section,
    UnitOffset, constants as dw,
};

use super::paths;
use super::units::{Unit, Units};
use crate::limits::{MAX_NAME_BYTES, MAX_NAME_HOPS, MAX_SHORT_ATTRIBUTES};
use crate::module::Folder;

type Slice<'d, E> = EndianSlice<'d, E>;

/// Names longer than this cost steps, one for so many bytes.
const LONG_NAME_BYTES: usize = 1024;

/// Where an entry lies that leads to a function's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameAt {
    /// In the unit itself.
    Unit(UnitOffset),
    /// In another unit of the file.
    File(DebugInfoOffset),
}

/// What entries say of a function.
#[derive(Clone, Copy, Debug)]
pub struct Declared<'d> {
    /// `DW_AT_linkage_name`, else `DW_AT_name`; empty if there is neither.
    pub name: &'d [u8],
    /// `DW_AT_decl_file`.
    pub file: Option<DeclaredFile>,
    /// `DW_AT_decl_line`; 0 for none.
    pub line: u32,
}

/// A file as a declaration names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeclaredFile {
    /// Where the unit begins whose file table counts, if it is another one; and whether it is of
    /// this file, not of the file of shared names.
    unit: Option<(bool, usize)>,
    /// Index into the file table.
    pub index: u64,
}

impl DeclaredFile {
    /// Whether it is a file of the unit that was asked.
    pub fn is_own(self) -> bool {
        self.unit.is_none()
    }
}

/// An entry of a unit of a file.
type Place<'u, 'd, E> = (&'u Units<'d, E>, &'u Unit<'d, E>, UnitOffset);

impl<'d, E: Endianity> Units<'d, E> {
    /// The function at `entry`, as `unit` refers to it; `None` if it has no entry. Each
    /// attribute is looked for through `DW_AT_specification` and `DW_AT_abstract_origin`, across
    /// units and files.
    pub fn function(&self, unit: &Unit<'d, E>, entry: NameAt) -> Option<Declared<'d>> {
        let (mut linkage, mut short, mut line) = (None, None, None);
        let (mut has_file, mut file) = (false, None);
        let own = unit;
        let (mut seen, mut hops) = ([(false, 0); MAX_NAME_HOPS], 0);
        // Few entries have two references.
        let mut next = Some(match entry {
            NameAt::Unit(offset) => (self, unit, offset),
            NameAt::File(offset) => self.place(offset)?,
        });
        let mut others = Vec::new();
        while let Some((units, unit, offset)) = next.take().or_else(|| others.pop()) {
            let global = (std::ptr::eq(units, self), offset.to_debug_info_offset(&unit.header)?.0);
            if hops >= MAX_NAME_HOPS || seen[..hops].contains(&global) {
                continue;
            }
            seen[hops] = global;
            hops += 1;
            // A reference that leads nowhere ends this path only.
            let Ok(entry) = NameEntry::read(units, unit, offset) else { continue };
            if linkage.is_none() {
                linkage = entry.linkage_name.and_then(|name| units.text(unit, name));
                // Of no use beside the other.
                short = if linkage.is_none() {
                    short.or_else(|| entry.name.and_then(|name| units.text(unit, name)))
                } else {
                    short
                };
            }
            line = line.or_else(|| entry.line.and_then(|line| line.udata_value()));
            if entry.has_file && !has_file {
                has_file = true;
                let unit = (!std::ptr::eq(unit, own))
                    .then(|| (std::ptr::eq(units, self), global.1 - offset.0));
                file = entry.file.map(|index| DeclaredFile { unit, index });
            }
            if linkage.is_some() && line.is_some() && has_file {
                break;
            }
            for reference in [entry.origin, entry.specification].into_iter().flatten() {
                if let Some(place) = units.follow(unit, reference) {
                    others.extend(next.replace(place));
                }
            }
        }
        let name = linkage.or(short);
        let line = u32::try_from(line.unwrap_or(0)).unwrap_or(0);
        (name.is_some() || file.is_some() || line != 0).then(|| Declared {
            name: name.unwrap_or_default(),
            file,
            line,
        })
    }

    /// The path of a file that declares something, as `unit` refers to it.
    pub fn declaring_path(
        &self,
        unit: &Unit<'d, E>,
        file: DeclaredFile,
    ) -> Option<(Vec<u8>, Folder)> {
        let (units, unit) = match file.unit {
            None => (self, unit),
            Some((is_own, start)) => {
                let units = if is_own { self } else { self.shared()? };
                (units, units.referred(units.at(DebugInfoOffset(start))?)?)
            }
        };
        paths::path(units, unit, unit.line_program.as_ref()?.header(), file.index)
    }

    fn text(&self, unit: &Unit<'d, E>, value: AttributeValue<Slice<'d, E>>) -> Option<&'d [u8]> {
        let text = self.string(unit, value)?;
        // Names can share their bytes.
        if text.len() > LONG_NAME_BYTES {
            self.work.spend(text.len() as u64 / LONG_NAME_BYTES as u64).ok()?;
        }
        let text = self.shown(text);
        (text.len() <= MAX_NAME_BYTES).then_some(text)
    }

    fn string(&self, unit: &Unit<'d, E>, value: AttributeValue<Slice<'d, E>>) -> Option<&'d [u8]> {
        // gimli looks for the end of a string byte by byte, and most names are long and here.
        let AttributeValue::DebugStrRef(offset) = value else {
            return Some(self.dwarf.attr_string(unit, value).ok()?.slice());
        };
        let strings = self.dwarf.debug_str.reader().slice().get(offset.0..)?;
        strings.get(..memchr::memchr(0, strings)?)
    }

    fn follow<'u>(
        &'u self,
        unit: &'u Unit<'d, E>,
        reference: AttributeValue<Slice<'d, E>>,
    ) -> Option<Place<'u, 'd, E>> {
        match reference {
            AttributeValue::UnitRef(offset) => Some((self, unit, offset)),
            AttributeValue::DebugInfoRef(offset) => self.place(offset),
            AttributeValue::DebugInfoRefSup(offset) => self.shared()?.place(offset),
            _ => None,
        }
    }

    fn place(&self, offset: DebugInfoOffset<usize>) -> Option<Place<'_, 'd, E>> {
        let index = self.at(offset)?;
        let unit = self.referred(index)?;
        Some((self, unit, offset.to_unit_offset(&unit.header)?))
    }
}

/// The attributes that lead to a function's name.
struct NameEntry<'d, E: Endianity> {
    linkage_name: Option<AttributeValue<Slice<'d, E>>>,
    name: Option<AttributeValue<Slice<'d, E>>>,
    origin: Option<AttributeValue<Slice<'d, E>>>,
    specification: Option<AttributeValue<Slice<'d, E>>>,
    has_file: bool,
    /// Its index, if that can be read.
    file: Option<u64>,
    line: Option<AttributeValue<Slice<'d, E>>>,
}

impl<'d, E: Endianity> NameEntry<'d, E> {
    fn read(units: &Units<'d, E>, unit: &Unit<'d, E>, offset: UnitOffset) -> gimli::Result<Self> {
        let mut entry = Self {
            linkage_name: None,
            name: None,
            origin: None,
            specification: None,
            has_file: false,
            file: None,
            line: None,
        };
        let mut input = unit.header.range_from(offset..)?;
        let code = input.read_uleb128()?;
        if code == 0 {
            return Ok(entry);
        }
        let abbreviation = unit.table.get(code)?;
        if abbreviation.len() > MAX_SHORT_ATTRIBUTES {
            // Many functions can have one origin.
            units.work.spend(abbreviation.len() as u64)?;
        }
        let mut entries =
            EntriesRaw::new(input, unit.header.encoding(), &unit.abbreviations, offset);
        for spec in &mut unit.table.attributes(abbreviation) {
            let slot = match spec.name() {
                dw::DW_AT_linkage_name | dw::DW_AT_MIPS_linkage_name => &mut entry.linkage_name,
                dw::DW_AT_name => &mut entry.name,
                dw::DW_AT_abstract_origin => &mut entry.origin,
                dw::DW_AT_specification => &mut entry.specification,
                dw::DW_AT_decl_file => {
                    entry.has_file = true;
                    entry.file = match entries.read_attribute(spec)?.value() {
                        // LLVM 19 does not take a constant of the abbreviation for a file.
                        AttributeValue::FileIndex(index)
                            if spec.form() != dw::DW_FORM_implicit_const =>
                        {
                            Some(index)
                        }
                        _ => None,
                    };
                    continue;
                }
                dw::DW_AT_decl_line => &mut entry.line,
                _ => {
                    entries.skip_attributes(std::slice::from_ref(&spec))?;
                    continue;
                }
            };
            *slot = Some(entries.read_attribute(spec)?.value());
        }
        Ok(entry)
    }
}
