//! Removing crashes: in, where they are; out, a store that has nothing of their reports.

use std::collections::BTreeMap;

use super::add::slots_by_image;
use super::chunk::Chunk;
use super::database::Changes;
use super::ids::CrashId;
use super::ledger::{Change, Ledger};
use super::state::{Meta, Slot};
use super::{CrashWriter, reports, rows};
use crate::store::Error;

impl CrashWriter {
    /// Removes the crashes at `slots`, all at once. Their groups stay, even without any crash: their ids stand for them for ever.
    ///
    /// # Errors
    /// Any [`Error`]; all of them are still there then.
    pub fn remove(&self, slots: &[Slot]) -> Result<usize, Error> {
        let database = &self.database;
        let (mut changes, mut ledger) = (database.changes(), Ledger::default());
        let by_chunk = by_chunk(slots);
        let removed = self.take_out(&mut changes, &mut ledger, &by_chunk)?;
        ledger.write(database, &mut changes)?;
        let mut meta: Meta = database.get(rows::META)?.unwrap_or_default();
        meta.crashes = meta.crashes.saturating_sub(removed as u64);
        changes.put(rows::META, &meta)?;
        changes.commit()?;
        self.erase(&by_chunk)?;
        Ok(removed)
    }

    /// What RocksDB has of older versions of the rows of these crashes goes too.
    pub(super) fn erase(&self, by_chunk: &BTreeMap<u64, Vec<u16>>) -> Result<(), Error> {
        let database = &self.database;
        by_chunk
            .keys()
            .try_for_each(|number| database.erase(&rows::all_reports(*number)).and_then(|()| database.erase(&rows::chunk(*number))))
    }

    /// Takes crashes out of their chunks; how many there were.
    pub(super) fn take_out(
        &self,
        changes: &mut Changes<'_>,
        ledger: &mut Ledger,
        by_chunk: &BTreeMap<u64, Vec<u16>>,
    ) -> Result<usize, Error> {
        let database = &self.database;
        let mut removed = 0;
        for (number, gone) in by_chunk {
            let number = *number;
            let Some(chunk) = self.chunk(number)? else { continue };
            let mut states = self.states(number)?;
            let mut losing = Vec::with_capacity(gone.len());
            for slot in gone {
                let (Some(crash), Some(state)) = (chunk.crash(*slot), states.get_mut(usize::from(*slot))) else { continue };
                if std::mem::replace(&mut state.is_gone, true) {
                    continue;
                }
                losing.push(Change { slot: *slot, lost: Some(state.signature), gained: None });
                changes.delete(&rows::crash(crash.id));
                removed += 1;
            }
            ledger.take(number, &chunk, &states, &losing);
            let left = chunk.without(gone);
            put_images(changes, number, &chunk, &left)?;
            changes.put_packed(&rows::chunk(number), &left)?;
            changes.put_packed(&rows::states(number), &states)?;
            reports::remove(database, changes, number, gone)?;
        }
        Ok(removed)
    }

    /// Removes reports that cannot be read.
    ///
    /// # Errors
    /// Any [`Error`]; all of them are still there then.
    pub fn remove_failed(&self, ids: &[CrashId]) -> Result<(), Error> {
        let mut changes = self.database.changes();
        ids.iter().for_each(|id| changes.delete(&rows::failed(*id)));
        changes.commit()
    }
}

/// The slots of each chunk, each once.
pub(super) fn by_chunk(slots: &[Slot]) -> BTreeMap<u64, Vec<u16>> {
    let mut by_chunk: BTreeMap<u64, Vec<u16>> = BTreeMap::new();
    slots.iter().for_each(|at| by_chunk.entry(at.chunk).or_default().push(at.slot));
    for slots in by_chunk.values_mut() {
        slots.sort_unstable();
        slots.dedup();
    }
    by_chunk
}

/// The index of images, for a chunk of which something has gone.
fn put_images(changes: &mut Changes<'_>, number: u64, before: &Chunk, after: &Chunk) -> Result<(), Error> {
    let after = slots_by_image(after);
    for image in slots_by_image(before).keys() {
        match after.get(image) {
            Some(slots) => changes.put(&rows::image(image, number), slots)?,
            None => changes.delete(&rows::image(image, number)),
        }
    }
    Ok(())
}
