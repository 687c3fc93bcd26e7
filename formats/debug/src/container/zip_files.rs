//! Reads members of zip files by their names, whatever they are.

use hashbrown::HashMap;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder};

use super::{inflate, member_path, text};
use crate::bytes::{Error, Mapped};
use crate::limits::{MAX_ZIP_NAMES, MAX_ZIP_NAMES_BYTES};

/// The members of a zip file, by their names.
#[derive(Debug)]
pub struct ZipFiles {
    archive: Mapped,
    members: HashMap<String, Entry>,
}

/// Where a member is, and how.
#[derive(Clone, Copy, Debug)]
struct Entry {
    at: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    bytes: u64,
    crc: u32,
    is_encrypted: bool,
}

impl ZipFiles {
    /// Reads the directory of `archive`. Of members with one name the last counts, as everywhere.
    ///
    /// # Errors
    /// [`Error::DamagedArchive`] if it cannot be read, or names more than can be.
    pub fn open(archive: &Mapped) -> Result<Self, Error> {
        let damaged =
            |reason: String| Error::DamagedArchive { path: archive.path().to_owned(), reason };
        let zip =
            ZipArchive::from_slice(archive.bytes()).map_err(|error| damaged(error.to_string()))?;
        let (mut members, mut name_bytes) = (HashMap::new(), 0);
        for entry in zip.entries() {
            let entry = entry.map_err(|error| damaged(error.to_string()))?;
            let name = text(entry.file_path().as_ref());
            name_bytes += name.len();
            if members.len() == MAX_ZIP_NAMES || name_bytes > MAX_ZIP_NAMES_BYTES {
                return Err(damaged("it has too many members".to_owned()));
            }
            members.insert(
                name,
                Entry {
                    at: entry.wayfinder(),
                    method: entry.compression_method(),
                    bytes: entry.uncompressed_size_hint(),
                    crc: entry.crc32(),
                    is_encrypted: entry.flags().is_encrypted(),
                },
            );
        }
        Ok(Self { archive: archive.clone(), members })
    }

    /// The bytes of the member `name`, stored or deflated; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if it has more than `limit` bytes, else what is wrong with it.
    pub fn get(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let Some(entry) = self.members.get(name) else { return Ok(None) };
        let path = member_path(self.archive.path(), "!", name, "");
        if entry.is_encrypted {
            return Err(Error::Encrypted { path });
        }
        if entry.bytes > limit {
            return Err(Error::TooLarge { path, bytes: entry.bytes, limit });
        }
        let damaged = |reason: String| Error::DamagedArchive { path: path.clone(), reason };
        let zip = ZipArchive::from_slice(self.archive.bytes());
        let zip = zip.map_err(|error| damaged(error.to_string()))?;
        let found = zip.get_entry(entry.at).map_err(|error| damaged(error.to_string()))?;
        match entry.method {
            CompressionMethod::STORE if found.data().len() as u64 > limit => {
                Err(Error::TooLarge { path, bytes: found.data().len() as u64, limit })
            }
            CompressionMethod::STORE => Ok(Some(found.data().to_vec())),
            CompressionMethod::DEFLATE => {
                inflate::whole(found.data(), entry.bytes, entry.crc).map(Some).map_err(damaged)
            }
            method => Err(Error::Packing { path, method: method.to_string() }),
        }
    }
}
