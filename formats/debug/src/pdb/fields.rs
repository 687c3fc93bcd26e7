//! Takes little-endian numbers and texts off the front of bytes: [`Fields`].

/// What is left of a record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// The next `count` bytes as fields of their own.
    pub fn part(&mut self, count: u32) -> Option<Self> {
        self.take(usize::try_from(count).ok()?).map(Self)
    }

    /// Passes over `count` bytes.
    pub fn skip(&mut self, count: usize) -> Option<()> {
        self.take(count).map(drop)
    }

    /// Passes over what fills up a record of `bytes` bytes to a multiple of 4.
    pub fn skip_padding(&mut self, bytes: usize) {
        let padding = bytes.next_multiple_of(4) - bytes;
        self.0 = self.0.get(padding..).unwrap_or_default();
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    pub fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    /// The bytes before the next zero, or all if there is none.
    pub fn text(&mut self) -> &'a [u8] {
        let end = memchr::memchr(0, self.0).unwrap_or(self.0.len());
        let text = &self.0[..end];
        self.0 = self.0.get(end + 1..).unwrap_or_default();
        text
    }

    /// The next record: a length of 16 bits, which does not count itself, and a kind of 16 bits.
    pub fn record(&mut self) -> Option<(u16, Self)> {
        let bytes = self.u16()?;
        let mut record = self.part(bytes.into())?;
        Some((record.u16()?, record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_texts_and_records() {
        let mut fields = Fields(b"\x01\x02\x03\x04\x05\x06\x07ab\0\x04\0\x06\0xyrest");
        assert_eq!(
            (fields.u8(), fields.u16(), fields.u32()),
            (Some(1), Some(0x0302), Some(0x0706_0504))
        );
        assert_eq!(fields.text(), b"ab");
        let (kind, mut record) = fields.record().unwrap();
        assert_eq!((kind, record.take(2), record.u8()), (6, Some(&b"xy"[..]), None));
        assert_eq!((fields.text(), fields.is_empty(), fields.u16()), (&b"rest"[..], true, None));
        // A record longer than what there is, and one without room for its kind.
        assert!(Fields(b"\x09\0\x06\0").record().is_none());
        assert!(Fields(b"\x01\0\x06\0").record().is_none());
        let mut padded = Fields(b"\0\0x");
        padded.skip_padding(6);
        assert_eq!(padded.0, b"x");
    }
}
