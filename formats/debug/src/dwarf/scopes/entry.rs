//! Reads what the entry of a function or of an inlined call says: addresses, origin, place of the
//! call.

use gimli::{
    AttributeSpecification, AttributeValue, EndianSlice, Endianity, EntriesRaw, Unit,
    constants as dw,
};

use super::CallSite;
use crate::dwarf::extents::AddressAttributes;
use crate::dwarf::names::NameAt;

/// What a function's or an inlined call's entry says of where it lies.
pub struct FunctionEntry<'d, E: Endianity> {
    /// Where its code lies.
    pub addresses: AddressAttributes<'d, E>,
    /// The function that it is an instance of, unless it has a name of its own.
    pub origin: Option<NameAt>,
    /// Where the call is.
    pub call: CallSite,
}

impl<'d, E: Endianity> FunctionEntry<'d, E> {
    /// Reads the attributes that matter and skips the others, those that stand together at once.
    #[inline]
    pub fn read(
        unit: &Unit<EndianSlice<'d, E>>,
        entries: &mut EntriesRaw<'_, EndianSlice<'d, E>>,
        attributes: &[AttributeSpecification],
    ) -> gimli::Result<Self> {
        let mut entry = Self {
            addresses: AddressAttributes::default(),
            origin: None,
            call: CallSite::default(),
        };
        if !attributes
            .iter()
            .any(|attribute| matches!(attribute.name(), dw::DW_AT_low_pc | dw::DW_AT_ranges))
        {
            // No code of its own, as a declaration or the abstract instance of an inlined function.
            entries.skip_attributes(attributes)?;
            return Ok(entry);
        }
        let mut is_named = false;
        let mut rest = attributes;
        while !rest.is_empty() {
            let skipped =
                rest.iter().position(|attribute| matters(attribute.name())).unwrap_or(rest.len());
            is_named |= rest[..skipped].iter().any(|attribute| leads_to_a_name(attribute.name()));
            if skipped > 0 {
                entries.skip_attributes(&rest[..skipped])?;
            }
            let Some((&attribute, after)) = rest[skipped..].split_first() else { break };
            rest = after;
            let value = entries.read_attribute_inline(attribute)?;
            match attribute.name() {
                dw::DW_AT_low_pc => entry.addresses.low = Some(value.raw_value()),
                dw::DW_AT_high_pc => entry.addresses.high = Some(value.raw_value()),
                dw::DW_AT_ranges => entry.addresses.ranges = Some(value.value()),
                dw::DW_AT_call_file => entry.call.file = value.udata_value().unwrap_or(0),
                dw::DW_AT_call_line => entry.call.line = saturate(value.udata_value()),
                dw::DW_AT_call_column => entry.call.column = saturate(value.udata_value()),
                dw::DW_AT_GNU_discriminator => {
                    entry.call.discriminator = saturate(value.udata_value());
                }
                _ => match value.raw_value() {
                    AttributeValue::UnitRef(origin) => entry.origin = Some(NameAt::Unit(origin)),
                    // Linkers of debug data (dsymutil, LTO) keep one origin for many units.
                    AttributeValue::DebugInfoRef(origin) => {
                        entry.origin = Some(
                            origin
                                .to_unit_offset(&unit.header)
                                .map_or(NameAt::File(origin), NameAt::Unit),
                        );
                    }
                    _ => {}
                },
            }
        }
        entry.origin = entry.origin.filter(|_| !is_named);
        Ok(entry)
    }
}

fn matters(name: gimli::DwAt) -> bool {
    matches!(
        name,
        dw::DW_AT_low_pc
            | dw::DW_AT_high_pc
            | dw::DW_AT_ranges
            | dw::DW_AT_abstract_origin
            | dw::DW_AT_call_file
            | dw::DW_AT_call_line
            | dw::DW_AT_call_column
            | dw::DW_AT_GNU_discriminator
    )
}

fn leads_to_a_name(name: gimli::DwAt) -> bool {
    matches!(
        name,
        dw::DW_AT_name
            | dw::DW_AT_linkage_name
            | dw::DW_AT_MIPS_linkage_name
            | dw::DW_AT_specification
    )
}

fn saturate(number: Option<u64>) -> u32 {
    u32::try_from(number.unwrap_or(0)).unwrap_or(u32::MAX)
}
