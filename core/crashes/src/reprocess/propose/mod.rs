//! Works out what a run would do, and changes nothing.

mod found;
mod rewalk;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc;

use hashbrown::HashMap;
use rayon::prelude::*;

use crate::add::own_groups;
use crate::fingerprint::{Assessor, ENGINE, Fingerprint};
use crate::groups::Group;
use crate::groups::plan::{Before, Flow, Plan, plan};
use crate::ids::{FingerprintId, GroupId};
use crate::reprocess::apply::{GroupRows, Movement, Step};
use crate::reprocess::report_builder::ReportBuilder;
use crate::reprocess::select::{self, Changed, ChangedModule, Selected, select};
use crate::reprocess::shard::ShardAnswers;
use crate::stored::changes::{ChangedRow, Old};
use crate::stored::journal::{Run, RunKind};
use crate::stored::report::{Cause, CrashCounts, Report};
use crate::stored::state::{FingerprintRow, LastRun, Pending, Tally};
use crate::stored::tally_changes::Regrouped;
use crate::stored::{CrashWriter, Crashes, rows};
use found::Found;
pub(super) use found::{Streams, changed};
use symtool_store::Error;

/// What a run would do.
#[derive(Debug)]
pub struct Proposal {
    movement: Movement,
    /// Signatures that no crash has had before.
    new: HashMap<FingerprintId, Fingerprint>,
    plan: Plan,
    /// What a later run has to know of this one.
    last: LastRun,
    changed: Changed,
    /// What is to be looked at again by the next run, by chunk.
    pending: BTreeMap<u64, Pending>,
    /// What it would do, for people and scripts.
    pub report: Report,
}

/// Signatures that lose or gain crashes, and their groups.
type Touched = (BTreeMap<FingerprintId, Before>, BTreeMap<GroupId, Group>);

impl Crashes {
    /// What a run would do: to the crashes that changed symbols or rules may have changed, or to
    /// `all` of them. `tick` is told how many crashes are to be looked at, and how many have been.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn propose(
        &self,
        assessor: &Assessor<'_>,
        all: bool,
        tick: impl Fn(u64, u64),
    ) -> Result<Proposal, Error> {
        self.propose_with(&ShardAnswers::default(), assessor, all, tick)
    }

    /// The same, where shards have assessed crashes.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn propose_with(
        &self,
        answers: &ShardAnswers,
        assessor: &Assessor<'_>,
        all: bool,
        tick: impl Fn(u64, u64),
    ) -> Result<Proposal, Error> {
        let head = self.database.head();
        let changed = select::changed(&self.database, assessor)?;
        let selected = select(self, &changed, all)?;
        let mut found = Found::default();
        found.counts.stored = head.crashes;
        let total = match &selected {
            Selected::All => head.crashes,
            Selected::Some(chunks) => chunks.values().map(|slots| slots.len() as u64).sum(),
        };
        let causes: HashMap<[u8; 16], usize> = by_key(&changed);
        let chunks = chunks_of(self, &selected)?;
        let (send, receive) = mpsc::channel();
        rayon::in_place_scope(|scope| {
            let (chunks, causes) = (&chunks, &causes);
            scope.spawn(move |_| {
                let look = |(number, slots): &(u64, Option<&BTreeSet<u16>>)| {
                    Found::at(self, (assessor, answers), (*number, *slots), causes)
                };
                // Nobody to tell: a chunk could not be read.
                let _ = chunks
                    .par_iter()
                    .with_max_len(1)
                    .try_for_each_with(send, |send, chunk| send.send(look(chunk)).ok());
            });
            // What was found in one chunk is added up while others are looked at.
            receive.iter().try_for_each(|looked: Result<Found, Error>| {
                found.absorb(looked?);
                tick(total, found.counts.selected);
                Ok::<_, Error>(())
            })
        })?;
        found.movement.sort();
        drop(chunks);
        drop(selected);
        self.conclude(found, changed, LastRun { rules: assessor.rules().version(), engine: ENGINE })
    }

    /// From who moves to which groups there will be, and what to tell of it.
    fn conclude(&self, found: Found, changed: Changed, last: LastRun) -> Result<Proposal, Error> {
        let stored = found.counts.stored;
        let Found { movement, new, streams, counts, damaged } = found;
        let pending = damaged.into_iter().map(|(chunk, images)| {
            let modules = images.into_iter().map(|image| (image, None)).collect();
            (chunk, Pending { rules: last.rules, engine: last.engine, modules })
        });
        let pending = pending.collect();
        let flows: Vec<Flow> = streams
            .iter()
            .map(|((from, to), stream)| Flow { from: *from, to: *to, crashes: stream.crashes })
            .collect();
        let (before, groups) =
            self.known_of(flows.iter().flat_map(|flow| [flow.from, flow.to]).collect())?;
        let first_ms = groups.values().map(|group| (group.id, group.tally.first_ms)).collect();
        let plan = plan(&flows, &before, &first_ms);
        let mut report = ReportBuilder::new(&groups, &new, &streams, &plan).report();
        report.crashes = CrashCounts {
            groups_before: report.crashes.groups_before,
            groups_after: report.crashes.groups_after,
            ..counts
        };
        report.rules_changed = (changed.rules || changed.other_rules) && stored > 0;
        report.modules = causes(&changed, &streams, &plan);
        if let Some(gain) = &mut report.largest_gain {
            gain.percent = (gain.crashes * 100).checked_div(stored).unwrap_or(0);
        }
        Ok(Proposal { movement, new, plan, last, changed, pending, report })
    }
}

/// Numbers of chunks, each with the slots that are meant, if not all of them are.
pub(super) type ChunksToLookAt<'s> = Vec<(u64, Option<&'s BTreeSet<u16>>)>;

/// The chunks that `selected` crashes are in.
pub(super) fn chunks_of<'s>(
    crashes: &Crashes,
    selected: &'s Selected,
) -> Result<ChunksToLookAt<'s>, Error> {
    Ok(match selected {
        Selected::All => {
            crashes.chunk_numbers()?.into_iter().map(|number| (number, None)).collect()
        }
        Selected::Some(chunks) => {
            chunks.iter().map(|(number, slots)| (*number, Some(slots))).collect()
        }
    })
}

impl Crashes {
    /// What a plan has to know of `signatures`, and their groups.
    fn known_of(&self, signatures: BTreeSet<FingerprintId>) -> Result<Touched, Error> {
        let signatures: Vec<FingerprintId> = signatures.into_iter().collect();
        let rows: Vec<Option<FingerprintRow>> =
            self.database.get_all(signatures.iter().map(|id| rows::signature(*id)))?;
        let tallies: Vec<Option<Tally>> =
            self.database.get_all(signatures.iter().map(|id| rows::tally(*id)))?;
        let mut before = BTreeMap::new();
        let mut groups = BTreeSet::new();
        for ((signature, row), tally) in signatures.into_iter().zip(&rows).zip(tallies) {
            let group = row.as_ref().map(|row| row.group);
            groups.extend(group);
            let crashes = tally.map_or(0, |tally| tally.crashes);
            before.insert(signature, Before { group, crashes, own: GroupId::of(signature, 0) });
        }
        let new: Vec<FingerprintId> = before
            .iter()
            .filter(|(_, known)| known.crashes == 0)
            .map(|(signature, _)| *signature)
            .collect();
        for (signature, own) in new.iter().zip(own_groups(&self.database, &new)?) {
            before.entry(*signature).and_modify(|known| known.own = own.id);
        }
        let groups = self.groups_of(groups.into_iter().collect())?;
        Ok((before, groups.into_iter().map(|group| (group.id, group)).collect()))
    }
}

/// Which changed module each key of the index of images stands for.
fn by_key(changed: &Changed) -> HashMap<[u8; 16], usize> {
    let modules = changed.modules.iter().enumerate();
    modules.flat_map(|(index, module)| module.keys.iter().map(move |key| (*key, index))).collect()
}

/// For each changed module, what became of crashes with frames in it.
fn causes(changed: &Changed, streams: &Streams, plan: &Plan) -> Vec<Cause> {
    let cause = |module: &ChangedModule| Cause {
        name: module.name.clone(),
        id: module.id.clone(),
        change: module.change.into(),
        moved: 0,
        groups: Vec::new(),
    };
    let mut causes: Vec<Cause> = changed.modules.iter().map(cause).collect();
    let mut groups: Vec<BTreeSet<GroupId>> = vec![BTreeSet::new(); causes.len()];
    for ((_, to), stream) in streams {
        for (index, moved) in &stream.causes {
            causes[*index].moved += moved;
            groups[*index].extend(plan.group_of.get(to));
        }
    }
    for (cause, groups) in causes.iter_mut().zip(groups) {
        cause.groups = groups.into_iter().collect();
    }
    causes
}

impl CrashWriter {
    /// Carries out what `propose` said, all at once. `None` if there was nothing to be done, so
    /// that it is no run.
    ///
    /// # Errors
    /// Any [`Error`]; nothing was changed then.
    pub fn apply(&self, proposal: Proposal) -> Result<Option<Run>, Error> {
        let Proposal { movement, new, plan, last, changed, pending, report } = proposal;
        let known = self.known_by(last, &changed, pending)?;
        if !movement.is_seen() {
            let mut changes = self.database.changes();
            movement.write(&self.database, &mut changes, &Regrouped::new())?;
            known.into_iter().for_each(|row| changes.take(row));
            if !changes.is_empty() {
                changes.commit()?;
            }
            return Ok(None);
        }
        let mut group_rows = GroupRows::new(&self.database);
        let mut aliases: BTreeMap<GroupId, Vec<GroupId>> = BTreeMap::new();
        plan.aliases
            .iter()
            .for_each(|(alias, into)| aliases.entry(*into).or_default().push(*alias));
        group_rows.merge_all(&aliases)?;
        group_rows.read_ahead(plan.group_of.iter().flat_map(|(signature, group)| {
            [
                rows::signature(*signature),
                rows::group(*group),
                rows::alias(*group),
                rows::member(*group, *signature),
            ]
        }))?;
        for (signature, group) in &plan.group_of {
            let row = group_rows
                .signature(*signature)?
                .or_else(|| new.get(signature).map(|new| new.row(*group)));
            if let Some(row) = row {
                group_rows.put_signature(*signature, &FingerprintRow { group: *group, ..row })?;
            }
        }
        self.carry_out(Step {
            kind: RunKind::Reprocess,
            movement,
            group_rows,
            known,
            report,
            undone: None,
        })
        .map(Some)
    }

    /// The rows that say what this run knew, where they change.
    fn known_by(
        &self,
        last: LastRun,
        changed: &Changed,
        mut still: BTreeMap<u64, Pending>,
    ) -> Result<Vec<ChangedRow>, Error> {
        let database = &self.database;
        let mut rows = Vec::new();
        let before: Option<LastRun> = database.get(rows::LAST_RUN)?;
        if before != Some(last) {
            let old = before.map(|before| database.encode(&before)).transpose()?;
            rows.push(database.changed(
                rows::LAST_RUN.to_vec(),
                Old::read(old.as_deref()),
                Some(database.encode(&last)?),
            )?);
        }
        for change in &changed.known {
            let bytes =
                |digest: Option<u64>| digest.map(|digest| database.encode(&digest)).transpose();
            rows.push(database.changed(
                rows::known(&change.key),
                Old::read(bytes(change.before)?.as_deref()),
                bytes(change.after)?,
            )?);
        }
        for (chunk, before) in &changed.pending {
            let after = still.remove(chunk);
            if after.as_ref() != Some(before) {
                let after = after.map(|after| database.encode(&after)).transpose()?;
                let before = database.encode(before)?;
                rows.push(database.changed(rows::pending(*chunk), Old::Value(&before), after)?);
            }
        }
        for (chunk, pending) in &still {
            let pending = database.encode(pending)?;
            rows.push(database.changed(rows::pending(*chunk), Old::Absent, Some(pending))?);
        }
        Ok(rows)
    }
}
