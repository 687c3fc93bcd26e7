//! Why a bucket cannot be used: what and the fact. The next step is for the program to say.

use symtool_store::seal::KeyId;

/// What went wrong with a bucket, or with the store that caches it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BucketError {
    /// The address is none of a bucket.
    #[error("{address}: cannot be used as a bucket ({cause})")]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A request failed, or what it brought cannot be relied on.
    #[error("{place}: {what}: {cause}")]
    Request {
        /// The bucket.
        place: String,
        /// The object, or what was asked.
        what: String,
        /// What was answered.
        cause: String,
    },
    /// What came is not what was written.
    #[error("{place}: {what}: what was received is not what was stored")]
    Altered {
        /// The bucket.
        place: String,
        /// The object.
        what: String,
    },
    /// There is no store in it.
    #[error("{place}: there is no symtool.json, so it is unknown which modules the bucket has")]
    Missing {
        /// The bucket.
        place: String,
    },
    /// Others change a module all the time.
    #[error("{place}: others changed modules/{what} each time")]
    Contended {
        /// The bucket.
        place: String,
        /// The module's place.
        what: String,
    },
    /// Nothing may be asked, and the cache does not know.
    #[error("{place}: {what} is not in the cache, and the bucket may not be asked")]
    Offline {
        /// The bucket.
        place: String,
        /// What was looked for.
        what: String,
    },
    /// Written by another version.
    #[error("{place}: symtool.json has format {found}, this program reads {expected}")]
    Format {
        /// The bucket.
        place: String,
        /// What it has.
        found: u32,
        /// What this version reads.
        expected: u32,
    },
    /// It is sealed, and no key was given.
    #[error("{place}: the bucket is sealed with key {wanted}")]
    NoKey {
        /// The bucket.
        place: String,
        /// Its key.
        wanted: KeyId,
    },
    /// It is sealed with another key.
    #[error("{place}: the bucket is sealed with key {wanted}, and the key given is {given}")]
    WrongKey {
        /// The bucket.
        place: String,
        /// Its key.
        wanted: KeyId,
        /// The key at hand.
        given: KeyId,
    },
    /// It is not sealed, and a key was given.
    #[error("{place}: the bucket is not sealed, but a key was given")]
    Open {
        /// The bucket.
        place: String,
    },
    /// Its storage does not do what writing needs.
    #[error("{place}: several processes cannot safely write to this storage: {cause}")]
    Unfit {
        /// The bucket.
        place: String,
        /// What it did.
        cause: String,
    },
    /// The cache belongs to another bucket.
    #[error("{}: this folder is the cache of another bucket ({other}), or of an earlier one at that address", folder.display())]
    OtherCache {
        /// The cache.
        folder: std::path::PathBuf,
        /// Whose it is.
        other: String,
    },
    /// The cache, or a store that is imported from.
    #[error(transparent)]
    Store(#[from] symtool_store::Error),
    /// Reading the files that are imported.
    #[error(transparent)]
    Import(#[from] symtool_core::Error),
    /// A file of the cache.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The program cannot make requests at all.
    #[error("no requests can be made: {0}")]
    Runtime(String),
}

impl BucketError {
    /// Whether the same may go well later.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Request { .. }
                | Self::Altered { .. }
                | Self::Missing { .. }
                | Self::Contended { .. }
                | Self::Offline { .. }
        )
    }

    pub(crate) fn io(path: &std::path::Path, cause: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), cause }
    }
}
