//! Which module has an address.

use crate::read::modules::DumpModule;

/// Addresses of one module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    start: u64,
    last: u64,
    module: u32,
}

/// The addresses of all modules, sorted and disjoint. Where modules overlap, the one that begins
/// last has the address; of those that begin together, the shortest.
#[derive(Clone, Debug, Default)]
pub struct ModuleMap {
    segments: Vec<Segment>,
    /// How many modules begin within another one.
    pub overlapping: u64,
}

impl ModuleMap {
    pub fn new(modules: &[DumpModule]) -> Self {
        let mut all: Vec<Segment> = modules
            .iter()
            .zip(0_u32..)
            .filter_map(|(module, number)| {
                let size = module.size.checked_sub(1)?;
                // A module at the top of memory ends there.
                let last = module.base.saturating_add(size);
                Some(Segment { start: module.base, last, module: number })
            })
            .collect();
        all.sort_by_key(|segment| (segment.start, std::cmp::Reverse(segment.last), segment.module));
        let mut map = Self::default();
        // Modules that have begun and not ended, the one that has the address on top.
        let mut open: Vec<Segment> = Vec::new();
        for next in all {
            map.close(&mut open, Some(next.start));
            if let Some(top) = open.last_mut() {
                map.overlapping += 1;
                if top.start < next.start {
                    map.segments.push(Segment { last: next.start - 1, ..*top });
                }
            }
            open.push(next);
        }
        map.close(&mut open, None);
        map
    }

    /// Adds what is open and ends before `before`, or all if there is no such address.
    fn close(&mut self, open: &mut Vec<Segment>, before: Option<u64>) {
        while let Some(top) = open.pop_if(|top| before.is_none_or(|before| top.last < before)) {
            self.segments.push(top);
            // What is below goes on behind it, if it is longer.
            while open.pop_if(|below| below.last <= top.last).is_some() {}
            if let Some(below) = open.last_mut() {
                below.start = top.last + 1;
            }
        }
    }

    /// The number of the module that has `address`.
    pub fn at(&self, address: u64) -> Option<u32> {
        let after = self.segments.partition_point(|segment| segment.start <= address);
        self.segments[..after]
            .last()
            .filter(|segment| address <= segment.last)
            .map(|segment| segment.module)
    }

    /// The last address that a module has; 0 if there are none.
    pub fn last_address(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::modules::CodeView;

    fn map(modules: &[(u64, u64)]) -> ModuleMap {
        let modules: Vec<DumpModule> = modules
            .iter()
            .map(|&(base, size)| DumpModule {
                base,
                size,
                name: None,
                time_stamp: 0,
                checksum: 0,
                version: None,
                code_view: CodeView::None,
            })
            .collect();
        ModuleMap::new(&modules)
    }

    #[test]
    fn edges_of_modules() {
        let map = map(&[(0x4000, 0x1000), (0x1000, 0x1000), (0x2000, 0)]);
        for (address, want) in [
            (0xfff, None),
            (0x1000, Some(1)),
            (0x1fff, Some(1)),
            (0x2000, None),
            (0x4fff, Some(0)),
            (0x5000, None),
            (u64::MAX, None),
        ] {
            assert_eq!(map.at(address), want, "{address:#x}");
        }
        assert_eq!(map.overlapping, 0);
    }

    #[test]
    fn a_module_at_the_top_of_memory() {
        let map = map(&[(u64::MAX - 0xfff, 0x1000), (u64::MAX - 0xff, 0x1000)]);
        assert_eq!(map.at(u64::MAX), Some(1));
        assert_eq!(map.at(u64::MAX - 0x100), Some(0));
        assert_eq!(map.at(u64::MAX - 0x1000), None);
        assert_eq!(map.last_address(), u64::MAX);
        assert_eq!(map.overlapping, 1);
    }

    /// At every address of small ones.
    #[test]
    fn the_module_that_begins_last_has_the_address() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..2000 {
            let modules: Vec<(u64, u64)> =
                (0..random.usize(..6)).map(|_| (random.u64(..30), random.u64(..12))).collect();
            let map = map(&modules);
            for address in 0..50 {
                let has = |&(_, &(base, size)): &(usize, &(u64, u64))| {
                    address >= base && address - base < size
                };
                // Of equal ones, the last of the list lies on top.
                let want =
                    modules.iter().enumerate().filter(has).max_by_key(
                        |&(number, &(base, size))| (base, std::cmp::Reverse(size), number),
                    );
                let want = want.and_then(|(number, _)| u32::try_from(number).ok());
                assert_eq!(map.at(address), want, "{modules:?} {address}");
            }
        }
    }
}
