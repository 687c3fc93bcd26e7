//! Files that an import could not take, and that are known: `--known-failures` reports each once.
//!
//! The list has an object on each line. A file is known as long as it is the same file, by its size
//! and the time of its last change, and fails for the same reason.

use std::collections::HashSet;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::output;

/// A file that could not be imported.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Failure {
    path: String,
    /// Of the file on disk, which for a member is its archive.
    bytes: u64,
    /// Milliseconds since 1970.
    modified_ms: u64,
    error: String,
}

/// Failures that were reported before, and those of this import.
#[derive(Debug, Default)]
pub struct KnownFailures {
    before: HashSet<Failure>,
    now: Vec<Failure>,
    /// How many of those of this import were reported before.
    pub known: u64,
}

impl KnownFailures {
    /// Those that the list at `path` has; none if there is no list yet.
    ///
    /// # Errors
    /// If it cannot be read, or is no such list.
    pub fn read(path: &Path) -> io::Result<Self> {
        let file = match fs::File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            file => file?,
        };
        let mut before = HashSet::new();
        for line in BufReader::new(file).lines() {
            before.insert(serde_json::from_str(&line?)?);
        }
        Ok(Self { before, ..Self::default() })
    }

    /// Whether it was reported before that `path` fails for the reason `error`. It is remembered.
    pub fn is_known(&mut self, path: &Path, error: &str) -> bool {
        let metadata = on_disk(path).and_then(|file| fs::metadata(file).ok());
        let modified = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
        let since = modified.and_then(|modified| modified.duration_since(UNIX_EPOCH).ok());
        let failure = Failure {
            path: path.to_string_lossy().into_owned(),
            bytes: metadata.map_or(0, |metadata| metadata.len()),
            modified_ms: since
                .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)),
            error: error.to_owned(),
        };
        let is_known = self.before.contains(&failure);
        self.known += u64::from(is_known);
        self.now.push(failure);
        is_known
    }

    /// Writes the failures of this import to the list at `path`: those that are gone are forgotten.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        symtool_core::export::replace(path, |out| {
            for failure in &self.now {
                writeln!(out, "{}", output::json(failure)?)?;
            }
            Ok::<_, io::Error>(())
        })
    }
}

/// The file on disk that `path` lies in: of a member, its archive.
pub fn on_disk(path: &Path) -> Option<&Path> {
    let mut text = path.to_str()?;
    loop {
        let file = Path::new(text);
        if file.exists() {
            return Some(file);
        }
        text = &text[..text.rfind(['!', '(', ':']).filter(|end| *end > 0)?];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_before_is_known_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (list, file) = (folder.path().join("list"), folder.path().join("a.zip"));
        let member = folder.path().join("a.zip!b.so");
        fs::write(&file, "one").unwrap();
        let run = |error: &str| {
            let mut failures = KnownFailures::read(&list).unwrap();
            let is_known = failures.is_known(&member, error);
            failures.write(&list).unwrap();
            (is_known, failures.known)
        };
        assert_eq!((run("bad"), run("bad"), run("worse")), ((false, 0), (true, 1), (false, 0)));
        fs::write(&file, "other").unwrap();
        assert_eq!((run("worse"), run("worse")), ((false, 0), (true, 1)));
        KnownFailures::default().write(&list).unwrap();
        assert_eq!(run("worse"), (false, 0));
        fs::write(&list, "no list\n").unwrap();
        assert!(KnownFailures::read(&list).is_err());
    }

    #[test]
    fn members_lie_in_their_archives() {
        let here = Path::new("Cargo.toml");
        for path in
            ["Cargo.toml", "Cargo.toml!a/b.so", "Cargo.toml!a(b)!c:arm64", "Cargo.toml(x.o)"]
        {
            assert_eq!(on_disk(Path::new(path)), Some(here), "{path}");
        }
        assert_eq!((on_disk(Path::new("nothing!here")), on_disk(Path::new("!x"))), (None, None));
    }
}
