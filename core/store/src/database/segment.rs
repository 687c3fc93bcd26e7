//! One module as one file, which another store can take.
//!
//! The file is a sorted table of RocksDB with the module's record and blocks as the store has them.
//! Those of a sealed store are sealed; the keys that open them go along, wrapped by the master key
//! that the store had when the file was written.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use rocksdb::SstFileWriter;

use super::reader::{Reader, iterator, read_options};
use super::record::Known;
use super::salvage::Salvage;
use super::stored::stored_in;
use super::v3;
use super::{Error, Module, Store, options};
use crate::block::link;
use crate::module::key::{self, area};
use crate::pack::Packed;
use crate::seal::{Locked, Ring};
use crate::unpack::Contents;

/// Ends every table file of RocksDB (`kBlockBasedTableMagicNumber`).
const MAGIC: [u8; 8] = 0x88e2_41b7_85f4_cff7_u64.to_le_bytes();
/// The row with the key ring, behind all others.
pub(super) const RING: [u8; 1] = [area::BLOCKS + 1];

/// Whether the file at `path` looks like a segment.
pub fn is_segment(path: &Path) -> bool {
    let tail = || {
        // Whoever opens a pipe waits for the other end.
        let mut file = fs::metadata(path)
            .ok()
            .filter(fs::Metadata::is_file)
            .and_then(|_| File::open(path).ok())?;
        file.seek(SeekFrom::End(-i64::try_from(MAGIC.len()).ok()?)).ok()?;
        let mut tail = [0; MAGIC.len()];
        file.read_exact(&mut tail).ok().map(|()| tail)
    };
    tail() == Some(MAGIC)
}

impl Reader {
    /// Writes `module` to `path`, as it is stored. On disk before this returns; an existing file is
    /// replaced at the end.
    ///
    /// # Errors
    /// If the store cannot be read, or the file cannot be written.
    pub fn export(&self, module: &Module, path: &Path) -> Result<(), Error> {
        let io = |cause| Error::io(path, cause);
        let folder =
            path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let draft = tempfile::Builder::new().prefix(".segment-").tempfile_in(folder).map_err(io)?;
        let Some(db) = self.db() else { return Ok(()) };
        let ring = self
            .ring()
            .zip(self.store().key.as_ref())
            .map(|(ring, key)| ring.wrap(key))
            .transpose()
            .map_err(io)?;
        let options = options();
        let mut segment = SstFileWriter::create(&options);
        let mut write = || {
            segment.open(draft.path())?;
            let record = module.generation.module.record();
            if let Some(bytes) = db.get_opt(record, &read_options())? {
                segment.put(record, bytes)?;
            }
            let (first, after) = module.generation.extent();
            let mut read = read_options();
            read.set_iterate_upper_bound(after);
            if let Some(mut iterator) = iterator(db, read) {
                iterator.seek(first);
                while let Some((key, value)) = iterator.item() {
                    if let Some(sealed) = key::sealed(key) {
                        segment.put(sealed, value)?;
                    }
                    iterator.next();
                }
                iterator.status()?;
            }
            ring.as_ref().map_or(Ok(()), |ring| segment.put(RING, ring))?;
            segment.finish()
        };
        write().map_err(|source| self.database_error(source))?;
        let file = File::open(draft.path()).and_then(|file| file.sync_all());
        file.and_then(|()| draft.persist(path).map(drop).map_err(|error| error.error)).map_err(io)
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
        let salvage = Salvage::of_table(path).map_err(io)?;
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
