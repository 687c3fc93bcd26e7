//! Reads groups with all that is counted of them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::groups::sort::GroupSort;
use crate::ids::{FingerprintId, GroupId};
use crate::stored::state::{FingerprintRow, GroupRow};
use crate::stored::{Crashes, FingerprintKind, Found, Slot, Tally, rows};
use symtool_store::Error;

/// Groups that are read together at most.
const MAX_GROUPS_AT_ONCE: usize = 512;

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its crashes.
    pub tally: Tally,
    /// Groups that were merged into it, by id.
    pub aliases: Vec<GroupId>,
    /// Its signatures, that with most crashes first; see [`Group::main`].
    pub signatures: Vec<GroupFingerprint>,
}

/// One signature of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupFingerprint {
    /// Its id.
    pub id: FingerprintId,
    /// Whether it will stay.
    pub kind: FingerprintKind,
    /// What people call it.
    pub title: String,
    /// What it is made of, the crashing side first.
    pub frames: Vec<String>,
    /// How many crashes have it.
    pub crashes: u64,
}

impl Group {
    /// What people call it.
    pub fn title(&self) -> &str {
        self.main().map_or("", |main| &main.title)
    }

    /// Whether it will stay.
    pub fn kind(&self) -> FingerprintKind {
        self.main().map_or(FingerprintKind::Provisional, |main| main.kind)
    }

    /// The signature that names it: with most crashes; of equals one that will stay, and then by
    /// its id.
    pub fn main(&self) -> Option<&GroupFingerprint> {
        self.signatures.first()
    }

    pub(super) fn sort(&mut self) {
        self.signatures.sort_by_key(|signature| {
            (std::cmp::Reverse(signature.crashes), signature.kind, signature.id)
        });
        self.aliases.sort_unstable();
    }
}

impl Crashes {
    /// All groups that have crashes, by id.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn groups(&self) -> Result<Vec<Group>, Error> {
        let mut tallies: BTreeMap<FingerprintId, Tally> = BTreeMap::new();
        for (key, tally) in self.database.all(rows::area::TALLIES)? {
            tallies.extend(FingerprintId::from_key(&key[1..]).map(|id| (id, tally)));
        }
        let mut groups: BTreeMap<GroupId, Group> = BTreeMap::new();
        self.database.each(rows::area::SIGNATURES, rows::area::SIGNATURES, |key, value| {
            if let Some((id, tally)) =
                FingerprintId::from_key(&key[1..]).and_then(|id| Some((id, tallies.remove(&id)?)))
            {
                let row: FingerprintRow = self.database.decode(&value)?;
                let group = groups.entry(row.group).or_insert_with(|| Group::empty(row.group));
                group.tally.add(&tally);
                group.signatures.push(GroupFingerprint::of(id, row, tally.crashes));
            }
            Ok(true)
        })?;
        self.database.each(rows::area::ALIASES_OF, rows::area::ALIASES_OF, |key, _| {
            let (group, alias) = (
                key.get(1..).and_then(GroupId::from_key),
                key.get(9..).and_then(GroupId::from_key),
            );
            if let Some(group) = group.and_then(|group| groups.get_mut(&group)) {
                group.aliases.extend(alias);
            }
            Ok(true)
        })?;
        let mut groups: Vec<Group> = groups.into_values().collect();
        groups.iter_mut().for_each(Group::sort);
        Ok(groups)
    }

    /// Calls `each` with every group that has crashes, in `order`, until it says no. Groups are
    /// read as they are asked for, the first `at_once` of them together.
    ///
    /// # Errors
    /// Any [`Error`], also of `each`.
    pub fn each_group<E: From<Error>>(
        &self,
        order: GroupSort,
        reverse: bool,
        at_once: usize,
        mut each: impl FnMut(Group) -> Result<bool, E>,
    ) -> Result<(), E> {
        let prefixes = match order.kept() {
            Some(prefixes) if self.database.has_counters() => prefixes,
            _ => {
                let mut groups = self.groups()?;
                order.sort(&mut groups, reverse);
                for group in groups {
                    if !each(group)? {
                        break;
                    }
                }
                return Ok(());
            }
        };
        let mut at_once = at_once.clamp(1, MAX_GROUPS_AT_ONCE);
        for prefix in prefixes {
            let mut last: Option<Vec<u8>> = None;
            loop {
                let keys = self.database.keys(&prefix, last.as_deref(), reverse, at_once)?;
                let ids: Option<Vec<GroupId>> = keys
                    .iter()
                    .map(|key| GroupId::from_key(key.get(key.len().checked_sub(8)?..)?))
                    .collect();
                let ids = ids.ok_or_else(|| self.database.damaged())?;
                let is_last = keys.len() < at_once;
                for group in self.groups_with_aliases(ids)? {
                    if !each(group)? {
                        return Ok(());
                    }
                }
                last = keys.into_iter().next_back();
                if is_last {
                    break;
                }
                at_once = (2 * at_once).min(MAX_GROUPS_AT_ONCE);
            }
        }
        Ok(())
    }

    /// The groups `ids`, in their order.
    fn groups_with_aliases(&self, ids: Vec<GroupId>) -> Result<Vec<Group>, Error> {
        let all: BTreeSet<GroupId> = ids.iter().copied().collect();
        let mut aliases: BTreeMap<GroupId, Vec<GroupId>> = BTreeMap::new();
        for (key, _) in self.database.rows_of_groups(rows::area::ALIASES_OF, &all)? {
            let (group, alias) = (
                key.get(1..).and_then(GroupId::from_key),
                key.get(9..).and_then(GroupId::from_key),
            );
            if let (Some(group), Some(alias)) = (group, alias) {
                aliases.entry(group).or_default().push(alias);
            }
        }
        let mut groups = self.groups_of(ids)?;
        for group in &mut groups {
            group.aliases = aliases.remove(&group.id).unwrap_or_default();
        }
        Ok(groups)
    }

    /// The group `id`, which is no alias; also one without crashes.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn group(&self, id: GroupId) -> Result<Option<Group>, Error> {
        let mut group = self.groups_of(vec![id])?.pop();
        if let Some(group) = &mut group {
            group.aliases = self.database.aliases_of(id)?;
        }
        Ok(group)
    }

    /// The groups `ids`, none of which is an alias; all that there are of them, but for their
    /// aliases.
    pub(crate) fn groups_of(&self, ids: Vec<GroupId>) -> Result<Vec<Group>, Error> {
        let found: Vec<Option<GroupRow>> =
            self.database.get_all(ids.iter().map(|id| rows::group(*id)))?;
        let found: Vec<GroupId> =
            ids.into_iter().zip(found).filter_map(|(id, row)| row.map(|_| id)).collect();
        let mut members = self.database.members_of(&found.iter().copied().collect())?;
        let found: Vec<(GroupId, Vec<FingerprintId>)> =
            found.into_iter().map(|id| (id, members.remove(&id).unwrap_or_default())).collect();
        let signatures = || found.iter().flat_map(|(_, signatures)| signatures);
        let known: Vec<Option<FingerprintRow>> =
            self.database.get_all(signatures().map(|id| rows::signature(*id)))?;
        let tallies: Vec<Option<Tally>> =
            self.database.get_all(signatures().map(|id| rows::tally(*id)))?;
        let mut rest = known.into_iter().zip(tallies);
        let mut groups = Vec::with_capacity(found.len());
        for (id, signatures) in found {
            let mut group = Group::empty(id);
            for signature in signatures {
                let (Some(known), tally) = rest.next().unwrap_or_default() else {
                    return Err(self.database.damaged());
                };
                let tally = tally.unwrap_or_default();
                group.tally.add(&tally);
                group.signatures.push(GroupFingerprint::of(signature, known, tally.crashes));
            }
            group.sort();
            groups.push(group);
        }
        Ok(groups)
    }

    /// The group whose id, or whose alias's id, is `text` or begins with it.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn find_group(&self, text: &str) -> Result<Found<GroupId>, Error> {
        let mut found = Vec::new();
        for (key, value) in
            self.ids_beginning(text, rows::area::GROUPS, GroupId::LETTER, GroupId::BYTES)?
        {
            let _ = value;
            found.extend(GroupId::from_key(&key[1..]));
        }
        for (_, value) in
            self.ids_beginning(text, rows::area::ALIASES, GroupId::LETTER, GroupId::BYTES)?
        {
            found.push(self.database.decode(&value)?);
        }
        found.sort_unstable();
        found.dedup();
        Ok(Found::of(found))
    }

    /// Where the crashes of `group` are, in the order in which they came.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn crashes_of(&self, group: &Group) -> Result<Vec<Slot>, Error> {
        let signatures: HashSet<FingerprintId> =
            group.signatures.iter().map(|signature| signature.id).collect();
        let mut chunks = BTreeSet::new();
        for signature in &signatures {
            let prefix = rows::shares(*signature);
            self.database.each(&prefix, &prefix, |key, _| {
                chunks.insert(rows::last_number(key).ok_or_else(|| self.database.damaged())?);
                Ok(true)
            })?;
        }
        let mut slots = Vec::new();
        for chunk in chunks {
            let states = self.states(chunk)?;
            let of_group = (0..=u16::MAX)
                .zip(&states)
                .filter(|(_, state)| state.is_shown() && signatures.contains(&state.signature));
            slots.extend(of_group.map(|(slot, _)| Slot { chunk, slot }));
        }
        Ok(slots)
    }

    pub(crate) fn tally(&self, signature: FingerprintId) -> Result<Tally, Error> {
        Ok(self.database.get(&rows::tally(signature))?.unwrap_or_default())
    }
}

impl Group {
    pub(super) fn empty(id: GroupId) -> Self {
        Self { id, tally: Tally::default(), aliases: Vec::new(), signatures: Vec::new() }
    }
}

impl GroupFingerprint {
    pub(super) fn of(id: FingerprintId, row: FingerprintRow, crashes: u64) -> Self {
        Self { id, kind: row.kind, title: row.title, frames: row.frames, crashes }
    }
}
