//! Writing a store: in, packed modules; out, the modules in the store, whole, or an error and the store as it was.
//!
//! ```text
//! lock    write.lock: one writer at a time
//! write   staging/blocks.sst      blocks of new generations
//!         staging/footers.sst     their footers, and tombstones for those of generations that are replaced or removed
//! ingest  both in one step: this is the moment at which modules appear, change and go
//! tidy    if nobody reads: blocks without a footer are deleted (tidy.rs)
//! ```

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rocksdb::{ColumnFamilyDescriptor, DB, IngestExternalFileOptions, SstFileWriter};

use super::catalog::{Footer, Module, now_ms};
use super::lock::Lock;
use super::reader::{self, Known};
use super::{Error, FAMILY, Format, Generation, ModuleKey, Store, options};
use crate::block::{Compressed, Kind, compress};
use crate::complete::{self, Plan, complete};
use crate::pack::Packed;
use crate::seal::Seal;

/// Names of files in `staging/`.
pub(super) const BLOCKS: &str = "blocks.sst";
pub(super) const FOOTERS: &str = "footers.sst";

/// What became of a module.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The module as it is in the store now.
    pub module: Module,
    /// Whether the module knew all that the file can tell, so that nothing was written.
    pub was_there: bool,
}

/// A module on its way into the store.
pub(super) struct Part<'a> {
    pub module: Module,
    pub blocks: &'a [Compressed],
}

/// A store open for writing.
pub(super) struct Writer<'s> {
    pub store: &'s Store,
    pub format: Format,
    pub db: DB,
    lock: Lock,
}

impl Store {
    /// Writes `modules`, and drops what earlier imports of them had written. New ones go in together. What the store knows of
    /// a module and what the file tells are put together (see [`mod@crate::complete`]); with `replace`, the file takes the place
    /// of what was known from it. Once this returns, the modules survive a crash of this process or of the machine.
    ///
    /// # Errors
    /// Any [`Error`]; the modules with which it happened and those after them have not been changed then.
    pub fn commit(&self, modules: &[Packed], replace: bool) -> Result<Vec<Committed>, Error> {
        self.create()?;
        self.healed(self.commit_all(modules, replace))
    }

    fn commit_all(&self, modules: &[Packed], replace: bool) -> Result<Vec<Committed>, Error> {
        let writer = Writer::open(self)?;
        let mut known = writer.known()?;
        let (mut committed, mut has_replaced) = (Vec::with_capacity(modules.len()), false);
        let mut rest = modules;
        while let Some((first, after)) = rest.split_first() {
            let mut keys: HashSet<ModuleKey> = known.iter().map(|(generation, _)| generation.module).collect();
            let new = rest.iter().take_while(|module| keys.insert(module.key)).count();
            if new > 0 {
                committed.extend(writer.commit_new(&mut known, &rest[..new])?);
                rest = &rest[new..];
            } else {
                let module = writer.commit_known(&mut known, first, replace)?;
                has_replaced |= !module.was_there;
                committed.push(module);
                rest = after;
            }
        }
        writer.tidy(has_replaced);
        Ok(committed)
    }

    /// Removes `modules` with all that was imported of them, all in one step. Once this returns, they stay removed after a crash
    /// of this process or of the machine. A module that is not there any more is passed over.
    ///
    /// # Errors
    /// Any [`Error`]; then all of them are still there.
    pub fn remove(&self, modules: &[ModuleKey]) -> Result<(), Error> {
        self.healed(self.remove_all(modules))
    }

    fn remove_all(&self, modules: &[ModuleKey]) -> Result<(), Error> {
        let writer = Writer::open(self)?;
        let known = writer.known()?;
        let gone: Vec<Generation> = known.iter().map(|(generation, _)| *generation).filter(|of| modules.contains(&of.module)).collect();
        writer.put(&[], &gone)?;
        writer.tidy(!gone.is_empty());
        Ok(())
    }
}

impl<'s> Writer<'s> {
    /// Waits until no other process writes.
    pub(super) fn open(store: &'s Store) -> Result<Self, Error> {
        Format::read(store)?.admit_writing(store)?;
        let lock = Lock::exclusive(&store.write_lock(), store.wait)?;
        // The key may have been changed meanwhile.
        let format = Format::read(store)?;
        format.admit_writing(store)?;
        store.finish_repair()?;
        store.heal()?;
        Self::in_folder(store, &store.symbols(), format, lock)
    }

    /// The same, with the database in `folder`.
    pub(super) fn in_folder(store: &'s Store, folder: &Path, format: Format, lock: Lock) -> Result<Self, Error> {
        let mut options = options();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        let family = ColumnFamilyDescriptor::new(FAMILY, options.clone());
        let db = DB::open_cf_descriptors(&options, folder, [family]).map_err(|source| store.database_error(source))?;
        Ok(Self { store, format, db, lock })
    }

    /// Closes the database and keeps the lock.
    pub(super) fn close(self) -> Lock {
        drop(self.db);
        self.lock
    }

    /// What is in the store.
    pub(super) fn known(&self) -> Result<Known, Error> {
        reader::generations(&self.db, self.store, self.format.is_sealed())
    }

    /// Writes modules of which the store knows nothing.
    fn commit_new(&self, known: &mut Known, modules: &[Packed]) -> Result<Vec<Committed>, Error> {
        let mut parts = Vec::with_capacity(modules.len());
        for (packed, moment) in modules.iter().zip(moment_after(known)..) {
            let mut footer = with_names_of(&packed.footer, None);
            footer.stamp(moment);
            parts.push(self.part(Generation { module: packed.key, number: 1 }, footer, &packed.blocks)?);
        }
        self.check_quota(known, &parts, None)?;
        self.put(&parts, &[])?;
        known.extend(parts.iter().map(|part| (part.module.generation, Some(part.module.clone()))));
        Ok(parts.into_iter().map(|part| Committed { module: part.module, was_there: false }).collect())
    }

    /// Writes a module of which the store knows something, or has remains.
    fn commit_known(&self, known: &mut Known, packed: &Packed, replace: bool) -> Result<Committed, Error> {
        let old: Known = known.iter().filter(|(generation, _)| generation.module == packed.key).cloned().collect();
        let before = old.iter().rev().find_map(|(_, module)| module.clone());
        let mut completed = None;
        if let Some(before) = before.as_ref().filter(|_| packed.footer.is_mapping()) {
            // Another mapping of the same id takes the place of the one before: two cannot complete each other.
            let is_same = packed.footer.sources.iter().zip(&before.footer.sources).all(|(new, old)| new.is_same_file(old));
            if is_same && !replace {
                return Ok(Committed { module: before.clone(), was_there: true });
            }
        } else if let Some(before) = &before {
            // A module of several files comes from another store, whole.
            let takes_over = packed.footer.sources.len() > 1 && (replace || packed.footer.tells_more_than(&before.footer));
            let plan = if takes_over { None } else { Plan::of(&before.footer, &packed.footer, replace) };
            if plan.is_none() && !takes_over {
                return Ok(Committed { module: before.clone(), was_there: true });
            }
            let blocks = || self.stored(before).map_err(complete::Error::Unreadable);
            match plan.map_or(Ok(None), |plan| complete(plan, &before.footer, blocks, packed).map(Some)) {
                Ok(together) => completed = together,
                Err(complete::Error::Pack(cause)) => return Err(Error::io(&self.store.path, cause)),
                // What is damaged gives way to a file that tells as much.
                Err(complete::Error::Damaged(_) | complete::Error::Unreadable(_)) if packed.footer.detail() >= before.footer.detail() => {}
                Err(complete::Error::Damaged(_) | complete::Error::Unreadable(_)) => {
                    return Ok(Committed { module: before.clone(), was_there: true });
                }
            }
        }
        let packed = completed.as_ref().unwrap_or(packed);
        let number = old.last().map_or(0, |(generation, _)| generation.number) + 1;
        let mut footer = with_names_of(&packed.footer, before.as_ref().map(|before| &before.footer));
        footer.stamp(moment_after(known));
        let parts = [self.part(Generation { module: packed.key, number }, footer, &packed.blocks)?];
        self.check_quota(known, &parts, Some(packed.key))?;
        let gone: Vec<Generation> = old.iter().map(|(generation, _)| *generation).collect();
        self.put(&parts, &gone)?;
        let [Part { module, .. }] = parts;
        known.retain(|(generation, _)| generation.module != packed.key);
        known.push((module.generation, Some(module.clone())));
        Ok(Committed { module, was_there: false })
    }

    fn part<'a>(&self, generation: Generation, footer: Footer, blocks: &'a [Compressed]) -> Result<Part<'a>, Error> {
        let seal = Seal::new(self.store.key.as_ref(), generation).map_err(|cause| Error::io(&self.store.path, cause))?;
        Ok(Part { module: Module { generation, footer, seal }, blocks })
    }

    /// Whether `parts` fit beside what is `known`, of which they replace `replaced`.
    fn check_quota(&self, known: &Known, parts: &[Part<'_>], replaced: Option<ModuleKey>) -> Result<(), Error> {
        let Some(quota) = self.store.quota else { return Ok(()) };
        let stay = known.iter().filter(|(generation, _)| Some(generation.module) != replaced).filter_map(|(_, module)| module.as_ref());
        let needed = stay.chain(parts.iter().map(|part| &part.module)).map(|module| module.footer.bytes_stored).sum();
        if needed > quota { Err(Error::Quota { store: self.store.path.clone(), quota, needed }) } else { Ok(()) }
    }

    /// All blocks of `module` but its footer.
    fn stored(&self, module: &Module) -> Result<Vec<Compressed>, Error> {
        reader::stored(&self.db, module).map_err(|source| self.store.database_error(source))
    }

    /// Puts `parts` into the database and takes generations out of it that are `gone`, all in one step, on disk before this returns.
    pub(super) fn put(&self, parts: &[Part<'_>], gone: &[Generation]) -> Result<(), Error> {
        let mut parts: Vec<&Part<'_>> = parts.iter().collect();
        parts.sort_by_key(|part| part.module.generation);
        let mut gone = gone.to_vec();
        gone.sort_unstable();
        let mut staged = Staged::new(self.store);
        if !parts.is_empty() {
            staged.write(BLOCKS, |segment| parts.iter().try_for_each(|part| put_blocks(segment, part)))?;
        }
        if !(parts.is_empty() && gone.is_empty()) {
            staged.write(FOOTERS, |segment| put_footers(segment, &parts, &gone))?;
        }
        staged.ingest(&self.db)
    }
}

/// Files on their way into the database.
pub(super) struct Staged<'s> {
    store: &'s Store,
    files: Vec<PathBuf>,
}

impl<'s> Staged<'s> {
    /// None yet.
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store, files: Vec::new() }
    }

    /// Writes a sorted file with what `fill` puts into it, and makes sure that it is on disk.
    pub(super) fn write(&mut self, name: &str, fill: impl FnOnce(&mut SstFileWriter<'_>) -> Result<(), Failure>) -> Result<(), Error> {
        let path = self.store.staging().join(name);
        self.files.push(path.clone());
        let options = options();
        let mut segment = SstFileWriter::create(&options);
        let written = segment.open(&path).map_err(Failure::from).and_then(|()| fill(&mut segment)).and_then(|()| Ok(segment.finish()?));
        written.map_err(|failure| match failure {
            Failure::Database(source) => self.store.database_error(source),
            Failure::Io(cause) => Error::io(&path, cause),
        })?;
        File::open(&path).and_then(|file| file.sync_all()).map_err(|cause| Error::io(&path, cause))
    }

    /// Moves them into the database, in one step.
    pub(super) fn ingest(mut self, db: &DB) -> Result<(), Error> {
        if self.files.is_empty() {
            return Ok(());
        }
        let family = db.cf_handle(FAMILY).ok_or_else(|| Error::NotAStore(self.store.path.clone()))?;
        let mut ingest = IngestExternalFileOptions::default();
        ingest.set_move_files(true);
        let files = std::mem::take(&mut self.files);
        // Files that did not go in stay: see heal.rs.
        db.ingest_external_file_cf_opts(family, &ingest, files).map_err(|source| self.store.database_error(source))
    }
}

impl Drop for Staged<'_> {
    /// If a file cannot be removed, it costs disk until the next change.
    fn drop(&mut self) {
        self.files.iter().for_each(|path| drop(fs::remove_file(path)));
    }
}

/// Why a file cannot be written.
pub(super) enum Failure {
    Database(rocksdb::Error),
    Io(std::io::Error),
}

impl From<rocksdb::Error> for Failure {
    fn from(error: rocksdb::Error) -> Self {
        Self::Database(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

fn put_blocks(segment: &mut SstFileWriter<'_>, part: &Part<'_>) -> Result<(), Failure> {
    let Module { generation, seal, .. } = &part.module;
    let closed: Result<Vec<Vec<u8>>, std::io::Error> = part.blocks.par_iter().map(|block| seal.close(*generation, block)).collect();
    for (block, bytes) in part.blocks.iter().zip(closed?) {
        segment.put(generation.key(block.kind, block.last), bytes)?;
    }
    Ok(())
}

/// Footers that come and footers that go, both in order of their keys.
fn put_footers(segment: &mut SstFileWriter<'_>, parts: &[&Part<'_>], gone: &[Generation]) -> Result<(), Failure> {
    let mut gone = gone.iter().peekable();
    for Part { module, .. } in parts {
        while let Some(generation) = gone.next_if(|gone| **gone < module.generation) {
            segment.delete(generation.footer())?;
        }
        let footer = serde_json::to_vec(&module.footer).map_err(std::io::Error::from)?;
        let footer = compress(Kind::Footer, u64::MAX, u64::MAX, &footer)?;
        segment.put(module.generation.footer(), module.seal.close(module.generation, &footer)?)?;
    }
    Ok(gone.try_for_each(|generation| segment.delete(generation.footer()))?)
}

/// Removes what a killed process left on its way in. Only called while no other process writes.
pub(super) fn sweep(staging: &Path) -> Result<(), Error> {
    fs::create_dir_all(staging).map_err(|cause| Error::io(staging, cause))?;
    let Ok(entries) = fs::read_dir(staging) else { return Ok(()) };
    // A file that cannot be removed costs disk, nothing else.
    entries.flatten().for_each(|entry| drop(fs::remove_file(entry.path())));
    Ok(())
}

/// Now, or the first moment after all modules of `known`: a clock may stand still, or go back.
fn moment_after(known: &Known) -> u64 {
    let last = known.iter().filter_map(|(_, module)| Some(module.as_ref()?.footer.imported_ms)).max();
    now_ms().max(last.map_or(0, |last| last.saturating_add(1)))
}

/// `footer`, by whose names, those of its files and those of `old` the module will be found.
fn with_names_of(footer: &Footer, old: Option<&Footer>) -> Footer {
    let mut footer = footer.clone();
    let before = old.into_iter().flat_map(|old| old.other_names.iter().chain([&old.name]));
    let names = before.chain(footer.sources.iter().map(|source| &source.name));
    footer.other_names = names.filter(|name| **name != footer.name).cloned().collect();
    footer.other_names.sort_unstable();
    footer.other_names.dedup();
    footer
}
