//! The parts of a run's report that speak of groups.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::fingerprint::Fingerprint;
use crate::groups::Group;
use crate::groups::plan::Plan;
use crate::ids::{FingerprintId, GroupId};
use crate::reprocess::propose::Streams;
use crate::stored::FingerprintKind;
use crate::stored::report::{Gain, Merge, Part, Rename, Report, Split};

/// What is to be told.
pub struct ReportBuilder<'a> {
    /// The groups of signatures that lose or gain crashes, as they are before.
    groups: &'a BTreeMap<GroupId, Group>,
    plan: &'a Plan,
    streams: &'a Streams,
    /// The group of each signature before.
    group_of: HashMap<FingerprintId, GroupId>,
    titles: HashMap<FingerprintId, (FingerprintKind, &'a str)>,
    /// Crashes of each signature of each group, as they will be.
    after: BTreeMap<GroupId, BTreeMap<FingerprintId, u64>>,
}

impl<'a> ReportBuilder<'a> {
    /// Of `plan`, for crashes that move as `streams` say, some of them to signatures that are
    /// `new`.
    pub fn new(
        groups: &'a BTreeMap<GroupId, Group>,
        new: &'a HashMap<FingerprintId, Fingerprint>,
        streams: &'a Streams,
        plan: &'a Plan,
    ) -> Self {
        let known = || {
            groups.values().flat_map(|group| {
                group.signatures.iter().map(move |signature| (group.id, signature))
            })
        };
        let mut titles: HashMap<FingerprintId, (FingerprintKind, &str)> =
            new.iter().map(|(id, new)| (*id, (new.kind, &*new.title))).collect();
        titles.extend(
            known().map(|(_, signature)| (signature.id, (signature.kind, &*signature.title))),
        );
        let group_of = known().map(|(group, signature)| (signature.id, group)).collect();
        let mut told = Self { groups, plan, streams, group_of, titles, after: BTreeMap::new() };
        told.after = told.crashes_after();
        told
    }

    /// The parts of the report that speak of groups.
    pub fn report(&self) -> Report {
        let mut report = Report {
            merged: self.merged(),
            split: self.split(),
            renamed: self.renamed(),
            largest_gain: self.largest_gain(),
            ..Report::default()
        };
        report.crashes.groups_before =
            self.groups.values().filter(|group| group.tally.crashes > 0).count() as u64;
        report.crashes.groups_after = self
            .after
            .values()
            .filter(|signatures| signatures.values().any(|crashes| *crashes > 0))
            .count() as u64;
        report
    }

    fn group_after(&self, group: GroupId) -> GroupId {
        self.plan.aliases.get(&group).copied().unwrap_or(group)
    }

    fn crashes_after(&self) -> BTreeMap<GroupId, BTreeMap<FingerprintId, u64>> {
        let mut after: BTreeMap<GroupId, BTreeMap<FingerprintId, u64>> = BTreeMap::new();
        for group in self.groups.values() {
            let signatures =
                group.signatures.iter().map(|signature| (signature.id, signature.crashes));
            after.entry(self.group_after(group.id)).or_default().extend(signatures);
        }
        for ((from, to), stream) in self.streams {
            let left = self
                .group_of
                .get(from)
                .and_then(|group| after.get_mut(&self.group_after(*group))?.get_mut(from));
            if let Some(left) = left {
                *left = left.saturating_sub(stream.crashes);
            }
            if let Some(group) = self.plan.group_of.get(to) {
                *after.entry(*group).or_default().entry(*to).or_default() += stream.crashes;
            }
        }
        after
    }

    /// What a group will be called; as [`Group::main`] says.
    fn title_after(&self, group: GroupId) -> &'a str {
        let signatures = self.after.get(&group).into_iter().flatten();
        let main = signatures.filter_map(|(id, crashes)| {
            self.titles.get(id).map(|(kind, title)| (Reverse(*crashes), *kind, *id, *title))
        });
        main.min().map_or("", |(.., title)| title)
    }

    fn merged(&self) -> Vec<Merge> {
        let mut aliases: BTreeMap<GroupId, Vec<&Group>> = BTreeMap::new();
        for (alias, into) in &self.plan.aliases {
            aliases.entry(*into).or_default().extend(self.groups.get(alias));
        }
        let merge = |(into, aliases): (GroupId, Vec<&Group>)| Merge {
            group: into,
            title: self.title_after(into).to_owned(),
            crashes: aliases.iter().map(|group| group.tally.crashes).sum(),
            aliases: aliases.iter().map(|group| group.id).collect(),
        };
        aliases.into_iter().map(merge).collect()
    }

    /// Crashes that part from each group: where they go, and how many.
    fn parting(&self) -> BTreeMap<GroupId, BTreeMap<GroupId, u64>> {
        let mut parting: BTreeMap<GroupId, BTreeMap<GroupId, u64>> = BTreeMap::new();
        for ((from, to), stream) in self.streams {
            let (Some(from), Some(to)) = (self.group_of.get(from), self.plan.group_of.get(to))
            else {
                continue;
            };
            if self.group_after(*from) != *to {
                *parting.entry(*from).or_default().entry(*to).or_default() += stream.crashes;
            }
        }
        parting
    }

    fn split(&self) -> Vec<Split> {
        let split = |(from, into): (GroupId, BTreeMap<GroupId, u64>)| {
            let part = |(group, crashes): (&GroupId, &u64)| Part {
                group: *group,
                title: self.title_after(*group).to_owned(),
                crashes: *crashes,
            };
            let mut into: Vec<Part> = into.iter().map(part).collect();
            into.sort_by_key(|part| (Reverse(part.crashes), part.group));
            let title = self.groups.get(&from).map_or("", Group::title).to_owned();
            Split { group: from, title, into }
        };
        self.parting().into_iter().map(split).collect()
    }

    fn renamed(&self) -> Vec<Rename> {
        let stays =
            |group: &&Group| !self.plan.aliases.contains_key(&group.id) && group.tally.crashes > 0;
        let rename = |group: &Group| {
            let (from, to) = (group.title(), self.title_after(group.id));
            (from != to).then(|| Rename {
                group: group.id,
                from: from.to_owned(),
                to: to.to_owned(),
            })
        };
        self.groups.values().filter(stays).filter_map(rename).collect()
    }

    /// The group that gains most; of equals the one with the smallest id.
    fn largest_gain(&self) -> Option<Gain> {
        let parting = self.parting();
        let gain = |(group, signatures): (&GroupId, &BTreeMap<FingerprintId, u64>)| {
            let had = self.groups.get(group).map_or(0, |group| group.tally.crashes);
            let lost: u64 = parting.get(group).map_or(0, |into| into.values().sum());
            (
                signatures.values().sum::<u64>().saturating_sub(had.saturating_sub(lost)),
                Reverse(*group),
            )
        };
        let (crashes, Reverse(group)) = self.after.iter().map(gain).max()?;
        (crashes > 0).then_some(Gain { group, crashes, percent: 0 })
    }
}
