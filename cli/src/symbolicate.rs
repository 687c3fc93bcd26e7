//! `symtool symbolicate`: prints a crash report or a log with its frames resolved, and all else as
//! it is.
//!
//! ```text
//! whole reports   JSON, Apple's texts, files: cut from the stream, each resolved in one batch
//! line by line    what else comes on stdin, and logs that are too large: each line goes out before the next one comes
//! ```

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Context as _, Result, anyhow};
use symtool_crashes::fingerprint::Symbols;
use symtool_mapping::{Retrace, RetraceStyle};
use symtool_report::limits::MAX_REPORT_BYTES;
use symtool_report::{
    self as crash, CrashError, CrashEvent, ExceptionName, LogReader, Reports, Resolution,
    annotate_all, annotate_exceptions, annotate_line,
};
use symtool_store::{Catalog, Mappings, Module, database as store};

use crate::context::Context;
use crate::exit::Exit;
use crate::pass_through;
use crate::retrace::{self, Choice};

const SYMBOLICATE: &str = "Examples:
  symtool symbolicate MyApp.crash
  adb logcat | symtool symbolicate -
  symtool symbolicate event.json > resolved.json

What cannot be resolved stays as it is, byte for byte. Nothing is stored. A log on stdin is processed line by line.";

#[derive(Debug, clap::Args)]
#[command(after_help = SYMBOLICATE)]
pub struct Symbolicate {
    /// A crash report in any format that `crash add` reads, a log, or - for stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The mapping for Java frames if the report does not name one: a name or an id
    #[arg(long, value_name = "MAPPING")]
    pub mapping: Option<OsString>,
}

/// Bytes by which it is told whether reports or lines come.
const HEAD_BYTES: usize = 1 << 16;

/// Runs the command.
pub fn run(context: &Context, args: &Symbolicate) -> Result<Exit> {
    let store = context.open_store()?;
    let path = &args.file;
    let reader = match store.read() {
        Err(missing @ store::Error::Missing(_)) if path.as_os_str() == "-" => {
            return pass_through::run(&missing);
        }
        reader => reader?,
    };
    let catalog = reader.catalog();
    let symbols = Symbols::new(&reader, &catalog)?;
    let mappings = Mappings::new(&reader);
    let mapping = args.mapping.as_deref().map(|name| retrace::named(&catalog, name)).transpose()?;
    let symbols = &Known { symbols, mappings: &mappings, catalog: &catalog, mapping };
    if path.as_os_str() == "-" {
        let mut input = BufReader::with_capacity(HEAD_BYTES, io::stdin().lock());
        let head = input.fill_buf().context("stdin cannot be read")?;
        return if begins_report(head) {
            reports(context, symbols, "-", input)
        } else {
            lines(symbols, input)
        };
    }
    let open = || -> io::Result<(u64, BufReader<File>)> {
        let file = File::open(path)?;
        Ok((file.metadata()?.len(), BufReader::with_capacity(HEAD_BYTES, file)))
    };
    let name = path.to_string_lossy();
    let (bytes, mut input) = open()
        .map_err(|error| anyhow!("{name}: {error}; name a crash report, a log, or - for stdin"))?;
    let head = input
        .fill_buf()
        .map_err(|error| anyhow!("{name}: {error}; name a crash report, a log, or - for stdin"))?;
    let is_large = bytes > MAX_REPORT_BYTES as u64;
    if is_large && !begins_report(head) {
        lines(symbols, input)
    } else {
        reports(context, symbols, &name, input)
    }
}

/// What frames are resolved with.
struct Known<'s> {
    symbols: Symbols<'s>,
    mappings: &'s Mappings<'s>,
    catalog: &'s Catalog<'s>,
    /// The mapping of Java frames that was named.
    mapping: Option<&'s Module>,
}

impl Known<'_> {
    /// `report`, which tells of `events`, with its frames resolved.
    fn resolved(&self, report: &[u8], events: &[CrashEvent]) -> Result<Vec<u8>> {
        let mut mapping = self.mapping;
        for event in events {
            mapping = mapping
                .map_or_else(|| self.symbols.mapping_of(event), |mapping| Ok(Some(mapping)))?;
        }
        let is_json = report.trim_ascii_start().starts_with(b"{");
        let mut resolutions = Vec::with_capacity(events.len());
        for event in events {
            let mut known = self.symbols.resolve(event);
            if let Some(mapping) = mapping.filter(|_| is_json) {
                self.symbols.resolve_java(event, mapping, &mut known)?;
            }
            resolutions.push(known);
        }
        let mut text = Vec::new();
        let told: Vec<(&CrashEvent, &[Resolution])> =
            events.iter().zip(resolutions.iter().map(Vec::as_slice)).collect();
        annotate_all(report, &told, &mut text);
        match mapping {
            _ if crash::is_binary(report) => Ok(text),
            _ if !is_json => self.retraced(&text, mapping),
            Some(mapping) => self.with_exceptions(&text, mapping),
            None => Ok(text),
        }
    }

    /// A text in which exceptions and their messages have names too: each trace by its own mapping,
    /// those that name none by `mapping`.
    fn retraced(&self, text: &[u8], mapping: Option<&Module>) -> Result<Vec<u8>> {
        let default = mapping.map(|mapping| self.mappings.of(mapping));
        let mut choice = match default.filter(|_| self.mapping.is_some()) {
            Some(mapping) => Choice::fixed(self.mappings, self.catalog, mapping),
            None => Choice::new(self.mappings, self.catalog, default),
        };
        let mut retraced = Vec::with_capacity(text.len());
        for (lines, number) in choice.spans(text, true) {
            match number.and_then(|number| choice.mapping(number)) {
                Some(mapping) => {
                    let mut retrace = Retrace::new(mapping, RetraceStyle::R8);
                    retrace.text(&text[lines], &mut retraced)?;
                    retrace.finish(&mut retraced)?;
                }
                None => retraced.extend_from_slice(&text[lines]),
            }
        }
        Ok(retraced)
    }

    /// A JSON report whose exceptions have the names of the source.
    fn with_exceptions(&self, report: &[u8], mapping: &Module) -> Result<Vec<u8>> {
        let mut retrace = self.symbols.retrace(mapping);
        let mut failed = None;
        let mut text = Vec::with_capacity(report.len());
        let mut keep = |found: Result<Option<String>, _>| {
            found.unwrap_or_else(|error| {
                failed.get_or_insert(error);
                None
            })
        };
        annotate_exceptions(report, &mut text, |name| match name {
            ExceptionName::Class(class) => keep(retrace.remap_class(class)),
            ExceptionName::Message(message) => keep(retrace.remap_message(message).map(Some)),
        });
        failed.map_or(Ok(text), |error| Err(error.into()))
    }
}

impl Known<'_> {
    /// A line that is a report in JSON, with its frames resolved: a stream of these may have begun
    /// with something else.
    fn report_of_line(&self, line: &[u8]) -> Result<Option<Vec<u8>>> {
        if !line.starts_with(b"{") {
            return Ok(None);
        }
        let events: Vec<CrashEvent> =
            crash::all(line).into_iter().filter_map(|told| told.event.ok()).collect();
        if events.is_empty() { Ok(None) } else { self.resolved(line, &events).map(Some) }
    }
}

/// Whether what begins with `head` can be understood as a whole only: JSON, though the first line
/// may be none, Apple's texts, messages.
fn begins_report(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let apple = [
        "Incident Identifier:",
        "Identifier:",
        "Hardware Model:",
        "Exception Type:",
        "Binary Images:",
        "Date/Time:",
    ];
    let is_apple = |line: &[u8]| {
        apple.iter().any(|start| line.trim_ascii_start().starts_with(start.as_bytes()))
    };
    // Whole lines of JSON; a log quotes some, but does not begin with them.
    let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let is_json = text.starts_with(b"[") && crash::is_list(text)
        || lines.by_ref().take(2).any(|line| line.starts_with(b"{"));
    is_json
        || lines.any(is_apple)
        || text.split(|byte| *byte == b'\n').take(2).any(is_apple)
        || crash::is_binary(head)
}

fn lines(known: &Known<'_>, mut input: BufReader<impl Read>) -> Result<Exit> {
    let Known { symbols, mapping, .. } = known;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut log = LogReader::new();
    let mut retrace = mapping.map(|mapping| symbols.retrace(mapping));
    let (mut line, mut text, mut retraced) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        line.clear();
        // A line without end is passed on in pieces.
        if input
            .by_ref()
            .take(MAX_REPORT_BYTES as u64)
            .read_until(b'\n', &mut line)
            .context("the input cannot be read")?
            == 0
        {
            break;
        }
        text.clear();
        match (known.report_of_line(&line)?, log.feed(&line)) {
            (Some(report), _) => text.extend_from_slice(&report),
            (None, Some(frame)) => {
                annotate_line(&line, &frame, &symbols.resolve_line(&frame), &mut text);
            }
            (None, None) => text.extend_from_slice(&line),
        }
        if let Some(retrace) = &mut retrace {
            retraced.clear();
            retrace.text(&text, &mut retraced)?;
            std::mem::swap(&mut text, &mut retraced);
        }
        out.write_all(&text)?;
        // Before a wait for more.
        if input.buffer().is_empty() {
            out.flush()?;
        }
    }
    if let Some(retrace) = &mut retrace {
        text.clear();
        retrace.finish(&mut text)?;
        out.write_all(&text)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn reports(context: &Context, known: &Known<'_>, name: &str, input: impl BufRead) -> Result<Exit> {
    let kept = Rc::new(RefCell::new(Kept::new(io::BufWriter::new(io::stdout().lock()))));
    let mut failed = false;
    for report in Reports::new(Tee { input, kept: Rc::clone(&kept) }) {
        let report = report.with_context(|| format!("{name}: the input cannot be read"))?;
        let say = |error: &CrashError| {
            let number = if report.number > 1 {
                format!(" report {} of it", report.number)
            } else {
                String::new()
            };
            if !context.quiet {
                say!("{name}:{number} {error}; it is passed through unchanged");
            }
        };
        match report.bytes {
            Ok(bytes) => {
                let mut events = Vec::new();
                for told in crash::all(&bytes) {
                    match told.event {
                        Ok(event) => events.push(event),
                        Err(error) => {
                            say(&error);
                            failed = true;
                        }
                    }
                    events.extend(told.again);
                }
                if !events.is_empty() {
                    kept.borrow_mut().replace(
                        report.offset,
                        bytes.len(),
                        &known.resolved(&bytes, &events)?,
                    )?;
                }
            }
            Err(error) => {
                say(&error);
                failed = true;
            }
        }
    }
    kept.borrow_mut().finish()?;
    Ok(Exit::failed_if(failed))
}

/// Bytes that were read and not written yet.
struct Kept<W> {
    out: W,
    /// The offset of the first of them.
    offset: u64,
    bytes: Vec<u8>,
    /// Why some could not be written when there were too many.
    failed: Option<io::Error>,
}

/// Of what was read, no more than this can belong to a report that is still to come: two of the
/// largest.
const MAX_KEPT_BYTES: usize = 2 * MAX_REPORT_BYTES + (1 << 20);

impl<W: Write> Kept<W> {
    fn new(out: W) -> Self {
        Self { out, offset: 0, bytes: Vec::new(), failed: None }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > 2 * MAX_KEPT_BYTES {
            self.failed = self.write_first(MAX_KEPT_BYTES).err();
        }
    }

    /// Writes what stands before the report of `length` bytes at `offset`, and `text` instead of
    /// the report.
    fn replace(&mut self, offset: u64, length: usize, text: &[u8]) -> io::Result<()> {
        let before = usize::try_from(offset.saturating_sub(self.offset))
            .map_or(self.bytes.len(), |count| count.min(self.bytes.len()));
        self.write_first(before)?;
        self.out.write_all(text)?;
        self.drop_first(length.min(self.bytes.len()));
        self.out.flush()
    }

    /// Writes all that is left.
    fn finish(&mut self) -> io::Result<()> {
        self.write_first(self.bytes.len())?;
        self.out.flush()
    }

    fn write_first(&mut self, count: usize) -> io::Result<()> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        self.out.write_all(&self.bytes[..count])?;
        self.drop_first(count);
        Ok(())
    }

    fn drop_first(&mut self, count: usize) {
        self.bytes.drain(..count);
        self.offset += count as u64;
    }
}

/// A reader that keeps what is read.
struct Tee<R, W> {
    input: R,
    kept: Rc<RefCell<Kept<W>>>,
}

impl<R: BufRead, W: Write> Read for Tee<R, W> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(into.len());
        into[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead, W: Write> BufRead for Tee<R, W> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        if let Ok(available) = self.input.fill_buf() {
            self.kept.borrow_mut().keep(&available[..count.min(available.len())]);
        }
        self.input.consume(count);
    }
}
