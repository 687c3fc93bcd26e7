//! A bucket behind a store on disk: what is asked for is brought into the store, and answered from
//! there.
//!
//! ```text
//! FOLDER/bucket       which bucket it is the cache of
//! FOLDER/store/       the store (symtool-store), sealed with the bucket's own keys
//! FOLDER/used/KEY     when the module was asked for last: its time of modification (quota.rs)
//! FOLDER/missing/HASH what was not there, and when (missing.rs)
//! FOLDER/lock         shared while modules are opened, alone while some are removed
//! ```
//!
//! A reader sees the store as it was when it was opened, whatever is removed then
//! ([`symtool_store::Reader`]). So the lock is needed only from the moment at which all that is
//! wanted is there to the moment at which it has been opened.

mod missing;
mod quota;

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use symtool_debug::ModuleInfo;
use symtool_store::database::{Extents, Lock};
use symtool_store::pack::Packed;
use symtool_store::seal::{MasterKey, Seal};
use symtool_store::{Generation, Module, ModuleKey, ModuleRecord, Named, Reader, Store};

use crate::BucketError;
use crate::bucket::{Bucket, Connection};
use crate::entry::Entry;
use crate::find::Wanted;
use crate::limits::MAX_REQUESTS;

/// How often modules are brought that others remove meanwhile.
const BRING_TRIES: usize = 8;

/// How a bucket is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// Whether no request is made: what is not in the cache is an error.
    pub is_offline: bool,
    /// How long it is believed that something is not there.
    pub retry_missing: Duration,
    /// Bytes that modules may take in the cache.
    pub quota: Option<u64>,
    /// How long other processes are waited for.
    pub wait: Duration,
}

/// A bucket, and the folder that caches it.
#[derive(Debug)]
pub struct CachedBucket {
    connection: Connection,
    key: Option<MasterKey>,
    folder: PathBuf,
    store: Store,
    options: CacheOptions,
    bucket: Mutex<Option<Arc<Bucket>>>,
    met: Mutex<HashMap<Wanted, Vec<Build>>>,
}

/// A module that was found.
#[derive(Clone, Debug)]
pub struct Build {
    /// The module.
    pub key: ModuleKey,
    /// What it is.
    pub record: ModuleRecord,
    /// What the bucket has of it; `None` if only the cache was asked.
    entry: Option<Entry>,
}

/// Modules with all their blocks.
#[derive(Debug)]
pub struct Brought {
    /// The store that has them.
    pub reader: Reader,
    /// The modules, each once.
    pub modules: Vec<Module>,
}

impl CachedBucket {
    /// The bucket that `connection` leads to, cached in `folder`. No request is made yet.
    pub fn new(
        connection: Connection,
        key: Option<MasterKey>,
        folder: &Path,
        options: CacheOptions,
    ) -> Self {
        let store = Store::at(&folder.join("store"), options.wait).with_key(key.clone());
        let (bucket, met) = (Mutex::new(None), Mutex::new(HashMap::new()));
        Self { connection, key, folder: folder.to_owned(), store, options, bucket, met }
    }

    /// What the bucket is called.
    pub fn place(&self) -> &str {
        self.connection.place()
    }

    /// How requests are made.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The key at hand.
    pub fn key(&self) -> Option<&MasterKey> {
        self.key.as_ref()
    }

    /// How long other processes are waited for.
    pub fn wait(&self) -> Duration {
        self.options.wait
    }

    /// The folder of the cache.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The bucket, which is made if there is none.
    ///
    /// # Errors
    /// If it cannot be, or its storage cannot be written by several at once.
    pub fn open_for_writing(&self) -> Result<Bucket, BucketError> {
        if self.options.is_offline {
            return Err(self.offline(crate::keys::HEAD));
        }
        self.connection.open_or_create(self.key.as_ref())
    }

    /// All modules of the bucket; offline, of the cache.
    ///
    /// # Errors
    /// If they cannot be listed and read.
    pub fn all(&self) -> Result<Vec<Build>, BucketError> {
        if self.options.is_offline {
            let reader = match self.store.read() {
                Err(symtool_store::Error::Missing(_)) => {
                    return Err(self.offline("the list of modules"));
                }
                reader => reader?,
            };
            return Ok(reader.catalog().modules()?.iter().cloned().map(Build::cached).collect());
        }
        Ok(self.bucket()?.all()?.into_iter().map(Build::of).collect())
    }

    /// The bucket, which is opened when it is needed first.
    ///
    /// # Errors
    /// If it cannot be, or the folder is the cache of another one.
    pub fn bucket(&self) -> Result<Arc<Bucket>, BucketError> {
        let mut opened = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = &*opened {
            return Ok(Arc::clone(bucket));
        }
        if self.options.is_offline {
            return Err(self.offline(crate::keys::HEAD));
        }
        let bucket = Arc::new(self.connection.open(self.key.as_ref())?);
        self.bind(&bucket)?;
        bucket.create_like(&self.store)?;
        Ok(Arc::clone(opened.insert(bucket)))
    }

    fn offline(&self, what: &str) -> BucketError {
        BucketError::Offline { place: self.place().to_owned(), what: what.to_owned() }
    }

    /// Makes the folder the cache of `bucket`, if it is none yet.
    fn bind(&self, bucket: &Bucket) -> Result<(), BucketError> {
        let path = self.folder.join("bucket");
        let io = |cause| BucketError::io(&path, cause);
        let own = format!("{}\n{}\n", bucket.place(), bucket.head.id);
        for folder in ["", "used", "missing"] {
            fs::create_dir_all(self.folder.join(folder)).map_err(io)?;
        }
        let mut draft = tempfile::NamedTempFile::new_in(&self.folder).map_err(io)?;
        draft.write_all(own.as_bytes()).map_err(io)?;
        // Another process may have been faster.
        drop(draft.persist_noclobber(&path));
        let known = fs::read_to_string(&path).map_err(io)?;
        if known == own {
            return Ok(());
        }
        let other = known.lines().next().unwrap_or_default().to_owned();
        Err(BucketError::OtherCache { folder: self.folder.clone(), other })
    }

    /// What there is of each of `wanted`, in their order: asked once, however often it is wanted.
    ///
    /// # Errors
    /// If that is not known. What is not there is no error.
    pub fn find(&self, wanted: &[Wanted]) -> Result<Vec<Vec<Build>>, BucketError> {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        let mut unknown: Vec<Wanted> =
            wanted.iter().filter(|wanted| !met.contains_key(wanted)).cloned().collect();
        unknown.sort_by_cached_key(|wanted| format!("{wanted:?}"));
        unknown.dedup();
        if self.options.is_offline {
            for wanted in unknown {
                let found = self.find_offline(&wanted)?;
                met.insert(wanted, found);
            }
        } else if !unknown.is_empty() {
            let bucket = self.bucket()?;
            let (absent, asked): (Vec<_>, Vec<_>) =
                unknown.into_iter().partition(|wanted| self.is_missing(Some(&bucket), wanted));
            met.extend(absent.into_iter().map(|wanted| (wanted, Vec::new())));
            for (wanted, entries) in asked.iter().zip(bucket.find(&asked)?) {
                self.note_missing(&bucket, wanted, entries.is_empty());
                met.insert(wanted.clone(), entries.into_iter().map(Build::of).collect());
            }
        }
        Ok(wanted.iter().map(|wanted| met.get(wanted).cloned().unwrap_or_default()).collect())
    }

    /// What the cache alone has of `wanted`.
    fn find_offline(&self, wanted: &Wanted) -> Result<Vec<Build>, BucketError> {
        let reader = match self.store.read() {
            Err(symtool_store::Error::Missing(_)) => return Err(self.offline(&wanted.to_string())),
            reader => reader?,
        };
        let catalog = reader.catalog();
        let found: Vec<Module> = match wanted {
            Wanted::Key(key) => reader.module_at(*key)?.into_iter().collect(),
            Wanted::Id(digits) => catalog.with_id(digits)?.into_iter().cloned().collect(),
            Wanted::Name(names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                match catalog.named_any(&names)? {
                    Named::One(module) => vec![module.clone()],
                    Named::Several(modules) => modules.into_iter().cloned().collect(),
                    Named::Unknown => Vec::new(),
                }
            }
        };
        if found.is_empty() && !self.is_missing(None, wanted) {
            return Err(self.offline(&wanted.to_string()));
        }
        Ok(found.into_iter().map(Build::cached).collect())
    }

    /// The modules `builds`, brought into the cache if need be.
    ///
    /// # Errors
    /// If they cannot be brought.
    pub fn bring(&self, builds: &[Build]) -> Result<Brought, BucketError> {
        let mut entries: Vec<&Build> = builds.iter().collect();
        entries.sort_by_key(|build| build.key);
        entries.dedup_by_key(|build| build.key);
        for _ in 0..BRING_TRIES {
            let lock = Lock::shared(&self.folder.join("lock"), self.options.wait)?;
            let reader = self.store.read()?;
            let (there, lacking) = there(&reader, &entries)?;
            if lacking.is_empty() {
                drop(lock);
                self.note_used(there.iter().map(|module| module.generation.module));
                return Ok(Brought { reader, modules: there });
            }
            drop((lock, reader));
            if self.options.is_offline {
                return Err(self.offline(&lacking[0].record.name));
            }
            for some in lacking.chunks(MAX_REQUESTS) {
                self.fetch(some)?;
            }
            self.evict(&entries)?;
        }
        let what = entries.first().map_or("", |build| &build.record.name);
        Err(self.connection.objects.error(what, "others remove it from the cache each time"))
    }

    /// Puts the segments of `builds` into the store.
    fn fetch(&self, builds: &[&Build]) -> Result<(), BucketError> {
        let bucket = self.bucket()?;
        let entries: Vec<&Entry> = builds.iter().filter_map(|it| it.entry.as_ref()).collect();
        let packed = bucket.packed(&self.store, &self.folder, &entries)?;
        // Before it is there, so that no other process takes it for what was used least lately.
        self.note_used(builds.iter().map(|build| build.key));
        Ok(self.store.take(&packed)?)
    }
}

/// Those of `builds` that `reader` has as they are in the bucket, and the others.
fn there<'b>(
    reader: &Reader,
    builds: &[&'b Build],
) -> Result<(Vec<Module>, Vec<&'b Build>), BucketError> {
    let (mut there, mut lacking) = (Vec::new(), Vec::new());
    for build in builds {
        let is_same =
            |module: &Module| build.entry.as_ref().is_none_or(|entry| entry.is_of(module));
        match reader.module_at(build.key)?.filter(is_same) {
            Some(module) => there.push(module),
            None => lacking.push(*build),
        }
    }
    Ok((there, lacking))
}

impl Build {
    /// The module as far as its record says: without its blocks.
    pub fn module(&self) -> Module {
        let (generation, contents) =
            (Generation { module: self.key, number: 0, change: 0 }, [0; 32]);
        let (record, extents) = (self.record.clone(), Extents::new());
        Module { generation, record, seal: Seal::Open, extents, contents }
    }

    fn cached(module: Module) -> Self {
        Self { key: module.generation.module, record: module.record, entry: None }
    }

    fn of(entry: Entry) -> Self {
        Self { key: entry.key, record: entry.record.clone(), entry: Some(entry) }
    }
}

impl Bucket {
    /// Makes `store`, with the bucket's own keys: what is sealed here opens there.
    ///
    /// # Errors
    /// If it cannot be made, or has other keys.
    pub fn create_like(&self, store: &Store) -> Result<(), BucketError> {
        match self.ring()? {
            Some(ring) => Ok(store.create_with_ring(&ring)?),
            None => Ok(store.create()?),
        }
    }

    /// The modules of `entries`, as `store` takes them, each with its time. Files on the way lie in
    /// `folder`.
    ///
    /// # Errors
    /// If one cannot be had, or is not what its entry says.
    pub fn packed(
        &self,
        store: &Store,
        folder: &Path,
        entries: &[&Entry],
    ) -> Result<Vec<(Packed, u64)>, BucketError> {
        let io = |cause| BucketError::io(folder, cause);
        let segments = stream::iter(entries.iter().copied()).map(|entry| self.segment(entry));
        let segments: Vec<crate::Bytes> =
            self.connection.wait(segments.buffered(MAX_REQUESTS).try_collect())?;
        let mut packed = Vec::with_capacity(entries.len());
        for (entry, segment) in entries.iter().zip(segments) {
            let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
            file.write_all(&segment).map_err(io)?;
            let mut modules = store.read_segment(file.path())?;
            modules.retain(|module| module.key == entry.key);
            let module = modules.pop().ok_or_else(|| self.objects().altered(&entry.segment))?;
            packed.push((module, entry.time));
        }
        Ok(packed)
    }
}

/// The key of the module that `info` describes, as something wanted.
pub fn wanted_build(info: &ModuleInfo) -> Wanted {
    Wanted::Key(ModuleKey::of(info))
}
