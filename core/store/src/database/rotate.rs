//! Another master key: the store's key ring is wrapped by it, and what is written from then on is
//! sealed under a new epoch.

use super::lock::Lock;
use super::writer::Writer;
use super::{Error, Format, Store};
use crate::seal::{MasterKey, Ring};

impl Store {
    /// Makes `new` the key of the store, and returns how many modules it has. No block and no row
    /// is touched: what the old key ring had is in the new one. A rotation that was killed is
    /// finished by the same call, and by whoever writes with the new key.
    ///
    /// # Errors
    /// Any [`Error`]; both keys open the store then, or only one of them does.
    pub fn rotate(&self, new: &MasterKey) -> Result<u64, Error> {
        let writer = Writer::open(self)?;
        let _crashes = Lock::exclusive(&self.crashes_lock(), self.wait)?;
        let old = writer.ring.as_ref().ok_or_else(|| Error::NotSealed(self.path.clone()))?;
        let begun = self
            .clone()
            .with_key(Some(new.clone()))
            .open_ring()
            .ok()
            .filter(|begun| begun.ring.revision() > old.revision());
        let ring: Ring = match begun {
            Some(begun) => Ring::clone(&begun.ring),
            None => old.rotated().map_err(|cause| Error::io(&self.path, cause))?,
        };
        self.replace_ring(&ring, new)?;
        Format { key: Some(new.id()) }.replace(self)?;
        Ok(writer.head.ack.rows)
    }
}
