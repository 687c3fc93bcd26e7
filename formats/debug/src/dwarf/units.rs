//! Lists the units of `.debug_info`, and finds and parses one by its number or offset: [`Units`].

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};

use gimli::{
    AttributeValue, BigEndian, DebugInfoOffset, Dwarf, EndianSlice, Endianity, LittleEndian,
    UnitHeader, constants as dw,
};
use rayon::prelude::*;

use super::abbreviations::{AbbreviationTables, Table};
use super::work::Work;
use crate::module::{DropCounts, DropReason};
use crate::object::macho::symbol_map::SymbolMap;
use crate::object::sections::{self, Sections};

type Slice<'d, E> = EndianSlice<'d, E>;

/// A unit. Of its abbreviations gimli has that of the root only.
pub struct Unit<'d, E: Endianity> {
    gimli: gimli::Unit<Slice<'d, E>>,
    /// All of its abbreviations.
    pub table: Arc<Table>,
}

impl<'d, E: Endianity> Deref for Unit<'d, E> {
    type Target = gimli::Unit<Slice<'d, E>>;

    fn deref(&self) -> &Self::Target {
        &self.gimli
    }
}

impl<E: Endianity> DerefMut for Unit<'_, E> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.gimli
    }
}

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

/// Reads where the addresses and range lists of a skeleton unit of DWARF 2 or 3 begin. GCC writes
/// these attributes of later versions in the forms of its own, in which gimli takes them for
/// numbers.
fn read_split_bases<E: Endianity>(unit: &mut Unit<'_, E>) -> gimli::Result<()> {
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

/// The units of `sections`, and how many of them cannot be read; what follows a bad header is not
/// known.
pub fn count(sections: &Sections<'_>, is_little_endian: bool) -> (u64, u64) {
    if is_little_endian { count_as(sections, LittleEndian) } else { count_as(sections, BigEndian) }
}

fn count_as<E: Endianity + Send + Sync>(sections: &Sections<'_>, endian: E) -> (u64, u64) {
    let dwarf = sections.borrow(|section| EndianSlice::new(section, endian));
    let work = Arc::new(Work::for_bytes(sections::bytes(sections)));
    let units = Units::list(dwarf, Arc::clone(&work), &mut DropCounts::default());
    let is_bad = |index: &usize| {
        !units.parse(*index).is_ok_and(|unit| unit.entry(unit.header.root_offset()).is_ok())
    };
    let bad = (0..units.len()).into_par_iter().filter(is_bad).count();
    let all = units.len() as u64 + u64::from(units.is_cut);
    // Data that asks for too much work is left out as a whole.
    (all, if work.is_spent() { all.max(1) } else { bad as u64 + u64::from(units.is_cut) })
}

/// A unit and the file it is in.
pub type UnitOf<'a, 'd, E> = (&'a Units<'d, E>, &'a Unit<'d, E>);

/// A unit that others refer to, if it can be parsed.
type Referred<'d, E> = Option<Box<Unit<'d, E>>>;

/// All units of a file.
pub struct Units<'d, E: Endianity> {
    /// The sections they live in.
    pub dwarf: Dwarf<Slice<'d, E>>,
    headers: Vec<UnitHeader<Slice<'d, E>>>,
    /// Whether a header that cannot be read ends them.
    is_cut: bool,
    tables: AbbreviationTables,
    /// What reading them may still cost.
    pub work: Arc<Work>,
    /// Units that others refer to (LTO, dwz): parsed once, on first reference.
    referred: Vec<OnceLock<Referred<'d, E>>>,
    /// The units of the file of shared names (dwz).
    shared: Option<Box<Units<'d, E>>>,
    /// What hidden names stand for.
    map: Option<&'d SymbolMap<'d>>,
}

impl<'d, E: Endianity> Units<'d, E> {
    /// Lists the units' headers; `work` is what reading them may cost. A header that cannot be read
    /// ends the list and is counted.
    pub fn list(dwarf: Dwarf<Slice<'d, E>>, work: Arc<Work>, dropped: &mut DropCounts) -> Self {
        let (mut headers, is_cut) = headers(&dwarf);
        if is_cut {
            dropped.count(DropReason::BadUnit);
        }
        let tables = match work.spend(headers.len() as u64) {
            Ok(()) => AbbreviationTables::of(&dwarf, &headers, &work),
            Err(spent) => Err(spent),
        };
        let tables = tables.unwrap_or_else(|_| {
            headers.clear();
            AbbreviationTables::default()
        });
        let referred = headers.iter().map(|_| OnceLock::new()).collect();
        Self { dwarf, headers, is_cut, tables, work, referred, shared: None, map: None }
    }

    /// The same, with the units of the file of shared names.
    pub fn with_shared(self, shared: Option<Self>) -> Self {
        Self { shared: shared.map(Box::new), ..self }
    }

    /// The units of the file of shared names.
    pub fn shared(&self) -> Option<&Self> {
        self.shared.as_deref()
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

    /// Parses unit `index`: its abbreviations, its root's attributes and the header of its line
    /// program.
    ///
    /// # Errors
    /// If any of them cannot be read.
    pub fn parse(&self, index: usize) -> gimli::Result<Unit<'d, E>> {
        let header = self.headers[index];
        let (table, root) = self.tables.of_unit(&self.dwarf, &header, &self.work)?;
        let gimli = gimli::Unit::new_with_abbreviations(&self.dwarf, header, Arc::new(root))?;
        let mut unit = Unit { gimli, table };
        if header.version() < 4 && unit.dwo_id.is_some() {
            read_split_bases(&mut unit)?;
        }
        // Units can share a program, and parse its table of files each.
        let table_of_files =
            unit.line_program.as_ref().map_or(0, |program| program.header().header_length());
        self.work.spend(table_of_files as u64)?;
        Ok(unit)
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
        let after = self.headers.partition_point(|header| {
            header.debug_info_offset().is_none_or(|start| start <= offset)
        });
        let index = after.checked_sub(1)?;
        self.bytes(index).contains(&offset.0).then_some(index)
    }

    /// Unit `index`, to which another one refers: parsed once and kept.
    pub fn referred(&self, index: usize) -> Option<&Unit<'d, E>> {
        self.referred[index].get_or_init(|| self.parse(index).ok().map(Box::new)).as_deref()
    }
}
