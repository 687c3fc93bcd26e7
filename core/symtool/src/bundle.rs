//! Packs the modules of a build into one file that an import takes: what a build machine hands over.
//!
//! ```text
//! paths -> import into a store of its own, gone afterwards     import/
//!       -> modules that the other store lacks                  KnownModules
//!       -> a segment each, in a tar archive packed by zstd
//! ```
//!
//! The same files give the same bytes: segments say nothing of when and where they were made, and
//! stand in the order of the names, ids and architectures of their modules.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use symtool_module::{Arch, BuildId, ModuleKind, Named};
use symtool_store::{Module, ModuleRecord, Reader, Store};

use crate::Error;
use crate::export::{file_name, replace};
use crate::import::{Events, Import, Summary};

/// How hard zstd tries: blocks of modules are packed already.
const LEVEL: i32 = 3;

/// Modules that another store has.
#[derive(Clone, Debug, Default)]
pub struct KnownModules(HashMap<ListedAs, Vec<ModuleRecord>>);

/// What a module goes by in such a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ListedAs {
    kind: Named<ModuleKind>,
    id: BuildId,
    arch: Arch,
}

impl ListedAs {
    fn of(record: &ModuleRecord) -> Self {
        Self { kind: record.kind.clone(), id: record.id.clone(), arch: record.arch.clone() }
    }
}

/// Why a list of known modules cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnownError {
    /// It cannot be read.
    #[error("{cause}")]
    Io {
        /// Why.
        #[from]
        cause: io::Error,
    },
    /// A line is not the JSON object of a module.
    #[error("line {line} is not the JSON object of a module: {reason}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// Why.
        reason: String,
    },
}

impl KnownModules {
    /// Those that `reader` lists: a JSON object of a module on each line.
    ///
    /// # Errors
    /// [`KnownError`].
    pub fn read(reader: impl BufRead) -> Result<Self, KnownError> {
        let mut known = Self::default();
        for (at, line) in reader.lines().enumerate() {
            let line = line?;
            if line.trim().is_empty() {
                continue;
            }
            let record: ModuleRecord = serde_json::from_str(&line)
                .map_err(|error| KnownError::Line { line: at + 1, reason: error.to_string() })?;
            known.0.entry(ListedAs::of(&record)).or_default().push(record);
        }
        Ok(known)
    }

    /// Whether one of them was made from all the files that `record` was made from: only then can
    /// importing it bring nothing.
    fn have(&self, record: &ModuleRecord) -> bool {
        let known = self.0.get(&ListedAs::of(record)).map_or(&[][..], Vec::as_slice);
        known.iter().any(|known| known.has_files_of(record))
    }
}

/// What became of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bundled {
    /// It is in the file, with so many bytes.
    Yes(u64),
    /// The other store has it.
    Known,
}

/// What came of a bundle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BundleSummary {
    /// Modules in the file.
    pub bundled: u64,
    /// Modules that the other store has.
    pub known: u64,
    /// What the import said.
    pub imported: Summary,
}

/// Writes the modules of all files that `import` names to `file`, but for those that are `known`,
/// and tells `each` what became of each. Without a module there is no file: one that was there is
/// removed.
///
/// # Errors
/// If there is no room for a store, `file` cannot be written, or `events` or `each` returns an
/// error.
pub fn bundle(
    import: Import,
    known: &KnownModules,
    file: &Path,
    events: Events<'_>,
    mut each: impl FnMut(&ModuleRecord, Bundled) -> io::Result<()>,
) -> Result<BundleSummary, Error> {
    let folder = tempfile::tempdir()?;
    let store = Store::at(&folder.path().join("store"), Duration::ZERO);
    let mut summary =
        BundleSummary { imported: import.run(&store, events)?, ..BundleSummary::default() };
    let reader = match store.read() {
        Err(symtool_store::Error::Missing(_)) => None,
        reader => Some(reader?),
    };
    let catalog = reader.as_ref().map(Reader::catalog).unwrap_or_default();
    let (others, mut new): (Vec<&Module>, Vec<&Module>) =
        catalog.modules()?.iter().partition(|module| known.have(&module.record));
    for module in others {
        summary.known += 1;
        each(&module.record, Bundled::Known)?;
    }
    let order = |module: &&Module| {
        let ModuleRecord { name, id, arch, .. } = &module.record;
        (name.clone(), id.clone(), arch.clone())
    };
    new.sort_by_key(order);
    summary.bundled = new.len() as u64;
    match &reader {
        Some(reader) if !new.is_empty() => {
            replace(file, |out| write(reader, &new, out, &mut each))?;
        }
        _ => match std::fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        },
    }
    Ok(summary)
}

/// Writes `modules` to `out`.
fn write(
    reader: &Reader,
    modules: &[&Module],
    out: &mut dyn Write,
    each: &mut impl FnMut(&ModuleRecord, Bundled) -> io::Result<()>,
) -> Result<(), Error> {
    let mut archive = tar::Builder::new(zstd::Encoder::new(out, LEVEL)?);
    for module in modules {
        let segment = reader.segment(module)?;
        let mut header = tar::Header::new_gnu();
        header.set_size(segment.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        archive.append_data(&mut header, place(&module.record), &*segment)?;
        each(&module.record, Bundled::Yes(segment.len() as u64))?;
    }
    archive.into_inner()?.finish()?.flush()?;
    Ok(())
}

/// Where the module of `record` stands in the archive.
fn place(record: &ModuleRecord) -> PathBuf {
    let file = format!("{}-{}.segment", record.id, file_name(record.arch.as_str()));
    [file_name(&record.name), file].iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_no_module_is_named() {
        let error = KnownModules::read(&b"\n{\"a\":1}\n"[..]).unwrap_err().to_string();
        assert!(error.starts_with("line 2 is not the JSON object of a module: "), "{error}");
        assert!(KnownModules::read(&b""[..]).unwrap().0.is_empty());
    }
}
