//! The format file of a store: in, its text; out, which version wrote the store, and whether it is sealed.
//!
//! ```text
//! symtool store 3             the version
//! sealed 3f1c22a09b7e4d15     only if it is sealed: the id of its master key; of two, while the key is being changed
//! ```

use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use super::{Error, Store};
use crate::seal::{KeyId, MasterKey};

const VERSION: &str = "symtool store 3";
const SEALED: &str = "sealed ";
/// Begins the name of a format file that is being written.
const DRAFT: &str = ".FORMAT.";

/// What the format file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// The keys that may open the store; none if it is not sealed.
    keys: Vec<KeyId>,
}

impl Format {
    /// Of a store that is sealed with one of `keys`, or open without any.
    pub fn of(keys: impl IntoIterator<Item = KeyId>) -> Self {
        Self { keys: keys.into_iter().collect() }
    }

    /// Whether the store is sealed.
    pub fn is_sealed(&self) -> bool {
        !self.keys.is_empty()
    }

    /// The keys that may open it: two while the key is being changed.
    pub fn keys(&self) -> &[KeyId] {
        &self.keys
    }

    /// The format of `store`.
    ///
    /// # Errors
    /// If there is none, or none that this version reads.
    pub fn read(store: &Store) -> Result<Self, Error> {
        let path = store.path.join("FORMAT");
        let found = match fs::read_to_string(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let is_empty = fs::read_dir(&store.path).map_or(true, |mut entries| entries.next().is_none());
                return Err(if is_empty { Error::Missing(store.path.clone()) } else { Error::NotAStore(store.path.clone()) });
            }
            Err(cause) => return Err(Error::io(&path, cause)),
        };
        Self::parse(&found).ok_or_else(|| {
            let line = found.lines().find(|line| *line != VERSION).unwrap_or_default();
            let found = line.chars().filter(|char| !char.is_control()).take(40).collect();
            Error::Format { store: store.path.clone(), found, expected: VERSION }
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next() != Some(VERSION) {
            return None;
        }
        let Some(sealed) = lines.next() else { return Some(Self::default()) };
        let keys: Option<Vec<KeyId>> = sealed.strip_prefix(SEALED)?.split(' ').map(KeyId::parse).collect();
        let keys = keys.filter(|keys| (1..=2).contains(&keys.len()) && lines.next().is_none())?;
        Some(Self { keys })
    }

    fn text(&self) -> String {
        let keys: Vec<String> = self.keys.iter().map(KeyId::to_string).collect();
        if keys.is_empty() { format!("{VERSION}\n") } else { format!("{VERSION}\n{SEALED}{}\n", keys.join(" ")) }
    }

    /// Makes this the format of a new store, unless another process was faster. On disk before this returns.
    ///
    /// # Errors
    /// If the folder holds other things, or cannot be written.
    pub fn create(&self, store: &Store) -> Result<(), Error> {
        let path = store.path.join("FORMAT");
        if path.exists() {
            return Ok(());
        }
        let ours = ["staging", "FORMAT", "write.lock", "read.lock"];
        let is_ours = |name: &OsStr| ours.iter().any(|our| name == *our) || name.as_encoded_bytes().starts_with(DRAFT.as_bytes());
        let is_foreign = |entries: fs::ReadDir| entries.flatten().any(|entry| !is_ours(&entry.file_name()));
        if fs::read_dir(&store.path).is_ok_and(is_foreign) && !path.exists() {
            return Err(Error::NotAStore(store.path.clone()));
        }
        let io = |cause| Error::io(&store.path, cause);
        fs::create_dir_all(store.staging()).map_err(io)?;
        let draft = self.draft(store).map_err(io)?;
        let linked = fs::hard_link(&draft, &path);
        // Whoever came first has decided.
        let linked = linked.or_else(|error| if error.kind() == ErrorKind::AlreadyExists { Ok(()) } else { fs::rename(&draft, &path) });
        let _ = fs::remove_file(&draft);
        linked.and_then(|()| sync_folder(&store.path)).map_err(io)
    }

    /// Makes this the format of a store that is there. On disk before this returns.
    ///
    /// # Errors
    /// If it cannot be written; the store has the format before then.
    pub fn replace(&self, store: &Store) -> Result<(), Error> {
        let replaced = self.draft(store).and_then(|draft| fs::rename(draft, store.path.join("FORMAT")));
        replaced.and_then(|()| sync_folder(&store.path)).map_err(|cause| Error::io(&store.path.join("FORMAT"), cause))
    }

    fn draft(&self, store: &Store) -> std::io::Result<std::path::PathBuf> {
        let draft = store.path.join(format!("{DRAFT}{}", std::process::id()));
        let mut file = fs::File::create(&draft)?;
        file.write_all(self.text().as_bytes())?;
        file.sync_all()?;
        Ok(draft)
    }

    /// Whether the key of `store` may open it for reading.
    ///
    /// # Errors
    /// [`Error::NoKey`], [`Error::WrongKey`].
    pub fn admit(&self, store: &Store) -> Result<(), Error> {
        let is_key = |key: &MasterKey| self.keys.contains(&key.id());
        match self.keys.first() {
            Some(wanted) if !store.key.as_ref().is_some_and(is_key) => Err(store.needs_key(*wanted)),
            _ => Ok(()),
        }
    }

    /// Whether the key of `store` may write into it.
    ///
    /// # Errors
    /// [`Error::NoKey`], [`Error::WrongKey`]; [`Error::Open`] for a key where none belongs.
    pub fn admit_writing(&self, store: &Store) -> Result<(), Error> {
        self.admit(store)?;
        if store.key.is_some() && !self.is_sealed() { Err(Error::Open(store.path.clone())) } else { Ok(()) }
    }
}

/// Makes sure that what was made, renamed or removed in `folder` is on disk.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back() {
        let ids: Vec<KeyId> = ["0011223344556677", "8899aabbccddeeff"].iter().map(|id| KeyId::parse(id).unwrap()).collect();
        for keys in [&ids[..0], &ids[..1], &ids[..]] {
            let format = Format::of(keys.iter().copied());
            assert_eq!(Format::parse(&format.text()), Some(format));
        }
        for text in ["", "symtool store 2\n", "symtool store 3\nsealed\n", "symtool store 3\nsealed 00\n", "symtool store 3\nopen\n"] {
            assert_eq!(Format::parse(text), None, "{text}");
        }
    }
}
