//! The next state of groups: crashes that are new get groups as they do in a store, then those that
//! move do as a run of `reprocess` has them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::sums::{CountedBefore, MadeOf};
use super::{CrashSums, GroupState, KnownFingerprint};
use crate::groups::plan::{self, Flow, Plan};
use crate::ids::{FingerprintId, GroupId};
use crate::stored::Tally;
use crate::stored::state::FingerprintRow;

/// What a plan has made of groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Planned {
    /// Crashes that were counted.
    pub crashes: u64,
    /// Crashes that go to another fingerprint.
    pub moved: u64,
    /// Groups that had crashes, new ones among them.
    pub groups_before: u64,
    /// Groups that have crashes.
    pub groups_after: u64,
    /// Groups that became aliases of others.
    pub merged: u64,
    /// Crashes of the state before that nothing counts: they were removed, or a part is missing.
    pub missing: u64,
}

/// A fingerprint of which neither the state nor the sums say what it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}: nothing says what this fingerprint is made of: its kind, title and frames")]
pub struct NotMadeOf(pub FingerprintId);

type Before = BTreeMap<FingerprintId, CountedBefore>;

impl GroupState {
    /// The state once the crashes of `sums` have come and moved. These are all crashes: what is
    /// not among them is not there any more.
    ///
    /// # Errors
    /// [`NotMadeOf`] for a fingerprint that is new.
    pub fn next(mut self, mut sums: CrashSums) -> Result<(Self, Planned), NotMadeOf> {
        let before = sums.before();
        let missing = self.fingerprints.iter().map(|(id, known)| {
            let counted = before.get(id).map_or(0, |counted| counted.crashes);
            known.tally.crashes.saturating_sub(counted)
        });
        let missing = missing.sum();
        let mut members = self.members();
        for id in before.keys() {
            if !self.fingerprints.contains_key(id) {
                let group = own_group(&members, *id);
                members.entry(group).or_default().insert(*id);
                self.put(&mut sums, *id, group)?;
            }
        }
        let plan = self.plan(&sums, &before, &members);
        let had_crashes = before.iter().filter(|(_, counted)| counted.crashes > 0);
        let groups_before: BTreeSet<GroupId> =
            had_crashes.filter_map(|(id, _)| self.group_of(*id)).collect();
        let mut planned = Planned {
            crashes: before.values().map(|counted| counted.crashes).sum(),
            moved: sums.flows().map(|(_, tally)| tally.crashes).sum(),
            groups_before: groups_before.len() as u64,
            merged: plan.aliases.len() as u64,
            missing,
            ..Planned::default()
        };
        drop((before, members));
        self.merge(&plan.aliases);
        for (id, group) in &plan.group_of {
            self.aliases.remove(group);
            self.put(&mut sums, *id, *group)?;
        }
        let mut after = sums.into_after();
        for (id, known) in &mut self.fingerprints {
            known.tally = after.remove(id).unwrap_or_default();
        }
        let alive = self.alive().map(|(_, known)| known.row.group);
        planned.groups_after = alive.collect::<BTreeSet<GroupId>>().len() as u64;
        Ok((self, planned))
    }

    /// Which groups there will be.
    fn plan(&self, sums: &CrashSums, before: &Before, members: &Members) -> Plan {
        let flow = |((from, to), tally): ((FingerprintId, FingerprintId), &Tally)| Flow {
            from,
            to,
            crashes: tally.crashes,
        };
        let flows: Vec<Flow> = sums.flows().map(flow).collect();
        let known = |id: FingerprintId| {
            let crashes = before.get(&id).map_or(0, |counted| counted.crashes);
            (id, plan::Before { group: self.group_of(id), crashes, own: own_group(members, id) })
        };
        let known = flows.iter().flat_map(|flow| [flow.from, flow.to]).map(known).collect();
        let mut first_ms: BTreeMap<GroupId, Option<i64>> = BTreeMap::new();
        for (id, counted) in before {
            if let Some(group) = self.group_of(*id) {
                let first = first_ms.entry(group).or_default();
                *first = [*first, counted.first_ms].into_iter().flatten().min();
            }
        }
        plan::plan(&flows, &known, &first_ms)
    }

    /// Groups become aliases of others, with all that they have.
    fn merge(&mut self, aliases: &BTreeMap<GroupId, GroupId>) {
        for known in self.fingerprints.values_mut() {
            if let Some(into) = aliases.get(&known.row.group) {
                known.row.group = *into;
            }
        }
        for into in self.aliases.values_mut() {
            *into = aliases.get(into).copied().unwrap_or(*into);
        }
        self.aliases.extend(aliases);
    }

    /// The fingerprint is in `group`.
    fn put(
        &mut self,
        sums: &mut CrashSums,
        id: FingerprintId,
        group: GroupId,
    ) -> Result<(), NotMadeOf> {
        if let Some(known) = self.fingerprints.get_mut(&id) {
            known.row.group = group;
            return Ok(());
        }
        let MadeOf { kind, title, frames } = sums.take_made_of(id).ok_or(NotMadeOf(id))?;
        let row = FingerprintRow { group, kind, title, frames };
        self.fingerprints.insert(id, KnownFingerprint { row, tally: Tally::default() });
        Ok(())
    }

    fn members(&self) -> Members {
        let mut members = Members::new();
        for (id, known) in &self.fingerprints {
            members.entry(known.row.group).or_default().insert(*id);
        }
        members
    }
}

/// The fingerprints of each group.
type Members = HashMap<GroupId, BTreeSet<FingerprintId>>;

/// The group for a fingerprint that has none: one that has no others, not even of old.
fn own_group(members: &Members, id: FingerprintId) -> GroupId {
    let is_free = |group: &GroupId| {
        members.get(group).is_none_or(|members| members.iter().all(|member| *member == id))
    };
    (0..=u32::MAX)
        .map(|number| GroupId::of(id, number))
        .find(is_free)
        .unwrap_or_else(|| GroupId::of(id, 0))
}
