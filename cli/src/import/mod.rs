//! `symtool import`: stores the symbols of debug files, and prints a line or a JSON object for each.
//!
//! ```text
//! paths -> files.rs    files, folders searched
//!       -> walk.rs     objects one by one, archives opened
//!       -> read.rs     on every thread: opened (held.rs), in turn found to be new (order.rs), read and packed
//!       -> commit.rs   in the order of the files: into the store, several at once
//!       -> report.rs   a line or object each
//! ```
//!
//! Modules that were exported from another store take a shorter way: segments.rs.

mod commit;
mod files;
mod held;
mod limits;
mod order;
mod read;
mod report;
mod segments;
mod walk;

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};

use anyhow::Result;
use symtool_debug::Search;
use symtool_store::{Error, Store, database as store};

pub use files::Files;
pub use held::Held;
pub use walk::{Content, Item, Walk};

use crate::args::{Global, Import, MappingId};
use crate::exit::Exit;
use crate::progress::{self, Board};
use commit::Commits;
use order::Order;
use read::{Labels, Numbered, Reader};
use report::Summary;

/// Runs the command.
pub fn run(global: &Global, args: &Import) -> Result<Exit> {
    let store = global.open_store()?;
    let reader = open(&store)?;
    let board = Board::new("import", progress::is_wanted(global));
    let order = Order::new(&store, reader, args.force);
    let commits = Commits { global, order: &order, force: args.force };
    let search = global.search(&args.debug_dirs, &args.symbol_map_dirs);
    let (segments, paths) = segments::split(&args.paths);
    let mut summary = if paths.is_empty() {
        Summary::default()
    } else {
        let labels = Labels::new(&args.labels, &paths);
        board.while_shown(|| import((Files::at(&paths), labels), search, args.id.as_ref(), &order, &commits, &board))?
    };
    order.alone(|store| segments::take(global, store, &segments, args.force, &mut summary))?;
    if global.json {
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&summary)?)?;
    } else {
        summary.say();
    }
    // A file that is read with others is no failure beside them.
    let is_in_vain = summary.companions > 0 && summary.imported + summary.unchanged == 0;
    Ok(Exit::failed_if(summary.failed > 0 || is_in_vain))
}

/// Opens the store, if there is one yet.
fn open(store: &Store) -> Result<Option<store::Reader>> {
    match store.read() {
        Err(Error::Missing(_)) => Ok(None),
        // What a first import that was killed has left is no store yet, nor a folder of others.
        Err(Error::NotAStore(_)) => {
            store.create()?;
            Ok(None)
        }
        reader => Ok(Some(reader?)),
    }
}

/// Reads `files` on as many threads as the pool has, which they share for what each does in parallel; commits and
/// reports on this one.
fn import(
    (files, labels): (Files, Labels),
    search: Search,
    mapping_id: Option<&MappingId>,
    order: &Order<'_>,
    commits: &Commits<'_>,
    board: &Board,
) -> Result<Summary> {
    let held = Held::default();
    let walk = Walk::new(files, &held, board);
    let walk = Mutex::new(Numbered { walk, next: 0 });
    let mapping_id = mapping_id.map(|id| Mutex::new(Some(id.0.clone())));
    let reader = Reader { walk, order, held: &held, board, search, mapping_id, labels, stopped: AtomicBool::new(false) };
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
    if reader.mapping_id.is_some_and(|id| id.into_inner().unwrap_or_else(PoisonError::into_inner).is_some()) {
        say!("--id needs a mapping, but none was found");
        summary.failed += 1;
    }
    let walk = reader.walk.into_inner().unwrap_or_else(PoisonError::into_inner).walk;
    summary.skipped += walk.passed_over();
    Ok(summary)
}
