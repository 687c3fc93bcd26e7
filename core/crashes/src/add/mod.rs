//! Adding crashes: each report is in the store with its group then, or was known already, or is
//! kept aside.
//!
//! ```text
//! reports      -> prepared  what was read of them, what they are grouped by (prepare.rs)
//!              -> ahead     the parts of a large one (ahead.rs)
//!              -> new ones  those that are not stored yet; of several reports of one crash, which is shown (contest.rs)
//!              -> joined    small chunks that came before, once there are some of them (join.rs)
//!              -> rows      reports (reports.rs), index of images, counts of signatures (tally_changes.rs), groups of new signatures (own_groups.rs)
//! ```

mod ahead;
mod contest;
mod join;
mod own_groups;
pub(crate) mod prepare;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;

use crate::add::contest::Contests;
use crate::fingerprint::{Assessed, Assessor, ENGINE};
use crate::ids::{CrashId, FingerprintId};
use crate::stored::changes::{ChangedRow, Changes, Old};
use crate::stored::chunk::Chunk;
use crate::stored::counters::ImageKey;
use crate::stored::database::Database;
use crate::stored::open::format_with;
use crate::stored::reports::Stream;
use crate::stored::state::{Failed, LastRun, Pending, Slot, Standing, State};
use crate::stored::tally_changes::{Change, ChunkStates, TallyChanges};
use crate::stored::{CrashWriter, reports, rows, stored_report};
pub use own_groups::own_groups;
use own_groups::put_signatures;
pub use prepare::{Incoming, Prepared};
use prepare::{Ready, Seen};
use symtool_store::Error;

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is a crash that was not known.
    New(CrashId),
    /// The crash is stored already. If this is another report of it, it is stored, too.
    Known(CrashId),
    /// The crash was stored already, with another mapping than it has now.
    Remapped(CrashId),
    /// It cannot be read, for this reason, and is kept aside.
    Failed(CrashId, String),
}

/// A report that goes into a new chunk.
#[derive(Clone, Copy, Debug)]
struct Fresh {
    /// Its slot among the reports that were prepared.
    slot: u16,
    /// Its place among all that were seen.
    index: usize,
}

impl CrashWriter {
    /// Stores what was `prepared`, all of it at once. What is stored already is looked up now:
    /// `assessor` is the one that it was prepared with.
    ///
    /// # Errors
    /// Any [`Error`]; none of it is stored then.
    pub fn add(&self, prepared: Prepared, assessor: &Assessor<'_>) -> Result<Vec<Added>, Error> {
        self.join_small()?;
        self.add_unjoined(prepared, assessor)
    }

    /// The same, whatever small chunks there are.
    pub(crate) fn add_unjoined(
        &self,
        prepared: Prepared,
        assessor: &Assessor<'_>,
    ) -> Result<Vec<Added>, Error> {
        let database = &self.database;
        let Prepared { reports: all, ready } = prepared;
        let mut ready = ready.map_err(|cause| database.io_error(cause))?;
        self.write_ahead(&all, &ready)?;
        let keys: Vec<Vec<u8>> = all.iter().map(|seen| rows::crash(seen.id)).collect();
        // The slots of new crashes, by id: what comes with the same id is another report of it.
        let mut met: HashMap<CrashId, Option<Fresh>> = HashMap::with_capacity(all.len());
        let mut changes = database.changes();
        let mut contests = Contests::new(self);
        let mut added = Vec::with_capacity(all.len());
        let (mut slots, mut fresh) = (0..=u16::MAX, Vec::with_capacity(all.len()));
        for (index, (seen, known)) in all.iter().zip(database.bytes_of(&keys)?).enumerate() {
            if let Some(error) = &seen.error {
                let is_known = known.is_some() || met.contains_key(&seen.id);
                met.entry(seen.id).or_insert(None);
                let is_new = !is_known && keep_aside(database, &mut changes, seen, error)?;
                let failed = is_new.then(|| Added::Failed(seen.id, error.clone()));
                added.push(failed.unwrap_or(Added::Known(seen.id)));
                continue;
            }
            let Some(slot) = slots.next() else { break };
            let this = Fresh { slot, index };
            let first = met.get(&seen.id).copied().flatten();
            if known.is_none() && first.is_none() {
                met.insert(seen.id, Some(this));
                fresh.push(this);
                added.push(Added::New(seen.id));
                continue;
            }
            let stored: Option<Slot> =
                known.as_deref().map(|bytes| database.decode(bytes)).transpose()?;
            let met_before = first.map(|first| (first.slot, &all[first.index]));
            let is_remapped = met_before.is_none()
                && seen.has_given_mapping
                && self.has_other_mapping(stored, &ready.chunk, slot)?;
            if contests.enter(stored, met_before, (slot, seen), is_remapped)? {
                fresh.push(this);
            }
            added.push(if is_remapped { Added::Remapped(seen.id) } else { Added::Known(seen.id) });
        }
        let standings = contests.decide(&fresh.iter().map(|fresh| fresh.slot).collect::<Vec<_>>());
        if fresh.len() < ready.chunk.crashes().len() {
            ready =
                only(&ready, &fresh, &all, assessor).map_err(|cause| database.io_error(cause))?;
        }
        if changes.is_empty() && fresh.is_empty() {
            return Ok(added);
        }
        if !fresh.is_empty() {
            self.put_chunk(&mut changes, ready, &standings, &contests, assessor)?;
        }
        database.check_quota(changes.bytes())?;
        changes.commit()?;
        Ok(added)
    }

    /// Whether the crash that is `stored` has another mapping than the one in `slot` of `chunk`.
    fn has_other_mapping(
        &self,
        stored: Option<Slot>,
        chunk: &Chunk,
        slot: u16,
    ) -> Result<bool, Error> {
        let id_of = |chunk: &Chunk, slot: u16| {
            let image = chunk.crash(slot).and_then(|crash| chunk.image(crash.mapping?));
            image.and_then(|image| image.id.clone())
        };
        let Some(at) = stored else { return Ok(false) };
        let before = self.chunk(at.chunk)?.and_then(|chunk| id_of(&chunk, at.slot));
        Ok(before != id_of(chunk, slot))
    }

    fn put_chunk(
        &self,
        changes: &mut Changes<'_>,
        ready: Ready,
        standings: &[Standing],
        contests: &Contests<'_>,
        assessor: &Assessor<'_>,
    ) -> Result<(), Error> {
        let database = &self.database;
        let Ready {
            chunk,
            packed_chunk,
            stored_reports,
            packed_reports,
            digests,
            damaged,
            assessment,
            ..
        } = ready;
        let number = changes.head.next_chunk;
        self.forget_failed(changes, &chunk)?;
        let states = states(&assessment.crashes, digests, standings);
        put_reports(changes, number, &chunk, &states, contests)?;
        let shown = || (0..=u16::MAX).zip(&states).filter(|(_, state)| state.is_shown());
        let gains: Vec<Change> = shown()
            .map(|(slot, state)| Change { slot, lost: None, gained: Some(state.signature) })
            .collect();
        let mut tallies = TallyChanges::default();
        tallies.take(
            database,
            number,
            &chunk,
            ChunkStates { before: &[], after: &states },
            &gains,
        )?;
        changes.head.crashes += gains.len() as u64;
        let mut signatures = assessment.signatures;
        if gains.len() < states.len() {
            let used: HashSet<FingerprintId> = shown().map(|(_, state)| state.signature).collect();
            signatures.retain(|id, _| used.contains(id));
        }
        contests.put_aside(changes, &mut tallies)?;
        for signature in signatures.values() {
            tallies.counters.put_waits(signature.id, &signature.waits);
        }
        let groups = put_signatures(database, changes, signatures)?;
        tallies.write(database, changes, &groups)?;
        let by_image = slots_by_image(&chunk);
        put_pending(database, changes, number, (by_image.keys(), &damaged), assessor)?;
        for (image, slots) in by_image {
            changes.put(rows::image(&image, number), Old::Absent, &slots)?;
        }
        changes.put_bytes(rows::chunk(number), Old::Absent, packed_chunk)?;
        stored_report::put(changes, number, &stored_reports)?;
        changes.put_packed(rows::states(number), Old::Absent, &states)?;
        reports::put(database, changes, Stream::Chunk(number), packed_reports)?;
        changes.head.next_chunk += 1;
        changes.head.format = format_with(changes.head.format, &chunk);
        Ok(())
    }
}

/// The states of new crashes, as they were assessed and as they stand.
fn states(
    assessed: &[Assessed],
    digests: impl IntoIterator<Item = u64>,
    standings: &[Standing],
) -> Vec<State> {
    let all = assessed.iter().zip(digests).zip(standings);
    all.map(|((Assessed { signature, resolved }, digest), standing)| State {
        signature: *signature,
        digest,
        resolved: *resolved,
        standing: *standing,
    })
    .collect()
}

impl CrashWriter {
    /// Crashes of `chunk` may have been kept aside by a version that could not read them.
    fn forget_failed(&self, changes: &mut Changes<'_>, chunk: &Chunk) -> Result<(), Error> {
        let database = &self.database;
        if !database.has_any(rows::area::FAILED)? {
            return Ok(());
        }
        let ids: BTreeSet<CrashId> = chunk.crashes().iter().map(|crash| crash.id).collect();
        let keys: Vec<Vec<u8>> = ids.iter().map(|id| rows::failed(*id)).collect();
        let found = database.bytes_of(&keys)?;
        for ((id, key), failed) in
            ids.into_iter().zip(keys).zip(found).filter(|(_, failed)| failed.is_some())
        {
            changes.delete(key, Old::read(failed.as_deref()))?;
            reports::remove_all(database, changes, Stream::Failed(id))?;
        }
        Ok(())
    }
}

/// What is ready, with the reports that are `fresh` among `all` only.
fn only(
    ready: &Ready,
    fresh: &[Fresh],
    all: &[Seen],
    assessor: &Assessor<'_>,
) -> io::Result<Ready> {
    let chunk = ready.chunk.only(fresh.iter().map(|fresh| fresh.slot));
    let reports: Vec<&Seen> = fresh.iter().filter_map(|fresh| all.get(fresh.index)).collect();
    Ready::of(chunk, &reports, assessor, false)
}

/// Puts the row of each report of chunk `number`: the one that is shown of its crash, or another.
fn put_reports(
    changes: &mut Changes<'_>,
    number: u64,
    chunk: &Chunk,
    states: &[State],
    contests: &Contests<'_>,
) -> Result<(), Error> {
    for ((slot, crash), state) in (0..=u16::MAX).zip(chunk.crashes()).zip(states) {
        let at = Slot { chunk: number, slot };
        if state.is_shown() {
            let old = if contests.is_stored(crash.id) { Old::Unknown } else { Old::Absent };
            changes.put(rows::crash(crash.id), old, &at)?;
        } else {
            changes.put_bytes(rows::other_report(crash.id, at), Old::Absent, Vec::new())?;
        }
    }
    Ok(())
}

/// Keeps a report that cannot be read: a later version may. Returns whether it was not there yet.
fn keep_aside(
    database: &Database,
    changes: &mut Changes<'_>,
    seen: &Seen,
    error: &str,
) -> Result<bool, Error> {
    let Seen { incoming, id, arrived_ms, .. } = seen;
    let key = rows::failed(*id);
    let known: Option<Failed> = database.get(&key)?;
    if known.as_ref().is_some_and(|known| known.error == error) {
        return Ok(false);
    }
    if known.is_none() {
        let packed =
            reports::pack(&[&incoming.report]).map_err(|cause| database.io_error(cause))?;
        reports::put(database, changes, Stream::Failed(*id), packed)?;
    }
    let bytes = incoming.report.len() as u64;
    let failed = Failed {
        id: *id,
        source: incoming.source.clone(),
        error: error.to_owned(),
        arrived_ms: *arrived_ms,
        bytes,
    };
    changes.put(key, Old::Unknown, &failed)?;
    Ok(true)
}

/// Notes what a chunk with crashes in `images` was assessed with, if the last run applied something
/// else: that run did not see the chunk, and the next one would find nothing new to it. The same
/// where modules were `damaged`.
fn put_pending<'i>(
    database: &Database,
    changes: &mut Changes<'_>,
    number: u64,
    (images, damaged): (impl Iterator<Item = &'i ImageKey>, &[ImageKey]),
    assessor: &Assessor<'_>,
) -> Result<(), Error> {
    let used = LastRun { rules: assessor.rules().version(), engine: ENGINE };
    let Some(last): Option<LastRun> = database.get(rows::LAST_RUN)? else {
        // The first crashes are what a run with these rules would have left.
        return if number == 0 {
            changes.put(rows::LAST_RUN.to_vec(), Old::Absent, &used)
        } else {
            Ok(())
        };
    };
    let images: Vec<ImageKey> = images.copied().collect();
    let known: Vec<Option<u64>> = database.get_all(images.iter().map(rows::known))?;
    let digests = images.iter().map(|image| assessor.modules().digest(image));
    let modules: Vec<(ImageKey, Option<u64>)> = images
        .iter()
        .zip(digests)
        .zip(known)
        .filter(|((image, used), known)| used != known || damaged.contains(image))
        .map(|((image, used), _)| (*image, used))
        .collect();
    let pending = Pending { rules: used.rules, engine: used.engine, modules };
    if pending.modules.is_empty() && used == last {
        return Ok(());
    }
    changes.put(rows::pending(number), Old::Absent, &pending)
}

/// The rows of the index of images that change, if what chunk `number` says changes.
pub fn image_rows(
    database: &Database,
    number: u64,
    before: &Chunk,
    after: &Chunk,
) -> Result<Vec<ChangedRow>, Error> {
    let (before, after) = (slots_by_image(before), slots_by_image(after));
    let images: BTreeSet<&[u8; 16]> = before.keys().chain(after.keys()).collect();
    let mut rows = Vec::new();
    for image in images {
        let (was, is) = (before.get(image), after.get(image));
        if was != is {
            let old = if was.is_some() { Old::Unknown } else { Old::Absent };
            let new = is.map(|slots| database.encode(slots)).transpose()?;
            rows.push(database.changed(rows::image(image, number), old, new)?);
        }
    }
    Ok(rows)
}

/// For each image in which crashes of `chunk` have frames, which crashes.
pub fn slots_by_image(chunk: &Chunk) -> BTreeMap<[u8; 16], Vec<u16>> {
    let mut slots: BTreeMap<[u8; 16], Vec<u16>> = BTreeMap::new();
    for (slot, crash) in (0..=u16::MAX).zip(chunk.crashes()) {
        for image in chunk.images_of(crash).iter().copied() {
            for key in rows::image_keys(chunk.image(image).and_then(|image| image.id.as_ref())) {
                let of_image = slots.entry(key).or_default();
                if of_image.last() != Some(&slot) {
                    of_image.push(slot);
                }
            }
        }
    }
    slots
}
