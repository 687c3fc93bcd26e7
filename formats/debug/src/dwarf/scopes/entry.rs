//! What the entry of a function or of an inlined call says: addresses, origin, place of the call.

use gimli::{
    Attribute, AttributeValue, DebugAddrIndex, DebugInfoOffset, DebugRngListsIndex, EndianSlice,
    Endianity, RawRangeListsOffset, UnitOffset, constants as dw,
};

use super::CallSite;
use super::attributes::Slot;
use super::plan::{Receive, usize_of};
use crate::dwarf::extents::AddressAttributes;
use crate::dwarf::names::NameAt;
use crate::dwarf::units::Unit;

/// What a function's or an inlined call's entry says of where it lies.
pub struct FunctionEntry<'u, 'd, E: Endianity> {
    unit: &'u Unit<'d, E>,
    /// Where its code lies.
    pub addresses: AddressAttributes<'d, E>,
    /// The function that it is an instance of.
    pub origin: Option<NameAt>,
    /// Where the call is.
    pub call: CallSite,
}

impl<'u, 'd, E: Endianity> FunctionEntry<'u, 'd, E> {
    /// An entry of `unit`, before anything of it is read.
    #[inline]
    pub fn new(unit: &'u Unit<'d, E>) -> Self {
        let addresses = AddressAttributes::default();
        Self { unit, addresses, origin: None, call: CallSite::default() }
    }

    /// Linkers of debug data (dsymutil, LTO) keep one origin for many units.
    fn origin_at(&self, origin: DebugInfoOffset) -> NameAt {
        origin.to_unit_offset(&self.unit.header).map_or(NameAt::File(origin), NameAt::Unit)
    }
}

impl<'d, E: Endianity> Receive<'d, E> for FunctionEntry<'_, 'd, E> {
    #[inline]
    fn number(&mut self, slot: Slot, number: u64) -> gimli::Result<()> {
        let Self { addresses, call, .. } = self;
        match slot {
            Slot::LowAddress => addresses.low = Some(AttributeValue::Addr(number)),
            Slot::LowIndex => {
                let index = DebugAddrIndex(usize_of(number)?);
                addresses.low = Some(AttributeValue::DebugAddrIndex(index));
            }
            Slot::HighAddress => addresses.high = Some(AttributeValue::Addr(number)),
            Slot::Size => addresses.high = Some(AttributeValue::Udata(number)),
            Slot::RangesOffset => {
                let offset = RawRangeListsOffset(usize_of(number)?);
                addresses.ranges = Some(AttributeValue::RangeListsRef(offset));
            }
            Slot::RangesIndex => {
                let index = DebugRngListsIndex(usize_of(number)?);
                addresses.ranges = Some(AttributeValue::DebugRngListsIndex(index));
            }
            Slot::UnitOrigin => self.origin = Some(NameAt::Unit(UnitOffset(usize_of(number)?))),
            Slot::FileOrigin => {
                self.origin = Some(self.origin_at(DebugInfoOffset(usize_of(number)?)));
            }
            Slot::CallFile => call.file = number,
            Slot::CallLine => call.line = saturate(Some(number)),
            Slot::CallColumn => call.column = saturate(Some(number)),
            Slot::Discriminator => call.discriminator = saturate(Some(number)),
            Slot::Sibling => {}
        }
        Ok(())
    }

    fn rare(&mut self, attribute: &Attribute<EndianSlice<'d, E>>) {
        match attribute.name() {
            dw::DW_AT_low_pc => self.addresses.low = Some(attribute.raw_value()),
            dw::DW_AT_high_pc => self.addresses.high = Some(attribute.raw_value()),
            dw::DW_AT_ranges => self.addresses.ranges = Some(attribute.value()),
            dw::DW_AT_call_file => self.call.file = attribute.udata_value().unwrap_or(0),
            dw::DW_AT_call_line => self.call.line = saturate(attribute.udata_value()),
            dw::DW_AT_call_column => self.call.column = saturate(attribute.udata_value()),
            dw::DW_AT_GNU_discriminator => {
                self.call.discriminator = saturate(attribute.udata_value());
            }
            _ => match attribute.raw_value() {
                AttributeValue::UnitRef(origin) => self.origin = Some(NameAt::Unit(origin)),
                AttributeValue::DebugInfoRef(origin) => {
                    self.origin = Some(self.origin_at(origin));
                }
                _ => {}
            },
        }
    }
}

/// Where what follows a type's children begins.
#[derive(Debug, Default)]
pub struct Sibling(pub Option<UnitOffset>);

impl<'d, E: Endianity> Receive<'d, E> for Sibling {
    fn number(&mut self, slot: Slot, number: u64) -> gimli::Result<()> {
        if slot == Slot::Sibling {
            self.0 = Some(UnitOffset(usize_of(number)?));
        }
        Ok(())
    }

    fn rare(&mut self, _: &Attribute<EndianSlice<'d, E>>) {}
}

fn saturate(number: Option<u64>) -> u32 {
    u32::try_from(number.unwrap_or(0)).unwrap_or(u32::MAX)
}
