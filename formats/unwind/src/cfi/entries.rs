//! Walks the entries of a section by their lengths.

use gimli::{EndianSlice, Endianity, Format, Reader};

use super::Kind;
use super::refusal::{BAD_ENTRY, Refusal};

/// What an entry is; its fields are not read yet.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'a, E: Endianity> {
    /// What entries of functions have in common: what follows its id.
    Cie(EndianSlice<'a, E>),
    /// An entry of a function.
    Fde(Fde<'a, E>),
}

/// A frame description entry.
#[derive(Clone, Copy, Debug)]
pub struct Fde<'a, E: Endianity> {
    /// Where its CIE is in the section.
    pub cie_offset: usize,
    /// What follows the offset of its CIE.
    pub rest: EndianSlice<'a, E>,
}

/// The entries of a section, in order.
#[derive(Clone, Debug)]
pub struct Entries<'a, E: Endianity> {
    rest: EndianSlice<'a, E>,
    /// Bytes of the section.
    length: usize,
    kind: Kind,
}

impl<'a, E: Endianity> Entries<'a, E> {
    pub fn new(bytes: &'a [u8], endian: E, kind: Kind) -> Self {
        Self { rest: EndianSlice::new(bytes, endian), length: bytes.len(), kind }
    }

    /// The entry at `offset` of the section `bytes`.
    pub fn at(bytes: &'a [u8], endian: E, kind: Kind, offset: usize) -> Option<Entry<'a, E>> {
        let rest = EndianSlice::new(bytes.get(offset..)?, endian);
        Self { rest, length: bytes.len(), kind }.read().ok()
    }

    fn read(&mut self) -> Result<Entry<'a, E>, Refusal> {
        let mut at = self.rest;
        self.rest = EndianSlice::new(&[], at.endian());
        let (length, format) = at.read_initial_length()?;
        let mut entry = at.split(length)?;
        self.rest = at;
        let id_offset = self.length - at.len() - entry.len();
        // In `.eh_frame` the field has four bytes in both formats.
        let is_long = format == Format::Dwarf64 && self.kind == Kind::Debug;
        let id = if is_long { entry.read_u64()? } else { entry.read_u32()?.into() };
        let is_cie = match self.kind {
            Kind::Eh => id == 0,
            Kind::Debug => id == if is_long { u64::MAX } else { u32::MAX.into() },
        };
        if is_cie {
            return Ok(Entry::Cie(entry));
        }
        let id = usize::try_from(id).map_err(|_| BAD_ENTRY)?;
        let cie_offset = match self.kind {
            Kind::Eh => id_offset.checked_sub(id).ok_or(BAD_ENTRY)?,
            Kind::Debug => id,
        };
        Ok(Entry::Fde(Fde { cie_offset, rest: entry }))
    }
}

impl<'a, E: Endianity> Iterator for Entries<'a, E> {
    type Item = Result<Entry<'a, E>, Refusal>;

    /// Once a length cannot be right, nothing tells where the next entry begins.
    fn next(&mut self) -> Option<Self::Item> {
        // A length of 0 ends the section for programs that read it from the start. Most find their
        // entry by `.eh_frame_hdr`, and a linker may have joined several such sections; in
        // `.debug_frame`, assemblers have written it by mistake.
        while let Some(rest) = self.rest.slice().strip_prefix(&[0; 4]) {
            self.rest = EndianSlice::new(rest, self.rest.endian());
        }
        // What is left may be the padding of the section.
        if self.rest.slice().iter().take(4).all(|byte| *byte == 0) {
            return None;
        }
        Some(self.read())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gimli::LittleEndian;

    fn kinds(bytes: &[u8]) -> Vec<Option<usize>> {
        Entries::new(bytes, LittleEndian, Kind::Eh)
            .map(|entry| match entry {
                Ok(Entry::Cie(rest)) => Some(rest.len()),
                Ok(Entry::Fde(fde)) => Some(0x100 + fde.cie_offset),
                Err(_) => None,
            })
            .collect()
    }

    #[test]
    fn entries_after_a_terminator_are_read() {
        let cie = [6, 0, 0, 0, 0, 0, 0, 0, 1, 0];
        let fde = [4, 0, 0, 0, 18, 0, 0, 0];
        let bytes = [&cie[..], &[0; 4], &fde, &[0; 4], &[0, 0]].concat();
        assert_eq!(kinds(&bytes), [Some(2), Some(0x100)]);
    }

    #[test]
    fn a_bad_entry_costs_only_itself_if_its_length_is_right() {
        // A CIE before the section, then an entry too short for its id, then a good one.
        let bytes = [4, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(kinds(&bytes), [None, None, Some(0)]);
        assert_eq!(kinds(&[9, 0, 0, 0, 0, 0, 0, 0]), [None]);
        assert_eq!(kinds(&[0xff; 12]), [None]);
        assert_eq!(kinds(&[0xf0, 0xff, 0xff, 0xff, 0, 0]), [None]);
    }
}
