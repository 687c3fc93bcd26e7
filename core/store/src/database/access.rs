//! Who may open a store: its format, its key ring and the key at hand have to agree.

use std::sync::Arc;

use super::{Error, Format, Store, durable, format};
use crate::seal::Ring;

/// What it takes to read what a store holds.
#[derive(Clone, Debug)]
pub struct Access {
    /// The keys of a sealed store; an open one has none.
    pub ring: Option<Arc<Ring>>,
}

impl Access {
    /// For reading.
    ///
    /// # Errors
    /// If there is no store, the key is missing or another one, or a key is given for a store that
    /// is open.
    pub fn read(store: &Store) -> Result<Self, Error> {
        let format = Format::read(store)?;
        let has_ring = store.ring().exists() || store.ring_copy().exists();
        match (format.key, has_ring) {
            (None, false) if store.key.is_some() => Err(Error::Open(store.path.clone())),
            (None, false) => Ok(Self { ring: None }),
            (Some(_), true) => Ok(Self { ring: Some(store.open_ring()?.ring) }),
            // One of them was taken away, or comes from another store.
            (None, true) => Err(Error::FormatLost(store.path.clone())),
            (Some(_), false) => Err(Error::RingLost(store.path.clone())),
        }
    }

    /// For writing, with the lock held: what a rotation has left is finished.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn write(store: &Store) -> Result<Self, Error> {
        let access = Self::read(store)?;
        if access.ring.is_some() {
            store.settle_ring()?;
        }
        Ok(access)
    }
}

impl Store {
    /// Makes the folder and what makes it a store, unless it is one: sealed, if there is a key.
    /// Another process may be doing the same.
    ///
    /// # Errors
    /// Any [`Error`]; a folder with other things in it is left as it is.
    pub fn create(&self) -> Result<(), Error> {
        let io = |cause| Error::io(&self.path, cause);
        match Format::read(self) {
            Ok(_) => {}
            Err(Error::Missing(_)) => self.create_new()?,
            // Another process is making it, or was killed while it did.
            Err(Error::NotAStore(_) | Error::FormatLost(_)) if format::is_free(&self.path) => {
                self.create_new()?;
            }
            Err(error) => return Err(error),
        }
        durable::create_folder(&self.staging()).map_err(io)?;
        Access::read(self).map(drop)
    }

    /// The same with the keys of another store: `ring`, as the key at hand wraps it. What is sealed
    /// there opens here.
    ///
    /// # Errors
    /// Any [`Error`]; that of the key, if the store is there and has another one.
    pub fn create_with_ring(&self, ring: &[u8]) -> Result<(), Error> {
        let io = |cause| Error::io(&self.path, cause);
        durable::create_folder(&self.path).map_err(io)?;
        for path in [self.ring(), self.ring_copy()] {
            durable::create(&path, ring).map_err(io)?;
        }
        self.create()
    }

    fn create_new(&self) -> Result<(), Error> {
        durable::create_folder(&self.path).map_err(|cause| Error::io(&self.path, cause))?;
        if let Some(key) = &self.key {
            self.create_ring(key)?;
        }
        Format { key: self.key.as_ref().map(crate::seal::MasterKey::id) }.create(self)
    }
}
