//! Minidumps whose modules have changed: each is walked again from its bytes, so that the result is
//! that of one which is added now.
//!
//! What was found before stays only where a module that it is owed to has left the store, or where
//! the bytes are no longer kept.

use std::collections::{BTreeMap, BTreeSet};

use symtool_report::{Format, Trust};
use symtool_store::Error;

use crate::add::image_rows;
use crate::fingerprint::Assessor;
use crate::stored::changes::{ChangedRow, Old};
use crate::stored::chunk::{Builder, Chunk, Place, StoredCrash};
use crate::stored::counters::{CounterChanges, ImageKey};
use crate::stored::database::Database;
use crate::stored::state::State;
use crate::stored::{Crashes, ReadDumps, Reading, StoredDump, WalkedDump, rows};

/// What comes of the minidumps of a chunk.
#[derive(Debug, Default)]
pub struct Rewalked {
    /// The slots of those that were walked again.
    pub walked: BTreeSet<u16>,
    /// The slots of those whose result stays, as a module that it is owed to has gone.
    pub kept: BTreeSet<u16>,
    /// The slots of those of which unwind data could not be read, and of which images.
    pub damaged: BTreeMap<u16, Vec<ImageKey>>,
    /// How many could not be walked, as their bytes are no longer kept.
    pub without_bytes: u64,
    /// The chunk with what was found; absent if nothing was walked.
    pub chunk: Option<Chunk>,
}

impl Rewalked {
    /// Walks those of the crashes in `slots` of a chunk that are minidumps.
    pub fn of(
        crashes: &Crashes,
        assessor: &Assessor<'_>,
        (number, chunk, states): (u64, &Chunk, &[State]),
        slots: &[u16],
    ) -> Result<Self, Error> {
        let mut rewalked = Self::default();
        let is_dump =
            |slot: &u16| chunk.crash(*slot).is_some_and(|crash| crash.format == Format::Mdmp);
        let dumps: Vec<u16> = slots.iter().copied().filter(is_dump).collect();
        let Some(reader) = assessor.dumps().filter(|_| !dumps.is_empty()) else {
            return Ok(rewalked);
        };
        // What of the frames that are known has names now.
        let names = assessor.assess(chunk, &dumps).crashes;
        for (slot, now) in dumps.iter().zip(names) {
            let before = states.get(usize::from(*slot)).map_or(0, |state| state.resolved);
            let crash = chunk.crash(*slot);
            if now.resolved < before
                || crash.is_some_and(|crash| is_owed_to_rows(assessor, chunk, crash))
            {
                rewalked.kept.insert(*slot);
            }
        }
        let wanted: BTreeSet<u16> =
            dumps.into_iter().filter(|slot| !rewalked.kept.contains(slot)).collect();
        if wanted.is_empty() {
            return Ok(rewalked);
        }
        let (mut builder, stored) = (Builder::default(), crashes.dumps(number)?);
        for (slot, crash) in (0..=u16::MAX).zip(chunk.crashes()) {
            let walked = if wanted.contains(&slot) {
                let dump = stored.get(slot)?;
                let is_there = dump.is_there()?;
                rewalked.without_bytes += u64::from(!is_there);
                if is_there { walk(reader, &dump)? } else { None }
            } else {
                None
            };
            if let Some(walked) = walked {
                let source = chunk.text(crash.source);
                builder.add_dump(crash.id, &walked, source, assessor.catalog())?;
                rewalked.walked.insert(slot);
                let damaged = walked.damaged_keys();
                if !damaged.is_empty() {
                    rewalked.damaged.insert(slot, damaged);
                }
            } else {
                builder.copy(chunk, crash, false);
            }
        }
        rewalked.chunk = Some(builder.finish());
        Ok(rewalked)
    }

    /// Whether a crash keeps the result that it had; `is_worse` says that more of its frames had
    /// names. What was walked again is as good as it gets.
    pub fn stays(&self, slot: u16, is_worse: bool) -> bool {
        !self.walked.contains(&slot) && (self.kept.contains(&slot) || is_worse)
    }

    /// The rows that change with what is stored of chunk `number`; none if nothing was found that
    /// was not known `before`.
    pub fn rows(
        &self,
        database: &Database,
        number: u64,
        before: &Chunk,
        counters: &mut CounterChanges,
    ) -> Result<Vec<ChangedRow>, Error> {
        let Some(after) = &self.chunk else { return Ok(Vec::new()) };
        let differs = |slot: &&u16| before.only([**slot]) != after.only([**slot]);
        let changed: Vec<u16> = self.walked.iter().filter(differs).copied().collect();
        if changed.is_empty() {
            return Ok(Vec::new());
        }
        for (chunk, comes) in [(before, false), (after, true)] {
            let crashes = changed.iter().filter_map(|slot| Some((chunk.crash(*slot)?, comes)));
            counters.take(chunk, &crashes.collect::<Vec<_>>());
        }
        let key = rows::chunk(number);
        let old = database.bytes(&key)?.ok_or_else(|| database.damaged())?;
        let packed = database.encode_packed(after)?;
        let mut rows = image_rows(database, number, before, after)?;
        rows.push(database.changed(key, Old::Value(&old), Some(packed))?);
        Ok(rows)
    }
}

/// Walks a dump again; `None` if it cannot be read.
fn walk(reader: &dyn ReadDumps, dump: &StoredDump<'_>) -> Result<Option<WalkedDump>, Error> {
    let walked = match reader.walk(dump)? {
        Reading::Done(mut walked) => {
            walked.take_event(&dump.event()?);
            Some(walked)
        }
        Reading::Unreadable(_) => None,
    };
    dump.check()?;
    Ok(walked)
}

/// Whether unwind data of a module that is no longer in the store has said where a frame of `crash`
/// is.
fn is_owed_to_rows(assessor: &Assessor<'_>, chunk: &Chunk, crash: &StoredCrash) -> bool {
    let is_gone = |image: u32| {
        let image = chunk.image(image);
        let id = image.and_then(|image| Some((image.id.as_ref()?, image.arch)));
        let find = |id, arch| assessor.modules().find(id, chunk.text_of(arch));
        id.is_some_and(|(id, arch)| find(id, arch).is_none())
    };
    let frames = chunk.frames(crash);
    frames.iter().zip(frames.iter().skip(1)).any(|(callee, caller)| {
        let is_by_rows = matches!(caller.trust, Some(Trust::Cfi | Trust::Leaf));
        matches!(callee.place, Place::Image { image, .. } if is_by_rows && is_gone(image))
    })
}
