//! Tells the lines with which only reports begin.

use crate::readers::apple_text::{self, Beginning};
use crate::readers::lines::{beginning, begins_report, is_long_header, message};
use crate::scan::text::same_offsets;

/// Lines with which a report begins are shorter.
const MAX_BYTES: usize = 4096;

/// What begins with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// A tombstone, with its rule or in the log, or a fatal exception: which process wrote it,
    /// under which tag.
    Crash(Option<u64>, String),
    /// The first field of a tombstone whose rule was left out.
    Fingerprint,
    /// An Apple report.
    Apple(Beginning),
    /// A report of one of the formats of machine code.
    Native,
}

impl Begin {
    /// What begins with `line`.
    pub fn of(line: &[u8]) -> Option<Self> {
        // Of most lines, the first byte says that they are none of these.
        if line.len() > MAX_BYTES
            || !line.first().is_some_and(|byte| {
                byte.is_ascii_alphanumeric() || b" \t*=<>[#/.(\x1b".contains(byte)
            })
        {
            return None;
        }
        let text = same_offsets(line);
        let text = text.trim_end();
        let begin = text.trim_start();
        if let Some((pid, tag)) = beginning(text) {
            Some(Self::Crash(pid, tag.to_owned()))
        } else if begin.starts_with("Build fingerprint: ") {
            Some(Self::Fingerprint)
        } else if let Some(beginning) = apple_text::begins(begin) {
            Some(Self::Apple(beginning))
        } else if begins_report(text) {
            Some(Self::Native)
        } else {
            None
        }
    }
}

/// Whether `line` is the header that Android's log has above a message in its long layout.
pub fn is_header(line: &[u8]) -> bool {
    line.len() <= MAX_BYTES
        && line.starts_with(b"[ ")
        && std::str::from_utf8(line).is_ok_and(is_long_header)
}

/// Whether `line` may be a frame of machine code. It is enough if one of a stack's is.
pub fn is_frame_like(line: &[u8]) -> bool {
    let text = same_offsets(&line[..line.len().min(MAX_BYTES)]);
    let text = message(&text).trim_start();
    let begins = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    let is_numbered =
        text.strip_prefix('#').unwrap_or(text).starts_with(|c: char| c.is_ascii_digit());
    is_numbered
        || begins(&["@ ", "at ", "frame #", "* frame #"])
        || text.contains("+0x")
        || text.contains(".go:")
}
