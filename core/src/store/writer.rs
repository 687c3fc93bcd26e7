//! Writing a store: in, a packed module; out, the module in the store, whole, or an error and the store as it was.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rocksdb::{ColumnFamilyDescriptor, DB, IngestExternalFileOptions, SstFileWriter, WriteBatch, WriteOptions};

use super::catalog::{Footer, Module, now_ms};
use super::lock::Lock;
use super::{Error, FAMILY, Generation, ModuleKey, Store, options, reader};
use crate::block::{Kind, Sealed, seal};
use crate::complete::{self, Plan, complete};
use crate::pack::Packed;

/// What became of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The module as it is in the store now.
    pub module: Module,
    /// Whether the module knew all that the file can tell, so that nothing was written.
    pub was_there: bool,
}

/// Generations of a store in key order, each with its footer if it can be read.
type Known = Vec<(Generation, Option<Footer>)>;

/// One module of a segment.
struct Part<'a> {
    generation: Generation,
    blocks: &'a [Sealed],
    footer: &'a Footer,
}

impl Store {
    /// Writes `modules`, and drops what earlier imports of them had written. New ones go in together, by one
    /// segment. What the store knows of a module and what the file tells are put together (see
    /// [`mod@crate::complete`]); with `replace`, the file takes the place of what was known from it. Once this
    /// returns, the modules survive a crash of this process or of the machine.
    ///
    /// # Errors
    /// Any [`Error`]; the modules with which it happened and those after them have not been changed then.
    pub fn commit(&self, modules: &[Packed], replace: bool) -> Result<Vec<Committed>, Error> {
        self.create()?;
        let _lock = Lock::exclusive(&self.lock_path(), self.wait)?;
        self.sweep_staging();
        let db = self.open_for_writing()?;
        let mut known = reader::generations(&db).map_err(|source| self.database_error(source))?;
        let mut committed = Vec::with_capacity(modules.len());
        let mut rest = modules;
        while let Some((first, after)) = rest.split_first() {
            let mut keys: HashSet<ModuleKey> = known.iter().map(|(generation, _)| generation.module).collect();
            let new = rest.iter().take_while(|module| keys.insert(module.key)).count();
            if new > 0 {
                committed.extend(self.commit_new(&db, &mut known, &rest[..new])?);
                rest = &rest[new..];
            } else {
                committed.push(self.commit_known(&db, &mut known, first, replace)?);
                rest = after;
            }
        }
        Ok(committed)
    }

    /// Writes modules of which the store knows nothing.
    fn commit_new(&self, db: &DB, known: &mut Known, modules: &[Packed]) -> Result<Vec<Committed>, Error> {
        let mut footers: Vec<Footer> = modules.iter().map(|module| with_names_of(&module.footer, None)).collect();
        footers.iter_mut().zip(moment_after(known)..).for_each(|(footer, moment)| footer.stamp(moment));
        let generation = |module: &Packed| Generation { module: module.key, number: 1 };
        let parts: Vec<Part<'_>> = modules
            .iter()
            .zip(&footers)
            .map(|(module, footer)| Part { generation: generation(module), blocks: &module.blocks, footer })
            .collect();
        self.put(db, parts)?;
        let committed = modules.iter().zip(footers).map(|(module, footer)| Module { generation: generation(module), footer });
        let committed: Vec<Committed> = committed.map(|module| Committed { module, was_there: false }).collect();
        known.extend(committed.iter().map(|committed| (committed.module.generation, Some(committed.module.footer.clone()))));
        Ok(committed)
    }

    /// Writes a module of which the store knows something, or has remains.
    fn commit_known(&self, db: &DB, known: &mut Known, module: &Packed, replace: bool) -> Result<Committed, Error> {
        let old: Known = known.iter().filter(|(generation, _)| generation.module == module.key).cloned().collect();
        let mut completed = None;
        if let Some((generation, Some(footer))) = old.last() {
            let Some(plan) = Plan::of(footer, &module.footer, replace) else {
                return Ok(Committed { module: Module { generation: *generation, footer: footer.clone() }, was_there: true });
            };
            let before = Module { generation: *generation, footer: footer.clone() };
            let blocks = || self.stored(db, &before).map_err(complete::Error::Unreadable);
            match complete(plan, footer, blocks, module) {
                Ok(packed) => completed = Some(packed),
                Err(complete::Error::Pack(cause)) => return Err(Error::io(&self.path, cause)),
                // What is damaged gives way to a file that tells as much.
                Err(complete::Error::Damaged(_) | complete::Error::Unreadable(_)) if module.footer.detail() >= footer.detail() => {}
                Err(complete::Error::Damaged(_) | complete::Error::Unreadable(_)) => {
                    return Ok(Committed { module: before, was_there: true });
                }
            }
        }
        let module = completed.as_ref().unwrap_or(module);
        let number = old.last().map_or(0, |(generation, _)| generation.number) + 1;
        let generation = Generation { module: module.key, number };
        let mut footer = with_names_of(&module.footer, old.last().and_then(|(_, footer)| footer.as_ref()));
        footer.stamp(moment_after(known));
        self.put(db, vec![Part { generation, blocks: &module.blocks, footer: &footer }])?;
        if let (Some((first, _)), Some((last, _))) = (old.first(), old.last()) {
            self.drop_generations(db, *first, *last)?;
        }
        known.push((generation, Some(footer.clone())));
        Ok(Committed { module: Module { generation, footer }, was_there: false })
    }

    /// Removes what a killed import left. Only called under the exclusive lock, when no other import is writing.
    fn sweep_staging(&self) {
        let Ok(entries) = fs::read_dir(self.staging()) else { return };
        // A file that cannot be removed costs disk, nothing else.
        entries.flatten().for_each(|entry| drop(fs::remove_file(entry.path())));
    }

    fn open_for_writing(&self) -> Result<DB, Error> {
        let mut options = options();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        let family = ColumnFamilyDescriptor::new(FAMILY, options.clone());
        DB::open_cf_descriptors(&options, self.symbols(), [family]).map_err(|source| self.database_error(source))
    }

    /// Puts `parts` into the database, all or none of them.
    fn put(&self, db: &DB, mut parts: Vec<Part<'_>>) -> Result<(), Error> {
        parts.sort_by_key(|part| part.generation.module);
        let segment = self.staging().join(format!("{}.sst", std::process::id()));
        self.write_segment(&segment, &parts).and_then(|()| self.ingest(db, &segment)).inspect_err(|_| drop(fs::remove_file(&segment)))
    }

    /// Writes all blocks and the footers, in key order, and makes sure that they are on disk.
    fn write_segment(&self, path: &Path, parts: &[Part<'_>]) -> Result<(), Error> {
        let io = |source| Error::io(path, source);
        let options = options();
        let mut segment = SstFileWriter::create(&options);
        let write = |result: Result<(), rocksdb::Error>| result.map_err(|source| self.database_error(source));
        write(segment.open(path))?;
        for Part { generation, blocks, footer } in parts {
            let footer = serde_json::to_vec(footer).map_err(|error| io(error.into()))?;
            let footer = seal(Kind::Footer, u64::MAX, u64::MAX, &footer).map_err(io)?;
            for block in blocks.iter().chain([&footer]) {
                write(segment.put(generation.key(block.kind, block.last), &block.bytes))?;
            }
        }
        write(segment.finish())?;
        File::open(path).and_then(|file| file.sync_all()).map_err(io)
    }

    fn ingest(&self, db: &DB, segment: &Path) -> Result<(), Error> {
        let family = db.cf_handle(FAMILY).ok_or_else(|| Error::NotAStore(self.path.clone()))?;
        let mut ingest = IngestExternalFileOptions::default();
        ingest.set_move_files(true);
        let paths: Vec<PathBuf> = vec![segment.to_owned()];
        db.ingest_external_file_cf_opts(family, &ingest, paths).map_err(|source| self.database_error(source))
    }

    /// Removes `modules` with all that was imported of them. Once this returns, they stay removed after a crash of
    /// this process or of the machine. A module that is not there any more is passed over.
    ///
    /// # Errors
    /// Any [`Error`]; the module at which it happened is still there or gone as a whole, those after it are there.
    pub fn remove(&self, modules: &[ModuleKey]) -> Result<(), Error> {
        self.check_format()?;
        let _lock = Lock::exclusive(&self.lock_path(), self.wait)?;
        let db = self.open_for_writing()?;
        let known = reader::generations(&db).map_err(|source| self.database_error(source))?;
        for key in modules {
            let generations = known.iter().map(|(generation, _)| *generation).filter(|generation| generation.module == *key);
            if let (Some(first), Some(last)) = (generations.clone().min(), generations.max()) {
                self.drop_generations(&db, first, last)?;
            }
        }
        Ok(())
    }

    /// Drops all generations of a module from `first` to `last`, in one step.
    fn drop_generations(&self, db: &DB, first: Generation, last: Generation) -> Result<(), Error> {
        let family = db.cf_handle(FAMILY).ok_or_else(|| Error::NotAStore(self.path.clone()))?;
        let (first, last) = (first.extent().0, last.extent().1);
        let mut after = last.to_vec();
        after.push(0);
        // One durable record makes them gone; only then may files go, in which footer and blocks can be apart.
        let mut gone = WriteBatch::default();
        gone.delete_range_cf(family, &first[..], &after[..]);
        let mut durably = WriteOptions::default();
        durably.set_sync(true);
        let dropped = db.write_opt(gone, &durably).and_then(|()| db.delete_file_in_range_cf(family, first, last));
        dropped.map_err(|source| self.database_error(source))
    }

    /// All blocks of `module` but its footer.
    fn stored(&self, db: &DB, module: &Module) -> Result<Vec<Sealed>, Error> {
        reader::stored(db, module).map_err(|source| self.database_error(source))
    }
}

/// Now, or the first moment after all modules of `known`: a clock may stand still, or go back.
fn moment_after(known: &Known) -> u64 {
    let last = known.iter().filter_map(|(_, footer)| Some(footer.as_ref()?.imported_ms)).max();
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
