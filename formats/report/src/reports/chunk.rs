//! A report while its lines come: what it is, and whether the next line still belongs to it.

use super::begin::{Begin, is_frame_like, is_header};
use super::brackets::Brackets;
use super::stream::StreamLine;
use crate::limits::{MAX_APART_BYTES, MAX_REPORT_BYTES};
use crate::parse::detect::{self, Family};
use crate::readers::apple_text::Beginning;
use crate::readers::sentry::envelope;
use crate::scan::text::same_offsets;

/// A report while its lines come.
pub struct Chunk {
    /// The first byte's offset in the stream.
    pub offset: u64,
    /// Bytes so far.
    pub length: u64,
    /// All of them, unless they are more than a report may have.
    pub bytes: Vec<u8>,
    lines: usize,
    kind: Kind,
    /// The last byte that is not blank.
    last: u8,
    /// The kinds of beginnings in it.
    begun: Vec<Begin>,
    /// Whether a frame came since one of a native report.
    has_frame: bool,
    /// The offset of the last crash that began.
    last_begun: u64,
    /// Whether the last line says who wrote the next one.
    is_behind_header: bool,
    /// Whether nothing in it is, or belongs to, a report.
    is_prose: bool,
    /// Whether the first line, and the last one, part what people write from what they paste.
    fences: (bool, bool),
}

/// What a report is, as far as its lines so far say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// One JSON document.
    Document(Brackets),
    /// A line of a stream of one document a line, which is not looked through.
    OfNdjson,
    /// A document that may be the header of an envelope.
    EnvelopeHeader,
    /// An envelope, with an item up to this offset.
    Envelope(u64),
    /// Apple's header, with its body once that has begun: before it a text belongs to the header,
    /// and a text may stand behind it.
    Apple(Option<Brackets>),
    /// A bracket, with which a list may begin.
    Bracket,
    /// Lines. How many documents may still follow: of a text that Apple's JSON was translated to.
    Text(u8),
}

impl Chunk {
    /// A report that begins with `first`, in a stream of which a line was one document if
    /// `is_ndjson`.
    pub fn new(first: StreamLine, is_ndjson: bool) -> Self {
        let StreamLine { offset, length, bytes } = first;
        let kind =
            Kind::of(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes).trim_ascii(), is_ndjson);
        let last = last_of(&bytes).unwrap_or_default();
        let begun: Vec<Begin> = Begin::of(&bytes).into_iter().collect();
        let is_prose = kind == Kind::Text(0) && begun.is_empty() && !is_frame_like(&bytes);
        let fences = (is_fence(&bytes), is_fence(&bytes));
        let mut chunk = Self {
            kind,
            offset,
            length,
            lines: 1,
            last,
            begun,
            has_frame: false,
            last_begun: offset,
            is_behind_header: false,
            is_prose,
            fences,
            bytes,
        };
        chunk.may_go_on();
        chunk
    }

    /// Whether it has ended, whatever follows.
    pub fn is_complete(&self) -> bool {
        match self.kind {
            Kind::Document(brackets) => brackets.is_closed(),
            Kind::OfNdjson => true,
            _ => false,
        }
    }

    /// Whether its only line and `line` begin a list of objects.
    pub fn begins_array(&self, line: &StreamLine) -> bool {
        self.kind == Kind::Bracket
            && self.lines == 1
            && line.bytes.trim_ascii_start().starts_with(b"{")
    }

    /// Whether it is JSON, behind which blanks mean nothing.
    pub fn is_json(&self) -> bool {
        matches!(
            self.kind,
            Kind::Document(_) | Kind::OfNdjson | Kind::EnvelopeHeader | Kind::Apple(Some(_))
        )
    }

    /// Whether it may be several documents that follow each other.
    pub fn may_be_joined(&self) -> bool {
        match self.kind {
            Kind::Document(brackets) => !brackets.is_closed() || brackets.closings() != 1,
            kind => matches!(kind, Kind::EnvelopeHeader | Kind::OfNdjson),
        }
    }

    /// Whether it is a JSON document on one line.
    pub fn is_one_document(&self) -> bool {
        matches!(self.kind, Kind::Document(_) | Kind::OfNdjson | Kind::EnvelopeHeader)
            && self.lines == 1
            && self.last == b'}'
    }

    /// Whether it is what somebody wrote around a report in JSON: up to the fence before it, or
    /// from the one behind it on.
    pub fn is_around(&self, next: Option<&StreamLine>) -> bool {
        let (begins, ends) = self.fences;
        self.is_prose && (begins || ends && next.is_some_and(|line| line.bytes.starts_with(b"{")))
    }

    /// Whether `line` begins another report.
    pub fn ends_before(&mut self, line: &StreamLine, is_ndjson: bool) -> bool {
        match self.kind {
            Kind::EnvelopeHeader => {
                return !line.bytes.trim_ascii().is_empty() && item_of(line).is_none();
            }
            Kind::Envelope(until) if line.offset < until || line.bytes.trim_ascii().is_empty() => {
                return false;
            }
            // What is no item is left of one whose length was wrong, unless it is a report of its
            // own.
            Kind::Envelope(_) => {
                return line.bytes.starts_with(b"{") && item_of(line).is_none() && is_report(line);
            }
            _ => {}
        }
        if line.bytes.starts_with(b"{") {
            let has_room = matches!(self.last, b'[' | b',' | b':');
            return match self.kind {
                Kind::Text(0) | Kind::Bracket => line.bytes.starts_with(b"{\""),
                Kind::Text(_) => false,
                // What is within the body is further to the right, or behind a comma.
                // Of a text behind the header, nothing begins so.
                Kind::Apple(None) => self.lines > 1 && line.bytes.starts_with(b"{\""),
                Kind::Apple(Some(brackets)) => brackets.is_closed() || !has_room,
                _ => is_ndjson && self.lines == 1 && line.bytes.starts_with(b"{\"") || !has_room,
            };
        }
        match Begin::of(&line.bytes) {
            // Of one document, nothing else is a part.
            Some(Begin::Crash(..) | Begin::Apple(_))
                if matches!(self.kind, Kind::Document(_) | Kind::Apple(Some(_))) =>
            {
                true
            }
            // Who wrote it stands above.
            Some(Begin::Crash(..)) if self.is_behind_header => false,
            Some(begin @ Begin::Crash(..)) => self.is_apart(&begin, line.offset),
            Some(Begin::Apple(beginning)) => self.ends_before_apple(beginning),
            Some(_) if matches!(self.kind, Kind::Document(_) | Kind::Apple(_)) => false,
            Some(Begin::Fingerprint) => self.begun.contains(&Begin::Fingerprint),
            // Several lines with which a report can begin may follow each other.
            Some(Begin::Native) => self.has_frame && self.begun.contains(&Begin::Native),
            None => false,
        }
    }

    /// Whether a crash of which `begin` at `offset` is the beginning cannot be mixed with what is
    /// there: it comes from the same writer, or long after the others.
    fn is_apart(&self, begin: &Begin, offset: u64) -> bool {
        let mut crashes =
            self.begun.iter().filter(|begun| matches!(begun, Begin::Crash(..))).peekable();
        if crashes.peek().is_none() {
            return !self.begun.is_empty();
        }
        crashes.all(|begun| begun == begin)
            || offset.saturating_sub(self.last_begun) > MAX_APART_BYTES
    }

    fn ends_before_apple(&self, beginning: Beginning) -> bool {
        let has = |beginning| self.begun.contains(&Begin::Apple(beginning));
        match beginning {
            Beginning::Process => has(Beginning::Process),
            // A header stands before it.
            Beginning::Incident if self.kind == Kind::Apple(None) => has(Beginning::Incident),
            // A whole report quotes it.
            Beginning::Uncaught => has(Beginning::Uncaught) && self.begun.len() == 1,
            _ => !self.begun.is_empty(),
        }
    }

    /// Adds `line`.
    pub fn push(&mut self, line: &StreamLine) {
        let is_within = matches!(self.kind, Kind::Envelope(until) if line.offset < until);
        match &mut self.kind {
            Kind::Document(brackets) => brackets.feed(&line.bytes),
            Kind::Apple(body @ None)
                if self.lines == 1 && line.bytes.trim_ascii_start().starts_with(b"{") =>
            {
                body.insert(Brackets::default()).feed(&line.bytes);
            }
            Kind::Apple(Some(brackets)) if !brackets.is_closed() => brackets.feed(&line.bytes),
            Kind::EnvelopeHeader | Kind::Envelope(_) => {
                if let Some(item) = item_of(line).filter(|_| !is_within) {
                    let behind = line.offset + line.length;
                    // Without a length, an item is a line.
                    self.kind = Kind::Envelope(behind.saturating_add(item.length.unwrap_or(1)));
                }
            }
            Kind::Bracket => self.kind = Kind::Text(0),
            Kind::Text(documents)
                if line.bytes.trim_ascii() == b"Full Report" && is_of_apple(&self.begun) =>
            {
                *documents = 2;
            }
            Kind::Text(documents) if *documents > 0 && line.bytes.starts_with(b"{") => {
                *documents -= 1;
            }
            _ => {}
        }
        self.length += line.length;
        self.lines += 1;
        if self.length <= MAX_REPORT_BYTES as u64 {
            self.bytes.extend_from_slice(&line.bytes);
        } else {
            self.bytes = Vec::new();
        }
        self.last = last_of(&line.bytes).unwrap_or(self.last);
        let begin = Begin::of(&line.bytes);
        self.is_behind_header = is_header(&line.bytes);
        self.is_prose = self.is_prose
            && self.kind == Kind::Text(0)
            && begin.is_none()
            && !is_frame_like(&line.bytes);
        if !line.bytes.trim_ascii().is_empty() {
            self.fences.1 = is_fence(&line.bytes);
        }
        self.has_frame = self.has_frame
            || begin.is_none() && self.begun.contains(&Begin::Native) && is_frame_like(&line.bytes);
        if let Some(begin) = begin {
            if matches!(begin, Begin::Crash(..)) {
                self.last_begun = line.offset;
            }
            if !self.begun.contains(&begin) {
                self.begun.push(begin);
            }
        }
        self.may_go_on();
    }

    /// Behind a body of Apple's without a header a text may follow, too.
    fn may_go_on(&mut self) {
        let brackets = match self.kind {
            Kind::Document(brackets) if brackets.is_closed() => brackets,
            Kind::OfNdjson => Brackets::default(),
            _ => return,
        };
        if detect::family(&same_offsets(&self.bytes)) == Family::IpsBody {
            self.kind = Kind::Apple(Some(brackets));
        }
    }
}

/// Whether `line` parts prose from what is pasted: ` ``` `.
fn is_fence(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"```")
}

fn is_of_apple(begun: &[Begin]) -> bool {
    begun.iter().any(|begin| matches!(begin, Begin::Apple(_)))
}

impl Kind {
    /// What begins with the line `text`.
    fn of(text: &[u8], is_ndjson: bool) -> Self {
        if text.starts_with(b"[") {
            return if text == b"[" { Self::Bracket } else { Self::Text(0) };
        }
        if !text.starts_with(b"{") {
            return Self::Text(0);
        }
        if text.len() < envelope::MAX_HEADER_BYTES && text.ends_with(b"}") {
            let header = same_offsets(text);
            if detect::family(&header) == Family::Ips {
                return Self::Apple(None);
            }
            if envelope::may_be_header(&header) {
                return Self::EnvelopeHeader;
            }
        }
        if is_ndjson && text.starts_with(b"{\"") && text.ends_with(b"}") {
            return Self::OfNdjson;
        }
        let mut brackets = Brackets::default();
        brackets.feed(text);
        Self::Document(brackets)
    }
}

/// The header of an envelope's item, if `line` is one.
fn item_of(line: &StreamLine) -> Option<envelope::ItemHeader> {
    envelope::item_header(std::str::from_utf8(line.bytes.trim_ascii()).ok()?)
}

/// Whether `line` begins an envelope, or is a report in JSON.
fn is_report(line: &StreamLine) -> bool {
    let text = same_offsets(&line.bytes);
    envelope::may_be_header(text.trim_end()) || !matches!(detect::family(&text), Family::Unknown(_))
}

fn last_of(line: &[u8]) -> Option<u8> {
    line.trim_ascii_end().last().copied()
}
