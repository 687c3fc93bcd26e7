//! Finds the modules that crashes wait for.

mod count;

use std::collections::{BTreeMap, BTreeSet};

use crate::fingerprint::Modules;
use crate::ids::GroupId;
use crate::stored::counters::{DumpTally, ImageFacts, ImageKey, ImageTally};
use crate::stored::{Crashes, StoredImage, rows};
use symtool_module::{Arch, Detail};
use symtool_report::Format;
use symtool_store::{Error, Module};

/// A module without symbols.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// File name, that of every mapping for one; absent if no report says.
    pub name: Option<String>,
    /// Its path on the device.
    pub path: Option<String>,
    /// The id to look for, as reports spell it.
    pub id: String,
    /// Architecture, as reports name it.
    pub arch: Option<Arch>,
    /// Whether it is a mapping, for Java frames.
    pub is_mapping: bool,
    /// Crashes with frames in it, on the stack that says where they crashed.
    pub crashes: u64,
    /// Crashes of these that wait for it: their signature has an address in it.
    pub waiting: u64,
    /// How many groups those that wait are in; [`Crashes::groups_waiting_for`] names them.
    pub groups: u64,
    /// Minidumps whose stack cannot be walked as well as with its unwind data; 0 if that is there.
    pub dumps: u64,
    /// Whether names of its functions are missing.
    pub lacks_names: bool,
    image: ImageKey,
    /// The groups, if they were counted.
    counted: Option<BTreeSet<GroupId>>,
}

/// What a crash says of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenImage {
    /// The image.
    pub image: StoredImage,
    /// The chunk and the slot of a minidump that has it, if one has.
    pub dump: Option<(u64, u16)>,
}

impl Missing {
    fn of(image: ImageKey, facts: ImageFacts, tally: ImageTally) -> Self {
        let ImageFacts { name, path, id, arch, is_mapping, .. } = facts;
        let ImageTally { crashes, waiting, groups } = tally;
        let (counted, dumps, lacks_names) = (None, 0, true);
        Self {
            name,
            path,
            id,
            arch,
            is_mapping,
            crashes,
            waiting,
            groups,
            dumps,
            lacks_names,
            image,
            counted,
        }
    }

    /// The same of one that so many minidumps have to do with; `known` is the store's module.
    fn with_dumps(self, tally: DumpTally, known: Option<&Module>) -> Self {
        let has_rows = known.is_some_and(|known| known.record.unwind_rows > 0);
        let is_asked_for_names = tally.with_frames > 0 || self.crashes > tally.asking;
        Self {
            dumps: if has_rows { 0 } else { tally.asking },
            lacks_names: is_asked_for_names && known.is_none_or(|known| !has_names(known)),
            ..self
        }
    }

    /// Whether unwind data of it is missing.
    pub fn lacks_unwind(&self) -> bool {
        self.dumps > 0
    }
}

/// Whether a module has more names than those that it exports.
pub fn has_names(module: &Module) -> bool {
    module.record.functions > 0 && module.record.detail != Detail::Exports
}

impl Crashes {
    /// The modules that stored crashes have frames in and that are not among `modules`, and those
    /// of which minidumps need more than is there: first those for which most groups wait, then
    /// most crashes.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn missing(&self, modules: &Modules<'_>) -> Result<Vec<Missing>, Error> {
        let mut missing = if self.database.has_counters() {
            self.missing_as_kept(modules)?
        } else {
            self.count_missing(modules)?
        };
        missing.sort_by(|a, b| {
            let weight = |module: &Missing| {
                std::cmp::Reverse((module.groups, module.waiting, module.dumps, module.crashes))
            };
            (weight(a), &a.name, &a.id).cmp(&(weight(b), &b.name, &b.id))
        });
        Ok(missing)
    }

    /// The groups of crashes that wait for `module`.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn groups_waiting_for(&self, module: &Missing) -> Result<BTreeSet<GroupId>, Error> {
        if let Some(groups) = &module.counted {
            return Ok(groups.clone());
        }
        let (prefix, mut groups) = (rows::waiting_groups(&module.image), BTreeSet::new());
        self.database.each(&prefix, &prefix, |key, _| {
            let group = key.get(prefix.len()..).and_then(GroupId::from_key);
            groups.insert(group.ok_or_else(|| self.database.damaged())?);
            Ok(true)
        })?;
        Ok(groups)
    }

    /// What a crash with frames in `module` says of it, `None` if none is left.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn image_of(&self, module: &Missing) -> Result<Option<SeenImage>, Error> {
        let (prefix, mut found) = (rows::all_of_image(&module.image), None);
        self.database.each(&prefix, &prefix, |key, value| {
            let number = rows::last_number(key).ok_or_else(|| self.database.damaged())?;
            let chunk = self.chunk(number)?.ok_or_else(|| self.database.damaged())?;
            let is_it = |stored: &&StoredImage| {
                stored.id.as_ref().is_some_and(|id| id.keys().next() == Some(module.image))
            };
            let Some(image) = chunk.images().iter().find(is_it) else { return Ok(true) };
            let slots: Vec<u16> = self.database.decode(&value)?;
            let is_dump =
                |slot: &u16| chunk.crash(*slot).is_some_and(|crash| crash.format == Format::Mdmp);
            let dump = slots.into_iter().find(is_dump).map(|slot| (number, slot));
            found = Some(SeenImage { image: image.clone(), dump });
            Ok(false)
        })?;
        Ok(found)
    }

    /// By the counts of images that are kept.
    fn missing_as_kept(&self, modules: &Modules<'_>) -> Result<Vec<Missing>, Error> {
        let database = &self.database;
        let there: BTreeSet<ImageKey> = modules.iter().flat_map(|(_, keys)| keys).collect();
        let dumps = self.dump_tallies()?;
        let known = Self::lacking(modules, &dumps);
        let mut tallies: BTreeMap<ImageKey, ImageTally> = BTreeMap::new();
        for (key, tally) in database.all(rows::area::IMAGE_TALLIES)? {
            let image = key.get(1..).and_then(|image| ImageKey::try_from(image).ok());
            let image = image.ok_or_else(|| database.damaged())?;
            if !there.contains(&image) || known.contains_key(&image) {
                tallies.insert(image, tally);
            }
        }
        let keys: Vec<Vec<u8>> = tallies.keys().map(rows::image_facts).collect();
        let mut missing = Vec::with_capacity(tallies.len());
        for ((image, tally), row) in tallies.into_iter().zip(database.bytes_of(&keys)?) {
            let row = row.ok_or_else(|| database.damaged())?;
            let facts: ImageFacts = database.decode(&database.expand(&row)?)?;
            let known = known.get(&image).copied();
            let is_elsewhere = facts.other.is_some_and(|other| there.contains(&other));
            if (known.is_some() || !is_elsewhere) && !facts.id.is_empty() {
                let of_dumps = dumps.get(&image).copied().unwrap_or_default();
                missing.push(Missing::of(image, facts, tally).with_dumps(of_dumps, known));
            }
        }
        Ok(missing)
    }

    /// The counts of minidumps.
    fn dump_tallies(&self) -> Result<BTreeMap<ImageKey, DumpTally>, Error> {
        let tally = |(key, tally): (Vec<u8>, DumpTally)| {
            let image = key.get(1..).and_then(|image| ImageKey::try_from(image).ok());
            image.map(|image| (image, tally)).ok_or_else(|| self.database.damaged())
        };
        self.database.all(rows::area::DUMP_TALLIES)?.into_iter().map(tally).collect()
    }

    /// Those of `modules` that have less than the minidumps need that are counted in `dumps`.
    fn lacking<'s>(
        modules: &Modules<'s>,
        dumps: &BTreeMap<ImageKey, DumpTally>,
    ) -> BTreeMap<ImageKey, &'s Module> {
        let mut found: BTreeMap<ImageKey, &Module> = BTreeMap::new();
        let mut whole: BTreeSet<ImageKey> = BTreeSet::new();
        for (module, keys) in modules.iter().filter(|_| !dumps.is_empty()) {
            for (key, tally) in keys.iter().filter_map(|key| Some((*key, dumps.get(key)?))) {
                let lacks_rows = tally.asking > 0 && module.record.unwind_rows == 0;
                let lacks_names = tally.with_frames > 0 && !has_names(module);
                if lacks_rows || lacks_names {
                    found.insert(key, module);
                } else {
                    whole.insert(key);
                }
            }
        }
        // Of slices with one id, one may have what another one lacks.
        found.retain(|key, _| !whole.contains(key));
        found
    }
}
