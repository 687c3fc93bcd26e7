//! `symtool crash list`: a line or a JSON object for each crash, in the order of their arrival.

use std::io::Write;

use anyhow::Result;
use schemars::JsonSchema;
use serde::Serialize;
use symtool_crashes::{Crashes, Failed, Listed};
use symtool_store::Store;

use super::args::CrashList;
use crate::context::Context;
use crate::exit::Exit;
use crate::groups;
use crate::moment::iso;
use crate::table::{Column, Fit, Table};
use crate::terminal::clean;

/// A crash.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Line<'a> {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'a str>,
    group: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<&'a str>,
    format: &'static str,
    frames: u32,
    resolved: u32,
    source: &'a str,
}

/// A report that cannot be read.
#[derive(Debug, JsonSchema, Serialize)]
pub struct FailedLine<'a> {
    id: String,
    source: &'a str,
    bytes: u64,
    error: &'a str,
}

/// The list on a terminal.
const COLUMNS: &[Column] = &[
    Column::new("CRASH", Fit::Id),
    Column::new("GROUP", Fit::Id),
    Column::new("TIME (UTC)", Fit::Optional(1)),
    Column::new("RESOLVED", Fit::Number),
    Column::new("FORMAT", Fit::Optional(0)),
    Column::new("SOURCE", Fit::Text),
];

/// Runs the command.
pub fn run(context: &Context, store: &Store, args: &CrashList) -> Result<Exit> {
    let crashes = Crashes::open(store)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut table = Table::for_stdout(COLUMNS, context).filter(|_| !args.failed);
    // An error of the pipe ends the list, and is told once it has ended.
    let mut told = Ok(());
    if args.failed {
        crashes.each_failed(|failed| {
            told = tell_failed(context, &mut out, &failed);
            Ok(told.is_ok())
        })?;
    } else {
        let mut tell = |listed: Listed<'_>| {
            if args.release.is_none()
                || listed.chunk.text_of(listed.crash.release) == args.release.as_deref()
            {
                told = tell(context, &mut out, &listed, table.as_mut());
            }
            Ok(told.is_ok())
        };
        match &args.group {
            None => crashes.each(&mut tell)?,
            Some(text) => {
                let group = groups::one(&crashes, text)?;
                crashes.each_of(&crashes.crashes_of(&group)?, &mut tell)?;
            }
        }
    }
    told?;
    table.map_or(Ok(()), |table| table.finish(&mut out))?;
    out.flush()?;
    Ok(Exit::Done)
}

fn tell(
    context: &Context,
    out: &mut impl Write,
    listed: &Listed<'_>,
    table: Option<&mut Table>,
) -> Result<()> {
    let Listed { crash, chunk, state, group, .. } = listed;
    let line = Line {
        id: crash.id.to_string(),
        event_id: chunk.text_of(crash.event_id),
        group: group.to_string(),
        platform: chunk.text_of(crash.platform),
        time: crash.time_ms.map(iso),
        release: chunk.text_of(crash.release),
        format: crash.format.name(),
        frames: crash.depth,
        resolved: state.resolved,
        source: chunk.text(crash.source),
    };
    if context.json {
        return Ok(writeln!(out, "{}", serde_json::to_string(&line)?)?);
    }
    if let Some(table) = table {
        return Ok(table.row(out, line.cells())?);
    }
    let time = line.time.as_deref().unwrap_or("-                   ");
    let Line { id, group, resolved, frames, format, source, .. } = &line;
    let source = clean(source);
    Ok(writeln!(out, "{id}  {group}  {time}  {resolved:>4}/{frames:<4}  {format:<10}  {source}")?)
}

impl Line<'_> {
    /// On a terminal.
    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.group.clone(),
            self.time
                .as_deref()
                .map_or("-".to_owned(), |time| time.replace(['T', 'Z'], " ").trim_end().to_owned()),
            format!("{}/{}", self.resolved, self.frames),
            self.format.to_owned(),
            clean(self.source).into_owned(),
        ]
    }
}

fn tell_failed(context: &Context, out: &mut impl Write, failed: &Failed) -> Result<()> {
    let Failed { id, source, error, bytes, .. } = failed;
    if context.json {
        let line = FailedLine { id: id.to_string(), source, bytes: *bytes, error };
        return Ok(writeln!(out, "{}", serde_json::to_string(&line)?)?);
    }
    Ok(writeln!(out, "{id}  {}: {}", clean(source), clean(error))?)
}
