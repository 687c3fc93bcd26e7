//! The store of packed modules: in, blocks; out, blocks, for ever or not at all.
//!
//! ```text
//! STORE/FORMAT         what wrote this, and whether it is sealed (format.rs)
//! STORE/write.lock     who writes (lock.rs)
//! STORE/read.lock      who reads
//! STORE/symbols/       RocksDB, one column family of blocks (key.rs)
//! STORE/staging/       segments on their way in; swept by the next writer
//! STORE/crashes/       another RocksDB, with a lock of its own ([`crate::crash`])
//! ```
//!
//! All that changes a store is one ingest of sorted files: blocks of modules, their footers, and tombstones for footers that go.
//! There is no log to write ahead, so a killed process leaves nothing but a file in `staging/`, and who opens the database at any
//! moment sees all of a change or nothing of it.

mod blocks;
mod catalog;
mod error;
mod format;
mod heal;
mod held;
mod key;
mod lock;
mod mappings;
mod reader;
mod repair;
mod rotate;
mod segment;
mod source;
mod sweep;
mod tidy;
mod usage;
mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::seal::{KeyId, MasterKey};
pub use blocks::Blocks;
pub(crate) use catalog::now_ms;
pub use catalog::{Catalog, Footer, MIN_ID_DIGITS, Module, Named};
pub use error::Error;
pub(crate) use format::Format;
pub use held::Held;
pub use key::{Generation, ModuleKey};
pub(crate) use lock::Lock;
pub use mappings::{Mapping, Mappings};
pub use reader::Reader;
pub use repair::Lost;
pub use segment::is_segment;
pub use source::Source;
pub(crate) use source::addresses;
pub use usage::{KindUsage, Usage};
pub use writer::Committed;

/// The default family, which a database has from its first moment: a kill cannot come between the two.
const FAMILY: &str = rocksdb::DEFAULT_COLUMN_FAMILY_NAME;

/// A store's folder, and what it takes to use it.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    wait: Duration,
    key: Option<MasterKey>,
    quota: Option<u64>,
}

impl Store {
    /// The store at `path`, which need not exist yet. Other processes are waited for up to `wait`.
    pub fn at(path: &Path, wait: Duration) -> Self {
        Self { path: path.to_owned(), wait, key: None, quota: None }
    }

    /// The same, with the master key that it is or will be sealed with.
    #[must_use]
    pub fn with_key(self, key: Option<MasterKey>) -> Self {
        Self { key, ..self }
    }

    /// The same, in which no more than `bytes` may be stored.
    #[must_use]
    pub fn with_quota(self, bytes: Option<u64>) -> Self {
        Self { quota: bytes, ..self }
    }

    /// Opens it for reading, beside other readers and whoever writes. What is written meanwhile is seen by who opens it next.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn read(&self) -> Result<Reader, Error> {
        Reader::open(self)
    }

    /// Makes the folder and its format file, unless they are there: sealed, if there is a key. Another process may be doing
    /// the same.
    ///
    /// # Errors
    /// Any [`Error`]; a folder with other things in it is left as it is.
    pub fn create(&self) -> Result<(), Error> {
        Format::of(self.key.as_ref().map(MasterKey::id)).create(self)?;
        Format::read(self)?.admit_writing(self)
    }

    /// The keys that may open it; none if it is open to all.
    ///
    /// # Errors
    /// If there is no store.
    pub fn keys(&self) -> Result<Vec<KeyId>, Error> {
        Ok(Format::read(self)?.keys().to_vec())
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn crashes(&self) -> PathBuf {
        self.path.join("crashes")
    }

    pub(crate) fn crashes_lock(&self) -> PathBuf {
        self.path.join("crashes.lock")
    }

    pub(crate) fn wait(&self) -> Duration {
        self.wait
    }

    pub(crate) fn key(&self) -> Option<&MasterKey> {
        self.key.as_ref()
    }

    fn symbols(&self) -> PathBuf {
        self.path.join("symbols")
    }

    fn repaired(&self) -> PathBuf {
        self.path.join("symbols.repaired")
    }

    fn damaged(&self) -> PathBuf {
        self.path.join("symbols.damaged")
    }

    /// Is there while blocks without a footer are known to be there.
    fn untidy(&self) -> PathBuf {
        self.path.join("untidy")
    }

    fn staging(&self) -> PathBuf {
        self.path.join("staging")
    }

    fn write_lock(&self) -> PathBuf {
        self.path.join("write.lock")
    }

    fn read_lock(&self) -> PathBuf {
        self.path.join("read.lock")
    }

    /// The error of a store that is sealed with `wanted`, which is not the key at hand.
    pub(crate) fn needs_key(&self, wanted: KeyId) -> Error {
        match &self.key {
            Some(key) => Error::WrongKey { store: self.path.clone(), wanted, given: key.id() },
            None => Error::NoKey { store: self.path.clone(), wanted },
        }
    }

    pub(crate) fn crashes_error(&self, cause: rocksdb::Error) -> Error {
        Error::CrashDatabase { store: self.path.clone(), cause }
    }

    fn database_error(&self, source: rocksdb::Error) -> Error {
        Error::Database { store: self.path.clone(), cause: source }
    }
}

/// Options of the database, alike for readers and writers.
fn options() -> rocksdb::Options {
    let mut table = rocksdb::BlockBasedOptions::default();
    // Blocks are decoded once and kept decoded; RocksDB need not keep them too.
    table.disable_cache();
    // One of ours in each of RocksDB's: a damaged byte is one block's damage.
    table.set_block_size(1);
    let mut options = plain_options(&table);
    // Nothing is rewritten while others may be reading: see writer.rs.
    options.set_disable_auto_compactions(true);
    // A damaged file is its modules' damage, and no reason not to open the others.
    options.set_paranoid_checks(false);
    options
}

/// What the databases of a store have in common. Rows are compressed before they are sealed.
pub(crate) fn plain_options(table: &rocksdb::BlockBasedOptions) -> rocksdb::Options {
    let mut options = rocksdb::Options::default();
    options.set_block_based_table_factory(table);
    options.set_compression_type(rocksdb::DBCompressionType::None);
    options.set_keep_log_file_num(1);
    options.set_log_level(rocksdb::LogLevel::Error);
    // Thousands of modules are thousands of files.
    options.set_max_open_files(512);
    // One cold answer opens a handful of files; sixteen threads to do it cost more than they save.
    options.set_max_file_opening_threads(1);
    options.set_skip_stats_update_on_db_open(true);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options
}
