//! Reads encoded pointers (Linux Standard Base 5.0, section 10.5.1).

use gimli::{DwEhPe, EndianSlice, Endianity, Reader};

use super::Source;
use super::refusal::{BAD_ENTRY, NOT_SUPPORTED, Refusal};

/// The low four bits say how the value is written, the next three what it counts from. The highest
/// says that the address is where the pointer is, which no code has.
const APPLICATION: u8 = 0x70;

/// Reads the pointers of one section.
#[derive(Clone, Copy, Debug)]
pub struct PointerReader<'a, E: Endianity> {
    bytes: EndianSlice<'a, E>,
    address: u64,
    got: Option<u64>,
    address_bytes: u8,
}

impl<'a, E: Endianity> PointerReader<'a, E> {
    pub fn new(source: Source<'a>, endian: E) -> Self {
        Self {
            bytes: EndianSlice::new(source.section.bytes, endian),
            address: source.section.address,
            got: source.input.got,
            address_bytes: source.input.address_bytes,
        }
    }

    /// Addresses of this many bytes.
    pub fn with_address_bytes(self, address_bytes: u8) -> Self {
        Self { address_bytes, ..self }
    }

    pub fn address_bytes(&self) -> u8 {
        self.address_bytes
    }

    /// The pointer at the start of `at`, a part of the section.
    pub fn pointer(&self, encoding: DwEhPe, at: &mut EndianSlice<'a, E>) -> Result<u64, Refusal> {
        let base = match DwEhPe(encoding.0 & APPLICATION) {
            gimli::DW_EH_PE_absptr => 0,
            gimli::DW_EH_PE_pcrel => {
                let offset = u64::try_from(at.offset_from(self.bytes)).map_err(|_| BAD_ENTRY)?;
                self.address.wrapping_add(offset)
            }
            gimli::DW_EH_PE_datarel => self.got.ok_or(BAD_ENTRY)?,
            gimli::DW_EH_PE_aligned => {
                self.align(at)?;
                0
            }
            _ => return Err(NOT_SUPPORTED),
        };
        Ok(self.wrap(base.wrapping_add(self.value(encoding, at)?)))
    }

    /// The value at the start of `at`, whatever it counts from.
    pub fn value(&self, encoding: DwEhPe, at: &mut EndianSlice<'a, E>) -> Result<u64, Refusal> {
        Ok(match encoding.format() {
            gimli::DW_EH_PE_absptr => at.read_address(self.address_bytes)?,
            gimli::DW_EH_PE_uleb128 => at.read_uleb128()?,
            gimli::DW_EH_PE_udata2 => at.read_u16()?.into(),
            gimli::DW_EH_PE_udata4 => at.read_u32()?.into(),
            gimli::DW_EH_PE_udata8 => at.read_u64()?,
            gimli::DW_EH_PE_sleb128 => at.read_sleb128()?.cast_unsigned(),
            gimli::DW_EH_PE_sdata2 => i64::from(at.read_i16()?).cast_unsigned(),
            gimli::DW_EH_PE_sdata4 => i64::from(at.read_i32()?).cast_unsigned(),
            gimli::DW_EH_PE_sdata8 => at.read_i64()?.cast_unsigned(),
            _ => return Err(BAD_ENTRY),
        })
    }

    /// Skips a pointer, whatever it counts from.
    pub fn skip(&self, encoding: DwEhPe, at: &mut EndianSlice<'a, E>) -> Result<(), Refusal> {
        if encoding == gimli::DW_EH_PE_omit {
            return Ok(());
        }
        if DwEhPe(encoding.0 & APPLICATION) == gimli::DW_EH_PE_aligned {
            self.align(at)?;
        }
        self.value(encoding, at).map(|_| ())
    }

    /// An address of the image, which wraps around at the end of its address space.
    pub fn wrap(&self, address: u64) -> u64 {
        if self.address_bytes == 8 { address } else { address & u64::from(u32::MAX) }
    }

    /// Skips to the next address that is a multiple of a pointer's size.
    fn align(&self, at: &mut EndianSlice<'a, E>) -> Result<(), Refusal> {
        let offset = u64::try_from(at.offset_from(self.bytes)).map_err(|_| BAD_ENTRY)?;
        let size = u64::from(self.address_bytes);
        let over = self.address.wrapping_add(offset) % size;
        let skip = usize::try_from((size - over) % size).map_err(|_| BAD_ENTRY)?;
        Ok(at.skip(skip)?)
    }
}

/// How the pointers of `.debug_frame`, and of `.eh_frame` without `R`, are written.
pub const PLAIN: DwEhPe = gimli::DW_EH_PE_absptr;
