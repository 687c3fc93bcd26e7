//! What assessing crashes again brings to light: which of them move, from where to where, and for
//! which changed modules.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;
use symtool_report::ImageId;

use super::rewalk::Rewalked;
use crate::fingerprint::{Assessed, Assessment, Assessor, Fingerprint, keep_smallest};
use crate::ids::FingerprintId;
use crate::reprocess::apply::Movement;
use crate::reprocess::shard::ShardAnswers;
use crate::stored::counters::ImageKey;
use crate::stored::journal::Moved;
use crate::stored::report::CrashCounts;
use crate::stored::state::{Standing, State, unsettled};
use crate::stored::{Chunk, Crashes, Slot, StoredImage};
use symtool_store::Error;

/// Crashes that go from one signature to another.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    pub crashes: u64,
    /// Which changed modules these have frames in.
    pub causes: BTreeMap<usize, u64>,
}

/// Crashes by where they come from and go to.
pub type Streams = HashMap<(FingerprintId, FingerprintId), Stream>;

/// What assessing has brought to light.
#[derive(Default)]
pub struct Found {
    pub movement: Movement,
    pub new: HashMap<FingerprintId, Fingerprint>,
    pub streams: Streams,
    pub counts: CrashCounts,
    /// By chunk, images of which unwind data could not be read.
    pub damaged: BTreeMap<u64, BTreeSet<ImageKey>>,
}

impl Found {
    /// What comes of those crashes of a chunk whose digest has changed.
    pub fn at(
        crashes: &Crashes,
        (assessor, answers): (&Assessor<'_>, &ShardAnswers),
        (number, slots): (u64, Option<&BTreeSet<u16>>),
        causes: &HashMap<[u8; 16], usize>,
    ) -> Result<Self, Error> {
        let chunk = crashes.chunk(number)?.ok_or_else(|| crashes.database.damaged())?;
        let row = crashes.states_row(number)?;
        let states = &row.states;
        let is_there = |slot: &u16| states.get(usize::from(*slot)).is_some_and(State::is_shown);
        let slots: Vec<u16> = match slots {
            Some(slots) => slots.iter().copied().filter(is_there).collect(),
            None => (0..=u16::MAX).zip(states).map(|(slot, _)| slot).filter(is_there).collect(),
        };
        let mut found = Self::default();
        found.counts.selected = slots.len() as u64;
        let (slots, mut digests) = changed(assessor, &chunk, states, slots);
        found.counts.assessed = slots.len() as u64;
        let rewalked = Rewalked::of(crashes, assessor, (number, &chunk, states), &slots)?;
        let walked = rewalked.walked.len() as u64;
        (found.counts.walked, found.counts.not_walked) = (walked, rewalked.without_bytes);
        let (before, chunk) = (&chunk, rewalked.chunk.as_ref().unwrap_or(&chunk));
        if rewalked.chunk.is_some() {
            digests = assessor.digests(chunk, &slots);
        }
        found.unsettle(number, &rewalked, slots.iter().zip(&mut digests));
        let Assessment { crashes: assessed, mut signatures } =
            answers.assess(assessor, chunk, (&slots, &digests));
        let causes = causes_of(chunk, causes);
        let mut waits: Vec<(FingerprintId, Vec<[u8; 16]>)> = Vec::new();
        let mut moved = Vec::with_capacity(slots.len());
        for ((slot, digest), Assessed { signature, resolved }) in
            slots.iter().zip(digests).zip(assessed)
        {
            let (Some(old), Some(crash)) = (states.get(usize::from(*slot)), chunk.crash(*slot))
            else {
                continue;
            };
            let new = State { signature, digest, resolved, standing: Standing::Shown };
            let stays = rewalked.stays(*slot, resolved < old.resolved);
            let new = found.take(*old, new, stays);
            moved.push(Moved { at: Slot { chunk: number, slot: *slot }, old: *old, new });
            if new.signature != old.signature {
                found.blame((old.signature, signature), chunk.images_of(crash), &causes);
                if let Some(new) = signatures.remove(&signature) {
                    waits.push((signature, new.waits.clone()));
                    found.new.insert(signature, new);
                }
            }
        }
        let database = &crashes.database;
        found.movement = Movement::of_chunk(database, number, chunk, row, moved)?;
        let counters = &mut found.movement.tallies.counters;
        let rows = rewalked.rows(database, number, before, counters)?;
        found.movement.chunks.extend(rows);
        for (signature, waits) in &waits {
            found.movement.tallies.counters.put_waits(*signature, waits);
        }
        Ok(found)
    }

    /// Sees to it that the next run looks at those crashes of a chunk again that were walked while
    /// unwind data could not be read.
    fn unsettle<'d>(
        &mut self,
        number: u64,
        rewalked: &Rewalked,
        digests: impl Iterator<Item = (&'d u16, &'d mut u64)>,
    ) {
        for (_, digest) in digests.filter(|(slot, _)| rewalked.damaged.contains_key(slot)) {
            *digest = unsettled(*digest);
        }
        let damaged: BTreeSet<ImageKey> = rewalked.damaged.values().flatten().copied().collect();
        if !damaged.is_empty() {
            self.damaged.insert(number, damaged);
        }
    }

    /// Takes what was found in another chunk.
    pub fn absorb(&mut self, other: Self) {
        self.movement.absorb(other.movement);
        keep_smallest(&mut self.new, other.new);
        self.damaged.extend(other.damaged);
        for (way, stream) in other.streams {
            let into = self.streams.entry(way).or_default();
            into.crashes += stream.crashes;
            stream
                .causes
                .into_iter()
                .for_each(|(module, crashes)| *into.causes.entry(module).or_default() += crashes);
        }
        self.counts.selected += other.counts.selected;
        self.counts.assessed += other.counts.assessed;
        self.counts.improved += other.counts.improved;
        self.counts.moved += other.counts.moved;
        self.counts.kept += other.counts.kept;
        self.counts.walked += other.counts.walked;
        self.counts.not_walked += other.counts.not_walked;
    }

    /// Counts what came of a crash, and returns what it has from now on: what it had, if that
    /// `stays`.
    fn take(&mut self, old: State, new: State, stays: bool) -> State {
        if stays {
            self.counts.kept += 1;
            return State { digest: new.digest, ..old };
        }
        self.counts.improved += u64::from(new.resolved > old.resolved);
        if new.signature != old.signature {
            self.counts.moved += 1;
            self.streams.entry((old.signature, new.signature)).or_default().crashes += 1;
        }
        new
    }

    /// Counts a crash with frames in `images`, which goes that way, for each changed module of
    /// these.
    fn blame(
        &mut self,
        way: (FingerprintId, FingerprintId),
        images: &[u32],
        causes: &[Vec<usize>],
    ) {
        let stream = self.streams.entry(way).or_default();
        let mut modules: Vec<usize> = images
            .iter()
            .filter_map(|image| causes.get(*image as usize))
            .flatten()
            .copied()
            .collect();
        modules.sort_unstable();
        modules.dedup();
        modules.into_iter().for_each(|module| *stream.causes.entry(module).or_default() += 1);
    }
}

/// Those of `slots` whose digest has changed, and what it is now.
pub(in crate::reprocess) fn changed(
    assessor: &Assessor<'_>,
    chunk: &Chunk,
    states: &[State],
    slots: Vec<u16>,
) -> (Vec<u16>, Vec<u64>) {
    let digests = assessor.digests(chunk, &slots);
    let has_changed = |(slot, digest): &(u16, u64)| {
        states.get(usize::from(*slot)).is_none_or(|state| state.digest != *digest)
    };
    slots.into_iter().zip(digests).filter(has_changed).unzip()
}

/// Which changed modules each image of `chunk` is.
fn causes_of(chunk: &Chunk, causes: &HashMap<[u8; 16], usize>) -> Vec<Vec<usize>> {
    let cause = |image: &StoredImage| {
        let keys = image.id.iter().flat_map(ImageId::keys);
        keys.filter_map(|key| causes.get(&key).copied()).collect()
    };
    chunk.images().iter().map(cause).collect()
}
