//! `symtool crash list`: a line or a JSON object for each crash, in the order of their arrival.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use symtool_crashes::{Crashes, Failed, Listed};
use symtool_store::Store;

use super::args::CrashList;
use crate::context::Context;
use crate::exit::Exit;
use crate::groups;
use crate::moment::iso;
use crate::terminal::{clean, elide, stdout_columns};

/// A crash: the JSON object that the documentation describes.
#[derive(Debug, Serialize)]
struct Line<'a> {
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

/// A report that cannot be read: the JSON object that the documentation describes.
#[derive(Debug, Serialize)]
struct FailedLine<'a> {
    id: String,
    source: &'a str,
    bytes: u64,
    error: &'a str,
}

/// Runs the command.
pub fn run(context: &Context, store: &Store, args: &CrashList) -> Result<Exit> {
    let crashes = Crashes::open(store)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let columns = stdout_columns();
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
                told = tell(context, &mut out, &listed, columns);
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
    out.flush()?;
    Ok(Exit::Done)
}

fn tell(
    context: &Context,
    out: &mut impl Write,
    listed: &Listed<'_>,
    columns: Option<usize>,
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
    let time = line.time.as_deref().unwrap_or("-                   ");
    let text = format!(
        "{}  {}  {time}  {:>4}/{:<4}  {:<10}  {}",
        line.id,
        line.group,
        line.resolved,
        line.frames,
        line.format,
        clean(line.source)
    );
    let text = columns.map_or(text.clone(), |columns| elide(&text, columns).into_owned());
    Ok(writeln!(out, "{text}")?)
}

fn tell_failed(context: &Context, out: &mut impl Write, failed: &Failed) -> Result<()> {
    let Failed { id, source, error, bytes, .. } = failed;
    if context.json {
        let line = FailedLine { id: id.to_string(), source, bytes: *bytes, error };
        return Ok(writeln!(out, "{}", serde_json::to_string(&line)?)?);
    }
    Ok(writeln!(out, "{id}  {}: {}", clean(source), clean(error))?)
}
