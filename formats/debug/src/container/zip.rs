//! Lists the members of zip files, by the central directory.
//!
//! The directory is walked, never held: how many entries it declares costs nothing.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use rawzip::{CompressionMethod, ZipArchive, ZipFileHeaderRecord, ZipSliceArchive};

use super::inflate::Peek;
use super::{Content, Listing, Member, last_component, member_path, partition, text};
use crate::bytes::{Error, Kind, MAGIC_BYTES, Mapped, may_be_mapping};
use crate::limits::{MAX_EXPANSION, MAX_MEMBER_BYTES, MIN_UNPACKED_BYTES};
use symtool_mapping::is_mapping;
use symtool_mapping::limits::MAX_HEAD_BYTES;

/// Lists the members of `archive`.
pub fn list(archive: &Mapped) -> Listing {
    let mut listing = Listing::default();
    let damaged = |error: &rawzip::Error| Error::DamagedArchive {
        path: archive.path().to_owned(),
        reason: error.to_string(),
    };
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
    let mut members = Members::of(archive, &zip);
    let mut sharing: Option<Sharing> = None;
    for entry in zip.entries() {
        match entry.map(|entry| if entry.is_dir() { None } else { Some(members.member(&entry)) }) {
            Ok(None) => {}
            Ok(Some(Ok(Found::Member(member)))) => listing.members.push(Ok(member)),
            Ok(Some(Ok(Found::Other))) => listing.passed_over += 1,
            Ok(Some(Ok(Found::Shares(path)))) => match &mut sharing {
                Some(sharing) => sharing.others += 1,
                None => sharing = Some(Sharing { path, others: 0 }),
            },
            Ok(Some(Err(error))) => listing.members.push(Err(error)),
            Err(error) => listing.members.push(Err(damaged(&error))),
        }
    }
    // Bombs are made of members that share their bytes: thousands of them are named once.
    listing.members.extend(sharing.map(|Sharing { path, others }| {
        let more =
            if others > 0 { format!("; so have {others} more members") } else { String::new() };
        Err(Error::DamagedArchive {
            path,
            reason: format!("it has bytes that belong to another member{more}"),
        })
    }));
    listing
}

/// The member of the zip file `archive` in which byte `offset` lies, and what the archive calls it.
/// What stands between members belongs to the one before. `None` if there is none, or it is neither
/// an object nor an archive.
pub fn member_at(archive: &Mapped, offset: u64) -> Option<(Member, String)> {
    if offset >= archive.bytes().len() as u64 {
        return None;
    }
    let zip = ZipArchive::from_slice(archive.bytes()).ok()?;
    let mut best: Option<ZipFileHeaderRecord<'_>> = None;
    for entry in zip.entries().map_while(Result::ok) {
        let start = entry.local_header_offset();
        let is_better = |best: &ZipFileHeaderRecord<'_>| start >= best.local_header_offset();
        if start <= offset && best.as_ref().is_none_or(is_better) {
            best = Some(entry);
        }
    }
    let best = best?;
    let name = text(best.file_path().as_ref());
    match Members::of(archive, &zip).member(&best).ok()? {
        Found::Member(member) => Some((member, name)),
        Found::Other | Found::Shares(_) => None,
    }
}

/// The mapping whose parts `archive` has, which is all of it.
fn parts(archive: &Mapped, bytes: u64) -> Option<Member> {
    let (path, name) = (archive.path().to_owned(), archive.name().to_owned());
    let archive = archive.part(0..archive.bytes().len(), path.clone(), name.clone())?;
    Some(Member { kind: Kind::Mapping, path, name, content: Content::Parts { archive, bytes } })
}

/// Members that have bytes of others.
struct Sharing {
    /// The first of them.
    path: PathBuf,
    others: u64,
}

/// What an entry of the directory is.
enum Found {
    /// An object, an archive or a mapping.
    Member(Member),
    /// Anything else.
    Other,
    /// A member that has bytes of another one, which is none of the others.
    Shares(PathBuf),
}

/// The kind of a member that begins with `start`; `head` gives more of it, of which `room_bytes`
/// are left.
fn kind(
    name: &str,
    start: &[u8],
    head: impl FnOnce(usize) -> Vec<u8>,
    room_bytes: &mut u64,
) -> Kind {
    match Kind::of_named(Path::new(name), start) {
        Kind::Other if may_be_mapping(Path::new(name), &start[..start.len().min(MAGIC_BYTES)]) => {
            let head = head(MAX_HEAD_BYTES.min(usize::try_from(*room_bytes).unwrap_or(usize::MAX)));
            *room_bytes -= head.len() as u64;
            if is_mapping(&head) { Kind::Mapping } else { Kind::Other }
        }
        kind => kind,
    }
}

struct Members<'a> {
    archive: &'a Mapped,
    zip: &'a ZipSliceArchive<&'a [u8]>,
    /// Bytes of the archive that members have, by the first, with the one after the last.
    taken: BTreeMap<u64, u64>,
    /// The bytes of what is no member.
    others: HashSet<(u64, u64)>,
    /// Bytes that may still be unpacked to see whether they begin a mapping. They can be shared, so
    /// that all of them together would be any number.
    head_bytes: u64,
    peek: Peek,
}

impl<'a> Members<'a> {
    /// Those of `archive`, none of which was looked at yet.
    fn of(archive: &'a Mapped, zip: &'a ZipSliceArchive<&'a [u8]>) -> Self {
        Self {
            archive,
            zip,
            taken: BTreeMap::new(),
            others: HashSet::new(),
            head_bytes: MIN_UNPACKED_BYTES.max(MAX_EXPANSION * archive.bytes().len() as u64),
            peek: Peek::new(),
        }
    }

    /// The member that `entry` describes.
    fn member(&mut self, entry: &ZipFileHeaderRecord<'_>) -> Result<Found, Error> {
        let name = text(entry.file_path().as_ref());
        let path = member_path(self.archive.path(), "!", &name, "");
        if entry.flags().is_encrypted() {
            return Err(Error::Encrypted { path });
        }
        let found = match self.zip.get_entry(entry.wayfinder()) {
            Ok(found) => found,
            Err(error) => return Err(Error::DamagedArchive { path, reason: error.to_string() }),
        };
        let (start, end) = found.compressed_data_range();
        if start >= end {
            return Ok(Found::Other);
        }
        if self.taken.range(..end).next_back().is_some_and(|(_, before_end)| *before_end > start) {
            return Ok(Found::Shares(path));
        }
        // What is none is not looked at again for each entry that names it.
        if self.others.contains(&(start, end)) {
            return Ok(Found::Other);
        }
        let Some(kind) = self.kind(entry, &name, found.data()) else {
            let method = entry.compression_method().to_string();
            return Err(Error::Packing { path, method });
        };
        if kind == Kind::Other {
            self.others.insert((start, end));
            return Ok(Found::Other);
        }
        self.taken.insert(start, end);
        let name = last_component(&name);
        let content = self.content(entry, (start, end), &path, &name)?;
        Ok(Found::Member(Member { kind, path, name, content }))
    }

    /// The kind of the member `name` with the bytes `data`; `None` if these are packed by a method
    /// that is not read.
    fn kind(&mut self, entry: &ZipFileHeaderRecord<'_>, name: &str, data: &[u8]) -> Option<Kind> {
        let room_bytes = &mut self.head_bytes;
        match entry.compression_method() {
            CompressionMethod::STORE => {
                let head = |bytes| data[..data.len().min(bytes)].to_vec();
                Some(kind(name, data, head, room_bytes))
            }
            CompressionMethod::DEFLATE => {
                let start = self.peek.start(data, MAGIC_BYTES);
                Some(kind(name, &start, |bytes| self.peek.start(data, bytes), room_bytes))
            }
            _ => None,
        }
    }

    /// The bytes of a member, stored or deflated, which the archive has from `start` to `end`.
    fn content(
        &self,
        entry: &ZipFileHeaderRecord<'_>,
        (start, end): (u64, u64),
        path: &Path,
        name: &str,
    ) -> Result<Content, Error> {
        let range = usize::try_from(start).unwrap_or(usize::MAX)
            ..usize::try_from(end).unwrap_or(usize::MAX);
        let Some(data) = self.archive.part(range, path.to_owned(), name.to_owned()) else {
            return Err(Error::DamagedArchive {
                path: path.to_owned(),
                reason: "it lies outside the archive".to_owned(),
            });
        };
        if entry.compression_method() == CompressionMethod::STORE {
            return Ok(Content::Stored(data));
        }
        let bytes = entry.uncompressed_size_hint();
        if bytes > MAX_MEMBER_BYTES {
            let path = path.to_owned();
            return Err(Error::TooLarge { path, bytes, limit: MAX_MEMBER_BYTES });
        }
        Ok(Content::Deflated { packed: data, bytes, crc: entry.crc32() })
    }
}
