//! Blocks of source files: paths, and which part of each is the compilation directory.
//!
//! ```text
//! column  block of files, format 2
//! 0, 1    paths: lengths, bytes
//! 2       per path: bytes of the folder * 2, plus 1 if the file table names it
//! ```

use symtool_debug::{File, Folder};

use super::bytes::{join, put, split};
use super::strings::StringBlock;

/// Encodes `files` in order.
pub fn encode<'a>(files: impl Iterator<Item = File<'a>>) -> Vec<u8> {
    let mut columns: [Vec<u8>; 3] = Default::default();
    for File { path, folder } in files {
        put(&mut columns[0], path.len() as u64);
        columns[1].extend_from_slice(path);
        put(&mut columns[2], u64::from(folder.bytes) << 1 | u64::from(folder.is_entry_0));
    }
    join(&columns)
}

/// Files of a decoded block, by position.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FileBlock {
    paths: StringBlock,
    folders: Vec<Folder>,
}

impl FileBlock {
    /// Decodes what [`encode`] made; `None` if it is damaged.
    pub fn decode(raw: &[u8]) -> Option<Self> {
        let [lengths, bytes, mut folders] = split::<3>(raw)?;
        let mut block =
            Self { paths: StringBlock::from_columns(lengths, bytes)?, folders: Vec::new() };
        for at in 0..block.paths.count() {
            let code = folders.number()?;
            let folder =
                Folder { bytes: u32::try_from(code >> 1).ok()?, is_entry_0: code & 1 == 1 };
            if folder.bytes as usize > block.paths.get(at)?.len() {
                return None;
            }
            block.folders.push(folder);
        }
        folders.is_empty().then_some(block)
    }

    /// The file at `index`.
    #[inline]
    pub fn get(&self, index: usize) -> Option<File<'_>> {
        Some(File { path: self.paths.get(index)?, folder: *self.folders.get(index)? })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.folders.len()
    }

    /// What it takes in memory.
    pub fn memory_bytes(&self) -> usize {
        self.paths.memory_bytes() + size_of_val(&*self.folders)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_back() {
        let file = |path: &'static str, bytes, is_entry_0| File {
            path: path.as_bytes(),
            folder: Folder { bytes, is_entry_0 },
        };
        let files = [
            file("/src/a.c", 5, true),
            file("", 0, false),
            file("/usr/include/stdio.h", 0, false),
            file("b/c", 3, false),
        ];
        let raw = encode(files.iter().copied());
        let block = FileBlock::decode(&raw).unwrap();
        assert_eq!(block.count(), 4);
        files.iter().enumerate().for_each(|(at, file)| assert_eq!(block.get(at), Some(*file)));
        assert_eq!(block.get(4), None);
        (0..raw.len()).for_each(|end| assert_eq!(FileBlock::decode(&raw[..end]), None, "{end}"));
        assert_eq!(FileBlock::decode(&encode([file("ab", 3, false)].into_iter())), None);
    }
}
