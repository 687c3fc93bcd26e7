//! What a run would do: in, stored crashes and an assessor; out, moves, groups and a report, with nothing changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;
use symtool_formats::crash::ImageId;

use super::apply::{Mapping, Step};
use super::journal::{Moved, Run, RunKind};
use super::report::{Cause, CrashCounts, Report};
use super::select::{Changed, ChangedModule, Selected, changed, known, select};
use super::told::Told;
use crate::assess::{Assessed, Assessor, ENGINE, Signature};
use crate::crash::add::own_group;
use crate::crash::chunk::Chunk;
use crate::crash::state::{Meta, SignatureRow, State, Tally};
use crate::crash::{CrashWriter, Crashes, GroupId, SignatureId, Slot, rows};
use crate::group::Group;
use crate::group::plan::{Before, Flow, Plan, plan};
use crate::store::Error;

/// What a run would do.
#[derive(Debug)]
pub struct Proposal {
    moved: Vec<Moved>,
    /// Signatures that no crash has had before.
    new: BTreeMap<SignatureId, Signature>,
    plan: Plan,
    meta: Meta,
    /// What it would do, for people and scripts.
    pub report: Report,
}

/// Crashes that go from one signature to another.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    pub crashes: u64,
    /// Which changed modules these have frames in.
    pub causes: BTreeMap<usize, u64>,
}

/// Crashes by where they come from and go to.
pub(super) type Streams = BTreeMap<(SignatureId, SignatureId), Stream>;

/// Signatures that lose or gain crashes, and their groups.
type Touched = (BTreeMap<SignatureId, Before>, BTreeMap<GroupId, Group>);

/// What assessing has brought to light.
#[derive(Default)]
struct Found {
    moved: Vec<Moved>,
    new: BTreeMap<SignatureId, Signature>,
    streams: Streams,
    counts: CrashCounts,
}

impl Crashes {
    /// What a run would do: to the crashes that changed symbols or rules may have changed, or to `all` of them. `tick` is told how many
    /// crashes are to be looked at, and how many have been.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn propose(&self, assessor: &Assessor<'_>, all: bool, tick: impl Fn(u64, u64)) -> Result<Proposal, Error> {
        let meta: Meta = self.database.get(rows::META)?.unwrap_or_default();
        let changed = changed(&meta, assessor);
        let selected = select(self, &changed, all)?;
        let mut found = Found::default();
        found.counts.stored = meta.crashes;
        let total = match &selected {
            Selected::All => meta.crashes,
            Selected::Some(chunks) => chunks.values().map(|slots| slots.len() as u64).sum(),
        };
        let causes: HashMap<[u8; 16], usize> = changed.modules.iter().enumerate().map(|(index, module)| (module.key, index)).collect();
        let chunks: Vec<(u64, Option<&BTreeSet<u16>>)> = match &selected {
            Selected::All => (0..meta.next_chunk).map(|number| (number, None)).collect(),
            Selected::Some(chunks) => chunks.iter().map(|(number, slots)| (*number, Some(slots))).collect(),
        };
        // Some at a time: what one thread unpacks, others assess meanwhile.
        for chunks in chunks.chunks(2 * rayon::current_num_threads()) {
            let looked: Vec<Result<Looked, Error>> =
                chunks.par_iter().map(|(number, slots)| Looked::at(self, assessor, *number, *slots)).collect();
            for looked in looked {
                found.look(looked?, &causes);
                tick(total, found.counts.selected);
            }
        }
        let meta = Meta { rules: assessor.rules().version(), engine: ENGINE, modules: known(assessor), ..meta };
        self.conclude(found, &changed, meta)
    }

    /// From who moves to which groups there will be, and what to tell of it.
    fn conclude(&self, found: Found, changed: &Changed, meta: Meta) -> Result<Proposal, Error> {
        let Found { moved, new, streams, counts } = found;
        let flows: Vec<Flow> = streams.iter().map(|((from, to), stream)| Flow { from: *from, to: *to, crashes: stream.crashes }).collect();
        let (before, groups) = self.known_of(flows.iter().flat_map(|flow| [flow.from, flow.to]).collect())?;
        let first_ms = groups.values().map(|group| (group.id, group.tally.first_ms)).collect();
        let plan = plan(&flows, &before, &first_ms);
        let mut report = Told::new(&groups, &new, &streams, &plan).report();
        report.crashes = CrashCounts { groups_before: report.crashes.groups_before, groups_after: report.crashes.groups_after, ..counts };
        report.rules_changed = changed.rules && meta.crashes > 0;
        report.modules = causes(changed, &streams, &plan);
        if let Some(gain) = &mut report.largest_gain {
            gain.percent = (gain.crashes * 100).checked_div(meta.crashes).unwrap_or(0);
        }
        Ok(Proposal { moved, new, plan, meta, report })
    }
}

impl Crashes {
    /// What a plan has to know of `signatures`, and their groups.
    fn known_of(&self, signatures: BTreeSet<SignatureId>) -> Result<Touched, Error> {
        let signatures: Vec<SignatureId> = signatures.into_iter().collect();
        let rows: Vec<Option<SignatureRow>> = self.database.get_all(signatures.iter().map(|id| rows::signature(*id)))?;
        let tallies: Vec<Option<Tally>> = self.database.get_all(signatures.iter().map(|id| rows::tally(*id)))?;
        let mut before = BTreeMap::new();
        let mut groups = BTreeSet::new();
        for ((signature, row), tally) in signatures.into_iter().zip(&rows).zip(tallies) {
            let group = row.as_ref().map(|row| row.group);
            groups.extend(group);
            let crashes = tally.map_or(0, |tally| tally.crashes);
            let own = if crashes > 0 { GroupId::of(signature, 0) } else { own_group(&self.database, signature)? };
            before.insert(signature, Before { group, crashes, own });
        }
        let groups = self.groups_of(groups.into_iter().collect())?;
        Ok((before, groups.into_iter().map(|group| (group.id, group)).collect()))
    }
}

/// What came of a chunk: the slots that were looked at, how many there were, and their results.
struct Looked {
    number: u64,
    chunk: Chunk,
    states: Vec<State>,
    selected: usize,
    assessed: Vec<(u16, Assessed)>,
}

impl Looked {
    /// Assesses those crashes of a chunk whose digest has changed.
    fn at(crashes: &Crashes, assessor: &Assessor<'_>, number: u64, slots: Option<&BTreeSet<u16>>) -> Result<Self, Error> {
        let chunk = crashes.chunk(number)?.ok_or_else(|| crashes.database.damaged())?;
        let states = crashes.states(number)?;
        let is_there = |slot: &u16| states.get(usize::from(*slot)).is_some_and(|state| !state.is_gone);
        let mut slots: Vec<u16> = match slots {
            Some(slots) => slots.iter().copied().filter(is_there).collect(),
            None => (0..=u16::MAX).zip(&states).map(|(slot, _)| slot).filter(is_there).collect(),
        };
        let selected = slots.len();
        let mut digests = assessor.digests(&chunk, &slots).into_iter();
        slots.retain(|slot| states.get(usize::from(*slot)).map(|state| state.digest) != digests.next());
        let assessed = slots.iter().copied().zip(assessor.assess(&chunk, &slots)).collect();
        Ok(Self { number, chunk, states, selected, assessed })
    }
}

impl Found {
    /// Takes what came of a chunk.
    fn look(&mut self, looked: Looked, causes: &HashMap<[u8; 16], usize>) {
        let Looked { number, chunk, states, selected, assessed } = looked;
        self.counts.selected += selected as u64;
        self.counts.assessed += assessed.len() as u64;
        for (slot, assessed) in assessed {
            let Some(old) = states.get(usize::from(slot)) else { continue };
            let at = Slot { chunk: number, slot };
            if self.take(at, *old, assessed) {
                self.blame(&chunk, at, causes);
            }
        }
    }

    /// Takes what came of a crash. Returns whether it moves.
    fn take(&mut self, at: Slot, old: State, assessed: Assessed) -> bool {
        let Assessed { signature, digest, resolved } = assessed;
        if resolved < old.resolved {
            self.counts.kept += 1;
            self.moved.push(Moved { at, old, new: State { digest, ..old } });
            return false;
        }
        self.counts.improved += u64::from(resolved > old.resolved);
        self.moved.push(Moved { at, old, new: State { signature: signature.id, digest, resolved, is_gone: false } });
        if signature.id == old.signature {
            return false;
        }
        self.counts.moved += 1;
        self.streams.entry((old.signature, signature.id)).or_default().crashes += 1;
        self.new.entry(signature.id).or_insert(signature);
        true
    }

    /// Counts the crash that was taken last for each changed module in which it has frames.
    fn blame(&mut self, chunk: &Chunk, at: Slot, causes: &HashMap<[u8; 16], usize>) {
        let (Some(crash), Some(moved)) = (chunk.crash(at.slot), self.moved.last()) else { return };
        let stream = self.streams.entry((moved.old.signature, moved.new.signature)).or_default();
        let images = crash.images().into_iter().filter_map(|image| chunk.image(image)?.id.as_ref());
        let modules: BTreeSet<usize> = images.flat_map(ImageId::keys).filter_map(|key| causes.get(&key).copied()).collect();
        modules.into_iter().for_each(|module| *stream.causes.entry(module).or_default() += 1);
    }
}

/// For each changed module, what became of crashes with frames in it.
fn causes(changed: &Changed, streams: &Streams, plan: &Plan) -> Vec<Cause> {
    let cause = |module: &ChangedModule| Cause {
        name: module.name.clone(),
        id: module.id.clone(),
        change: module.change.name().to_owned(),
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
        cause.groups = groups.iter().map(GroupId::to_string).collect();
    }
    causes
}

impl CrashWriter {
    /// Carries out what `propose` said, all at once. `None` if there was nothing to be done, so that it is no run.
    ///
    /// # Errors
    /// Any [`Error`]; nothing was changed then.
    pub fn apply(&self, proposal: Proposal) -> Result<Option<Run>, Error> {
        let Proposal { moved, new, plan, meta, report } = proposal;
        if moved.is_empty() {
            let mut changes = self.database.changes();
            if self.database.get::<Meta>(rows::META)?.unwrap_or_default() != meta {
                changes.put(rows::META, &meta)?;
            }
            changes.commit()?;
            return Ok(None);
        }
        let mut mapping = Mapping::new(&self.database);
        for (alias, into) in &plan.aliases {
            mapping.merge(*alias, *into)?;
        }
        for (signature, group) in &plan.group_of {
            let row = mapping.signature(*signature)?.or_else(|| new.get(signature).map(|new| new.row(*group)));
            if let Some(row) = row {
                mapping.put_signature(*signature, &SignatureRow { group: *group, ..row })?;
            }
        }
        self.carry_out(Step { kind: RunKind::Reprocess, moved, mapping, report, meta, undone: None }).map(Some)
    }
}
