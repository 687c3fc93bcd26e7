//! Tells which bytes the words of names have.

/// Whether names have `byte` in them.
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.' | b'~') || byte >= 0x80
}
