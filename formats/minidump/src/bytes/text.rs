//! Texts of a dump: UTF-16 or UTF-8 after a length in bytes, or up to a zero.

use scroll::Endian;

/// UTF-16 up to its end, or to its first zero. What is no character becomes U+FFFD.
pub fn utf16(bytes: &[u8], endian: Endian) -> String {
    let unit = |pair: &[u8; 2]| match endian {
        Endian::Little => u16::from_le_bytes(*pair),
        Endian::Big => u16::from_be_bytes(*pair),
    };
    let units = bytes.as_chunks::<2>().0.iter().map(unit).take_while(|unit| *unit != 0);
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// UTF-8 up to its end, or to its first zero. What is no character becomes U+FFFD.
pub fn utf8(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_end_at_a_zero_and_keep_what_can_be_read() {
        assert_eq!(utf16(b"a\0\xe4\0\0\0b\0", Endian::Little), "a\u{e4}");
        assert_eq!(utf16(b"\0a\0", Endian::Big), "a");
        assert_eq!(utf16(b"\x00\xd8a\0", Endian::Little), "\u{fffd}a");
        assert_eq!(utf8(b"a\xff\0b"), "a\u{fffd}");
        assert_eq!(utf8(b""), "");
    }
}
