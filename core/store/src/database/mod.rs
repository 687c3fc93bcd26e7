//! The store of packed modules, which keeps them as a whole or not at all.
//!
//! ```text
//! STORE/FORMAT         what wrote this, and whether it is sealed (format.rs)
//! STORE/ring           the keys of a sealed store, wrapped by the user's; ring.copy is the same (keyring.rs)
//! STORE/symbols.ack    what was acknowledged of modules (ack.rs); crashes.ack of crashes
//! STORE/*.lock         who writes, who reads (lock.rs)
//! STORE/symbols/       RocksDB, one column family (key.rs)
//! STORE/staging/       files on their way in; swept by the next writer
//! STORE/lost/          tables that belong to no change that was acknowledged
//! STORE/crashes/       another RocksDB, with a lock of its own ([`crate::crash`])
//! ```
//!
//! All that changes modules is one ingest of sorted files: blocks of modules, their records, and
//! the rows by which they are found. There is no log to write ahead, so a killed process leaves
//! nothing but files in `staging/`, and who opens the database at any moment sees all of a change
//! or nothing of it.

mod access;
pub mod ack;
mod blocks;
mod broken;
mod catalog;
pub mod durable;
mod error;
mod examine;
mod format;
mod garbage;
mod head;
mod in_memory;
mod index;
mod join;
mod keyring;
mod listing;
mod lock;
mod mappings;
mod meant;
mod migrate;
mod reader;
mod record;
mod recover;
mod repair;
mod rotate;
mod salvage;
mod segment;
mod spool;
mod stored;
pub mod tables;
mod tidy;
mod usage;
pub mod v3;
mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rocksdb::BlockBasedIndexType;

use crate::limits::{JOINED_BYTES, ROW_TABLES};
use crate::seal::{KeyId, MasterKey};
pub use access::Access;
pub use ack::Ack;
pub use blocks::Blocks;
pub use catalog::{Catalog, MIN_ID_DIGITS, Named};
pub use error::Error;
pub use examine::Finding;
pub(crate) use format::Format;
pub use format::STORE_FORMAT;
pub use in_memory::InMemoryModule;
pub use listing::Listing;
pub use lock::Lock;
pub use mappings::{Mapping, Mappings};
pub use meant::MeantName;
pub use migrate::Migrated;
pub use reader::Reader;
pub use reader::holds_files;
pub use record::{ContentsHash, Extents, KindExtent, Module};
pub use repair::{Lost, Repaired};
pub use segment::is_segment;
pub use spool::Spool;
pub use usage::{KindUsage, Usage};
pub use writer::{Apart, Committed};

/// The default family, which a database has from its first moment: a kill cannot come between the
/// two.
const FAMILY: &str = rocksdb::DEFAULT_COLUMN_FAMILY_NAME;

/// A store's folder, and what it takes to use it.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    wait: Duration,
    key: Option<MasterKey>,
    quota: Option<u64>,
    crash_quota: Option<u64>,
}

impl Store {
    /// The store at `path`, which need not exist yet. Other processes are waited for up to `wait`.
    pub fn at(path: &Path, wait: Duration) -> Self {
        Self { path: path.to_owned(), wait, key: None, quota: None, crash_quota: None }
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

    /// The same, in which crashes may take no more than `bytes`.
    #[must_use]
    pub fn with_crash_quota(self, bytes: Option<u64>) -> Self {
        Self { crash_quota: bytes, ..self }
    }

    /// Opens it for reading, beside other readers and whoever writes. What is written meanwhile is
    /// seen by who opens it next.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn read(&self) -> Result<Reader, Error> {
        Reader::open(self)
    }

    /// The keys that may open it; none if it is open to all.
    ///
    /// # Errors
    /// If there is no store.
    pub fn keys(&self) -> Result<Vec<KeyId>, Error> {
        match Format::read(self)?.key {
            Some(_) => self.ring_keys(),
            None => Ok(Vec::new()),
        }
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the crash database.
    pub fn crashes(&self) -> PathBuf {
        self.path.join("crashes")
    }

    /// The lock of the crash database.
    pub fn crashes_lock(&self) -> PathBuf {
        self.path.join("crashes.lock")
    }

    /// The bytes that crashes may take, if there is a limit.
    pub fn crash_quota(&self) -> Option<u64> {
        self.crash_quota
    }

    /// How long other processes are waited for.
    pub fn wait(&self) -> Duration {
        self.wait
    }

    /// The master key at hand.
    pub fn key(&self) -> Option<&MasterKey> {
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

    fn lost(&self) -> PathBuf {
        self.path.join("lost")
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
    pub fn needs_key(&self, wanted: KeyId) -> Error {
        match &self.key {
            Some(key) => Error::WrongKey { store: self.path.clone(), wanted, given: key.id() },
            None => Error::NoKey { store: self.path.clone(), wanted },
        }
    }

    /// The error of the crash database that `cause` is.
    pub fn crashes_error(&self, cause: rocksdb::Error) -> Error {
        Error::CrashDatabase { store: self.path.clone(), cause }
    }

    fn database_error(&self, source: rocksdb::Error) -> Error {
        Error::Database { store: self.path.clone(), cause: source }
    }
}

/// From so many bytes on, tables of a database can have a large index: some 60 bytes for each block
/// of a few hundred at least.
const LARGE_BYTES: u64 = 4 << 20;

/// Bytes of the highest level of sorted rows.
const ROW_LEVEL_BYTES: u64 = 64 << 10;
/// How much larger each level is than the one above it.
const ROW_LEVEL_FACTOR: f64 = 8.0;

/// Options of the database for a reader, and for tables of single changes.
fn options() -> rocksdb::Options {
    options_with(BlockBasedIndexType::BinarySearch)
}

/// The same for a database whose tables are joined. The index of a large one, of which a cold answer
/// reads all that is not in parts, has two levels.
fn joining_options(bytes: u64) -> rocksdb::Options {
    options_with(if bytes < LARGE_BYTES {
        BlockBasedIndexType::BinarySearch
    } else {
        BlockBasedIndexType::TwoLevelIndexSearch
    })
}

fn options_with(index: BlockBasedIndexType) -> rocksdb::Options {
    let mut table = rocksdb::BlockBasedOptions::default();
    // Blocks are decoded once and kept decoded; RocksDB need not keep them too.
    table.disable_cache();
    // One of ours in each of RocksDB's: a damaged byte is one block's damage.
    table.set_block_size(1);
    table.set_index_type(index);
    let mut options = plain_options(&mut table);
    // Nothing is rewritten while others may be reading: see tidy.rs.
    options.set_disable_auto_compactions(true);
    options.set_target_file_size_base(JOINED_BYTES);
    // Rows are some hundred bytes for each module. Blocks lie on the last level, of any size.
    options.set_level_compaction_dynamic_level_bytes(false);
    options
        .set_level_zero_file_num_compaction_trigger(i32::try_from(ROW_TABLES).unwrap_or(i32::MAX));
    options.set_max_bytes_for_level_base(ROW_LEVEL_BYTES);
    options.set_max_bytes_for_level_multiplier(ROW_LEVEL_FACTOR);
    // A damaged file is its modules' damage, and no reason not to open the others.
    options.set_paranoid_checks(false);
    options
}

/// Removes the notes of options in the folder of a database that is about to be opened for writing:
/// RocksDB writes 9 kB of them each time and reads none, and on a disk that is almost full a
/// removal needs the room. What cannot be removed does no harm.
pub fn drop_option_notes(folder: &Path) {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let notes = files.filter(|file| file.file_name().to_string_lossy().starts_with("OPTIONS-"));
    notes.for_each(|file| drop(std::fs::remove_file(file.path())));
}

/// What the databases of a store have in common. Rows are compressed before they are sealed.
pub fn plain_options(table: &mut rocksdb::BlockBasedOptions) -> rocksdb::Options {
    let mut options = rocksdb::Options::default();
    // What tables.rs reads.
    table.set_format_version(5);
    table.set_checksum_type(rocksdb::ChecksumType::XXH3);
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
