//! Which addresses hold code: in, the parsed file; out, [`Code`], sorted spans.

use object::{Object, ObjectSection, ObjectSegment, SectionFlags, SegmentFlags, elf, macho};

use super::layout::Layout;

/// The executable addresses of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// Sorted and disjoint.
    spans: Vec<(u64, u64)>,
}

impl Code {
    /// The executable sections of `file`, where `layout` puts them; its executable segments where it has no section
    /// headers.
    pub fn of(file: &object::File<'_>, layout: &Layout) -> Self {
        let is_code = |section: &object::Section<'_, '_>| match section.flags() {
            SectionFlags::Elf { sh_flags, .. } => sh_flags.contains(elf::SHF_ALLOC | elf::SHF_EXECINSTR),
            _ => section.kind() == object::SectionKind::Text,
        };
        let mut spans: Vec<(u64, u64)> = file.sections().filter(is_code).map(|section| layout.extent(&section)).collect();
        if file.sections().next().is_none() {
            let code = file.segments().filter(|segment| match segment.flags() {
                SegmentFlags::Elf { p_flags, .. } => p_flags.contains(elf::PF_X),
                SegmentFlags::MachO { initprot, .. } => initprot.contains(macho::VM_PROT_EXECUTE),
                _ => false,
            });
            spans.extend(code.map(|segment| (segment.address(), segment.address().saturating_add(segment.size()))));
        }
        Self::from_spans(spans)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_joined_and_half_open() {
        let code = Code::from_spans(vec![(30, 40), (10, 20), (20, 25), (50, 50)]);
        assert_eq!(code.spans(), [(10, 25), (30, 40)]);
        for (address, want) in [(9, false), (10, true), (24, true), (25, false), (39, true), (40, false), (50, false), (u64::MAX, false)] {
            assert_eq!(code.contains(address), want, "{address}");
        }
    }
}
