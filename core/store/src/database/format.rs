//! The format file of a store: which version wrote it, and whether it is sealed.
//!
//! ```text
//! symtool store 4             the version
//! sealed 3f1c22a09b7e4d15     with the id of the master key; or `open`
//! check 0f3a…                 of the lines before it, so that a file that was cut is never read as another one
//! ```
//!
//! That a store is sealed stands in its key ring and in every record, too: what does not agree is
//! refused.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use super::durable::{self, DRAFT};
use super::{Error, Store};
use crate::seal::KeyId;

/// The version of stores that this version writes.
pub const STORE_FORMAT: u32 = 4;
const VERSION: &str = "symtool store 4";
/// Begins the line with the check.
const CHECK: &str = "\ncheck ";
const OPEN: &str = "open";
const SEALED: &str = "sealed ";

/// What the format file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Which key it is sealed with, as of the last rotation that was finished. The key ring decides
    /// which key opens it.
    pub key: Option<KeyId>,
}

/// What is to be found where a store should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A store of this version.
    Current(Format),
    /// A store of format 3.
    Old,
}

impl Format {
    /// The format of `store`.
    ///
    /// # Errors
    /// If there is none, it is damaged, or none that this version reads. A store of format 3 has to
    /// be migrated first.
    pub fn read(store: &Store) -> Result<Self, Error> {
        match Self::find(store)? {
            Found::Current(format) => Ok(format),
            Found::Old => Err(Error::OldFormat(store.path.clone())),
        }
    }

    /// What there is.
    ///
    /// # Errors
    /// If there is none, it is damaged, or none that this version knows.
    pub fn find(store: &Store) -> Result<Found, Error> {
        let path = store.path.join("FORMAT");
        let Some(found) = durable::read(&path).map_err(|cause| Error::io(&path, cause))? else {
            return Err(if is_empty(&store.path) {
                Error::Missing(store.path.clone())
            } else if has_remains(store) {
                Error::FormatLost(store.path.clone())
            } else {
                Error::NotAStore(store.path.clone())
            });
        };
        let checked = durable::checked(&found);
        if let Some(format) = checked.and_then(Self::parse) {
            return Ok(Found::Current(format));
        }
        let text = String::from_utf8_lossy(&found);
        let first = text.lines().next().unwrap_or_default();
        let number =
            first.strip_prefix("symtool store ").and_then(|number| number.parse::<u32>().ok());
        // Formats 1 to 3 had no check.
        let is_whole = checked.is_some() || !text.contains(CHECK);
        match number {
            Some(3) if !has_ring(store) && is_whole => Ok(Found::Old),
            Some(number) if !(3..=4).contains(&number) && is_whole => Err(Error::Format {
                store: store.path.clone(),
                found: first.to_owned(),
                expected: VERSION,
            }),
            _ => Err(Error::FormatLost(store.path.clone())),
        }
    }

    fn parse(lines: &str) -> Option<Self> {
        let mut lines = lines.lines();
        let version = lines.next()?;
        let sealed = lines.next()?;
        let key =
            if sealed == OPEN { None } else { Some(KeyId::parse(sealed.strip_prefix(SEALED)?)?) };
        (version == VERSION && lines.next().is_none()).then_some(Self { key })
    }

    fn text(self) -> String {
        durable::with_check(&match self.key {
            None => format!("{VERSION}\n{OPEN}\n"),
            Some(key) => format!("{VERSION}\n{SEALED}{key}\n"),
        })
    }

    /// Makes this the format of a new store, unless another process was faster. On disk before this
    /// returns.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn create(self, store: &Store) -> Result<(), Error> {
        durable::create(&store.path.join("FORMAT"), self.text().as_bytes())
            .map_err(|cause| Error::io(&store.path, cause))
    }

    /// Makes this the format of a store that is there. On disk before this returns.
    ///
    /// # Errors
    /// If it cannot be written; the store has the format before then.
    pub fn replace(self, store: &Store) -> Result<(), Error> {
        let path = store.path.join("FORMAT");
        durable::replace(&path, self.text().as_bytes()).map_err(|cause| Error::io(&path, cause))
    }
}

/// What may lie in a folder in which a store is being made.
const BEGINNINGS: [&str; 6] = ["staging", "FORMAT", "write.lock", "read.lock", "ring", "ring.copy"];

/// Whether a store may be made in `folder`: there is nothing but what other processes have begun.
pub fn is_free(folder: &Path) -> bool {
    let is_ours = |name: &OsStr| {
        BEGINNINGS.iter().any(|our| name == *our)
            || name.as_encoded_bytes().starts_with(DRAFT.as_bytes())
    };
    fs::read_dir(folder)
        .map_or(true, |entries| entries.flatten().all(|entry| is_ours(&entry.file_name())))
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

/// Whether this was a store.
fn has_remains(store: &Store) -> bool {
    let holds_database =
        |folder: &Path| fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    has_ring(store)
        || [store.symbols(), store.crashes()].iter().any(|folder| holds_database(folder))
}

fn has_ring(store: &Store) -> bool {
    store.ring().exists() || store.ring_copy().exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_told_by_its_number() {
        assert_eq!(VERSION, format!("symtool store {STORE_FORMAT}"));
    }

    #[test]
    fn texts_come_back_and_no_part_of_them_does() {
        for key in [None, KeyId::parse("0011223344556677")] {
            let text = Format { key }.text();
            let read = |text: &str| durable::checked(text.as_bytes()).and_then(Format::parse);
            assert_eq!(read(&text), Some(Format { key }));
            (0..text.len()).for_each(|end| assert_eq!(read(&text[..end]), None, "{end}"));
        }
        for lines in [
            "",
            "symtool store 3\nopen\n",
            "symtool store 4\n",
            "symtool store 4\nsealed 00\n",
            "symtool store 4\nopen\nopen\n",
        ] {
            assert_eq!(Format::parse(lines), None, "{lines}");
        }
    }
}
