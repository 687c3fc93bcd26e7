//! What changes of counters when crashes come and go, get other signatures, or signatures other
//! groups.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use super::{ChunkImages, DumpCounts, GroupOrder, GroupTally, ImageFacts, ImageKey, ImageTally};
use crate::ids::{FingerprintId, GroupId};
use crate::stored::changes::{Changes, Old};
use crate::stored::chunk::{Chunk, StoredCrash};
use crate::stored::database::Database;
use crate::stored::rows;
use crate::stored::state::Tally;
use symtool_store::Error;

/// A signature whose tally or group changes.
#[derive(Clone, Copy, Debug)]
pub struct SignatureChange {
    /// Which.
    pub id: FingerprintId,
    /// Its group and its crashes, as they are.
    pub before: (Option<GroupId>, GroupTally),
    /// As they will be.
    pub after: (Option<GroupId>, GroupTally),
}

/// How many crashes with frames in an image come or go.
#[derive(Clone, Debug, Default)]
pub struct ImageChange {
    crashes: i64,
    waiting: i64,
    groups: i64,
    /// How it is described, if it may be new.
    facts: Option<ImageFacts>,
}

/// What changes of counters.
#[derive(Debug, Default)]
pub struct CounterChanges {
    images: HashMap<ImageKey, ImageChange>,
    /// What signatures wait for that may have had no crashes before.
    waits: HashMap<FingerprintId, Vec<ImageKey>>,
    /// Descriptions that replace those that are stored.
    facts: HashMap<ImageKey, ImageFacts>,
    /// What changes of the counts of minidumps.
    dumps: DumpCounts,
}

/// Crashes of a chunk that come or go, each with whether it comes.
type ComingAndGoing<'a> = &'a [(&'a StoredCrash, bool)];

impl CounterChanges {
    /// Takes crashes of `chunk` that come or go.
    pub fn take(&mut self, chunk: &Chunk, crashes: ComingAndGoing<'_>) {
        if crashes.is_empty() {
            return;
        }
        let images = ChunkImages::of(chunk);
        let mut counts: Vec<i64> = vec![0; chunk.images().len()];
        for (crash, comes) in crashes {
            self.dumps.count(chunk, &images, crash, *comes);
            images.each(chunk.images_of(crash), |index, _| {
                counts[index] += if *comes { 1 } else { -1 };
            });
        }
        for ((image, count), first) in chunk.images().iter().zip(counts).zip(&images.first) {
            let Some((_, key)) = first.filter(|_| count != 0) else { continue };
            let change = self.images.entry(key).or_default();
            change.crashes += count;
            if count > 0 && change.facts.is_none() {
                change.facts = Some(ImageFacts::of(chunk, image));
            }
        }
    }

    /// The signature waits for these images, if it does not count any crashes yet.
    pub fn put_waits(&mut self, id: FingerprintId, waits: &[ImageKey]) {
        if !waits.is_empty() {
            self.waits.entry(id).or_insert_with(|| waits.to_vec());
        }
    }

    /// The image is to be described so from now on.
    pub fn describe(&mut self, image: ImageKey, facts: ImageFacts) {
        self.facts.insert(image, facts);
    }

    /// The images of which crashes go.
    pub fn losing(&self) -> BTreeSet<ImageKey> {
        let losing = self.images.iter().filter(|(_, change)| change.crashes < 0);
        losing.map(|(key, _)| *key).collect()
    }

    /// Takes what `other` has taken, of other chunks.
    pub fn absorb(&mut self, other: Self) {
        for (key, change) in other.images {
            let into = self.images.entry(key).or_default();
            into.crashes += change.crashes;
            into.facts = into.facts.take().or(change.facts);
        }
        for (id, waits) in other.waits {
            self.waits.entry(id).or_insert(waits);
        }
        self.facts.extend(other.facts);
        self.dumps.absorb(other.dumps);
    }

    /// Writes what changes with these `signatures`, each of which is there once.
    pub fn write(
        mut self,
        database: &Database,
        changes: &mut Changes<'_>,
        signatures: &[SignatureChange],
    ) -> Result<(), Error> {
        GroupChanges::of(signatures).write(database, changes, signatures)?;
        std::mem::take(&mut self.dumps).write(database, changes)?;
        let waiting = self.put_signatures(database, changes, signatures)?;
        self.put_waiting(database, changes, waiting)?;
        self.put_images(database, changes)
    }

    /// Notes what signatures wait for that get their first crash, and forgets it where the last one
    /// goes. Returns by how much the waiting signatures of groups change.
    fn put_signatures(
        &mut self,
        database: &Database,
        changes: &mut Changes<'_>,
        signatures: &[SignatureChange],
    ) -> Result<BTreeMap<(ImageKey, GroupId), i64>, Error> {
        let has_changed = |change: &&SignatureChange| {
            let (before, after) = (change.before, change.after);
            before.1.crashes != after.1.crashes || before.0 != after.0
        };
        let relevant: Vec<&SignatureChange> = signatures.iter().filter(has_changed).collect();
        let known: Vec<&SignatureChange> =
            relevant.iter().copied().filter(|change| change.before.1.crashes > 0).collect();
        let keys: Vec<Vec<u8>> = known.iter().map(|change| rows::waits(change.id)).collect();
        let mut stored: HashMap<FingerprintId, Vec<u8>> = HashMap::new();
        for (change, row) in known.iter().zip(database.bytes_of(&keys)?) {
            stored.extend(row.map(|row| (change.id, row)));
        }
        let mut groups: BTreeMap<(ImageKey, GroupId), i64> = BTreeMap::new();
        for SignatureChange { id, before, after } in relevant {
            let row = stored.get(id);
            let waits: Vec<ImageKey> = match row {
                Some(row) => database.decode(row)?,
                None if before.1.crashes > 0 => continue,
                None => self.waits.remove(id).unwrap_or_default(),
            };
            if waits.is_empty() {
                continue;
            }
            if before.1.crashes == 0 && after.1.crashes > 0 {
                changes.put(rows::waits(*id), Old::Absent, &waits)?;
            } else if after.1.crashes == 0 {
                changes.delete(rows::waits(*id), Old::read(row.map(Vec::as_slice)))?;
            }
            for image in waits {
                self.images.entry(image).or_default().waiting +=
                    difference(before.1.crashes, after.1.crashes);
                for (of, number) in [(before, -1), (after, 1)] {
                    if let Some(group) = of.0.filter(|_| of.1.crashes > 0) {
                        *groups.entry((image, group)).or_default() += number;
                    }
                }
            }
        }
        groups.retain(|_, number| *number != 0);
        Ok(groups)
    }

    /// Counts for each image the groups that wait for it.
    fn put_waiting(
        &mut self,
        database: &Database,
        changes: &mut Changes<'_>,
        waiting: BTreeMap<(ImageKey, GroupId), i64>,
    ) -> Result<(), Error> {
        let keys: Vec<Vec<u8>> =
            waiting.keys().map(|(image, group)| rows::waiting_group(image, *group)).collect();
        let found = database.bytes_of(&keys)?;
        for ((((image, _), change), key), row) in waiting.into_iter().zip(keys).zip(found) {
            let before: u64 = row.as_deref().map_or(Ok(0), |row| database.decode::<u64>(row))?;
            let after = changed(before, change);
            let of_image = self.images.entry(image).or_default();
            of_image.groups += i64::from(after > 0) - i64::from(before > 0);
            let old = Old::read(row.as_deref());
            if after > 0 {
                changes.put(key, old, &after)?;
            } else {
                changes.delete(key, old)?;
            }
        }
        Ok(())
    }

    fn put_images(mut self, database: &Database, changes: &mut Changes<'_>) -> Result<(), Error> {
        let is_changed = |(_, change): &(ImageKey, ImageChange)| {
            (change.crashes, change.waiting, change.groups) != (0, 0, 0)
        };
        let images: BTreeMap<ImageKey, ImageChange> =
            self.images.into_iter().filter(is_changed).collect();
        let keys: Vec<Vec<u8>> = images.keys().map(rows::image_tally).collect();
        let found = database.bytes_of(&keys)?;
        for (((image, change), key), row) in images.into_iter().zip(keys).zip(found) {
            let before: Option<ImageTally> =
                row.as_deref().map(|row| database.decode(row)).transpose()?;
            let tally = before.unwrap_or_default();
            let after = ImageTally {
                crashes: changed(tally.crashes, change.crashes),
                waiting: changed(tally.waiting, change.waiting),
                groups: changed(tally.groups, change.groups),
            };
            let old = Old::read(row.as_deref());
            let facts = self.facts.remove(&image);
            if after == ImageTally::default() {
                changes.delete(key, old)?;
                changes.delete(rows::image_facts(&image), Old::Unknown)?;
                continue;
            }
            changes.put(key, old, &after)?;
            match (before, facts.or(change.facts)) {
                (None, facts) => {
                    let facts = facts.unwrap_or_default();
                    changes.put_packed(rows::image_facts(&image), Old::Absent, &facts)?;
                }
                (Some(_), Some(facts)) if change.crashes < 0 => {
                    changes.put_packed(rows::image_facts(&image), Old::Unknown, &facts)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Groups of which signatures come, go or change.
struct GroupChanges(BTreeMap<GroupId, GroupChange>);

#[derive(Default)]
struct GroupChange {
    lost: Vec<GroupTally>,
    gained: Vec<GroupTally>,
}

impl GroupChanges {
    fn of(signatures: &[SignatureChange]) -> Self {
        let mut groups: BTreeMap<GroupId, GroupChange> = BTreeMap::new();
        for SignatureChange { before, after, .. } in signatures {
            if before == after {
                continue;
            }
            if let (Some(group), tally) = before
                && tally.crashes > 0
            {
                groups.entry(*group).or_default().lost.push(*tally);
            }
            if let (Some(group), tally) = after
                && tally.crashes > 0
            {
                groups.entry(*group).or_default().gained.push(*tally);
            }
        }
        Self(groups)
    }

    fn write(
        self,
        database: &Database,
        changes: &mut Changes<'_>,
        signatures: &[SignatureChange],
    ) -> Result<(), Error> {
        let keys: Vec<Vec<u8>> = self.0.keys().map(|group| rows::group_tally(*group)).collect();
        let found = database.bytes_of(&keys)?;
        let mut after = Vec::with_capacity(keys.len());
        let mut unsure: BTreeSet<GroupId> = BTreeSet::new();
        for ((group, change), row) in self.0.iter().zip(&found) {
            let before: GroupTally =
                row.as_deref().map(|row| database.decode(row)).transpose()?.unwrap_or_default();
            let (tally, is_sure) = change.apply(before);
            unsure.extend((!is_sure).then_some(*group));
            after.push((*group, before, tally));
        }
        let times = times_of(database, &unsure, signatures)?;
        for (((group, before, mut tally), key), row) in after.into_iter().zip(keys).zip(found) {
            if let Some(times) = times.get(&group) {
                (tally.first_ms, tally.last_ms) = (times.first_ms, times.last_ms);
            }
            let old = Old::read(row.as_deref());
            if tally.crashes > 0 {
                changes.put(key, old, &tally)?;
            } else {
                changes.delete(key, old)?;
            }
            for order in GroupOrder::ALL {
                let was = (before.crashes > 0).then(|| order.key(group, &before));
                let is = (tally.crashes > 0).then(|| order.key(group, &tally));
                if was == is {
                    continue;
                }
                if let Some(was) = was {
                    changes.delete(was, Old::Value(&[]))?;
                }
                if let Some(is) = is {
                    changes.put_bytes(is, Old::Absent, Vec::new())?;
                }
            }
        }
        Ok(())
    }
}

impl GroupChange {
    /// What is counted after this change; and whether its times are certain: the earliest crash or
    /// the latest one may have gone.
    fn apply(&self, before: GroupTally) -> (GroupTally, bool) {
        let lost: u64 = self.lost.iter().map(|lost| lost.crashes).sum();
        let mut after = GroupTally { crashes: before.crashes.saturating_sub(lost), ..before };
        if after.crashes == 0 {
            (after.first_ms, after.last_ms) = (None, None);
        }
        let is_left = after.crashes > 0;
        self.gained.iter().for_each(|gained| after.add(*gained));
        let first_goes = before.first_ms.is_some_and(|first| {
            self.lost.iter().any(|lost| lost.first_ms == Some(first))
                && !self.gained.iter().any(|gained| gained.first_ms.is_some_and(|ms| ms <= first))
        });
        let last_goes = before.last_ms.is_some_and(|last| {
            self.lost.iter().any(|lost| lost.last_ms == Some(last))
                && !self.gained.iter().any(|gained| gained.last_ms.is_some_and(|ms| ms >= last))
        });
        (after, !is_left || !(first_goes || last_goes))
    }
}

/// From when to when the crashes of `groups` will be, by their signatures.
fn times_of(
    database: &Database,
    groups: &BTreeSet<GroupId>,
    signatures: &[SignatureChange],
) -> Result<BTreeMap<GroupId, GroupTally>, Error> {
    let mut times: BTreeMap<GroupId, GroupTally> = BTreeMap::new();
    if groups.is_empty() {
        return Ok(times);
    }
    let mut known: BTreeSet<FingerprintId> = BTreeSet::new();
    for SignatureChange { id, after, .. } in signatures {
        known.insert(*id);
        if let Some(group) = after.0.filter(|group| groups.contains(group)) {
            times.entry(group).or_default().add(after.1);
        }
    }
    for (key, _) in database.rows_of_groups(rows::area::MEMBERS, groups)? {
        let ids = key.get(1..).and_then(|ids| ids.split_at_checked(GroupId::BYTES));
        let (group, id) = ids
            .and_then(|(group, id)| Some((GroupId::from_key(group)?, FingerprintId::from_key(id)?)))
            .ok_or_else(|| database.damaged())?;
        if known.contains(&id) {
            continue;
        }
        let tally: Option<Tally> = database.get(&rows::tally(id))?;
        if let Some(tally) = tally {
            times.entry(group).or_default().add(GroupTally::from(&tally));
        }
    }
    Ok(times)
}

/// The group that the row of a signature says, without the rest of it.
pub fn group_of_row(database: &Database, row: &[u8]) -> Result<GroupId, Error> {
    postcard::take_from_bytes(row).map(|(group, _)| group).map_err(|_| database.damaged())
}

fn difference(before: u64, after: u64) -> i64 {
    i64::try_from(i128::from(after) - i128::from(before)).unwrap_or(0)
}

fn changed(count: u64, by: i64) -> u64 {
    count.saturating_add_signed(by)
}
