//! Reads one report: detects what it is, and gives it to its reader.

pub mod detect;
pub mod other;

use std::ops::Range;

use crate::event::error::{CrashError, Place};
use crate::event::frame::Span;
use crate::event::{CrashEvent, Format};
use crate::limits::MAX_REPORT_BYTES;
use crate::readers::{
    abrt, apple_text, ips, kscrash, lines, metrickit, minidump, sentry, tombstone_proto,
};
use crate::scan::json::{Json, JsonError, Read};
use crate::scan::text::same_offsets;
use detect::Family;

/// One crash that a report tells of.
#[derive(Debug)]
pub struct ReportedCrash {
    /// The crash.
    ///
    /// # Errors
    /// [`CrashError`] says what the report was taken for, where it is wrong, and what to do.
    pub event: Result<CrashEvent, CrashError>,
    /// The same crash told again: as a text beside JSON, by the system beside the application. What
    /// counts is [`ReportedCrash::event`].
    pub again: Vec<CrashEvent>,
}

impl ReportedCrash {
    fn once(event: Result<CrashEvent, CrashError>) -> Self {
        Self { event, again: Vec::new() }
    }
}

/// Reads one report. [`crate::Reports`] cuts a stream into them, and [`split`] a report that tells
/// of several crashes, of which this is the first.
///
/// # Errors
/// [`CrashError`] says what the report was taken for, where it is wrong, and what to do.
pub fn parse(report: &[u8]) -> Result<CrashEvent, CrashError> {
    all(report)
        .into_iter()
        .next()
        .map_or(Err(CrashError::NotACrash { found: "nothing" }), |told| told.event)
}

/// All crashes that a report tells of, in its order: one at least, which is an error if there is
/// none.
pub fn all(report: &[u8]) -> Vec<ReportedCrash> {
    if report.len() > MAX_REPORT_BYTES {
        return vec![ReportedCrash::once(Err(CrashError::TooLarge { bytes: report.len() as u64 }))];
    }
    if tombstone_proto::is_one(report) {
        return vec![ReportedCrash::once(tombstone_proto::read(report))];
    }
    if let Some(found) = other::named(report) {
        return vec![ReportedCrash::once(Err(CrashError::NotACrash { found }))];
    }
    let text = same_offsets(report);
    let family = detect::family(&text);
    if family == Family::Lines
        && let Some(bare) = lines::unprefixed(&text)
        && detect::family(&bare) == Family::AppleText
    {
        return vec![without_places(apple(&bare))];
    }
    match family {
        Family::MetricKit => metrickit(&text).map_or_else(
            |error| vec![ReportedCrash::once(Err(error))],
            |events| events.into_iter().map(|(event, _)| ReportedCrash::once(Ok(event))).collect(),
        ),
        Family::Lines => lines::crashes(&text)
            .into_iter()
            .map(|lines::Crash { event, again, .. }| ReportedCrash { event, again })
            .collect(),
        Family::AppleText => vec![apple(&text)],
        family => vec![ReportedCrash::once(one(&text, report, family))],
    }
}

/// A report that tells of several crashes, as a report for each: its lines in a log, its object in
/// a list. `None` if it tells of one at most.
pub fn split(report: &[u8]) -> Option<Vec<Vec<u8>>> {
    if report.len() > MAX_REPORT_BYTES || tombstone_proto::is_one(report) {
        return None;
    }
    let text = same_offsets(report);
    let parts: Vec<Vec<u8>> = match detect::family(&text) {
        Family::Lines => lines::crashes(&text).iter().map(|crash| crash.excerpt(report)).collect(),
        Family::MetricKit => metrickit(&text)
            .ok()?
            .iter()
            .filter_map(|(_, span)| report.get(span.range()))
            .map(<[u8]>::to_vec)
            .collect(),
        _ => return None,
    };
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

/// Whether a minidump begins with `head`.
pub fn begins_dump(head: &[u8]) -> bool {
    head.starts_with(b"MDMP") || head.starts_with(b"PMDM")
}

/// What of a Sentry envelope stands for its crash if minidumps are attached to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attached {
    /// Where the minidumps are; none if there are none, or it is no envelope. One that was cut off
    /// ends with the envelope.
    pub dumps: Vec<Range<usize>>,
    /// Where the event is.
    pub event: Option<Range<usize>>,
}

/// The minidumps that are attached to `report`, if that is a Sentry envelope, and its event.
pub fn attached_dumps(report: &[u8]) -> Attached {
    let items = sentry::envelope::items(report);
    let event = items.iter().find(|item| item.header.kind == "event");
    let event = event.map(|item| item.start..item.end);
    let dumps = items
        .into_iter()
        .filter(|item| {
            item.header.kind == "attachment"
                && begins_dump(report.get(item.start..).unwrap_or_default())
        })
        .map(|item| {
            let said = item.header.length.and_then(|length| usize::try_from(length).ok());
            let end = said.and_then(|length| item.start.checked_add(length));
            item.start..end.map_or(item.end, |end| end.min(report.len()))
        })
        .collect();
    Attached { dumps, event }
}

/// What a Sentry event says of a crash, but for its stacks and images: those of a minidump that came
/// with it say more. `None` if it cannot be read.
pub fn event_facts(event: &[u8]) -> Option<CrashEvent> {
    let text = String::from_utf8_lossy(event);
    sentry::facts(&mut Json::at_document(&text)).ok()
}

/// A report that is about one crash.
fn one(text: &str, report: &[u8], family: Family) -> Result<CrashEvent, CrashError> {
    if let Some(event) = envelope(text, report) {
        return event;
    }
    match family {
        Family::Sentry => document(
            text,
            0,
            Format::Sentry,
            sentry::read,
            "a Sentry event without exception, thread or stack trace",
        ),
        Family::KsCrash => {
            document(text, 0, Format::KsCrash, kscrash::read, "a KSCrash report without crash")
        }
        Family::Ips => ips(text, 0),
        Family::IpsBody => {
            let header = ips::Header { event: CrashEvent::new(Format::Ips), is_non_fatal: false };
            let mut json = Json::at_document(text);
            ips_body(header, &mut json)
        }
        Family::Minidump => document(
            text,
            0,
            Format::Minidump,
            minidump::read,
            "minidump-stackwalk's JSON without a stack",
        ),
        Family::Abrt => document(
            text,
            0,
            Format::Abrt,
            abrt::read,
            "an ABRT report without a stack of machine code",
        ),
        Family::MetricKit | Family::AppleText | Family::Lines => {
            Err(CrashError::NotACrash { found: "text" })
        }
        Family::Unknown(found) => Err(not_known(text, found)),
    }
}

/// A report that is one JSON document from byte `from` on, and `found` if its reader finds no crash
/// in it.
fn document<'a>(
    text: &'a str,
    from: usize,
    format: Format,
    read: impl FnOnce(&mut Json<'a>) -> Read<Option<CrashEvent>>,
    found: &'static str,
) -> Result<CrashEvent, CrashError> {
    let mut json = if from == 0 { Json::at_document(text) } else { Json::at(text, from) };
    let event = read(&mut json)
        .and_then(|event| json.end().map(|()| event))
        .map_err(|error| broken(format, error))?;
    event.ok_or(CrashError::NotACrash { found })
}

/// The event of a Sentry envelope, if `text` is one. What else is in it is counted.
fn envelope(text: &str, report: &[u8]) -> Option<Result<CrashEvent, CrashError>> {
    // Of most reports, the second line says that they are none.
    let rest = text.get(memchr::memchr(b'\n', text.as_bytes())? + 1..)?;
    sentry::envelope::item_header(rest.lines().find(|line| !line.trim().is_empty())?.trim())?;
    let items = sentry::envelope::items(report);
    let is = |kind: &'static str| move |item: &&sentry::envelope::Item| item.header.kind == kind;
    let first = items.first()?;
    let Some(event) = items.iter().find(is("event")) else {
        let found = match first.header.kind.as_str() {
            "attachment" => "a Sentry envelope with attachments only; pass what is attached",
            _ => "a Sentry envelope without an event",
        };
        return Some(Err(CrashError::NotACrash { found }));
    };
    let within = text.get(..event.end).unwrap_or(text);
    let read = document(
        within,
        event.start,
        Format::Sentry,
        sentry::read,
        "a Sentry event without exception, thread or stack trace",
    );
    let attachments = items.iter().filter(is("attachment")).count();
    Some(read.map(|event| CrashEvent { attachments, ..event }))
}

/// A header of one JSON document at byte `from`, then another one or a text.
fn ips(text: &str, from: usize) -> Result<CrashEvent, CrashError> {
    let mut json = if from == 0 { Json::at_document(text) } else { Json::at(text, from) };
    let header = ips::header(&mut json).map_err(|error| broken(Format::Ips, error))?;
    match json.rest().as_bytes().first() {
        None => Err(CrashError::Truncated {
            format: Format::Ips,
            place: Place::Byte(text.len()),
            fact: "the body is missing",
        }),
        Some(b'{') => ips_body(header, &mut json),
        Some(_) if header.is_non_fatal => Err(CrashError::NotACrash {
            found: "a non-fatal report of Apple's: the process went on",
        }),
        Some(_) => apple_text::read(header.event, text, json.position()),
    }
}

/// The body of an .ips report. A text may follow on the next line: a system profile.
fn ips_body(header: ips::Header, json: &mut Json<'_>) -> Result<CrashEvent, CrashError> {
    let read = ips::body(header, json).and_then(|read| json.end_of_line().map(|()| read));
    read.map_err(|error| broken(Format::Ips, error))?
        .map_err(|found| CrashError::NotACrash { found })
}

/// Apple's text; if the JSON that it was made of stands behind it, that is the report.
fn apple(text: &str) -> ReportedCrash {
    let Some(from) = full_report(text) else {
        return ReportedCrash::once(apple_text::read(apple_text::event(), text, 0));
    };
    let translated = apple_text::read(apple_text::event(), &text[..from], 0);
    match (ips(text, from), translated) {
        (Err(CrashError::Truncated { .. } | CrashError::Malformed { .. }), Ok(translated)) => {
            ReportedCrash::once(Ok(translated))
        }
        (full, Ok(translated)) if full.is_ok() => {
            ReportedCrash { event: full, again: vec![translated] }
        }
        (full, _) => ReportedCrash::once(full),
    }
}

/// Where the JSON begins in a text that has the same crash translated before it.
fn full_report(text: &str) -> Option<usize> {
    let behind = text.find("\nFull Report")?;
    let start = behind + text[behind..].find("\n{")? + 1;
    (detect::family(&text[start..]) == Family::Ips).then_some(start)
}

/// What was read of a text that is not the report's: where its frames stand, the report has
/// something else.
fn without_places(mut told: ReportedCrash) -> ReportedCrash {
    for event in told.event.iter_mut().chain(&mut told.again) {
        let threads = event.threads.iter_mut().map(|thread| &mut thread.frames);
        let exceptions = event.exceptions.iter_mut().map(|exception| &mut exception.frames);
        threads.chain(exceptions).flatten().for_each(|frame| frame.span = Span::default());
    }
    told
}

/// The crashes in a diagnostic or a payload, with their places.
fn metrickit(text: &str) -> Result<Vec<(CrashEvent, Span)>, CrashError> {
    let mut json = Json::at_document(text);
    let read = metrickit::read(&mut json).and_then(|events| json.end().map(|()| events));
    let events = read.map_err(|error| broken(Format::MetricKit, error))?;
    if events.is_empty() {
        Err(CrashError::NotACrash { found: "MetricKit diagnostics of no crash" })
    } else {
        Ok(events)
    }
}

/// JSON that no key says what it is. If it is cut before such a key it may have been anything.
fn not_known(text: &str, found: &'static str) -> CrashError {
    let mut json = Json::at_document(text);
    match json.skip() {
        Err(JsonError { is_end: true, .. }) if !text.trim().is_empty() => {
            CrashError::NotACrash { found: "JSON that ends early, before a key that is known" }
        }
        Err(_) if text.trim_start().starts_with('{') => {
            CrashError::NotACrash { found: "damaged JSON without a key that is known" }
        }
        _ => CrashError::NotACrash { found },
    }
}

fn broken(format: Format, error: JsonError) -> CrashError {
    let JsonError { at, fact, is_end } = error;
    let place = Place::Byte(at);
    if is_end {
        CrashError::Truncated { format, place, fact }
    } else {
        CrashError::Malformed { format, place, fact }
    }
}
