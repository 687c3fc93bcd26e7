//! How blocks lie on disk: compressed with a checksum in an open store, encrypted in a sealed one.
//!
//! ```text
//! offset size  stored block, little-endian
//! 0      1     suite: 16 = compressed; 17 = AES-256-GCM-SIV (RFC 8452); 18 = the same, of a record
//! 1      8     first address or number covered (the last is in the key)
//! 9      4     bytes of the block once expanded
//! 13     8     first address or number that no block before it covers
//! 21     8     suite 16: XXH3-64 of the key and of all before and after this field
//! 21     12    suite 18: id of the epoch (4), generation (8)
//! …      …     zstd frame; suites 17 and 18: encrypted, tag (16)
//! ```
//!
//! Suites 0 to 2 are those of store format 3. The keys are those of the store's [`Ring`]: each
//! generation of a module has a data key of its own. The nonce of a block is its last number and
//! its kind, so that no two blocks of a data key share one; a record and its second copy do, which
//! costs no more than that equal records look equal. What stands in the clear is authenticated
//! together with the key of the row, so that a block opens in its own place only.

mod head;
mod key;
mod ring;
mod row;

use std::fmt;
use std::sync::Arc;

use aes_gcm_siv::aead::{AeadInOut, KeyInit};
use aes_gcm_siv::{Aes256GcmSiv, Key, Nonce, Tag};
use xxhash_rust::xxh3::Xxh3;

use crate::block::{Compressed, Damage, Expanded, HEADER_BYTES, Kind, expand_data};
use crate::module::Generation;
use head::{HEAD_BYTES, Head};
pub use key::{KEY_BYTES, KeyError, KeyId, MasterKey};
pub use ring::{Epoch, EpochId, Ring};
pub use row::RowSeal;

const SUITE_OPEN: u8 = 16;
const SUITE_SEALED: u8 = 17;
const SUITE_RECORD: u8 = 18;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const ID_BYTES: usize = 8;
/// Epoch and generation of a sealed record.
const RECORD_BYTES: usize = EpochId::BYTES + 8;

/// Version of what is authenticated with each block.
const VERSION: u8 = 4;

/// How the blocks of one generation of a module are stored.
#[derive(Clone)]
pub enum Seal {
    /// Compressed, with a checksum.
    Open,
    /// Encrypted.
    Sealed(Arc<DataKey>),
}

/// The data key of one generation of a module.
pub struct DataKey {
    cipher: Aes256GcmSiv,
    epoch: EpochId,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "Open",
            Self::Sealed(_) => "Sealed",
        })
    }
}

/// Why a record or a key ring cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Locked {
    /// It needs this key, and another was given, or none.
    #[error("it is sealed with key {0}")]
    Needs(KeyId),
    /// It is damaged.
    #[error(transparent)]
    Damaged(#[from] Damage),
}

/// Where a block belongs.
#[derive(Clone, Copy, Debug)]
pub struct Place<'k> {
    /// The key of its row, without the number of a change.
    pub key: &'k [u8],
    /// What it holds.
    pub kind: Kind,
    /// The last address or number that it covers.
    pub last: u64,
}

/// Bytes of a stored block once expanded, as its header has them; `None` if it has none.
pub fn expanded_bytes(bytes: &[u8]) -> Option<u64> {
    Head::of(bytes).ok().map(|head| head.raw_bytes.into())
}

impl Place<'_> {
    fn nonce(self) -> Nonce {
        let mut nonce = [0; NONCE_BYTES];
        nonce[..8].copy_from_slice(&self.last.to_be_bytes());
        nonce[8] = self.kind as u8;
        nonce.into()
    }

    fn associated(self, clear: &[u8]) -> Vec<u8> {
        let mut data = vec![VERSION];
        data.extend_from_slice(self.key);
        data.extend_from_slice(clear);
        data
    }

    fn checksum(self, head: &[u8], data: &[u8]) -> [u8; HEADER_BYTES - HEAD_BYTES] {
        let mut hash = Xxh3::new();
        hash.update(self.key);
        hash.update(head);
        hash.update(data);
        hash.digest().to_le_bytes()
    }
}

impl Seal {
    /// How a new generation is stored in a store with `ring`; without one it is open.
    pub fn new(ring: Option<&Ring>, generation: Generation) -> Self {
        ring.map_or(Self::Open, |ring| Self::of_epoch(ring.newest(), generation))
    }

    fn of_epoch(epoch: &Epoch, generation: Generation) -> Self {
        Self::Sealed(Arc::new(DataKey {
            cipher: cipher(&epoch.data_key(generation)),
            epoch: epoch.id(),
        }))
    }

    /// The bytes of `block`, as they go to disk at `place`.
    ///
    /// # Errors
    /// If the block is larger than the cipher allows, which none is.
    pub fn close(
        &self,
        place: Place<'_>,
        block: &Compressed,
        generation: Generation,
    ) -> std::io::Result<Vec<u8>> {
        let suite = match (self, block.kind) {
            (Self::Open, _) => SUITE_OPEN,
            (_, Kind::Record) => SUITE_RECORD,
            _ => SUITE_SEALED,
        };
        let mut bytes =
            Vec::with_capacity(HEAD_BYTES + RECORD_BYTES + block.data.len() + TAG_BYTES);
        bytes.extend_from_slice(
            &Head { suite, first: block.first, raw_bytes: block.raw_bytes, from: block.from }
                .bytes(),
        );
        let Self::Sealed(key) = self else {
            let sum = place.checksum(&bytes, &block.data);
            bytes.extend_from_slice(&sum);
            bytes.extend_from_slice(&block.data);
            return Ok(bytes);
        };
        if suite == SUITE_RECORD {
            bytes.extend_from_slice(&key.epoch.0);
            bytes.extend_from_slice(&generation.number.to_be_bytes());
        }
        let data_at = bytes.len();
        bytes.extend_from_slice(&block.data);
        let (clear, data) = bytes.split_at_mut(data_at);
        let tag = key.cipher.encrypt_inout_detached(
            &place.nonce(),
            &place.associated(clear),
            data.into(),
        );
        bytes.extend_from_slice(
            &tag.map_err(|_| std::io::Error::other("a block is too large to be sealed"))?,
        );
        Ok(bytes)
    }

    /// Expands what [`Self::close`] made of a block that belongs to `place`; with it comes the
    /// first number that no block before it covers.
    ///
    /// # Errors
    /// [`Damage`] if `bytes` are not that block.
    pub fn expand(&self, place: Place<'_>, bytes: &[u8]) -> Result<(u64, Expanded), Damage> {
        let head = Head::of(bytes)?;
        let raw = match self {
            Self::Open => expand_data(open_data(place, head, bytes)?, head.raw_bytes)?,
            Self::Sealed(key) => expand_data(&key.decrypt(place, head, bytes)?, head.raw_bytes)?,
        };
        Ok((head.from, Expanded { first: head.first, raw }))
    }

    /// The block that [`Self::close`] was given.
    ///
    /// # Errors
    /// [`Damage`] if `bytes` are not that block.
    pub fn open(&self, place: Place<'_>, bytes: &[u8]) -> Result<Compressed, Damage> {
        let head = Head::of(bytes)?;
        let data = match self {
            Self::Open => open_data(place, head, bytes)?.to_vec(),
            Self::Sealed(key) => key.decrypt(place, head, bytes)?,
        };
        Ok(Compressed::new((place.kind, head.first, place.last), head.from, head.raw_bytes, data))
    }

    /// Opens a record of `generation`'s module: how that generation is stored, and the expanded
    /// record. In an open store, which has no ring, the generation is what the record itself says.
    ///
    /// # Errors
    /// [`Damage`] if it is none, or one that does not belong into such a store.
    pub fn record(
        ring: Option<&Ring>,
        place: Place<'_>,
        module: crate::module::ModuleKey,
        bytes: &[u8],
    ) -> Result<(Self, Expanded), Damage> {
        let suite = Head::of(bytes)?.suite;
        let seal = match (suite, ring) {
            (SUITE_OPEN, None) => Self::Open,
            (SUITE_RECORD, Some(ring)) => {
                let (epoch, generation) = record_of(bytes).ok_or(Damage::Header)?;
                Self::of_epoch(
                    ring.epoch(epoch).ok_or(Damage::Key)?,
                    Generation { module, number: generation, change: 0 },
                )
            }
            (suite, _) => return Err(Damage::Suite(suite)),
        };
        let (_, opened) = seal.expand(place, bytes)?;
        Ok((seal, opened))
    }
}

/// Whether `bytes` are those of a block or record that does not belong into a store which is
/// sealed, or open.
pub fn is_of_other_kind(bytes: &[u8], is_sealed: bool) -> bool {
    match bytes.first() {
        Some(&SUITE_OPEN) => is_sealed,
        Some(&(SUITE_SEALED | SUITE_RECORD)) => !is_sealed,
        _ => false,
    }
}

/// Epoch and generation of a sealed record.
fn record_of(bytes: &[u8]) -> Option<(EpochId, u64)> {
    let (epoch, generation) =
        bytes.get(HEAD_BYTES..HEAD_BYTES + RECORD_BYTES)?.split_at_checked(EpochId::BYTES)?;
    Some((EpochId(epoch.try_into().ok()?), u64::from_be_bytes(generation.try_into().ok()?)))
}

/// The data of a block that is not sealed.
fn open_data<'b>(place: Place<'_>, head: Head, bytes: &'b [u8]) -> Result<&'b [u8], Damage> {
    if head.suite != SUITE_OPEN {
        return Err(Damage::Suite(head.suite));
    }
    let (header, data) = bytes.split_at_checked(HEADER_BYTES).ok_or(Damage::Header)?;
    let (head, sum) = header.split_at(HEAD_BYTES);
    if sum == place.checksum(head, data) { Ok(data) } else { Err(Damage::Checksum) }
}

impl DataKey {
    /// The compressed data of a sealed block.
    fn decrypt(&self, place: Place<'_>, head: Head, bytes: &[u8]) -> Result<Vec<u8>, Damage> {
        let (suite, clear) = if place.kind == Kind::Record {
            (SUITE_RECORD, HEAD_BYTES + RECORD_BYTES)
        } else {
            (SUITE_SEALED, HEAD_BYTES)
        };
        if head.suite != suite {
            return Err(Damage::Suite(head.suite));
        }
        let (clear, data) = bytes.split_at_checked(clear).ok_or(Damage::Header)?;
        let (data, tag) = data
            .len()
            .checked_sub(TAG_BYTES)
            .and_then(|at| data.split_at_checked(at))
            .ok_or(Damage::Header)?;
        let (mut data, tag) = (data.to_vec(), Tag::try_from(tag).map_err(|_| Damage::Header)?);
        let associated = place.associated(clear);
        self.cipher
            .decrypt_inout_detached(&place.nonce(), &associated, data.as_mut_slice().into(), &tag)
            .map_err(|_| Damage::Seal)?;
        Ok(data)
    }
}

fn cipher(key: &[u8; KEY_BYTES]) -> Aes256GcmSiv {
    Aes256GcmSiv::new(&Key::<Aes256GcmSiv>::from(*key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::compress;
    use crate::module::ModuleKey;

    fn generation(module: u8, number: u64) -> Generation {
        Generation { module: ModuleKey([module; 16]), number, change: 0 }
    }

    const PLACE: Place<'_> = Place { key: b"the key of the row", kind: Kind::Ranges, last: 9 };

    fn block() -> Compressed {
        compress(Kind::Ranges, 3, 9, b"_ZN6secret4nameEv and more of the same").unwrap()
    }

    fn seals() -> [Seal; 2] {
        [Seal::Open, Seal::new(Some(&Ring::generate().unwrap()), generation(1, 1))]
    }

    #[test]
    fn blocks_open_again() {
        for seal in seals() {
            let mut block = block();
            block.from = 2;
            let bytes = seal.close(PLACE, &block, generation(1, 1)).unwrap();
            assert_eq!(seal.expand(PLACE, &bytes).unwrap(), (2, block.expand().unwrap()));
            let opened = seal.open(PLACE, &bytes).unwrap();
            assert_eq!((opened.hash(), opened.from, opened.first), (block.hash(), 2, 3));
            assert_eq!(bytes.windows(6).any(|part| part == b"secret"), matches!(seal, Seal::Open));
            assert_eq!(expanded_bytes(&bytes), Some(u64::from(block.raw_bytes)));
        }
    }

    #[test]
    fn any_changed_bit_or_cut_is_noticed() {
        for seal in seals() {
            let bytes = seal.close(PLACE, &block(), generation(1, 1)).unwrap();
            for bit in 0..bytes.len() * 8 {
                let mut changed = bytes.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(seal.expand(PLACE, &changed).is_err(), "bit {bit}");
            }
            (0..bytes.len())
                .for_each(|end| assert!(seal.expand(PLACE, &bytes[..end]).is_err(), "{end}"));
        }
    }

    #[test]
    fn a_moved_block_is_noticed() {
        for seal in seals() {
            let bytes = seal.close(PLACE, &block(), generation(1, 1)).unwrap();
            assert!(seal.expand(Place { key: b"another key", ..PLACE }, &bytes).is_err());
        }
        let [open, sealed] = seals();
        let bytes = sealed.close(PLACE, &block(), generation(1, 1)).unwrap();
        assert_eq!(open.expand(PLACE, &bytes), Err(Damage::Suite(SUITE_SEALED)));
        let bytes = open.close(PLACE, &block(), generation(1, 1)).unwrap();
        assert_eq!(sealed.expand(PLACE, &bytes), Err(Damage::Suite(SUITE_OPEN)));
    }

    /// A block of another import lies at the same place, under another key.
    #[test]
    fn a_rolled_back_block_is_noticed() {
        let ring = Ring::generate().unwrap();
        let old = Seal::new(Some(&ring), generation(1, 1))
            .close(PLACE, &block(), generation(1, 1))
            .unwrap();
        assert_eq!(Seal::new(Some(&ring), generation(1, 2)).expand(PLACE, &old), Err(Damage::Seal));
        assert_eq!(
            Seal::new(Some(&ring.rotated().unwrap()), generation(1, 1)).expand(PLACE, &old),
            Err(Damage::Seal)
        );
    }

    #[test]
    fn records_say_what_opens_them() {
        let ring = Ring::generate().unwrap();
        let place = Place { kind: Kind::Record, last: u64::MAX, ..PLACE };
        let record = compress(Kind::Record, u64::MAX, u64::MAX, b"{}").unwrap();
        let module = ModuleKey([1; 16]);
        let close = |seal: &Seal| seal.close(place, &record, generation(1, 5)).unwrap();
        let (open, sealed) = (close(&Seal::Open), close(&Seal::new(Some(&ring), generation(1, 5))));
        let rotated = ring.rotated().unwrap();
        for ring in [&ring, &rotated] {
            assert_eq!(Seal::record(Some(ring), place, module, &sealed).unwrap().1.raw, b"{}");
        }
        assert_eq!(Seal::record(None, place, module, &open).unwrap().1.raw, b"{}");
        let failure =
            |ring, module, bytes| Seal::record(ring, place, module, bytes).map(|_| ()).unwrap_err();
        assert_eq!(failure(None, module, &sealed), Damage::Suite(SUITE_RECORD));
        assert_eq!(failure(Some(&ring), module, &open), Damage::Suite(SUITE_OPEN));
        assert_eq!(failure(Some(&ring), ModuleKey([2; 16]), &sealed), Damage::Seal);
        assert_eq!(failure(Some(&Ring::generate().unwrap()), module, &sealed), Damage::Key);
        let belongs =
            |bytes: &[u8]| [false, true].map(|is_sealed| !is_of_other_kind(bytes, is_sealed));
        assert_eq!((belongs(&sealed), belongs(&open)), ([false, true], [true, false]));
    }
}
