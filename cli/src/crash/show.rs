//! `symtool crash show`: what is known of a crash, with the frames of the crashing stack as the
//! store resolves them now; or its original report.

use std::io::Write;

use anyhow::Result;
use schemars::JsonSchema;
use serde::Serialize;
use symtool_core::report::{FrameDetails, frames};
use symtool_crashes::fingerprint::{Assessor, Explained, FrameCache};
use symtool_crashes::{Crashes, FingerprintKind, Found, Listed, Slot, dump_and_event};
use symtool_report::Format;

use super::args::CrashShow;
use crate::context::Context;
use crate::exit::Exit;
use crate::moment::iso;
use crate::output;
use crate::rules;
use crate::terminal::{Paint, clean};

/// A crash.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Shown<'a> {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'a str>,
    group: String,
    signature: &'a [String],
    kind: FingerprintKind,
    format: &'static str,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    /// The number of the thread that crashed, else its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    crashed_thread: Option<&'a str>,
    threads: u32,
    depth: u32,
    /// Whether it is a minidump that was cut off.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut_off: bool,
    frames: Vec<FrameDetails>,
}

/// Runs the command.
pub fn run(context: &Context, args: &CrashShow) -> Result<Exit> {
    let rules = rules::load(context, args.rules.as_deref())?;
    let store = context.open_store()?;
    let crashes = Crashes::open(&store)?;
    let reader = store.read()?;
    let catalog = reader.catalog();
    let assessor = symtool_core::assessor(&reader, &catalog, &rules)?;
    let mut failed = false;
    for text in &args.crashes {
        match super::one(&crashes, text) {
            Ok(at) if args.raw => failed |= !raw(&crashes, at, args.all_reports, text)?,
            Ok(at) => show(context, &crashes, at, &assessor)?,
            Err(error) => match crashes.find_failed(text)? {
                Found::One(report) if args.raw => {
                    let report = crashes.failed_report(&report)?;
                    std::io::stdout().lock().write_all(dump_and_event(&report).0)?;
                }
                Found::One(report) => {
                    say!(
                        "{text}: {}: {}; --raw prints the original report",
                        report.source,
                        report.error
                    );
                    failed = true;
                }
                _ => {
                    say!("{}", error.reason()?);
                    failed = true;
                }
            },
        }
    }
    Ok(Exit::failed_if(failed))
}

/// Prints the report at `at`, of the crash that was called `name`, or all of its reports. Returns
/// whether all of them were there.
fn raw(crashes: &Crashes, at: Slot, all: bool, name: &str) -> Result<bool> {
    let mut out = std::io::stdout().lock();
    let (mut ends_line, mut is_there) = (true, true);
    for at in
        std::iter::once(at).chain(if all { crashes.other_reports_of(at)? } else { Vec::new() })
    {
        let dump = crashes.dump_facts(at)?;
        let dump = dump.as_ref();
        if dump.is_some_and(|dump| !dump.is_there) {
            say!("{name}: the bytes of this minidump are no longer kept, only its frames");
            is_there = false;
            continue;
        }
        if !ends_line {
            writeln!(out)?;
        }
        let mut left = dump.map_or(u64::MAX, |dump| dump.bytes);
        crashes.each_part(at, |part| -> Result<()> {
            let part = &part[..part.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
            left -= part.len() as u64;
            ends_line = part.last().map_or(ends_line, |last| *last == b'\n');
            Ok(out.write_all(part)?)
        })?;
        if let Some(event) = dump.map(|dump| &dump.event).filter(|event| all && !event.is_empty()) {
            writeln!(out)?;
            out.write_all(event)?;
            ends_line = event.last() == Some(&b'\n');
        }
    }
    out.flush()?;
    Ok(is_there)
}

fn show(context: &Context, crashes: &Crashes, at: Slot, assessor: &Assessor<'_>) -> Result<()> {
    let (mut told, mut desk) = (Ok(()), FrameCache::with_places());
    crashes.each_of(&[at], |listed| {
        let is_dump = listed.crash.format == Format::Mdmp;
        let is_cut_off = is_dump && !crashes.is_whole(at)?;
        let explained = assessor.explain(listed.chunk, listed.crash, &mut desk);
        told = tell(context, &listed, &explained, is_cut_off);
        Ok(false)
    })?;
    told
}

fn tell(
    context: &Context,
    listed: &Listed<'_>,
    explained: &Explained<'_>,
    is_cut_off: bool,
) -> Result<()> {
    let Listed { crash, chunk, group, .. } = listed;
    let shown = Shown {
        id: crash.id.to_string(),
        event_id: chunk.text_of(crash.event_id),
        group: group.to_string(),
        signature: &explained.signature.frames,
        kind: explained.signature.kind,
        format: crash.format.name(),
        source: chunk.text(crash.source),
        platform: chunk.text_of(crash.platform),
        time: crash.time_ms.map(iso),
        release: chunk.text_of(crash.release),
        exception: chunk.text_of(crash.kind),
        signal: chunk.text_of(crash.signal),
        message: chunk.text_of(crash.message),
        crashed_thread: chunk.text_of(crash.thread),
        threads: crash.threads,
        depth: crash.depth,
        cut_off: is_cut_off,
        frames: frames(listed, explained, context.config.source_link.as_ref()),
    };
    let mut out = std::io::stdout().lock();
    if context.json {
        writeln!(out, "{}", output::json(&shown)?)?;
    } else {
        shown.write(&mut out, context.paint(&std::io::stdout()))?;
    }
    Ok(out.flush()?)
}

impl Shown<'_> {
    fn write(&self, out: &mut impl Write, paint: Paint) -> Result<()> {
        let known = [
            ("crash", Some(self.id.as_str())),
            ("event", self.event_id),
            ("group", Some(&self.group)),
            ("report", Some(self.format)),
            ("whole", self.cut_off.then_some("no: it was cut off")),
            ("source", Some(self.source)),
            ("platform", self.platform),
            ("time", self.time.as_deref()),
            ("release", self.release),
            ("exception", self.exception),
            ("signal", self.signal),
            ("message", self.message),
            ("thread", self.crashed_thread),
            ("fingerprint", Some(self.kind.name())),
        ];
        for (what, text) in known.into_iter().filter_map(|(what, text)| Some((what, text?))) {
            // A message may have several lines.
            for (at, line) in text.lines().enumerate() {
                writeln!(out, "{:<11} {}", if at == 0 { what } else { "" }, clean(line))?;
            }
        }
        for part in self.signature {
            writeln!(out, "            {}", clean(part))?;
        }
        for frame in &self.frames {
            let number = if frame.inlined { String::new() } else { format!("#{}", frame.frame) };
            let name = clean(frame.function.as_deref().or(frame.address.as_deref()).unwrap_or("?"));
            let place = match (&frame.file, frame.line) {
                (Some(file), Some(line)) => format!(" at {}:{line}", clean(file)),
                (Some(file), None) => format!(" at {}", clean(file)),
                _ => String::new(),
            };
            // An inlined call is where the frame is that it was inlined into.
            let trust = frame.trust.filter(|_| !frame.inlined);
            let trust = trust.map(|trust| format!(" [{trust}]")).unwrap_or_default();
            let inlined = if frame.inlined { " (inlined)" } else { "" };
            let (start, reset) = match (frame.source, frame.in_app) {
                ("none", _) => (paint.yellow, paint.reset),
                (_, true) => (paint.bold, paint.reset),
                (_, false) => (paint.dim, paint.reset),
            };
            writeln!(out, "{number:>6} {start}{name}{reset}{place}{inlined}{trust}")?;
        }
        Ok(())
    }
}
