//! Reads one range list: [`RangeList`].
//!
//! In a C++ library many inlined calls have a list, of a base address and a few pairs of offsets.
//! These are read here; from the first entry of another kind on, gimli reads.

use gimli::{
    DebugAddrBase, Dwarf, Encoding, EndianSlice, Endianity, Range, RangeListsOffset, Reader,
    RngListIter, Section, constants as dw,
};

/// Linkers write this address, or the one after it, for code that they threw away (gimli,
/// `ReaderAddress::min_tombstone`).
const MIN_TOMBSTONE: u64 = u64::MAX - 1;

/// The unit that a list belongs to.
#[derive(Clone, Copy)]
pub struct Owner {
    /// How it is written.
    pub encoding: Encoding,
    /// Its address, to which offsets are added.
    pub base: u64,
    /// Where its addresses begin in `.debug_addr`.
    pub addresses: DebugAddrBase<usize>,
}

/// The ranges of a list that are not empty.
pub struct RangeList<'a, 'd, E: Endianity> {
    dwarf: &'a Dwarf<EndianSlice<'d, E>>,
    owner: Owner,
    /// What has not been read here.
    input: EndianSlice<'d, E>,
    /// What gimli reads.
    rest: Option<RngListIter<EndianSlice<'d, E>>>,
}

impl<'a, 'd, E: Endianity> RangeList<'a, 'd, E> {
    /// The list of `owner` at `offset`.
    ///
    /// # Errors
    /// If it is not in its section.
    pub fn of(
        dwarf: &'a Dwarf<EndianSlice<'d, E>>,
        owner: Owner,
        offset: RangeListsOffset<usize>,
    ) -> gimli::Result<Self> {
        let Owner { encoding, base, addresses } = owner;
        let mut input = *dwarf.ranges.debug_rnglists().reader();
        // Addresses of other sizes wrap around elsewhere.
        let rest = if encoding.version < 5 || encoding.address_size != 8 {
            Some(dwarf.ranges.ranges(offset, encoding, base, &dwarf.debug_addr, addresses)?)
        } else {
            input.skip(offset.0)?;
            None
        };
        Ok(Self { dwarf, owner, input, rest })
    }

    /// The next range; `None` after the last.
    ///
    /// # Errors
    /// If it cannot be read.
    #[inline]
    pub fn next(&mut self) -> gimli::Result<Option<Range>> {
        while self.rest.is_none() {
            let base = self.owner.base;
            match self.input.slice().first().copied().map(gimli::DwRle) {
                Some(dw::DW_RLE_end_of_list) => return Ok(None),
                Some(dw::DW_RLE_base_address) => {
                    self.input.skip(1)?;
                    self.owner.base = self.input.read_u64()?;
                }
                Some(dw::DW_RLE_offset_pair) => {
                    self.input.skip(1)?;
                    let (begin, end) = (self.input.read_uleb128()?, self.input.read_uleb128()?);
                    let (begin, end) = (base.wrapping_add(begin), base.wrapping_add(end));
                    if base < MIN_TOMBSTONE && begin < MIN_TOMBSTONE && begin < end {
                        return Ok(Some(Range { begin, end }));
                    }
                }
                _ => self.rest = Some(self.rest_by_gimli()?),
            }
        }
        self.rest.as_mut().map_or(Ok(None), RngListIter::next)
    }

    /// What gimli makes of the list from the next entry on.
    fn rest_by_gimli(&self) -> gimli::Result<RngListIter<EndianSlice<'d, E>>> {
        let Self { dwarf, owner: Owner { encoding, base, addresses }, .. } = *self;
        let here = dwarf.ranges.debug_rnglists().reader().len() - self.input.len();
        let here = RangeListsOffset(here);
        dwarf.ranges.ranges(here, encoding, base, &dwarf.debug_addr, addresses)
    }
}

#[cfg(test)]
mod tests {
    use gimli::{DebugAddr, DebugRanges, DebugRngLists, Format, LittleEndian, RangeLists};

    use super::*;

    /// Ranges until the end, or until an error.
    fn all(mut next: impl FnMut() -> gimli::Result<Option<Range>>) -> (Vec<Range>, bool) {
        let mut ranges = Vec::new();
        loop {
            match next() {
                Ok(Some(range)) => ranges.push(range),
                Ok(None) => return (ranges, true),
                Err(_) => return (ranges, false),
            }
        }
    }

    fn put(list: &mut Vec<u8>, mut number: u64) {
        while number >= 0x80 {
            list.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
            number >>= 7;
        }
        list.push(u8::try_from(number).unwrap());
    }

    /// Entries of all kinds, two of three of them read here. Addresses and offsets are near each
    /// other, and near the ends of the address space. One list of four is cut off.
    fn made(random: &mut fastrand::Rng) -> Vec<u8> {
        let mut list = Vec::new();
        let number = |random: &mut fastrand::Rng| match random.u8(..8) {
            0 => u64::MAX - random.u64(..4),
            1 => random.u64(..),
            _ => random.u64(..1000),
        };
        for _ in 0..random.usize(..8) {
            let kind = random.choice([1, 2, 3, 4, 4, 4, 4, 5, 5, 6, 7]).unwrap();
            list.push(kind);
            match kind {
                5 => list.extend(number(random).to_le_bytes()),
                6 => (0..2).for_each(|_| list.extend(number(random).to_le_bytes())),
                7 => {
                    list.extend(number(random).to_le_bytes());
                    put(&mut list, random.u64(..1000));
                }
                1 => put(&mut list, random.u64(..5)),
                2 | 3 => (0..2).for_each(|_| put(&mut list, random.u64(..5))),
                _ => (0..2).for_each(|_| put(&mut list, number(random))),
            }
        }
        list.push(0);
        let cut = if random.u8(..4) == 0 { random.usize(..list.len()) } else { list.len() };
        list.truncate(cut);
        list
    }

    #[test]
    fn lists_are_what_gimli_makes_of_them() {
        let mut random = fastrand::Rng::with_seed(21);
        let addresses: Vec<u8> =
            [0u64, 400, u64::MAX, 900].iter().flat_map(|number| number.to_le_bytes()).collect();
        let (mut ranges, mut errors) = (0, 0);
        for version in [4, 5, 5, 5, 5].into_iter().cycle().take(20_000) {
            let (list, start) = (made(&mut random), random.usize(..3));
            let section = [vec![0; start], list].concat();
            let slice = |bytes| EndianSlice::new(bytes, LittleEndian);
            let lists = DebugRngLists::from(slice(&section));
            let pairs = DebugRanges::from(slice(&section));
            let dwarf = Dwarf {
                ranges: RangeLists::new(pairs, lists),
                debug_addr: DebugAddr::from(slice(&addresses)),
                ..Dwarf::default()
            };
            let encoding = Encoding { format: Format::Dwarf32, version, address_size: 8 };
            let base = random.choice([0, 500, u64::MAX]).unwrap();
            let (owner, at) =
                (Owner { encoding, base, addresses: DebugAddrBase(0) }, RangeListsOffset(start));
            let mut read = RangeList::of(&dwarf, owner, at).unwrap();
            let mut want = dwarf
                .ranges
                .ranges(at, encoding, base, &dwarf.debug_addr, DebugAddrBase(0))
                .unwrap();
            let got = all(|| read.next());
            assert_eq!(got, all(|| want.next()), "{section:?}");
            (ranges, errors) = (ranges + got.0.len(), errors + usize::from(!got.1));
        }
        assert!(ranges > 10_000 && errors > 1_000, "{ranges} ranges, {errors} errors");
    }
}
