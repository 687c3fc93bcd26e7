//! Imports debug files and mappings into a store.
//!
//! ```text
//! paths -> files.rs    files, folders searched
//!       -> walk.rs     objects one by one, archives opened
//!       -> read.rs     on every thread: opened, in turn found to be new (order.rs), read and packed
//!       -> commit.rs   in the order of the files: into the store, several at once
//! ```
//!
//! Modules that were exported from another store are packed already (segments.rs). What waits is
//! bounded by budget.rs.

mod budget;
mod commit;
mod each;
mod event;
mod expect;
mod files;
mod given;
mod inspect;
mod limits;
mod order;
mod read;
mod segments;
mod walk;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};

use symtool_debug::{GivenId, Search};
use symtool_store::{Error as StoreError, Reader as StoreReader, Store};

pub use each::{WalkedFile, each_file};
pub use event::{Event, Events, ExpectedModule, Failure, Outcome, Report, Summary};
pub use inspect::{Looked, LookedMapping, LookedModule, Object, Unreadable, inspect};

use crate::Error;
use budget::MemoryBudget;
use commit::Commits;
use expect::Expected;
use files::Files;
use order::Order;
use read::{Labels, Numbered, Reader};
use walk::Walk;

/// What to import, and how.
#[derive(Debug)]
pub struct Import {
    /// Files, folders, archives and exported segments, in the order in which they complete each
    /// other.
    pub paths: Vec<PathBuf>,
    /// Where files that belong to others are looked for.
    pub search: Search,
    /// The id that crash reports know the mapping by, or of the build that a Breakpad symbol file
    /// is of which does not say so. If there is no such file, [`Summary::id_is_unused`] says so.
    pub id: Option<FileId>,
    /// What people call the modules; see [`symtool_store::ModuleRecord::labels`].
    pub labels: Vec<String>,
    /// Whether files are read again that the store has.
    pub force: bool,
    /// Whether it is only told what would come in, and nothing changed.
    pub dry_run: bool,
}

/// An id for a file that has none: how it reads as that of a mapping, and of a Breakpad symbol
/// file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileId {
    /// That of a mapping, if it can be one.
    pub mapping: Option<Vec<u8>>,
    /// That of a build, if it can be one.
    pub build: Option<GivenId>,
}

impl FileId {
    /// The id written as `text`; `None` if it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Self { mapping: symtool_mapping::hex_bytes(text), build: GivenId::parse(text) };
        (id.mapping.is_some() || id.build.is_some()).then_some(id)
    }
}

impl Import {
    /// An import of `paths` that looks for companion files where the system keeps them.
    pub fn of(paths: Vec<PathBuf>) -> Self {
        Self {
            paths,
            search: Search::in_dirs(&[], &[]),
            id: None,
            labels: Vec::new(),
            force: false,
            dry_run: false,
        }
    }

    /// Imports everything into `store`, which is created if need be. `events` is told what happens
    /// meanwhile.
    ///
    /// Files are read on as many threads as the pool of rayon has, which they share for what each
    /// does in parallel. The store is the same for any number of threads.
    ///
    /// # Errors
    /// If the store cannot be used, or `events` returns an error. What is wrong with a file is its
    /// [`Report`].
    pub fn run(self, store: &Store, events: Events<'_>) -> Result<Summary, Error> {
        let reader = open(store, self.dry_run)?;
        let order = Order::new(store, reader, self.force);
        let mut commits =
            Commits { events, order: &order, force: self.force, any: false, met: HashSet::new() };
        let labels = Labels::new(&self.labels, &self.paths);
        let expected = self.dry_run.then(Expected::default);
        let files = (Files::at(&self.paths), labels);
        import(files, self.search, self.id, expected, &mut commits)
    }
}

/// Opens the store, if there is one yet.
fn open(store: &Store, is_dry_run: bool) -> Result<Option<StoreReader>, StoreError> {
    match store.read() {
        Err(StoreError::Missing(_)) => Ok(None),
        // What a first import that was killed has left is no store yet, nor a folder of others.
        Err(StoreError::NotAStore(_)) if !is_dry_run => {
            store.create()?;
            Ok(None)
        }
        reader => reader.map(Some),
    }
}

/// Reads `files` side by side; commits and reports on this thread.
fn import(
    (files, labels): (Files, Labels),
    search: Search,
    id: Option<FileId>,
    expected: Option<Expected>,
    commits: &mut Commits<'_>,
) -> Result<Summary, Error> {
    let (budget, events, order) = (MemoryBudget::default(), commits.events, commits.order);
    let walk = Mutex::new(Numbered { walk: Walk::new(files, &budget, events), next: 0 });
    let id = id.map(|id| Mutex::new(Some(id)));
    let reader = Reader {
        walk,
        order,
        budget: &budget,
        events,
        search,
        id,
        labels,
        expected,
        stopped: AtomicBool::new(false),
    };
    let mut summary = std::thread::scope(|scope| {
        let (send, outcomes) = mpsc::channel();
        for _ in 0..rayon::current_num_threads() {
            let (send, reader) = (send.clone(), &reader);
            scope.spawn(move || reader.read_all(&send));
        }
        drop(send);
        let summary = commits.take_all(&outcomes);
        reader.stopped.store(true, Ordering::Relaxed);
        summary
    })?;
    if reader.id.is_some_and(|id| id.into_inner().unwrap_or_else(PoisonError::into_inner).is_some())
    {
        summary.id_is_unused = true;
        summary.failed += 1;
    }
    let walk = reader.walk.into_inner().unwrap_or_else(PoisonError::into_inner).walk;
    summary.skipped += walk.passed_over();
    Ok(summary)
}
