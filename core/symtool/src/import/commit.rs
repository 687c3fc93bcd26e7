//! Commits modules to the store as they become ready, and prints the reports in the order of the
//! files.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use symtool_store::database::{Apart, Committed};
use symtool_store::pack::Packed;
use symtool_store::{Error as StoreError, ModuleKey, ModuleRecord};

use super::budget::Permit;
use super::event::{Event, Events, Failure, Report, Summary};
use super::limits::{MAX_WAITING, MAX_WAITING_BYTES};
use super::order::Order;
use super::read::{Module, Outcome, Segment};
use crate::Error;

/// Where modules and reports go.
pub struct Commits<'a> {
    pub events: Events<'a>,
    /// Which has the store.
    pub order: &'a Order<'a>,
    /// Whether modules that the store had before this command are replaced.
    pub force: bool,
    /// Whether anything came of the folder or archive at hand so far.
    pub any: bool,
    /// The modules of which this command has stored something.
    pub met: HashSet<ModuleKey>,
}

impl Commits<'_> {
    /// Takes all `outcomes`, by number, until nobody is left to send any.
    ///
    /// # Errors
    /// If the store cannot be used, or nobody can be told of the outcomes.
    pub fn take_all(
        &mut self,
        outcomes: &Receiver<(usize, Outcome<'_>)>,
    ) -> Result<Summary, Error> {
        let mut summary = Summary::default();
        let mut early = BTreeMap::new();
        let mut next = 0;
        let mut waiting = Waiting::default();
        loop {
            match outcomes.recv_timeout(waiting.time_left()) {
                Ok((number, outcome)) => drop(early.insert(number, outcome)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            while let Some(outcome) = early.remove(&next) {
                waiting.add(outcome);
                next += 1;
            }
            if waiting.is_full() {
                self.commit(std::mem::take(&mut waiting), &mut summary)?;
            }
        }
        self.commit(waiting, &mut summary)?;
        Ok(summary)
    }

    /// Commits the modules that wait, and then reports all outcomes.
    fn commit(&mut self, waiting: Waiting<'_>, summary: &mut Summary) -> Result<(), Error> {
        let start = Instant::now();
        let (files, ready) = self.sort_out(waiting, summary)?;
        let mut stored = Vec::new();
        let committed = self.store(&ready, &mut stored);
        let modules = ready.modules.len();
        let took_each = start.elapsed() / u32::try_from(modules.max(1)).unwrap_or(u32::MAX);
        if modules > 0 {
            (self.events)(Event::Stored { modules, took: start.elapsed() })?;
        }
        drop(ready);
        let mut stored = stored.into_iter();
        for file in files {
            let report = match file {
                File::Done(report) => report,
                File::Stored(path, took, bytes_in) => {
                    let Some(committed) = stored.next() else { continue };
                    // The record tells of all files of the module, the report of this one.
                    let mut record = ModuleRecord { bytes_in, ..committed.module.record };
                    record.warnings.extend(committed.apart.iter().map(kept_apart));
                    Report::of(path, committed.was_there, record, took + took_each)
                }
            };
            summary.count(&report);
            (self.events)(Event::Done(report))?;
        }
        Ok(committed?)
    }

    /// Parts the files whose report is due from the modules that are to be stored before.
    fn sort_out<'a>(
        &mut self,
        waiting: Waiting<'a>,
        summary: &mut Summary,
    ) -> Result<(Vec<File>, Ready<'a>), Error> {
        let (mut files, mut ready) = (Vec::new(), Ready::default());
        for outcome in waiting.outcomes {
            files.push(match outcome {
                Outcome::Packed(module) => {
                    let module: Module<'_> = *module;
                    let bytes_in = module.packed.record.bytes_in;
                    ready.again.push(!self.met.insert(module.packed.key) || module.again);
                    ready.modules.push(module.packed);
                    ready.memory.push(module.memory);
                    File::Stored(module.path, module.took, bytes_in)
                }
                Outcome::Segment(segment) => {
                    let Segment { path, modules, took, memory } = *segment;
                    for module in modules {
                        files.push(File::Stored(path.clone(), took, module.record.bytes_in));
                        ready.again.push(!self.met.insert(module.key));
                        ready.modules.push(module);
                    }
                    ready.memory.push(memory);
                    self.any = true;
                    continue;
                }
                Outcome::Foreseen(reports) => {
                    files.extend(reports.into_iter().map(File::Done));
                    self.any = true;
                    continue;
                }
                Outcome::Unchanged { path, record, took } => {
                    File::Done(Report::of(path, true, (*record).clone(), took))
                }
                Outcome::Failed { path, failure } => File::Done(Report::failed(path, failure)),
                Outcome::PassedOver => {
                    summary.skipped += 1;
                    continue;
                }
                Outcome::Companion { reason } => {
                    (self.events)(Event::ReadWithOthers(reason))?;
                    (summary.companions, summary.skipped, self.any) =
                        (summary.companions + 1, summary.skipped + 1, true);
                    continue;
                }
                Outcome::End { path, what } => {
                    if std::mem::take(&mut self.any) {
                        continue;
                    }
                    let failure = Failure::File(nothing_in(&path, what));
                    File::Done(Report::failed(path, failure))
                }
            });
            self.any = true;
        }
        Ok((files, ready))
    }

    /// A module of which this command has imported another file adds to that one, even if what the
    /// store had before is to be replaced.
    fn store(&self, ready: &Ready<'_>, stored: &mut Vec<Committed>) -> Result<(), StoreError> {
        let mut rest = &ready.modules[..];
        for alike in ready.again.chunk_by(|a, b| a == b || !self.force) {
            let (these, after) = rest.split_at(alike.len());
            stored.extend(self.order.alone(|store| store.commit(these, self.force && !alike[0]))?);
            rest = after;
        }
        Ok(())
    }
}

/// That a symbol file without the whole build-id and the module `other` may be of one build, but
/// stay apart.
fn kept_apart(other: &Apart) -> String {
    format!(
        "{} ({}) may be of the same build: the symbol file knows only the beginning of its build-id, and the names do not tell; add the line INFO CODE_ID with the whole of it to the symbol file",
        other.name, other.id
    )
}

/// That all which is in the folder or archive at `path` was passed over.
fn nothing_in(path: &Path, what: &str) -> String {
    format!(
        "{}: nothing to import in this {what}: its files have no functions, or are read with others; pass the image or debug file",
        path.display()
    )
}

/// A file whose report is due.
enum File {
    Done(Report),
    /// Path, time, and size in bytes.
    Stored(PathBuf, Duration, u64),
}

/// Modules that are to be stored, in the order of the files.
#[derive(Default)]
struct Ready<'a> {
    modules: Vec<Packed>,
    /// Of each, whether this command has imported a file of the same id before.
    again: Vec<bool>,
    /// The memory that they hold, which is given back with them.
    memory: Vec<Permit<'a>>,
}

/// Outcomes that have not been reported yet, in the order of the files.
#[derive(Debug, Default)]
struct Waiting<'a> {
    outcomes: Vec<Outcome<'a>>,
    bytes: u64,
    since: Option<Instant>,
}

impl<'a> Waiting<'a> {
    fn add(&mut self, outcome: Outcome<'a>) {
        self.bytes += match &outcome {
            Outcome::Packed(module) => module.packed.record.bytes_in,
            Outcome::Segment(segment) => {
                segment.modules.iter().map(|module| module.record.bytes_stored).sum()
            }
            _ => 0,
        };
        self.since.get_or_insert_with(Instant::now);
        self.outcomes.push(outcome);
    }

    /// How long the first one may still wait.
    fn time_left(&self) -> Duration {
        self.since.map_or(MAX_WAITING, |since| MAX_WAITING.saturating_sub(since.elapsed()))
    }

    fn is_full(&self) -> bool {
        self.bytes >= MAX_WAITING_BYTES
            || self.since.is_some_and(|since| since.elapsed() >= MAX_WAITING)
    }
}
