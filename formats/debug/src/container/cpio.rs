//! Lists the members of cpio archives as `newc` writes them (cpio(5), "New ASCII Format"). Members
//! stay where they are.
//!
//! ```text
//! 0    070701, or 070702 with checksums
//! 6    13 numbers of 8 hexadecimal digits: …, 1: mode, …, 6: bytes of the member, …, 11: bytes of the name, …
//! 110  the name, a zero at its end, and zeros up to a multiple of 4
//!      the member, and zeros up to a multiple of 4
//! ```
//!
//! Read by hand: the `cpio` crate copies members out of a stream, and here they stay where they are.

use super::{Listing, Member, last_component, member_path, stored, text};
use crate::bytes::{Error, Mapped};

const MAGICS: [&[u8]; 2] = [b"070701", b"070702"];
const HEADER_BYTES: usize = 110;
/// The last name of an archive.
const END: &[u8] = b"TRAILER!!!";
/// What a mode says of a regular file, and which of its bits say what a file is.
const REGULAR: u32 = 0o100_000;
const TYPE_BITS: u32 = 0o170_000;

/// Lists the members of `archive`.
pub fn list(archive: &Mapped) -> Listing {
    let mut listing = Listing::default();
    let mut at = 0;
    loop {
        let Some(entry) = Entry::parse(archive.bytes(), at) else {
            // What follows cannot be found.
            listing.members.push(Err(Error::DamagedArchive {
                path: archive.path().to_owned(),
                reason: format!("no header at byte {at}"),
            }));
            return listing;
        };
        if entry.name == END {
            return listing;
        }
        match member(archive, &entry).transpose() {
            Some(member) => listing.members.push(member),
            None => listing.passed_over += u64::from(entry.is_file()),
        }
        at = entry.end.next_multiple_of(4);
    }
}

struct Entry<'a> {
    mode: u32,
    name: &'a [u8],
    /// Where the member begins and ends.
    start: usize,
    end: usize,
}

impl<'a> Entry<'a> {
    /// The one whose header begins at `at`. Every entry is longer than its header, so that a list of
    /// them ends.
    fn parse(archive: &'a [u8], at: usize) -> Option<Self> {
        let header = archive.get(at..)?.get(..HEADER_BYTES)?;
        if !MAGICS.contains(&&header[..6]) {
            return None;
        }
        let number = |number: usize| {
            let digits = std::str::from_utf8(&header[6 + 8 * number..][..8]).ok()?;
            u32::from_str_radix(digits, 16).ok()
        };
        let (mode, bytes, name_bytes) = (number(1)?, number(6)?, number(11)?);
        let name_start = at + HEADER_BYTES;
        let name_end = name_start.checked_add(usize::try_from(name_bytes).ok()?)?;
        let name = archive.get(name_start..name_end)?;
        let start = name_end.checked_next_multiple_of(4)?;
        let end = start.checked_add(usize::try_from(bytes).ok()?)?;
        Some(Self { mode, name: name.strip_suffix(b"\0").unwrap_or(name), start, end })
    }

    /// Whether it is a regular file with bytes of its own: of several names of one file, only the
    /// last has them.
    fn is_file(&self) -> bool {
        self.mode & TYPE_BITS == REGULAR && self.end > self.start
    }
}

/// The member that `entry` is, if it is an object, an archive or a mapping.
fn member(archive: &Mapped, entry: &Entry<'_>) -> Result<Option<Member>, Error> {
    if !entry.is_file() {
        return Ok(None);
    }
    let name = text(entry.name);
    let path = member_path(archive.path(), "!", &name, "");
    let name = last_component(&name);
    stored(archive, entry.start..entry.end, path, name)
}
