//! Copies a small file as often as it takes for a measure that is not only the start of a process.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use object::Object;

/// Bytes that one import should read: some 0.1 s of work, against milliseconds for starting a
/// process.
const WANTED_BYTES: usize = 4 << 20;
/// Copies at most, however small the file: their paths go on one command line.
const MAX_COPIES: usize = 256;

/// The files of one import, all with the same contents but for their build-id.
#[derive(Debug)]
pub struct Copies {
    paths: Vec<PathBuf>,
}

impl Copies {
    /// Copies `file` into the new directory `dir` if it is small. A large file is taken where it
    /// is, and so is one without a build-id, whose copies symtool would take for one and the same.
    ///
    /// # Errors
    /// If the file cannot be read or a copy cannot be written; names it.
    pub fn make(file: &Path, dir: &Path) -> Result<Self> {
        let alone = Self { paths: vec![file.to_owned()] };
        let bytes = fs::metadata(file).with_context(|| file.display().to_string())?.len();
        let count =
            usize::try_from(bytes).map_or(1, |bytes| (WANTED_BYTES / bytes.max(1)).min(MAX_COPIES));
        if count < 2 {
            return Ok(alone);
        }
        let mut data = fs::read(file).with_context(|| file.display().to_string())?;
        let Some(at) = id_offset(&data) else { return Ok(alone) };
        fs::create_dir(dir).with_context(|| dir.display().to_string())?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let mut paths = Vec::with_capacity(count);
        for number in 0..count {
            let path = dir.join(format!("{number:03}-{name}"));
            if let (Some(id), Ok(number)) =
                (data.get_mut(at..at + NUMBER_BYTES), u32::try_from(number))
            {
                id.copy_from_slice(&number.to_be_bytes());
            }
            fs::write(&path, &data).with_context(|| path.display().to_string())?;
            paths.push(path);
        }
        Ok(Self { paths })
    }

    /// Where they are.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }
}

/// Bytes of the build-id that a copy's number takes.
pub const NUMBER_BYTES: usize = size_of::<u32>();

/// Where the build-id lies in the file, if it has one that is long enough for a number.
pub fn id_offset(data: &[u8]) -> Option<usize> {
    let file = object::File::parse(data).ok()?;
    let id = file.build_id().ok()??;
    let offset = id.as_ptr().addr().checked_sub(data.as_ptr().addr())?;
    (id.len() >= NUMBER_BYTES && offset + id.len() <= data.len()).then_some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/objects").join(name)
    }

    #[test]
    fn copies_differ_in_their_build_id_only() -> Result<()> {
        let file = fixture("cpp-gcc-O2-dwarf5.so");
        let dir = tempfile::tempdir()?;
        let copies = Copies::make(&file, &dir.path().join("copies"))?;
        let original = fs::read(&file)?;
        assert_eq!(copies.paths().len(), WANTED_BYTES / original.len());
        let mut ids = HashSet::new();
        for path in copies.paths() {
            let copy = fs::read(path)?;
            let object = object::File::parse(&*copy)?;
            ids.insert(object.build_id()?.expect("a build-id").to_vec());
            let differing = original.iter().zip(&copy).filter(|(a, b)| a != b).count();
            assert!(
                differing <= NUMBER_BYTES && copy.len() == original.len(),
                "{}",
                path.display()
            );
        }
        assert_eq!(ids.len(), copies.paths().len());
        Ok(())
    }

    #[test]
    fn a_large_file_is_taken_where_it_is() -> Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        file.as_file().set_len(WANTED_BYTES as u64)?;
        let copies = Copies::make(file.path(), Path::new("/nowhere"))?;
        assert_eq!(copies.paths(), [file.path()]);
        Ok(())
    }
}
