//! What abbreviations mean here: which entries matter, which of their attributes are read, and in
//! which forms those are common.

use gimli::{AttributeSpecification, EndianSlice, Endianity, Reader, constants as dw};

use crate::dwarf::abbreviations::Abbreviation;
use crate::dwarf::units::Unit;

/// What an entry describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A function, or a call of one that was inlined, that can have code of its own. Its name is its
    /// own if an attribute leads there.
    Function { is_inlined: bool, is_named: bool },
    /// Such a function without code, as a declaration or the abstract instance of an inlined
    /// function.
    Declaration { is_inlined: bool },
    /// A type with children and the offset of what follows them.
    Type,
    /// Nothing that matters here.
    Other,
}

/// What a number means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// `DW_AT_low_pc`, an address.
    LowAddress,
    /// `DW_AT_low_pc`, an index into `.debug_addr`.
    LowIndex,
    /// `DW_AT_high_pc`, an address.
    HighAddress,
    /// `DW_AT_high_pc`, bytes behind `DW_AT_low_pc`.
    Size,
    /// `DW_AT_ranges`, where a list begins.
    RangesOffset,
    /// `DW_AT_ranges`, an index into the offsets of `.debug_rnglists`.
    RangesIndex,
    /// `DW_AT_abstract_origin`, in the unit.
    UnitOrigin,
    /// `DW_AT_abstract_origin`, in the section.
    FileOrigin,
    /// `DW_AT_call_file`.
    CallFile,
    /// `DW_AT_call_line`.
    CallLine,
    /// `DW_AT_call_column`.
    CallColumn,
    /// `DW_AT_GNU_discriminator`.
    Discriminator,
    /// `DW_AT_sibling`, in the unit.
    Sibling,
}

/// How many slots there are, at most.
pub const SLOTS: usize = 16;

/// Bytes of a number.
#[derive(Clone, Copy, Debug)]
pub enum Width {
    /// One.
    One,
    /// Two.
    Two,
    /// Four.
    Four,
    /// Eight.
    Eight,
    /// As many as it has in LEB128.
    Leb128,
}

/// Reads a number.
///
/// # Errors
/// If `input` ends within it.
#[inline]
pub fn number<E: Endianity>(input: &mut EndianSlice<'_, E>, width: Width) -> gimli::Result<u64> {
    match width {
        Width::One => input.read_u8().map(u64::from),
        Width::Two => input.read_u16().map(u64::from),
        Width::Four => input.read_u32().map(u64::from),
        Width::Eight => input.read_u64(),
        Width::Leb128 => match input.slice() {
            [first, ..] if *first < 0x80 => input.read_u8().map(u64::from),
            _ => input.read_uleb128(),
        },
    }
}

/// What the number in an attribute means; `None` if it is of a form that is rare there.
pub fn slot(attribute: &AttributeSpecification) -> Option<Slot> {
    let form = attribute.form();
    let is_number = matches!(
        form,
        dw::DW_FORM_data1
            | dw::DW_FORM_data2
            | dw::DW_FORM_data4
            | dw::DW_FORM_data8
            | dw::DW_FORM_udata
    );
    let is_unit_reference = matches!(
        form,
        dw::DW_FORM_ref1
            | dw::DW_FORM_ref2
            | dw::DW_FORM_ref4
            | dw::DW_FORM_ref8
            | dw::DW_FORM_ref_udata
    );
    let is_constant = form == dw::DW_FORM_implicit_const;
    match attribute.name() {
        dw::DW_AT_low_pc if form == dw::DW_FORM_addr => Some(Slot::LowAddress),
        dw::DW_AT_low_pc if is_address_index(form) => Some(Slot::LowIndex),
        dw::DW_AT_high_pc if form == dw::DW_FORM_addr => Some(Slot::HighAddress),
        dw::DW_AT_high_pc if is_number => Some(Slot::Size),
        dw::DW_AT_ranges if form == dw::DW_FORM_sec_offset => Some(Slot::RangesOffset),
        dw::DW_AT_ranges if form == dw::DW_FORM_rnglistx => Some(Slot::RangesIndex),
        dw::DW_AT_abstract_origin if is_unit_reference => Some(Slot::UnitOrigin),
        dw::DW_AT_abstract_origin if form == dw::DW_FORM_ref_addr => Some(Slot::FileOrigin),
        dw::DW_AT_sibling if is_unit_reference => Some(Slot::Sibling),
        dw::DW_AT_call_file if is_number || is_constant => Some(Slot::CallFile),
        dw::DW_AT_call_line if is_number || is_constant => Some(Slot::CallLine),
        dw::DW_AT_call_column if is_number || is_constant => Some(Slot::CallColumn),
        dw::DW_AT_GNU_discriminator if is_number || is_constant => Some(Slot::Discriminator),
        _ => None,
    }
}

fn is_address_index(form: gimli::DwForm) -> bool {
    matches!(form, dw::DW_FORM_addrx | dw::DW_FORM_GNU_addr_index)
}

/// Bytes of the number in an attribute that has a [`Slot`].
pub fn width<E: Endianity>(
    attribute: &AttributeSpecification,
    unit: &Unit<'_, E>,
) -> Option<Width> {
    match attribute.size(&unit.header) {
        Some(1) => Some(Width::One),
        Some(2) => Some(Width::Two),
        Some(4) => Some(Width::Four),
        Some(8) => Some(Width::Eight),
        // Forms of no fixed size that have a slot are numbers in LEB128.
        None => Some(Width::Leb128),
        Some(_) => None,
    }
}

/// What entries of an abbreviation describe.
pub fn kind(abbreviation: Abbreviation, forms: &[(gimli::DwAt, gimli::DwForm)]) -> Kind {
    let has = |wanted| forms.iter().any(|(name, _)| *name == wanted);
    let is_inlined = abbreviation.tag == dw::DW_TAG_inlined_subroutine;
    match abbreviation.tag {
        dw::DW_TAG_subprogram | dw::DW_TAG_inlined_subroutine
            if has(dw::DW_AT_low_pc) || has(dw::DW_AT_ranges) =>
        {
            let is_named = forms.iter().any(|(name, _)| leads_to_a_name(*name));
            Kind::Function { is_inlined, is_named }
        }
        dw::DW_TAG_subprogram | dw::DW_TAG_inlined_subroutine => Kind::Declaration { is_inlined },
        tag if abbreviation.has_children && is_type(tag) && has(dw::DW_AT_sibling) => Kind::Type,
        _ => Kind::Other,
    }
}

/// Whether an attribute is read in an entry of `kind`.
pub fn reads(kind: Kind, name: gimli::DwAt) -> bool {
    match kind {
        Kind::Function { is_named, .. } => match name {
            dw::DW_AT_abstract_origin => !is_named,
            dw::DW_AT_low_pc
            | dw::DW_AT_high_pc
            | dw::DW_AT_ranges
            | dw::DW_AT_call_file
            | dw::DW_AT_call_line
            | dw::DW_AT_call_column
            | dw::DW_AT_GNU_discriminator => true,
            _ => false,
        },
        Kind::Type => name == dw::DW_AT_sibling,
        Kind::Declaration { .. } | Kind::Other => false,
    }
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

/// Whether a tag's subtree describes a type.
fn is_type(tag: gimli::DwTag) -> bool {
    matches!(
        tag,
        dw::DW_TAG_structure_type
            | dw::DW_TAG_class_type
            | dw::DW_TAG_union_type
            | dw::DW_TAG_enumeration_type
            | dw::DW_TAG_subroutine_type
            | dw::DW_TAG_array_type
    )
}
