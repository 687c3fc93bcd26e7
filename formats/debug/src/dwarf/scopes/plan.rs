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
    Attribute, AttributeSpecification, EndianSlice, Endianity, EntriesRaw, Reader, UnitHeader,
    UnitOffset, constants as dw,
};
use hashbrown::HashMap;
use symtool_module::number_of;

use super::attributes::{Kind, SLOTS, Slot, Width, kind, number, reads, slot, width};
use crate::dwarf::abbreviations::Abbreviation;
use crate::dwarf::units::Unit;
use crate::dwarf::work::Work;
use crate::limits::MAX_SHORT_ATTRIBUTES;

/// Abbreviations have small codes; those of others are looked up.
const SMALL_CODES: u64 = 1 << 12;

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

/// The plans of a unit's abbreviations, as far as its entries have needed them.
#[derive(Debug, Default)]
pub struct Plans {
    /// By code.
    small: Vec<Option<Plan>>,
    large: HashMap<u64, Plan>,
    steps: Vec<Step>,
    constants: Vec<u64>,
    rare: Vec<AttributeSpecification>,
    sizes: Sizes,
}

/// Bytes of the attributes of each form, as far as they are known.
#[derive(Debug, Default)]
struct Sizes(Vec<Option<u8>>);

impl Sizes {
    /// Those of `form`, in the unit with `header`, which is always the same.
    fn of<R: Reader<Offset = usize>>(
        &mut self,
        form: gimli::DwForm,
        header: &UnitHeader<R>,
    ) -> Option<u32> {
        let size = |form| {
            let constant = (form == dw::DW_FORM_implicit_const).then_some(0);
            let attribute = AttributeSpecification::new(dw::DW_AT_name, form, constant);
            attribute.size(header).and_then(|bytes| u8::try_from(bytes).ok())
        };
        if self.0.is_empty() {
            self.0.extend((0..COMMON_FORMS).map(|form| size(gimli::DwForm(form))));
        }
        self.0.get(usize::from(form.0)).copied().unwrap_or_else(|| size(form)).map(u32::from)
    }
}

/// Forms of DWARF 5 are smaller.
const COMMON_FORMS: u16 = 0x2d;

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
        unit: &Unit<'_, E>,
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
        unit: &Unit<'_, E>,
        work: &Work,
    ) -> gimli::Result<Plan> {
        if let Some(plan) = self.large.get(&code) {
            return Ok(*plan);
        }
        let abbreviation = unit.table.get(code)?;
        if abbreviation.len() > MAX_SHORT_ATTRIBUTES {
            // Units can share a table.
            work.spend(abbreviation.len() as u64)?;
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
        abbreviation: Abbreviation,
        unit: &Unit<'_, E>,
    ) -> gimli::Result<Plan> {
        let forms = unit.table.forms(abbreviation);
        let kind = kind(abbreviation, forms);
        let start = self.steps.len();
        let (mut pass, mut taken) = (0u32, Vec::new());
        for (number, (name, form)) in forms.iter().enumerate().rev() {
            let is_read = reads(kind, *name);
            if is_read && *form == dw::DW_FORM_implicit_const {
                if taken.contains(name) {
                    continue;
                }
            } else if let Some(bytes) = self.sizes.of(*form, &unit.header).filter(|_| !is_read) {
                pass = pass.checked_add(bytes).ok_or(gimli::Error::UnsupportedOffset)?;
                continue;
            }
            taken.extend((is_read && taken.len() < SLOTS).then_some(*name));
            let attribute = unit.table.attribute(abbreviation, number);
            let does = if is_read { self.read(&attribute, unit) } else { self.pass(&attribute) };
            self.steps.push(Step { does, pass });
            pass = 0;
        }
        self.steps[start..].reverse();
        let index =
            |index: usize| u32::try_from(index).map_err(|_| gimli::Error::UnsupportedOffset);
        Ok(Plan {
            kind,
            has_children: abbreviation.has_children,
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
        unit: &Unit<'_, E>,
    ) -> Does {
        let constant =
            attribute.implicit_const_value().and_then(|number| u64::try_from(number).ok());
        match (slot(attribute), constant) {
            (Some(slot), Some(number)) => {
                self.constants.push(number);
                Does::Take(slot, number_of(self.constants.len() - 1))
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
        number_of(self.rare.len() - 1)
    }

    /// Moves `input`, which stands behind the code of an entry, behind its attributes.
    ///
    /// # Errors
    /// If an attribute cannot be read.
    #[inline]
    pub fn skip<'d, E: Endianity>(
        &self,
        plan: Plan,
        unit: &Unit<'d, E>,
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
        unit: &Unit<'d, E>,
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
        unit: &Unit<'d, E>,
        input: &mut EndianSlice<'d, E>,
    ) -> gimli::Result<Attribute<EndianSlice<'d, E>>> {
        let encoding = unit.header.encoding();
        let mut entries = EntriesRaw::new(*input, encoding, &unit.abbreviations, UnitOffset(0));
        let attribute = entries.read_attribute(self.rare[attribute as usize])?;
        input.skip(entries.next_offset().0)?;
        Ok(attribute)
    }
}

/// Reads the code of an entry; 0 ends a list of children.
///
/// # Errors
/// If `input` ends within it.
#[inline]
pub fn code<E: Endianity>(input: &mut EndianSlice<'_, E>) -> gimli::Result<u64> {
    number(input, Width::Leb128)
}

/// `number` as an offset or a length.
///
/// # Errors
/// If this machine cannot address so much.
pub fn usize_of(number: u64) -> gimli::Result<usize> {
    usize::try_from(number).map_err(|_| gimli::Error::UnsupportedOffset)
}

#[cfg(test)]
mod tests;
