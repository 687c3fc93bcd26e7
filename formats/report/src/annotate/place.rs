//! The surroundings of a frame in a text: the prefix of its line, and how lines end there.

use std::borrow::Cow;
use std::ops::Range;

use crate::scan::text::same_offsets;

/// Bytes that are looked at before and behind a frame. A log's prefix has less than 100, an
/// indentation less than that; a line that is longer before its frame gets no lines besides its own
/// prefix.
const MAX_LEAD_BYTES: usize = 4096;

/// A frame within its line.
pub struct FrameLine<'a> {
    /// What stands before the frame in its line: indentation, a log's prefix.
    pub lead: &'a [u8],
    /// The frame as it is.
    pub bytes: &'a [u8],
    /// The same as text, with the same offsets.
    pub text: Cow<'a, str>,
    /// What follows the frame in the report.
    pub behind: &'a [u8],
    /// What ends a line.
    pub end: &'static str,
}

impl<'a> FrameLine<'a> {
    /// The frame at `place`, which is within `report`.
    pub fn at(report: &'a [u8], place: Range<usize>) -> Self {
        let (before, rest) = report.split_at(place.start.min(report.len()));
        let (bytes, behind) = rest.split_at(place.len().min(rest.len()));
        let near = &before[before.len().saturating_sub(MAX_LEAD_BYTES)..];
        let lead = match memchr::memrchr(b'\n', near) {
            Some(at) => &near[at + 1..],
            None if near.len() == before.len() => without_mark(near),
            None => &[],
        };
        let next = &behind[..behind.len().min(MAX_LEAD_BYTES)];
        let ended = match memchr::memchr(b'\n', next) {
            Some(at) => &next[..=at],
            None => &before[..before.len() - lead.len()],
        };
        let end = if ended.ends_with(b"\r\n") { "\r\n" } else { "\n" };
        Self { lead, bytes, text: same_offsets(bytes), behind, end }
    }

    /// Ends the line and begins another with the same prefix.
    pub fn next(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.end.as_bytes());
        out.extend_from_slice(self.lead);
    }
}

/// `lead` without a byte order mark, which only a report begins with.
fn without_mark(lead: &[u8]) -> &[u8] {
    lead.strip_prefix(b"\xef\xbb\xbf").unwrap_or(lead)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(report: &str, frame: &str) -> (String, &'static str) {
        let start = report.find(frame).unwrap();
        let line = FrameLine::at(report.as_bytes(), start..start + frame.len());
        assert_eq!(line.text, frame);
        (String::from_utf8(line.lead.to_vec()).unwrap(), line.end)
    }

    #[test]
    fn leads_and_ends() {
        for (report, lead, end) in [
            ("FRAME", "", "\n"),
            ("a\r\n  FRAME", "  ", "\r\n"),
            ("a\n\tFRAME  \r\nb\n", "\t", "\r\n"),
            ("a\r\nx: FRAME\n", "x: ", "\n"),
            ("\u{feff}  FRAME\n", "  ", "\n"),
        ] {
            assert_eq!(around(report, "FRAME"), (lead.to_owned(), end), "{report:?}");
        }
        let long = " ".repeat(MAX_LEAD_BYTES + 1);
        assert_eq!(around(&format!("{long}FRAME"), "FRAME").0, "");
    }
}
