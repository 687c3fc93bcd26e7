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
        let known = self.made_of.entry(fingerprint).or_insert_with(|| made_of.clone());
        if made_of < *known {
            *known = made_of;
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
    pub(super) fn before(&self) -> BTreeMap<FingerprintId, Tally> {
        self.with_flows(|(from, _)| from)
    }

    /// What is counted of each fingerprint once they have moved.
    pub(super) fn after(&self) -> BTreeMap<FingerprintId, Tally> {
        self.with_flows(|(_, to)| to)
    }

    fn with_flows(
        &self,
        end: impl Fn((FingerprintId, FingerprintId)) -> FingerprintId,
    ) -> BTreeMap<FingerprintId, Tally> {
        let mut tallies = self.tallies.clone();
        for (way, tally) in self.flows() {
            tallies.entry(end(way)).or_default().add(tally);
        }
        tallies
    }

    /// What a fingerprint is made of, if a part says so.
    pub(super) fn made_of(&self, fingerprint: FingerprintId) -> Option<&MadeOf> {
        self.made_of.get(&fingerprint)
    }
}
