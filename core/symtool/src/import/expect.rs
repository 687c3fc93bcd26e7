//! What an import would bring, where nothing is to be changed.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use symtool_debug::ModuleInfo;
use symtool_module::BuildId;
use symtool_store::pack::Packed;
use symtool_store::{Error as StoreError, Module, ModuleKey};

use super::event::{self, ExpectedModule, Report};
use super::order::Order;
use super::read::Outcome;

/// Files so far that an import would read: their modules, hashes and sizes.
#[derive(Debug, Default)]
pub struct Expected(Mutex<HashSet<(ModuleKey, u64, u64)>>);

impl Expected {
    /// What would come of the file of `bytes` at `path` that `info` describes, one of the module
    /// `known` if the store has that; nothing of one that has come before.
    pub fn outcome<'a>(
        &self,
        path: PathBuf,
        info: &ModuleInfo,
        bytes: u64,
        known: Option<Module>,
    ) -> Outcome<'a> {
        let file = (ModuleKey::of(info), info.fingerprint, bytes);
        if !self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(file) {
            return Outcome::Foreseen(Vec::new());
        }
        let module = ExpectedModule {
            name: info.name.clone(),
            id: known.map_or_else(|| BuildId::from(&info.id), |known| known.record.id),
            kind: info.kind.into(),
            arch: info.arch.clone(),
        };
        let outcome = event::Outcome::Expected(Box::new(module));
        Outcome::Foreseen(vec![Report { path, outcome }])
    }
}

/// What would come of the segment at `path` with `modules`.
///
/// # Errors
/// If the store cannot be read.
pub fn segment<'a>(
    path: &Path,
    modules: Vec<Packed>,
    order: &Order<'_>,
) -> Result<Outcome<'a>, StoreError> {
    let mut reports = Vec::new();
    for Packed { record, key, .. } in modules {
        let outcome = match order.module(key)? {
            Some(known) if known.record.has_files_of(&record) => {
                event::Outcome::Unchanged { module: Box::new(known.record), took: Duration::ZERO }
            }
            _ => event::Outcome::Expected(Box::new(ExpectedModule {
                name: record.name,
                id: record.id,
                kind: record.kind,
                arch: record.arch,
            })),
        };
        reports.push(Report { path: path.to_owned(), outcome });
    }
    Ok(Outcome::Foreseen(reports))
}
