//! Removes what killed writers, lost races and newer commits have left in a bucket.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::BucketError;
use crate::bucket::Bucket;
use crate::keys::{self, IDS, NAMES, PROBES, SEGMENTS};
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
    /// Removes what nothing refers to and what has not been written for a day; only counts it if
    /// `is_dry_run`.
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
        let now = SystemTime::now();
        let mut gone: Vec<Listed> = Vec::new();
        for object in listed.into_iter().filter(|object| !used.contains(&object.key)) {
            if now.duration_since(object.modified).is_ok_and(|unused| unused >= age) {
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

    /// Removes `object`, unless somebody has written it again: it is in use, then.
    async fn remove_unused(&self, object: Listed) -> Result<(), BucketError> {
        match self.objects().modified(&object.key).await? {
            Some(modified) if modified == object.modified => {
                self.objects().delete(&object.key).await
            }
            _ => Ok(()),
        }
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
