//! Compares groups at two moments.
//!
//! Read from the journal, backwards from now: each run says how rows of signatures were before it.

use std::collections::{BTreeMap, HashMap};

use crate::ids::{FingerprintId, GroupId};
use crate::stored::journal;
use crate::stored::state::FingerprintRow;
use crate::stored::{Crashes, Slot, rows};
use symtool_store::Error;

/// What is different between two runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Groups that have become aliases, and of which group.
    pub merged: BTreeMap<GroupId, GroupId>,
    /// Groups that were aliases, and of which group.
    pub parted: BTreeMap<GroupId, GroupId>,
    /// Crashes that went from one group to another, which is not one that the first was merged
    /// into.
    pub moved: BTreeMap<(GroupId, GroupId), u64>,
}

/// How many crashes went from one group to another; both may be the same.
pub type Streams = BTreeMap<(GroupId, GroupId), u64>;

/// There is no such run.
#[derive(Debug, thiserror::Error)]
pub enum NoSuchRun {
    /// The store has none with this number.
    #[error("there is no run {0}")]
    Unknown(u64),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Rows as they were at some moment, where they differ from now.
#[derive(Clone, Debug, Default)]
struct Then(HashMap<Vec<u8>, Option<Vec<u8>>>);

impl Then {
    fn get<T: serde::de::DeserializeOwned>(
        &self,
        crashes: &Crashes,
        key: &[u8],
    ) -> Result<Option<T>, Error> {
        match self.0.get(key) {
            Some(then) => then.as_ref().map(|bytes| crashes.database.decode(bytes)).transpose(),
            None => crashes.database.get(key),
        }
    }
}

/// What was different at two moments.
#[derive(Default)]
struct Between {
    then: Then,
    after: Then,
    /// Of each crash that moved, what it had before and after all of it.
    signatures: HashMap<Slot, (FingerprintId, FingerprintId)>,
}

/// Groups of signatures that were asked for, at the later of two moments or not.
#[derive(Default)]
struct Grouping(HashMap<(FingerprintId, bool), Option<GroupId>>);

impl Grouping {
    /// The group of `signature` at `moment`.
    fn get(
        &mut self,
        crashes: &Crashes,
        moment: &Then,
        signature: FingerprintId,
        is_after: bool,
    ) -> Result<Option<GroupId>, Error> {
        if let Some(known) = self.0.get(&(signature, is_after)) {
            return Ok(*known);
        }
        let row: Option<FingerprintRow> = moment.get(crashes, &rows::signature(signature))?;
        let group = row.map(|row| row.group);
        self.0.insert((signature, is_after), group);
        Ok(group)
    }
}

impl Crashes {
    /// What is different after run `to` from after run `from`, which came before it; 0 stands for
    /// before the first run.
    ///
    /// # Errors
    /// [`NoSuchRun`].
    pub fn difference(&self, from: u64, to: u64) -> Result<Difference, NoSuchRun> {
        let runs: Vec<u64> = self.runs()?.into_iter().map(|run| run.run).collect();
        if let Some(unknown) = [from, to].into_iter().find(|run| *run != 0 && !runs.contains(run)) {
            return Err(NoSuchRun::Unknown(unknown));
        }
        let Between { then, after, signatures } = self.between(&runs, from, to)?;
        Ok(self.compare(&then, &after, &signatures)?)
    }

    /// From which group to which the crashes went that run `run` has given another fingerprint,
    /// and how many; also within a group.
    ///
    /// # Errors
    /// [`NoSuchRun`].
    pub fn streams(&self, run: u64) -> Result<Streams, NoSuchRun> {
        let runs: Vec<u64> = self.runs()?.into_iter().map(|run| run.run).collect();
        if !runs.contains(&run) {
            return Err(NoSuchRun::Unknown(run));
        }
        let Between { then, after, signatures } = self.between(&runs, run - 1, run)?;
        let (mut groups, mut streams) = (Grouping::default(), Streams::new());
        for (was, is) in signatures.values() {
            let was = groups.get(self, &then, *was, false)?;
            let is = groups.get(self, &after, *is, true)?;
            if let Some(stream) = was.zip(is) {
                *streams.entry(stream).or_default() += 1;
            }
        }
        Ok(streams)
    }

    /// What was different before the runs after `from`, up to `to`, and after these.
    fn between(&self, runs: &[u64], from: u64, to: u64) -> Result<Between, Error> {
        let Between { mut then, mut after, mut signatures } = Between::default();
        for run in runs.iter().rev().filter(|run| **run > from) {
            if *run == to {
                after = then.clone();
            }
            journal::each_row(&self.database, *run, |rows| {
                then.0.extend(rows.into_iter().map(|row| (row.key, row.before)));
                Ok(())
            })?;
            if *run <= to {
                journal::each_moved(&self.database, *run, |moved| {
                    for moved in moved {
                        signatures
                            .entry(moved.at)
                            .or_insert((moved.old.signature, moved.new.signature))
                            .0 = moved.old.signature;
                    }
                    Ok(())
                })?;
            }
        }
        Ok(Between { then, after, signatures })
    }

    fn compare(
        &self,
        then: &Then,
        after: &Then,
        signatures: &HashMap<Slot, (FingerprintId, FingerprintId)>,
    ) -> Result<Difference, Error> {
        let mut difference = Difference::default();
        for key in then.0.keys().chain(after.0.keys()) {
            let Some(alias) = key.strip_prefix(rows::area::ALIASES).and_then(GroupId::from_key)
            else {
                continue;
            };
            let (was, is): (Option<GroupId>, Option<GroupId>) =
                (then.get(self, key)?, after.get(self, key)?);
            match (was, is) {
                (was, Some(is)) if was != Some(is) => drop(difference.merged.insert(alias, is)),
                (Some(was), None) => drop(difference.parted.insert(alias, was)),
                _ => {}
            }
        }
        let mut groups = Grouping::default();
        for (was, is) in signatures.values() {
            let was = groups.get(self, then, *was, false)?;
            let is = groups.get(self, after, *is, true)?;
            let (Some(was), Some(is)) = (was, is) else { continue };
            if was != is
                && difference.merged.get(&was) != Some(&is)
                && difference.parted.get(&is) != Some(&was)
            {
                *difference.moved.entry((was, is)).or_default() += 1;
            }
        }
        Ok(difference)
    }
}
