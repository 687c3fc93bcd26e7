//! Integers as LEB128 columns, and back.
//!
//! A block is a list of columns, each written as its length in bytes and then its bytes, so that
//! like numbers stand together for the compressor.

/// Appends `value` as unsigned LEB128 (1 byte below 128, at most 10).
#[expect(clippy::cast_possible_truncation, reason = "the lowest seven bits are taken at a time")]
pub fn put(column: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        column.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    column.push(value as u8);
}

/// Appends `value` as LEB128 with small magnitudes of both signs in few bytes.
pub fn put_signed(column: &mut Vec<u8>, value: i64) {
    put(column, zigzag(value));
}

/// 0, -1, 1, -2, 2 … as 0, 1, 2, 3, 4 …
pub fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// The inverse of [`zigzag`].
pub fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// Appends each column with its length before it.
pub fn join(columns: &[Vec<u8>]) -> Vec<u8> {
    let mut raw = Vec::with_capacity(columns.iter().map(|column| column.len() + 4).sum());
    for column in columns {
        put(&mut raw, column.len() as u64);
    }
    columns.iter().for_each(|column| raw.extend_from_slice(column));
    raw
}

/// The columns that [`join`] joined; `None` if `raw` is not exactly `N` columns.
pub fn split<const N: usize>(raw: &[u8]) -> Option<[Column<'_>; N]> {
    let mut rest = Column(raw);
    let mut lengths = [0; N];
    for length in &mut lengths {
        *length = rest.size()?;
    }
    let mut columns = [Column(&[]); N];
    for (column, length) in columns.iter_mut().zip(lengths) {
        column.0 = rest.take(length)?;
    }
    rest.0.is_empty().then_some(columns)
}

/// What is left to read of a column. Every read is `None` past the end.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a>(pub &'a [u8]);

impl<'a> Column<'a> {
    /// The next number written by [`put`].
    #[inline]
    pub fn number(&mut self) -> Option<u64> {
        let (&first, rest) = self.0.split_first()?;
        if first < 0x80 {
            self.0 = rest;
            return Some(u64::from(first));
        }
        self.long_number()
    }

    fn long_number(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for (at, &byte) in self.0.iter().enumerate().take(10) {
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                self.0 = &self.0[at + 1..];
                return Some(value);
            }
        }
        None
    }

    /// The next number written by [`put_signed`].
    #[inline]
    pub fn signed(&mut self) -> Option<i64> {
        self.number().map(unzigzag)
    }

    /// The next number, as a 32-bit one.
    #[inline]
    pub fn number32(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    /// The next number, as a length in memory.
    #[inline]
    pub fn size(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    /// The next `length` bytes.
    #[inline]
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// The next byte.
    #[inline]
    pub fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    /// Whether all of it has been read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let numbers = [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX - 1, u64::MAX];
        let signed = [0, -1, 1, 63, -64, 64, i64::MIN, i64::MAX];
        let mut columns = [Vec::new(), Vec::new(), Vec::new()];
        numbers.iter().for_each(|&number| put(&mut columns[0], number));
        signed.iter().for_each(|&number| put_signed(&mut columns[2], number));
        let raw = join(&columns);
        let [mut first, second, mut third] = split::<3>(&raw).unwrap();
        numbers.iter().for_each(|&number| assert_eq!(first.number(), Some(number)));
        signed.iter().for_each(|&number| assert_eq!(third.signed(), Some(number)));
        assert!(first.is_empty() && second.is_empty() && third.is_empty());
        assert_eq!(first.number(), None);
    }

    #[test]
    fn damaged_columns_are_refused() {
        let raw = join(&[vec![1, 2, 3], vec![4]]);
        assert!(split::<2>(&raw).is_some());
        assert!(split::<1>(&raw).is_none());
        assert!(split::<3>(&raw).is_none());
        (0..raw.len()).for_each(|end| assert!(split::<2>(&raw[..end]).is_none(), "{end}"));
        assert_eq!(Column(&[0x80; 12]).number(), None);
        assert_eq!(Column(&[0x80]).number(), None);
    }
}
