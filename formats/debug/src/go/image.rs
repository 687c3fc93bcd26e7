//! Reads bytes and words at the addresses of a program, with relocations applied.

use object::{Object, ObjectSection, RelocationTarget};

use crate::object::macho::image_base;

/// A program as it is loaded at the addresses that it was linked for.
pub struct Image<'d> {
    /// By address: those that have contents.
    sections: Vec<(u64, &'d [u8])>,
    /// Words that are written while it is loaded, by address.
    written: Vec<(u64, u64)>,
    base: u64,
    is_little: bool,
    word_bytes: usize,
}

/// Bits of an address in a chained pointer of Mach-O (`mach-o/fixup-chains.h`:
/// `DYLD_CHAINED_PTR_64`).
const CHAINED_BITS: u32 = 36;

impl<'d> Image<'d> {
    /// Of `object`; `None` if no section of it has contents.
    pub fn of(object: &object::File<'d>) -> Option<Self> {
        let contents = object.sections().filter_map(|section| {
            let data = section.data().ok().filter(|data| !data.is_empty())?;
            (section.address() > 0).then_some((section.address(), data))
        });
        let mut sections: Vec<(u64, &[u8])> = contents.collect();
        sections.sort_by_key(|(address, _)| *address);
        let own = object.dynamic_relocations().into_iter().flatten();
        let own = own.filter(|(_, relocation)| {
            relocation.target() == RelocationTarget::Absolute && relocation.addend() != 0
        });
        let mut written: Vec<(u64, u64)> = own
            .map(|(address, relocation)| (address, relocation.addend().cast_unsigned()))
            .collect();
        written.sort_unstable();
        let word_bytes = if object.is_64() { 8 } else { 4 };
        let base = image_base(object);
        (!sections.is_empty()).then_some(Self {
            sections,
            written,
            base,
            is_little: object.is_little_endian(),
            word_bytes,
        })
    }

    pub fn is_little(&self) -> bool {
        self.is_little
    }

    /// From `address` to the end of its section.
    pub fn bytes_from(&self, address: u64) -> Option<&'d [u8]> {
        let after = self.sections.partition_point(|(start, _)| *start <= address);
        let (start, data) = self.sections.get(after.checked_sub(1)?)?;
        data.get(usize::try_from(address - start).ok()?..).filter(|rest| !rest.is_empty())
    }

    /// The pointer at `address`.
    pub fn word(&self, address: u64) -> Option<u64> {
        if let Ok(at) = self.written.binary_search_by_key(&address, |(at, _)| *at) {
            return Some(self.written[at].1);
        }
        number(self.bytes_from(address)?.get(..self.word_bytes)?, self.is_little)
    }

    /// The pointer at `address` that leads to where the program has something: a chained pointer of
    /// Mach-O has it in its lower bits, or how far that is from the image's first page.
    pub fn pointer(&self, address: u64) -> Option<u64> {
        let word = self.word(address)?;
        let low = word & ((1 << CHAINED_BITS) - 1);
        [word, low, self.base.wrapping_add(low)]
            .into_iter()
            .find(|target| self.bytes_from(*target).is_some())
    }

    /// Where pointers to `target` lie.
    pub fn pointers_to(&self, target: u64) -> Vec<u64> {
        let written = self.written.iter().filter(|(_, word)| *word == target).map(|(at, _)| *at);
        let low = |word: u64| word & ((1 << CHAINED_BITS) - 1);
        let is_it = |word: u64| {
            word == target || low(word) == target || self.base.wrapping_add(low(word)) == target
        };
        let in_place = self.sections.iter().flat_map(|(start, data)| {
            let words = data.chunks_exact(self.word_bytes).zip((*start..).step_by(self.word_bytes));
            words
                .filter(|(bytes, _)| number(bytes, self.is_little).is_some_and(is_it))
                .map(|(_, at)| at)
        });
        written.chain(in_place).collect()
    }

    pub fn word_bytes(&self) -> u64 {
        self.word_bytes as u64
    }
}

/// An unsigned number of up to eight bytes.
pub fn number(bytes: &[u8], is_little: bool) -> Option<u64> {
    if bytes.len() > 8 {
        return None;
    }
    let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
    Some(if is_little { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_where_they_lie_and_where_they_are_written() {
        let data = [0x20, 0x10, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        let image = Image {
            sections: vec![(0x1020, &data[..])],
            written: vec![(0x1028, 0x1020)],
            base: 0,
            is_little: true,
            word_bytes: 8,
        };
        assert_eq!(image.word(0x1020), Some(0x1020));
        assert_eq!(image.word(0x1028), Some(0x1020));
        assert_eq!(image.word(0x1029), None);
        assert_eq!(image.bytes_from(0x1030), None);
        assert_eq!(image.bytes_from(0x101f), None);
        assert_eq!(image.pointers_to(0x1020), [0x1028, 0x1020]);
        assert_eq!(
            [number(&[1, 2], true), number(&[1, 2], false), number(&[0; 9], true)],
            [Some(0x201), Some(0x102), None]
        );
    }
}
