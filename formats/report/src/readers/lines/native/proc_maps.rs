//! Reads lists of mappings as in Linux's `/proc/PID/maps`, with which several reports end.
//!
//! ```text
//! 7f1234561000-7f1234562000 r-xp 00001000 08:01 1234                       /opt/lantern/liblamp.so
//! ```

use crate::event::image::file_name;
use crate::readers::lines::stacks::Stacks;
use crate::scan::text::{hex, word};

/// Reads a line; says whether it is a mapping. Files that no frame lies in are left out: nothing is
/// asked of them.
pub fn line(line: &str, stacks: &mut Stacks) -> bool {
    let Some((start, end, offset, path)) = mapping(line) else { return false };
    if let Some(image) = stacks
        .named(file_name(path))
        .filter(|image| image.path.as_deref().is_some_and(|known| is_same(known, path)))
    {
        // The first page of the file is that of the image. Its parts follow each other.
        let base = *image.load_address.get_or_insert(start.saturating_sub(offset));
        image.size = Some(end.saturating_sub(base)).max(image.size);
    }
    true
}

/// Whether a frame's path is that of a mapping, which is whole. Programs go by what they were
/// called as.
fn is_same(known: &str, path: &str) -> bool {
    known == path || !known.starts_with('/')
}

/// Start, end, offset in the file, path.
fn mapping(line: &str) -> Option<(u64, u64, u64, &str)> {
    let (range, rest) = word(line)?;
    let (start, end) = range.split_once('-')?;
    let (access, rest) = word(rest)?;
    let (offset, rest) = word(rest)?;
    let is_access = access.len() == 4 && access.bytes().all(|byte| b"rwxps-".contains(&byte));
    let (_device, rest) = word(rest)?;
    let (_inode, path) = word(rest)?;
    is_access.then(|| {
        Some((hex(start)?, hex(end)?, hex(offset)?, path.trim_end_matches(" (deleted)")))
    })?
}
