//! Archives, and those of their members that are objects or archives themselves.
//!
//! Members that are stored as they are stay where they are; packed ones are unpacked into memory one by one, when
//! they are opened. Nothing is written to disk, so no member's name can do harm.
//!
//! ```text
//! archive -> zip.rs, ar.rs   members, by what their first bytes say; fat.rs: slices; partition.rs: a mapping in parts
//!         -> inflate.rs      a packed member's bytes, never more than it declares
//! ```

mod ar;
mod fat;
mod inflate;
mod partition;
mod place;
mod zip;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub(crate) use ar::Index;
pub(crate) use fat::slice;
pub(crate) use place::in_bundle;
pub use place::{is_bundle, open_object, open_slice, split};

use crate::Error;
use crate::Mapped;
use symtool_mapping::is_mapping;
use symtool_mapping::limits::MAX_HEAD_BYTES;

/// What a file or member is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An object file.
    Object,
    /// An archive whose members can be listed.
    Archive(Format),
    /// A mapping of `ProGuard` or R8.
    Mapping,
    /// Anything else.
    Other,
}

/// Archives that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.zip`, `.apk`, `.aar`, `.jar` and whatever else is a zip file.
    Zip,
    /// `.a`: System V (GNU), BSD, and thin ones, whose members are files beside it.
    Ar,
    /// A universal Mach-O file, of one slice for each architecture.
    Fat,
}

/// Bytes from the start that [`Kind::of`] needs.
const MAGIC_BYTES: usize = 8;

impl Kind {
    /// The kind of something that starts with `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        match bytes {
            // ELF, and Mach-O of 32 and 64 bits in either byte order.
            [0x7f, b'E', b'L', b'F', ..] | [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => Self::Object,
            // Java classes begin likewise; they go on with their version, 45 and more, where slices are counted.
            [0xca, 0xfe, 0xba, 0xbe, major @ ..] if is_java(major) => Self::Other,
            [0xca, 0xfe, 0xba, 0xbe | 0xbf, _, _, _, _, ..] => Self::Archive(Format::Fat),
            // The second is that of an archive without members.
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Archive(Format::Zip),
            [b'!', b'<', b'a', b'r', b'c', b'h', b'>', b'\n', ..] | [b'!', b'<', b't', b'h', b'i', b'n', b'>', b'\n', ..] => {
                Self::Archive(Format::Ar)
            }
            _ => Self::Other,
        }
    }

    /// The kind of the file at `path`.
    ///
    /// # Errors
    /// Those of the operating system, or that it is no regular file.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        // Opening a pipe would wait for a writer.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let mut start = Vec::with_capacity(MAGIC_BYTES);
        let mut file = File::open(path)?;
        file.by_ref().take(MAGIC_BYTES as u64).read_to_end(&mut start)?;
        let kind = Self::of(&start);
        if kind != Self::Other || !may_be_mapping(path, &start) {
            return Ok(kind);
        }
        file.take(MAX_HEAD_BYTES as u64).read_to_end(&mut start)?;
        Ok(if is_mapping(&start) { Self::Mapping } else { Self::Other })
    }
}

/// Whether it is worth while to look on, in a file called `name` that begins with `start`, for a mapping. Folders and archives are full of
/// other texts.
fn may_be_mapping(name: &Path, start: &[u8]) -> bool {
    let extension = name.extension().and_then(OsStr::to_str).unwrap_or_default();
    let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    ["txt", "map", "pro", "mapping"].contains(&extension) && start.iter().all(is_text)
}

/// Whether the bytes after the magic number are a Java class file's version, minor and major.
fn is_java(version: &[u8]) -> bool {
    matches!(version, [_, _, 0, 45..=200, ..])
}

/// What an archive holds.
#[derive(Debug, Default)]
pub struct Listing {
    /// Objects and archives in the archive's order, and members that cannot be read. The last error can be that
    /// of the archive itself: what stood before the damage is there.
    pub members: Vec<Result<Member, Error>>,
    /// Members that are neither objects nor archives.
    pub passed_over: u64,
}

/// Lists the members of `archive`.
pub fn list(archive: &Mapped, format: Format) -> Listing {
    let mut listing = match format {
        Format::Zip => zip::list(archive),
        Format::Ar => ar::list(archive),
        Format::Fat => fat::list(archive),
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

    /// The archive's path with the member's name: `app.apk!lib/arm64-v8a/libx.so`, `libfoo.a(bar.o)`, `libfoo:arm64`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes that it takes in the archive.
    pub fn stored_bytes(&self) -> u64 {
        match &self.content {
            Content::Stored(bytes) | Content::Deflated { packed: bytes, .. } | Content::Parts { archive: bytes, .. } => {
                bytes.bytes().len() as u64
            }
            Content::File(_) => 0,
        }
    }

    /// Bytes of memory that it takes once open: 0 where the archive's own are used.
    pub fn unpacked_bytes(&self) -> u64 {
        match self.content {
            Content::Stored(_) | Content::File(_) => 0,
            Content::Deflated { bytes, .. } | Content::Parts { bytes, .. } => bytes,
        }
    }

    /// Its bytes, unpacked if need be.
    ///
    /// # Errors
    /// [`Error::DamagedArchive`] if they are not what the archive declares; those of [`Mapped::open`] for a file
    /// beside a thin archive.
    pub fn open(self) -> Result<Mapped, Error> {
        let Self { path, name, content, .. } = self;
        match content {
            Content::Stored(bytes) => Ok(bytes),
            Content::Deflated { packed, bytes, crc } => match inflate::whole(packed.bytes(), bytes, crc) {
                Ok(bytes) => Ok(Mapped::unpacked(bytes, path, name)),
                Err(reason) => Err(packed.unchanged().err().unwrap_or(Error::DamagedArchive { path, reason })),
            },
            Content::Parts { archive, .. } => Ok(Mapped::unpacked(partition::mapping(&archive)?, path, name)),
            Content::File(file) => Mapped::open(&file).map(|bytes| bytes.known_as(path, name)),
        }
    }
}

/// The path of the member `name` in `archive`, written between `open` and `close`. A terminal shows what a name
/// has in it, so control characters are not passed on.
fn member_path(archive: &Path, open: &str, name: &str, close: &str) -> PathBuf {
    let mut path = OsString::from(archive);
    path.push(open);
    path.push(name);
    path.push(close);
    path.into()
}

/// A member's name as text.
fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().map(|char| if char.is_control() { char::REPLACEMENT_CHARACTER } else { char }).collect()
}

/// The last component of a member's name. Some tools on Windows write backslashes.
fn last_component(name: &str) -> String {
    name.rsplit(['/', '\\']).next().unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_say_what_it_is() {
        for (bytes, want) in [
            (&b"\x7fELF\x02\x01"[..], Kind::Object),
            (b"PK\x03\x04rest", Kind::Archive(Format::Zip)),
            (b"PK\x05\x06", Kind::Archive(Format::Zip)),
            (b"!<arch>\n", Kind::Archive(Format::Ar)),
            (b"!<thin>\n/", Kind::Archive(Format::Ar)),
            (b"!<arch>", Kind::Other),
            (b"PK\x07\x08", Kind::Other),
            (b"\x7fEL", Kind::Other),
            (b"\xfe\xed\xfa\xce", Kind::Object),
            (b"\xcf\xfa\xed\xfe", Kind::Object),
            (b"\xca\xfe\xba\xbe\0\0\0\x02", Kind::Archive(Format::Fat)),
            (b"\xca\xfe\xba\xbf\0\0\0\x01", Kind::Archive(Format::Fat)),
            (b"\xca\xfe\xba\xbe\0\x0f\x42\x40", Kind::Archive(Format::Fat)),
            // A Java class, of Java 8.
            (b"\xca\xfe\xba\xbe\0\0\0\x34", Kind::Other),
            // What macOS leaves beside files on other systems (AppleDouble).
            (b"\0\x05\x16\x07\0\x02\0\0", Kind::Other),
            (b"", Kind::Other),
        ] {
            assert_eq!(Kind::of(bytes), want, "{bytes:?}");
        }
    }

    #[test]
    fn names_of_members() {
        for (name, want) in [("lib/arm64/libx.so", "libx.so"), ("lib\\x86\\libx.so", "libx.so"), ("libx.so", "libx.so"), ("a/", "")] {
            assert_eq!(last_component(name), want);
        }
        assert_eq!(text(b"a\x1b[2Jb\xff"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
