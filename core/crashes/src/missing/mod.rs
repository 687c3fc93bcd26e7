//! Finds the modules that crashes wait for.

mod count;

use std::collections::{BTreeMap, BTreeSet};

use crate::fingerprint::Modules;
use crate::ids::GroupId;
use crate::stored::counters::{ImageFacts, ImageKey, ImageTally};
use crate::stored::{Crashes, rows};
use symtool_store::Error;

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
    pub arch: Option<String>,
    /// Whether it is a mapping, for Java frames.
    pub is_mapping: bool,
    /// Crashes with frames in it, on the stack that says where they crashed.
    pub crashes: u64,
    /// Crashes of these that wait for it: their signature has an address in it.
    pub waiting: u64,
    /// How many groups those that wait are in; [`Crashes::groups_waiting_for`] names them.
    pub groups: u64,
    image: ImageKey,
    /// The groups, if they were counted.
    counted: Option<BTreeSet<GroupId>>,
}

impl Missing {
    fn of(image: ImageKey, facts: ImageFacts, tally: ImageTally) -> Self {
        let ImageFacts { name, path, id, arch, is_mapping, .. } = facts;
        let ImageTally { crashes, waiting, groups } = tally;
        Self { name, path, id, arch, is_mapping, crashes, waiting, groups, image, counted: None }
    }
}

impl Crashes {
    /// The modules that stored crashes have frames in and that are not among `modules`: first those
    /// for which most groups wait, then most crashes.
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
                std::cmp::Reverse((module.groups, module.waiting, module.crashes))
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

    /// By the counts of images that are kept.
    fn missing_as_kept(&self, modules: &Modules<'_>) -> Result<Vec<Missing>, Error> {
        let database = &self.database;
        let there: BTreeSet<ImageKey> = modules.iter().flat_map(|(_, keys)| keys).collect();
        let mut tallies: BTreeMap<ImageKey, ImageTally> = BTreeMap::new();
        for (key, tally) in database.all(rows::area::IMAGE_TALLIES)? {
            let image = key.get(1..).and_then(|image| ImageKey::try_from(image).ok());
            let image = image.ok_or_else(|| database.damaged())?;
            if !there.contains(&image) {
                tallies.insert(image, tally);
            }
        }
        let keys: Vec<Vec<u8>> = tallies.keys().map(rows::image_facts).collect();
        let mut missing = Vec::with_capacity(tallies.len());
        for ((image, tally), row) in tallies.into_iter().zip(database.bytes_of(&keys)?) {
            let row = row.ok_or_else(|| database.damaged())?;
            let facts: ImageFacts = database.decode(&database.expand(&row)?)?;
            if facts.other.is_none_or(|other| !there.contains(&other)) && !facts.id.is_empty() {
                missing.push(Missing::of(image, facts, tally));
            }
        }
        Ok(missing)
    }
}
