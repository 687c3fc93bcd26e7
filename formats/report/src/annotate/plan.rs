//! Plans which pieces of a report are written anew, in their order.
//!
//! A report may list inlined calls already, each with the address of the frame that they are in.
//! They are not listed twice: if the module knows as many, each gets its own answer, else only the
//! function that they were inlined into does.

use std::ops::Range;

use crate::event::frame::{Frame, FrameKind};
use crate::event::{CrashEvent, Format};

use super::resolved::{Calls, Resolution};
use super::{lines, list};

/// A part of the report and what becomes of it.
pub struct Piece<'a> {
    /// Where it stands.
    pub place: Range<usize>,
    /// What it is.
    pub what: What<'a>,
}

/// What is written anew.
pub enum What<'a> {
    /// One frame.
    Frame {
        /// The frame.
        frame: &'a Frame,
        /// What is known of it.
        calls: Calls<'a>,
        /// How many lines for inlined calls were put before it into its stack; absent if the lines
        /// around it are not known.
        shift: Option<usize>,
    },
    /// Apple's list of addresses.
    List {
        /// One for each address.
        frames: &'a [Frame],
        /// As many.
        resolutions: &'a [Resolution],
    },
}

/// The pieces of `report` that change.
pub fn pieces<'a>(
    report: &[u8],
    event: &'a CrashEvent,
    resolutions: &'a [Resolution],
) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let mut rest = resolutions;
    for frames in event.stacks() {
        let (own, behind) = rest.split_at(frames.len().min(rest.len()));
        rest = behind;
        if frames.iter().zip(own).all(|(frame, resolution)| Calls::of(frame, resolution).is_none())
        {
            continue;
        }
        match list::place(report, event.format, frames) {
            Some(place) if own.len() == frames.len() => {
                pieces.push(Piece { place, what: What::List { frames, resolutions: own } });
            }
            Some(_) => {}
            None => stack(report, event.format, frames, own, &mut pieces),
        }
    }
    pieces.sort_by_key(|piece| piece.place.start);
    pieces
}

/// Adds the frames of one stack that change.
fn stack<'a>(
    report: &[u8],
    format: Format,
    frames: &'a [Frame],
    resolutions: &'a [Resolution],
    pieces: &mut Vec<Piece<'a>>,
) {
    let is_numbered = |frame: &Frame| {
        has_lines(format) && report.get(frame.span.range()).is_some_and(lines::is_sanitizer)
    };
    let mut shift = 0;
    // The first of the frames that are listed as inlined into the next one that is not.
    let mut first = 0;
    for (index, (frame, resolution)) in frames.iter().zip(resolutions).enumerate() {
        if frames.get(index + 1).is_some_and(|next| is_inlined(frame, next)) {
            continue;
        }
        let listed = first..index;
        first = index + 1;
        let mut add = |frame: &'a Frame, calls, shift| {
            // One that stands nowhere by itself cannot be written anew.
            if frame.span.range().is_empty() {
                return;
            }
            pieces.push(Piece {
                place: frame.span.range(),
                what: What::Frame { frame, calls, shift: Some(shift) },
            });
        };
        match Calls::of(frame, resolution) {
            Some(Calls::Native(calls)) if listed.is_empty() => {
                add(frame, Calls::Native(calls), shift);
                shift += if is_numbered(frame) { calls.len() - 1 } else { 0 };
            }
            // They are parts of the frame's own object.
            Some(Calls::Native(calls)) if frames[listed.start].span == frame.span => {
                add(frame, Calls::Native(calls), shift);
            }
            Some(Calls::Native(calls)) if calls.len() == listed.len() + 1 => {
                let own = frames[listed.start..=index].iter().zip(calls.chunks(1));
                own.for_each(|(frame, call)| add(frame, Calls::Native(call), shift));
            }
            Some(Calls::Native(calls)) => {
                add(frame, Calls::Native(&calls[calls.len() - 1..]), shift);
            }
            Some(calls) => add(frame, calls, shift),
            None if shift > 0 => frames[listed.start..=index]
                .iter()
                .for_each(|frame| add(frame, Calls::Native(&[]), shift)),
            None => {}
        }
    }
}

/// Whether reports of `format` are read line by line.
fn has_lines(format: Format) -> bool {
    !matches!(
        format,
        Format::Sentry
            | Format::Ips
            | Format::AppleText
            | Format::KsCrash
            | Format::Abrt
            | Format::MetricKit
    )
}

/// Whether the report lists `frame` as inlined into `next`: it says so, or both have one address
/// and different names. A function that calls itself has one name.
fn is_inlined(frame: &Frame, next: &Frame) -> bool {
    let is_native = frame.kind == FrameKind::Native && next.kind == FrameKind::Native;
    let has_address = frame.address.is_some() || frame.relative.is_some();
    let is_same = has_address && frame.address == next.address && frame.relative == next.relative;
    is_native
        && (frame.inlined
            || is_same
                && frame.function.is_some()
                && next.function.is_some()
                && frame.function != next.function)
}
