//! The units of `.debug_info` by number or by offset, with what is asked of one at a time: its parsed header, the
//! ranges of its root, the name of one of its entries.

use std::sync::{Arc, OnceLock};

use gimli::{
    Abbreviation, AttributeSpecification, AttributeValue, BigEndian, DebugInfoOffset, Dwarf, EndianSlice, Endianity, LittleEndian,
    RangeListsOffset, Unit, UnitHeader, UnitOffset, constants as dw,
};
use rayon::prelude::*;

use super::abbreviations::Tables;
use super::paths;
use super::scopes::NameAt;
use super::work::Work;
use crate::limits::{MAX_NAME_BYTES, MAX_NAME_HOPS, MAX_SHORT_ATTRIBUTES, STEPS_PER_RANGE};
use crate::module::{DropReason, Dropped, Folder};
use crate::object::macho::symbol_map::SymbolMap;
use crate::object::sections::{self, Sections};

type Slice<'d, E> = EndianSlice<'d, E>;

/// The headers of the units of `dwarf`, and whether one ends the list that cannot be read.
fn headers<'d, E: Endianity>(dwarf: &Dwarf<Slice<'d, E>>) -> (Vec<UnitHeader<Slice<'d, E>>>, bool) {
    let mut headers = Vec::new();
    let mut units = dwarf.units();
    loop {
        match units.next() {
            Ok(Some(header)) => headers.push(header),
            Ok(None) => return (headers, false),
            Err(_) => return (headers, true),
        }
    }
}

/// Names longer than this cost steps, one for so many bytes.
const LONG_NAME_BYTES: usize = 1024;

/// A list with as many entries is long, and worth remembering.
pub const LONG_LIST: u64 = 64;

/// Reads where the addresses and range lists of a skeleton unit of DWARF 2 or 3 begin. GCC writes these attributes of later
/// versions in the forms of its own, in which gimli takes them for numbers.
fn read_split_bases<E: Endianity>(unit: &mut Unit<Slice<'_, E>>) -> gimli::Result<()> {
    let root = unit.entry(unit.header.root_offset())?;
    let offset = |name| match root.attr_value(name)? {
        AttributeValue::SecOffset(offset) => Some(offset),
        value => usize::try_from(value.udata_value()?).ok(),
    };
    let (addresses, ranges) = (offset(dw::DW_AT_GNU_addr_base), offset(dw::DW_AT_GNU_ranges_base));
    unit.addr_base = addresses.map_or(unit.addr_base, gimli::DebugAddrBase);
    unit.rnglists_base = ranges.map_or(unit.rnglists_base, gimli::DebugRngListsBase);
    Ok(())
}

/// The units of `sections`, and how many of them cannot be read; what follows a bad header is not known.
pub fn count(sections: &Sections<'_>, is_little_endian: bool) -> (u64, u64) {
    if is_little_endian { count_as(sections, LittleEndian) } else { count_as(sections, BigEndian) }
}

fn count_as<E: Endianity + Send + Sync>(sections: &Sections<'_>, endian: E) -> (u64, u64) {
    let dwarf = sections.borrow(|section| EndianSlice::new(section, endian));
    let work = Arc::new(Work::for_bytes(sections::bytes(sections)));
    let units = Units::list(dwarf, Arc::clone(&work), &mut Dropped::default());
    let is_bad = |index: &usize| !units.parse(*index).is_ok_and(|unit| unit.entry(unit.header.root_offset()).is_ok());
    let bad = (0..units.len()).into_par_iter().filter(is_bad).count();
    let all = units.len() as u64 + u64::from(units.is_cut);
    // Data that asks for too much work is left out as a whole.
    (all, if work.is_spent() { all.max(1) } else { bad as u64 + u64::from(units.is_cut) })
}

/// A unit that others refer to, if it can be parsed.
type Referred<'d, E> = Option<Box<Unit<Slice<'d, E>>>>;

/// All units of a file.
pub struct Units<'d, E: Endianity> {
    /// The sections they live in.
    pub dwarf: Dwarf<Slice<'d, E>>,
    headers: Vec<UnitHeader<Slice<'d, E>>>,
    /// Whether a header that cannot be read ends them.
    is_cut: bool,
    tables: Tables,
    /// What reading them may still cost.
    pub work: Arc<Work>,
    /// Units that others refer to (LTO, dwz): parsed once, on first reference.
    referred: Vec<OnceLock<Referred<'d, E>>>,
    /// The units of the file of shared names (dwz).
    shared: Option<Box<Units<'d, E>>>,
    /// What hidden names stand for.
    map: Option<&'d SymbolMap<'d>>,
}

/// Low and high address attributes and range list of an entry, as far as it has them.
#[derive(Clone, Copy)]
pub struct Extent<'d, E: Endianity> {
    /// `DW_AT_low_pc`.
    pub low: Option<AttributeValue<Slice<'d, E>>>,
    /// `DW_AT_high_pc`.
    pub high: Option<AttributeValue<Slice<'d, E>>>,
    /// `DW_AT_ranges`.
    pub ranges: Option<AttributeValue<Slice<'d, E>>>,
}

/// What a unit's root entry says.
#[derive(Debug, Default)]
pub struct Root {
    /// Whether it is a unit of those that have code: neither of types, nor of what others import.
    pub may_have_code: bool,
    /// Where the unit lies.
    pub ranges: Vec<(u64, u64)>,
    /// Whether the list of ranges ends in an error.
    pub has_bad_ranges: bool,
}

/// Where an entry lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lies {
    /// It has no code.
    Nowhere,
    /// In one piece: first address, and the one after the last.
    In(u64, u64),
    /// In the pieces of a range list.
    Listed(RangeListsOffset<usize>),
}

impl<E: Endianity> Default for Extent<'_, E> {
    fn default() -> Self {
        Self { low: None, high: None, ranges: None }
    }
}

impl<'d, E: Endianity> Units<'d, E> {
    /// Lists the units' headers; `work` is what reading them may cost. A header that cannot be read ends the list and is
    /// counted.
    pub fn list(mut dwarf: Dwarf<Slice<'d, E>>, work: Arc<Work>, dropped: &mut Dropped) -> Self {
        let (mut headers, is_cut) = headers(&dwarf);
        if is_cut {
            dropped.count(DropReason::BadUnit);
        }
        let tables = match work.spend(headers.len() as u64) {
            Ok(()) => Tables::of(&mut dwarf, &headers, &work),
            Err(spent) => Err(spent),
        };
        let tables = tables.unwrap_or_else(|_| {
            headers.clear();
            Tables::default()
        });
        let referred = headers.iter().map(|_| OnceLock::new()).collect();
        Self { dwarf, headers, is_cut, tables, work, referred, shared: None, map: None }
    }

    /// The same, with the units of the file of shared names.
    pub fn with_shared(self, shared: Option<Self>) -> Self {
        Self { shared: shared.map(Box::new), ..self }
    }

    /// The same, with hidden names as `map` has them.
    pub fn with_map(self, map: Option<&'d SymbolMap<'d>>) -> Self {
        Self { map, ..self }
    }

    /// `name`, or what it stands for if it is hidden.
    pub fn shown<'n>(&self, name: &'n [u8]) -> &'n [u8]
    where
        'd: 'n,
    {
        self.map.map_or(name, |map| map.resolve(name))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.headers.len()
    }

    /// Parses unit `index`: its abbreviations, its root's attributes and the header of its line program.
    ///
    /// # Errors
    /// If any of them cannot be read.
    pub fn parse(&self, index: usize) -> gimli::Result<Unit<Slice<'d, E>>> {
        let header = self.headers[index];
        let table = self.tables.of_unit(&self.dwarf, &header, &self.work)?;
        let mut unit = Unit::new_with_abbreviations(&self.dwarf, header, table)?;
        if header.version() < 4 && unit.dwo_id.is_some() {
            read_split_bases(&mut unit)?;
        }
        // Units can share a program, and parse its table of files each.
        let table_of_files = unit.line_program.as_ref().map_or(0, |program| program.header().header_length());
        self.work.spend(table_of_files as u64)?;
        Ok(unit)
    }

    /// Of `attributes`, which `abbreviation` has, those that have to be looked at with each entry of `unit`, if they are not all of them.
    #[inline]
    pub fn shortened(
        &self,
        unit: &Unit<Slice<'d, E>>,
        abbreviation: &Abbreviation,
        attributes: &[AttributeSpecification],
    ) -> Option<Arc<[AttributeSpecification]>> {
        (attributes.len() > MAX_SHORT_ATTRIBUTES).then(|| self.tables.shortened(&unit.header, abbreviation))
    }

    /// The header of unit `index`.
    pub fn header(&self, index: usize) -> &UnitHeader<Slice<'d, E>> {
        &self.headers[index]
    }

    /// Where unit `index` lies in `.debug_info`.
    pub fn bytes(&self, index: usize) -> std::ops::Range<usize> {
        let header = &self.headers[index];
        let start = header.debug_info_offset().map_or(0, |offset| offset.0);
        start..start + header.length_including_self()
    }

    /// The unit whose header or entries lie at `offset`.
    pub fn at(&self, offset: DebugInfoOffset<usize>) -> Option<usize> {
        let after = self.headers.partition_point(|header| header.debug_info_offset().is_none_or(|start| start <= offset));
        let index = after.checked_sub(1)?;
        self.bytes(index).contains(&offset.0).then_some(index)
    }

    /// What unit `index`'s root entry says; nothing for a unit that cannot be parsed (which is counted when its entries are
    /// read).
    pub fn root(&self, index: usize) -> Root {
        let mut said = Root::default();
        let Ok(unit) = self.parse(index) else { return said };
        let Ok(root) = unit.entry(unit.header.root_offset()) else { return said };
        said.may_have_code = matches!(root.tag(), dw::DW_TAG_compile_unit | dw::DW_TAG_skeleton_unit);
        let extent = Extent {
            low: root.attr_value(dw::DW_AT_low_pc),
            high: root.attr_value(dw::DW_AT_high_pc),
            ranges: root.attr_value(dw::DW_AT_ranges),
        };
        said.has_bad_ranges = self.ranges(&unit, &extent, |start, end| said.ranges.push((start, end))).is_err();
        said
    }

    /// Calls `each` with every range of an entry that is not empty (DWARF 5, section 2.17).
    ///
    /// # Errors
    /// If an address or the range list cannot be read; ranges before the fault have been delivered.
    pub fn ranges(&self, unit: &Unit<Slice<'d, E>>, extent: &Extent<'d, E>, mut each: impl FnMut(u64, u64)) -> gimli::Result<()> {
        match self.lies(unit, extent)? {
            Lies::Nowhere => Ok(()),
            Lies::In(start, end) => {
                each(start, end);
                Ok(())
            }
            Lies::Listed(list) => self.listed(unit, list, each).map(drop),
        }
    }

    /// Where an entry lies.
    ///
    /// # Errors
    /// If an address, or where the range list lies, cannot be read.
    pub fn lies(&self, unit: &Unit<Slice<'d, E>>, extent: &Extent<'d, E>) -> gimli::Result<Lies> {
        let piece = match (extent.low, extent.high) {
            (Some(low), Some(high)) => self.piece(unit, low, high),
            _ => Ok(None),
        };
        match (piece, extent.ranges) {
            (Ok(Some((low, high))), _) => return Ok(if low < high { Lies::In(low, high) } else { Lies::Nowhere }),
            (Err(error), None) => return Err(error),
            // Where there is a list, the address means nothing: BOLT leaves what is no index any more.
            _ => {}
        }
        let Some(ranges) = extent.ranges else { return Ok(Lies::Nowhere) };
        Ok(self.dwarf.attr_ranges_offset(unit, ranges)?.map_or(Lies::Nowhere, Lies::Listed))
    }

    /// First address, and the one after the last, of an entry in one piece; `None` if it has none, or a linker threw it away.
    fn piece(
        &self,
        unit: &Unit<Slice<'d, E>>,
        low: AttributeValue<Slice<'d, E>>,
        high: AttributeValue<Slice<'d, E>>,
    ) -> gimli::Result<Option<(u64, u64)>> {
        let Some(low) = self.dwarf.attr_address(unit, low)? else { return Ok(None) };
        let high = match high.udata_value() {
            Some(size) => low.checked_add(size),
            None => self.dwarf.attr_address(unit, high)?,
        };
        Ok(high.filter(|_| !is_tombstone(low, unit.header.address_size())).map(|high| (low, high)))
    }

    /// Calls `each` with every range of `list` that is not empty, and returns how many entries it has.
    ///
    /// # Errors
    /// If it cannot be read; ranges before the fault have been delivered.
    pub fn listed(&self, unit: &Unit<Slice<'d, E>>, list: RangeListsOffset<usize>, mut each: impl FnMut(u64, u64)) -> gimli::Result<u64> {
        let mut ranges = self.dwarf.ranges(unit, list)?;
        let (mut count, mut paid) = (0, 0);
        while let Some(range) = ranges.next()? {
            count += 1;
            // Lists can lie over each other.
            if count - paid == LONG_LIST {
                self.work.spend(LONG_LIST * STEPS_PER_RANGE)?;
                paid = count;
            }
            if range.begin < range.end {
                each(range.begin, range.end);
            }
        }
        self.work.spend((count - paid) * STEPS_PER_RANGE)?;
        Ok(count)
    }

    /// The function at `entry`, as `unit` refers to it; `None` if nothing is said of it. Each attribute is looked for
    /// through `DW_AT_specification` and `DW_AT_abstract_origin`, across units and files.
    pub fn function(&self, unit: &Unit<Slice<'d, E>>, entry: NameAt) -> Option<Declared<'d>> {
        let (mut linkage, mut short, mut line) = (None, None, None);
        let (mut has_file, mut file) = (false, None);
        let own = unit;
        let mut seen: Vec<(bool, usize)> = Vec::new();
        let mut pending = vec![match entry {
            NameAt::Unit(offset) => (self, unit, offset),
            NameAt::File(offset) => self.place(offset)?,
        }];
        while let Some((units, unit, offset)) = pending.pop() {
            let global = (std::ptr::eq(units, self), offset.to_debug_info_offset(&unit.header)?.0);
            if seen.contains(&global) || seen.len() >= MAX_NAME_HOPS {
                continue;
            }
            seen.push(global);
            // A reference that leads nowhere ends this path only.
            let Ok(entry) = NameEntry::read(units, unit, offset) else { continue };
            if linkage.is_none() {
                linkage = entry.linkage_name.and_then(|name| units.text(unit, name));
                // Of no use beside the other.
                short = if linkage.is_none() { short.or_else(|| entry.name.and_then(|name| units.text(unit, name))) } else { short };
            }
            line = line.or_else(|| entry.line.and_then(|line| line.udata_value()));
            if entry.has_file && !has_file {
                has_file = true;
                let unit = (!std::ptr::eq(unit, own)).then(|| (std::ptr::eq(units, self), global.1 - offset.0));
                file = entry.file.map(|index| DeclaredFile { unit, index });
            }
            if linkage.is_some() && line.is_some() && has_file {
                break;
            }
            for reference in [entry.origin, entry.specification].into_iter().flatten() {
                pending.extend(units.follow(unit, reference));
            }
        }
        let name = linkage.or(short);
        let line = u32::try_from(line.unwrap_or(0)).unwrap_or(0);
        (name.is_some() || file.is_some() || line != 0).then(|| Declared { name: name.unwrap_or_default(), file, line })
    }

    /// The path of a file that declares something, as `unit` refers to it.
    pub fn declaring_path(&self, unit: &Unit<Slice<'d, E>>, file: DeclaredFile) -> Option<(Vec<u8>, Folder)> {
        let (units, unit) = match file.unit {
            None => (self, unit),
            Some((is_own, start)) => {
                let units = if is_own { self } else { self.shared.as_deref()? };
                (units, units.referred(units.at(DebugInfoOffset(start))?)?)
            }
        };
        paths::path(units, unit, unit.line_program.as_ref()?.header(), file.index)
    }

    fn text(&self, unit: &Unit<Slice<'d, E>>, value: AttributeValue<Slice<'d, E>>) -> Option<&'d [u8]> {
        let text = self.dwarf.attr_string(unit, value).ok()?.slice();
        // Names can share their bytes.
        if text.len() > LONG_NAME_BYTES {
            self.work.spend(text.len() as u64 / LONG_NAME_BYTES as u64).ok()?;
        }
        let text = self.shown(text);
        (text.len() <= MAX_NAME_BYTES).then_some(text)
    }

    fn follow<'u>(&'u self, unit: &'u Unit<Slice<'d, E>>, reference: AttributeValue<Slice<'d, E>>) -> Option<Place<'u, 'd, E>> {
        match reference {
            AttributeValue::UnitRef(offset) => Some((self, unit, offset)),
            AttributeValue::DebugInfoRef(offset) => self.place(offset),
            AttributeValue::DebugInfoRefSup(offset) => self.shared.as_ref()?.place(offset),
            _ => None,
        }
    }

    fn place(&self, offset: DebugInfoOffset<usize>) -> Option<Place<'_, 'd, E>> {
        let index = self.at(offset)?;
        let unit = self.referred(index)?;
        Some((self, unit, offset.to_unit_offset(&unit.header)?))
    }

    /// Unit `index`, parsed once and kept.
    fn referred(&self, index: usize) -> Option<&Unit<Slice<'d, E>>> {
        self.referred[index].get_or_init(|| self.parse(index).ok().map(Box::new)).as_deref()
    }
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
    /// Where the unit begins whose file table counts, if it is another one; and whether it is of this file, not of
    /// the file of shared names.
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
type Place<'u, 'd, E> = (&'u Units<'d, E>, &'u Unit<Slice<'d, E>>, UnitOffset);

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
    fn read(units: &Units<'d, E>, unit: &Unit<Slice<'d, E>>, offset: UnitOffset) -> gimli::Result<Self> {
        let mut entry = Self { linkage_name: None, name: None, origin: None, specification: None, has_file: false, file: None, line: None };
        let mut entries = unit.entries_raw(Some(offset))?;
        let Some(abbreviation) = entries.read_abbreviation()? else { return Ok(entry) };
        let attributes = abbreviation.attributes();
        let shortened = units.shortened(unit, abbreviation, attributes);
        let attributes = shortened.as_deref().unwrap_or(attributes);
        if attributes.len() > MAX_SHORT_ATTRIBUTES {
            // Many functions can have one origin.
            units.work.spend(attributes.len() as u64)?;
        }
        for spec in attributes {
            let slot = match spec.name() {
                dw::DW_AT_linkage_name | dw::DW_AT_MIPS_linkage_name => &mut entry.linkage_name,
                dw::DW_AT_name => &mut entry.name,
                dw::DW_AT_abstract_origin => &mut entry.origin,
                dw::DW_AT_specification => &mut entry.specification,
                dw::DW_AT_decl_file => {
                    entry.has_file = true;
                    entry.file = match entries.read_attribute(*spec)?.value() {
                        // LLVM 19 does not take a constant of the abbreviation for a file.
                        AttributeValue::FileIndex(index) if spec.form() != dw::DW_FORM_implicit_const => Some(index),
                        _ => None,
                    };
                    continue;
                }
                dw::DW_AT_decl_line => &mut entry.line,
                _ => {
                    entries.skip_attributes(std::slice::from_ref(spec))?;
                    continue;
                }
            };
            *slot = Some(entries.read_attribute(*spec)?.value());
        }
        Ok(entry)
    }
}

/// Whether a linker marked `address` as discarded (-1; DWARF 6 issue 200609.1).
fn is_tombstone(address: u64, address_size: u8) -> bool {
    address == u64::MAX >> (64 - 8 * u32::from(address_size.clamp(1, 8)))
}
