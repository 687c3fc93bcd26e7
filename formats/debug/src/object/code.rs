//! Tells which addresses hold code: [`Code`], sorted spans.

use hashbrown::HashMap;
use object::{
    Architecture, BinaryFormat, Object, ObjectSection, ObjectSegment, ObjectSymbol, SectionFlags,
    SectionIndex, SectionKind, SegmentFlags, SymbolKind, elf, macho,
};

use super::layout::Layout;

/// The executable addresses of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// Sorted and disjoint.
    spans: Vec<(u64, u64)>,
}

impl Code {
    /// The executable sections of `file`, where `layout` puts them, and what else holds code though
    /// no flag says so (firmware): contents of executable segments, functions of the symbol table.
    /// A file that tells of none of them, as it has debug data alone, may have code anywhere but at
    /// 0, which is what linkers leave of discarded code.
    pub fn of(file: &object::File<'_>, layout: &Layout) -> Self {
        let mut spans: Vec<(u64, u64)> =
            file.sections().filter(is_code).map(|section| layout.extent(&section)).collect();
        if !layout.is_relocatable() {
            spans.extend(unmarked(file));
        }
        let code = Self::from_spans(spans);
        if code.spans.is_empty() && file.format() == BinaryFormat::Elf {
            Self { spans: vec![(1, u64::MAX)] }
        } else {
            code
        }
    }

    /// Sorts and joins `spans`, each a first address and the one after the last.
    pub fn from_spans(mut spans: Vec<(u64, u64)>) -> Self {
        spans.retain(|(start, end)| start < end);
        spans.sort_unstable();
        let mut joined: Vec<(u64, u64)> = Vec::with_capacity(spans.len());
        for (start, end) in spans {
            match joined.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => joined.push((start, end)),
            }
        }
        Self { spans: joined }
    }

    /// Whether `address` holds code.
    pub fn contains(&self, address: u64) -> bool {
        let after = self.spans.partition_point(|(start, _)| *start <= address);
        after > 0 && address < self.spans[after - 1].1
    }

    /// First address and the one after the last, of every stretch.
    pub fn spans(&self) -> &[(u64, u64)] {
        &self.spans
    }
}

fn is_code(section: &object::Section<'_, '_>) -> bool {
    match section.flags() {
        SectionFlags::Elf { sh_flags, .. } => {
            sh_flags.contains(elf::SHF_ALLOC | elf::SHF_EXECINSTR)
        }
        _ => section.kind() == SectionKind::Text,
    }
}

/// What holds code outside of sections that say so.
fn unmarked(file: &object::File<'_>) -> Vec<(u64, u64)> {
    let end = |start: u64, bytes: u64| start.saturating_add(bytes);
    let segments: Vec<(u64, u64)> = file
        .segments()
        .filter(|segment| match segment.flags() {
            SegmentFlags::Elf { p_flags, .. } => p_flags.contains(elf::PF_X),
            SegmentFlags::MachO { initprot, .. } => initprot.contains(macho::VM_PROT_EXECUTE),
            _ => false,
        })
        .map(|segment| (segment.address(), end(segment.address(), segment.size())))
        .collect();
    if file.sections().next().is_none() {
        return segments;
    }
    if file.format() != BinaryFormat::Elf {
        return Vec::new();
    }
    // Headers, notes and tables of symbols are mapped executable too in old images.
    let is_loaded = |section: &object::Section<'_, '_>| matches!(section.flags(), SectionFlags::Elf { sh_flags, .. } if sh_flags.contains(elf::SHF_ALLOC));
    let extent = |section: &object::Section<'_, '_>| {
        (section.address(), end(section.address(), section.size()))
    };
    let is_in_segment = |section: &object::Section<'_, '_>| {
        segments.iter().any(|(first, end)| (*first..*end).contains(&section.address()))
    };
    let has_contents = |section: &object::Section<'_, '_>| {
        matches!(section.kind(), SectionKind::Data | SectionKind::ReadOnlyData)
    };
    let mut spans = Vec::new();
    // A debug file has no contents.
    let mut ends: HashMap<SectionIndex, u64> = HashMap::new();
    for section in file.sections().filter(|section| is_loaded(section) && !is_code(section)) {
        ends.insert(section.index(), extent(&section).1);
        if has_contents(&section) && is_in_segment(&section) {
            spans.push(extent(&section));
        }
    }
    let has_mode_bit = matches!(
        file.architecture(),
        Architecture::Arm | Architecture::Mips | Architecture::Mips64
    );
    let functions =
        file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0);
    spans.extend(functions.filter_map(|symbol| {
        let section_end = ends.get(&symbol.section_index()?)?;
        let start = if has_mode_bit { symbol.address() & !1 } else { symbol.address() };
        Some((start, end(start, symbol.size()).min(*section_end)))
    }));
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_joined_and_half_open() {
        let code = Code::from_spans(vec![(30, 40), (10, 20), (20, 25), (50, 50)]);
        assert_eq!(code.spans(), [(10, 25), (30, 40)]);
        for (address, want) in [
            (9, false),
            (10, true),
            (24, true),
            (25, false),
            (39, true),
            (40, false),
            (50, false),
            (u64::MAX, false),
        ] {
            assert_eq!(code.contains(address), want, "{address}");
        }
    }
}
