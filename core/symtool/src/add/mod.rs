//! Stores crash reports of any format, each in its group.
//!
//! ```text
//! paths -> batches     of reports, cut from streams          intake.rs
//!       -> prepared    read and fingerprinted, some at once  symtool_crashes
//!       -> store       one after the other, as they came     line.rs
//! ```

mod intake;
mod line;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use symtool_crashes::Added;
use symtool_grouping::rules::Rules;
use symtool_report::ImageId;
use symtool_store::Store;

use crate::{Error, assessor};
use intake::Intake;
use line::{Line, Step};

/// What to store, and how it is grouped.
#[derive(Debug)]
pub struct AddCrashes<'r> {
    /// Files, folders and archives of crash reports; `-` is stdin.
    pub paths: Vec<PathBuf>,
    /// Which frames count.
    pub rules: &'r Rules,
    /// The mapping of reports that name none.
    pub mapping: Option<Vec<u8>>,
}

/// Something that happens while crashes are added, told on the thread that called.
#[derive(Debug)]
pub enum AddEvent<'a> {
    /// What came of a report, in the order in which they came.
    Report {
        /// The file that it is from.
        source: &'a str,
        /// What came of it.
        added: &'a Added,
        /// What of it is missing, and what to do, if it is a minidump that is not whole.
        damage: Option<&'a str>,
    },
    /// A file or a part of a stream that is no report: the sentence names it and says why.
    Lost(&'a str),
    /// Counters were made, as an earlier version had kept none: of so many crashes.
    Counted(u64),
    /// Some reports are in the store, and on disk.
    Stored(AddSummary),
}

/// How many reports there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddSummary {
    /// New crashes.
    pub added: u64,
    /// Reports that the store had.
    pub known: u64,
    /// Reports that the store had, with another mapping.
    pub remapped: u64,
    /// Reports that cannot be read; those that could be told apart are kept.
    pub failed: u64,
    /// Minidumps among the new and the known ones that are not whole.
    pub damaged: u64,
}

impl AddSummary {
    /// All of them.
    pub fn all(&self) -> u64 {
        self.added + self.known + self.remapped + self.failed
    }

    fn count(&mut self, added: &Added) {
        let counted = match added {
            Added::New(_) => &mut self.added,
            Added::Known(_) => &mut self.known,
            Added::Remapped(_) => &mut self.remapped,
            Added::Failed(..) => &mut self.failed,
        };
        *counted += 1;
    }
}

impl AddCrashes<'_> {
    /// Stores all reports in `store`, which is created if need be. Reports are prepared on the
    /// threads of rayon's pool and stored in the order in which they came; the database is let go
    /// while nothing comes. Each [`AddEvent::Report`] is told once it is on disk.
    ///
    /// # Errors
    /// If the store cannot be used, or `events` returns an error.
    pub fn run(
        self,
        store: &Store,
        events: &mut dyn FnMut(AddEvent<'_>) -> io::Result<()>,
    ) -> Result<AddSummary, Error> {
        store.create()?;
        let reader = store.read()?;
        let catalog = reader.catalog();
        let assessor = assessor(&reader, &catalog, self.rules)?;
        let mapping = self.mapping.map(ImageId::Whole);
        let intake = Arc::new(Intake::new(store));
        // Not waited for: if the store fails while stdin is silent, the job ends all the same.
        let (paths, filled) = (self.paths, Arc::clone(&intake));
        thread::spawn(move || filled.read_all(&paths));
        let (permits, permitted) = mpsc::channel();
        let (steps, happened) = mpsc::channel();
        let arrivals = steps.clone();
        thread::spawn(move || {
            // Nobody to tell: the job has ended.
            while permitted.recv().is_ok() {
                let batch = intake.take();
                let is_last = batch.is_none();
                if arrivals.send(batch.map_or(Step::Over, Step::Arrived)).is_err() || is_last {
                    break;
                }
            }
        });
        let line = Line {
            store,
            assessor: &assessor,
            mapping: mapping.as_ref(),
            steps,
            happened,
            permits,
        };
        rayon::in_place_scope(|scope| line.run(scope, events))
    }
}
