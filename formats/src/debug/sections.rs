//! Sections of an object file: in, the parsed file; out, the bytes of its debug sections, expanded where they
//! are compressed, and the addresses that hold code.

use std::borrow::Cow;

use gimli::SectionId;
use object::{Object, ObjectSection, ObjectSegment, SectionFlags, SegmentFlags, elf};

use crate::limits::MAX_EXPANSION;

/// The executable addresses of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// Sorted and disjoint.
    spans: Vec<(u64, u64)>,
    /// The same, each longer by the padding up to the next section.
    padded: Vec<(u64, u64)>,
}

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
        let allocated = file.sections().filter(|section| match section.flags() {
            SectionFlags::Elf { sh_flags, .. } => sh_flags.contains(elf::SHF_ALLOC),
            _ => true,
        });
        Self::from_spans(spans, allocated.map(|section| section.address()).collect())
    }

    /// Sorts and joins `spans`, each a first address and the one after the last, among sections that begin at
    /// `starts`.
    pub fn from_spans(mut spans: Vec<(u64, u64)>, mut starts: Vec<u64>) -> Self {
        spans.retain(|(start, end)| start < end);
        spans.sort_unstable();
        let mut joined: Vec<(u64, u64)> = Vec::with_capacity(spans.len());
        for (start, end) in spans {
            match joined.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => joined.push((start, end)),
            }
        }
        starts.sort_unstable();
        let pad = |&(start, end): &(u64, u64)| {
            let next = starts.get(starts.partition_point(|start| *start < end)).copied();
            (start, next.unwrap_or(end))
        };
        Self { padded: joined.iter().map(pad).collect(), spans: joined }
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

    /// The same with the padding that follows, over which a symbol without size reaches.
    pub fn padded_spans(&self) -> &[(u64, u64)] {
        &self.padded
    }
}

/// The contents of section `name`, expanded if compressed; empty where the file has no such section.
///
/// # Errors
/// If the section lies outside the file of `file_bytes`, its compressed data is damaged, or it declares more than
/// [`MAX_EXPANSION`] allows.
pub fn debug_section<'d>(file: &object::File<'d>, id: SectionId, file_bytes: usize) -> Result<Cow<'d, [u8]>, String> {
    let name = id.name();
    let Some(section) = file.section_by_name(name).filter(|_| is_read(id)) else { return Ok(Cow::Borrowed(&[])) };
    let in_section = |reason: object::Error| format!("section {name}: {reason}");
    let data = section.compressed_data().map_err(in_section)?;
    let limit = MAX_EXPANSION * file_bytes as u64;
    if data.uncompressed_size > limit {
        return Err(format!("section {name} declares {} bytes, over the limit of {limit}", data.uncompressed_size));
    }
    data.decompress().map_err(in_section)
}

/// Whether anything of the section is used: locations of variables and macros are not.
fn is_read(id: SectionId) -> bool {
    !matches!(id, SectionId::DebugLoc | SectionId::DebugLocLists | SectionId::DebugMacinfo | SectionId::DebugMacro | SectionId::DebugTypes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_joined_and_half_open() {
        let code = Code::from_spans(vec![(30, 40), (10, 20), (20, 25), (50, 50)], vec![60, 10, 20, 30]);
        assert_eq!(code.spans(), [(10, 25), (30, 40)]);
        assert_eq!(code.padded_spans(), [(10, 30), (30, 60)]);
        for (address, want) in [(9, false), (10, true), (24, true), (25, false), (39, true), (40, false), (50, false), (u64::MAX, false)] {
            assert_eq!(code.contains(address), want, "{address}");
        }
    }
}
