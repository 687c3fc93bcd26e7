//! Why a store cannot be used: a sentence that names the file and the fact. The next step is for
//! the program to say.

use std::path::{Path, PathBuf};

use crate::block::{Damage, Kind};
use crate::seal::KeyId;

/// A store that cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is none.
    #[error("{}: no store here", .0.display())]
    Missing(PathBuf),
    /// A folder with other things in it.
    #[error("{}: not a symtool store, and not empty", .0.display())]
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
    /// Written by the version before this one.
    #[error("{}: the store has format 3; it is migrated by the next command that may write to its folder", .0.display())]
    OldFormat(PathBuf),
    /// A store of format 3 that is damaged.
    #[error("{}: the store has format 3 and cannot be migrated, as {module} is damaged ({why}); nothing was changed; remove or repair that module \
             with the version that wrote the store", store.display())]
    Migration {
        /// The store.
        store: PathBuf,
        /// Name and id.
        module: String,
        /// What is wrong.
        why: String,
    },
    /// Its format file is lost or damaged.
    #[error("{}: its file FORMAT is missing or damaged, or does not fit its other files", .0.display())]
    FormatLost(PathBuf),
    /// Neither copy of its key ring is intact.
    #[error("{}: the store is sealed, and both copies of its key ring are missing or damaged; bring `ring` or `ring.copy` back from a backup: \
             without one of them nothing in it can be read", .0.display())]
    RingLost(PathBuf),
    /// What was acknowledged cannot be read.
    #[error("{}: this file, which says what was stored, is damaged", .0.display())]
    AckDamaged(PathBuf),
    /// A database has less than was acknowledged, or something else.
    #[error("{}: the database {database} has lost changes that were stored (change {acknowledged} was the last, {found} is there)", store.display())]
    Unacknowledged {
        /// The store.
        store: PathBuf,
        /// Which database.
        database: &'static str,
        /// The change that was acknowledged.
        acknowledged: u64,
        /// The last one that is there.
        found: u64,
    },
    /// A database without the file that says what belongs to it.
    #[error("{}: the database's file CURRENT is missing", .0.display())]
    DatabaseLost(PathBuf),
    /// A database that is sealed in an open store, or the other way round.
    #[error("{}: these modules are not of this store: they are sealed and the store is not, or the other way round; bring the folder, or FORMAT \
             and the key ring, back from a backup", .0.display())]
    Foreign(PathBuf),
    /// Rows that a change needs are damaged.
    #[error("{}: rows that are needed here are damaged", .0.display())]
    Damaged(PathBuf),
    /// A module whose own blocks cannot be read.
    #[error("{module}: its blocks cannot be read: {damage}; import it again")]
    Input {
        /// Name and id.
        module: String,
        /// What is wrong.
        damage: Damage,
    },
    /// It is sealed, and no key was given.
    #[error("{}: the store is sealed with key {wanted}", store.display())]
    NoKey {
        /// The store.
        store: PathBuf,
        /// Its key.
        wanted: KeyId,
    },
    /// It is sealed with another key.
    #[error("{}: the store is sealed with key {wanted}, and the key given is {given}", store.display())]
    WrongKey {
        /// The store.
        store: PathBuf,
        /// Its key.
        wanted: KeyId,
        /// The key at hand.
        given: KeyId,
    },
    /// It is not sealed, and a key was given.
    #[error("{}: the store is not sealed, and a key was given; if this is the right store, leave out the key; to seal modules, import them into \
             a new store", .0.display())]
    Open(PathBuf),
    /// It is not sealed, so that its key cannot be changed.
    #[error("{}: the store is not sealed: its key cannot be changed; to seal modules, import them into a new store with a key", .0.display())]
    NotSealed(PathBuf),
    /// A segment that cannot be taken.
    #[error("{}: this segment cannot be read: {fact}; export its module again", path.display())]
    Segment {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fact: String,
    },
    /// More than may be stored.
    #[error("{}: full: it would take {needed} bytes of its quota of {quota}", store.display())]
    Quota {
        /// The store.
        store: PathBuf,
        /// Bytes that it may take.
        quota: u64,
        /// Bytes that it would take.
        needed: u64,
    },
    /// More crashes than may be stored.
    #[error("{}: its crashes are full: they would take {needed} bytes of their quota of {quota}", store.display())]
    CrashQuota {
        /// The store.
        store: PathBuf,
        /// Bytes that they may take.
        quota: u64,
        /// Bytes that they would take.
        needed: u64,
    },
    /// Another process holds it.
    #[error("{}: the store is being written by {} (waited {waited_seconds} s)", store.display(), process(*holder))]
    Locked {
        /// The store.
        store: PathBuf,
        /// The process, if it is known.
        holder: Option<u32>,
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
    #[error("{}: the database cannot be used: {cause}", store.display())]
    Database {
        /// The store.
        store: PathBuf,
        /// Why.
        cause: rocksdb::Error,
    },
    /// The database of crashes refused.
    #[error("{}: the database of crashes cannot be used: {cause}", store.display())]
    CrashDatabase {
        /// The store.
        store: PathBuf,
        /// Why.
        cause: rocksdb::Error,
    },
    /// The database of crashes is not as it was left.
    #[error("{}: the database of crashes is damaged: {fact}", store.display())]
    CrashesDamaged {
        /// The store.
        store: PathBuf,
        /// What is wrong.
        fact: String,
    },
    /// A row of the database of crashes that is not as it was written.
    #[error("{}: a row of the database of crashes is damaged", .0.display())]
    CrashRow(PathBuf),
    /// A block that is not as it was written.
    #[error("module {module}: the block of {} ending at {last:#x} cannot be read: {damage}", kind.name())]
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

fn is_temporary(cause: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    let lasting = [
        ErrorKind::NotFound,
        ErrorKind::PermissionDenied,
        ErrorKind::AlreadyExists,
        ErrorKind::NotADirectory,
        ErrorKind::IsADirectory,
        ErrorKind::ReadOnlyFilesystem,
        ErrorKind::InvalidInput,
        ErrorKind::InvalidData,
        ErrorKind::InvalidFilename,
        ErrorKind::UnexpectedEof,
        ErrorKind::Unsupported,
    ];
    !lasting.contains(&cause.kind())
}

fn process(holder: Option<u32>) -> String {
    holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

impl Error {
    /// Whether the same may succeed later, with nothing mended: another process holds the store, or
    /// the system is short of something or out of reach. What is damaged, missing or forbidden
    /// stays so.
    pub fn is_temporary(&self) -> bool {
        use rocksdb::ErrorKind::{Busy, IOError, TimedOut, TryAgain};
        match self {
            Self::Locked { .. } => true,
            Self::Io { cause, .. } => is_temporary(cause),
            Self::Database { cause, .. } | Self::CrashDatabase { cause, .. } => {
                matches!(cause.kind(), Busy | IOError | TimedOut | TryAgain)
            }
            _ => false,
        }
    }

    /// Damage to a block of `module`.
    pub(crate) fn corrupt(module: &super::Module, kind: Kind, last: u64, damage: Damage) -> Self {
        let module = format!("{} ({})", module.record.name, module.record.short_id());
        Self::Corrupt { module, kind, last, damage }
    }

    /// The last address of a damaged block of ranges.
    pub(crate) fn last_range(&self) -> Option<u64> {
        match self {
            Self::Corrupt { kind: Kind::Ranges, last, .. } => Some(*last),
            _ => None,
        }
    }

    /// Damage to a module on its way in.
    pub(crate) fn damaged_input(record: &crate::module::ModuleRecord, damage: Damage) -> Self {
        Self::Input { module: format!("{} ({})", record.name, record.short_id()), damage }
    }

    /// The error that reading or writing `path` ended with.
    pub fn io(path: &Path, cause: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), cause }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn what_may_pass_is_told_from_what_stays() {
        let store = || PathBuf::from("store");
        let io = |kind: ErrorKind| Error::io(Path::new("store"), kind.into()).is_temporary();
        assert!(Error::Locked { store: store(), holder: None, waited_seconds: 1 }.is_temporary());
        for kind in [ErrorKind::StorageFull, ErrorKind::TimedOut, ErrorKind::StaleNetworkFileHandle]
        {
            assert!(io(kind), "{kind}");
        }
        // EIO and EMFILE, which have no kind.
        for code in [5, 24] {
            let cause = std::io::Error::from_raw_os_error(code);
            assert!(Error::io(Path::new("store"), cause).is_temporary(), "{code}");
        }
        for kind in [ErrorKind::NotFound, ErrorKind::PermissionDenied, ErrorKind::InvalidData] {
            assert!(!io(kind), "{kind}");
        }
        for error in [Error::Missing(store()), Error::Damaged(store()), Error::Open(store())] {
            assert!(!error.is_temporary(), "{error}");
        }
    }
}
