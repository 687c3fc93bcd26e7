//! What came since somebody was told last, and how far that was.
//!
//! Crashes stay in the order in which they came, also when their chunks are joined, so that the
//! last crash that was there is a mark: what stands behind it is new. A time would not do, as a
//! report may have the time of its arrival long before it is stored.
//!
//! ```text
//! W name     what is kept for somebody of this name: bytes that mean nothing here
//! ```

use std::collections::{BTreeMap, HashSet};

use hashbrown::HashMap;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::groups::facets::{ChunkRows, DAY_MS};
use crate::groups::{Group, GroupMarks};
use crate::ids::{CrashId, FingerprintId, GroupId};
use crate::stored::changes::Old;
use crate::stored::joined::{self, Joined};
use crate::stored::read::GroupOf;
use crate::stored::state::Slot;
use crate::stored::{CrashWriter, Crashes, Run, rows};
use symtool_store::Error;

/// How much there was at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewsMark {
    /// Where the last crash was; absent if there was none.
    last: Option<Slot>,
    /// The number of the run that came next.
    next_run: u64,
}

/// How many crashes came on each day, in days since 1970 in UTC.
pub type Days = BTreeMap<i64, u64>;

impl Crashes {
    /// What is kept for `name`.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn kept_for(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        self.database.unpacked(&rows::kept_for(name))
    }

    /// How much there is now.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn news_mark(&self) -> Result<NewsMark, Error> {
        let keys = self.database.keys(rows::area::STORED_REPORTS, None, true, 1)?;
        let number = keys.first().and_then(|key| rows::last_number(key));
        let last = match number {
            None => None,
            Some(chunk) => {
                let count = self.stored_reports(chunk)?.len();
                let slot = count.checked_sub(1).and_then(|slot| u16::try_from(slot).ok());
                slot.map(|slot| Slot { chunk, slot })
            }
        };
        Ok(NewsMark { last, next_run: self.database.head().next_run })
    }

    /// The groups of crashes that came after `mark`, with the number of these. A better report of a
    /// crash that was there does not count.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn arrivals(&self, mark: &NewsMark) -> Result<BTreeMap<GroupId, u64>, Error> {
        let joined = Joined::read(&self.database)?;
        let last = mark.last.map(|last| joined.now(last));
        let is_after = |at: Slot| last.is_none_or(|last| at > last);
        let known = self.reported_before(last, &joined)?;
        let first = last.map_or(0, |last| last.chunk);
        let numbers: Vec<u64> =
            self.chunk_numbers()?.into_iter().filter(|number| *number >= first).collect();
        let of_chunk = |number: &u64| -> Result<HashMap<FingerprintId, u64>, Error> {
            let (states, mut counts) = (self.states(*number)?, HashMap::new());
            let chunk = if known.is_empty() { None } else { self.chunk(*number)? };
            for (slot, state) in (0..=u16::MAX).zip(&states) {
                let is_known = || {
                    let crash = chunk.as_ref().and_then(|chunk| chunk.crash(slot));
                    crash.is_some_and(|crash| known.contains(&crash.id))
                };
                if state.is_shown() && is_after(Slot { chunk: *number, slot }) && !is_known() {
                    *counts.entry(state.signature).or_default() += 1;
                }
            }
            Ok(counts)
        };
        let add = |mut all: HashMap<FingerprintId, u64>, more: HashMap<FingerprintId, u64>| {
            more.into_iter().for_each(|(id, count)| *all.entry(id).or_default() += count);
            Ok(all)
        };
        let counts = numbers.par_iter().map(of_chunk).try_reduce(HashMap::new, add)?;
        let (mut groups, mut of_group) = (GroupOf::default(), BTreeMap::new());
        for (signature, count) in counts {
            *of_group.entry(groups.get(self, signature)?).or_default() += count;
        }
        Ok(of_group)
    }

    /// Crashes with several reports, one of which was there when `last` was the last.
    fn reported_before(
        &self,
        last: Option<Slot>,
        joined: &Joined,
    ) -> Result<HashSet<CrashId>, Error> {
        let (area, mut known) = (rows::area::OTHER_REPORTS, HashSet::new());
        let Some(last) = last else { return Ok(known) };
        self.database.each(area, area, |key, _| {
            let at = rows::slot_of(key).ok_or_else(|| self.database.damaged())?;
            if joined.now(at) <= last {
                known.extend(key.get(area.len()..).and_then(CrashId::from_key));
            }
            Ok(true)
        })?;
        Ok(known)
    }

    /// How many crashes of each of `groups` were on each day, in their order, from the day
    /// `first_day` (days since 1970 in UTC) on. A crash without a time was when its report arrived.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn days_of(&self, groups: &[Group], first_day: i64) -> Result<Vec<Days>, Error> {
        let wanted: HashMap<FingerprintId, usize> = groups
            .iter()
            .enumerate()
            .flat_map(|(group, one)| one.signatures.iter().map(move |one| (one.id, group)))
            .collect();
        let since_ms = first_day.saturating_mul(DAY_MS);
        let of_chunk = |number: &u64| -> Result<Vec<Days>, Error> {
            let (rows, mut days) =
                (ChunkRows::read(self, *number)?, vec![Days::new(); groups.len()]);
            for (_, _, state, time_ms) in rows.crashes(Some(since_ms)) {
                if let Some(group) = wanted.get(&state.signature) {
                    *days[*group].entry(time_ms.div_euclid(DAY_MS)).or_default() += 1;
                }
            }
            Ok(days)
        };
        let add = |mut all: Vec<Days>, more: Vec<Days>| {
            for (all, more) in all.iter_mut().zip(more) {
                more.into_iter().for_each(|(day, count)| *all.entry(day).or_default() += count);
            }
            Ok(all)
        };
        let none = || vec![Days::new(); groups.len()];
        self.chunks_since(since_ms)?.par_iter().map(of_chunk).try_reduce(none, add)
    }

    /// The last chunks, from the first on that has a report that arrived at `since_ms` or later: no
    /// crash is later than its report.
    fn chunks_since(&self, since_ms: i64) -> Result<Vec<u64>, Error> {
        let mut found = Vec::new();
        for number in self.chunk_numbers()?.into_iter().rev() {
            let reports = self.stored_reports(number)?;
            let arrived = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
            if !reports.iter().any(|report| arrived(report.arrived_ms) >= since_ms) {
                break;
            }
            found.push(number);
        }
        Ok(found)
    }

    /// Runs after `mark` that stand, the first first.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn runs_after(&self, mark: &NewsMark) -> Result<Vec<Run>, Error> {
        let is_meant = |run: &Run| run.run >= mark.next_run && run.undone_by.is_none();
        Ok(self.runs()?.into_iter().filter(is_meant).collect())
    }

    /// Groups that people have marked, with what they say.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn marked_groups(&self) -> Result<Vec<(Group, GroupMarks)>, Error> {
        let (area, mut ids) = (rows::area::MARKS, Vec::new());
        self.database.each(area, area, |key, _| {
            ids.extend(key.get(area.len()..).and_then(GroupId::from_key));
            Ok(true)
        })?;
        let mut found = BTreeMap::new();
        for id in ids {
            let standing = self.standing_group(id)?;
            if found.contains_key(&standing) {
                continue;
            }
            if let Some(group) = self.group(standing)? {
                let marks = self.marks(&group)?;
                found.insert(standing, (group, marks));
            }
        }
        Ok(found.into_values().collect())
    }

    /// The group that `id` is an alias of, or itself.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn standing_group(&self, id: GroupId) -> Result<GroupId, Error> {
        Ok(self.database.get(&rows::alias(id))?.unwrap_or(id))
    }
}

impl CrashWriter {
    /// Keeps `value` for `name`. Marks in it stay true whatever is joined from now on.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn keep_for(&self, name: &str, value: &[u8]) -> Result<(), Error> {
        let (database, key) = (&self.database, rows::kept_for(name));
        let mut changes = database.changes();
        changes.put_bytes(key, Old::Unknown, database.pack(value)?)?;
        joined::name_all(&mut changes)?;
        changes.commit()
    }
}
