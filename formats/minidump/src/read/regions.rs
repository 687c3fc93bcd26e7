//! The regions of a process's address space: which addresses exist, and what may be done there.

use minidump_common::format::{
    MINIDUMP_MEMORY_INFO, MINIDUMP_MEMORY_INFO_LIST, MemoryProtection, MemoryState,
};

use super::linux::LinuxMap;
use super::reader::{FileRange, Reader};
use crate::bytes::faults::{DumpPart, FaultKind};
use crate::limits;

/// A region of the address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The first address.
    pub start: u64,
    /// The last address.
    pub last: u64,
    /// Whether it may be read.
    pub readable: bool,
    /// Whether it may be written.
    pub writable: bool,
    /// Whether code in it may run.
    pub executable: bool,
}

/// The regions of an address space, sorted by address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Regions(Vec<Region>);

impl Regions {
    fn new(mut regions: Vec<Region>) -> Self {
        regions.sort_by_key(|region| (region.start, region.last));
        Self(regions)
    }

    /// All of them, sorted by address.
    pub fn all(&self) -> &[Region] {
        &self.0
    }

    /// The region that has `address`.
    pub fn of(&self, address: u64) -> Option<&Region> {
        let after = self.0.partition_point(|region| region.start <= address);
        self.0[..after].last().filter(|region| address <= region.last)
    }

    /// Whether code may run at `address`; `None` if the dump does not say.
    pub fn is_executable(&self, address: u64) -> Option<bool> {
        (!self.0.is_empty()).then(|| self.of(address).is_some_and(|region| region.executable))
    }
}

/// Reads `MemoryInfoListStream`.
pub fn read(reader: &mut Reader<'_>, stream: FileRange) -> Regions {
    const PART: DumpPart = DumpPart::Regions;
    let Some(head) = reader.record::<MINIDUMP_MEMORY_INFO_LIST>(PART, stream.offset) else {
        return Regions::default();
    };
    let each = if head.size_of_entry < 48 { 0 } else { head.size_of_entry };
    let records = reader.records(
        PART,
        stream,
        head.size_of_header.into(),
        each.into(),
        head.number_of_entries,
        limits::MAX_MEMORY_RANGES,
    );
    let mut regions = Vec::with_capacity(records.offsets().len());
    for offset in records.offsets() {
        let Some(raw) = reader.record::<MINIDUMP_MEMORY_INFO>(PART, offset) else { break };
        if raw.state & MemoryState::MEM_COMMIT.bits() == 0 {
            continue;
        }
        let size = raw.region_size.checked_sub(1);
        let Some(last) = size.and_then(|size| raw.base_address.checked_add(size)) else {
            reader.faults.count(PART, FaultKind::Malformed);
            continue;
        };
        regions.push(region(raw.base_address, last, raw.protection));
    }
    Regions::new(regions)
}

fn region(start: u64, last: u64, protection: u32) -> Region {
    use MemoryProtection as P;
    let bits = P::from_bits_truncate(protection);
    let write = P::PAGE_READWRITE | P::PAGE_WRITECOPY;
    let write_run = P::PAGE_EXECUTE_READWRITE | P::PAGE_EXECUTE_WRITECOPY;
    let open = !bits.contains(P::PAGE_GUARD);
    Region {
        start,
        last,
        readable: open
            && bits.intersects(P::PAGE_READONLY | write | P::PAGE_EXECUTE_READ | write_run),
        writable: open && bits.intersects(write | write_run),
        executable: bits.intersects(P::PAGE_EXECUTE | P::PAGE_EXECUTE_READ | write_run),
    }
}

/// The regions that `/proc/self/maps` lists.
pub fn of_maps<'a>(maps: impl Iterator<Item = LinuxMap<'a>>) -> Regions {
    let most = usize::try_from(limits::MAX_MEMORY_RANGES).unwrap_or(usize::MAX);
    let regions = maps
        .take(most)
        .filter_map(|map| {
            let last = map.end.checked_sub(1).filter(|last| *last >= map.start)?;
            let has = |permission| map.permissions.contains(permission);
            Some(Region {
                start: map.start,
                last,
                readable: has('r'),
                writable: has('w'),
                executable: has('x'),
            })
        })
        .collect();
    Regions::new(regions)
}
