//! Blocks of classes of a mapping, in the order of the hashes of their obfuscated names, read one
//! row at a time.
//!
//! ```text
//! column  block of classes, format 1
//! 0, 1    names: lengths, bytes
//! 2, 3    rows: lengths, bytes
//! ```
//!
//! The row of a class is found by its name: hashes, which zstd cannot make smaller, are not stored.

use std::ops::Range;

use symtool_mapping::ClassRow;
use xxhash_rust::xxh3::xxh3_64;

use super::bytes::{Column, join, put, split};

/// By which a class is filed.
pub fn hash(obfuscated: &str) -> u64 {
    xxh3_64(obfuscated.as_bytes())
}

/// An encoded row, and the name by which it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The obfuscated name.
    pub name: String,
    /// [`ClassRow::encode`]d.
    pub row: Vec<u8>,
}

/// The bytes of a block of `entries`, which are in the order of their hashes.
pub fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut columns: [Vec<u8>; 4] = Default::default();
    for entry in entries {
        put(&mut columns[0], entry.name.len() as u64);
        columns[1].extend_from_slice(entry.name.as_bytes());
        put(&mut columns[2], entry.row.len() as u64);
        columns[3].extend_from_slice(&entry.row);
    }
    join(&columns)
}

/// A block of classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassBlock {
    names: Vec<u8>,
    rows: Vec<u8>,
    /// Where each name and row lies.
    places: Vec<(Range<usize>, Range<usize>)>,
}

impl ClassBlock {
    /// Decodes what [`encode`] made; `None` if it is damaged.
    pub fn decode(raw: &[u8]) -> Option<Self> {
        let [mut name_lengths, names, mut row_lengths, rows] = split::<4>(raw)?;
        let (mut places, mut name, mut row) = (Vec::new(), 0usize, 0usize);
        while !name_lengths.is_empty() {
            let (name_end, row_end) =
                (name.checked_add(name_lengths.size()?)?, row.checked_add(row_lengths.size()?)?);
            places.push((name..name_end, row..row_end));
            (name, row) = (name_end, row_end);
        }
        let (Column(names), Column(rows)) = (names, rows);
        let is_whole = row_lengths.is_empty() && name == names.len() && row == rows.len();
        is_whole.then(|| Self { names: names.to_vec(), rows: rows.to_vec(), places })
    }

    /// Bytes that it takes in memory.
    pub fn bytes(&self) -> usize {
        self.names.len() + self.rows.len() + size_of_val(&self.places[..])
    }

    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// The obfuscated name of row `index`.
    pub fn name(&self, index: usize) -> Option<&str> {
        std::str::from_utf8(self.names.get(self.places.get(index)?.0.clone())?).ok()
    }

    /// Row `index`. `None` if it cannot be decoded, or is another class's.
    pub fn row(&self, index: usize) -> Option<ClassRow> {
        let row = ClassRow::decode(self.rows.get(self.places.get(index)?.1.clone())?).ok()?;
        (Some(row.obfuscated()) == self.name(index)).then_some(row)
    }

    /// The index of the first row of the class that is called `obfuscated`.
    pub fn find(&self, obfuscated: &str) -> Option<usize> {
        self.places
            .iter()
            .position(|(name, _)| self.names.get(name.clone()) == Some(obfuscated.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use symtool_mapping::MappingReader;

    fn entries() -> Vec<Entry> {
        let text = b"com.a.Main -> a:\n    1:3:void run():7:9 -> b\ncom.a.Other -> a.b:\n    int x -> c\n    void stop() -> d\n";
        let mut entries: Vec<Entry> = MappingReader::new(&text[..])
            .map(|row| {
                let (row, mut bytes) = (row.unwrap(), Vec::new());
                row.encode(&mut bytes);
                Entry { name: row.obfuscated().to_owned(), row: bytes }
            })
            .collect();
        entries.sort_by_key(|entry| hash(&entry.name));
        entries
    }

    #[test]
    fn rows_come_back_by_name() {
        let entries = entries();
        let block = ClassBlock::decode(&encode(&entries)).unwrap();
        assert_eq!(block.count(), 2);
        for entry in &entries {
            let row = block.row(block.find(&entry.name).unwrap()).unwrap();
            assert_eq!(row.obfuscated(), entry.name);
        }
        let original = |name| block.row(block.find(name).unwrap()).unwrap().original().to_owned();
        assert_eq!(
            (original("a"), original("a.b")),
            ("com.a.Main".to_owned(), "com.a.Other".to_owned())
        );
        assert_eq!(block.find("b"), None);
    }

    #[test]
    fn damage_is_noticed() {
        let whole = encode(&entries());
        (0..whole.len())
            .for_each(|end| assert_eq!(ClassBlock::decode(&whole[..end]), None, "{end}"));
        let mut long = whole;
        long.push(0);
        assert_eq!(ClassBlock::decode(&long), None);
    }
}
