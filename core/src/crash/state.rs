//! What came of crashes: in, nothing; out, the rows that say which signature each has, and what each signature counts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ids::{CrashId, GroupId, SignatureId};

/// What came of one crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// What it is grouped by.
    pub signature: SignatureId,
    /// Of what its result came from: modules, rules, this program. The same digest gives the same result.
    pub digest: u64,
    /// Frames of its stack that symbols of the store have named.
    pub resolved: u32,
    /// Whether it was removed. All else says nothing then.
    pub is_gone: bool,
}

/// Where a crash is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot {
    /// Its chunk.
    pub chunk: u64,
    /// Its place in the chunk.
    pub slot: u16,
}

/// Whether a signature will stay when more symbols come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SignatureKind {
    /// Functions, all of them known.
    Resolved,
    /// Builds and addresses where functions are not known yet.
    Provisional,
    /// Nothing tells its cause: the crash is a group of its own.
    Unassigned,
}

impl SignatureKind {
    /// The name that `--json` prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resolved => "resolved",
            Self::Provisional => "provisional",
            Self::Unassigned => "unassigned",
        }
    }
}

/// What a signature is made of, and its group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureRow {
    /// Its group.
    pub group: GroupId,
    /// Whether it will stay.
    pub kind: SignatureKind,
    /// What people call it.
    pub title: String,
    /// What it is a hash of, the crashing side first.
    pub frames: Vec<String>,
}

/// How many crashes have a signature.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Crashes.
    pub crashes: u64,
    /// The earliest, in milliseconds since 1970; absent if no report has a time.
    pub first_ms: Option<i64>,
    /// The latest.
    pub last_ms: Option<i64>,
    /// Crashes by release; those without one are not in it.
    pub releases: BTreeMap<String, u64>,
    /// The chunks in which they are.
    pub(crate) chunks: BTreeSet<u64>,
}

impl Tally {
    /// Counts one crash.
    pub fn count(&mut self, time_ms: Option<i64>, release: Option<&str>) {
        self.crashes += 1;
        self.see(time_ms, time_ms);
        if let Some(release) = release {
            match self.releases.get_mut(release) {
                Some(crashes) => *crashes += 1,
                None => drop(self.releases.insert(release.to_owned(), 1)),
            }
        }
    }

    /// Adds what `other` counts.
    pub fn add(&mut self, other: &Self) {
        self.crashes += other.crashes;
        self.chunks.extend(&other.chunks);
        self.see(other.first_ms, other.last_ms);
        for (release, crashes) in &other.releases {
            *self.releases.entry(release.clone()).or_default() += crashes;
        }
    }

    /// Takes away what `other` counts, and its chunks, but not its times. Returns whether these may have been the first or the last, so that they
    /// have to be looked for again.
    pub fn subtract(&mut self, other: &Self) -> bool {
        self.crashes = self.crashes.saturating_sub(other.crashes);
        for (release, gone) in &other.releases {
            if let Some(crashes) = self.releases.get_mut(release) {
                *crashes = crashes.saturating_sub(*gone);
            }
        }
        self.releases.retain(|_, crashes| *crashes > 0);
        self.chunks.retain(|chunk| !other.chunks.contains(chunk));
        if self.crashes == 0 {
            (self.first_ms, self.last_ms) = (None, None);
            return false;
        }
        let is_edge = |edge: Option<i64>, gone: Option<i64>| gone.is_some() && edge == gone;
        is_edge(self.first_ms, other.first_ms) || is_edge(self.last_ms, other.last_ms)
    }

    fn see(&mut self, first_ms: Option<i64>, last_ms: Option<i64>) {
        self.first_ms = [self.first_ms, first_ms].into_iter().flatten().min();
        self.last_ms = self.last_ms.max(last_ms);
    }
}

/// A group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRow {
    /// Its signatures, also those that no crash has any more: a crash that comes with one of them belongs here.
    pub signatures: Vec<SignatureId>,
    /// Groups that were merged into it.
    pub aliases: Vec<GroupId>,
}

/// What comes next, and what the last run knew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// The number of the next chunk.
    pub next_chunk: u64,
    /// The number of the next run, from 1.
    pub next_run: u64,
    /// Crashes that are stored.
    pub crashes: u64,
    /// Of the rules that all crashes were grouped by; 0 if they are not the same for all.
    pub rules: u128,
    /// The version of this program's own part in the result.
    pub engine: u32,
    /// The modules that the last run knew: their keys, and when each was imported.
    pub modules: Vec<([u8; 16], u64)>,
}

/// A report that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Its id.
    pub id: CrashId,
    /// Where it came from, as the user named it.
    pub source: String,
    /// Why it cannot be read.
    pub error: String,
    /// Its bytes, compressed.
    pub report: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(crashes: &[(Option<i64>, Option<&str>)]) -> Tally {
        let mut tally = Tally::default();
        crashes.iter().for_each(|(time, release)| tally.count(*time, *release));
        tally
    }

    #[test]
    fn tallies_add_up() {
        let (one, other) = ([(Some(5), Some("1.0")), (None, None)], [(Some(3), Some("1.1")), (Some(9), Some("1.0"))]);
        let mut both = tally(&one);
        both.add(&tally(&other));
        assert_eq!(both, tally(&[&one[..], &other[..]].concat()));
        assert_eq!((both.crashes, both.first_ms, both.last_ms), (4, Some(3), Some(9)));
        // The last one is among those that go, so that the times have to be found anew.
        assert!(both.subtract(&tally(&other)));
        assert_eq!((both.crashes, both.releases.get("1.1"), both.releases.get("1.0")), (2, None, Some(&1)));
        assert!(!both.subtract(&tally(&[(None, None)])));
        assert!(!both.subtract(&tally(&[(Some(5), Some("1.0"))])));
        assert_eq!(both, Tally::default());
    }
}
