//! Bytes that are too many to be held in memory, in a file of the store that has no name: it goes
//! with whoever has it.

use std::fs::File;
use std::io::{self, Write};

use symtool_debug::Mapped;

use super::{Error, Store};

/// A file that is being filled.
#[derive(Debug)]
pub struct Spool {
    store: Store,
    file: File,
}

impl Store {
    /// An empty file: in the store, or where the system puts temporary files if nobody may write to
    /// the store.
    ///
    /// # Errors
    /// [`Error::Io`] if none can be made.
    pub fn spool(&self) -> Result<Spool, Error> {
        let file = tempfile::tempfile_in(self.staging()).or_else(|_| tempfile::tempfile());
        let file = file.map_err(|cause| Error::io(&self.staging(), cause))?;
        Ok(Spool { store: self.clone(), file })
    }
}

impl Spool {
    /// What was written so far.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be mapped, or there is nothing.
    pub fn map(&self) -> Result<Mapped, Error> {
        let path = self.store.staging();
        Mapped::of_file(&self.file, &path)
            .map_err(|cause| Error::io(&path, io::Error::other(cause)))
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
