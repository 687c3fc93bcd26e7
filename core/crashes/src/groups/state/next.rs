//! The next state of groups: crashes that are new get groups as they do in a store, then those that
//! move do as a run of `reprocess` has them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{CrashSums, GroupState, KnownFingerprint};
use crate::groups::plan::{Before, Flow, Plan, plan};
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

impl GroupState {
    /// The state once the crashes of `sums` have come and moved. These are all crashes: what is
    /// not among them is not there any more.
    ///
    /// # Errors
    /// [`NotMadeOf`] for a fingerprint that is new.
    pub fn next(&self, sums: &CrashSums) -> Result<(Self, Planned), NotMadeOf> {
        let (before, mut next) = (sums.before(), self.clone());
        let missing = |(id, known): (&FingerprintId, &KnownFingerprint)| {
            let counted = before.get(id).map_or(0, |tally| tally.crashes);
            known.tally.crashes.saturating_sub(counted)
        };
        let missing = self.fingerprints.iter().map(missing).sum();
        next.take_tallies(&before);
        let mut members = next.members();
        for id in before.keys().filter(|id| !self.fingerprints.contains_key(*id)) {
            let group = own_group(&members, *id);
            members.entry(group).or_default().insert(*id);
            next.put(sums, *id, group, before.get(id))?;
        }
        let plan = next.plan(sums, &members);
        let mut planned = Planned {
            crashes: before.values().map(|tally| tally.crashes).sum(),
            moved: sums.flows().map(|(_, tally)| tally.crashes).sum(),
            groups_before: next.groups_with_crashes(),
            merged: plan.aliases.len() as u64,
            missing,
            ..Planned::default()
        };
        next.merge(&plan.aliases);
        for (id, group) in &plan.group_of {
            next.aliases.remove(group);
            next.put(sums, *id, *group, None)?;
        }
        next.take_tallies(&sums.after());
        planned.groups_after = next.groups_with_crashes();
        Ok((next, planned))
    }

    /// Which groups there will be.
    fn plan(&self, sums: &CrashSums, members: &Members) -> Plan {
        let flow = |((from, to), tally): ((FingerprintId, FingerprintId), &Tally)| Flow {
            from,
            to,
            crashes: tally.crashes,
        };
        let flows: Vec<Flow> = sums.flows().map(flow).collect();
        let known = |id: FingerprintId| {
            let known = self.fingerprints.get(&id);
            let crashes = known.map_or(0, |known| known.tally.crashes);
            let group = known.map(|known| known.row.group);
            (id, Before { group, crashes, own: own_group(members, id) })
        };
        let before = flows.iter().flat_map(|flow| [flow.from, flow.to]).map(known).collect();
        let mut first_ms: BTreeMap<GroupId, Option<i64>> = BTreeMap::new();
        for KnownFingerprint { row, tally } in self.fingerprints.values() {
            let first = first_ms.entry(row.group).or_default();
            *first = [*first, tally.first_ms].into_iter().flatten().min();
        }
        plan(&flows, &before, &first_ms)
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

    /// The fingerprint is in `group`; one that is new counts what `tally` says.
    fn put(
        &mut self,
        sums: &CrashSums,
        id: FingerprintId,
        group: GroupId,
        tally: Option<&Tally>,
    ) -> Result<(), NotMadeOf> {
        if let Some(known) = self.fingerprints.get_mut(&id) {
            known.row.group = group;
            return Ok(());
        }
        let made_of = sums.made_of(id).ok_or(NotMadeOf(id))?.clone();
        let row = FingerprintRow {
            group,
            kind: made_of.kind,
            title: made_of.title,
            frames: made_of.frames,
        };
        let tally = tally.cloned().unwrap_or_default();
        self.fingerprints.insert(id, KnownFingerprint { row, tally });
        Ok(())
    }

    fn take_tallies(&mut self, tallies: &BTreeMap<FingerprintId, Tally>) {
        for (id, known) in &mut self.fingerprints {
            known.tally = tallies.get(id).cloned().unwrap_or_default();
        }
    }

    fn groups_with_crashes(&self) -> u64 {
        self.alive().map(|(_, known)| known.row.group).collect::<BTreeSet<GroupId>>().len() as u64
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
