//! A PE image by the addresses at which its sections lie in memory: [`PeImage`].

/// A section of an image.
#[derive(Clone, Copy, Debug, Default)]
pub struct PeSection<'d> {
    /// Its first address, relative to the image.
    pub start: u32,
    /// Bytes of it in memory.
    pub memory_bytes: u32,
    /// What the file holds of it.
    pub bytes: &'d [u8],
    /// Whether it holds code.
    pub is_code: bool,
}

/// The sections of an image, sorted by address.
#[derive(Clone, Debug, Default)]
pub struct PeImage<'d> {
    sections: Vec<PeSection<'d>>,
}

impl<'d> PeImage<'d> {
    /// An image with these sections.
    pub fn new(sections: impl IntoIterator<Item = PeSection<'d>>) -> Self {
        let mut sections: Vec<_> = sections.into_iter().collect();
        for section in &mut sections {
            let bytes = usize::try_from(section.memory_bytes).unwrap_or(usize::MAX);
            section.bytes = &section.bytes[..section.bytes.len().min(bytes)];
        }
        sections.sort_by_key(|section| section.start);
        Self { sections }
    }

    /// What the file holds from `address` to the end of its section.
    pub(super) fn from(&self, address: u32) -> Option<&'d [u8]> {
        let after = self.sections.partition_point(|section| section.start <= address);
        let section = self.sections.get(after.checked_sub(1)?)?;
        section.bytes.get(usize::try_from(address - section.start).ok()?..)
    }

    /// The `bytes` bytes from `address` on.
    pub(super) fn get(&self, address: u32, bytes: u32) -> Option<&'d [u8]> {
        self.from(address)?.get(..usize::try_from(bytes).ok()?)
    }

    /// The executable addresses: sorted, disjoint spans.
    pub(super) fn code(&self) -> Vec<(u64, u64)> {
        let mut spans: Vec<(u64, u64)> = Vec::new();
        for section in self.sections.iter().filter(|section| section.is_code) {
            let start = u64::from(section.start).max(spans.last().map_or(0, |last| last.1));
            let end = u64::from(section.start) + u64::from(section.memory_bytes);
            if start < end {
                spans.push((start, end));
            }
        }
        spans
    }

    /// Bytes of all sections in the file.
    pub(super) fn len(&self) -> usize {
        self.sections
            .iter()
            .fold(0, |bytes: usize, section| bytes.saturating_add(section.bytes.len()))
    }
}

/// The little-endian word at `at` in `bytes`.
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// The little-endian number of 16 bits at `at` in `bytes`.
pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_end_where_the_file_has_no_more() {
        let section =
            |start, memory_bytes, bytes, is_code| PeSection { start, memory_bytes, bytes, is_code };
        let image = PeImage::new([
            section(0x20, 8, b"0123456789", false),
            section(0x10, 0x20, b"abcd", true),
            section(0x18, 0x20, b"", true),
        ]);
        assert_eq!(image.get(0x10, 4), Some(&b"abcd"[..]));
        assert_eq!((image.get(0x10, 5), image.get(0xf, 1), image.get(0x14, 1)), (None, None, None));
        assert_eq!((image.from(0x26), image.from(0x28)), (Some(&b"67"[..]), Some(&b""[..])));
        assert_eq!((image.from(0x29), image.len()), (None, 12));
        assert_eq!(image.code(), [(0x10, 0x30), (0x30, 0x38)]);
    }
}
