//! The memory of a dump: which addresses have bytes, and where.

use minidump_common::format::{MINIDUMP_MEMORY_DESCRIPTOR, MINIDUMP_MEMORY_DESCRIPTOR64};

use super::reader::{FileRange, Reader};
use crate::bytes::Bytes;
use crate::bytes::faults::{DumpPart, FaultKind};
use crate::limits;

/// A range of addresses with its bytes in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryRange {
    /// The first address.
    pub start: u64,
    /// Where its bytes are. They need not all be in the file.
    pub bytes: FileRange,
}

impl MemoryRange {
    /// The last address; `None` if it has none, or they are no addresses.
    fn last(&self) -> Option<u64> {
        self.start.checked_add(self.bytes.size.checked_sub(1)?)
    }
}

/// Memory by address. A process's memory is in ranges of which each is in the file as a whole.
#[derive(Clone, Debug)]
pub struct Memory<'a> {
    bytes: Bytes<'a>,
    /// Sorted and disjoint. Some may end beyond the end of the file.
    ranges: Vec<MemoryRange>,
}

impl<'a> Memory<'a> {
    /// Sorts ranges and makes them disjoint: at each address the range counts that begins first,
    /// of those that begin together the longest.
    pub(super) fn new(bytes: Bytes<'a>, mut ranges: Vec<MemoryRange>) -> Self {
        ranges.sort_by_key(|range| {
            (range.start, std::cmp::Reverse(range.bytes.size), range.bytes.offset)
        });
        let mut last = None;
        ranges.retain_mut(|range| {
            let Some(own) = range.last() else { return false };
            let covered = match last {
                Some(last) if own <= last => return false,
                Some(last) if range.start <= last => last - range.start + 1,
                _ => 0,
            };
            last = Some(own);
            range.start += covered;
            range.bytes.offset += covered;
            range.bytes.size -= covered;
            true
        });
        ranges.shrink_to_fit();
        Self { bytes, ranges }
    }

    /// The bytes of the file that has it.
    pub(crate) fn bytes(&self) -> Bytes<'a> {
        self.bytes
    }

    /// The ranges, sorted by address and disjoint.
    pub fn ranges(&self) -> &[MemoryRange] {
        &self.ranges
    }

    /// The range that has `address`.
    pub fn range_of(&self, address: u64) -> Option<&MemoryRange> {
        let after = self.ranges.partition_point(|range| range.start <= address);
        self.ranges[..after].last().filter(|range| address - range.start < range.bytes.size)
    }

    /// Where the bytes from `address` to the end of the range that has it are in the file; `None` if
    /// not even the first of them is.
    pub fn from(&self, address: u64) -> Option<FileRange> {
        let range = self.range_of(address)?;
        let offset = range.bytes.offset.saturating_add(address - range.start);
        let end = range.bytes.end().min(self.bytes.len());
        let size = end.checked_sub(offset).filter(|size| *size > 0)?;
        Some(FileRange { offset, size })
    }

    /// Fills `buffer` with the bytes at `address`, which may be in several ranges. Whether all of
    /// them are there.
    pub fn read(&self, address: u64, buffer: &mut [u8]) -> bool {
        let (mut address, mut left) = (address, buffer);
        while !left.is_empty() {
            let Some(here) = self.from(address) else { return false };
            let count = usize::try_from(here.size).unwrap_or(usize::MAX).min(left.len());
            let (now, rest) = left.split_at_mut(count);
            if !self.bytes.read(here.offset, now) {
                return false;
            }
            left = rest;
            if left.is_empty() {
                return true;
            }
            let Some(next) = address.checked_add(crate::bytes::width(count)) else { return false };
            address = next;
        }
        true
    }
}

/// Reads `MemoryListStream`.
pub fn read(reader: &mut Reader<'_>, stream: FileRange, ranges: &mut Vec<MemoryRange>) {
    let records = reader.list(DumpPart::Memory, stream, 16, limits::MAX_MEMORY_RANGES);
    ranges.reserve_exact(records.offsets().len());
    for offset in records.offsets() {
        let Some(raw) = reader.record::<MINIDUMP_MEMORY_DESCRIPTOR>(DumpPart::Memory, offset)
        else {
            break;
        };
        push(reader, ranges, raw.start_of_memory_range, raw.memory.into());
    }
}

/// Reads `Memory64ListStream`: the bytes of all ranges follow each other from one offset on.
pub fn read64(reader: &mut Reader<'_>, stream: FileRange, ranges: &mut Vec<MemoryRange>) {
    let field = |at: u64| reader.bytes.record::<u64>(stream.offset + at);
    let (Some(count), Some(mut at)) = (field(0), field(8)) else {
        reader.faults.count(DumpPart::Memory, FaultKind::Malformed);
        reader.reach.may_be_further |= stream.end() > reader.bytes.len();
        return;
    };
    let records =
        reader.records(DumpPart::Memory, stream, 16, 16, count, limits::MAX_MEMORY_RANGES);
    ranges.reserve_exact(records.offsets().len());
    for offset in records.offsets() {
        let Some(raw) = reader.record::<MINIDUMP_MEMORY_DESCRIPTOR64>(DumpPart::Memory, offset)
        else {
            break;
        };
        let bytes = FileRange { offset: at, size: raw.data_size };
        push(reader, ranges, raw.start_of_memory_range, bytes);
        at = bytes.end();
    }
}

fn push(reader: &mut Reader<'_>, ranges: &mut Vec<MemoryRange>, start: u64, bytes: FileRange) {
    if bytes.is_empty() {
        return;
    }
    reader.claim(DumpPart::Memory, bytes);
    let range = MemoryRange { start, bytes };
    if range.last().is_none() {
        reader.faults.count(DumpPart::Memory, FaultKind::Malformed);
        return;
    }
    ranges.push(range);
}

#[cfg(test)]
mod tests {
    use scroll::Endian;

    use super::*;
    use crate::bytes::Data;

    fn memory(data: &[u8], ranges: Vec<MemoryRange>) -> Memory<'_> {
        Memory::new(Bytes::new(Data::Held(data), Endian::Little), ranges)
    }

    fn file(offset: u64, size: u64) -> FileRange {
        FileRange { offset, size }
    }

    fn range(start: u64, offset: u64, size: u64) -> MemoryRange {
        MemoryRange { start, bytes: FileRange { offset, size } }
    }

    #[test]
    fn reads_go_on_in_the_next_range_and_end_at_a_gap() {
        let data: Vec<u8> = (0..32).collect();
        let memory = memory(&data, vec![range(0x104, 8, 4), range(0x100, 4, 4)]);
        let mut word = [0; 4];
        assert!(memory.read(0x102, &mut word));
        assert_eq!(word, [6, 7, 8, 9]);
        assert!(!memory.read(0x106, &mut word));
        assert!(!memory.read(0xff, &mut word));
        assert_eq!(memory.from(0x107), Some(file(11, 1)));
        assert_eq!(memory.from(0x108), None);
    }

    #[test]
    fn overlapping_ranges_are_made_disjoint_and_end_with_the_file() {
        let data: Vec<u8> = (0..32).collect();
        let memory = memory(
            &data,
            vec![range(0x104, 8, 8), range(0x100, 0, 8), range(0x102, 1, 1), range(0x200, 30, 9)],
        );
        assert_eq!(memory.ranges(), [range(0x100, 0, 8), range(0x108, 12, 4), range(0x200, 30, 9)]);
        assert_eq!(memory.from(0x200), Some(file(30, 2)));
        assert_eq!(memory.from(0x202), None);
    }

    #[test]
    fn the_last_address_of_all_is_one() {
        let data = [7; 4];
        let memory = memory(&data, vec![range(u64::MAX - 3, 0, 4)]);
        assert_eq!(memory.from(u64::MAX), Some(file(3, 1)));
        assert!(!memory.read(u64::MAX, &mut [0; 2]));
    }
}
