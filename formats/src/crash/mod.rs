//! Crash reports as neutral values: in, bytes that people bring; out, one [`CrashEvent`] a report.
//!
//! ```text
//! stream ─ Reports ─> one report's bytes ─ parse ─> what it is ─> its reader ───────────────> CrashEvent
//!          reports.rs                      this file  detect.rs   sentry/, kscrash.rs, ips.rs,  event.rs, frame.rs,
//!                                                                 apple_text/, lines/           image.rs, lookup.rs
//! live log ─ LogReader ─> frames, line by line                    lines/
//! ```
//!
//! Formats are told by their content, never by a name. What is read of each is in `docs/crash-formats.md`.

mod annotate;
mod apple;
mod apple_text;
mod detect;
mod error;
mod event;
mod fields;
mod frame;
mod image;
mod ips;
mod json;
mod kscrash;
pub mod limits;
mod lines;
mod lookup;
mod metrickit;
pub mod packed;
mod protobuf;
mod reports;
mod room;
mod scalar;
mod sentry;
mod text;
mod time;
mod tombstone_proto;

pub use annotate::{ExceptionName, JavaFrame, Resolution, ResolvedFrame, annotate, annotate_all, annotate_exceptions, annotate_line};
pub use error::{CrashError, Place};
pub use event::{App, CrashEvent, Dropped, Exception, Format, Os, Process, Reason, Relation, Thread};
pub use frame::{At, Frame, FrameKind, Relative, Space, Span, Trust};
pub use image::{Image, ImageId, ImageKind};
pub use lines::{LineFrame, LogReader};
pub use lookup::Lookup;
pub use reports::{Report, Reports};

use detect::Family;
use json::{Json, JsonError};

/// One crash that a report tells of.
#[derive(Debug)]
pub struct Told {
    /// The crash.
    ///
    /// # Errors
    /// [`CrashError`] says what the report was taken for, where it is wrong, and what to do.
    pub event: Result<CrashEvent, CrashError>,
    /// The same crash told again: as a text beside JSON, by the system beside the application. What counts is [`Told::event`].
    pub again: Vec<CrashEvent>,
}

impl Told {
    fn once(event: Result<CrashEvent, CrashError>) -> Self {
        Self { event, again: Vec::new() }
    }
}

/// Reads one report. [`Reports`] cuts a stream into them, and [`split`] a report that tells of several crashes, of which this is the first.
///
/// # Errors
/// [`CrashError`] says what the report was taken for, where it is wrong, and what to do.
pub fn parse(report: &[u8]) -> Result<CrashEvent, CrashError> {
    all(report).into_iter().next().map_or(Err(CrashError::NotACrash { found: "nothing" }), |told| told.event)
}

/// All crashes that a report tells of, in its order: one at least, which is an error if there is none.
pub fn all(report: &[u8]) -> Vec<Told> {
    if report.len() > limits::MAX_REPORT_BYTES {
        return vec![Told::once(Err(CrashError::TooLarge { bytes: report.len() as u64 }))];
    }
    if tombstone_proto::is_one(report) {
        return vec![Told::once(tombstone_proto::read(report))];
    }
    let text = text::same_offsets(report);
    match detect::family(&text) {
        Family::Lines => lines::crashes(&text).into_iter().map(|lines::Crash { event, again, .. }| Told { event, again }).collect(),
        family => vec![Told::once(one(&text, family))],
    }
}

/// A report that tells of several crashes, as a report for each: its lines in a log. `None` if it tells of one at most.
pub fn split(report: &[u8]) -> Option<Vec<Vec<u8>>> {
    if report.len() > limits::MAX_REPORT_BYTES || tombstone_proto::is_one(report) {
        return None;
    }
    let text = text::same_offsets(report);
    if detect::family(&text) != Family::Lines {
        return None;
    }
    let parts: Vec<Vec<u8>> = lines::crashes(&text).iter().map(|crash| crash.excerpt(report)).collect();
    (parts.len() > 1).then_some(parts)
}

/// Whether a list of JSON objects begins with `head`.
pub fn is_list(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let rest = head.trim_ascii_start().strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
    rest.is_some_and(|rest| rest.starts_with(b"{") || rest.starts_with(b"]"))
}

/// Whether a report that is no text begins with `head`.
pub fn is_binary(head: &[u8]) -> bool {
    tombstone_proto::is_one(head)
}

/// A report that is about one crash.
fn one(text: &str, family: Family) -> Result<CrashEvent, CrashError> {
    match family {
        Family::MetricKit => {
            let first = |json: &mut Json<'_>| Ok(metrickit::read(json)?.into_iter().next().map(|(event, _)| event));
            document(text, Format::MetricKit, first, "MetricKit diagnostics of no crash")
        }
        Family::Sentry => document(text, Format::Sentry, sentry::read, "a Sentry event without exception, thread or stack trace"),
        Family::KsCrash => document(text, Format::KsCrash, kscrash::read, "a KSCrash report without crash"),
        Family::Ips => ips(text),
        Family::IpsBody => {
            document(text, Format::Ips, |json| ips::body(CrashEvent::new(Format::Ips), json), "an Apple .ips report without threads")
        }
        Family::AppleText => apple_text::read(apple_text::event(), text, 0),
        Family::Lines => Err(CrashError::NotACrash { found: "text" }),
        Family::Unknown(found) => Err(not_known(text, found)),
    }
}

/// A report that is one JSON document, and `found` if its reader finds no crash in it.
fn document<'a>(
    text: &'a str,
    format: Format,
    read: impl FnOnce(&mut Json<'a>) -> json::Read<Option<CrashEvent>>,
    found: &'static str,
) -> Result<CrashEvent, CrashError> {
    let mut json = Json::at_document(text);
    let event = read(&mut json).and_then(|event| json.end().map(|()| event)).map_err(|error| broken(format, error))?;
    event.ok_or(CrashError::NotACrash { found })
}

/// A header of one JSON document, then another one or a text.
fn ips(text: &str) -> Result<CrashEvent, CrashError> {
    let mut json = Json::at_document(text);
    let header = ips::header(&mut json).map_err(|error| broken(Format::Ips, error))?;
    match json.rest().as_bytes().first() {
        None => Err(CrashError::Truncated { format: Format::Ips, place: Place::Byte(text.len()), fact: "the body is missing" }),
        Some(b'{') => {
            let body = ips::body(header, &mut json).and_then(|event| json.end().map(|()| event));
            body.map_err(|error| broken(Format::Ips, error))?.ok_or(CrashError::NotACrash { found: "an Apple .ips report without threads" })
        }
        Some(_) => apple_text::read(header, text, json.position()),
    }
}

/// JSON that no key says what it is. If it is cut before such a key it may have been anything.
fn not_known(text: &str, found: &'static str) -> CrashError {
    let mut json = Json::at_document(text);
    match json.skip() {
        Err(JsonError { is_end: true, .. }) if !text.trim().is_empty() => {
            CrashError::NotACrash { found: "JSON that ends early, before a key that is known" }
        }
        Err(_) if text.trim_start().starts_with('{') => CrashError::NotACrash { found: "damaged JSON without a key that is known" },
        _ => CrashError::NotACrash { found },
    }
}

fn broken(format: Format, error: JsonError) -> CrashError {
    let JsonError { at, fact, is_end } = error;
    let place = Place::Byte(at);
    if is_end { CrashError::Truncated { format, place, fact } } else { CrashError::Malformed { format, place, fact } }
}
