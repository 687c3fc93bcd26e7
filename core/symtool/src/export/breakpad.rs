//! Makes Breakpad symbol files from modules of the store.

use std::io::{self, Write};
use std::path::PathBuf;

use symtool_debug::{BreakpadHead, write_breakpad};
use symtool_module::ModuleKind;
use symtool_store::unpack::{Problem, unpack};
use symtool_store::{Error as StoreError, Module, ModuleRecord, Reader};

use crate::layout::{FileKind, FileOf, Layout, file_name, without_extension};

/// Why a module was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BreakpadError {
    /// Its blocks cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// One of its blocks is damaged.
    #[error("{0}")]
    Damaged(Problem),
    /// It is a mapping.
    #[error("a mapping, which has no addresses")]
    Mapping,
    /// The file cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Writes the symbol file of `module` to `out`; `spell` gives names as people are to see them. Gives
/// back how many unwind rows were left out, as no record can tell them.
///
/// # Errors
/// If the module cannot be read, or is a mapping; those of `out`.
pub fn write_module(
    reader: &Reader,
    module: &Module,
    spell: &dyn Fn(&[u8]) -> Option<String>,
    out: &mut dyn Write,
) -> Result<u64, BreakpadError> {
    let record = &module.record;
    if record.is_mapping() {
        return Err(BreakpadError::Mapping);
    }
    let (symbols, _) = unpack(record, &reader.stored(module)?).map_err(BreakpadError::Damaged)?;
    let name = debug_name(record);
    let generator = concat!("symtool ", env!("CARGO_PKG_VERSION"));
    let head = BreakpadHead { name: &name, code_name: code_name(record), generator };
    Ok(write_breakpad(&symbols, &head, spell, out)?)
}

/// Where minidump-stackwalk looks for the symbol file of the module of `record`, below the folder
/// that it is given.
pub fn breakpad_path(record: &ModuleRecord) -> PathBuf {
    let (name, id) = (debug_name(record), hex::decode(record.id.as_str()).unwrap_or_default());
    let kind = record.kind.known().unwrap_or(ModuleKind::Elf);
    let of = FileOf { kind, id: &id, made_up: record.id_made_up, name: &name, code_id: None };
    Layout::Breakpad.key(FileKind::Symbols, &of).map_or_else(PathBuf::new, PathBuf::from)
}

/// What crash reports call the file with the symbols: on Windows the PDB, elsewhere what was loaded.
fn debug_name(record: &ModuleRecord) -> String {
    let name = if record.kind == ModuleKind::Pe {
        names(record).find(|name| without_extension(name, "pdb").is_some()).map_or_else(
            || {
                format!(
                    "{}.pdb",
                    record.name.rsplit_once('.').map_or(&*record.name, |(stem, _)| stem)
                )
            },
            ToOwned::to_owned,
        )
    } else {
        let loaded =
            |name: &&str| DEBUG_EXTENSIONS.iter().all(|end| without_extension(name, end).is_none());
        let stem = || DEBUG_EXTENSIONS.iter().find_map(|end| without_extension(&record.name, end));
        names(record).find(loaded).or_else(stem).unwrap_or(&record.name).to_owned()
    };
    file_name(&name)
}

/// Extensions of files that were split from what is loaded.
const DEBUG_EXTENSIONS: [&str; 3] = ["debug", "dbg", "sym"];

/// What the code of an image of Windows is called.
fn code_name(record: &ModuleRecord) -> Option<&str> {
    let is_code = |name: &&str| without_extension(name, "pdb").is_none();
    names(record).find(is_code).filter(|_| record.kind == ModuleKind::Pe)
}

fn names(record: &ModuleRecord) -> impl Iterator<Item = &str> {
    std::iter::once(&record.name).chain(&record.other_names).map(String::as_str)
}
