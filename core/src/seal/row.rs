//! Rows that change: in, a key and a value of a database; out, bytes that say nothing without the master key, and back.
//!
//! ```text
//! offset size  sealed row
//! 0      12    nonce: random where a writer begins, then counts up
//! 12     …     encrypted value, tag (16)
//! ```
//!
//! Blocks of modules are written once and so have nonces of their own places ([`super::Seal`]); rows of crashes and groups are
//! written again and again. All rows of a database share one data key, which a row of its own holds, wrapped by the master key. The
//! row's key is authenticated with its value. What an older copy of a row says is believed.

use std::sync::atomic::{AtomicU64, Ordering};

use aes_gcm_siv::aead::AeadInOut;
use aes_gcm_siv::{Aes256GcmSiv, Nonce, Tag};
use zeroize::Zeroizing;

use super::{KEY_BYTES, KeyId, Locked, MasterKey, NONCE_BYTES, TAG_BYTES, WRAPPED_BYTES, cipher, wrapping_key};
use crate::block::Damage;
use crate::store::{Generation, ModuleKey};

/// What the data key of a database of rows is wrapped for: no module has this key.
const ROWS: Generation = Generation { module: ModuleKey([0xff; 16]), number: 0 };

/// How the rows of a database are stored.
pub enum RowSeal {
    /// As they are.
    Open,
    /// Encrypted.
    Sealed(Box<RowKey>),
}

/// The data key of a database.
pub struct RowKey {
    cipher: Aes256GcmSiv,
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
    /// A new data key, and how `master` wraps it.
    ///
    /// # Errors
    /// If the operating system has no random numbers.
    pub fn new(master: &MasterKey) -> std::io::Result<(Self, Vec<u8>)> {
        let mut data_key = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(&mut *data_key)?;
        let wrapped = master.wrap(&data_key, ROWS)?;
        Ok((Self::of(&data_key)?, wrapped.to_vec()))
    }

    /// The data key that [`Self::new`] or [`Self::rewrap`] has wrapped.
    ///
    /// # Errors
    /// [`Locked`].
    pub fn opened_by(master: Option<&MasterKey>, wrapped: &[u8]) -> Result<Self, Locked> {
        let wrapped: &[u8; WRAPPED_BYTES] = wrapped.try_into().map_err(|_| Damage::Header)?;
        let wanted = wrapping_key(wrapped);
        let master = master.filter(|key| key.id() == wanted).ok_or(Locked::Needs(wanted))?;
        let data_key = master.unwrap(wrapped, ROWS).ok_or(Damage::Seal)?;
        Self::of(&data_key).map_err(|_| Damage::Seal.into())
    }

    /// The same data key, wrapped by `new`; `None` if it is already.
    ///
    /// # Errors
    /// [`Locked`].
    pub fn rewrap(old: &MasterKey, new: &MasterKey, wrapped: &[u8]) -> Result<Option<Vec<u8>>, Locked> {
        let wrapped: &[u8; WRAPPED_BYTES] = wrapped.try_into().map_err(|_| Damage::Header)?;
        match wrapping_key(wrapped) {
            id if id == new.id() => Ok(None),
            id if id == old.id() => {
                let data_key = old.unwrap(wrapped, ROWS).ok_or(Damage::Seal)?;
                Ok(Some(new.wrap(&data_key, ROWS).map_err(|_| Damage::Seal)?.to_vec()))
            }
            id => Err(Locked::Needs(id)),
        }
    }

    /// Which master key a wrapped data key needs.
    pub fn key_of(wrapped: &[u8]) -> Option<KeyId> {
        wrapped.try_into().ok().map(wrapping_key)
    }

    fn of(data_key: &[u8; KEY_BYTES]) -> std::io::Result<Self> {
        let (mut start, mut next) = ([0; NONCE_BYTES - 8], [0; 8]);
        getrandom::fill(&mut start)?;
        getrandom::fill(&mut next)?;
        Ok(Self::Sealed(Box::new(RowKey { cipher: cipher(data_key), start, next: AtomicU64::new(u64::from_be_bytes(next)) })))
    }

    /// The bytes of the row at `key`, as they go to disk.
    ///
    /// # Errors
    /// If the value is larger than the cipher allows, which none is.
    pub fn close(&self, key: &[u8], value: Vec<u8>) -> std::io::Result<Vec<u8>> {
        let Self::Sealed(row_key) = self else { return Ok(value) };
        let mut nonce = [0; NONCE_BYTES];
        let (start, count) = nonce.split_at_mut(row_key.start.len());
        start.copy_from_slice(&row_key.start);
        count.copy_from_slice(&row_key.next.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        let mut bytes = Vec::with_capacity(NONCE_BYTES + value.len() + TAG_BYTES);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&value);
        let tag = row_key.cipher.encrypt_inout_detached(&nonce.into(), key, (&mut bytes[NONCE_BYTES..]).into());
        bytes.extend_from_slice(&tag.map_err(|_| std::io::Error::other("a row is too large to be sealed"))?);
        Ok(bytes)
    }

    /// The value that [`Self::close`] was given.
    ///
    /// # Errors
    /// [`Damage`] if it is not the row at `key`, or was altered.
    pub fn open(&self, key: &[u8], bytes: Vec<u8>) -> Result<Vec<u8>, Damage> {
        let Self::Sealed(row_key) = self else { return Ok(bytes) };
        let (nonce, rest) = bytes.split_at_checked(NONCE_BYTES).ok_or(Damage::Header)?;
        let (value, tag) = rest.len().checked_sub(TAG_BYTES).and_then(|at| rest.split_at_checked(at)).ok_or(Damage::Header)?;
        let (nonce, tag) = (Nonce::try_from(nonce).map_err(|_| Damage::Header)?, Tag::try_from(tag).map_err(|_| Damage::Header)?);
        let mut value = value.to_vec();
        row_key.cipher.decrypt_inout_detached(&nonce, key, value.as_mut_slice().into(), &tag).map_err(|_| Damage::Seal)?;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_open_in_their_place_only() {
        let master = MasterKey::from_bytes(&[7; KEY_BYTES]);
        let (seal, wrapped) = RowSeal::new(&master).unwrap();
        let bytes = seal.close(b"place", b"a secret".to_vec()).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"secret"));
        assert_ne!(bytes, seal.close(b"place", b"a secret".to_vec()).unwrap());
        let again = RowSeal::opened_by(Some(&master), &wrapped).unwrap();
        assert_eq!(again.open(b"place", bytes.clone()).unwrap(), b"a secret");
        assert_eq!(again.open(b"other", bytes.clone()), Err(Damage::Seal));
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(again.open(b"place", changed).is_err(), "bit {bit}");
        }
        (0..bytes.len()).for_each(|end| assert!(again.open(b"place", bytes[..end].to_vec()).is_err(), "{end}"));
    }

    #[test]
    fn another_master_key_wraps_the_same_data_key() {
        let (old, new) = (MasterKey::from_bytes(&[7; KEY_BYTES]), MasterKey::from_bytes(&[8; KEY_BYTES]));
        let (seal, wrapped) = RowSeal::new(&old).unwrap();
        let bytes = seal.close(b"place", b"a secret".to_vec()).unwrap();
        let again = RowSeal::rewrap(&old, &new, &wrapped).unwrap().unwrap();
        assert_eq!(RowSeal::opened_by(Some(&new), &again).unwrap().open(b"place", bytes).unwrap(), b"a secret");
        assert_eq!(RowSeal::rewrap(&old, &new, &again), Ok(None));
        assert_eq!(RowSeal::opened_by(Some(&old), &again).map(|_| ()), Err(Locked::Needs(new.id())));
        assert_eq!(RowSeal::opened_by(None, &wrapped).map(|_| ()), Err(Locked::Needs(old.id())));
        assert_eq!(RowSeal::key_of(&again), Some(new.id()));
    }
}
