//! New signatures: each gets a group of its own.

use std::collections::BTreeMap;

use crate::fingerprint::Fingerprint;
use crate::ids::{FingerprintId, GroupId};
use crate::stored::changes::{Changes, Old};
use crate::stored::counters::group_of_row;
use crate::stored::database::Database;
use crate::stored::rows;
use crate::stored::state::{FingerprintRow, GroupRow};
use crate::stored::tally_changes::Regrouped;
use symtool_store::Error;

/// Each signature that is new gets a group of its own. Returns the groups of all, before and after.
pub fn put_signatures(
    database: &Database,
    changes: &mut Changes<'_>,
    signatures: impl IntoIterator<Item = (FingerprintId, Fingerprint)>,
) -> Result<Regrouped, Error> {
    let unique: BTreeMap<FingerprintId, Fingerprint> = signatures.into_iter().collect();
    let keys: Vec<Vec<u8>> = unique.keys().map(|id| rows::signature(*id)).collect();
    let known = database.bytes_of(&keys)?;
    let mut all = Regrouped::with_capacity(unique.len());
    for (id, row) in unique.keys().zip(&known) {
        let group = row.as_deref().map(|row| group_of_row(database, row)).transpose()?;
        all.insert(*id, (group, group));
    }
    let new: Vec<&Fingerprint> = unique
        .values()
        .zip(&known)
        .filter(|(_, known)| known.is_none())
        .map(|(signature, _)| signature)
        .collect();
    let groups =
        own_groups(database, &new.iter().map(|signature| signature.id).collect::<Vec<_>>())?;
    for (signature, own) in new.into_iter().zip(groups) {
        all.insert(signature.id, (None, Some(own.id)));
        changes.put(rows::signature(signature.id), Old::Absent, &signature.row(own.id))?;
        if own.is_new {
            changes.put(rows::group(own.id), Old::Absent, &own.row)?;
        }
        changes.put_bytes(
            rows::member(own.id, signature.id),
            if own.is_new { Old::Absent } else { Old::Unknown },
            Vec::new(),
        )?;
    }
    Ok(all)
}

/// A group for a signature that has none.
#[derive(Clone, Copy, Debug)]
pub struct OwnGroup {
    /// Its id.
    pub id: GroupId,
    /// Its row.
    pub row: GroupRow,
    /// Whether it is not there yet.
    pub is_new: bool,
}

/// The group for each signature that has none: one that has no signatures, not even of old.
pub fn own_groups(
    database: &Database,
    signatures: &[FingerprintId],
) -> Result<Vec<OwnGroup>, Error> {
    let first = |signature: &FingerprintId| GroupId::of(*signature, 0);
    let there = database.bytes_of(
        &signatures.iter().map(|signature| rows::group(first(signature))).collect::<Vec<_>>(),
    )?;
    let own = |(signature, there): (&FingerprintId, Option<Vec<u8>>)| {
        let (mut number, mut is_there) = (0, there.is_some());
        loop {
            let id = GroupId::of(*signature, number);
            let mut is_free = true;
            if is_there {
                let members = rows::members(id);
                database.each(&members, &members, |key, _| {
                    is_free = key.get(members.len()..) == Some(&signature.0[..]);
                    Ok(is_free)
                })?;
            }
            if is_free {
                return Ok(OwnGroup {
                    id,
                    row: GroupRow { made_for: *signature, number },
                    is_new: !is_there,
                });
            }
            number += 1;
            is_there = database.bytes(&rows::group(GroupId::of(*signature, number)))?.is_some();
        }
    };
    signatures.iter().zip(there).map(own).collect()
}

impl Fingerprint {
    /// What is stored of it.
    pub(crate) fn row(&self, group: GroupId) -> FingerprintRow {
        FingerprintRow {
            group,
            kind: self.kind,
            title: self.title.clone(),
            frames: self.frames.clone(),
        }
    }
}
