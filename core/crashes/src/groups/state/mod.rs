//! Groups as a value: what a plan needs and makes where crashes are not in a store, but with some
//! engine that counts them.
//!
//! ```text
//! sums.rs    CrashSums: crashes by fingerprint, and by the one they had before; parts add up in any order
//! lines.rs   both as lines of JSON
//! next.rs    state + sums -> the next state, by ../plan.rs: what a store does, without rows
//! ```

mod lines;
mod next;
mod sums;

use std::collections::BTreeMap;

use crate::groups::read::{Group, GroupFingerprint};
use crate::groups::release::LatestReleases;
use crate::ids::{FingerprintId, GroupId};
use crate::stored::state::FingerprintRow;
use crate::stored::{Crashes, Slot, Tally, rows};
use symtool_store::Error;

pub use lines::{CountedCrashes, LineError};
pub use next::{NotMadeOf, Planned};
pub use sums::CrashSums;

/// All groups: which fingerprints each has and had, and what is counted of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupState {
    fingerprints: BTreeMap<FingerprintId, KnownFingerprint>,
    /// Groups that were merged into others.
    aliases: BTreeMap<GroupId, GroupId>,
}

/// A fingerprint that crashes have or had.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KnownFingerprint {
    row: FingerprintRow,
    tally: Tally,
}

impl GroupState {
    /// The group of a fingerprint that crashes have or had.
    pub fn group_of(&self, fingerprint: FingerprintId) -> Option<GroupId> {
        self.fingerprints.get(&fingerprint).map(|known| known.row.group)
    }

    /// How many fingerprints there are.
    pub fn fingerprints(&self) -> u64 {
        self.fingerprints.len() as u64
    }

    /// All crashes.
    pub fn crashes(&self) -> u64 {
        self.fingerprints.values().map(|known| known.tally.crashes).sum()
    }

    /// All groups that have crashes, by id; as [`Crashes::groups`] gives them.
    pub fn groups(&self) -> Vec<Group> {
        let mut groups: BTreeMap<GroupId, Group> = BTreeMap::new();
        for (id, KnownFingerprint { row, tally }) in self.alive() {
            let group = groups.entry(row.group).or_insert_with(|| Group::empty(row.group));
            group.tally.add(tally);
            group.signatures.push(GroupFingerprint::of(*id, row.clone(), tally.crashes));
        }
        for (alias, into) in &self.aliases {
            if let Some(group) = groups.get_mut(into) {
                group.aliases.push(*alias);
            }
        }
        let mut groups: Vec<Group> = groups.into_values().collect();
        groups.iter_mut().for_each(Group::sort);
        groups
    }

    /// The latest release of each application; as [`Crashes::latest_releases`] gives them.
    pub fn latest_releases(&self) -> LatestReleases {
        let mut latest = LatestReleases::default();
        for release in self.alive().flat_map(|(_, known)| known.tally.releases.keys()) {
            latest.see(release);
        }
        latest
    }

    fn alive(&self) -> impl Iterator<Item = (&FingerprintId, &KnownFingerprint)> {
        self.fingerprints.iter().filter(|(_, known)| known.tally.crashes > 0)
    }
}

impl Crashes {
    /// What the crash at `at` is grouped by; `None` if there is none.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn fingerprint_at(&self, at: Slot) -> Result<Option<FingerprintId>, Error> {
        let states = self.states(at.chunk)?;
        Ok(states.get(usize::from(at.slot)).map(|state| state.signature))
    }

    /// The groups of the store.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn group_state(&self) -> Result<GroupState, Error> {
        let database = &self.database;
        let mut state = GroupState::default();
        let ids = |key: &[u8]| key.get(1..).and_then(FingerprintId::from_key);
        let mut tallies: BTreeMap<FingerprintId, Tally> = BTreeMap::new();
        for (key, tally) in database.all(rows::area::TALLIES)? {
            tallies.extend(ids(&key).map(|id| (id, tally)));
        }
        for (key, row) in database.all::<FingerprintRow>(rows::area::SIGNATURES)? {
            let id = ids(&key).ok_or_else(|| database.damaged())?;
            let tally = tallies.remove(&id).unwrap_or_default();
            state.fingerprints.insert(id, KnownFingerprint { row, tally });
        }
        for (key, into) in database.all(rows::area::ALIASES)? {
            let alias = key.get(1..).and_then(GroupId::from_key);
            state.aliases.insert(alias.ok_or_else(|| database.damaged())?, into);
        }
        Ok(state)
    }
}
