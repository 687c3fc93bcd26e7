//! Who has which signature: in, crashes that get one and lose one; out, the rows that count them.
//!
//! Counts are exact: first and last are found anew where the crash that set them has gone.

use std::collections::{BTreeMap, BTreeSet};

use super::chunk::Chunk;
use super::database::{Changes, Database};
use super::ids::SignatureId;
use super::rows;
use super::state::{Slot, Tally};
use crate::store::Error;

/// Changes of signatures that belong together.
#[derive(Debug, Default)]
pub struct Ledger {
    gained: BTreeMap<SignatureId, Tally>,
    lost: BTreeMap<SignatureId, Tally>,
    /// Whether the crash has the signature afterwards.
    members: BTreeMap<(SignatureId, u64), BTreeMap<u16, bool>>,
}

/// What of a crash is counted.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    /// Where it is.
    pub slot: Slot,
    /// When it happened.
    pub time_ms: Option<i64>,
    /// In which release.
    pub release: Option<&'a str>,
}

impl Ledger {
    /// The crash gets `signature`.
    pub fn gain(&mut self, signature: SignatureId, crash: Counted<'_>) {
        self.gained.entry(signature).or_default().count(crash.time_ms, crash.release);
        self.members.entry((signature, crash.slot.chunk)).or_default().insert(crash.slot.slot, true);
    }

    /// The crash has `signature` no longer.
    pub fn lose(&mut self, signature: SignatureId, crash: Counted<'_>) {
        self.lost.entry(signature).or_default().count(crash.time_ms, crash.release);
        self.members.entry((signature, crash.slot.chunk)).or_default().insert(crash.slot.slot, false);
    }

    /// Writes what has changed, and returns the tallies of all signatures that were touched, as they are then.
    pub fn write(self, database: &Database, changes: &mut Changes<'_>) -> Result<BTreeMap<SignatureId, Tally>, Error> {
        let touched: BTreeSet<SignatureId> = self.gained.keys().chain(self.lost.keys()).copied().collect();
        let keys: Vec<Vec<u8>> = touched.iter().map(|signature| rows::tally(*signature)).collect();
        let mut tallies = BTreeMap::new();
        for ((signature, key), found) in touched.iter().zip(&keys).zip(database.bytes_of(&keys)?) {
            let mut tally: Tally = found.map_or(Ok(Tally::default()), |bytes| database.decode(&bytes))?;
            if let Some(gained) = self.gained.get(signature) {
                tally.add(gained);
            }
            if self.lost.get(signature).is_some_and(|lost| tally.subtract(lost)) {
                (tally.first_ms, tally.last_ms) = self.times(database, *signature)?;
            }
            if tally.crashes == 0 {
                changes.delete(key);
            } else {
                changes.put(key, &tally)?;
            }
            tallies.insert(*signature, tally);
        }
        self.write_members(database, changes)?;
        Ok(tallies)
    }

    fn write_members(&self, database: &Database, changes: &mut Changes<'_>) -> Result<(), Error> {
        let keys: Vec<Vec<u8>> = self.members.keys().map(|(signature, chunk)| rows::members(*signature, *chunk)).collect();
        for ((changed, key), found) in self.members.values().zip(&keys).zip(database.bytes_of(&keys)?) {
            let before: Vec<u16> = found.map_or(Ok(Vec::new()), |bytes| database.decode(&bytes))?;
            let after = changed_members(&before, changed);
            if after.is_empty() {
                changes.delete(key);
            } else {
                changes.put(key, &after)?;
            }
        }
        Ok(())
    }

    /// When the first and the last of those crashes were that have `signature` afterwards.
    fn times(&self, database: &Database, signature: SignatureId) -> Result<(Option<i64>, Option<i64>), Error> {
        let mut members: BTreeMap<u64, Vec<u16>> = BTreeMap::new();
        let prefix = rows::all_members(signature);
        database.each(&prefix, &prefix, |key, value| {
            members.extend(rows::last_number(key).map(|chunk| Ok::<_, Error>((chunk, database.decode(&value)?))).transpose()?);
            Ok(true)
        })?;
        for ((_, chunk), changed) in self.members.range((signature, 0)..=(signature, u64::MAX)) {
            let slots = members.entry(*chunk).or_default();
            *slots = changed_members(slots, changed);
        }
        let mut tally = Tally::default();
        for (chunk, slots) in members.iter().filter(|(_, slots)| !slots.is_empty()) {
            // A chunk that is on its way in has gains only.
            let Some(crashes) = database.get_packed::<Chunk>(&rows::chunk(*chunk))? else { continue };
            slots.iter().filter_map(|slot| crashes.crash(*slot)).for_each(|crash| tally.count(crash.time_ms, None));
        }
        Ok((tally.first_ms, tally.last_ms))
    }
}

fn changed_members(before: &[u16], changed: &BTreeMap<u16, bool>) -> Vec<u16> {
    let mut slots: BTreeSet<u16> = before.iter().copied().collect();
    for (slot, is_member) in changed {
        if *is_member {
            slots.insert(*slot);
        } else {
            slots.remove(slot);
        }
    }
    slots.into_iter().collect()
}
