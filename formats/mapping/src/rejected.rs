//! Why a file that should be a mapping is none, by its first bytes.

use std::fmt;

use super::limits::MAX_HEAD_BYTES;
use super::line;

/// What a file is that is no mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// Nothing is in it.
    Empty,
    /// It is packed, by this program.
    Packed(&'static str),
    /// It is text of two bytes a character.
    Utf16,
    /// It is no text.
    Binary,
    /// It is text, but most of its lines are neither classes nor members; the first that is none.
    Text {
        /// Its number, from 1.
        line: usize,
    },
}

impl Rejected {
    /// What the file that begins with `bytes` is, if it is no mapping.
    pub fn of(bytes: &[u8]) -> Self {
        match bytes {
            [] => Self::Empty,
            [0x1f, 0x8b, ..] => Self::Packed("gzip"),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Packed("zstd"),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Packed("xz"),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Packed("bzip2"),
            [0x04, 0x22, 0x4d, 0x18, ..] => Self::Packed("lz4"),
            [b'P', b'K', 3, 4, ..] => Self::Packed("zip"),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Self::Utf16,
            // Without a mark: characters that Latin letters are made of, every other byte 0.
            [a, 0, b, 0, ..] | [0, a, 0, b, ..]
                if a.is_ascii_graphic() && (b.is_ascii_graphic() || b.is_ascii_whitespace()) =>
            {
                Self::Utf16
            }
            _ => Self::of_text(&bytes[..bytes.len().min(MAX_HEAD_BYTES)]),
        }
    }

    fn of_text(head: &[u8]) -> Self {
        if memchr::memchr(0, head).is_some() {
            return Self::Binary;
        }
        let is_line = |line: &[u8]| {
            let text = std::str::from_utf8(line).unwrap_or("?");
            let trimmed = text.trim();
            trimmed.is_empty()
                || trimmed.starts_with('#')
                || line::class(text).is_some()
                || line::member(trimmed).is_ok()
        };
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        let wrong = head.split(|byte| *byte == b'\n').position(|line| !is_line(line));
        Self::Text { line: wrong.map_or(1, |at| at + 1) }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::Packed(by) => write!(f, "it is packed by {by}"),
            Self::Utf16 => f.write_str("it is UTF-16 text"),
            Self::Binary => f.write_str("it is no text"),
            Self::Text { line } => write!(f, "line {line} is neither a class nor a member"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_no_mappings() {
        let utf16: Vec<u8> = "a.B -> a:\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "a.B -> a:\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, want) in [
            (&b""[..], Rejected::Empty),
            (b"\x1f\x8b\x08", Rejected::Packed("gzip")),
            (b"PK\x03\x04", Rejected::Packed("zip")),
            (b"\x28\xb5\x2f\xfd\0", Rejected::Packed("zstd")),
            (&[b"\xff\xfe", &utf16[..]].concat(), Rejected::Utf16),
            (&utf16, Rejected::Utf16),
            (&big, Rejected::Utf16),
            (b"\x7fELF\x02\0", Rejected::Binary),
            (b"a.B -> a:\n    void m() -> b\n\tat a.b(C:1)\nx\ny\n", Rejected::Text { line: 3 }),
            (b"java.lang.X: y\n", Rejected::Text { line: 1 }),
        ] {
            assert_eq!(Rejected::of(bytes), want, "{bytes:?}");
        }
    }
}
