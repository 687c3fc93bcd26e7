//! A stream cut into reports: in, a reader; out, the bytes of one report after another, in bounded memory.
//!
//! Where one report ends and the next begins, its lines say, without any of them being parsed:
//!
//! ```text
//! JSON   a line begins with `{` where JSON has no room for a value: behind a line that does not end in `[`, `,` or `:`.
//!        So NDJSON is cut into lines, documents of many lines stay whole, and a truncated line costs one report.
//! text   a line with which only reports begin (`*** *** ***`, `FATAL EXCEPTION`, `Incident Identifier:`, …), if one has begun.
//! ```

use std::io::{self, BufRead};

use super::detect::{self, Family};
use super::error::CrashError;
use super::json::Json;
use super::limits::MAX_REPORT_BYTES;
use super::lines::beginning;
use super::text::same_offsets;

/// One report of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its number in the stream, from 1.
    pub number: u64,
    /// Its first byte's offset in the stream.
    pub offset: u64,
    /// Its bytes, to be given to [`super::parse`]; JSON without the blanks behind it.
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
    source: R,
    /// Where the next line begins.
    offset: u64,
    number: u64,
    /// The first line of the next report, which ended the one before.
    held: Option<Line>,
    /// JSON documents that follow each other within a line, from an offset on.
    joined: Option<Joined>,
    /// A report before was a document of one line.
    is_ndjson: bool,
    is_over: bool,
}

/// A line with its end.
#[derive(Debug)]
struct Line {
    offset: u64,
    length: u64,
    /// All of it, unless it is larger than a report may be.
    bytes: Vec<u8>,
}

/// Documents that follow each other without a line's end between them.
#[derive(Debug)]
struct Joined {
    offset: u64,
    text: String,
    /// The bytes, where they are no text.
    raw: Option<Vec<u8>>,
    /// Where the next one begins.
    at: usize,
}

impl Joined {
    fn new(offset: u64, bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self { offset, text, raw: None, at: 0 },
            Err(error) => Self { offset, text: same_offsets(error.as_bytes()).into_owned(), raw: Some(error.into_bytes()), at: 0 },
        }
    }

    /// The offset and bytes of the next document. All that is left, if that is one document, or none that is whole.
    fn next(&mut self) -> (u64, Vec<u8>) {
        let rest = &self.text[self.at..];
        let mut json = Json::new(rest);
        let end = json.skip().map_or(rest.len(), |()| json.position());
        let end = if rest[end..].starts_with('{') { end } else { rest.len() };
        let (start, bytes) = (self.at, self.raw.as_deref().unwrap_or(self.text.as_bytes()));
        self.at += end;
        (self.offset + start as u64, bytes[start..self.at].trim_ascii_end().to_vec())
    }

    fn is_over(&self) -> bool {
        self.at == self.text.len()
    }
}

impl<R: BufRead> Reports<R> {
    /// The reports in `source`.
    pub fn new(source: R) -> Self {
        Self { source, offset: 0, number: 0, held: None, joined: None, is_ndjson: false, is_over: false }
    }

    fn next_report(&mut self) -> io::Result<Option<Report>> {
        if let Some(joined) = self.joined.take() {
            return Ok(Some(self.unjoin(joined)));
        }
        let Some(first) = self.first_line()? else { return Ok(None) };
        let mut chunk = Chunk::new(first);
        while let Some(line) = self.line()? {
            if chunk.ends_before(&line, self.is_ndjson) {
                self.held = Some(line);
                break;
            }
            chunk.push(&line);
        }
        self.is_ndjson |= chunk.is_one_document();
        let Chunk { offset, length, mut bytes, is_json, .. } = chunk;
        if length > MAX_REPORT_BYTES as u64 {
            return Ok(Some(self.report(offset, Err(CrashError::TooLarge { bytes: length }))));
        }
        if is_json {
            bytes.truncate(bytes.trim_ascii_end().len());
            if memchr::memmem::find(&bytes, b"}{").is_some() {
                return Ok(Some(self.unjoin(Joined::new(offset, bytes))));
            }
        }
        Ok(Some(self.report(offset, Ok(bytes))))
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

    /// The next line that is not blank.
    fn first_line(&mut self) -> io::Result<Option<Line>> {
        if let Some(line) = self.held.take() {
            return Ok(Some(line));
        }
        while let Some(line) = self.line()? {
            if !line.bytes.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    fn line(&mut self) -> io::Result<Option<Line>> {
        let mut line = Line { offset: self.offset, length: 0, bytes: Vec::new() };
        loop {
            let buffer = match self.source.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                buffer => buffer?,
            };
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

/// A report while its lines come.
struct Chunk {
    offset: u64,
    length: u64,
    bytes: Vec<u8>,
    lines: usize,
    is_json: bool,
    /// The first of Apple's documents: the second one, or a text, belongs to it.
    is_header: bool,
    /// The last byte that is not blank.
    last: u8,
    /// The kinds of beginnings in it.
    begun: Vec<Begin>,
}

/// Lines with which only reports begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    /// A tombstone, with its rule or in the log, or a fatal exception.
    Crash,
    /// The first field of a tombstone whose rule was left out.
    Fingerprint,
    /// An Apple report.
    Incident,
    /// A sanitizer's report.
    Sanitizer,
}

impl Chunk {
    fn new(first: Line) -> Self {
        let text = first.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&first.bytes).trim_ascii_start();
        let is_json = text.starts_with(b"{");
        let is_header = is_json && is_header(text);
        let last = last_of(&first.bytes).unwrap_or_default();
        Self {
            offset: first.offset,
            length: first.length,
            lines: 1,
            is_json,
            is_header,
            last,
            begun: Begin::of(&first.bytes).into_iter().collect(),
            bytes: first.bytes,
        }
    }

    /// Whether `line` begins another report.
    fn ends_before(&mut self, line: &Line, is_ndjson: bool) -> bool {
        if line.bytes.starts_with(b"{") {
            return if !self.is_json {
                line.bytes.starts_with(b"{\"")
            } else if self.is_header {
                // What is within the body is further to the right, or behind a comma.
                self.lines > 1 && !matches!(self.last, b'[' | b',' | b':')
            } else {
                let is_cut_line = is_ndjson && self.lines == 1 && line.bytes.starts_with(b"{\"");
                is_cut_line || !matches!(self.last, b'[' | b',' | b':')
            };
        }
        match Begin::of(&line.bytes) {
            Some(Begin::Crash) => self.is_json || !self.begun.is_empty(),
            Some(begin) if self.is_json => begin == Begin::Incident && !self.is_header,
            Some(Begin::Fingerprint) => self.begun.contains(&Begin::Fingerprint),
            Some(_) => !self.begun.is_empty(),
            None => false,
        }
    }

    fn push(&mut self, line: &Line) {
        if self.is_header && self.lines == 1 {
            // What follows the header is a body, or a text.
            self.is_json = line.bytes.trim_ascii_start().starts_with(b"{");
        }
        self.length += line.length;
        self.lines += 1;
        if self.length <= MAX_REPORT_BYTES as u64 {
            self.bytes.extend_from_slice(&line.bytes);
        } else {
            self.bytes = Vec::new();
        }
        self.last = last_of(&line.bytes).unwrap_or(self.last);
        let begin = Begin::of(&line.bytes).filter(|begin| !self.begun.contains(begin));
        self.begun.extend(begin);
    }

    /// Whether it is a JSON document on one line.
    fn is_one_document(&self) -> bool {
        self.is_json && !self.is_header && self.lines == 1 && self.last == b'}'
    }
}

impl Begin {
    fn of(line: &[u8]) -> Option<Self> {
        /// Lines with which a report begins are shorter.
        const MAX_BYTES: usize = 4096;
        // Of most lines, the first byte says that they are none of these.
        if line.len() > MAX_BYTES || !line.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || b" \t*=".contains(byte)) {
            return None;
        }
        let text = same_offsets(line);
        let begin = text.trim_start();
        if beginning(&text).is_some() {
            Some(Self::Crash)
        } else if begin.starts_with("Build fingerprint: ") {
            Some(Self::Fingerprint)
        } else if begin.starts_with("Incident Identifier:") {
            Some(Self::Incident)
        } else if begin.starts_with("==") && begin.contains("==ERROR: ") {
            Some(Self::Sanitizer)
        } else {
            None
        }
    }
}

/// Whether `line` is a document of its own, and Apple's header.
fn is_header(line: &[u8]) -> bool {
    /// Headers have about 500 bytes.
    const MAX_BYTES: usize = 64 << 10;
    let line = line.trim_ascii_end();
    line.len() < MAX_BYTES && line.ends_with(b"}") && detect::family(&same_offsets(line)) == Family::Ips
}

fn last_of(line: &[u8]) -> Option<u8> {
    line.trim_ascii_end().last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(stream: &str) -> Vec<String> {
        let mut offset = 0;
        let reports = Reports::new(stream.as_bytes()).enumerate().map(|(index, report)| {
            let Report { number, offset: at, bytes } = report.unwrap();
            let text = String::from_utf8(bytes.unwrap()).unwrap();
            assert_eq!(number, index as u64 + 1);
            let at = usize::try_from(at).unwrap();
            assert!(at >= offset && stream[at..].starts_with(&text), "{text} at {at}");
            offset = at + text.len();
            text
        });
        reports.collect()
    }

    #[test]
    fn documents() {
        assert_eq!(cut("{\"a\":1}\n{\"b\":2}\r\n\n{\"c\":3}"), ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"]);
        assert_eq!(cut("{\n \"a\": [\n  {\n  }\n ]\n}\n{\n}\n"), ["{\n \"a\": [\n  {\n  }\n ]\n}", "{\n}"]);
        // Without indentation.
        assert_eq!(cut("{\n\"a\":\n[\n{\n},\n{\n}\n]\n}\n"), ["{\n\"a\":\n[\n{\n},\n{\n}\n]\n}"]);
        assert_eq!(cut("\u{feff}{\"a\":1}"), ["\u{feff}{\"a\":1}"]);
        assert!(cut(" \n\n").is_empty());
    }

    #[test]
    fn documents_on_one_line() {
        assert_eq!(cut("{\"a\":\"}{\"}{\"b\":2}{}\n{\"c\":3}"), ["{\"a\":\"}{\"}", "{\"b\":2}", "{}", "{\"c\":3}"]);
        assert_eq!(cut("{\"a\":\"}{\"}"), ["{\"a\":\"}{\"}"]);
        assert_eq!(cut("{}{\"a\":"), ["{}", "{\"a\":"]);
    }

    #[test]
    fn a_truncated_line_costs_one_report() {
        assert_eq!(cut("{\"a\":\"x\n{\"b\":2}\n"), ["{\"a\":\"x", "{\"b\":2}"]);
        assert_eq!(cut("{\"a\":{\"x\":1}\n{\"b\":2}\n"), ["{\"a\":{\"x\":1}", "{\"b\":2}"]);
        // Where a value might follow, lines before it tell.
        assert_eq!(cut("{\"a\":1}\n{\"b\":[\n{\"c\":2}\n"), ["{\"a\":1}", "{\"b\":[", "{\"c\":2}"]);
    }

    #[test]
    fn headers_and_bodies() {
        let ips = "{\"app_name\":\"x\",\"bug_type\":\"309\"}\n{\n\"threads\" : [\n{\n}]\n}";
        assert_eq!(cut(&format!("{ips}\n{ips}\n")), [ips, ips]);
        let text = "{\"app_name\":\"x\",\"bug_type\":\"109\"}\nIncident Identifier: 1\nThread 0:\n";
        assert_eq!(cut(&text.repeat(2)), [text; 2]);
    }

    #[test]
    fn texts() {
        let tombstone = "*** *** *** ***\nBuild fingerprint: 'x'\nbacktrace:\n  #00 pc 0 /a\n";
        assert_eq!(cut(&format!("lead\n{tombstone}{tombstone}")), [format!("lead\n{tombstone}"), tombstone.to_owned()]);
        let without_rule = "Build fingerprint: 'x'\n #00 pc 0 /a\n";
        assert_eq!(cut(&without_rule.repeat(3)), [without_rule; 3]);
        let log = "01-26 10:05:11.123  1  1 E AndroidRuntime: FATAL EXCEPTION: main\n01-26 10:05:11.123  1  1 E AndroidRuntime: a.B: c\n";
        assert_eq!(cut(&log.repeat(2)), [log; 2]);
        assert_eq!(cut(&format!("{{\"a\":1}}\n{tombstone}{{\"b\":1}}\n")), ["{\"a\":1}", tombstone, "{\"b\":1}"]);
        let apple = "Incident Identifier: 1\nProcess: x\n\nExtra Information:\n{\n \"a\": 1\n}\n";
        assert_eq!(cut(&apple.repeat(2)), [apple; 2]);
    }

    #[test]
    fn what_is_too_large_costs_itself() {
        let blank = vec![b' '; MAX_REPORT_BYTES];
        let stream =
            [b"{\"a\":1}\n{\"b\":", &blank[..], b"1}\n{\"c\":1}\n{\n", &blank[..blank.len() / 2], b"\n", &blank, b"\n}\n{\n}\n"].concat();
        let sizes: Vec<Result<usize, CrashError>> =
            Reports::new(&stream[..]).map(|report| report.unwrap().bytes.map(|bytes| bytes.len())).collect();
        let too_large = |bytes: usize| Err(CrashError::TooLarge { bytes: bytes as u64 });
        assert_eq!(sizes, [Ok(7), too_large(blank.len() + 8), Ok(7), too_large(blank.len() * 3 / 2 + 6), Ok(3)]);
    }
}
