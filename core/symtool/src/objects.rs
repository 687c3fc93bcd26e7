//! Finds the object file and the module that a path or build-id of a request means.
//!
//! A file that the store has is taken from there; any other is imported first, so that the next run
//! finds it. Where the store cannot be read or written (a read-only home, another process that
//! holds it for too long), the module is answered from memory and nothing is kept. No lock is held
//! once a module is open.

use std::path::{Path, PathBuf};
use std::slice;
use std::sync::Arc;

use symtool_debug::{DebugFile, Mapped, Progress, Search};
use symtool_debug::{Error, ModuleInfo, container};
use symtool_module::{Arch, Detail, ModuleKind};
use symtool_store::Store;
use symtool_store::database::InMemoryModule;
use symtool_store::pack::pack;

use crate::fetch::Debuginfod;

/// Where objects are looked for.
#[derive(Debug)]
pub struct Objects {
    /// `None` if there is no folder to keep one in.
    pub store: Option<Store>,
    /// Where files that belong to an object are looked for, and files by build-id.
    pub search: Search,
    /// Which architecture of a universal file is meant where none is named.
    pub default_arch: Option<Arch>,
    /// Who is asked for debug files, if somebody is.
    pub debuginfod: Option<Debuginfod>,
}

/// An open object file.
#[derive(Debug)]
pub struct Object {
    /// Its module; `None` if there is nothing in it to find addresses by.
    pub held: Option<Arc<InMemoryModule>>,
    /// The file.
    pub file: Mapped,
    /// The file that its debug data was split into, if it was and that was found.
    pub debug: Option<Mapped>,
}

impl Objects {
    /// The object at `path`, which may end in `:ARCH`.
    ///
    /// # Errors
    /// Why there is none.
    pub fn open(&self, path: &Path) -> Result<Object, Error> {
        let file = match container::open_object(path) {
            opened @ Err(Error::NoSlice { arch: None, .. }) => match &self.default_arch {
                Some(arch) => container::open_slice(path, arch)?.open()?,
                None => opened?,
            },
            opened => opened?,
        };
        let (held, debug) = self.hold(&file)?;
        Ok(Object { held, file, debug })
    }

    /// The file with build-id `id`, as distributions keep debug files, else from a server.
    pub fn by_build_id(&self, id: &[u8]) -> Option<PathBuf> {
        let (first, rest) = id.split_first().filter(|(_, rest)| !rest.is_empty())?;
        let name = format!(".build-id/{first:02x}/{}.debug", hex::encode(rest));
        let mut places = self.search.debug_dirs.iter().map(|folder| folder.join(&name));
        places.find(|path| path.is_file()).or_else(|| self.debuginfod.as_ref()?.debug_file(id))
    }

    /// The debug file of `file` from a server, if it has no debug data itself.
    fn fetched(&self, file: &DebugFile<'_>) -> Option<Mapped> {
        let info = file.info();
        let is_wanted =
            info.kind == ModuleKind::Elf && !info.id.made_up && info.detail != Detail::Debug;
        let debuginfod = self.debuginfod.as_ref().filter(|_| is_wanted)?;
        Mapped::open(&debuginfod.debug_file(&info.id.bytes)?).ok()
    }

    /// What the store knows under build-id `id`, if the object itself is not at hand.
    pub fn stored_by_build_id(&self, id: &[u8]) -> Option<Arc<InMemoryModule>> {
        let id = hex::encode(id);
        let reader = self.store.as_ref()?.read().ok()?;
        let catalog = reader.catalog();
        let module =
            catalog.with_id(&id).ok()?.into_iter().find(|module| module.record.id == *id)?;
        InMemoryModule::read(&reader, module).ok().map(Arc::new)
    }

    fn hold(
        &self,
        mapped: &Mapped,
    ) -> Result<(Option<Arc<InMemoryModule>>, Option<Mapped>), Error> {
        let file = DebugFile::parse(mapped)?;
        let debug = file.debug_file(&self.search).or_else(|| self.fetched(&file));
        let file = file.with_debug_data(
            debug.as_ref().and_then(|debug| DebugFile::parse(debug).ok()),
            &self.search,
        );
        let held = match self.stored(file.info(), file.bytes() as u64) {
            Some(held) => Some(held),
            None => self.import(&file)?,
        };
        let pdb = file.pdb(&self.search);
        drop(file);
        // The store joins both. A PDB that cannot be read leaves what the image tells.
        let both = pdb.and_then(|pdb| self.hold(&pdb).ok()?.0);
        Ok((both.or_else(|| held.map(Arc::new)), debug))
    }

    /// The module of the file that `info` describes, if the store knows all that the file can tell.
    fn stored(&self, info: &ModuleInfo, bytes: u64) -> Option<InMemoryModule> {
        let reader = self.store.as_ref()?.read().ok()?;
        let module = reader.module(info).ok()?.filter(|module| module.record.knows(info, bytes))?;
        InMemoryModule::read(&reader, &module).ok()
    }

    /// Reads `file` and keeps what it tells, if there is a store to keep it in.
    fn import(&self, file: &DebugFile<'_>) -> Result<Option<InMemoryModule>, Error> {
        let bytes = file.bytes() as u64;
        let symbols = match file.read(&self.search, &Progress::default()) {
            Ok(symbols) => symbols,
            Err(Error::NoSymbols { .. } | Error::InPdb { .. } | Error::Companion { .. }) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let packed = pack(&symbols, bytes)
            .map_err(|cause| Error::Io { path: file.path().to_owned(), cause })?;
        let committed = self
            .store
            .as_ref()
            .and_then(|store| store.commit(slice::from_ref(&packed), false).ok());
        let is_joined = committed.is_some_and(|committed| {
            committed.iter().any(|module| module.module.record.sources.len() > 1)
        });
        // Where the store knew another file of this build, both together know more.
        let joined = if is_joined { self.stored(file.info(), bytes) } else { None };
        Ok(Some(joined.unwrap_or_else(|| InMemoryModule::of(packed))))
    }
}
