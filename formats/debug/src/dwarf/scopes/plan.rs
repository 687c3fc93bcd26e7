//! Compiles abbreviations: which attributes of an entry are read, and how many bytes are passed
//! over between them.
//!
//! ```text
//! abbreviation   name strp | external flag | type ref4 | low_pc addr | high_pc data8 | frame_base exprloc
//! plan           pass 9                                | read        | read          | block
//! ```
//!
//! A unit has many entries of few abbreviations, so looking at each attribute of each entry costs
//! more than the attributes.

use gimli::{
    Abbreviation, Attribute, AttributeSpecification, EndianSlice, Endianity, EntriesRaw, Reader,
    Unit, UnitOffset, constants as dw,
};
use hashbrown::HashMap;

use crate::dwarf::work::Work;
use crate::limits::MAX_SHORT_ATTRIBUTES;

/// Abbreviations have small codes; those of others are looked up.
const SMALL_CODES: u64 = 1 << 12;

/// What an entry describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A function, or a call of one that was inlined, that can have code of its own.
    Function { is_inlined: bool },
    /// Such a function without code, as a declaration or the abstract instance of an inlined
    /// function.
    Declaration { is_inlined: bool },
    /// A type with children and the offset of what follows them.
    Type,
    /// Nothing that matters here.
    Other,
}

/// How entries of one abbreviation are read.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What they describe.
    pub kind: Kind,
    /// Whether children follow.
    pub has_children: bool,
    /// Bytes before the first step.
    pass: u32,
    /// Which of [`Plans::steps`] are its own.
    first_step: u32,
    last_step: u32,
}

/// An attribute whose length has to be found or whose value is read.
#[derive(Clone, Copy, Debug)]
struct Step {
    does: Does,
    /// Bytes to pass over behind it.
    pass: u32,
}

#[derive(Clone, Copy, Debug)]
enum Does {
    /// Passes over a number in LEB128.
    PassNumber,
    /// Passes over a text that ends with NUL.
    PassText,
    /// Passes over a block, which stands behind its length.
    PassBlock(Width),
    /// Passes over an attribute of a form that is rare; an index into [`Plans::rare`].
    PassRare(u32),
    /// Reads a number.
    Read(Slot, Width),
    /// Takes a number that stands in the abbreviation; an index into [`Plans::constants`].
    Take(Slot, u32),
    /// Reads an attribute of a form that is rare; an index into [`Plans::rare`].
    ReadRare(u32),
}

/// Bytes of a number.
#[derive(Clone, Copy, Debug)]
enum Width {
    One,
    Two,
    Four,
    Eight,
    Leb128,
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

/// The plans of a unit's abbreviations, as far as its entries have needed them.
#[derive(Debug, Default)]
pub struct Plans {
    /// By code.
    small: Vec<Option<Plan>>,
    large: HashMap<u64, Plan>,
    steps: Vec<Step>,
    constants: Vec<u64>,
    rare: Vec<AttributeSpecification>,
}

/// Receives what a plan reads.
pub trait Receive<'d, E: Endianity> {
    /// A number.
    ///
    /// # Errors
    /// If this machine cannot address what it refers to.
    fn number(&mut self, slot: Slot, number: u64) -> gimli::Result<()>;

    /// An attribute of a form that is rare.
    fn rare(&mut self, attribute: &Attribute<EndianSlice<'d, E>>);
}

/// Keeps nothing.
struct Nothing;

impl<E: Endianity> Receive<'_, E> for Nothing {
    fn number(&mut self, _: Slot, _: u64) -> gimli::Result<()> {
        Ok(())
    }

    fn rare(&mut self, _: &Attribute<EndianSlice<'_, E>>) {}
}

impl Plans {
    /// The plan of the abbreviation with `code`, which `unit` has.
    ///
    /// # Errors
    /// If there is none, or it has so many attributes that no steps are left.
    #[inline]
    pub fn of<E: Endianity>(
        &mut self,
        code: u64,
        unit: &Unit<EndianSlice<'_, E>>,
        work: &Work,
    ) -> gimli::Result<Plan> {
        let small = usize::try_from(code).ok().and_then(|code| self.small.get(code));
        match small {
            Some(Some(plan)) => Ok(*plan),
            _ => self.compiled(code, unit, work),
        }
    }

    #[cold]
    fn compiled<E: Endianity>(
        &mut self,
        code: u64,
        unit: &Unit<EndianSlice<'_, E>>,
        work: &Work,
    ) -> gimli::Result<Plan> {
        if let Some(plan) = self.large.get(&code) {
            return Ok(*plan);
        }
        let abbreviation =
            unit.abbreviations.get(code).ok_or(gimli::Error::InvalidAbbreviationCode(code))?;
        let attributes = abbreviation.attributes().len();
        if attributes > MAX_SHORT_ATTRIBUTES {
            // Units can share a table.
            work.spend(attributes as u64)?;
        }
        let plan = self.compile(abbreviation, unit)?;
        match usize::try_from(code) {
            Ok(small) if code < SMALL_CODES => {
                if self.small.len() <= small {
                    self.small.resize(small + 1, None);
                }
                self.small[small] = Some(plan);
            }
            _ => drop(self.large.insert(code, plan)),
        }
        Ok(plan)
    }

    /// Compiles an abbreviation from its last attribute to its first: of several constants for one
    /// slot the last one counts, and an entry must not pay for the others.
    fn compile<E: Endianity>(
        &mut self,
        abbreviation: &Abbreviation,
        unit: &Unit<EndianSlice<'_, E>>,
    ) -> gimli::Result<Plan> {
        let attributes = abbreviation.attributes();
        let has = |name| attributes.iter().any(|attribute| attribute.name() == name);
        let is_inlined = abbreviation.tag() == dw::DW_TAG_inlined_subroutine;
        let kind = match abbreviation.tag() {
            dw::DW_TAG_subprogram | dw::DW_TAG_inlined_subroutine => {
                if has(dw::DW_AT_low_pc) || has(dw::DW_AT_ranges) {
                    Kind::Function { is_inlined }
                } else {
                    Kind::Declaration { is_inlined }
                }
            }
            tag if is_type(tag) && abbreviation.has_children() && has(dw::DW_AT_sibling) => {
                Kind::Type
            }
            _ => Kind::Other,
        };
        let is_named = attributes.iter().any(|attribute| leads_to_a_name(attribute.name()));
        let start = self.steps.len();
        let (mut pass, mut taken) = (0u32, Vec::new());
        for attribute in attributes.iter().rev() {
            let is_read = reads(kind, is_named, attribute.name());
            if is_read && attribute.form() == dw::DW_FORM_implicit_const {
                if taken.contains(&attribute.name()) {
                    continue;
                }
            } else if let Some(bytes) = attribute.size(&unit.header).filter(|_| !is_read) {
                pass = u32::try_from(bytes)
                    .ok()
                    .and_then(|bytes| pass.checked_add(bytes))
                    .ok_or(gimli::Error::UnsupportedOffset)?;
                continue;
            }
            taken.extend((is_read && taken.len() < SLOTS).then_some(attribute.name()));
            let does = if is_read { self.read(attribute, unit) } else { self.pass(attribute) };
            self.steps.push(Step { does, pass });
            pass = 0;
        }
        self.steps[start..].reverse();
        let index =
            |index: usize| u32::try_from(index).map_err(|_| gimli::Error::UnsupportedOffset);
        Ok(Plan {
            kind,
            has_children: abbreviation.has_children(),
            pass,
            first_step: index(start)?,
            last_step: index(self.steps.len())?,
        })
    }

    fn pass(&mut self, attribute: &AttributeSpecification) -> Does {
        match attribute.form() {
            dw::DW_FORM_udata
            | dw::DW_FORM_sdata
            | dw::DW_FORM_ref_udata
            | dw::DW_FORM_strx
            | dw::DW_FORM_GNU_str_index
            | dw::DW_FORM_addrx
            | dw::DW_FORM_GNU_addr_index
            | dw::DW_FORM_loclistx
            | dw::DW_FORM_rnglistx => Does::PassNumber,
            dw::DW_FORM_string => Does::PassText,
            dw::DW_FORM_exprloc | dw::DW_FORM_block => Does::PassBlock(Width::Leb128),
            dw::DW_FORM_block1 => Does::PassBlock(Width::One),
            dw::DW_FORM_block2 => Does::PassBlock(Width::Two),
            dw::DW_FORM_block4 => Does::PassBlock(Width::Four),
            _ => Does::PassRare(self.rare(attribute)),
        }
    }

    fn read<E: Endianity>(
        &mut self,
        attribute: &AttributeSpecification,
        unit: &Unit<EndianSlice<'_, E>>,
    ) -> Does {
        let constant =
            attribute.implicit_const_value().and_then(|number| u64::try_from(number).ok());
        match (slot(attribute), constant) {
            (Some(slot), Some(number)) => {
                self.constants.push(number);
                Does::Take(slot, count(self.constants.len() - 1))
            }
            (Some(slot), None) => match width(attribute, unit) {
                Some(width) => Does::Read(slot, width),
                None => Does::ReadRare(self.rare(attribute)),
            },
            (None, _) => Does::ReadRare(self.rare(attribute)),
        }
    }

    fn rare(&mut self, attribute: &AttributeSpecification) -> u32 {
        self.rare.push(*attribute);
        count(self.rare.len() - 1)
    }

    /// Moves `input`, which stands behind the code of an entry, behind its attributes.
    ///
    /// # Errors
    /// If an attribute cannot be read.
    #[inline]
    pub fn skip<'d, E: Endianity>(
        &self,
        plan: Plan,
        unit: &Unit<EndianSlice<'d, E>>,
        input: &mut EndianSlice<'d, E>,
    ) -> gimli::Result<()> {
        self.run(plan, unit, input, &mut Nothing)
    }

    /// The same, and tells `receive` what it reads.
    ///
    /// # Errors
    /// If an attribute cannot be read.
    #[inline]
    pub fn run<'d, E: Endianity>(
        &self,
        plan: Plan,
        unit: &Unit<EndianSlice<'d, E>>,
        input: &mut EndianSlice<'d, E>,
        receive: &mut impl Receive<'d, E>,
    ) -> gimli::Result<()> {
        input.skip(plan.pass as usize)?;
        for step in &self.steps[plan.first_step as usize..plan.last_step as usize] {
            match step.does {
                Does::PassNumber => input.skip_leb128()?,
                Does::PassText => drop(input.read_null_terminated_slice()?),
                Does::PassBlock(width) => {
                    let bytes = usize_of(number(input, width)?)?;
                    input.skip(bytes)?;
                }
                Does::Read(slot, width) => receive.number(slot, number(input, width)?)?,
                Does::Take(slot, constant) => {
                    receive.number(slot, self.constants[constant as usize])?;
                }
                Does::PassRare(attribute) => drop(self.read_rare(attribute, unit, input)?),
                Does::ReadRare(attribute) => {
                    receive.rare(&self.read_rare(attribute, unit, input)?);
                }
            }
            input.skip(step.pass as usize)?;
        }
        Ok(())
    }

    #[cold]
    fn read_rare<'d, E: Endianity>(
        &self,
        attribute: u32,
        unit: &Unit<EndianSlice<'d, E>>,
        input: &mut EndianSlice<'d, E>,
    ) -> gimli::Result<Attribute<EndianSlice<'d, E>>> {
        let encoding = unit.header.encoding();
        let mut entries = EntriesRaw::new(*input, encoding, &unit.abbreviations, UnitOffset(0));
        let attribute = entries.read_attribute(self.rare[attribute as usize])?;
        input.skip(entries.next_offset().0)?;
        Ok(attribute)
    }
}

/// How many slots there are, at most.
const SLOTS: usize = 16;

/// An index of a table. The tables have an item for each attribute of a section, which is smaller
/// than 4 GiB where it is a slice that a table of abbreviations was made of.
fn count(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Reads the code of an entry; 0 ends a list of children.
///
/// # Errors
/// If `input` ends within it.
#[inline]
pub fn code<E: Endianity>(input: &mut EndianSlice<'_, E>) -> gimli::Result<u64> {
    number(input, Width::Leb128)
}

#[inline]
fn number<E: Endianity>(input: &mut EndianSlice<'_, E>, width: Width) -> gimli::Result<u64> {
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

/// `number` as an offset or a length.
///
/// # Errors
/// If this machine cannot address so much.
pub fn usize_of(number: u64) -> gimli::Result<usize> {
    usize::try_from(number).map_err(|_| gimli::Error::UnsupportedOffset)
}

/// What the number in an attribute means; `None` if it is of a form that is rare there.
fn slot(attribute: &AttributeSpecification) -> Option<Slot> {
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
fn width<E: Endianity>(
    attribute: &AttributeSpecification,
    unit: &Unit<EndianSlice<'_, E>>,
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

/// Whether an attribute is read in an entry of `kind`.
fn reads(kind: Kind, is_named: bool, name: gimli::DwAt) -> bool {
    match kind {
        Kind::Function { .. } => match name {
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
