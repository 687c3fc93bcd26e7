//! `symtool.json`: what a bucket is. Read before anything else of it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use object_store::UpdateVersion;
use serde::{Deserialize, Serialize};
use symtool_store::now_ms;
use symtool_store::seal::{Locked, MasterKey, Ring};

use crate::keys;
use crate::limits::{MAX_HEAD_BYTES, READ_TRIES};
use crate::objects::{Objects, Written};
use crate::{BucketError, checked};

/// The layout that this version reads and writes.
pub const FORMAT: u32 = 1;
/// Between two tries to read what was altered on its way.
pub const READ_PAUSE: Duration = Duration::from_millis(20);

/// What `symtool.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// [`FORMAT`].
    pub format: u32,
    /// A random number, by which caches tell buckets apart.
    pub id: String,
    /// The key ring of a sealed bucket, wrapped by its master key, in Base64. Its head names that
    /// key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring: Option<String>,
    /// What was found out about the storage.
    pub probe: Probe,
}

/// Whether the storage can be written by several at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// Whether it can.
    pub passed: bool,
    /// When it was found out, in milliseconds since 1970.
    pub time: u64,
}

impl Head {
    /// That of a new bucket, sealed if there is a key.
    pub fn new(key: Option<&MasterKey>) -> std::io::Result<Self> {
        let ring = key.map(|key| Ring::generate()?.wrap(key)).transpose()?;
        Ok(Self {
            format: FORMAT,
            id: random()?,
            ring: ring.map(|ring| STANDARD.encode(ring)),
            probe: Probe { passed: true, time: now_ms() },
        })
    }

    /// That of the bucket `objects`, and the version of its object; `None` if there is none.
    pub async fn read(objects: &Objects) -> Result<Option<(Self, UpdateVersion)>, BucketError> {
        for _ in 0..READ_TRIES {
            let Some(object) = objects.read(keys::HEAD, MAX_HEAD_BYTES).await? else {
                return Ok(None);
            };
            if let Some(head) = checked::read::<Self>(&object.bytes) {
                return Ok(Some((head, object.version)));
            }
            if let Some(Format { format }) = checked::read(&object.bytes)
                && format != FORMAT
            {
                let place = objects.place().to_owned();
                return Err(BucketError::Format { place, found: format, expected: FORMAT });
            }
            tokio::time::sleep(READ_PAUSE).await;
        }
        Err(objects.altered(keys::HEAD))
    }

    /// Makes this the head, unless another process was faster.
    pub async fn create(&self, objects: &Objects) -> Result<Written, BucketError> {
        objects.create(keys::HEAD, self.bytes(objects)?).await
    }

    /// Makes this the head in place of what is there.
    pub async fn put(&self, objects: &Objects) -> Result<(), BucketError> {
        objects.put(keys::HEAD, self.bytes(objects)?).await
    }

    fn bytes(&self, objects: &Objects) -> Result<crate::Bytes, BucketError> {
        let bytes = checked::write(self);
        bytes.map(Into::into).map_err(|error| objects.error(keys::HEAD, &error.to_string()))
    }

    /// The wrapped key ring of a sealed bucket.
    pub fn ring_bytes(&self, objects: &Objects) -> Result<Option<Vec<u8>>, BucketError> {
        let decode = |ring: &String| STANDARD.decode(ring);
        self.ring.as_ref().map(decode).transpose().map_err(|_| objects.altered(keys::HEAD))
    }

    /// The key ring, as `key` opens it; `None` if the bucket is open.
    pub fn unlock(
        &self,
        objects: &Objects,
        key: Option<&MasterKey>,
    ) -> Result<Option<Ring>, BucketError> {
        let place = || objects.place().to_owned();
        match (self.ring_bytes(objects)?, key) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(BucketError::Open { place: place() }),
            (Some(bytes), key) => match Ring::unwrap(&bytes, key) {
                Ok(ring) => Ok(Some(ring)),
                Err(Locked::Needs(wanted)) => Err(match key {
                    Some(key) => BucketError::WrongKey { place: place(), wanted, given: key.id() },
                    None => BucketError::NoKey { place: place(), wanted },
                }),
                Err(Locked::Damaged(_)) => Err(objects.altered(keys::HEAD)),
            },
        }
    }
}

/// What every version can read.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// A number that nobody else has.
pub fn random() -> std::io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}
