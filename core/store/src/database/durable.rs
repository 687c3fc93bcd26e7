//! Small files of a store that are replaced as a whole: after a crash there is the old one or the
//! new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Begins the name of a file that is being written.
pub const DRAFT: &str = ".draft.";

/// Makes `bytes` the contents of the file at `path`, on disk before this returns.
///
/// # Errors
/// If it cannot be written; then it is as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    Draft::of(path, bytes)?.place()
}

/// Contents of a file that are on disk and not in their place yet: putting them there needs no
/// room. Dropped, they are gone.
#[derive(Debug)]
pub struct Draft {
    draft: PathBuf,
    path: PathBuf,
}

impl Draft {
    /// Writes what the file at `path` will hold.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn of(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        Ok(Self { draft: write_draft(path, bytes)?, path: path.to_owned() })
    }

    /// Lets it take the place of what the file holds, on disk before this returns.
    ///
    /// # Errors
    /// If the folder cannot be written; then the file is as it was.
    pub fn place(self) -> io::Result<()> {
        fs::rename(&self.draft, &self.path).and_then(|()| sync_folder(&self.path))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It is not there any more if it was put in its place.
        let _ = fs::remove_file(&self.draft);
    }
}

/// The same, and overwrites what the file held before, as far as the file system and the disk let
/// it.
///
/// # Errors
/// If it cannot be written; then it is as it was.
pub fn replace_and_erase(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let old = OpenOptions::new().write(true).open(path);
    replace(path, bytes)?;
    match old {
        Ok(old) => erase(&old),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn erase(mut file: &File) -> io::Result<()> {
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&vec![0; size])?;
    file.sync_all()
}

/// Makes a file with `bytes` at `path` unless there is one already.
///
/// # Errors
/// If it cannot be written.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = write_draft(path, bytes)?;
    let linked = match fs::hard_link(&draft, path) {
        // Whoever came first has decided.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        // A file system without hard links.
        Err(_) if !path.exists() => fs::rename(&draft, path),
        linked => linked,
    };
    let _ = fs::remove_file(&draft);
    linked.and_then(|()| sync_folder(path))
}

/// Only its owner reads what a store holds.
fn write_draft(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!("{DRAFT}{name}.{}", std::process::id()));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.inspect_err(|_| drop(fs::remove_file(&draft)))?;
    Ok(draft)
}

/// Whether the files in `folder` can be read: all of the small ones, which say what the others are;
/// of tables and those that are read bit by bit later, that they can be opened. No folder has none.
///
/// # Errors
/// If one cannot be: it belongs to somebody else, or the disk fails. That says nothing of what is
/// in it.
pub fn check_readable(folder: &Path) -> Result<(), super::Error> {
    let files = match fs::read_dir(folder) {
        Ok(files) => files,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(super::Error::io(folder, cause)),
    };
    for file in files {
        let path = file.map_err(|cause| super::Error::io(folder, cause))?.path();
        let is_table = path.extension().is_some_and(|extension| extension == "sst");
        let read = if is_table || path.is_dir() {
            File::open(&path).map(drop)
        } else {
            fs::read(&path).map(drop)
        };
        read.map_err(|cause| super::Error::io(&path, cause))?;
    }
    Ok(())
}

/// Makes sure that what was made, renamed or removed beside `path` is on disk.
///
/// # Errors
/// If the folder cannot be synced.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(path))?.sync_all()
}

/// Makes a folder, and those above it, that only its owner may enter.
///
/// # Errors
/// If it cannot be made.
pub fn create_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Removes a folder with all that is in it, if there is one.
///
/// # Errors
/// If it cannot be removed.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// The file's contents; `None` if there is no such file.
///
/// # Errors
/// If it cannot be read.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// `lines` with a line behind them that tells whether they are whole.
pub fn with_check(lines: &str) -> String {
    format!("{lines}check {:016x}\n", xxhash_rust::xxh3::xxh3_64(lines.as_bytes()))
}

/// The lines that [`with_check`] was given; `None` if some of them have changed.
pub fn checked(text: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(text).ok()?;
    let (lines, _) = text.split_at_checked(text.strip_suffix('\n')?.rfind('\n')? + 1)?;
    (with_check(lines) == text).then_some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_is_noticed() {
        let text = with_check("one\ntwo 2\n");
        assert_eq!(checked(text.as_bytes()), Some("one\ntwo 2\n"));
        for end in 0..text.len() {
            assert_eq!(checked(&text.as_bytes()[..end]), None, "{end}");
        }
        for bit in 0..text.len() * 8 {
            let mut changed = text.clone().into_bytes();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(checked(&changed), None, "bit {bit}");
        }
    }

    #[test]
    fn files_are_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        create(&path, b"first").unwrap();
        create(&path, b"second").unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), b"first");
        let old = File::open(&path).unwrap();
        replace_and_erase(&path, b"other").unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), b"other");
        let mut left = Vec::new();
        io::Read::read_to_end(&mut { old }, &mut left).unwrap();
        assert_eq!(left, [0; 5]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
