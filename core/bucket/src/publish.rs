//! Commits modules to a bucket.
//!
//! ```text
//! segments/SLOT/HASH.segment   created; one that is there is written again, so that gc sees it in use
//! ids/…, names/…               markers
//! modules/SLOT                 created, or replaced if nobody else did: this is the commit
//! ```
//!
//! Who is killed on the way leaves segments and markers that nothing refers to. Who loses to another
//! writer has to complete what that one has written, and try again. Where the answer of a commit is
//! lost, it is read back: an entry with the writer's own nonce is its own.

use futures_util::{StreamExt, TryStreamExt, stream};
use symtool_store::database::ContentsHash;
use symtool_store::{ModuleKey, ModuleRecord, now_ms};

use crate::bucket::Bucket;
use crate::entry::{self, Entry};
use crate::head::{READ_PAUSE, random};
use crate::keys;
use crate::limits::{MAX_REQUESTS, READ_TRIES};
use crate::objects::Written;
use crate::{BucketError, Bytes};

/// A module that is to be committed.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The module.
    pub key: ModuleKey,
    /// What it is.
    pub record: ModuleRecord,
    /// The hash of its contents.
    pub contents: ContentsHash,
    /// Its segment, without keys.
    pub segment: Vec<u8>,
    /// What the bucket had that it completes; `None` if that was nothing.
    pub before: Option<Entry>,
}

/// What became of an offer.
#[derive(Clone, Debug)]
pub enum Published {
    /// It is in the bucket.
    Done(Box<Entry>),
    /// Somebody else has committed this module meanwhile.
    Lost,
}

impl Bucket {
    /// Commits `offers`, several at a time, and returns what became of each, in their order.
    ///
    /// # Errors
    /// If it is not known whether one was committed.
    pub fn publish(&self, offers: &[Offer]) -> Result<Vec<Published>, BucketError> {
        let all = stream::iter(offers).map(|offer| self.offer(offer)).buffered(MAX_REQUESTS);
        self.connection.wait(all.try_collect())
    }

    async fn offer(&self, offer: &Offer) -> Result<Published, BucketError> {
        let slot = self.keys.slot(offer.key);
        let unwritten = |cause: &std::io::Error| entry::unwritten(self.place(), &slot, cause);
        let before = offer.before.as_ref();
        let time = before.map_or(0, |before| before.time + 1).max(now_ms());
        let entry = Entry {
            slot: slot.clone(),
            key: offer.key,
            record: ModuleRecord {
                imported: time / 1_000,
                imported_ms: time,
                ..offer.record.clone()
            },
            contents: offer.contents,
            generation: before.map_or(0, |before| before.generation) + 1,
            nonce: random().map_err(|cause| unwritten(&cause))?,
            segment: blake3::hash(&offer.segment).to_hex().to_string(),
            bytes: offer.segment.len() as u64,
            time,
            version: object_store::UpdateVersion { e_tag: None, version: None },
        };
        let segment = keys::segment(&slot, &entry.segment);
        let bytes = Bytes::from(offer.segment.clone());
        let was_there = self.put_segment(&segment, &bytes).await?;
        let markers = self.keys.markers(&entry.record, &slot, time);
        let put = |marker: String| async move { self.objects().put(&marker, Bytes::new()).await };
        stream::iter(markers).map(put).buffer_unordered(MAX_REQUESTS).try_collect::<()>().await?;
        let written = entry.write(&self.seal).map_err(|cause| unwritten(&cause))?;
        let published = self.commit(entry, written.into(), before).await?;
        // gc may have begun to remove it before it was in use again.
        let is_done = matches!(published, Published::Done(_));
        if is_done && was_there && self.objects().modified(&segment).await?.is_none() {
            self.objects().put(&segment, bytes).await?;
        }
        Ok(published)
    }

    /// Sees to it that `bytes` stand at `key`, and were written now. Returns whether something was
    /// there.
    async fn put_segment(&self, key: &str, bytes: &Bytes) -> Result<bool, BucketError> {
        let was_there = self.objects().create(key, bytes.clone()).await? == Written::Other;
        if was_there {
            // The same bytes, unless they were altered on their way: the key is their hash.
            self.objects().put(key, bytes.clone()).await?;
        }
        Ok(was_there)
    }

    /// Writes `entry`, which is `written`, in place of `before`.
    async fn commit(
        &self,
        mut entry: Entry,
        written: Bytes,
        before: Option<&Entry>,
    ) -> Result<Published, BucketError> {
        let key = keys::module(&entry.slot);
        let mut failed = None;
        for _ in 0..READ_TRIES {
            let done = match before {
                None => self.objects().create(&key, written.clone()).await,
                Some(before) => {
                    self.objects().replace(&key, written.clone(), &before.version).await
                }
            };
            // Another answer than that it is done may be that to a second try of what was done.
            let there = self.entry(&entry.slot).await?;
            if let Some(there) = there.as_ref().filter(|there| there.nonce == entry.nonce) {
                entry.version = there.version.clone();
                return Ok(Published::Done(Box::new(entry)));
            }
            let is_as_before =
                there.as_ref().map(|there| &there.nonce) == before.map(|before| &before.nonce);
            match done {
                // It was committed, and somebody went on from there.
                Ok(Written::Done) if !is_as_before => {
                    return Ok(Published::Done(Box::new(entry)));
                }
                Err(error @ BucketError::Unfit { .. }) => return Err(error),
                _ if !is_as_before => return Ok(Published::Lost),
                Ok(_) => {}
                Err(error) => failed = Some(error),
            }
            tokio::time::sleep(READ_PAUSE).await;
        }
        Err(failed.unwrap_or_else(|| self.objects().altered(&key)))
    }
}
