//! Sections of an object file: in, the parsed file; out, the bytes of its debug sections, expanded where they
//! are compressed, and the addresses that hold code.

use std::borrow::Cow;

use object::{Object, ObjectSection, ObjectSegment, SectionFlags, SegmentFlags, elf};

/// The executable addresses of an image, sorted and disjoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code(Vec<(u64, u64)>);

impl Code {
    /// The executable sections of `file`; its executable segments where it has no section headers.
    pub fn of<'d>(file: &impl Object<'d>) -> Self {
        let mut spans: Vec<(u64, u64)> = file
            .sections()
            .filter(|section| match section.flags() {
                SectionFlags::Elf { sh_flags, .. } => sh_flags.contains(elf::SHF_ALLOC | elf::SHF_EXECINSTR),
                _ => section.kind() == object::SectionKind::Text,
            })
            .map(|section| (section.address(), section.address().saturating_add(section.size())))
            .collect();
        if file.sections().next().is_none() {
            spans.extend(
                file.segments()
                    .filter(|segment| matches!(segment.flags(), SegmentFlags::Elf { p_flags, .. } if p_flags.contains(elf::PF_X)))
                    .map(|segment| (segment.address(), segment.address().saturating_add(segment.size()))),
            );
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
        Self(joined)
    }

    /// Whether `address` holds code.
    pub fn contains(&self, address: u64) -> bool {
        let after = self.0.partition_point(|(start, _)| *start <= address);
        after > 0 && address < self.0[after - 1].1
    }

    /// First address and the one after the last, of every stretch.
    pub fn spans(&self) -> &[(u64, u64)] {
        &self.0
    }
}

/// The contents of section `name`, expanded if compressed; empty where the file has no such section.
///
/// # Errors
/// If the section lies outside the file, or its compressed data is damaged.
pub fn debug_section<'d>(file: &object::File<'d>, name: &str) -> object::Result<Cow<'d, [u8]>> {
    match file.section_by_name(name) {
        Some(section) => section.uncompressed_data(),
        None => Ok(Cow::Borrowed(&[])),
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
