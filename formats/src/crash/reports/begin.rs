//! Lines with which only reports begin.

use crate::crash::apple_text::{self, Beginning};
use crate::crash::lines::beginning;
use crate::crash::text::same_offsets;

/// What begins with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// A tombstone, with its rule or in the log, or a fatal exception: which process wrote it, under which tag.
    Crash(Option<u64>, String),
    /// The first field of a tombstone whose rule was left out.
    Fingerprint,
    /// An Apple report.
    Apple(Beginning),
    /// A sanitizer's report.
    Sanitizer,
}

impl Begin {
    /// What begins with `line`.
    pub fn of(line: &[u8]) -> Option<Self> {
        /// Lines with which a report begins are shorter.
        const MAX_BYTES: usize = 4096;
        // Of most lines, the first byte says that they are none of these.
        if line.len() > MAX_BYTES || !line.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || b" \t*=[\x1b".contains(byte)) {
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
        } else if begin.starts_with("==") && begin.contains("==ERROR: ") {
            Some(Self::Sanitizer)
        } else {
            None
        }
    }
}
