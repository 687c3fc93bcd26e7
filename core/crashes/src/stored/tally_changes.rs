//! Who has which signature: crashes that get one and lose one, and the rows that count them.
//!
//! ```text
//! Share   of a signature in a chunk: counted anew from the chunk's states, so nothing has to be looked for elsewhere
//! Tally   of a signature: what was gained is added, what was lost taken away; first and last, if one of them may have gone, are
//!         those of its shares
//! ```
//!
//! Counts are exact, and no row grows with the number of chunks.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::{HashMap, HashSet};
use rayon::prelude::*;

use crate::ids::{FingerprintId, GroupId};
use crate::stored::changes::{ChangedRow, Changes, Old};
use crate::stored::chunk::{Chunk, StoredCrash};
use crate::stored::counters::{CounterChanges, GroupTally, SignatureChange, group_of_row};
use crate::stored::database::Database;
use crate::stored::rows;
use crate::stored::state::{Share, State, Tally};
use symtool_store::Error;

/// Changes of signatures that belong together.
#[derive(Debug, Default)]
pub struct TallyChanges {
    gained: HashMap<FingerprintId, Tally>,
    lost: HashMap<FingerprintId, Tally>,
    /// Shares in chunks as they will be, of signatures that lose or gain crashes there.
    shares: HashMap<FingerprintId, BTreeMap<u64, Share>>,
    rows: Vec<ChangedRow>,
    /// What is counted besides.
    pub counters: CounterChanges,
}

/// Signatures whose groups change in the same write, or that are in it anyway: their groups before
/// and after.
pub type Regrouped = HashMap<FingerprintId, (Option<GroupId>, Option<GroupId>)>;

/// A crash that gets a signature, loses one, or both.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// Its slot.
    pub slot: u16,
    /// What it had.
    pub lost: Option<FingerprintId>,
    /// What it gets.
    pub gained: Option<FingerprintId>,
}

/// The states of a chunk.
#[derive(Clone, Copy, Debug)]
pub struct ChunkStates<'a> {
    /// As they are; none of a new chunk.
    pub before: &'a [State],
    /// As they will be.
    pub after: &'a [State],
}

impl TallyChanges {
    /// Takes the `changed` crashes of chunk `number`.
    pub fn take(
        &mut self,
        database: &Database,
        number: u64,
        chunk: &Chunk,
        turn: ChunkStates<'_>,
        changed: &[Change],
    ) -> Result<(), Error> {
        let mut touched: HashSet<FingerprintId> = HashSet::new();
        let mut moving: Vec<(&StoredCrash, bool)> = Vec::new();
        for change in changed {
            let Some(crash) = chunk.crash(change.slot) else { continue };
            if change.lost.is_none() || change.gained.is_none() {
                moving.push((crash, change.gained.is_some()));
            }
            let release = chunk.text_of(crash.release);
            for (signature, tallies) in
                [(change.lost, &mut self.lost), (change.gained, &mut self.gained)]
            {
                if let Some(signature) = signature {
                    tallies.entry(signature).or_default().count(crash.time_ms, release);
                    touched.insert(signature);
                }
            }
        }
        self.counters.take(chunk, &moving);
        let before = shares(chunk, turn.before, &touched);
        let after = shares(chunk, turn.after, &touched);
        for signature in touched {
            let bytes =
                |share: Option<&Share>| share.map(|share| database.encode(share)).transpose();
            let (old, new) = (bytes(before.get(&signature))?, bytes(after.get(&signature))?);
            self.rows.push(database.changed(
                rows::share(signature, number),
                Old::read(old.as_deref()),
                new,
            )?);
            self.shares
                .entry(signature)
                .or_default()
                .insert(number, after.get(&signature).copied().unwrap_or_default());
        }
        Ok(())
    }

    /// Takes what `other` has taken, of other chunks.
    pub fn absorb(&mut self, other: Self) {
        for (into, from) in [(&mut self.gained, other.gained), (&mut self.lost, other.lost)] {
            for (signature, tally) in from {
                into.entry(signature).or_default().add(&tally);
            }
        }
        for (signature, shares) in other.shares {
            self.shares.entry(signature).or_default().extend(shares);
        }
        self.rows.extend(other.rows);
        self.counters.absorb(other.counters);
    }

    /// Writes what has changed, if groups of signatures change so.
    pub fn write(
        mut self,
        database: &Database,
        changes: &mut Changes<'_>,
        groups: &Regrouped,
    ) -> Result<(), Error> {
        let touched: BTreeSet<FingerprintId> =
            self.gained.keys().chain(self.lost.keys()).copied().collect();
        let touched: Vec<FingerprintId> = touched.into_iter().collect();
        let keys: Vec<Vec<u8>> = touched.iter().map(|signature| rows::tally(*signature)).collect();
        let before = database.bytes_of(&keys)?;
        let row = |((signature, key), before): ((FingerprintId, Vec<u8>), Option<Vec<u8>>)| {
            let mut tally: Tally = before
                .as_deref()
                .map(|bytes| database.decode(bytes))
                .transpose()?
                .unwrap_or_default();
            let was = GroupTally::from(&tally);
            if let Some(gained) = self.gained.get(&signature) {
                tally.add(gained);
            }
            if self.lost.get(&signature).is_some_and(|lost| tally.subtract(lost)) {
                self.find_times(database, signature, &mut tally)?;
            }
            let after = (tally.crashes > 0).then(|| database.encode(&tally)).transpose()?;
            let row = database.changed(key, Old::read(before.as_deref()), after)?;
            Ok((row, SignatureTally { id: signature, before: was, after: (&tally).into() }))
        };
        let all: Vec<_> = touched.into_iter().zip(keys).zip(before).collect();
        let rows: Vec<(ChangedRow, SignatureTally)> =
            all.into_par_iter().with_min_len(16).map(row).collect::<Result<_, Error>>()?;
        let mut tallies = Vec::with_capacity(rows.len());
        for (row, tally) in rows {
            changes.take(row);
            tallies.push(tally);
        }
        std::mem::take(&mut self.rows).into_iter().for_each(|row| changes.take(row));
        if !database.has_counters() {
            return Ok(());
        }
        let signatures = with_groups(database, tallies, groups)?;
        self.counters.write(database, changes, &signatures)
    }

    /// The first and the last of the crashes that will have `signature`.
    fn find_times(
        &self,
        database: &Database,
        signature: FingerprintId,
        tally: &mut Tally,
    ) -> Result<(), Error> {
        let known = self.shares.get(&signature);
        (tally.first_ms, tally.last_ms) = (None, None);
        known
            .into_iter()
            .flat_map(BTreeMap::values)
            .for_each(|share| tally.see(share.first_ms, share.last_ms));
        let prefix = rows::shares(signature);
        database.each(&prefix, &prefix, |key, value| {
            let chunk = rows::last_number(key).ok_or_else(|| database.damaged())?;
            if known.is_none_or(|known| !known.contains_key(&chunk)) {
                let share: Share = database.decode(&value)?;
                tally.see(share.first_ms, share.last_ms);
            }
            Ok(true)
        })
    }
}

/// What a signature counts, before and after.
struct SignatureTally {
    id: FingerprintId,
    before: GroupTally,
    after: GroupTally,
}

/// Adds their groups to `tallies`, and what those of `groups` count whose tallies stay as they are.
fn with_groups(
    database: &Database,
    tallies: Vec<SignatureTally>,
    groups: &Regrouped,
) -> Result<Vec<SignatureChange>, Error> {
    let unknown: Vec<FingerprintId> =
        tallies.iter().map(|tally| tally.id).filter(|id| !groups.contains_key(id)).collect();
    let keys: Vec<Vec<u8>> = unknown.iter().map(|id| rows::signature(*id)).collect();
    let mut known: HashMap<FingerprintId, Option<GroupId>> = HashMap::with_capacity(unknown.len());
    for (id, row) in unknown.into_iter().zip(database.bytes_of(&keys)?) {
        let group = row.as_deref().map(|row| group_of_row(database, row)).transpose()?;
        known.insert(id, Some(group.ok_or_else(|| database.damaged())?));
    }
    let mut changes: Vec<SignatureChange> = Vec::with_capacity(tallies.len());
    let mut counted: HashSet<FingerprintId> = HashSet::with_capacity(tallies.len());
    for SignatureTally { id, before, after } in tallies {
        let stays = || known.get(&id).map(|group| (*group, *group));
        let (was, is) = groups.get(&id).copied().or_else(stays).unwrap_or_default();
        counted.insert(id);
        changes.push(SignatureChange { id, before: (was, before), after: (is, after) });
    }
    let mut rest: Vec<(FingerprintId, Option<GroupId>, Option<GroupId>)> = groups
        .iter()
        .filter(|(id, (was, is))| was != is && !counted.contains(*id))
        .map(|(id, (was, is))| (*id, *was, *is))
        .collect();
    rest.sort_unstable();
    let found: Vec<Option<Tally>> =
        database.get_all(rest.iter().map(|(id, ..)| rows::tally(*id)))?;
    for ((id, was, is), tally) in rest.into_iter().zip(found) {
        let Some(tally) = tally else { continue };
        let tally = GroupTally::from(&tally);
        changes.push(SignatureChange { id, before: (was, tally), after: (is, tally) });
    }
    Ok(changes)
}

/// How many crashes of `chunk` have each of the signatures that are `wanted`, if any has.
pub fn shares(
    chunk: &Chunk,
    states: &[State],
    wanted: &HashSet<FingerprintId>,
) -> HashMap<FingerprintId, Share> {
    let mut shares: HashMap<FingerprintId, Share> = HashMap::with_capacity(wanted.len());
    for (crash, state) in chunk.crashes().iter().zip(states) {
        if state.is_shown() && wanted.contains(&state.signature) {
            shares.entry(state.signature).or_default().count(crash.time_ms);
        }
    }
    shares
}
