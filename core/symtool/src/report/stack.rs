//! The functions of a crash's stack as people see them: named by the store as it is now, each with
//! whether it counts for grouping, and why not.

use symtool_crashes::fingerprint::{Counts, Explained, NameOrigin, StackFrame};
use symtool_crashes::{Chunk, Listed, Place, StoredFrame};
use symtool_report::Trust;

use super::limits::{SHOWN_FRAMES, SHOWN_STACK_BYTES, SHOWN_TEXT_BYTES};
use super::link::SourceLink;
use super::value::FrameDetails;

/// How much of a crash is shown.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// How many functions of its stack.
    pub frames: usize,
    /// Bytes of their names, paths and reasons; the first function has room in any case.
    pub stack_bytes: usize,
    /// Bytes of each other text.
    pub text_bytes: usize,
}

impl Room {
    /// All of it.
    pub const ALL: Self =
        Self { frames: usize::MAX, stack_bytes: usize::MAX, text_bytes: usize::MAX };
    /// Whether nothing is cut off.
    pub fn is_all(self) -> bool {
        self.frames == usize::MAX
    }

    /// One of many crashes.
    pub const FEW: Self =
        Self { frames: SHOWN_FRAMES, stack_bytes: SHOWN_STACK_BYTES, text_bytes: SHOWN_TEXT_BYTES };
}

/// The functions of the stack of a crash, the crashing side first.
pub fn frames(
    listed: &Listed<'_>,
    explained: &Explained<'_>,
    link: Option<&SourceLink>,
) -> Vec<FrameDetails> {
    let release = listed.chunk.text_of(listed.crash.release);
    let stored = listed.chunk.frames(listed.crash);
    let details = |(frame, counts): &(StackFrame<'_>, Counts)| {
        let mut details = details(listed.chunk, stored, frame, counts);
        let place = details.file.as_deref().zip(details.line);
        details.link =
            place.zip(link).and_then(|((file, line), link)| link.to(file, line, release));
        details
    };
    explained.frames.iter().map(details).collect()
}

/// Cuts `frames` down to `room` and returns how many were left out.
pub fn cut(frames: &mut Vec<FrameDetails>, room: Room) -> u64 {
    let mut bytes = 0;
    let fits = frames.iter().take(room.frames).take_while(|frame| {
        let FrameDetails { function, address, module, file, link, why_not, .. } = frame;
        let texts = [function, address, module, file, link, why_not];
        bytes += texts.into_iter().flatten().map(String::len).sum::<usize>();
        bytes <= room.stack_bytes
    });
    let shown = fits.count().max(1).min(frames.len());
    let more = frames.len() - shown;
    frames.truncate(shown);
    more as u64
}

fn details(
    chunk: &Chunk,
    stored: &[StoredFrame],
    frame: &StackFrame<'_>,
    counts: &Counts,
) -> FrameDetails {
    // A name that may be wrong is one all the same, and no address.
    let is_named = matches!(frame.origin, NameOrigin::Store | NameOrigin::Report)
        || frame.at == Place::Nowhere;
    let reported = stored.get(frame.frame);
    // Frames of scripts may have a line, and no file.
    let line_alone = reported
        .filter(|reported| frame.origin == NameOrigin::Report && reported.file.is_none())
        .and_then(|reported| reported.line);
    let line = frame.place.map(|(_, line)| line).or(line_alone);
    let shown = Some(&frame.name.shown).filter(|name| is_named && !name.is_empty());
    FrameDetails {
        frame: frame.frame,
        function: shown.cloned(),
        address: (!is_named).then(|| frame.token(chunk)),
        module: reported.and_then(|frame| chunk.module(frame)).map(str::to_owned),
        file: frame.place.map(|(file, _)| file.to_owned()),
        line: line.filter(|line| *line > 0),
        link: None,
        context: None,
        inlined: frame.inlined,
        source: origin(frame.origin),
        trust: reported.and_then(|frame| frame.trust).and_then(Trust::name),
        in_app: counts.in_app.0,
        part: counts.is_part,
        why_not: why_not(counts),
    }
}

/// Why a function is no part of the fingerprint: the rule that excludes it, or another reason.
fn why_not(counts: &Counts) -> Option<String> {
    if counts.is_part {
        return None;
    }
    if !counts.group.0 {
        return Some(counts.group.1.clone());
    }
    counts.why_not.map(str::to_owned)
}

/// Where a name is from: `store`, `report` or `none`.
pub fn origin(origin: NameOrigin) -> &'static str {
    match origin {
        NameOrigin::Store => "store",
        NameOrigin::Report => "report",
        NameOrigin::Unknown | NameOrigin::Nowhere => "none",
    }
}
