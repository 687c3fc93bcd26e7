//! Adding crashes: in, reports and what was read of them; out, each in the store with its group, or known already, or kept aside.
//!
//! ```text
//! reports      -> prepared  what was read of them, what they are grouped by (prepare.rs)
//!              -> new ones  those whose ids are not stored yet
//!              -> rows      reports (reports.rs), index of images, counts of signatures (ledger.rs), groups of new signatures
//! ```

use std::collections::{BTreeMap, HashSet};

use super::CrashWriter;
use super::chunk::Chunk;
use super::database::{Changes, Database};
use super::ids::{CrashId, GroupId, SignatureId};
use super::ledger::Ledger;
use super::prepare::{Prepared, Ready, Seen};
use super::remove::by_chunk;
use super::state::{Failed, GroupRow, Meta, SignatureRow, Slot, State};
use super::{reports, rows};
use crate::assess::{Assessed, Assessor, ENGINE, Signature};
use crate::store::Error;

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is a crash that was not known.
    New(CrashId),
    /// The crash is stored already.
    Known(CrashId),
    /// The crash was stored already, with another mapping than it has now.
    Remapped(CrashId),
    /// It cannot be read, for this reason, and is kept aside.
    Failed(CrashId, String),
}

impl CrashWriter {
    /// Stores what was `prepared`, all of it at once. What is stored already is looked up now: `assessor` is the one that it was prepared
    /// with.
    ///
    /// # Errors
    /// Any [`Error`]; none of it is stored then.
    pub fn add(&self, prepared: Prepared, assessor: &Assessor<'_>) -> Result<Vec<Added>, Error> {
        let database = &self.database;
        let Prepared { reports, ready } = prepared;
        let mut ready = ready.map_err(|cause| database.io_error(cause))?;
        let keys: Vec<Vec<u8>> = reports.iter().map(|seen| rows::crash(seen.id)).collect();
        let mut met = HashSet::new();
        let mut changes = database.changes();
        let mut added = Vec::with_capacity(reports.len());
        let (mut slots, mut fresh, mut replaced) = (0..=u16::MAX, Vec::new(), Vec::new());
        for ((seen, key), known) in reports.iter().zip(&keys).zip(database.bytes_of(&keys)?) {
            let is_first = met.insert(seen.id);
            let is_new = is_first && known.is_none();
            let slot = if seen.error.is_none() { slots.next() } else { None };
            if let Some(slot) = slot.filter(|_| is_first && !is_new && seen.has_given_mapping)
                && let Some(at) = self.with_other_mapping(key, &ready.chunk, slot)?
            {
                replaced.push(at);
                fresh.push((slot, &*seen.incoming.report));
                added.push(Added::Remapped(seen.id));
                continue;
            }
            added.push(match &seen.error {
                _ if !is_new => Added::Known(seen.id),
                Some(error) => {
                    keep_aside(database, &mut changes, seen, error)?;
                    Added::Failed(seen.id, error.clone())
                }
                None => {
                    fresh.extend(slot.map(|slot| (slot, &*seen.incoming.report)));
                    Added::New(seen.id)
                }
            });
        }
        if fresh.len() < ready.chunk.crashes().len() {
            let reports: Vec<&[u8]> = fresh.iter().map(|(_, report)| *report).collect();
            let chunk = ready.chunk.only(fresh.iter().map(|(slot, _)| *slot));
            ready = Ready::of(chunk, &reports, assessor).map_err(|cause| database.io_error(cause))?;
        }
        let replaced = by_chunk(&replaced);
        let mut ledger = Ledger::default();
        let removed = self.take_out(&mut changes, &mut ledger, &replaced)?;
        if !fresh.is_empty() {
            put_chunk(database, &mut changes, (ledger, removed), ready, assessor.rules().version())?;
        }
        changes.commit()?;
        self.erase(&replaced)?;
        Ok(added)
    }

    /// Where the crash of row `key` is, if it has another mapping than the one in `slot` of `chunk`.
    fn with_other_mapping(&self, key: &[u8], chunk: &Chunk, slot: u16) -> Result<Option<Slot>, Error> {
        let id_of = |chunk: &Chunk, slot: u16| {
            let image = chunk.crash(slot).and_then(|crash| chunk.image(crash.mapping?));
            image.and_then(|image| image.id.clone())
        };
        let Some(at) = self.database.get::<Slot>(key)? else { return Ok(None) };
        let before = self.chunk(at.chunk)?.and_then(|chunk| id_of(&chunk, at.slot));
        Ok((before != id_of(chunk, slot)).then_some(at))
    }
}

/// A report that cannot be read may be one that a later version can.
fn keep_aside(database: &Database, changes: &mut Changes<'_>, Seen { incoming, id, .. }: &Seen, error: &str) -> Result<(), Error> {
    let report = database.pack(&incoming.report)?;
    let failed = Failed { id: *id, source: incoming.source.clone(), error: error.to_owned(), report };
    changes.put(&rows::failed(*id), &failed)
}

/// Puts a chunk that was assessed with these `rules`. `ledger` has what so many crashes, which go, lose.
fn put_chunk(
    database: &Database,
    changes: &mut Changes<'_>,
    (mut ledger, removed): (Ledger, usize),
    ready: Ready,
    rules: u128,
) -> Result<(), Error> {
    let Ready { chunk, packed_chunk, packed_reports, digests, assessment } = ready;
    let mut meta: Meta = database.get(rows::META)?.unwrap_or_default();
    let number = meta.next_chunk;
    let has_failed = database.has_any(rows::area::FAILED)?;
    let mut states = Vec::with_capacity(chunk.crashes().len());
    for (((slot, crash), assessed), digest) in (0..=u16::MAX).zip(chunk.crashes()).zip(&assessment.crashes).zip(digests) {
        let Assessed { signature, resolved } = *assessed;
        states.push(State { signature, digest, resolved, is_gone: false });
        changes.put(&rows::crash(crash.id), &Slot { chunk: number, slot })?;
        if has_failed {
            // It may have been kept aside by a version that could not read it.
            changes.delete(&rows::failed(crash.id));
        }
    }
    ledger.take_new(number, &chunk, &states);
    put_signatures(database, changes, assessment.signatures)?;
    ledger.write(database, changes)?;
    for (image, slots) in slots_by_image(&chunk) {
        changes.put(&rows::image(&image, number), &slots)?;
    }
    changes.put_bytes(&rows::chunk(number), &packed_chunk)?;
    changes.put_packed(&rows::states(number), &states)?;
    reports::put(changes, number, packed_reports)?;
    if meta.next_chunk == 0 {
        (meta.rules, meta.engine) = (rules, ENGINE);
    } else if (meta.rules, meta.engine) != (rules, ENGINE) {
        meta.rules = 0;
    }
    meta.next_chunk += 1;
    meta.crashes = (meta.crashes + states.len() as u64).saturating_sub(removed as u64);
    changes.put(rows::META, &meta)
}

/// Each signature that is new gets a group of its own.
fn put_signatures(
    database: &Database,
    changes: &mut Changes<'_>,
    signatures: impl IntoIterator<Item = (SignatureId, Signature)>,
) -> Result<(), Error> {
    let unique: BTreeMap<SignatureId, Signature> = signatures.into_iter().collect();
    let keys: Vec<Vec<u8>> = unique.keys().map(|id| rows::signature(*id)).collect();
    let known = database.bytes_of(&keys)?;
    let new: Vec<&Signature> = unique.values().zip(&known).filter(|(_, known)| known.is_none()).map(|(signature, _)| signature).collect();
    let groups = own_groups(database, &new.iter().map(|signature| signature.id).collect::<Vec<_>>())?;
    for (signature, group) in new.into_iter().zip(groups) {
        changes.put(&rows::signature(signature.id), &signature.row(group))?;
        changes.put(&rows::group(group), &GroupRow { signatures: vec![signature.id], aliases: Vec::new() })?;
    }
    Ok(())
}

/// The group for each signature that has none: one that has no signatures, not even of old.
pub fn own_groups(database: &Database, signatures: &[SignatureId]) -> Result<Vec<GroupId>, Error> {
    let first = |signature: &SignatureId| GroupId::of(*signature, 0);
    let rows: Vec<Option<GroupRow>> = database.get_all(signatures.iter().map(|signature| rows::group(first(signature))))?;
    let own = |(signature, row): (&SignatureId, Option<GroupRow>)| {
        let (mut group, mut row) = (first(signature), row);
        let mut number = 0;
        while row.is_some_and(|row| row.signatures.iter().any(|known| known != signature)) {
            number += 1;
            group = GroupId::of(*signature, number);
            row = database.get(&rows::group(group))?;
        }
        Ok(group)
    };
    signatures.iter().zip(rows).map(own).collect()
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

impl Signature {
    /// What is stored of it.
    pub(crate) fn row(&self, group: GroupId) -> SignatureRow {
        SignatureRow { group, kind: self.kind, title: self.title.clone(), frames: self.frames.clone() }
    }
}
