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
mod joined;
mod stream;

use std::io::{self, BufRead};

use crate::event::error::CrashError;
use crate::limits::MAX_REPORT_BYTES;
use crate::parse::{is_list, other};
use crate::readers::tombstone_proto;
use array::Array;
use chunk::Chunk;
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
        assert_eq!(
            cut("{\"a\":1}\n{\"b\":2}\r\n\n{\"c\":3}"),
            ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"]
        );
        assert_eq!(
            cut("{\n \"a\": [\n  {\n  }\n ]\n}\n{\n}\n"),
            ["{\n \"a\": [\n  {\n  }\n ]\n}", "{\n}"]
        );
        // Without indentation.
        assert_eq!(cut("{\n\"a\":\n[\n{\n},\n{\n}\n]\n}\n"), ["{\n\"a\":\n[\n{\n},\n{\n}\n]\n}"]);
        assert_eq!(cut("\u{feff}{\"a\":1}"), ["\u{feff}{\"a\":1}"]);
        assert!(cut(" \n\n").is_empty());
    }

    #[test]
    fn documents_on_one_line() {
        assert_eq!(
            cut("{\"a\":\"}{\"}{\"b\":2}{}\n{\"c\":3}"),
            ["{\"a\":\"}{\"}", "{\"b\":2}", "{}", "{\"c\":3}"]
        );
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
        assert_eq!(
            cut(&format!("lead\n{tombstone}{tombstone}")),
            [format!("lead\n{tombstone}"), tombstone.to_owned()]
        );
        let without_rule = "Build fingerprint: 'x'\n #00 pc 0 /a\n";
        assert_eq!(cut(&without_rule.repeat(3)), [without_rule; 3]);
        let log = "01-26 10:05:11.123  1  1 E AndroidRuntime: FATAL EXCEPTION: main\n01-26 10:05:11.123  1  1 E AndroidRuntime: a.B: c\n";
        assert_eq!(cut(&log.repeat(2)), [log; 2]);
        assert_eq!(
            cut(&format!("{{\"a\":1}}\n{tombstone}{{\"b\":1}}\n")),
            ["{\"a\":1}", tombstone, "{\"b\":1}"]
        );
        let apple = "Incident Identifier: 1\nProcess: x\n\nExtra Information:\n{\n \"a\": 1\n}\n";
        assert_eq!(cut(&apple.repeat(2)), [apple; 2]);
    }

    #[test]
    fn what_people_write_around_json() {
        assert_eq!(cut("It crashed:\n\n```json\n{\"a\":1}\n```\nThanks!\n"), ["{\"a\":1}"]);
        assert_eq!(cut("Oops\n{\"a\":1}\nbye\n"), ["Oops\n", "{\"a\":1}", "bye\n"]);
        assert_eq!(cut("{\"a\":1}\n```\n #1 0x1 in f\n"), ["{\"a\":1}", "```\n #1 0x1 in f\n"]);
        assert_eq!(cut("```\nnothing\n"), ["```\nnothing\n"]);
    }

    #[test]
    fn what_is_too_large_costs_itself() {
        let blank = vec![b' '; MAX_REPORT_BYTES];
        let stream = [
            b"{\"a\":1}\n{\"b\":",
            &blank[..],
            b"1}\n{\"c\":1}\n{\n",
            &blank[..blank.len() / 2],
            b"\n",
            &blank,
            b"\n}\n{\n}\n",
        ]
        .concat();
        let sizes: Vec<Result<usize, CrashError>> = Reports::new(&stream[..])
            .map(|report| report.unwrap().bytes.map(|bytes| bytes.len()))
            .collect();
        let too_large = |bytes: usize| Err(CrashError::TooLarge { bytes: bytes as u64 });
        assert_eq!(
            sizes,
            [Ok(7), too_large(blank.len() + 8), Ok(7), too_large(blank.len() * 3 / 2 + 6), Ok(3)]
        );
    }

    #[test]
    fn a_document_is_given_when_it_ends() {
        /// Gives a piece at a time, and fails when more is asked for than there is.
        struct Pipe(Vec<&'static [u8]>, usize);
        impl io::Read for Pipe {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let next =
                    self.0.get(self.1).ok_or_else(|| io::Error::other("nothing has come yet"))?;
                self.1 += 1;
                into[..next.len()].copy_from_slice(next);
                Ok(next.len())
            }
        }
        for (pieces, want) in [
            (vec![&b"{\"a\":1}\n"[..]], vec!["{\"a\":1}"]),
            (
                vec![b"{\"a\":\"{\",", b"\"b\":[]}\n{\"c\":2}\n"],
                vec!["{\"a\":\"{\",\"b\":[]}", "{\"c\":2}"],
            ),
            (vec![b"{\n \"a\": {\n }\n}\n"], vec!["{\n \"a\": {\n }\n}"]),
            (vec![b"[\n {\"a\":1},\n {\"b\":2}\n"], vec!["{\"a\":1}", "{\"b\":2}"]),
        ] {
            let mut reports = Reports::new(io::BufReader::with_capacity(64, Pipe(pieces, 0)));
            for want in want {
                assert_eq!(reports.next().unwrap().unwrap().bytes.unwrap(), want.as_bytes());
            }
            assert!(reports.next().unwrap().is_err());
        }
    }

    #[test]
    fn a_bad_line_costs_itself() {
        assert_eq!(cut("garbage\n{\"a\":1}\n{\"b\":2}\n"), ["garbage\n", "{\"a\":1}", "{\"b\":2}"]);
        assert_eq!(cut("{\"a\":1}\ngarbage\n"), ["{\"a\":1}", "garbage\n"]);
        assert_eq!(cut("{\"a\":1}\ngarbage\n{\"b\":2}"), ["{\"a\":1}", "garbage\n", "{\"b\":2}"]);
        assert_eq!(cut("{\"a\":[1,2\n{\"b\":2}\n"), ["{\"a\":[1,2", "{\"b\":2}"]);
    }

    #[test]
    fn lists() {
        assert_eq!(cut("[{\"a\":1},{\"b\":[{}]}]"), ["{\"a\":1}", "{\"b\":[{}]}"]);
        assert_eq!(
            cut("[\n  {\n    \"a\": \"]\"\n  },\n  7,\n  {}\n]\n{\"c\":3}\n"),
            ["{\n    \"a\": \"]\"\n  }", "{}", "{\"c\":3}"]
        );
        // Cut off.
        assert_eq!(cut("[\n{\"a\":1},\n{\"b\":\n"), ["{\"a\":1}", "{\"b\":"]);
        // A list of nothing is one report, and no other line that begins so is a list.
        assert_eq!(cut("[]"), ["["]);
        assert_eq!(
            cut("[ 03-02 10:11:12.131  1: 1 E/x ]\n#00 pc 0 /a\n"),
            ["[ 03-02 10:11:12.131  1: 1 E/x ]\n#00 pc 0 /a\n"]
        );
        assert_eq!(cut("[\nx\n"), ["[\nx\n"]);
    }

    #[test]
    fn envelopes() {
        let envelope = "{\"event_id\":\"1\"}\n{\"type\":\"attachment\",\"length\":13}\n{\"a\":1}\n*** *\n{\"type\":\"event\",\"length\":7}\n{\"x\":1}\n";
        assert_eq!(cut(&envelope.repeat(2)), [envelope; 2]);
        assert_eq!(
            cut(&format!("{envelope}{{\"event_id\":\"\",\"platform\":\"\"}}")),
            [envelope, "{\"event_id\":\"\",\"platform\":\"\"}"]
        );
        // An object of a few keys is a document like others.
        assert_eq!(
            cut("{\"event_id\":\"1\"}\n{\"event_id\":\"2\"}\n"),
            ["{\"event_id\":\"1\"}", "{\"event_id\":\"2\"}"]
        );
    }

    #[test]
    fn reports_of_apple() {
        let json = "{\"app_name\":\"x\",\"bug_type\":\"309\"}\n{\n \"threads\" : [\n {\n }]\n}\n";
        let profile = "\nSystem Profile:\nModel: x,\n";
        let whole = format!("{json}{profile}");
        assert_eq!(cut(&whole.repeat(2)), [whole.trim_end(); 2]);
        let text = "Translated Report (Full Report Below)\n---\nProcess:  x [1]\n\nThread 0 Crashed:\n\n---\nFull Report\n---\n\n";
        let whole = format!("{text}{json}{profile}");
        assert_eq!(cut(&whole.repeat(2)), [whole.as_str(); 2]);
        let mac = "Process:   x [1]\nPath: y\nThread 0 Crashed:\n";
        assert_eq!(cut(&mac.repeat(2)), [mac; 2]);
        let ios = "Incident Identifier: 1\nProcess:   x [1]\n";
        assert_eq!(cut(&ios.repeat(2)), [ios; 2]);
    }

    #[test]
    fn what_is_logged_at_once_stays_together() {
        let line = |pid: u32, tag: &str, text: &str| {
            format!("03-02 10:11:12.131  {pid}  {pid} F {tag}: {text}\n")
        };
        let (one, two) = (line(1, "DEBUG", "*** *** ***"), line(2, "DEBUG", "*** *** ***"));
        let mixed = format!(
            "{one}{two}{}{}",
            line(1, "DEBUG", "#00 pc 0 /a"),
            line(2, "DEBUG", "#00 pc 0 /b")
        );
        assert_eq!(cut(&mixed), [mixed.as_str()]);
        // What comes much later was not logged at once.
        let noise = line(3, "noise", "x").repeat(5000);
        assert_eq!(cut(&format!("{mixed}{noise}{mixed}")), [format!("{mixed}{noise}"), mixed]);
    }
}
