//! Finds the modules that crashes wait for, by the index of images.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, btree_map};

use symtool_report::ImageKind;

use crate::fingerprint::Modules;
use crate::ids::{GroupId, SignatureId};
use crate::stored::state::{SignatureKind, SignatureRow, State};
use crate::stored::{Chunk, Crashes, StoredImage, rows};
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
    /// Groups of those that wait.
    pub groups: BTreeSet<GroupId>,
}

/// What is known of a signature.
type Known = HashMap<SignatureId, SignatureRow>;

impl Crashes {
    /// The modules that stored crashes have frames in and that are not among `modules`: first those for which most groups wait, then most
    /// crashes.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn missing(&self, modules: &Modules<'_>) -> Result<Vec<Missing>, Error> {
        let there: BTreeSet<[u8; 16]> = modules.iter().flat_map(|(_, keys)| keys).collect();
        let mut missing: BTreeMap<[u8; 16], Missing> = BTreeMap::new();
        let (mut states, mut known): (HashMap<u64, Vec<State>>, Known) = Default::default();
        // Most of them are in the first chunk already.
        let mut last: Option<(u64, Chunk)> = None;
        self.database.each(rows::area::IMAGES, rows::area::IMAGES, |key, value| {
            let (Some(image), Some(chunk)) = (key.get(1..17).and_then(|key| key.try_into().ok()), rows::last_number(key)) else {
                return Err(self.database.damaged());
            };
            if there.contains(&image) {
                return Ok(true);
            }
            let module = match missing.entry(image) {
                btree_map::Entry::Occupied(known) => known.into_mut(),
                btree_map::Entry::Vacant(new) => {
                    if last.as_ref().is_none_or(|(number, _)| *number != chunk) {
                        last = Some((chunk, self.chunk(chunk)?.ok_or_else(|| self.database.damaged())?));
                    }
                    new.insert(last.as_ref().map(|(_, chunk)| describe(image, chunk)).unwrap_or_default())
                }
            };
            let states = match states.entry(chunk) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(self.states(chunk)?),
            };
            let slots: Vec<u16> = self.database.decode(&value)?;
            self.count(module, &slots, states, &mut known)?;
            Ok(true)
        })?;
        let mut missing: Vec<Missing> = missing.into_values().filter(|module| !module.id.is_empty()).collect();
        missing.sort_by(|a, b| {
            let weight = |module: &Missing| std::cmp::Reverse((module.groups.len(), module.waiting, module.crashes));
            (weight(a), &a.name, &a.id).cmp(&(weight(b), &b.name, &b.id))
        });
        Ok(missing)
    }

    fn count(&self, module: &mut Missing, slots: &[u16], states: &[State], known: &mut Known) -> Result<(), Error> {
        // As signatures spell an address without name.
        let address = format!("{}+0x", module.name.as_deref().unwrap_or("?"));
        for state in slots.iter().filter_map(|slot| states.get(usize::from(*slot))).filter(|state| state.is_shown()) {
            module.crashes += 1;
            let row = match known.entry(state.signature) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let row: Option<SignatureRow> = self.database.get(&rows::signature(state.signature))?;
                    new.insert(row.ok_or_else(|| self.database.damaged())?)
                }
            };
            let waits = || module.is_mapping || row.frames.iter().any(|frame| frame.starts_with(&address));
            if row.kind != SignatureKind::Resolved && waits() {
                module.waiting += 1;
                module.groups.insert(row.group);
            }
        }
        Ok(())
    }
}

/// What a chunk with crashes in an image says of it. Nothing if that is the other reading of an id that has two.
fn describe(image: [u8; 16], chunk: &Chunk) -> Missing {
    let is_meant = |stored: &&StoredImage| stored.id.as_ref().is_some_and(|id| id.keys().next() == Some(image));
    let text = |text| chunk.text_of(text).map(str::to_owned);
    let of_image = |stored: &StoredImage| Missing {
        name: if stored.kind == ImageKind::Proguard { Some("mapping.txt".to_owned()) } else { text(stored.name) },
        is_mapping: stored.kind == ImageKind::Proguard,
        path: text(stored.path),
        id: text(stored.spelled_id).unwrap_or_default(),
        arch: text(stored.arch),
        ..Missing::default()
    };
    chunk.images().iter().find(is_meant).map(of_image).unwrap_or_default()
}
