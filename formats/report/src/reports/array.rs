//! A list of JSON objects, each of them a report: they come out one by one as the list's bytes
//! come, whatever its lines are.

use super::brackets::Brackets;
use crate::event::error::CrashError;
use crate::limits::MAX_REPORT_BYTES;

/// A report's offset and bytes.
pub type Element = (u64, Result<Vec<u8>, CrashError>);

/// A list that has begun, or is about to.
#[derive(Debug)]
pub struct Array {
    /// Where the list's bracket is, once that was read; and where the next byte is.
    start: Option<u64>,
    offset: u64,
    /// What was read of it before it was known to be a list, and how much of that was looked at.
    seed: Vec<u8>,
    at: usize,
    brackets: Brackets,
    /// The element that has begun: its offset, its size and its bytes so far.
    element: Option<(u64, u64, Vec<u8>)>,
    /// Whether there was an element.
    has_any: bool,
    is_over: bool,
}

/// Depth within the list, and within an element.
const LIST: u64 = 1;
const ELEMENT: u64 = 2;

impl Array {
    /// The list that begins with the first bracket from `offset` on, where `seed` was read already.
    pub fn new(offset: u64, seed: Vec<u8>) -> Self {
        Self {
            start: None,
            offset,
            seed,
            at: 0,
            brackets: Brackets::default(),
            element: None,
            has_any: false,
            is_over: false,
        }
    }

    /// Whether its last bracket was read.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// The next element that has ended in what was read before. `None` if more is needed.
    pub fn next_of_seed(&mut self) -> Option<Element> {
        let seed = std::mem::take(&mut self.seed);
        let mut found = None;
        while found.is_none() && !self.is_over && self.at < seed.len() {
            let (count, element) = self.feed(&seed[self.at..]);
            self.at += count;
            found = element;
        }
        self.seed = seed;
        found
    }

    /// Reads `bytes` up to the next bracket that means something, and says how many those are. An
    /// element that ended there is given.
    pub fn feed(&mut self, bytes: &[u8]) -> (usize, Option<Element>) {
        // An object within the list begins, or ends; the list ends.
        let is_edge = |before: u64, after: u64| before + after == LIST + ELEMENT || after == 0;
        self.start = self.start.or_else(|| Some(self.offset + memchr::memchr(b'[', bytes)? as u64));
        let count = self.brackets.feed_until(bytes, is_edge);
        let read = bytes.get(..count).unwrap_or_default();
        self.offset += count as u64;
        if let Some((_, size, kept)) = &mut self.element {
            *size += count as u64;
            if *size <= MAX_REPORT_BYTES as u64 {
                kept.extend_from_slice(read);
            } else {
                *kept = Vec::new();
            }
            if self.brackets.depth() == LIST {
                return (count, self.take());
            }
        } else if read.last() == Some(&b'{') && self.brackets.depth() == ELEMENT {
            self.element = Some((self.offset - 1, 1, vec![b'{']));
        } else if self.brackets.depth() == 0 && matches!(read.last(), Some(b']' | b'}')) {
            self.is_over = true;
        }
        (count, None)
    }

    fn take(&mut self) -> Option<Element> {
        self.has_any = true;
        let (offset, size, bytes) = self.element.take()?;
        Some((
            offset,
            if size > MAX_REPORT_BYTES as u64 {
                Err(CrashError::TooLarge { bytes: size })
            } else {
                Ok(bytes)
            },
        ))
    }

    /// What is left once there is no more, or the list is over: an element that was cut off, or the
    /// list if it had none; and what was read behind the list, with its offset.
    pub fn finish(mut self) -> (Option<Element>, Option<(u64, Vec<u8>)>) {
        let had_any = self.has_any;
        let cut = self
            .take()
            .map(|(offset, bytes)| (offset, bytes.map(|bytes| bytes.trim_ascii_end().to_vec())));
        let empty = self.start.filter(|_| !had_any).map(|start| (start, Ok(b"[".to_vec())));
        let behind = self.seed.split_off(self.at);
        (cut.or(empty), (!behind.trim_ascii().is_empty()).then_some((self.offset, behind)))
    }
}
