//! A bucket that is open: its keys are known, and requests can be made.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use symtool_store::seal::{MasterKey, RowSeal};
use tokio::runtime::{Builder, Runtime};

use crate::entry::Entry;
use crate::head::{Head, READ_PAUSE};
use crate::keys::{self, Keys};
use crate::limits::{MAX_ENTRY_BYTES, MAX_REQUESTS, MAX_SEGMENT_BYTES, READ_TRIES};
use crate::objects::Objects;
use crate::{BucketError, BucketUrl, Bytes, probe};

/// Makes requests, and waits for them.
#[derive(Clone, Debug)]
pub struct Connection {
    runtime: Arc<Runtime>,
    pub(crate) objects: Objects,
}

/// A bucket whose `symtool.json` has been read.
#[derive(Debug)]
pub struct Bucket {
    pub(crate) connection: Connection,
    pub(crate) head: Head,
    pub(crate) keys: Keys,
    pub(crate) seal: RowSeal,
}

impl Connection {
    /// One to the bucket at `url`, of whose answers each may take `timeout`. No request is made
    /// yet.
    ///
    /// # Errors
    /// If the environment does not say enough of it.
    pub fn to(url: &BucketUrl, timeout: Duration) -> Result<Self, BucketError> {
        Self::over(Objects::at(url, timeout)?)
    }

    /// One to `objects`.
    ///
    /// # Errors
    /// If the system has no means for requests.
    pub fn over(objects: Objects) -> Result<Self, BucketError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| BucketError::Runtime(error.to_string()))?;
        Ok(Self { runtime: Arc::new(runtime), objects })
    }

    /// What the bucket is called.
    pub fn place(&self) -> &str {
        self.objects.place()
    }

    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Checks whether the storage can be written by several at once.
    ///
    /// # Errors
    /// [`BucketError::Unfit`] if it cannot, with what it did.
    pub fn probe(&self) -> Result<(), BucketError> {
        self.wait(probe::run(&self.objects))
    }

    /// Opens the bucket.
    ///
    /// # Errors
    /// [`BucketError::Missing`] if there is none.
    pub fn open(&self, key: Option<&MasterKey>) -> Result<Bucket, BucketError> {
        let head = self.wait(Head::read(&self.objects))?;
        let missing = || BucketError::Missing { place: self.place().to_owned() };
        let (head, _) = head.ok_or_else(missing)?;
        Bucket::of(self.clone(), head, key)
    }

    /// Opens the bucket for writing. If there is none, it is made, sealed if there is a key, once
    /// the storage has proved that several can write it.
    ///
    /// # Errors
    /// [`BucketError::Unfit`] if they cannot.
    pub fn open_or_create(&self, key: Option<&MasterKey>) -> Result<Bucket, BucketError> {
        if self.wait(Head::read(&self.objects))?.is_none() {
            self.probe()?;
            let head = Head::new(key)
                .map_err(|error| self.objects.error(keys::HEAD, &error.to_string()))?;
            // Of several processes the first has decided; an answer that was lost is read next.
            let created = self.wait(head.create(&self.objects));
            let is_there = self.wait(Head::read(&self.objects))?.is_some();
            if !is_there {
                created?;
            }
        }
        let bucket = self.open(key)?;
        if bucket.head.probe.passed {
            return Ok(bucket);
        }
        let (place, cause) =
            (self.place().to_owned(), "its last probe failed; probe it again".to_owned());
        Err(BucketError::Unfit { place, cause })
    }
}

impl Bucket {
    fn of(
        connection: Connection,
        head: Head,
        key: Option<&MasterKey>,
    ) -> Result<Self, BucketError> {
        let ring = head.unlock(&connection.objects, key)?.map(Arc::new);
        let seal = RowSeal::of_ring(ring.as_ref())
            .map_err(|error| BucketError::Runtime(error.to_string()))?;
        Ok(Self { keys: Keys::of(ring.as_ref()), connection, head, seal })
    }

    /// What it is called.
    pub fn place(&self) -> &str {
        self.connection.place()
    }

    /// Probes the storage again, and notes what was found.
    ///
    /// # Errors
    /// [`BucketError::Unfit`] if several cannot write it.
    pub fn probe(&self) -> Result<(), BucketError> {
        let probed = self.connection.probe();
        let passed = match &probed {
            Ok(()) => true,
            Err(BucketError::Unfit { .. }) => false,
            Err(_) => return probed,
        };
        let mut head = self.head.clone();
        (head.probe.passed, head.probe.time) = (passed, symtool_store::now_ms());
        self.connection.wait(head.put(self.objects()))?;
        probed
    }

    pub(crate) fn objects(&self) -> &Objects {
        &self.connection.objects
    }

    /// What there is of the module in `slot`.
    pub(crate) async fn entry(&self, slot: &str) -> Result<Option<Entry>, BucketError> {
        let key = keys::module(slot);
        for _ in 0..READ_TRIES {
            let Some(object) = self.objects().read(&key, MAX_ENTRY_BYTES).await? else {
                return Ok(None);
            };
            let read = Entry::read(slot, &object.bytes, object.version, &self.seal, &self.keys);
            if read.is_some() {
                return Ok(read);
            }
            tokio::time::sleep(READ_PAUSE).await;
        }
        Err(self.objects().altered(&key))
    }

    /// Those of `slots` that are there, in their order.
    pub(crate) async fn entries(&self, slots: &[String]) -> Result<Vec<Entry>, BucketError> {
        let read = stream::iter(slots).map(|slot| self.entry(slot)).buffered(MAX_REQUESTS);
        read.try_filter_map(async |entry| Ok(entry)).try_collect().await
    }

    /// The segment of `entry`, which has the hash that it says.
    pub(crate) async fn segment(&self, entry: &Entry) -> Result<Bytes, BucketError> {
        let key = keys::segment(&entry.slot, &entry.segment);
        for _ in 0..READ_TRIES {
            let Some(object) = self.objects().read(&key, MAX_SEGMENT_BYTES).await? else {
                let fact = "it is not there; a newer one may have replaced it";
                return Err(self.objects().error(&key, fact));
            };
            if blake3::hash(&object.bytes).to_hex().as_str() == entry.segment {
                return Ok(object.bytes);
            }
            tokio::time::sleep(READ_PAUSE).await;
        }
        Err(self.objects().altered(&key))
    }

    /// The wrapped key ring of a sealed bucket.
    pub(crate) fn ring(&self) -> Result<Option<Vec<u8>>, BucketError> {
        self.head.ring_bytes(self.objects())
    }
}
