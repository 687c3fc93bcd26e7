//! Tells what a file or a member of an archive is by its first bytes: [`Kind`].

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

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
    /// A module that a store has exported; of earlier versions going by its name, as only its end
    /// tells what it is.
    Segment,
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
    /// `.gz`: one file, packed.
    Gzip,
    /// `.xz`: one file, packed.
    Xz,
    /// `.zst`: one file, packed.
    Zstd,
    /// `.tar` of any kind: POSIX, GNU, and that of Unix 7.
    Tar,
    /// `cpio` as `newc` writes it: what is in a `.rpm`.
    Cpio,
    /// `.rpm`: one cpio archive, packed.
    Rpm,
}

/// Bytes from the start that [`Kind::of`] needs: a header of tar.
pub const MAGIC_BYTES: usize = 512;

/// What files are called that stores have exported, and how they begin.
const SEGMENT: &str = "segment";
const SEGMENT_MAGIC: &[u8] = b"symtool segment\n";

/// How PDBs begin, those of 1999 and those before.
const PDBS: [&[u8]; 2] = [
    b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0",
    b"Microsoft C/C++ program database 2.00\r\n\x1aJG",
];
/// How PDBs of .NET begin.
pub const PORTABLE_PDB: &[u8] = b"BSJB";
/// Where an image of Windows says where its header lies.
const PE_OFFSET: usize = 0x3c;

impl Kind {
    /// The kind of something that starts with `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        match bytes {
            // ELF, and Mach-O of 32 and 64 bits in either byte order.
            [0x7f, b'E', b'L', b'F', ..]
            | [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..]
            | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => Self::Object,
            // Java classes begin likewise; they go on with their version, 45 and more, where slices
            // are counted.
            [0xca, 0xfe, 0xba, 0xbe, major @ ..] if is_java(major) => Self::Other,
            [0xca, 0xfe, 0xba, 0xbe | 0xbf, _, _, _, _, ..] => Self::Archive(Format::Fat),
            // The second is that of an archive without members.
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Archive(Format::Zip),
            [b'!', b'<', b'a', b'r', b'c', b'h', b'>', b'\n', ..]
            | [b'!', b'<', b't', b'h', b'i', b'n', b'>', b'\n', ..] => Self::Archive(Format::Ar),
            _ if bytes.starts_with(SEGMENT_MAGIC) => Self::Segment,
            [0x1f, 0x8b, 8, ..] => Self::Archive(Format::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Archive(Format::Xz),
            // The second is a frame that is to be skipped, with which some tools begin.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                Self::Archive(Format::Zstd)
            }
            [b'0', b'7', b'0', b'7', b'0', b'1' | b'2', ..] => Self::Archive(Format::Cpio),
            [0xed, 0xab, 0xee, 0xdb, ..] => Self::Archive(Format::Rpm),
            _ if is_tar(bytes) => Self::Archive(Format::Tar),
            _ if is_pdb(bytes) || is_pe(bytes) || is_breakpad(bytes) => Self::Object,
            _ => Self::Other,
        }
    }

    /// The kind of something called `name` that starts with `bytes`, unless it is a mapping.
    pub fn of_named(name: &Path, bytes: &[u8]) -> Self {
        match Self::of(bytes) {
            Self::Other if name.extension().is_some_and(|end| end == SEGMENT) => Self::Segment,
            kind => kind,
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
        let kind = Self::of_named(path, &start);
        if kind != Self::Other || !may_be_mapping(path, &start) {
            return Ok(kind);
        }
        file.take(MAX_HEAD_BYTES as u64).read_to_end(&mut start)?;
        Ok(if is_mapping(&start) { Self::Mapping } else { Self::Other })
    }
}

/// Whether it is worth while to look on, in a file called `name` that begins with `start`, for a
/// mapping. Folders and archives are full of other texts.
pub fn may_be_mapping(name: &Path, start: &[u8]) -> bool {
    let extension = name.extension().and_then(OsStr::to_str).unwrap_or_default();
    let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    ["txt", "map", "pro", "mapping"].contains(&extension) && start.iter().all(is_text)
}

/// Whether something that starts with `bytes` is a PDB of any kind.
pub fn is_pdb(bytes: &[u8]) -> bool {
    bytes.starts_with(PORTABLE_PDB) || PDBS.iter().any(|magic| bytes.starts_with(magic))
}

/// Whether something that starts with `bytes` is a symbol file of Breakpad: with the line `MODULE
/// OS ARCH ID NAME`, or without it with one of its records.
pub fn is_breakpad(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    // Of a long line the rest may not be there.
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').take(4).collect();
    let is_hex = |at: usize| {
        words.get(at).is_some_and(|word| !word.is_empty() && word.iter().all(u8::is_ascii_hexdigit))
    };
    match words[..] {
        [b"MODULE", os, _, id, ..] => {
            !os.is_empty() && (id.is_empty() || id.iter().all(u8::is_ascii_hexdigit))
        }
        [b"MODULE", os, _] => OS_NAMES.contains(&os.to_ascii_lowercase().as_slice()),
        [b"INFO", word, ..] => [&b"CODE_ID"[..], b"GENERATOR", b"URL"].contains(&word),
        [b"FILE" | b"INLINE_ORIGIN", number, _, ..] => {
            number.iter().all(u8::is_ascii_digit) && is_hex(1)
        }
        [b"FUNC" | b"PUBLIC", b"m", ..] => is_hex(2) && is_hex(3),
        [b"FUNC" | b"PUBLIC", ..] => is_hex(1) && is_hex(2),
        [b"STACK", b"CFI", b"INIT", ..] => is_hex(3),
        [b"STACK", b"WIN", ..] => is_hex(2),
        _ => false,
    }
}

/// Systems that `MODULE` lines name.
const OS_NAMES: [&[u8]; 6] = [b"linux", b"android", b"windows", b"mac", b"macos", b"ios"];

/// Whether something that starts with `bytes` is a tar archive: the sum of its first header is right
/// (POSIX, `pax`, "ustar Interchange Format"). Those of Unix 7 have no magic number.
fn is_tar(bytes: &[u8]) -> bool {
    const SUM: std::ops::Range<usize> = 148..156;
    let Some(header) = bytes.get(..MAGIC_BYTES) else { return false };
    let digits = header[SUM].trim_ascii_start();
    let end = digits.iter().position(|byte| !(b'0'..=b'7').contains(byte)).unwrap_or(digits.len());
    let wanted = std::str::from_utf8(&digits[..end]).ok();
    let wanted = wanted.and_then(|digits| u32::from_str_radix(digits, 8).ok());
    let is_sum = |at: usize| SUM.contains(&at);
    let sum = header
        .iter()
        .enumerate()
        .map(|(at, byte)| u32::from(if is_sum(at) { b' ' } else { *byte }));
    header[0] != 0 && wanted == Some(sum.sum())
}

/// Whether something that starts with `bytes` is an image of Windows, and no program of DOS, whose
/// header ends before.
fn is_pe(bytes: &[u8]) -> bool {
    let header = bytes
        .get(PE_OFFSET..)
        .and_then(|rest| rest.first_chunk())
        .map(|offset| u32::from_le_bytes(*offset));
    let Some(header) = header.filter(|header| bytes.starts_with(b"MZ") && *header != 0) else {
        return false;
    };
    let signature =
        usize::try_from(header).ok().and_then(|header| bytes.get(header..)).unwrap_or_default();
    // It may lie further on than what there is.
    signature.len() < 4 || signature.starts_with(b"PE\0\0")
}

/// Whether the bytes after the magic number are a Java class file's version, minor and major.
fn is_java(version: &[u8]) -> bool {
    matches!(version, [_, _, 0, 45..=200, ..])
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
            (b"\x1f\x8b\x08\0", Kind::Archive(Format::Gzip)),
            (b"\x1f\x8b", Kind::Other),
            (b"\xfd7zXZ\0\0\x04", Kind::Archive(Format::Xz)),
            (b"\xfd7zXZ", Kind::Other),
            (b"\x28\xb5\x2f\xfd\0", Kind::Archive(Format::Zstd)),
            (b"\x50\x2a\x4d\x18\0", Kind::Archive(Format::Zstd)),
            (b"07070100000001", Kind::Archive(Format::Cpio)),
            (b"070707", Kind::Other),
            (b"\xed\xab\xee\xdb\x03\0", Kind::Archive(Format::Rpm)),
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
            (b"BSJB\x01\0\x01\0", Kind::Object),
            (b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0", Kind::Object),
            (b"Microsoft C/C++ MSF 7.01\r\n\x1aDS\0\0\0", Kind::Other),
            (b"MODULE Linux x86_64 B8AC3F14EDB0C9F2EE67C2858418D0B00 victim\n", Kind::Object),
            (b"MODULE windows x86_64 3723F16866A99C534C4C44205044422E1 a long na", Kind::Object),
            (b"MODULE Linux x86_64\n", Kind::Object),
            (b"MODULE a_module IMPLICIT NONE\n", Kind::Other),
            (b"MODULE stack\n", Kind::Other),
            (b"FILE 0 /src/a.c\n", Kind::Object),
            (b"FUNC m 1000 10 0 f\n", Kind::Object),
            (b"PUBLIC 1000 0 f\n", Kind::Object),
            (b"STACK CFI INIT 1000 10 .cfa: $rsp 8 +\n", Kind::Object),
            (b"INFO CODE_ID 12AB\n", Kind::Object),
            (b"FILE a.c\n", Kind::Other),
            (b"INFO: all is well\n", Kind::Other),
            (b"FUNC main begins\n", Kind::Other),
            (b"MZ", Kind::Other),
            (b"", Kind::Other),
        ] {
            assert_eq!(Kind::of(bytes), want, "{bytes:?}");
        }
    }

    #[test]
    fn headers_of_tar_have_their_sum() {
        let mut header = [0; MAGIC_BYTES];
        header[..4].copy_from_slice(b"a.so");
        // The name, and eight blanks in place of the sum: 97 + 46 + 115 + 111 + 256 = 625.
        for sum in [b"001161\0 ", b"  1161\0 ", b"0001161\0"] {
            header[148..156].copy_from_slice(sum);
            assert_eq!(Kind::of(&header), Kind::Archive(Format::Tar));
            assert_eq!(Kind::of(&header[..511]), Kind::Other);
        }
        header[0] = b'b';
        assert_eq!(Kind::of(&header), Kind::Other);
        assert_eq!(Kind::of(&[0; MAGIC_BYTES]), Kind::Other);
    }

    #[test]
    fn segments_are_known_by_their_first_bytes_or_their_name() {
        let of = |name: &str, bytes: &[u8]| Kind::of_named(Path::new(name), bytes);
        assert_eq!(of("x", b"symtool segment\n\0"), Kind::Segment);
        assert_eq!(of("x.segment", b"\0\x01"), Kind::Segment);
        assert_eq!(of("x.segment", b"\x7fELF"), Kind::Object);
        assert_eq!((of("segment", b"\0"), of("x.seg", b"\0")), (Kind::Other, Kind::Other));
    }

    #[test]
    fn images_of_windows_say_where_their_header_is() {
        let image = |header: u32, signature: &[u8]| {
            [&b"MZ"[..], &[0; 58], &header.to_le_bytes(), signature].concat()
        };
        assert_eq!(Kind::of(&image(64, b"PE\0\0")), Kind::Object);
        // The rest was not read.
        assert_eq!(Kind::of(&image(0xf8, b"")), Kind::Object);
        assert_eq!(Kind::of(&image(64, b"NE\0\0")), Kind::Other);
        assert_eq!(Kind::of(&image(0, b"")), Kind::Other);
    }
}
