//! `symtool crash add`: stores crash reports of any format, each in its group.
//!
//! ```text
//! paths -> batches     of reports, cut from streams           intake.rs
//!       -> prepared    read and assessed, some at once       symtool_crashes
//!       -> store       one after the other, as they came
//! ```

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use anyhow::{Error, Result};
use rayon::Scope;
use serde::Serialize;
use symtool_crashes::fingerprint::{Assessor, Symbols};
use symtool_crashes::{Added, CrashWriter, Prepared};
use symtool_mapping::hex_bytes;
use symtool_report::ImageId;
use symtool_store::{Catalog, Store};

use super::intake::{Batch, Intake, Lost};
use crate::args::{CrashAdd, Global};
use crate::exit::Exit;
use crate::find::{self, NotOne};
use crate::progress::{self, Meter, Reached, Unit};
use crate::rules;
use crate::terminal::clean;
use symtool_core::mapping as mapping_file;

/// How long the database stays open while nothing comes.
const IDLE: Duration = Duration::from_millis(20);

/// What became of a report: the JSON object that the documentation describes.
#[derive(Debug, Serialize)]
struct Told<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

/// How many reports: the last JSON object.
#[derive(Debug, Default, Serialize)]
struct Summary {
    added: u64,
    known: u64,
    /// Known, with another mapping than before.
    #[serde(skip_serializing_if = "is_zero")]
    remapped: u64,
    failed: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks like this")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Runs the command.
pub fn run(global: &Global, args: &CrashAdd) -> Result<Exit> {
    let rules = rules::load(global, args.rules.as_deref())?;
    let store = global.open_store()?;
    store.create()?;
    let reader = store.read()?;
    let catalog = reader.catalog();
    let mapping = args.mapping.as_deref().map(|name| mapping_id(&catalog, name)).transpose()?.map(ImageId::Whole);
    let assessor = Assessor::new(Symbols::new(&reader, &catalog)?, &rules);
    let meter = Meter::new(progress::is_wanted(global), "adding", Unit::Of("crashes"));
    let intake = Arc::new(Intake::default());
    // Not waited for: if the store fails while stdin is silent, the process ends all the same.
    let (paths, filled) = (args.paths.clone(), Arc::clone(&intake));
    thread::spawn(move || filled.read_all(&paths));
    let (permits, permitted) = mpsc::channel();
    let (events, happened) = mpsc::channel();
    let arrivals = events.clone();
    thread::spawn(move || {
        // Nobody to tell: the command has ended.
        while permitted.recv().is_ok() {
            let batch = intake.take();
            let is_last = batch.is_none();
            if arrivals.send(batch.map_or(Event::Over, Event::Arrived)).is_err() || is_last {
                break;
            }
        }
    });
    let mapping = mapping.as_ref();
    let line = Line { global, store: &store, assessor: &assessor, mapping, events, happened, permits, meter: &meter };
    let summary = rayon::in_place_scope(|scope| line.run(scope))?;
    drop(meter);
    let mut out = std::io::stdout().lock();
    if global.json {
        writeln!(out, "{}", serde_json::to_string(&summary)?)?;
    } else if !global.quiet {
        let remapped = if summary.remapped > 0 { format!(", {} with another mapping", summary.remapped) } else { String::new() };
        let Summary { added, known, failed, .. } = summary;
        writeln!(out, "{added} crashes added, {known} known already{remapped}, {failed} reports failed")?;
    }
    out.flush()?;
    if summary.failed > 0 {
        say!("{} reports could not be read; `symtool crash list --failed` lists those that were kept", summary.failed);
    }
    Ok(Exit::failed_if(summary.failed > 0))
}

/// The id of the mapping called `name`: that of a file, of a mapping of the store, or one that is still to come.
fn mapping_id(catalog: &Catalog<'_>, name: &OsStr) -> Result<Vec<u8>> {
    if let Some(file) = mapping_file::at(Path::new(name)) {
        return Ok(file?.id());
    }
    match (find::mapping(catalog, name), hex_bytes(&name.to_string_lossy())) {
        (Ok(module), _) => Ok(hex::decode(&module.footer.id).unwrap_or_default()),
        (Err(NotOne::Unknown(_)), Some(id)) => Ok(id),
        (Err(error), _) => Err(Error::msg(error.reason()?)),
    }
}

/// What the thread that stores waits for.
enum Event {
    /// A batch came.
    Arrived(Batch),
    /// The batch of this number is ready.
    Prepared(u64, Box<Prepared>, Vec<Lost>),
    /// There will be no more batches.
    Over,
}

/// Batches on their way: some are prepared at once, and each is stored when those that came before it are.
struct Line<'a> {
    global: &'a Global,
    store: &'a Store,
    assessor: &'a Assessor<'a>,
    /// That of reports which name none.
    mapping: Option<&'a ImageId>,
    events: Sender<Event>,
    happened: Receiver<Event>,
    /// Each lets one more batch in.
    permits: Sender<()>,
    meter: &'a Meter,
}

impl<'a> Line<'a> {
    /// Stores all that comes. Batches are prepared in `scope`.
    fn run(self, scope: &Scope<'a>) -> Result<Summary> {
        let (mut summary, mut writer) = (Summary::default(), None);
        let mut waiting: BTreeMap<u64, (Box<Prepared>, Vec<Lost>)> = BTreeMap::new();
        let (mut arrived, mut stored, mut is_over) = (0, 0, false);
        // One is stored while every thread prepares another.
        (0..=rayon::current_num_threads()).for_each(|_| self.let_in());
        while !is_over || stored < arrived {
            match self.next(arrived == stored, &mut writer)? {
                Event::Over => is_over = true,
                Event::Arrived(batch) => {
                    self.prepare(scope, arrived, batch);
                    arrived += 1;
                }
                Event::Prepared(number, prepared, lost) => drop(waiting.insert(number, (prepared, lost))),
            }
            while let Some((prepared, lost)) = waiting.remove(&stored) {
                let open = match writer.take() {
                    Some(open) => open,
                    None => CrashWriter::open(&self.store)?,
                };
                self.add(&open, *prepared, &lost, &mut summary)?;
                writer = Some(open);
                self.meter.set(Reached { count: summary.all(), part: None });
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

    /// What happens next. If nothing does for a while, `writer` is closed, so that others may write.
    fn next(&self, is_idle: bool, writer: &mut Option<CrashWriter>) -> Result<Event> {
        if is_idle && writer.is_some() {
            match self.happened.recv_timeout(IDLE) {
                Err(RecvTimeoutError::Timeout) => *writer = None,
                next => return Ok(next?),
            }
        }
        Ok(self.happened.recv()?)
    }

    fn prepare(&self, scope: &Scope<'a>, number: u64, batch: Batch) {
        let (assessor, mapping, events) = (self.assessor, self.mapping, self.events.clone());
        scope.spawn(move |_| {
            let prepared = Box::new(Prepared::of(batch.reports, assessor, mapping));
            // Nobody to tell: storing has failed.
            let _ = events.send(Event::Prepared(number, prepared, batch.lost));
        });
    }

    fn add(&self, writer: &CrashWriter, prepared: Prepared, lost: &[Lost], summary: &mut Summary) -> Result<()> {
        let sources: Vec<String> = prepared.sources().map(str::to_owned).collect();
        let added = writer.add(prepared, self.assessor)?;
        let mut out = std::io::stdout().lock();
        let mut tell = |told: Told<'_>| -> Result<()> {
            if self.global.json {
                writeln!(out, "{}", serde_json::to_string(&told)?)?;
            } else if let Some(error) = told.error {
                let source = told.source.map(|source| format!("{}: ", clean(source))).unwrap_or_default();
                say!("{source}{}", clean(error));
            }
            Ok(())
        };
        for lost in lost {
            summary.failed += 1;
            tell(Told { id: None, status: "failed", source: None, error: Some(lost) })?;
        }
        for (added, source) in added.iter().zip(&sources) {
            let (id, status, error) = match added {
                Added::New(id) => (id, "added", None),
                Added::Known(id) => (id, "known", None),
                Added::Remapped(id) => (id, "remapped", None),
                Added::Failed(id, error) => (id, "failed", Some(error.as_str())),
            };
            *summary.of(added) += 1;
            tell(Told { id: Some(id.to_string()), status, source: Some(source), error })?;
        }
        Ok(out.flush()?)
    }
}

impl Summary {
    fn all(&self) -> u64 {
        self.added + self.known + self.remapped + self.failed
    }

    fn of(&mut self, added: &Added) -> &mut u64 {
        match added {
            Added::New(_) => &mut self.added,
            Added::Known(_) => &mut self.known,
            Added::Remapped(_) => &mut self.remapped,
            Added::Failed(..) => &mut self.failed,
        }
    }
}
