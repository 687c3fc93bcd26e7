//! Rows that say which signature each crash has, and what each signature counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{CrashId, FingerprintId, GroupId};
use crate::stored::sum::RowSum;

/// What came of one crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// What it is grouped by.
    pub signature: FingerprintId,
    /// Of what its result came from: modules, rules, this program. The same digest gives the same
    /// result.
    pub digest: u64,
    /// Frames of its stack that symbols of the store have named.
    pub resolved: u32,
    /// Whether it counts.
    pub standing: Standing,
}

/// Whether a report counts as a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Standing {
    /// It is the crash that people see, and counted.
    Shown,
    /// Another report of the same crash says more; this one is kept.
    Outdone,
    /// It was removed. All else says nothing then.
    Removed,
}

impl State {
    /// Whether it is a crash that people see.
    pub fn is_shown(&self) -> bool {
        self.standing == Standing::Shown
    }
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FingerprintKind {
    /// Functions, all of them known.
    Resolved,
    /// Builds and addresses where functions are not known yet.
    Provisional,
    /// Nothing tells its cause: the crash is a group of its own.
    Unassigned,
}

impl FingerprintKind {
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
pub struct FingerprintRow {
    /// Its group.
    pub group: GroupId,
    /// Whether it will stay.
    pub kind: FingerprintKind,
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
}

/// How many crashes of one chunk have a signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Crashes.
    pub crashes: u32,
    /// The earliest, in milliseconds since 1970; absent if no report has a time.
    pub first_ms: Option<i64>,
    /// The latest.
    pub last_ms: Option<i64>,
}

impl Share {
    /// Counts one crash.
    pub fn count(&mut self, time_ms: Option<i64>) {
        self.crashes += 1;
        self.first_ms = [self.first_ms, time_ms].into_iter().flatten().min();
        self.last_ms = self.last_ms.max(time_ms);
    }
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
        self.see(other.first_ms, other.last_ms);
        for (release, crashes) in &other.releases {
            *self.releases.entry(release.clone()).or_default() += crashes;
        }
    }

    /// Takes away what `other` counts, but not its times. Returns whether these may have been the
    /// first or the last, so that they have to be looked for again.
    pub fn subtract(&mut self, other: &Self) -> bool {
        self.crashes = self.crashes.saturating_sub(other.crashes);
        for (release, gone) in &other.releases {
            if let Some(crashes) = self.releases.get_mut(release) {
                *crashes = crashes.saturating_sub(*gone);
            }
        }
        self.releases.retain(|_, crashes| *crashes > 0);
        if self.crashes == 0 {
            (self.first_ms, self.last_ms) = (None, None);
            return false;
        }
        let is_edge = |edge: Option<i64>, gone: Option<i64>| gone.is_some() && edge == gone;
        is_edge(self.first_ms, other.first_ms) || is_edge(self.last_ms, other.last_ms)
    }

    /// Sees crashes from the first to the last of these times.
    pub fn see(&mut self, first_ms: Option<i64>, last_ms: Option<i64>) {
        self.first_ms = [self.first_ms, first_ms].into_iter().flatten().min();
        self.last_ms = self.last_ms.max(last_ms);
    }
}

/// Groups of one signature that are tried where what a group was made for is not known.
pub const MAX_OWN_GROUPS: u32 = 64;

/// A group: what its id is a hash of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRow {
    /// The signature that it was made for.
    pub made_for: FingerprintId,
    /// Tells it from those that were made for the same signature before.
    pub number: u32,
}

/// The last commit, and what comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Version of the rows.
    pub format: u32,
    /// Counts commits, from 1.
    pub sequence: u64,
    /// How many rows there are besides this one.
    pub rows: u64,
    /// Of all of these.
    pub sum: RowSum,
    /// The number of the next chunk.
    pub next_chunk: u64,
    /// The number of the next run, from 1.
    pub next_run: u64,
    /// Crashes that are shown.
    pub crashes: u64,
    /// A run whose parts are all written and that is to be carried out before anything else: always
    /// absent, until a version carries runs out in parts. A program that does not know how refuses
    /// such a store.
    pub unfinished: Option<u64>,
}

/// Instead of `digest`, that of a crash whose result depends on something that could not be read: it
/// equals no digest that is computed later, so that the next run looks at the crash again.
pub fn unsettled(digest: u64) -> u64 {
    !digest
}

/// What the last run applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// The version of the rules; 0 if there was no run.
    pub rules: u128,
    /// The version of this program's own part in the result.
    pub engine: u32,
}

/// What a chunk was assessed with that was not what the last run applied, or could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The version of the rules.
    pub rules: u128,
    /// The version of this program's own part in the result.
    pub engine: u32,
    /// Digests of modules, by what the index of images files them under; absent for one that was
    /// not there.
    pub modules: Vec<([u8; 16], Option<u64>)>,
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
    /// When it came, in milliseconds since 1970.
    pub arrived_ms: u64,
    /// Its size.
    pub bytes: u64,
}

/// The states of a chunk, and the row that has them.
#[derive(Debug)]
pub struct StatesRow {
    /// The row as it is.
    pub value: Vec<u8>,
    /// What it says.
    pub states: Vec<State>,
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
        let (one, other) = (
            [(Some(5), Some("1.0")), (None, None)],
            [(Some(3), Some("1.1")), (Some(9), Some("1.0"))],
        );
        let mut both = tally(&one);
        both.add(&tally(&other));
        assert_eq!(both, tally(&[&one[..], &other[..]].concat()));
        assert_eq!((both.crashes, both.first_ms, both.last_ms), (4, Some(3), Some(9)));
        // The last one is among those that go, so that the times have to be found anew.
        assert!(both.subtract(&tally(&other)));
        assert_eq!(
            (both.crashes, both.releases.get("1.1"), both.releases.get("1.0")),
            (2, None, Some(&1))
        );
        assert!(!both.subtract(&tally(&[(None, None)])));
        assert!(!both.subtract(&tally(&[(Some(5), Some("1.0"))])));
        assert_eq!(both, Tally::default());
    }
}
