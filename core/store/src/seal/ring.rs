//! The key ring of a sealed store: one file that opens everything in it, wrapped by the user's
//! master key.
//!
//! ```text
//! master key           the user's (key.rs); never in the store
//!   └ ring             STORE/ring and STORE/ring.copy (crate::database::keyring)
//!       ├ index key    keys the hashes that stand for names, and the hashes of contents
//!       └ epochs       each rotation adds one; what is written from then on is sealed under it
//!           ├ data key of a generation of a module, derived
//!           └ data key of the rows of crashes, derived
//!
//! offset size  ring, little-endian
//! 0      16    "symtool ring 4\n\0"
//! 16     8     id of the master key
//! 24     4     revision: 1, and one more with each rotation
//! 28     12    nonce
//! 40     …     encrypted: index key (32), epochs from the oldest on (32 each); tag (16)
//! …      8     XXH3-64 of all before it, which tells damage from another key
//! ```
//!
//! What stands in the clear is authenticated. A rotation writes a new ring and touches no block:
//! epochs stay in the ring for as long as something may be sealed under them.

use std::fmt;

use aes_gcm_siv::aead::AeadInOut;
use aes_gcm_siv::{Nonce, Tag};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;
use zeroize::Zeroizing;

use super::key::too_large;
use super::{KEY_BYTES, KeyId, Locked, MasterKey, NONCE_BYTES, TAG_BYTES};
use crate::block::Damage;
use crate::module::Generation;

const MAGIC: &[u8; 16] = b"symtool ring 4\n\0";
const ID_AT: usize = 16;
const REVISION_AT: usize = 24;
const NONCE_AT: usize = 28;
const SECRET_AT: usize = NONCE_AT + NONCE_BYTES;

/// Which epoch something is sealed under: the first bytes of a hash of its key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct EpochId(pub [u8; Self::BYTES]);

impl EpochId {
    /// Bytes of an id.
    pub const BYTES: usize = 4;
}

/// One epoch.
#[derive(Clone)]
pub struct Epoch {
    id: EpochId,
    key: Zeroizing<[u8; KEY_BYTES]>,
}

/// The keys of a sealed store.
#[derive(Clone)]
pub struct Ring {
    revision: u32,
    index: Zeroizing<[u8; KEY_BYTES]>,
    /// From the oldest on; never empty.
    epochs: Vec<Epoch>,
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ring({} epochs)", self.epochs.len())
    }
}

impl Epoch {
    fn of(key: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let hash = blake3::keyed_hash(&key, b"symtool epoch id");
        let mut id = [0; EpochId::BYTES];
        id.copy_from_slice(&hash.as_bytes()[..EpochId::BYTES]);
        Self { id: EpochId(id), key }
    }

    fn new() -> std::io::Result<Self> {
        Ok(Self::of(random()?))
    }

    /// Which one it is.
    pub fn id(&self) -> EpochId {
        self.id
    }

    /// The data key of `generation`.
    pub(super) fn data_key(&self, generation: Generation) -> Zeroizing<[u8; KEY_BYTES]> {
        let mut hash = blake3::Hasher::new_keyed(&self.key);
        hash.update(b"symtool module\0");
        hash.update(&generation.module.0);
        hash.update(&generation.number.to_be_bytes());
        Zeroizing::new(*hash.finalize().as_bytes())
    }

    /// The data key of rows of crashes.
    pub(super) fn row_key(&self) -> Zeroizing<[u8; KEY_BYTES]> {
        Zeroizing::new(*blake3::keyed_hash(&self.key, b"symtool rows\0").as_bytes())
    }
}

impl Ring {
    /// A ring of a new store.
    ///
    /// # Errors
    /// If the operating system has no random numbers.
    pub fn generate() -> std::io::Result<Self> {
        Ok(Self { revision: 1, index: random()?, epochs: vec![Epoch::new()?] })
    }

    /// The ring after a rotation: with another epoch for what comes after it.
    ///
    /// # Errors
    /// If the operating system has no random numbers.
    pub fn rotated(&self) -> std::io::Result<Self> {
        let mut epoch = Epoch::new()?;
        while self.epochs.iter().any(|known| known.id == epoch.id) {
            epoch = Epoch::new()?;
        }
        let epochs = self.epochs.iter().cloned().chain([epoch]).collect();
        Ok(Self { revision: self.revision.saturating_add(1), index: self.index.clone(), epochs })
    }

    /// One more with each rotation.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// The epoch that everything new is sealed under.
    pub fn newest(&self) -> &Epoch {
        &self.epochs[self.epochs.len() - 1]
    }

    /// All epochs, from the oldest on.
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// The epoch `id`; `None` if it is not one of this ring.
    pub fn epoch(&self, id: EpochId) -> Option<&Epoch> {
        self.epochs.iter().find(|epoch| epoch.id == id)
    }

    /// The key for hashes that are made for `purpose`.
    pub fn index_key(&self, purpose: &str) -> Zeroizing<[u8; KEY_BYTES]> {
        Zeroizing::new(*blake3::keyed_hash(&self.index, purpose.as_bytes()).as_bytes())
    }

    /// Its file, wrapped by `master`.
    ///
    /// # Errors
    /// If the operating system has no random numbers.
    pub fn wrap(&self, master: &MasterKey) -> std::io::Result<Vec<u8>> {
        let mut bytes =
            Vec::with_capacity(SECRET_AT + (self.epochs.len() + 1) * KEY_BYTES + TAG_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&master.id().0);
        bytes.extend_from_slice(&self.revision.to_le_bytes());
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce)?;
        bytes.extend_from_slice(&nonce);
        let mut secret = Zeroizing::new(self.index.to_vec());
        self.epochs.iter().for_each(|epoch| secret.extend_from_slice(&*epoch.key));
        let tag = master.cipher.encrypt_inout_detached(
            &nonce.into(),
            &bytes[..NONCE_AT],
            secret.as_mut_slice().into(),
        );
        let tag = tag.map_err(|_| too_large())?;
        bytes.extend_from_slice(&secret);
        bytes.extend_from_slice(&tag);
        let sum = xxh3_64(&bytes).to_le_bytes();
        bytes.extend_from_slice(&sum);
        Ok(bytes)
    }

    /// The inverse of [`Self::wrap`].
    ///
    /// # Errors
    /// [`Locked`]: it needs another key, or is damaged.
    pub fn unwrap(bytes: &[u8], master: Option<&MasterKey>) -> Result<Self, Locked> {
        let wanted = Self::key_of(bytes).ok_or(Damage::Header)?;
        let master = master.filter(|key| key.id() == wanted).ok_or(Locked::Needs(wanted))?;
        let (head, rest) = intact(bytes)
            .and_then(|bytes| bytes.split_at_checked(SECRET_AT))
            .ok_or(Damage::Header)?;
        let (secret, tag) = rest
            .len()
            .checked_sub(TAG_BYTES)
            .and_then(|at| rest.split_at_checked(at))
            .ok_or(Damage::Header)?;
        let mut secret = Zeroizing::new(secret.to_vec());
        let nonce = Nonce::try_from(&head[NONCE_AT..]).map_err(|_| Damage::Header)?;
        let tag = Tag::try_from(tag).map_err(|_| Damage::Header)?;
        let opened = master.cipher.decrypt_inout_detached(
            &nonce,
            &head[..NONCE_AT],
            secret.as_mut_slice().into(),
            &tag,
        );
        opened.map_err(|_| Damage::Seal)?;
        let mut keys = secret
            .chunks(KEY_BYTES)
            .filter_map(|key| <[u8; KEY_BYTES]>::try_from(key).ok().map(Zeroizing::new));
        let index = keys.next().ok_or(Damage::Header)?;
        let epochs: Vec<Epoch> = keys.map(Epoch::of).collect();
        if epochs.is_empty() || secret.len() % KEY_BYTES != 0 {
            return Err(Damage::Header.into());
        }
        let revision = head[REVISION_AT..NONCE_AT]
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u32::from(*byte));
        Ok(Self { revision, index, epochs })
    }

    /// Which master key the ring in `bytes` needs; `None` if they are no ring.
    pub fn key_of(bytes: &[u8]) -> Option<KeyId> {
        let id = intact(bytes)?.strip_prefix(MAGIC)?.get(..REVISION_AT - ID_AT)?;
        id.try_into().ok().map(KeyId)
    }
}

/// What stands before the checksum, if it is right.
fn intact(bytes: &[u8]) -> Option<&[u8]> {
    let (bytes, sum) = bytes.split_last_chunk()?;
    (xxh3_64(bytes) == u64::from_le_bytes(*sum)).then_some(bytes)
}

fn random() -> std::io::Result<Zeroizing<[u8; KEY_BYTES]>> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(&mut *key)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::ModuleKey;

    #[test]
    fn a_ring_opens_with_its_key_only() {
        let (key, other) =
            (MasterKey::from_bytes(&[7; KEY_BYTES]), MasterKey::from_bytes(&[8; KEY_BYTES]));
        let ring = Ring::generate().unwrap();
        let bytes = ring.wrap(&key).unwrap();
        let again = Ring::unwrap(&bytes, Some(&key)).unwrap();
        let generation = Generation { module: ModuleKey([1; 16]), number: 9, change: 0 };
        assert_eq!(again.newest().data_key(generation), ring.newest().data_key(generation));
        assert_eq!(again.index_key("names"), ring.index_key("names"));
        assert_ne!(ring.index_key("contents"), ring.index_key("names"));
        for given in [None, Some(&other)] {
            assert_eq!(Ring::unwrap(&bytes, given).map(|_| ()), Err(Locked::Needs(key.id())));
        }
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                Ring::unwrap(&changed, Some(&key)).map(|_| ()),
                Err(Damage::Header.into()),
                "bit {bit}"
            );
        }
        (0..bytes.len())
            .for_each(|end| assert!(Ring::unwrap(&bytes[..end], Some(&key)).is_err(), "{end}"));
    }

    #[test]
    fn a_rotation_keeps_old_epochs() {
        let key = MasterKey::from_bytes(&[7; KEY_BYTES]);
        let before = Ring::generate().unwrap();
        let after =
            Ring::unwrap(&before.rotated().unwrap().wrap(&key).unwrap(), Some(&key)).unwrap();
        assert_eq!((before.revision(), after.revision()), (1, 2));
        assert_ne!(after.newest().id(), before.newest().id());
        assert_eq!(after.epoch(before.newest().id()).unwrap().row_key(), before.newest().row_key());
        assert!(before.epoch(after.newest().id()).is_none());
    }
}
