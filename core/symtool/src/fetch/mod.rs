//! Fetches the files of modules that crashes wait for, and imports them: [`Fetch`].
//!
//! ```text
//! crashes -> wanted.rs     the modules, those that most groups wait for first
//!         -> find.rs       on several threads: sources asked in their order, by misses.rs not in vain
//!         -> transfer.rs   a file, in several tries, within budget.rs
//!         -> check.rs      by its id the right one
//!         -> batch.rs      in the order of the modules: into the store
//! ```
//!
//! What comes is kept in a folder until it is in the store, so that a fetch that was stopped goes on
//! from there.

mod batch;
mod budget;
mod check;
mod debuginfod;
mod find;
mod limits;
mod misses;
mod source;
mod told;
mod transfer;
mod wanted;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use symtool_debug::Search;
use symtool_store::Store;

pub use budget::Bound;
pub use debuginfod::Debuginfod;
pub use source::{Source, SourcePlace, Use};
pub use told::{FetchStatus, FetchSummary, Fetched, FetchedFile, Problem};
pub use wanted::{WantedModule, wanted};

use crate::Error;
use batch::Batches;
use budget::Budget;
use find::{Finder, Found};
use limits::{MAX_TRANSFERS, MAX_UNREACHABLE};
use misses::Misses;
use transfer::Transfers;

pub use crate::layout::{FileKind, Layout};

/// Where files are fetched from, and how much of them.
#[derive(Debug)]
pub struct Fetch {
    /// Who is asked, in this order.
    pub sources: Vec<Source>,
    /// Where parts of files and what was asked in vain are kept.
    pub folder: PathBuf,
    /// Where debuginfod's own client keeps files: of sources of its kind, they are taken from there.
    pub debuginfod_cache: Option<PathBuf>,
    /// Bytes that may come.
    pub max_bytes: u64,
    /// How long files may come.
    pub within: Duration,
    /// Whether sources are asked for what they did not have lately.
    pub asks_again: bool,
    /// Where files that belong to others are looked for.
    pub search: Search,
}

/// Told what came of each module, in their order.
pub type Each<'e> = &'e mut dyn FnMut(&WantedModule, &Fetched) -> io::Result<()>;

impl Fetch {
    /// Fetches the files of the modules that are `wanted`, and imports them into `store`.
    ///
    /// # Errors
    /// If the store or the folder cannot be used, or `each` returns an error. What is wrong with a
    /// source or a file is a [`Problem`].
    pub fn run(
        &self,
        store: &Store,
        wanted: &[WantedModule],
        each: Each<'_>,
    ) -> Result<FetchSummary, Error> {
        let at = |cause| Error::Folder { path: self.folder.clone(), cause };
        let _lock = lock(&self.folder).map_err(at)?;
        let budget = Budget::new(self.max_bytes, self.within);
        let misses = Misses::read(&self.folder.join("misses.json"));
        let transfers = Transfers::new(self.folder.join("parts"), &budget).map_err(at)?;
        let finder = Finder {
            sources: &self.sources,
            debuginfod_cache: self.debuginfod_cache.as_deref(),
            transfers,
            misses: &misses,
            asks_again: self.asks_again,
            unreachable: self.sources.iter().map(|_| AtomicU32::new(0)).collect(),
        };
        let stage = tempfile::tempdir_in(&self.folder).map_err(at)?;
        let batches = Batches { finder: &finder, store, search: &self.search, stage: stage.path() };
        let done = find_all(wanted, &finder, batches, each);
        // What was learned counts also if the rest went wrong.
        misses.write().map_err(at)?;
        let mut summary = done?;
        summary.bytes = self.max_bytes - budget.bytes();
        let is_down = |count: &AtomicU32| count.load(Ordering::Relaxed) >= MAX_UNREACHABLE;
        let down = finder.unreachable.iter().zip(&self.sources).filter(|(count, _)| is_down(count));
        summary.given_up = down.map(|(_, source)| source.name()).collect();
        Ok(summary)
    }
}

/// Looks for all modules side by side, and takes in what was found in their order.
fn find_all(
    wanted: &[WantedModule],
    finder: &Finder<'_>,
    mut batches: Batches<'_>,
    each: Each<'_>,
) -> Result<FetchSummary, Error> {
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (send, receive) = mpsc::channel::<(usize, Found)>();
    thread::scope(|scope| {
        for _ in 0..MAX_TRANSFERS.min(wanted.len()) {
            let (send, next, stopped) = (send.clone(), &next, &stopped);
            scope.spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(module) = wanted.get(number) else { return };
                    // Nobody listens any more once something went wrong.
                    if send.send((number, finder.find(module))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let done = batches.take_all(wanted, &receive, each);
        stopped.store(true, Ordering::Relaxed);
        done
    })
}

/// Makes the folder, and keeps others out of it.
fn lock(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let file = File::create(folder.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            Err(io::Error::new(io::ErrorKind::WouldBlock, "another fetch uses it"))
        }
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}
