//! Counts the crashes that wait for modules, by the index of images: of a database that keeps no
//! counters.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, btree_map};

use super::Missing;
use crate::fingerprint::Modules;
use crate::ids::{FingerprintId, GroupId};
use crate::stored::counters::{ImageFacts, ImageTally};
use crate::stored::state::{FingerprintKind, FingerprintRow, State};
use crate::stored::{Chunk, Crashes, Place, StoredImage, rows};
use symtool_store::Error;

impl Crashes {
    /// The modules without symbols, counted.
    pub(super) fn count_missing(&self, modules: &Modules<'_>) -> Result<Vec<Missing>, Error> {
        let there: BTreeSet<[u8; 16]> = modules.iter().flat_map(|(_, keys)| keys).collect();
        let mut missing: BTreeMap<[u8; 16], Counted> = BTreeMap::new();
        let mut counter = Counter {
            crashes: self,
            states: HashMap::new(),
            fingerprints: HashMap::new(),
            chunk: None,
        };
        self.each_image(|image, chunk, value| {
            if there.contains(&image) {
                return Ok(());
            }
            let module = match missing.entry(image) {
                btree_map::Entry::Occupied(known) => known.into_mut(),
                // Most of them are in the first chunk already.
                btree_map::Entry::Vacant(new) => new.insert(describe(image, counter.chunk(chunk)?)),
            };
            let slots: Vec<u16> = self.database.decode(value)?;
            counter.count(module, Name::Own, (image, chunk), &slots)
        })?;
        self.count_apart(&mut missing, modules, &mut counter)?;
        let is_there =
            |module: &Counted| module.facts.other.is_some_and(|other| there.contains(&other));
        Ok(missing
            .into_iter()
            .filter(|(_, module)| {
                !module.facts.id.is_empty() && module.crashes > 0 && !is_there(module)
            })
            .map(|(image, Counted { facts, crashes, waiting, groups })| {
                let tally = ImageTally { crashes, waiting, groups: groups.len() as u64 };
                Missing { counted: Some(groups), ..Missing::of(image, facts, tally) }
            })
            .collect())
    }

    /// Counts again the crashes of those modules that share their name with another one.
    fn count_apart(
        &self,
        missing: &mut BTreeMap<[u8; 16], Counted>,
        modules: &Modules<'_>,
        counter: &mut Counter<'_>,
    ) -> Result<(), Error> {
        let mut names: HashMap<String, u32> = HashMap::new();
        let there = modules.iter().map(|(module, _)| module.record.name.as_str());
        for name in there.chain(missing.values().filter_map(|module| module.facts.name.as_deref()))
        {
            *names.entry(name.to_owned()).or_default() += 1;
        }
        let is_shared = |module: &Counted| {
            let count = module.facts.name.as_ref().and_then(|name| names.get(name));
            !module.facts.is_mapping
                && !module.facts.id.is_empty()
                && count.is_some_and(|count| *count > 1)
        };
        let mut shared: BTreeMap<[u8; 16], &mut Counted> = missing
            .iter_mut()
            .filter(|(_, module)| is_shared(module))
            .map(|(image, module)| (*image, module))
            .collect();
        if shared.is_empty() {
            return Ok(());
        }
        for module in shared.values_mut() {
            (module.crashes, module.waiting) = (0, 0);
            module.groups.clear();
        }
        self.each_image(|image, chunk, value| {
            let Some(module) = shared.get_mut(&image) else { return Ok(()) };
            let slots: Vec<u16> = self.database.decode(value)?;
            counter.count(module, Name::Shared, (image, chunk), &slots)
        })
    }

    /// Calls `each` with every row of the index of images: the image, the number of a chunk, and
    /// the slots of crashes in it, encoded.
    fn each_image(
        &self,
        mut each: impl FnMut([u8; 16], u64, &[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.database.each(rows::area::IMAGES, rows::area::IMAGES, |key, value| {
            let (Some(image), Some(chunk)) =
                (key.get(1..17).and_then(|key| key.try_into().ok()), rows::last_number(key))
            else {
                return Err(self.database.damaged());
            };
            each(image, chunk, &value).map(|()| true)
        })
    }
}

/// A module without symbols, and what was counted of it so far.
#[derive(Default)]
struct Counted {
    facts: ImageFacts,
    crashes: u64,
    waiting: u64,
    groups: BTreeSet<GroupId>,
}

/// Whether an image is the only one with its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Own,
    Shared,
}

/// Counts crashes that wait for modules.
struct Counter<'c> {
    crashes: &'c Crashes,
    states: HashMap<u64, Vec<State>>,
    fingerprints: HashMap<FingerprintId, FingerprintRow>,
    /// The chunk that was read last.
    chunk: Option<(u64, Chunk)>,
}

impl Counter<'_> {
    /// The chunk of this number.
    fn chunk(&mut self, number: u64) -> Result<&Chunk, Error> {
        read(self.crashes, &mut self.chunk, number)
    }

    /// Counts the crashes of `chunk` in `slots`, which have frames in `image`.
    fn count(
        &mut self,
        module: &mut Counted,
        name: Name,
        (image, chunk): ([u8; 16], u64),
        slots: &[u16],
    ) -> Result<(), Error> {
        let crashes = self.crashes;
        let states = match self.states.entry(chunk) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(crashes.states(chunk)?),
        };
        for slot in slots {
            let Some(state) = states.get(usize::from(*slot)).filter(|state| state.is_shown())
            else {
                continue;
            };
            module.crashes += 1;
            let row = match self.fingerprints.entry(state.signature) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let row: Option<FingerprintRow> =
                        crashes.database.get(&rows::signature(state.signature))?;
                    new.insert(row.ok_or_else(|| crashes.database.damaged())?)
                }
            };
            if row.kind == FingerprintKind::Resolved {
                continue;
            }
            let waits = module.facts.is_mapping
                || match name {
                    Name::Own => has_address_in(row, module),
                    // Which of them an address lies in, only the crash's own frames tell.
                    Name::Shared => {
                        has_address_of(row, image, read(crashes, &mut self.chunk, chunk)?, *slot)
                    }
                };
            if waits {
                module.waiting += 1;
                module.groups.insert(row.group);
            }
        }
        Ok(())
    }
}

/// The chunk of this number, which is read unless it is the `last` one.
fn read<'l>(
    crashes: &Crashes,
    last: &'l mut Option<(u64, Chunk)>,
    number: u64,
) -> Result<&'l Chunk, Error> {
    let known = last.take().filter(|(known, _)| *known == number);
    let chunk = match known {
        Some((_, chunk)) => chunk,
        None => crashes.chunk(number)?.ok_or_else(|| crashes.database.damaged())?,
    };
    Ok(&last.insert((number, chunk)).1)
}

/// Whether the fingerprint has an address in a module of the name of `module`.
fn has_address_in(row: &FingerprintRow, module: &Counted) -> bool {
    let address = format!("{}+0x", module.facts.name.as_deref().unwrap_or("?"));
    row.frames.iter().any(|frame| frame.starts_with(&address))
}

/// Whether the fingerprint has the address of a frame in `image` of the crash at `slot`.
fn has_address_of(row: &FingerprintRow, image: [u8; 16], chunk: &Chunk, slot: u16) -> bool {
    let Some(crash) = chunk.crash(slot) else { return false };
    let is_in = |stored: &StoredImage| {
        stored.id.as_ref().is_some_and(|id| id.keys().any(|key| key == image))
    };
    chunk.frames(crash).iter().any(|frame| match frame.place {
        Place::Image { image, .. } => {
            chunk.image(image).is_some_and(is_in)
                && row.frames.contains(&chunk.spelled(frame.place))
        }
        _ => false,
    })
}

/// What a chunk with crashes in an image says of it. Nothing if that is the other reading of an id
/// that has two.
fn describe(image: [u8; 16], chunk: &Chunk) -> Counted {
    let is_meant = |stored: &&StoredImage| {
        stored.id.as_ref().is_some_and(|id| id.keys().next() == Some(image))
    };
    let found = chunk.images().iter().find(is_meant);
    let facts = found.map(|stored| ImageFacts::of(chunk, stored)).unwrap_or_default();
    Counted { facts, ..Counted::default() }
}
