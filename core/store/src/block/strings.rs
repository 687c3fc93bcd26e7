//! Strings of a block by position, from a column of lengths and one of bytes.

use super::bytes::Column;

/// Strings of a decoded block, by position.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct StringBlock {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl StringBlock {
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
        let block =
            StringBlock::from_columns(Column(&[4, 0, 9]), Column(b"main_ZN3fooEv")).unwrap();
        assert_eq!(block.count(), 3);
        strings
            .iter()
            .enumerate()
            .for_each(|(at, string)| assert_eq!(block.get(at), Some(*string)));
        assert_eq!(block.get(3), None);
        assert_eq!(StringBlock::from_columns(Column(&[4, 0, 8]), Column(b"main_ZN3fooEv")), None);
    }
}
