//! Carrying out: in, moves of crashes and the rows of groups as they will be; out, all of it true at once, or nothing.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use super::journal::{self, Before, Moved, Run, RunKind};
use super::report::Report;
use crate::crash::database::{Changes, Database};
use crate::crash::ledger::{Change, Ledger};
use crate::crash::state::{GroupRow, Meta, SignatureRow, State};
use crate::crash::{Chunk, CrashWriter, GroupId, SignatureId, rows};
use crate::store::{Error, now_ms};

/// Keys and their new values, or none.
type Rows = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// Rows of signatures, groups and aliases that change.
#[derive(Debug)]
pub struct Belonging<'d> {
    database: &'d Database,
    rows: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// Rows that were read ahead, as they are.
    known: HashMap<Vec<u8>, Option<Vec<u8>>>,
}

impl<'d> Belonging<'d> {
    /// Nothing changes yet.
    pub fn new(database: &'d Database) -> Self {
        Self { database, rows: BTreeMap::new(), known: HashMap::new() }
    }

    /// Reads rows that will be asked for, at once.
    pub fn read_ahead(&mut self, keys: impl IntoIterator<Item = Vec<u8>>) -> Result<(), Error> {
        let keys: Vec<Vec<u8>> = keys.into_iter().filter(|key| !self.known.contains_key(key)).collect();
        let found = self.database.bytes_of(&keys)?;
        self.known.extend(keys.into_iter().zip(found));
        Ok(())
    }

    fn get<T: serde::de::DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, Error> {
        match self.rows.get(key).or_else(|| self.known.get(key)) {
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

    /// For each of `merges`, all of these aliases and all that they have will belong to that group.
    pub fn merge_all(&mut self, merges: &BTreeMap<GroupId, Vec<GroupId>>) -> Result<(), Error> {
        self.read_ahead(merges.values().flatten().map(|alias| rows::group(*alias)))?;
        let gone: Vec<GroupRow> =
            merges.values().flatten().map(|alias| Ok(self.group(*alias)?.unwrap_or_default())).collect::<Result<_, Error>>()?;
        self.read_ahead(gone.iter().flat_map(|group| &group.signatures).map(|id| rows::signature(*id)))?;
        // No two of them touch the same rows.
        let rows: Vec<Result<Rows, Error>> = merges.par_iter().map(|(into, aliases)| self.merged(aliases, *into)).collect();
        for rows in rows {
            self.rows.extend(rows?);
        }
        Ok(())
    }

    /// The rows that change if `aliases` and all that they have belong to `into`.
    fn merged(&self, aliases: &[GroupId], into: GroupId) -> Result<Rows, Error> {
        let mut rows = Rows::new();
        let mut put = |key: Vec<u8>, value: Result<Vec<u8>, Error>| value.map(|bytes| rows.push((key, Some(bytes))));
        let mut group = self.group(into)?.unwrap_or_default();
        let mut gone = aliases.to_vec();
        for alias in aliases {
            let of_alias = self.group(*alias)?.unwrap_or_default();
            for id in &of_alias.signatures {
                if let Some(row) = self.signature(*id)? {
                    put(rows::signature(*id), self.database.encode(&SignatureRow { group: into, ..row }))?;
                }
            }
            group.signatures.extend(of_alias.signatures);
            gone.extend(of_alias.aliases);
        }
        for alias in &gone {
            put(rows::alias(*alias), self.database.encode(&into))?;
        }
        group.signatures.sort_unstable();
        group.signatures.dedup();
        group.aliases.extend(gone);
        group.aliases.sort_unstable();
        put(rows::group(into), self.database.encode(&group))?;
        rows.extend(aliases.iter().map(|alias| (rows::group(*alias), None)));
        Ok(rows)
    }

    /// Writes it, and returns the rows as they were.
    fn write(mut self, changes: &mut Changes<'_>) -> Result<Vec<Before>, Error> {
        let keys: Vec<Vec<u8>> = self.rows.keys().cloned().collect();
        self.read_ahead(keys.iter().cloned())?;
        let before = keys.iter().map(|key| self.known.remove(key).flatten()).collect::<Vec<_>>();
        for (key, value) in self.rows {
            match value {
                Some(bytes) => changes.put_bytes(&key, &bytes)?,
                None => changes.delete(&key),
            }
        }
        Ok(keys.into_iter().zip(before).collect())
    }
}

/// Crashes whose states change, and the rows that change with them.
#[derive(Debug, Default)]
pub struct Movement {
    /// The crashes, by chunk and slot.
    pub moved: Vec<Moved>,
    /// The chunks' new states, compressed.
    states: Vec<(u64, Vec<u8>)>,
    ledger: Ledger,
}

impl Movement {
    /// The crashes of chunk `number` that have `moved`, with the `states` that it has before.
    pub fn of_chunk(database: &Database, number: u64, chunk: &Chunk, mut states: Vec<State>, moved: Vec<Moved>) -> Result<Self, Error> {
        let mut movement = Self { moved, ..Self::default() };
        let mut changed = Vec::new();
        for Moved { at, old, new } in &movement.moved {
            if let Some(state) = states.get_mut(usize::from(at.slot)) {
                *state = *new;
                let change = Change { slot: at.slot, lost: Some(old.signature), gained: Some(new.signature) };
                changed.extend((old.signature != new.signature).then_some(change));
            }
        }
        if !movement.moved.is_empty() {
            movement.ledger.take(number, chunk, &states, &changed);
            movement.states.push((number, database.encode_packed(&states)?));
        }
        Ok(movement)
    }

    /// Takes the crashes of other chunks.
    pub fn absorb(&mut self, other: Self) {
        self.moved.extend(other.moved);
        self.states.extend(other.states);
        self.ledger.absorb(other.ledger);
    }

    /// Brings chunks that were taken in any order into theirs.
    pub fn sort(&mut self) {
        self.moved.sort_by_key(|moved| moved.at);
        self.states.sort_by_key(|(number, _)| *number);
    }

    /// Writes all of it but for who has moved, and returns that.
    fn write(self, database: &Database, changes: &mut Changes<'_>) -> Result<Vec<Moved>, Error> {
        for (number, states) in self.states {
            changes.put_bytes(&rows::states(number), &states)?;
        }
        self.ledger.write(database, changes)?;
        Ok(self.moved)
    }
}

/// What is carried out.
#[derive(Debug)]
pub struct Step<'d> {
    /// What it is.
    pub kind: RunKind,
    /// Crashes that move.
    pub movement: Movement,
    /// Rows that change.
    pub belonging: Belonging<'d>,
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
        let Step { kind, movement, belonging, mut report, mut meta, undone } = step;
        let mut changes = self.database.changes();
        meta.next_run = meta.next_run.max(1);
        report.run = Some(meta.next_run);
        let run = Run { run: meta.next_run, kind, at_ms: now_ms(), undone_by: None, report };
        meta.next_run += 1;
        let moved = movement.write(&self.database, &mut changes)?;
        let before = belonging.write(&mut changes)?;
        journal::put(&self.database, &mut changes, &run, &before, &moved)?;
        if let Some(undone) = undone {
            journal::put_run(&mut changes, &Run { undone_by: Some(run.run), ..undone })?;
        }
        changes.put(rows::META, &meta)?;
        changes.commit()?;
        self.database.settle();
        Ok(run)
    }
}
