//! Batches of reports on their way into the store: some are prepared at once, and each is stored
//! when those that came before it are.

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use rayon::Scope;
use symtool_crashes::fingerprint::Assessor;
use symtool_crashes::{CrashWriter, Prepared};
use symtool_report::ImageId;
use symtool_store::Store;

use super::intake::{Batch, Lost};
use super::{AddEvent, AddSummary};
use crate::Error;

/// How long the database stays open while nothing comes.
const IDLE: Duration = Duration::from_millis(20);

/// What the thread that stores waits for.
pub enum Step {
    /// A batch came.
    Arrived(Batch),
    /// The batch of this number is ready.
    Prepared(u64, Box<Prepared>, Vec<Lost>),
    /// There will be no more batches.
    Over,
}

/// The way of batches into the store.
pub struct Line<'a> {
    pub store: &'a Store,
    pub assessor: &'a Assessor<'a>,
    /// The mapping of reports that name none.
    pub mapping: Option<&'a ImageId>,
    pub steps: Sender<Step>,
    pub happened: Receiver<Step>,
    /// Each lets one more batch in.
    pub permits: Sender<()>,
}

type Events<'e> = &'e mut dyn FnMut(AddEvent<'_>) -> io::Result<()>;

impl<'a> Line<'a> {
    /// Stores all that comes. Batches are prepared in `scope`.
    ///
    /// # Errors
    /// If the store cannot be used, or `events` returns an error.
    pub fn run(self, scope: &Scope<'a>, events: Events<'_>) -> Result<AddSummary, Error> {
        let (mut summary, mut writer) = (AddSummary::default(), None);
        let mut waiting: BTreeMap<u64, (Box<Prepared>, Vec<Lost>)> = BTreeMap::new();
        let (mut arrived, mut stored, mut is_over) = (0, 0, false);
        // One is stored while every thread prepares another.
        (0..=rayon::current_num_threads()).for_each(|_| self.let_in());
        while !is_over || stored < arrived {
            match self.next(arrived == stored, &mut writer)? {
                Step::Over => is_over = true,
                Step::Arrived(batch) => {
                    self.prepare(scope, arrived, batch);
                    arrived += 1;
                }
                Step::Prepared(number, prepared, lost) => {
                    drop(waiting.insert(number, (prepared, lost)));
                }
            }
            while let Some((prepared, lost)) = waiting.remove(&stored) {
                let open = match writer.take() {
                    Some(open) => open,
                    None => {
                        let open = CrashWriter::open(self.store)?;
                        if let Some(crashes) = open.newly_counted() {
                            events(AddEvent::Counted(crashes))?;
                        }
                        open
                    }
                };
                self.add(&open, *prepared, &lost, &mut summary, events)?;
                writer = Some(open);
                events(AddEvent::Stored(summary))?;
                self.let_in();
                stored += 1;
            }
        }
        Ok(summary)
    }

    fn let_in(&self) {
        // Whom it would let in may have come to an end.
        let _ = self.permits.send(());
    }

    /// What happens next. If nothing does for a while, `writer` is closed, so that others may
    /// write.
    fn next(&self, is_idle: bool, writer: &mut Option<CrashWriter>) -> Result<Step, Error> {
        let ended = |()| Error::Receiver(io::Error::other("a thread of the job has ended early"));
        if is_idle && writer.is_some() {
            match self.happened.recv_timeout(IDLE) {
                Err(RecvTimeoutError::Timeout) => *writer = None,
                next => return next.map_err(|_| ended(())),
            }
        }
        self.happened.recv().map_err(|_| ended(()))
    }

    fn prepare(&self, scope: &Scope<'a>, number: u64, batch: Batch) {
        let (assessor, mapping, steps) = (self.assessor, self.mapping, self.steps.clone());
        scope.spawn(move |_| {
            let prepared = Box::new(Prepared::of(batch.reports, assessor, mapping));
            // Nobody to tell: storing has failed.
            let _ = steps.send(Step::Prepared(number, prepared, batch.lost));
        });
    }

    fn add(
        &self,
        writer: &CrashWriter,
        prepared: Prepared,
        lost: &[Lost],
        summary: &mut AddSummary,
        events: Events<'_>,
    ) -> Result<(), Error> {
        let sources: Vec<(String, Option<String>)> = prepared
            .sources()
            .map(|(source, damage)| (source.to_owned(), damage.map(str::to_owned)))
            .collect();
        let added = writer.add(prepared, self.assessor)?;
        for lost in lost {
            summary.failed += 1;
            events(AddEvent::Lost(lost))?;
        }
        for (added, (source, damage)) in added.iter().zip(&sources) {
            summary.count(added);
            summary.damaged += u64::from(damage.is_some());
            events(AddEvent::Report { source, added, damage: damage.as_deref() })?;
        }
        Ok(())
    }
}
