//! Repairing the database of crashes: everything that can be read stays, and what cannot is named.
//!
//! ```text
//! crashes/            as it is: checked row by row (verify.rs); damaged, it is read file by file (salvage.rs)
//! crashes.salvaged/   what was read, sorted
//! crashes.repaired/   a new database of all that belongs together; it is read back before anything else changes
//! crashes.damaged/    the old one, until the new one has taken its place
//! ```
//!
//! What can be made from other rows is: indices, counts, the rows that tell which signatures and aliases a group has. A chunk of which a row
//! is lost is read again from its reports. Only what was read and failed its check is damage: every other error ends the repair before
//! anything is changed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::Path;

use symtool_formats::rules::Rules;

use super::changes::Old;
use super::chunk::Chunk;
use super::database::Database;
use super::ids::{CrashId, GroupId, SignatureId};
use super::open::{ack_of, create, seal_of};
use super::prepare::{Incoming, Prepared};
use super::salvage::Salvaged;
use super::state::{Failed, GroupRow, Head, SignatureRow, Slot, Standing, State};
use super::stored_report::StoredReport;
use super::takeover::WholeChunk;
use super::{CrashWriter, Crashes, pack, rows};
use crate::assess::{Assessor, Symbols};
use crate::reprocess::journal::RunRow;
use crate::store::ack::Database as Which;
use crate::store::{Access, Ack, Catalog, Error, Lock, Store, durable};

/// What a repair found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrashRepair {
    /// What was wrong; absent if nothing was.
    pub found: Option<String>,
    /// Crashes that are there now.
    pub crashes: u64,
    /// Crashes that were read again from their reports. The next run looks at all crashes.
    pub read_again: u64,
    /// Crashes and reports that are lost.
    pub lost: Vec<LostCrash>,
    /// Crashes of which nothing is left that tells their ids.
    pub lost_without_id: u64,
    /// Changes that were acknowledged and of which nothing is left at all.
    pub lost_changes: u64,
    /// Runs that can no longer be undone, as a part of what undoes them is lost.
    pub lost_runs: Vec<u64>,
}

/// A crash of which something is lost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LostCrash {
    /// All of it, or its report: that is to be added again.
    Crash(CrashId),
    /// A report that could not be read.
    Failed(CrashId),
}

/// Saves what can be read and says what cannot. Waits until nobody reads or writes.
///
/// # Errors
/// Any [`Error`]; the database is as it was then.
pub fn repair(store: &Store) -> Result<CrashRepair, Error> {
    let _lock = Lock::exclusive(&store.crashes_lock(), store.wait())?;
    finish(store)?;
    let found = match Database::read_locked(store).and_then(|database| database.verify()) {
        Ok(verified) => return Ok(CrashRepair { crashes: verified.crashes, ..CrashRepair::default() }),
        Err(error) if is_damage(&error) => error.to_string(),
        Err(error) => return Err(error),
    };
    let folder = store.crashes();
    let repaired = folder.with_extension("repaired");
    let access = Access::read(store)?;
    let seal = seal_of(store, access.ring.as_ref())?;
    let mut done = CrashRepair { found: Some(found), ..CrashRepair::default() };
    {
        let salvaged = Salvaged::of(store, &folder, folder.with_extension("salvaged"), &seal)?;
        remove(&repaired)?;
        create(store, &repaired, access.ring.as_ref())?;
        let new = CrashWriter { crashes: Crashes { database: Database::alone_at(store, &repaired)? } };
        Rebuild { store, old: &salvaged, new: &new, done: &mut done }.run()?;
        new.database.flush_all()?;
    }
    let again = Database::alone_at(store, &repaired)?;
    done.crashes = again.verify()?.crashes;
    let head = again.head();
    drop(again);
    let io = |cause| Error::io(&folder, cause);
    let damaged = folder.with_extension("damaged");
    if folder.exists() {
        fs::rename(&folder, &damaged).map_err(io)?;
    }
    fs::rename(&repaired, &folder).and_then(|()| durable::sync_folder(&folder)).map_err(io)?;
    ack_of(&head).write(store, Which::Crashes)?;
    remove(&damaged)?;
    done.lost.sort_unstable();
    done.lost.dedup();
    Ok(done)
}

/// Takes back what a repair that was killed had not finished.
fn finish(store: &Store) -> Result<(), Error> {
    let folder = store.crashes();
    let damaged = folder.with_extension("damaged");
    if damaged.exists() {
        if folder.exists() {
            remove(&damaged)?;
        } else {
            fs::rename(&damaged, &folder).map_err(|cause| Error::io(&damaged, cause))?;
        }
    }
    ["repaired", "salvaged", "draft"].into_iter().try_for_each(|name| remove(&folder.with_extension(name)))
}

fn remove(folder: &Path) -> Result<(), Error> {
    durable::remove_folder(folder).map_err(|cause| Error::io(folder, cause))
}

/// Whether something was read that is not as it was written, or is missing. What RocksDB says may also be an error of the disk: reading
/// file by file tells.
fn is_damage(error: &Error) -> bool {
    matches!(
        error,
        Error::CrashRow(_)
            | Error::CrashesDamaged { .. }
            | Error::CrashDatabase { .. }
            | Error::Unacknowledged { .. }
            | Error::AckDamaged(_)
            | Error::DatabaseLost(_)
    )
}

/// A database on its way from what was saved.
struct Rebuild<'r> {
    store: &'r Store,
    old: &'r Salvaged<'r>,
    new: &'r CrashWriter,
    done: &'r mut CrashRepair,
}

impl Rebuild<'_> {
    fn run(mut self) -> Result<(), Error> {
        let signatures = self.groups()?;
        let mut again: Vec<Incoming> = Vec::new();
        for number in self.chunks()? {
            self.chunk(number, &signatures, &mut again)?;
        }
        self.add_again(&again)?;
        self.name_lost()?;
        self.failed()?;
        self.runs()?;
        let acknowledged = Ack::read(self.store, Which::Crashes).ok().flatten().map_or(0, |ack| ack.sequence);
        self.count_lost(acknowledged)?;
        let mut changes = self.new.database.changes();
        changes.head.sequence = changes.head.sequence.max(acknowledged);
        changes.commit()
    }

    /// Counts what is lost without a trace: by the newest head that is left, and by what was acknowledged.
    fn count_lost(&mut self, acknowledged: u64) -> Result<(), Error> {
        let heads = self.old.versions(rows::HEAD)?;
        let heads = heads.iter().filter_map(|bytes| postcard::from_bytes::<Head>(bytes).ok());
        let head = heads.max_by_key(|head| head.sequence).unwrap_or_default();
        let named = self.done.lost.iter().filter(|lost| matches!(lost, LostCrash::Crash(_))).collect::<BTreeSet<_>>().len();
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

    fn chunk(&mut self, number: u64, signatures: &HashSet<SignatureId>, again: &mut Vec<Incoming>) -> Result<(), Error> {
        let chunk: Option<Chunk> = self.old.packed(&rows::chunk(number))?;
        let states: Option<Vec<State>> = self.old.packed(&rows::states(number))?;
        let reports: Option<Vec<StoredReport>> = self.old.packed(&rows::stored_reports(number))?;
        let mut parts: Vec<(u64, Vec<u8>)> = Vec::new();
        self.old.each(&rows::report_parts(number), |key, value| {
            parts.extend(rows::last_number(key).map(|end| (end, value)));
            Ok(())
        })?;
        if let (Some(chunk), Some(states), Some(reports)) = (&chunk, &states, &reports) {
            let is_known = |state: &State| !state.is_shown() || signatures.contains(&state.signature);
            let count = chunk.crashes().len();
            if count == states.len() && count == reports.len() && states.iter().all(is_known) {
                let mut states = states.clone();
                let gone = self.drop_lost(chunk, &mut states, reports, &parts);
                let chunk = if gone.is_empty() { chunk.clone() } else { chunk.without(&gone) };
                WholeChunk { number, chunk, states, reports: reports.clone(), parts }.put(&self.new.database)?;
                return Ok(());
            }
        }
        // What its reports say is all that is needed to make it again.
        let reports = reports.unwrap_or_default();
        let mut start = 0;
        for (slot, report) in reports.iter().enumerate() {
            let is_removed = states.as_ref().and_then(|states| states.get(slot)).is_some_and(|state| state.standing == Standing::Removed);
            let text = text_at(&parts, (start, start + report.bytes)).filter(|text| !is_removed && text.iter().any(|byte| *byte != 0));
            start += report.bytes;
            let source = chunk.as_ref().and_then(|chunk| Some(chunk.text(chunk.crashes().get(slot)?.source).to_owned()));
            again.extend(text.map(|report| Incoming { report, source: source.unwrap_or_else(|| "repaired".to_owned()) }));
        }
        Ok(())
    }

    /// Removes crashes of `chunk` whose reports are lost. Returns their slots.
    fn drop_lost(&mut self, chunk: &Chunk, states: &mut [State], reports: &[StoredReport], parts: &[(u64, Vec<u8>)]) -> Vec<u16> {
        let (mut start, mut gone) = (0, Vec::new());
        for (slot, ((crash, state), report)) in (0..=u16::MAX).zip(chunk.crashes().iter().zip(states).zip(reports)) {
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
        for some in again.chunks(crate::limits::CHUNK_CRASHES) {
            let added = self.new.add(Prepared::of(some.to_vec(), &assessor, None), &assessor)?;
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

    /// Signatures, groups and aliases. Returns which signatures there are.
    fn groups(&self) -> Result<HashSet<SignatureId>, Error> {
        let database = &self.new.database;
        let (mut signatures, mut groups) = (HashSet::new(), BTreeMap::new());
        let mut changes = database.changes();
        self.old.each(rows::area::SIGNATURES, |key, value| {
            let row: Option<SignatureRow> = postcard::from_bytes(&value).ok();
            if let (Some(row), Some(id)) = (row, key.get(1..).and_then(SignatureId::from_key)) {
                signatures.insert(id);
                changes.put_bytes(key.to_vec(), Old::Absent, value)?;
                changes.put_bytes(rows::member(row.group, id), Old::Absent, Vec::new())?;
                let own = (0..super::state::MAX_OWN_GROUPS).find(|number| GroupId::of(id, *number) == row.group);
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
            let (group, alias) = (key.get(1..).and_then(GroupId::from_key), key.get(9..).and_then(GroupId::from_key));
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

    fn failed(&mut self) -> Result<(), Error> {
        let (old, new, lost) = (self.old, &self.new.database, &mut self.done.lost);
        old.each(rows::area::FAILED, |key, value| {
            let Some(failed) = postcard::from_bytes::<Failed>(&value).ok() else { return Ok(()) };
            let mut parts: Vec<(u64, Vec<u8>)> = Vec::new();
            old.each(&rows::failed_parts(failed.id), |key, part| {
                parts.extend(rows::last_number(key).map(|end| (end, part)));
                Ok(())
            })?;
            if !covers(&parts, (0, failed.bytes)) {
                lost.push(LostCrash::Failed(failed.id));
                return Ok(());
            }
            let mut changes = new.changes();
            changes.put_bytes(key.to_vec(), Old::Absent, value)?;
            parts.into_iter().try_for_each(|(end, part)| changes.put_bytes(rows::failed_part(failed.id, end), Old::Absent, part))?;
            changes.commit()
        })
    }

    /// Runs that are whole, and what comes next.
    fn runs(&mut self) -> Result<(), Error> {
        let (old, new, lost) = (self.old, &self.new.database, &mut self.done.lost_runs);
        let mut next = new.head().next_run;
        old.each(rows::area::RUNS, |key, value| {
            let (Some(row), Some(run)) = (postcard::from_bytes::<RunRow>(&value).ok(), rows::last_number(key)) else { return Ok(()) };
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
            parts.into_iter().try_for_each(|(key, part)| changes.put_bytes(key, Old::Absent, part))?;
            changes.commit()
        })?;
        let mut changes = new.changes();
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
