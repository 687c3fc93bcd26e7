//! Holds the bytes of a section: in the file, or expanded into zeroed memory, on huge pages where
//! the system has them.
//!
//! A debug section can have hundreds of megabytes, which are written once and read once. On pages
//! of 4 KiB the system spends a sixth of the time of expanding librgw's `.debug_info` on handing
//! out pages.

use std::ops::Deref;

use memmap2::MmapMut;

/// Bytes of a section: in the file, or expanded.
#[derive(Debug)]
pub enum SectionBytes<'d> {
    /// In the file.
    InFile(&'d [u8]),
    /// In memory of their own.
    Owned(MmapMut),
}

impl Default for SectionBytes<'_> {
    fn default() -> Self {
        Self::InFile(&[])
    }
}

impl Deref for SectionBytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::InFile(bytes) => bytes,
            Self::Owned(memory) => memory,
        }
    }
}

impl SectionBytes<'_> {
    /// The same bytes, of which there must be one, where they can be changed.
    ///
    /// # Errors
    /// If there is no memory for a copy.
    pub fn into_owned(self) -> std::io::Result<MmapMut> {
        match self {
            Self::Owned(memory) => Ok(memory),
            Self::InFile(bytes) => {
                let mut memory = zeroed(bytes.len())?;
                memory.copy_from_slice(bytes);
                Ok(memory)
            }
        }
    }
}

/// `size` bytes of 0, at least one.
///
/// # Errors
/// If there is no memory for them, or `size` is 0.
pub fn zeroed(size: usize) -> std::io::Result<MmapMut> {
    let memory = MmapMut::map_anon(size)?;
    // Without huge pages it is slower, not wrong.
    #[cfg(target_os = "linux")]
    let _ = memory.advise(memmap2::Advice::HugePage);
    Ok(memory)
}

/// `parts` end to end; a single one stays where it is.
///
/// # Errors
/// If there is no memory for a copy.
pub fn concat(mut parts: Vec<SectionBytes<'_>>) -> std::io::Result<SectionBytes<'_>> {
    parts.retain(|part| !part.is_empty());
    if parts.len() <= 1 {
        return Ok(parts.pop().unwrap_or_default());
    }
    let mut all = zeroed(parts.iter().map(|part| part.len()).sum())?;
    let mut at = 0;
    for part in parts {
        all[at..at + part.len()].copy_from_slice(&part);
        at += part.len();
    }
    Ok(SectionBytes::Owned(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_end_to_end() {
        let concat = |parts: &[&'static [u8]]| {
            concat(parts.iter().map(|part| SectionBytes::InFile(part)).collect()).unwrap()
        };
        assert_eq!(&*concat(&[b"ab", b"", b"c"]), b"abc");
        assert!(matches!(concat(&[b"", b"ab"]), SectionBytes::InFile(b"ab")));
        assert!(concat(&[]).is_empty());
    }
}
