//! `symtool crash add`: in, crash reports of any format; out, each of them stored, in its group.
//!
//! ```text
//! paths -> reports     cut from streams, some at a time     intake.rs
//!       -> events      on all threads                       symtool_formats::crash
//!       -> store       at once, with their groups           symtool_core::crash
//! ```

use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use rayon::prelude::*;
use serde::Serialize;
use symtool_core::assess::{Assessor, Symbols};
use symtool_core::crash::{Added, CrashWriter, Incoming};
use symtool_core::store::Store;

use super::intake::{Arrived, Batch, Intake, Lost};
use crate::args::{CrashAdd, Global};
use crate::exit::Exit;
use crate::progress::{self, Meter, Reached, Unit};
use crate::rules;
use crate::terminal::clean;

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
    failed: u64,
}

/// Runs the command.
pub fn run(global: &Global, args: &CrashAdd) -> Result<Exit> {
    let rules = rules::load(global, args.rules.as_deref())?;
    let store = global.open_store()?;
    store.create()?;
    let reader = store.read()?;
    let catalog = reader.catalog()?;
    let assessor = Assessor::new(Symbols::new(&reader, &catalog), &rules);
    let meter = Meter::new(progress::is_wanted(global), "adding", Unit::Of("crashes"));
    let intake = Arc::new(Intake::default());
    let mut summary = Summary::default();
    // Not waited for: if the store fails while stdin is silent, the process ends all the same.
    let (paths, filled) = (args.paths.clone(), Arc::clone(&intake));
    thread::spawn(move || filled.read_all(&paths));
    let (send, parsed) = mpsc::sync_channel(1);
    thread::spawn(move || {
        // What comes is parsed while what came before it is being stored. Nobody to send to: the command has ended.
        while let Some(batch) = intake.take() {
            if send.send(Parsed::of(batch)).is_err() {
                break;
            }
        }
    });
    add_all(global, &store, &assessor, &parsed, &mut summary, &meter)?;
    drop(meter);
    let mut out = std::io::stdout().lock();
    if global.json {
        writeln!(out, "{}", serde_json::to_string(&summary)?)?;
    } else if !global.quiet {
        writeln!(out, "{} crashes added, {} known already, {} reports failed", summary.added, summary.known, summary.failed)?;
    }
    out.flush()?;
    if summary.failed > 0 {
        say!("{} reports could not be read; those that were kept: symtool crash list --failed", summary.failed);
    }
    Ok(Exit::failed_if(summary.failed > 0))
}

/// Reports that were parsed, and what was lost meanwhile.
struct Parsed {
    incoming: Vec<Incoming>,
    lost: Vec<Lost>,
}

impl Parsed {
    fn of(batch: Batch) -> Self {
        let parse = |arrived: Arrived| {
            let event = symtool_formats::crash::parse(&arrived.report).map_err(|error| error.to_string());
            Incoming { report: arrived.report, source: arrived.source, event }
        };
        Self { incoming: batch.reports.into_par_iter().map(parse).collect(), lost: batch.lost }
    }
}

fn add_all(
    global: &Global,
    store: &Store,
    assessor: &Assessor<'_>,
    parsed: &Receiver<Parsed>,
    summary: &mut Summary,
    meter: &Meter,
) -> Result<()> {
    let mut writer: Option<CrashWriter> = None;
    loop {
        let next = match parsed.recv_timeout(IDLE) {
            Err(RecvTimeoutError::Timeout) => {
                // While nothing comes, others may write.
                writer = None;
                parsed.recv().ok()
            }
            next => next.ok(),
        };
        let Some(next) = next else { return Ok(()) };
        let open = match writer.take() {
            Some(open) => open,
            None => store.write_crashes()?,
        };
        add_parsed(global, &open, assessor, next, summary)?;
        writer = Some(open);
        meter.set(Reached { count: summary.added + summary.known + summary.failed, part: None });
    }
}

fn add_parsed(global: &Global, writer: &CrashWriter, assessor: &Assessor<'_>, parsed: Parsed, summary: &mut Summary) -> Result<()> {
    let Parsed { incoming, lost } = parsed;
    let added = writer.add(&incoming, assessor)?;
    let mut out = std::io::stdout().lock();
    let mut tell = |told: Told<'_>| -> Result<()> {
        if global.json {
            writeln!(out, "{}", serde_json::to_string(&told)?)?;
        } else if let Some(error) = told.error {
            let source = told.source.map(|source| format!("{}: ", clean(source))).unwrap_or_default();
            say!("{source}{}", clean(error));
        }
        Ok(())
    };
    for lost in &lost {
        summary.failed += 1;
        tell(Told { id: None, status: "failed", source: None, error: Some(lost) })?;
    }
    for (added, incoming) in added.iter().zip(&incoming) {
        let source = Some(incoming.source.as_str());
        match added {
            Added::New(id) => {
                summary.added += 1;
                tell(Told { id: Some(id.to_string()), status: "added", source, error: None })?;
            }
            Added::Known(id) => {
                summary.known += 1;
                tell(Told { id: Some(id.to_string()), status: "known", source, error: None })?;
            }
            Added::Failed(id, error) => {
                summary.failed += 1;
                tell(Told { id: Some(id.to_string()), status: "failed", source, error: Some(error) })?;
            }
        }
    }
    Ok(out.flush()?)
}
