//! Puts R8's partition maps together to one mapping: zip files that have it in parts, one for each
//! class.
//!
//! ```text
//! METADATA   0xaa 0xa8, kind (2), version of the notes (2 + text), names of the parts (4 + text), facts (4 + list)
//! a.b        # {"id":"partitionSourceFiles",…}     the source files of classes that have methods here
//!            com.a.Main -> a.b:
//!            …
//! ```
//!
//! Numbers are big-endian. R8, `MappingPartitionMetadataInternal`, `MetadataAdditionalInfo`,
//! `PartitionMapZipContainer`.

use rawzip::{CompressionMethod, ZipArchive, ZipFileHeaderRecord, ZipSliceArchive};

use super::inflate;
use crate::bytes::{Error, Mapped};
use crate::limits::MAX_MEMBER_BYTES;

const METADATA: &[u8] = b"METADATA";
const MAGIC: [u8; 2] = [0xaa, 0xa8];

/// The fact that is the head of the mapping.
const PREAMBLE: u16 = 0;

/// What the notes of a mapping say that they are.
const NOTES: &str = "com.android.tools.r8.mapping";

/// Bytes that the mapping in `zip` takes once it is put together, or a little fewer. `None` if
/// `zip` is no partition map.
pub fn size(zip: &ZipSliceArchive<&[u8]>) -> Option<u64> {
    let (mut bytes, mut is_map) = (0u64, false);
    for entry in zip.entries() {
        let entry = entry.ok()?;
        if entry.file_path().as_ref() == METADATA {
            is_map =
                unpacked(zip, &entry).is_ok_and(|metadata| Metadata::parse(&metadata).is_some());
            if !is_map {
                return None;
            }
        }
        bytes = bytes.saturating_add(entry.uncompressed_size_hint());
    }
    is_map.then_some(bytes)
}

/// The mapping that the partition map `archive` has.
///
/// # Errors
/// [`Error::DamagedArchive`] if a part cannot be read, [`Error::TooLarge`] if they are too much.
pub fn mapping(archive: &Mapped) -> Result<Vec<u8>, Error> {
    let path = || archive.path().to_owned();
    let damaged = |reason: String| Error::DamagedArchive { path: path(), reason };
    let zip =
        ZipArchive::from_slice(archive.bytes()).map_err(|error| damaged(error.to_string()))?;
    let bytes = size(&zip).ok_or_else(|| damaged("it is no partition map".to_owned()))?;
    if bytes > MAX_MEMBER_BYTES {
        return Err(Error::TooLarge { path: path(), bytes, limit: MAX_MEMBER_BYTES });
    }
    let (mut head, mut classes) = (Vec::new(), Vec::new());
    for entry in zip.entries() {
        let entry = entry.map_err(|error| damaged(error.to_string()))?;
        let name = String::from_utf8_lossy(entry.file_path().as_ref()).into_owned();
        let part = unpacked(&zip, &entry).map_err(|reason| damaged(format!("{name}: {reason}")))?;
        if entry.file_path().as_ref() == METADATA {
            head = Metadata::parse(&part).map(|metadata| metadata.head()).unwrap_or_default();
        } else {
            classes.extend_from_slice(&part);
            classes.push(b'\n');
        }
    }
    head.append(&mut classes);
    Ok(head)
}

fn unpacked(
    zip: &ZipSliceArchive<&[u8]>,
    entry: &ZipFileHeaderRecord<'_>,
) -> Result<Vec<u8>, String> {
    let found = zip.get_entry(entry.wayfinder()).map_err(|error| error.to_string())?;
    let bytes = entry.uncompressed_size_hint();
    match entry.compression_method() {
        CompressionMethod::STORE => Ok(found.data().to_vec()),
        CompressionMethod::DEFLATE if bytes <= MAX_MEMBER_BYTES => {
            inflate::whole(found.data(), bytes, entry.crc32())
        }
        CompressionMethod::DEFLATE => Err(format!("{bytes} bytes are too many")),
        method => Err(format!("packed by {method}, which is not read")),
    }
}

/// What `METADATA` says.
struct Metadata<'a> {
    version: &'a [u8],
    preamble: &'a [u8],
}

impl<'a> Metadata<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(&MAGIC)?;
        let _kind = take_u16(&mut rest)?;
        let length = take_u16(&mut rest)?;
        let version = take(&mut rest, usize::from(length))?;
        let _names = take_sized(&mut rest)?;
        let mut metadata = Self { version, preamble: b"" };
        let Some(mut facts) = take_sized(&mut rest) else { return Some(metadata) };
        for _ in 0..take_u16(&mut facts)? {
            let kind = take_u16(&mut facts)?;
            let fact = take_sized(&mut facts)?;
            if kind == PREAMBLE {
                metadata.preamble = fact;
            }
        }
        Some(metadata)
    }

    /// The comments that the mapping began with. Without its hash, which is that of a text in
    /// another order.
    fn head(&self) -> Vec<u8> {
        let is_kept =
            |line: &&[u8]| !line.is_empty() && memchr::memmem::find(line, b"pg_map_hash").is_none();
        let mut head: Vec<u8> = Vec::new();
        for line in self.preamble.split(|byte| *byte == b'\n').filter(is_kept) {
            head.extend_from_slice(line);
            head.push(b'\n');
        }
        if memchr::memmem::find(&head, NOTES.as_bytes()).is_none() {
            let version = String::from_utf8_lossy(self.version);
            head.extend_from_slice(
                format!("# {{\"id\":\"{NOTES}\",\"version\":\"{version}\"}}\n").as_bytes(),
            );
        }
        head
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, behind) = rest.split_at_checked(count)?;
    *rest = behind;
    Some(taken)
}

fn take_u16(rest: &mut &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(take(rest, 2)?.try_into().ok()?))
}

/// A length of 4 bytes, and as many bytes.
fn take_sized<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_be_bytes(take(rest, 4)?.try_into().ok()?);
    take(rest, usize::try_from(length).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_of_both_kinds() {
        let sized =
            |text: &[u8]| [&u32::try_from(text.len()).unwrap().to_be_bytes()[..], text].concat();
        let preamble = b"# compiler: R8\n# pg_map_id: 12ab34cd\n# pg_map_hash: SHA-256 00\n";
        let facts =
            [&2u16.to_be_bytes()[..], &[0, 0], &sized(preamble), &[0, 1], &sized(b"a\n")].concat();
        let short = [&MAGIC[..], &[0, 1, 0, 3], b"2.2", &sized(b"a;b")].concat();
        let long = [&short[..], &sized(&facts)].concat();
        let head = |bytes: &[u8]| {
            Metadata::parse(bytes).map(|metadata| String::from_utf8(metadata.head()).unwrap())
        };
        let notes = "# {\"id\":\"com.android.tools.r8.mapping\",\"version\":\"2.2\"}\n";
        assert_eq!(head(&short).as_deref(), Some(notes));
        assert_eq!(head(&long), Some(format!("# compiler: R8\n# pg_map_id: 12ab34cd\n{notes}")));
        for end in 0..short.len() {
            assert_eq!(head(&short[..end]), None, "{end}");
        }
        assert_eq!(head(b"\xaa\xa8\xff\xff\xff\xff"), None);
    }
}
