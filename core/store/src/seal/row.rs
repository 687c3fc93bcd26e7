//! Rows that change: a key and a value of a database, and the bytes that go to disk for them.
//!
//! ```text
//! offset size  row of an open store
//! 0      8     XXH3-64 of the row's key and value
//! 8      …     value
//!
//! offset size  row of a sealed store
//! 0      4     id of the epoch
//! 4      12    nonce: random where a writer begins, then counts up
//! 16     …     encrypted value, tag (16)
//! ```
//!
//! Blocks of modules are written once and so have nonces of their own places ([`super::Seal`]);
//! rows of crashes and groups are written again and again. All rows of an epoch share one data key.
//! The row's key is authenticated with its value.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aes_gcm_siv::aead::AeadInOut;
use aes_gcm_siv::{Aes256GcmSiv, Nonce, Tag};
use xxhash_rust::xxh3::Xxh3;

use super::{EpochId, NONCE_BYTES, Ring, TAG_BYTES, cipher};
use crate::block::Damage;

const SUM_BYTES: usize = 8;
const NONCE_AT: usize = EpochId::BYTES;
const VALUE_AT: usize = NONCE_AT + NONCE_BYTES;

/// How the rows of a database are stored.
pub enum RowSeal {
    /// As they are, with a checksum.
    Open,
    /// Encrypted.
    Sealed(Box<RowKeys>),
}

/// The data keys of a database.
pub struct RowKeys {
    /// Of every epoch, the newest last.
    ciphers: Vec<(EpochId, Aes256GcmSiv)>,
    /// The upper part of all nonces of this process.
    start: [u8; NONCE_BYTES - 8],
    next: AtomicU64,
}

impl std::fmt::Debug for RowSeal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Self::Open) { "Open" } else { "Sealed" })
    }
}

impl RowSeal {
    /// How rows are stored in a store with `ring`; without one it is open.
    ///
    /// # Errors
    /// If the operating system has no random numbers.
    pub fn of_ring(ring: Option<&Arc<Ring>>) -> std::io::Result<Self> {
        let Some(ring) = ring else { return Ok(Self::Open) };
        let (mut start, mut next) = ([0; NONCE_BYTES - 8], [0; 8]);
        getrandom::fill(&mut start)?;
        getrandom::fill(&mut next)?;
        let ciphers =
            ring.epochs().iter().map(|epoch| (epoch.id(), cipher(&epoch.row_key()))).collect();
        Ok(Self::Sealed(Box::new(RowKeys {
            ciphers,
            start,
            next: AtomicU64::new(u64::from_be_bytes(next)),
        })))
    }

    /// The bytes of the row at `key`, as they go to disk.
    ///
    /// # Errors
    /// If the value is larger than the cipher allows, which none is.
    pub fn close(&self, key: &[u8], value: &[u8]) -> std::io::Result<Vec<u8>> {
        let keys = match self {
            Self::Open => {
                let mut bytes = Vec::with_capacity(SUM_BYTES + value.len());
                bytes.extend_from_slice(&checksum(key, value));
                bytes.extend_from_slice(value);
                return Ok(bytes);
            }
            Self::Sealed(keys) => keys,
        };
        let (epoch, cipher) =
            keys.ciphers.last().ok_or_else(|| std::io::Error::other("a key ring without keys"))?;
        let mut nonce = [0; NONCE_BYTES];
        let (start, count) = nonce.split_at_mut(keys.start.len());
        start.copy_from_slice(&keys.start);
        count.copy_from_slice(&keys.next.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        let mut bytes = Vec::with_capacity(VALUE_AT + value.len() + TAG_BYTES);
        bytes.extend_from_slice(&epoch.0);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(value);
        let tag =
            cipher.encrypt_inout_detached(&nonce.into(), key, (&mut bytes[VALUE_AT..]).into());
        bytes.extend_from_slice(
            &tag.map_err(|_| std::io::Error::other("a row is too large to be sealed"))?,
        );
        Ok(bytes)
    }

    /// The value that [`Self::close`] was given.
    ///
    /// # Errors
    /// [`Damage`] if it is not the row at `key`, or was altered.
    pub fn open(&self, key: &[u8], bytes: &[u8]) -> Result<Vec<u8>, Damage> {
        let keys = match self {
            Self::Open => {
                let (sum, value) = bytes.split_at_checked(SUM_BYTES).ok_or(Damage::Header)?;
                return if sum == checksum(key, value) {
                    Ok(value.to_vec())
                } else {
                    Err(Damage::Checksum)
                };
            }
            Self::Sealed(keys) => keys,
        };
        let (head, rest) = bytes.split_at_checked(VALUE_AT).ok_or(Damage::Header)?;
        let (value, tag) = rest
            .len()
            .checked_sub(TAG_BYTES)
            .and_then(|at| rest.split_at_checked(at))
            .ok_or(Damage::Header)?;
        let (epoch, nonce) = head.split_at(NONCE_AT);
        let (_, cipher) =
            keys.ciphers.iter().rev().find(|(id, _)| id.0 == epoch).ok_or(Damage::Key)?;
        let (nonce, tag) = (
            Nonce::try_from(nonce).map_err(|_| Damage::Header)?,
            Tag::try_from(tag).map_err(|_| Damage::Header)?,
        );
        let mut value = value.to_vec();
        cipher
            .decrypt_inout_detached(&nonce, key, value.as_mut_slice().into(), &tag)
            .map_err(|_| Damage::Seal)?;
        Ok(value)
    }
}

fn checksum(key: &[u8], value: &[u8]) -> [u8; SUM_BYTES] {
    let mut hash = Xxh3::new();
    hash.update(&(key.len() as u64).to_le_bytes());
    hash.update(key);
    hash.update(value);
    hash.digest().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_open_in_their_place_only() {
        let ring = Arc::new(Ring::generate().unwrap());
        for seal in [RowSeal::Open, RowSeal::of_ring(Some(&ring)).unwrap()] {
            let bytes = seal.close(b"place", b"a secret").unwrap();
            let shows = bytes.windows(6).any(|part| part == b"secret");
            assert_eq!(shows, matches!(seal, RowSeal::Open));
            assert_eq!(seal.open(b"place", &bytes).unwrap(), b"a secret");
            assert!(seal.open(b"other", &bytes).is_err());
            for bit in 0..bytes.len() * 8 {
                let mut changed = bytes.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(seal.open(b"place", &changed).is_err(), "bit {bit}");
            }
            (0..bytes.len())
                .for_each(|end| assert!(seal.open(b"place", &bytes[..end]).is_err(), "{end}"));
        }
    }

    #[test]
    fn rows_of_old_epochs_open_after_a_rotation() {
        let ring = Arc::new(Ring::generate().unwrap());
        let bytes = RowSeal::of_ring(Some(&ring)).unwrap().close(b"place", b"a secret").unwrap();
        let rotated = Arc::new(ring.rotated().unwrap());
        let seal = RowSeal::of_ring(Some(&rotated)).unwrap();
        assert_eq!(seal.open(b"place", &bytes).unwrap(), b"a secret");
        let after = seal.close(b"place", b"a secret").unwrap();
        assert_eq!(RowSeal::of_ring(Some(&ring)).unwrap().open(b"place", &after), Err(Damage::Key));
        assert!(RowSeal::Open.open(b"place", &bytes).is_err());
    }
}
