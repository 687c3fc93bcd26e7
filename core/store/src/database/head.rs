//! The last change of the symbol database: a row that each change rewrites, and that holds what
//! would else have to be counted.

use rocksdb::DB;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::ack::Ack;
use super::{Access, Error, Store};
use crate::module::key::HEAD;
use crate::seal::RowSeal;

/// What the row says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Which change it was, how many modules there are, and the sum of their records.
    pub ack: Ack,
    /// Bytes that all modules take.
    pub bytes_stored: u64,
    /// When the last of them was imported, in milliseconds since 1970.
    pub imported_ms: u64,
    /// Notes of blocks that nobody needs, since they were last looked at.
    pub noted: u64,
    /// Modules that the index of all modules lists (index.rs).
    pub listed: u64,
}

/// The same as earlier versions wrote it.
#[derive(Deserialize)]
struct ShortHead {
    ack: Ack,
    bytes_stored: u64,
    imported_ms: u64,
}

/// How rows of the small areas are stored.
#[derive(Debug)]
pub struct RowAccess {
    /// How they are sealed.
    pub seal: RowSeal,
    /// What their sums are keyed with.
    pub sum_key: Zeroizing<[u8; 32]>,
}

impl RowAccess {
    /// Of a store that is opened so.
    pub fn of(store: &Store, access: &Access) -> Result<Self, Error> {
        let seal = RowSeal::of_ring(access.ring.as_ref())
            .map_err(|cause| Error::io(&store.path, cause))?;
        let sum_key = access
            .ring
            .as_ref()
            .map_or_else(|| Zeroizing::new([0; 32]), |ring| ring.index_key("sums"));
        Ok(Self { seal, sum_key })
    }

    /// What `db` says of itself; `None` if it says nothing, `Err(Damaged)` if that cannot be read.
    pub fn head(&self, db: &DB) -> Result<Option<Head>, Damaged> {
        match db.get(HEAD) {
            Ok(None) => Ok(None),
            Ok(Some(bytes)) => self.parse(&bytes).map(Some),
            Err(_) => Err(Damaged),
        }
    }

    /// What `bytes`, of that row, say.
    pub fn parse(&self, bytes: &[u8]) -> Result<Head, Damaged> {
        let opened = self.seal.open(&HEAD, bytes).map_err(|_| Damaged)?;
        let short = || {
            let ShortHead { ack, bytes_stored, imported_ms } = postcard::from_bytes(&opened)?;
            Ok(Head { ack, bytes_stored, imported_ms, noted: 1, listed: 0 })
        };
        postcard::from_bytes(&opened)
            .or_else(|_: postcard::Error| short())
            .map_err(|_: postcard::Error| Damaged)
    }

    /// The bytes of that row.
    pub fn close(&self, head: &Head) -> std::io::Result<Vec<u8>> {
        self.seal.close(&HEAD, &postcard::to_stdvec(head).map_err(std::io::Error::other)?)
    }
}

/// The row cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;
