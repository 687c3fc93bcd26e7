//! Groups of format 3, which listed their signatures and aliases in their rows: rows of their own
//! now.

use crate::ids::{FingerprintId, GroupId};
use crate::stored::changes::Old;
use crate::stored::database::Database;
use crate::stored::rows;
use crate::stored::state::{FingerprintRow, GroupRow, MAX_OWN_GROUPS};
use crate::upkeep::format3::old_rows::OldGroup;
use crate::upkeep::format3::{OldDatabase, signature_of};
use symtool_store::Error;

/// Rows that are written at once.
const ROWS_AT_ONCE: usize = 1 << 14;

/// Takes over signatures, groups and aliases.
pub fn put(old: &OldDatabase<'_>, new: &Database) -> Result<(), Error> {
    let mut changed: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut put = |key: Vec<u8>, value: Vec<u8>| {
        changed.push((key, value));
        if changed.len() < ROWS_AT_ONCE { Ok(()) } else { write(new, &mut changed) }
    };
    old.each(rows::area::SIGNATURES, |key, value| {
        let id = signature_of(key).ok_or_else(|| old.damaged())?;
        let row: FingerprintRow = old.decode(&value)?;
        put(rows::member(row.group, id), Vec::new())?;
        put(key.to_vec(), value)
    })?;
    old.each(rows::area::GROUPS, |key, value| {
        let group: OldGroup = old.decode(&value)?;
        let id = key.get(1..).and_then(GroupId::from_key).ok_or_else(|| old.damaged())?;
        put(key.to_vec(), new.encode(&row_of(id, &group))?)
    })?;
    old.each(rows::area::ALIASES, |key, value| {
        let alias = key.get(1..).and_then(GroupId::from_key).ok_or_else(|| old.damaged())?;
        put(rows::alias_of(old.decode(&value)?, alias), Vec::new())?;
        put(key.to_vec(), value)
    })?;
    write(new, &mut changed)
}

fn write(new: &Database, rows: &mut Vec<(Vec<u8>, Vec<u8>)>) -> Result<(), Error> {
    let mut changes = new.changes();
    rows.drain(..).try_for_each(|(key, value)| changes.put_bytes(key, Old::Absent, value))?;
    changes.commit()
}

/// Today's row of a group: the one of its signatures whose hash its id is.
pub fn row_of(id: GroupId, group: &OldGroup) -> GroupRow {
    let is_own = |signature: &FingerprintId| {
        (0..MAX_OWN_GROUPS).find(|number| GroupId::of(*signature, *number) == id)
    };
    let own = group.signatures.iter().find_map(|signature| {
        is_own(signature).map(|number| GroupRow { made_for: *signature, number })
    });
    own.unwrap_or(GroupRow { made_for: FingerprintId([0; FingerprintId::BYTES]), number: 0 })
}
