//! Reads and rewrites numbers in LEB128 (DWARF 5, section 7.6) where
//! `gimli::Reader::read_uleb128` has other bounds, or does more than is asked for.

/// Most bytes of a number of 64 bits.
const MAX_BYTES: usize = 10;

/// Reads an unsigned number of 32 bits, as Go's runtime does: bits beyond them are lost. `None` if
/// it has more than five bytes, or `rest` ends within it.
#[inline]
pub fn read_u32(rest: &mut &[u8]) -> Option<u32> {
    let mut value = 0u32;
    for shift in [0, 7, 14, 21, 28] {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Puts what `change` makes of the number at the start of `field` in its place. It keeps its
/// length, however small it becomes. `None` if no number of 64 bits stands there.
pub fn rewrite(field: &mut [u8], change: impl FnOnce(u64) -> u64) -> Option<()> {
    let length = field.iter().take(MAX_BYTES).position(|byte| byte & 0x80 == 0)? + 1;
    let field = &mut field[..length];
    let mut new = change(
        field.iter().rev().fold(0, |number: u64, byte| number << 7 | u64::from(byte & 0x7f)),
    );
    for (at, byte) in field.iter_mut().enumerate() {
        *byte = (new & 0x7f).to_le_bytes()[0] | if at + 1 < length { 0x80 } else { 0 };
        new >>= 7;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read() {
        for (bytes, number, left) in [
            (&[0][..], Some(0), 0),
            (&[0x7f, 9], Some(0x7f), 1),
            (&[0x80, 0x01], Some(0x80), 0),
            (&[0x80, 0x80, 0x00, 9], Some(0), 1),
            (&[0xff, 0xff, 0xff, 0xff, 0x0f], Some(u32::MAX), 0),
            (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x01], None, 1),
            (&[0x80], None, 0),
            (&[], None, 0),
        ] {
            let mut rest = bytes;
            assert_eq!(read_u32(&mut rest), number, "{bytes:x?}");
            assert_eq!(rest.len(), left, "{bytes:x?}");
        }
    }

    #[test]
    fn a_number_keeps_its_length() {
        let mut field = [0x80, 0x81, 0x00, 9];
        assert_eq!(rewrite(&mut field, |old| old - 1), Some(()));
        assert_eq!(field, [0xff, 0x80, 0x00, 9]);
        assert_eq!(rewrite(&mut [0x80; 4], |_| 1), None);
        assert_eq!(rewrite(&mut [], |_| 1), None);
    }
}
