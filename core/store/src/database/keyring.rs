//! The two copies of a sealed store's key ring: `ring` and `ring.copy`.
//!
//! A rotation replaces one after the other. Between the two, the old key opens the one and the new
//! key the other, and both hold what it takes to open everything; whoever has the new key next
//! finishes it.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Error, Store, durable};
use crate::seal::{KeyId, Locked, MasterKey, Ring};

/// The ring of a store, as `key` opens it.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The newest that the key opens.
    pub ring: Arc<Ring>,
    /// Whether a copy is missing or damaged. That one of them needs another key says that a
    /// rotation is to be finished.
    pub is_damaged: bool,
}

impl Store {
    pub(super) fn ring(&self) -> PathBuf {
        self.path.join("ring")
    }

    pub(super) fn ring_copy(&self) -> PathBuf {
        self.path.join("ring.copy")
    }

    fn ring_bytes(&self) -> Result<[Option<Vec<u8>>; 2], Error> {
        let read = |path: PathBuf| durable::read(&path).map_err(|cause| Error::io(&path, cause));
        Ok([read(self.ring())?, read(self.ring_copy())?])
    }

    /// Opens the ring with the store's key.
    ///
    /// # Errors
    /// [`Error::NoKey`], [`Error::WrongKey`], or [`Error::RingLost`] if neither copy is intact.
    pub(super) fn open_ring(&self) -> Result<Opened, Error> {
        let copies = self.ring_bytes()?;
        let mut opened: Vec<Ring> = Vec::new();
        let (mut wanted, mut is_damaged) = (None, copies.iter().any(Option::is_none));
        for bytes in copies.iter().flatten() {
            match Ring::unwrap(bytes, self.key.as_ref()) {
                Ok(ring) => opened.push(ring),
                Err(Locked::Needs(key)) => wanted = wanted.or(Some(key)),
                Err(Locked::Damaged(_)) => is_damaged = true,
            }
        }
        is_damaged |= wanted.is_none() && copies[0] != copies[1];
        let newest = opened.into_iter().max_by_key(Ring::revision);
        match (newest, wanted) {
            (Some(ring), _) => Ok(Opened { ring: Arc::new(ring), is_damaged }),
            (None, Some(wanted)) => Err(self.needs_key(wanted)),
            (None, None) => Err(Error::RingLost(self.path.clone())),
        }
    }

    /// The keys that open it: two while a rotation is to be finished.
    pub(super) fn ring_keys(&self) -> Result<Vec<KeyId>, Error> {
        let mut keys: Vec<KeyId> =
            self.ring_bytes()?.iter().flatten().filter_map(|bytes| Ring::key_of(bytes)).collect();
        keys.dedup();
        Ok(keys)
    }

    /// Makes the ring of a new store, unless another process was faster.
    pub(super) fn create_ring(&self, key: &MasterKey) -> Result<(), Error> {
        let io = |cause| Error::io(&self.path, cause);
        let bytes = Ring::generate().and_then(|ring| ring.wrap(key)).map_err(io)?;
        durable::create(&self.ring(), &bytes).map_err(io)?;
        // Of several processes the first has decided; the copy is one of that.
        if let Some(bytes) = durable::read(&self.ring()).map_err(io)? {
            durable::create(&self.ring_copy(), &bytes).map_err(io)?;
        }
        Ok(())
    }

    /// Replaces both copies by `ring`, wrapped by `key`, and overwrites what they held.
    pub(super) fn replace_ring(&self, ring: &Ring, key: &MasterKey) -> Result<(), Error> {
        let bytes = ring.wrap(key).map_err(|cause| Error::io(&self.path, cause))?;
        for path in [self.ring(), self.ring_copy()] {
            durable::replace_and_erase(&path, &bytes).map_err(|cause| Error::io(&path, cause))?;
        }
        Ok(())
    }

    /// Makes both copies what the newer one is that the store's key opens. Only called by who
    /// writes.
    pub(super) fn settle_ring(&self) -> Result<(), Error> {
        let copies = self.ring_bytes()?;
        if copies[0] == copies[1] {
            return Ok(());
        }
        let revision = |bytes: &Option<Vec<u8>>| {
            Ring::unwrap(bytes.as_deref()?, self.key.as_ref()).ok().map(|ring| ring.revision())
        };
        let newer = match [revision(&copies[0]), revision(&copies[1])] {
            [Some(first), Some(second)] => usize::from(second > first),
            [Some(_), None] => 0,
            // The key before a rotation: what opens the store with the new one stays.
            [None, Some(_)]
                if copies[0].as_deref().is_some_and(|bytes| Ring::key_of(bytes).is_some()) =>
            {
                return Ok(());
            }
            [None, Some(_)] => 1,
            [None, None] => return Ok(()),
        };
        let Some(bytes) = &copies[newer] else { return Ok(()) };
        let other = [self.ring_copy(), self.ring()][newer].clone();
        durable::replace_and_erase(&other, bytes).map_err(|cause| Error::io(&other, cause))
    }
}
