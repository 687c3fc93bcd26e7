//! Which crashes a run has to look at: in, what the last run knew and what is there now; out, slots of crashes, by chunk.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::assess::{Assessor, ENGINE, id_digits};
use crate::crash::state::Meta;
use crate::crash::{Crashes, rows};
use crate::store::Error;

/// What has changed since the last run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Modules that came, were replaced or went.
    pub modules: Vec<ChangedModule>,
    /// Whether rules, or this program's own part, are others than before.
    pub rules: bool,
}

/// A module that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedModule {
    /// Its keys in the index of images: one for each id that it goes by.
    pub keys: Vec<[u8; 16]>,
    /// File name; absent for one that has gone.
    pub name: Option<String>,
    /// The id in hexadecimal; of one that has gone, its first 16 bytes.
    pub id: String,
    /// What happened.
    pub change: Change,
}

/// What happened to a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was imported.
    Imported,
    /// It was imported again, or completed by another file.
    Replaced,
    /// It was removed.
    Removed,
}

impl Change {
    /// The name that `--json` prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Replaced => "replaced",
            Self::Removed => "removed",
        }
    }
}

/// Crashes that a run looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selected {
    /// All of them.
    All,
    /// Those in these slots of these chunks.
    Some(BTreeMap<u64, BTreeSet<u16>>),
}

/// The modules that `assessor` knows, as [`Meta`] keeps them: each file has its key, and when it was imported. Slices of a universal file
/// that have one id are one.
pub fn known(assessor: &Assessor<'_>) -> Vec<([u8; 16], u64)> {
    let mut known: BTreeMap<[u8; 16], u64> = BTreeMap::new();
    for (module, keys) in assessor.modules().iter() {
        for key in keys {
            let imported = known.entry(key).or_default();
            *imported = (*imported).max(module.footer.imported_ms);
        }
    }
    known.into_iter().collect()
}

/// What has changed since the run that left `meta`.
pub fn changed(meta: &Meta, assessor: &Assessor<'_>) -> Changed {
    let mut before: HashMap<[u8; 16], u64> = meta.modules.iter().copied().collect();
    let mut modules = Vec::new();
    let mut happened: BTreeMap<[u8; 16], Change> = BTreeMap::new();
    for (key, imported) in known(assessor) {
        match before.remove(&key) {
            Some(known) if known == imported => {}
            Some(_) => drop(happened.insert(key, Change::Replaced)),
            None => drop(happened.insert(key, Change::Imported)),
        }
    }
    for (module, keys) in assessor.modules().iter() {
        // Each key once: slices of a universal file share theirs.
        let changed: Vec<Change> = keys.iter().filter_map(|key| happened.remove(key)).collect();
        if let Some(change) = changed.first() {
            modules.push(ChangedModule { keys, name: Some(module.footer.name.clone()), id: module.footer.id.clone(), change: *change });
        }
    }
    modules.sort_by(|a, b| a.keys.cmp(&b.keys));
    let gone: BTreeSet<[u8; 16]> = before.into_keys().collect();
    modules.extend(gone.into_iter().map(|key| ChangedModule { keys: vec![key], name: None, id: id_digits(&key), change: Change::Removed }));
    Changed { modules, rules: meta.rules != assessor.rules().version() || meta.engine != ENGINE }
}

/// The crashes that `changed` may have changed; all of them if `all`.
///
/// # Errors
/// If the index cannot be read.
pub fn select(crashes: &Crashes, changed: &Changed, all: bool) -> Result<Selected, Error> {
    if all || changed.rules {
        return Ok(Selected::All);
    }
    let mut selected: BTreeMap<u64, BTreeSet<u16>> = BTreeMap::new();
    for key in changed.modules.iter().flat_map(|module| &module.keys) {
        let prefix = rows::all_of_image(key);
        crashes.database.each(&prefix, &prefix, |key, value| {
            let chunk = rows::last_number(key).ok_or_else(|| crashes.database.damaged())?;
            let slots: Vec<u16> = crashes.database.decode(&value)?;
            selected.entry(chunk).or_default().extend(slots);
            Ok(true)
        })?;
    }
    Ok(Selected::Some(selected))
}
