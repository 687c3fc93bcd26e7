//! Cuts a file into parts that can be read apart from each other, and parts into lines: [`parts`],
//! [`Lines`].

use std::ops::Range;

use super::record::Record;
use crate::limits::MAX_RECORD_BYTES;

/// Lets bytes that have been read leave memory.
pub type Release<'r> = &'r (dyn Fn(&[u8]) + Sync);

/// Bytes of a line after which they leave memory, before its end is found.
const WINDOW_BYTES: usize = 4 << 20;

/// Parts of `bytes` of `part_bytes` or more. Each begins with a record that does not need those
/// before it.
pub fn parts(bytes: &[u8], part_bytes: usize, release: Release<'_>) -> Vec<Range<usize>> {
    let mut parts = Vec::with_capacity(bytes.len() / part_bytes + 1);
    let mut start = 0;
    while start < bytes.len() {
        let end = start.checked_add(part_bytes).and_then(|at| beginning(bytes, at, release));
        let end = end.unwrap_or(bytes.len());
        parts.push(start..end);
        start = end;
    }
    parts
}

/// Where the first record after `at` begins that does not need those before it.
fn beginning(bytes: &[u8], mut at: usize, release: Release<'_>) -> Option<usize> {
    loop {
        at += line_end(bytes.get(at..)?, release)? + 1;
        if Record::begins_anew(&bytes[at..]) {
            return Some(at);
        }
    }
}

/// Where the first line of `bytes` ends; `None` if it is the last.
fn line_end(bytes: &[u8], release: Release<'_>) -> Option<usize> {
    let mut at: usize = 0;
    loop {
        let window = &bytes[at..bytes.len().min(at.saturating_add(WINDOW_BYTES))];
        if let Some(end) = memchr::memchr(b'\n', window) {
            return Some(at + end);
        }
        if window.len() < WINDOW_BYTES {
            return None;
        }
        release(window);
        at += window.len();
    }
}

/// The lines of a part, without line feeds.
pub struct Lines<'d, 'r> {
    rest: &'d [u8],
    /// Where `rest` begins in the part.
    at: usize,
    /// Where the last line begins in the part.
    pub start: usize,
    release: Release<'r>,
    /// How many have been read.
    pub count: u64,
    /// Those that were too long.
    pub long: Vec<LongLine>,
}

/// A line with more bytes than [`MAX_RECORD_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongLine {
    /// Counted from 1 in its part.
    pub number: u64,
    pub bytes: usize,
}

impl<'d, 'r> Lines<'d, 'r> {
    pub fn of(part: &'d [u8], release: Release<'r>) -> Self {
        Self { rest: part, at: 0, start: 0, release, count: 0, long: Vec::new() }
    }
}

impl<'d> Iterator for Lines<'d, '_> {
    type Item = &'d [u8];

    /// The next one that is not too long.
    fn next(&mut self) -> Option<&'d [u8]> {
        while !self.rest.is_empty() {
            let end = line_end(self.rest, self.release).unwrap_or(self.rest.len());
            let line = &self.rest[..end];
            self.rest = self.rest.get(end + 1..).unwrap_or_default();
            (self.start, self.at) = (self.at, self.at + end + 1);
            self.count += 1;
            if line.len() <= MAX_RECORD_BYTES {
                return Some(line);
            }
            self.long.push(LongLine { number: self.count, bytes: line.len() });
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "MODULE Linux x86_64 0 a\nFILE 0 a.c\nFUNC 0 10 0 f\n0 8 1 0\n8 8 2 0\nPUBLIC 20 0 g\n";

    #[test]
    fn parts_begin_with_records_of_their_own() {
        for part_bytes in 1..FILE.len() + 2 {
            let parts = parts(FILE.as_bytes(), part_bytes, &|_| {});
            let texts: Vec<&str> = parts.iter().map(|part| &FILE[part.clone()]).collect();
            assert_eq!(texts.concat(), FILE);
            for text in &texts[1..] {
                assert!(Record::begins_anew(text.as_bytes()), "{text}");
            }
        }
        assert_eq!(parts(FILE.as_bytes(), 1, &|_| {}).len(), 4);
        assert!(parts(b"", 8, &|_| {}).is_empty());
    }

    #[test]
    fn lines_that_are_too_long_are_left_out() {
        let long = "x".repeat(MAX_RECORD_BYTES + 1);
        let text = format!("a\n\n{long}\nb");
        let mut lines = Lines::of(text.as_bytes(), &|_| {});
        let read: Vec<&[u8]> = lines.by_ref().collect();
        assert_eq!(read, [&b"a"[..], b"", b"b"]);
        assert_eq!(lines.long, [LongLine { number: 3, bytes: MAX_RECORD_BYTES + 1 }]);
        assert_eq!(lines.count, 4);
    }

    #[test]
    fn a_long_line_leaves_memory_while_its_end_is_looked_for() {
        let released = std::sync::atomic::AtomicUsize::new(0);
        let release = |bytes: &[u8]| {
            released.fetch_add(bytes.len(), std::sync::atomic::Ordering::Relaxed);
        };
        for (bytes, end) in [(2 * WINDOW_BYTES + 5, false), (2 * WINDOW_BYTES, true)] {
            let text = format!("{}{}", "x".repeat(bytes), if end { "\n" } else { "" });
            assert_eq!(line_end(text.as_bytes(), &release), end.then_some(bytes));
        }
        assert_eq!(released.into_inner(), 4 * WINDOW_BYTES);
    }
}
