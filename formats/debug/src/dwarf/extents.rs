//! Reads where an entry of a unit has its code (DWARF 5, section 2.17): in one piece, or in those
//! of a range list.

use gimli::{AttributeValue, EndianSlice, Endianity, RangeListsOffset, constants as dw};

use super::range_list::{Owner, RangeList};
use super::units::{Unit, Units};
use crate::limits::STEPS_PER_RANGE;

type Slice<'d, E> = EndianSlice<'d, E>;

/// A list with as many entries is long, and worth remembering.
pub const LONG_LIST: u64 = 64;

/// Low and high address attributes and range list of an entry, as far as it has them.
#[derive(Clone, Copy)]
pub struct AddressAttributes<'d, E: Endianity> {
    /// `DW_AT_low_pc`.
    pub low: Option<AttributeValue<Slice<'d, E>>>,
    /// `DW_AT_high_pc`.
    pub high: Option<AttributeValue<Slice<'d, E>>>,
    /// `DW_AT_ranges`.
    pub ranges: Option<AttributeValue<Slice<'d, E>>>,
}

/// What a unit's root entry says.
#[derive(Debug, Default)]
pub struct UnitRoot {
    /// Whether it is a unit of those that have code: neither of types, nor of what others import.
    pub may_have_code: bool,
    /// Where the unit lies.
    pub ranges: Vec<(u64, u64)>,
    /// Whether the list of ranges ends in an error.
    pub has_bad_ranges: bool,
}

/// Where an entry lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// It has no code.
    Nowhere,
    /// In one piece: first address, and the one after the last.
    In(u64, u64),
    /// In the pieces of a range list.
    Listed(RangeListsOffset<usize>),
}

impl<E: Endianity> Default for AddressAttributes<'_, E> {
    fn default() -> Self {
        Self { low: None, high: None, ranges: None }
    }
}

impl<'d, E: Endianity> Units<'d, E> {
    /// What unit `index`'s root entry says; nothing for a unit that cannot be parsed (which is
    /// counted when its entries are read).
    pub fn root(&self, index: usize) -> UnitRoot {
        let mut said = UnitRoot::default();
        let Ok(unit) = self.parse(index) else { return said };
        let Ok(root) = unit.entry(unit.header.root_offset()) else { return said };
        said.may_have_code =
            matches!(root.tag(), dw::DW_TAG_compile_unit | dw::DW_TAG_skeleton_unit);
        let addresses = AddressAttributes {
            low: root.attr_value(dw::DW_AT_low_pc),
            high: root.attr_value(dw::DW_AT_high_pc),
            ranges: root.attr_value(dw::DW_AT_ranges),
        };
        said.has_bad_ranges =
            self.ranges(&unit, &addresses, |start, end| said.ranges.push((start, end))).is_err();
        said
    }

    /// Calls `each` with every range of an entry that is not empty (DWARF 5, section 2.17).
    ///
    /// # Errors
    /// If an address or the range list cannot be read; ranges before the fault have been delivered.
    pub fn ranges(
        &self,
        unit: &Unit<'d, E>,
        addresses: &AddressAttributes<'d, E>,
        mut each: impl FnMut(u64, u64),
    ) -> gimli::Result<()> {
        match self.extent(unit, addresses)? {
            Extent::Nowhere => Ok(()),
            Extent::In(start, end) => {
                each(start, end);
                Ok(())
            }
            Extent::Listed(list) => self.listed(unit, list, each).map(drop),
        }
    }

    /// Where an entry lies.
    ///
    /// # Errors
    /// If an address, or where the range list lies, cannot be read.
    pub fn extent(
        &self,
        unit: &Unit<'d, E>,
        addresses: &AddressAttributes<'d, E>,
    ) -> gimli::Result<Extent> {
        let piece = match (addresses.low, addresses.high) {
            (Some(low), Some(high)) => self.piece(unit, low, high),
            _ => Ok(None),
        };
        match (piece, addresses.ranges) {
            (Ok(Some((low, high))), _) => {
                return Ok(if low < high { Extent::In(low, high) } else { Extent::Nowhere });
            }
            (Err(error), None) => return Err(error),
            // Where there is a list, the address means nothing: BOLT leaves what is no index any
            // more.
            _ => {}
        }
        let Some(ranges) = addresses.ranges else { return Ok(Extent::Nowhere) };
        Ok(self.dwarf.attr_ranges_offset(unit, ranges)?.map_or(Extent::Nowhere, Extent::Listed))
    }

    /// First address, and the one after the last, of an entry in one piece; `None` if it has none,
    /// or a linker threw it away.
    fn piece(
        &self,
        unit: &Unit<'d, E>,
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

    /// Calls `each` with every range of `list` that is not empty, and returns how many entries it
    /// has.
    ///
    /// # Errors
    /// If it cannot be read; ranges before the fault have been delivered.
    pub fn listed(
        &self,
        unit: &Unit<'d, E>,
        list: RangeListsOffset<usize>,
        mut each: impl FnMut(u64, u64),
    ) -> gimli::Result<u64> {
        let owner = Owner {
            encoding: unit.header.encoding(),
            base: unit.low_pc,
            addresses: unit.addr_base,
        };
        let mut ranges = RangeList::of(&self.dwarf, owner, list)?;
        let (mut count, mut paid) = (0, 0);
        while let Some(range) = ranges.next()? {
            count += 1;
            // Lists can lie over each other.
            if count - paid == LONG_LIST {
                self.work.spend(LONG_LIST * STEPS_PER_RANGE)?;
                paid = count;
            }
            each(range.begin, range.end);
        }
        self.work.spend((count - paid) * STEPS_PER_RANGE)?;
        Ok(count)
    }
}

/// Whether a linker marked `address` as discarded (-1; DWARF 6 issue 200609.1).
fn is_tombstone(address: u64, address_size: u8) -> bool {
    address == u64::MAX >> (64 - 8 * u32::from(address_size.clamp(1, 8)))
}
