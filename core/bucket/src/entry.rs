//! `modules/SLOT`: what the bucket has of a module. Replacing it is the moment of a commit.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use object_store::UpdateVersion;
use serde::{Deserialize, Serialize};
use symtool_store::database::ContentsHash;
use symtool_store::seal::RowSeal;
use symtool_store::{Module, ModuleKey, ModuleRecord};

use crate::keys::{self, Keys};
use crate::{BucketError, checked};

/// The object.
#[derive(Serialize, Deserialize)]
struct Row {
    format: u32,
    generation: u64,
    nonce: String,
    segment: String,
    bytes: u64,
    time: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    module: Option<Described>,
    /// The same in a sealed bucket: encrypted for its key, in Base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
}

/// What the segment holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    /// The hash of the module's contents, in hexadecimal.
    pub contents: String,
    /// The module's record.
    pub record: ModuleRecord,
}

/// What the bucket has of a module.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What the module is called in keys.
    pub slot: String,
    /// The module.
    pub key: ModuleKey,
    /// What it is, stored at [`Self::time`].
    pub record: ModuleRecord,
    /// The hash of its contents.
    pub contents: ContentsHash,
    /// 1, and one more with each commit.
    pub generation: u64,
    /// A random number of the writer, by which it knows its own.
    pub nonce: String,
    /// BLAKE3 of its segment, in hexadecimal.
    pub segment: String,
    /// Bytes of its segment.
    pub bytes: u64,
    /// When it was committed, in milliseconds since 1970.
    pub time: u64,
    /// What a replacement names.
    pub version: UpdateVersion,
}

impl Entry {
    /// The object's bytes.
    pub(crate) fn write(&self, seal: &RowSeal) -> std::io::Result<Vec<u8>> {
        let described =
            Described { contents: hex::encode(self.contents), record: self.record.clone() };
        let is_open = matches!(seal, RowSeal::Open);
        let (module, sealed) = if is_open {
            (Some(described), None)
        } else {
            let raw = serde_json::to_vec(&described)?;
            let closed = seal.close(keys::module(&self.slot).as_bytes(), &raw)?;
            (None, Some(STANDARD.encode(closed)))
        };
        let row = Row {
            format: crate::head::FORMAT,
            generation: self.generation,
            nonce: self.nonce.clone(),
            segment: self.segment.clone(),
            bytes: self.bytes,
            time: self.time,
            module,
            sealed,
        };
        Ok(checked::write(&row)?)
    }

    /// The entry of `slot` in `bytes`; `None` if they are none.
    pub(crate) fn read(
        slot: &str,
        bytes: &[u8],
        version: UpdateVersion,
        seal: &RowSeal,
        keys: &Keys,
    ) -> Option<Self> {
        let row: Row = checked::read(bytes)?;
        let described = match (row.module, row.sealed) {
            (Some(described), None) if matches!(seal, RowSeal::Open) => described,
            (None, Some(sealed)) if matches!(seal, RowSeal::Sealed(_)) => {
                let closed = STANDARD.decode(sealed).ok()?;
                let raw = seal.open(keys::module(slot).as_bytes(), &closed).ok()?;
                serde_json::from_slice(&raw).ok()?
            }
            _ => return None,
        };
        let Described { contents, mut record } = described;
        let key = key_of(&record)?;
        let is_hash = row.segment.len() == 64 && hex::decode(&row.segment).is_ok();
        if keys.slot(key) != slot || !is_hash {
            return None;
        }
        (record.imported_ms, record.imported) = (row.time, row.time / 1_000);
        Some(Self {
            slot: slot.to_owned(),
            key,
            record,
            contents: hex::decode(contents).ok()?.try_into().ok()?,
            generation: row.generation,
            nonce: row.nonce,
            segment: row.segment,
            bytes: row.bytes,
            time: row.time,
            version,
        })
    }

    /// Whether `module` is what this is an entry of, as it was then.
    pub fn is_of(&self, module: &Module) -> bool {
        module.contents == self.contents && module.record == self.record
    }
}

/// The key of the module of `record`; `None` if this version does not know its kind.
pub(crate) fn key_of(record: &ModuleRecord) -> Option<ModuleKey> {
    let id = hex::decode(record.id.as_str()).ok()?;
    Some(ModuleKey::of_build(record.kind.known()?, &id, &record.arch))
}

/// The error of a bucket whose entry cannot be written.
pub(crate) fn unwritten(place: &str, slot: &str, cause: &std::io::Error) -> BucketError {
    let (place, what) = (place.to_owned(), keys::module(slot));
    BucketError::Request { place, what, cause: cause.to_string() }
}
