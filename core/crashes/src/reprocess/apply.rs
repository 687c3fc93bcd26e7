//! Carrying out: moves of crashes and the rows of groups as they will be become true at once, or
//! nothing does.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;
use rayon::prelude::*;

use crate::ids::{FingerprintId, GroupId};
use crate::stored::changes::{ChangedRow, Changes, Old};
use crate::stored::counters::group_of_row;
use crate::stored::database::Database;
use crate::stored::journal::{Moved, RowChange, Run, RunKind, RunRow};
use crate::stored::report::Report;
use crate::stored::state::{FingerprintRow, GroupRow, StatesRow};
use crate::stored::tally_changes::{Change, ChunkStates, Regrouped, TallyChanges};
use crate::stored::{Chunk, CrashWriter, joined, rows};
use symtool_store::{Error, now_ms};

/// Keys and their new values, or none.
type Rows = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// Rows of signatures, groups and aliases that change.
#[derive(Debug)]
pub struct GroupRows<'d> {
    database: &'d Database,
    rows: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// Rows that were read ahead, as they are.
    known: HashMap<Vec<u8>, Option<Vec<u8>>>,
}

impl<'d> GroupRows<'d> {
    /// Nothing changes yet.
    pub fn new(database: &'d Database) -> Self {
        Self { database, rows: BTreeMap::new(), known: HashMap::new() }
    }

    /// Reads rows that will be asked for, at once.
    pub fn read_ahead(&mut self, keys: impl IntoIterator<Item = Vec<u8>>) -> Result<(), Error> {
        let keys: Vec<Vec<u8>> =
            keys.into_iter().filter(|key| !self.known.contains_key(key)).collect();
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

    /// The row will be as it was before it changed.
    pub fn restore(&mut self, change: RowChange) {
        self.rows.insert(change.key, change.before);
    }

    /// What the signature will be.
    pub fn signature(&self, id: FingerprintId) -> Result<Option<FingerprintRow>, Error> {
        self.get(&rows::signature(id))
    }

    /// The signature will be in the group that `row` says.
    pub fn put_signature(&mut self, id: FingerprintId, row: &FingerprintRow) -> Result<(), Error> {
        let before = self.signature(id)?;
        if let Some(before) = before.filter(|before| before.group != row.group) {
            self.rows.insert(rows::member(before.group, id), None);
        }
        // A group that was merged away, and is one again.
        if let Some(into) = self.get::<GroupId>(&rows::alias(row.group))? {
            self.rows.insert(rows::alias_of(into, row.group), None);
            self.rows.insert(rows::alias(row.group), None);
        }
        let group = rows::group(row.group);
        if self.get::<GroupRow>(&group)?.is_none() {
            // No other group is made for a signature than its own.
            let number = (0..u32::MAX)
                .find(|number| GroupId::of(id, *number) == row.group)
                .unwrap_or_default();
            self.put(group, &GroupRow { made_for: id, number })?;
        }
        self.rows.insert(rows::member(row.group, id), Some(Vec::new()));
        self.put(rows::signature(id), row)
    }

    /// For each of `merges`, all of these aliases and all that they have will belong to that group.
    /// Nothing else may have changed before.
    pub fn merge_all(&mut self, merges: &BTreeMap<GroupId, Vec<GroupId>>) -> Result<(), Error> {
        let all = merges.iter().flat_map(|(into, aliases)| aliases.iter().chain([into]));
        let all: BTreeSet<GroupId> = all.copied().collect();
        let related = Related {
            members: self.read_groups(rows::area::MEMBERS, &all, FingerprintId::from_key)?,
            aliases: self.read_groups(rows::area::ALIASES_OF, &all, GroupId::from_key)?,
        };
        let moving = merges.values().flatten().flat_map(|alias| related.members(*alias));
        self.read_ahead(moving.map(|id| rows::signature(*id)))?;
        let read = [rows::area::MEMBERS, rows::area::ALIASES_OF];
        // No two of them touch the same rows.
        let rows: Vec<Result<Rows, Error>> = merges
            .par_iter()
            .map(|(into, aliases)| self.merged(aliases, *into, &related))
            .collect();
        for rows in rows {
            for (key, value) in rows? {
                // What is not among the rows that these groups have is not there.
                if read.iter().any(|area| key.starts_with(area)) && !self.known.contains_key(&key) {
                    self.known.insert(key.clone(), None);
                }
                self.rows.insert(key, value);
            }
        }
        Ok(())
    }

    /// Reads the rows of `groups` in `area`, and what their keys end with, by group.
    fn read_groups<T>(
        &mut self,
        area: &[u8],
        groups: &BTreeSet<GroupId>,
        id: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<HashMap<GroupId, Vec<T>>, Error> {
        let found = self.database.rows_of_groups(area, groups)?;
        let by_group = self.database.by_group(&found, id)?;
        self.known.extend(found.into_iter().map(|(key, value)| (key, Some(value))));
        Ok(by_group)
    }

    /// The rows that change if `aliases` and all that they have belong to `into`.
    fn merged(&self, aliases: &[GroupId], into: GroupId, related: &Related) -> Result<Rows, Error> {
        let database = self.database;
        let into_value = Some(database.encode(&into)?);
        let mut rows = Rows::new();
        for alias in aliases {
            for id in related.members(*alias) {
                let key = rows::signature(*id);
                let row: FingerprintRow = self.get(&key)?.ok_or_else(|| database.damaged())?;
                let value = database.encode(&FingerprintRow { group: into, ..row })?;
                rows.push((key, Some(value)));
                rows.push((rows::member(*alias, *id), None));
                rows.push((rows::member(into, *id), Some(Vec::new())));
            }
            for gone in related.aliases(*alias) {
                rows.push((rows::alias_of(*alias, *gone), None));
                rows.push((rows::alias_of(into, *gone), Some(Vec::new())));
                rows.push((rows::alias(*gone), into_value.clone()));
            }
            rows.push((rows::alias_of(into, *alias), Some(Vec::new())));
            rows.push((rows::alias(*alias), into_value.clone()));
            rows.push((rows::group(*alias), None));
        }
        Ok(rows)
    }

    /// The rows that change, as they are and as they will be.
    fn changes(mut self) -> Result<Vec<RowChange>, Error> {
        let keys: Vec<Vec<u8>> = self.rows.keys().cloned().collect();
        self.read_ahead(keys)?;
        let Self { rows, mut known, .. } = self;
        let change = |(key, after): (Vec<u8>, Option<Vec<u8>>)| {
            let before = known.remove(&key).flatten();
            (before != after).then_some(RowChange { key, before, after })
        };
        Ok(rows.into_iter().filter_map(change).collect())
    }
}

/// What groups have before they are merged.
struct Related {
    members: HashMap<GroupId, Vec<FingerprintId>>,
    aliases: HashMap<GroupId, Vec<GroupId>>,
}

impl Related {
    fn members(&self, group: GroupId) -> &[FingerprintId] {
        self.members.get(&group).map_or(&[], Vec::as_slice)
    }

    fn aliases(&self, group: GroupId) -> &[GroupId] {
        self.aliases.get(&group).map_or(&[], Vec::as_slice)
    }
}

impl Database {
    /// The signatures of each of `groups` that has some.
    pub fn members_of(
        &self,
        groups: &BTreeSet<GroupId>,
    ) -> Result<HashMap<GroupId, Vec<FingerprintId>>, Error> {
        let rows = self.rows_of_groups(rows::area::MEMBERS, groups)?;
        self.by_group(&rows, FingerprintId::from_key)
    }

    /// What the keys of rows of groups end with, by group.
    fn by_group<T>(
        &self,
        rows: &[(Vec<u8>, Vec<u8>)],
        id: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<HashMap<GroupId, Vec<T>>, Error> {
        let mut found: HashMap<GroupId, Vec<T>> = HashMap::new();
        for (key, _) in rows {
            let (group, last) = key
                .get(1..)
                .and_then(|ids| ids.split_at_checked(GroupId::BYTES))
                .and_then(|(group, last)| Some((GroupId::from_key(group)?, id(last)?)))
                .ok_or_else(|| self.damaged())?;
            found.entry(group).or_default().push(last);
        }
        Ok(found)
    }

    /// The aliases of `group`, by id.
    pub fn aliases_of(&self, group: GroupId) -> Result<Vec<GroupId>, Error> {
        let (prefix, mut found) = (rows::aliases_of(group), Vec::new());
        self.each(&prefix, &prefix, |key, _| {
            found.push(
                key.get(prefix.len()..)
                    .and_then(GroupId::from_key)
                    .ok_or_else(|| self.damaged())?,
            );
            Ok(true)
        })?;
        Ok(found)
    }
}

/// Crashes whose states change, and the rows that change with them.
#[derive(Debug, Default)]
pub struct Movement {
    /// The crashes, by chunk and slot.
    pub moved: Vec<Moved>,
    /// The chunks' new states.
    states: Vec<ChangedRow>,
    /// What changes of chunks besides.
    pub chunks: Vec<ChangedRow>,
    /// What signatures count.
    pub tallies: TallyChanges,
}

impl Movement {
    /// The crashes of chunk `number` that have `moved`, whose states are those of `row` before.
    pub fn of_chunk(
        database: &Database,
        number: u64,
        chunk: &Chunk,
        row: StatesRow,
        moved: Vec<Moved>,
    ) -> Result<Self, Error> {
        let mut movement = Self { moved, ..Self::default() };
        if movement.moved.is_empty() {
            return Ok(movement);
        }
        let StatesRow { value, states: before } = row;
        let (mut after, mut changed) = (before.clone(), Vec::new());
        for Moved { at, old, new } in &movement.moved {
            if let Some(state) = after.get_mut(usize::from(at.slot)) {
                *state = *new;
                let change = Change {
                    slot: at.slot,
                    lost: Some(old.signature),
                    gained: Some(new.signature),
                };
                changed.extend((old.signature != new.signature).then_some(change));
            }
        }
        movement.tallies.take(
            database,
            number,
            chunk,
            ChunkStates { before: &before, after: &after },
            &changed,
        )?;
        let packed = database.encode_packed(&after)?;
        movement.states.push(database.changed(
            rows::states(number),
            Old::Value(&value),
            Some(packed),
        )?);
        Ok(movement)
    }

    /// Takes the crashes of other chunks.
    pub fn absorb(&mut self, other: Self) {
        self.moved.extend(other.moved);
        self.states.extend(other.states);
        self.chunks.extend(other.chunks);
        self.tallies.absorb(other.tallies);
    }

    /// Brings chunks that were taken in any order into theirs.
    pub fn sort(&mut self) {
        self.moved.sort_by_key(|moved| moved.at);
    }

    /// Whether people see any of it: a crash that has another digest and nothing else is as it was.
    pub fn is_seen(&self) -> bool {
        self.moved.iter().any(|Moved { old, new, .. }| {
            (old.signature, old.resolved) != (new.signature, new.resolved)
        })
    }

    /// Writes all of it but for who has moved, if groups of signatures change so.
    pub fn write(
        self,
        database: &Database,
        changes: &mut Changes<'_>,
        groups: &Regrouped,
    ) -> Result<(), Error> {
        self.states.into_iter().chain(self.chunks).for_each(|row| changes.take(row));
        self.tallies.write(database, changes, groups)
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
    pub group_rows: GroupRows<'d>,
    /// Rows that change and stay so when the run is undone.
    pub known: Vec<ChangedRow>,
    /// What it does.
    pub report: Report,
    /// A run that is undone.
    pub undone: Option<Run>,
}

/// The signatures among `rows`, with their groups before and after.
fn regrouped(database: &Database, rows: &[RowChange]) -> Result<Regrouped, Error> {
    let mut groups = Regrouped::new();
    for RowChange { key, before, after } in rows {
        let id = key.strip_prefix(rows::area::SIGNATURES).and_then(FingerprintId::from_key);
        if let Some(id) = id {
            let group = |row: &Option<Vec<u8>>| {
                row.as_deref().map(|row| group_of_row(database, row)).transpose()
            };
            groups.insert(id, (group(before)?, group(after)?));
        }
    }
    Ok(groups)
}

impl CrashWriter {
    /// Carries out `step`, all at once, and returns the run.
    pub(crate) fn carry_out(&self, step: Step<'_>) -> Result<Run, Error> {
        let Step { kind, mut movement, group_rows, known, mut report, undone } = step;
        let database = &self.database;
        let number = database.head().next_run;
        report.run = Some(number);
        let run = Run { run: number, kind, at_ms: now_ms(), undone_by: None, report };
        let of_rows = group_rows.changes()?;
        let moved = std::mem::take(&mut movement.moved);
        let parts = self.write_parts(&run, &of_rows, &moved)?;
        let has_moved = !moved.is_empty();
        drop(moved);
        let mut changes = database.changes();
        if has_moved {
            joined::name_all(&mut changes)?;
        }
        movement.write(database, &mut changes, &regrouped(database, &of_rows)?)?;
        let row = |RowChange { key, before, after }| {
            database.changed(key, Old::read(before.as_deref()), after)
        };
        let rows: Vec<ChangedRow> =
            of_rows.into_par_iter().with_min_len(64).map(row).collect::<Result<_, Error>>()?;
        rows.into_iter().chain(parts.rows).chain(known).for_each(|row| changes.take(row));
        changes.put(rows::run(number), Old::Absent, &parts.run)?;
        if let Some(undone) = undone {
            let key = rows::run(undone.run);
            let value = database.bytes(&key)?.ok_or_else(|| database.damaged())?;
            changes.put(
                key,
                Old::Value(&value),
                &database.decode::<RunRow>(&value)?.undone(number),
            )?;
        }
        changes.head.next_run += 1;
        changes.commit()?;
        database.settle();
        Ok(run)
    }
}
