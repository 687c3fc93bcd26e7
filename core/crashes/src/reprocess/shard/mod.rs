//! A run in shards: processes assess a part of the crashes each, one brings the run to its end.
//!
//! ```text
//! shard I of N   select, assess the crashes that it owns    -> runs/RUN/I-of-N      (files.rs)
//! the end        select, propose, with what shards have found out, plan once, apply
//! ```
//!
//! What a shard has found out stands under the digest of what it came from, so the end of a run
//! takes no answer that it would not get itself: the run is the one that a single process does.
//! Minidumps are walked at the end.

mod files;

use std::collections::BTreeSet;

use hashbrown::HashMap;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use symtool_report::Format;

use super::propose::{changed, chunks_of};
use super::select;
use crate::fingerprint::{Assessed, Assessment, Assessor, Fingerprint, keep_smallest};
use crate::ids::{CrashId, FingerprintId};
use crate::stored::state::State;
use crate::stored::{Chunk, Crashes};
use symtool_store::Error;

pub use files::{ShardWritten, ShardsMissing};

/// A part of the crashes: those whose hash has the remainder `index` when divided by `count`. The
/// hash is the number that the first 16 digits of a crash's id are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    index: u32,
    count: u32,
}

impl Shard {
    /// Part `index`, from 0, of `count`; `None` if there is no such part.
    pub fn new(index: u32, count: u32) -> Option<Self> {
        (index < count).then_some(Self { index, count })
    }

    /// Whether a crash is in it.
    pub fn owns(self, crash: CrashId) -> bool {
        let hash = crash.0.first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
        hash % u64::from(self.count) == u64::from(self.index)
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// What came of a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    crash: CrashId,
    /// Of what it came from.
    digest: u64,
    fingerprint: FingerprintId,
    resolved: u32,
}

/// What shards have found out.
#[derive(Debug, Default)]
pub struct ShardAnswers {
    by_crash: HashMap<CrashId, Answer>,
    fingerprints: HashMap<FingerprintId, Fingerprint>,
}

impl ShardAnswers {
    /// What the crashes in `slots` of `chunk`, which have these digests, are grouped by. Those that
    /// no shard has looked at are assessed.
    pub(super) fn assess(
        &self,
        assessor: &Assessor<'_>,
        chunk: &Chunk,
        (slots, digests): (&[u16], &[u64]),
    ) -> Assessment {
        if self.by_crash.is_empty() {
            return assessor.assess(chunk, slots);
        }
        let known = |(slot, digest): (&u16, &u64)| {
            let answer = self.by_crash.get(&chunk.crash(*slot)?.id)?;
            (answer.digest == *digest).then_some(*answer)
        };
        let known: Vec<Option<Answer>> = slots.iter().zip(digests).map(known).collect();
        let is_open = |(slot, known): (&u16, &Option<Answer>)| known.is_none().then_some(*slot);
        let open: Vec<u16> = slots.iter().zip(&known).filter_map(is_open).collect();
        let Assessment { crashes, mut signatures } = assessor.assess(chunk, &open);
        let mut assessed = crashes.into_iter();
        let all = known.into_iter().filter_map(|known| match known {
            Some(Answer { fingerprint, resolved, .. }) => {
                let made_of = self.fingerprints.get(&fingerprint);
                signatures.extend(made_of.map(|made_of| (fingerprint, made_of.clone())));
                Some(Assessed { signature: fingerprint, resolved })
            }
            None => assessed.next(),
        });
        let crashes = all.collect();
        Assessment { crashes, signatures }
    }

    fn absorb(&mut self, other: Self) {
        self.by_crash.extend(other.by_crash);
        keep_smallest(&mut self.fingerprints, other.fingerprints);
    }

    /// How many crashes were assessed.
    pub fn assessed(&self) -> u64 {
        self.by_crash.len() as u64
    }
}

impl Crashes {
    /// Whether a run would look at no crash.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn is_settled(&self, assessor: &Assessor<'_>, all: bool) -> Result<bool, Error> {
        let changed = select::changed(&self.database, assessor)?;
        Ok(chunks_of(self, &select::select(self, &changed, all)?)?.is_empty())
    }

    /// Assesses those crashes of a shard that a run would assess. `tick` is told how many chunks
    /// are to be looked at, and how many have been.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn assess_shard(
        &self,
        assessor: &Assessor<'_>,
        all: bool,
        shard: Shard,
        tick: impl Fn(u64, u64) + Sync,
    ) -> Result<ShardAnswers, Error> {
        let changed = select::changed(&self.database, assessor)?;
        let selected = select::select(self, &changed, all)?;
        let chunks = chunks_of(self, &selected)?;
        let (total, done) = (chunks.len() as u64, std::sync::atomic::AtomicU64::new(0));
        let answers = chunks.par_iter().with_max_len(1).map(|(number, slots)| {
            let answers = self.assess_in_chunk(assessor, (*number, *slots), shard);
            tick(total, done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1);
            answers
        });
        answers.try_reduce(ShardAnswers::default, |mut one, other| {
            one.absorb(other);
            Ok(one)
        })
    }

    fn assess_in_chunk(
        &self,
        assessor: &Assessor<'_>,
        (number, slots): (u64, Option<&BTreeSet<u16>>),
        shard: Shard,
    ) -> Result<ShardAnswers, Error> {
        let chunk = self.chunk(number)?.ok_or_else(|| self.database.damaged())?;
        let states = self.states(number)?;
        let owned = |(slot, state): (u16, &State)| {
            let crash = chunk.crash(slot)?;
            let is_meant = state.is_shown()
                && slots.is_none_or(|slots| slots.contains(&slot))
                && crash.format != Format::Mdmp
                && shard.owns(crash.id);
            is_meant.then_some(slot)
        };
        let slots: Vec<u16> = (0..=u16::MAX).zip(&states).filter_map(owned).collect();
        let (slots, digests) = changed(assessor, &chunk, &states, slots);
        let Assessment { crashes, signatures } = assessor.assess(&chunk, &slots);
        let answer = |((slot, digest), assessed): ((&u16, u64), Assessed)| {
            let crash = chunk.crash(*slot)?.id;
            let Assessed { signature: fingerprint, resolved } = assessed;
            Some((crash, Answer { crash, digest, fingerprint, resolved }))
        };
        let answers = slots.iter().zip(digests).zip(crashes).filter_map(answer);
        Ok(ShardAnswers {
            by_crash: answers.collect(),
            fingerprints: signatures.into_iter().collect(),
        })
    }
}
