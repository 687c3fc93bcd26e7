//! What all parts of a dump are read with: claims of bytes, lists of records, texts.

use std::borrow::Cow;

use minidump_common::format::MINIDUMP_LOCATION_DESCRIPTOR;

use crate::bytes::faults::{DumpFaults, DumpPart, FaultKind};
use crate::bytes::{Bytes, Record, text};
use crate::limits;

/// A range of bytes of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileRange {
    /// Where it begins, in bytes from the file's beginning.
    pub offset: u64,
    /// How many bytes it has. They need not all be in the file.
    pub size: u64,
}

impl FileRange {
    /// The first offset after it.
    pub fn end(self) -> u64 {
        self.offset.saturating_add(self.size)
    }

    /// Whether some bytes are in both.
    pub fn overlaps(self, other: Self) -> bool {
        self.offset < other.end() && other.offset < self.end()
    }

    /// Whether it has no bytes. Nothing can lie at offset 0, where the header is.
    pub fn is_empty(self) -> bool {
        self.size == 0 || self.offset == 0
    }
}

impl From<MINIDUMP_LOCATION_DESCRIPTOR> for FileRange {
    fn from(location: MINIDUMP_LOCATION_DESCRIPTOR) -> Self {
        Self { offset: location.rva.into(), size: location.data_size.into() }
    }
}

/// The furthest end of all that a dump's descriptors point at.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// The furthest end, in bytes from the file's beginning.
    pub end: u64,
    /// What ends there.
    pub part: DumpPart,
    /// Whether records are missing that could point further.
    pub may_be_further: bool,
}

/// The records of a list that can be read: where the first begins, how far apart they are, how many
/// there are.
#[derive(Clone, Copy, Debug)]
pub struct Records {
    first: u64,
    each: u64,
    pub count: u64,
}

impl Records {
    /// No records.
    pub fn none() -> Self {
        Self { first: 0, each: 0, count: 0 }
    }

    /// The first `count` of them.
    pub fn at_most(self, count: u64) -> Self {
        Self { count: self.count.min(count), ..self }
    }

    /// Where each record begins.
    pub fn offsets(self) -> impl ExactSizeIterator<Item = u64> {
        let count = usize::try_from(self.count).unwrap_or_default();
        (0..count).map(move |at| {
            self.first.saturating_add(self.each.saturating_mul(crate::bytes::width(at)))
        })
    }
}

/// Reads a dump: its bytes, what was wrong so far, how far it reaches.
#[derive(Debug)]
pub struct Reader<'a> {
    pub bytes: Bytes<'a>,
    pub faults: DumpFaults,
    pub reach: Reach,
    text_left: usize,
    annotations_left: u64,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: Bytes<'a>) -> Self {
        let reach = Reach { end: 32, part: DumpPart::Header, may_be_further: false };
        Self {
            bytes,
            faults: DumpFaults::default(),
            reach,
            text_left: limits::MAX_ALL_TEXT_BYTES,
            annotations_left: limits::MAX_ANNOTATIONS,
        }
    }

    /// Notes that `part` has these bytes, and whether they are all in the file. They count for how
    /// far the dump reaches.
    pub fn claim(&mut self, part: DumpPart, range: FileRange) -> bool {
        if range.end() > self.reach.end {
            (self.reach.end, self.reach.part) = (range.end(), part);
        }
        self.is_inside(part, range)
    }

    /// Whether these bytes are all in the file. They do not count for how far the dump reaches:
    /// what is not needed to read a crash is not always written with care.
    pub fn is_inside(&mut self, part: DumpPart, range: FileRange) -> bool {
        let inside = range.end() <= self.bytes.len();
        if !inside {
            self.faults.count(part, FaultKind::OutsideFile);
        }
        inside
    }

    /// Reads a record that has to be in the file whole.
    pub fn record<T: Record>(&mut self, part: DumpPart, offset: u64) -> Option<T> {
        let record = self.bytes.record(offset);
        if record.is_none() {
            self.faults.count(part, FaultKind::OutsideFile);
        }
        record
    }

    /// The records of a list that begins with how many it has. Some writers align the records to 8
    /// bytes, so that four bytes of padding follow the number (Breakpad issue 118).
    pub fn list(&mut self, part: DumpPart, stream: FileRange, each: u64, most: u64) -> Records {
        let Some(count) = self.bytes.u32(stream.offset).filter(|_| stream.size >= 4) else {
            self.faults.count(part, FaultKind::Malformed);
            self.reach.may_be_further |= stream.end() > self.bytes.len();
            return Records::none();
        };
        let records = u64::from(count).saturating_mul(each);
        let padding = if stream.size.checked_sub(records) == Some(8) { 8 } else { 4 };
        self.records(part, stream, padding, each, count.into(), most)
    }

    /// The records of a list after a header: no more than its stream, the file and `most` allow.
    pub fn records(
        &mut self,
        part: DumpPart,
        stream: FileRange,
        header: u64,
        each: u64,
        count: u64,
        most: u64,
    ) -> Records {
        let first = stream.offset.saturating_add(header);
        if each == 0 {
            self.faults.count(part, FaultKind::Malformed);
            return Records::none();
        }
        let room = stream.end().saturating_sub(first) / each;
        if count > room {
            self.faults.count(part, FaultKind::CountTooLarge);
        }
        let stated = count.min(room);
        let here = stream.end().min(self.bytes.len()).saturating_sub(first) / each;
        if stated > here {
            self.faults.add(part, FaultKind::OutsideFile, stated - here);
            self.reach.may_be_further |= stream.end() <= self.reach.end;
        }
        let count = stated.min(here);
        if count > most {
            self.faults.add(part, FaultKind::TooMany, count - most);
        }
        Records { first, each, count: count.min(most) }
    }

    /// The UTF-16 text at `offset`, where its length in bytes stands before it
    /// (`MINIDUMP_STRING`).
    pub fn utf16(&mut self, part: DumpPart, offset: u64) -> Option<String> {
        let endian = self.bytes.endian();
        self.text(part, offset).map(|bytes| text::utf16(&bytes, endian))
    }

    /// The UTF-8 text at `offset`, where its length in bytes stands before it
    /// (`MinidumpUTF8String` of Crashpad).
    pub fn utf8(&mut self, part: DumpPart, offset: u64) -> Option<String> {
        self.text(part, offset).map(|bytes| text::utf8(&bytes))
    }

    /// The bytes of a text at `offset`, where their number stands before them.
    pub fn text(&mut self, part: DumpPart, offset: u64) -> Option<Cow<'a, [u8]>> {
        if offset == 0 {
            return None;
        }
        let length = FileRange { offset, size: 4 };
        let is_inside = match part {
            DumpPart::ModuleName => self.claim(part, length),
            _ => self.is_inside(part, length),
        };
        if !is_inside {
            self.reach.may_be_further |= part == DumpPart::ModuleName;
            return None;
        }
        let size = u64::from(self.bytes.u32(offset)?);
        self.bounded(part, FileRange { offset: offset + 4, size })
    }

    /// The bytes of a text, if they are in the file and short enough.
    pub fn bounded(&mut self, part: DumpPart, range: FileRange) -> Option<Cow<'a, [u8]>> {
        if range.size > limits::MAX_TEXT_BYTES {
            // Not a text that is cut off: no text is that long.
            self.faults.count(part, FaultKind::TooLong);
            return None;
        }
        let is_inside = match part {
            DumpPart::ModuleName | DumpPart::CodeView => self.claim(part, range),
            _ => self.is_inside(part, range),
        };
        if !is_inside {
            return None;
        }
        let bytes = self.bytes.get(range.offset, range.size)?;
        let Some(left) = self.text_left.checked_sub(bytes.len()) else {
            self.faults.count(part, FaultKind::TooMany);
            return None;
        };
        self.text_left = left;
        Some(bytes)
    }

    /// Takes as many of `count` annotations as the limit has left.
    pub fn take_annotations(&mut self, count: u64) -> u64 {
        let taken = count.min(self.annotations_left);
        self.faults.add(DumpPart::Crashpad, FaultKind::TooMany, count - taken);
        self.annotations_left -= taken;
        taken
    }
}
