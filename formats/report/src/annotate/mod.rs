//! Writes a report again with its frames resolved; everything else stays byte for byte.
//!
//! ```text
//! event, answers ─ plan ─> pieces, in the order of their places ─> JSON objects  object.rs, json.rs
//!                  plan.rs                                         lines         lines.rs, java.rs, apple.rs, list.rs
//! ```
//!
//! What each format looks like before and after is in `docs/symbolicate.md`.

mod apple;
mod exceptions;
mod java;
mod json;
mod lines;
mod list;
mod object;
mod place;
mod plan;
mod resolved;
mod words;

use crate::event::{CrashEvent, Format};
use crate::readers::lines::LineFrame;
pub use exceptions::{ExceptionName, annotate_exceptions};
use plan::{Piece, What};
use resolved::Calls;
pub use resolved::{JavaFrame, Resolution, ResolvedFrame};

/// Appends `report` to `out` with its frames resolved. `event` is what [`parse`](crate::parse())
/// made of it, `resolutions` has one answer for each of [`CrashEvent::frames`], in their order;
/// frames without one stay as they are.
///
/// An answer of another kind than its frame is no answer. Every byte that belongs to no resolved
/// frame stays, but for the numbers of a sanitizer's frames behind inlined ones, and the brackets
/// of Apple's list of addresses.
pub fn annotate(report: &[u8], event: &CrashEvent, resolutions: &[Resolution], out: &mut Vec<u8>) {
    annotate_all(report, &[(event, resolutions)], out);
}

/// The same for a report that tells of several crashes, or of one several times: each event with
/// the answers for its frames.
pub fn annotate_all(report: &[u8], events: &[(&CrashEvent, &[Resolution])], out: &mut Vec<u8>) {
    out.reserve(report.len());
    if crate::readers::tombstone_proto::is_one(report) {
        // It is no text; `pbtombstone` of Android makes one of it.
        return out.extend_from_slice(report);
    }
    let mut all: Vec<(&CrashEvent, Piece<'_>)> = Vec::new();
    for (event, resolutions) in events {
        all.extend(
            plan::pieces(report, event, resolutions).into_iter().map(|piece| (*event, piece)),
        );
    }
    all.sort_by_key(|(_, piece)| piece.place.start);
    let mut from = 0;
    for (event, piece) in all {
        // An event of another report has other places.
        let is_within = piece.place.start <= piece.place.end && piece.place.end <= report.len();
        let Some(before) = report.get(from..piece.place.start).filter(|_| is_within) else {
            continue;
        };
        out.extend_from_slice(before);
        from = piece.place.end;
        write(report, event, &piece, out);
    }
    out.extend_from_slice(report.get(from..).unwrap_or_default());
}

/// Appends one line of a log to `out`, its frame resolved: `line` and `frame` as
/// [`crate::LogReader::feed`] had and gave them.
///
/// Lines that stand for inlined calls are behind it, with its prefix and its end.
pub fn annotate_line(
    line: &[u8],
    frame: &LineFrame<'_>,
    resolution: &Resolution,
    out: &mut Vec<u8>,
) {
    let frame = &frame.frame;
    let range = frame.span.range();
    match (
        Calls::of(frame, resolution),
        line.get(..range.start),
        line.get(range.clone()),
        line.get(range.end..),
    ) {
        (Some(calls), Some(before), Some(_), Some(behind)) => {
            out.extend_from_slice(before);
            text(
                line,
                &Piece { place: range, what: What::Frame { frame, calls, shift: None } },
                out,
            );
            out.extend_from_slice(behind);
        }
        _ => out.extend_from_slice(line),
    }
}

/// Writes what stands at the place of `piece` from now on.
fn write(report: &[u8], event: &CrashEvent, piece: &Piece<'_>, out: &mut Vec<u8>) {
    match (event.format, &piece.what) {
        (_, What::List { frames, resolutions }) => {
            list::write(report, event, piece.place.clone(), frames, resolutions, out);
        }
        (Format::Sentry | Format::KsCrash, What::Frame { frame, calls, .. }) => {
            json::write(report, event.format, piece.place.clone(), frame, calls, out);
        }
        (Format::Ips | Format::Minidump | Format::Abrt, What::Frame { frame, calls, .. })
            if report.get(piece.place.start) == Some(&b'{') =>
        {
            json::write(report, event.format, piece.place.clone(), frame, calls, out);
        }
        (Format::MetricKit, What::Frame { frame, calls: Calls::Native(calls), .. }) => {
            json::write_into(report, piece.place.clone(), frame, calls, out);
        }
        (Format::Crashlytics, What::Frame { frame, calls: Calls::Native(calls), .. })
            if report.get(piece.place.start).is_some_and(u8::is_ascii_digit) =>
        {
            apple::write(&place::FrameLine::at(report, piece.place.clone()), frame, calls, out);
        }
        (
            Format::Ips | Format::AppleText,
            What::Frame { frame, calls: Calls::Native(calls), .. },
        ) => {
            apple::write(&place::FrameLine::at(report, piece.place.clone()), frame, calls, out);
        }
        _ => text(report, piece, out),
    }
}

/// Writes a line of one of the formats that mix.
fn text(report: &[u8], piece: &Piece<'_>, out: &mut Vec<u8>) {
    let line = place::FrameLine::at(report, piece.place.clone());
    match &piece.what {
        What::Frame { calls: Calls::Native(calls), shift, .. } => {
            lines::write(&line, calls, *shift, out);
        }
        What::Frame { calls: Calls::Java(calls), .. } => java::write(&line, calls, out),
        What::List { .. } => out.extend_from_slice(line.bytes),
    }
}
