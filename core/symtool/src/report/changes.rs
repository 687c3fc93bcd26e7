//! What runs did to groups: where the groups of one run came from, and what happened to each group
//! over all of them.

use std::collections::{BTreeMap, BTreeSet};

use symtool_crashes::groups::{NoSuchRun, Streams};
use symtool_crashes::{Crashes, GroupId, Merge, Report, Run, RunKind, Split};

use super::limits::{SHOWN_CHANGES, SHOWN_FLOWS, SHOWN_ORIGINS, SHOWN_OTHERS};
use super::value::{ChangeName, Flow, GroupChange, LargestGain, Origin, RunName, RunSummary, Tag};
use crate::time::iso;

/// What `run` did, as one of all `runs`.
///
/// # Errors
/// If the store cannot be read.
pub fn summary(crashes: &Crashes, runs: &[Run], run: &Run) -> Result<RunSummary, NoSuchRun> {
    let Report { crashes: counts, rules_changed, modules, largest_gain, .. } = &run.report;
    let mut flows = flows(&run.report, &crashes.streams(run.run)?);
    let more_flows = flows.len().saturating_sub(SHOWN_FLOWS) as u64;
    flows.truncate(SHOWN_FLOWS);
    let stands = |run: &&Run| run.undone_by.is_none() && !matches!(run.kind, RunKind::Undo(_));
    Ok(RunSummary {
        run: run.run,
        kind: match run.kind {
            RunKind::Reprocess => RunName::Reprocess,
            RunKind::Merge => RunName::Merge,
            RunKind::Undo(_) => RunName::Undo,
        },
        at: at(run),
        undid: match run.kind {
            RunKind::Undo(of) => Some(of),
            _ => None,
        },
        undone_by: run.undone_by,
        can_undo: runs.iter().rev().find(stands).is_some_and(|last| last.run == run.run),
        stored: counts.stored,
        improved: counts.improved,
        moved: counts.moved,
        groups_before: counts.groups_before,
        groups_after: counts.groups_after,
        modules: modules.len() as u64,
        rules_changed: *rules_changed,
        largest_gain: largest_gain.as_ref().map(|gain| LargestGain {
            group: gain.group,
            crashes: gain.crashes,
            percent: gain.percent,
        }),
        flows,
        more_flows,
    })
}

/// When a run was.
fn at(run: &Run) -> String {
    iso(i64::try_from(run.at_ms).unwrap_or(i64::MAX))
}

/// Where the groups that a run has merged or split came from, those with most crashes that moved
/// first.
fn flows(report: &Report, streams: &Streams) -> Vec<Flow> {
    let mut titles: BTreeMap<GroupId, &str> = BTreeMap::new();
    let mut origins: BTreeMap<GroupId, BTreeSet<GroupId>> = BTreeMap::new();
    for Merge { group, title, aliases, .. } in &report.merged {
        titles.insert(*group, title);
        let from = origins.entry(*group).or_default();
        from.insert(*group);
        from.extend(aliases);
    }
    let merged: BTreeMap<GroupId, GroupId> = report
        .merged
        .iter()
        .flat_map(|merge| merge.aliases.iter().map(|alias| (*alias, merge.group)))
        .collect();
    for Split { group, title, into } in &report.split {
        let renamed = report.renamed.iter().find(|rename| rename.group == *group);
        let after = renamed.map_or(title, |rename| &rename.to);
        // What is left of it is in itself, or where that was merged into.
        let rest = *merged.get(group).unwrap_or(group);
        titles.entry(rest).or_insert(after);
        origins.entry(rest).or_default().insert(*group);
        for part in into {
            titles.insert(part.group, &part.title);
            origins.entry(part.group).or_default().insert(*group);
        }
    }
    let mut flows: Vec<(u64, Flow)> = origins
        .into_iter()
        .map(|(group, from)| {
            let mut from: Vec<Origin> = from
                .into_iter()
                .map(|from| Origin { group: from, crashes: streams.get(&(from, group)).copied() })
                .collect();
            from.sort_by_key(|origin| std::cmp::Reverse(origin.crashes));
            let all = from.iter().filter_map(|origin| origin.crashes).sum();
            let more = from.len().saturating_sub(SHOWN_ORIGINS) as u64;
            from.truncate(SHOWN_ORIGINS);
            let title = titles.get(&group).map_or("", |title| *title).to_owned();
            (all, Flow { group, title, from, more })
        })
        .collect();
    flows.sort_by(|(a, one), (b, other)| b.cmp(a).then_with(|| one.group.cmp(&other.group)));
    flows.into_iter().map(|(_, flow)| flow).collect()
}

/// What happened to groups.
#[derive(Debug)]
pub struct Changes {
    /// By group, also those that are aliases now; the latest run first.
    of_group: BTreeMap<GroupId, Vec<GroupChange>>,
}

impl Changes {
    /// What all of `runs` did, the first of which comes first.
    pub fn of(runs: &[Run]) -> Self {
        let mut of_group: BTreeMap<GroupId, Vec<GroupChange>> = BTreeMap::new();
        for run in runs.iter().rev() {
            for (group, change) in changes_of(run) {
                let changes = of_group.entry(group).or_default();
                if changes.len() < SHOWN_CHANGES {
                    changes.push(change);
                }
            }
        }
        Self { of_group }
    }

    /// What happened to `group`, the latest first.
    pub fn of_group(&self, group: GroupId) -> Vec<GroupChange> {
        self.of_group.get(&group).cloned().unwrap_or_default()
    }
}

/// What `run` did to each of the groups that it changed.
fn changes_of(run: &Run) -> Vec<(GroupId, GroupChange)> {
    let change = |change: ChangeName, mut groups: Vec<GroupId>, from: Option<&String>| {
        let more = groups.len().saturating_sub(SHOWN_OTHERS) as u64;
        groups.truncate(SHOWN_OTHERS);
        GroupChange { run: run.run, at: at(run), change, groups, more, from: from.cloned() }
    };
    let Report { merged, split, renamed, .. } = &run.report;
    let mut changes = Vec::new();
    for merge in merged {
        changes.push((merge.group, change(ChangeName::Merged, merge.aliases.clone(), None)));
    }
    for split in split {
        let parts = split.into.iter().map(|part| part.group).collect();
        changes.push((split.group, change(ChangeName::Split, parts, None)));
        for part in &split.into {
            let from = change(ChangeName::SplitFrom, vec![split.group], None);
            changes.push((part.group, from));
        }
    }
    for rename in renamed {
        let renamed = change(ChangeName::Renamed, Vec::new(), Some(&rename.from));
        changes.push((rename.group, renamed));
    }
    changes
}

/// What the run with this report did to `group`, in a word each.
pub fn tags(report: Option<&Report>, group: GroupId) -> Vec<Tag> {
    let Some(report) = report else { return Vec::new() };
    let is_split =
        |split: &Split| split.group == group || split.into.iter().any(|part| part.group == group);
    let tags = [
        (Tag::Merged, report.merged.iter().any(|merge| merge.group == group)),
        (Tag::Split, report.split.iter().any(is_split)),
        (Tag::Renamed, report.renamed.iter().any(|rename| rename.group == group)),
    ];
    tags.into_iter().filter(|(_, has)| *has).map(|(tag, _)| tag).collect()
}
