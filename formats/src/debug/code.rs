//! Which addresses hold code: in, the parsed file; out, [`Code`], sorted spans.

use object::{Object, ObjectSection, ObjectSegment, SectionFlags, SegmentFlags, elf};

use super::layout::Layout;

/// The addresses of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// Executable ones, sorted and disjoint.
    spans: Vec<(u64, u64)>,
    image_end: u64,
}

impl Code {
    /// The executable sections of `file`, where `layout` puts them; its executable segments where it has no section
    /// headers.
    pub fn of(file: &object::File<'_>, layout: &Layout) -> Self {
        let (mut code, mut image_end) = (Vec::new(), 0);
        for section in file.sections() {
            let (is_allocated, is_code) = match section.flags() {
                SectionFlags::Elf { sh_flags, .. } => {
                    (sh_flags.contains(elf::SHF_ALLOC), sh_flags.contains(elf::SHF_ALLOC | elf::SHF_EXECINSTR))
                }
                _ => (true, section.kind() == object::SectionKind::Text),
            };
            let extent = layout.extent(&section);
            image_end = if is_allocated { extent.1.max(image_end) } else { image_end };
            code.extend(is_code.then_some(extent));
        }
        if file.sections().next().is_none() {
            for segment in file.segments() {
                let extent = (segment.address(), segment.address().saturating_add(segment.size()));
                let is_code = matches!(segment.flags(), SegmentFlags::Elf { p_flags, .. } if p_flags.contains(elf::PF_X));
                image_end = extent.1.max(image_end);
                code.extend(is_code.then_some(extent));
            }
        }
        Self::from_spans(code, image_end)
    }

    /// Sorts and joins `spans`, each a first address and the one after the last, of an image that ends at
    /// `image_end`.
    pub fn from_spans(mut spans: Vec<(u64, u64)>, image_end: u64) -> Self {
        spans.retain(|(start, end)| start < end);
        spans.sort_unstable();
        let mut joined: Vec<(u64, u64)> = Vec::with_capacity(spans.len());
        for (start, end) in spans {
            match joined.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => joined.push((start, end)),
            }
        }
        Self { spans: joined, image_end }
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

    /// The first address after all sections. Symbols without size reach no farther.
    pub fn image_end(&self) -> u64 {
        self.image_end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_joined_and_half_open() {
        let code = Code::from_spans(vec![(30, 40), (10, 20), (20, 25), (50, 50)], 60);
        assert_eq!(code.spans(), [(10, 25), (30, 40)]);
        for (address, want) in [(9, false), (10, true), (24, true), (25, false), (39, true), (40, false), (50, false), (u64::MAX, false)] {
            assert_eq!(code.contains(address), want, "{address}");
        }
    }
}
