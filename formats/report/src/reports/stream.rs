//! Reads a stream by lines, in bounded memory, and knows how far it has come.

use std::io::{self, BufRead};

use crate::limits::MAX_REPORT_BYTES;

/// A stream, and how much of it was taken.
#[derive(Debug)]
pub struct Stream<R> {
    source: R,
    /// Where the next line begins.
    offset: u64,
}

/// A line with its end.
#[derive(Debug)]
pub struct StreamLine {
    /// Where it begins in the stream.
    pub offset: u64,
    /// Its bytes, all of them.
    pub length: u64,
    /// All of it, unless it is larger than a report may be.
    pub bytes: Vec<u8>,
}

impl<R: BufRead> Stream<R> {
    /// `source` from where it stands.
    pub fn new(source: R) -> Self {
        Self { source, offset: 0 }
    }

    /// How many bytes were taken: where the next line begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes `count` of the bytes that [`Stream::buffer`] gave.
    pub fn consume(&mut self, count: usize) {
        self.source.consume(count);
        self.offset += count as u64;
    }

    /// Reads a stream that has no reports to its end.
    pub fn skip_all(&mut self) -> io::Result<()> {
        loop {
            let count = self.buffer()?.len();
            if count == 0 {
                return Ok(());
            }
            self.consume(count);
        }
    }

    /// The next line; `None` at the end.
    pub fn line(&mut self) -> io::Result<Option<StreamLine>> {
        let mut line = StreamLine { offset: self.offset, length: 0, bytes: Vec::new() };
        loop {
            let buffer = self.buffer()?;
            let end = memchr::memchr(b'\n', buffer);
            let part = &buffer[..end.map_or(buffer.len(), |end| end + 1)];
            let room = (MAX_REPORT_BYTES + 1).saturating_sub(line.bytes.len());
            line.bytes.extend_from_slice(&part[..part.len().min(room)]);
            let count = part.len();
            line.length += count as u64;
            self.source.consume(count);
            if end.is_some() || count == 0 {
                break;
            }
        }
        self.offset += line.length;
        Ok((line.length > 0).then_some(line))
    }

    /// What has come and was not taken yet; nothing at the end.
    pub fn buffer(&mut self) -> io::Result<&[u8]> {
        loop {
            match self.source.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(_) => break,
            }
        }
        // There already.
        self.source.fill_buf()
    }
}
