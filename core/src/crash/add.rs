//! Adding crashes: in, reports and what was read of them; out, each in the store with its group, or known already, or kept aside.
//!
//! ```text
//! ids          of each report; those that are known are left out
//!   -> chunk   what grouping needs (chunk.rs)
//!   -> assess  names from the store, signature (crate::assess)
//!   -> rows    reports (reports.rs), index of images, members of signatures (ledger.rs), groups of new signatures
//! ```

use std::collections::{BTreeMap, HashSet};

use rayon::prelude::*;
use symtool_formats::crash::CrashEvent;

use super::CrashWriter;
use super::chunk::{Builder, Chunk};
use super::database::{Changes, Database};
use super::ids::{CrashId, GroupId, SignatureId};
use super::ledger::{Counted, Ledger};
use super::state::{Failed, GroupRow, Meta, SignatureRow, Slot, State};
use super::{reports, rows};
use crate::assess::{Assessed, Assessor, Signature};
use crate::store::Error;

/// A report on its way in.
#[derive(Debug)]
pub struct Incoming {
    /// Its bytes.
    pub report: Vec<u8>,
    /// Where it came from, as the user named it.
    pub source: String,
    /// What it tells, or why it cannot be read.
    pub event: Result<CrashEvent, String>,
}

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is a crash that was not known.
    New(CrashId),
    /// The crash is stored already.
    Known(CrashId),
    /// It cannot be read, and is kept aside; as for [`Incoming::event`].
    Failed(CrashId, String),
}

impl CrashWriter {
    /// Stores `incoming`, no more than [`crate::limits::CHUNK_CRASHES`], all of it at once. They go into groups as `assessor` sees them.
    ///
    /// # Errors
    /// Any [`Error`]; none of them is stored then.
    pub fn add(&self, incoming: &[Incoming], assessor: &Assessor<'_>) -> Result<Vec<Added>, Error> {
        add(&self.database, incoming, assessor)
    }
}

fn add(database: &Database, incoming: &[Incoming], assessor: &Assessor<'_>) -> Result<Vec<Added>, Error> {
    let ids: Vec<CrashId> = incoming.par_iter().map(id_of).collect();
    let keys: Vec<Vec<u8>> = ids.iter().map(|id| rows::crash(*id)).collect();
    let mut seen = HashSet::new();
    let mut changes = database.changes();
    let mut builder = Builder::default();
    let mut stored: Vec<(u16, &[u8])> = Vec::new();
    let mut added = Vec::with_capacity(incoming.len());
    for ((incoming, id), known) in incoming.iter().zip(&ids).zip(database.bytes_of(&keys)?) {
        let is_new = seen.insert(*id) && known.is_none();
        added.push(match &incoming.event {
            _ if !is_new => Added::Known(*id),
            Err(error) => {
                keep_aside(database, &mut changes, *id, incoming, error)?;
                Added::Failed(*id, error.clone())
            }
            Ok(event) => {
                let slot = u16::try_from(stored.len()).map_err(|_| database.damaged())?;
                builder.add(*id, event, &incoming.source);
                stored.push((slot, &incoming.report));
                Added::New(*id)
            }
        });
    }
    if !stored.is_empty() {
        put_chunk(database, &mut changes, &builder.finish(), &stored, assessor)?;
    }
    changes.commit()?;
    Ok(added)
}

fn id_of(incoming: &Incoming) -> CrashId {
    CrashId::of(incoming.event.as_ref().ok().and_then(|event| event.event_id.as_deref()), &incoming.report)
}

/// A report that cannot be read may be one that a later version can.
fn keep_aside(database: &Database, changes: &mut Changes<'_>, id: CrashId, incoming: &Incoming, error: &str) -> Result<(), Error> {
    let report = database.pack(&incoming.report)?;
    let failed = Failed { id, source: incoming.source.clone(), error: error.to_owned(), report };
    changes.put(&rows::failed(id), &failed)
}

fn put_chunk(
    database: &Database,
    changes: &mut Changes<'_>,
    chunk: &Chunk,
    stored: &[(u16, &[u8])],
    assessor: &Assessor<'_>,
) -> Result<(), Error> {
    let mut meta: Meta = database.get(rows::META)?.unwrap_or_default();
    let number = meta.next_chunk;
    let slots: Vec<u16> = stored.iter().map(|(slot, _)| *slot).collect();
    let assessed = assessor.assess(chunk, &slots);
    let mut ledger = Ledger::default();
    let mut states = Vec::with_capacity(assessed.len());
    for ((slot, crash), Assessed { signature, digest, resolved }) in slots.iter().zip(chunk.crashes()).zip(&assessed) {
        states.push(State { signature: signature.id, digest: *digest, resolved: *resolved, is_gone: false });
        let at = Slot { chunk: number, slot: *slot };
        ledger.gain(signature.id, Counted { slot: at, time_ms: crash.time_ms, release: chunk.text_of(crash.release) });
        changes.put(&rows::crash(crash.id), &at)?;
        // It may have been kept aside by a version that could not read it.
        changes.delete(&rows::failed(crash.id));
    }
    put_signatures(database, changes, assessed.iter().map(|assessed| &assessed.signature))?;
    ledger.write(database, changes)?;
    for (image, slots) in slots_by_image(chunk) {
        changes.put(&rows::image(&image, number), &slots)?;
    }
    changes.put_packed(&rows::chunk(number), chunk)?;
    changes.put_packed(&rows::states(number), &states)?;
    reports::put(database, changes, number, stored)?;
    meta.next_chunk += 1;
    meta.crashes += stored.len() as u64;
    changes.put(rows::META, &meta)
}

/// Each signature that is new gets a group of its own.
fn put_signatures<'a>(
    database: &Database,
    changes: &mut Changes<'_>,
    signatures: impl Iterator<Item = &'a Signature>,
) -> Result<(), Error> {
    let unique: BTreeMap<SignatureId, &Signature> = signatures.map(|signature| (signature.id, signature)).collect();
    let keys: Vec<Vec<u8>> = unique.keys().map(|id| rows::signature(*id)).collect();
    for ((signature, key), known) in unique.values().zip(&keys).zip(database.bytes_of(&keys)?) {
        if known.is_none() {
            let group = own_group(database, signature.id)?;
            changes.put(key, &signature.row(group))?;
            changes.put(&rows::group(group), &GroupRow { signatures: vec![signature.id], aliases: Vec::new() })?;
        }
    }
    Ok(())
}

/// The group for a signature that has none: one that has no signatures, not even of old.
pub fn own_group(database: &Database, signature: SignatureId) -> Result<GroupId, Error> {
    let mut number = 0;
    loop {
        let group = GroupId::of(signature, number);
        let row: Option<GroupRow> = database.get(&rows::group(group))?;
        if row.is_none_or(|row| row.signatures.iter().all(|known| *known == signature)) {
            return Ok(group);
        }
        number += 1;
    }
}

/// For each image in which crashes of `chunk` have frames, which crashes.
pub fn slots_by_image(chunk: &Chunk) -> BTreeMap<[u8; 16], Vec<u16>> {
    let mut slots: BTreeMap<[u8; 16], Vec<u16>> = BTreeMap::new();
    for (slot, crash) in (0..=u16::MAX).zip(chunk.crashes()) {
        for image in crash.images() {
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
