//! What is summed of crashes, wherever they are: sums, first and last times, and the smallest of
//! what a fingerprint is said to be made of. Parts may be summed in any order, or not at all.

use std::collections::BTreeMap;

use crate::ids::FingerprintId;
use crate::stored::{FingerprintKind, Tally};

/// Crashes, each counted once: under its fingerprint if it is new or keeps the one that it had,
/// else on its way from one to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrashSums {
    tallies: BTreeMap<FingerprintId, Tally>,
    flows: BTreeMap<(FingerprintId, FingerprintId), Tally>,
    made_of: BTreeMap<FingerprintId, MadeOf>,
}

/// What a fingerprint is made of. Reports may call the same module by several names: the smallest
/// counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MadeOf {
    pub kind: FingerprintKind,
    pub title: String,
    pub frames: Vec<String>,
}

impl CrashSums {
    /// Counts crashes that have `fingerprint`: they had another one before if they come `from` it.
    pub(super) fn count(
        &mut self,
        from: Option<FingerprintId>,
        fingerprint: FingerprintId,
        tally: &Tally,
    ) {
        let into = match from.filter(|from| *from != fingerprint) {
            Some(from) => self.flows.entry((from, fingerprint)).or_default(),
            None => self.tallies.entry(fingerprint).or_default(),
        };
        into.add(tally);
    }

    /// Takes in what `fingerprint` is made of.
    pub(super) fn describe(&mut self, fingerprint: FingerprintId, made_of: MadeOf) {
        match self.made_of.get_mut(&fingerprint) {
            Some(known) if made_of < *known => *known = made_of,
            Some(_) => {}
            None => drop(self.made_of.insert(fingerprint, made_of)),
        }
    }

    /// Adds what another part of the crashes sums up to.
    pub fn absorb(&mut self, other: Self) {
        for (fingerprint, tally) in &other.tallies {
            self.count(None, *fingerprint, tally);
        }
        for ((from, to), tally) in &other.flows {
            self.count(Some(*from), *to, tally);
        }
        for (fingerprint, made_of) in other.made_of {
            self.describe(fingerprint, made_of);
        }
    }

    /// Crashes that go from one fingerprint to another.
    pub(super) fn flows(&self) -> impl Iterator<Item = ((FingerprintId, FingerprintId), &Tally)> {
        self.flows.iter().map(|(way, tally)| (*way, tally))
    }

    /// What is counted of each fingerprint before crashes move; new crashes have theirs.
    pub(super) fn before(&self) -> BTreeMap<FingerprintId, CountedBefore> {
        let stay = self.tallies.iter().map(|(id, tally)| (*id, tally));
        let mut before: BTreeMap<FingerprintId, CountedBefore> = BTreeMap::new();
        for (id, tally) in stay.chain(self.flows().map(|((from, _), tally)| (from, tally))) {
            let counted = before.entry(id).or_default();
            counted.crashes += tally.crashes;
            counted.first_ms = [counted.first_ms, tally.first_ms].into_iter().flatten().min();
        }
        before
    }

    /// What is counted of each fingerprint once they have moved.
    pub(super) fn into_after(self) -> BTreeMap<FingerprintId, Tally> {
        let Self { mut tallies, flows, .. } = self;
        for ((_, to), tally) in flows {
            tallies.entry(to).or_default().add(&tally);
        }
        tallies
    }

    /// What a fingerprint is made of, if a part says so.
    pub(super) fn take_made_of(&mut self, fingerprint: FingerprintId) -> Option<MadeOf> {
        self.made_of.remove(&fingerprint)
    }
}

/// What a plan has to know of the crashes that a fingerprint had.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CountedBefore {
    pub crashes: u64,
    /// The earliest.
    pub first_ms: Option<i64>,
}
