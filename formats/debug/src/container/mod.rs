//! Lists archives, and opens those of their members that are objects or archives themselves.
//!
//! Members that are stored as they are stay where they are; packed ones are unpacked one by one, when
//! they are opened: into memory where the archive says how long they are, else into a file without a
//! name. No file is made by a member's name, so that none can do harm.
//!
//! ```text
//! archive -> zip.rs, ar.rs, tar.rs, cpio.rs   members, by what their first bytes say; fat.rs: slices; partition.rs: a mapping in parts
//!            gzip.rs, packed.rs, rpm.rs       the one that there is
//!            zip_files.rs                     members of zip files by their names
//!         -> inflate.rs                       a packed member's bytes, never more than it declares
//!            packed.rs                        those of a stream of unknown length, never more than there is room for
//! ```

mod ar;
mod cpio;
mod fat;
mod gzip;
mod inflate;
mod packed;
mod partition;
mod place;
mod rpm;
mod tar;
mod zip;
mod zip_files;

use std::ffi::OsString;
use std::ops::Range;
use std::path::{Path, PathBuf};

pub(crate) use ar::Index;
pub(crate) use fat::slice;
pub(crate) use place::in_bundle;
pub use place::{is_bundle, open_object, open_slice, split};
pub use zip::member_at;
pub use zip_files::ZipFiles;

use crate::bytes::{Error, Mapped};
pub use crate::bytes::{Format, Kind};
use crate::limits::MAX_SPOOLED_BYTES;
use packed::{Codec, kind};

/// What an archive holds.
#[derive(Debug, Default)]
pub struct Listing {
    /// Objects and archives in the archive's order, and members that cannot be read. The last error
    /// can be that of the archive itself: what stood before the damage is there.
    pub members: Vec<Result<Member, Error>>,
    /// Members that are neither objects nor archives.
    pub passed_over: u64,
}

impl Listing {
    /// Of an archive with one member, which is absent if it is neither an object nor an archive.
    fn of_one(member: Result<Option<Member>, Error>) -> Self {
        let passed_over = u64::from(matches!(member, Ok(None)));
        Self { members: member.transpose().into_iter().collect(), passed_over }
    }
}

/// The member at `range` of `archive`, as it is; `None` if it is neither an object nor an archive.
fn stored(
    archive: &Mapped,
    range: Range<usize>,
    path: PathBuf,
    name: String,
) -> Result<Option<Member>, Error> {
    let Some(data) = archive.part(range, path.clone(), name.clone()) else {
        return Err(Error::DamagedArchive {
            path,
            reason: "it reaches beyond the archive".to_owned(),
        });
    };
    let bytes = data.bytes();
    let kind = kind(&name, |count| bytes[..bytes.len().min(count)].to_vec());
    Ok((kind != Kind::Other).then_some(Member { kind, path, name, content: Content::Stored(data) }))
}

/// Lists the members of `archive`.
pub fn list(archive: &Mapped, format: Format) -> Listing {
    let mut listing = match format {
        Format::Zip => zip::list(archive),
        Format::Ar => ar::list(archive),
        Format::Fat => fat::list(archive),
        Format::Gzip => gzip::list(archive),
        Format::Xz => packed::list(archive, Codec::Xz),
        Format::Zstd => packed::list(archive, Codec::Zstd),
        Format::Tar => tar::list(archive),
        Format::Cpio => cpio::list(archive),
        Format::Rpm => rpm::list(archive),
    };
    listing.members.extend(archive.unchanged().err().map(Err));
    listing
}

/// An object or archive in an archive.
#[derive(Debug)]
pub struct Member {
    kind: Kind,
    path: PathBuf,
    name: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// As it is.
    Stored(Mapped),
    /// Deflated, with the size and checksum that the archive declares.
    Deflated { packed: Mapped, bytes: u64, crc: u32 },
    /// Packed as one stream, whose size shows when it is unpacked.
    Stream { packed: Mapped, codec: Codec },
    /// A file beside the archive.
    File(PathBuf),
    /// Parts of a mapping, which are all of the archive, and their size.
    Parts { archive: Mapped, bytes: u64 },
}

impl Member {
    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The archive's path with the member's name: `app.apk!lib/arm64-v8a/libx.so`,
    /// `libfoo.a(bar.o)`, `libfoo:arm64`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes that it takes in the archive.
    pub fn stored_bytes(&self) -> u64 {
        match &self.content {
            Content::Stored(bytes)
            | Content::Deflated { packed: bytes, .. }
            | Content::Stream { packed: bytes, .. }
            | Content::Parts { archive: bytes, .. } => bytes.bytes().len() as u64,
            Content::File(_) => 0,
        }
    }

    /// Bytes of memory that it takes once open: 0 where the archive's own are used, or a file's.
    pub fn unpacked_bytes(&self) -> u64 {
        match self.content {
            Content::Stored(_) | Content::Stream { .. } | Content::File(_) => 0,
            Content::Deflated { bytes, .. } | Content::Parts { bytes, .. } => bytes,
        }
    }

    /// The same member, unpacked into a file without a name if how long it is shows only so; and
    /// how many bytes that took, of `limit` at most.
    ///
    /// # Errors
    /// [`Error::DamagedArchive`], [`Error::TooLarge`]; [`Error::Io`] if it cannot be written.
    pub fn spooled(self, limit: u64) -> Result<(Self, u64), Error> {
        let Content::Stream { packed, codec } = self.content else { return Ok((self, 0)) };
        let bytes = codec.spool(&packed, limit, self.path.clone(), self.name.clone())?;
        let count = bytes.bytes().len() as u64;
        Ok((Self { content: Content::Stored(bytes), ..self }, count))
    }

    /// Its bytes, unpacked if need be.
    ///
    /// # Errors
    /// [`Error::DamagedArchive`] if they are not what the archive declares; those of
    /// [`Mapped::open`] for a file beside a thin archive.
    pub fn open(self) -> Result<Mapped, Error> {
        let Self { path, name, content, .. } = self;
        match content {
            Content::Stored(bytes) => Ok(bytes),
            Content::Deflated { packed, bytes, crc } => {
                match inflate::whole(packed.bytes(), bytes, crc) {
                    Ok(bytes) => Ok(Mapped::unpacked(bytes, path, name)),
                    Err(reason) => Err(packed
                        .unchanged()
                        .err()
                        .unwrap_or(Error::DamagedArchive { path, reason })),
                }
            }
            Content::Stream { packed, codec } => {
                codec.spool(&packed, MAX_SPOOLED_BYTES, path, name)
            }
            Content::Parts { archive, .. } => {
                Ok(Mapped::unpacked(partition::mapping(&archive)?, path, name))
            }
            Content::File(file) => Mapped::open(&file).map(|bytes| bytes.known_as(path, name)),
        }
    }
}

/// The path of the member `name` in `archive`, written between `open` and `close`. A terminal shows
/// what a name has in it, so control characters are not passed on.
fn member_path(archive: &Path, open: &str, name: &str, close: &str) -> PathBuf {
    let mut path = OsString::from(archive);
    path.push(open);
    path.push(name);
    path.push(close);
    path.into()
}

/// A member's name as text.
fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name)
        .chars()
        .map(|char| if char.is_control() { char::REPLACEMENT_CHARACTER } else { char })
        .collect()
}

/// The last component of a member's name. Some tools on Windows write backslashes.
fn last_component(name: &str) -> String {
    name.rsplit(['/', '\\']).next().unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_members() {
        for (name, want) in [
            ("lib/arm64/libx.so", "libx.so"),
            ("lib\\x86\\libx.so", "libx.so"),
            ("libx.so", "libx.so"),
            ("a/", ""),
        ] {
            assert_eq!(last_component(name), want);
        }
        assert_eq!(text(b"a\x1b[2Jb\xff"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
