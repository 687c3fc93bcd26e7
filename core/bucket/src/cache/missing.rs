//! Remembers what a bucket does not have, so that it is not asked for again and again.

use std::fs::{self, File};
use std::path::PathBuf;

use super::CachedBucket;
use crate::BucketError;
use crate::bucket::Bucket;
use crate::find::Wanted;

impl CachedBucket {
    /// Whether it is known, and not for too long, that nothing of `wanted` is there. Offline there is
    /// no `bucket`.
    pub(super) fn is_missing(&self, bucket: Option<&Bucket>, wanted: &Wanted) -> bool {
        let age =
            || fs::metadata(self.note_of(bucket, wanted)?).ok()?.modified().ok()?.elapsed().ok();
        age().is_some_and(|age| age < self.options.retry_missing)
    }

    /// Notes whether nothing of `wanted` is there. A note that cannot be written is asked for again.
    pub(super) fn note_missing(&self, bucket: &Bucket, wanted: &Wanted, is_missing: bool) {
        let Some(path) = self.note_of(Some(bucket), wanted) else { return };
        if is_missing && !self.options.retry_missing.is_zero() {
            drop(File::create(path));
        } else {
            drop(fs::remove_file(path));
        }
    }

    /// Forgets what was not there: something has come.
    ///
    /// # Errors
    /// If the notes cannot be removed.
    pub fn forget_missing(&self) -> Result<(), BucketError> {
        let folder = self.folder.join("missing");
        let io = |cause| BucketError::io(&folder, cause);
        match fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            notes => notes
                .map_err(io)?
                .try_for_each(|note| match fs::remove_file(note?.path()) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
                    removed => removed,
                })
                .map_err(io),
        }
    }

    /// Where it is noted. A sealed bucket's names are not to be guessed from the files of its cache:
    /// without its keys, which come with it, nothing is noted or known.
    fn note_of(&self, bucket: Option<&Bucket>, wanted: &Wanted) -> Option<PathBuf> {
        let text = format!("{wanted:?}");
        let text = match bucket {
            Some(bucket) => bucket.keys.secret("missing", &text),
            None if self.key.is_none() => text,
            None => return None,
        };
        Some(self.folder.join("missing").join(blake3::hash(text.as_bytes()).to_hex().as_str()))
    }
}
