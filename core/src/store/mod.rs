//! The store of packed modules: in, blocks; out, blocks, for ever or not at all.
//!
//! ```text
//! STORE/FORMAT         one line: what wrote this
//! STORE/symbols.lock   who may open symbols/ (lock.rs)
//! STORE/symbols/       RocksDB, one column family of blocks (key.rs)
//! STORE/staging/       segments on their way in; swept by the next writer
//! ```
//!
//! A module's blocks, its footer last, go in as one sorted segment by one ingest: a killed import leaves nothing
//! but a file in `staging/`.

mod blocks;
mod catalog;
mod error;
mod held;
mod key;
mod lock;
mod reader;
mod source;
mod usage;
mod writer;

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use blocks::Blocks;
pub use catalog::{Catalog, Footer, MIN_ID_DIGITS, Module, Named};
pub use error::Error;
pub use held::Held;
pub use key::{Generation, ModuleKey};
pub use reader::Reader;
pub use source::Source;
pub(crate) use source::addresses;
pub use usage::{KindUsage, Usage};
pub use writer::Committed;

const FORMAT_LINE: &str = "symtool store 3";
/// The default family, which a database has from its first moment: a kill cannot come between the two.
const FAMILY: &str = rocksdb::DEFAULT_COLUMN_FAMILY_NAME;
/// Begins the name of a format file that is being written.
const DRAFT: &str = ".FORMAT.";

/// A store's folder.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    wait: Duration,
}

impl Store {
    /// The store at `path`, which need not exist yet. Other processes are waited for up to `wait`.
    pub fn at(path: &Path, wait: Duration) -> Self {
        Self { path: path.to_owned(), wait }
    }

    /// Opens it for reading; other readers may, writers wait until this one is dropped.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn read(&self) -> Result<Reader, Error> {
        self.check_format()?;
        Reader::open(self)
    }

    /// Makes the folder and its format file, unless they are there. Another process may be doing the same.
    ///
    /// # Errors
    /// Any [`Error`]; a folder with other things in it is left as it is.
    pub fn create(&self) -> Result<(), Error> {
        let format = self.path.join("FORMAT");
        if !format.exists() {
            let draft = self.path.join(format!("{DRAFT}{}", std::process::id()));
            let is_ours = |name: &OsStr| name == "staging" || name == "FORMAT" || name.as_encoded_bytes().starts_with(DRAFT.as_bytes());
            let is_foreign = |entries: fs::ReadDir| entries.flatten().any(|entry| !is_ours(&entry.file_name()));
            if fs::read_dir(&self.path).is_ok_and(is_foreign) && !format.exists() {
                return Err(Error::NotAStore(self.path.clone()));
            }
            let io = |source| Error::io(&self.path, source);
            fs::create_dir_all(self.staging()).map_err(io)?;
            write_durably(&draft, &format, &format!("{FORMAT_LINE}\n")).map_err(io)?;
        }
        self.check_format()
    }

    fn check_format(&self) -> Result<(), Error> {
        let path = self.path.join("FORMAT");
        let found = match fs::read_to_string(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let is_empty = fs::read_dir(&self.path).map_or(true, |mut entries| entries.next().is_none());
                return Err(if is_empty { Error::Missing(self.path.clone()) } else { Error::NotAStore(self.path.clone()) });
            }
            Err(cause) => return Err(Error::io(&path, cause)),
        };
        if found.trim_end() == FORMAT_LINE {
            Ok(())
        } else {
            let found = found.lines().next().unwrap_or_default().chars().take(40).collect();
            Err(Error::Format { store: self.path.clone(), found, expected: FORMAT_LINE })
        }
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn symbols(&self) -> PathBuf {
        self.path.join("symbols")
    }

    fn staging(&self) -> PathBuf {
        self.path.join("staging")
    }

    fn lock_path(&self) -> PathBuf {
        self.path.join("symbols.lock")
    }

    fn database_error(&self, source: rocksdb::Error) -> Error {
        Error::Database { store: self.path.clone(), cause: source }
    }
}

/// Writes `text` to `draft` and then makes it `path`, on disk before this returns.
fn write_durably(draft: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = fs::File::create(draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(draft, path)?;
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

/// Options of the database, alike for readers and writers.
fn options() -> rocksdb::Options {
    let mut table = rocksdb::BlockBasedOptions::default();
    // Blocks are decoded once and kept decoded; RocksDB need not keep them too.
    table.disable_cache();
    let mut options = rocksdb::Options::default();
    options.set_block_based_table_factory(&table);
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
