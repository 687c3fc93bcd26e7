//! Writes resolved frames into Apple's texts as Xcode does, one line for each function.
//!
//! ```text
//! 1   Demo   0x0000000109001a2b 0x109000000 + 6699
//! 1   Demo   0x0000000109001a2b clamp(_:) (Gain.swift:12) [inlined]        number, image and address stay, and the blanks between
//! 1   Demo   0x0000000109001a2b Gain.apply(_:) + 43 (Gain.swift:40)
//! ```

use crate::event::frame::Frame;
use crate::scan::text::prefixed_hex;

use super::place::FrameLine;
use super::resolved::ResolvedFrame;
use super::words::{name, short_place};

/// Writes the functions into `line`.
pub fn write(line: &FrameLine<'_>, frame: &Frame, calls: &[ResolvedFrame], out: &mut Vec<u8>) {
    let Some((address_end, symbol)) = symbol(&line.text).filter(|_| !calls.is_empty()) else {
        return out.extend_from_slice(line.bytes);
    };
    let blanks = &line.bytes[address_end..symbol];
    for (index, call) in calls.iter().enumerate() {
        if index > 0 {
            line.next(out);
        }
        out.extend_from_slice(&line.bytes[..address_end]);
        out.extend_from_slice(if blanks.is_empty() { b" " } else { blanks });
        function(call, index + 1 < calls.len() || frame.inlined, out);
    }
}

/// `FUNCTION + OFFSET (FILE:LINE) [inlined]`.
pub fn function(call: &ResolvedFrame, is_inlined: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(name(&call.function).as_bytes());
    if let Some(offset) = call.function_offset.filter(|_| !is_inlined) {
        out.extend_from_slice(format!(" + {offset}").as_bytes());
    }
    if let Some(place) = short_place(call) {
        out.extend_from_slice(format!(" ({place})").as_bytes());
    }
    if is_inlined {
        out.extend_from_slice(b" [inlined]");
    }
}

/// Where the address ends, and where what follows it begins. The address is the first hexadecimal
/// number that is a word, as in [`crate::readers::apple_text`].
fn symbol(text: &str) -> Option<(usize, usize)> {
    let mut words =
        text.match_indices("0x").map(|(at, _)| at).filter(|at| text[..*at].ends_with([' ', '\t']));
    words.find_map(|at| {
        let end = text[at..].find([' ', '\t']).map_or(text.len(), |length| at + length);
        prefixed_hex(&text[at..end])?;
        Some((end, text.len() - text[end..].trim_start().len()))
    })
}
