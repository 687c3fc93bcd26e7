//! Another master key: in, a sealed store and a new key; out, the same store, whose data keys are wrapped by the new one.

use super::key::AFTER_FOOTERS;
use super::reader::{iterator, read_options};
use super::writer::{FOOTERS, Staged, Writer};
use super::{Error, Format, Generation, Store};
use crate::crash::database::Database;
use crate::seal::{Locked, MasterKey, Seal};

impl Store {
    /// Wraps the data key of every module with `new` instead of the store's key, and returns how many were wrapped. Blocks are not
    /// touched. A rotation that was killed is finished by the same call.
    ///
    /// # Errors
    /// Any [`Error`]; the store can be opened with the old key then, or, if only the last step failed, with the new one.
    pub fn rotate(&self, new: &MasterKey) -> Result<usize, Error> {
        self.healed(self.rotate_all(new))
    }

    fn rotate_all(&self, new: &MasterKey) -> Result<usize, Error> {
        let writer = Writer::open(self)?;
        let old = self.key.as_ref().filter(|_| writer.format.is_sealed()).ok_or_else(|| Error::NotSealed(self.path.clone()))?;
        Format::of([old.id(), new.id()]).replace(self)?;
        let wrapped = writer.wrapped_with(old, new)?;
        if !wrapped.is_empty() {
            let mut staged = Staged::new(self);
            staged.write(FOOTERS, |segment| {
                Ok(wrapped.iter().try_for_each(|(generation, footer)| segment.put(generation.footer(), footer))?)
            })?;
            staged.ingest(&writer.db)?;
        }
        Database::rotate(self, old, new)?;
        Format::of([new.id()]).replace(self)?;
        writer.tidy(false);
        Ok(wrapped.len())
    }
}

impl Writer<'_> {
    /// All footers that are not wrapped with `new` yet, wrapped with it. A damaged one stays as it is.
    fn wrapped_with(&self, old: &MasterKey, new: &MasterKey) -> Result<Vec<(Generation, Vec<u8>)>, Error> {
        let mut read = read_options();
        read.set_iterate_upper_bound(AFTER_FOOTERS);
        let mut wrapped = Vec::new();
        let Some(mut iterator) = iterator(&self.db, read) else { return Ok(wrapped) };
        iterator.seek_to_first();
        while let Some((key, value)) = iterator.item() {
            if let Some(generation) = Generation::from_key(key) {
                match Seal::rewrap(old, new, generation, value) {
                    Ok(footer) => wrapped.extend(footer.map(|footer| (generation, footer))),
                    Err(Locked::Needs(wanted)) => return Err(self.store.needs_key(wanted)),
                    Err(Locked::Damaged(_)) => {}
                }
            }
            iterator.next();
        }
        iterator.status().map(|()| wrapped).map_err(|source| self.store.database_error(source))
    }
}
