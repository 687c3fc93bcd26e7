//! Gives each section an address, and leads back from there: [`Layout`].
//!
//! A linked file says it itself, and so does a relocatable object of Mach-O, whose debug data needs
//! no relocations either. In a relocatable object of ELF (`ET_REL`: `.o`, `.ko`) every section
//! begins at 0, and so do the addresses that people have. To read one like a linked file, its
//! sections are laid out one after the other first; afterwards an address means an offset into the
//! first executable section that is long enough, as in llvm-symbolizer:
//!
//! ```text
//! sections    .text  ├────────┤            .text.hot ├──────────────┤     .text.unlikely ├───┤
//! laid out           0x1000   0x1800                 0x1840         0x2440              0x2480
//! answered           0 ...... 0x800                  0x800 ... 0xc00                    (hidden: shorter)
//! ```

use std::collections::VecDeque;

use hashbrown::HashMap;
use object::{BinaryFormat, Object, ObjectKind, ObjectSection, SectionFlags, SectionIndex, elf};

use crate::module::{DropReason, ModuleSymbols, Range, Start};

/// The first section of a relocatable object lies here: 0 is what linkers leave of discarded code.
const FIRST_ADDRESS: u64 = 0x1000;
/// Sections lie this far apart at least, so that what ends one does not begin the next.
const GAP: u64 = 64;

/// Where the sections of an object lie.
#[derive(Debug, Default)]
pub struct Layout {
    /// Addresses of a relocatable object's allocated sections, and of debug sections that are put
    /// behind others of their name; `None` where the file has final addresses.
    placed: Option<HashMap<SectionIndex, u64>>,
    windows: Vec<Window>,
}

/// The laid out addresses `start..end`, which answer for `start - base..end - base`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    start: u64,
    end: u64,
    base: u64,
}

impl Layout {
    /// Lays out the sections of `file`.
    ///
    /// # Errors
    /// If they do not fit into the address space; a fact for the user.
    pub fn of(file: &object::File<'_>) -> Result<Self, String> {
        if file.kind() != ObjectKind::Relocatable || file.format() != BinaryFormat::Elf {
            return Ok(Self::default());
        }
        let last_address = if file.is_64() { u64::MAX } else { u64::from(u32::MAX) };
        let (mut placed, mut windows) = (HashMap::new(), Vec::new());
        let (mut address, mut answered) = (FIRST_ADDRESS, 0);
        let is_code =
            |section: &object::Section<'_, '_>| is(section, elf::SHF_ALLOC | elf::SHF_EXECINSTR);
        let has_contents = |section: &object::Section<'_, '_>| {
            section.kind() != object::SectionKind::UninitializedData
        };
        // The debug file of a kernel module has the headers of its code alone.
        let is_debug_file =
            !file.sections().any(|section| is_code(&section) && has_contents(&section));
        for section in file.sections().filter(|section| is(section, elf::SHF_ALLOC)) {
            placed.insert(section.index(), address);
            let size = section.size();
            if is_code(&section) && (is_debug_file || has_contents(&section)) && size > answered {
                windows.push(Window {
                    start: address.saturating_add(answered),
                    end: address.saturating_add(size),
                    base: address,
                });
                answered = size;
            }
            let next = address
                .checked_add(size)
                .and_then(|end| end.checked_add(GAP))
                .filter(|end| *end <= last_address);
            address = next
                .ok_or_else(|| "its sections are larger than the address space".to_owned())?
                .next_multiple_of(GAP);
        }
        if windows.is_empty() {
            // Nothing but debug data, of an image that was linked.
            return Ok(Self::default());
        }
        place_debug_sections(file, &mut placed);
        Ok(Self { placed: Some(placed), windows })
    }

    /// The same layout for `debug`, the debug file that was split from `file`, whose sections may
    /// have other numbers.
    #[must_use]
    pub fn of_debug_file(&self, file: &object::File<'_>, debug: &object::File<'_>) -> Self {
        let Some(of_file) = &self.placed else { return Self::default() };
        let mut by_name: HashMap<Vec<u8>, VecDeque<u64>> = HashMap::new();
        for section in file.sections().filter(|section| is(section, elf::SHF_ALLOC)) {
            let address = of_file.get(&section.index()).copied().unwrap_or(0);
            by_name
                .entry(section.name_bytes().unwrap_or_default().to_vec())
                .or_default()
                .push_back(address);
        }
        let mut placed = HashMap::new();
        for section in debug.sections().filter(|section| is(section, elf::SHF_ALLOC)) {
            let alike = by_name.get_mut(section.name_bytes().unwrap_or_default());
            if let Some(address) = alike.and_then(VecDeque::pop_front) {
                placed.insert(section.index(), address);
            }
        }
        place_debug_sections(debug, &mut placed);
        Self { placed: Some(placed), windows: Vec::new() }
    }

    /// Whether the file is a relocatable object.
    pub fn is_relocatable(&self) -> bool {
        self.placed.is_some()
    }

    /// The address of `section`.
    pub fn address<'d>(&self, section: &impl ObjectSection<'d>) -> u64 {
        match &self.placed {
            None => section.address(),
            Some(placed) => placed.get(&section.index()).copied().unwrap_or(0),
        }
    }

    /// First address of `section` and the one after its last.
    pub fn extent<'d>(&self, section: &impl ObjectSection<'d>) -> (u64, u64) {
        let start = self.address(section);
        (start, start.saturating_add(section.size()))
    }

    /// The address of a symbol of `section` that has `value`.
    pub fn symbol_address(&self, section: SectionIndex, value: u64) -> u64 {
        self.placed
            .as_ref()
            .and_then(|placed| placed.get(&section))
            .map_or(value, |base| base.wrapping_add(value))
    }

    /// Gives the ranges of `module` the addresses that people have. What they cannot name is
    /// counted.
    pub fn restore(&self, module: &mut ModuleSymbols) {
        if !self.is_relocatable() {
            return;
        }
        let before = std::mem::take(&mut module.ranges);
        for Window { start, end, base } in &self.windows {
            let first = before.partition_point(|range| range.end <= *start);
            let inside = before[first..].iter().take_while(|range| range.start < *end);
            module.ranges.extend(inside.map(|range| Range {
                start: range.start.max(*start) - base,
                end: range.end.min(*end) - base,
                ..*range
            }));
        }
        // Windows are sorted, as sections are laid out one after the other.
        let covered = |range: &&Range| {
            let after = self.windows.partition_point(|window| window.end <= range.start);
            self.windows.get(after).is_some_and(|window| window.start < range.end)
        };
        let back = |start: u64| {
            let after = self.windows.partition_point(|window| window.end <= start);
            self.windows
                .get(after)
                .filter(|window| window.start <= start)
                .map(|window| start - window.base)
        };
        for chain in &mut module.chains {
            chain.start = chain.start.address().and_then(back).map_or(Start::UNKNOWN, Start::at);
        }
        module.aliases.retain_mut(|alias| {
            back(alias.address).map(|address| alias.address = address).is_some()
        });
        module.aliases.sort_unstable();
        let hidden = before.len() - before.iter().filter(covered).count();
        module.dropped.count_many(DropReason::HiddenSection, hidden as u64);
    }
}

fn is(section: &object::Section<'_, '_>, flags: elf::SectionFlags) -> bool {
    matches!(section.flags(), SectionFlags::Elf { sh_flags, .. } if sh_flags.contains(flags))
}

/// Notes where debug sections begin that are put behind others of their name: what refers to them
/// means that place.
fn place_debug_sections(file: &object::File<'_>, placed: &mut HashMap<SectionIndex, u64>) {
    let mut ends: HashMap<Vec<u8>, u64> = HashMap::new();
    for section in file.sections().filter(|section| !is(section, elf::SHF_ALLOC)) {
        let Some(name) = section.name_bytes().ok().filter(|name| name.starts_with(b".debug_"))
        else {
            continue;
        };
        let bytes = section.compressed_file_range().map_or(0, |range| range.uncompressed_size);
        match ends.get_mut(name) {
            Some(end) => {
                placed.insert(section.index(), *end);
                *end = end.saturating_add(bytes);
            }
            None => drop(ends.insert(name.to_vec(), bytes)),
        }
    }
}
