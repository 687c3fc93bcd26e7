//! Joins small chunks: crashes that come a few at a time lie together in the end, as if they had
//! come at once.
//!
//! ```text
//! weight    of a chunk: 4 KiB for each crash, and the bytes of its reports. A chunk may weigh 16 Mi
//! whole     from 8 Mi on: such a chunk is not joined again
//! rank      0 below 32 Ki, 1 below 512 Ki, else 2
//! joined    the last chunks: all that are not whole, once together they are; else 16 of one rank, with those of lower ranks
//!           between and behind them
//! ```
//!
//! Each join takes a crash to a higher rank, so that it is written four times at most: when it
//! comes, and in three joins. What is joined are always the last chunks, and they become a new last
//! one, so that crashes stay in the order in which they came, and the number of a chunk always
//! means the same crashes. A run names crashes by chunk and slot; where those are now, `J` rows say
//! (`../stored/joined.rs`).

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use crate::add::slots_by_image;
use crate::limits::{CHUNK_BYTES, CHUNK_CRASHES};
use crate::stored::changes::{Changes, Old};
use crate::stored::chunk::Chunk;
use crate::stored::reports::{self, Stream};
use crate::stored::state::{LastRun, Pending, Share, Slot, Standing, State};
use crate::stored::stored_report::{self, StoredReport};
use crate::stored::tally_changes::shares;
use crate::stored::{CrashWriter, joined, rows};
use symtool_store::Error;

/// What a chunk may weigh.
const MAX_WEIGHT: u64 = CHUNK_BYTES as u64;
/// What a crash weighs besides its reports: as many as a chunk may have weigh as much as it may.
const CRASH_WEIGHT: u64 = MAX_WEIGHT / CHUNK_CRASHES as u64;
/// What a chunk weighs that is not joined again.
const WHOLE: u64 = MAX_WEIGHT / 2;
/// Chunks of a lower rank weigh less than this, by rank.
const RANKS: [u64; 2] = [WHOLE / 256, WHOLE / 16];
/// Chunks of one rank that are joined.
const FAN_IN: usize = 16;
/// What is joined at once at most. Only a store that was written before chunks were joined has so
/// much to join.
const MAX_JOINED_WEIGHT: u64 = 8 * MAX_WEIGHT;
/// Chunks that are looked at together.
const LOOKED_AT: usize = 64;

/// A chunk that is to be joined.
struct Source {
    number: u64,
    chunk: Chunk,
    states: Vec<State>,
    states_row: Vec<u8>,
    reports: Vec<StoredReport>,
    /// Its slots begin here in the new chunk.
    first: u16,
}

impl CrashWriter {
    /// Joins the last chunks if it is time.
    pub(super) fn join_small(&self) -> Result<(), Error> {
        let tail = self.small_chunks()?;
        let weights: Vec<u64> = tail.iter().map(|(_, weight)| *weight).collect();
        let groups = to_join(&weights);
        if groups.is_empty() {
            return Ok(());
        }
        let (mut changes, mut is_named) = (self.database.changes(), false);
        for group in groups {
            let numbers: Vec<u64> = tail[group].iter().map(|(number, _)| *number).collect();
            is_named |= self.join(&mut changes, &numbers)?;
        }
        if is_named {
            joined::name_all(&mut changes)?;
        }
        changes.commit()
    }

    /// The last chunks that are not whole, in their order, each with its weight.
    fn small_chunks(&self) -> Result<Vec<(u64, u64)>, Error> {
        let (mut found, mut total) = (Vec::new(), 0);
        // Mostly the last one is whole, or one of few that are not.
        let (mut last, mut count): (Option<Vec<u8>>, usize) = (None, 1);
        'all: loop {
            let area = rows::area::STORED_REPORTS;
            let keys = self.database.keys(area, last.as_deref(), true, count)?;
            let is_last = keys.len() < count;
            for key in &keys {
                let number = rows::last_number(key).ok_or_else(|| self.database.damaged())?;
                let weight = weight(&self.stored_reports(number)?);
                total += weight;
                if weight >= WHOLE || total > MAX_JOINED_WEIGHT {
                    break 'all;
                }
                found.push((number, weight));
            }
            last = keys.into_iter().next_back();
            if is_last {
                break;
            }
            count = (2 * count).min(LOOKED_AT);
        }
        found.reverse();
        Ok(found)
    }

    /// Makes one chunk of those with these `numbers`. Returns whether runs may name it.
    fn join(&self, changes: &mut Changes<'_>, numbers: &[u64]) -> Result<bool, Error> {
        let (database, into) = (&self.database, changes.head.next_chunk);
        changes.head.next_chunk += 1;
        let (mut sources, mut texts, mut first) =
            (Vec::with_capacity(numbers.len()), Vec::new(), 0);
        for number in numbers {
            let source = self.source(*number, first)?;
            first = u16::try_from(source.states.len())
                .ok()
                .and_then(|count| first.checked_add(count))
                .ok_or_else(|| database.damaged())?;
            texts.push(reports::all(database, *number, stored_report::total(&source.reports))?);
            sources.push(source);
        }
        let chunk = Chunk::joined(sources.iter().map(|source| &source.chunk));
        let states: Vec<State> =
            sources.iter().flat_map(|source| source.states.iter().copied()).collect();
        let stored: Vec<StoredReport> =
            sources.iter().flat_map(|source| source.reports.iter().copied()).collect();
        let of_sources: Option<Vec<_>> =
            sources.iter().zip(&texts).map(|(source, text)| cut(&source.reports, text)).collect();
        let of_sources = of_sources.ok_or_else(|| database.damaged())?.concat();
        let packed = reports::pack(&of_sources).map_err(|cause| database.io_error(cause))?;
        sources.iter().try_for_each(|source| self.put_crashes(changes, source, into))?;
        put_index(changes, &sources, &chunk, into)?;
        put_shares(changes, &sources, (&chunk, &states), into)?;
        self.put_pending(changes, numbers, into)?;
        for source in &sources {
            let number = source.number;
            changes.delete(rows::chunk(number), Old::Unknown)?;
            changes.delete(rows::states(number), Old::Value(&source.states_row))?;
            changes.delete(rows::stored_reports(number), Old::Unknown)?;
            changes.delete(rows::stored_reports_copy(number), Old::Unknown)?;
            reports::remove_all(database, changes, Stream::Chunk(number))?;
        }
        changes.put_packed(rows::chunk(into), Old::Absent, &chunk)?;
        changes.put_packed(rows::states(into), Old::Absent, &states)?;
        stored_report::put(changes, into, &stored)?;
        reports::put(database, changes, Stream::Chunk(into), packed)?;
        let firsts: Vec<(u64, u16)> =
            sources.iter().map(|source| (source.number, source.first)).collect();
        joined::put(database, changes, &firsts, into)
    }

    fn source(&self, number: u64, first: u16) -> Result<Source, Error> {
        let damaged = || self.database.damaged();
        let chunk = self.chunk(number)?.ok_or_else(damaged)?;
        let row = self.states_row(number)?;
        let reports = self.stored_reports(number)?;
        if chunk.crashes().len() != row.states.len() || reports.len() != row.states.len() {
            return Err(damaged());
        }
        Ok(Source { number, chunk, states: row.states, states_row: row.value, reports, first })
    }

    /// Says where the crashes of `source` are now.
    fn put_crashes(
        &self,
        changes: &mut Changes<'_>,
        source: &Source,
        into: u64,
    ) -> Result<(), Error> {
        let crashes = source.chunk.crashes().iter().zip(&source.states);
        for ((slot, next), (crash, state)) in (0..=u16::MAX).zip(source.first..).zip(crashes) {
            let was = Slot { chunk: source.number, slot };
            let is = Slot { chunk: into, slot: next };
            match state.standing {
                Standing::Shown => {
                    let old = self.database.encode(&was)?;
                    changes.put(rows::crash(crash.id), Old::Value(&old), &is)?;
                }
                Standing::Outdone => {
                    changes.delete(rows::other_report(crash.id, was), Old::Value(&[]))?;
                    changes.put_bytes(rows::other_report(crash.id, is), Old::Absent, Vec::new())?;
                }
                Standing::Removed => {}
            }
        }
        Ok(())
    }

    /// If a run has to look at any of the chunks, it has to look at the new one.
    fn put_pending(
        &self,
        changes: &mut Changes<'_>,
        numbers: &[u64],
        into: u64,
    ) -> Result<(), Error> {
        let last: Option<LastRun> = self.database.get(rows::LAST_RUN)?;
        let mut all: Option<Pending> = None;
        let mut images: BTreeSet<[u8; 16]> = BTreeSet::new();
        for number in numbers {
            let key = rows::pending(*number);
            let Some(row) = self.database.bytes(&key)? else { continue };
            changes.delete(key, Old::Value(&row))?;
            let pending: Pending = self.database.decode(&row)?;
            let all = all.get_or_insert_with(|| Pending {
                rules: pending.rules,
                engine: pending.engine,
                modules: Vec::new(),
            });
            // All crashes are looked at if those of one chunk have to be.
            if last != Some(LastRun { rules: pending.rules, engine: pending.engine }) {
                (all.rules, all.engine) = (pending.rules, pending.engine);
            }
            let new = pending.modules.into_iter().filter(|(image, _)| images.insert(*image));
            all.modules.extend(new);
        }
        all.map_or(Ok(()), |all| changes.put(rows::pending(into), Old::Absent, &all))
    }
}

/// The index of images.
fn put_index(
    changes: &mut Changes<'_>,
    sources: &[Source],
    chunk: &Chunk,
    into: u64,
) -> Result<(), Error> {
    for source in sources {
        for image in slots_by_image(&source.chunk).into_keys() {
            changes.delete(rows::image(&image, source.number), Old::Unknown)?;
        }
    }
    for (image, slots) in slots_by_image(chunk) {
        changes.put(rows::image(&image, into), Old::Absent, &slots)?;
    }
    Ok(())
}

/// How many crashes have each signature.
fn put_shares(
    changes: &mut Changes<'_>,
    sources: &[Source],
    (chunk, states): (&Chunk, &[State]),
    into: u64,
) -> Result<(), Error> {
    let shown = |states: &[State]| {
        let shown = states.iter().filter(|state| state.is_shown());
        shown.map(|state| state.signature).collect::<HashSet<_>>()
    };
    for source in sources {
        for signature in shown(&source.states) {
            changes.delete(rows::share(signature, source.number), Old::Unknown)?;
        }
    }
    let wanted = shown(states).into_iter().collect();
    let all: BTreeMap<_, Share> = shares(chunk, states, &wanted).into_iter().collect();
    all.iter().try_for_each(|(signature, share)| {
        changes.put(rows::share(*signature, into), Old::Absent, share)
    })
}

/// The reports of a stream.
fn cut<'t>(reports: &[StoredReport], mut text: &'t [u8]) -> Option<Vec<&'t [u8]>> {
    let mut cut = Vec::with_capacity(reports.len());
    for report in reports {
        let (one, rest) = text.split_at_checked(usize::try_from(report.bytes).ok()?)?;
        cut.push(one);
        text = rest;
    }
    Some(cut)
}

fn weight(reports: &[StoredReport]) -> u64 {
    reports.len() as u64 * CRASH_WEIGHT + stored_report::total(reports)
}

/// Which chunks are joined, each range to one, if the last chunks have these `weights` and none of
/// them is whole. If anything is joined, the last one is.
fn to_join(weights: &[u64]) -> Vec<Range<usize>> {
    if weights.iter().sum::<u64>() >= WHOLE {
        let (mut groups, mut start, mut sum) = (Vec::new(), 0, 0);
        for (index, weight) in weights.iter().enumerate() {
            sum += weight;
            if sum >= WHOLE {
                groups.push(start..index + 1);
                (start, sum) = (index + 1, 0);
            }
        }
        groups.extend((start < weights.len()).then_some(start..weights.len()));
        return groups;
    }
    for rank in RANKS.iter().rev() {
        let below = weights.iter().rev().take_while(|weight| *weight < rank).count();
        let start = weights.len() - below;
        let lower = RANKS.iter().rev().find(|lower| *lower < rank).copied().unwrap_or(0);
        let of_rank = weights[start..].iter().filter(|weight| **weight >= lower).count();
        if of_rank >= FAN_IN {
            return std::iter::once(start..weights.len()).collect();
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chunks as they come, with how often what is in them was written.
    fn grown(weights: impl Iterator<Item = u64>) -> (Vec<(u64, u32)>, u32) {
        let (mut chunks, mut most): (Vec<(u64, u32)>, u32) = (Vec::new(), 0);
        for weight in weights {
            let whole = chunks.iter().rposition(|(weight, _)| *weight >= WHOLE);
            let start = whole.map_or(0, |whole| whole + 1);
            let tail: Vec<u64> = chunks[start..].iter().map(|(weight, _)| *weight).collect();
            let mut next = Vec::new();
            let groups = to_join(&tail);
            assert!(groups.last().is_none_or(|group| group.end == tail.len()));
            for group in &groups {
                let joined = &chunks[start + group.start..start + group.end];
                let sum = joined.iter().map(|(weight, _)| weight).sum();
                assert!(sum <= MAX_WEIGHT, "{sum}");
                let written = 1 + joined.iter().map(|(_, written)| *written).max().unwrap();
                next.push((sum, written));
                most = most.max(written);
            }
            if let Some(first) = groups.first() {
                chunks.truncate(start + first.start);
            }
            chunks.extend(next);
            chunks.push((weight, 1));
        }
        (chunks, most)
    }

    #[test]
    fn a_crash_is_written_four_times_and_few_chunks_stay_small() {
        let mut random = fastrand::Rng::with_seed(3);
        for most in [CRASH_WEIGHT, 7_000, 100_000, 600_000, 3 << 20, WHOLE - 1] {
            let weights: Vec<u64> =
                (0..20_000).map(|_| random.u64(CRASH_WEIGHT..=most.max(CRASH_WEIGHT))).collect();
            let (chunks, written) = grown(weights.iter().copied());
            assert!(written <= 4, "{most}: {written}");
            let small = chunks.iter().filter(|(weight, _)| *weight < WHOLE).count();
            assert!(small <= 3 * FAN_IN, "{most}: {small}");
            let total: u64 = weights.iter().sum();
            assert_eq!(total, chunks.iter().map(|(weight, _)| weight).sum::<u64>());
        }
        // Some at once now and then, as at night.
        let mixed = (0..20_000).map(|at| if at % 500 == 0 { MAX_WEIGHT } else { 7_000 });
        let (chunks, written) = grown(mixed);
        assert!(written <= 4 && chunks.len() < 40 * 40, "{written}, {}", chunks.len());
    }

    #[test]
    fn a_store_of_many_single_crashes_is_joined_at_once() {
        assert_eq!(to_join(&vec![7_000; 402]).first(), Some(&(0..402)));
        let groups = to_join(&vec![7_000; 4_000]);
        assert_eq!(groups.last().unwrap().end, 4_000);
        assert_eq!(groups.len(), 4);
        assert!(to_join(&[7_000; 15]).is_empty() && to_join(&[]).is_empty());
    }
}
