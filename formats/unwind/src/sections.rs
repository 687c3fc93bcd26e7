//! The sections of an image that unwind data is read from.

use crate::architecture::Architecture;
use crate::table::{UnwindTable, UnwindTableBuilder};
use crate::{cfi, compact, ehabi};

/// A section and where it lies.
#[derive(Clone, Copy, Debug, Default)]
pub struct Section<'a> {
    /// The virtual address of its first byte.
    pub address: u64,
    /// What it contains, expanded, and with relocations applied if the file is an object file.
    pub bytes: &'a [u8],
}

/// Addresses that hold code.
#[derive(Clone, Copy, Debug, Default)]
pub struct CodeRange<'a> {
    /// The first of them.
    pub start: u64,
    /// The first address after them.
    pub end: u64,
    /// The code, as far as the file has it; a debug file has none.
    pub bytes: &'a [u8],
}

/// All sections of an image that say how its functions are unwound. What the file lacks, or has as
/// NOBITS, is `None`.
#[derive(Clone, Debug, Default)]
pub struct UnwindSections<'a> {
    /// What the numbers of registers mean.
    pub architecture: Architecture,
    /// Whether the data is big-endian.
    pub is_big_endian: bool,
    /// Bytes of an address: 4 or 8.
    pub address_bytes: u8,
    /// What the offsets of `__unwind_info` count from: the address of the Mach-O header.
    pub image_base: u64,
    /// Where code can be. Entries for other addresses are those of functions that the linker
    /// discarded. If there is none, only addresses that linkers give to such functions count as
    /// discarded.
    pub code: Vec<CodeRange<'a>>,
    /// `.eh_frame` or `__eh_frame`.
    pub eh_frame: Option<Section<'a>>,
    /// `.debug_frame` or `__debug_frame`.
    pub debug_frame: Option<Section<'a>>,
    /// What `DW_EH_PE_datarel` counts from: the address of `.got`.
    pub got: Option<u64>,
    /// Whether `eh_frame` is of Mach-O: on 32-bit x86, the numbers of `esp` and `ebp` are swapped.
    pub is_mach_o: bool,
    /// `.ARM.exidx`.
    pub exidx: Option<Section<'a>>,
    /// `.ARM.extab`.
    pub extab: Option<Section<'a>>,
    /// `__unwind_info`.
    pub unwind_info: Option<Section<'a>>,
}

impl UnwindSections<'_> {
    /// Reads all of them. Where several describe an address, the most exact one is kept: call frame
    /// information knows prologs, the other formats do not.
    pub fn read(&self) -> UnwindTable {
        let mut builder = UnwindTableBuilder::default();
        self.read_into(&mut builder);
        builder.finish()
    }

    /// Reads all of them and adds the rows to `builder`.
    pub fn read_into(&self, builder: &mut UnwindTableBuilder) {
        let code = CodeMap::new(&self.code, self.address_bytes);
        cfi::read(self, &code, builder);
        compact::read(self, &code, builder);
        ehabi::read(self, &code, builder);
    }
}

/// Where code can be.
#[derive(Debug)]
pub struct CodeMap<'a> {
    /// Sorted; those that touch are joined.
    joined: Vec<(u64, u64)>,
    /// Sorted by their first addresses.
    ranges: Vec<CodeRange<'a>>,
    /// The last address that there is.
    last: u64,
}

impl<'a> CodeMap<'a> {
    fn new(code: &[CodeRange<'a>], address_bytes: u8) -> Self {
        let mut ranges: Vec<CodeRange<'a>> =
            code.iter().copied().filter(|range| range.start < range.end).collect();
        ranges.sort_by_key(|range| range.start);
        let mut joined: Vec<(u64, u64)> = Vec::with_capacity(ranges.len());
        for range in &ranges {
            match joined.last_mut() {
                Some(last) if range.start <= last.1 => last.1 = last.1.max(range.end),
                _ => joined.push((range.start, range.end)),
            }
        }
        Self { joined, ranges, last: if address_bytes == 4 { u32::MAX.into() } else { u64::MAX } }
    }

    /// Up to where code goes on from `address`; `None` if no code is there.
    pub fn end_of_code(&self, address: u64) -> Option<u64> {
        if self.joined.is_empty() {
            return (address != 0 && address < self.last - 1).then_some(self.last);
        }
        let after = self.joined.partition_point(|range| range.0 <= address);
        self.joined[..after].last().map(|range| range.1).filter(|end| address < *end)
    }

    /// The four bytes of code at `address`.
    pub fn word(&self, address: u64) -> Option<[u8; 4]> {
        let after = self.ranges.partition_point(|range| range.start <= address);
        let range = self.ranges[..after].last()?;
        let at = usize::try_from(address.checked_sub(range.start)?).ok()?;
        range.bytes.get(at..at.checked_add(4)?)?.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_ends_where_no_range_goes_on() {
        let range = |start, end| CodeRange { start, end, bytes: b"abcdefgh" };
        let code = [range(0x40, 0x48), range(0x10, 0x20), range(0x20, 0x28), range(0x50, 0x50)];
        let map = CodeMap::new(&code, 8);
        for (address, want) in [
            (0, None),
            (0x0f, None),
            (0x10, Some(0x28)),
            (0x27, Some(0x28)),
            (0x28, None),
            (0x47, Some(0x48)),
            (0x50, None),
            (u64::MAX, None),
        ] {
            assert_eq!(map.end_of_code(address), want, "{address:#x}");
        }
        assert_eq!(map.word(0x14), Some(*b"efgh"));
        assert_eq!(map.word(0x45), None);
    }

    #[test]
    fn without_ranges_only_tombstones_are_no_code() {
        for (bytes, address, is_code) in [
            (8, 0, false),
            (8, 1, true),
            (8, u64::from(u32::MAX), true),
            (8, u64::MAX - 1, false),
            (8, u64::MAX, false),
            (4, u64::from(u32::MAX) - 2, true),
            (4, u64::from(u32::MAX) - 1, false),
        ] {
            let map = CodeMap::new(&[], bytes);
            assert_eq!(map.end_of_code(address).is_some(), is_code, "{address:#x}");
        }
    }
}
