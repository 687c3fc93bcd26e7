//! A mapping as a stream of classes: one [`ClassRow`] at a time, and [`MappingFacts`] at the end.
//!
//! ```text
//! bytes ─ lines ─> class, member ─ line.rs ─> Builder ─ next class or end ─> ClassRow
//!              └─> note, comment ─ note.rs ─┘   head.rs
//! ```
//!
//! What cannot be read is counted, and the rest used. Memory is that of one class, and the source
//! files of all ([`Sources`]).

use std::io::{self, BufRead};

use memchr::memchr;
use sha2::{Digest, Sha256};

use super::build::Builder;
use super::head::Header;
use super::id::ContentId;
use super::limits::MAX_LINE_BYTES;
use super::line::{self, BadLine, MemberLine};
use super::note::Note;
use super::row::ClassRow;
use super::skipped::{SkipReason, Skipped};
use super::source::Sources;

/// Reads a mapping class by class.
#[derive(Debug)]
pub struct MappingReader<R> {
    reader: R,
    /// The beginning of a line that goes on in the next piece.
    carry: Vec<u8>,
    classes: Classes,
    contents: Contents,
    is_ended: bool,
}

/// What a mapping is, as a whole.
#[derive(Clone, Debug)]
pub struct MappingFacts {
    /// What it says of itself.
    pub header: Header,
    /// What was left out.
    pub skipped: Skipped,
    /// Sentry's id of it: see [`ContentId`].
    pub uuid: [u8; 16],
    /// Whether its contents are those that R8 wrote, as `pg_map_hash` tells. `None` if it has no
    /// hash.
    pub is_whole: Option<bool>,
    /// How many rows there were.
    pub classes: u64,
    /// Which source file each class has.
    pub sources: Sources,
}

/// All but the reading.
#[derive(Debug, Default)]
struct Classes {
    builder: Builder,
    header: Header,
    skipped: Skipped,
    sources: Sources,
    rows: u64,
    /// Lines so far.
    line: u64,
    /// What the last line was.
    mark: Option<Mark>,
}

/// A line that says something of the contents as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// `pg_map_hash`: what is behind it is hashed.
    Hash,
    /// The class that Kotlin's Compose compiler appends to R8's mapping: what is before it is
    /// hashed.
    Compose,
}

/// The name of that class in programs.
const COMPOSE_CLASS: &str = "$$compose";

/// What is computed of all bytes.
#[derive(Debug, Default)]
struct Contents {
    id: ContentId,
    /// Of what is behind the line with the hash.
    hash: Option<Sha256>,
    /// The same, of what stood before the line that the last piece broke off in.
    before_line: Option<Sha256>,
    /// The hash of what stood before the class of Compose.
    without_compose: Option<[u8; 32]>,
}

impl Contents {
    /// A line begins, and goes on in the next piece.
    fn begin_line(&mut self) {
        self.before_line.clone_from(&self.hash);
    }

    /// The line that went on in this piece is that of Compose's class.
    fn end_before_line(&mut self) {
        if let Some(hash) = self.before_line.take() {
            self.without_compose.get_or_insert_with(|| hash.finalize().into());
        }
    }

    /// Adds the next bytes, in which marks stand: each with the places at which its line begins and
    /// ends.
    fn add(&mut self, bytes: &[u8], marks: &[(Mark, usize, usize)]) {
        self.id.update(bytes);
        let mut from = 0;
        for (mark, start, end) in marks {
            let (at, is_hash) = if *mark == Mark::Hash { (*end, true) } else { (*start, false) };
            if let Some(hash) = &mut self.hash {
                hash.update(&bytes[from..at]);
                if !is_hash {
                    self.without_compose.get_or_insert_with(|| hash.clone().finalize().into());
                }
            } else if is_hash {
                self.hash = Some(Sha256::new());
            }
            from = at;
        }
        if let Some(hash) = &mut self.hash {
            hash.update(&bytes[from..]);
        }
    }
}

impl<R: BufRead> MappingReader<R> {
    /// Reads what `reader` has.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            carry: Vec::new(),
            classes: Classes::default(),
            contents: Contents::default(),
            is_ended: false,
        }
    }

    /// Everything but the classes. To be asked for behind the last one.
    pub fn into_facts(self) -> MappingFacts {
        let Classes { header, skipped, sources, rows, .. } = self.classes;
        let Contents { id, hash, without_compose, .. } = self.contents;
        let all = hash.map(|hash| <[u8; 32]>::from(hash.finalize()));
        let is_whole = header
            .hash()
            .zip(all)
            .map(|(wanted, all)| wanted == all || Some(wanted) == without_compose);
        MappingFacts { header, skipped, uuid: id.uuid(), is_whole, classes: rows, sources }
    }

    /// The next class. `None` at the end.
    fn read(&mut self) -> io::Result<Option<ClassRow>> {
        while !self.is_ended {
            let buffer = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            let Some(end) = memchr(b'\n', buffer) else {
                self.is_ended = buffer.is_empty();
                if self.carry.is_empty() {
                    self.contents.begin_line();
                }
                // Of a line that is too long anyway, the length is enough.
                let room = (MAX_LINE_BYTES + 1).saturating_sub(self.carry.len());
                self.carry.extend_from_slice(&buffer[..buffer.len().min(room)]);
                let count = buffer.len();
                self.contents.add(buffer, &[]);
                self.reader.consume(count);
                if self.is_ended && !self.carry.is_empty() {
                    let row = self.classes.line(&self.carry);
                    self.carry.clear();
                    if row.is_some() {
                        return Ok(row);
                    }
                }
                continue;
            };
            let mut marks = Vec::new();
            let (row, count) = if self.carry.is_empty() {
                self.classes.lines(buffer, &mut marks)
            } else {
                let room = (MAX_LINE_BYTES + 1).saturating_sub(self.carry.len());
                self.carry.extend_from_slice(&buffer[..end.min(room)]);
                let row = self.classes.line(&self.carry);
                self.carry.clear();
                match self.classes.mark.take() {
                    Some(Mark::Compose) => self.contents.end_before_line(),
                    mark => marks.extend(mark.map(|mark| (mark, 0, end + 1))),
                }
                (row, end + 1)
            };
            self.contents.add(&buffer[..count], &marks);
            self.reader.consume(count);
            if row.is_some() {
                return Ok(row);
            }
        }
        Ok(self.classes.finish())
    }
}

impl<R: BufRead> Iterator for MappingReader<R> {
    type Item = io::Result<ClassRow>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

impl Classes {
    /// Reads the whole lines of `buffer`, until one of them ends a class; the bytes of the lines
    /// that were read, and the marks among them.
    fn lines(
        &mut self,
        buffer: &[u8],
        marks: &mut Vec<(Mark, usize, usize)>,
    ) -> (Option<ClassRow>, usize) {
        let mut start = 0;
        while let Some(length) = memchr(b'\n', &buffer[start..]) {
            let row = self.line(&buffer[start..start + length]);
            let end = start + length + 1;
            marks.extend(self.mark.take().map(|mark| (mark, start, end)));
            start = end;
            if row.is_some() {
                return (row, start);
            }
        }
        (None, start)
    }

    /// Reads a line, without its end. The class before, if the line begins one.
    fn line(&mut self, line: &[u8]) -> Option<ClassRow> {
        self.line += 1;
        if line.len() > MAX_LINE_BYTES {
            return self.skip(SkipReason::TooLong);
        }
        let line =
            if self.line == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        let is_indented = line.first().is_some_and(u8::is_ascii_whitespace);
        let trimmed = line.trim_ascii();
        let Ok(text) = std::str::from_utf8(trimmed) else {
            self.skip(SkipReason::NotText);
            // A class whose name is lost must not give its members to the one before.
            return if !is_indented && trimmed.ends_with(b":") { self.finish() } else { None };
        };
        match trimmed {
            [] => None,
            [b'#', ..] => self.comment(text[1..].trim_ascii()),
            [.., b':'] if !is_indented || line::class(text).is_some() => self.class(text),
            _ => self.member(text),
        }
    }

    fn class(&mut self, text: &str) -> Option<ClassRow> {
        let row = self.finish();
        match line::class(text) {
            Some(class) => {
                self.mark = (class.obfuscated == COMPOSE_CLASS).then_some(Mark::Compose);
                self.builder.begin(&class);
            }
            None => self.skipped.add(SkipReason::NotALine, self.line),
        }
        row
    }

    fn member(&mut self, text: &str) -> Option<ClassRow> {
        let member = line::member(text);
        let reason = match member {
            Ok(_) if !self.builder.is_begun() => Some(SkipReason::NoClass),
            Ok(MemberLine::Field) => {
                self.builder.field();
                None
            }
            Ok(MemberLine::Method(method)) => {
                self.builder.method(&method).err().map(|_| SkipReason::TooMany)
            }
            Err(BadLine::Shape) => Some(SkipReason::NotALine),
            Err(BadLine::LineNumbers) => Some(SkipReason::LineNumbers),
        };
        reason.and_then(|reason| self.skip(reason))
    }

    fn comment(&mut self, text: &str) -> Option<ClassRow> {
        if !text.starts_with('{') {
            let had_hash = self.header.pg_map_hash.is_some();
            self.header.read(text);
            self.mark = (!had_hash && self.header.pg_map_hash.is_some()).then_some(Mark::Hash);
            return None;
        }
        let reason = match Note::parse(text) {
            Err(_) => SkipReason::Note,
            Ok(Note::Unknown) => SkipReason::UnknownNote,
            Ok(Note::UnknownRule) => SkipReason::UnknownRule,
            Ok(Note::Version(version)) => {
                self.header.read_version(&version);
                return None;
            }
            Ok(Note::SourceFiles(files)) => {
                if files.iter().all(|(class, file)| self.sources.insert(class, file)) {
                    return None;
                }
                SkipReason::TooMany
            }
            Ok(note) => match self.builder.note(&note) {
                Ok(()) => return None,
                Err(_) => SkipReason::TooMany,
            },
        };
        // The member that it is for stays open for the next note.
        self.skipped.add(reason, self.line);
        None
    }

    /// Counts a line that is left out. Notes behind it go with it.
    fn skip(&mut self, reason: SkipReason) -> Option<ClassRow> {
        self.skipped.add(reason, self.line);
        self.builder.close_line();
        None
    }

    /// The class so far.
    fn finish(&mut self) -> Option<ClassRow> {
        if let Some((original, file)) = self.builder.source()
            && !self.sources.insert(original, file)
        {
            self.skipped.add(SkipReason::TooMany, self.line);
        }
        let row = self.builder.finish()?;
        self.rows += 1;
        Some(row)
    }
}
