//! One change of the store: blocks and rows as sorted files, ingested at once.

use super::{Part, ROWS, Rows, Writer};
use crate::block::{Compressed, Kind};
use crate::database::ack::Database;
use crate::database::garbage::Note;
use crate::database::head::Head;
use crate::database::record::Module;
use crate::database::record::{self, Known, Record};
use crate::database::{Error, FAMILY, Store, options};
use crate::module::Generation;
use crate::module::key::HEAD;
use crate::seal::{Place, Seal};
use rayon::prelude::*;
use rocksdb::{DB, IngestExternalFileOptions, SstFileWriter};
use std::fs;
use std::path::PathBuf;

/// Bytes of a record, about.
const RECORD_BYTES: u64 = 1 << 10;

/// Modules of a change share a file up to so many bytes.
const FILE_BYTES: u64 = 16 << 20;

impl Writer<'_> {
    /// The same without saying so.
    pub(crate) fn ingest(&mut self, parts: &[Part<'_>], gone: &[Known]) -> Result<(), Error> {
        let io = |cause| Error::io(&self.store.path, cause);
        let mut head = self.head;
        head.ack.sequence += 1;
        let mut rows = Rows::new();
        let mut new: Vec<NewModule<'_, '_>> = Vec::with_capacity(parts.len());
        for part in parts {
            let module = &part.module;
            let raw = Record::of(module, head.ack.sequence).raw().map_err(io)?;
            self.replace_rows(&mut rows, &mut head, part.before.as_ref(), Some((module, &raw)))?;
            new.push(NewModule { part, raw });
        }
        let mut staged = Staged::new(self.store);
        staged.write_modules(new, head.ack.sequence)?;
        if let Some(quota) = self
            .store
            .quota
            .filter(|quota| head.bytes_stored > (*quota).max(self.head.bytes_stored))
        {
            return Err(Error::Quota {
                store: self.store.path.clone(),
                quota,
                needed: head.bytes_stored,
            });
        }
        for known in gone {
            self.replace_rows(&mut rows, &mut head, Some(known), None)?;
        }
        self.finish(rows, staged, head)
    }

    /// Ingests `rows` and what is `staged`, as the change that `head` tells of.
    pub(crate) fn finish(
        &mut self,
        mut rows: Rows,
        mut staged: Staged<'_>,
        head: Head,
    ) -> Result<(), Error> {
        rows.insert(
            HEAD.to_vec(),
            Some(self.rows.close(&head).map_err(|cause| Error::io(&self.store.path, cause))?),
        );
        staged.write(ROWS, |segment| {
            rows.iter().try_for_each(|(key, value)| match value {
                Some(value) => segment.put(key, value),
                None => segment.delete(key),
            })?;
            Ok(())
        })?;
        // One that was not needed lies where the next one will, and takes it along when it goes.
        self.draft = None;
        self.draft = Some(head.ack.draft(self.store, Database::Symbols)?);
        staged.ingest(&self.db)?;
        self.head = head;
        Ok(())
    }

    /// The rows that change where what is known of a module, `before`, gives way to a `new` module
    /// and its record, or to the note that it was removed.
    fn replace_rows(
        &self,
        rows: &mut Rows,
        head: &mut Head,
        before: Option<&Known>,
        new: Option<(&Module, &[u8])>,
    ) -> Result<(), Error> {
        let io = |cause| Error::io(&self.store.path, cause);
        let Some(module) =
            new.map(|(module, _)| module.generation.module).or(before.map(|known| known.key))
        else {
            return Ok(());
        };
        let key = module.record();
        let old = before.and_then(Known::module);
        if let Some(before) = before {
            head.ack.sum.subtract(&self.rows.sum_key, &key, &before.raw);
        }
        if let Some((old, copy)) = old.as_ref().zip(before.map(|known| known.record.sequence)) {
            self.drop_rows(rows, head, (old, copy), new.map(|(new, _)| new)).map_err(io)?;
        }
        let raw = match new {
            Some((new, raw)) => {
                self.add_rows(rows, head, new).map_err(io)?;
                rows.insert(
                    key.to_vec(),
                    Some(record::close(&new.seal, new.generation, &key, raw).map_err(io)?),
                );
                raw.to_vec()
            }
            None => {
                let raw = Record::removed(head.ack.sequence).raw().map_err(io)?;
                let generation = Generation { module, number: 0, change: 0 };
                let seal = Seal::new(self.ring.as_deref(), generation);
                rows.insert(
                    key.to_vec(),
                    Some(record::close(&seal, generation, &key, &raw).map_err(io)?),
                );
                raw
            }
        };
        head.ack.sum.add(&self.rows.sum_key, &key, &raw);
        Ok(())
    }

    /// Drops the rows that find the module `old`, whose record was written in change `copy`, and
    /// notes what of it nobody needs, if `new` takes its place, or nothing does.
    fn drop_rows(
        &self,
        rows: &mut Rows,
        head: &mut Head,
        (old, copy): (&Module, u64),
        new: Option<&Module>,
    ) -> std::io::Result<()> {
        head.ack.rows = head.ack.rows.saturating_sub(1);
        head.bytes_stored = head.bytes_stored.saturating_sub(old.record.bytes_stored);
        let is_listed = self.tokens.is_in_order(old.generation);
        head.listed = head.listed.saturating_sub(u64::from(is_listed));
        let keys = self.tokens.rows(old.generation, &old.record);
        rows.extend(keys.into_iter().map(|key| (key, None)));
        for (place, bytes) in gone(old, new, copy) {
            head.noted += 1;
            let key = place.garbage();
            let value = self.rows.seal.close(&key, &Note { bytes }.encode())?;
            rows.insert(key, Some(value));
        }
        Ok(())
    }

    /// Adds the rows that find the module `new`.
    fn add_rows(&self, rows: &mut Rows, head: &mut Head, new: &Module) -> std::io::Result<()> {
        head.ack.rows += 1;
        head.bytes_stored += new.record.bytes_stored;
        head.imported_ms = head.imported_ms.max(new.record.imported_ms);
        head.listed += u64::from(self.tokens.is_in_order(new.generation));
        for key in self.tokens.rows(new.generation, &new.record) {
            let mark = self.mark(&key)?;
            rows.insert(key, Some(mark));
        }
        Ok(())
    }

    /// The value of a row that says something by being there.
    fn mark(&self, key: &[u8]) -> std::io::Result<Vec<u8>> {
        self.rows.seal.close(key, &[])
    }

    /// The head without a record that says that a module was removed.
    pub(crate) fn forget(&self, head: &mut Head, known: &Known) {
        head.ack.sum.subtract(&self.rows.sum_key, &known.key.record(), &known.raw);
    }
}

/// Where blocks and records lie that nobody needs any more, and their bytes, if `new` takes the
/// place of `old`, or nothing does. The second copy of the old record was written in change
/// `copy`: with its blocks, or alone.
fn gone(old: &Module, new: Option<&Module>, copy: u64) -> Vec<(Generation, u64)> {
    let blocks = old.generation;
    let has_gone = new.is_none_or(|new| new.generation != blocks);
    let blocks = has_gone.then_some((blocks, old.record.bytes_stored));
    let place = Generation { change: copy, ..old.generation };
    let copy = (place != old.generation).then_some((place, RECORD_BYTES));
    blocks.into_iter().chain(copy).collect()
}

/// A module, and the bytes of its record before compression.
struct NewModule<'p, 'b> {
    part: &'p Part<'b>,
    raw: Vec<u8>,
}

impl NewModule<'_, '_> {
    /// Writes its blocks, if it has new ones, and its record's second copy.
    fn write(&self, segment: &mut SstFileWriter<'_>, change: u64) -> Result<(), Failure> {
        let module = &self.part.module;
        let generation = Generation { change, ..module.generation };
        let close = |block: &Compressed| {
            let sealed = generation.sealed_key(block.kind, block.last);
            let place = Place { key: &sealed, kind: block.kind, last: block.last };
            let bytes = module.seal.close(place, block, generation)?;
            Ok((generation.key(block.kind, block.last), bytes))
        };
        let blocks = self.part.blocks.unwrap_or_default();
        let closed: Vec<_> = blocks.par_iter().map(close).collect::<Result<_, Failure>>()?;
        closed.iter().try_for_each(|(key, bytes)| segment.put(key, bytes))?;
        let sealed = generation.sealed_key(Kind::Record, u64::MAX);
        let copy = record::close(&module.seal, generation, &sealed, &self.raw)?;
        Ok(segment.put(generation.key(Kind::Record, u64::MAX), copy)?)
    }
}

/// Files on their way into the database.
pub(crate) struct Staged<'s> {
    store: &'s Store,
    files: Vec<PathBuf>,
}

impl<'s> Staged<'s> {
    /// None yet.
    pub(crate) fn new(store: &'s Store) -> Self {
        Self { store, files: Vec::new() }
    }

    /// Writes a sorted file with what `fill` puts into it. RocksDB makes sure that it is on disk.
    pub(crate) fn write(
        &mut self,
        name: &str,
        fill: impl FnOnce(&mut SstFileWriter<'_>) -> Result<(), Failure>,
    ) -> Result<(), Error> {
        let path = self.store.staging().join(name);
        self.files.push(path.clone());
        let options = options();
        let mut segment = SstFileWriter::create(&options);
        let written = segment
            .open(&path)
            .map_err(Failure::from)
            .and_then(|()| fill(&mut segment))
            .and_then(|()| Ok(segment.finish()?));
        written.map_err(|failure| match failure {
            Failure::Database(source) => self.store.database_error(source),
            Failure::Io(cause) => Error::io(&path, cause),
        })
    }

    /// Writes the files of `modules`, which are those of one change. Small ones share a file.
    fn write_modules(
        &mut self,
        mut modules: Vec<NewModule<'_, '_>>,
        change: u64,
    ) -> Result<(), Error> {
        modules.sort_by_key(|module| module.part.module.generation);
        let mut bytes = 0;
        let files = modules.chunk_by(|module, _| {
            bytes += module.part.module.record.bytes_stored;
            let has_room = bytes < FILE_BYTES;
            bytes = if has_room { bytes } else { 0 };
            has_room
        });
        for modules in files {
            let name = format!("blocks-{}.sst", self.files.len());
            self.write(&name, |segment| {
                modules.iter().try_for_each(|module| module.write(segment, change))
            })?;
        }
        Ok(())
    }

    /// Moves them into the database, in one step.
    pub(crate) fn ingest(mut self, db: &DB) -> Result<(), Error> {
        if self.files.is_empty() {
            return Ok(());
        }
        let family =
            db.cf_handle(FAMILY).ok_or_else(|| Error::NotAStore(self.store.path.clone()))?;
        let mut ingest = IngestExternalFileOptions::default();
        ingest.set_move_files(true);
        let files = std::mem::take(&mut self.files);
        // Files that did not go in stay: see recover.rs.
        db.ingest_external_file_cf_opts(family, &ingest, files)
            .map_err(|source| self.store.database_error(source))
    }
}

impl Drop for Staged<'_> {
    /// If a file cannot be removed, it costs disk until the next change.
    fn drop(&mut self) {
        self.files.iter().for_each(|path| drop(fs::remove_file(path)));
    }
}

/// Why a file cannot be written.
pub(crate) enum Failure {
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
