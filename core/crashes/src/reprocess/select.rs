//! Which crashes a run has to look at: those with frames in modules that the last run did not know
//! as they are now, and those that were added meanwhile with other modules or rules than its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::fingerprint::{Assessor, ENGINE};
use crate::stored::database::Database;
use crate::stored::state::{LastRun, Pending};
use crate::stored::{Crashes, ModuleChange, rows};
use symtool_module::BuildId;
use symtool_store::Error;

/// What has changed since the last run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Modules that came, were replaced or went.
    pub modules: Vec<ChangedModule>,
    /// Whether rules, or this program's own part, are others than before.
    pub rules: bool,
    /// Whether crashes were added by other rules, or by another version of this program.
    pub other_rules: bool,
    /// What the last run knew of modules that has changed: before and after.
    pub known: Vec<KnownChange>,
    /// Chunks that were assessed with something else than the last run applied.
    pub pending: Vec<(u64, Pending)>,
}

/// What is known of the modules that the index of images files under one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownChange {
    /// The key.
    pub key: [u8; 16],
    /// Their digest when the last run was carried out; absent if there were none.
    pub before: Option<u64>,
    /// Their digest now.
    pub after: Option<u64>,
}

/// A module that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedModule {
    /// Its keys in the index of images: one for each id that it goes by.
    pub keys: Vec<[u8; 16]>,
    /// File name; absent for one that has gone.
    pub name: Option<String>,
    /// The id in hexadecimal; of one that has gone, its first 16 bytes.
    pub id: BuildId,
    /// What happened.
    pub change: ModuleChange,
}

/// Crashes that a run looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selected {
    /// All of them.
    All,
    /// Those in these slots of these chunks.
    Some(BTreeMap<u64, BTreeSet<u16>>),
}

/// What has changed since the last run.
///
/// # Errors
/// If its rows cannot be read.
pub fn changed(database: &Database, assessor: &Assessor<'_>) -> Result<Changed, Error> {
    let last: LastRun = database.get(rows::LAST_RUN)?.unwrap_or_default();
    let mut before: HashMap<[u8; 16], u64> = HashMap::new();
    for (key, digest) in database.all(rows::area::KNOWN)? {
        before.extend(
            key.get(1..).and_then(|key| key.try_into().ok()).map(|key: [u8; 16]| (key, digest)),
        );
    }
    let mut known: Vec<KnownChange> = Vec::new();
    for (key, digest) in assessor.modules().digests() {
        let before = before.remove(&key);
        known.extend((before != Some(digest)).then_some(KnownChange {
            key,
            before,
            after: Some(digest),
        }));
    }
    let gone: BTreeSet<[u8; 16]> = before.keys().copied().collect();
    let what = |change: &KnownChange| match change.before {
        Some(_) => ModuleChange::Replaced,
        None => ModuleChange::Imported,
    };
    let mut happened: HashMap<[u8; 16], ModuleChange> =
        known.iter().map(|change| (change.key, what(change))).collect();
    let mut modules = Vec::new();
    for (module, keys) in assessor.modules().iter().filter(|_| !known.is_empty()) {
        // Each key once: slices of a universal file share theirs.
        let changed: Vec<_> = keys.iter().filter_map(|key| happened.remove(key)).collect();
        if let Some(change) = changed.first() {
            modules.push(ChangedModule {
                keys,
                name: Some(module.record.name.clone()),
                id: module.record.id.clone(),
                change: *change,
            });
        }
    }
    modules.sort_by(|a, b| a.keys.cmp(&b.keys));
    modules.extend(gone.iter().map(|key| ChangedModule {
        keys: vec![*key],
        name: None,
        id: hex::encode(key).into(),
        change: ModuleChange::Removed,
    }));
    known.extend(gone.iter().map(|key| KnownChange {
        key: *key,
        before: before.get(key).copied(),
        after: None,
    }));
    let mut pending: Vec<(u64, Pending)> = Vec::new();
    for (key, value) in database.all(rows::area::PENDING)? {
        pending.push((rows::last_number(&key).ok_or_else(|| database.damaged())?, value));
    }
    let now = LastRun { rules: assessor.rules().version(), engine: ENGINE };
    let is_other = |(_, pending): &(u64, Pending)| {
        LastRun { rules: pending.rules, engine: pending.engine } != now
    };
    let other_rules = pending.iter().any(is_other);
    Ok(Changed { modules, rules: last != now, other_rules, known, pending })
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
    for (chunk, pending) in &changed.pending {
        let slots = selected.entry(*chunk).or_default();
        let used = LastRun { rules: pending.rules, engine: pending.engine };
        if crashes.database.get(rows::LAST_RUN)? != Some(used) {
            slots.extend((0..=u16::MAX).take(crashes.states(*chunk)?.len()));
        }
        for (image, _) in &pending.modules {
            let of_image: Option<Vec<u16>> = crashes.database.get(&rows::image(image, *chunk))?;
            slots.extend(of_image.into_iter().flatten());
        }
    }
    selected.retain(|_, slots| !slots.is_empty());
    Ok(Selected::Some(selected))
}
