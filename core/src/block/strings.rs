//! A block of strings: in, byte strings; out, their lengths and then their bytes, and back.

use super::bytes::{Column, join, put, split};

/// Encodes `strings` in order.
pub fn encode<'a>(strings: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut columns = [Vec::new(), Vec::new()];
    for string in strings {
        put(&mut columns[0], string.len() as u64);
        columns[1].extend_from_slice(string);
    }
    join(&columns)
}

/// Strings of a decoded block, by position.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct StringBlock {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl StringBlock {
    /// Decodes what [`encode`] made; `None` if it is damaged.
    pub fn decode(raw: &[u8]) -> Option<Self> {
        let [lengths, bytes] = split::<2>(raw)?;
        Self::from_columns(lengths, bytes)
    }

    /// From a column of lengths and one of bytes; `None` if they do not fit each other.
    pub fn from_columns(mut lengths: Column<'_>, bytes: Column<'_>) -> Option<Self> {
        let mut ends = Vec::new();
        let mut end = 0u32;
        while !lengths.is_empty() {
            end = end.checked_add(lengths.number32()?)?;
            ends.push(end);
        }
        (end as usize == bytes.0.len()).then(|| Self { bytes: bytes.0.to_vec(), ends })
    }

    /// The string at `index`.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)? as usize;
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        self.bytes.get(start..end)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// What it takes in memory.
    pub fn memory_bytes(&self) -> usize {
        self.bytes.len() + 4 * self.ends.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_come_back() {
        let strings = [&b"main"[..], b"", b"_ZN3fooEv"];
        let raw = encode(strings.iter().copied());
        let block = StringBlock::decode(&raw).unwrap();
        assert_eq!(block.count(), 3);
        strings.iter().enumerate().for_each(|(at, string)| assert_eq!(block.get(at), Some(*string)));
        assert_eq!(block.get(3), None);
        (0..raw.len()).for_each(|end| assert_eq!(StringBlock::decode(&raw[..end]), None));
    }
}
