//! Cuts a stream into reports: the bytes of one report after another come out, in bounded memory.
//!
//! Where one report ends and the next begins, its lines say, without any of them being parsed:
//!
//! ```text
//! JSON      a document ends where its brackets do, and is given at once: whoever writes one a line sees it read before the next comes.
//!           One that is cut off ends before a line that begins with `{` where JSON has no room for a value: a cut line costs itself.
//! list      of objects: each of them is a report                                                             array.rs
//! envelope  Sentry's: items follow its header, as long as each says                                          chunk.rs
//! Apple's   a header of one line, a body, then perhaps a text; a text, then perhaps the JSON that it was made of
//! text      a line with which only reports begin, if one has begun (begin.rs): what two processes log at once stays together
//! protobuf  a file is one tombstone
//! ```

mod array;
mod begin;
mod brackets;
mod chunk;
mod envelope;
mod joined;
mod stream;

use std::io::{self, BufRead};

use crate::event::error::CrashError;
use crate::limits::MAX_REPORT_BYTES;
use crate::parse::{is_list, other};
use crate::readers::tombstone_proto;
use array::Array;
use chunk::Chunk;
pub use envelope::{EnvelopeRead, Envelopes};
use joined::Joined;
use stream::{Stream, StreamLine};

/// One report of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its number in the stream, from 1.
    pub number: u64,
    /// Its first byte's offset in the stream.
    pub offset: u64,
    /// Its bytes, to be given to [`parse`](crate::parse()); JSON without the blanks behind it.
    ///
    /// # Errors
    /// `TooLarge`: its bytes were skipped, and the next report follows.
    pub bytes: Result<Vec<u8>, CrashError>,
}

/// The reports of a stream. An error of the reader ends it.
///
/// At most two reports of the largest size are in memory at once.
#[derive(Debug)]
pub struct Reports<R> {
    stream: Stream<R>,
    number: u64,
    /// The first line of the next report, which ended the one before.
    held: Option<StreamLine>,
    /// JSON documents that follow each other within a line, from an offset on.
    joined: Option<Joined>,
    /// A list of reports that has begun.
    array: Option<Array>,
    /// A report before was a document of one line.
    is_ndjson: bool,
    is_over: bool,
}

impl<R: BufRead> Reports<R> {
    /// The reports in `source`.
    pub fn new(source: R) -> Self {
        Self {
            stream: Stream::new(source),
            number: 0,
            held: None,
            joined: None,
            array: None,
            is_ndjson: false,
            is_over: false,
        }
    }

    fn next_report(&mut self) -> io::Result<Option<Report>> {
        if let Some(joined) = self.joined.take() {
            return Ok(Some(self.unjoin(joined)));
        }
        if let Some(report) = self.next_of_array()? {
            return Ok(Some(report));
        }
        if self.stream.offset() == 0
            && let Some(found) = other::named(self.stream.buffer()?)
        {
            self.stream.skip_all()?;
            return Ok(Some(self.report(0, Err(CrashError::NotACrash { found }))));
        }
        if self.stream.offset() == 0 && self.begins_binary()? {
            return self.binary().map(Some);
        }
        if self.held.is_none() && is_list(self.stream.buffer()?) {
            self.array = Some(Array::new(self.stream.offset(), Vec::new()));
            return self.next_report();
        }
        let Some(first) = self.first_line()? else { return Ok(None) };
        let mut chunk = Chunk::new(first, self.is_ndjson);
        while !chunk.is_complete() {
            let Some(line) = self.stream.line()? else { break };
            if chunk.begins_array(&line) {
                self.array = Some(Array::new(chunk.offset, [chunk.bytes, line.bytes].concat()));
                return self.next_report();
            }
            if chunk.ends_before(&line, self.is_ndjson) {
                self.held = Some(line);
                break;
            }
            chunk.push(&line);
        }
        if chunk.is_around(self.held.as_ref()) && (self.held.is_some() || self.number > 0) {
            return self.next_report();
        }
        self.is_ndjson |= chunk.is_one_document();
        let (offset, length, is_json, may_be_joined) =
            (chunk.offset, chunk.length, chunk.is_json(), chunk.may_be_joined());
        let mut bytes = chunk.bytes;
        if length > MAX_REPORT_BYTES as u64 {
            return Ok(Some(self.report(offset, Err(CrashError::TooLarge { bytes: length }))));
        }
        if is_json {
            bytes.truncate(bytes.trim_ascii_end().len());
            if may_be_joined && memchr::memmem::find(&bytes, b"}{").is_some() {
                return Ok(Some(self.unjoin(Joined::new(offset, bytes))));
            }
        }
        Ok(Some(self.report(offset, Ok(bytes))))
    }

    /// The next element of the list that has begun.
    fn next_of_array(&mut self) -> io::Result<Option<Report>> {
        let Some(mut array) = self.array.take() else { return Ok(None) };
        loop {
            let mut found = array.next_of_seed();
            if found.is_none() && !array.is_over() {
                let buffer = self.stream.buffer()?;
                let is_end = buffer.is_empty();
                let (count, element) = array.feed(buffer);
                self.stream.consume(count);
                found = element;
                if is_end {
                    break;
                }
            }
            if let Some((offset, element)) = found {
                self.array = Some(array);
                return Ok(Some(self.report(offset, element)));
            }
            if array.is_over() {
                break;
            }
        }
        let (last, behind) = array.finish();
        self.held =
            behind.map(|(offset, bytes)| StreamLine { offset, length: bytes.len() as u64, bytes });
        Ok(last.map(|(offset, bytes)| self.report(offset, bytes)))
    }

    /// The first of several documents; the others are kept.
    fn unjoin(&mut self, mut joined: Joined) -> Report {
        let (offset, document) = joined.next();
        if !joined.is_over() {
            self.joined = Some(joined);
        }
        self.report(offset, Ok(document))
    }

    fn report(&mut self, offset: u64, bytes: Result<Vec<u8>, CrashError>) -> Report {
        self.number += 1;
        Report { number: self.number, offset, bytes }
    }

    /// Whether the stream is one report that has no lines.
    fn begins_binary(&mut self) -> io::Result<bool> {
        let head = self.stream.buffer()?;
        Ok(tombstone_proto::is_one(&head[..head.len().min(tombstone_proto::HEAD_BYTES)]))
    }

    /// All of the stream as one report.
    fn binary(&mut self) -> io::Result<Report> {
        let (mut bytes, mut length) = (Vec::new(), 0);
        while let Some(line) = self.stream.line()? {
            length += line.length;
            if length <= MAX_REPORT_BYTES as u64 {
                bytes.extend_from_slice(&line.bytes);
            } else {
                bytes = Vec::new();
            }
        }
        let is_too_large = length > MAX_REPORT_BYTES as u64;
        Ok(self.report(
            0,
            if is_too_large { Err(CrashError::TooLarge { bytes: length }) } else { Ok(bytes) },
        ))
    }

    /// The next line that is not blank.
    fn first_line(&mut self) -> io::Result<Option<StreamLine>> {
        if let Some(line) = self.held.take() {
            return Ok(Some(line));
        }
        while let Some(line) = self.stream.line()? {
            if !line.bytes.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }
}

impl<R: BufRead> Iterator for Reports<R> {
    type Item = io::Result<Report>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.next_report().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}

#[cfg(test)]
mod tests;
