//! Removing crashes: the store has nothing of their reports then, nor has the disk.

use std::collections::BTreeMap;

use crate::add::image_rows;
use crate::ids::CrashId;
use crate::stored::changes::{Changes, Old};
use crate::stored::chunk::Chunk;
use crate::stored::counters::{ImageFacts, ImageKey, image_key};
use crate::stored::reports::{self, Stream};
use crate::stored::state::{Slot, Standing, State};
use crate::stored::stored_report::extent;
use crate::stored::tally_changes::{Change, ChunkStates, Regrouped, TallyChanges};
use crate::stored::{CrashWriter, Crashes, rows};
use symtool_store::Error;

impl CrashWriter {
    /// Removes the crashes at `slots`, all at once, with all reports that there are of them. Their
    /// groups stay, even without any crash: their ids stand for them for ever. Returns how many
    /// crashes were removed.
    ///
    /// # Errors
    /// Any [`Error`]; all of them are still there then.
    pub fn remove(&self, slots: &[Slot]) -> Result<usize, Error> {
        let database = &self.database;
        let mut changes = database.changes();
        let (mut tallies, mut removed) = (TallyChanges::default(), 0);
        let mut facts: BTreeMap<ImageKey, ImageFacts> = BTreeMap::new();
        let by_chunk = self.with_other_reports(slots)?;
        if by_chunk.is_empty() {
            return Ok(0);
        }
        for (number, gone) in &by_chunk {
            let of_chunk = self.remove_of_chunk(&mut changes, &mut tallies, *number, gone)?;
            if let Some((count, left)) = of_chunk {
                removed += count;
                for image in left.images() {
                    let key = image_key(image).filter(|key| !facts.contains_key(key));
                    facts.extend(key.map(|key| (key, ImageFacts::of(&left, image))));
                }
            }
        }
        self.describe_again(&mut tallies, &by_chunk, facts)?;
        tallies.write(database, &mut changes, &Regrouped::new())?;
        changes.head.crashes = changes.head.crashes.saturating_sub(removed as u64);
        changes.commit()?;
        // What RocksDB has of older versions of these rows goes too.
        let facts = rows::area::IMAGE_FACTS.to_vec();
        let mut ranges = vec![(facts.clone(), facts)];
        for number in by_chunk.into_keys() {
            let first = self.first_joined(number)?;
            ranges.extend([
                (rows::report_parts(first), rows::report_parts(number)),
                (rows::chunk(first), rows::chunk(number)),
            ]);
        }
        database.erase(ranges)?;
        Ok(removed)
    }

    /// The number of the first chunk that was joined to chunk `number`, which had the numbers before
    /// it; its own if there was none.
    pub(super) fn first_joined(&self, number: u64) -> Result<u64, Error> {
        let states = rows::states(number);
        let before = self.database.keys(rows::area::STATES, Some(&states), true, 1)?;
        Ok(before.first().and_then(|key| rows::last_number(key)).map_or(0, |number| number + 1))
    }

    /// Images that reports describe that go are described by others from now on. What is left of
    /// the chunks in `touched` says the `facts`.
    fn describe_again(
        &self,
        tallies: &mut TallyChanges,
        touched: &BTreeMap<u64, Vec<u16>>,
        mut facts: BTreeMap<ImageKey, ImageFacts>,
    ) -> Result<(), Error> {
        let database = &self.database;
        for key in tallies.counters.losing() {
            let mut found = facts.remove(&key);
            if found.is_none() {
                let prefix = rows::all_of_image(&key);
                database.each(&prefix, &prefix, |row, _| {
                    let number = rows::last_number(row).ok_or_else(|| database.damaged())?;
                    if !touched.contains_key(&number) {
                        found = self.chunk(number)?.and_then(|chunk| describe(&key, &chunk));
                    }
                    Ok(found.is_none())
                })?;
            }
            if let Some(facts) = found {
                tallies.counters.describe(key, facts);
            }
        }
        Ok(())
    }

    /// Removes the reports in the slots of chunk `number` that are `gone`. Returns how many crashes
    /// go with them, and what is left of the chunk.
    fn remove_of_chunk(
        &self,
        changes: &mut Changes<'_>,
        tallies: &mut TallyChanges,
        number: u64,
        gone: &[u16],
    ) -> Result<Option<(usize, Chunk)>, Error> {
        let database = &self.database;
        let chunk_key = rows::chunk(number);
        let Some(old_chunk) = database.bytes(&chunk_key)? else { return Ok(None) };
        let chunk: Chunk = database.decode(&database.expand(&old_chunk)?)?;
        let (states_key, old_states) =
            (rows::states(number), database.bytes(&rows::states(number))?);
        let before: Vec<State> = self.states(number)?;
        let mut states = before.clone();
        let (mut losing, mut extents) = (Vec::with_capacity(gone.len()), Vec::new());
        let stored = self.stored_reports(number)?;
        for slot in gone {
            let (Some(crash), Some(state)) =
                (chunk.crash(*slot), states.get_mut(usize::from(*slot)))
            else {
                continue;
            };
            match std::mem::replace(&mut state.standing, Standing::Removed) {
                Standing::Removed => continue,
                Standing::Outdone => {
                    changes.delete(
                        rows::other_report(crash.id, Slot { chunk: number, slot: *slot }),
                        Old::Unknown,
                    )?;
                }
                Standing::Shown => {
                    losing.push(Change { slot: *slot, lost: Some(state.signature), gained: None });
                    changes.delete(rows::crash(crash.id), Old::Unknown)?;
                }
            }
            extents.extend(extent(&stored, *slot));
        }
        tallies.take(
            database,
            number,
            &chunk,
            ChunkStates { before: &before, after: &states },
            &losing,
        )?;
        let left = chunk.without(gone);
        image_rows(database, number, &chunk, &left)?.into_iter().for_each(|row| changes.take(row));
        changes.put_packed(chunk_key, Old::Value(&old_chunk), &left)?;
        changes.put_packed(states_key, Old::read(old_states.as_deref()), &states)?;
        reports::remove(database, changes, number, &extents)?;
        Ok(Some((losing.len(), left)))
    }

    /// Removes the reports at `slots`, whichever report of a crash each is; the crash goes with all
    /// of its reports.
    ///
    /// # Errors
    /// Any [`Error`]; all of them are still there then.
    pub fn forget(&self, slots: &[Slot]) -> Result<usize, Error> {
        let mut shown = Vec::with_capacity(slots.len());
        for at in slots {
            let chunk = self.chunk(at.chunk)?.ok_or_else(|| self.database.damaged())?;
            let id = chunk.crash(at.slot).map(|crash| crash.id);
            shown.extend(id.map(|id| self.at(id)).transpose()?.flatten());
        }
        shown.sort_unstable();
        shown.dedup();
        self.remove(&shown)
    }

    /// Removes reports that cannot be read.
    ///
    /// # Errors
    /// Any [`Error`]; all of them are still there then.
    pub fn remove_failed(&self, ids: &[CrashId]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut changes = self.database.changes();
        for id in ids {
            changes.delete(rows::failed(*id), Old::Unknown)?;
            reports::remove_all(&self.database, &mut changes, Stream::Failed(*id))?;
        }
        changes.commit()?;
        let rows = ids.iter().flat_map(|id| [rows::failed_parts(*id), rows::failed(*id)]);
        self.database.erase(rows.map(|key| (key.clone(), key)))
    }
}

impl Crashes {
    /// All reports of the crashes at `slots`, by chunk, each once.
    pub(super) fn with_other_reports(
        &self,
        slots: &[Slot],
    ) -> Result<BTreeMap<u64, Vec<u16>>, Error> {
        let mut all: Vec<Slot> = slots.to_vec();
        let has_others = self.database.has_any(rows::area::OTHER_REPORTS)?;
        self.each_of(if has_others { slots } else { &[] }, |listed| {
            all.extend(self.other_reports(listed.crash.id)?);
            Ok(true)
        })?;
        let mut by_chunk: BTreeMap<u64, Vec<u16>> = BTreeMap::new();
        all.iter().for_each(|at| by_chunk.entry(at.chunk).or_default().push(at.slot));
        for slots in by_chunk.values_mut() {
            slots.sort_unstable();
            slots.dedup();
        }
        Ok(by_chunk)
    }
}

/// What `chunk` says of the image with this key.
fn describe(key: &ImageKey, chunk: &Chunk) -> Option<ImageFacts> {
    let image = chunk.images().iter().find(|image| image_key(image) == Some(*key))?;
    Some(ImageFacts::of(chunk, image))
}
