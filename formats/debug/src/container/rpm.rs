//! Opens an `.rpm` as an archive of one member: its payload, a packed cpio archive (RPM, "RPM V4
//! Package format").
//!
//! ```text
//! 0   lead, 96 bytes
//! 96  signatures: a header, and zeros up to a multiple of 8
//!     tags: a header
//!     payload
//! ```
//!
//! A header has 8 bytes of a magic number, the number of its entries and the bytes of their data (4
//! each, big-endian), 16 bytes for each entry, and the data. Read by hand: only where the payload
//! begins matters, and the `rpm` crate brings signatures and builders along.

use super::packed::stem;
use super::{Content, Listing, Member, last_component};
use crate::bytes::{Error, Kind, Mapped};

const LEAD_BYTES: usize = 96;
const HEADER_MAGIC: &[u8] = &[0x8e, 0xad, 0xe8, 1];
const ENTRY_BYTES: usize = 16;

/// The payload of `archive`.
pub fn list(archive: &Mapped) -> Listing {
    Listing::of_one(member(archive))
}

fn member(archive: &Mapped) -> Result<Option<Member>, Error> {
    let path = archive.path().to_owned();
    let damaged =
        |reason: &str| Error::DamagedArchive { path: path.clone(), reason: reason.to_owned() };
    let bytes = archive.bytes();
    let start = header_end(bytes, LEAD_BYTES)
        .and_then(|signatures| signatures.checked_next_multiple_of(8))
        .and_then(|tags| header_end(bytes, tags))
        .ok_or_else(|| damaged("its headers end early"))?;
    let name = stem(&last_component(archive.name()).replace(".rpm", ".cpio"));
    let payload = archive
        .part(start..bytes.len(), path.clone(), name.clone())
        .ok_or_else(|| damaged("it ends early"))?;
    let kind = Kind::of(payload.bytes());
    match (kind, payload.bytes()) {
        (Kind::Archive(_), _) => {}
        (_, []) => return Err(damaged("it ends early")),
        (_, [b'B', b'Z', b'h', ..]) => {
            return Err(Error::Packing { path, method: "bzip2".to_owned() });
        }
        (_, [0x5d, 0, 0, ..]) => return Err(Error::Packing { path, method: "lzma".to_owned() }),
        _ => return Ok(None),
    }
    Ok(Some(Member { kind, path, name, content: Content::Stored(payload) }))
}

/// Where the header at `at` ends.
fn header_end(bytes: &[u8], at: usize) -> Option<usize> {
    let header = bytes.get(at..)?;
    if !header.starts_with(HEADER_MAGIC) {
        return None;
    }
    let number = |at: usize| {
        let number = header.get(at..)?.first_chunk()?;
        usize::try_from(u32::from_be_bytes(*number)).ok()
    };
    let data = number(8)?.checked_mul(ENTRY_BYTES)?.checked_add(number(12)?)?;
    at.checked_add(16)?.checked_add(data).filter(|end| *end <= bytes.len())
}
