//! The objects that a session of llvm-symbolizer has open, by path and by build-id.

use super::options::Named;
use super::session::{Known, Session};
use crate::demangle::{Demangler, Spelling, is_32_bit_windows};
use anyhow::Result;
use std::borrow::Cow;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use symtool_debug::Mapped;
use symtool_debug::{Error, container};
use symtool_store::database::InMemoryModule;
use symtool_store::resolve::{Origin, Resolver};

const NO_BUILD_ID: &str = "could not find build ID";

impl Session<'_> {
    pub(super) fn forget(&mut self) {
        self.resolver = Resolver::default();
        self.demanglers.clear();
        self.known.clear();
        self.numbers.clear();
        self.held_bytes = 0;
    }

    pub(super) fn is_last(&self, path: &[u8]) -> bool {
        self.known
            .get(self.last)
            .is_some_and(|(named, known)| matches!((named, known), (Named::Path(last), Known::Open(..)) if last == path))
    }

    /// The number of an object, opened if it is new, and why that failed if it did.
    pub(super) fn named(&mut self, named: Cow<'_, Named>) -> (usize, Result<(), String>) {
        if let Some(&number) = self.numbers.get(&*named) {
            self.last = number;
            // By build-id it is tried again each time.
            let is_retold =
                matches!((&self.known[number].1, &*named), (Known::Failed, Named::BuildId(_)));
            return (number, if is_retold { Err(NO_BUILD_ID.to_owned()) } else { Ok(()) });
        }
        let (known, opened) = match self.open(&named) {
            Ok((held, file)) => (Known::Open(held.map(|held| self.add(held)), file), Ok(())),
            Err(reason) => (Known::Failed, Err(reason)),
        };
        let named = named.into_owned();
        self.last = self.known.len();
        self.numbers.insert(named.clone(), self.last);
        self.known.push((named, known));
        (self.last, opened)
    }

    pub(super) fn add(&mut self, held: Arc<InMemoryModule>) -> usize {
        self.held_bytes += held.bytes();
        let (functions, is_32_bit_windows) =
            (held.module().record.functions, is_32_bit_windows(&held.module().record));
        let module = self.resolver.add(Origin::Memory(held));
        if module == self.demanglers.len() {
            let names = if self.options.demangle { functions as usize } else { 0 };
            self.demanglers.push(Demangler::new(names, Spelling::Llvm, is_32_bit_windows));
        }
        module
    }

    pub(super) fn open(
        &self,
        named: &Named,
    ) -> Result<(Option<Arc<InMemoryModule>>, Option<Mapped>), String> {
        let objects = &self.options.objects;
        let path = match named {
            Named::Path(path) => PathBuf::from(std::ffi::OsString::from_vec(path.clone())),
            Named::BuildId(id) => match objects.by_build_id(id) {
                Some(path) => path,
                None => {
                    return objects
                        .stored_by_build_id(id)
                        .map(|held| (Some(held), None))
                        .ok_or_else(|| NO_BUILD_ID.to_owned());
                }
            },
        };
        let object = objects.open(&path).map_err(|error| reason(&path, &error))?;
        Ok((object.held, Some(object.file)))
    }
}

/// Why an object cannot be opened, as LLVM says it.
fn reason(path: &Path, error: &Error) -> String {
    let file = container::split(path).map_or_else(|| path.to_owned(), |(file, _)| file);
    let system = match (fs::metadata(&file), error) {
        (Err(cause), _) => Some(cause.to_string()),
        (Ok(metadata), _) if metadata.is_dir() => Some("Is a directory".to_owned()),
        (Ok(_), Error::Io { cause, .. }) => Some(cause.to_string()),
        _ => None,
    };
    match (system, error) {
        (Some(text), _) => text.split(" (os error").next().unwrap_or_default().to_owned(),
        (None, Error::NoSlice { .. }) => "No object file for requested architecture".to_owned(),
        (None, Error::Damaged { reason, .. }) => reason.clone(),
        (None, _) => "The file was not recognized as a valid object file".to_owned(),
    }
}
