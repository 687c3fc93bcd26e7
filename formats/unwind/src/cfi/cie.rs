//! Reads common information entries, each once: what entries of functions share.

use gimli::{DwEhPe, EndianSlice, Endianity, Reader};
use hashbrown::HashMap;
use hashbrown::hash_map::Entry as Slot;

use super::Source;
use super::entries::{Entries, Entry};
use super::pointer::{PLAIN, PointerReader};
use super::program::Program;
use super::refusal::{BAD_ENTRY, NOT_SUPPORTED, Refusal};
use super::state::unchanged;
use crate::budget::Budget;
use crate::limits::STEPS_PER_KEPT_REGISTER;
use crate::rule::{Register, Rule, RuleFlags};
use crate::table::{RuleId, UnwindTableBuilder};

/// A common information entry.
#[derive(Clone, Debug)]
pub struct Cie {
    /// Where it is in the section.
    pub offset: usize,
    /// How the addresses of functions are written.
    pub encoding: DwEhPe,
    /// Bytes of an address.
    pub address_bytes: u8,
    /// Whether entries of functions have augmentation data, led by its length.
    pub has_augmentation_data: bool,
    /// What the numbers of `DW_CFA_advance_loc` are multiples of.
    pub code_factor: u64,
    /// What offsets are multiples of.
    pub data_factor: i64,
    /// The column for the return address.
    pub return_column: Register,
    /// The rule that a function begins with, by the instructions of this entry.
    pub rule: Rule,
    /// The number of the rule.
    pub number: Option<RuleId>,
    /// Bytes of expressions that the rule may have.
    pub expression_bytes: usize,
}

/// The CIEs of a section that were asked for, by their offsets.
#[derive(Debug)]
pub struct Cies<'a, E: Endianity> {
    source: Source<'a>,
    endian: E,
    known: HashMap<usize, Result<Cie, Refusal>>,
}

impl<'a, E: Endianity> Cies<'a, E> {
    pub fn new(source: Source<'a>, endian: E) -> Self {
        Self { source, endian, known: HashMap::new() }
    }

    /// The CIE at `offset` of the section.
    pub fn at(
        &mut self,
        offset: usize,
        budget: &mut Budget,
        builder: &mut UnwindTableBuilder,
    ) -> Result<&Cie, Refusal> {
        match self.known.entry(offset) {
            Slot::Occupied(known) => known.into_mut(),
            Slot::Vacant(free) => {
                free.insert(read(self.source, self.endian, offset, budget, builder))
            }
        }
        .as_ref()
        .map_err(|refusal| *refusal)
    }
}

fn read<E: Endianity>(
    source: Source<'_>,
    endian: E,
    offset: usize,
    budget: &mut Budget,
    builder: &mut UnwindTableBuilder,
) -> Result<Cie, Refusal> {
    let entry = Entries::at(source.section.bytes, endian, source.kind, offset);
    let Some(Entry::Cie(mut at)) = entry else { return Err(BAD_ENTRY) };
    // CIEs may overlap, so that a byte is read more than once.
    budget.spend(at.len())?;
    let mut cie = header(source, endian, &mut at)?;
    cie.offset = offset;
    let program = Program::new(source, endian);
    (cie.rule, cie.expression_bytes) = program.initial_rule(&cie, at, budget)?;
    if cie.rule.is_complete() {
        cie.number = builder.number(&cie.rule);
    }
    let kept = u64::try_from(cie.rule.saved().len()).unwrap_or(u64::MAX);
    budget.spend(STEPS_PER_KEPT_REGISTER.saturating_mul(kept.saturating_add(4)))?;
    Ok(cie)
}

/// Everything before the instructions.
fn header<'a, E: Endianity>(
    source: Source<'a>,
    endian: E,
    at: &mut EndianSlice<'a, E>,
) -> Result<Cie, Refusal> {
    let version = at.read_u8()?;
    if !matches!(version, 1 | 3 | 4) {
        return Err(NOT_SUPPORTED);
    }
    let letters = at.read_null_terminated_slice()?;
    let mut pointers = PointerReader::new(source, endian);
    // By the standards only `.debug_frame` says how large addresses are; LLVM and binutils read it
    // in both sections.
    if version == 4 {
        pointers = pointers.with_address_bytes(at.read_u8()?);
        let segment_bytes = at.read_u8()?;
        if segment_bytes != 0 || !matches!(pointers.address_bytes(), 4 | 8) {
            return Err(NOT_SUPPORTED);
        }
    }
    // GCC 2 wrote a pointer that only its own exceptions used.
    let letters = match letters.slice().strip_prefix(b"eh") {
        Some(rest) => {
            at.skip(pointers.address_bytes().into())?;
            rest
        }
        None => letters.slice(),
    };
    let code_factor = at.read_uleb128()?;
    let data_factor = at.read_sleb128()?;
    let column = if version == 1 { at.read_u8()?.into() } else { at.read_uleb128()? };
    let return_column = Register(u16::try_from(column).map_err(|_| BAD_ENTRY)?);
    let mut rule = unchanged(source.input.architecture, return_column);
    let encoding = augmentation(letters, pointers, at, &mut rule)?;
    Ok(Cie {
        offset: 0,
        encoding,
        address_bytes: pointers.address_bytes(),
        has_augmentation_data: letters.starts_with(b"z"),
        code_factor,
        data_factor,
        return_column,
        rule,
        number: None,
        expression_bytes: 0,
    })
}

/// Reads the augmentation data that `letters` announce, and sets what they say about frames in
/// `rule`. Returns how the addresses of functions are written.
fn augmentation<'a, E: Endianity>(
    letters: &[u8],
    pointers: PointerReader<'a, E>,
    at: &mut EndianSlice<'a, E>,
    rule: &mut Rule,
) -> Result<DwEhPe, Refusal> {
    let mut encoding = PLAIN;
    let mut data = EndianSlice::new(&[], at.endian());
    let mut rest = letters;
    let has_data = letters.starts_with(b"z");
    if has_data {
        let length = usize::try_from(at.read_uleb128()?).map_err(|_| BAD_ENTRY)?;
        data = at.split(length)?;
        rest = &letters[1..];
    }
    while let Some((letter, after)) = rest.split_first() {
        rest = after;
        match letter {
            b'S' => rule.flags.set(RuleFlags::SIGNAL_FRAME),
            // On ARM64: which key signs return addresses; that the stack has memory tags.
            b'B' | b'G' => {}
            b'L' => data.skip(1)?,
            b'P' => {
                let personality = DwEhPe(data.read_u8()?);
                pointers.skip(personality, &mut data)?;
            }
            b'R' => encoding = DwEhPe(data.read_u8()?),
            // The lengths of the data say where it ends, but not where an `R` after it is.
            _ if has_data && !rest.contains(&b'R') => break,
            _ => return Err(NOT_SUPPORTED),
        }
    }
    Ok(encoding)
}
