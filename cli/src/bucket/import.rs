//! `symtool import` into a bucket.

use std::sync::Arc;

use anyhow::Result;
use symtool_bucket::{BucketImport, CachedBucket};
use symtool_core::import::{Events, Summary};

use super::failed;

/// Imports into the bucket behind `cache` what `import` says, which is the same each time.
///
/// # Errors
/// If the bucket or the cache cannot be used.
pub fn run(
    cache: &CachedBucket,
    import: &dyn Fn() -> symtool_core::Import,
    events: Events<'_>,
) -> Result<Summary> {
    // One that only looks makes no bucket.
    let bucket = if import().dry_run {
        cache.bucket().map_err(failed)?
    } else {
        Arc::new(cache.open_for_writing().map_err(failed)?)
    };
    let (key, folder) = (cache.key().cloned(), cache.folder());
    let job = BucketImport { bucket: &bucket, key, folder, wait: cache.wait(), import };
    let summary = job.run(events);
    // What this machine did not find before may be there now, even if not all was imported.
    cache.forget_missing().map_err(failed)?;
    summary.map_err(failed)
}
