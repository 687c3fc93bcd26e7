//! All counters, counted from the crashes: for a database that has none yet, after damage, and to
//! check those that are kept.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;
use rayon::prelude::*;

use super::{
    ChunkImages, DumpCounts, GroupOrder, GroupTally, ImageFacts, ImageKey, ImageTally, waits_of,
};
use crate::ids::{FingerprintId, GroupId};
use crate::stored::changes::Old;
use crate::stored::chunk::Chunk;
use crate::stored::database::Database;
use crate::stored::open::{FORMAT, WITHOUT_DUMPS, damaged};
use crate::stored::state::{FingerprintRow, State, Tally};
use crate::stored::{pack, rows};
use symtool_store::Error;

/// Chunks that are counted at once.
const CHUNKS_AT_ONCE: usize = 16;

/// The areas of counters that are checked against a full count.
const CHECKED: [&[u8]; 7] = [
    rows::area::TALLIES,
    rows::area::WAITS,
    rows::area::IMAGE_TALLIES,
    rows::area::DUMP_TALLIES,
    rows::area::WAITING_GROUPS,
    rows::area::GROUP_TALLIES,
    rows::area::GROUP_ORDERS,
];

/// What all crashes count.
#[derive(Debug, Default)]
pub struct FullCount {
    tallies: HashMap<FingerprintId, Tally>,
    waits: BTreeMap<FingerprintId, Vec<ImageKey>>,
    images: BTreeMap<ImageKey, (u64, ImageFacts)>,
    /// The group of each signature that has crashes.
    groups: HashMap<FingerprintId, GroupId>,
    dumps: DumpCounts,
}

impl FullCount {
    /// Counts all crashes of `database`.
    ///
    /// # Errors
    /// If a row cannot be read.
    pub fn of(database: &Database) -> Result<Self, Error> {
        let numbers = database.numbers(rows::area::STATES)?;
        let mut all = Self::default();
        for numbers in numbers.chunks(CHUNKS_AT_ONCE) {
            let counted: Vec<Self> = numbers
                .par_iter()
                .map(|number| Self::of_chunk(database, *number))
                .collect::<Result<_, Error>>()?;
            counted.into_iter().for_each(|one| all.absorb(one));
        }
        Ok(all)
    }

    fn of_chunk(database: &Database, number: u64) -> Result<Self, Error> {
        let missing = || database.damaged();
        let chunk: Chunk = database.get_packed(&rows::chunk(number))?.ok_or_else(missing)?;
        let states: Vec<State> = database.get_packed(&rows::states(number))?.ok_or_else(missing)?;
        let images = ChunkImages::of(&chunk);
        let mut counts: Vec<u64> = vec![0; chunk.images().len()];
        let mut count = Self::default();
        for (crash, state) in
            chunk.crashes().iter().zip(&states).filter(|(_, state)| state.is_shown())
        {
            images.each(chunk.images_of(crash), |index, _| counts[index] += 1);
            count.dumps.count(&chunk, &images, crash, true);
            let id = state.signature;
            if !count.groups.contains_key(&id) {
                let row: FingerprintRow =
                    database.get(&rows::signature(id))?.ok_or_else(missing)?;
                let waits = waits_of(&chunk, crash, row.kind, &row.frames);
                count.groups.insert(id, row.group);
                count.waits.extend((!waits.is_empty()).then_some((id, waits)));
            }
            let release = chunk.text_of(crash.release);
            count.tallies.entry(id).or_default().count(crash.time_ms, release);
        }
        for ((image, crashes), first) in chunk.images().iter().zip(counts).zip(&images.first) {
            if let Some((_, key)) = first.filter(|_| crashes > 0) {
                count.images.insert(key, (crashes, ImageFacts::of(&chunk, image)));
            }
        }
        Ok(count)
    }

    /// Takes what was counted in a later chunk.
    fn absorb(&mut self, other: Self) {
        for (id, tally) in other.tallies {
            self.tallies.entry(id).or_default().add(&tally);
        }
        for (id, waits) in other.waits {
            self.waits.entry(id).or_insert(waits);
        }
        for (key, (crashes, facts)) in other.images {
            self.images.entry(key).or_insert((0, facts)).0 += crashes;
        }
        self.groups.extend(other.groups);
        self.dumps.absorb(other.dumps);
    }

    /// The rows of counters, but for descriptions of images.
    fn rows(&self, database: &Database) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Error> {
        let mut rows: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let mut groups: BTreeMap<GroupId, GroupTally> = BTreeMap::new();
        let mut waiting: BTreeMap<(ImageKey, GroupId), u64> = BTreeMap::new();
        let mut images: BTreeMap<ImageKey, ImageTally> = BTreeMap::new();
        for (key, (crashes, _)) in &self.images {
            images.entry(*key).or_default().crashes = *crashes;
        }
        for (id, tally) in &self.tallies {
            let group = *self.groups.get(id).ok_or_else(|| database.damaged())?;
            rows.insert(rows::tally(*id), database.encode(tally)?);
            groups.entry(group).or_default().add(GroupTally::from(tally));
            let Some(waits) = self.waits.get(id) else { continue };
            rows.insert(rows::waits(*id), database.encode(waits)?);
            for image in waits {
                *waiting.entry((*image, group)).or_default() += 1;
                images.entry(*image).or_default().waiting += tally.crashes;
            }
        }
        for ((image, group), signatures) in &waiting {
            rows.insert(rows::waiting_group(image, *group), database.encode(signatures)?);
            images.entry(*image).or_default().groups += 1;
        }
        for (group, tally) in &groups {
            rows.insert(rows::group_tally(*group), database.encode(tally)?);
            for order in GroupOrder::ALL {
                rows.insert(order.key(*group, tally), Vec::new());
            }
        }
        for (image, tally) in &images {
            rows.insert(rows::image_tally(image), database.encode(tally)?);
        }
        rows.extend(self.dumps.rows(database)?);
        Ok(rows)
    }
}

impl Database {
    /// Whether it has counters.
    pub fn has_counters(&self) -> bool {
        self.head().format >= WITHOUT_DUMPS
    }

    /// Counts all that is to be kept from now on, if it has no counters yet: at once. Returns
    /// whether it had none.
    ///
    /// # Errors
    /// Any [`Error`]; it has none then.
    pub fn keep_counters(&self) -> Result<bool, Error> {
        if self.has_counters() {
            return Ok(false);
        }
        let count = FullCount::of(self)?;
        let mut changes = self.changes();
        for (key, value) in count.rows(self)? {
            if !key.starts_with(rows::area::TALLIES) {
                changes.put_bytes(key, Old::Absent, value)?;
            }
        }
        for (key, (_, facts)) in &count.images {
            changes.put_packed(rows::image_facts(key), Old::Absent, facts)?;
        }
        changes.head.format = if count.dumps.is_empty() { WITHOUT_DUMPS } else { FORMAT };
        changes.commit()?;
        Ok(true)
    }

    /// Compares the counters that are kept with a full count.
    ///
    /// # Errors
    /// If they differ, or a row cannot be read.
    pub fn check_counters(&self) -> Result<(), Error> {
        if !self.has_counters() {
            return Ok(());
        }
        let mut count = FullCount::of(self)?;
        // What a signature waits for is not counted, but read of one of its crashes, whichever.
        count.waits.clear();
        for (key, waits) in self.all(rows::area::WAITS)? {
            let id = key.get(1..).and_then(FingerprintId::from_key);
            count.waits.extend(id.map(|id| (id, waits)));
        }
        let mut wanted = count.rows(self)?;
        let wrong = |what: &str| damaged(self.store(), &format!("a counter is wrong: {what}"));
        for area in CHECKED {
            self.each(area, area, |key, value| match wanted.remove(key) {
                Some(counted) if counted == value => Ok(true),
                Some(_) => Err(wrong("it counts something else than the crashes")),
                None => Err(wrong("it counts what is not there")),
            })?;
        }
        if !wanted.is_empty() {
            return Err(wrong("it is missing"));
        }
        let mut described: BTreeSet<ImageKey> = count.images.into_keys().collect();
        self.each(rows::area::IMAGE_FACTS, rows::area::IMAGE_FACTS, |key, value| {
            let image = key.get(1..).and_then(|key| ImageKey::try_from(key).ok());
            let _: ImageFacts = self.decode(&pack::expand(&value).map_err(|_| self.damaged())?)?;
            if image.is_some_and(|image| described.remove(&image)) {
                Ok(true)
            } else {
                Err(wrong("it describes an image without crashes"))
            }
        })?;
        if described.is_empty() { Ok(()) } else { Err(wrong("an image is not described")) }
    }
}
