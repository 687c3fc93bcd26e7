//! Which crashes go when a store keeps only so much: by age, by number in a group, by size; and
//! those of one person.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;
use serde_json::Value;

use crate::ids::{CrashId, GroupId};
use crate::stored::journal;
use crate::stored::state::{Slot, Standing, State};
use crate::stored::{Chunk, Crashes, ReadDumps, StoredDump, rows};
use symtool_report::Format;
use symtool_store::Error;

/// What a store keeps. What is not said keeps nothing from going, and makes nothing go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Crashes that came since, in milliseconds since 1970.
    pub since_ms: Option<u64>,
    /// Of each group, so many that came last.
    pub keep: Option<usize>,
    /// Bytes that all crashes may take on disk.
    pub max_bytes: Option<u64>,
    /// Whether a group may lose all of its crashes.
    pub empties_groups: bool,
}

/// A crash that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Going {
    /// Where it is.
    pub at: Slot,
    /// Its id.
    pub id: CrashId,
    /// Its group.
    pub group: GroupId,
    /// Bytes that it takes, more or less.
    pub bytes: u64,
}

/// What goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetentionPlan {
    /// The crashes, by where they are.
    pub crashes: Vec<Going>,
    /// Runs that moved some of them, and how many: undone later, a run leaves these out.
    pub runs: BTreeMap<u64, u64>,
}

/// A crash that may go.
struct Candidate {
    going: Going,
    arrived_ms: u64,
}

/// Where crashes of a person are, and reports of that person that cannot be read.
pub type OfUser = (Vec<(Slot, CrashId)>, Vec<CrashId>);

impl Crashes {
    /// What goes if only what `keeps` says stays. Of crashes the ones that came first go first.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn beyond(&self, keeps: Retention) -> Result<RetentionPlan, Error> {
        let mut all = self.candidates()?;
        all.sort_by_key(|one| (Reverse(one.arrived_ms), Reverse(one.going.at)));
        let total: u64 = all.iter().map(|one| one.going.bytes).sum();
        let mut of_group: HashMap<GroupId, usize> = HashMap::new();
        let mut gone: BTreeSet<Slot> = BTreeSet::new();
        for one in &all {
            let newer = of_group.entry(one.going.group).or_default();
            *newer += 1;
            let is_last = *newer == 1 && !keeps.empties_groups;
            let is_beyond = keeps.keep.is_none_or(|keep| *newer > keep)
                && keeps.since_ms.is_none_or(|since| one.arrived_ms < since);
            if !is_last && is_beyond && (keeps.keep.is_some() || keeps.since_ms.is_some()) {
                gone.insert(one.going.at);
            }
        }
        if let Some(max) = keeps.max_bytes {
            let mut left = total
                - all
                    .iter()
                    .filter(|one| gone.contains(&one.going.at))
                    .map(|one| one.going.bytes)
                    .sum::<u64>();
            // The newest of each group is the last to be met from the other end.
            let mut rest: HashMap<GroupId, usize> = HashMap::new();
            all.iter()
                .filter(|one| !gone.contains(&one.going.at))
                .for_each(|one| *rest.entry(one.going.group).or_default() += 1);
            for one in all.iter().rev() {
                let in_group = rest.entry(one.going.group).or_default();
                if left <= max
                    || gone.contains(&one.going.at)
                    || (*in_group == 1 && !keeps.empties_groups)
                {
                    continue;
                }
                *in_group -= 1;
                left -= one.going.bytes;
                gone.insert(one.going.at);
            }
        }
        let mut crashes: Vec<Going> =
            all.into_iter().map(|one| one.going).filter(|going| gone.contains(&going.at)).collect();
        crashes.sort_by_key(|going| going.at);
        let runs = self.runs_that_moved(&gone)?;
        Ok(RetentionPlan { crashes, runs })
    }

    /// Which runs, not undone yet, moved crashes at `slots`, and how many.
    fn runs_that_moved(&self, slots: &BTreeSet<Slot>) -> Result<BTreeMap<u64, u64>, Error> {
        let mut runs = BTreeMap::new();
        if slots.is_empty() {
            return Ok(runs);
        }
        for run in self.runs()?.iter().filter(|run| run.undone_by.is_none()) {
            let mut count = 0;
            journal::each_moved(&self.database, run.run, |moved| {
                count += moved
                    .iter()
                    .filter(|moved| {
                        moved.old.signature != moved.new.signature && slots.contains(&moved.at)
                    })
                    .count() as u64;
                Ok(())
            })?;
            if count > 0 {
                runs.insert(run.run, count);
            }
        }
        Ok(runs)
    }

    fn candidates(&self) -> Result<Vec<Candidate>, Error> {
        let mut all = Vec::new();
        let mut sizes: (u64, u64, Vec<(u64, u64)>) = (u64::MAX, 0, Vec::new());
        self.each(|listed| {
            let number = listed.at.chunk;
            if sizes.0 != number {
                let reports = self.stored_reports(number)?;
                let raw: u64 = reports.iter().map(|report| report.bytes).sum();
                let packed = self.packed_bytes(number)?;
                // Its part of what the chunk takes.
                let share = |bytes: u64| {
                    u64::try_from(u128::from(bytes) * u128::from(packed) / u128::from(raw.max(1)))
                        .unwrap_or(u64::MAX)
                };
                sizes = (
                    number,
                    packed,
                    reports.iter().map(|report| (report.arrived_ms, share(report.bytes))).collect(),
                );
            }
            let (arrived_ms, bytes) =
                sizes.2.get(usize::from(listed.at.slot)).copied().unwrap_or_default();
            all.push(Candidate {
                going: Going { at: listed.at, id: listed.crash.id, group: listed.group, bytes },
                arrived_ms,
            });
            Ok(true)
        })?;
        Ok(all)
    }

    /// Bytes of a chunk's rows as they are stored.
    fn packed_bytes(&self, number: u64) -> Result<u64, Error> {
        let mut bytes = 0;
        let mut add = |prefix: &[u8]| {
            self.database.each(prefix, prefix, |key, value| {
                bytes += (key.len() + value.len()) as u64;
                Ok(true)
            })
        };
        add(&rows::report_parts(number))?;
        add(&rows::chunk(number))?;
        add(&rows::states(number))?;
        Ok(bytes)
    }

    /// Where the crashes of the person are whose id in their reports is `user`, and reports of that
    /// person that cannot be read. What minidumps say is read by `dumps`.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn of_user(&self, user: &str, dumps: &dyn ReadDumps) -> Result<OfUser, Error> {
        let mut numbers = Vec::new();
        self.database.each(rows::area::CHUNKS, rows::area::CHUNKS, |key, _| {
            numbers.extend(rows::last_number(key));
            Ok(true)
        })?;
        let of_chunk = |number: &u64| self.of_user_in(*number, user, dumps);
        let found: Vec<Vec<(Slot, CrashId)>> =
            numbers.par_iter().with_max_len(1).map(of_chunk).collect::<Result<_, Error>>()?;
        let mut failed = Vec::new();
        self.each_failed(|report| {
            if names_user(&self.failed_report(&report)?, user) {
                failed.push(report.id);
            }
            Ok(true)
        })?;
        Ok((found.into_iter().flatten().collect(), failed))
    }

    fn of_user_in(
        &self,
        number: u64,
        user: &str,
        dumps: &dyn ReadDumps,
    ) -> Result<Vec<(Slot, CrashId)>, Error> {
        let chunk: Chunk = self.chunk(number)?.ok_or_else(|| self.database.damaged())?;
        let states: Vec<State> = self.states(number)?;
        let mut reader = crate::stored::stored_report::ReportReader::new(self);
        let (mut found, stored) = (Vec::new(), self.dumps(number)?);
        for ((slot, crash), state) in (0..=u16::MAX).zip(chunk.crashes()).zip(&states) {
            let at = Slot { chunk: number, slot };
            let is_of_user = match crash.format {
                _ if state.standing == Standing::Removed => false,
                Format::Mdmp => is_dump_of_user(&stored.get(slot)?, dumps, user)?,
                _ => names_user(&reader.get(at)?.1, user),
            };
            if is_of_user {
                found.push((at, crash.id));
            }
        }
        Ok(found)
    }
}

/// Whether a minidump is of `user`: by the event that came with it, or by its annotations.
fn is_dump_of_user(
    dump: &StoredDump<'_>,
    dumps: &dyn ReadDumps,
    user: &str,
) -> Result<bool, Error> {
    if names_user(&dump.event()?, user) {
        return Ok(true);
    }
    if !dump.is_there()? {
        return Ok(false);
    }
    let annotations = dumps.annotations(dump);
    dump.check()?;
    Ok(annotations.iter().any(|(key, value)| annotates_user(key, value, user)))
}

/// Whether an annotation of a minidump says that it is of `user`: under a name of a user's id, or
/// within JSON, as Sentry's clients write it.
fn annotates_user(key: &str, value: &str, user: &str) -> bool {
    const KEYS: [&str; 7] =
        ["user", "user.id", "user_id", "user-id", "userid", "sentry[user][id]", "sentry[user]"];
    let is_id = KEYS.iter().any(|name| key.eq_ignore_ascii_case(name)) && value == user;
    !user.is_empty() && (is_id || names_user(value.as_bytes(), user))
}

/// Whether `report` says that it is of `user`: as the `id` of its `user`, in JSON; a report that is
/// cut off, as a text anywhere behind that.
fn names_user(report: &[u8], user: &str) -> bool {
    let has = |word: &str| report.windows(word.len()).any(|part| part == word.as_bytes());
    if user.is_empty() || !has("\"user\"") {
        return false;
    }
    match serde_json::from_slice::<Value>(report) {
        Ok(value) => is_of_user(&value, user),
        Err(_) => {
            has(&format!("\"{}\"", user.escape_default()))
                || has(&format!(":{user},"))
                || has(&format!(":{user}}}"))
        }
    }
}

fn is_of_user(value: &Value, user: &str) -> bool {
    let is_id = |id: &Value| {
        id.as_str().map_or_else(|| id.is_number() && *user == *id.to_string(), |id| id == user)
    };
    match value {
        Value::Object(fields) => fields.iter().any(|(name, field)| {
            (name == "user" && (is_id(field) || field.get("id").is_some_and(is_id)))
                || is_of_user(field, user)
        }),
        Value::Array(items) => items.iter().any(|item| is_of_user(item, user)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_of_an_annotation() {
        for (key, value, want) in [
            ("user.id", "u1", true),
            ("UserID", "u1", true),
            ("user_id", "u12", false),
            ("name", "u1", false),
            ("sentry[user][id]", "u1", true),
            ("sentry", r#"{"release":"1","user":{"id":"u1"}}"#, true),
            ("sentry", r#"{"release":"u1"}"#, false),
        ] {
            assert_eq!(annotates_user(key, value, "u1"), want, "{key}");
        }
        assert!(!annotates_user("user", "", ""));
    }

    #[test]
    fn the_user_of_a_report() {
        for (report, user, want) in [
            (r#"{"event_id":"1","user":{"id":"u1","email":"u2"}}"#, "u1", true),
            (r#"{"event_id":"1","user":{"id":"u1","email":"u2"}}"#, "u2", false),
            (r#"{"event_id":"u1","user":{"id":"u"}}"#, "u1", false),
            (r#"{"user":{"id":17}}"#, "17", true),
            (r#"{"user":{"id":17}}"#, "1", false),
            (r#"{"report":{"user":{"id":"a\"b"}}}"#, "a\"b", true),
            (r#"{"user":{"id":"u1"},"exception":{"#, "u1", true),
            (r#"{"user":{"id":"u12"},"exception":{"#, "u1", false),
            ("Thread 0 crashed: u1", "u1", false),
            (r#"{"user":{"id":""}}"#, "", false),
        ] {
            assert_eq!(names_user(report.as_bytes(), user), want, "{report} of {user:?}");
        }
    }
}
