//! Opens a gzip file (RFC 1952) as an archive of one member, as symbol servers keep files.

use super::inflate::Peek;
use super::packed::{self, Codec, kind, stem};
use super::{Content, Listing, Member, last_component, text};
use crate::bytes::{Error, Kind, Mapped};
use crate::limits::MAX_MEMBER_BYTES;

/// Bytes of the header without what is optional.
const HEADER_BYTES: usize = 10;
/// Checksum and size of what is packed.
const TRAILER_BYTES: usize = 8;

/// What is optional in a header, by the bits of its flags.
const HAS_CRC: u8 = 2;
const HAS_EXTRA: u8 = 4;
const HAS_NAME: u8 = 8;
const HAS_COMMENT: u8 = 16;

/// The member of `archive`. One that is made of several streams is refused unless it is an archive:
/// its size is not known before it is unpacked.
pub fn list(archive: &Mapped) -> Listing {
    Listing::of_one(member(archive))
}

fn member(archive: &Mapped) -> Result<Option<Member>, Error> {
    let path = archive.path().to_owned();
    let damaged =
        |reason: &str| Error::DamagedArchive { path: path.clone(), reason: reason.to_owned() };
    let header = Header::parse(archive.bytes()).ok_or_else(|| damaged("its header ends early"))?;
    let own = archive.name();
    let name = header.name.map_or_else(|| stem(own), |name| last_component(&text(name)));
    let packed = archive
        .part(header.start..header.end, path.clone(), name.clone())
        .ok_or_else(|| damaged("it ends early"))?;
    let mut peek = Peek::new();
    let kind = kind(&name, |bytes| peek.start(packed.bytes(), bytes));
    if kind == Kind::Other {
        return Ok(None);
    }
    // Archives can be large, and of one the header counts to 4 GiB only.
    if matches!(kind, Kind::Archive(_)) {
        return Ok(Some(packed::member(archive, Codec::Gzip, kind, path, name)));
    }
    if header.bytes > MAX_MEMBER_BYTES {
        return Err(Error::TooLarge { path, bytes: header.bytes, limit: MAX_MEMBER_BYTES });
    }
    let content = Content::Deflated { packed, bytes: header.bytes, crc: header.crc };
    Ok(Some(Member { kind, path, name, content }))
}

/// What header and trailer say.
struct Header<'a> {
    name: Option<&'a [u8]>,
    /// Where the packed bytes begin, and where they end.
    start: usize,
    end: usize,
    crc: u32,
    /// Size of what is packed, which has fewer than 4 GiB.
    bytes: u64,
}

impl<'a> Header<'a> {
    fn parse(file: &'a [u8]) -> Option<Self> {
        let flags = *file.get(3)?;
        let mut start = HEADER_BYTES;
        if flags & HAS_EXTRA != 0 {
            let size = file.get(start..start + 2)?;
            start += 2 + usize::from(u16::from_le_bytes([size[0], size[1]]));
        }
        let mut text = |is_there: bool| {
            let text = file.get(start..).filter(|_| is_there)?;
            let end = memchr::memchr(0, text)?;
            start += end + 1;
            Some(&text[..end])
        };
        let name = text(flags & HAS_NAME != 0).filter(|name| !name.is_empty());
        let _comment = text(flags & HAS_COMMENT != 0);
        if flags & HAS_CRC != 0 {
            start += 2;
        }
        let end = file.len().checked_sub(TRAILER_BYTES).filter(|end| start <= *end)?;
        let (crc, bytes) = file[end..].split_first_chunk()?;
        let bytes = bytes.first_chunk()?;
        Some(Self {
            name,
            start,
            end,
            crc: u32::from_le_bytes(*crc),
            bytes: u64::from(u32::from_le_bytes(*bytes)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, GzBuilder};
    use std::io::Write;
    use std::path::PathBuf;

    const TEXT: &[u8] =
        b"MODULE Linux x86_64 B8AC3F14EDB0C9F2EE67C2858418D0B00 victim\nFUNC 0 1 0 f\n";

    fn packed(builder: GzBuilder, bytes: &[u8]) -> Mapped {
        let mut encoder = builder.write(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        mapped(encoder.finish().unwrap())
    }

    fn mapped(bytes: Vec<u8>) -> Mapped {
        Mapped::unpacked(bytes, PathBuf::from("x/victim.sym.gz"), "victim.sym.gz".to_owned())
    }

    fn only(archive: &Mapped) -> Result<Mapped, Error> {
        let mut listing = list(archive);
        assert_eq!((listing.members.len(), listing.passed_over), (1, 0));
        listing.members.remove(0).and_then(Member::open)
    }

    #[test]
    fn the_member_is_what_was_packed() {
        let plain = only(&packed(GzBuilder::new(), TEXT)).unwrap();
        assert_eq!((plain.bytes(), plain.name()), (TEXT, "victim.sym"));
        let all = GzBuilder::new().extra(vec![1, 2, 3]).filename("a/b.sym").comment("c");
        let named = only(&packed(all, TEXT)).unwrap();
        assert_eq!((named.bytes(), named.name()), (TEXT, "b.sym"));
    }

    #[test]
    fn other_texts_are_passed_over() {
        let listing = list(&packed(GzBuilder::new(), b"a log\n"));
        assert_eq!((listing.members.len(), listing.passed_over), (0, 1));
    }

    #[test]
    fn broken_files_are_refused() {
        let whole = packed(GzBuilder::new().filename("b.sym"), TEXT).bytes().to_vec();
        for end in 3..whole.len() {
            let listing = list(&mapped(whole[..end].to_vec()));
            let opened = listing.members.into_iter().map(|member| member.and_then(Member::open));
            assert!(opened.into_iter().all(|member| member.is_err()), "{end}");
        }
        let mut wrong = whole.clone();
        let crc = wrong.len() - 8;
        wrong[crc] ^= 1;
        assert!(only(&mapped(wrong)).is_err());
        // Two streams, one behind the other.
        assert!(only(&mapped([&whole[..], &whole].concat())).is_err());
    }
}
