//! Who has which signature: in, crashes that get one and lose one; out, the rows that count them.
//!
//! Counts are exact: first and last are found anew where the crash that set them has gone.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::{HashMap, HashSet};
use rayon::prelude::*;

use super::chunk::Chunk;
use super::database::{Changes, Database};
use super::ids::SignatureId;
use super::rows;
use super::state::{State, Tally};
use crate::store::Error;

/// Changes of signatures that belong together.
#[derive(Debug, Default)]
pub struct Ledger {
    gained: HashMap<SignatureId, Tally>,
    /// What is taken away; of chunks, those in which no crash has the signature any more.
    lost: HashMap<SignatureId, Tally>,
    /// The states of chunks in which crashes lose signatures, as they will be.
    states: HashMap<u64, Vec<State>>,
    /// When the crashes of chunks that are not written yet were, and their states.
    new: HashMap<u64, Vec<(Option<i64>, State)>>,
}

/// A crash that gets a signature, loses one, or both.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// Its slot.
    pub slot: u16,
    /// What it had.
    pub lost: Option<SignatureId>,
    /// What it gets.
    pub gained: Option<SignatureId>,
}

impl Ledger {
    /// Takes the `changed` crashes of chunk `number`, whose states will be `states`.
    pub fn take(&mut self, number: u64, chunk: &Chunk, states: &[State], changed: &[Change]) {
        let mut losers: HashSet<SignatureId> = HashSet::new();
        for change in changed {
            let Some(crash) = chunk.crash(change.slot) else { continue };
            let release = chunk.text_of(crash.release);
            if let Some(lost) = change.lost {
                self.lost.entry(lost).or_default().count(crash.time_ms, release);
                losers.insert(lost);
            }
            if let Some(gained) = change.gained {
                let tally = self.gained.entry(gained).or_default();
                tally.count(crash.time_ms, release);
                tally.chunks.insert(number);
            }
        }
        if losers.is_empty() {
            return;
        }
        states.iter().filter(|state| !state.is_gone).for_each(|state| {
            losers.remove(&state.signature);
        });
        for gone in losers {
            self.lost.entry(gone).or_default().chunks.insert(number);
        }
        self.states.insert(number, states.to_vec());
    }

    /// Takes all crashes of chunk `number`, which is not written yet.
    pub fn take_new(&mut self, number: u64, chunk: &Chunk, states: &[State]) {
        let gains = (0..=u16::MAX).zip(states).map(|(slot, state)| Change { slot, lost: None, gained: Some(state.signature) });
        self.take(number, chunk, states, &gains.collect::<Vec<_>>());
        self.new.insert(number, chunk.crashes().iter().map(|crash| crash.time_ms).zip(states.iter().copied()).collect());
    }

    /// Takes what `other` has taken, of other chunks.
    pub fn absorb(&mut self, other: Self) {
        for (into, from) in [(&mut self.gained, other.gained), (&mut self.lost, other.lost)] {
            for (signature, tally) in from {
                into.entry(signature).or_default().add(&tally);
            }
        }
        self.states.extend(other.states);
        self.new.extend(other.new);
    }

    /// Writes what has changed.
    pub fn write(self, database: &Database, changes: &mut Changes<'_>) -> Result<(), Error> {
        let touched: BTreeSet<SignatureId> = self.gained.keys().chain(self.lost.keys()).copied().collect();
        let before: Vec<Option<Tally>> = database.get_all(touched.iter().map(|signature| rows::tally(*signature)))?;
        let (mut tallies, mut edgeless) = (BTreeMap::new(), HashMap::new());
        for (signature, tally) in touched.into_iter().zip(before) {
            let mut tally = tally.unwrap_or_default();
            if let Some(gained) = self.gained.get(&signature) {
                tally.add(gained);
            }
            if self.lost.get(&signature).is_some_and(|lost| tally.subtract(lost)) {
                edgeless.insert(signature, Tally { chunks: tally.chunks.clone(), ..Tally::default() });
            }
            tallies.insert(signature, tally);
        }
        self.find_times(database, &mut edgeless)?;
        for (signature, mut tally) in tallies {
            if let Some(found) = edgeless.get(&signature) {
                (tally.first_ms, tally.last_ms) = (found.first_ms, found.last_ms);
            }
            let key = rows::tally(signature);
            if tally.crashes == 0 {
                changes.delete(&key);
            } else {
                changes.put(&key, &tally)?;
            }
        }
        Ok(())
    }

    /// Finds when the first and the last of those crashes were that will have each of the signatures, in the chunks that it names. Each
    /// chunk is read once, as a signature may be in all of them, and all signatures in one.
    fn find_times(&self, database: &Database, signatures: &mut HashMap<SignatureId, Tally>) -> Result<(), Error> {
        let chunks: BTreeSet<u64> = signatures.values().flat_map(|tally| &tally.chunks).copied().collect();
        let chunks: Vec<u64> = chunks.into_iter().collect();
        let wanted = &*signatures;
        let find = |number: &u64| {
            let mut found: HashMap<SignatureId, Tally> = HashMap::new();
            let mut count = |time_ms: Option<i64>, state: &State| {
                if !state.is_gone && wanted.contains_key(&state.signature) {
                    found.entry(state.signature).or_default().count(time_ms, None);
                }
            };
            if let Some(new) = self.new.get(number) {
                new.iter().for_each(|(time_ms, state)| count(*time_ms, state));
                return Ok(found);
            }
            let chunk: Option<Chunk> = database.get_packed(&rows::chunk(*number))?;
            let before: Option<Vec<State>> = database.get_packed(&rows::states(*number))?;
            let (Some(chunk), Some(before)) = (chunk, before) else { return Err(database.damaged()) };
            for (crash, state) in chunk.crashes().iter().zip(self.states.get(number).unwrap_or(&before)) {
                count(crash.time_ms, state);
            }
            Ok(found)
        };
        let found: Vec<HashMap<SignatureId, Tally>> = chunks.par_iter().map(find).collect::<Result<_, Error>>()?;
        for (signature, tally) in found.into_iter().flatten() {
            signatures.entry(signature).and_modify(|known| known.add(&tally));
        }
        Ok(())
    }
}
