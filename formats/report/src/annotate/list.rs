//! Replaces Apple's list of addresses (`(0x19a0f4100 0x100a04220)`) by frames, one on each line, as
//! Xcode prints them.

use std::ops::Range;

use crate::event::frame::Frame;
use crate::event::{CrashEvent, Format};

use super::resolved::{Calls, Resolution};
use super::{apple, place};

/// Where the list stands, if that is what `frames` were written as.
pub fn place(report: &[u8], format: Format, frames: &[Frame]) -> Option<Range<usize>> {
    let (first, last) = (frames.first()?.span.range(), frames.last()?.span.range());
    let is_listed =
        |frame: &Frame| report.get(frame.span.range()).is_some_and(|text| text.starts_with(b"0x"));
    if !matches!(format, Format::AppleText | Format::Ips)
        || last.end < first.start
        || !frames.iter().all(is_listed)
    {
        return None;
    }
    let start = first.start - usize::from(report[..first.start].ends_with(b"("));
    Some(start..last.end + usize::from(report[last.end..].starts_with(b")")))
}

/// Writes `frames` in the place of their list.
pub fn write(
    report: &[u8],
    event: &CrashEvent,
    at: Range<usize>,
    frames: &[Frame],
    resolutions: &[Resolution],
    out: &mut Vec<u8>,
) {
    let line = place::FrameLine::at(report, at);
    for (index, (frame, resolution)) in frames.iter().zip(resolutions).enumerate() {
        let image = frame.image.and_then(|image| event.images.get(usize::try_from(image).ok()?));
        let package = image.and_then(|image| image.name.as_deref()).unwrap_or("???");
        let address = frame.address.unwrap_or_default();
        // The columns of iOS.
        let head = format!("{index:<4}{package:<30}\t0x{address:016x} ");
        if index > 0 {
            line.next(out);
        }
        let Some(Calls::Native(calls)) = Calls::of(frame, resolution) else {
            let base = image.and_then(|image| image.load_address).filter(|base| *base <= address);
            let unresolved = base.map_or_else(
                || "0x0 + 0".to_owned(),
                |base| format!("{base:#x} + {}", address - base),
            );
            out.extend_from_slice(format!("{head}{unresolved}").as_bytes());
            continue;
        };
        for (number, call) in calls.iter().enumerate() {
            if number > 0 {
                line.next(out);
            }
            out.extend_from_slice(head.as_bytes());
            apple::function(call, number + 1 < calls.len(), out);
        }
    }
}
