//! A new database of what was saved of a damaged one: everything that can be made from other rows
//! is made, and a chunk of which a row is lost is read again from its reports.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use symtool_grouping::rules::Rules;

use crate::add::prepare::{Incoming, Prepared};
use crate::fingerprint::{Assessor, Symbols};
use crate::ids::{CrashId, FingerprintId, GroupId};
use crate::stored::changes::Old;
use crate::stored::chunk::Chunk;
use crate::stored::journal::RunRow;
use crate::stored::salvage::Salvaged;
use crate::stored::state::{Failed, FingerprintRow, GroupRow, Head, Slot, Standing, State};
use crate::stored::stored_report::StoredReport;
use crate::stored::{CrashWriter, ReadDumps, joined, pack, rows};
use crate::upkeep::repair::{CrashRepair, LostCrash};
use crate::upkeep::takeover::WholeChunk;
use symtool_store::database::Ack;
use symtool_store::database::ack::Database as Which;
use symtool_store::{Catalog, Error, Store};

/// Where reports came from is known no more.
const UNKNOWN_SOURCE: &str = "repaired";

/// A database on its way from what was saved.
pub struct Rebuild<'r> {
    /// Whose database it is.
    pub store: &'r Store,
    /// What was saved.
    pub old: &'r Salvaged<'r>,
    /// Where it goes.
    pub new: &'r CrashWriter,
    /// What reads minidumps.
    pub dumps: &'r dyn ReadDumps,
    /// What is to be told of it.
    pub done: &'r mut CrashRepair,
}

impl Rebuild<'_> {
    /// Makes it.
    pub fn run(mut self) -> Result<(), Error> {
        self.new.database.defer_counters()?;
        let signatures = self.groups()?;
        let mut again: Vec<Incoming> = Vec::new();
        for number in self.chunks()? {
            self.chunk(number, &signatures, &mut again)?;
        }
        self.marks()?;
        self.failed(&mut again)?;
        self.add_again(&again)?;
        self.name_lost()?;
        self.runs()?;
        self.new.database.keep_counters()?;
        let acknowledged =
            Ack::read(self.store, Which::Crashes).ok().flatten().map_or(0, |ack| ack.sequence);
        self.count_lost(acknowledged)?;
        let mut changes = self.new.database.changes();
        changes.head.sequence = changes.head.sequence.max(acknowledged);
        changes.commit()
    }

    /// Counts what is lost without a trace: by the newest head that is left, and by what was
    /// acknowledged.
    fn count_lost(&mut self, acknowledged: u64) -> Result<(), Error> {
        let heads = self.old.versions(rows::HEAD)?;
        let heads = heads.iter().filter_map(|bytes| postcard::from_bytes::<Head>(bytes).ok());
        let head = heads.max_by_key(|head| head.sequence).unwrap_or_default();
        let named = self
            .done
            .lost
            .iter()
            .filter(|lost| matches!(lost, LostCrash::Crash(_)))
            .collect::<BTreeSet<_>>()
            .len();
        let there = self.new.database.head().crashes + named as u64;
        self.done.lost_without_id = head.crashes.saturating_sub(there);
        self.done.lost_changes = acknowledged.saturating_sub(head.sequence);
        Ok(())
    }

    /// Numbers of chunks of which anything is left.
    fn chunks(&self) -> Result<BTreeSet<u64>, Error> {
        let mut numbers = BTreeSet::new();
        for area in [rows::area::CHUNKS, rows::area::STORED_REPORTS, rows::area::STATES] {
            self.old.each(area, |key, _| {
                numbers.extend(rows::last_number(key));
                Ok(())
            })?;
        }
        Ok(numbers)
    }

    fn chunk(
        &mut self,
        number: u64,
        signatures: &HashSet<FingerprintId>,
        again: &mut Vec<Incoming>,
    ) -> Result<(), Error> {
        let chunk: Option<Chunk> = self.old.packed(&rows::chunk(number))?;
        let states: Option<Vec<State>> = self.old.packed(&rows::states(number))?;
        let reports: Option<Vec<StoredReport>> =
            match self.old.packed(&rows::stored_reports(number))? {
                None => self.old.packed(&rows::stored_reports_copy(number))?,
                reports => reports,
            };
        let parts = self.parts(&rows::report_parts(number))?;
        if let (Some(chunk), Some(states), Some(reports)) = (&chunk, &states, &reports) {
            let is_known =
                |state: &State| !state.is_shown() || signatures.contains(&state.signature);
            let count = chunk.crashes().len();
            if count == states.len() && count == reports.len() && states.iter().all(is_known) {
                let mut states = states.clone();
                let gone = self.drop_lost(chunk, &mut states, reports, &parts);
                let chunk = if gone.is_empty() { chunk.clone() } else { chunk.without(&gone) };
                WholeChunk { number, chunk, states, reports: reports.clone(), parts }
                    .put(&self.new.database)?;
                return Ok(());
            }
        }
        // What its reports say is all that is needed to make it again.
        let reports = reports.unwrap_or_default();
        let mut start = 0;
        for (slot, report) in reports.iter().enumerate() {
            let is_removed = states
                .as_ref()
                .and_then(|states| states.get(slot))
                .is_some_and(|state| state.standing == Standing::Removed);
            let text = text_at(&parts, (start, start + report.bytes))
                .filter(|text| !is_removed && text.iter().any(|byte| *byte != 0));
            start += report.bytes;
            let source = chunk
                .as_ref()
                .and_then(|chunk| Some(chunk.text(chunk.crashes().get(slot)?.source).to_owned()));
            let source = source.unwrap_or_else(|| UNKNOWN_SOURCE.to_owned());
            again.extend(text.map(|text| Incoming {
                report: text.into(),
                source,
                arrived_ms: Some(report.arrived_ms),
            }));
        }
        Ok(())
    }

    /// Removes crashes of `chunk` whose reports are lost. Returns their slots.
    fn drop_lost(
        &mut self,
        chunk: &Chunk,
        states: &mut [State],
        reports: &[StoredReport],
        parts: &[(u64, Vec<u8>)],
    ) -> Vec<u16> {
        let (mut start, mut gone) = (0, Vec::new());
        for (slot, ((crash, state), report)) in
            (0..=u16::MAX).zip(chunk.crashes().iter().zip(states).zip(reports))
        {
            let end = start + report.bytes;
            if state.standing != Standing::Removed && !covers(parts, (start, end)) {
                state.standing = Standing::Removed;
                self.done.lost.push(LostCrash::Crash(crash.id));
                gone.push(slot);
            }
            start = end;
        }
        gone
    }

    /// Adds reports whose chunks could not be saved as a whole.
    fn add_again(&mut self, again: &[Incoming]) -> Result<(), Error> {
        if again.is_empty() {
            return Ok(());
        }
        let (catalog, rules) = (Catalog::default(), Rules::builtin());
        let reader = self.store.read()?;
        let assessor = Assessor::new(Symbols::new(&reader, &catalog)?, &rules);
        let assessor = assessor.with_dumps(Box::new(self.dumps));
        for some in again.chunks(crate::limits::CHUNK_CRASHES) {
            // Runs, which name crashes by chunk, are not there yet: nothing may be joined.
            let prepared = Prepared::of(some.to_vec(), &assessor, None);
            let added = self.new.add_unjoined(prepared, &assessor)?;
            self.done.read_again += added.len() as u64;
        }
        Ok(())
    }

    /// Crashes whose place is known, and which are not there any more.
    fn name_lost(&mut self) -> Result<(), Error> {
        let (new, lost) = (&self.new.database, &mut self.done.lost);
        self.old.each(rows::area::CRASHES, |key, value| {
            let id = key.get(1..).and_then(CrashId::from_key);
            let at: Option<Slot> = postcard::from_bytes(&value).ok();
            if let Some(id) = id.filter(|_| at.is_some())
                && new.bytes(&rows::crash(id))?.is_none()
            {
                lost.push(LostCrash::Crash(id));
            }
            Ok(())
        })
    }

    /// Fingerprints, groups and aliases. Returns which signatures there are.
    fn groups(&self) -> Result<HashSet<FingerprintId>, Error> {
        let database = &self.new.database;
        let (mut signatures, mut groups) = (HashSet::new(), BTreeMap::new());
        let mut changes = database.changes();
        self.old.each(rows::area::SIGNATURES, |key, value| {
            let row: Option<FingerprintRow> = postcard::from_bytes(&value).ok();
            if let (Some(row), Some(id)) = (row, key.get(1..).and_then(FingerprintId::from_key)) {
                signatures.insert(id);
                changes.put_bytes(key.to_vec(), Old::Absent, value)?;
                changes.put_bytes(rows::member(row.group, id), Old::Absent, Vec::new())?;
                let own = (0..crate::stored::state::MAX_OWN_GROUPS)
                    .find(|number| GroupId::of(id, *number) == row.group);
                let made = GroupRow { made_for: id, number: own.unwrap_or(0) };
                let known = groups.entry(row.group).or_insert(made);
                if own.is_some() {
                    *known = made;
                }
            }
            Ok(())
        })?;
        self.old.each(rows::area::GROUPS, |key, value| {
            let row: Option<GroupRow> = postcard::from_bytes(&value).ok();
            groups.extend(key.get(1..).and_then(GroupId::from_key).zip(row));
            Ok(())
        })?;
        for (id, row) in &groups {
            changes.put(rows::group(*id), Old::Absent, row)?;
        }
        let mut aliases: BTreeMap<GroupId, GroupId> = BTreeMap::new();
        self.old.each(rows::area::ALIASES_OF, |key, _| {
            let (group, alias) = (
                key.get(1..).and_then(GroupId::from_key),
                key.get(9..).and_then(GroupId::from_key),
            );
            aliases.extend(alias.zip(group));
            Ok(())
        })?;
        self.old.each(rows::area::ALIASES, |key, value| {
            let group: Option<GroupId> = postcard::from_bytes(&value).ok();
            aliases.extend(key.get(1..).and_then(GroupId::from_key).zip(group));
            Ok(())
        })?;
        for (alias, group) in aliases {
            changes.put(rows::alias(alias), Old::Absent, &group)?;
            changes.put_bytes(rows::alias_of(group, alias), Old::Absent, Vec::new())?;
        }
        changes.commit()?;
        Ok(signatures)
    }

    /// The parts of a stream of reports, by where each ends.
    fn parts(&self, prefix: &[u8]) -> Result<Vec<(u64, Vec<u8>)>, Error> {
        let mut parts = Vec::new();
        self.old.each(prefix, |key, value| {
            parts.extend(rows::last_number(key).map(|end| (end, value)));
            Ok(())
        })?;
        Ok(parts)
    }

    /// What people said of groups, and what is kept for those who are told of news.
    fn marks(&mut self) -> Result<(), Error> {
        let mut changes = self.new.database.changes();
        for area in [rows::area::MARKS, rows::area::KEPT_FOR] {
            self.old.each(area, |key, value| {
                changes.put_bytes(key.to_vec(), Old::Absent, value.clone())
            })?;
        }
        changes.commit()
    }

    /// Reports that could not be read. Those of which only the text is left are tried `again`.
    fn failed(&mut self, again: &mut Vec<Incoming>) -> Result<(), Error> {
        let mut ids: BTreeSet<CrashId> = BTreeSet::new();
        for area in [rows::area::FAILED, rows::area::FAILED_PARTS] {
            self.old.each(area, |key, _| {
                ids.extend(key.get(1..).and_then(CrashId::from_key));
                Ok(())
            })?;
        }
        for id in ids {
            let (key, parts) = (rows::failed(id), self.parts(&rows::failed_parts(id))?);
            let row = self.old.bytes(&key)?;
            let bytes = row
                .as_deref()
                .and_then(|row| postcard::from_bytes::<Failed>(row).ok())
                .map(|failed| failed.bytes);
            let end = bytes.or(parts.last().map(|(end, _)| *end)).unwrap_or_default();
            match row {
                Some(row) if bytes.is_some() && covers(&parts, (0, end)) => {
                    let mut changes = self.new.database.changes();
                    changes.put_bytes(key, Old::Absent, row)?;
                    parts.into_iter().try_for_each(|(end, part)| {
                        changes.put_bytes(rows::failed_part(id, end), Old::Absent, part)
                    })?;
                    changes.commit()?;
                }
                None if self.old.is_gone(&key)? => {}
                _ => match text_at(&parts, (0, end)) {
                    Some(report) => again.push(Incoming {
                        report: report.into(),
                        source: UNKNOWN_SOURCE.to_owned(),
                        arrived_ms: None,
                    }),
                    None => self.done.lost.push(LostCrash::Failed(id)),
                },
            }
        }
        Ok(())
    }

    /// Runs that are whole, and what comes next.
    fn runs(&mut self) -> Result<(), Error> {
        let (old, new, lost) = (self.old, &self.new.database, &mut self.done.lost_runs);
        let mut next = new.head().next_run;
        old.each(rows::area::RUNS, |key, value| {
            let (Some(row), Some(run)) =
                (postcard::from_bytes::<RunRow>(&value).ok(), rows::last_number(key))
            else {
                return Ok(());
            };
            next = next.max(run + 1);
            let (mut count, mut parts) = ([0; 3], Vec::new());
            old.each(&rows::journal_of_run(run), |key, part| {
                if let Some(count) = key.get(9).and_then(|kind| count.get_mut(usize::from(*kind))) {
                    *count += 1;
                }
                parts.push((key.to_vec(), part));
                Ok(())
            })?;
            if !row.is_whole(count) {
                lost.push(run);
                return Ok(());
            }
            let mut changes = new.changes();
            changes.put_bytes(key.to_vec(), Old::Absent, value)?;
            parts
                .into_iter()
                .try_for_each(|(key, part)| changes.put_bytes(key, Old::Absent, part))?;
            changes.commit()
        })?;
        let mut changes = new.changes();
        old.each(rows::area::JOINED, |key, value| {
            changes.put_bytes(key.to_vec(), Old::Absent, value)
        })?;
        joined::name_all(&mut changes)?;
        changes.head.next_run = next;
        changes.commit()
    }
}

/// Whether `parts` have all bytes of the stream from the first offset to before the second.
fn covers(parts: &[(u64, Vec<u8>)], (mut reached, end): (u64, u64)) -> bool {
    for (part_end, part) in parts {
        let Ok(part) = pack::expand(part) else { continue };
        let part_start = part_end.saturating_sub(part.len() as u64);
        if part_start <= reached && reached < *part_end {
            reached = *part_end;
        }
    }
    reached >= end
}

/// The bytes of a stream, if all of them are in `parts`.
fn text_at(parts: &[(u64, Vec<u8>)], (start, end): (u64, u64)) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    for (part_end, part) in parts.iter().filter(|(part_end, _)| *part_end > start) {
        let part = pack::expand(part).ok()?;
        let part_start = part_end.saturating_sub(part.len() as u64);
        let reached = start + text.len() as u64;
        if part_start > reached || reached >= end {
            break;
        }
        let at = |offset: u64| usize::try_from(offset - part_start).ok();
        text.extend_from_slice(part.get(at(reached)?..at(end.min(*part_end))?)?);
    }
    (start + text.len() as u64 == end && end > start).then_some(text)
}
