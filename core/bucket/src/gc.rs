//! Removes what killed writers, lost races and newer commits have left in a bucket.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::BucketError;
use crate::bucket::Bucket;
use crate::keys::{self, IDS, MODULES, NAMES, PROBES, SEGMENTS};
use crate::limits::{MAX_REQUESTS, ORPHAN_SECONDS};
use crate::objects::Listed;

/// What was found in a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Garbage {
    /// Modules.
    pub modules: u64,
    /// Segments that no module refers to.
    pub segments: u64,
    /// Markers of ids and names that lead to no module, or to an older time of one.
    pub markers: u64,
    /// What probes have left.
    pub probes: u64,
    /// Those of the three that are too young to be taken for left over.
    pub young: u64,
}

impl Bucket {
    /// Removes what nothing has referred to for a day, and what has not been written in that time;
    /// only counts it if `is_dry_run`.
    ///
    /// # Errors
    /// If the bucket cannot be listed, or something cannot be removed.
    pub fn collect_garbage(&self, is_dry_run: bool) -> Result<Garbage, BucketError> {
        self.connection.wait(self.collect(Duration::from_secs(ORPHAN_SECONDS), is_dry_run))
    }

    pub(crate) async fn collect(
        &self,
        age: Duration,
        is_dry_run: bool,
    ) -> Result<Garbage, BucketError> {
        // What is committed later than this was listed refers to what is young.
        let mut listed = Vec::new();
        for folder in [SEGMENTS, IDS, NAMES, PROBES] {
            listed.extend(self.objects().list(folder).await?);
        }
        let entries = self.read_all().await?;
        let mut used: HashSet<String> = HashSet::new();
        for entry in &entries {
            used.insert(keys::segment(&entry.slot, &entry.segment));
            used.extend(self.keys.markers(&entry.record, &entry.slot, entry.time));
        }
        let mut garbage = Garbage { modules: entries.len() as u64, ..Garbage::default() };
        // By the clock of the storage, as all other times here.
        let commits = self.objects().list(MODULES).await?;
        let committed: HashMap<&str, SystemTime> = commits
            .iter()
            .filter_map(|it| Some((it.key.strip_prefix(MODULES)?, it.modified)))
            .collect();
        let now = SystemTime::now();
        let mut gone: Vec<Listed> = Vec::new();
        for object in listed.into_iter().filter(|object| !used.contains(&object.key)) {
            // What a commit replaced has been unused since then; readers may still ask for it.
            let commit = keys::slot_of(&object.key).and_then(|slot| committed.get(slot));
            let since = commit.map_or(object.modified, |commit| object.modified.max(*commit));
            if now.duration_since(since).is_ok_and(|unused| unused >= age) {
                garbage.count(&object.key);
                gone.push(object);
            } else {
                garbage.young += 1;
            }
        }
        if !is_dry_run {
            let remove = gone.into_iter().map(|object| self.remove_unused(object));
            stream::iter(remove).buffer_unordered(MAX_REQUESTS).try_collect::<()>().await?;
        }
        Ok(garbage)
    }

    /// Removes `object`, unless somebody has written it again, or its module refers to it now.
    async fn remove_unused(&self, object: Listed) -> Result<(), BucketError> {
        let is_as_listed = self.objects().modified(&object.key).await? == Some(object.modified);
        if is_as_listed && !self.is_used(&object.key).await? {
            self.objects().delete(&object.key).await?;
        }
        Ok(())
    }

    /// Whether a module refers to the object at `key`: it is asked itself, as lists may lack one.
    async fn is_used(&self, key: &str) -> Result<bool, BucketError> {
        let Some(slot) = keys::slot_of(key) else { return Ok(false) };
        Ok(self.entry(slot).await?.is_some_and(|entry| {
            let markers = self.keys.markers(&entry.record, slot, entry.time);
            keys::segment(slot, &entry.segment) == key || markers.iter().any(|it| it == key)
        }))
    }
}

impl Garbage {
    fn count(&mut self, key: &str) {
        let count = if key.starts_with(SEGMENTS) {
            &mut self.segments
        } else if key.starts_with(PROBES) {
            &mut self.probes
        } else {
            &mut self.markers
        };
        *count += 1;
    }
}
