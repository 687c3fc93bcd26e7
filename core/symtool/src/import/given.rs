//! The id that was given for a file which has none.

use std::path::Path;
use std::sync::PoisonError;

use symtool_debug::{DebugFile, Error, Mapped};

use super::FileId;
use super::event::Failure;
use super::read::Reader;

/// What came of opening a file.
pub enum Parsed<'d> {
    /// It can be read.
    File(Box<DebugFile<'d>>),
    /// The id that was given is not for it.
    Refused(Failure),
}

impl<'d> Parsed<'d> {
    fn of(file: DebugFile<'d>) -> Self {
        Self::File(Box::new(file))
    }
}

impl Reader<'_> {
    /// The file that `mapped` is; where it does not say of which build, of the one that was given.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(super) fn parse<'d>(&self, path: &Path, mapped: &'d Mapped) -> Result<Parsed<'d>, Error> {
        let error = match DebugFile::parse(mapped) {
            Err(error @ Error::NoModuleLine { .. }) => error,
            file => return file.map(Parsed::of),
        };
        let refused = match self.given_id(path) {
            Ok(Some(FileId { build: Some(id), .. })) => {
                return DebugFile::parse_with_id(mapped, Some(&id)).map(Parsed::of);
            }
            Ok(Some(_)) => Failure::OtherId { path: path.to_owned(), what: "a build" },
            Ok(None) => return Err(error),
            Err(failure) => failure,
        };
        Ok(Parsed::Refused(refused))
    }

    /// The id for the file at `path`, which has none, if one was given.
    ///
    /// # Errors
    /// If another file has it.
    pub(super) fn given_id(&self, path: &Path) -> Result<Option<FileId>, Failure> {
        let Some(id) = &self.id else { return Ok(None) };
        let id = id.lock().unwrap_or_else(PoisonError::into_inner).take();
        id.map(Some).ok_or_else(|| Failure::SecondFile(path.to_owned()))
    }
}
