//! One module as one file, which another store can take.
//!
//! ```text
//! 0   "symtool segment\n"
//! 16  rows in the order of their keys: bytes of the key (2), bytes of the value (4), the key, the value
//! ```
//!
//! The rows are the module's record and blocks as the store has them, and the record's second copy.
//! What differs from store to store is not in them: when the module was imported, and by which
//! change. So the same contents give the same file, wherever it is written. Checksums are those of
//! the rows, which are made for their keys.
//!
//! Those of a sealed store are sealed; the keys that open them go along, wrapped by the master key
//! that the store had when the file was written. Stores that share one key ring need none of it:
//! what they hand each other stays the same when the master key is rotated.
//!
//! Earlier versions wrote a sorted table of RocksDB with the same rows, which is read, too.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use super::reader::{Reader, iterator, read_options};
use super::record::{self, Known, Record};
use super::salvage::Salvage;
use super::stored::stored_in;
use super::v3;
use super::{Error, Module, Store};
use crate::block::{Kind, link};
use crate::module::ModuleRecord;
use crate::module::key::{self, area};
use crate::pack::Packed;
use crate::seal::{Locked, Ring};
use crate::unpack::Contents;

/// Begins every segment.
const MAGIC: &[u8; 16] = b"symtool segment\n";
/// Ends every table file of RocksDB (`kBlockBasedTableMagicNumber`).
const TABLE_MAGIC: [u8; 8] = 0x88e2_41b7_85f4_cff7_u64.to_le_bytes();
/// The row with the key ring, behind all others.
pub(super) const RING: [u8; 1] = [area::BLOCKS + 1];
/// The sizes of key and value.
const HEAD_BYTES: usize = 6;

/// Whether a file of `bytes` looks like a segment.
pub fn is_segment(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) || bytes.ends_with(&TABLE_MAGIC)
}

/// The rows of a segment of `bytes`: each with its key, its value, and where the value begins.
/// `None` if it is a table of RocksDB. What stands behind damage is lost, which the record shows.
pub(super) fn rows(bytes: &[u8]) -> Option<impl Iterator<Item = (&[u8], &[u8], u64)>> {
    let mut at = bytes.starts_with(MAGIC).then_some(MAGIC.len())?;
    Some(std::iter::from_fn(move || {
        let (head, rest) = bytes.get(at..)?.split_at_checked(HEAD_BYTES)?;
        let key = usize::from(u16::from_be_bytes(*head.first_chunk()?));
        let value = usize::try_from(u32::from_be_bytes(*head.last_chunk()?)).ok()?;
        let (key, rest) = rest.split_at_checked(key)?;
        let value = rest.get(..value)?;
        let value_at = at + HEAD_BYTES + key.len();
        at = value_at + value.len();
        Some((key, value, value_at as u64))
    }))
}

/// Writes a row.
fn write(out: &mut impl Write, key: &[u8], value: &[u8]) -> io::Result<()> {
    let too_long = |_| io::Error::other("a row that is too long for a segment");
    out.write_all(&u16::try_from(key.len()).map_err(too_long)?.to_be_bytes())?;
    out.write_all(&u32::try_from(value.len()).map_err(too_long)?.to_be_bytes())?;
    out.write_all(key)?;
    out.write_all(value)
}

/// `module` without what is its store's.
fn canonical(module: &Module) -> Module {
    Module {
        generation: module.generation.in_segment(),
        record: ModuleRecord { imported: 0, imported_ms: 0, ..module.record.clone() },
        ..module.clone()
    }
}

impl Reader {
    /// Writes `module` to `path`. On disk before this returns; an existing file is replaced at the
    /// end.
    ///
    /// # Errors
    /// If the store cannot be read, or the file cannot be written.
    pub fn export(&self, module: &Module, path: &Path) -> Result<(), Error> {
        let io = |cause| Error::io(path, cause);
        let folder =
            path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let draft = tempfile::Builder::new().prefix(".segment-").tempfile_in(folder).map_err(io)?;
        let mut out = BufWriter::new(draft.as_file());
        self.write_segment(module, path, true, &mut out)?;
        out.flush().map_err(io)?;
        drop(out);
        draft.as_file().sync_all().map_err(io)?;
        draft.persist(path).map(drop).map_err(|error| io(error.error))
    }

    /// `module` as a segment.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn segment(&self, module: &Module) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.write_segment(module, &self.store().path, true, &mut bytes)?;
        Ok(bytes)
    }

    /// `module` as a segment for stores with the same key ring: without the keys that open it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn shared_segment(&self, module: &Module) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.write_segment(module, &self.store().path, false, &mut bytes)?;
        Ok(bytes)
    }

    /// Writes `module` to `out`, which is or becomes the file at `path`; with the key ring, if the
    /// store is sealed and `has_ring` says so.
    ///
    /// # Errors
    /// If the store cannot be read, or `out` cannot be written.
    fn write_segment(
        &self,
        module: &Module,
        path: &Path,
        has_ring: bool,
        out: &mut impl Write,
    ) -> Result<(), Error> {
        let io = |cause| Error::io(path, cause);
        let Some(db) = self.db() else { return Ok(()) };
        let ring = self
            .ring()
            .filter(|_| has_ring)
            .zip(self.store().key.as_ref())
            .map(|(ring, key)| ring.wrap(key))
            .transpose()
            .map_err(io)?;
        let canonical = canonical(module);
        let generation = canonical.generation;
        let raw = Record::of(&canonical, 0).raw().map_err(io)?;
        let close = |key: &[u8]| record::close(&module.seal, generation, key, &raw).map_err(io);
        let (first, second) =
            (generation.module.record(), generation.sealed_key(Kind::Record, u64::MAX));
        out.write_all(MAGIC).map_err(io)?;
        write(out, &first, &close(&first)?).map_err(io)?;
        let (from, after) = module.generation.extent();
        let mut read = read_options();
        read.set_iterate_upper_bound(after);
        if let Some(mut iterator) = iterator(db, read) {
            iterator.seek(from);
            while let Some((key, value)) = iterator.item() {
                if let Some(sealed) = key::sealed(key).filter(|sealed| *sealed != second) {
                    write(out, &sealed, value).map_err(io)?;
                }
                iterator.next();
            }
            iterator.status().map_err(|source| self.database_error(source))?;
        }
        write(out, &second, &close(&second)?).map_err(io)?;
        ring.map_or(Ok(()), |ring| write(out, &RING, &ring).map_err(io))
    }
}

impl Store {
    /// The modules of a segment, checked and ready to be committed.
    ///
    /// # Errors
    /// If it cannot be read, is damaged, needs another key, or is sealed while this store is not.
    pub fn read_segment(&self, path: &Path) -> Result<Vec<Packed>, Error> {
        let io = |cause| Error::io(path, cause);
        let damaged = |fact: String| Error::Segment { path: path.to_owned(), fact };
        let salvage = Salvage::of_segment(path).map_err(io)?;
        if salvage.is_v3() {
            return v3::read_segment(self, path);
        }
        let ring = self.ring_of(&salvage, path)?;
        let mut modules = Vec::new();
        for known in salvage.records(ring.as_deref()).map_err(io)?.values() {
            let Some(mut module) = Known::module(known) else { continue };
            module.generation = module.generation.in_segment();
            let mut blocks = stored_in(&salvage, &module).map_err(io)?;
            if let Some(problem) = Contents::read(&module.record, &blocks).problems.first() {
                return Err(damaged(problem.to_string()));
            }
            link(&mut blocks);
            modules.push(Packed { record: module.record, key: module.generation.module, blocks });
        }
        if modules.is_empty() {
            Err(damaged("it holds no module that can be read".to_owned()))
        } else {
            Ok(modules)
        }
    }

    /// The keys that open what is in a segment.
    fn ring_of(&self, salvage: &Salvage, path: &Path) -> Result<Option<Arc<Ring>>, Error> {
        let io = |cause| Error::io(path, cause);
        if !salvage.holds_sealed().map_err(io)? {
            return Ok(None);
        }
        let own = self.open_ring().ok().map(|opened| opened.ring);
        let mut wanted = None;
        for bytes in salvage.values(&RING).map_err(io)? {
            match Ring::unwrap(&bytes, self.key.as_ref()) {
                // One that comes from here stays readable after a rotation.
                Ok(ring) => {
                    return Ok(Some(
                        own.filter(|own| own.epoch(ring.newest().id()).is_some())
                            .unwrap_or(Arc::new(ring)),
                    ));
                }
                Err(Locked::Needs(key)) => wanted = Some(key),
                Err(Locked::Damaged(_)) => {}
            }
        }
        match (own, wanted) {
            (Some(own), _)
                if salvage
                    .records(Some(&own))
                    .map_err(io)?
                    .values()
                    .any(|known| known.record.module.is_some()) =>
            {
                Ok(Some(own))
            }
            (_, Some(wanted)) => {
                Err(Self { path: path.to_owned(), ..self.clone() }.needs_key(wanted))
            }
            (_, None) => Err(Error::Segment {
                path: path.to_owned(),
                fact: "its key ring is damaged".to_owned(),
            }),
        }
    }
}
