//! Reads crashes, their reports, and reports that could not be read.

use std::collections::HashMap;

use crate::ids::{CrashId, FingerprintId, GroupId};
use crate::stored::chunk::{Chunk, StoredCrash};
use crate::stored::reports::{self, Stream};
use crate::stored::state::StatesRow;
use crate::stored::state::{Failed, FingerprintRow, Slot, State};
use crate::stored::stored_report::{StoredReport, extent};
use crate::stored::{Crashes, StoredDumps, rows};
use symtool_report::Format;
use symtool_store::Error;

/// A crash, as a list has it.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    /// Where it is.
    pub at: Slot,
    /// What is known of it.
    pub crash: &'a StoredCrash,
    /// What came of it.
    pub state: State,
    /// Its group.
    pub group: GroupId,
    /// The chunk that has its texts.
    pub chunk: &'a Chunk,
}

/// What is known of a stored minidump besides the crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpFacts {
    /// How many bytes it has.
    pub bytes: u64,
    /// Whether they are kept.
    pub is_there: bool,
    /// The event that came with it, in a Sentry envelope; empty if none did.
    pub event: Vec<u8>,
}

/// What an id or its beginning names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// Exactly this one.
    One(T),
    /// None.
    Unknown,
    /// Several; the first of them.
    Several(Vec<T>),
}

/// A key and its value.
type Row = (Vec<u8>, Vec<u8>);

/// How many of several are named.
const MAX_NAMED: usize = 4;

impl Crashes {
    /// Calls `each` with every crash, in the order in which they came, until it says no.
    ///
    /// # Errors
    /// Any [`Error`], also of `each`.
    pub fn each(
        &self,
        mut each: impl FnMut(Listed<'_>) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let mut groups = GroupOf::default();
        self.database.each(rows::area::CHUNKS, rows::area::CHUNKS, |key, value| {
            let number = rows::last_number(key).ok_or_else(|| self.database.damaged())?;
            let chunk: Chunk = self.database.decode(&self.database.expand(&value)?)?;
            let states = self.states(number)?;
            for ((slot, crash), state) in (0..=u16::MAX)
                .zip(chunk.crashes())
                .zip(&states)
                .filter(|(_, state)| state.is_shown())
            {
                let group = groups.get(self, state.signature)?;
                let at = Slot { chunk: number, slot };
                if !each(Listed { at, crash, state: *state, group, chunk: &chunk })? {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// The crashes at `slots`, in their order.
    ///
    /// # Errors
    /// Any [`Error`], also of `each`.
    pub fn each_of(
        &self,
        slots: &[Slot],
        mut each: impl FnMut(Listed<'_>) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let mut groups = GroupOf::default();
        for of_chunk in slots.chunk_by(|a, b| a.chunk == b.chunk) {
            let number = of_chunk[0].chunk;
            let Some(chunk) = self.chunk(number)? else { continue };
            let states = self.states(number)?;
            for at in of_chunk {
                let (Some(crash), Some(state)) =
                    (chunk.crash(at.slot), states.get(usize::from(at.slot)))
                else {
                    continue;
                };
                if !state.is_shown() {
                    continue;
                }
                let group = groups.get(self, state.signature)?;
                if !each(Listed { at: *at, crash, state: *state, group, chunk: &chunk })? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The crash whose id is `text` or begins with it, or whose report has `text` as its own id.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn find(&self, text: &str) -> Result<Found<Slot>, Error> {
        if let Some(own) = self.at(CrashId::of(Some(text), b""))? {
            return Ok(Found::One(self.shown(own)?));
        }
        let found =
            self.ids_beginning(text, rows::area::CRASHES, CrashId::LETTER, CrashId::BYTES)?;
        let slots: Result<Vec<Slot>, Error> =
            found.iter().map(|(_, value)| self.shown(self.database.decode(value)?)).collect();
        Ok(Found::of(slots?))
    }

    /// `at`, where a row of the index has led. An older row, put back, leads to a crash that is not
    /// shown any more.
    fn shown(&self, at: Slot) -> Result<Slot, Error> {
        let states = self.states(at.chunk)?;
        let is_shown = states.get(usize::from(at.slot)).is_some_and(State::is_shown);
        if is_shown { Ok(at) } else { Err(self.database.damaged()) }
    }

    /// Where the crash `id` is.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn at(&self, id: CrashId) -> Result<Option<Slot>, Error> {
        self.database.get(&rows::crash(id))
    }

    /// The report of the crash at `at`, as it came.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn report(&self, at: Slot) -> Result<Option<Vec<u8>>, Error> {
        let stored = self.stored_reports(at.chunk)?;
        extent(&stored, at.slot)
            .map(|extent| reports::get(&self.database, Stream::Chunk(at.chunk), extent))
            .transpose()
    }

    /// The minidumps among the reports of a chunk.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn dumps(&self, chunk: u64) -> Result<StoredDumps<'_>, Error> {
        StoredDumps::open(self, chunk)
    }

    /// Calls `each` with the report of the crash at `at`, as it came, some of it at a time, until
    /// one of the calls fails.
    ///
    /// # Errors
    /// Any [`Error`], and what a call failed with.
    pub fn each_part<E: From<Error>>(
        &self,
        at: Slot,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let stored = self.stored_reports(at.chunk)?;
        let Some(extent) = extent(&stored, at.slot) else { return Ok(()) };
        let mut ended = Ok(());
        reports::each(&self.database, Stream::Chunk(at.chunk), extent, |part| {
            ended = each(part);
            Ok(ended.is_ok())
        })?;
        ended
    }

    /// What is known of the report at `at` as a minidump; `None` if it is none.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn dump_facts(&self, at: Slot) -> Result<Option<DumpFacts>, Error> {
        let chunk = self.chunk(at.chunk)?.ok_or_else(|| self.database.damaged())?;
        if chunk.crash(at.slot).is_none_or(|crash| crash.format != Format::Mdmp) {
            return Ok(None);
        }
        let dumps = self.dumps(at.chunk)?;
        let dump = dumps.get(at.slot)?;
        let (is_there, event) = (dump.is_there()?, dump.event()?);
        Ok(Some(DumpFacts { bytes: dump.size(), is_there, event }))
    }

    /// Whether all of the report at `at` came.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn is_whole(&self, at: Slot) -> Result<bool, Error> {
        let stored = self.stored_reports(at.chunk)?;
        Ok(stored.get(usize::from(at.slot)).is_none_or(|report| report.weight.is_whole))
    }

    /// Where other reports of the crash at `at` are than that one.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn other_reports_of(&self, at: Slot) -> Result<Vec<Slot>, Error> {
        let chunk = self.chunk(at.chunk)?.ok_or_else(|| self.database.damaged())?;
        chunk.crash(at.slot).map_or(Ok(Vec::new()), |crash| self.other_reports(crash.id))
    }

    /// Where other reports of the crash `id` are than the one that is shown.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn other_reports(&self, id: CrashId) -> Result<Vec<Slot>, Error> {
        let (prefix, mut others) = (rows::other_reports(id), Vec::new());
        self.database.each(&prefix, &prefix, |key, _| {
            others.push(rows::slot_of(key).ok_or_else(|| self.database.damaged())?);
            Ok(true)
        })?;
        Ok(others)
    }

    /// Calls `each` with every report that cannot be read, by its id.
    ///
    /// # Errors
    /// Any [`Error`], also of `each`.
    pub fn each_failed(
        &self,
        mut each: impl FnMut(Failed) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        self.database.each(rows::area::FAILED, rows::area::FAILED, |_, value| {
            each(self.database.decode(&value)?)
        })
    }

    /// The report that cannot be read whose id is `text` or begins with it.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn find_failed(&self, text: &str) -> Result<Found<Failed>, Error> {
        let found =
            self.ids_beginning(text, rows::area::FAILED, CrashId::LETTER, CrashId::BYTES)?;
        let failed: Result<Vec<Failed>, Error> =
            found.iter().map(|(_, value)| self.database.decode(value)).collect();
        Ok(Found::of(failed?))
    }

    /// A report that cannot be read, as it came.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn failed_report(&self, failed: &Failed) -> Result<Vec<u8>, Error> {
        reports::get(&self.database, Stream::Failed(failed.id), (0, failed.bytes))
    }

    /// Rows of an area whose key, as an id, begins with `text`; no more than are worth naming.
    pub(crate) fn ids_beginning(
        &self,
        text: &str,
        area: &[u8],
        letter: char,
        bytes: usize,
    ) -> Result<Vec<Row>, Error> {
        let digits = text.strip_prefix(letter).unwrap_or(text).to_ascii_lowercase();
        let is_id = !digits.is_empty()
            && digits.len() <= 2 * bytes
            && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let mut found = Vec::new();
        if !is_id {
            return Ok(found);
        }
        let whole = hex::decode(&digits[..digits.len() & !1]).unwrap_or_default();
        let from = [area, &whole].concat();
        self.database.each(&from, &from, |key, value| {
            if hex::encode(&key[area.len()..]).starts_with(&digits) {
                found.push((key.to_vec(), value));
            }
            Ok(found.len() < MAX_NAMED)
        })?;
        Ok(found)
    }

    /// The numbers of all chunks. A repair may have left gaps.
    pub(crate) fn chunk_numbers(&self) -> Result<Vec<u64>, Error> {
        self.database.numbers(rows::area::STATES)
    }

    pub(crate) fn chunk(&self, number: u64) -> Result<Option<Chunk>, Error> {
        self.database.get_packed(&rows::chunk(number))
    }

    pub(crate) fn states(&self, chunk: u64) -> Result<Vec<State>, Error> {
        self.database.get_packed(&rows::states(chunk))?.ok_or_else(|| self.database.damaged())
    }
}

impl Crashes {
    /// The states of a chunk, with the row that has them.
    pub(crate) fn states_row(&self, chunk: u64) -> Result<StatesRow, Error> {
        let value =
            self.database.bytes(&rows::states(chunk))?.ok_or_else(|| self.database.damaged())?;
        let states = self.database.decode(&self.database.expand(&value)?)?;
        Ok(StatesRow { value, states })
    }

    /// The reports of a chunk.
    pub(crate) fn stored_reports(&self, chunk: u64) -> Result<Vec<StoredReport>, Error> {
        self.database
            .get_packed(&rows::stored_reports(chunk))?
            .ok_or_else(|| self.database.damaged())
    }
}

impl<T> Found<T> {
    /// Of all that there are.
    pub(crate) fn of(mut found: Vec<T>) -> Self {
        match found.len() {
            0 => Self::Unknown,
            1 => found.pop().map_or(Self::Unknown, Self::One),
            _ => Self::Several(found),
        }
    }
}

/// Groups of signatures that were asked for.
#[derive(Debug, Default)]
pub(crate) struct GroupOf(HashMap<FingerprintId, GroupId>);

impl GroupOf {
    /// The group of `signature`.
    pub fn get(&mut self, crashes: &Crashes, signature: FingerprintId) -> Result<GroupId, Error> {
        if let Some(group) = self.0.get(&signature) {
            return Ok(*group);
        }
        let row: Option<FingerprintRow> = crashes.database.get(&rows::signature(signature))?;
        let group = row.ok_or_else(|| crashes.database.damaged())?.group;
        self.0.insert(signature, group);
        Ok(group)
    }
}
