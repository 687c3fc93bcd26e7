//! Runs of format 3, which kept rows as they were before: rows before and after now, found by going
//! back from today.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::GroupId;
use crate::stored::changes::Old;
use crate::stored::database::Database;
use crate::stored::journal::Run;
use crate::stored::journal::{self, Moved, RowChange};
use crate::stored::rows;
use crate::upkeep::format3::OldDatabase;
use crate::upkeep::format3::groups::row_of;
use crate::upkeep::format3::old_rows::{Before, OldGroup, OldMoved, OldState};
use symtool_store::Error;

/// Rows of format 3 where they differ from now, at some moment.
type Then = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Takes over all runs.
pub fn put(old: &OldDatabase<'_>, new: &Database) -> Result<(), Error> {
    let mut runs: Vec<Run> = Vec::new();
    old.each(rows::area::RUNS, |_, value| {
        let text: Vec<u8> = old.unpacked(&value)?;
        runs.push(serde_json::from_slice(&text).map_err(|_| old.damaged())?);
        Ok(())
    })?;
    let mut then = Then::new();
    runs.iter().rev().try_for_each(|run| put_run(old, new, run, &mut then))
}

/// `then` is as after the run, and as before it afterwards.
fn put_run(old: &OldDatabase<'_>, new: &Database, run: &Run, then: &mut Then) -> Result<(), Error> {
    let (mut before, mut moved): (Vec<Before>, Vec<Moved>) = Default::default();
    old.each(&rows::journal_of_run(run.run), |key, value| {
        if key.ends_with(&[0; 4]) {
            before = old.unpacked(&value)?;
        } else {
            let of_part: Vec<OldMoved> = old.unpacked(&value)?;
            let today = |OldMoved { at, old, new }: OldMoved| Moved {
                at,
                old: OldState::state(old),
                new: OldState::state(new),
            };
            moved.extend(of_part.into_iter().map(today));
        }
        Ok(())
    })?;
    let mut by_key: BTreeMap<Vec<u8>, RowChange> = BTreeMap::new();
    for (key, was) in before {
        let is = match then.get(&key) {
            Some(then) => then.clone(),
            None => old.bytes(&key)?,
        };
        for change in today(old, new, &key, was.as_deref(), is.as_deref())? {
            by_key.insert(change.key.clone(), change);
        }
        then.insert(key, was);
    }
    let of_run: Vec<RowChange> =
        by_key.into_values().filter(|change| change.before != change.after).collect();
    let parts = journal::parts(new, run, &of_run, &moved)?;
    let mut changes = new.changes();
    parts.rows.into_iter().for_each(|part| changes.take(part));
    changes.put(rows::run(run.run), Old::Absent, &parts.run)?;
    changes.commit()
}

/// What a row of format 3 that changed is in today's rows.
fn today(
    old: &OldDatabase<'_>,
    new: &Database,
    key: &[u8],
    was: Option<&[u8]>,
    is: Option<&[u8]>,
) -> Result<Vec<RowChange>, Error> {
    let change = |key: Vec<u8>, before: Option<Vec<u8>>, after: Option<Vec<u8>>| RowChange {
        key,
        before,
        after,
    };
    let empty = |is_there: bool| is_there.then(Vec::new);
    let mut changes = Vec::new();
    if let Some(alias) = key.strip_prefix(rows::area::ALIASES).and_then(GroupId::from_key) {
        let group =
            |bytes: Option<&[u8]>| bytes.map(|bytes| old.decode::<GroupId>(bytes)).transpose();
        let (was_of, is_of) = (group(was)?, group(is)?);
        for group in [was_of, is_of].into_iter().flatten() {
            changes.push(change(
                rows::alias_of(group, alias),
                empty(was_of == Some(group)),
                empty(is_of == Some(group)),
            ));
        }
    } else if let Some(id) = key.strip_prefix(rows::area::GROUPS).and_then(GroupId::from_key) {
        let group =
            |bytes: Option<&[u8]>| bytes.map(|bytes| old.decode::<OldGroup>(bytes)).transpose();
        let (was, is) = (group(was)?, group(is)?);
        let row = |group: &Option<OldGroup>| {
            group.as_ref().map(|group| new.encode(&row_of(id, group))).transpose()
        };
        changes.push(change(key.to_vec(), row(&was)?, row(&is)?));
        let signatures =
            |group: Option<OldGroup>| group.map(|group| group.signatures).unwrap_or_default();
        let (was, is) = (signatures(was), signatures(is));
        let all: BTreeSet<_> = was.union(&is).copied().collect();
        changes.extend(all.into_iter().map(|signature| {
            change(
                rows::member(id, signature),
                empty(was.contains(&signature)),
                empty(is.contains(&signature)),
            )
        }));
        return Ok(changes);
    }
    changes.push(change(key.to_vec(), was.map(<[u8]>::to_vec), is.map(<[u8]>::to_vec)));
    Ok(changes)
}
