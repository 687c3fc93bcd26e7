//! Sentry's envelopes with minidumps, which may be larger than any report: each dump is handed out
//! as it comes. Of the other items only the event is kept.

use std::io::{self, BufRead, Cursor, Read};

use crate::limits::MAX_REPORT_BYTES;
use crate::parse::begins_dump;
use crate::readers::sentry::envelope::{ItemHeader, MAX_HEADER_BYTES, item_header, may_be_header};

/// What a stream began with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvelopeRead {
    /// An envelope with minidumps, which were handed out.
    Dumps {
        /// Its event; absent if it has none, or one that is too large for a report.
        event: Option<Vec<u8>>,
        /// How many bytes its event has, if it is too large.
        skipped_event: Option<u64>,
    },
    /// Something else: all of it is still to be read.
    Other,
    /// An envelope without minidumps that is too large for a report. Its bytes, so many, were
    /// skipped.
    TooLarge(u64),
}

/// A stream that may begin with envelopes.
#[derive(Debug)]
pub struct Envelopes<R> {
    /// What was read of the stream and is still to be read.
    next: Cursor<Vec<u8>>,
    stream: R,
}

impl<R: BufRead> Envelopes<R> {
    /// Of `stream`, from its beginning on.
    pub fn new(stream: R) -> Self {
        Self { next: Cursor::default(), stream }
    }

    /// Reads the envelope that is next, if one is. `dump` gets each of its minidumps; what it leaves
    /// of one is skipped.
    ///
    /// # Errors
    /// If the stream cannot be read, or `dump` fails.
    pub fn read_envelope(
        &mut self,
        dump: &mut dyn FnMut(&mut dyn Read) -> io::Result<()>,
    ) -> io::Result<EnvelopeRead> {
        let mut reader = Reader {
            stream: &mut *self,
            dump,
            held: Vec::new(),
            bytes: 0,
            event: None,
            skipped_event: None,
            has_dumps: false,
        };
        let first = reader.line()?;
        let is_envelope = may_be_header(text(&first));
        let next = if is_envelope { reader.items()? } else { Vec::new() };
        let Reader { held, bytes, event, skipped_event, has_dumps, .. } = reader;
        Ok(if has_dumps {
            self.put_back(next);
            EnvelopeRead::Dumps { event, skipped_event }
        } else if bytes > MAX_REPORT_BYTES as u64 {
            self.put_back(next);
            EnvelopeRead::TooLarge(bytes)
        } else {
            self.put_back([held, next].concat());
            EnvelopeRead::Other
        })
    }

    fn put_back(&mut self, mut bytes: Vec<u8>) {
        let left = usize::try_from(self.next.position()).unwrap_or(usize::MAX);
        bytes.extend_from_slice(self.next.get_ref().get(left..).unwrap_or_default());
        self.next = Cursor::new(bytes);
    }
}

impl<R: BufRead> Read for Envelopes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut here = self.fill_buf()?;
        let count = here.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Envelopes<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.next.fill_buf()?.is_empty() { self.stream.fill_buf() } else { self.next.fill_buf() }
    }

    fn consume(&mut self, count: usize) {
        if self.next.fill_buf().is_ok_and(<[u8]>::is_empty) {
            self.stream.consume(count);
        } else {
            self.next.consume(count);
        }
    }
}

struct Reader<'s, R> {
    stream: &'s mut R,
    dump: &'s mut dyn FnMut(&mut dyn Read) -> io::Result<()>,
    /// All that was read, as long as it may turn out to be a report; without minidumps.
    held: Vec<u8>,
    /// How many bytes were read, minidumps left out.
    bytes: u64,
    event: Option<Vec<u8>>,
    skipped_event: Option<u64>,
    has_dumps: bool,
}

impl<R: BufRead> Reader<'_, R> {
    /// Reads items. Returns the line that is none, with which something else begins.
    fn items(&mut self) -> io::Result<Vec<u8>> {
        let mut is_first = true;
        // Whether the last item ended where its header says: else some of it is left.
        let mut is_exact = true;
        loop {
            let held = self.held.len();
            let line = self.line()?;
            if line.is_empty() {
                return Ok(line);
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            if let Some(header) = item_header(text(&line)) {
                is_exact = self.item(&header)?;
            } else if is_first {
                return Ok(Vec::new());
            } else if is_exact || may_be_header(text(&line)) {
                self.held.truncate(held);
                self.bytes -= line.len() as u64;
                return Ok(line);
            }
            is_first = false;
        }
    }

    /// Reads a line, or as much of a long one as a header may have; nothing at the end.
    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        let most = MAX_HEADER_BYTES as u64 + 1;
        self.stream.by_ref().take(most).read_until(b'\n', &mut line)?;
        self.hold(&line);
        Ok(line)
    }

    /// Reads a line, or as much of it as a report may have.
    fn rest_of_line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.stream.by_ref().take(MAX_REPORT_BYTES as u64).read_until(b'\n', &mut line)?;
        self.hold(&line);
        Ok(line)
    }

    /// Reads the bytes of an item. Whether it is as long as its header says.
    fn item(&mut self, header: &ItemHeader) -> io::Result<bool> {
        let Some(length) = header.length else {
            let line = self.rest_of_line()?;
            if is_dump(header, &line) {
                self.hand_out(line.trim_ascii_end(), 0)?;
            } else {
                self.take_event(header, &line);
            }
            return Ok(true);
        };
        let mut bytes = Vec::new();
        self.stream.by_ref().take(length.min(4)).read_to_end(&mut bytes)?;
        let left = length - bytes.len() as u64;
        if is_dump(header, &bytes) {
            self.hand_out(&bytes, left)?;
            return self.is_at_line_end();
        }
        self.hold(&bytes);
        let is_kept = header.kind == "event" && length <= MAX_REPORT_BYTES as u64;
        self.skip(left, is_kept.then_some(&mut bytes))?;
        let is_exact = self.is_at_line_end()?;
        if !is_exact && is_kept {
            // It ends with its line.
            match memchr::memchr(b'\n', &bytes) {
                Some(end) => bytes.truncate(end),
                None => bytes.extend(self.rest_of_line()?),
            }
        }
        if is_kept {
            self.take_event(header, &bytes);
        } else if header.kind == "event" && self.event.is_none() {
            self.skipped_event = Some(length);
        }
        Ok(is_exact)
    }

    /// Reads `left` bytes, which are held, and copied to `into`.
    fn skip(&mut self, mut left: u64, mut into: Option<&mut Vec<u8>>) -> io::Result<()> {
        while left > 0 {
            let piece = self.stream.fill_buf()?;
            let count = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            if count == 0 {
                break;
            }
            let piece = piece[..count].to_vec();
            self.stream.consume(count);
            if let Some(into) = &mut into {
                into.extend_from_slice(&piece);
            }
            self.hold(&piece);
            left -= count as u64;
        }
        Ok(())
    }

    /// Hands out a dump that begins with `head`, and of which `left` bytes are still to come.
    fn hand_out(&mut self, head: &[u8], left: u64) -> io::Result<()> {
        let Self { stream, dump, held, has_dumps, .. } = self;
        *has_dumps = true;
        *held = Vec::new();
        let mut whole = head.chain(stream.by_ref().take(left));
        dump(&mut whole)?;
        io::copy(&mut whole, &mut io::sink()).map(drop)
    }

    fn is_at_line_end(&mut self) -> io::Result<bool> {
        Ok(matches!(self.stream.fill_buf()?.first(), None | Some(b'\n' | b'\r')))
    }

    fn hold(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        if !self.has_dumps && self.bytes <= MAX_REPORT_BYTES as u64 {
            self.held.extend_from_slice(bytes);
        } else {
            self.held = Vec::new();
        }
    }

    /// Keeps the first event.
    fn take_event(&mut self, header: &ItemHeader, bytes: &[u8]) {
        if header.kind == "event" && self.event.is_none() {
            self.event = Some(bytes.trim_ascii().to_vec()).filter(|event| !event.is_empty());
        }
    }
}

/// Whether an item that begins with `head` is a minidump.
fn is_dump(header: &ItemHeader, head: &[u8]) -> bool {
    header.kind == "attachment" && begins_dump(head)
}

/// A line as a header may have it.
fn text(line: &[u8]) -> &str {
    std::str::from_utf8(line.trim_ascii()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `stream` through a buffer of a few bytes. What was read, the dumps, and what is left.
    fn read(stream: &[u8], buffer: usize) -> (EnvelopeRead, Vec<Vec<u8>>, Vec<u8>) {
        let mut stream = Envelopes::new(io::BufReader::with_capacity(buffer, stream));
        let mut dumps = Vec::new();
        let read = stream.read_envelope(&mut |dump| {
            let mut bytes = Vec::new();
            dump.read_to_end(&mut bytes)?;
            dumps.push(bytes);
            Ok(())
        });
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        (read.unwrap(), dumps, rest)
    }

    fn item(kind: &str, bytes: &[u8]) -> Vec<u8> {
        let header = format!("{{\"type\":\"{kind}\",\"length\":{}}}\n", bytes.len());
        [header.as_bytes(), bytes, b"\n"].concat()
    }

    const HEADER: &[u8] = b"{\"event_id\":\"1\",\"sent_at\":\"x\"}\n";

    #[test]
    fn dumps_are_handed_out_and_the_event_is_kept() {
        let (dump, event) = (&b"MDMP\n{\"type\":\"event\"}\n\x00"[..], &b"{\"a\":1}"[..]);
        let parts = [
            item("session", b"{}"),
            item("event", event),
            item("attachment", b"a\nlog"),
            item("attachment", dump),
            item("attachment", b"MD"),
            item("attachment", b"PMDM"),
        ];
        let want = EnvelopeRead::Dumps { event: Some(event.to_vec()), skipped_event: None };
        for turn in 0..parts.len() {
            let mut turned = parts.clone();
            turned.rotate_left(turn);
            let stream = [HEADER, &turned.concat()].concat();
            for buffer in [1, 7, 4096] {
                let (read, mut dumps, rest) = read(&stream, buffer);
                assert_eq!((read, rest), (want.clone(), Vec::new()), "{turn}");
                dumps.sort();
                assert_eq!(dumps, [dump, b"PMDM"], "{turn}");
            }
        }
    }

    #[test]
    fn what_follows_is_left() {
        let one = [HEADER, &item("attachment", b"MDMP1")].concat();
        let (read, dumps, rest) = read(&[&one[..], &one].concat(), 16);
        assert_eq!(dumps, [b"MDMP1"]);
        assert_eq!((read, rest), (EnvelopeRead::Dumps { event: None, skipped_event: None }, one));
    }

    #[test]
    fn what_has_no_dump_comes_back_as_it_was() {
        for stream in [
            b"".to_vec(),
            b"text".to_vec(),
            b"{\"event_id\":\"1\"}".to_vec(),
            b"{\"event_id\":\"1\"}\n{\"event_id\":\"2\"}\n".to_vec(),
            [HEADER, &item("event", b"{}"), b"\n", HEADER, b"x"].concat(),
            [HEADER, b"{\"type\":\"event\",\"length\":1}\n{\n}\nx\n"].concat(),
            [HEADER, b"{\"type\":\"event\",\"length\":100}\n{}"].concat(),
        ] {
            let (read, dumps, rest) = read(&stream, 5);
            assert_eq!((read, rest), (EnvelopeRead::Other, stream));
            assert!(dumps.is_empty());
        }
    }

    #[test]
    fn a_dump_that_is_cut_off_and_lengths_that_are_wrong() {
        let cut = [HEADER, b"{\"type\":\"attachment\",\"length\":100}\nMDMP12"].concat();
        assert_eq!(read(&cut, 9).1, [b"MDMP12"]);
        // After line ends were converted, an item ends with its line.
        let short = b"{\"type\":\"event\",\"length\":3}\n{\"a\":1}\n";
        let long = b"{\"type\":\"event\",\"length\":9}\n{\"a\":1}\n";
        let dump = item("attachment", b"MDMP1");
        let (found, dumps, _) = read(&[HEADER, short, &dump].concat(), 64);
        let event = Some(b"{\"a\":1}".to_vec());
        let want = EnvelopeRead::Dumps { event, skipped_event: None };
        assert_eq!((found, &dumps[..]), (want, &[b"MDMP1".to_vec()][..]));
        // One that swallows the next header is left to those who hold all of the envelope.
        let stream = [HEADER, long, &dump].concat();
        assert_eq!(read(&stream, 64).0, EnvelopeRead::Other);
    }

    #[test]
    fn one_that_is_too_large_is_skipped() {
        let large = vec![b'x'; MAX_REPORT_BYTES];
        let stream = [HEADER, &item("attachment", &large), b"text\n"].concat();
        let (read, _, rest) = read(&stream, 4096);
        let want = EnvelopeRead::TooLarge(stream.len() as u64 - 5);
        assert_eq!((read, rest), (want, b"text\n".to_vec()));
        // Of an event that is too large, its dump is left.
        let event = item("event", &[&large[..], b"x"].concat());
        let (found, dumps, _) =
            self::read(&[HEADER, &event, &item("attachment", b"MDMP")].concat(), 4096);
        let skipped_event = Some(MAX_REPORT_BYTES as u64 + 1);
        assert_eq!(found, EnvelopeRead::Dumps { event: None, skipped_event });
        assert_eq!(dumps, [b"MDMP"]);
    }
}
