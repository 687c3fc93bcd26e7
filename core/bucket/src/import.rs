//! Imports files into a bucket.
//!
//! ```text
//! expect     which modules the files are of; what the bucket has of these is fetched into a store on the side
//! import     into that store, which completes them as any store does
//! publish    what has changed; who loses to another writer fetches what that one wrote, and imports again
//! ```

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use symtool_core::Import;
use symtool_core::import::{Event, Events, ExpectedModule, Outcome, Report, Summary};
use symtool_store::database::Lock;
use symtool_store::seal::MasterKey;
use symtool_store::{Module, ModuleKey, Reader, Store};

use crate::BucketError;
use crate::bucket::Bucket;
use crate::entry::{Entry, key_of};
use crate::find::Wanted;
use crate::limits::{CHANGE_ROUNDS, MAX_REQUESTS};
use crate::publish::{Offer, Published};

/// An import into a bucket.
pub struct BucketImport<'i> {
    /// The bucket.
    pub bucket: &'i Bucket,
    /// Its key.
    pub key: Option<MasterKey>,
    /// Where files on the way may lie.
    pub folder: &'i Path,
    /// How long other processes are waited for.
    pub wait: Duration,
    /// What to import: the same each time.
    pub import: &'i dyn Fn() -> Import,
}

impl std::fmt::Debug for BucketImport<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BucketImport").field("bucket", &self.bucket.place()).finish_non_exhaustive()
    }
}

impl BucketImport<'_> {
    /// Imports everything. `events` is told what happens meanwhile; that a file is done, when its
    /// module is in the bucket.
    ///
    /// # Errors
    /// If the bucket or the folder cannot be used, or `events` returns an error. What is wrong with
    /// a file is its [`Report`].
    pub fn run(&self, events: Events<'_>) -> Result<Summary, BucketError> {
        let io = |cause| BucketError::io(self.folder, cause);
        std::fs::create_dir_all(self.folder).map_err(io)?;
        let (_in_use, folder) = side_folder(self.folder, self.wait)?;
        let store = Store::at(&folder.path().join("store"), Duration::ZERO);
        let store = store.with_key(self.key.clone());
        self.bucket.create_like(&store)?;
        let side = Side { import: self, store, folder: folder.path() };
        let mut known = HashMap::new();
        side.fetch(&self.expected(&side.store)?, &mut known)?;
        let (mut summary, mut reports) = side.read(events, true)?;
        let is_dry_run = (self.import)().dry_run;
        let mut lost = if is_dry_run { Vec::new() } else { side.publish(&mut known)? };
        for _ in 0..CHANGE_ROUNDS {
            if lost.is_empty() {
                tell(&mut summary, reports, events)?;
                return Ok(summary);
            }
            side.fetch(&lost, &mut known)?;
            let (_, again) = side.read(events, false)?;
            replace(&mut reports, again, &lost);
            lost = side.publish(&mut known)?;
        }
        let what = self.bucket.keys.slot(lost[0]);
        Err(BucketError::Contended { place: self.bucket.place().to_owned(), what })
    }

    /// The modules that the files are of, as far as their heads say.
    fn expected(&self, store: &Store) -> Result<Vec<ModuleKey>, BucketError> {
        let keys = Mutex::new(Vec::new());
        let import = Import { dry_run: true, ..(self.import)() };
        import.run(store, &|event| {
            if let Event::Done(Report { outcome: Outcome::Expected(module), .. }) = event {
                let mut keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
                keys.extend(expected_key(&module));
            }
            Ok(())
        })?;
        let mut keys = keys.into_inner().unwrap_or_else(PoisonError::into_inner);
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }
}

/// A new folder in `folder`, and what says that it is in use. Those of importers that were killed are
/// removed.
fn side_folder(folder: &Path, wait: Duration) -> Result<(Lock, tempfile::TempDir), BucketError> {
    const PREFIX: &str = "import-";
    let io = |cause| BucketError::io(folder, cause);
    // One process at a time looks who is there.
    let _alone = Lock::exclusive(&folder.join("imports.lock"), wait)?;
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let is_side = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if is_side && Lock::alone(&entry.path().join("lock")).is_some() {
            // Its importer may be removing it itself; what is left goes with the next import.
            drop(std::fs::remove_dir_all(entry.path()));
        }
    }
    let side = tempfile::Builder::new().prefix(PREFIX).tempdir_in(folder).map_err(io)?;
    let in_use = Lock::exclusive(&side.path().join("lock"), wait)?;
    // The folder goes first, while the lock is still held.
    Ok((in_use, side))
}

fn expected_key(module: &ExpectedModule) -> Option<ModuleKey> {
    let id = hex::decode(module.id.as_str()).ok()?;
    Some(ModuleKey::of_build(module.kind.known()?, &id, &module.arch))
}

/// The store in which modules are completed.
struct Side<'i> {
    import: &'i BucketImport<'i>,
    store: Store,
    folder: &'i Path,
}

impl Side<'_> {
    /// Makes of `keys` what the bucket has of them, which is then `known`.
    fn fetch(
        &self,
        keys: &[ModuleKey],
        known: &mut HashMap<ModuleKey, Entry>,
    ) -> Result<(), BucketError> {
        let bucket = self.import.bucket;
        for keys in keys.chunks(MAX_REQUESTS) {
            let wanted: Vec<Wanted> = keys.iter().map(|key| Wanted::Key(*key)).collect();
            let entries: Vec<Entry> = bucket.find(&wanted)?.into_iter().flatten().collect();
            let refs: Vec<&Entry> = entries.iter().collect();
            self.store.take(&bucket.packed(&self.store, self.folder, &refs)?)?;
            known.extend(entries.into_iter().map(|entry| (entry.key, entry)));
        }
        Ok(())
    }

    /// Imports the files into the store. Returns what became of each.
    fn read(
        &self,
        events: Events<'_>,
        is_first: bool,
    ) -> Result<(Summary, Vec<Report>), BucketError> {
        let reports = Mutex::new(Vec::new());
        let summary = (self.import.import)().run(&self.store, &|event| match event {
            Event::Done(report) => {
                reports.lock().unwrap_or_else(PoisonError::into_inner).push(report);
                Ok(())
            }
            event if is_first => events(event),
            _ => Ok(()),
        })?;
        Ok((summary, reports.into_inner().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Commits the modules that are not as they are `known`. Returns those that others have changed
    /// meanwhile.
    fn publish(
        &self,
        known: &mut HashMap<ModuleKey, Entry>,
    ) -> Result<Vec<ModuleKey>, BucketError> {
        let reader = match self.store.read() {
            Err(symtool_store::Error::Missing(_)) => return Ok(Vec::new()),
            reader => reader?,
        };
        let catalog = reader.catalog();
        let is_new = |module: &&Module| {
            known.get(&module.generation.module).is_none_or(|entry| !is_same(entry, module))
        };
        let changed: Vec<&Module> = catalog.modules()?.iter().filter(is_new).collect();
        let mut lost = Vec::new();
        for some in changed.chunks(MAX_REQUESTS) {
            let offers: Vec<Offer> = some
                .iter()
                .map(|module| offer(&reader, module, known))
                .collect::<Result<_, _>>()?;
            for (offer, published) in offers.iter().zip(self.import.bucket.publish(&offers)?) {
                match published {
                    Published::Done(entry) => drop(known.insert(offer.key, *entry)),
                    Published::Lost => lost.push(offer.key),
                }
            }
        }
        Ok(lost)
    }
}

/// Whether the bucket has `module` as it is, whenever it was stored.
fn is_same(entry: &Entry, module: &Module) -> bool {
    let mut record = module.record.clone();
    (record.imported, record.imported_ms) = (entry.record.imported, entry.record.imported_ms);
    module.contents == entry.contents && record == entry.record
}

fn offer(
    reader: &Reader,
    module: &Module,
    known: &HashMap<ModuleKey, Entry>,
) -> Result<Offer, BucketError> {
    let key = module.generation.module;
    Ok(Offer {
        key,
        record: module.record.clone(),
        contents: module.contents,
        segment: reader.shared_segment(module)?,
        before: known.get(&key).cloned(),
    })
}

/// What became of the files of modules that were `lost` is what became of them `again`.
fn replace(reports: &mut [Report], again: Vec<Report>, lost: &[ModuleKey]) {
    let mut again: HashMap<PathBuf, Report> =
        again.into_iter().map(|report| (report.path.clone(), report)).collect();
    for report in reports {
        let Outcome::Imported { module, .. } = &report.outcome else { continue };
        if key_of(module).is_some_and(|key| lost.contains(&key))
            && let Some(newer) = again.remove(&report.path)
        {
            *report = newer;
        }
    }
}

/// Tells that the files are done, and counts what became of them.
fn tell(
    summary: &mut Summary,
    reports: Vec<Report>,
    events: Events<'_>,
) -> Result<(), BucketError> {
    let mut counted = Summary::default();
    reports.iter().for_each(|report| counted.count(report));
    counted.failed += u64::from(summary.id_is_unused);
    let Summary { skipped, companions, id_is_unused, .. } = *summary;
    *summary = Summary { skipped, companions, id_is_unused, ..counted };
    let told: io::Result<()> =
        reports.into_iter().try_for_each(|report| events(Event::Done(report)));
    told.map_err(|cause| symtool_core::Error::Receiver(cause).into())
}
