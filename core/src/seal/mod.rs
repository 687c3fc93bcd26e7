//! Encryption at rest: in, compressed blocks and where they belong; out, bytes that say nothing without the key, and back.
//!
//! ```text
//! master key            the user's (key.rs); never in the store
//!   └ data key          random, one for each generation of a module; in its footer, wrapped by the master key
//!       └ blocks        AES-256-GCM-SIV (RFC 8452) of the compressed data
//!
//! offset size  sealed block, little-endian
//! 0      1     suite: 1 = AES-256-GCM-SIV; 2 = the same, and 68 bytes of wrapped data key before the data
//! 1      8     first address or number covered (the last is in the key)
//! 9      4     bytes of the block once expanded
//! 13     …     suite 2: id of the master key (8), nonce (12), wrapped data key (48)
//! …      …     encrypted zstd frame, tag (16)
//! ```
//!
//! The nonce of a block is its last number and its kind: no two blocks of a data key share one. What stands in the clear is
//! authenticated with the module, the generation, the kind and the last number, so that a block opens in its own place only.
//! A new master key changes the 68 bytes of each footer and nothing else.

mod key;
mod row;

use std::fmt;
use std::sync::Arc;

use aes_gcm_siv::aead::{AeadInOut, KeyInit};
use aes_gcm_siv::{Aes256GcmSiv, Key, Nonce, Tag};
use zeroize::Zeroizing;

use crate::block::{CHECKSUM_AT, Compressed, Damage, Expanded, HEADER_BYTES, Kind, SUITE_OPEN, expand, expand_data, head};
use crate::store::Generation;
pub use key::{KEY_BYTES, KeyError, KeyId, MasterKey};
pub use row::RowSeal;

const SUITE_SEALED: u8 = 1;
const SUITE_FOOTER: u8 = 2;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const ID_BYTES: usize = 8;
/// Id of the master key, nonce, wrapped data key.
const WRAPPED_BYTES: usize = ID_BYTES + NONCE_BYTES + KEY_BYTES + TAG_BYTES;

/// Version of what is authenticated with each block.
const VERSION: u8 = 1;

/// How the blocks of one generation of a module are stored.
#[derive(Clone)]
pub enum Seal {
    /// Compressed, with a checksum.
    Open,
    /// Encrypted.
    Sealed(Arc<DataKey>),
}

/// A data key, and how its footer has it.
pub struct DataKey {
    cipher: Aes256GcmSiv,
    wrapped: [u8; WRAPPED_BYTES],
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "Open",
            Self::Sealed(_) => "Sealed",
        })
    }
}

/// Why a footer cannot be opened.
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
pub struct Place {
    /// Whose block it is.
    pub generation: Generation,
    /// What it holds.
    pub kind: Kind,
    /// The last address or number that it covers.
    pub last: u64,
}

impl Place {
    fn nonce(self) -> Nonce {
        let mut nonce = [0; NONCE_BYTES];
        nonce[..8].copy_from_slice(&self.last.to_be_bytes());
        nonce[8] = self.kind as u8;
        nonce.into()
    }

    /// What is authenticated: `head` is what stands before the data in the clear, but not the wrapped data key, which
    /// changes with the master key.
    fn associated(self, head: &[u8]) -> Vec<u8> {
        let mut data = vec![VERSION];
        data.extend_from_slice(&self.generation.key(self.kind, self.last));
        data.extend_from_slice(head);
        data
    }
}

impl Seal {
    /// How a new generation is stored: with `key`, under a new data key.
    ///
    /// # Errors
    /// If the operating system has no random numbers.
    pub fn new(key: Option<&MasterKey>, generation: Generation) -> std::io::Result<Self> {
        let Some(key) = key else { return Ok(Self::Open) };
        let mut data_key = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(&mut *data_key)?;
        let wrapped = key.wrap(&data_key, generation)?;
        Ok(Self::Sealed(Arc::new(DataKey { cipher: cipher(&data_key), wrapped })))
    }

    /// The bytes of `block`, as they go to disk.
    ///
    /// # Errors
    /// If the block is larger than the cipher allows, which none is.
    pub fn close(&self, generation: Generation, block: &Compressed) -> std::io::Result<Vec<u8>> {
        let Self::Sealed(key) = self else { return Ok(block.bytes.clone()) };
        let is_footer = block.kind == Kind::Footer;
        let mut bytes = Vec::with_capacity(block.bytes.len() + WRAPPED_BYTES + TAG_BYTES);
        bytes.push(if is_footer { SUITE_FOOTER } else { SUITE_SEALED });
        bytes.extend_from_slice(&block.bytes[1..CHECKSUM_AT]);
        if is_footer {
            bytes.extend_from_slice(&key.wrapped);
        }
        let (data_at, place) = (bytes.len(), Place { generation, kind: block.kind, last: block.last });
        bytes.extend_from_slice(&block.bytes[HEADER_BYTES..]);
        let (head, data) = bytes.split_at_mut(data_at);
        let tag = key.cipher.encrypt_inout_detached(&place.nonce(), &place.associated(&head[..CHECKSUM_AT]), data.into());
        bytes.extend_from_slice(&tag.map_err(|_| std::io::Error::other("a block is too large to be sealed"))?);
        Ok(bytes)
    }

    /// Expands what [`Self::close`] made of a block that belongs to `place`.
    ///
    /// # Errors
    /// [`Damage`] if `bytes` are not that block.
    pub fn expand(&self, place: Place, bytes: &[u8]) -> Result<Expanded, Damage> {
        let Self::Sealed(key) = self else { return expand(bytes) };
        let (first, raw_bytes) = sealed_head(bytes, place)?;
        Ok(Expanded { first, raw: expand_data(&key.decrypt(place, bytes)?, raw_bytes)? })
    }

    /// The block that [`Self::close`] was given.
    ///
    /// # Errors
    /// [`Damage`] if `bytes` are not that block; of one that is not sealed, only its place is certain: it is for
    /// [`expand`] to check.
    pub fn unseal(&self, place: Place, bytes: &[u8]) -> Result<Compressed, Damage> {
        let Self::Sealed(key) = self else {
            return Ok(Compressed { kind: place.kind, last: place.last, bytes: bytes.to_vec() });
        };
        let (first, raw_bytes) = sealed_head(bytes, place)?;
        Ok(Compressed::new((place.kind, first, place.last), raw_bytes, &key.decrypt(place, bytes)?))
    }

    /// Opens a footer with `key`: how its generation is stored, and the expanded footer.
    ///
    /// # Errors
    /// [`Locked`].
    pub fn footer(key: Option<&MasterKey>, is_sealed: bool, place: Place, bytes: &[u8]) -> Result<(Self, Expanded), Locked> {
        let (suite, ..) = head(bytes)?;
        match (suite, key) {
            (SUITE_OPEN, _) if !is_sealed => Ok((Self::Open, expand(bytes)?)),
            (SUITE_FOOTER, key) if is_sealed => {
                let wrapped = wrapped(bytes).ok_or(Damage::Header)?;
                let id = wrapping_key(&wrapped);
                let key = key.filter(|key| key.id() == id).ok_or(Locked::Needs(id))?;
                let data_key = key.unwrap(&wrapped, place.generation).ok_or(Damage::Seal)?;
                let seal = Self::Sealed(Arc::new(DataKey { cipher: cipher(&data_key), wrapped }));
                let opened = seal.expand(place, bytes)?;
                Ok((seal, opened))
            }
            (suite, _) => Err(Damage::Suite(suite).into()),
        }
    }

    /// A sealed footer with its data key wrapped by `new` instead of `old`; `None` if that is so already.
    ///
    /// # Errors
    /// [`Locked`].
    pub fn rewrap(old: &MasterKey, new: &MasterKey, generation: Generation, bytes: &[u8]) -> Result<Option<Vec<u8>>, Locked> {
        let wrapped = wrapped(bytes).ok_or(Damage::Header)?;
        match wrapping_key(&wrapped) {
            id if id == new.id() => Ok(None),
            id if id == old.id() => {
                let data_key = old.unwrap(&wrapped, generation).ok_or(Damage::Seal)?;
                let again = new.wrap(&data_key, generation).map_err(|_| Damage::Seal)?;
                let mut bytes = bytes.to_vec();
                bytes[CHECKSUM_AT..CHECKSUM_AT + WRAPPED_BYTES].copy_from_slice(&again);
                Ok(Some(bytes))
            }
            id => Err(Locked::Needs(id)),
        }
    }
}

/// Which master key a sealed footer needs; `None` if it is no sealed footer.
pub fn key_of_footer(bytes: &[u8]) -> Option<KeyId> {
    wrapped(bytes).as_ref().map(wrapping_key)
}

fn wrapped(bytes: &[u8]) -> Option<[u8; WRAPPED_BYTES]> {
    let is_footer = bytes.first() == Some(&SUITE_FOOTER);
    bytes.get(CHECKSUM_AT..CHECKSUM_AT + WRAPPED_BYTES).filter(|_| is_footer)?.try_into().ok()
}

fn wrapping_key(wrapped: &[u8; WRAPPED_BYTES]) -> KeyId {
    let mut id = [0; ID_BYTES];
    id.copy_from_slice(&wrapped[..ID_BYTES]);
    KeyId(id)
}

fn sealed_head(bytes: &[u8], place: Place) -> Result<(u64, u32), Damage> {
    let (suite, first, raw_bytes) = head(bytes)?;
    let expected = if place.kind == Kind::Footer { SUITE_FOOTER } else { SUITE_SEALED };
    if suite == expected { Ok((first, raw_bytes)) } else { Err(Damage::Suite(suite)) }
}

impl DataKey {
    /// The compressed data of a sealed block.
    fn decrypt(&self, place: Place, bytes: &[u8]) -> Result<Vec<u8>, Damage> {
        let data_at = CHECKSUM_AT + if place.kind == Kind::Footer { WRAPPED_BYTES } else { 0 };
        let (head, data) = bytes.split_at_checked(data_at).ok_or(Damage::Header)?;
        let (data, tag) = data.len().checked_sub(TAG_BYTES).and_then(|at| data.split_at_checked(at)).ok_or(Damage::Header)?;
        let (mut data, tag) = (data.to_vec(), Tag::try_from(tag).map_err(|_| Damage::Header)?);
        let associated = place.associated(&head[..CHECKSUM_AT]);
        self.cipher.decrypt_inout_detached(&place.nonce(), &associated, data.as_mut_slice().into(), &tag).map_err(|_| Damage::Seal)?;
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
    use crate::store::ModuleKey;

    fn generation(module: u8, number: u32) -> Generation {
        Generation { module: ModuleKey([module; 16]), number }
    }

    fn sealed() -> (MasterKey, Seal, Place, Compressed, Vec<u8>) {
        let key = MasterKey::from_bytes(&[7; KEY_BYTES]);
        let seal = Seal::new(Some(&key), generation(1, 1)).unwrap();
        let block = compress(Kind::Ranges, 3, 9, b"_ZN6secret4nameEv and more of the same").unwrap();
        let bytes = seal.close(generation(1, 1), &block).unwrap();
        (key, seal, Place { generation: generation(1, 1), kind: Kind::Ranges, last: 9 }, block, bytes)
    }

    #[test]
    fn sealed_blocks_open_again() {
        let (_, seal, place, block, bytes) = sealed();
        assert_eq!(seal.expand(place, &bytes).unwrap(), expand(&block.bytes).unwrap());
        assert_eq!(seal.unseal(place, &bytes).unwrap(), block);
        assert!(!bytes.windows(6).any(|part| part == b"secret"));
    }

    #[test]
    fn any_changed_bit_breaks_the_seal() {
        let (_, seal, place, _, bytes) = sealed();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(seal.expand(place, &changed).is_err(), "bit {bit}");
        }
        (0..bytes.len()).for_each(|end| assert!(seal.expand(place, &bytes[..end]).is_err(), "{end}"));
    }

    #[test]
    fn a_swapped_block_is_noticed() {
        let (_, seal, place, _, bytes) = sealed();
        let elsewhere =
            [Place { generation: generation(2, 1), ..place }, Place { kind: Kind::Functions, ..place }, Place { last: 10, ..place }];
        for place in elsewhere {
            assert_eq!(seal.expand(place, &bytes), Err(Damage::Seal), "{place:?}");
        }
        assert_eq!(Seal::Open.expand(place, &bytes), Err(Damage::Suite(SUITE_SEALED)));
    }

    /// A block of an earlier import: under the same key of that import, and in the same place.
    #[test]
    fn a_rolled_back_block_is_noticed() {
        let (key, seal, place, _, bytes) = sealed();
        assert_eq!(seal.expand(Place { generation: generation(1, 2), ..place }, &bytes), Err(Damage::Seal));
        let again = Seal::new(Some(&key), place.generation).unwrap();
        assert_eq!(again.expand(place, &bytes), Err(Damage::Seal));
    }

    #[test]
    fn footers_bring_their_key() {
        let (key, seal, place, ..) = sealed();
        let place = Place { kind: Kind::Footer, last: u64::MAX, ..place };
        let footer = compress(Kind::Footer, u64::MAX, u64::MAX, b"{}").unwrap();
        let bytes = seal.close(place.generation, &footer).unwrap();
        let (_, opened) = Seal::footer(Some(&key), true, place, &bytes).unwrap();
        assert_eq!(opened.raw, b"{}");
        let other = MasterKey::from_bytes(&[8; KEY_BYTES]);
        let failure = |key, is_sealed, place| Seal::footer(key, is_sealed, place, &bytes).map(|_| ()).unwrap_err();
        assert_eq!(failure(Some(&other), true, place), Locked::Needs(key.id()));
        assert_eq!(failure(None, true, place), Locked::Needs(key.id()));
        assert_eq!(failure(None, false, place), Damage::Suite(SUITE_FOOTER).into());
        assert_eq!(failure(Some(&key), true, Place { generation: generation(1, 2), ..place }), Damage::Seal.into());
        assert_eq!(Seal::footer(Some(&key), true, place, &footer.bytes).map(|_| ()), Err(Damage::Suite(SUITE_OPEN).into()));
        assert_eq!(key_of_footer(&bytes), Some(key.id()));

        let again = Seal::rewrap(&key, &other, place.generation, &bytes).unwrap().unwrap();
        assert_eq!(Seal::footer(Some(&other), true, place, &again).unwrap().1.raw, b"{}");
        assert_eq!(again[CHECKSUM_AT + WRAPPED_BYTES..], bytes[CHECKSUM_AT + WRAPPED_BYTES..]);
        assert_eq!(Seal::rewrap(&key, &other, place.generation, &again), Ok(None));
        let third = MasterKey::from_bytes(&[9; KEY_BYTES]);
        assert_eq!(Seal::rewrap(&third, &key, place.generation, &again), Err(Locked::Needs(other.id())));
    }
}
