//! Zip files: in, the bytes of one; out, its members, by its central directory.
//!
//! The directory is walked, never held: how many entries it declares costs nothing.

use std::collections::BTreeMap;
use std::path::Path;

use rawzip::{CompressionMethod, ZipArchive, ZipFileHeaderRecord, ZipSliceArchive};

use super::inflate::Peek;
use super::{Content, Kind, Listing, MAGIC_BYTES, Member, last_component, may_be_mapping, member_path, partition, text};
use crate::Error;
use crate::debug::Mapped;
use crate::limits::MAX_MEMBER_BYTES;
use crate::mapping::is_mapping;
use crate::mapping::limits::MAX_HEAD_BYTES;

/// Lists the members of `archive`.
pub fn list(archive: &Mapped) -> Listing {
    let mut listing = Listing::default();
    let damaged = |error: &rawzip::Error| Error::DamagedArchive { path: archive.path().to_owned(), reason: error.to_string() };
    let zip = match ZipArchive::from_slice(archive.bytes()) {
        Ok(zip) => zip,
        Err(error) => {
            listing.members.push(Err(damaged(&error)));
            return listing;
        }
    };
    if let Some(bytes) = partition::size(&zip) {
        listing.members.extend(parts(archive, bytes).map(Ok));
        return listing;
    }
    let mut members = Members { archive, zip: &zip, taken: BTreeMap::new(), peek: Peek::new() };
    for entry in zip.entries() {
        match entry {
            Ok(entry) if entry.is_dir() => {}
            Ok(entry) => match members.member(&entry).transpose() {
                Some(member) => listing.members.push(member),
                None => listing.passed_over += 1,
            },
            Err(error) => listing.members.push(Err(damaged(&error))),
        }
    }
    listing
}

/// The mapping whose parts `archive` has, which is all of it.
fn parts(archive: &Mapped, bytes: u64) -> Option<Member> {
    let (path, name) = (archive.path().to_owned(), archive.name().to_owned());
    let archive = archive.part(0..archive.bytes().len(), path.clone(), name.clone())?;
    Some(Member { kind: Kind::Mapping, path, name, content: Content::Parts { archive, bytes } })
}

/// The kind of a member that begins with `start`; `head` is more of it.
fn kind(name: &str, start: &[u8], head: impl FnOnce() -> Vec<u8>) -> Kind {
    match Kind::of(start) {
        Kind::Other if may_be_mapping(Path::new(name), &start[..start.len().min(MAGIC_BYTES)]) && is_mapping(&head()) => Kind::Mapping,
        kind => kind,
    }
}

struct Members<'a> {
    archive: &'a Mapped,
    zip: &'a ZipSliceArchive<&'a [u8]>,
    /// Bytes of the archive that members have, by the first, with the one after the last.
    taken: BTreeMap<u64, u64>,
    peek: Peek,
}

impl Members<'_> {
    /// The member that `entry` describes, if it is an object, an archive or a mapping.
    fn member(&mut self, entry: &ZipFileHeaderRecord<'_>) -> Result<Option<Member>, Error> {
        let name = text(entry.file_path().as_ref());
        let path = member_path(self.archive.path(), "!", &name, "");
        if entry.flags().is_encrypted() {
            return Err(Error::Encrypted { path });
        }
        let found = match self.zip.get_entry(entry.wayfinder()) {
            Ok(found) => found,
            Err(error) => return Err(Error::DamagedArchive { path, reason: error.to_string() }),
        };
        let kind = match entry.compression_method() {
            CompressionMethod::STORE => {
                let data = found.data();
                kind(&name, data, || data[..data.len().min(MAX_HEAD_BYTES)].to_vec())
            }
            CompressionMethod::DEFLATE => {
                let start = self.peek.start(found.data(), MAGIC_BYTES);
                kind(&name, &start, || self.peek.start(found.data(), MAX_HEAD_BYTES))
            }
            method => return Err(Error::Packing { path, method: method.to_string() }),
        };
        if kind == Kind::Other {
            return Ok(None);
        }
        let (start, end) = found.compressed_data_range();
        if !self.take(start, end) {
            // Bombs are made of members that share their bytes.
            return Err(Error::DamagedArchive { path, reason: "it has bytes that belong to another member".to_owned() });
        }
        let range = usize::try_from(start).unwrap_or(usize::MAX)..usize::try_from(end).unwrap_or(usize::MAX);
        let component = last_component(&name);
        let Some(data) = self.archive.part(range, path.clone(), component.clone()) else {
            return Err(Error::DamagedArchive { path, reason: "it lies outside the archive".to_owned() });
        };
        let content = if entry.compression_method() == CompressionMethod::STORE {
            Content::Stored(data)
        } else {
            let bytes = entry.uncompressed_size_hint();
            if bytes > MAX_MEMBER_BYTES {
                return Err(Error::TooLarge { path, bytes, limit: MAX_MEMBER_BYTES });
            }
            Content::Deflated { packed: data, bytes, crc: entry.crc32() }
        };
        Ok(Some(Member { kind, path, name: component, content }))
    }

    /// Whether no other member has any of the bytes `start..end`, which are this one's from now on.
    fn take(&mut self, start: u64, end: u64) -> bool {
        let before = self.taken.range(..end).next_back();
        if before.is_some_and(|(_, before_end)| *before_end > start) {
            return false;
        }
        self.taken.insert(start, end);
        true
    }
}
