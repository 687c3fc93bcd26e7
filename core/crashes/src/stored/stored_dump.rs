//! Stored minidumps, of which only the parts that are needed are read.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;

use crate::limits::OPEN_DUMP_PARTS;
use crate::stored::dump::{TAIL_END_BYTES, dump_lengths, is_dump};
use crate::stored::{Crashes, reports};
use symtool_store::Error;

/// The reports of a chunk that are minidumps. Those that follow each other share the parts that are
/// open.
pub struct StoredDumps<'c> {
    crashes: &'c Crashes,
    chunk: u64,
    /// Where each report ends in the stream of the chunk.
    ends: Vec<u64>,
    parts: RefCell<OpenParts>,
}

/// One of them.
pub struct StoredDump<'d> {
    dumps: &'d StoredDumps<'d>,
    /// Where it begins in the stream of the chunk.
    start: u64,
    /// How many bytes it has.
    bytes: u64,
    /// How many bytes the event has that stands behind it.
    event_bytes: u64,
}

/// Parts that were read.
#[derive(Default)]
struct OpenParts {
    /// Where each begins in the stream, and its bytes; the one that was used last is the first.
    open: VecDeque<(u64, Vec<u8>)>,
    /// Why one could not be read.
    error: Option<Error>,
}

impl<'c> StoredDumps<'c> {
    /// Those of a chunk of `crashes`.
    ///
    /// # Errors
    /// Any [`Error`].
    pub(crate) fn open(crashes: &'c Crashes, chunk: u64) -> Result<Self, Error> {
        let stored = crashes.stored_reports(chunk)?;
        let mut end = 0;
        let ends = stored.iter().map(|report| {
            end += report.bytes;
            end
        });
        Ok(Self { crashes, chunk, ends: ends.collect(), parts: RefCell::default() })
    }

    /// The one in `slot`.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn get(&self, slot: u16) -> Result<StoredDump<'_>, Error> {
        let slot = usize::from(slot);
        let end = self.ends.get(slot).copied();
        let end = end.ok_or_else(|| self.crashes.database.damaged())?;
        let start = slot.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0);
        let tail = (end - start).min(TAIL_END_BYTES as u64);
        let (bytes, event_bytes) = dump_lengths(end - start, &self.bytes(end - tail, tail)?);
        Ok(StoredDump { dumps: self, start, bytes, event_bytes })
    }

    /// Bytes from offset `start` of the stream on.
    fn bytes(&self, start: u64, count: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; usize::try_from(count).unwrap_or(usize::MAX)];
        if self.fill(start, &mut bytes) {
            return Ok(bytes);
        }
        self.check()?;
        Err(self.crashes.database.damaged())
    }

    /// Fills `left` with the bytes from offset `at` of the stream on. Whether they could be read.
    fn fill(&self, mut at: u64, mut left: &mut [u8]) -> bool {
        let mut parts = self.parts.borrow_mut();
        while !left.is_empty() {
            let Some((start, part)) = parts.holding(at) else {
                if !parts.fetch(self, at) {
                    return false;
                }
                continue;
            };
            let from = usize::try_from(at - start).unwrap_or(usize::MAX);
            let here = part.get(from..).unwrap_or_default();
            let (now, rest) = left.split_at_mut(here.len().min(left.len()));
            now.copy_from_slice(&here[..now.len()]);
            at += now.len() as u64;
            left = rest;
        }
        true
    }

    /// Whether all that was asked for could be read.
    fn check(&self) -> Result<(), Error> {
        self.parts.borrow_mut().error.take().map_or(Ok(()), Err)
    }
}

impl StoredDump<'_> {
    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.bytes
    }

    /// Whether its bytes are kept: those of one that was dropped are zeros.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn is_there(&self) -> Result<bool, Error> {
        Ok(is_dump(&self.dumps.bytes(self.start, self.bytes.min(4))?))
    }

    /// Fills `buffer` with the bytes at `offset`. Whether it has them and they could be read: if
    /// not, [`StoredDump::check`] says why.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> bool {
        let end = offset.checked_add(buffer.len() as u64);
        end.is_some_and(|end| end <= self.bytes) && self.dumps.fill(self.start + offset, buffer)
    }

    /// The event that came with it, in a Sentry envelope; empty if none did. It stays when the bytes
    /// of the dump are dropped.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn event(&self) -> Result<Vec<u8>, Error> {
        self.dumps.bytes(self.start + self.bytes, self.event_bytes)
    }

    /// Whether all that was asked for since this was asked last could be read.
    ///
    /// # Errors
    /// Why it could not.
    pub fn check(&self) -> Result<(), Error> {
        self.dumps.check()
    }
}

impl OpenParts {
    /// The part that has the offset `at` of the stream, if it is open.
    fn holding(&mut self, at: u64) -> Option<(u64, &[u8])> {
        let holds = |(start, part): &(u64, Vec<u8>)| *start <= at && at - start < part.len() as u64;
        let found = self.open.iter().position(holds)?;
        if found > 0
            && let Some(part) = self.open.remove(found)
        {
            self.open.push_front(part);
        }
        self.open.front().map(|(start, part)| (*start, &part[..]))
    }

    /// Reads the part that has the offset `at`. Whether it could be read.
    fn fetch(&mut self, dumps: &StoredDumps<'_>, at: u64) -> bool {
        if self.error.is_some() {
            return false;
        }
        let database = &dumps.crashes.database;
        match reports::part(database, dumps.chunk, at) {
            Ok(Some(part)) => {
                self.open.truncate(OPEN_DUMP_PARTS - 1);
                self.open.push_front(part);
            }
            Ok(None) => self.error = Some(database.damaged()),
            Err(error) => self.error = Some(error),
        }
        self.error.is_none()
    }
}

impl fmt::Debug for StoredDump<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a minidump of {} bytes in chunk {}", self.bytes, self.dumps.chunk)
    }
}

impl fmt::Debug for StoredDumps<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "minidumps of chunk {}", self.chunk)
    }
}
