//! Why a store cannot be used: in, a path and a fact; out, one sentence with the next step.

use std::path::{Path, PathBuf};

use crate::block::{Damage, Kind};

/// A store that cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is none.
    #[error("{}: no store here; import a file first, or name another with --store", .0.display())]
    Missing(PathBuf),
    /// A folder with other things in it.
    #[error("{}: not a symtool store, and not empty; name another folder with --store", .0.display())]
    NotAStore(PathBuf),
    /// Written by a version with another layout.
    #[error("{}: the store has format '{found}', this program reads '{expected}'; use the version that wrote it, or import into a new store", store.display())]
    Format {
        /// The store.
        store: PathBuf,
        /// What its format file says.
        found: String,
        /// What this version reads.
        expected: &'static str,
    },
    /// Others hold it.
    #[error("{}: the store is in use by another process (waited {waited_seconds} s); try again, or wait longer with --wait", store.display())]
    Locked {
        /// The store.
        store: PathBuf,
        /// How long it was waited for.
        waited_seconds: u64,
    },
    /// The operating system refused.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The database refused.
    #[error("{}: the database cannot be used: {cause}; free some space if the disk is full; if a file is damaged, restore it or import into a new store", store.display())]
    Database {
        /// The store.
        store: PathBuf,
        /// Why.
        cause: rocksdb::Error,
    },
    /// A block that is not as it was written.
    #[error("module {module}: a block of {kind:?} ending at {last:#x} cannot be read: {damage}; import the module again with --force")]
    Corrupt {
        /// Name and id.
        module: String,
        /// What the block holds.
        kind: Kind,
        /// The last address or number that it covers.
        last: u64,
        /// What is wrong with it.
        damage: Damage,
    },
}

impl Error {
    /// Damage to a block of `module`.
    pub(crate) fn corrupt(module: &super::Module, kind: Kind, last: u64, damage: Damage) -> Self {
        let module = format!("{} ({})", module.footer.name, module.footer.short_id());
        Self::Corrupt { module, kind, last, damage }
    }

    /// The last address of a damaged block of ranges.
    pub(crate) fn last_range(&self) -> Option<u64> {
        match self {
            Self::Corrupt { kind: Kind::Ranges, last, .. } => Some(*last),
            _ => None,
        }
    }

    pub(super) fn io(path: &Path, cause: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), cause }
    }
}
