//! One module as one file: in, a module of a store; out, a file that another store can take, and back.
//!
//! The file is a sorted table of RocksDB with the module's blocks and footer as the store has them: those of a sealed store are
//! sealed, and need its master key.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use rocksdb::{DB, IngestExternalFileOptions, SstFileWriter};

use super::key::AFTER_FOOTERS;
use super::reader::{self, Reader, iterator, read_options};
use super::{Error, FAMILY, Module, Store, options};
use crate::contents::Contents;
use crate::pack::Packed;
use crate::seal::key_of_footer;

/// Ends every table file of RocksDB (`kBlockBasedTableMagicNumber`).
const MAGIC: [u8; 8] = 0x88e2_41b7_85f4_cff7_u64.to_le_bytes();

/// Whether the file at `path` looks like a segment.
pub fn is_segment(path: &Path) -> bool {
    let tail = || {
        // Whoever opens a pipe waits for the other end.
        let mut file = fs::metadata(path).ok().filter(fs::Metadata::is_file).and_then(|_| File::open(path).ok())?;
        file.seek(SeekFrom::End(-i64::try_from(MAGIC.len()).ok()?)).ok()?;
        let mut tail = [0; MAGIC.len()];
        file.read_exact(&mut tail).ok().map(|()| tail)
    };
    tail() == Some(MAGIC)
}

impl Reader {
    /// Writes `module` to `path`, as it is stored. On disk before this returns; an existing file is replaced at the end.
    ///
    /// # Errors
    /// If the store cannot be read, or the file cannot be written.
    pub fn export(&self, module: &Module, path: &Path) -> Result<(), Error> {
        let io = |cause| Error::io(path, cause);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let draft = tempfile::Builder::new().prefix(".segment-").tempfile_in(folder).map_err(io)?;
        let Some(db) = self.db() else { return Ok(()) };
        let options = options();
        let mut segment = SstFileWriter::create(&options);
        let mut write = || {
            segment.open(draft.path())?;
            let (first, after) = module.generation.extent();
            for (from, until) in [(module.generation.footer(), None), (first, Some(after))] {
                let mut read = read_options();
                read.set_iterate_upper_bound(until.map_or_else(|| AFTER_FOOTERS.to_vec(), |until| until.to_vec()));
                let Some(mut iterator) = iterator(db, read) else { continue };
                iterator.seek(from);
                while let Some((key, value)) = iterator.item().filter(|(key, _)| until.is_some() || *key == from) {
                    segment.put(key, value)?;
                    iterator.next();
                }
                iterator.status()?;
            }
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
        let damaged = |fact: String| Error::Segment { path: path.to_owned(), fact };
        // A table cannot be read but from a database: one that is gone afterwards.
        let folder = tempfile::tempdir().map_err(|cause| Error::io(&std::env::temp_dir(), cause))?;
        let copy = folder.path().join("segment.sst");
        fs::copy(path, &copy).map_err(|cause| Error::io(path, cause))?;
        let open = || {
            let mut options = options();
            options.create_if_missing(true);
            let db = DB::open_cf(&options, folder.path().join("db"), [FAMILY])?;
            let mut ingest = IngestExternalFileOptions::default();
            ingest.set_move_files(true);
            db.ingest_external_file_opts(&ingest, vec![copy.clone()])?;
            Ok(db)
        };
        let db = open().map_err(|error: rocksdb::Error| damaged(error.to_string()))?;
        let is_sealed = is_sealed(&db);
        let known = reader::generations(&db, &Self { path: path.to_owned(), ..self.clone() }, is_sealed)?;
        let mut modules = Vec::new();
        for (generation, module) in known {
            let module = module.ok_or_else(|| damaged("its footer is damaged".to_owned()))?;
            let blocks = reader::stored(&db, &module).map_err(|error| damaged(error.to_string()))?;
            if let Some(problem) = Contents::read(&module.footer, &blocks).problems.first() {
                return Err(damaged(problem.to_string()));
            }
            modules.push(Packed { footer: module.footer, key: generation.module, blocks });
        }
        if modules.is_empty() { Err(damaged("it holds no module".to_owned())) } else { Ok(modules) }
    }
}

/// Whether the first footer of `db` is sealed.
fn is_sealed(db: &DB) -> bool {
    let Some(mut iterator) = iterator(db, read_options()) else { return false };
    iterator.seek_to_first();
    iterator.value().and_then(key_of_footer).is_some()
}
