//! Carrying out: in, moves of crashes and the rows of groups as they will be; out, all of it true at once, or nothing.

use std::collections::BTreeMap;

use super::journal::{self, Before, Moved, Run, RunKind};
use super::report::Report;
use crate::crash::chunk::Chunk;
use crate::crash::database::{Changes, Database};
use crate::crash::ledger::{Counted, Ledger};
use crate::crash::state::{GroupRow, Meta, SignatureRow, State};
use crate::crash::{CrashWriter, Crashes, GroupId, SignatureId, rows};
use crate::store::{Error, now_ms};

/// Rows of signatures, groups and aliases that change: their new values, or none.
#[derive(Debug)]
pub struct Mapping<'d> {
    database: &'d Database,
    rows: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl<'d> Mapping<'d> {
    /// Nothing changes yet.
    pub fn new(database: &'d Database) -> Self {
        Self { database, rows: BTreeMap::new() }
    }

    fn get<T: serde::de::DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, Error> {
        match self.rows.get(key) {
            Some(Some(bytes)) => self.database.decode(bytes).map(Some),
            Some(None) => Ok(None),
            None => self.database.get(key),
        }
    }

    fn put<T: serde::Serialize>(&mut self, key: Vec<u8>, value: &T) -> Result<(), Error> {
        let bytes = self.database.encode(value)?;
        self.rows.insert(key, Some(bytes));
        Ok(())
    }

    /// The row will be as it was.
    pub fn restore(&mut self, (key, value): Before) {
        self.rows.insert(key, value);
    }

    /// What the signature will be.
    pub fn signature(&self, id: SignatureId) -> Result<Option<SignatureRow>, Error> {
        self.get(&rows::signature(id))
    }

    /// What the group will be.
    pub fn group(&self, id: GroupId) -> Result<Option<GroupRow>, Error> {
        self.get(&rows::group(id))
    }

    /// The signature will be in the group that `row` says.
    pub fn put_signature(&mut self, id: SignatureId, row: &SignatureRow) -> Result<(), Error> {
        let before = self.signature(id)?;
        if let Some(before) = before.as_ref().filter(|before| before.group != row.group) {
            let mut group = self.group(before.group)?.unwrap_or_default();
            group.signatures.retain(|signature| *signature != id);
            self.put(rows::group(before.group), &group)?;
        }
        // A group that was merged away, and is one again.
        if let Some(into) = self.get::<GroupId>(&rows::alias(row.group))? {
            let mut merged = self.group(into)?.unwrap_or_default();
            merged.aliases.retain(|alias| *alias != row.group);
            self.put(rows::group(into), &merged)?;
            self.rows.insert(rows::alias(row.group), None);
        }
        let mut group = self.group(row.group)?.unwrap_or_default();
        if !group.signatures.contains(&id) {
            group.signatures.push(id);
            group.signatures.sort_unstable();
            self.put(rows::group(row.group), &group)?;
        }
        self.put(rows::signature(id), row)
    }

    /// `alias` and all that it has will belong to `into`.
    pub fn merge(&mut self, alias: GroupId, into: GroupId) -> Result<(), Error> {
        let gone = self.group(alias)?.unwrap_or_default();
        for id in &gone.signatures {
            if let Some(row) = self.signature(*id)? {
                self.put(rows::signature(*id), &SignatureRow { group: into, ..row })?;
            }
        }
        let mut group = self.group(into)?.unwrap_or_default();
        group.signatures.extend(gone.signatures);
        group.signatures.sort_unstable();
        group.signatures.dedup();
        for of in gone.aliases.iter().chain([&alias]) {
            self.put(rows::alias(*of), &into)?;
            group.aliases.push(*of);
        }
        group.aliases.sort_unstable();
        self.rows.insert(rows::group(alias), None);
        self.put(rows::group(into), &group)
    }

    /// Writes it, and returns the rows as they were.
    fn write(self, changes: &mut Changes<'_>) -> Result<Vec<Before>, Error> {
        let keys: Vec<Vec<u8>> = self.rows.keys().cloned().collect();
        let before = self.database.bytes_of(&keys)?;
        for (key, value) in self.rows {
            match value {
                Some(bytes) => changes.put_bytes(&key, bytes)?,
                None => changes.delete(&key),
            }
        }
        Ok(keys.into_iter().zip(before).collect())
    }
}

/// What is carried out.
#[derive(Debug)]
pub struct Step<'d> {
    /// What it is.
    pub kind: RunKind,
    /// Crashes whose states change, by chunk and slot.
    pub moved: Vec<Moved>,
    /// Rows that change.
    pub mapping: Mapping<'d>,
    /// What it does.
    pub report: Report,
    /// What comes next, but for the run's number.
    pub meta: Meta,
    /// A run that is undone.
    pub undone: Option<Run>,
}

impl CrashWriter {
    /// Carries out `step`, all at once, and returns the run.
    pub(crate) fn carry_out(&self, step: Step<'_>) -> Result<Run, Error> {
        let Step { kind, moved, mapping, mut report, mut meta, undone } = step;
        let mut changes = self.database.changes();
        meta.next_run = meta.next_run.max(1);
        report.run = Some(meta.next_run);
        let run = Run { run: meta.next_run, kind, at_ms: now_ms(), undone_by: None, report };
        meta.next_run += 1;
        self.move_crashes(&mut changes, &moved)?;
        let before = mapping.write(&mut changes)?;
        journal::put(&mut changes, &run, &before, &moved)?;
        if let Some(undone) = undone {
            journal::put_run(&mut changes, &Run { undone_by: Some(run.run), ..undone })?;
        }
        changes.put(rows::META, &meta)?;
        changes.commit()?;
        Ok(run)
    }

    fn move_crashes(&self, changes: &mut Changes<'_>, moved: &[Moved]) -> Result<(), Error> {
        let mut ledger = Ledger::default();
        for of_chunk in moved.chunk_by(|a, b| a.at.chunk == b.at.chunk) {
            let number = of_chunk[0].at.chunk;
            let mut states = self.states(number)?;
            let is_any_moved = of_chunk.iter().any(|moved| moved.old.signature != moved.new.signature);
            let chunk: Option<Chunk> = if is_any_moved { self.chunk(number)? } else { None };
            for moved in of_chunk {
                let Some(state) = states.get_mut(usize::from(moved.at.slot)) else { continue };
                *state = moved.new;
                let Some((chunk, crash)) = chunk.as_ref().and_then(|chunk| Some((chunk, chunk.crash(moved.at.slot)?))) else { continue };
                if moved.old.signature != moved.new.signature {
                    let counted = Counted { slot: moved.at, time_ms: crash.time_ms, release: chunk.text_of(crash.release) };
                    ledger.lose(moved.old.signature, counted);
                    ledger.gain(moved.new.signature, counted);
                }
            }
            changes.put_packed(&rows::states(number), &states)?;
        }
        ledger.write(&self.database, changes)?;
        Ok(())
    }
}

impl Crashes {
    /// The state of the crash at `at`, unless it was removed.
    pub(crate) fn state(&self, states: &mut BTreeMap<u64, Vec<State>>, at: crate::crash::Slot) -> Result<Option<State>, Error> {
        if !states.contains_key(&at.chunk) {
            states.clear();
            states.insert(at.chunk, self.states(at.chunk)?);
        }
        let state = states.get(&at.chunk).and_then(|states| states.get(usize::from(at.slot)));
        Ok(state.copied().filter(|state| !state.is_gone))
    }
}
